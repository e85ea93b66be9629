//! The fold of the events is the live snapshot, at every prefix.

use jiff::Timestamp;
use maos_migrate::engine::command::Command;
use maos_migrate::engine::error::Error;
use maos_migrate::engine::event::{Event, EventKind, Level};
use maos_migrate::engine::operation::{Effect, Outcome, Plan, Progress, Quarantined};
use maos_migrate::engine::runner::Reply;
use maos_migrate::engine::snapshot::{Activity, Snapshot};
use maos_migrate::engine::{Capability, journal};
use proptest::prelude::*;

use super::{options, ports, sample};

fn capability() -> impl Strategy<Value = Capability> {
    prop::sample::select(Capability::ALL.to_vec())
}

fn text() -> impl Strategy<Value = String> {
    prop::string::string_regex("[a-z\u{1b}é\"\\\\ ]{0,12}").expect("a pattern")
}

fn progress() -> impl Strategy<Value = Progress> {
    (0..5_000u64, prop::option::of(0..5_000u64), 0..100u32, text()).prop_map(
        |(done, total, tenths, phase)| Progress {
            done,
            total,
            unit: "rows".to_owned(),
            phase,
            elapsed_s: f64::from(tenths) / 10.0,
            ..Progress::default()
        },
    )
}

fn outcome() -> impl Strategy<Value = Outcome> {
    (0..100u64, 0..3u64, text()).prop_map(|(converted, quarantined, summary)| Outcome {
        source: converted + quarantined,
        converted,
        unchanged: 0,
        quarantined,
        proof: Vec::new(),
        summary,
        artifacts: Vec::new(),
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    (
        capability(),
        text(),
        prop::collection::vec((text(), prop::option::of(any::<u64>())), 0..3),
        any::<bool>(),
    )
        .prop_map(|(capability, title, effects, reversible)| {
            Plan {
                capability,
                verb: "apply".to_owned(),
                title,
                target: "here".to_owned(),
                effects: effects
                    .into_iter()
                    .map(|(what, count)| Effect {
                        act: "write".to_owned(),
                        count,
                        what,
                        so_far: false,
                    })
                    .collect(),
                undo: reversible.then(|| "remove them".to_owned()),
                needs_approval: true,
                basis: Vec::new(),
                digest: String::new(),
            }
            .sealed()
        })
}

fn kind() -> impl Strategy<Value = EventKind> {
    let by = || text();
    prop_oneof![
        plan().prop_map(|plan| EventKind::Planned { plan }),
        (capability(), text()).prop_map(|(capability, title)| EventKind::Started {
            capability,
            verb: "apply".to_owned(),
            title
        }),
        (capability(), progress())
            .prop_map(|(capability, progress)| EventKind::Progressed { capability, progress }),
        (capability(), by()).prop_map(|(capability, by)| EventKind::Paused { capability, by }),
        (capability(), by()).prop_map(|(capability, by)| EventKind::Resumed { capability, by }),
        (capability(), by()).prop_map(|(capability, by)| EventKind::Stopping { capability, by }),
        (capability(), text()).prop_map(|(capability, reason)| EventKind::Stopped { capability, reason }),
        (capability(), outcome()).prop_map(|(capability, outcome)| EventKind::Finished {
            capability,
            verb: "apply".to_owned(),
            outcome
        }),
        (capability(), text()).prop_map(|(capability, message)| EventKind::Failed {
            capability,
            verb: "apply".to_owned(),
            error: Error::unavailable(message)
        }),
        (capability(), text()).prop_map(|(capability, key)| EventKind::ItemQuarantined {
            capability,
            item: Quarantined {
                kind: "row".to_owned(),
                key,
                reason: "unknown_status".to_owned(),
                place: "status".to_owned(),
                why: String::new(),
                hint: String::new(),
                raw: String::new(),
            }
        }),
        text().prop_map(|text| EventKind::Noted {
            level: Level::Warn,
            capability: None,
            text
        }),
        (text(), any::<u64>(), text()).prop_map(|(path, bytes, sha256)| EventKind::ArtifactWritten {
            path,
            bytes,
            sha256
        }),
        (capability(), text(), any::<u32>()).prop_map(|(capability, subject, n)| EventKind::Decided {
            capability,
            subject,
            choice: if n % 3 == 0 {
                serde_json::Value::Null
            } else {
                n.into()
            },
            by: "alice".to_owned()
        }),
        Just(EventKind::SessionClosed),
    ]
}

fn numbered(kinds: Vec<EventKind>) -> Vec<Event> {
    (1..)
        .zip(kinds)
        .map(|(seq, kind)| Event {
            seq,
            at: Timestamp::from_second(1_760_000_000 + i64::try_from(seq).expect("small")).expect("in range"),
            kind,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn an_event_reads_back_as_it_was_written_and_a_fold_can_be_cut_anywhere(
        kinds in prop::collection::vec(kind(), 0..40),
        cut in 0..40usize,
    ) {
        let events = numbered(kinds);
        for event in &events {
            let text = serde_json::to_string(event).expect("serialises");
            prop_assert_eq!(&serde_json::from_str::<Event>(&text).expect("reads back"), event);
        }
        let whole = Snapshot::of(&events);
        let cut = cut.min(events.len());
        let stored = serde_json::to_string(&Snapshot::of(&events[..cut])).expect("serialises");
        let mut resumed: Snapshot = serde_json::from_str(&stored).expect("reads back");
        for event in &events[cut..] {
            resumed.apply(event);
        }
        prop_assert_eq!(resumed, whole);
    }

    #[test]
    fn a_step_that_ended_never_runs(kinds in prop::collection::vec(kind(), 0..60)) {
        let events = numbered(kinds);
        let mut snapshot = Snapshot::default();
        for event in &events {
            snapshot.apply(event);
            if let EventKind::Finished { capability, .. } | EventKind::Failed { capability, .. } = &event.kind {
                prop_assert!(!snapshot.activity(*capability).is_active());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_live_snapshot_is_the_fold_at_every_event() {
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = maos_migrate::engine::workspace::Workspace::at(folder.path()).expect("a workspace");
    maos_migrate::engine::sample::lay_out(&workspace).expect("the sample");
    let engine = maos_migrate::engine::runner::Engine::start(workspace.clone(), ports(), options("alice"));
    let mut events = engine.events();
    engine.opened().await.expect("opens");
    for (question, typed) in [
        ("team_ready", "yes"),
        ("business_ready", "no"),
        ("parallelization_score", "4"),
    ] {
        let answer = Command::Answer {
            question: question.to_owned(),
            typed: typed.to_owned(),
        };
        engine.ask(answer).await.expect("an answer is taken");
    }
    engine.ask(Command::Score).await.expect("a score");
    apply(&engine, Capability::Assess, "write").await;
    apply(&engine, Capability::Config, "apply").await;
    apply(&engine, Capability::Report, "write").await;
    let live = engine.snapshot().borrow().clone();
    engine.ask(Command::Close).await.expect("closes");

    let mut told = Vec::new();
    while let Some(event) = events.recv().await {
        told.push(event);
    }
    let upto = usize::try_from(live.seq).expect("small");
    assert_eq!(Snapshot::of(&told[..upto]), *live);

    let journal = ports()
        .journals
        .follow(&workspace.journal_file())
        .await
        .expect("a journal");
    let mut kept = Vec::new();
    journal::for_each(journal.as_ref(), 0, |event| {
        kept.push(event);
        Ok(())
    })
    .await
    .expect("reads");
    assert_eq!(
        kept, told,
        "nothing is told that is not kept, nothing kept that is not told"
    );
    for prefix in 0..=kept.len() {
        let a = Snapshot::of(&kept[..prefix]);
        let b = Snapshot::of(&told[..prefix]);
        assert_eq!(a, b);
    }
}

async fn apply(engine: &maos_migrate::engine::runner::Engine, capability: Capability, verb: &str) {
    let plan = engine
        .ask(Command::Plan {
            capability,
            verb: verb.to_owned(),
        })
        .await
        .expect("a plan");
    let Reply::Plan(plan) = plan else {
        panic!("{plan:?}")
    };
    let apply = Command::Apply {
        capability,
        verb: verb.to_owned(),
        digest: plan.digest.clone(),
        confirm: None,
    };
    engine.ask(apply).await.expect("applies");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_for_one_plan_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = sample(folder.path(), options("alice")).await;
    engine.ask(Command::Score).await.expect("a score");
    let wrong = Command::Apply {
        capability: Capability::Config,
        verb: "apply".to_owned(),
        digest: "00000000".to_owned(),
        confirm: None,
    };
    let error = engine.ask(wrong).await.expect_err("must be refused");
    assert_eq!(error.kind.exit_code(), 5);
    assert!(
        error.message.contains("the plan changed: approved 00000000"),
        "{error}"
    );
    assert_eq!(
        engine.snapshot().borrow().activity(Capability::Config),
        Activity::Idle
    );
    assert!(!folder.path().join("config").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn read_only_and_dry_run_apply_nothing() {
    for (read_only, dry_run) in [(true, false), (false, true)] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut options = options("alice");
        (options.read_only, options.dry_run) = (read_only, dry_run);
        let engine = sample(folder.path(), options).await;
        let plan = Command::Plan {
            capability: Capability::Assess,
            verb: "write".to_owned(),
        };
        let Reply::Plan(plan) = engine.ask(plan).await.expect("a plan") else {
            panic!("no plan")
        };
        let apply = Command::Apply {
            capability: Capability::Assess,
            verb: "write".to_owned(),
            digest: plan.digest.clone(),
            confirm: None,
        };
        assert_eq!(engine.ask(apply).await.expect_err("refused").kind.exit_code(), 5);
        assert!(!folder.path().join("assessment").exists());
    }
}
