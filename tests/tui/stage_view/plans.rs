//! The plans that the tests draw.

use maos_migrate::tui::widgets::stage_view::{Graph, Node, NodeIx, State};

/// `NodeIx` of a place.
pub fn ix(at: usize) -> NodeIx {
    NodeIx::try_from(at).unwrap()
}

/// Three parts side by side and one that gathers them.
pub fn login() -> Graph {
    let nodes = vec![
        Node::new("a", "user authentication", "coding"),
        Node::new("b", "password reset", "coding"),
        Node::new("c", "profile management", "coding"),
        Node::new("d", "gather the 3 results", "coordination"),
    ];
    Graph::new(
        nodes,
        vec![vec![0, 1, 2], vec![3]],
        &[(0, 3), (1, 3), (2, 3)],
        &[0, 3],
    )
    .unwrap()
}

/// Forty translations, forty proofreadings, one index; one part failed and one still runs.
pub fn manual() -> Graph {
    let languages = ["French", "German", "Spanish"];
    let language = |at: usize| {
        languages
            .get(at)
            .map_or_else(|| format!("language {at:02}"), |name| (*name).to_owned())
    };
    let mut nodes = Vec::new();
    for at in 0..40 {
        nodes.push(Node::new(
            format!("t{at:02}"),
            format!("translate {}", language(at)),
            "general",
        ));
    }
    for at in 0..40 {
        nodes.push(Node::new(
            format!("u{at:02}"),
            format!("proofread {}", language(at)),
            "testing",
        ));
    }
    nodes.push(Node::new("v", "publish the index", "general"));
    let mut edges: Vec<_> = (0..40).map(|at| (at, at + 40)).collect();
    edges.extend((40..80).map(|at| (at, 80)));
    let stages = vec![(0..40).collect(), (40..80).collect(), vec![80]];
    let mut graph = Graph::new(nodes, stages, &edges, &[0, 40, 80]).unwrap();
    for at in 0..80 {
        let time = [41, 38, 44][at % 3];
        graph.set_progress(ix(at), State::Done, Some(time), None);
        graph.set_external_id(ix(at), Some(format!("m-{}", 31 + at)));
    }
    graph.set_progress(40, State::Done, Some(12), None);
    graph.set_progress(41, State::Failed, Some(9), Some("exit 1".to_owned()));
    graph.set_progress(42, State::Running, Some(7), None);
    graph.set_progress(80, State::Skipped, None, Some("needs German".to_owned()));
    graph
}

/// A plan with long edges, forks, joins and crossings.
pub fn release() -> Graph {
    let names = [
        ("design", "coding", 0),
        ("write the API", "coding", 1),
        ("write the client", "coding", 1),
        ("collect translations", "general", 1),
        ("test the API", "testing", 2),
        ("test the client", "testing", 2),
        ("translate the client", "general", 2),
        ("test them together", "testing", 3),
        ("write release notes", "writing", 3),
        ("release", "coordination", 4),
    ];
    let mut stages = vec![Vec::new(); 5];
    let mut nodes = Vec::new();
    for (at, (name, kind, stage)) in names.into_iter().enumerate() {
        stages[stage].push(ix(at));
        nodes.push(Node::new(format!("n{at}"), name, kind));
    }
    let edges = [
        (0, 1),
        (0, 2),
        (0, 3),
        (1, 4),
        (2, 5),
        (2, 6),
        (3, 6),
        (4, 7),
        (5, 7),
        (1, 8),
        (6, 8),
        (7, 9),
        (8, 9),
        (3, 9),
        (6, 9),
    ];
    Graph::new(nodes, stages, &edges, &[0, 1, 4, 7, 9]).unwrap()
}

/// `width` nodes in each of `stages` stages, with `per_node` edges from each to the next ones, in a fixed disorder.
pub fn large(stages: usize, width: usize, per_node: usize) -> Graph {
    let mut nodes = Vec::with_capacity(stages * width);
    let mut columns = Vec::with_capacity(stages);
    let mut edges = Vec::with_capacity(stages * width * per_node);
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = |limit: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % limit as u64).unwrap()
    };
    for stage in 0..stages {
        columns.push((stage * width..(stage + 1) * width).map(ix).collect());
        for at in 0..width {
            let node = stage * width + at;
            nodes.push(Node::new(
                format!("n{node}"),
                format!("part {node} of the work"),
                "general",
            ));
            if stage + 1 < stages {
                for step in 0..per_node {
                    let far = if step % 4 == 3 {
                        1 + next((stages - stage - 1).min(5))
                    } else {
                        1
                    };
                    edges.push((ix(node), ix((stage + far) * width + next(width))));
                }
            }
        }
    }
    let critical: Vec<NodeIx> = (0..stages)
        .map(|stage| ix(stage * width + stage % width))
        .collect();
    edges.extend(critical.windows(2).map(|pair| (pair[0], pair[1])));
    Graph::new(nodes, columns, &edges, &critical).unwrap()
}
