#!/usr/bin/env bash
# The row migration side by side with what people would use instead. Median of RUNS on fresh databases, ours and theirs in turn.
#   tests/bench/schema.sh [ROWS …]      default 400000 1000000; needs a release build, PostgreSQL and sqlite3
#   RUNS=3 FLAT="100000 5000000"        the two sizes whose rates are compared; FLAT= leaves that out
#   FLAT_RUNS=1                         how often those are run; ONLY="same across sqlite" leaves other pairs out
# After each figure a line that begins with # gives the least and the greatest ratio of two runs that stood side by side.
# On PostgreSQL, same server: against one INSERT … SELECT with random ids and the log insert joined on it, as the guide does it.
# Between databases: against psql COPY | psql COPY of the same rows, untransformed. SQLite: against .dump | sqlite3.
# Ours is always the whole process with ledger, tracking and proof. Ratios over 1 are better than the peer.
set -euo pipefail
cd "$(dirname "$0")/../.."
RUNS=${RUNS:-3}
BIN=${MAOS_MIGRATE:-target/release/maos-migrate}
PG=${PG:-/usr/lib/postgresql/15/bin}
FLAT=${FLAT-100000 5000000}
FLAT_RUNS=${FLAT_RUNS:-1}
ONLY=" ${ONLY:-same across sqlite} "
wants() { [[ $ONLY == *" $1 "* ]]; }
sizes=("$@")
[ ${#sizes[@]} -gt 0 ] || sizes=(400000 1000000)
[ -x "$BIN" ] || { echo "no $BIN: cargo build --release first" >&2; exit 2; }
for tool in psql sqlite3 bc; do command -v "$tool" >/dev/null || { echo "no $tool" >&2; exit 2; }; done

D=$(mktemp -d /tmp/mmb.XXXX)
as=()
if [ "$(id -u)" = 0 ]; then chown postgres "$D"; chmod 755 "$D"; as=(setpriv --reuid=postgres --regid=postgres --clear-groups); fi
stop() { "${as[@]}" "$PG/pg_ctl" -D "$D/data" -m immediate -s stop || true; rm -rf "$D"; }
trap stop EXIT
"${as[@]}" "$PG/initdb" -D "$D/data" -U maos --auth=trust -E UTF8 --locale=C --no-sync > /dev/null
"${as[@]}" "$PG/pg_ctl" -w -s -D "$D/data" -l "$D/log" start -o "-k $D -c listen_addresses='' -c shared_buffers=256MB -c max_wal_size=4GB" > /dev/null
sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$D" -U maos "$@"; }
url() { echo "postgres://maos@localhost/$1?host=$D"; }
now() { date +%s.%N; }
since() { echo "$(now) - $1" | bc; }
median() { sort -n | sed -n "$(( (RUNS + 1) / 2 ))p"; }
over() { echo "scale=2; $1 / $2" | bc; }

GUIDE="INSERT INTO tasks SELECT gen_random_uuid(), l.description,
 CASE l.category WHEN 'research' THEN 'research' WHEN 'development' THEN 'coding' WHEN 'analysis' THEN 'analysis' ELSE 'general' END,
 CASE l.status WHEN 'pending' THEN 'QUEUED' WHEN 'completed' THEN 'COMPLETED' WHEN 'failed' THEN 'FAILED' ELSE 'QUEUED' END,
 coalesce(l.priority, 'NORMAL'), l.created_at,
 jsonb_build_object('migrated_from_legacy', true, 'legacy_id', l.id, 'migration_date', now(), 'original_metadata', l.metadata) FROM legacy_tasks l;
CREATE TEMP TABLE mapping (legacy_id varchar(255), maos_id uuid, status varchar(50), notes text);
INSERT INTO mapping SELECT l.id, t.id, 'migrated', 'ok' FROM legacy_tasks l JOIN tasks t ON t.metadata->>'legacy_id' = l.id::text;
SELECT count(*) FROM mapping;"
TASKS="CREATE TABLE tasks (id uuid PRIMARY KEY, description text NOT NULL, task_type varchar(50) NOT NULL, status varchar(50) NOT NULL, priority varchar(50) NOT NULL, created_at timestamptz, metadata jsonb NOT NULL)"
LEGACY="CREATE TABLE legacy_tasks (id bigint PRIMARY KEY, description text, category text, status text, priority text, created_at timestamp, metadata jsonb)"
seed() { # database rows
  sql -d "$1" -c "$LEGACY" -c "INSERT INTO legacy_tasks SELECT i, 'Task number ' || i || ' with a description of an ordinary length', (array['research','development','analysis','misc'])[1 + i % 4],
   (array['pending','completed','failed','completed'])[1 + i % 4], (array['LOW','NORMAL','HIGH',NULL])[1 + i % 4], timestamp '2024-01-01' + i * interval '1 second',
   jsonb_build_object('owner', 'user' || i % 100, 'tags', jsonb_build_array('a', 'b'), 'n', i) FROM generate_series(1, $2) i" -c "VACUUM ANALYZE legacy_tasks"
}
fresh() { sql -d postgres -c "DROP DATABASE IF EXISTS $1" -c "CREATE DATABASE $1${2:+ TEMPLATE $2}" -c CHECKPOINT; }
ours() { # kind source target: seconds; the peak of memory in MB goes to the file rss.KIND
  local t; t=$(now)
  "$BIN" schema "${4:-apply}" --json --source "$2" --target "$3" $([ "${4:-apply}" = apply ] && echo --yes) > "$D/report.json" 2> "$D/errors" &
  local pid=$! peak=0 seen
  while seen=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$pid/status" 2>/dev/null) && [ -n "$seen" ]; do peak=$seen; sleep 0.05; done
  wait "$pid" || { cat "$D/errors" "$D/report.json" >&2; return 1; }
  since "$t"
  grep -q '"verified":true' "$D/report.json" || { echo "not verified" >&2; return 1; }
  echo $((peak / 1024)) >> "$D/rss.$1"
  [ "${4:-apply}" != apply ] || sed 's/.*"elapsed_copying_s":\([0-9.e-]*\).*/\1/' "$D/report.json" >> "$D/$1-copying.${n:-0}"
}
peer_line() { echo "$1 $(over "$3" "$2") $2 $3 s"; }
compare() { # name ours-file peer-file [factor]: the medians, then the spread of the pairs
  peer_line "$1" "$(median < "$D/$2")" "$(median < "$D/$3")"
  paste "$D/$2" "$D/$3" | awk '{ r = $2 / $1; if (NR == 1 || r < lo) lo = r; if (NR == 1 || r > hi) hi = r } END { printf "# pairs %.2f to %.2f\n", lo, hi }'
}

for n in "${sizes[@]}"; do
  fresh seeded; seed seeded "$n"
  for i in $(seq "$RUNS"); do
    if wants same; then
      fresh one seeded; sql -d one -c "$TASKS"
      t=$(now); sql -d one -c "$GUIDE" > /dev/null; since "$t" >> "$D/guide.$n"
      fresh two seeded; sql -d two -c "$TASKS"
      ours same "$(url two)" "$(url two)" >> "$D/same.$n"
      ours same "$(url two)" "$(url two)" verify >> "$D/same-verify.$n"
    fi
    if wants across; then
      fresh plain; sql -d plain -c "$LEGACY"
      t=$(now); sql -d seeded -c "COPY legacy_tasks TO STDOUT" | sql -d plain -c "COPY legacy_tasks FROM STDIN"; since "$t" >> "$D/pipe.$n"
      fresh three; ours across "$(url seeded)" "$(url three)" >> "$D/across.$n"
      ours across "$(url seeded)" "$(url three)" verify >> "$D/across-verify.$n"
    fi
    if wants sqlite; then
      rm -f "$D"/*.db
      sqlite3 "$D/src.db" "CREATE TABLE legacy_tasks (id INTEGER PRIMARY KEY, description TEXT, category TEXT, status TEXT, priority TEXT, created_at TEXT, metadata TEXT);
       WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < $n) INSERT INTO legacy_tasks SELECT i, 'Task number ' || i || ' with a description of an ordinary length',
       CASE i % 4 WHEN 0 THEN 'research' WHEN 1 THEN 'development' WHEN 2 THEN 'analysis' ELSE 'misc' END, CASE i % 3 WHEN 0 THEN 'pending' WHEN 1 THEN 'completed' ELSE 'failed' END,
       CASE i % 4 WHEN 0 THEN 'LOW' WHEN 1 THEN 'NORMAL' WHEN 2 THEN 'HIGH' END, datetime('2024-01-01', i || ' seconds'), json_object('owner', 'user' || (i % 100), 'tags', json_array('a', 'b'), 'n', i) FROM g"
      t=$(now); sqlite3 "$D/src.db" .dump | sqlite3 "$D/dump.db"; since "$t" >> "$D/dump.$n"
      ours sqlite "sqlite://$D/src.db" "sqlite://$D/tgt.db" >> "$D/file.$n"
      ours sqlite "sqlite://$D/src.db" "sqlite://$D/tgt.db" verify >> "$D/file-verify.$n"
    fi
  done
  echo "# $n rows; wanted: same_server 1.0 (1.1 from a million), between_databases 0.6, sqlite 1.0, verify 2.0"
  ! wants same || compare "schema_same_server_$n" "same.$n" "guide.$n"
  ! wants across || compare "schema_between_databases_$n" "across.$n" "pipe.$n"
  ! wants across || compare "schema_between_databases_copying_alone_$n" "across-copying.$n" "pipe.$n"
  ! wants sqlite || compare "schema_sqlite_$n" "file.$n" "dump.$n"
  ! wants same || compare "schema_verify_against_copy_$n" "same-verify.$n" "same.$n"
  ! wants across || compare "schema_verify_between_against_copy_$n" "across-verify.$n" "across.$n"
  ! wants sqlite || compare "schema_verify_sqlite_against_copy_$n" "file-verify.$n" "file.$n"
done

# A run that was killed goes on: how long a process takes from its start to its first row, beside 2 s.
fresh killed seeded
MAOS_MIGRATE_FAIL_POINT=schema.after_commit:4 "$BIN" schema apply --json --source "$(url killed)" --target "$(url killed)" --yes > /dev/null 2>&1 && { echo "it was not killed" >&2; exit 1; }
t=$(now)
MAOS_MIGRATE_FAIL_POINT=schema.between "$BIN" schema apply --json --source "$(url killed)" --target "$(url killed)" --yes > /dev/null 2>&1 && { echo "it did not go on" >&2; exit 1; }
peer_line "schema_resume_with_first_chunk" "$(since "$t")" 2

if [ -n "$FLAT" ]; then
  read -r small large <<< "$FLAT"
  for n in $small $large; do
    fresh seeded; seed seeded "$n"
    for i in $(seq "$FLAT_RUNS"); do fresh two seeded; ours flat "$(url two)" "$(url two)" >> "$D/flat.$n"; done
  done
  rate() { echo "$1 / $(RUNS=$FLAT_RUNS median < "$D/flat.$1")" | bc; }
  l=$(rate "$large"); s=$(rate "$small")
  echo "# wanted: schema_rate_large_against_small at least 0.8"
  echo "schema_rate_${large}_against_${small} $(over "$l" "$s") $l $s rows/s"
fi
for kind in same across sqlite flat; do
  [ ! -s "$D/rss.$kind" ] || { m=$(sort -n "$D/rss.$kind" | tail -1); echo "schema_memory_$kind $(over 128 "$m") $m 128 MB"; }
done
