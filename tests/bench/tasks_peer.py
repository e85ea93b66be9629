"""The other side of the bench: converts a tasks file the way a plain script does it, one task after the other."""
import json
import re
import sys
from datetime import datetime, timezone

LISTS = [
    re.compile(r"(?:research|analyze|test|implement)\s+(.+?)(?:and|,|\.|$)", re.I),
    re.compile(r"(?:compare|evaluate)\s+(.+?)\s+(?:with|against|and)", re.I),
    re.compile(r"(?:the|different|various|multiple)\s+(.+?)(?:,|and|\.|$)", re.I),
]
TYPES = [
    ("research", ("research", "investigate", "study")),
    ("coding", ("code", "implement", "develop", "build")),
    ("analysis", ("analyze", "data", "metrics", "statistics")),
    ("testing", ("test", "verify", "validate")),
]


def convert(task):
    text = task.get("description", "")
    parts = [m.group(1).strip() for pattern in LISTS for m in pattern.finditer(text)]
    parts = [part for part in parts if len(part) > 3][:8]
    low = text.lower()
    kind = next((name for name, words in TYPES if any(word in low for word in words)), "general")
    return {
        "description": text,
        "type": kind,
        "max_agents": min(len(parts), 8),
        "priority": task.get("priority", "NORMAL"),
        "timeout": task.get("timeout"),
        "metadata": {"legacy_id": task.get("id"), "converted_at": str(datetime.now(timezone.utc)), "parallel_components": parts},
    }


SHAPES = [
    "{verb} {a}{i}, {b}{i} and {c}{i} for customer {i}, then write a report",
    "{verb} the {a} of branch {i}",
    "{verb} {a} and {b} for region {i}, compare their {c}, and recommend the best one for microservices",
    "{verb} {a} module {i} with tests, create {b} dashboards, and add {c} support",
    "1. {verb} {a} data {i}\n2. Draft {b} charts\n3. List the worst {c}",
]


def generate(path, count):
    """Tasks of several shapes, each different, some with a dependency on an earlier one."""
    verbs = ["Research", "Analyze", "Test", "Implement", "Compare", "Document", "Deploy", "Review"]
    things = ["pricing", "billing", "search", "login", "export", "import", "alerts", "reports", "quotas", "themes", "webhooks"]
    with open(path, "w") as out:
        out.write("[\n")
        for i in range(count):
            a, b, c = (things[(i * k + i // 7) % len(things)] for k in (1, 3, 5))
            text = SHAPES[i % len(SHAPES)].format(verb=verbs[i % len(verbs)], a=a, b=b, c=c, i=i)
            task = {"id": f"legacy_{i}", "description": text, "priority": "HIGH", "timeout": 600}
            if i % 5 == 4:
                task["dependencies"] = [f"legacy_{i - 3}"]
            out.write(json.dumps(task) + (",\n" if i + 1 < count else "\n"))
        out.write("]\n")


if sys.argv[1] == "generate":
    generate(sys.argv[2], int(sys.argv[3]))
else:
    with open(sys.argv[1]) as source:
        tasks = json.load(source)
    with open(sys.argv[2], "w") as out:
        json.dump([convert(task) for task in tasks], out, indent=2)
