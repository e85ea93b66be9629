//! The documented language with commands of the user's own, with a service of ours, and through the rehearsal's program.

use std::time::Duration;

use maos_migrate::engine::ports::maos::{Ability, Known, MaosError, Stop, Submission};

use crate::support::Responder;

#[tokio::test]
async fn commands_of_the_users_own_take_the_place_of_ours_word_by_word() {
    let responder = Responder::new();
    responder.runs(
        "task_show",
        "printf '{\"task\": {\"id\": \"%s\", \"status\": \"running\"}}' \"$4\"",
    );
    let log = responder.place.path("own");
    let own = responder.place.path("own.sh");
    std::fs::write(
        &own,
        format!("#!/bin/sh\nprintf '%s|' \"$@\" >> {}\necho 4711\n", log.display()),
    )
    .unwrap();
    crate::support::executable(&own);
    let lines = format!(
        "  commands:\n    task submit: [{0}, add, --type, '{{type}}', '--after={{depends_on}}', --ref, '{{reference}}', '{{description}}']\n    stop: [{0}, halt, '{{timeout}}']\n    start: [{0}, up]\n",
        own.display()
    );
    let maos = responder.open_with(&lines);
    let task = Submission {
        description: "a 'b' $(c)".to_owned(),
        depends_on: vec!["t1".to_owned(), "t2".to_owned()],
        reference: "legacy_1".to_owned(),
        ..Submission::default()
    };
    responder.runs(
        "task_show",
        "for id in \"$@\"; do :; done; printf '{\"id\": \"%s\", \"status\": \"running\"}' \"$id\"",
    );
    assert_eq!(maos.submit(task).await.unwrap(), "4711");
    assert_eq!(
        std::fs::read_to_string(&log).unwrap(),
        "add|--after=t1,t2|--ref|legacy_1|a 'b' $(c)|"
    );
    responder.says("status", "{\"running\": false}");
    maos.start().await.unwrap();
    maos.stop(Stop::Graceful(Duration::from_secs(7))).await.unwrap();
    assert!(std::fs::read_to_string(&log).unwrap().ends_with("up|halt|7|"));
    let table = maos.probe().await.unwrap();
    assert!(table.of(Ability::Submit).unwrap().why.contains("migration.yml"));
    let wrong = responder.open_with(&format!("  commands:\n    task sbumit: [{}]\n", own.display()));
    assert!(
        wrong
            .probe()
            .await
            .unwrap()
            .notes
            .iter()
            .any(|note| note.contains("task sbumit"))
    );
}

#[tokio::test]
async fn a_start_that_stays_is_detached_known_by_its_pid_and_ended() {
    let responder = Responder::new();
    responder.runs("start", "exec sleep 600");
    responder.says("stop", "Stopping.");
    let maos = responder.open();
    assert!(maos.start().await.unwrap().contains("process"));
    assert_eq!(maos.running().await.unwrap(), Known::Value(true));
    assert!(maos.start().await.unwrap().contains("runs already"));
    // Another process with the same number is not taken for it.
    let file = responder.place.path("maos-work/service.json");
    let kept = std::fs::read_to_string(&file).unwrap();
    let mut other: serde_json::Value = serde_json::from_str(&kept).unwrap();
    other["started"] = (other["started"].as_u64().unwrap() + 1).into();
    std::fs::write(&file, other.to_string()).unwrap();
    assert_ne!(maos.running().await.ok(), Some(Known::Value(true)));
    std::fs::write(&file, kept).unwrap();
    maos.stop(Stop::Graceful(Duration::from_secs(1))).await.unwrap();
    assert!(!file.exists());
    assert_ne!(maos.running().await.ok(), Some(Known::Value(true)));
}

#[tokio::test]
async fn a_start_that_ends_at_once_says_what_it_said() {
    let responder = Responder::new();
    responder.runs("start", "echo 'Error: port 8000 is taken' >&2; exit 1");
    responder.says("status", "{\"running\": false}");
    let error = responder.open().start().await.unwrap_err();
    assert!(
        matches!(&error, MaosError::NoEffect("start", why) if why.contains("port 8000")),
        "{error}"
    );
    responder.says("status", "{\"running\": true}");
    responder.open().start().await.unwrap();
}

#[tokio::test]
async fn the_settings_reach_the_commands_and_nothing_else_does() {
    let responder = Responder::new();
    responder.runs(
        "status",
        "printf '{\"tasks\": {\"total\": 1}, \"env\": \"%s %s %s %s\", \"dir\": \"%s\", \"in\": \"%s\"}' \"$NO_COLOR\" \"$TERM\" \"$COLUMNS\" \"$OWN\" \"$(pwd)\" \"$(cat)\"",
    );
    let maos = responder.open_with("  env: {OWN: word}\n  directory: work\n");
    let Known::Value(status) = maos.status().await.unwrap() else {
        panic!("a document");
    };
    assert_eq!(status.raw["env"], "1 dumb 4000 word");
    assert_eq!(
        status.raw["dir"],
        responder.place.path("work").display().to_string()
    );
    assert_eq!(status.raw["in"], "", "nothing on standard input");
}

#[tokio::test]
async fn a_task_is_found_again_only_where_the_metadata_comes_back() {
    let responder = Responder::new();
    responder.says("task_submit_help", "Usage: x\n  --metadata JSON\n");
    responder.says("task_list", "[{\"id\": \"t1\", \"status\": \"QUEUED\"}]");
    let find = async || responder.open().find("legacy_1".to_owned()).await.unwrap();
    assert!(matches!(find().await, Known::Unknown(_)));
    responder.says(
        "task_list",
        "[{\"id\": \"t1\", \"status\": \"QUEUED\", \"metadata\": {\"reference\": \"legacy_1\"}}]",
    );
    assert_eq!(find().await, Known::Value(Some("t1".to_owned())));
    responder.says(
        "task_list",
        "{\"tasks\": [{\"id\": \"t2\", \"status\": \"QUEUED\", \"metadata\": null}]}",
    );
    assert_eq!(find().await, Known::Value(None));
}
