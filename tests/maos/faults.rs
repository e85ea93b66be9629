//! Programs that hang, lie, or say nothing sensible: each gives one clear error, and none a process that is left behind.

use std::time::{Duration, Instant};

use maos_migrate::engine::ports::maos::{Ability, Known, MaosError, Presence, Stop, Submission};

use crate::support::{Place, Responder, executable};

fn task(description: &str) -> Submission {
    Submission {
        description: description.to_owned(),
        ..Submission::default()
    }
}

/// What a status request comes to when `status` answers so.
async fn status_of(prepare: impl FnOnce(&Responder)) -> Result<Known<()>, MaosError> {
    let responder = Responder::new();
    prepare(&responder);
    let maos = responder.open_with("  time_limit: 2\n");
    maos.status().await.map(|known| match known {
        Known::Value(_) => Known::Value(()),
        Known::Unknown(why) => Known::Unknown(why),
    })
}

#[tokio::test]
async fn every_wrong_answer_is_one_clear_error() {
    let garbage = status_of(|r| r.says("status", b"{\"tasks\": \xff\xfe}"))
        .await
        .unwrap_err();
    assert_eq!(
        garbage,
        MaosError::Garbage("status", "byte 10 is not UTF-8".to_owned())
    );
    let prose = status_of(|r| r.says("status", "all is well\n")).await.unwrap();
    assert_eq!(prose, Known::Unknown("status gave no document".to_owned()));
    let page = status_of(|r| r.says("status", "<html>502 Bad Gateway</html>"))
        .await
        .unwrap();
    assert!(matches!(page, Known::Unknown(_)));
    let empty = status_of(|r| r.says("status", "")).await.unwrap();
    assert!(matches!(empty, Known::Unknown(_)));
    let huge = status_of(|r| r.runs("status", "head -c 6000000 /dev/zero | tr '\\0' '['"))
        .await
        .unwrap_err();
    assert!(
        matches!(&huge, MaosError::Garbage("status", why) if why.contains("beyond")),
        "{huge}"
    );
    let killed = status_of(|r| r.runs("status", "kill -9 $$")).await.unwrap_err();
    assert!(
        matches!(&killed, MaosError::Machine(why) if why.contains("signal 9")),
        "{killed}"
    );
    let escapes = status_of(|r| r.fails("status", 1, "\x1b]0;owned\x07\x1b[2J boom \u{202e}"))
        .await
        .unwrap_err();
    assert!(
        !escapes.to_string().contains(['\x1b', '\x07', '\u{202e}']),
        "{escapes:?}"
    );
    assert!(escapes.to_string().contains("boom"), "{escapes}");
    let error: maos_migrate::engine::Error = escapes.into();
    assert_eq!(error.kind.exit_code(), 6);
}

#[tokio::test]
async fn a_hanging_command_ends_at_its_limit_with_all_it_started() {
    let responder = Responder::new();
    let pid = responder.place.path("pid");
    responder.runs(
        "status",
        &format!("sleep 600 & echo $! > {}; wait", pid.display()),
    );
    let maos = responder.open_with("  time_limit: 1\n");
    let begun = Instant::now();
    assert_eq!(maos.status().await.unwrap_err(), MaosError::TimedOut("status", 1));
    assert!(begun.elapsed() < Duration::from_mins(1));
    let pid = std::fs::read_to_string(pid).unwrap();
    let stat = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    let deadline = Instant::now() + Duration::from_secs(10);
    while stat().is_ok_and(|stat| !stat.contains(") Z")) {
        assert!(Instant::now() < deadline, "it still runs");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_missing_and_a_forbidden_program_are_told_apart() {
    let place = Place::new();
    let maos = place.open("target:\n  maos: ./nowhere/maos\n");
    let missing = maos.probe().await.unwrap_err();
    assert!(
        matches!(&missing, MaosError::NoProgram(why) if why.contains("there is no program")),
        "{missing}"
    );
    std::fs::write(place.path("maos"), "#!/bin/sh\n").unwrap();
    let maos = place.open("target:\n  maos: ./maos\n");
    let forbidden = maos.probe().await.unwrap_err();
    assert!(
        matches!(&forbidden, MaosError::NoProgram(why) if why.contains("permission denied")),
        "{forbidden}"
    );
    assert!(missing.is_missing() && forbidden.is_missing());
}

#[tokio::test]
async fn a_program_that_cannot_even_start_says_why() {
    let place = Place::new();
    let script = "#!/bin/sh\nprintf 'Traceback (most recent call last):\\n  x\\nSyntaxError: invalid syntax\\n' >&2\nexit 1\n";
    std::fs::write(place.path("maos"), script).unwrap();
    executable(&place.path("maos"));
    let broken = place.open("target:\n  maos: ./maos\n").probe().await.unwrap_err();
    assert!(
        matches!(&broken, MaosError::NoProgram(why) if why.contains("is broken") && why.contains("SyntaxError")),
        "{broken}"
    );
}

#[tokio::test]
async fn fault_b39_hostile_descriptions_arrive_as_they_are() {
    let responder = Responder::new();
    responder.says("task_submit", "{\"task_id\": \"t1\"}");
    responder.says("task_show", "{\"task_id\": \"t1\", \"status\": \"QUEUED\"}");
    let maos = responder.open();
    let evil = responder.place.path("evil").display().to_string();
    let hostile = [
        format!("$(touch {evil})"),
        format!("`touch {evil}`; touch {evil}; '\"; touch {evil} #"),
        "'); DROP TABLE tasks;--".to_owned(),
        "--force --help".to_owned(),
        "-".to_owned(),
        "{{7*7}} ${HOME} %s \\n".to_owned(),
        "a\x1b[2Jb\u{202e}c\r\n\tnext".to_owned(),
        "東京 🚀 e\u{301}".to_owned(),
        String::new(),
        "x".repeat(100_000),
    ];
    for description in &hostile {
        assert_eq!(
            maos.submit(task(description)).await.unwrap(),
            "t1",
            "{description:?}"
        );
        let asked = responder.asked();
        let submit = asked.iter().rev().find(|call| call[1] == "submit").unwrap();
        assert_eq!(submit[submit.len() - 2..], ["--".to_owned(), description.clone()]);
    }
    assert!(!responder.place.path("evil").exists());
    let before = responder.asked().len();
    let nul = maos.submit(task("a\0b")).await.unwrap_err();
    assert!(
        matches!(&nul, MaosError::Refused(_, why) if why.contains("NUL")),
        "{nul}"
    );
    let long = maos.submit(task(&"x".repeat(200_000))).await.unwrap_err();
    assert!(
        matches!(&long, MaosError::Refused(_, why) if why.contains("131,071")),
        "{long}"
    );
    assert_eq!(responder.asked().len(), before, "neither was sent");
}

#[tokio::test]
async fn defect_19_and_20_a_submission_without_an_id_or_a_task_is_no_success() {
    let responder = Responder::new();
    responder.says("task_submit", "Task queued, thank you\n");
    let maos = responder.open();
    let error = maos.submit(task("a")).await.unwrap_err();
    assert!(
        matches!(&error, MaosError::Garbage(_, why) if why.contains("thank you")),
        "{error}"
    );
    responder.says("task_submit", "{\"task_id\": \"t9\"}");
    responder.fails("task_show", 6, "Task not found: t9");
    let error = maos.submit(task("a")).await.unwrap_err();
    assert!(
        matches!(&error, MaosError::NoEffect(_, why) if why.contains("t9")),
        "{error}"
    );
    assert!(!error.is_missing());
    // Another task's document is not this one's.
    responder.says("task_show", "{\"task_id\": \"t8\", \"status\": \"COMPLETED\"}");
    std::fs::remove_file(responder.place.path("answers/task_show.code")).unwrap();
    let error = maos.show("t9".to_owned()).await.unwrap_err();
    assert!(
        matches!(&error, MaosError::Garbage(_, why) if why.contains("t8")),
        "{error}"
    );
}

#[tokio::test]
async fn exit_2_is_a_missing_command_and_never_ill_health() {
    let responder = Responder::new();
    responder.fails("health", 2, "Error: No such command 'health'.");
    let error = responder.open().health().await.unwrap_err();
    assert!(matches!(error, MaosError::Absent("health", _)), "{error}");
    responder.fails("health", 1, "redis is down");
    let Ok(Known::Value(health)) = responder.open().health().await else {
        panic!("exit 1 is ill health by the guide");
    };
    assert_eq!((health.healthy, health.total), (0, 1));
    responder.says(
        "health",
        "{\"components\": {\"redis\": \"unhealthy\", \"db\": \"healthy\"}}",
    );
    let Ok(Known::Value(health)) = responder.open().health().await else {
        panic!("the document is read, whatever the exit code");
    };
    assert_eq!((health.healthy, health.total), (1, 2));
    responder.fails("health", 4, "connection refused");
    responder.says("health", "");
    assert!(matches!(
        responder.open().health().await,
        Err(MaosError::NotRunning(_))
    ));
}

#[tokio::test]
async fn an_effect_that_is_not_seen_is_none() {
    let responder = Responder::new();
    responder.says("checkpoint_create", "Checkpoint ID: cp_1\n");
    responder.says("checkpoint_list", "No checkpoints found\n");
    let maos = responder.open();
    let error = maos.checkpoint_create("before".to_owned()).await.unwrap_err();
    assert!(
        matches!(&error, MaosError::NoEffect(_, why) if why.contains("cp_1")),
        "{error}"
    );
    assert_eq!(maos.checkpoints().await.unwrap(), Vec::new());
    responder.says(
        "checkpoint_list",
        "[{\"id\": \"cp_1\", \"description\": \"before\"}]",
    );
    assert_eq!(maos.checkpoint_create("before".to_owned()).await.unwrap(), "cp_1");
    assert_eq!(maos.checkpoints().await.unwrap()[0].description, "before");
    responder.says("task_cancel", "cancelled");
    responder.says("task_show", "{\"id\": \"t1\", \"status\": \"COMPLETED\"}");
    let error = maos.cancel("t1".to_owned()).await.unwrap_err();
    assert!(
        matches!(&error, MaosError::Refused(_, why) if why.contains("COMPLETED")),
        "{error}"
    );
    responder.says("task_show", "{\"id\": \"t1\", \"status\": \"canceled\"}");
    maos.cancel("t1".to_owned()).await.unwrap();
    responder.says("stop", "Stopped.");
    responder.says("status", "{\"running\": true}");
    let error = maos
        .stop(Stop::Graceful(Duration::from_secs(1)))
        .await
        .unwrap_err();
    assert!(matches!(error, MaosError::NoEffect("stop", _)), "{error}");
    responder.says("status", "{\"running\": false}");
    maos.stop(Stop::Force).await.unwrap();
}

#[tokio::test]
async fn the_probe_runs_no_action() {
    let responder = Responder::new();
    let maos = responder.open();
    let table = maos.probe().await.unwrap();
    let calls = responder.calls();
    assert!(!calls.is_empty());
    assert!(
        calls
            .iter()
            .all(|call| call.last().is_some_and(|word| word == "--help")),
        "{calls:?}"
    );
    assert_eq!(table.findings.len(), Ability::ALL.len());
    assert_eq!(
        table.of(Ability::ConfigValidate).unwrap().presence,
        Presence::Absent
    );
    assert!(table.has(Ability::Submit) && table.has(Ability::DbMigrate));
    // What was found out is not asked again.
    responder.says("status", "{\"tasks\": {\"total\": 1}}");
    maos.status().await.unwrap();
    assert_eq!(responder.calls().len(), calls.len() + 1);
}

#[tokio::test]
async fn a_list_is_read_page_by_page_and_prose_is_not_emptiness() {
    let responder = Responder::new();
    responder.says(
        "task_list_help",
        "Usage: x\n  --status S\n  --limit N\n  --offset N\n",
    );
    let script = "for last in \"$@\"; do :; done\nfrom=0; while [ $# -gt 1 ]; do [ \"$1\" = --offset ] && from=$2; shift; done\n\
        awk -v from=\"$from\" 'BEGIN { printf \"[\"; for (i = from; i < 1203 && i < from + 500; i++) printf \"%s{\\\"id\\\": \\\"t%d\\\", \\\"status\\\": \\\"RUNNING\\\"}\", (i > from ? \",\" : \"\"), i; print \"]\" }'";
    responder.runs("task_list", script);
    let maos = responder.open();
    let Known::Value(tasks) = maos.list(None).await.unwrap() else {
        panic!("a list");
    };
    assert_eq!((tasks.len(), tasks[1202].0.as_str()), (1203, "t1202"));
    let responder = Responder::new();
    responder.says("task_list", "Everything is fine\n");
    assert!(matches!(responder.open().list(None).await, Ok(Known::Unknown(_))));
    responder.says("task_list", "No tasks found.\n");
    assert_eq!(responder.open().list(None).await, Ok(Known::Value(Vec::new())));
}
