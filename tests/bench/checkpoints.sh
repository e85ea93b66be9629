#!/usr/bin/env bash
# Legacy checkpoints to MAOS checkpoints: one 90 MB pickle of nested task dicts, and 1,000 small ones. The peers are
# CPython's pickle and json, the same with orjson, one interpreter for each file, and one interpreter for all files.
set -euo pipefail
venv=$PEERS/checkpoints-venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -c 'import orjson' 2>/dev/null || "$venv/bin/pip" install --quiet orjson==3.13.0
exec "$venv/bin/python" tests/bench/checkpoints.py "$MAOS_MIGRATE"
