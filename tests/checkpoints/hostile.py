"""Writes hostile.tsv: pickles that would run something if Python loaded them. Run it by hand, from this folder:

    python3 hostile.py > hostile.tsv

Each line is: what it is, the name that must be told, the byte and the operation that name it, the severity, and the bytes in
hexadecimal. Nothing here loads a pickle: the bytes are put together, or dumped by Python's own pickler, whose operations are then
listed to find the byte. A word in angle brackets, <canary>, stands for a path that the test puts in.
"""
import bz2
import gzip
import io
import lzma
import pickle
import pickletools
import struct
import sys
import tarfile
import types
import zipfile
import zlib

CALLS = """
builtins.eval builtins.exec builtins.compile builtins.open builtins.getattr builtins.setattr builtins.delattr builtins.__import__
builtins.globals builtins.vars builtins.breakpoint builtins.input builtins.map builtins.filter builtins.type builtins.memoryview
__builtin__.eval __builtin__.exec __builtin__.execfile __builtin__.file __builtin__.apply __builtin__.reduce __builtin__.getattr
__builtin__.__import__ __builtin__.raw_input os.system os.popen os.execv os.execvp os.spawnv os.spawnlp os.remove os.unlink
os.rename os.putenv os.startfile os.posix_spawn os.fork os.kill os.open posix.system posix.popen posix.posix_spawn nt.system
nt.startfile subprocess.Popen subprocess.run subprocess.call subprocess.check_call subprocess.check_output
subprocess.getoutput subprocess.getstatusoutput commands.getoutput popen2.popen3 sys.exit sys.settrace sys.setprofile
sys.addaudithook importlib.import_module importlib.reload importlib.machinery.SourceFileLoader imp.load_source
_frozen_importlib._call_with_frames_removed _frozen_importlib_external.SourceFileLoader runpy.run_path runpy.run_module
runpy._run_code runpy._run_module_code pkgutil.resolve_name pkgutil.get_data zipimport.zipimporter marshal.loads marshal.load
pickle.loads pickle.load pickle.Unpickler _pickle.loads cPickle.loads dill.loads dill._dill._create_function
cloudpickle.loads cloudpickle.cloudpickle._make_function jsonpickle.decode joblib.load shelve.open types.CodeType types.FunctionType
types.LambdaType types.MethodType codecs.decode codecs.open operator.attrgetter operator.itemgetter operator.methodcaller
_operator.attrgetter functools.partial functools.reduce functools.partialmethod _functools.partial itertools.starmap
code.InteractiveInterpreter codeop.compile_command timeit.timeit timeit.Timer timeit.main cProfile.run cProfile.runctx
profile.run profile.Profile trace.Trace pdb.run pdb.set_trace bdb.Bdb bdb.runeval doctest.debug_script doctest.testfile
unittest.main pydoc.pipepager pydoc.locate pydoc.tempfilepager pty.spawn pty.fork pip.main pip._internal.main
pip._internal.cli.main.main setuptools.setup ensurepip.bootstrap ensurepip._run_pip venv.create distutils.file_util.write_file
distutils.spawn.spawn lib2to3.pgen2.grammar.Grammar lib2to3.pgen2.pgen.ParserGenerator idlelib.run.Executive
idlelib.pyshell.ModifiedInterpreter idlelib.debugobj.ObjectTreeItem idlelib.autocomplete.AutoComplete
asyncio.create_subprocess_shell asyncio.subprocess.create_subprocess_exec asyncio.unix_events._UnixSubprocessTransport
multiprocessing.util.spawnv_passfds multiprocessing.context.Process concurrent.futures.ProcessPoolExecutor
_posixsubprocess.fork_exec threading.Thread _thread.start_new_thread signal.signal ctypes.CDLL ctypes.cast ctypes.PyDLL _ctypes.dlopen
_ctypes.LoadLibrary mmap.mmap socket.socket socket.create_connection _socket.socket ssl.get_server_certificate
http.client.HTTPSConnection httplib.HTTPSConnection urllib.request.urlopen urllib.urlopen urllib2.urlopen ftplib.FTP smtplib.SMTP
imaplib.IMAP4_stream poplib.POP3 telnetlib.Telnet xmlrpc.client.ServerProxy requests.get requests.api.post
aiohttp.client.ClientSession httpx.get urllib3.request webbrowser.open webbrowser.get antigravity.geohash io.open io.FileIO _io.FileIO
_io.open _pyio.open tempfile.mktemp tempfile.NamedTemporaryFile shutil.rmtree shutil.copyfile shutil.make_archive pathlib.os
glob.glob fileinput.input linecache.getline tokenize.open zipfile.ZipFile tarfile.open bz2.open gzip.open lzma.open
sqlite3.connect logging.config.listen logging.config.dictConfig logging.FileHandler configparser.ConfigParser gettext.translation
locale.bindtextdomain platform.popen platform._syscmd_ver uuid._popen uuid._get_command_stdout _aix_support._read_cmd_output
_osx_support._read_output _osx_support._find_build_tool _pyrepl.pager.pipe_pager _pyrepl.pager.tempfile_pager
_sitebuiltins.Quitter site.main sysconfig._main test.support.script_helper.assert_python_ok inspect.getattr_static
gc.get_objects weakref.ref contextlib.ExitStack atexit.register sched.scheduler cgitb.enable crypt.crypt crypt.mksalt
rlcompleter.Completer compileall.compile_file py_compile.compile ast.literal_eval enum.EnumMeta collections.namedtuple
typing.get_type_hints typing.ForwardRef dataclasses.make_dataclass random._os statistics._random string.Formatter
wsgiref.simple_server.make_server http.server.HTTPServer socketserver.TCPServer xml.sax.parse xml.etree.ElementTree.parse
copyreg.add_extension copyreg.__newobj__ copy_reg.add_extension copyreg._slotnames _codecs.decode _codecs.lookup
numpy.load numpy.fromfile numpy.memmap numpy.save numpy.testing._private.utils.runstring numpy.testing.utils.runstring
numpy.f2py.crackfortran.getlincoef numpy.f2py.crackfortran._eval_length numpy.distutils.exec_command.exec_command
torch.load torch.hub.load torch.jit.load torch.ops.load_library torch.utils._config_module.ConfigModule
torch._dynamo.guards.GuardBuilder torch.fx.experimental.symbolic_shapes.ShapeEnv torch.jit.unsupported_tensor_ops.execWrapper
torch.utils.bottleneck.__main__.run_cprofile torch.utils.collect_env.run torch._inductor.codecache.compile_file
torch.serialization.load torch.distributed.rpc.internal.PythonUDF tensorflow.io.write_file tensorflow.io.read_file
tensorflow.python.ops.gen_io_ops.write_file keras.models.load_model keras.layers.Lambda sklearn.utils._testing.check_skip_network
pandas.read_pickle pandas.eval pandas.io.common.get_handle scipy.io.loadmat sympy.sympify numexpr.evaluate
joblib.numpy_pickle.NumpyArrayWrapper joblib._memmapping_reducer._strided_from_memmap jax.eval_shape flax.serialization.msgpack_restore
transformers.pipeline mlflow.pyfunc.load_model lightning.pytorch.Trainer hydra.utils.instantiate omegaconf.OmegaConf
fsspec.open smart_open.open srsly.pickle_loads datasets.load_dataset ultralytics.YOLO paddle.load
yaml.unsafe_load ruamel.yaml.load jinja2.Template mako.template.Template paramiko.SSHClient fabric.Connection invoke.run sh.Command
pexpect.spawn ptyprocess.PtyProcess psutil.Popen docker.from_env celery.Celery django.core.management.call_command
flask.Flask IPython.embed IPython.core.interactiveshell.InteractiveShell RestrictedPython.compile_restricted
winreg.SetValue _winreg.SetValue _winapi.CreateProcess msvcrt.putch win32api.ShellExecute
""".split()

COMMAND = "touch <canary>"


def module_name(full):
    return full.rsplit(".", 1)


def text(value):
    data = value.encode()
    return b"\x8c" + bytes([len(data)]) + data


class Writer:
    """Operations in order; `here` marks the one that names."""

    def __init__(self, *parts):
        self.data = b""
        self.at = None
        self.opcode = None
        for part in parts:
            self.add(part)

    def add(self, part):
        if isinstance(part, tuple):
            self.opcode, part = part
            self.at = len(self.data)
        self.data += part


def name(module, attribute):
    return ("GLOBAL", f"c{module}\n{attribute}\n".encode())


STACK = ("STACK_GLOBAL", b"\x93")
ARG = text(COMMAND) + b"\x85"
LINE_ARG = f"(S'{COMMAND}'\nt".encode()


def forms(module, attribute):
    """Every way in which a name can be called, thrown away or hidden."""
    pair = text(module) + text(attribute)
    return [
        ("GLOBAL", [name(module, attribute), LINE_ARG, b"R."]),
        ("GLOBAL, call thrown away", [b"\x80\x02", name(module, attribute), LINE_ARG, b"R0}."]),
        ("STACK_GLOBAL", [b"\x80\x04", pair, STACK, ARG, b"R."]),
        ("INST", [LINE_ARG[:-1], ("INST", f"i{module}\n{attribute}\n".encode()), b"."]),
        ("OBJ", [b"(", name(module, attribute), LINE_ARG[1:-1], b"o."]),
        ("NEWOBJ", [b"\x80\x02", name(module, attribute), b"U\x02id\x85\x81."]),
        ("NEWOBJ_EX", [b"\x80\x04", pair, STACK, b")}\x92."]),
        ("BUILD", [b"\x80\x02", name(module, attribute), b"}U\x01aK\x01sb."]),
        ("inside a task", [b"\x80\x04}", text("tasks"), b"](}", text("x"), pair, STACK, ARG, b"Rse", b"s."]),
        ("key of a dict", [b"\x80\x04}(", pair, STACK, ARG, b"RK\x01u."]),
        ("names by memo", [b"\x80\x04", text(attribute), b"\x94", text(module), b"\x940h\x01h\x00", STACK, ARG, b"R."]),
        ("names by BINPUT over another entry",
         [b"\x80\x04", text("json"), b"q\x07", text(module), b"q\x07", text(attribute), b"q\x0800h\x07h\x08", STACK, ARG, b"R."]),
        ("names by LONG_BINPUT and GET",
         [b"\x80\x04", text(module), b"r\xff\xff\xff\x7f", text(attribute), b"p12\n00", b"j\xff\xff\xff\x7fg12\n", STACK, ARG, b"R."]),
        ("names by numbers with signs and spaces",
         [b"\x80\x04", text(module), b"p+3\n", text(attribute), b"p 1_0 \n00", b"g3\ng10\n", STACK, ARG, b"R."]),
        ("names in escaped text",
         [b"\x80\x04",
          b"V" + "".join(f"\\u{ord(c):04x}" for c in module).encode() + b"\n",
          b"S'" + "".join(f"\\x{ord(c):02x}" for c in attribute).encode() + b"'\n", STACK, ARG, b"R."]),
        ("callable by memo, popped and fetched", [b"\x80\x02", name(module, attribute), b"q\x000N0h\x00", LINE_ARG, b"R."]),
        ("then an unknown operation", [b"\x80\x04", pair, STACK, ARG, b"R\xff."]),
        ("then the end", [name(module, attribute), LINE_ARG, b"R"]),
        ("then a cut frame", [b"\x80\x04", pair, STACK, ARG, b"R\x95\xff"]),
        ("then an impossible length", [b"\x80\x04", pair, STACK, ARG, b"R\x8d\xff\xff\xff\xff\xff\xff\xff\x7f."]),
        ("then text that is not UTF-8", [b"\x80\x04", pair, STACK, ARG, b"R\x8c\x02\xff\xfe0."]),
        ("then a broken number", [name(module, attribute), LINE_ARG, b"RInope\n."]),
        ("then a broken string", [name(module, attribute), LINE_ARG, b"RS'no\n."]),
        ("then a missing mark", [name(module, attribute), LINE_ARG, b"R\x90."]),
        ("then an extension code", [name(module, attribute), LINE_ARG, b"R\x82\x010."]),
        ("behind an extension code", [b"\x80\x02\x83\x01\x020", name(module, attribute), LINE_ARG, b"R."]),
        ("behind a persistent id", [b"Pobject\n0", name(module, attribute), LINE_ARG, b"R."]),
        ("behind a buffer", [b"\x80\x05\x97\x980", name(module, attribute), LINE_ARG, b"R."]),
        ("behind a broken number", [b"Inope\n0", name(module, attribute), LINE_ARG, b"R."]),
        ("behind a second protocol mark", [b"\x80\x04\x80\x02", name(module, attribute), LINE_ARG, b"R."]),
        ("in a second pickle", [b"\x80\x04}.", b"\x80\x04", pair, STACK, ARG, b"R."]),
        ("in a second pickle behind a broken one", [b"\x80\x04}.", b"h\x09.", name(module, attribute), LINE_ARG, b"R."]),
        ("argument of an allowed class", [b"\x80\x02ccollections\nOrderedDict\n(", name(module, attribute), LINE_ARG, b"RtR."]),
        ("state of an allowed class", [b"\x80\x02ccollections\nOrderedDict\n)R", name(module, attribute), LINE_ARG, b"Rb."]),
        ("factory of a defaultdict", [b"\x80\x02ccollections\ndefaultdict\n", name(module, attribute), b"\x85R."]),
        ("member of a set", [b"\x80\x04\x8f(", pair, STACK, ARG, b"R\x90."]),
        ("the class of a reconstruction",
         [b"ccopy_reg\n_reconstructor\n(", name(module, attribute), b"c__builtin__\nobject\nNtR."]),
    ]


class Reduced:
    """An object whose pickle is a call: what the usual attack writes."""

    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce_ex__(self, protocol):
        return self.call


def stand_in(module, attribute):
    """A function that pickles under another name. It does nothing."""
    def function(*_):
        raise AssertionError("never called")
    function.__module__, function.__qualname__, function.__name__ = module, attribute, attribute
    return function


def dumped(module, attribute, protocol):
    """Python's own pickle of a call inside a checkpoint, and the byte that names it."""
    function = stand_in(module, attribute)
    parts = module.split(".")
    names = [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
    hidden = {part: sys.modules.get(part) for part in names}
    for part in names:
        sys.modules[part] = types.ModuleType(part)
    sys.modules[module].__dict__[attribute] = function
    try:
        data = pickle._dumps({"tasks": [{"id": 1, "nested": (Reduced(function, COMMAND), [Reduced(function, "x")])}]}, protocol,
                            fix_imports=False)
    finally:
        for part, known in hidden.items():
            if known is None:
                del sys.modules[part]
            else:
                sys.modules[part] = known
    for op, arg, at in pickletools.genops(data):
        if op.name == "STACK_GLOBAL" or (op.name == "GLOBAL" and arg == f"{module} {attribute}"):
            return data, at, op.name
    raise AssertionError("not named")


def containers():
    """The same call inside files that are not pickles: the name must still be told, from inside what can be opened."""
    inner = Writer(b"\x80\x02", name("os", "system"), b"U\x02id\x85R.").data
    stored, packed = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive:
        archive.writestr(zipfile.ZipInfo("model/version"), b"3\n")
        archive.writestr(zipfile.ZipInfo("model/data.pkl"), inner)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("model/data.pkl"), inner, zipfile.ZIP_DEFLATED)
    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w") as archive:
        archive.writestr(zipfile.ZipInfo("inner.zip"), packed.getvalue())
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr(zipfile.ZipInfo("data.pkl.gz"), gzip.compress(inner, mtime=0))
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        info = tarfile.TarInfo("state/data.pkl")
        info.size = len(inner)
        archive.addfile(info, io.BytesIO(inner))
    array = b"\x93NUMPY\x01\x00"
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    header += b" " * (63 - (len(array) + 2 + len(header)) % 64) + b"\n"
    array += struct.pack("<H", len(header)) + header + inner
    npz = io.BytesIO()
    with zipfile.ZipFile(npz, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("a.npy"), array, zipfile.ZIP_DEFLATED)
    # The directory at the end says that nothing is packed; the entry says otherwise.
    broken = bytearray(packed.getvalue())
    broken[broken.index(b"PK\x01\x02") + 10] = 0
    # The older format of model files: numbers and dicts in pickles of their own, before the one that matters.
    legacy = b"".join(pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})) + inner
    for what, data in [
        ("stored zip", stored.getvalue()),
        ("deflated zip", packed.getvalue()),
        ("zip in a zip", nested.getvalue()),
        ("gzip in a zip", zipped.getvalue()),
        ("zip whose directory lies", bytes(broken)),
        ("zip behind a foreign prefix", b"MZ" + b"\0" * 62 + stored.getvalue()),
        ("gzip", gzip.compress(inner, mtime=0)),
        ("gzip in gzip", gzip.compress(gzip.compress(inner, mtime=0), mtime=0)),
        ("tar", tar.getvalue()),
        ("tar in gzip", gzip.compress(tar.getvalue(), mtime=0)),
        ("zlib", zlib.compress(inner)),
        ("array of objects", array),
        ("archive of arrays", npz.getvalue()),
        ("older model file", legacy),
    ]:
        yield what, "os.system", "-", "GLOBAL", "critical", data
    # What cannot be opened here is refused as what it is.
    for what, data in [("bzip2", bz2.compress(inner)), ("xz", lzma.compress(inner)),
                       ("7z", b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(24) + inner),
                       ("lzma alone", lzma.compress(inner, lzma.FORMAT_ALONE))]:
        yield what, "-", "-", "-", "malformed", data


def cases():
    for number, full in enumerate(CALLS):
        module, attribute = module_name(full)
        table = forms(module, attribute)
        # Two ways for each name, so that all ways and all names meet without a file of megabytes.
        for step in (number, number * 7 + 3):
            what, parts = table[step % len(table)]
            made = Writer(*parts)
            yield f"{full}: {what}", full, made.at, made.opcode, "critical", made.data
        protocol = number % 6
        # A pickler writes that one as an operation of its own.
        if attribute != "__newobj__":
            data, at, opcode = dumped(module, attribute, protocol)
            yield f"{full}: dumped with protocol {protocol}", full, at, opcode, "critical", data
    for what, parts in forms("os", "system"):
        made = Writer(*parts)
        yield f"os.system: {what}", "os.system", made.at, made.opcode, "critical", made.data
    # Paths are allowed as values; what hangs on them is not.
    for full in ["pathlib.PosixPath.write_text", "pathlib.Path.unlink", "pathlib.PosixPath.__init__", "builtins.object.__reduce_ex__",
                 "builtins.str.format", "datetime.datetime.now", "collections.OrderedDict.__class__", "uuid.UUID.__init__.__globals__",
                 "decimal.Decimal.__class__", "acme.tasks.Task.__init__.__globals__"]:
        module, attribute = full.split(".", 1) if not full.startswith("acme") else ("acme.tasks", full[11:])
        made = Writer(b"\x80\x04", text(module) + text(attribute), STACK, ARG, b"R.")
        yield f"{full}: dotted", full, made.at, made.opcode, "critical", made.data
    # An application's own class is not hostile by its name alone.
    for full in ["acme.tasks.Task", "__main__.Job", "legacy_app.models.Priority"]:
        module, attribute = module_name(full)
        made = Writer(b"\x80\x02", name(module, attribute), b")\x81}U\x02idK\x01sb.")
        yield f"{full}: an application's class", full, made.at, made.opcode, "unknown", made.data
    yield from containers()


if __name__ == "__main__":
    for case in cases():
        *words, data = case
        print("\t".join(map(str, words)), data.hex(), sep="\t")
