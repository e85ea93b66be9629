"""Measures checkpoint conversion beside Python. Argument: the release binary.

The two of a pair run in turn, a warm-up and then BENCH_RUNS times (5), so that a machine that is busy for a while slows both; the
ratio is the median of the pairs' ratios, the figures are medians. What the runs write is removed at the end, not in between: file
systems are slow at creating files for a while after many were removed. Peaks are those of whole processes.
"""
import json
import multiprocessing
import os
import pathlib
import pickle
import random
import statistics
import subprocess
import sys
import tempfile
import time

OURS = sys.argv[1]
MEGABYTES = int(os.environ.get("BENCH_MEGABYTES", "90"))
SMALL = int(os.environ.get("BENCH_FILES", "1000"))
RUNS = int(os.environ.get("BENCH_RUNS", "5"))

CONVERT = """
import json, pickle, sys
from datetime import datetime
def convert(source, target, dump):
    with open(source, 'rb') as f:
        legacy = pickle.load(f)
    dump({'version': '2.0.0', 'timestamp': datetime.now().isoformat(), 'migrated_from': source,
          'system_state': {'tasks': legacy.get('tasks', {}), 'agents': {}, 'shared_state': legacy.get('shared_data', {})},
          'metadata': {'legacy_version': legacy.get('version', 'unknown')}}, target)
def plain(value, target):
    with open(target, 'w') as f:
        json.dump(value, f, indent=2)
def fast(value, target):
    import orjson
    with open(target, 'wb') as f:
        f.write(orjson.dumps(value, option=orjson.OPT_INDENT_2))
dump = fast if sys.argv[1] == 'orjson' else plain
for source in sys.argv[3:]:
    convert(source, sys.argv[2] + '/' + source.rsplit('/', 1)[1] + '.json', dump)
"""


def task(rng, n, deep):
    return {
        "id": f"task-{n:07d}", "name": f"Task number {n}", "status": rng.choice(["pending", "running", "completed"]),
        "priority": rng.randrange(10), "progress": rng.random(), "created": 1_700_000_000 + n, "parent": None,
        "tags": [f"team-{n % 13}", f"area-{rng.randrange(40)}"], "retries": [rng.randrange(5) for _ in range(3)],
        "config": {"timeout": rng.randrange(30, 900), "flags": {"dry": n % 2 == 0, "notify": True}},
        "subtasks": [{"id": n * 10 + i, "done": i % 2 == 0, "weight": i / 7, "note": f"part {i} of {n}"} for i in range(deep)],
    }


def checkpoint(rng, count, deep):
    return {"version": "1.4", "tasks": {f"task-{n:07d}": task(rng, n, deep) for n in range(count)}, "shared_data": {"run": 7}}


def measure(command):
    """Seconds and peak bytes of a command; the folder of results is its last argument's business.

    What earlier runs left to the kernel goes to the disk first: nobody pays for another's bytes.
    """
    os.sync()
    started = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ,
                         file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{command[:2]} ended with {status}")
    return time.perf_counter() - started, usage.ru_maxrss * 1024


def new_folder():
    return tempfile.mkdtemp(dir=work)


def pair(name, ours, peer):
    """Measures two commands in turn, each into a new folder, and prints the line. Gives the greatest peak of ours."""
    results = []
    for run in range(RUNS + 1):
        both = [measure(make(new_folder())) for make in (ours, peer)]
        if run > 0:
            results.append(both)
    ratio = statistics.median(b[0] / a[0] for a, b in results)
    a, b = (statistics.median(result[side][0] for result in results) for side in (0, 1))
    print(f"{name} {ratio:.1f} {a:.3f} {b:.3f} s", flush=True)
    return max(a[1] for a, _ in results)


def write_large(path):
    """Writes the large pickle, in a process of its own: a child's peak begins with its parent's."""
    rng = random.Random(7)
    size, count = 0, MEGABYTES * 1_000_000 // 420
    while size < MEGABYTES * 1_000_000:
        data = pickle.dumps(checkpoint(rng, count, 6), 4)
        size = len(data)
        count = int(count * max(1.02, MEGABYTES * 1_000_000 / size * 1.01))
    path.write_bytes(data)


def ours(source):
    return lambda out: [OURS, "checkpoints", "apply", "--json", "--from", str(source), "--to", out, "--yes"]


def python(kind, files):
    return lambda out: [sys.executable, "-c", CONVERT, kind, out, *map(str, files)]


with tempfile.TemporaryDirectory() as folder:
    work = folder
    large = pathlib.Path(folder, "large")
    large.mkdir()
    file = large / "large.checkpoint"
    writer = multiprocessing.get_context("fork").Process(target=write_large, args=(file,))
    writer.start()
    writer.join()
    size = file.stat().st_size
    print(f"# one pickle of {size / 1e6:.1f} MB")
    peak = pair("large_vs_json", ours(large), python("json", [file]))
    peak = max(peak, pair("large_vs_orjson", ours(large), python("orjson", [file])))
    print(f"large_peak_memory - {peak / size:.2f} - times_the_file")

    rng = random.Random(11)
    small = pathlib.Path(folder, "small")
    small.mkdir()
    for n in range(SMALL):
        (small / f"batch_{n:04d}.checkpoint").write_bytes(pickle.dumps(checkpoint(rng, 6, 3), 4))
    files = sorted(small.iterdir())
    print(f"# {SMALL} pickles of {sum(f.stat().st_size for f in files) / SMALL / 1000:.1f} kB")
    # What was written until now goes to the disk first: syncing the results must not mean syncing that.
    os.sync()
    pair("small_vs_one_interpreter", ours(small), python("json", files))
    # The peer leaves its results to the kernel, ours are on the disk when it ends. Where syncing costs nothing both do the same work.
    if os.access("/dev/shm", os.W_OK):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
            work = memory
            pair("small_vs_one_interpreter_in_memory", ours(small), python("json", files))
        work = folder

    # One interpreter for each file, as the guide's loop does it; a part of the files, beside the same part of ours.
    part = pathlib.Path(folder, "part")
    part.mkdir()
    for f in files[: int(os.environ.get("BENCH_EACH", str(SMALL)))]:
        (part / f.name).write_bytes(f.read_bytes())
    loop = """
import subprocess, sys
for source in sys.argv[4:]:
    subprocess.run([sys.executable, "-c", sys.argv[1], sys.argv[2], sys.argv[3], source], check=True)
"""

    def each(out):
        return [sys.executable, "-c", loop, CONVERT, "json", out, *map(str, sorted(part.iterdir()))]

    RUNS = 1
    pair(f"small_vs_interpreter_each_{len(list(part.iterdir()))}", ours(part), each)
