//! The tasks screen while MAOS has the parts: their states in the stages, in the list, in words; and how fast that is.

use std::time::{Duration, Instant};

use maos_migrate::engine::Capability;
use maos_migrate::engine::item::{Item, ItemState, Items};
use maos_migrate::engine::operation::Progress;
use maos_migrate::engine::snapshot::{Activity, Step};
use maos_migrate::tui::keymap::Action;
use maos_migrate::tui::screens::Screen as _;
use serde_json::json;

use super::support::at;
use super::tasks::Desk;

/// The best task of the list comes first, so the cursor is on it.
const TASKS: [(&str, &str); 2] = [
    (
        "legacy_001",
        "Translate the notes into French, German and Spanish, then publish the index",
    ),
    ("legacy_033", "Debug the authentication bug in login.py"),
];

fn line(key: &str, state: ItemState, text: &str, id: Option<&str>, ms: Option<u64>) -> Item {
    Item {
        key: key.to_owned(),
        state,
        text: text.to_owned(),
        ms,
        data: json!({"stage": 1, "reference": key, "id": id, "attempt": 1,
            "given_ms": at("14:06:23").as_millisecond()}),
        ..Item::default()
    }
}

fn submitting(lines: Vec<Item>, activity: Activity) -> Step {
    let total = 4;
    let ended = lines.iter().filter(|line| line.state.ended()).count() as u64;
    Step {
        activity,
        verb: "submit".to_owned(),
        progress: Some(Progress {
            done: ended,
            total: Some(total),
            unit: "parts".to_owned(),
            phase: "submitting stage 1 of 2".to_owned(),
            ..Progress::default()
        }),
        items: [("submit".to_owned(), Items::from(lines))].into(),
        ..Step::default()
    }
}

fn desk(lines: Vec<Item>, activity: Activity) -> Desk {
    let mut desk = Desk::with((140, 45), &TASKS);
    let step = submitting(lines, activity);
    desk.snapshot.steps.insert(Capability::Tasks, step);
    desk.snapshot.at = Some(at("14:06:29"));
    desk.picture();
    desk
}

fn lines() -> Vec<Item> {
    vec![
        line(
            "legacy_001/0",
            ItemState::Done,
            "m-31",
            Some("m-31"),
            Some(41_000),
        ),
        line(
            "legacy_001/1",
            ItemState::Failed,
            "exit 1",
            Some("m-72"),
            Some(9_000),
        ),
        line("legacy_001/2", ItemState::Running, "", Some("m-73"), None),
        line("legacy_001/3", ItemState::Skipped, "needs German", None, None),
    ]
}

#[test]
fn every_state_stands_in_the_stages_with_time_id_and_reason() {
    let mut desk = desk(lines(), Activity::Running);
    let picture = desk.picture();
    for said in [
        "0:41",
        "m-31",
        "exit 1",
        "m-72",
        "0:07",
        "m-73",
        "needs German",
        "1 failed",
        "State",
    ] {
        assert!(picture.contains(said), "{said} is missing:\n{picture}");
    }
    assert!(
        desk.news().starts_with("1 of 4 failed, so 1 is skipped."),
        "{}",
        desk.news()
    );
    let title = desk.ask(|screen, cx| screen.title(cx));
    let title = format!("{title:?}");
    assert!(
        title.contains("submitting stage 1 of 2 · 1 running · 3 of 4 ended"),
        "{title}"
    );
    // A second later the running part is a second older, and nothing else moved.
    desk.now.at = at("14:06:31");
    assert_eq!(desk.picture(), picture.replace("0:07", "0:08"));
}

#[test]
fn a_failed_part_is_given_again_under_the_next_attempt() {
    let mut desk = desk(lines(), Activity::DoneWithQuarantine);
    desk.keys("<enter><down>");
    let picture = desk.picture();
    assert!(picture.contains("failed after 0:09 · m-72 · exit 1"), "{picture}");
    desk.keys("t");
    assert_eq!(
        desk.sent,
        [("submit:legacy_001/1".to_owned(), json!({"again": 2}))]
    );
}

#[test]
fn what_maos_has_done_is_not_edited_any_more() {
    let off = |mut desk: Desk| {
        desk.ask(|screen, cx| screen.commands(cx))
            .into_iter()
            .find(|command| command.is(Action::Edit))
            .and_then(|command| command.off)
    };
    let had = desk(lines(), Activity::Done);
    assert_eq!(off(had).as_deref(), Some("MAOS has parts of this task already."));
    let failed = desk(vec![lines().swap_remove(1)], Activity::Done);
    assert_eq!(off(failed), None, "nothing of it is done");
}

#[test]
fn a_change_of_one_part_changes_that_part_alone() {
    let mut desk = desk(lines(), Activity::Running);
    let mut changed = lines();
    changed[2] = line("legacy_001/2", ItemState::Done, "m-73", Some("m-73"), Some(8_000));
    let step = desk.snapshot.steps.get_mut(&Capability::Tasks).unwrap();
    step.items.get_mut("submit").unwrap().set(changed[2].clone());
    let picture = desk.picture();
    assert!(
        picture.contains("0:08") && picture.contains("0:41") && !picture.contains("0:07"),
        "{picture}"
    );
}

/// Ten thousand parts in one task, some hundred changing between frames: under 8 ms a frame, all included.
#[test]
#[ignore = "a measurement; run it in a release build"]
fn speed() {
    const PARTS: usize = 10_000;
    let words: Vec<String> = (0..PARTS).map(|n| format!("check the site{n}x")).collect();
    let text = words.join("\n- ");
    let text = format!("Do the following:\n- {text}");
    let mut desk = Desk::with((140, 45), &[("legacy_001", &text)]);
    let all: Vec<Item> = (0..PARTS)
        .map(|n| {
            line(
                &format!("legacy_001/{n}"),
                ItemState::Running,
                "",
                Some("m-1"),
                None,
            )
        })
        .collect();
    desk.snapshot
        .steps
        .insert(Capability::Tasks, submitting(all, Activity::Running));
    desk.picture();
    let (mut worst, mut sum) = (Duration::ZERO, Duration::ZERO);
    for frame in 0..60 {
        let items = desk
            .snapshot
            .steps
            .get_mut(&Capability::Tasks)
            .unwrap()
            .items
            .get_mut("submit")
            .unwrap();
        for n in frame * 100..(frame + 1) * 100 {
            items.set(line(
                &format!("legacy_001/{n}"),
                ItemState::Done,
                "m",
                Some("m-2"),
                Some(1_000),
            ));
        }
        let begun = Instant::now();
        desk.picture();
        worst = worst.max(begun.elapsed());
        sum += begun.elapsed();
    }
    println!(
        "a frame of {PARTS} parts with 100 changes: mean {:?}, worst {worst:?}",
        sum / 60
    );
    assert!(sum / 60 < Duration::from_millis(8), "{:?}", sum / 60);
}
