#!/usr/bin/env bash
# Fetches the released maos-cli 0.8.9.1 and 0.9.4 with what they need into target/wheels, and makes an environment that holds the
# older one, once: bash tests/upgrade/wheels.sh
#
# Click is pinned: the newest Typer no longer brings it, and the older release fails with newer ones. A second caller waits.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=$PWD/target/venvs/maos-cli-0.8.9.1
wheels=$PWD/target/wheels
[ ! -e "$venv/ready" ] || exit 0
mkdir -p target/venvs
exec 9>target/venvs/lock-upgrade
flock 9
[ ! -e "$venv/ready" ] || exit 0
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "maos-cli needs Python 3.11" >&2; exit 1; }
rm -rf "$venv" "$wheels"
python3 -m venv "$venv"
pip=("$venv/bin/python" -m pip --disable-pip-version-check -q)
"${pip[@]}" download -d "$wheels" maos-cli==0.9.4 click==8.1.8
"${pip[@]}" download -d "$wheels" maos-cli==0.8.9.1 click==8.1.8 'typer<0.16'
"${pip[@]}" install --no-index --find-links "$wheels" maos-cli==0.8.9.1 click==8.1.8 'typer<0.16'
touch "$venv/ready"
