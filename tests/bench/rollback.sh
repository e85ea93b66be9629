#!/usr/bin/env bash
# A rehearsed rollback beside a bare pg_restore of the same dump, and the swap. Median of RUNS.
#   tests/bench/rollback.sh [ROWS]      default 1000000; needs a release build (or MAOS_MIGRATE) and PostgreSQL
# Ours is the rehearsal's own time: hashes of every file of the backup, restore, proof by contents, swap. The bound is 1.5 times
# pg_restore, and one second for the swap. Ratios over 1 are better than the peer.
set -euo pipefail
cd "$(dirname "$0")/../.."
RUNS=${RUNS:-3}
ROWS=${1:-1000000}
BIN=$(realpath "${MAOS_MIGRATE:-target/release/maos-migrate}")
PG=${PG:-/usr/lib/postgresql/15/bin}
for tool in psql bc python3; do command -v "$tool" >/dev/null || { echo "no $tool" >&2; exit 2; }; done

D=$(mktemp -d /tmp/mmb.XXXX)
as=()
if [ "$(id -u)" = 0 ]; then chown postgres "$D"; chmod 755 "$D"; as=(setpriv --reuid=postgres --regid=postgres --clear-groups); fi
stop() { "${as[@]}" "$PG/pg_ctl" -D "$D/data" -m immediate -s stop || true; rm -rf "$D" "$W"; }
W=$(mktemp -d /tmp/mmw.XXXX)
trap stop EXIT
"${as[@]}" "$PG/initdb" -D "$D/data" -U maos --auth=trust -E UTF8 --locale=C --no-sync > /dev/null
"${as[@]}" "$PG/pg_ctl" -w -s -D "$D/data" -l "$D/log" start -o "-k $D -c listen_addresses='' -c shared_buffers=256MB -c max_wal_size=4GB" > /dev/null
sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$D" -U maos "$@"; }
median() { sort -n | sed -n "$(( (RUNS + 1) / 2 ))p"; }

sql -d postgres -c "CREATE DATABASE maos"
sql -d maos -c "CREATE TABLE tasks (id uuid PRIMARY KEY, description text NOT NULL, task_type varchar(50) NOT NULL, status varchar(50) NOT NULL, priority varchar(50) NOT NULL, created_at timestamptz, metadata jsonb NOT NULL)" \
  -c "INSERT INTO tasks SELECT md5(i::text)::uuid, 'Task number ' || i || ' with a description of an ordinary length', 'general', (array['QUEUED','COMPLETED'])[1 + i % 2], 'NORMAL',
      timestamptz '2024-01-01' + i * interval '1 second', jsonb_build_object('owner', 'user' || i % 100, 'n', i) FROM generate_series(1, $ROWS) i" \
  -c "CREATE INDEX tasks_status ON tasks (status, created_at)" -c "VACUUM ANALYZE tasks"
cat > "$W/migration.yml" <<YML
name: bench
type: version_upgrade
environment: development
target: { database: "postgres://maos@localhost/maos?host=$D" }
YML
"$BIN" -w "$W" backup create --yes > /dev/null 2>&1
dump=$(echo "$W"/backups/*/database.dump)

ours=() bare=() swaps=()
for _ in $(seq "$RUNS"); do
  sql -d postgres -c "DROP DATABASE IF EXISTS bare" -c "CREATE DATABASE bare TEMPLATE template0"
  from=$(date +%s%N)
  "$PG/pg_restore" --exit-on-error -h "$D" -U maos -d bare "$dump"
  bare+=("$(( ($(date +%s%N) - from) / 1000000 ))")
  "$BIN" -w "$W" rollback rehearse --yes > /dev/null 2>&1
  read -r total swap < <("$BIN" -w "$W" journal list --json | python3 -c '
import json, sys
took, swap = {}, 0
for event in map(json.loads, sys.stdin):
    if event["kind"] == "item" and event.get("verb") == "rehearse" and event["item"]["state"] == "done":
        item = event["item"]
        took[item["key"]] = item.get("ms", 0)
        if item["key"] == "swap":
            swap = item["data"]["memo"]["ms"]
print(sum(ms for key, ms in took.items() if key != "clear"), swap)')
  ours+=("$total") swaps+=("$swap")
done
one=$(printf '%s\n' "${ours[@]}" | median); two=$(printf '%s\n' "${bare[@]}" | median); swap=$(printf '%s\n' "${swaps[@]}" | median)
echo "# $ROWS rows, dump $(stat -c %s "$dump") bytes; ms: ours ${ours[*]}, pg_restore ${bare[*]}, swap ${swaps[*]}"
echo "rollback_rehearsed $(echo "scale=2; $two / $one" | bc) $one $two ms"
echo "rollback_swap $(echo "scale=2; 1000 / ($swap + 1)" | bc) $swap 1000 ms"
awk -v ours="$one" -v bare="$two" -v swap="$swap" 'BEGIN { exit !(ours <= 1.5 * bare && swap < 1000) }' || { echo "# over the bound: ours may take 1.5 times pg_restore, the swap one second"; exit 1; }
