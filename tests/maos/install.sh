#!/usr/bin/env bash
# Installs the released maos-cli 0.9.4 into target/venvs, once: bash tests/maos/install.sh
#
# Click is pinned: the newest Typer no longer brings it, and without it every command of maos-cli fails. A second caller waits.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=target/venvs/maos-cli-0.9.4
[ ! -e "$venv/ready" ] || exit 0
mkdir -p target/venvs
exec 9>target/venvs/lock
flock 9
[ ! -e "$venv/ready" ] || exit 0
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "maos-cli needs Python 3.11" >&2; exit 1; }
rm -rf "$venv"
python3 -m venv "$PWD/$venv"
"$venv/bin/python" -m pip install -q --disable-pip-version-check maos-cli==0.9.4 click==8.1.8
touch "$venv/ready"
