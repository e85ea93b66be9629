//! Every screen at every size, in the states that matter. Text snapshots have no styles, so a few role maps go with them.

use maos_migrate::engine::Capability;
use maos_migrate::engine::error::{Error, ErrorKind};
use maos_migrate::engine::runner::Reply;
use maos_migrate::engine::snapshot::{Activity, Step};
use maos_migrate::engine::views::{Check, Mode, Slot};
use maos_migrate::tui::style::{Look, Theme};
use proptest::prelude::*;

use super::environment;
use super::support::{Harness, SIZES, Scene, alice, answered, at, finished, plan, running, scored};

fn go(harness: &mut Harness, keys: &str) {
    harness.update();
    harness.keys(keys);
}

const SCENES: &[Scene] = &[
    ("start", |_| {}),
    ("start_bad_line", |h| {
        let error = Error::new(
            ErrorKind::Input,
            "not found: legacy/task.json (migration.yml line 8, column 10)",
        )
        .hint("Did you mean legacy/tasks.json?");
        let Slot::Ready(at, sources) = &h.views.sources else {
            return;
        };
        let mut sources = (**sources).clone();
        "legacy/task.json".clone_into(&mut sources.lines[0].shown);
        sources.lines[0].check = Check::Bad(error);
        h.views.sources = Slot::Ready(*at, sources.into());
        go(h, "j");
    }),
    ("start_held", |h| {
        let mut bob = alice();
        "bob".clone_into(&mut bob.operator);
        h.views.mode = Mode::Watching(bob);
        go(h, "");
    }),
    ("start_no_settings", |h| {
        let error = Error::input("no migration.yml in ./migration").hint("Start the wizard there.");
        h.views.settings = Slot::Failed(h.now.at, error);
        h.views.sources = Slot::Empty;
        h.snapshot.migration = None;
        h.snapshot.target = String::new();
        go(h, "");
    }),
    ("assess_empty", |h| go(h, "]")),
    ("assess", |h| {
        answered(&mut h.snapshot, &["network_mbps", "business_ready"]);
        go(h, "]n");
    }),
    ("assess_edit_refused", |h| {
        answered(&mut h.snapshot, &["network_mbps"]);
        go(h, "]n<enter>12x<enter>");
    }),
    ("readiness_empty", |h| go(h, "]]")),
    ("readiness", |h| {
        answered(&mut h.snapshot, &[]);
        scored(&mut h.snapshot);
        go(h, "]]");
    }),
    ("readiness_open", |h| {
        answered(&mut h.snapshot, &["team_ready", "business_ready"]);
        scored(&mut h.snapshot);
        go(h, "]]j<enter>");
    }),
    ("environment_locked", |h| go(h, "]]]]")),
    ("environment", environment::ready),
    ("environment_detail", environment::detail),
    ("environment_running", environment::running),
    ("environment_failed", environment::failed),
    ("schema_locked", |h| go(h, "]]]]]]]")),
    ("schema_plan", |h| {
        answered(&mut h.snapshot, &[]);
        scored(&mut h.snapshot);
        go(h, "]]]]]]");
        h.out.clear();
        h.keys("]");
        h.answer_if_asked(Ok(Reply::Plan(Box::new(plan()))));
    }),
    ("schema_running", |h| {
        running(&mut h.snapshot, 741_640);
        go(h, "]]]]]]]");
    }),
    ("schema_paused", |h| {
        running(&mut h.snapshot, 741_640);
        if let Some(step) = h.snapshot.steps.get_mut(&Capability::Schema) {
            step.activity = Activity::Paused;
            step.note = Some("alice".to_owned());
        }
        go(h, "]]]]]]]");
    }),
    ("schema_failed", |h| {
        running(&mut h.snapshot, 741_640);
        if let Some(step) = h.snapshot.steps.get_mut(&Capability::Schema) {
            step.activity = Activity::Failed;
            step.error = Some(Error::unavailable("disk full on db.acme").hint("Free 2 GB, then n goes on."));
        }
        go(h, "]]]]]]]");
    }),
    ("schema_done", |h| {
        finished(&mut h.snapshot);
        go(h, "]]]]]]]");
    }),
    ("compare_absent", |h| go(h, "]]]]]]]]")),
    ("report", |h| {
        finished(&mut h.snapshot);
        h.snapshot.steps.insert(
            Capability::Tasks,
            Step {
                activity: Activity::Stopped,
                ..Step::default()
            },
        );
        go(h, "]]]]]]]]]]]]");
    }),
    ("rollback", |h| {
        finished(&mut h.snapshot);
        go(h, "]]]]]]]R");
    }),
    ("confirm", |h| {
        finished(&mut h.snapshot);
        go(h, "]]]]]]]");
        h.out.clear();
        h.keys("t");
        h.answer_if_asked(Ok(Reply::Plan(Box::new(plan()))));
    }),
    ("confirm_typed", |h| {
        finished(&mut h.snapshot);
        go(h, "]]]]]]]");
        h.out.clear();
        h.keys("u");
        h.answer_if_asked(Ok(Reply::Plan(Box::new(super::support::undo_plan()))));
        h.wait(std::time::Duration::from_millis(400));
        h.keys("db.ac");
    }),
    ("help", |h| {
        running(&mut h.snapshot, 741_640);
        go(h, "]]]]]]]?");
    }),
    ("help_filtered", |h| {
        running(&mut h.snapshot, 741_640);
        go(h, "]]]]]]]?pa");
    }),
    ("quarantine", |h| {
        finished(&mut h.snapshot);
        go(h, "Q");
    }),
    ("steps", |h| {
        finished(&mut h.snapshot);
        go(h, "s");
    }),
    ("log_empty", |h| go(h, "L")),
    ("messages_empty", |h| go(h, "M")),
    ("leave", |h| {
        running(&mut h.snapshot, 741_640);
        go(h, "q");
    }),
];

fn scene(name: &str, size: (u16, u16), look: Look) -> Harness {
    super::support::scene(SCENES, name, size, look)
}

#[test]
fn every_scene_at_every_size() {
    for (name, _) in SCENES {
        for size in SIZES {
            let shown = scene(name, size, Look::new(Theme::Dark, false)).text();
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), shown);
        }
    }
}

#[test]
fn in_ascii_every_scene_is_ascii() {
    for (name, _) in SCENES {
        for size in SIZES {
            let shown = scene(name, size, Look::new(Theme::Mono, true)).text();
            assert!(shown.is_ascii(), "{name}\n{shown}");
            if size == (80, 24) && matches!(*name, "start" | "readiness" | "schema_running" | "confirm") {
                insta::assert_snapshot!(format!("{name}_ascii_80x24"), shown);
            }
        }
    }
}

#[test]
fn roles_of_a_few_scenes() {
    for name in [
        "start",
        "assess",
        "readiness",
        "schema_running",
        "schema_failed",
        "confirm_typed",
    ] {
        for theme in [Theme::Dark, Theme::Mono] {
            let shown = scene(name, (80, 24), Look::new(theme, false)).roles();
            insta::assert_snapshot!(format!("{name}_roles_{}", theme.name()), shown);
        }
    }
}

#[test]
fn every_scene_says_where_it_is_and_what_is_next() {
    for (name, _) in SCENES {
        for size in SIZES {
            let shown = scene(name, size, Look::new(Theme::Dark, false)).text();
            let overlay = matches!(
                *name,
                "confirm"
                    | "confirm_typed"
                    | "help"
                    | "help_filtered"
                    | "quarantine"
                    | "steps"
                    | "log_empty"
                    | "messages_empty"
                    | "leave"
            );
            // On the smallest screens an overlay may cover everything.
            if overlay && size.1 < 24 {
                continue;
            }
            assert!(shown.contains("PRODUCTION"), "{name} {size:?}\n{shown}");
            assert!(shown.contains('?'), "{name} {size:?}\n{shown}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_size_panics(index in 0..SCENES.len(), w in 0u16..200, h in 0u16..70, ascii: bool, w2 in 0u16..200, h2 in 0u16..60) {
        let mut harness = Harness::with_look((w, h), Look::new(Theme::Dark, ascii));
        SCENES[index].1(&mut harness);
        harness.text();
        harness.size = (w2, h2);
        harness.text();
        harness.keys("jjGkg<pgdn><pgup>l h");
        harness.text();
    }

    #[test]
    fn no_keys_panic(keys in proptest::collection::vec("[ -~]|<enter>|<esc>|<tab>|<shift-tab>|<up>|<down>|<ctrl-c>|<pgdn>", 0..60), index in 0..SCENES.len()) {
        let mut harness = Harness::new((80, 24));
        SCENES[index].1(&mut harness);
        for key in keys {
            harness.keys(&key);
            harness.text();
        }
    }
}

/// Whoever writes a report and goes on is told that it does not know what happened since; what a rollback undid is open no more.
#[test]
fn a_report_from_before_a_rollback_is_called_outdated() {
    let mut h = Harness::new((80, 24));
    scored(&mut h.snapshot);
    finished(&mut h.snapshot);
    let aside = h.snapshot.quarantined();
    assert!(aside > 0);
    let written = Step {
        activity: Activity::Done,
        ended: Some(at("14:00:00")),
        ..Step::default()
    };
    h.snapshot.steps.insert(Capability::Report, written);
    h.snapshot.told = Some((1, at("13:59:00")));
    h.update();
    h.keys("sG<enter>");
    assert!(h.text().contains("Report ─"), "{}", h.text());
    assert!(!h.text().contains("writes it again"), "{}", h.text());
    h.snapshot.told = Some((2, at("14:05:00")));
    if let Some(step) = h.snapshot.steps.get_mut(&Capability::Schema) {
        (step.activity, step.outcome, step.undone) = (Activity::Idle, None, Some(at("14:05:00")));
    }
    h.update();
    let text = h.text();
    assert!(
        text.contains("The report of 14:00 ") && text.contains("▸ n writes it again"),
        "{text}"
    );
    assert!(text.contains("undone 14:05 by the rollback"), "{text}");
    assert!(h.snapshot.quarantined() < aside);
}

/// The box that holds everything is the one thing that can be changed while it does, and the screen says so; the way back says
/// why it cannot begin.
#[test]
fn a_read_only_box_is_taken_back_where_it_was_ticked() {
    let mut h = Harness::new((80, 24));
    h.views.locked_by = Some("read-only in migration.yml: nothing can be applied".to_owned());
    h.views.lock_is_setting = true;
    h.update();
    assert!(h.text().contains("▸ untick it under Safety"), "{}", h.text());
    h.out.clear();
    h.keys("j ");
    assert_eq!(h.sent(), Vec::<String>::new(), "a source is held");
    h.wait(std::time::Duration::from_secs(6));
    h.keys("Gkk");
    assert!(h.text().contains("▸ Space changes it"), "{}", h.text());
    let settings = maos_migrate::engine::workspace::Settings::parse(
        "name: a\nsettings: {read_only: true}\n",
        &maos_migrate::engine::workspace::Workspace::at(std::path::Path::new("/w")).expect("a workspace"),
        &|_| None,
    );
    h.views.settings = Slot::read(h.now.at, settings);
    h.update();
    h.keys(" ");
    let sent = h.sent().concat();
    assert!(
        sent.contains("\"read_only\"") && sent.contains("\"false\""),
        "{sent}"
    );
    // What the command line says, no box takes back.
    h.views.lock_is_setting = false;
    h.update();
    h.out.clear();
    h.keys(" ");
    assert_eq!(h.sent(), Vec::<String>::new());
}

#[test]
fn who_opens_it_again_is_led_to_where_they_left_off() {
    let mut h = Harness::new((80, 24));
    scored(&mut h.snapshot);
    let done = Step {
        activity: Activity::Done,
        ended: Some(at("14:02:00")),
        ..Step::default()
    };
    h.snapshot.steps.insert(Capability::Tasks, done.clone());
    h.update();
    let text = h.text();
    assert!(
        text.contains("Resume: Tasks was done at 14:02. ▸ n goes to Environment"),
        "{text}"
    );
    // Only going there: a source that is gone keeps nobody from looking.
    h.views.sources = Slot::Empty;
    h.update();
    h.keys("n");
    assert!(h.text().contains("Environment ─"), "{}", h.text());

    let mut h = Harness::new((80, 24));
    for step in [Capability::Assess, Capability::Report] {
        h.snapshot.steps.insert(step, done.clone());
    }
    h.update();
    assert!(h.text().contains("▸ n goes to Report"), "{}", h.text());
}

#[test]
fn only_the_sample_is_called_one_and_no_type_has_no_last_step() {
    let mut h = Harness::new((80, 24));
    h.snapshot.environment = maos_migrate::engine::workspace::Environment::Rehearsal;
    h.update();
    assert!(!h.text().contains("Sample legacy system"), "{}", h.text());
    h.snapshot.migration = None;
    h.update();
    h.keys("]");
    let text = h.text();
    assert!(
        !text.contains("last step") && text.contains("type of this migration is not chosen"),
        "{text}"
    );
}
