#!/usr/bin/env python3
"""Writes the sample legacy system into assets/sample/, the same bytes on every run.

    python3.11 tests/data/make_sample.py [OUT]        (OUT defaults to assets/sample beside this tree)

What it writes, and what is wrong in it on purpose:

  migration.yml              settings of the rehearsal; paths are relative to the workspace
  legacy/tasks.json          40 records, one a line: 37 good, 3 bad (line 18 has no description, line 25 is a
                             string instead of an object, line 33 repeats the id of line 12)
  legacy/config.yml          a legacy configuration with a literal password, two conflicts and unmapped keys
  legacy/checkpoints/        12 files pickled by CPython, protocols 0, 1, 2, 3, 4 and 5: 10 good, one that would call
                             os.system("true") and throw its value away, one cut short
  legacy/legacy.db           SQLite, table legacy_tasks, 4,012 rows of a two-worker queue: none running, nine archived,
                             four with an unknown priority, four with NUL and two with text that is not UTF-8

Every moment is derived from a fixed one and every choice from a seeded generator. The SQLite file also depends on the
library's version (its header names it), so regenerate everything with one interpreter; the committed files came from
CPython 3.11.7. Nothing here is ever unpickled.
"""

import collections
import datetime as dt
import decimal
import fractions
import io
import json
import os
import pathlib
import pickle
import random
import sqlite3
import sys
import uuid

HERE = pathlib.Path(__file__).resolve()
NOW = dt.datetime(2026, 11, 20, 18, 0, 0)

# Descriptions of the 37 good records, by what they exercise: lists, orders, counts, alternatives, single tasks.
TASKS = [
    ("legacy_001", "Research AWS, Azure, and GCP pricing models and compare their cost-effectiveness for microservices", "HIGH", 3600, []),
    ("legacy_002", "Implement user authentication, password reset, and profile management features", "NORMAL", 5400, []),
    ("legacy_003", "Collect October access logs from eu-west and us-east, then count unique visitors per region", "NORMAL", 1800, []),
    ("legacy_004", "Write a blog post about our move to parallel task processing", "LOW", None, []),
    ("legacy_005", "Research top 5 message brokers and compare throughput", "HIGH", 3600, []),
    ("legacy_006", "Design the invoice table, implement the invoice service, and test it against last year's invoices", "HIGH", 7200, []),
    ("legacy_007", "1. Export the customer list\n2. Remove duplicates\n3. Validate the e-mail addresses\n4. Import the result into the CRM", "NORMAL", 2700, []),
    ("legacy_008", "Analyze churn for monthly, quarterly, and yearly subscribers", "NORMAL", 3600, []),
    ("legacy_009", "Summarize the three support escalations of last week", "NORMAL", 900, []),
    ("legacy_010", "Fix the rounding error in the VAT calculation of credit notes", "HIGH", None, []),
    ("legacy_011", "Test the checkout with Visa, Mastercard, PayPal, and SEPA direct debit", "HIGH", 3600, ["legacy_010"]),
    ("legacy_012", "Back up the billing database, upgrade it to PostgreSQL 15, and verify the row counts", "CRITICAL", 7200, []),
    ("legacy_013", "Draft release notes for version 4.2", "NORMAL", 900, []),
    ("legacy_014", "Translate the release notes into French, German, Spanish, and Italian", "NORMAL", 3600, ["legacy_013"]),
    ("legacy_015", "Publish the release notes after legal has approved them", "NORMAL", 600, ["legacy_013", "legacy_014"]),
    ("legacy_016", "Investigate why nightly imports slow down after the 20th of each month", "HIGH", 5400, []),
    ("legacy_017", "Test login on three browsers, then write one report", "NORMAL", 2700, ["legacy_002"]),
    ("legacy_018", "Generate PDF invoices for all customers in Austria, Switzerland, and Liechtenstein", "NORMAL", 3600, ["legacy_006"]),
    ("legacy_019", "Build a dashboard that shows queue length, failure rate, and average response time", "NORMAL", 5400, []),
    ("legacy_020", "Read the incident log, find the root cause, propose a fix, and present it to the team", "HIGH", 5400, []),
    ("legacy_021", "Plan the office move to Zürich", "LOW", None, []),
    ("legacy_022", "Review 12 open pull requests in the payments repository", "NORMAL", 7200, []),
    ("legacy_023", "Compare Redis Streams with RabbitMQ for task delivery", "NORMAL", 2700, ["legacy_005"]),
    ("legacy_024", "Process dataset events-2026-10.csv: clean it, aggregate by day, and chart the totals", "NORMAL", 3600, ["legacy_003"]),
    ("legacy_025", "Write unit tests for the parser, the scheduler, and the retry policy", "HIGH", 5400, []),
    ("legacy_026", "Document the REST endpoints for orders, customers, and invoices", "LOW", 3600, ["legacy_006"]),
    ("legacy_027", "Rotate the API keys of the staging environment one by one, checking each service before the next", "HIGH", 3600, []),
    ("legacy_028", "Estimate the storage needed for seven years of audit logs", "NORMAL", 1800, []),
    ("legacy_029", "Interview five customers about the new export and summarize what they miss", "NORMAL", None, []),
    ("legacy_030", "Research GDPR and CCPA requirements, assess our data flows, and write a gap list", "HIGH", 5400, []),
    ("legacy_031", "Implement CSV, Excel, and JSON export for reports", "NORMAL", 5400, []),
    ("legacy_032", "Measure page load times of the shop in Tokyo, São Paulo, and Frankfurt", "NORMAL", 2700, []),
    ("legacy_033", "Debug the authentication bug in login.py", "HIGH", None, []),
    ("legacy_034", "Iterate on the landing page copy until conversion exceeds 4 %", "LOW", None, []),
    ("legacy_035", "Evaluate three vector databases for semantic search: pgvector, Qdrant, and Milvus", "NORMAL", 3600, []),
    ("legacy_036", "Archive closed tickets older than 24 months", "LOW", 1800, []),
    ("legacy_037", "Prepare the migration report from the comparison, the validation, and the monitoring results", "NORMAL", 1800, ["legacy_019"]),
]


def task_record(row):
    ident, description, priority, timeout, dependencies = row
    record = {"id": ident, "description": description, "priority": priority}
    if timeout is not None:
        record["timeout"] = timeout
    if dependencies:
        record["dependencies"] = dependencies
    return record


def write_tasks(path):
    lines = [json.dumps(task_record(row), ensure_ascii=False) for row in TASKS]
    # Inserted so that each ends on the line named above; the array's bracket is line 1.
    lines.insert(16, json.dumps({"id": "legacy_038", "description": "", "priority": "NORMAL", "timeout": 1800}))
    lines.insert(23, json.dumps("legacy_039;Reconcile the bank statement of October;HIGH"))
    lines.insert(31, json.dumps({"id": "legacy_011", "description": "Test the refund of a SEPA direct debit", "priority": "NORMAL"}))
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


CONFIG = """\
# Settings of the billing task runner, version 1.4
worker_count: 8
log_level: warn
redis_url: redis://old-cache.acme.example:6379/1
redis_host: cache.acme.example
redis_port: 6379

task_timeout: 45m

database:
  host: db.acme.example
  port: 5432
  name: billing
  user: app@billing
  password: 'blue:/@Heron 42'    # the reason why this file is mode 0600 on the old host

agents:
  memory_limit: 2048M
  execution_timeout: 1800

retry_jitter: 0.3
queue_backend: sequential
notify:
  email: ops@acme.example
"""

SETTINGS = """\
# The rehearsal: a sample legacy system, moved onto an embedded MAOS. Nothing outside this folder is touched.
name: acme-rehearsal
type: brownfield
environment: rehearsal

sources:
  tasks: legacy/tasks.json
  config: legacy/config.yml
  checkpoints: legacy/checkpoints
  database: sqlite://legacy/legacy.db

target:
  database: sqlite://target/maos.db
  maos: rehearsal

# The sample legacy system does one part of a task after the other; MAOS's four agents work side by side. Both simulate the
# work: every part takes this long.
legacy:
  run: [maos-migrate, rehearsal-legacy, --seconds, "0.05"]
  drain: [touch, legacy/closed]
  freeze: [touch, legacy/closed]
  open: [rm, -f, legacy/closed]
  ready: [test, -r, legacy/legacy.db]

rehearsal:
  agents: 4
  seconds: 0.05
"""


def state(rng, number, tasks):
    """One legacy state as the old runner kept it in memory: plain containers, dates, decimals, sets."""
    at = NOW - dt.timedelta(days=12 - number, minutes=7 * number)
    records = collections.OrderedDict()
    for i in range(tasks):
        row = TASKS[(number * 5 + i) % len(TASKS)]
        started = at - dt.timedelta(minutes=rng.randint(2, 90), seconds=rng.randint(0, 59))
        status = ("completed", "completed", "failed", "pending")[rng.randrange(4)]
        records[row[0]] = {
            "description": row[1],
            "status": status,
            "priority": row[2],
            "attempts": rng.randint(1, 3),
            "created_at": started - dt.timedelta(minutes=rng.randint(1, 30)),
            "started_at": None if status == "pending" else started,
            "cost": decimal.Decimal(rng.randint(5, 900)).scaleb(-2),
            "dependencies": tuple(row[4]),
            "result": {"rows": rng.randint(0, 90_000), "ok": status == "completed"} if status != "pending" else None,
        }
    return {
        "version": "1.4.%d" % (number % 3),
        "timestamp": at,
        "tasks": records,
        "shared_data": {
            "cursor": rng.randint(10_000, 99_999),
            "seen_ids": {rng.randint(1, 4_000) for _ in range(6)},
            "window": (at - dt.timedelta(hours=1), at),
            "rates": collections.OrderedDict((c, decimal.Decimal(v)) for c, v in (("EUR", "1"), ("CHF", "0.9361"), ("USD", "1.0873"))),
        },
        "agents": {
            "worker-1": {"state": "idle", "completed": rng.randint(100, 900)},
            "worker-2": {"state": "busy", "completed": rng.randint(100, 900)},
        },
    }


def hostile(body):
    """A protocol 4 pickle of `body` which first calls os.system("true") and drops what that gave: value unchanged."""

    def inner(value):
        # Without the memo each part stands alone and can be joined to others; the last byte is STOP.
        buffer = io.BytesIO()
        pickler = pickle.Pickler(buffer, 3)
        pickler.fast = True
        pickler.dump(value)
        return buffer.getvalue()[2:-1]

    call = b"cos\nsystem\n" + b"\x8c\x04true" + b"\x85" + b"R" + b"0"
    out = b"\x80\x04}("
    for key, value in body.items():
        if key == "shared_data":
            out += call
        out += inner(key) + inner(value)
    return out + b"u."


def write_checkpoints(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(20261120)

    def dump(name, value, protocol):
        (folder / f"{name}.checkpoint").write_bytes(pickle.dumps(value, protocol))

    for number, protocol in ((1, 0), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5)):
        value = state(rng, number, 4 + number)
        if number == 4:
            value["shared_data"]["digest"] = bytes(range(0, 256, 17))
            value["shared_data"]["share"] = fractions.Fraction(3, 8)
        if number == 5:
            # One list held twice, and the run it belongs to.
            recent = [row[0] for row in TASKS[:4]]
            value["shared_data"]["recent"] = recent
            value["shared_data"]["watched"] = recent
            value["run_id"] = uuid.UUID("6f1c2a52-7b0e-4c39-9d1e-0a4be3c85d11")
        if number == 6:
            value["shared_data"]["by_region"] = collections.Counter({"eu-west": 1204, "us-east": 866})
            value["shared_data"]["queue"] = collections.deque(["legacy_021", "legacy_034"], maxlen=50)
            value["timestamp"] = value["timestamp"].replace(tzinfo=dt.timezone.utc)
        if number == 7:
            value["shared_data"]["retries"] = collections.defaultdict(int, {"legacy_010": 2})
            value["shared_data"]["positions"] = {(0, 1): "a", (1, 0): "b"}
            value["shared_data"]["total_rows"] = 2**70
        dump(f"batch_{number:04}", value, protocol)

    dump("cache_0001", {"version": "1.3.9", "tasks": {}, "shared_data": {"warm": True, "ratio": 0.72}}, 1)
    dump("cache_0002", {
        "version": "1.4.0",
        "timestamp": dt.datetime(2026, 11, 18, 3, 0, 12, 500),
        "tasks": {i: {"description": row[1], "status": "completed"} for i, row in enumerate(TASKS[:6], 1)},
        "shared_data": {"flags": frozenset({"dry", }), "limits": [1, 2.5, None, -7, 10**12], "due": dt.date(2026, 12, 31)},
    }, 4)
    dump("nightly_20261119", state(rng, 11, 24), 5)

    (folder / "cache_0007.checkpoint").write_bytes(hostile(plain(state(rng, 8, 3))))
    whole = pickle.dumps(state(rng, 9, 12), 4)
    (folder / "batch_0008.checkpoint").write_bytes(whole[: len(whole) * 3 // 5])


def plain(value):
    """`value` with JSON's own types only, so that the one forbidden name in the hostile file stands alone."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, set):
        return sorted(value)
    if isinstance(value, (dt.datetime, decimal.Decimal)):
        return str(value)
    return value


SUBJECTS = {
    "research": (("Research", "Investigate", "Survey"), ("pricing of {} vendors", "competitors in the {} market", "open standards for {}", "user complaints about {}")),
    "development": (("Implement", "Refactor", "Extend", "Fix"), ("the {} importer", "retry handling in the {} service", "the {} export", "paging in the {} list")),
    "analysis": (("Analyze", "Compare", "Summarize"), ("{} figures of last month", "error logs of the {} service", "{} conversion by region", "storage growth of {}")),
    "operations": (("Restart", "Back up", "Rotate keys of"), ("the {} service", "the {} database", "the {} cluster")),
    "support": (("Answer", "Escalate", "Close"), ("open tickets about {}", "the {} refund requests", "stale {} threads")),
    "documentation": (("Document", "Translate", "Review"), ("the {} manual", "release notes for {}", "the {} runbook")),
    None: (("Look into", "Follow up on"), ("the {} issue", "yesterday's {} alert")),
}
TOPICS = ("billing", "checkout", "invoice", "shipping", "search", "login", "catalogue", "newsletter", "warehouse", "payroll", "returns", "pricing")
CATEGORIES = (["research"] * 31 + ["development"] * 33 + ["analysis"] * 22 + ["operations"] * 6 + ["support"] * 5 + ["documentation"] * 3)
ROWS = 4_012
PENDING = 118


def legacy_rows(rng):
    """A queue with two workers, served in order of arrival, as the old runner did; times in whole seconds."""
    arrival = NOW - dt.timedelta(days=28)
    free = [arrival, arrival]
    ident = 0
    rows = []
    for n in range(ROWS):
        # Ids have gaps where rows were deleted by hand.
        ident += 1 if rng.random() < 0.985 else rng.randint(2, 5)
        busy = 6 <= arrival.hour < 19 and arrival.weekday() < 5
        arrival += dt.timedelta(seconds=int(rng.expovariate(1 / (330 if busy else 1180))) + 1)
        category = rng.choice(CATEGORIES)
        verbs, objects = SUBJECTS[category]
        description = f"{rng.choice(verbs)} {rng.choice(objects).format(rng.choice(TOPICS))}"
        priority = rng.choices(("NORMAL", "HIGH", "LOW"), (74, 16, 10))[0]
        pending = n >= ROWS - PENDING
        status = "pending" if pending else rng.choices(("completed", "failed", "cancelled"), (940, 37, 23))[0]
        started = completed = None
        if not pending:
            worker = 0 if free[0] <= free[1] else 1
            begin = max(arrival, free[worker]) + dt.timedelta(seconds=1)
            length = max(4, min(3_600, int(rng.lognormvariate(4.6, 0.9))))
            if status == "cancelled" and rng.random() < 0.7:
                completed = arrival + dt.timedelta(seconds=rng.randint(5, 600))
            else:
                started, completed = begin, begin + dt.timedelta(seconds=length)
                free[worker] = completed
        metadata = None
        if rng.random() < 0.82:
            entry = {"source": rng.choice(("api", "cron", "ui")), "attempts": rng.choices((1, 2, 3), (90, 8, 2))[0]}
            if status == "failed":
                entry["error"] = rng.choice(("timeout", "connection reset", "out of memory", "bad input"))
            if rng.random() < 0.2:
                entry["customer"] = f"C-{rng.randint(1000, 9999)}"
            metadata = json.dumps(entry, separators=(",", ":"))
        rows.append([ident, description, category, status, priority, arrival, started, completed, metadata])
    return rows


def write_database(path):
    rng = random.Random(4_012)
    rows = legacy_rows(rng)
    finished = [row for row in rows if row[3] == "completed"]
    special = rng.sample(finished, 40)
    for row in special[0:9]:
        row[3] = "archived"
    for row in special[9:13]:
        row[4] = "urgent"
    for row in special[13:21]:
        row[4] = None
    for row in special[21:33]:
        row[2] = None
    for row in special[33:37]:
        row[1] = row[1][:8] + "\0" + row[1][8:]
    invalid = special[37:39]
    special[39][8] = '{"source":"cron","attempts":'

    path.unlink(missing_ok=True)
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(
        """
        PRAGMA page_size = 4096;
        PRAGMA journal_mode = DELETE;
        CREATE TABLE legacy_tasks (
            id INTEGER PRIMARY KEY,
            description TEXT NOT NULL,
            category TEXT,
            status TEXT NOT NULL,
            priority TEXT,
            created_at TEXT NOT NULL,
            started_at TEXT,
            completed_at TEXT,
            metadata TEXT
        );
        """
    )
    db.execute("BEGIN")
    stamp = lambda at: None if at is None else at.strftime("%Y-%m-%d %H:%M:%S")
    for row in rows:
        db.execute("INSERT INTO legacy_tasks VALUES (?,?,?,?,?,?,?,?,?)", [*row[:5], *map(stamp, row[5:8]), row[8]])
    for row in invalid:
        # Latin-1 bytes in a TEXT column: what a client with the wrong encoding leaves behind.
        raw = (row[1] + " für Müller").encode("latin-1")
        db.execute("UPDATE legacy_tasks SET description = CAST(? AS TEXT) WHERE id = ?", (raw, row[0]))
    db.execute("COMMIT")
    db.execute("VACUUM")
    db.close()


def main():
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets are written in hash order; only a fixed seed gives the same bytes each time.
        os.execve(sys.executable, [sys.executable, str(HERE), *sys.argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"})
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parents[2] / "assets" / "sample"
    legacy = out / "legacy"
    legacy.mkdir(parents=True, exist_ok=True)
    (out / "migration.yml").write_text(SETTINGS, encoding="utf-8")
    (legacy / "config.yml").write_text(CONFIG, encoding="utf-8")
    write_tasks(legacy / "tasks.json")
    write_checkpoints(legacy / "checkpoints")
    write_database(legacy / "legacy.db")


if __name__ == "__main__":
    main()
