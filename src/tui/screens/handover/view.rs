//! How it is drawn: sentence, evidence, steps, the step under the cursor, the way back in words.

use super::{Handover, Line, counted, reading};
use crate::engine::Capability;
use crate::engine::backup::HASHING;
use crate::engine::cutover::Mode;
use crate::engine::evidence::{Evidence, Ready, Standing};
use crate::engine::item::ItemState;
use crate::engine::runner::operations::backup::duration;
use crate::engine::snapshot::Activity;
use crate::engine::steps::Heading;
use crate::engine::text::inert;
use crate::engine::views::Slot;
use crate::tui::app::context::Cx;
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::style::{Glyphs, Role};
use crate::tui::text;
use crate::tui::widgets::frame::News;
use crate::tui::widgets::mark::Mark;

use crate::tui::screens::{detail, working};

/// From this width on the way back stands beside each step.
const WIDE: u16 = 70;

/// What happened, what is next.
pub(super) fn news(screen: &Handover, cx: &Cx<'_>) -> News {
    let upgrade = screen.capability == Capability::Upgrade;
    let activity = screen.activity(cx);
    let step = cx.step(screen.capability);
    if activity.is_done() {
        let said = step
            .and_then(|step| step.outcome.as_ref())
            .map_or_else(String::new, |o| o.summary.clone());
        let (to, onward) = detail::onward(cx, screen.capability);
        let next = to.map_or_else(String::new, |_| format!("n {}", onward.label));
        let short = format!("{} steps are proved.", screen.lines(cx).len());
        return News::new(said, next).short(short).role(Role::Ok);
    }
    if let Some(question) = screen.question(cx) {
        return News::new(
            format!("{}.", question.text),
            "n decides; nothing is chosen for you",
        )
        .role(Role::Warn);
    }
    if activity.is_active() {
        let lines = screen.lines(cx);
        let running = lines.iter().position(|line| line.state == ItemState::Running);
        let looks = step
            .and_then(|step| step.progress.as_ref())
            .filter(|progress| running.is_none() && progress.phase == HASHING);
        if let Some(progress) = looks {
            let far = working::far(progress);
            let what = format!("The backup's files are looked at: {far}. Nothing is changed yet.");
            return News::new(what, "wait, or X stops").short("The backup's files are looked at.");
        }
        let what = running.map_or_else(
            || "Between two steps.".to_owned(),
            |at| format!("Step {} of {}: {}.", at + 1, lines.len(), inert(&lines[at].title)),
        );
        let next = if screen.reopens(cx) {
            "X opens legacy again"
        } else {
            "X stops after this step"
        };
        return News::new(what, next);
    }
    if screen.pending {
        return News::new("The plan is being made; nothing is changed.", "wait");
    }
    if let Some(locked) = working::locked(cx, screen.capability) {
        return News::new(format!("Locked: {}", locked.sentence), "n goes there").role(Role::Warn);
    }
    match (
        activity,
        screen.heading(cx),
        step.and_then(|step| step.error.as_ref()),
    ) {
        (Activity::Failed, Some(Heading::Held), Some(error)) => {
            return News::new(format!("{error}."), "n tries it again, u takes it back")
                .short(failed_step(screen, cx))
                .role(Role::Bad);
        }
        (Activity::Failed, _, Some(error)) => {
            let next = screen.goes_to(cx).map_or_else(
                || "n tries it again".to_owned(),
                |step| format!("n goes to {}", step.title()),
            );
            return News::new(format!("{error}."), next)
                .short(failed_step(screen, cx))
                .role(Role::Bad);
        }
        (_, Some(_), _) => return News::new("It stands half-way.", "n goes on").role(Role::Warn),
        _ => {}
    }
    if upgrade {
        match &cx.views.upgrade {
            Slot::Failed(_, error) => {
                let what = format!("{}.", text::sentence(&error.message));
                return News::new(what, "mend it, then r checks again").role(Role::Bad);
            }
            _ if reading(cx) && cx.views.upgrade.value().is_none() => {
                return News::new("The pre-check reads what is there.", "wait");
            }
            _ => {}
        }
    }
    match screen.ready(cx).and_then(|ready| ready.locked()) {
        Some(locked) => {
            let next = locked.goes_to.map_or_else(
                || "mend it, then r".to_owned(),
                |step| format!("n goes to {}", step.title()),
            );
            News::new(format!("Locked: {}", locked.sentence), next).role(Role::Warn)
        }
        None => News::new("Nothing is changed yet.", "n shows the plan"),
    }
}

/// `Step 3 of 6 failed.`: which, in a few words; the pane says why.
fn failed_step(screen: &Handover, cx: &Cx<'_>) -> String {
    let lines = screen.lines(cx);
    match lines.iter().position(|line| line.state == ItemState::Failed) {
        Some(at) => format!("Step {} of {} failed.", at + 1, lines.len()),
        None => "It failed.".to_owned(),
    }
}

fn sentence(title: &str) -> String {
    let mut letters = title.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

const fn mark(state: ItemState) -> Mark {
    match state {
        ItemState::Waiting => Mark::Ready,
        ItemState::Running => Mark::Running,
        ItemState::Done => Mark::Done,
        ItemState::Failed => Mark::Failed,
        ItemState::Skipped | ItemState::Undone => Mark::Skipped,
        ItemState::Unknown => Mark::Unknown,
    }
}

const fn evidence_mark(standing: Standing) -> Mark {
    match standing {
        Standing::Yes => Mark::Done,
        Standing::Note => Mark::Decide,
        Standing::Unknown => Mark::Unknown,
        Standing::No => Mark::Failed,
    }
}

/// Evidence in as many columns as there is room for.
fn evidence(lines: &[Evidence], glyphs: &Glyphs, width: u16, from: u16) -> Vec<Row> {
    let widest = lines
        .iter()
        .map(|line| text::cells(&line.text))
        .max()
        .unwrap_or(0)
        + 4;
    let columns = (width.saturating_sub(from + 1) / widest.max(1)).clamp(1, 4);
    let each = width.saturating_sub(from + 1) / columns;
    lines
        .chunks(usize::from(columns))
        .map(|chunk| {
            let mut row = Row::new().keep(keep::FIGURE);
            for (at, line) in (0_u16..).zip(chunk) {
                let mark = evidence_mark(line.standing);
                let column = from + at * each;
                row = row
                    .at(column, mark.glyph(glyphs), mark.role())
                    .at(column + 2, inert(&line.text), Role::Text)
                    .max(each.saturating_sub(3));
            }
            row
        })
        .collect()
}

/// Since when nobody serves, or MAOS stands still, and for how long.
fn standing_still(screen: &Handover, cx: &Cx<'_>) -> Option<String> {
    let since = screen.still_since(cx)?;
    cx.wake_in(std::time::Duration::from_secs(1));
    let (at, gap) = (
        cx.now.clock_seconds(since),
        text::duration(cx.now.seconds_since(since)),
    );
    Some(if screen.capability == Capability::Cutover {
        format!("Nobody serves since {at} ({gap}). The legacy side refuses new tasks.")
    } else {
        format!("MAOS is stopped since {at} ({gap}). Tasks wait; none is lost.")
    })
}

fn head(screen: &Handover, cx: &Cx<'_>, ready: Option<&Ready>, glyphs: &Glyphs, width: u16) -> Vec<Row> {
    let mut rows = Vec::new();
    let upgrade = screen.capability == Capability::Upgrade;
    let done = cx
        .step(screen.capability)
        .and_then(|step| step.outcome.as_ref())
        .filter(|_| screen.activity(cx).is_done());
    let intro = standing_still(screen, cx).unwrap_or_else(|| {
        if let Some(outcome) = done {
            inert(&outcome.summary)
        } else if upgrade {
            "Eight steps, each with its proof and its way back.".to_owned()
        } else {
            "The work is handed over in one short, counted gap.".to_owned()
        }
    });
    let role = if done.is_some() { Role::Ok } else { Role::Text };
    rows.extend(detail::prose(&intro, width, role, keep::FIGURE));
    rows.push(Row::blank());
    match ready {
        Some(ready) if upgrade => {
            rows.push(
                Row::new()
                    .at(1, "Pre-check", Role::Muted)
                    .at(13, counted(ready), Role::Text)
                    .keep(keep::FIGURE),
            );
            rows.extend(evidence(&ready.lines, glyphs, width, 3));
        }
        Some(ready) => {
            let mut lines = evidence(&ready.lines, glyphs, width, 10);
            if let Some(first) = lines.first_mut() {
                *first = std::mem::take(first).led_by(Row::new().at(1, "Ready", Role::Muted));
            }
            rows.extend(lines);
            let mode = screen.mode(cx);
            let sign = |chosen: bool| if chosen { glyphs.chosen } else { "( )" };
            rows.push(
                Row::new()
                    .at(1, "Legacy", Role::Muted)
                    .at(10, sign(mode == Mode::Drain), Role::Accent)
                    .then(" drain: wait for running tasks   ", Role::Text)
                    .then(sign(mode == Mode::Freeze), Role::Accent)
                    .then(" freeze: stop them", Role::Text)
                    .keep(keep::FIGURE),
            );
        }
        None => match screen.unread(cx) {
            Some(error) => {
                let what = format!("{}.", text::sentence(&error.message));
                rows.extend(detail::prose(&what, width, Role::Bad, keep::FIGURE));
                if let Some(hint) = &error.hint {
                    rows.extend(detail::prose(hint, width, Role::Text, keep::FIGURE));
                }
            }
            None => rows.push(Row::prose("The pre-check reads what is there.", Role::Muted)),
        },
    }
    if upgrade && screen.waits(cx) {
        rows.push(Row::prose(
            "Running tasks are waited for, up to 10 min.",
            Role::Text,
        ));
    }
    rows.push(Row::blank());
    rows
}

/// The state with its time, and what was found where that fits whole into `room` cells; the line below the steps has it in any case.
fn state_words(line: &Line, room: u16, screen: &Handover, cx: &Cx<'_>) -> String {
    let word = match (line.state, line.ms) {
        (ItemState::Done, Some(ms)) => format!("done {}", duration(ms)),
        (ItemState::Running, _) => {
            let since = cx.step(screen.capability).and_then(|step| step.line_since);
            let since = since.filter(|_| screen.activity(cx).is_active());
            since.map_or_else(
                || "running".to_owned(),
                |since| {
                    cx.wake_in(std::time::Duration::from_secs(1));
                    format!("running {}", text::duration(cx.now.seconds_since(since)))
                },
            )
        }
        (state, _) => state.word().to_owned(),
    };
    let whole = format!("{word}  {}", inert(&line.text));
    if line.text.is_empty() || text::cells(&whole) > room {
        word
    } else {
        whole
    }
}

/// What stands below the steps: the one under the cursor, what legacy still runs, what stands in the way.
fn foot(screen: &Handover, cx: &Cx<'_>, lines: &[Line], ready: Option<&Ready>, width: u16) -> Vec<Row> {
    let upgrade = screen.capability == Capability::Upgrade;
    let mut foot = vec![Row::blank()];
    let failed = cx
        .step(screen.capability)
        .filter(|step| step.activity == Activity::Failed);
    if let Some(line) = lines.get(screen.list.cursor)
        && !line.text.is_empty()
        // The failure itself is told whole.
        && (failed.is_none() || line.state != ItemState::Failed)
    {
        let title = sentence(&line.title);
        let column = text::cells(&title).min(width / 2) + 3;
        let said = match line.state {
            ItemState::Undone => format!("taken back: {}", inert(&line.text)),
            _ => inert(&line.text),
        };
        foot.extend(detail::labelled(
            &title,
            &said,
            column,
            width,
            Role::Text,
            keep::NORMAL,
        ));
        foot.push(Row::blank());
    }
    if let Some(step) = failed {
        foot.extend(working::why_it_ended(step, cx, width));
        if let Some(hint) = step.error.as_ref().and_then(|error| error.hint.as_ref()) {
            foot.extend(detail::labelled("Do", hint, 5, width, Role::Text, keep::FIGURE));
        }
        foot.push(Row::blank());
    }
    let named = screen.named(cx);
    if !named.is_empty() {
        foot.push(
            Row::new()
                .at(1, "Running in legacy", Role::Muted)
                .keep(keep::NORMAL),
        );
        foot.extend(
            named
                .iter()
                .map(|task| Row::new().at(3, inert(task), Role::Text).keep(keep::NORMAL)),
        );
        foot.push(Row::blank());
    }
    if let Some(bad) = ready.and_then(|ready| ready.lines.iter().find(|line| line.standing == Standing::No))
        && let Some(hint) = bad.hint.as_ref().filter(|_| bad.goes_to.is_none())
    {
        foot.push(Row::prose(hint.clone(), Role::Warn));
    }
    let words = if upgrade {
        "A step that fails stops there; u takes back what was done, in reverse."
    } else {
        "Until step 5 a failure opens the legacy side again, with nothing to undo. After it, R rolls back."
    };
    foot.extend(
        text::wrap(words, usize::from(width.saturating_sub(2)).max(1))
            .into_iter()
            .map(|line| Row::prose(line, Role::Muted).keep(keep::EXTRA)),
    );
    foot
}

/// Where state and way back begin: no title and no way back is cut as long as the state has room.
fn columns(lines: &[Line], width: u16) -> (u16, u16) {
    let widest = |cells: &dyn Fn(&Line) -> u16| lines.iter().map(cells).max().unwrap_or(0);
    let state_at = 5 + 2 + widest(&|line| text::cells(&line.title)) + 2;
    if width < WIDE {
        return (state_at.min(width.saturating_sub(14)), width);
    }
    let back = widest(&|line| text::cells(&line.way_back)).clamp(9, 24);
    let back_at = width.saturating_sub(back + 1);
    (state_at.min(back_at.saturating_sub(14)), back_at)
}

/// Draws the pane.
pub(super) fn render(screen: &mut Handover, painter: &mut Painter<'_>, cx: &Cx<'_>) {
    let (width, height, glyphs) = (painter.width(), painter.height(), painter.glyphs());
    let (ready, lines) = (screen.ready(cx), screen.lines(cx));
    if !screen.moved && screen.activity(cx) != Activity::Idle {
        let at = |state| lines.iter().position(|line: &Line| line.state == state);
        let here = at(ItemState::Failed).or_else(|| at(ItemState::Running));
        screen.list.cursor = here.unwrap_or(screen.list.cursor);
    }
    let mut rows = head(screen, cx, ready.as_ref(), glyphs, width);
    let upgrade = screen.capability == Capability::Upgrade;
    let wide = width >= WIDE;
    let (state_at, back_at) = columns(&lines, width);
    let mut header = Row::new()
        .at(5, "Step", Role::Muted)
        .at(state_at, "State", Role::Muted);
    if wide {
        header = header.at(
            back_at,
            if upgrade { "If undone" } else { "Way back" },
            Role::Muted,
        );
    }
    if !lines.is_empty() {
        rows.push(header.keep(keep::EXTRA));
    }
    let count = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    // The steps never leave; what explains them does.
    let room = height.saturating_sub(count.min(height));
    let shown: Vec<Row> = rows.into_iter().take(usize::from(room)).collect();
    let above = u16::try_from(shown.len()).unwrap_or(u16::MAX);
    for (y, row) in (0..).zip(&shown) {
        painter.row(y, row);
    }
    let area = ratatui::layout::Rect {
        x: 0,
        y: above,
        width,
        height: count.min(height.saturating_sub(above)),
    };
    let mut part = painter.part(area);
    let room = back_at.saturating_sub(state_at + 2);
    let words: Vec<String> = lines
        .iter()
        .map(|line| state_words(line, room, screen, cx))
        .collect();
    screen.list.draw(&mut part, lines.len(), true, |index, here| {
        let line = &lines[index];
        let mark = mark(line.state);
        let role = match line.state {
            ItemState::Failed => Role::Bad,
            ItemState::Waiting => Role::Muted,
            _ => Role::Text,
        };
        let row = Row::new()
            .at(1, if here { glyphs.cursor } else { " " }, Role::Accent)
            .at(3, mark.glyph(glyphs), mark.role())
            .at(5, format!("{} {}", index + 1, inert(&line.title)), Role::Text)
            .max(state_at.saturating_sub(6));
        let row = row.at(state_at, words[index].clone(), role).max(room);
        if wide {
            row.at(back_at, line.way_back.clone(), Role::Muted)
        } else {
            row
        }
    });
    let below = above + area.height;
    let mut foot = foot(screen, cx, &lines, ready.as_ref(), width);
    let rest = ratatui::layout::Rect {
        x: 0,
        y: below,
        width,
        height: height.saturating_sub(below),
    };
    working::fill_with_log(&mut foot, cx, screen.capability, rest.height, 12);
    painter.part(rest).rows(&foot);
}
