#!/bin/sh
# The evaluator's samples a second; then 24 hours at one sample a second, folded as a session does and through the whole verb of
# replay: time and peak memory.
set -eu
cd "$(dirname "$0")/../.."
# One at a time: each measures the memory of its own process.
for measured in samples_a_second a_day_of_watching; do
  cargo test --release --quiet --test monitor -- --ignored --nocapture --exact "speed::$measured" | grep ' - '
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
awk 'BEGIN { for (i = 0; i < 86400; i++) printf "{\"at\":%d,\"tasks\":{\"total\":%d,\"failed\":%d,\"completed\":%d},\"health\":{\"healthy\":10,\"total\":10},\"performance\":{\"avg_response_time\":2.1,\"tasks_per_minute\":4},\"validation\":\"pass\"}\n", 1767225600+i, i*2, i/20, i*2-int(i/20) }' > "$folder/day.jsonl"
python3 - "$MAOS_MIGRATE" "$folder/day.jsonl" <<'PY'
import resource, subprocess, sys, time
began = time.monotonic()
subprocess.run([sys.argv[1], "monitor", "replay", "--json", sys.argv[2]], stdout=subprocess.DEVNULL, check=True)
took = time.monotonic() - began
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"replay_day_of_seconds - {86400 / took:.0f} - samples/s")
print(f"replay_day_of_seconds_memory - {peak:.1f} - MB")
assert peak < 64, peak
PY
