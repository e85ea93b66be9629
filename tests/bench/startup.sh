#!/usr/bin/env bash
# How soon the program answers, how soon the wizard is on the screen, and what it costs while nobody touches it.
# The peer is csvlens, a well-known ratatui program, showing a small file.
set -euo pipefail
peer csvlens 0.15.1
exec python3 tests/bench/startup.py "$MAOS_MIGRATE" "$PEERS/bin/csvlens"
