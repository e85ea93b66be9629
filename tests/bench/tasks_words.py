"""Task descriptions as people write them, each different: sentences, lists, sequences, single tasks, with words of many trades."""
import random

SERVICES = ["billing", "checkout", "search", "login", "notification", "inventory", "shipping", "pricing", "audit", "export",
            "onboarding", "reporting", "recommendation", "payment", "catalog", "messaging"]
VENDORS = ["AWS", "Azure", "GCP", "Stripe", "Adyen", "Braintree", "PostgreSQL", "MySQL", "MongoDB", "Kafka", "RabbitMQ", "Redis",
           "Snowflake", "BigQuery", "Datadog", "Grafana", "Salesforce", "HubSpot"]
TOPICS = ["pricing", "latency", "support terms", "security model", "retention", "uptime", "quotas", "data residency", "ecosystem",
          "licensing"]
THINGS = ["quarterly revenue", "customer churn", "support tickets", "page load times", "warehouse stock", "marketing spend",
          "survey answers", "error logs", "supplier contracts", "energy use", "clinic appointments", "delivery delays"]
PLACES = ["Oslo", "Lima", "Hanoi", "Porto", "Kyoto", "Nairobi", "Quito", "Leeds", "Graz", "Turin", "Tampa", "Perth"]
TONGUES = ["French", "German", "Spanish", "Polish", "Dutch", "Czech", "Danish", "Greek"]
PAGES = ["landing page", "help centre", "privacy notice", "release notes", "user manual", "price list", "newsletter", "job advert"]
VERBS = ["Research", "Review", "Audit", "Document", "Test", "Refactor", "Benchmark", "Monitor", "Analyze", "Deploy", "Migrate"]
TEAMS = ["finance", "legal", "sales", "platform", "data", "support", "design", "procurement"]

SHAPES = [
    "{verb} the {s1} service for customer {i}",
    "Fix the crash in the {s1} module when order {i} is opened twice",
    "Research {v1}, {v2} and {v3} {t1} for project {i} and compare them",
    "Compare {v1} with {v2} and {v3} on {t1} and {t2} for tenant {i}, then recommend the better one to the {m1} team",
    "Analyze {x1} for {p1}, {p2} and {p3}, summarize the findings, and send report {i} to {m1}",
    "Translate the {g1} of campaign {i} into {l1}, {l2} and {l3}",
    "Implement the {s1} endpoint, add rate limits, and write integration tests for ticket {i}",
    "Build, test and deploy the {s1} service to the {p1} cluster as release {i}",
    "1. Collect {x1} of batch {i}\n2. Clean the records and remove duplicates\n3. Chart {x2} by month\n4. Write a summary for {m1}",
    "Prepare audit {i}:\n- Gather {x1}\n- Check the {s1} logs\n- Interview the {m1} team\n\nThen write the final report.",
    "Write unit tests for the {s1}, {s2} and {s3} services before build {i}",
    "First export {x1} from {v1}, then load it into {v2}, and finally verify row counts for job {i}",
    "Should we use {v1} or {v2} for the {s1} service of client {i}?",
    "Investigate why {x1} rose in {p1} during week {i}, and propose three fixes",
    "Draft the {g1}, the {g2} and the {g3} for the {p1} office, have {m1} review them, and publish version {i}",
    "Migrate the {s1} database from {v1} to {v2} without downtime. Keep the old schema until release {i}. Notify {m1} when it is done.",
    "Interview the {m1}, {m2} and {m3} teams about {x1}, and write up what case {i} needs",
    "Please update the {g1} so that it mentions {v1} and {v2}; ticket {i} has the wording",
    "Plan the move of branch {i} to {p1}: hire movers, cancel the lease, update the address in {v1}, and tell the {m1} team",
    "Evaluate the top 3 vendors for {x1} in {p1} against requirement {i}",
    "Search and replace the old terms and conditions in the {g1} of shop {i}",
    "Set up dashboards for {x1}, {x2} and {x3}, alert {m1} when a value leaves its range, and document runbook {i}",
    "Clean up {x1} for {p1}; in parallel, estimate {x2} for {p2}. Combine both into memo {i}.",
    "After reviewing {x1}, update forecast {i} and present it to {m1} and {m2}",
]


def describe(i, draw):
    """The description of task number i; `draw` is a random.Random."""
    def some(words, names):
        return dict(zip(names, draw.sample(words, len(names))))

    words = {"verb": draw.choice(VERBS), "i": i}
    for pool, names in ((SERVICES, ("s1", "s2", "s3")), (VENDORS, ("v1", "v2", "v3")), (TOPICS, ("t1", "t2")),
                        (THINGS, ("x1", "x2", "x3")), (PLACES, ("p1", "p2", "p3")), (TONGUES, ("l1", "l2", "l3")),
                        (PAGES, ("g1", "g2", "g3")), (TEAMS, ("m1", "m2", "m3"))):
        words |= some(pool, names)
    return SHAPES[i % len(SHAPES)].format(**words)


def tasks(count, seed=1):
    """Tasks with ids, priorities, timeouts and here and there a dependency on an earlier one."""
    draw = random.Random(seed)
    for i in range(count):
        task = {"id": f"legacy_{i:06}", "description": describe(i, draw)}
        if i % 9:
            task["priority"] = draw.choice(["LOW", "NORMAL", "HIGH", "CRITICAL"])
        if i % 3:
            task["timeout"] = draw.choice([300, 600, 1800, 3600])
        if i % 5 == 4:
            task["dependencies"] = [f"legacy_{i - draw.randint(1, 4):06}"]
        yield task
