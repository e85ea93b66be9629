//! Fault case E77: whatever is wrong with the legacy file, the answer names line and column and nothing is lost silently.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use maos_migrate::engine::ErrorKind;
use maos_migrate::engine::config::Severity;

use crate::{Case, at, unmapped};

fn finding(case: &Case) -> (Severity, String, u64, u64, String) {
    let report = case.report();
    let found = report.findings.first().expect("a finding").clone();
    (
        found.severity,
        found.code,
        found.line,
        found.column,
        found.message,
    )
}

#[test]
fn fault_e77_unknown_keys_are_named_with_their_place() {
    let case = Case::new(
        "legacy.yml",
        "worker_count: 2\nnested:\n  deeper:\n    thing: [1, 2]\n",
    );
    assert_eq!(
        unmapped(&case.report()),
        [("nested.deeper.thing", 4, 5, "unknown_key")]
    );
    assert_eq!(case.report().unmapped[0].value, "[1, 2]");
}

#[test]
fn fault_e77_wrong_types_and_ranges_are_refused_one_by_one() {
    for (line, code, column, message) in [
        (
            "worker_count: many",
            "wrong_type",
            15,
            "many is not a whole number; system.max_agents does not get it",
        ),
        (
            "worker_count: 0",
            "out_of_range",
            15,
            "0 is not at least 1; system.max_agents does not get it",
        ),
        (
            "log_level: loud",
            "unknown_level",
            12,
            "loud is none of DEBUG, INFO, WARNING, ERROR, CRITICAL; system.log_level does not get it",
        ),
        (
            "task_timeout: -5",
            "out_of_range",
            15,
            "-5 is not a quantity that MAOS can hold; agents.defaults.timeout does not get it",
        ),
        (
            "task_timeout: 45x",
            "wrong_type",
            15,
            "45x is not a duration such as 2700, 45m or 1h30m; agents.defaults.timeout does not get it",
        ),
        (
            "memory_limit: lots",
            "wrong_type",
            15,
            "lots is not a size such as 512MB or 1GB; agents.defaults.max_memory does not get it",
        ),
        (
            "redis_url: 6379",
            "wrong_type",
            12,
            "an address is wanted, this is a whole number; redis.url does not get it",
        ),
        (
            "db_url: mysql://h/n",
            "unsupported_scheme",
            9,
            "it is not a PostgreSQL address; database.primary_url does not get it",
        ),
    ] {
        let case = Case::new("legacy.yml", &format!("# first\n{line}\n"));
        assert_eq!(
            finding(&case),
            (Severity::Refused, code.to_owned(), 2, column, message.to_owned()),
            "{line}"
        );
        let outcome = case.apply();
        assert_eq!(
            (outcome.source, outcome.converted, outcome.quarantined),
            (1, 0, 1)
        );
    }
}

#[test]
fn fault_e77_duplicate_keys_are_refused_with_line_and_column() {
    for (name, text, place) in [
        (
            "legacy.yml",
            "a: 1\nredis_url: redis://h\nredis_url: redis://i\n",
            "line 3, column 1: duplicate",
        ),
        (
            "legacy.json",
            "{\"a\": 1,\n  \"a\": 2}",
            "line 2, column 3: duplicate key a, first on line 1",
        ),
        (
            "legacy.env",
            "A=1\nA=2\n",
            "line 2, column 1: duplicate key A, first on line 1",
        ),
    ] {
        let error = Case::new(name, text).refusal();
        assert_eq!(error.kind, ErrorKind::Input);
        assert!(error.message.contains(place), "{error}");
    }
}

#[test]
fn fault_e77_bombs_are_refused_and_anchors_are_read() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for i in 1..12 {
        let references = vec![format!("*a{}", i - 1); 9].join(", ");
        writeln!(bomb, "a{i}: &a{i} [{references}]").expect("a text");
    }
    let before = std::time::Instant::now();
    assert_eq!(Case::new("legacy.yml", &bomb).refusal().kind, ErrorKind::Input);
    let deep = format!("a: {}1{}", "[".repeat(5000), "]".repeat(5000));
    assert_eq!(Case::new("legacy.yml", &deep).refusal().kind, ErrorKind::Input);
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(5000), "]".repeat(5000));
    assert!(
        Case::new("legacy.json", &deep)
            .refusal()
            .message
            .contains("deeper than 64")
    );
    assert!(before.elapsed().as_secs() < 10, "took {:?}", before.elapsed());

    let anchors = "limits: &l\n  execution_timeout: 900\nagents:\n  <<: *l\n  memory_limit: 1GB\n";
    let case = Case::new("legacy.yml", anchors);
    assert_eq!(*at(&case.written(), "agents.defaults.timeout"), 900);
    assert_eq!(
        unmapped(&case.report()),
        [("limits.execution_timeout", 2, 3, "unknown_key")]
    );
}

#[test]
fn fault_e77_tabs_tags_and_broken_syntax_name_their_place() {
    for (name, text, place) in [
        ("legacy.yml", "a:\n\tb: 1\n", "line 2"),
        ("legacy.yml", "a: !include other.yml\n", "line 1, column"),
        ("legacy.yml", "a: [1\nb: 2\n", "line 2"),
        (
            "legacy.yml",
            "- a\n- b\n",
            "line 1, column 1: the file must be a group of keys, it is a list",
        ),
        ("legacy.yml", "a: 1\n---\nb: 2\n", "legacy.yml"),
        ("legacy.json", "{\"a\": 01}", "line 1, column 7"),
        ("legacy.json", "{\"a\": 1,}", "line 1, column 9"),
        ("legacy.json", "{\"a\": NaN}", "line 1, column 7"),
        (
            "legacy.json",
            "{\"a\": \"x",
            "line 1, column 7: a string is not closed",
        ),
        ("legacy.json", "{\"a\": 1} x", "line 1, column 10"),
    ] {
        let error = Case::new(name, text).refusal();
        assert_eq!(error.kind, ErrorKind::Input, "{error}");
        assert!(error.message.contains(place), "{text:?}: {error}");
    }
    // JSON allows tabs between its parts.
    assert_eq!(
        Case::new("legacy.json", "{\n\t\"worker_count\":\t3\n}\n")
            .report()
            .mapped
            .len(),
        1
    );
}

#[test]
fn fault_e77_references_to_unset_variables_are_findings() {
    let case = Case::new("legacy.yml", "a: 1\nworker_count: ${WORKERS}\n");
    let (severity, code, line, column, message) = finding(&case);
    assert_eq!(
        (severity, code.as_str(), line, column),
        (Severity::Refused, "unset_reference", 2, 15)
    );
    assert!(
        message.starts_with("the environment variable WORKERS is not set"),
        "{message}"
    );

    let case = Case::with(
        "legacy.yml",
        "worker_count: ${WORKERS}\ntask_timeout: ${T:-90}\n",
        |request| {
            request
                .decisions
                .environment
                .insert("WORKERS".to_owned(), "6".into());
        },
    );
    let written = case.written();
    assert_eq!(
        (
            at(&written, "system.max_agents"),
            at(&written, "agents.defaults.timeout")
        ),
        (&6.into(), &90.into())
    );

    // In an address the reference is kept for MAOS, and the finding is a warning.
    let case = Case::new("legacy.yml", "db_url: postgres://u:${DB_PASS}@h/n\n");
    assert_eq!(
        *at(&case.written(), "database.primary_url"),
        "postgresql://u:${DB_PASS}@h:5432/n"
    );
    let (severity, code, line, ..) = finding(&case);
    assert_eq!(
        (severity, code.as_str(), line),
        (Severity::Warning, "unset_reference", 1)
    );
    assert_eq!(case.environment(), "", "nothing to keep secret here");
}

#[test]
fn fault_e77_a_file_open_to_others_is_a_finding() {
    let case = Case::new("legacy.yml", "redis_password: xyzzy-open\nredis_host: h\n");
    for (mode, said) in [
        (
            0o777,
            "mode 0777: other users can change this file; check its values",
        ),
        (0o644, "mode 0644: other users can read the secrets in this file"),
    ] {
        std::fs::set_permissions(case.source(), std::fs::Permissions::from_mode(mode)).expect("its mode");
        let (severity, code, _, _, message) = finding(&case);
        assert_eq!(
            (severity, code.as_str()),
            (Severity::Warning, "loose_permissions")
        );
        assert_eq!(message, said);
    }
    std::fs::set_permissions(case.source(), std::fs::Permissions::from_mode(0o600)).expect("its mode");
    assert_eq!(case.report().findings, []);
}

#[test]
fn fault_e77_an_old_version_is_a_finding() {
    let case = Case::new("legacy.yml", "worker_count: 2\nversion: 0.9\n");
    let (severity, code, line, column, message) = finding(&case);
    assert_eq!(
        (severity, code.as_str(), line, column),
        (Severity::Warning, "old_version", 2, 1)
    );
    assert!(message.starts_with("version 0.9 is older"), "{message}");
    assert_eq!(unmapped(&case.report()), [("version", 2, 1, "version")]);
    assert_eq!(Case::new("legacy.yml", "version: 1.4.2\n").report().findings, []);
}

#[test]
fn fault_e77_what_is_not_a_text_file_is_refused() {
    let case = Case::new("legacy.yml", "");
    std::fs::write(case.source(), b"a: 1\nb: \xff\xfe\n").expect("the file");
    assert!(
        case.refusal().message.contains("line 2: byte 8 is not UTF-8"),
        "{}",
        case.refusal()
    );
    std::fs::write(case.source(), vec![b'#'; 5_000_000]).expect("the file");
    assert!(case.refusal().message.contains("larger than 4 MB"));
    std::fs::remove_file(case.source()).expect("removed");
    assert_eq!(case.refusal().kind, ErrorKind::Input);
    std::fs::create_dir(case.source()).expect("a folder");
    assert!(case.refusal().message.contains("not a regular file"));
    std::fs::remove_dir(case.source()).expect("removed");
    // A named pipe without a writer would keep a careless reader waiting for ever.
    let made = std::process::Command::new("mkfifo")
        .arg(case.source())
        .status()
        .expect("mkfifo");
    assert!(made.success());
    assert!(case.refusal().message.contains("not a regular file"));
}

#[test]
fn fault_e77_targets_that_must_not_be_written_are_refused() {
    let case = Case::new("legacy.yml", "worker_count: 2\n");
    std::fs::create_dir(case.path("out")).expect("a folder");
    std::os::unix::fs::symlink(case.source(), &case.request.out).expect("a link");
    let error = case.refusal();
    assert!(
        error.message.contains("overwritten by its own conversion"),
        "{error}"
    );
    std::fs::remove_file(&case.request.out).expect("removed");
    std::os::unix::fs::symlink("/dev/null", &case.request.out).expect("a link");
    assert!(case.refusal().message.contains("not a regular file"));
}

#[test]
fn fault_e77_changes_between_plan_and_apply_stop_it() {
    let case = Case::new("legacy.yml", "worker_count: 2\n");
    let blocked = |prepared| {
        let now = "2026-11-22T14:26:40Z".parse().expect("a time");
        maos_migrate::engine::config::apply(
            &prepared,
            now,
            &maos_migrate::engine::operation::Control::silent(),
        )
        .expect_err("must be blocked")
    };
    let prepared = case.plan().expect("a plan");
    std::fs::write(case.source(), "worker_count: 3\n").expect("the file");
    assert_eq!(blocked(prepared).kind, ErrorKind::Blocked);
    assert!(!case.request.out.exists());
    let prepared = case.plan().expect("a plan");
    std::fs::create_dir(case.path("out")).expect("a folder");
    std::fs::write(&case.request.out, "someone: else\n").expect("the file");
    let error = blocked(prepared);
    assert!(
        error.message.ends_with("changed since the plan was made"),
        "{error}"
    );
    assert_eq!(
        std::fs::read_to_string(&case.request.out).expect("kept"),
        "someone: else\n"
    );
}
