#!/usr/bin/env bash
# What a call through the MAOS adapter takes beside starting the same program by itself, which answers at once. The peer is the
# bare start; the adapter may cost 2 ms more.
set -euo pipefail
cargo test --release --locked --quiet --test maos -- --ignored --exact overhead::of_a_call --nocapture | grep '^adapter'
