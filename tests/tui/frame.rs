//! The frame alone, at every size.

use maos_migrate::tui::keymap::{Action, Command, KeyMap};
use maos_migrate::tui::layout::areas;
use maos_migrate::tui::paint::Painter;
use maos_migrate::tui::style::{Look, Role, Theme};
use maos_migrate::tui::widgets::frame::{Badge, Frame, FrameInfo, News, Step, Title};
use maos_migrate::tui::widgets::mark::Mark;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};

use super::support::{SIZES, roles, text};

fn info() -> FrameInfo {
    let step = |title: &str, mark: Mark, word: &str, short: &str| Step {
        title: title.to_owned(),
        mark,
        word: word.to_owned(),
        short: short.to_owned(),
    };
    FrameInfo {
        workspace: "acme-billing".to_owned(),
        kind: "brownfield".to_owned(),
        environment: "PRODUCTION".to_owned(),
        loud: true,
        target: "db.acme:5432/maos".to_owned(),
        host: "db.acme".to_owned(),
        operator: "alice".to_owned(),
        steps: vec![
            step("Assess", Mark::Done, "done", "22/22"),
            step("Readiness", Mark::Done, "done 85", "85"),
            step("Tasks", Mark::Quarantine, "done, 3 in quarantine", "3 q"),
            step("Environment", Mark::Done, "done", "done"),
            step("Config", Mark::Done, "done", "done"),
            step("Checkpoints", Mark::Quarantine, "done, 12 in quarantine", "12 q"),
            step("Schema", Mark::Running, "proving", "61 %"),
            step("Compare", Mark::Locked, "locked", "locked"),
            step("Cut over", Mark::Locked, "locked", "locked"),
            step("Validate", Mark::Locked, "locked", "locked"),
            step("Monitor", Mark::Locked, "locked", "locked"),
            step("Report", Mark::Locked, "locked", "locked"),
        ],
        current: Some(6),
        ..FrameInfo::default()
    }
}

fn draw(size: (u16, u16), look: Look, info: &FrameInfo) -> Buffer {
    let area = Rect::new(0, 0, size.0, size.1);
    let mut buffer = Buffer::empty(area);
    let commands = [
        Command::new(Action::Pause, "pause"),
        Command::new(Action::Stop, "stop"),
        Command::new(Action::More, "workers").and(Action::Fewer),
        Command::new(Action::Quarantine, "quarantine"),
    ];
    Frame {
        info,
        title: &Title::new("Schema", "all rows copied, proof running", "1 s old"),
        news: &News::new(
            "All rows are copied; 45 in quarantine.",
            "proof ends in about 5 s",
        ),
        commands: &commands,
        keys: &KeyMap::default(),
    }
    .draw(
        &mut Painter::new(&mut buffer, area, look),
        &areas(Size::new(size.0, size.1)),
    );
    buffer
}

#[test]
fn at_every_size() {
    for size in SIZES {
        let buffer = draw(size, Look::new(Theme::Dark, false), &info());
        insta::assert_snapshot!(format!("frame_{}x{}", size.0, size.1), text(&buffer));
    }
}

#[test]
fn in_ascii_nothing_else_is_sent() {
    let mut info = info();
    info.badges.push(Badge {
        word: "READ-ONLY".to_owned(),
        role: Role::Warn,
    });
    info.watchers = vec!["bob".to_owned(), "lena".to_owned()];
    info.unread = 2;
    for size in SIZES {
        let buffer = draw(size, Look::new(Theme::Mono, true), &info);
        assert!(text(&buffer).is_ascii(), "{}", text(&buffer));
        insta::assert_snapshot!(format!("frame_ascii_{}x{}", size.0, size.1), text(&buffer));
    }
}

#[test]
fn roles_stand_where_they_belong() {
    let look = Look::new(Theme::Dark, false);
    insta::assert_snapshot!(roles(&draw((80, 24), look, &info()), &look));
}

#[test]
fn without_colour_production_is_still_reversed() {
    let look = Look::new(Theme::Mono, false);
    let map = roles(&draw((80, 24), look, &info()), &look);
    assert!(
        map.lines().next().is_some_and(|line| line.contains("BBBBBBBBBB")),
        "{map}"
    );
}

proptest! {
    #[test]
    fn no_size_panics_and_environment_and_host_are_never_cut(w in 0u16..220, h in 0u16..70) {
        let buffer = draw((w, h), Look::new(Theme::Dark, false), &info());
        let shown = text(&buffer);
        if w >= 40 && h >= 10 {
            prop_assert!(shown.contains("PRODUCTION"));
            prop_assert!(shown.contains("db.acme"));
            prop_assert!(shown.contains("Schema"));
        }
    }
}
