//! One test for each of the guide's defects in configuration conversion.

use maos_migrate::engine::config::{OutputFormat, Profile};
use serde_json::json;

use crate::{Case, apply_at, at, mode, unmapped};

fn choose(path: &str, choice: usize) -> impl FnOnce(&mut maos_migrate::engine::config::Request) {
    let path = path.to_owned();
    move |request| {
        request.decisions.choices.insert(path, choice);
    }
}

#[test]
fn defect_45_the_first_conversion_works_and_knows_no_clock() {
    let text = "worker_count: 8\nlog_level: info\n";
    let outputs = ["2026-11-22T14:26:40Z", "2031-01-01T00:00:00Z"].map(|now| {
        let case = Case::new("legacy.yml", text);
        apply_at(&case.plan().expect("a plan"), now);
        ["maos_config.yml", "maos_config.report.json"]
            .map(|name| std::fs::read(case.path("out").join(name)).expect("a written file"))
    });
    assert_eq!(outputs[0], outputs[1]);
}

#[test]
fn defect_46_credentials_are_percent_encoded() {
    let case = Case::new(
        "legacy.yml",
        "database: {host: h, port: 5432, name: n/1, user: u@x, password: 'p:/@w ü'}\n",
    );
    let written = case.written();
    assert_eq!(
        *at(&written, "database.primary_url"),
        "postgresql://u%40x:${MAOS_DB_PASSWORD}@h:5432/n%2F1"
    );
    assert!(
        case.environment()
            .ends_with("\nMAOS_DB_PASSWORD=p%3A%2F%40w%20%C3%BC\n"),
        "encoded in the environment"
    );

    // Put together as MAOS would, the address gives the same credentials back.
    let whole = at(&written, "database.primary_url")
        .as_str()
        .expect("text")
        .replace("${MAOS_DB_PASSWORD}", "p%3A%2F%40w%20%C3%BC");
    let url = url::Url::parse(&whole).expect("an address");
    assert_eq!(
        (url.host_str(), url.username(), url.path()),
        (Some("h"), "u%40x", "/n%2F1")
    );
    assert_eq!(url.password(), Some("p%3A%2F%40w%20%C3%BC"));
}

#[test]
fn defect_47_redis_keeps_user_password_database_and_tls_in_one_url() {
    let text =
        "redis_host: h\nredis_port: 6380\nredis_password: a:b\nredis_db: 3\nredis_ssl: true\nredis_user: u\n";
    let case = Case::new("legacy.yml", text);
    assert_eq!(
        case.written()["redis"],
        json!({"url": "rediss://u:${MAOS_REDIS_PASSWORD}@h:6380/3"}),
        "the URL and nothing beside it"
    );
    assert!(case.environment().contains("MAOS_REDIS_PASSWORD=a%3Ab\n"));

    // What the URL leaves open, single keys may say; that is no conflict.
    let case = Case::new(
        "legacy.yml",
        "redis_url: redis://h:6379\nredis_db: 2\nredis_password: pw12\n",
    );
    assert_eq!(case.report().conflicts, []);
    assert_eq!(
        *at(&case.written(), "redis.url"),
        "redis://:${MAOS_REDIS_PASSWORD}@h:6379/2"
    );
}

#[test]
fn defect_48_unexpected_shapes_are_read_or_refused_with_their_place() {
    let case = Case::new("legacy.yml", "database: postgres://u@h/n\nagents: null\n");
    assert_eq!(
        *at(&case.written(), "database.primary_url"),
        "postgresql://u@h:5432/n"
    );
    assert_eq!(unmapped(&case.report()), [("agents", 2, 1, "empty")]);

    let case = Case::new("legacy.yml", "database:\n  host: h\n  name: n\n");
    assert_eq!(
        *at(&case.written(), "database.primary_url"),
        "postgresql://h:5432/n"
    );
    let note = case.report().mapped[0].note.clone().expect("a note");
    assert_eq!(note, "port 5432 by default");

    let case = Case::new("legacy.yml", "database:\n  host: h\n  user: u\n");
    let report = case.report();
    assert_eq!(
        unmapped(&report),
        [
            ("database.host", 2, 3, "incomplete"),
            ("database.user", 3, 3, "incomplete")
        ]
    );
    assert!(
        report.findings[0]
            .message
            .starts_with("the name of the database is missing"),
        "{report:?}"
    );

    let case = Case::new("legacy.yml", "worker_count: [1]\ndatabase:\n  host: {a: 1}\n");
    let report = case.report();
    assert_eq!(
        unmapped(&report),
        [
            ("worker_count", 1, 1, "wrong_type"),
            ("database.host.a", 3, 10, "unknown_key")
        ]
    );
}

const TWICE: &str = "db_url: postgres://a/one\ndatabase:\n  url: postgres://b/two\ntask_timeout: 45m\nagents:\n  execution_timeout: 1800\n";

#[test]
fn defect_49_precedence_is_stated_and_conflicts_are_reported_with_both_places() {
    let text = TWICE;
    let case = Case::new("legacy.yml", text);
    let report = case.report();
    let told: Vec<_> = report
        .conflicts
        .iter()
        .map(|conflict| {
            let choices: Vec<_> = conflict
                .choices
                .iter()
                .map(|choice| {
                    (
                        choice.choice,
                        choice.keys.join("+"),
                        choice.lines.clone(),
                        choice.value.clone(),
                    )
                })
                .collect();
            (conflict.to.as_str(), conflict.taken, conflict.decided, choices)
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "database.primary_url",
                1,
                false,
                vec![
                    (
                        1,
                        "database.url".to_owned(),
                        vec![3],
                        "postgresql://b:5432/two".to_owned()
                    ),
                    (
                        2,
                        "db_url".to_owned(),
                        vec![1],
                        "postgresql://a:5432/one".to_owned()
                    ),
                ]
            ),
            (
                "agents.defaults.timeout",
                1,
                false,
                vec![
                    (
                        1,
                        "agents.execution_timeout".to_owned(),
                        vec![6],
                        "1800".to_owned()
                    ),
                    (2, "task_timeout".to_owned(), vec![4], "2700".to_owned()),
                ]
            ),
        ]
    );
    assert_eq!(
        unmapped(&report),
        [
            ("db_url", 1, 1, "superseded"),
            ("task_timeout", 4, 1, "superseded")
        ]
    );

    let case = Case::with("legacy.yml", text, choose("agents.defaults.timeout", 2));
    assert_eq!(*at(&case.written(), "agents.defaults.timeout"), 2700);
    let case = Case::with("legacy.yml", text, choose("agents.defaults.timeout", 3));
    let report = case.report();
    let told = report
        .findings
        .iter()
        .find(|found| found.code == "decision_left_out");
    assert_eq!(
        told.map(|found| (found.key.as_str(), found.message.as_str())),
        Some((
            "agents.defaults.timeout",
            "choice 3 is left out: there are 2 to choose from"
        ))
    );
    assert!(report.conflicts.iter().all(|conflict| !conflict.decided));
}

#[test]
fn defect_49_values_said_twice_are_no_conflict_and_conflicts_wait_for_a_decision() {
    // Said twice alike is no conflict, and both keys are mapped.
    let case = Case::new(
        "legacy.yml",
        "task_timeout: 30m\nagents:\n  execution_timeout: 1800\n",
    );
    assert_eq!(case.report().conflicts, []);
    assert_eq!(case.report().mapped.len(), 2);

    // The wizard writes nothing before each conflict is decided.
    let case = Case::with("legacy.yml", TWICE, |request| request.require_decisions = true);
    let prepared = case.plan().expect("a plan");
    let said = prepared.blocked.clone().expect("blocked");
    assert_eq!(
        said,
        "2 conflicts need a decision: database.primary_url, agents.defaults.timeout"
    );
    let error = maos_migrate::engine::config::apply(
        &prepared,
        "2026-11-22T14:26:40Z".parse().expect("a time"),
        &maos_migrate::engine::operation::Control::silent(),
    )
    .expect_err("blocked");
    assert_eq!(error.kind, maos_migrate::engine::ErrorKind::Blocked);
    assert!(!case.request.out.exists());
}

#[test]
fn defect_50_every_key_is_reported_and_values_are_typed() {
    let case = Case::new(
        "legacy.yml",
        "worker_count: '8'\nlog_level: warn\nretry_jitter: 0.3\nagents:\n  memory_limit: 2048M\nworker_cuont: 9\n",
    );
    let report = case.report();
    assert_eq!(
        unmapped(&report),
        [
            ("retry_jitter", 3, 1, "unknown_key"),
            ("worker_cuont", 6, 1, "unknown_key")
        ]
    );
    assert_eq!(
        report.findings[0].message,
        "unknown key; did you mean worker_count?"
    );
    let written = case.written();
    assert_eq!(*at(&written, "system.max_agents"), 8);
    assert_eq!(*at(&written, "system.log_level"), "WARNING");
    assert_eq!(*at(&written, "agents.defaults.max_memory"), "2GB");

    for (name, text, key) in [
        ("empty.yml", "", ""),
        ("comment.yaml", "# nothing\n", ""),
        ("UPPER.JSON", "{\"worker_count\": 3}", "worker_count"),
        ("legacy.yml", "agents.memory_limit: 1GB\n", "agents.memory_limit"),
        ("legacy.yml", "\u{feff}worker-count: 3\n", "worker-count"),
        ("legacy.env", "WORKER_COUNT=3\n", "WORKER_COUNT"),
        (
            ".env.production",
            "export MAOS_SYSTEM_MAX_AGENTS=3\n",
            "MAOS_SYSTEM_MAX_AGENTS",
        ),
        ("settings", "{\"worker_count\": 3}", "worker_count"),
    ] {
        let report = Case::new(name, text).report();
        let keys: Vec<_> = report.mapped.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys.join(","), key, "{name}");
    }
    assert!(
        Case::new("legacy.toml", "worker_count = 3\n")
            .refusal()
            .message
            .contains(".toml files are not read")
    );
}

#[test]
fn defect_51_defaults_are_shown_as_defaults() {
    for (profile, want) in [
        (
            Profile::Guide,
            json!({"system.max_agents": 10, "system.log_level": "INFO", "agents.defaults.timeout": 3600, "agents.defaults.max_memory": "1GB"}),
        ),
        (
            Profile::Reference,
            json!({"system.max_agents": 20, "system.log_level": "INFO", "agents.defaults.timeout": 1800, "agents.defaults.max_memory": "512MB"}),
        ),
    ] {
        let case = Case::with("legacy.yml", "", |request| request.profile = profile);
        let report = case.report();
        let told: serde_json::Map<_, _> = report
            .defaulted
            .iter()
            .map(|entry| (entry.to.clone(), entry.value.clone()))
            .collect();
        assert_eq!(serde_json::Value::Object(told), want);
        case.apply();
        let text = std::fs::read_to_string(&case.request.out).expect("written");
        assert_eq!(text.matches("# default").count(), 4, "{text}");
        let view = case.plan().expect("a plan").view;
        assert!(view.rows.iter().all(|row| row.mark.glyph() == '+'));
    }
    let case = Case::new("legacy.yml", "");
    let said = case.report().defaulted[0].note.clone();
    assert_eq!(
        said.as_deref(),
        Some("the configuration reference's default is 20")
    );
}

#[test]
fn defect_52_no_metadata_no_secrets_private_modes_and_a_backup() {
    let case = Case::new(
        "legacy.yml",
        "worker_count: 8\ndb_url: postgres://u:xyzzy-plugh@h/n\n",
    );
    std::fs::create_dir(case.path("out")).expect("a folder");
    std::fs::write(&case.request.out, "old: true\n").expect("an old file");
    std::fs::write(case.path("out/maos.env"), "OLD=1\n").expect("an old file");

    let prepared = case.plan().expect("a plan");
    assert!(prepared.plan.needs_approval, "replacing is an effect");
    let outcome = apply_at(&prepared, "2026-11-22T14:26:40Z");
    for (name, content) in [
        ("maos_config.yml.20261122-1426", "old: true\n"),
        ("maos.env.20261122-1426", "OLD=1\n"),
    ] {
        assert_eq!(
            std::fs::read_to_string(case.path("out").join(name)).expect("a backup"),
            content
        );
        assert!(
            outcome.artifacts.iter().any(|artifact| artifact.ends_with(name)),
            "{outcome:?}"
        );
    }
    let text = std::fs::read_to_string(&case.request.out).expect("written");
    assert!(!text.contains("migration:") && !text.contains("xyzzy"), "{text}");
    assert!(case.environment().contains("MAOS_DB_PASSWORD=xyzzy-plugh\n"));
    for entry in std::fs::read_dir(case.path("out")).expect("a folder") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }

    // The same again changes nothing and needs nobody's approval.
    let again = case.plan().expect("a plan");
    assert!(!again.plan.needs_approval);
    let outcome = apply_at(&again, "2026-11-22T15:00:00Z");
    assert_eq!(outcome.unchanged, 3);
    assert!(!case.path("out/maos_config.yml.20261122-1500").exists());

    // A second replacement within the minute does not overwrite the first copy.
    for old in ["second\n", "third\n"] {
        std::fs::write(&case.request.out, old).expect("an old file");
        apply_at(&case.plan().expect("a plan"), "2026-11-22T14:26:50Z");
    }
    assert_eq!(
        std::fs::read_to_string(case.path("out/maos_config.yml.20261122-1426")).expect("kept"),
        "old: true\n"
    );
    assert_eq!(
        std::fs::read_to_string(case.path("out/maos_config.yml.20261122-1426-3")).expect("kept"),
        "third\n"
    );
}

#[test]
fn defect_53_each_profile_writes_only_keys_that_its_reader_takes() {
    let text = "log_level: warn\nredis_host: h\nredis_port: 6379\nredis_db: 2\ndb_url: postgres://h/n\nsystem:\n  max_agents: 4\n";
    let case = Case::with("legacy.yml", text, |request| request.profile = Profile::Shipped);
    let written = case.written();
    assert_eq!(
        written["redis"],
        json!({"url": "redis://h:6379/2", "enabled": true, "db": 2, "ssl": false})
    );
    assert_eq!(*at(&written, "logging.level"), "WARNING");
    assert!(written["system"].get("log_level").is_none() && written.get("database").is_none());
    assert_eq!(unmapped(&case.report()), [("db_url", 5, 1, "no_place")]);

    let case = Case::with("legacy.yml", text, |request| {
        request.profile = Profile::Shipped;
        request
            .decisions
            .edits
            .insert("system.log_level".to_owned(), "INFO".into());
    });
    assert!(case.written()["system"].get("log_level").is_none());
    assert!(
        case.report()
            .findings
            .iter()
            .any(|found| found.code == "decision_left_out"
                && found
                    .message
                    .contains("would discard the whole file for system.log_level")),
        "{:?}",
        case.report().findings
    );

    let reference = Case::with("legacy.yml", text, |request| {
        request.profile = Profile::Reference;
        request.format = OutputFormat::Json;
    });
    assert_eq!(
        *at(&reference.written(), "database.primary.url"),
        "postgresql://h:5432/n"
    );
}

/// The names that MAOS itself uses are the first a person tries; they are taken in every profile, and in a stated order.
#[test]
fn defect_50_the_names_of_maos_are_taken_wherever_they_stand() {
    for (profile, text, path, wanted) in [
        (Profile::Guide, "max_agents: 7\n", "system.max_agents", json!(7)),
        (
            Profile::Guide,
            "agents: {max_agents: 7}\n",
            "system.max_agents",
            json!(7),
        ),
        (
            Profile::Guide,
            "worker_count: 4\nmax_agents: 7\n",
            "system.max_agents",
            json!(4),
        ),
        (
            Profile::Guide,
            "execution_timeout: 900\n",
            "agents.defaults.timeout",
            json!(900),
        ),
        (
            Profile::Reference,
            "agents: {timeout: 15m, max_memory: 2GB}\n",
            "agents.defaults.timeout",
            json!(900),
        ),
        (
            Profile::Reference,
            "agents: {timeout: 15m, max_memory: 2GB}\n",
            "agents.defaults.max_memory",
            json!("2GB"),
        ),
        (Profile::Shipped, "max_agents: 7\n", "system.max_agents", json!(7)),
        (
            Profile::Shipped,
            "execution_timeout: 900\n",
            "system.agent_timeout",
            json!(900),
        ),
    ] {
        let case = Case::with("legacy.yml", text, |request| request.profile = profile);
        let left = unmapped(&case.report()).len();
        assert_eq!(left, usize::from(text.contains("worker_count")), "{text}");
        assert_eq!(*at(&case.written(), path), wanted, "{text}");
    }
}
