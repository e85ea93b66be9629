//! Alternatives and questions: "A vs B", "choose between A and B", "which of A, B and C is best", "what X is, how Y works".

use super::expand::{Expanded, Part, rule};
use super::reader::Reader;
use super::runs::{Objects, Run};
use super::token::Tok;
use crate::engine::tasks::rules::{Flags, Kind, NO_CLASS};

impl Reader<'_> {
    pub fn question_lead(&self, rest: &[Tok]) -> usize {
        if self.low(&rest[0]) == "between" {
            return 1;
        }
        rest.iter()
            .take(6)
            .position(|tok| tok.is_verb() || matches!(self.low(tok), "of" | "use"))
            // "whether A or B suits …": the list stands right behind.
            .filter(|at| !rest[..*at].iter().any(|tok| tok.kind == Kind::Or))
            .map_or(1, |at| at + 1)
    }

    /// "explain what X is, how Y works, and why Z matters": three questions and more are three subtasks.
    pub fn questions(&self, verb: Option<&str>, class: u8, rest: &[Tok]) -> Option<Vec<Part>> {
        let asks = |tok: &Tok| {
            tok.kind == Kind::Opaque
                && matches!(
                    self.low(tok),
                    "what" | "why" | "how" | "which" | "who" | "where" | "when" | "whether"
                )
        };
        if !rest.first().is_some_and(asks) {
            return None;
        }
        let mut starts = vec![0];
        for i in 1..rest.len() {
            if asks(&rest[i]) && rest[i - 1].joins() {
                starts.push(i);
            }
        }
        if starts.len() < 3 {
            return None;
        }
        starts.push(rest.len());
        Some(
            starts
                .windows(2)
                .map(|pair| {
                    let mut side = &rest[pair[0]..pair[1]];
                    while side.last().is_some_and(Tok::joins) {
                        side = &side[..side.len() - 1];
                    }
                    self.part(verb, side, class, rule::OBJECTS, self.render(side))
                })
                .collect(),
        )
    }

    /// Whether a run names more alternatives to those of the run before: "A against B and C".
    fn goes_on(&self, before: &Run, run: &Run, weighing: bool) -> bool {
        run.lead.last().is_some_and(|tok| match self.low(tok) {
            "with" | "against" => true,
            "to" => weighing,
            // "compare A and B over ten years" names a span, "choose A over B" the other choice.
            "over" => before.items.len() == 1 && !run.items.iter().flatten().any(|tok| tok.has(Flags::UNIT)),
            _ => false,
        })
    }

    /// Alternatives: one subtask weighs each.
    pub fn weigh(
        &self,
        verb: Option<&str>,
        class: u8,
        objects: &mut Objects,
        whole: &dyn Fn() -> String,
        weighing: bool,
    ) -> Option<Expanded> {
        // "A against B and C": the list goes on behind the preposition.
        let mut k = 1;
        while k < objects.runs.len() {
            let joins = self.goes_on(&objects.runs[k - 1], &objects.runs[k], weighing);
            if joins
                && objects.runs[k - 1].items.len() + objects.runs[k].items.len() >= 2
                && !objects.runs[k].items.is_empty()
            {
                let more = objects.runs.remove(k);
                let into = &mut objects.runs[k - 1];
                into.whole.extend(more.lead);
                into.whole.extend(more.whole);
                into.items.extend(more.items);
                into.versus = true;
            } else {
                k += 1;
            }
        }
        let entity = |run: &Run| {
            run.items.len() >= 2
                && run.lead.last().is_none_or(|tok| {
                    tok.has(Flags::DISTRIBUTING)
                        || matches!(self.low(tok), "between" | "among")
                        || !tok.is_word()
                })
        };
        let chosen = objects
            .runs
            .iter()
            .position(|run| run.versus && run.items.len() >= 2)
            .or_else(|| objects.runs.iter().skip(1).position(entity).map(|at| at + 1))
            .or_else(|| {
                objects
                    .runs
                    .first()
                    .filter(|run| run.items.len() >= 2 && !self.qualities(&run.items))
                    .map(|_| 0)
            });
        let (run, items, rule) = if let Some(run) = chosen {
            (run, self.completed(&objects.runs[run].items), rule::ALTERNATIVES)
        } else {
            let set =
                verb.is_some_and(|verb| self.lexicon.get(&verb.to_lowercase()).flags.has(Flags::SET_VERB));
            let (run, count) = objects
                .runs
                .iter()
                .enumerate()
                .map(|(i, run)| (i, run.items.first().map_or(0, |item| self.counted(item))))
                .find(|(_, count)| *count > 0)?;
            if set {
                return None;
            }
            let items = vec![objects.runs[run].items[0].clone(); count];
            (run, items, rule::COUNT)
        };
        if let Some(tok) = objects.runs[run].lead.last()
            && self.low(tok) == "between"
            && run == 0
        {
            objects.runs[run].lead.clear();
        }
        let word = match verb {
            Some(verb) if weighing => {
                let capital = verb.starts_with(char::is_uppercase);
                Some(if capital { "Evaluate" } else { "evaluate" }.to_owned())
            }
            Some(verb) => Some(verb.to_owned()),
            None => Some("Evaluate".to_owned()),
        };
        let total = items.len();
        let parts: Vec<Part> = items
            .iter()
            .enumerate()
            .map(|(n, item)| {
                let toks = self.compose(objects, &[(run, item)]);
                let mut part = self.part(word.as_deref(), &toks, class, rule, self.render(item));
                if rule == rule::COUNT {
                    part.text = format!("{} ({} of {total})", part.text, n + 1);
                    part.core = format!("{} ({} of {total})", part.core, n + 1);
                }
                part
            })
            .collect();
        Some(Expanded {
            parts,
            coordinator: Some(whole()),
            weighs: true,
            ..Expanded::default()
        })
    }

    /// "which is better for the newsletter, Mailchimp or Sendgrid?": the alternatives stand behind the question.
    fn asked_in_front(&self, toks: &[Tok]) -> Option<Expanded> {
        if !matches!(self.low(toks.first()?), "which" | "what" | "who") {
            return None;
        }
        let at = toks
            .iter()
            .position(|tok| matches!(tok.kind, Kind::Comma | Kind::Colon | Kind::Dash))?;
        let (question, list) = (&toks[..at], &toks[at + 1..]);
        if !list.iter().any(|tok| tok.kind == Kind::Or)
            || list.iter().any(|tok| tok.kind == Kind::Opaque)
            || self.finite(list)
        {
            return None;
        }
        let tail: &[Tok] = question
            .iter()
            .position(|tok| tok.has(Flags::PREPOSITION))
            .map_or(&[], |at| &question[at..]);
        let parts: Vec<Part> = list
            .split(Tok::joins)
            .filter(|item| !item.is_empty())
            .map(|item| {
                let toks = [item, tail].concat();
                self.part(
                    Some("Evaluate"),
                    &toks,
                    NO_CLASS,
                    rule::ALTERNATIVES,
                    self.render(item),
                )
            })
            .collect();
        (parts.len() >= 2).then(|| Expanded {
            parts,
            coordinator: Some(self.render(toks)),
            weighs: true,
            ..Expanded::default()
        })
    }

    /// A question about alternatives: "which of A, B and C is best for X?", "should we use A or B?".
    pub fn asked(&self, toks: &[Tok]) -> Option<Expanded> {
        let low = |i: usize| toks.get(i).map_or("", |tok| self.low(tok));
        if let Some(asked) = self.asked_in_front(toks) {
            return Some(asked);
        }
        let from = match (low(0), low(1)) {
            ("which", "of") => 2,
            ("should", _) => toks.iter().take(5).position(Tok::is_verb)? + 1,
            ("is" | "are", _) => 1,
            ("what", "are" | "is") | ("how", "do" | "does") => {
                toks.iter()
                    .take(8)
                    .position(|tok| self.low(tok) == "between" || tok.is_verb() && tok.ord > toks[1].ord)?
                    + 1
            }
            // "Python or R for the course?"
            _ if self.text.trim_end().ends_with('?')
                && toks.first().is_some_and(|tok| tok.proper)
                && toks.iter().take(4).any(|tok| tok.kind == Kind::Or) =>
            {
                0
            }
            _ => return None,
        };
        // "run on A, B or C": the list stands behind the preposition.
        let from = from + usize::from(toks.get(from).is_some_and(|tok| tok.has(Flags::PREPOSITION)));
        let list = toks.get(from..)?;
        let end = list
            .iter()
            .position(|tok| {
                matches!(
                    self.low(tok),
                    "is" | "are"
                        | "better"
                        | "best"
                        | "would"
                        | "should"
                        | "performs"
                        | "perform"
                        | "fits"
                        | "suits"
                        | "compare"
                        | "differ"
                ) || tok.has(Flags::PREPOSITION) && !matches!(self.low(tok), "of")
                    || tok.kind == Kind::Opaque
            })
            .unwrap_or(list.len());
        if !list[..end]
            .iter()
            .any(|tok| matches!(tok.kind, Kind::Or | Kind::And | Kind::Versus))
        {
            return None;
        }
        let items: Vec<&[Tok]> = list[..end]
            .split(Tok::joins)
            .filter(|item| !item.is_empty())
            .collect();
        let tail: &[Tok] = list[end..]
            .iter()
            .position(|tok| tok.has(Flags::PREPOSITION))
            .map_or(&[], |at| &list[end + at..]);
        (items.len() >= 2).then(|| Expanded {
            parts: items
                .iter()
                .map(|item| {
                    self.part(
                        Some("Evaluate"),
                        &[item, tail].concat(),
                        NO_CLASS,
                        rule::ALTERNATIVES,
                        self.render(item),
                    )
                })
                .collect(),
            coordinator: Some(self.render(toks)),
            weighs: true,
            ..Expanded::default()
        })
    }
}
