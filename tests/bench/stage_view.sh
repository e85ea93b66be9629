#!/bin/sh
# A frame of the stage view at 10,000 nodes and up to 100,000 edges: under 8 ms each, printed.
set -eu
cd "$(dirname "$0")/../.."
cargo test --release --test tui -- --ignored --nocapture stage_view::speed
