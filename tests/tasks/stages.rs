//! Stages of graphs of every shape and size, cycles, schedule, hand edits.

use std::fmt::Write as _;

use maos_migrate::engine::ErrorKind;
use maos_migrate::engine::tasks::edit::{self, EditError};
use maos_migrate::engine::tasks::stages::file::{GraphError, StageReport, read};
use maos_migrate::engine::tasks::stages::{Graph, Simulation, StagePlan, knots};
use maos_migrate::engine::tasks::view::Detail;
use maos_migrate::engine::tasks::{Rules, decompose};

fn cycle(text: &str) -> Vec<(Vec<String>, Vec<String>)> {
    match StageReport::of(read(text.as_bytes()).expect("a graph")) {
        Err(GraphError::Cycle(cycles)) => cycles,
        other => panic!("{other:?}"),
    }
}

#[test]
fn fault_b36_all_cycles_are_named_the_shortest_first() {
    let text = r#"[{"id":"a","dependencies":["b"]},{"id":"b","dependencies":["c"]},{"id":"c","dependencies":["a"]},
        {"id":"d","dependencies":["e"]},{"id":"e","dependencies":["d","a"]},{"id":"f","dependencies":["a"]}]"#;
    let cycles = cycle(text);
    assert_eq!(cycles.len(), 2);
    assert_eq!(cycles[0].0, ["d", "e"]);
    assert_eq!(cycles[1].0, ["a", "b", "c"]);
    let error = StageReport::read(text.as_bytes()).expect_err("refused");
    assert_eq!(error.kind, ErrorKind::Input);
    assert!(
        error.message.contains("d waits for e, e waits for d"),
        "{}",
        error.message
    );
    assert!(
        error
            .message
            .contains("a waits for b, b waits for c, c waits for a"),
        "{}",
        error.message
    );
}

#[test]
fn fault_b36_a_knot_gives_its_shortest_cycle_and_all_members() {
    // A ring of six with a chord that makes a cycle of two.
    let text = r#"[{"id":1,"dependencies":[2]},{"id":2,"dependencies":[3]},{"id":3,"dependencies":[4,2]},{"id":4,"dependencies":[5]},{"id":5,"dependencies":[6]},{"id":6,"dependencies":[1]}]"#;
    let cycles = cycle(text);
    assert_eq!(cycles[0].0, ["2", "3"]);
    assert_eq!(cycles[0].1.len(), 6);
}

#[test]
fn fault_b36_a_cycle_of_ten_thousand_and_many_cycles() {
    let ring: Vec<Vec<usize>> = (0..10_000).map(|i| vec![(i + 1) % 10_000]).collect();
    let graph = Graph::from_lists(&ring);
    let found = knots(&graph, &StagePlan::of(&graph).stuck);
    assert_eq!(
        (found.len(), found[0].members.len(), found[0].cycle.len()),
        (1, 10_000, 10_000)
    );
    let pairs: Vec<Vec<usize>> = (0..20_000).map(|i| vec![i ^ 1]).collect();
    let graph = Graph::from_lists(&pairs);
    assert_eq!(knots(&graph, &StagePlan::of(&graph).stuck).len(), 10_000);
}

#[test]
fn fault_b37_a_diamond_and_a_chain_of_a_hundred_thousand() {
    let diamond = Graph::from_lists(&[vec![], vec![0], vec![0], vec![1, 2]]);
    let plan = StagePlan::of(&diamond);
    assert_eq!(
        plan.stages().map(<[u32]>::to_vec).collect::<Vec<_>>(),
        [vec![0], vec![1, 2], vec![3]]
    );
    let mut text = String::from("[{\"id\":0,\"dependencies\":[]}");
    for i in 1..100_000 {
        let _ = write!(text, ",{{\"id\":{i},\"dependencies\":[{}]}}", i - 1);
    }
    text.push(']');
    let report = StageReport::read(text.as_bytes()).expect("a plan");
    assert_eq!(report.metrics.execution_stages, 100_000);
    assert!((report.metrics.speedup_bound - 1.0).abs() < 1e-9);
    assert_eq!(report.path.nodes.len(), 100_000);
}

#[test]
fn a_million_nodes_are_staged() {
    let lists: Vec<Vec<usize>> = (0..1_000_000_usize)
        .map(|i| {
            if i < 1000 {
                vec![]
            } else {
                vec![i - 1000, i - 500 - i % 7, i / 2]
            }
        })
        .collect();
    let graph = Graph::from_lists(&lists);
    let plan = StagePlan::of(&graph);
    assert!(plan.stuck.is_empty());
    assert_eq!(plan.order.len(), 1_000_000);
    let stage = plan.stage_of(graph.len());
    for i in (0..1_000_000).step_by(997) {
        let wanted = graph
            .waits_for(i)
            .iter()
            .map(|d| stage[*d as usize] + 1)
            .max()
            .unwrap_or(0);
        assert_eq!(stage[i], wanted);
    }
}

proptest::proptest! {
    #[test]
    fn every_stage_plan_is_the_earliest_one_and_every_schedule_is_possible(edges in proptest::collection::vec((0_usize..40, 0_usize..40), 0..120), agents in 1_usize..9) {
        let mut lists = vec![Vec::new(); 40];
        for (a, b) in edges {
            if a < b && !lists[b].contains(&a) {
                lists[b].push(a);
            }
        }
        let graph = Graph::from_lists(&lists);
        let plan = StagePlan::of(&graph);
        let stage = plan.stage_of(40);
        for (i, list) in lists.iter().enumerate() {
            proptest::prop_assert_eq!(stage[i] as usize, list.iter().map(|d| stage[*d] as usize + 1).max().unwrap_or(0));
        }
        let simulation = Simulation::new(&graph, &plan, &[]);
        let run = simulation.run(agents);
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let (least, work) = ((plan.len() as f64).max((40.0 / agents as f64).ceil()), 40.0);
        proptest::prop_assert!(run.makespan >= least - 1e-9 && run.makespan <= work + 1e-9);
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let idle = run.makespan * agents as f64 - work;
        proptest::prop_assert!((run.idle - idle).abs() < 1e-9);
        let fewest = simulation.fewest();
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let critical = plan.len() as f64;
        proptest::prop_assert!((fewest.makespan - critical).abs() < 1e-9);
    }
}

#[test]
fn the_table_of_agents_ends_with_the_fewest_for_the_shortest_makespan() {
    let rules = Rules::default_with(None).expect("rules");
    let made = decompose(
        0.into(),
        "Implement user authentication, password reset, and profile management features",
        &rules,
    );
    let detail = Detail::of(made, &[]);
    let table: Vec<(usize, f64)> = detail
        .table
        .iter()
        .map(|run| (run.agents, run.makespan))
        .collect();
    assert_eq!(table, [(1, 4.0), (2, 3.0), (3, 2.0), (4, 2.0)]);
    assert_eq!((detail.fewest.agents, detail.fewest.makespan), (3, 2.0));
    assert!((detail.with_agents(3, &[]).idle - 2.0).abs() < 1e-9);
    assert_eq!(detail.critical.len(), 2);
    assert_eq!(detail.feeds[0], [3]);
}

#[test]
fn plans_are_edited_by_hand_and_a_cycle_is_refused_with_its_sentence() {
    let rules = Rules::default_with(None).expect("rules");
    let made = decompose(0.into(), "- a1\n- b1\n- c1", &rules);
    let made = edit::set_dependencies(&made, 0, &[1], &rules).expect("fine");
    let made = edit::set_dependencies(&made, 1, &[2], &rules).expect("fine");
    assert!(!made.coordination_needed, "one loose end needs no coordinator");
    let error = edit::set_dependencies(&made, 2, &[0], &rules).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "Not allowed: a1 waits for b1, b1 waits for c1, c1 waits for a1."
    );
    let made = edit::add(&made, "d1", &[0], &rules).expect("fine");
    assert_eq!(made.subtasks[3].dependencies, [0]);
    let made = edit::split(&made, 0, &["e1".to_owned(), "f1".to_owned()], &rules).expect("fine");
    assert_eq!(
        made.subtasks
            .iter()
            .map(|s| s.description.as_str())
            .collect::<Vec<_>>(),
        ["e1", "f1", "b1", "c1", "d1"]
    );
    assert_eq!(
        (
            made.subtasks[0].dependencies.clone(),
            made.subtasks[4].dependencies.clone()
        ),
        (vec![2], vec![0, 1])
    );
    let made = edit::join(&made, &[0, 1], &rules).expect("fine");
    assert_eq!(made.subtasks[0].description, "e1; f1");
    assert_eq!(made.subtasks[3].dependencies, [0]);
    let between = edit::join(&made, &[0, 2], &rules).expect_err("b1 stands between");
    assert!(matches!(between, EditError::Cycle(_)), "{between}");
    let made = edit::drop_one(&made, 0, &rules).expect("fine");
    assert_eq!(
        made.subtasks[2].dependencies,
        [0],
        "what waited goes on waiting for what it waited for"
    );
    assert_eq!(edit::rename(&made, 0, "  ", &rules), Err(EditError::Empty));
    assert_eq!(edit::drop_one(&made, 9, &rules), Err(EditError::Unknown(9)));
    let single = decompose(0.into(), "Fix it", &rules);
    assert_eq!(edit::drop_one(&single, 0, &rules), Err(EditError::Last));
}

#[test]
fn suggestions_name_the_task() {
    let mut text = String::from("[{\"id\":\"hub\",\"dependencies\":[]}");
    for i in 0..4 {
        let _ = write!(text, ",{{\"id\":\"w{i}\",\"dependencies\":[\"hub\"]}}");
    }
    text.push_str(",{\"id\":\"end\",\"dependencies\":[\"w0\",\"w1\",\"w2\",\"w3\"]}]");
    let report = StageReport::read(text.as_bytes()).expect("a plan");
    assert!(
        report
            .suggestions
            .iter()
            .any(|s| s.starts_with("hub holds up 4 tasks")),
        "{:?}",
        report.suggestions
    );
    assert!(
        report
            .suggestions
            .iter()
            .any(|s| s.starts_with("end waits for 4 tasks")),
        "{:?}",
        report.suggestions
    );
}
