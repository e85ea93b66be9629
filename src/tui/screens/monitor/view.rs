//! How the screen is drawn: the verdict in words, a gauge for each criterion, what is next; then a chart and what happened.

use ratatui::layout::Rect;

use super::gauge::{Gauge, LIMIT_AT, probes};
use super::picture::{Phase, Picture, Rest, seconds, span, until};
use super::{Monitor, chart};
use crate::engine::monitor::verdict::short_percent;
use crate::engine::monitor::watch::{MarkKind, Note, time};
use crate::engine::monitor::{Criterion, Verdict, Watch};
use crate::engine::text::{inert, plural};
use crate::tui::app::context::Cx;
use crate::tui::clock::about;
use crate::tui::layout::Density;
use crate::tui::paint::{Painter, Row, fit, keep};
use crate::tui::screens::detail::{labelled, prose};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::bar::{self, Bar};

/// Where the values of the lower lines begin.
const VALUES: u16 = 19;
/// Where the sentence of the verdict begins.
const SENTENCE: u16 = 19;

/// Narrower than this there are no bars.
const NARROW: u16 = 76;

/// Where the parts of a gauge stand.
struct Columns {
    value_end: u16,
    bar: Option<(u16, u16)>,
    limit: u16,
    word: u16,
    weight: Option<u16>,
    spark: Option<(u16, u16)>,
    streak: u16,
}

impl Columns {
    const fn of(width: u16) -> Self {
        match width {
            95.. => Self {
                value_end: 27,
                bar: Some((30, 24)),
                limit: 56,
                word: 69,
                weight: Some(78),
                spark: Some((46, 24)),
                streak: 72,
            },
            NARROW.. => Self {
                value_end: 26,
                bar: Some((28, 20)),
                limit: 49,
                word: 61,
                weight: Some(69),
                spark: Some((40, 8)),
                streak: 50,
            },
            _ => Self {
                value_end: 26,
                bar: None,
                limit: 29,
                word: 42,
                weight: Some(50),
                spark: None,
                streak: 42,
            },
        }
    }
}

/// The colour of a phase.
pub(super) const fn role(phase: Phase) -> Role {
    match phase {
        Phase::Countdown | Phase::Breach => Role::Bad,
        Phase::Stale | Phase::Spent | Phase::Unknown => Role::Unknown,
        Phase::Closely => Role::Warn,
        Phase::Well | Phase::Passed => Role::Ok,
        Phase::Never | Phase::First | Phase::Off => Role::Text,
    }
}

pub(super) fn render(screen: &Monitor, painter: &mut Painter<'_>, cx: &Cx<'_>) {
    let (width, height) = (painter.width(), painter.height());
    let picture = screen.shown();
    let phase = picture.phase(screen.moment(cx));
    let Some(watch) = picture.watch() else {
        painter.rows(&never(picture, cx, width));
        return;
    };
    if cx.density == Density::Tiny {
        painter.rows(&tiny(watch, phase, picture, cx, width));
        return;
    }
    let mut rows = head(watch, phase, screen, cx, width);
    let Some(verdict) = watch.verdict() else {
        rows.extend(first(watch, screen, cx, width));
        painter.rows(&rows);
        return;
    };
    let wide = cx.density == Density::Wide;
    if let Some(criterion) = screen.charted(cx.density).filter(|_| !wide) {
        rows.push(Row::blank());
        let kept: Vec<Row> = fit(&rows, usize::from(height)).into_iter().cloned().collect();
        let used = u16::try_from(kept.len()).unwrap_or(height);
        let room = height.saturating_sub(used);
        let chart = chart::rows(picture, criterion, cx.now, cx.look.glyphs, width, room);
        let none = chart.is_empty();
        rows.extend(chart);
        if none {
            rows.extend(prose(
                "There is no room for a chart; w shows the gauges.",
                width,
                Role::Muted,
                keep::ALWAYS,
            ));
        }
        painter.rows(&rows);
        return;
    }
    rows.extend(gauges(picture, watch, phase, cx, width));
    rows.push(Row::blank());
    rows.extend(foot(watch, verdict, picture, screen, cx, width));
    let used = u16::try_from(rows.len()).unwrap_or(height);
    let mut room = height.saturating_sub(used);
    if wide && let Some(criterion) = screen.charted(cx.density) {
        // The chart grows with the screen; what happened gets the rest.
        let tall = room.saturating_sub(1).min(if room > 20 { 14 } else { 10 });
        let chart = chart::rows(picture, criterion, cx.now, cx.look.glyphs, width, tall);
        if !chart.is_empty() {
            rows.push(Row::blank());
            room = room.saturating_sub(1 + u16::try_from(chart.len()).unwrap_or(0));
            rows.extend(chart);
        }
    }
    rows.extend(happened(watch, cx, width, room));
    painter
        .part(Rect {
            x: 0,
            y: 0,
            width,
            height,
        })
        .rows(&rows);
}

/// Before anything was watched.
fn never(picture: &Picture, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let mut rows = prose(
        "Nothing is watched yet. A watch reads MAOS's own figures, judges them by four criteria and says when to roll back.",
        width,
        Role::Text,
        keep::FIGURE,
    );
    rows.push(Row::blank());
    let mut say = |label: &str, value: &str| {
        rows.extend(labelled(label, value, VALUES, width, Role::Text, keep::NORMAL));
    };
    say(
        "Criteria",
        "error rate, degradation, availability, validation failures in a row; a score of their weights",
    );
    if let Some((_, settings)) = cx.views.settings.value() {
        let monitor = &settings.driving.monitor;
        let probe = match monitor.validation.as_str() {
            "task" => "the guide's real task is submitted at every sample",
            "off" => "none",
            _ => "reads MAOS's health only; nothing is submitted",
        };
        say("Validation", probe);
        let hooks = plural(monitor.hooks.len() as u64, "command is", "commands are");
        say("On a change", &format!("the bell rings; {hooks} called"));
    }
    say("If you roll back", &way_back(picture, cx));
    rows
}

/// Between the beginning and the first sample.
fn first(watch: &Watch, screen: &Monitor, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let mut rows = vec![Row::blank()];
    let mut say = |label: &str, value: &str| {
        rows.extend(labelled(label, value, VALUES, width, Role::Text, keep::NORMAL));
    };
    say("Source", &inert(&watch.begin.source));
    say("Baseline", &baseline(watch));
    say("If it breaches", &if_it_breaches(watch));
    say("If you roll back", &way_back(screen.shown(), cx));
    rows
}

fn baseline(watch: &Watch) -> String {
    match watch.baseline() {
        Some(seconds) => format!("{seconds:.2} s, {}", inert(&watch.begin.baseline_from)),
        None => "none yet; degradation is unknown until one is recorded".to_owned(),
    }
}

/// What adds up to the score: `error rate 3 + degradation 2`.
fn addends(verdict: &Verdict) -> String {
    let parts: Vec<String> = verdict
        .criteria
        .iter()
        .filter(|judged| judged.addend > 0)
        .map(|judged| format!("{} {}", judged.criterion.title().to_lowercase(), judged.addend))
        .collect();
    parts.join(" + ")
}

fn score(verdict: &Verdict) -> String {
    let standing = verdict.standing_score();
    if standing != verdict.score {
        let now = match addends(verdict).as_str() {
            "" => String::new(),
            parts => format!(" = {parts}"),
        };
        return format!("score {standing} since it latched, now {}{now}", verdict.score);
    }
    match addends(verdict).as_str() {
        "" => format!("score {standing}"),
        parts => format!("score {standing} = {parts}"),
    }
}

fn armed(watch: &Watch, cx: &Cx<'_>) -> String {
    match &watch.armed {
        Some(note) => format!(
            "automatic rollback ARMED by {} {}",
            inert(&note.by),
            cx.now.clock(note.at)
        ),
        None => "automatic rollback off".to_owned(),
    }
}

/// A row that is reversed over the whole width.
fn banner(what: &str, width: u16) -> Row {
    Row::new()
        .at(
            0,
            text::pad(&format!(" {what}"), usize::from(width)),
            Role::Banner,
        )
        .keep(keep::ALWAYS)
}

/// Two halves on one banner where they fit, else on two.
fn banners(left: &str, right: &str, width: u16) -> Vec<Row> {
    let both = format!("{left}    {right}");
    if text::width(&both) + 2 <= usize::from(width) {
        return vec![banner(&both, width)];
    }
    let mut rows = vec![banner(left, width)];
    let room = usize::from(width.saturating_sub(2));
    rows.extend(text::wrap(right, room).iter().map(|line| banner(line, width)));
    rows
}

fn head(watch: &Watch, phase: Phase, screen: &Monitor, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let Some(verdict) = watch.verdict() else {
        return vec![
            Row::new()
                .at(1, "VERDICT", Role::Critical)
                .at(10, "none", Role::Unknown)
                .at(SENTENCE, waiting(watch, cx), Role::Text)
                .keep(keep::ALWAYS),
        ];
    };
    let criteria = watch.criteria();
    let limits = format!(
        "roll back at {}, immediate at {}",
        criteria.roll_back_at, criteria.immediate_at
    );
    let recommendation = verdict.recommendation(criteria);
    let mut rows = Vec::new();
    if phase.is_breach() {
        let since = verdict
            .latch
            .and_then(|latch| time(latch.at))
            .map_or_else(String::new, |at| {
                format!(" since {}, latched", cx.now.clock_seconds(at))
            });
        if let Some(ends) = watch.countdown.filter(|_| phase == Phase::Countdown) {
            let left = text::duration(until(cx.now, ends));
            rows.extend(banners(
                &format!("AUTOMATIC ROLLBACK in {left}"),
                "X stops it for everyone, at once",
                width,
            ));
        }
        rows.extend(banners(&format!("BREACH{since}"), recommendation, width));
        rows.push(two(&score(verdict), &limits, width, Role::Bad));
        let goes = format!("n opens the rollback: {}", way_back(screen.shown(), cx));
        rows.extend(prose(&goes, width, Role::Text, keep::FIGURE));
        rows.extend(acted(watch, cx, width));
        rows.push(Row::prose(armed(watch, cx), Role::Muted).keep(keep::NORMAL));
        return rows;
    }
    if phase == Phase::Stale {
        let age = watch.age(cx.now.at).unwrap_or_default();
        let left = format!("STALE  no data for {}", span(u64::try_from(age).unwrap_or(0)));
        let row = Row::new().at(1, left, Role::Unknown).strong().keep(keep::ALWAYS);
        rows.push(row.then("    the verdict is not renewed", Role::Unknown));
    }
    let word = verdict.word.name();
    let shown = if matches!(phase, Phase::Stale | Phase::Off) {
        Role::Unknown
    } else {
        role(phase)
    };
    if width < NARROW {
        let counts = format!("{}, roll back at {}", score(verdict), criteria.roll_back_at);
        rows.push(
            Row::new()
                .at(1, "VERDICT", Role::Critical)
                .at(10, word, shown)
                .strong()
                .at(SENTENCE, counts, Role::Text)
                .keep(keep::ALWAYS),
        );
        rows.extend(prose(recommendation, width, Role::Text, keep::ALWAYS));
        rows.push(Row::prose(armed(watch, cx), Role::Muted).keep(keep::EXTRA));
        rows.extend(acted(watch, cx, width));
        return rows;
    }
    let lines = text::wrap(
        recommendation,
        usize::from(width.saturating_sub(SENTENCE + 1)).max(10),
    );
    for (index, line) in lines.into_iter().enumerate() {
        let row = Row::new().keep(keep::ALWAYS);
        rows.push(if index == 0 {
            row.at(1, "VERDICT", Role::Critical)
                .at(10, word, shown)
                .strong()
                .at(SENTENCE, line, Role::Text)
        } else {
            row.at(SENTENCE, line, Role::Text)
        });
    }
    let row = Row::new().at(10, score(verdict), Role::Text).keep(keep::ALWAYS);
    let auto = armed(watch, cx);
    let roomy =
        text::width(&score(verdict)) + text::width(&limits) + text::width(&auto) + 18 <= usize::from(width);
    if roomy {
        rows.push(row.at(SENTENCE, limits, Role::Muted).right(1, auto, Role::Muted));
    } else {
        rows.push(row);
        rows.push(Row::new().at(10, limits, Role::Muted).keep(keep::EXTRA));
        rows.push(Row::new().at(10, auto, Role::Muted).keep(keep::NORMAL));
    }
    rows.extend(acted(watch, cx, width));
    rows
}

/// What is said before there is a verdict.
fn waiting(watch: &Watch, cx: &Cx<'_>) -> String {
    match watch.next_at() {
        _ if !watch.on => "Nobody watches. No verdict yet.".to_owned(),
        Some(at) => format!(
            "First sample in {}. No verdict yet.",
            text::duration(until(cx.now, at))
        ),
        None => "The first sample is being taken. No verdict yet.".to_owned(),
    }
}

/// Two facts on one line, or the second where there is room only.
fn two(left: &str, right: &str, width: u16, role: Role) -> Row {
    let row = Row::new().at(1, left, role).keep(keep::ALWAYS);
    if text::width(left) + text::width(right) + 6 <= usize::from(width) {
        row.right(1, right, Role::Muted)
    } else {
        row
    }
}

/// What people did about the verdict.
fn acted(watch: &Watch, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let said = |what: &str, note: &Note| {
        let until = note
            .until
            .map_or_else(String::new, |at| format!(" until {}", cx.now.clock(at)));
        let by = inert(&note.by);
        format!(
            "{what}{until} by {by} {}: {}",
            cx.now.clock(note.at),
            inert(&note.reason)
        )
    };
    let mut rows = Vec::new();
    if let Some(note) = &watch.acknowledged {
        rows.extend(prose(
            &said("Acknowledged", note),
            width,
            Role::Warn,
            keep::FIGURE,
        ));
    }
    if let Some(note) = watch.snoozed.as_ref().filter(|_| watch.is_snoozed(cx.now.at)) {
        rows.extend(prose(
            &said("Bell and hooks silent", note),
            width,
            Role::Warn,
            keep::FIGURE,
        ));
    }
    rows
}

fn gauges(picture: &Picture, watch: &Watch, phase: Phase, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let stale = matches!(phase, Phase::Stale | Phase::Off);
    let Some(gauges) = Gauge::all(picture, stale) else {
        return Vec::new();
    };
    let columns = Columns::of(width);
    let glyphs = cx.look.glyphs;
    let mut rows = vec![match columns.bar {
        Some((at, _)) => Row::new()
            .at(at, "bar = share of the limit used", Role::Muted)
            .keep(keep::EXTRA),
        None => Row::blank(),
    }];
    for gauge in gauges {
        let role = if stale { Role::Unknown } else { Role::Text };
        let value_role = if gauge.role == Role::Ok { role } else { gauge.role };
        let mut row = Row::new()
            .at(1, gauge.criterion.title(), Role::Critical)
            .number(columns.value_end, gauge.value.clone(), value_role)
            .keep(keep::ALWAYS);
        if let Some((at, cells)) = columns.bar {
            let bar = Bar {
                share: gauge.used.map(|used| used * LIMIT_AT),
                limit: Some(LIMIT_AT),
            };
            row = bar::onto(row, at, glyphs, bar, cells, gauge.role);
        }
        row =
            row.at(columns.limit, gauge.limit.clone(), Role::Muted)
                .at(columns.word, gauge.word, gauge.role);
        if let Some(at) = columns.weight {
            row = row.at(at, gauge.weight.clone(), Role::Muted);
        }
        rows.push(row);
        rows.push(second(&gauge, picture, watch, cx, &columns));
    }
    rows
}

/// The second line of a gauge: evidence, the line over time, the confirmation.
fn second(gauge: &Gauge, picture: &Picture, watch: &Watch, cx: &Cx<'_>, columns: &Columns) -> Row {
    let glyphs = cx.look.glyphs;
    let unknown = gauge.word == "unknown";
    let role = if unknown { Role::Unknown } else { Role::Muted };
    // Where rows are few, the way back and the way on say more than the evidence of what is well.
    let well = gauge.word == "OK" && columns.bar.is_none();
    let mut row = Row::new().keep(if well { keep::NORMAL } else { keep::FIGURE });
    let mut evidence = gauge.evidence.clone();
    if gauge.criterion == Criterion::Validation && !unknown {
        let (signs, n) = probes(watch, glyphs, 18);
        row = row.at(3, signs, Role::Text);
        evidence = format!("  last {n}");
        row = row.then(evidence, role);
    } else {
        row = row.at(3, evidence, role);
    }
    if let Some((at, cells)) = columns.spark.filter(|_| gauge.line) {
        let figures: Vec<Option<f64>> = {
            let mut last: Vec<Option<f64>> = picture
                .figures(gauge.criterion)
                .rev()
                .take(usize::from(cells))
                .map(|(_, figure)| figure)
                .collect();
            last.reverse();
            last
        };
        row = row.at(at, bar::sparkline(glyphs, &figures, cells), Role::Text);
    }
    if !gauge.streak.is_empty() && (columns.bar.is_some() || !unknown) {
        let role = if gauge.word == "BREACH" || gauge.word == "over" {
            gauge.role
        } else {
            Role::Muted
        };
        row = row.at(columns.streak, gauge.streak.clone(), role);
    }
    row
}

fn if_it_breaches(watch: &Watch) -> String {
    let criteria = watch.criteria();
    let long = seconds(
        criteria
            .interval
            .saturating_mul(i64::from(criteria.confirmations)),
    );
    format!(
        "after {}, {}; {} of {} tasks failing: at once",
        plural(u64::from(criteria.confirmations), "sample", "samples"),
        span(long),
        short_percent(criteria.disaster_errors),
        criteria.disaster_tasks,
    )
}

/// How long the way back takes and what it rests on.
fn way_back(picture: &Picture, cx: &Cx<'_>) -> String {
    let time = picture.back.rehearsed.map_or_else(
        || "not rehearsed".to_owned(),
        |(s, at)| {
            #[expect(clippy::cast_precision_loss, reason = "seconds of a rehearsal")]
            let long = about(s as f64);
            match at {
                Some(at) => format!("{long}, rehearsed {}", cx.now.clock(at)),
                None => format!("{long}, as rehearsed"),
            }
        },
    );
    let backup = match &picture.back.backup {
        Some(Rest::On(_, Some(at))) => format!("backup {} verified", cx.now.clock(*at)),
        Some(Rest::On(id, None)) => format!("backup {id} verified"),
        Some(Rest::Nothing) => "no verified backup".to_owned(),
        None => "the backups are not read here".to_owned(),
    };
    format!("{time}; {backup}")
}

fn promotion(watch: &Watch, verdict: &Verdict, phase: Phase, cx: &Cx<'_>) -> String {
    if phase.is_breach() {
        return "not while the verdict is breach".to_owned();
    }
    if verdict.frozen {
        return "frozen: too much is not known".to_owned();
    }
    let whole = span(seconds(watch.criteria().duration));
    match watch.promote_at() {
        Some(at) if at <= cx.now.at => format!("open: {whole} without a breach"),
        Some(_) if !watch.on => "stands still: nobody watches".to_owned(),
        Some(_) if phase == Phase::Stale => "not before a fresh sample".to_owned(),
        Some(at) => {
            let left = until(cx.now, at).div_ceil(60) * 60;
            format!("{} more without a breach, of {whole}", span(left))
        }
        None => format!("{whole} without a breach"),
    }
}

fn foot(
    watch: &Watch,
    verdict: &Verdict,
    picture: &Picture,
    screen: &Monitor,
    cx: &Cx<'_>,
    width: u16,
) -> Vec<Row> {
    let criteria = watch.criteria();
    let phase = picture.phase(screen.moment(cx));
    let mut rows = Vec::new();
    let mut say = |label: &str, value: &str, role: Role, kept: u8| {
        rows.extend(labelled(label, value, VALUES, width, role, kept));
    };
    let budget = format!(
        "{} of {} samples used",
        verdict.unknown_used, criteria.unknown_budget
    );
    let good = watch.samples - watch.lost.min(watch.samples);
    let lost = match (watch.lost, watch.aside) {
        (0, 0) => "none late or lost".to_owned(),
        (lost, 0) => format!("{lost} lost"),
        (0, aside) => format!("{aside} late or doubled"),
        (lost, aside) => format!("{lost} lost, {aside} late or doubled"),
    };
    let samples = format!("{good} of {}, {lost}", watch.samples);
    let (budget, budget_role) = if verdict.frozen {
        (
            format!("SPENT, {budget}: promotion frozen, on-call paged"),
            Role::Unknown,
        )
    } else {
        (budget, Role::Text)
    };
    let both = format!("{budget} · samples {samples}");
    if text::width(&both) + 1 + usize::from(VALUES) <= usize::from(width) {
        say("Unknown budget", &both, budget_role, keep::FIGURE);
    } else {
        say("Unknown budget", &budget, budget_role, keep::FIGURE);
        say("Samples", &samples, Role::Text, keep::NORMAL);
    }
    if !phase.is_breach() {
        say("If it breaches", &if_it_breaches(watch), Role::Text, keep::NORMAL);
        say(
            "If you roll back",
            &way_back(picture, cx),
            Role::Text,
            keep::FIGURE,
        );
    }
    say(
        "To promote",
        &promotion(watch, verdict, phase, cx),
        Role::Text,
        keep::FIGURE,
    );
    let source = inert(&watch.begin.source);
    say("Source", &source, Role::Muted, keep::EXTRA);
    rows
}

fn happened(watch: &Watch, cx: &Cx<'_>, width: u16, room: u16) -> Vec<Row> {
    if room < 4 || watch.marks.is_empty() {
        return Vec::new();
    }
    let mut rows = vec![
        Row::blank(),
        Row::new()
            .at(1, "What happened", Role::Critical)
            .right(1, "M all messages", Role::Muted)
            .keep(keep::EXTRA),
    ];
    let mut marks: Vec<_> = watch.marks.iter().collect();
    marks.sort_by_key(|mark| std::cmp::Reverse(mark.at));
    for mark in marks.into_iter().take(usize::from(room - 2)) {
        let role = match mark.kind {
            MarkKind::Verdict if mark.text.contains("breach") => Role::Bad,
            MarkKind::Verdict | MarkKind::Page => Role::Warn,
            MarkKind::Decision | MarkKind::Deployment => Role::Text,
        };
        rows.push(
            Row::new()
                .at(3, cx.now.clock_seconds(mark.at), Role::Muted)
                .at(13, inert(&mark.text), role)
                .max(width.saturating_sub(14))
                .keep(keep::EXTRA),
        );
    }
    rows
}

/// The verdict, its score, its age, and what is worst; readable from afar.
fn tiny(watch: &Watch, phase: Phase, picture: &Picture, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let Some(verdict) = watch.verdict() else {
        return prose(&waiting(watch, cx), width, Role::Text, keep::ALWAYS);
    };
    let mut rows = Vec::new();
    if let Some(ends) = watch.countdown.filter(|_| phase == Phase::Countdown) {
        rows.push(banner(
            &format!("ROLLBACK in {}  X stops it", text::duration(until(cx.now, ends))),
            width,
        ));
    }
    let age = super::Monitor::age(watch, cx);
    if phase.is_breach() {
        rows.push(banner(
            &format!("BREACH  score {}", verdict.standing_score()),
            width,
        ));
    } else {
        let word = format!("VERDICT {}", verdict.word.name());
        rows.push(
            Row::new()
                .at(1, word, role(phase))
                .then(format!("  score {}", verdict.score), Role::Text)
                .strong()
                .keep(keep::ALWAYS),
        );
    }
    let stale = matches!(phase, Phase::Stale | Phase::Off);
    let age_role = if stale { Role::Unknown } else { Role::Text };
    rows.push(Row::prose(age, age_role).keep(keep::ALWAYS));
    if let Some(mut gauges) = Gauge::all(picture, stale) {
        // The worst stand first, since not all may fit.
        gauges.sort_by(|a, b| b.used.unwrap_or(0.99).total_cmp(&a.used.unwrap_or(0.99)));
        for gauge in gauges {
            rows.push(
                Row::new()
                    .at(1, gauge.criterion.title(), Role::Text)
                    .number(27, gauge.value, gauge.role)
                    .at(29, gauge.word, gauge.role)
                    .keep(keep::NORMAL),
            );
        }
    }
    rows
}
