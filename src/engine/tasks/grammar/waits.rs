//! What a clause waits for: sequence words first, then references back, then what its verb does with what stands before.

use super::back::{
    again, bare, content, deliverable, hinges, into_one, names_act, names_last, refers, remedy, selecting,
    singular, stem, superlative, tells,
};
use super::clauses::{Clause, Marker};
use super::expand::Expanded;
use super::link::{Group, Linker};
use super::reader::Reader;
use super::token::Tok;
use crate::engine::tasks::rules::{Flags, Kind};

/// So many clauses back a word may point.
const FARTHEST: usize = 64;

impl Linker {
    /// What the parts of a new clause wait for.
    #[expect(
        clippy::too_many_lines,
        reason = "one decision after the other, the surest first"
    )]
    pub(super) fn waits_for(&self, reader: &Reader<'_>, clause: &Clause, expanded: &Expanded) -> Vec<usize> {
        let Some(last) = self.groups.last() else {
            return Vec::new();
        };
        let toks = &clause.toks;
        match clause.marker {
            Marker::Beside => return Vec::new(),
            Marker::Then | Marker::Finally => return self.loose(0),
            Marker::None => {}
        }
        let body = &toks[usize::from(clause.led).min(toks.len())..];
        let class = reader
            .lexicon
            .class(expanded.parts.first().map_or(u8::MAX, |part| part.class));
        let is = |name: &str| class.is_some_and(|class| class.class == name);
        if expanded.weighs {
            return if reader.points_back(body) {
                self.loose(0)
            } else {
                Vec::new()
            };
        }
        // In an explicit list only words that point back make an order, never the verb alone.
        let gathers = class.is_some_and(|class| class.gathers) && expanded.parts.len() == 1;
        if gathers && (!clause.listed || bare(reader, body)) {
            return self.loose(0);
        }
        // "merge the responses": one plural, of what several parts have brought.
        let merges = (is("combine") || clause.toks.first().is_some_and(|tok| reader.low(tok) == "merge"))
            && last.to - last.from >= 2
            && last.examines
            && matches!(body, [the, things] if reader.low(the) == "the" && reader.plural(things));
        if (merges || is("combine") && into_one(reader, body)) && !clause.listed {
            return self.loose(0);
        }
        // "flag any clause that …", "verify that …": what the work before has brought to light, or done.
        let opens = body.first().map_or("", |tok| reader.low(tok));
        let looks = class.is_some_and(|class| class.inspects || class.alternatives);
        let searched = self.doing == 0 && !clause.listed;
        let told = clause.toks.first().is_some_and(|tok| tells(reader.low(tok)));
        if searched
            && (opens == "any" && !looks
                || told && expanded.parts.len() == 1 && self.len() >= 2
                || superlative(reader, body))
        {
            return self.loose(0);
        }
        // "compare the tariffs and tell us which is cheapest"
        let answers = searched
            && matches!(
                opens,
                "which" | "where" | "how" | "what" | "who" | "why" | "us" | "me"
            )
            && clause.led
            && expanded.parts.len() == 1
            && matches!(
                reader.low(&toks[0]),
                "suggest"
                    | "propose"
                    | "recommend"
                    | "explain"
                    | "tell"
                    | "say"
                    | "justify"
                    | "state"
                    | "decide"
                    | "show"
            );
        let reckons = searched
            && opens == "how"
            && matches!(reader.low(&toks[0]), "work out" | "calculate" | "estimate");
        if answers || reckons {
            return self.loose(0);
        }
        // "convert the masters, verify the checksums"
        let proves = clause.toks.first().is_some_and(|verb| {
            matches!(
                reader.low(verb),
                "verify" | "confirm" | "double-check" | "spot-check"
            )
        });
        if proves
            && !last.examines
            && !clause.listed
            && last.from >= self.sentence
            && last.to - last.from == 1
        {
            return self.group(last);
        }
        if is("test") && matches!(opens, "that" | "whether") && !last.examines && !clause.listed {
            return self.group(last);
        }
        // "redeploy it once the tests have passed"
        let awaited = self.awaited(reader, body);
        if !awaited.is_empty() {
            return awaited;
        }
        // "book the visit once the results are in"
        let once = body
            .iter()
            .any(|tok| matches!(reader.low(tok), "once" | "as soon as"));
        if (once || hinges(reader, body)) && !clause.listed {
            return self.loose(0);
        }
        if !clause.listed && again(reader, clause, body) {
            return self.loose(0);
        }
        if !clause.listed {
            let found = self.brought_to_light(reader, body);
            if !found.is_empty() {
                return found;
            }
        }
        if !clause.listed {
            let named = self.each_of(reader, body, last);
            if !named.is_empty() {
                return named;
            }
        }
        let examined = self.doing < self.groups.len();
        let reports = (is("write") || is("code") || is("operate") || is("design"))
            && !clause.listed
            && expanded.parts.len() == 1
            && self.doing == 0
            && examined
            && deliverable(reader, body);
        if reports {
            return self.loose(0);
        }
        // A reference inside the clause to something the clause names itself is none to what stands before.
        let own_list = expanded.parts.len() > 1;
        if refers(reader, &reader.lexicon.many, body, own_list) {
            let many = self.recent().find(|group| group.to - group.from >= 2);
            // Several clauses in a row are meant as well as one list.
            return match many {
                Some(group)
                    if self.groups.last().is_some_and(|last| last.from == group.from) && !clause.listed =>
                {
                    let all = self.loose(0);
                    if all.iter().all(|i| *i >= group.from) {
                        all
                    } else {
                        self.group(group)
                    }
                }
                _ => self.loose(0),
            };
        }
        // "fit a line and a curve to it": said of each part.
        let of_each = own_list
            && body
                .last()
                .is_some_and(|tok| matches!(reader.low(tok), "it" | "them"))
            && expanded.parts.iter().all(|part| {
                let said = part
                    .text
                    .rsplit_once(" (")
                    .map_or(part.text.as_str(), |(said, _)| said);
                said.ends_with(" it") || said.ends_with(" them")
            });
        if of_each || refers(reader, &reader.lexicon.one, body, own_list) {
            return self.group(last);
        }
        if body.iter().any(|tok| tok.kind == Kind::Based) && self.based_on_earlier(reader, body) {
            return self.loose(0);
        }
        let made = self.made_before(reader, body);
        if !made.is_empty() {
            return made;
        }
        let act = self.act_before(reader, body);
        if !act.is_empty() {
            return act;
        }
        if !clause.listed && (self.in_a_row(last) || self.takes_up(reader, clause, expanded, last)) {
            return self.group(last);
        }
        Vec::new()
    }

    /// The last groups, the nearest first: farther back no reference reaches.
    fn recent(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().rev().take(FARTHEST)
    }

    /// "download the logs, parse the entries": a verb that works on what the clause before brings in.
    fn takes_up(&self, reader: &Reader<'_>, clause: &Clause, expanded: &Expanded, last: &Group) -> bool {
        let works = clause.led
            && clause
                .toks
                .first()
                .is_some_and(|verb| verb.has(Flags::WORKS_ON) && reader.low(verb) != last.verb);
        works && last.acquires && last.from >= self.sentence && expanded.parts.len() == 1
    }

    /// "fix the defects" behind a test, "resolve any conflicts" behind any step, "ship a patch" behind a diagnosis.
    fn brought_to_light(&self, reader: &Reader<'_>, body: &[Tok]) -> Vec<usize> {
        let [article, rest @ ..] = body else {
            return Vec::new();
        };
        if !article.is_word() {
            return Vec::new();
        }
        let word = reader.low(article);
        let end = rest
            .iter()
            .position(|tok| !tok.is_word() || tok.has(Flags::PREPOSITION))
            .unwrap_or(rest.len());
        let own = rest.get(end).is_some_and(|tok| {
            matches!(
                reader.low(tok),
                "of" | "in" | "on" | "with" | "between" | "from" | "for"
            )
        });
        let Some(head) = rest[..end].last().filter(|_| !own) else {
            return Vec::new();
        };
        match word {
            "any" | "all" | "every" if head.has(Flags::OUTCOME) => self.groups.last(),
            "the" if head.has(Flags::OUTCOME) || end > 1 && selecting(reader.low(&rest[0])) => {
                return self.examined();
            }
            "the" | "a" | "an" if end <= 2 && remedy(reader.low(&rest[0])) => {
                return self.examined();
            }
            _ => None,
        }
        .map_or_else(Vec::new, |group| self.group(group))
    }

    /// "find the owner of each anomaly": of the things that the clause before names.
    fn each_of(&self, reader: &Reader<'_>, body: &[Tok], last: &Group) -> Vec<usize> {
        let Some(pair) = body
            .windows(2)
            .find(|pair| matches!(reader.low(&pair[0]), "each" | "every") && pair[1].is_word())
        else {
            return Vec::new();
        };
        let noun = singular(reader.low(&pair[1]));
        let named = self.draft.parts[last.from..last.to].iter().any(|part| {
            part.text
                .split_whitespace()
                .any(|word| singular(&word.to_lowercase()) == noun)
        });
        if named { self.group(last) } else { Vec::new() }
    }

    /// What earlier clauses examine, in one sentence or many.
    fn examined(&self) -> Vec<usize> {
        let mut out: Vec<usize> = self
            .recent()
            .filter(|group| group.examines)
            .flat_map(|group| self.group(group))
            .collect();
        out.sort_unstable();
        out
    }

    /// "once the tests have passed", "if the build is green": the earlier parts that the condition names.
    fn awaited(&self, reader: &Reader<'_>, body: &[Tok]) -> Vec<usize> {
        let Some(at) = body.iter().position(|tok| {
            matches!(
                reader.low(tok),
                "once" | "as soon as" | "when" | "after" | "if" | "until" | "provided"
            )
        }) else {
            return Vec::new();
        };
        let Some((the, phrase)) = body[at + 1..].split_first() else {
            return Vec::new();
        };
        if !matches!(reader.low(the), "the" | "all" | "these" | "both") {
            return Vec::new();
        }
        let end = phrase
            .iter()
            .position(|tok| !tok.is_word() || reader.finite(std::slice::from_ref(tok)))
            .unwrap_or(phrase.len());
        let words: Vec<&str> = content(reader, &phrase[..end]).collect();
        let Some(&head) = words.first() else {
            return Vec::new();
        };
        let named =
            |group: &&Group| group.made.lines().any(|made| made == head) || names_act(head, &group.verb);
        self.recent()
            .find(named)
            .map_or_else(Vec::new, |group| self.group(group))
    }

    /// "research the market, extract the prices, and build a table from them": a step taken up by the next one of a row
    /// stands behind the search that opens the row.
    pub(super) fn row_begun(&mut self, reader: &Reader<'_>, clause: &Clause, from: usize) {
        let [.., search, step] = self.groups.as_slice() else {
            return;
        };
        let begins = search.from == self.sentence;
        let one = step.to - step.from == 1 && search.to - search.from == 1;
        let finds = search.examines && search.produces && !search.made.is_empty() && !step.examines;
        // "sow the leeks, thin the seedlings, and transplant the strongest ones": another sort of work, taken up alone.
        let turns = search.class != step.class && names_last(reader, &clause.toks, step.plural);
        if begins
            && one
            && (finds || turns)
            && self.draft.after[step.from].is_empty()
            && !self.draft.after[from].is_empty()
            && self.draft.after[from]
                .iter()
                .all(|&i| i == step.from || i == search.from)
            && !step.beside
        {
            let (search, step) = (search.from, step.from);
            self.draft.after[step].push(search);
            self.take_up(&[search]);
        }
    }

    /// "record the talk, transcribe it, and post the text": once a step of a row of clauses has taken up the one before,
    /// the row is one of steps.
    fn in_a_row(&self, last: &Group) -> bool {
        last.from > self.sentence && self.draft.after[last.from].iter().any(|&i| i >= self.sentence)
    }

    /// "audit the ledger, … summarise the audits": the noun of what an earlier clause does.
    fn act_before(&self, reader: &Reader<'_>, body: &[Tok]) -> Vec<usize> {
        let Some(at) = body
            .iter()
            .position(|tok| matches!(reader.low(tok), "the" | "these" | "those" | "all"))
        else {
            return Vec::new();
        };
        let length = body[at + 1..]
            .iter()
            .take_while(|tok| tok.is_word() && !tok.has(Flags::PREPOSITION))
            .count();
        let phrase = &body[at + 1..at + 1 + length];
        let head = match phrase {
            // "get the estimate approved"
            [.., noun, done] if reader.participle(done).is_some() => noun,
            [.., noun] => noun,
            [] => return Vec::new(),
        };
        let noun = reader.low(head);
        let mut waits: Vec<usize> = Vec::new();
        for group in self.recent().filter(|group| names_act(noun, &group.verb)) {
            waits.extend(self.group(group));
        }
        waits.sort_unstable();
        waits.dedup();
        waits
    }

    fn based_on_earlier(&self, reader: &Reader<'_>, body: &[Tok]) -> bool {
        let Some(at) = body.iter().position(|tok| tok.kind == Kind::Based) else {
            return false;
        };
        let behind: Vec<&str> = content(reader, &body[at + 1..]).collect();
        self.recent().any(|group| {
            (group.from..group.to).any(|i| {
                let text = self.draft.parts[i].text.to_lowercase();
                text.split_whitespace()
                    .map(stem)
                    .any(|word| behind.contains(&word))
            })
        })
    }

    /// "generate the report, and email the report": the object is the one an earlier clause made.
    fn made_before(&self, reader: &Reader<'_>, body: &[Tok]) -> Vec<usize> {
        for (at, tok) in body.iter().enumerate() {
            if reader.low(tok) != "the" {
                continue;
            }
            let phrase: Vec<Tok> = body[at + 1..]
                .iter()
                .take_while(|tok| tok.is_word() && !tok.has(Flags::PREPOSITION))
                .copied()
                .collect();
            let words: Vec<&str> = content(reader, &phrase).collect();
            let made = |group: &Group| {
                let made: Vec<&str> = group.made.lines().collect();
                words.iter().all(|word| made.contains(word))
            };
            // "train a model on the joined table": what an earlier clause joined.
            if let Some((_, base)) = phrase.first().and_then(|tok| reader.participle(tok))
                && phrase.len() > 1
            {
                let same = |group: &&Group| group.made.lines().any(|made| Some(&made) == words.last());
                if let Some(group) = self.recent().find(|group| group.verb == base) {
                    return self.group(group);
                }
                // "import the cleaned sheets": what became of the sheets that an earlier clause names.
                if self.recent().any(|group| same(&group)) {
                    return self.loose(self.sentence.min(self.groups.last().map_or(0, |last| last.from)));
                }
            }
            if words.is_empty() {
                continue;
            }
            if let Some(group) = self
                .recent()
                .find(|group| (group.produces || group.introduces) && !group.made.is_empty() && made(group))
            {
                return self.group(group);
            }
        }
        Vec::new()
    }
}
