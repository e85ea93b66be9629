#!/usr/bin/env bash
# Rows a second of the row migration, side by side with what people would use instead. Median of RUNS on fresh databases.
#   tests/bench/schema.sh [ROWS …]      default 400000 1000000; needs a release build, PostgreSQL 15 and sqlite3
# On PostgreSQL, same server: against one INSERT … SELECT with random ids and the log insert joined on it, as the guide does it.
# Between databases: against psql COPY | psql COPY of the same rows, untransformed. SQLite: against .dump | sqlite3.
set -euo pipefail
cd "$(dirname "$0")/../.."
RUNS=${RUNS:-3}
BIN=${BIN:-target/release/maos-migrate}
PG=${PG:-/usr/lib/postgresql/15/bin}
sizes=("$@")
[ ${#sizes[@]} -gt 0 ] || sizes=(400000 1000000)
[ -x "$BIN" ] || { echo "no $BIN: cargo build --release first" >&2; exit 2; }

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
ours() { # source target: seconds, and the peak of memory in MB on stderr's last line
  local t; t=$(now)
  /usr/bin/time -f %M -o "$D/rss" "$BIN" schema apply --json --source "$1" --target "$2" --yes > "$D/report.json"
  since "$t"
}

for n in "${sizes[@]}"; do
  echo "== $n rows"
  fresh seeded; seed seeded "$n"
  for i in $(seq "$RUNS"); do
    fresh one seeded; sql -d one -c "$TASKS"
    t=$(now); sql -d one -c "$GUIDE" > /dev/null; since "$t" >> "$D/guide.$n"
    fresh two seeded; sql -d two -c "$TASKS"
    ours "$(url two)" "$(url two)" >> "$D/ours.$n"; cat "$D/rss" >> "$D/rss.$n"
    t=$(now); "$BIN" schema verify --json --source "$(url two)" --target "$(url two)" > /dev/null; since "$t" >> "$D/verify.$n"
    fresh plain; sql -d plain -c "$LEGACY"
    t=$(now); sql -d seeded -c "COPY legacy_tasks TO STDOUT" | sql -d plain -c "COPY legacy_tasks FROM STDIN"; since "$t" >> "$D/pipe.$n"
    fresh three; ours "$(url seeded)" "$(url three)" >> "$D/across.$n"; cat "$D/rss" >> "$D/rss.$n"
    rm -f "$D"/*.db
    sqlite3 "$D/src.db" "CREATE TABLE legacy_tasks (id INTEGER PRIMARY KEY, description TEXT, category TEXT, status TEXT, priority TEXT, created_at TEXT, metadata TEXT);
     WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < $n) INSERT INTO legacy_tasks SELECT i, 'Task number ' || i || ' with a description of an ordinary length',
     CASE i % 4 WHEN 0 THEN 'research' WHEN 1 THEN 'development' WHEN 2 THEN 'analysis' ELSE 'misc' END, CASE i % 3 WHEN 0 THEN 'pending' WHEN 1 THEN 'completed' ELSE 'failed' END,
     CASE i % 4 WHEN 0 THEN 'LOW' WHEN 1 THEN 'NORMAL' WHEN 2 THEN 'HIGH' END, datetime('2024-01-01', i || ' seconds'), json_object('owner', 'user' || (i % 100), 'tags', json_array('a', 'b'), 'n', i) FROM g"
    t=$(now); sqlite3 "$D/src.db" .dump | sqlite3 "$D/dump.db"; since "$t" >> "$D/dump.$n"
    ours "sqlite://$D/src.db" "sqlite://$D/tgt.db" >> "$D/file.$n"; cat "$D/rss" >> "$D/rss.$n"
  done
  g=$(median < "$D/guide.$n"); o=$(median < "$D/ours.$n"); v=$(median < "$D/verify.$n")
  p=$(median < "$D/pipe.$n"); a=$(median < "$D/across.$n"); d=$(median < "$D/dump.$n"); f=$(median < "$D/file.$n")
  echo "same server    guide ${g} s   ours ${o} s   ours is $(over "$g" "$o")x   wanted 1.00x, from a million 1.10x"
  echo "verify alone   ${v} s, $(over "$v" "$o") of the copy with its proof   wanted 0.50 of the copy"
  echo "across         pipe ${p} s   ours ${a} s   ours is $(over "$p" "$a")x   wanted 0.60x"
  echo "SQLite         dump ${d} s   ours ${f} s   ours is $(over "$d" "$f")x   wanted 1.00x"
  echo "memory         $(( $(sort -n "$D/rss.$n" | tail -1) / 1024 )) MB at most   wanted under 128"
done
