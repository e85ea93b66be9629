# pip, which begins once it is told to, when it is known who it is; and which puts things back when it is asked to end.
import runpy, signal, sys

signal.signal(signal.SIGTERM, signal.default_int_handler)
if not sys.stdin.buffer.read(1):
    sys.exit("nobody waits for this installation any more")
runpy.run_module("pip", run_name="__main__", alter_sys=True)
