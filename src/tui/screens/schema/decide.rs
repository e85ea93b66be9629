//! The questions of this screen: running rows, the fate of a value, the pace.

use super::{STEP, model, step};
use crate::engine::command::Command as Order;
use crate::engine::schema::Prepared;
use crate::engine::text::{count, plural};
use crate::tui::app::context::{Cx, Effect};
use crate::tui::overlays::choice::{Choice, Consequence};
use crate::tui::style::Role;
use crate::tui::text;

/// The paces that `P` offers, in rows a second.
const PACES: [u64; 5] = [500, 2_000, 10_000, 25_000, 50_000];

/// What happens to the rows that run in the legacy system; the first answer changes nothing.
pub(super) fn decide_running(prepared: &Prepared, cx: &Cx<'_>) -> Effect {
    let rows = plural(prepared.census.running, "row is", "rows are");
    let now = prepared
        .census
        .decision
        .map_or_else(|| "not decided".to_owned(), |way| way.word().to_owned());
    let mut answers = vec![("Decide later".to_owned(), Consequence::Nothing)];
    if prepared.census.decision.is_some() {
        answers[0].0 = format!("Leave it: {now}");
    }
    answers.extend(model::WAYS.iter().map(|(way, about)| {
        (
            format!("{}: {about}", text::sentence(way.word())),
            Consequence::Send(Order::Decide {
                capability: STEP,
                subject: "running".to_owned(),
                choice: serde_json::Value::String(way.word().to_owned()),
            }),
        )
    }));
    Effect::Open(Box::new(Choice::new(
        "Rows that are running",
        vec![
            (
                format!(
                    "{rows} running in the legacy system. Copied as they are, both systems would work on them."
                ),
                Role::Text,
            ),
            (
                "The census is counted again with the decision; nothing is changed yet.".to_owned(),
                Role::Muted,
            ),
        ],
        answers,
        cx.now.mono,
    )))
}

/// What a value becomes; the first answer changes nothing.
pub(super) fn edit_mapping(prepared: &Prepared, value: &model::Value, line: usize, cx: &Cx<'_>) -> Effect {
    let found = prepared.census.values.get(line);
    let shown = found.map_or_else(String::new, |row| row.value.clone());
    let rows = found.map_or(0, |row| row.rows);
    let becomes = found.map_or_else(String::new, |row| row.becomes.clone());
    let subject = value.subject();
    let send = |choice: serde_json::Value| {
        Consequence::Send(Order::Decide {
            capability: STEP,
            subject: subject.clone(),
            choice,
        })
    };
    let mut answers = vec![(format!("Leave it: {becomes}"), Consequence::Nothing)];
    answers.extend(
        model::choices(&prepared.request.mapping, value.field)
            .into_iter()
            .map(|word| {
                let label = if word == "quarantine" {
                    "Set aside, in quarantine".to_owned()
                } else {
                    format!("Becomes {word}")
                };
                (label, send(serde_json::Value::String(word)))
            }),
    );
    let edited = step(cx).is_some_and(|step| step.decisions.contains_key(&subject));
    if edited {
        answers.push((
            "Take the edit back: as the mapping file says".to_owned(),
            send(serde_json::Value::Null),
        ));
    }
    Effect::Open(Box::new(Choice::new(
        format!("{} {shown}", text::sentence(value.field.name())),
        vec![(
            format!(
                "{} with this value. The census is counted again at once; nothing is changed yet.",
                plural(rows, "row", "rows")
            ),
            Role::Text,
        )],
        answers,
        cx.now.mono,
    )))
}

/// How fast rows may be copied.
pub(super) fn choose_pace(cx: &Cx<'_>) -> Effect {
    let mut answers = vec![
        ("Leave it as it is".to_owned(), Consequence::Nothing),
        ("No limit".to_owned(), Consequence::Send(Order::Pace(0))),
    ];
    answers.extend(PACES.iter().map(|pace| {
        (
            format!("At most {} rows a second", count(*pace)),
            Consequence::Send(Order::Pace(*pace)),
        )
    }));
    Effect::Open(Box::new(Choice::new(
        "Pace",
        vec![(
            "How fast rows may be copied, so that the databases have air for others. It holds at once."
                .to_owned(),
            Role::Text,
        )],
        answers,
        cx.now.mono,
    )))
}
