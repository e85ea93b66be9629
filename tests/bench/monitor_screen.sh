#!/bin/sh
# A frame of the monitor with ten days of samples: under 4 ms at every size, printed.
set -eu
cd "$(dirname "$0")/../.."
cargo test --release --test tui -- --ignored --nocapture monitor::a_frame
