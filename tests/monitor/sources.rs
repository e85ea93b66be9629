//! Where figures come from: the guide's real task as validation, and a status command that answers anything at all. Run
//! against the rehearsal and real programs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use maos_migrate::engine::monitor::json;
use maos_migrate::engine::monitor::sampling::{Source, Validation};
use maos_migrate::engine::monitor::{Gap, Probe, Taken};
use maos_migrate::engine::ports::maos::{Known, Maos, TaskStatus};
use maos_migrate::engine::workspace::{Settings, Workspace};
use maos_migrate::wiring;
use serde_json::{Value, json};

use super::live;
use super::program::{PROGRAM, run};
use super::support::EPOCH;

/// A rehearsal MAOS in a folder of its own.
struct Place {
    folder: tempfile::TempDir,
    maos: Arc<dyn Maos>,
}

impl Place {
    fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = format!(
            "name: watched\ntype: greenfield\nenvironment: rehearsal\ntarget: {{ maos: rehearsal }}\n{more}"
        );
        std::fs::write(folder.path().join("migration.yml"), settings).expect("written");
        let workspace = Workspace::at(folder.path()).expect("a workspace");
        let settings = Settings::load(&workspace, &|_| None).expect("settings");
        let maos = wiring::ports().maos.open(&workspace, &settings).expect("opens");
        Self { folder, maos }
    }

    fn source(&self, validation: Validation, interval: Duration) -> Source {
        Source {
            maos: Ok(Arc::clone(&self.maos)),
            processes: wiring::ports().processes,
            command: Vec::new(),
            validation,
            interval,
        }
    }

    async fn turn(&self, knob: &str, value: Value) {
        self.maos.turn(knob.to_owned(), Some(value)).await.expect("turns");
    }

    async fn tasks(&self) -> Vec<TaskStatus> {
        match self.maos.list(None).await.expect("listed") {
            Known::Value(tasks) => tasks.into_iter().map(|(_, status)| status).collect(),
            Known::Unknown(why) => panic!("{why}"),
        }
    }
}

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn defect_86_the_health_probe_submits_nothing_however_often_it_looks() {
    let place = Place::new("");
    place.maos.start().await.expect("starts");
    let source = place.source(Validation::Health, MINUTE);
    for i in 0..5 {
        assert_eq!(source.take(EPOCH + i).await.sample.validation, Ok(Probe::Pass));
    }
    assert!(place.tasks().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn defect_86_the_guides_task_is_taken_to_its_end_and_what_was_only_accepted_proves_nothing() {
    let place = Place::new("rehearsal: { seconds: 0.05 }\n");
    place.maos.start().await.expect("starts");
    let source = place.source(Validation::Task, MINUTE);
    assert_eq!(source.take(EPOCH).await.sample.validation, Ok(Probe::Pass));
    assert_eq!(place.tasks().await, [TaskStatus::Completed]);
    // It is taken as ever, and then it fails.
    place.turn("failure_rate", json!(1.0)).await;
    assert_eq!(source.take(EPOCH + 1).await.sample.validation, Ok(Probe::Fail));
    assert_eq!(place.tasks().await, [TaskStatus::Completed, TaskStatus::Failed]);
    // Nobody takes it.
    place.turn("crash", json!(true)).await;
    let deadline = Instant::now() + MINUTE;
    while matches!(place.maos.running().await, Ok(Known::Value(true))) {
        assert!(Instant::now() < deadline, "it goes on");
    }
    assert_eq!(source.take(EPOCH + 2).await.sample.validation, Ok(Probe::Fail));
}

#[tokio::test(flavor = "multi_thread")]
async fn defect_86_a_task_that_does_not_end_is_unknown_in_time_and_does_not_pile_up() {
    let place = Place::new("rehearsal: { seconds: 600 }\n");
    place.maos.start().await.expect("starts");
    let interval = Duration::from_secs(6);
    let source = place.source(Validation::Task, interval);
    let begun = Instant::now();
    let taken = source.take(EPOCH).await;
    assert!(begun.elapsed() < interval, "{:?}", begun.elapsed());
    assert_eq!(taken.sample.validation, Err(Gap::NoAnswer));
    assert_eq!(
        taken.why,
        ["the validation task did not end within half an interval"]
    );
    // The figures beside it are there.
    assert!(
        taken.sample.tasks.is_ok() && taken.sample.health.is_ok(),
        "{taken:#?}"
    );
    let deadline = Instant::now() + MINUTE;
    while place.tasks().await != [TaskStatus::Cancelled] {
        assert!(Instant::now() < deadline, "{:?}", place.tasks().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_e68_a_maos_that_hangs_costs_one_time_limit_whatever_is_asked() {
    let place = Place::new("");
    place.maos.start().await.expect("starts");
    place.turn("hang", json!(true)).await;
    // A time limit is half an interval; the other half is for a busy machine. All three wait at the same time.
    let interval = Duration::from_secs(6);
    let [off, health, task] = [Validation::Off, Validation::Health, Validation::Task].map(|validation| {
        let source = place.source(validation, interval);
        async move {
            let begun = Instant::now();
            (validation, source.take(EPOCH).await, begun.elapsed())
        }
    });
    for (validation, taken, took) in <[_; 3]>::from(tokio::join!(off, health, task)) {
        assert!(took < interval, "{validation:?}: {took:?}");
        assert_eq!(taken.sample.tasks, Err(Gap::NoAnswer), "{validation:?}");
        assert!(
            taken.why.contains(&"status: no answer in 3 s".to_owned()),
            "{validation:?}: {:?}",
            taken.why
        );
        assert!(taken.sample.validation.is_err());
    }
    drop(place.folder);
}

/// What a status command says and does, as a program for `sh`.
async fn said(script: &str, interval: Duration) -> (Taken, Duration) {
    let source = Source {
        maos: Err("nothing is named".to_owned()),
        processes: wiring::ports().processes,
        command: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
        validation: Validation::Off,
        interval,
    };
    let begun = Instant::now();
    let taken = source.take(EPOCH).await;
    (taken, begun.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_e68_hostile_status_output_is_unknown_with_its_reason() {
    // What it does, why nothing is known, and words that must tell it.
    let cases = [
        ("true", Gap::Unreadable, "no JSON object"),
        ("echo", Gap::Unreadable, "no JSON object"),
        (
            "echo '<html><body>502 Bad Gateway</body></html>'",
            Gap::Unreadable,
            "no JSON object",
        ),
        (
            "printf '{\"tasks\": {\"total\": 12, \"fai'",
            Gap::Unreadable,
            "no JSON object",
        ),
        ("echo '[1, 2]'", Gap::Unreadable, "no JSON object"),
        (
            "printf '{\"tasks\": \\377\\376}'",
            Gap::Unreadable,
            "no JSON object",
        ),
        ("head -c 100000 /dev/zero", Gap::Unreadable, "no JSON object"),
        ("yes '{' | head -c 200000", Gap::Unreadable, "no JSON object"),
        (
            "yes '[' | tr -d '\\n' | head -c 200000",
            Gap::Unreadable,
            "no JSON object",
        ),
        ("echo oh no >&2; exit 3", Gap::NoAnswer, "exit 3 oh no"),
        (
            "printf 'a\\033[2Jb' >&2; exit 1",
            Gap::NoAnswer,
            "exit 1 a\\x1b[2Jb",
        ),
        ("kill -9 $$", Gap::NoAnswer, "signal 9"),
        ("kill -TERM $$", Gap::NoAnswer, "signal 15"),
    ];
    for (script, gap, words) in cases {
        let (taken, _) = said(script, MINUTE).await;
        assert_eq!(taken.sample.tasks, Err(gap), "{script}: {taken:#?}");
        assert_eq!(taken.sample.health, Err(gap), "{script}");
        assert_eq!(taken.sample.validation, Err(Gap::Absent), "{script}");
        assert!(
            taken.why.len() == 1 && taken.why[0].contains(words),
            "{script}: {:?}",
            taken.why
        );
        assert!(!taken.why[0].contains('\u{1b}'), "{:?}", taken.why);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_e68_a_status_command_that_hangs_is_ended_with_its_children() {
    let mark = format!("{}.25", 4_000 + std::process::id());
    // Its limit is half an interval; the other half is for a busy machine.
    let interval = Duration::from_secs(6);
    // The second has closed its output and goes on.
    let scripts = [
        format!("sleep {mark} & sleep {mark}"),
        format!("echo '{{}}'; exec >/dev/null 2>&1; sleep {mark}"),
    ];
    let ((first, first_took), (second, second_took)) =
        tokio::join!(said(&scripts[0], interval), said(&scripts[1], interval));
    assert_eq!(first.why, ["the status command gave no answer in 3 s"]);
    for (taken, took) in [(first, first_took), (second, second_took)] {
        assert!(took < interval, "{took:?}");
        assert_eq!(taken.sample.tasks, Err(Gap::NoAnswer));
    }
    let left = || {
        std::fs::read_dir("/proc")
            .expect("processes")
            .flatten()
            .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
            .any(|words| String::from_utf8_lossy(&words).contains(&format!("sleep\0{mark}")))
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    while left() {
        assert!(Instant::now() < deadline, "a child goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_e68_endless_output_is_cut_and_costs_no_memory() {
    let before = resident();
    let interval = Duration::from_secs(20);
    let (taken, took) = said("yes '{\"tasks\":'", interval).await;
    assert!(took < interval, "{took:?}");
    assert!(taken.sample.tasks.is_err());
    assert!(
        resident() < before + 64 * 1024,
        "{before} kB before, {} kB now",
        resident()
    );
}

/// Kilobytes this process has in memory at most so far.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("read");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("a line");
    line.split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_e69_figures_of_a_status_command_that_are_none_spoil_nothing_beside_them() {
    let (taken, _) = said(
        "echo '{\"tasks\": {\"total\": 100, \"failed\": NaN, \"completed\": 90}, \"health\": {\"healthy\": 10, \"total\": 10}, \
         \"performance\": {\"avg_response_time\": Infinity, \"tasks_per_minute\": 1e999}}'",
        MINUTE,
    )
    .await;
    assert_eq!(taken.sample.tasks, Err(Gap::NotFinite));
    assert_eq!(taken.sample.response, Err(Gap::NotFinite));
    assert!(taken.sample.health.is_ok());
    // A byte order mark, white space before and after, an unknown part, numbers as text.
    let (taken, _) = said(
        "printf '\\n\\n  {\"tasks\": {\"total\": \"7\", \"failed\": 1, \"completed\": 6}, \"more\": {\"a\": [1]}}\\n\\n'",
        MINUTE,
    )
    .await;
    let tasks = taken.sample.tasks.expect("told");
    assert_eq!((tasks.failed, tasks.completed, tasks.total), (1, 6, None));
    assert_eq!(taken.sample.health, Err(Gap::Absent));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_command_that_is_not_there_says_so() {
    for (command, words) in [
        ("/nowhere/status", "is not there"),
        ("/etc/passwd", "may not be run"),
    ] {
        let source = Source {
            maos: Err("nothing is named".to_owned()),
            processes: wiring::ports().processes,
            command: vec![command.to_owned()],
            validation: Validation::Off,
            interval: MINUTE,
        };
        let taken = source.take(EPOCH).await;
        assert_eq!(taken.sample.tasks, Err(Gap::NoSource));
        assert!(taken.why[0].contains(words), "{:?}", taken.why);
    }
}

/// What the bytes of a status document are, read without a program.
#[test]
fn fault_e69_a_status_document_is_an_object_and_nothing_else() {
    for text in [
        &b"null"[..],
        b"12",
        b"\"{}\"",
        b"[]",
        b"\xff\xfe{}",
        b"{}{}",
        b"{} trailing",
    ] {
        assert!(json::status(text).is_err(), "{}", String::from_utf8_lossy(text));
    }
    assert!(json::status(b"{}").is_ok());
}

#[test]
fn the_guides_task_is_opt_in_by_the_settings_and_another_word_is_refused() {
    let folder = live::workspace("  interval: 1\n  duration: 2\n");
    let file = folder.path().join("migration/migration.yml");
    let text = std::fs::read_to_string(&file).expect("read");
    std::fs::write(&file, text.replace("validation: off", "validation: sometimes")).expect("written");
    let ran = run(folder.path(), &["monitor", "run", "--json"]);
    assert_eq!(ran.code, Some(3), "{ran:#?}");
    assert!(
        ran.error()["message"]
            .as_str()
            .is_some_and(|said| said.contains("monitor.validation")),
        "{ran:#?}"
    );
    // As its own words say it: a rehearsal program that takes the guide's task, watched for two samples.
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let maos = |words: &[&str]| {
        let mut all = vec!["rehearsal-maos", "--state", state.to_str().expect("a path")];
        all.extend(words);
        run(folder.path(), &all)
    };
    assert_eq!(maos(&["start"]).code, Some(0));
    std::fs::create_dir(folder.path().join("migration")).expect("made");
    let settings = format!(
        "name: watched\ntype: greenfield\nenvironment: rehearsal\nmaos: {{ command: [{PROGRAM}, rehearsal-maos, --state, {}] }}\n\
         monitor: {{ interval: 6, duration: 7, window: 60, validation: task }}\n",
        state.display()
    );
    std::fs::write(folder.path().join("migration/migration.yml"), settings).expect("written");
    let ran = run(folder.path(), &["monitor", "run", "--json"]);
    let listed = maos(&["--format", "json", "task", "list"]);
    maos(&["stop", "--force"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let tasks: Vec<Value> = serde_json::from_str(&listed.out).expect("JSON");
    assert!(
        !tasks.is_empty() && tasks.len() <= ran.out.lines().count(),
        "{tasks:#?} {ran:#?}"
    );
    for task in &tasks {
        assert_eq!(task["description"], "Test task for validation");
        assert_eq!(task["status"], "COMPLETED");
    }
}
