"""Measures checkpoint conversion beside Python. Argument: the release binary. Each figure is the best of three runs."""
import json
import os
import pathlib
import pickle
import random
import resource
import subprocess
import sys
import tempfile
import time

OURS = sys.argv[1]
MEGABYTES = int(os.environ.get("BENCH_MEGABYTES", "90"))
SMALL = int(os.environ.get("BENCH_FILES", "1000"))
RUNS = 3

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
    """Seconds and peak bytes of a command; the folder of results is its last argument's business."""
    started = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ,
                         file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{command[:2]} ended with {status}")
    return time.perf_counter() - started, usage.ru_maxrss * 1024


def best(make):
    """The best of several runs, each into a new folder."""
    results = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory(dir=work) as out:
            results.append(measure(make(out)))
    return min(seconds for seconds, _ in results), max(peak for _, peak in results)


def line(name, ours, peer, unit):
    print(f"{name} {peer / ours:.1f} {ours:.3f} {peer:.3f} {unit}", flush=True)


def ours(source):
    return lambda out: [OURS, "checkpoints", "apply", "--json", "--from", str(source), "--to", out, "--yes"]


def python(kind, files):
    return lambda out: [sys.executable, "-c", CONVERT, kind, out, *map(str, files)]


with tempfile.TemporaryDirectory() as folder:
    work = folder
    rng = random.Random(7)
    large = pathlib.Path(folder, "large")
    large.mkdir()
    # Some 480 bytes a task of this shape.
    size = 0
    count = MEGABYTES * 1_000_000 // 620
    while size < MEGABYTES * 1_000_000:
        data = pickle.dumps(checkpoint(rng, count, 6), 4)
        size = len(data)
        count = int(count * max(1.02, MEGABYTES * 1_000_000 / size * 1.01))
    file = large / "large.checkpoint"
    file.write_bytes(data)
    del data
    print(f"# one pickle of {size / 1e6:.1f} MB")
    seconds, peak = best(ours(large))
    plain, _ = best(python("json", [file]))
    fast, _ = best(python("orjson", [file]))
    line("large_vs_json", seconds, plain, "s")
    line("large_vs_orjson", seconds, fast, "s")
    print(f"large_peak_memory - {peak / size:.2f} - times_the_file")

    small = pathlib.Path(folder, "small")
    small.mkdir()
    for n in range(SMALL):
        (small / f"batch_{n:04d}.checkpoint").write_bytes(pickle.dumps(checkpoint(rng, 6, 3), 4))
    files = sorted(small.iterdir())
    print(f"# {SMALL} pickles of {sum(f.stat().st_size for f in files) / SMALL / 1000:.1f} kB")
    seconds, _ = best(ours(small))
    whole, _ = best(python("json", files))
    line("small_vs_one_interpreter", seconds, whole, "s")
    # One interpreter for each file takes long: a part of the files, multiplied.
    part = files[: max(1, SMALL // 20)]
    with tempfile.TemporaryDirectory(dir=work) as out:
        each = sum(measure(python("json", [f])(out))[0] for f in part) * SMALL / len(part)
    line("small_vs_interpreter_each", seconds, each, "s")
