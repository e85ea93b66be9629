#!/bin/sh
# Conversion and staging beside their peers, in one run. Needs the release binary, python3, and network for rustworkx.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
binary=${1:-$here/../../target/release/maos-migrate}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
seconds() { # what, command …
    what=$1
    shift
    begin=$(date +%s.%N)
    "$@" >/dev/null
    end=$(date +%s.%N)
    echo "$what $(echo "$end $begin" | awk '{printf "%.2f", $1 - $2}') s"
}
python3 "$here/tasks_peer.py" generate "$work/tasks.json" 100000
for round in 1 2 3; do
    seconds "convert 100,000: peer script " python3 "$here/tasks_peer.py" "$work/tasks.json" "$work/peer.json"
    seconds "convert 100,000: maos-migrate" "$binary" tasks convert --json "$work/tasks.json" -o "$work/out$round.json"
done
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q rustworkx
"$work/venv/bin/python" "$here/tasks_graph.py" generate "$work/graph.json"
for round in 1 2 3; do
    "$work/venv/bin/python" "$here/tasks_graph.py" "$work/graph.json"
    seconds "maos-migrate: read, build, stage and print" "$binary" tasks stages --json "$work/graph.json"
done
python3 "$here/tasks_peer.py" generate "$work/large.json" 6200000
ls -l "$work/large.json" | awk '{print "large file", $5, "bytes"}'
python3 - "$binary" "$work/large.json" "$work/large_out.json" <<'PY'
import resource, subprocess, sys
subprocess.run([sys.argv[1], "tasks", "convert", "--json", sys.argv[2], "-o", sys.argv[3]], check=True, stdout=subprocess.DEVNULL)
print(f"peak memory for the large file: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024} MiB, limit 256")
PY
