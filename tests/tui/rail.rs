//! The steps at the left as a region of their own: Tab goes there and back, arrows point, Enter goes.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use maos_migrate::engine::Capability;
use maos_migrate::engine::runner::Reply;

use super::support::{Harness, finished, go_down, plan};

fn on_tasks(size: (u16, u16)) -> Harness {
    let mut harness = Harness::new(size);
    go_down(&mut harness, 3);
    assert_eq!(harness.app.current(), Capability::Tasks);
    harness.text();
    harness
}

fn row<'a>(text: &'a str, step: &str) -> &'a str {
    let is_step = |line: &&str| line.chars().take(18).collect::<String>().contains(step);
    text.lines().find(is_step).expect("a step of the rail")
}

#[test]
fn tab_goes_to_the_steps_and_enter_to_the_one_pointed_at() {
    let mut harness = on_tasks((140, 45));
    harness.keys("<tab>");
    insta::assert_snapshot!("rail_focused_140x45", harness.text());
    insta::assert_snapshot!("rail_focused_roles", harness.roles());
    harness.keys("jj");
    let text = harness.text();
    assert!(row(&text, "Config").starts_with("│▸"), "{text}");
    assert!(!row(&text, "Tasks").contains('▸'), "{text}");
    assert!(text.contains("Config: "), "how it stands is said:\n{text}");
    assert!(text.contains("▸ Enter goes there"), "{text}");
    harness.keys("<enter>");
    assert_eq!(harness.app.current(), Capability::Config);
    assert!(
        !harness.text().contains("Enter goes there"),
        "the screen has the focus"
    );
}

#[test]
fn the_ends_of_the_rail_do_not_wrap() {
    let mut harness = on_tasks((100, 30));
    harness.keys("<tab>kkkkkk<enter>");
    assert_eq!(harness.app.current(), Capability::Assess);
    // A form has fields to go through.
    harness.keys("<tab>");
    assert!(!harness.text().contains("Enter goes there"), "{}", harness.text());
    harness.keys("]]<tab>GjG<enter>");
    assert_eq!(harness.app.current(), Capability::Report);
    harness.keys("<tab>");
    assert!(harness.text().contains("Report: "), "{}", harness.text());
}

#[test]
fn the_focus_comes_back_to_the_screen() {
    // Each way back leaves the step where it is.
    for back in ["<tab>", "<shift-tab>", "<esc>", "q", "<ctrl-c>"] {
        let mut harness = on_tasks((140, 45));
        let before = harness.text();
        harness.keys("<tab>j").keys(back);
        assert_eq!(harness.text(), before, "{back}");
        assert!(harness.out.is_empty(), "{back}: {:?}", harness.out);
    }
    // What is no movement is meant for the screen.
    let mut harness = on_tasks((140, 45));
    harness.keys("<tab>j]");
    assert_eq!(harness.app.current(), Capability::Environment);
    let mut harness = on_tasks((140, 45));
    harness.keys("<tab>jL");
    assert!(harness.text().contains("Log"), "{}", harness.text());
}

#[test]
fn without_a_rail_there_is_nothing_to_go_to() {
    let mut harness = on_tasks((80, 24));
    let before = harness.text();
    harness.keys("<tab>");
    assert_eq!(harness.text(), before);
    // A terminal that becomes smaller takes the focus away.
    let mut harness = on_tasks((140, 45));
    harness.keys("<tab>");
    harness.size = (80, 24);
    assert_eq!(harness.text(), before);
    harness.size = (140, 45);
    assert!(!harness.text().contains("Enter goes there"), "{}", harness.text());
}

#[test]
fn tab_on_the_way_to_a_dialog_does_not_lead_to_the_rail() {
    let mut harness = Harness::new((140, 45));
    finished(&mut harness.snapshot);
    harness.update();
    harness.keys("]]]]]]]");
    harness.out.clear();
    assert_eq!(harness.app.current(), Capability::Schema);
    harness.keys("t<tab><enter>");
    assert_eq!(harness.app.current(), Capability::Schema);
    assert!(harness.text().contains("The plan of Schema is being made."));
    harness.answer(Ok(Reply::Plan(Box::new(plan()))));
    assert!(harness.text().contains("▸Cancel◂"), "{}", harness.text());
}

#[test]
fn a_click_points_and_a_second_one_goes() {
    let mut harness = on_tasks((140, 45));
    let text = harness.text();
    let y = text
        .lines()
        .position(|line| row(&text, "Readiness") == line)
        .expect("a row");
    let click = MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: 6,
        row: u16::try_from(y).expect("a row"),
        modifiers: KeyModifiers::NONE,
    };
    harness.app.mouse(click, &harness.now);
    assert_eq!(harness.app.current(), Capability::Tasks);
    assert!(harness.text().contains("Readiness: "), "{}", harness.text());
    harness.app.mouse(click, &harness.now);
    assert_eq!(harness.app.current(), Capability::Readiness);
    // A click beside the steps leaves them.
    harness.keys("<tab>");
    harness.app.mouse(
        MouseEvent {
            column: 60,
            row: 20,
            ..click
        },
        &harness.now,
    );
    assert!(!harness.text().contains("Enter goes there"), "{}", harness.text());
}
