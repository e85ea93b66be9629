//! What keys do, from the first to the last consequence: keys as text in, requests to the engine out.

use std::time::Duration;

use maos_migrate::engine::Capability;
use maos_migrate::engine::error::Error;
use maos_migrate::engine::event::Level;
use maos_migrate::engine::runner::Reply;
use maos_migrate::engine::snapshot::{Activity, Message};
use maos_migrate::tui::app::Out;

use super::support::{Harness, answered, at, finished, plan, running, scored, undo_plan};

const PATIENT: Duration = Duration::from_millis(400);

fn ready() -> Harness {
    let mut harness = Harness::new((80, 24));
    finished(&mut harness.snapshot);
    harness.update();
    harness.keys("]]]]]]]");
    harness.out.clear();
    harness
}

fn applied(harness: &Harness) -> bool {
    harness.sent().iter().any(|sent| sent.starts_with("Apply"))
}

#[test]
fn a_plan_is_run_only_after_tab_and_enter_and_a_second_reading() {
    let mut harness = ready();
    harness.keys("t");
    assert_eq!(harness.sent(), ["Plan { capability: Schema, verb: \"apply\" }"]);
    harness
        .answer(Ok(Reply::Plan(Box::new(plan()))))
        .wait(PATIENT)
        .keys("<tab><enter>");
    assert_eq!(harness.sent(), ["Plan { capability: Schema, verb: \"apply\" }"]);
    harness.answer(Ok(Reply::Plan(Box::new(plan()))));
    let digest = plan().digest;
    assert_eq!(
        harness.sent(),
        [format!(
            "Apply {{ capability: Schema, verb: \"apply\", digest: \"{digest}\", confirm: None }}"
        )]
    );
    assert!(!harness.text().contains("Cancel"), "the dialog has closed");
}

#[test]
fn what_is_typed_before_the_dialog_is_there_is_no_command() {
    let mut harness = ready();
    harness.keys("t");
    // "q" would leave the step, "]" go to the next, "p" and Enter do what the screen offers.
    harness.keys("pq]<enter>t");
    assert_eq!(harness.app.current(), Capability::Schema);
    assert_eq!(harness.sent(), ["Plan { capability: Schema, verb: \"apply\" }"]);
    assert!(harness.text().contains("The plan of Schema is being made."));
    harness.answer(Ok(Reply::Plan(Box::new(plan())))).wait(PATIENT);
    assert!(harness.text().contains("Cancel"), "the dialog is there");
    harness.keys("<enter>]");
    assert_ne!(
        harness.app.current(),
        Capability::Schema,
        "keys are commands again"
    );

    // The way back waits for nobody, and a plan that takes long keeps nobody.
    let mut harness = ready();
    harness.keys("tR");
    assert_eq!(harness.app.current(), Capability::Rollback);
    let mut harness = ready();
    harness.keys("t").wait(Duration::from_secs(4)).keys("]");
    assert_ne!(harness.app.current(), Capability::Schema);
}

#[test]
fn enter_alone_cancels() {
    let mut harness = ready();
    harness
        .keys("t")
        .answer(Ok(Reply::Plan(Box::new(plan()))))
        .wait(PATIENT)
        .keys("<enter>");
    assert_eq!(harness.sent(), Vec::<String>::new());
    assert!(!harness.text().contains("Cancel"));
}

#[test]
fn what_is_typed_in_the_first_300_ms_is_not_heard() {
    let mut harness = ready();
    harness
        .keys("t")
        .answer(Ok(Reply::Plan(Box::new(plan()))))
        .keys("<tab><enter><enter>");
    assert_eq!(harness.sent(), Vec::<String>::new());
    assert!(harness.text().contains("▸Cancel◂"), "{}", harness.text());
}

#[test]
fn no_letter_confirms() {
    let mut harness = ready();
    harness
        .keys("t")
        .answer(Ok(Reply::Plan(Box::new(plan()))))
        .wait(PATIENT)
        .keys("<tab>nyYoO ctXpue");
    assert!(!applied(&harness));
    assert!(harness.sent().is_empty(), "{:?}", harness.sent());
}

#[test]
fn a_changed_plan_is_shown_again_and_not_run() {
    let mut harness = ready();
    harness
        .keys("t")
        .answer(Ok(Reply::Plan(Box::new(plan()))))
        .wait(PATIENT)
        .keys("<tab><enter>");
    let mut other = plan();
    other.effects[0].count = Some(1_204_269);
    harness.answer(Ok(Reply::Plan(Box::new(other.sealed()))));
    assert!(!applied(&harness));
    let shown = harness.text();
    assert!(
        shown.contains("The plan changed: 3 rows more. Read it again."),
        "{shown}"
    );
    assert!(shown.contains("▸Cancel◂"), "the focus is back on Cancel\n{shown}");
}

#[test]
fn without_undo_the_whole_name_is_typed() {
    let mut harness = ready();
    harness
        .keys("u")
        .answer(Ok(Reply::Plan(Box::new(undo_plan()))))
        .wait(PATIENT);
    harness.keys("db.acme<tab><enter>");
    assert!(harness.sent().is_empty(), "{:?}", harness.sent());
    assert!(harness.text().contains("not yet equal"));
    // On the button that is off what is typed still belongs to the name.
    harness.keys(":5432/maos<tab><enter>");
    assert_eq!(harness.sent().len(), 1, "the plan is made again");
    harness.answer(Ok(Reply::Plan(Box::new(undo_plan()))));
    assert!(applied(&harness));
    assert!(
        harness.sent()[0].contains("confirm: Some(\"db.acme:5432/maos\")"),
        "{:?}",
        harness.sent()
    );
}

#[test]
fn the_rollback_opens_from_everywhere_and_changes_nothing() {
    for keys in ["R", "]R", "]]]]]]]R", "?<esc>R", "LR", "QR", "sR", "tR"] {
        let mut harness = Harness::new((80, 24));
        finished(&mut harness.snapshot);
        harness.update();
        harness.out.clear();
        harness.keys(keys);
        assert_eq!(harness.app.current(), Capability::Rollback, "{keys}");
        assert!(!applied(&harness), "{keys}");
        assert!(
            harness.text().contains("nothing is changed by opening this"),
            "{keys}"
        );
    }
}

#[test]
fn q_goes_back_from_the_rollback_and_leaves_from_a_bare_screen() {
    let mut harness = ready();
    harness.keys("Rq");
    assert_eq!(harness.app.current(), Capability::Schema);
    assert!(!harness.out.contains(&Out::Leave));
    harness.keys("q");
    assert!(harness.out.contains(&Out::Leave));
}

#[test]
fn leaving_while_something_runs_asks_and_staying_has_the_focus() {
    let mut harness = Harness::new((80, 24));
    running(&mut harness.snapshot, 741_640);
    harness.update();
    harness.keys("q").wait(PATIENT).keys("<enter>");
    assert!(!harness.out.contains(&Out::Leave));
    harness.keys("q").wait(PATIENT).keys("<tab><enter>");
    assert!(harness.out.contains(&Out::Leave));
}

#[test]
fn stopping_asks_and_pausing_does_not() {
    let mut harness = Harness::new((80, 24));
    running(&mut harness.snapshot, 741_640);
    harness.update();
    harness.keys("]]]]]]]");
    harness.out.clear();
    harness.keys("p");
    assert_eq!(harness.sent(), ["Pause"]);
    harness.keys("X").wait(PATIENT).keys("<enter>");
    assert_eq!(harness.sent(), ["Pause"]);
    harness.keys("X").wait(PATIENT).keys("<tab><enter>");
    assert_eq!(harness.sent(), ["Pause", "Stop"]);
}

#[test]
fn a_command_that_is_off_says_why() {
    let mut harness = Harness::new((80, 24));
    running(&mut harness.snapshot, 741_640);
    harness.update();
    harness.keys("]]]]]]]n");
    assert!(
        harness.text().contains("The proof is not finished."),
        "{}",
        harness.text()
    );
    harness.wait(Duration::from_secs(6));
    assert!(
        !harness.text().contains("The proof is not finished."),
        "news go after five seconds"
    );
}

#[test]
fn help_filters_and_runs_what_the_cursor_is_on() {
    let mut harness = ready();
    harness.keys("?log and<enter>");
    assert!(
        harness.text().contains("Nothing logged yet"),
        "{}",
        harness.text()
    );
}

#[test]
fn help_tells_the_whole_reason_of_what_is_off() {
    let mut harness = Harness::new((80, 24));
    running(&mut harness.snapshot, 741_640);
    harness.update();
    harness.keys("]]]]]]]?undo<enter>");
    let shown = harness.text();
    assert!(shown.contains("Finish or stop the run first."), "{shown}");
}

#[test]
fn an_answer_is_sent_as_typed_and_a_wrong_one_stays_in_the_field() {
    let mut harness = Harness::new((80, 24));
    answered(&mut harness.snapshot, &["network_mbps"]);
    harness.update();
    harness.keys("]n");
    harness.out.clear();
    harness.keys("1200x<enter>");
    assert!(harness.sent().is_empty(), "{:?}", harness.sent());
    assert!(
        harness.text().contains("Nothing was saved."),
        "{}",
        harness.text()
    );
    harness.keys("<backspace><enter>");
    assert_eq!(
        harness.sent(),
        ["Answer { question: \"network_mbps\", typed: \"1200\" }"]
    );
    harness.answer(Err(Error::input("the journal is full")));
    assert!(
        harness.text().contains("[ 1200▏"),
        "the field keeps what was typed\n{}",
        harness.text()
    );
    harness.keys("<esc>");
    assert!(!harness.text().contains("1200"), "{}", harness.text());
}

#[test]
fn letters_typed_into_a_field_are_no_commands() {
    let mut harness = Harness::new((80, 24));
    harness.keys("j<enter>qRX?n");
    assert_eq!(harness.app.current(), Capability::Start);
    assert!(harness.text().contains("qRX?n▏"), "{}", harness.text());
    harness.keys("<ctrl-c>");
    assert!(!harness.text().contains("qRX?n"));
}

#[test]
fn an_error_stays_until_a_key_and_is_counted_until_it_is_read() {
    let mut harness = ready();
    harness.snapshot.messages.push_back(Message {
        seq: 99,
        at: at("14:06:29"),
        level: Level::Error,
        capability: Some(Capability::Tasks),
        text: "the tasks file is gone".to_owned(),
    });
    harness.update();
    harness.wait(Duration::from_mins(10));
    let shown = harness.text();
    assert!(shown.contains("Tasks: the tasks file is gone."), "{shown}");
    assert!(
        shown.lines().next().is_some_and(|line| line.contains("!1")),
        "{shown}"
    );
    harness.keys("M<esc>");
    assert!(
        !harness
            .text()
            .lines()
            .next()
            .is_some_and(|line| line.contains("!1"))
    );
}

#[test]
fn a_failure_rings_and_the_title_tells_it() {
    let mut harness = Harness::new((80, 24));
    running(&mut harness.snapshot, 741_640);
    harness.update();
    assert!(
        harness
            .out
            .contains(&Out::Title("61 % schema acme-billing".to_owned())),
        "{:?}",
        harness.out
    );
    harness.out.clear();
    if let Some(step) = harness.snapshot.steps.get_mut(&Capability::Schema) {
        step.activity = Activity::Failed;
        step.error = Some(Error::unavailable("disk full on db.acme"));
    }
    harness.update();
    assert!(harness.out.contains(&Out::Bell));
    assert!(
        harness
            .out
            .contains(&Out::Title("failed schema acme-billing".to_owned())),
        "{:?}",
        harness.out
    );
}

#[test]
fn whoever_watches_can_look_at_everything_and_change_nothing() {
    let mut harness = Harness::new((80, 24));
    answered(&mut harness.snapshot, &["network_mbps"]);
    scored(&mut harness.snapshot);
    let mut bob = super::support::alice();
    "bob".clone_into(&mut bob.operator);
    "ops-2".clone_into(&mut bob.host);
    harness.views.mode = maos_migrate::engine::views::Mode::Watching(bob);
    harness.update();
    harness.out.clear();
    harness.keys("n r]<enter>e 5u]r]nX]]]]nt");
    assert_eq!(harness.sent(), Vec::<String>::new());
    assert!(harness.text().contains("READ-ONLY"), "{}", harness.text());
}

#[test]
fn a_dimension_of_the_score_leads_to_its_own_question() {
    let mut harness = Harness::new((80, 24));
    answered(&mut harness.snapshot, &["network_mbps"]);
    scored(&mut harness.snapshot);
    harness.update();
    harness.keys("]]");
    for (down, asks) in [("", "score"), ("<down><down>", "eam")] {
        harness.keys(down).keys("e");
        assert_eq!(harness.app.current(), Capability::Assess);
        let text = harness.text();
        let cursor = text
            .lines()
            .find(|line| line.contains('▸') && line.starts_with("│ ▸ "));
        assert!(cursor.is_some_and(|line| line.contains(asks)), "{asks}:\n{text}");
        harness.keys("]");
    }
}

#[test]
fn an_idle_screen_does_not_ask_for_frames() {
    let mut harness = Harness::new((80, 24));
    harness.wait(Duration::from_hours(2));
    let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
    assert_eq!(harness.app.draw(&mut buffer, &harness.now), None);
    assert!(!harness.app.dirty());
    harness.keys("~");
    assert!(!harness.app.dirty(), "a key that means nothing draws nothing");
}
