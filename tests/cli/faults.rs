//! Bad settings and foreign journals: refused with the place and what to do, and nothing changed.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use sqlx::{Connection as _, SqliteConnection};

use crate::program::{command, finish, run};
use crate::tree::{contents, differences};

fn workspace(settings: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("acme")).unwrap();
    fs::write(folder.path().join("acme/migration.yml"), settings).unwrap();
    folder
}

/// Settings, and what the refusal must name.
const BAD_SETTINGS: &[(&str, &str, &[&str])] = &[
    (
        "unknown key",
        "name: a\nenvironmnt: staging\n",
        &["line 2", "column 1", "environmnt"],
    ),
    (
        "unknown nested key",
        "name: a\nsources:\n  taks: x.json\n",
        &["line 3", "column 3", "taks"],
    ),
    (
        "duplicate key",
        "name: a\ntype: brownfield\nname: b\n",
        &["line 3", "column 1", "name"],
    ),
    (
        "duplicate nested key",
        "name: a\nsources:\n  tasks: x\n  tasks: y\n",
        &["line 4", "tasks"],
    ),
    ("wrong type", "name: a\nsources: [1, 2]\n", &["line 2"]),
    (
        "wrong word",
        "name: a\ntype: bluefield\n",
        &["line 2", "column 7", "bluefield"],
    ),
    (
        "wrong boolean",
        "name: a\nsettings:\n  read_only: maybe\n",
        &["line 3", "column 14"],
    ),
    (
        "yes is no boolean",
        "name: a\nsettings:\n  read_only: yes\n",
        &["line 3"],
    ),
    ("tab", "name: a\nsources:\n\ttasks: x\n", &["line 3"]),
    ("no name", "type: brownfield\n", &["name"]),
    ("not a mapping", "- a\n- b\n", &["line 1"]),
    ("empty", "", &["migration.yml"]),
    ("unfinished", "name: \"a\nsources:\n", &["line"]),
    (
        "variable not set",
        "name: a\nsources:\n  database: postgres://u:${NO_SUCH_VARIABLE}@h/x\n",
        &["line 3", "NO_SUCH_VARIABLE"],
    ),
    (
        "secret file missing",
        "name: a\nsources:\n  database: postgres://u:${file:nowhere}@h/x\n",
        &["line 3", "nowhere"],
    ),
    (
        "anchor bomb",
        "name: a\nx: &a [y, y, y, y, y, y, y, y, y]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n\
         c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n\
         e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]\n\
         g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f]\nh: &h [*g, *g, *g, *g, *g, *g, *g, *g, *g]\nsources: *h\n",
        &["line"],
    ),
];

#[test]
fn fault_e77_bad_settings_are_refused_with_line_and_column() {
    for (case, settings, named) in BAD_SETTINGS {
        let folder = workspace(settings);
        let before = contents(&folder.path().join("acme"));
        let ran = run(folder.path(), &["assess", "-w", "acme", "--json"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{case}: {ran:#?}");
        let error = ran.error();
        assert_eq!(error["kind"], "input", "{case}: {ran:#?}");
        let message = format!("{} {}", error["message"], error["hint"]);
        for word in *named {
            assert!(message.contains(word), "{case}: no {word:?} in {message}");
        }
        assert_eq!(
            differences(&before, &contents(&folder.path().join("acme"))),
            Vec::<String>::new(),
            "{case}"
        );
    }
}

#[test]
fn a_new_password_is_no_new_source_and_another_database_is() {
    let settings = |database: &str| {
        format!(
            "name: a\ntype: brownfield\nenvironment: staging\nsources:\n  database: {database}\ntarget:\n  database: sqlite://out.db\n"
        )
    };
    let first = "postgres://app@127.0.0.1:1/legacy";
    let folder = workspace(&settings(first));
    let said = |database: &str| {
        fs::write(folder.path().join("acme/migration.yml"), settings(database)).unwrap();
        let mut command = command(folder.path(), &["schema", "plan", "-w", "acme", "--json"]);
        command.env("PW", "one at/home");
        finish(command).error()["message"].as_str().unwrap().to_owned()
    };
    for same in [
        first,
        "postgres://app:one-password@127.0.0.1:1/legacy",
        "postgres://app:another@127.0.0.1:1/legacy",
        // Like the database, so that both are masked where people see the address.
        "postgres://app:legacy@127.0.0.1:1/legacy",
        "postgres://app:${PW}@127.0.0.1:1/legacy",
    ] {
        // The journal is no obstacle: what is said is about the step.
        let said = said(same);
        assert!(said.contains("Readiness has not been computed"), "{same}: {said}");
    }
    for other in [
        "postgres://app@127.0.0.1:1/elsewhere",
        "postgres://app:one-password@127.0.0.1:2/legacy",
    ] {
        let said = said(other);
        assert!(
            said.contains("belongs to sources.database postgres://app@127.0.0.1:1/"),
            "{other}: {said}"
        );
    }
}

#[test]
fn fault_e77_a_deeply_nested_file_is_refused_quickly() {
    let folder = workspace(&format!(
        "name: a\nsources: {}{}\n",
        "[".repeat(50_000),
        "]".repeat(50_000)
    ));
    let ran = run(folder.path(), &["assess", "-w", "acme", "--json"]);
    assert_eq!(ran.code, Some(3), "{ran:#?}");
}

#[test]
fn fault_e77_a_secret_file_open_to_others_is_refused() {
    let folder = workspace("name: a\nsources:\n  database: postgres://u:${file:password}@h/x\n");
    let file = folder.path().join("acme/password");
    fs::write(&file, "hunter2222").unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let ran = run(folder.path(), &["assess", "-w", "acme", "--json"]);
    assert_eq!(ran.code, Some(3), "{ran:#?}");
    let error = ran.error().to_string();
    assert!(
        error.contains("line 3") && error.contains("chmod 600") && !error.contains("hunter2222"),
        "{error}"
    );
}

#[test]
fn a_source_that_is_not_there_is_named_with_a_near_name() {
    let folder =
        workspace("name: a\ntype: brownfield\nenvironment: staging\nsources:\n  tasks: legacy/task.json\n");
    fs::create_dir(folder.path().join("acme/legacy")).unwrap();
    fs::write(folder.path().join("acme/legacy/tasks.json"), "[]").unwrap();
    let ran = run(folder.path(), &["doctor", "-w", "acme", "--json"]);
    assert_eq!(ran.code, Some(4), "{ran:#?}");
    assert!(
        ran.out.contains("legacy/task.json") && ran.out.contains("line 5"),
        "{ran:#?}"
    );
    assert!(ran.out.contains("Did you mean legacy/tasks.json?"), "{ran:#?}");
}

fn finished_demo(folder: &Path) {
    let ran = run(folder, &["demo", "--headless", "-w", "acme"]);
    assert_eq!(ran.code, Some(4), "{ran:#?}");
}

#[test]
fn fault_c58_a_journal_of_other_sources_is_refused_until_restart() {
    let folder = tempfile::tempdir().unwrap();
    finished_demo(folder.path());
    let acme = folder.path().join("acme");
    let settings = acme.join("migration.yml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(
        &settings,
        text.replace("sqlite://legacy/legacy.db", "sqlite://legacy/other.db"),
    )
    .unwrap();
    fs::copy(acme.join("legacy/legacy.db"), acme.join("legacy/other.db")).unwrap();
    let before = contents(&acme);
    for args in [
        &["assess", "-w", "acme", "--json"][..],
        &["schema", "apply", "-w", "acme", "--json", "--yes"],
        &["demo", "--headless", "-w", "acme", "--json"],
    ] {
        let ran = run(folder.path(), args);
        assert_eq!((ran.code, ran.out.as_str()), (Some(5), ""), "{args:?}: {ran:#?}");
        let error = ran.error().to_string();
        assert!(
            error.contains("legacy.db") && error.contains("other.db") && error.contains("--restart"),
            "does not name the difference and the way on: {error}"
        );
    }
    assert_eq!(differences(&before, &contents(&acme)), Vec::<String>::new());
    let ran = run(
        folder.path(),
        &["demo", "--headless", "-w", "acme", "--json", "--restart"],
    );
    assert_eq!(ran.code, Some(4), "{ran:#?}");
    let kept = fs::read_dir(&acme)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let journals =
        kept.filter(|name| name.contains("journal") && !name.ends_with("-wal") && !name.ends_with("-shm"));
    assert_eq!(journals.count(), 2, "the old journal is kept beside the new one");
}

#[test]
fn fault_c59_a_journal_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    finished_demo(folder.path());
    let journal = folder.path().join("acme/journal.db");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut connection = SqliteConnection::connect(&format!("sqlite://{}", journal.display()))
            .await
            .unwrap();
        sqlx::query("pragma user_version = 999")
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    });
    let before = contents(&folder.path().join("acme"));
    for args in [
        &["journal", "list", "-w", "acme", "--json"][..],
        &["assess", "-w", "acme", "--json"],
    ] {
        let ran = run(folder.path(), args);
        assert!(matches!(ran.code, Some(3 | 5)), "{ran:#?}");
        let error = ran.error().to_string();
        assert!(error.contains("999") || error.contains("newer"), "{error}");
    }
    assert_eq!(
        differences(&before, &contents(&folder.path().join("acme"))),
        Vec::<String>::new()
    );
}

/// Holds the workspace as another operator on another host would.
fn hold(folder: &Path) -> fs::File {
    let mut lock = fs::File::create(folder.join("acme/.session.lock")).unwrap();
    lock.lock().unwrap();
    lock.write_all(br#"{"operator":"bob","host":"ops-2","pid":1,"since":"2026-11-22T13:41:00Z"}"#)
        .unwrap();
    lock
}

#[test]
fn fault_d63_a_held_workspace_can_be_read_but_not_operated() {
    let folder = tempfile::tempdir().unwrap();
    finished_demo(folder.path());
    let lock = hold(folder.path());
    let before = contents(&folder.path().join("acme"));
    for args in [
        &["assess", "-w", "acme", "--json"][..],
        &["tasks", "convert", "-w", "acme", "--json", "--yes"],
        &["schema", "apply", "-w", "acme", "--json", "--yes"],
        &["assess", "-w", "acme", "--json", "--restart"],
    ] {
        let ran = run(folder.path(), args);
        assert_eq!((ran.code, ran.out.as_str()), (Some(5), ""), "{args:?}: {ran:#?}");
        let error = ran.error().to_string();
        assert!(
            error.contains("bob") && error.contains("ops-2"),
            "does not say who holds it: {error}"
        );
    }
    assert_eq!(
        differences(&before, &contents(&folder.path().join("acme"))),
        Vec::<String>::new()
    );
    let ran = run(folder.path(), &["journal", "list", "-w", "acme", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    drop(lock);
    let ran = finish(command(
        folder.path(),
        &["tasks", "convert", "-w", "acme", "--json", "--yes"],
    ));
    assert!(
        matches!(ran.code, Some(0 | 4)),
        "a lock that is gone holds nobody up: {ran:#?}"
    );
}
