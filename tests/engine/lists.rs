//! The long lists as files: what is shown is what is written, and no secret with it.

use maos_migrate::engine::Capability;
use maos_migrate::engine::command::Command;
use maos_migrate::engine::error::ErrorKind;
use maos_migrate::engine::event::{Event, EventKind};
use maos_migrate::engine::lists::{List, Marks, mark};
use maos_migrate::engine::operation::Quarantined;
use maos_migrate::engine::ports::clock::{Clock as _, SystemClock};
use maos_migrate::engine::snapshot::{LogLine, Snapshot};
use maos_migrate::engine::workspace::secrets;

use super::{options, sample};

fn item(key: &str, reason: &str) -> Quarantined {
    Quarantined {
        kind: "row".to_owned(),
        key: key.to_owned(),
        reason: reason.to_owned(),
        place: "column status".to_owned(),
        why: "no rule".to_owned(),
        hint: "e maps it".to_owned(),
        raw: format!("{key} | a\tb"),
    }
}

fn snapshot() -> Snapshot {
    let mut snapshot = Snapshot::default();
    let mut tell = |kind| {
        let event = Event {
            seq: snapshot.seq + 1,
            at: SystemClock.now(),
            kind,
        };
        snapshot.apply(&event);
    };
    for text in [
        "chunk 237 committed",
        "password canary-of-the-list told",
        "Chunk 238 committed",
    ] {
        tell(EventKind::Logged {
            capability: Capability::Schema,
            text: text.to_owned(),
        });
    }
    for item in [
        item("id 1", "nul_in_text"),
        item("id 2", "unknown_status"),
        item("id 3", "unknown_status"),
    ] {
        tell(EventKind::ItemQuarantined {
            capability: Capability::Schema,
            item,
        });
    }
    snapshot
}

#[test]
fn what_is_shown_is_what_is_written() {
    secrets::register("canary-of-the-list");
    let snapshot = snapshot();
    let (n, text) = List::Log
        .lines(&snapshot, "CHUNK 2", &Marks::new())
        .expect("written");
    assert_eq!((n, text.lines().count()), (2, 2), "{text}");
    let entry: LogLine = serde_json::from_str(text.lines().next().expect("a line")).expect("reads back");
    assert!(entry.text.contains("chunk 237 committed"), "{entry:?}");
    let (_, text) = List::Log.lines(&snapshot, "", &Marks::new()).expect("written");
    assert!(
        text.contains("******") && !text.contains("canary-of-the-list"),
        "{text}"
    );

    let (n, text) = List::Quarantine
        .lines(&snapshot, "", &Marks::new())
        .expect("written");
    let items: Vec<Quarantined> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("reads back"))
        .collect();
    // By reason, the most frequent first.
    let keys: Vec<&str> = items.iter().map(|item| item.key.as_str()).collect();
    assert_eq!((n, keys), (3, vec!["id 2", "id 3", "id 1"]));
    assert_eq!(
        List::Quarantine
            .lines(&snapshot, "nul", &Marks::new())
            .expect("written")
            .0,
        1
    );
    assert_eq!(
        List::Quarantine
            .lines(&snapshot, "nothing of this", &Marks::new())
            .expect("none")
            .0,
        0
    );
    // What was picked out is written whatever the filter shows now.
    let marked = Marks::from([mark(&items[0]), mark(&items[2])]);
    let (n, text) = List::Quarantine
        .lines(&snapshot, "nul", &marked)
        .expect("written");
    assert_eq!(n, 2, "{text}");
    assert!(
        text.contains(r#""id 2""#) && text.contains(r#""id 1""#) && !text.contains(r#""id 3""#),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_written_once_for_its_owner_and_is_an_artifact() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = sample(folder.path(), options("alice")).await;
    let save = |wanted: &str| Command::SaveList {
        list: List::Log,
        wanted: wanted.to_owned(),
        marked: Marks::new(),
    };
    let none = engine
        .ask(save("nothing of this kind"))
        .await
        .expect_err("refused");
    assert_eq!(none.kind, ErrorKind::Input, "{none}");
    assert!(!folder.path().join("logs").exists(), "nothing was made");
    engine.ask(save("")).await.expect("saved");
    let snapshot = engine.snapshot().borrow().clone();
    let path = snapshot
        .artifacts
        .keys()
        .find(|path| path.starts_with("logs/log-"))
        .unwrap_or_else(|| panic!("{:?}", snapshot.artifacts.keys()))
        .clone();
    let file = folder.path().join(&path);
    let text = std::fs::read_to_string(&file).expect("there");
    assert!(text.lines().count() > 0);
    for line in text.lines() {
        serde_json::from_str::<LogLine>(line).expect("reads back");
    }
    let said = snapshot.messages.back().expect("told").text.clone();
    assert!(said.starts_with(&format!("Written: {path}: ")), "{said}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&file).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // What is there stays: a second list of the same second gets a name of its own.
    engine.ask(save("")).await.expect("saved again");
    assert_eq!(std::fs::read_to_string(&file).expect("there"), text);
    engine.ask(Command::Close).await.expect("closes");
}
