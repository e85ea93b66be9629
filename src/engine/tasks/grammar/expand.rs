//! One clause into subtasks: which of its lists is shared out, and how each subtask reads.

use super::clauses::Clause;
use super::reader::{Reader, closing};
use super::runs::{Objects, Run};
use super::token::Tok;
use crate::engine::tasks::rules::{Flags, Kind, NO_CLASS};

/// The names of the rules, as the screen says them. To add a rule: add its name here and use it where the part is made.
pub mod rule {
    /// Nothing to split.
    pub const SINGLE: &str = "single task";
    /// A clause with a verb of its own.
    pub const CLAUSE: &str = "clause by verb";
    /// "research AWS, Azure and GCP pricing".
    pub const OBJECTS: &str = "list of objects under one verb";
    /// "into French, German and Spanish".
    pub const SHARED_OUT: &str = "distribution over a list";
    /// "top 5 providers".
    pub const COUNT: &str = "count";
    /// "A vs B", "A, B or C".
    pub const ALTERNATIVES: &str = "alternatives";
    /// Numbered or bulleted.
    pub const LIST: &str = "explicit list";
    /// Behind a colon.
    pub const COLON: &str = "list after a colon";
    /// "(guest, member, admin)".
    pub const BRACKETS: &str = "list in brackets";
    /// "build, test and deploy the service".
    pub const VERBS: &str = "several verbs on one object";
    /// "proofread each".
    pub const EACH: &str = "each of the earlier parts";
    /// "A and B to C and D respectively".
    pub const PAIRS: &str = "pairs";
    /// The coordinator.
    pub const COORDINATION: &str = "coordination of loose ends";
    /// Made or changed by a person.
    pub const BY_HAND: &str = "by hand";
}

/// A subtask before its place is known.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub text: String,
    pub rule: &'static str,
    /// What sets it apart from its siblings.
    pub core: String,
    pub class: u8,
}

/// The subtasks of one clause.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expanded {
    pub parts: Vec<Part>,
    /// One after the other.
    pub chained: bool,
    /// What each part waits for among these, when the clause itself says so; empty when it says nothing.
    pub inner: Vec<Vec<usize>>,
    /// What a coordinator over these would be called.
    pub coordinator: Option<String>,
    /// Objects weighed one by one: the clause names its own alternatives.
    pub weighs: bool,
}

struct Share {
    run: usize,
    items: Vec<Vec<Tok>>,
    rule: &'static str,
}

const MOST_COMBINATIONS: usize = 24;

impl Reader<'_> {
    fn verb_text(&self, clause: &Clause) -> (Option<String>, u8, usize) {
        if let Some((class, base)) = &clause.base {
            return (Some(base.clone()), *class, 1);
        }
        match clause.toks.first() {
            Some(first) if clause.led => (Some(self.text[first.start..first.end].to_owned()), first.class, 1),
            _ => (None, NO_CLASS, 0),
        }
    }

    /// Makes the subtasks of `clause`.
    pub fn expand(&self, clause: &Clause) -> Expanded {
        let ends = |tok: &Tok| {
            tok.is_word() || matches!(tok.kind, Kind::Close | Kind::Opaque | Kind::First | Kind::Finally)
        };
        let toks = &clause.toks[..clause.toks.iter().rposition(ends).map_or(0, |at| at + 1)];
        if clause.base.is_none() && clause.led {
            let length = self.series(toks, 0);
            if length > 0 {
                return self.verbs_on_one_object(toks, length);
            }
        }
        let (verb, class, used) = self.verb_text(clause);
        let rest = &toks[used.min(toks.len())..];
        if let Some(expanded) = self.followed(verb.as_deref(), class, rest) {
            return expanded;
        }
        let single = || Expanded {
            parts: vec![self.part(verb.as_deref(), rest, class, rule::CLAUSE, self.render(rest))],
            ..Expanded::default()
        };
        if !clause.led
            && let Some(asked) = self.asked(toks)
        {
            return asked;
        }
        if let Some(parts) = self.questions(verb.as_deref(), class, rest) {
            return Expanded {
                parts,
                ..Expanded::default()
            };
        }
        let traits = self.lexicon.class(class);
        let is = |name: &str| traits.is_some_and(|traits| traits.class == name);
        if traits.is_some_and(|traits| traits.constraint) {
            return single();
        }
        let whether = rest.first().is_some_and(|tok| self.low(tok) == "whether")
            && rest.iter().any(|tok| tok.kind == Kind::Or)
            && traits.is_some_and(|traits| traits.inspects);
        let weighing = whether || traits.is_some_and(|traits| traits.alternatives);
        // "decide whether to use A or B": the list stands behind the question.
        let mut skipped = 0;
        if weighing
            && rest
                .first()
                .is_some_and(|tok| matches!(self.low(tok), "whether" | "if" | "which" | "between"))
        {
            skipped = self.question_lead(rest);
        }
        if !weighing && rest.first().is_some_and(|tok| tok.kind == Kind::Opaque) {
            return self
                .behind_question(verb.as_deref(), class, rest)
                .unwrap_or_else(single);
        }
        let with_parts =
            (is("code") || is("design")) && rest.first().is_some_and(|tok| tok.has(Flags::DETERMINER));
        let mut objects = self.objects(
            &rest[skipped..],
            with_parts || weighing || self.connecting(verb.as_deref()),
        );
        // "have them translated by a linguist and certified by the consulate": one order to somebody else.
        let caused = verb.as_deref().is_some_and(|verb| matches!(verb, "have" | "get"))
            && rest.iter().take(6).any(|tok| self.participle(tok).is_some())
            && rest
                .iter()
                .zip(&rest[1.min(rest.len())..])
                .any(|(and, done)| and.joins() && self.participle(done).is_some());
        if caused || self.made_so(verb.as_deref(), &objects) {
            return single();
        }
        let versus = objects.runs.iter().any(|run| run.versus);
        let against = is("evaluate")
            && objects.runs.iter().any(|run| {
                run.lead
                    .last()
                    .is_some_and(|tok| matches!(self.low(tok), "against" | "with"))
            })
            && objects
                .runs
                .first()
                .is_some_and(|run| run.lead.is_empty() && !run.items.is_empty());
        if (weighing || versus || against)
            && !self.points_back(rest)
            && let Some(expanded) = self.weigh(
                verb.as_deref(),
                class,
                &mut objects,
                &|| self.render_behind(verb.as_deref().unwrap_or_default(), rest),
                weighing,
            )
        {
            return expanded;
        }
        if weighing {
            return self
                .weighed_in_brackets(verb.as_deref().unwrap_or_default(), class, rest)
                .unwrap_or_else(single);
        }
        self.share_out(verb.as_deref(), class, &objects, rest, with_parts)
            .unwrap_or_else(single)
    }

    /// "run the unit tests followed by the integration tests": the verb is said once for both.
    fn followed(&self, verb: Option<&str>, class: u8, rest: &[Tok]) -> Option<Expanded> {
        let at = rest
            .iter()
            .position(|tok| tok.kind == Kind::Then && self.low(tok) == "followed by")
            .filter(|at| *at > 0 && at + 1 < rest.len())?;
        let parts = [&rest[..at], &rest[at + 1..]]
            .map(|side| self.part(verb, side, class, rule::OBJECTS, self.render(side)));
        Some(Expanded {
            parts: parts.to_vec(),
            chained: true,
            ..Expanded::default()
        })
    }

    /// "pick a database (Milvus, Qdrant, or Weaviate)": the alternatives stand in brackets.
    fn weighed_in_brackets(&self, verb: &str, class: u8, rest: &[Tok]) -> Option<Expanded> {
        let capital = verb.starts_with(char::is_uppercase);
        let word = if capital { "Evaluate" } else { "evaluate" };
        let expanded = self.brackets(Some(word), class, rest, true)?;
        Some(Expanded {
            coordinator: Some(self.render_behind(verb, rest)),
            weighs: true,
            ..expanded
        })
    }

    /// "research how LLMs are used in healthcare, finance, and education": three and more places are shared out.
    fn behind_question(&self, verb: Option<&str>, class: u8, rest: &[Tok]) -> Option<Expanded> {
        let (question, behind) = rest.split_first()?;
        let mut objects = self.objects(behind, false);
        // "document how we handle tokens, sessions, and cookies"
        if let [run] = objects.runs.as_mut_slice()
            && self.low(question) == "how"
            && run.items.len() >= 3
            && let Some(at) = run.items[0].iter().position(Tok::is_verb)
            && (1..4).contains(&at)
            && at + 1 < run.items[0].len()
            && run.items[1..]
                .iter()
                .all(|item| item.len() <= 2 && !item[0].is_verb())
        {
            let item = run.items[0].split_off(at + 1);
            let lead = std::mem::replace(&mut run.items[0], item);
            let parts = run
                .items
                .iter()
                .map(|item| {
                    let toks = [std::slice::from_ref(question), &lead, item, &objects.tail].concat();
                    self.part(verb, &toks, class, rule::OBJECTS, self.render(item))
                })
                .collect();
            return Some(Expanded {
                parts,
                ..Expanded::default()
            });
        }
        let run =
            objects.runs.iter().skip(1).find(|run| {
                run.items.len() >= 3 && run.lead.iter().any(|tok| tok.has(Flags::DISTRIBUTING))
            })?;
        if run.items.iter().any(|item| item.len() > 3)
            || objects.runs.iter().filter(|run| run.items.len() > 1).count() > 1
        {
            return None;
        }
        objects.runs[0].lead.insert(0, *question);
        self.share_out(verb, class, &objects, behind, false)
    }

    #[expect(clippy::unused_self, reason = "asked like its neighbours")]
    fn connecting(&self, verb: Option<&str>) -> bool {
        verb.is_some_and(|verb| {
            matches!(
                verb.to_lowercase().as_str(),
                "integrate" | "connect" | "sync" | "link" | "synchronize" | "pair"
            )
        })
    }

    /// Whether the objects are named before ("compare them", "their features").
    pub fn points_back(&self, toks: &[Tok]) -> bool {
        toks.iter().take(6).any(|tok| {
            matches!(
                self.low(tok),
                "them"
                    | "their"
                    | "these"
                    | "those"
                    | "each"
                    | "it"
                    | "its"
                    | "both"
                    | "results"
                    | "findings"
            ) && !(self.low(tok) == "both" && toks.iter().any(|tok| tok.kind == Kind::And))
        })
    }

    pub fn part(
        &self,
        verb: Option<&str>,
        rest: &[Tok],
        class: u8,
        rule: &'static str,
        core: String,
    ) -> Part {
        let text = self.render_behind(verb.unwrap_or_default(), rest);
        Part {
            text,
            rule,
            core,
            class,
        }
    }

    /// "build, test and deploy the service": each verb on each thing the object lists, the verbs in order where they change it.
    fn verbs_on_one_object(&self, toks: &[Tok], length: usize) -> Expanded {
        let verbs: Vec<Tok> = toks[..length]
            .iter()
            .filter(|tok| tok.is_verb())
            .copied()
            .collect();
        let rest = &toks[length..];
        if toks[..length].iter().any(|tok| tok.kind == Kind::Or) {
            return Expanded {
                parts: vec![Part {
                    text: self.render(toks),
                    rule: rule::CLAUSE,
                    core: String::new(),
                    class: verbs[0].class,
                }],
                ..Expanded::default()
            };
        }
        let class = |verb: &Tok| self.lexicon.class(verb.class);
        let inspects = verbs
            .iter()
            .all(|verb| class(verb).is_some_and(|class| class.inspects));
        let mut out = Expanded::default();
        let mut inner: Vec<Vec<usize>> = Vec::new();
        let mut before: Vec<usize> = Vec::new();
        let objects = self.objects(rest, false);
        for verb in &verbs {
            let word = self.text[verb.start..verb.end].to_owned();
            let gathers = class(verb).is_some_and(|class| class.gathers) && !before.is_empty();
            let shared = if gathers {
                None
            } else {
                self.share_out(Some(&word), verb.class, &objects, rest, false)
            };
            let parts = shared.map_or_else(
                || vec![self.part(Some(&word), rest, verb.class, rule::VERBS, word.clone())],
                |shared| shared.parts,
            );
            let from = out.parts.len();
            for (k, part) in parts.iter().enumerate() {
                inner.push(match before.as_slice() {
                    [] => Vec::new(),
                    _ if inspects && !gathers => Vec::new(),
                    // The same thing under the verb before.
                    before if before.len() == parts.len() => vec![before[k]],
                    before => before.to_vec(),
                });
                out.parts.push(Part {
                    rule: rule::VERBS,
                    ..part.clone()
                });
            }
            before = (from..out.parts.len()).collect();
        }
        out.inner = inner;
        out
    }

    #[expect(clippy::unused_self, reason = "asked like its neighbours")]
    pub fn compose(&self, objects: &Objects, chosen: &[(usize, &Vec<Tok>)]) -> Vec<Tok> {
        let length: usize = objects
            .runs
            .iter()
            .map(|run| run.lead.len() + run.whole.len())
            .sum();
        let mut toks = Vec::with_capacity(length + objects.tail.len());
        for (index, run) in objects.runs.iter().enumerate() {
            toks.extend(run.lead.iter().filter(|tok| !tok.joins()));
            match chosen.iter().find(|(at, _)| *at == index) {
                Some((_, item)) => toks.extend(item.iter()),
                None => toks.extend(run.whole.iter()),
            }
        }
        toks.extend(&objects.tail);
        toks
    }

    /// "make the report shorter, clearer and friendlier": one thing and how it shall be.
    fn made_so(&self, verb: Option<&str>, objects: &Objects) -> bool {
        let makes =
            verb.is_some_and(|verb| matches!(verb.to_lowercase().as_str(), "make" | "keep" | "render"));
        let Some([first, rest @ ..]) = objects.runs.first().map(|run| run.items.as_slice()) else {
            return false;
        };
        makes
            && first.len() > 2
            && first[0].has(Flags::DETERMINER)
            && !rest.is_empty()
            && rest
                .iter()
                .all(|item| item.len() == 1 && !item[0].proper && !self.plural(&item[0]))
    }

    /// "the literature on sleep and memory" is one reading.
    fn literature(&self, objects: &Objects) -> bool {
        objects
            .runs
            .first()
            .and_then(|run| run.items.first()?.last())
            .is_some_and(|tok| {
                matches!(
                    self.low(tok),
                    "literature" | "relationship" | "link" | "correlation" | "difference"
                )
            })
    }

    fn article(&self, run: &Run) -> bool {
        run.items
            .first()
            .and_then(|item| item.first())
            .is_some_and(|tok| matches!(self.low(tok), "a" | "an"))
    }

    /// Whether the list of run `index` is work to be shared out, and by which rule.
    fn shared(
        &self,
        verb: Option<&str>,
        class: u8,
        objects: &Objects,
        index: usize,
        with_parts: bool,
    ) -> Option<&'static str> {
        let run = &objects.runs[index];
        let count = run.items.len();
        if count < 2 || self.qualities(&run.items) {
            return None;
        }
        let names = run.items.iter().all(|item| item.iter().any(|tok| tok.proper));
        let examines = self.lexicon.class(class).is_some_and(|class| class.inspects);
        if run.or && !(examines || count >= 3 && names) {
            return None;
        }
        let Some(lead) = run.lead.iter().rev().find(|tok| !tok.joins()) else {
            return Some(rule::OBJECTS);
        };
        match lead.kind {
            Kind::Such => return Some(rule::SHARED_OUT),
            Kind::Colon | Kind::Dash => return Some(rule::COLON),
            _ => {}
        }
        let word = self.low(lead);
        // "conduct an audit of the gateway, the database and the panel": each is audited.
        let acts = objects.runs.first().is_some_and(|run| {
            run.lead.is_empty()
                && run.items.len() == 1
                && run.items[0].last().is_some_and(|tok| tok.has(Flags::ACTION_NOUN))
        }) && verb.is_some_and(|verb| {
            matches!(
                verb.to_lowercase().as_str(),
                "conduct" | "perform" | "do" | "run" | "carry out" | "complete"
            )
        });
        if acts && word == "of" {
            return Some(rule::SHARED_OUT);
        }
        let object_is_one = objects
            .runs
            .first()
            .is_some_and(|run| run.lead.is_empty() && run.items.len() == 1 && self.article(run));
        let plural_head = self.shared_head(&run.items).is_some();
        match word {
            "with" => {
                let parts =
                    with_parts && !names && (count >= 3 || run.items.iter().all(|item| item.len() >= 2));
                let shares_names = names
                    && !object_is_one
                    && (count >= 3
                        || self
                            .lexicon
                            .class(class)
                            .is_some_and(|class| class.class == "operate"));
                // "summarise the interviews with nurses and doctors"
                let talks = objects.runs.first().is_some_and(|run| {
                    run.lead.is_empty()
                        && run.items.len() == 1
                        && run.items[0].last().is_some_and(|tok| {
                            matches!(
                                self.low(tok),
                                "interviews" | "meetings" | "calls" | "talks" | "sessions" | "conversations"
                            )
                        })
                });
                (parts || talks || shares_names && !with_parts || self.connecting(verb))
                    .then_some(rule::SHARED_OUT)
            }
            "between" => None,
            "via" | "through" => (count >= 3).then_some(rule::SHARED_OUT),
            "about" => (!object_is_one).then_some(rule::SHARED_OUT),
            _ if (object_is_one || count == 2 && self.literature(objects)) && lead.has(Flags::TOPIC) => None,
            _ if !lead.has(Flags::DISTRIBUTING) => None,
            _ if object_is_one && count == 2 && !names && !plural_head => None,
            _ => Some(rule::SHARED_OUT),
        }
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one decision after the other over the same lists"
    )]
    fn share_out(
        &self,
        verb: Option<&str>,
        class: u8,
        objects: &Objects,
        rest: &[Tok],
        with_parts: bool,
    ) -> Option<Expanded> {
        let mut shares: Vec<Share> = (0..objects.runs.len())
            .filter_map(|run| {
                let rule = self.shared(verb, class, objects, run, with_parts)?;
                Some(Share {
                    run,
                    items: self.completed(&objects.runs[run].items),
                    rule,
                })
            })
            .collect();
        if objects.paired && shares.len() == 2 && shares[0].items.len() == shares[1].items.len() {
            let parts = shares[0]
                .items
                .iter()
                .zip(&shares[1].items)
                .map(|(a, b)| {
                    let toks = self.compose(objects, &[(shares[0].run, a), (shares[1].run, b)]);
                    self.part(verb, &toks, class, rule::PAIRS, self.render(a))
                })
                .collect();
            return Some(Expanded {
                parts,
                ..Expanded::default()
            });
        }
        let examples = shares.iter().position(|share| {
            matches!(share.rule, rule::COLON)
                || objects.runs[share.run]
                    .lead
                    .iter()
                    .any(|tok| tok.kind == Kind::Such)
        });
        if let Some(at) = examples {
            // A colon or "such as" says what the words before it stand for.
            shares = vec![shares.swap_remove(at)];
        }
        let set = verb.is_some_and(|verb| self.lexicon.get(&verb.to_lowercase()).flags.has(Flags::SET_VERB));
        let counted = objects.runs.iter().enumerate().find_map(|(index, run)| {
            let [item] = run.items.as_slice() else { return None };
            // "pilot it with ten volunteers" is one pilot; "meet with all three vendors" is three meetings.
            let helpers = index > 0
                && run.lead.last().is_some_and(|tok| self.low(tok) == "with")
                && item.first().is_some_and(|tok| tok.number > 0)
                && objects.runs[..index].iter().any(|run| !run.items.is_empty());
            let led = !helpers
                && run.lead.last().is_none_or(|tok| {
                    tok.has(Flags::DISTRIBUTING) || matches!(self.low(tok), "with" | "about")
                });
            // "synthesize the findings into three lessons" is one synthesis.
            let gathers = index > 0 && self.lexicon.class(class).is_some_and(|class| class.gathers);
            let count = self.counted(item);
            (count > 0 && !gathers && led && examples.is_none() && !(set && run.lead.is_empty()))
                .then_some((index, count))
        });
        if shares.is_empty() {
            let brackets = self.brackets(verb, class, rest, false);
            if brackets.is_some() || counted.is_none() {
                return brackets;
            }
        }
        let size = shares
            .iter()
            .map(|share| share.items.len())
            .chain(counted.map(|(_, count)| count))
            .fold(1, usize::saturating_mul);
        if shares.len() + usize::from(counted.is_some()) > 1 && size > MOST_COMBINATIONS {
            shares.truncate(1);
        }
        let mut combinations: Vec<Vec<(usize, &Vec<Tok>)>> = vec![Vec::new()];
        for share in &shares {
            let mut more = Vec::with_capacity(combinations.len() * share.items.len());
            for made in &combinations {
                for item in &share.items {
                    let mut chosen = Vec::with_capacity(shares.len());
                    chosen.extend_from_slice(made);
                    chosen.push((share.run, item));
                    more.push(chosen);
                }
            }
            combinations = more;
        }
        let count = counted.map_or(1, |(_, count)| count);
        let count = if shares.is_empty() || count * combinations.len() <= MOST_COMBINATIONS {
            count
        } else {
            1
        };
        let name = shares.first().map_or(rule::COUNT, |share| share.rule);
        let mut parts = Vec::new();
        for chosen in &combinations {
            let toks = self.compose(objects, chosen);
            let core = match (chosen.first(), counted) {
                (Some((_, item)), _) => chosen.get(1).map_or_else(
                    || self.render(item),
                    |(_, second)| format!("{} {}", self.render(item), self.render(second)),
                ),
                (None, Some((run, _))) => self.render(&objects.runs[run].items[0]),
                (None, None) => String::new(),
            };
            let part = self.part(verb, &toks, class, name, core);
            if count == 1 {
                parts.push(part);
                continue;
            }
            for n in 1..=count {
                let mut part = part.clone();
                part.text = format!("{} ({n} of {count})", part.text);
                part.core = format!("{} ({n} of {count})", part.core);
                parts.push(part);
            }
        }
        Some(Expanded {
            parts,
            ..Expanded::default()
        })
    }

    /// "test the checkout flow (guest, member, and admin)".
    ///
    /// `weighing`: they are alternatives ("pick a database (Milvus or Qdrant)").
    pub fn brackets(&self, verb: Option<&str>, class: u8, rest: &[Tok], weighing: bool) -> Option<Expanded> {
        let open = rest.iter().position(|tok| tok.kind == Kind::Open)?;
        let close = closing(rest, open);
        let mut inner = rest.get(open + 1..close)?;
        // "(i.e. the AWS and GCP ones)" says which.
        if inner.first().is_some_and(|tok| {
            tok.kind == Kind::Such && matches!(self.low(tok), "i.e" | "i.e." | "namely" | "viz" | "viz.")
        }) {
            inner = &inner[1..];
        }
        // "(e.g. Jest, Mocha)" are examples, "(high, medium or low)" are values.
        if inner
            .iter()
            .any(|tok| matches!(tok.kind, Kind::Such | Kind::Opaque) || tok.kind == Kind::Or && !weighing)
        {
            return None;
        }
        let items: Vec<&[Tok]> = inner.split(Tok::joins).filter(|item| !item.is_empty()).collect();
        if items.len() < 2 || open == 0 || items.iter().all(|item| item.iter().all(|tok| tok.number > 0)) {
            return None;
        }
        let parts = items
            .iter()
            .map(|item| {
                let toks = [&rest[..=open], item, &rest[close..]].concat();
                self.part(verb, &toks, class, rule::BRACKETS, self.render(item))
            })
            .collect();
        Some(Expanded {
            parts,
            ..Expanded::default()
        })
    }
}
