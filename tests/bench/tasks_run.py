"""Measures conversion and staging beside their peers. Argument: the release binary.

Both sides take turns on the same files; each figure is the median of the turns.
"""
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

OURS = sys.argv[1]
HERE = pathlib.Path(__file__).parent
TURNS = int(os.environ.get("BENCH_TURNS", "3"))
TASKS = int(os.environ.get("BENCH_TASKS", "100000"))
LARGE = int(os.environ.get("BENCH_LARGE_BYTES", "1000000000"))


def measure(*command):
    """Wall seconds, CPU seconds and peak bytes of a command."""
    command = [str(word) for word in command]
    begin = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ,
                         file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{command[:4]} ended with {status}")
    return time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def line(name, ours, peer, unit):
    print(f"{name} {peer / ours:.2f} {ours:.3f} {peer:.3f} {unit}", flush=True)


def median(turns, at):
    return statistics.median(turn[at] for turn in turns)


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    tasks = folder / "tasks.json"
    subprocess.run([sys.executable, HERE / "tasks_peer.py", "generate", tasks, str(TASKS)], check=True)
    # A named script of one's own may stand for the peer: it gets the tasks file and the output as arguments.
    script = os.environ.get("BENCH_TASKS_PEER", HERE / "tasks_peer.py")
    ours, peer, compact = [], [], []
    for turn in range(TURNS):
        peer.append(measure(sys.executable, script, tasks, folder / "peer.json"))
        ours.append(measure(OURS, "tasks", "convert", "--json", tasks, "-o", folder / f"ours{turn}.json"))
        compact.append(measure(sys.executable, script, tasks, folder / "peer.json", "compact"))
    line("tasks_convert", median(ours, 0), median(peer, 0), "s")
    line("tasks_convert_processor", median(ours, 1), median(peer, 1), "s")
    line("tasks_convert_compact_peer", median(ours, 0), median(compact, 0), "s")

    graph = folder / "graph.json"
    subprocess.run([sys.executable, HERE / "tasks_graph.py", "generate", graph], check=True)
    ours, peer = [], []
    for _ in range(TURNS):
        told = subprocess.run([sys.executable, HERE / "tasks_graph.py", graph], check=True, capture_output=True, text=True)
        peer.append(float(told.stdout))
        ours.append(measure(OURS, "tasks", "stages", "--json", graph))
    print("# the whole process reads, builds, stages and prints; of the peer only building and staging are counted")
    line("tasks_stages", median(ours, 0), statistics.median(peer), "s")

    if LARGE:
        large = folder / "large.json"
        count = int(LARGE / (tasks.stat().st_size / TASKS) * 0.99)
        if shutil.disk_usage(folder).free < 12 * LARGE:
            print("# too little room for the large file")
            raise SystemExit(0)
        subprocess.run([sys.executable, HERE / "tasks_peer.py", "generate", large, str(count)], check=True)
        seconds, _, peak = measure(OURS, "tasks", "convert", "--json", large, "-o", folder / "large_out.json")
        print(f"# {large.stat().st_size / 1e6:.0f} MB of tasks in {seconds:.1f} s; the limit stands where a peer would")
        line("tasks_large_peak_memory", peak / 1e6, 256, "MB")
