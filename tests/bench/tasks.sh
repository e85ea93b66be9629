#!/usr/bin/env bash
# Conversion of 100,000 tasks beside a plain script, staging of a million nodes beside rustworkx, and the peak memory for
# a tasks file of 1 GB.
set -euo pipefail
venv=$PEERS/tasks-venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -c 'import rustworkx' 2>/dev/null || "$venv/bin/pip" install --quiet rustworkx==0.18.1
exec "$venv/bin/python" tests/bench/tasks_run.py "$MAOS_MIGRATE"
