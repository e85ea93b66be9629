//! `demo --headless`: the whole migration of the sample, with everything accounted for.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::program::{PROGRAM, command, finish, run};

/// The steps of a brownfield migration that this version runs in the demo, in order.
const STEPS: &[&str] = &[
    "assess",
    "readiness",
    "tasks",
    "environment",
    "config",
    "checkpoints",
    "schema",
    "compare",
    "validate",
    "report",
];
/// What a finished demo leaves in its workspace.
const ARTIFACTS: &[&str] = &[
    "migration.yml",
    "journal.db",
    "assessment/assessment.md",
    "assessment/assessment.json",
    "tasks/maos_tasks.json",
    "tasks/quarantine.jsonl",
    "tasks/conversion.log",
    "tasks/submission.json",
    "compare/migration_test_report.json",
    "validate/migration_test_results.json",
    "config/maos_config.yml",
    "checkpoints/checkpoint_migration.log",
    "report/report.md",
    "report/report.html",
];

fn sample_tasks() -> usize {
    let items: Vec<Value> =
        serde_json::from_str(include_str!("../../assets/sample/legacy/tasks.json")).unwrap();
    items.len()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is not a count"))
}

#[test]
fn the_last_line_accounts_for_everything() {
    let folder = tempfile::tempdir().unwrap();
    // Under another name, as downloads have one, it finds its own stand-ins all the same.
    let program = folder.path().join("maos-migrate-linux");
    std::fs::copy(PROGRAM, &program).unwrap();
    let known = command(folder.path(), &["demo", "--headless", "--json", "-w", "acme"]);
    let mut renamed = Command::new(&program);
    renamed
        .current_dir(folder.path())
        .args(known.get_args())
        .env_clear()
        .envs(known.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = finish(renamed);
    assert_eq!(ran.code, Some(4), "{ran:#?}");
    let last = ran.last();
    let workspace = last["workspace"].as_str().unwrap();
    assert!(Path::new(workspace).ends_with("acme"), "{workspace}");

    let steps: BTreeMap<&str, &Value> = last["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["capability"].as_str().unwrap(), step))
        .collect();
    for name in STEPS {
        let step = steps
            .get(name)
            .unwrap_or_else(|| panic!("no step {name} in {last:#}"));
        assert!(
            matches!(step["state"].as_str(), Some("done" | "done_with_quarantine")),
            "{step:#}"
        );
        let (source, converted, quarantined) = (
            number(&step["source"]),
            number(&step["converted"]),
            number(&step["quarantined"]),
        );
        assert_eq!(source, converted + quarantined, "{step:#}");
        assert_eq!(
            step["state"] == "done_with_quarantine",
            quarantined > 0,
            "{step:#}"
        );
    }
    for name in ["tasks", "checkpoints", "schema"] {
        assert!(
            number(&steps[name]["quarantined"]) > 0,
            "{name}: the sample has bad ones"
        );
    }
    assert_eq!(number(&steps["tasks"]["source"]), sample_tasks() as u64);
    let given = &steps["tasks"]["submission"];
    assert!(
        number(&given["source"]) > number(&steps["tasks"]["converted"]),
        "{given}"
    );
    assert_eq!(
        given["source"], given["converted"],
        "every part ended well in MAOS"
    );
    for step in ["compare", "validate"] {
        let name =
            ["migration_test_report.json", "migration_test_results.json"][usize::from(step == "validate")];
        let path = folder.path().join("acme").join(step).join(name);
        let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(document["rehearsal"], true, "{document:#}");
        assert_eq!(document["simulated_durations"], true, "{document:#}");
    }
    assert_eq!(number(&steps["checkpoints"]["source"]), 12);
    assert!(number(&steps["schema"]["source"]) > 1000);

    for artifact in last["artifacts"].as_array().unwrap() {
        let path = artifact.as_str().or_else(|| artifact["path"].as_str()).unwrap();
        assert!(
            folder.path().join("acme").join(path).exists() || Path::new(path).exists(),
            "{path} is not there"
        );
    }
    for artifact in ARTIFACTS {
        assert!(
            folder.path().join("acme").join(artifact).exists(),
            "no {artifact}"
        );
    }
    assert!(
        folder
            .path()
            .join("acme/checkpoints/migrated")
            .read_dir()
            .unwrap()
            .count()
            > 0
    );
    assert!(!ran.err.is_empty(), "progress goes to standard error");
}

#[test]
fn people_get_progress_lines_and_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(folder.path(), &["demo", "--headless"]);
    assert_eq!(ran.code, Some(4), "{ran:#?}");
    for step in STEPS {
        assert!(
            ran.out.to_lowercase().contains(step),
            "no {step} in the table:\n{}",
            ran.out
        );
        // The score is the sum of the answers; it takes no time that could be shown.
        let told = ran.err.contains(step) || *step == "readiness";
        assert!(told, "no {step} in the progress:\n{}", ran.err);
    }
    assert!(ran.out.contains("maos-demo-1"), "{}", ran.out);
    assert!(!ran.out.contains('\x1b') && !ran.err.contains('\x1b'));
    let second = run(folder.path(), &["demo", "--headless"]);
    assert_eq!(second.code, Some(4), "{second:#?}");
    assert!(
        folder.path().join("maos-demo-2").exists(),
        "a fresh workspace each time"
    );
}

#[test]
fn nothing_outside_the_workspace_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut command = crate::program::command(folder.path(), &["demo", "--headless", "-w", "acme"]);
    command.env("HOME", home.path());
    let ran = crate::program::finish(command);
    assert_eq!(ran.code, Some(4), "{ran:#?}");
    let names: Vec<_> = folder
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["acme"]);
    assert_eq!(home.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_workspace_that_is_no_rehearsal_is_not_gone_through_without_approvals() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = folder.path().join("acme");
    std::fs::create_dir(&workspace).unwrap();
    let settings = "name: acme\ntype: brownfield\nenvironment: production\nsources:\n  tasks: tasks.json\n";
    std::fs::write(workspace.join("migration.yml"), settings).unwrap();
    std::fs::write(
        workspace.join("tasks.json"),
        r#"[{"id": 1, "description": "Read, then write"}]"#,
    )
    .unwrap();
    let ran = run(folder.path(), &["demo", "--headless", "--json", "-w", "acme"]);
    assert_eq!(ran.code, Some(5), "{ran:#?}");
    let message = ran.error()["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("no rehearsal") && message.contains("PRODUCTION"),
        "{message}"
    );
    let mut names: Vec<_> = workspace
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["migration.yml", "tasks.json"]);
    // What a rehearsal touches outside its folder is named.
    let outside = folder.path().join("outside.db");
    let settings = format!(
        "name: acme\ntype: brownfield\nenvironment: rehearsal\nsources:\n  tasks: tasks.json\ntarget:\n  database: sqlite://{}\n  maos: rehearsal\n",
        outside.display()
    );
    std::fs::write(workspace.join("migration.yml"), settings).unwrap();
    let ran = run(folder.path(), &["demo", "--headless", "-w", "acme"]);
    assert!(
        ran.err.contains("outside it: target.database sqlite://") && !ran.err.contains("nothing outside"),
        "{ran:#?}"
    );
}
