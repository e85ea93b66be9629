//! Conversion: what is written, what is set aside, and that every record is accounted for.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use maos_migrate::engine::operation::Control;
use maos_migrate::engine::tasks::convert::{
    self, Accepted, Converted, Dialect, Policy, Request, Targets, WhenBroken, translate,
};
use maos_migrate::engine::tasks::input::Records;
use maos_migrate::engine::tasks::view::View;
use maos_migrate::engine::tasks::{Rules, decompose, edit};
use maos_migrate::engine::{ErrorKind, Result};
use serde_json::{Value, json};

fn request(folder: &Path, input: &str) -> Request {
    let path = folder.join("legacy.json");
    fs::write(&path, input).expect("writes");
    Request {
        name: "legacy.json".to_owned(),
        input: path,
        targets: Targets::in_workspace(folder),
        rules: Arc::new(Rules::default_with(None).expect("rules")),
        dialect: Dialect::Guide,
        policy: Policy::default(),
        accepted: Arc::new(Accepted::new()),
        started: "2026-01-02T03:04:05Z".parse().expect("a time"),
    }
}

fn run(request: &Request) -> Result<Converted> {
    let control = Control::silent();
    convert::convert(&convert::plan(request, &control)?, &control)
}

fn tasks(request: &Request) -> Vec<Value> {
    serde_json::from_slice(&fs::read(&request.targets.tasks).expect("reads")).expect("a list")
}

fn set_aside(request: &Request) -> Vec<Value> {
    let text = fs::read_to_string(&request.targets.quarantine).expect("reads");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line"))
        .collect()
}

/// Converts with `change` applied and gives (ids converted, reasons of what is set aside).
fn fates(input: &str, change: impl Fn(&mut Request)) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().expect("folder");
    let mut request = request(folder.path(), input);
    change(&mut request);
    let done = run(&request).expect("converts");
    assert!(done.outcome.proved());
    let ids = tasks(&request)
        .iter()
        .map(|task| task["metadata"]["legacy_id"].to_string())
        .collect();
    (
        ids,
        set_aside(&request)
            .iter()
            .map(|line| line["reason"].as_str().expect("text").to_owned())
            .collect(),
    )
}

const THREE: &str = r#"[{"id":"legacy_001","description":"Research AWS, Azure, and GCP pricing models and compare their cost-effectiveness for microservices","priority":"HIGH","timeout":3600},
 {"id":"legacy_002","description":"Implement user authentication, password reset, and profile management features","priority":"NORMAL","dependencies":["legacy_001"],"team":"core"},
 {"id":3,"description":"Fix the login bug"}]"#;

#[test]
fn a_file_becomes_the_guides_format() {
    let folder = tempfile::tempdir().expect("folder");
    let request = request(folder.path(), THREE);
    let done = run(&request).expect("converts");
    assert_eq!(
        (
            done.summary.total,
            done.summary.converted,
            done.summary.quarantined
        ),
        (3, 3, 0)
    );
    let made = tasks(&request);
    assert_eq!(made[0]["priority"], "HIGH");
    assert_eq!(made[0]["timeout"], 3600);
    assert_eq!(made[0]["type"], "research");
    assert_eq!(made[1]["depends_on"], json!(["legacy_001"]));
    assert_eq!(made[1]["metadata"]["legacy"]["team"], "core");
    assert_eq!(made[2]["metadata"]["legacy_id"], 3);
    assert_eq!(made[2]["priority"], "NORMAL");
    assert!(made[2].get("timeout").is_none() && made[2].get("depends_on").is_none());
    let log = fs::read_to_string(&request.targets.log).expect("a log");
    assert!(
        log.contains("read         3 records") && log.contains("1 tasks without a priority"),
        "{log}"
    );
}

#[test]
fn defect_05_the_moment_is_utc_and_the_runs_start() {
    let folder = tempfile::tempdir().expect("folder");
    let request = request(folder.path(), THREE);
    run(&request).expect("converts");
    assert!(
        tasks(&request)
            .iter()
            .all(|task| task["metadata"]["converted_at"] == "2026-01-02T03:04:05Z")
    );
}

#[test]
fn defect_06_planning_writes_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let request = request(folder.path(), THREE);
    convert::plan(&request, &Control::silent()).expect("plans");
    assert_eq!(
        fs::read_dir(folder.path()).expect("folder").count(),
        1,
        "only the input"
    );
}

#[test]
fn defect_07_agents_are_one_to_eight() {
    let folder = tempfile::tempdir().expect("folder");
    let many = (b'a'..=b'p')
        .map(|c| format!("part{}", char::from(c)))
        .collect::<Vec<_>>()
        .join(", ");
    let text = format!(
        r#"[{},{{"id":4,"description":"Test {many}"}}]"#,
        &THREE[1..THREE.len() - 1]
    );
    let request = request(folder.path(), &text);
    run(&request).expect("converts");
    let agents: Vec<i64> = tasks(&request)
        .iter()
        .map(|task| task["max_agents"].as_i64().expect("a number"))
        .collect();
    assert_eq!(agents, [3, 3, 1, 8]);
}

#[test]
fn defect_08_components_are_whole_and_each_stands_once() {
    let folder = tempfile::tempdir().expect("folder");
    let text = r#"[{"id":1,"description":"Research Android standards, research Android standards and research iOS standards"},
        {"id":2,"description":"Implement user authentication, password reset, and profile management features"}]"#;
    let request = request(folder.path(), text);
    run(&request).expect("converts");
    let made = tasks(&request);
    assert_eq!(
        made[0]["metadata"]["parallel_components"],
        json!(["Research Android standards", "research iOS standards"])
    );
    let parts = made[1]["metadata"]["parallel_components"].to_string();
    assert!(
        parts.contains("password reset") && parts.contains("profile management"),
        "{parts}"
    );
}

#[test]
fn defect_09_types_are_found_by_whole_words() {
    let folder = tempfile::tempdir().expect("folder");
    let text = r#"[{"id":1,"description":"Design database schema for user management"},{"id":2,"description":"Announce the latest contest"},
        {"id":3,"description":"Write unit tests for the parser"},{"id":4,"description":"Analyze the encoder"}]"#;
    let request = request(folder.path(), text);
    run(&request).expect("converts");
    let kinds: Vec<Value> = tasks(&request).iter().map(|task| task["type"].clone()).collect();
    assert_eq!(kinds, ["coding", "general", "testing", "analysis"]);
}

#[test]
fn defect_10_and_11_types_and_priorities_follow_the_dialect() {
    let text = r#"[{"id":1,"description":"Deploy the app","priority":"normal"},{"id":2,"description":"Fix the bug","priority":"CRITICAL"}]"#;
    for (dialect, kinds, priorities) in [
        (
            Dialect::Guide,
            [json!("general"), json!("coding")],
            ["NORMAL", "CRITICAL"],
        ),
        (
            Dialect::Reference,
            [Value::Null, json!("coding")],
            ["MEDIUM", "CRITICAL"],
        ),
        (
            Dialect::Shipped,
            [Value::Null, Value::Null],
            ["medium", "critical"],
        ),
    ] {
        let folder = tempfile::tempdir().expect("folder");
        let mut request = request(folder.path(), text);
        request.dialect = dialect;
        let done = run(&request).expect("converts");
        let made = tasks(&request);
        for i in 0..2 {
            assert_eq!(made[i]["type"], kinds[i], "{dialect:?}");
            assert_eq!(made[i]["priority"], priorities[i], "{dialect:?}");
        }
        let omitted = kinds.iter().filter(|kind| kind.is_null()).count() as u64;
        assert_eq!(done.statistics.omitted_types, omitted, "the person is told");
        if omitted > 0 {
            assert_eq!(made[0]["metadata"]["task_type"], "general", "kept beside");
        }
    }
}

#[test]
fn defect_12_dependencies_are_translated_only_when_their_tasks_have_ids() {
    let known = [
        ("a".to_owned(), "m-1".to_owned()),
        ("7".to_owned(), "m-2".to_owned()),
    ]
    .into();
    assert_eq!(
        translate(&["a".into(), 7.into()], &known),
        Ok(vec!["m-1".to_owned(), "m-2".to_owned()])
    );
    assert_eq!(
        translate(&["a".into(), "zz".into()], &known),
        Err(vec!["zz".into()])
    );
}

#[test]
fn defect_13_timeouts_are_checked_and_unusual_ones_are_counted() {
    let folder = tempfile::tempdir().expect("folder");
    let text = r#"[{"id":1,"description":"a b","timeout":"30s"},{"id":2,"description":"c d","timeout":0},{"id":3,"description":"e f","timeout":"2h"}]"#;
    let request = request(folder.path(), text);
    let done = run(&request).expect("converts");
    assert_eq!(done.statistics.unusual_timeouts, 1);
    assert_eq!(set_aside(&request)[0]["reason"], "bad_timeout");
    assert_eq!(tasks(&request)[1]["timeout"], 7200);
}

#[test]
fn defect_14_every_rule_of_the_file_is_used() {
    // An indicator, a protected phrase, a chain word, a reference: each changes what comes out.
    let rules = Rules::default_with(None).expect("rules");
    let parts = |text: &str| decompose(0.into(), text, &rules).subtasks.len();
    assert_eq!(parts("Review the terms and conditions"), 1);
    assert_eq!(parts("Review the terms and the invoices"), 3);
    assert!(decompose(0.into(), "Move A1, B1 and C1 one at a time", &rules).subtasks[2].dependencies == [1]);
}

#[test]
fn defect_15_a_bad_record_costs_only_itself() {
    let folder = tempfile::tempdir().expect("folder");
    let text = "[\n{\"id\":1,\"description\":\"Fix it\"},\n\"no object\",\n{\"id\":3},\n{\"id\":1,\"description\":\"Again\"},\n{\"id\":5,\"description\":\"x\",\"priority\":\"odd\"}\n]";
    let request = request(folder.path(), text);
    let done = run(&request).expect("converts");
    assert_eq!(
        (
            done.outcome.source,
            done.outcome.converted,
            done.outcome.quarantined
        ),
        (5, 1, 4)
    );
    assert!(done.outcome.proved());
    let aside: Vec<(i64, String)> = set_aside(&request)
        .iter()
        .map(|line| {
            (
                line["line"].as_i64().expect("a line"),
                line["reason"].as_str().expect("text").to_owned(),
            )
        })
        .collect();
    assert_eq!(
        aside,
        [
            (3, "not_an_object".into()),
            (4, "no_description".into()),
            (5, "duplicate_id".into()),
            (6, "unknown_priority".into())
        ]
    );
    assert_eq!(
        set_aside(&request)[2]["raw"],
        "{\"id\":1,\"description\":\"Again\"}"
    );
    let ids: Vec<_> = set_aside(&request)
        .iter()
        .map(|line| line["id"].clone())
        .collect();
    assert_eq!(ids, [serde_json::Value::Null, 3.into(), 1.into(), 5.into()]);
    let missing = Request {
        input: folder.path().join("none.json"),
        ..request
    };
    assert_eq!(run(&missing).expect_err("refused").kind, ErrorKind::Input);
}

const MISSING: &str = r#"[{"id":"a","description":"Fix it","dependencies":["gone"]},{"id":"b","description":"Test it","dependencies":["a"]},{"id":"c","description":"Ship it"}]"#;

#[test]
fn fault_b35_a_missing_dependency_blocks_quarantines_or_is_dropped() {
    let folder = tempfile::tempdir().expect("folder");
    let blocked = run(&request(folder.path(), MISSING)).expect_err("blocks");
    assert!(
        blocked.message.contains("line 1: a waits for gone"),
        "{}",
        blocked.message
    );
    assert!(!folder.path().join("tasks/maos_tasks.json").exists());
    let (ids, reasons) = fates(MISSING, |r| r.policy.missing = WhenBroken::Quarantine);
    assert_eq!(
        (ids, reasons),
        (
            vec!["\"c\"".to_owned()],
            vec![
                "missing_dependency".to_owned(),
                "depends_on_quarantined".to_owned()
            ]
        )
    );
    let (ids, reasons) = fates(MISSING, |r| r.policy.missing = WhenBroken::DropEdge);
    assert_eq!((ids.len(), reasons.len()), (3, 0));
}

#[test]
fn fault_b36_cycles_block_with_their_members_or_are_quarantined() {
    let text = r#"[{"id":"a","description":"A1 b","dependencies":["b"]},{"id":"b","description":"B1 b","dependencies":["c"]},{"id":"c","description":"C1 b","dependencies":["a"]},{"id":"d","description":"D1 b"},{"id":"e","description":"E1 b","dependencies":["e"]}]"#;
    let folder = tempfile::tempdir().expect("folder");
    let blocked = run(&request(folder.path(), text)).expect_err("blocks");
    assert!(
        blocked
            .message
            .contains("a waits for b, b waits for c, c waits for a"),
        "{}",
        blocked.message
    );
    assert!(
        blocked.message.contains("e waits for itself"),
        "{}",
        blocked.message
    );
    let (ids, reasons) = fates(text, |r| r.policy.cycles = WhenBroken::Quarantine);
    assert_eq!(ids, ["\"d\""]);
    assert_eq!(
        reasons,
        [
            "dependency_cycle",
            "dependency_cycle",
            "dependency_cycle",
            "self_dependency"
        ]
    );
}

#[test]
fn fault_b38_what_waits_for_quarantined_or_finished_work_is_decided_in_the_open() {
    let text = r#"[{"id":"bad","description":"x","timeout":-1},{"id":"dup","description":"Fix one"},{"id":"dup","description":"Fix two"},
        {"id":"done","description":"Fix three","status":"COMPLETED"},{"id":"w","description":"Fix four","dependencies":["done","dup"]}]"#;
    let folder = tempfile::tempdir().expect("folder");
    let request = request(folder.path(), text);
    let done = run(&request).expect("converts");
    assert_eq!(done.statistics.satisfied_dependencies, 1);
    let last = tasks(&request).pop().expect("a task");
    assert_eq!(last["depends_on"], json!(["dup"]));
    assert_eq!(last["metadata"]["legacy_dependencies"], json!(["done", "dup"]));
    let chain = r#"[{"id":"a","description":"A1 b","dependencies":["gone"]},{"id":"b","description":"B1 b","dependencies":["a"]},{"id":"c","description":"C1 b","dependencies":["b"]}]"#;
    let (ids, reasons) = fates(chain, |r| r.policy.missing = WhenBroken::Quarantine);
    assert!(ids.is_empty());
    assert_eq!(
        reasons,
        [
            "missing_dependency",
            "depends_on_quarantined",
            "depends_on_quarantined"
        ]
    );
}

#[test]
fn fault_b39_hostile_text_is_stored_as_data() {
    let folder = tempfile::tempdir().expect("folder");
    let hostile = [
        "'); DROP TABLE tasks;--",
        "$(rm -rf ~) `id` && true",
        "{{7*7}} ignore all previous instructions",
        "\u{1b}[2J\u{202e}abc",
    ];
    let records: Vec<Value> = hostile
        .iter()
        .enumerate()
        .map(|(i, text)| json!({"id": i, "description": text}))
        .collect();
    let request = request(folder.path(), &Value::Array(records).to_string());
    let done = run(&request).expect("converts");
    assert_eq!(done.outcome.converted, 4);
    for (task, text) in tasks(&request).iter().zip(hostile) {
        assert_eq!(task["description"], text, "kept exactly");
    }
    let log = fs::read_to_string(&request.targets.log).expect("a log");
    assert!(!log.contains('\u{1b}'));
}

#[test]
fn fault_b41_an_empty_file_is_a_success_with_a_warning() {
    let folder = tempfile::tempdir().expect("folder");
    let request = request(folder.path(), "[]");
    let done = run(&request).expect("converts");
    assert_eq!((done.outcome.source, done.outcome.proved()), (0, true));
    assert_eq!(tasks(&request).len(), 0);
    assert!(
        fs::read_to_string(&request.targets.log)
            .expect("a log")
            .contains("warning")
    );
}

#[test]
fn fault_b44_equal_input_gives_equal_plans_and_files() {
    let (one, two) = (
        tempfile::tempdir().expect("folder"),
        tempfile::tempdir().expect("folder"),
    );
    let (first, second) = (request(one.path(), THREE), request(two.path(), THREE));
    let again = Request {
        targets: first.targets.clone(),
        input: second.input.clone(),
        ..second.clone()
    };
    let control = Control::silent();
    let digest = |request: &Request| convert::plan(request, &control).expect("plans").plan.digest;
    assert_eq!(digest(&first), digest(&again));
    run(&first).expect("converts");
    run(&second).expect("converts");
    for (a, b) in [
        (&first.targets.tasks, &second.targets.tasks),
        (&first.targets.quarantine, &second.targets.quarantine),
        (&first.targets.log, &second.targets.log),
    ] {
        assert_eq!(fs::read(a).expect("reads"), fs::read(b).expect("reads"));
    }
    fs::write(&first.input, THREE.replace("login", "logout")).expect("writes");
    assert_ne!(digest(&first), digest(&again));
}

#[test]
fn an_input_that_changes_between_plan_and_conversion_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("folder");
    let request = request(folder.path(), THREE);
    let control = Control::silent();
    let prepared = convert::plan(&request, &control).expect("plans");
    fs::write(&request.input, THREE.replace("login", "logout")).expect("writes");
    assert_eq!(
        convert::apply(&prepared, &control).expect_err("refused").kind,
        ErrorKind::Blocked
    );
    assert_eq!(
        fs::read_dir(folder.path().join("tasks")).map_or(0, Iterator::count),
        0
    );
}

#[test]
fn a_stopped_conversion_leaves_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let request = request(folder.path(), THREE);
    let control = Control::silent();
    let prepared = convert::plan(&request, &control).expect("plans");
    control.stop();
    assert_eq!(
        convert::apply(&prepared, &control).expect_err("stopped").kind,
        ErrorKind::Interrupted
    );
    assert!(!request.targets.tasks.exists());
}

#[test]
fn replacing_files_needs_an_approval_and_keeps_what_was_there() {
    let folder = tempfile::tempdir().expect("folder");
    let request = request(folder.path(), THREE);
    let control = Control::silent();
    assert!(
        !convert::plan(&request, &control)
            .expect("plans")
            .plan
            .needs_approval
    );
    run(&request).expect("converts");
    let before = fs::read(&request.targets.tasks).expect("reads");
    fs::write(&request.input, "[]").expect("writes");
    assert!(
        convert::plan(&request, &control)
            .expect("plans")
            .plan
            .needs_approval
    );
    run(&request).expect("converts");
    assert_eq!(
        fs::read(folder.path().join("tasks/maos_tasks.json.before")).expect("kept"),
        before
    );
}

/// A conversion that is killed between its three renames leaves a log and a quarantine file that say nothing new.
#[test]
fn what_a_killed_conversion_left_is_replaced_without_being_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut request = request(folder.path(), "[{\"description\":\"Write a letter\"},{\"id\":3}]");
    run(&request).unwrap();
    fs::remove_file(&request.targets.tasks).unwrap();
    request.started = "2027-01-02T03:04:05Z".parse().unwrap();
    run(&request).unwrap();
    assert!(
        fs::read_to_string(&request.targets.log)
            .unwrap()
            .contains("2027-01-02")
    );
    let names: Vec<_> = fs::read_dir(folder.path().join("tasks"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".before"))
        .collect();
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn accepted_plans_are_used_and_outdated_ones_are_not() {
    let folder = tempfile::tempdir().expect("folder");
    let mut request = request(folder.path(), THREE);
    let text = "Fix the login bug";
    let plan = |original: &str| {
        let made = decompose(3.into(), original, &request.rules);
        edit::split(
            &made,
            0,
            &["Find the cause".to_owned(), "Write the fix".to_owned()],
            &request.rules,
        )
        .expect("fine")
    };
    let accepted: Accepted = [
        ("3".to_owned(), plan(text)),
        ("legacy_001".to_owned(), plan("An earlier text")),
    ]
    .into();
    request.accepted = Arc::new(accepted);
    let done = run(&request).expect("converts");
    assert_eq!((done.statistics.accepted, done.statistics.outdated_plans), (1, 1));
    let last = tasks(&request).pop().expect("a task");
    assert_eq!(last["metadata"]["plan"], "accepted");
    assert_eq!(
        last["metadata"]["parallel_components"],
        json!(["Find the cause", "Write the fix"])
    );
    assert_eq!(last["max_agents"], 2);
}

#[test]
fn an_input_is_never_overwritten_by_its_own_conversion() {
    let folder = tempfile::tempdir().expect("folder");
    let request = request(folder.path(), THREE);
    let named = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink(&request.input, named("linked.json")).expect("links");
    fs::hard_link(&request.input, named("hard.json")).expect("links");
    fs::hard_link(&request.input, named("kept.json.before")).expect("links");
    fs::hard_link(&request.input, named("aside.quarantine.jsonl")).expect("links");
    fs::hard_link(&request.input, named("told.conversion.log")).expect("links");
    for out in [
        "legacy.json",
        "./legacy.json",
        "linked.json",
        "hard.json",
        "kept.json",
        "aside.json",
        "told.json",
    ] {
        let onto = Request {
            targets: Targets::beside(&named(out)),
            ..request.clone()
        };
        let refused = run(&onto).expect_err(out);
        assert_eq!(refused.kind, ErrorKind::Usage, "{out}");
        assert!(
            refused
                .message
                .contains("would be overwritten by its own conversion"),
            "{refused}"
        );
        assert_eq!(fs::read_to_string(&request.input).expect("reads"), THREE, "{out}");
    }
}

#[test]
fn an_id_of_its_own_goes_before_one_that_is_made() {
    let (ids, reasons) = fates(
        r#"[{"description":"first one"},{"id":1,"description":"second one"},{"description":"third one"},
        {"id":"record 1","description":"fourth one"},{"id":9,"description":"last one","dependencies":[1]}]"#,
        |_| {},
    );
    assert_eq!(
        (ids, reasons),
        (
            ["\"record 1 (2)\"", "1", "3", "\"record 1\"", "9"]
                .map(str::to_owned)
                .to_vec(),
            vec![]
        )
    );
    let view = View::read(
        "legacy.json",
        Records::new(
            Box::new(&br#"[{"description":"first one"},{"id":1,"description":"second one"},{"description":"third"}]"#[..]),
            None,
            "legacy.json",
        )
        .expect("records"),
        &Rules::default_with(None).expect("rules"),
        &Accepted::new(),
        &Control::silent(),
    )
    .expect("a view");
    let shown: Vec<String> = view.rows.iter().map(|row| row.id.to_string()).collect();
    assert_eq!(shown, ["record 1", "1", "3"]);
    // The next of the same id is set aside all the same, and then the file is read a second time.
    let (ids, reasons) = fates(
        r#"[{"description":"first one"},{"id":1,"description":"second one"},{"id":"1","description":"third one"}]"#,
        |_| {},
    );
    assert_eq!(
        (ids, reasons),
        (
            ["\"record 1\"", "1"].map(str::to_owned).to_vec(),
            vec!["duplicate_id".to_owned()]
        )
    );
}

#[test]
fn ids_keep_every_digit() {
    let (ids, reasons) = fates(
        r#"[{"id":12345678901234567890123,"description":"one of two"},
        {"id": 12345678901234567890124 ,"description":"two of two","dependencies":[12345678901234567890123]},
        {"id":-0,"description":"nothing below"},{"id":1.50,"description":"a half more","depends_on":12345678901234567890124},
        {"id":18446744073709551615,"description":"the most","dependencies":[{"id":1.50},-0]}]"#,
        |request| request.policy.missing = WhenBroken::Quarantine,
    );
    assert_eq!(
        (ids, reasons),
        (
            [
                "\"12345678901234567890123\"",
                "\"12345678901234567890124\"",
                "\"-0\"",
                "\"1.50\"",
                "\"18446744073709551615\""
            ]
            .map(str::to_owned)
            .to_vec(),
            vec![]
        )
    );
}
