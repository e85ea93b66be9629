"""The other side of the bench: converts a tasks file the way a plain script does it, one task after the other."""
import json
import re
import sys
from datetime import datetime, timezone

from tasks_words import tasks

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


def generate(path, count):
    """A file of tasks, each different."""
    with open(path, "w") as out:
        out.write("[\n")
        for i, task in enumerate(tasks(count)):
            out.write((",\n" if i else "") + json.dumps(task))
        out.write("\n]\n")


if sys.argv[1] == "generate":
    generate(sys.argv[2], int(sys.argv[3]))
else:
    with open(sys.argv[1]) as source:
        converted = [convert(task) for task in json.load(source)]
    with open(sys.argv[2], "w") as out:
        if sys.argv[3:] == ["compact"]:
            # The fastest way out that Python has.
            out.write(json.dumps(converted))
        else:
            json.dump(converted, out, indent=2)
