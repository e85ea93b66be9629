"""Writes a graph of a million nodes and three million edges, or stages one with rustworkx, from the file to the stages."""
import json
import sys
import time

NODES = 1_000_000


if sys.argv[1] == "generate":
    with open(sys.argv[2], "w") as out:
        out.write("[")
        for i in range(NODES):
            after = [] if i < 1000 else sorted({i - 1000, i - 500 - i % 7, i // 2})
            out.write(("," if i else "") + json.dumps({"id": i, "dependencies": after}))
        out.write("]")
else:
    import rustworkx

    with open(sys.argv[1]) as source:
        nodes = json.load(source)
    # Only this is compared: building the graph and staging it, not the reading before.
    begin = time.perf_counter()
    graph = rustworkx.PyDiGraph()
    graph.add_nodes_from(range(len(nodes)))
    graph.add_edges_from_no_data([(d, n["id"]) for n in nodes for d in n["dependencies"]])
    stages = list(rustworkx.topological_generations(graph))
    assert len(stages) > 1
    print(time.perf_counter() - begin)
