//! What the items of a list share: an article, a head ("AWS, Azure and GCP pricing"), a name in front ("clients A, B and C"),
//! a phrase behind ("the frontend and backend of the app").

use super::reader::Reader;
use super::token::Tok;
use crate::engine::tasks::rules::{Flags, Kind};

impl Reader<'_> {
    /// Gives every item what it shares with its neighbours.
    pub fn completed(&self, items: &[Vec<Tok>]) -> Vec<Vec<Tok>> {
        let mut out = items.to_vec();
        if let Some(front) = self.shared_front(items) {
            for item in out.iter_mut().skip(1) {
                *item = [front.as_slice(), item.as_slice()].concat();
            }
            return out;
        }
        let behind = self.shared_behind(items);
        let mut bare = items.to_vec();
        if let (Some(behind), Some(last)) = (&behind, bare.last_mut()) {
            last.truncate(last.len() - behind.len());
        }
        let head = self.shared_head(&bare);
        for item in out.iter_mut().rev().skip(1) {
            item.extend(head.iter().flatten());
            item.extend(behind.iter().flatten());
        }
        let article = items.first().and_then(|item| item.first()).filter(|tok| {
            items[0].len() > 1 && matches!(self.low(tok), "the" | "our" | "your" | "my" | "their" | "its")
        });
        if let Some(&article) = article.filter(|_| head.is_some() || behind.is_some()) {
            for item in out.iter_mut().skip(1) {
                if !item
                    .first()
                    .is_some_and(|tok| tok.has(Flags::DETERMINER) || tok.number > 0)
                {
                    item.insert(0, article);
                }
            }
        }
        out
    }

    /// "clients A, B and C", "pull requests 101, 102 and 103": the words before the first name.
    fn shared_front(&self, items: &[Vec<Tok>]) -> Option<Vec<Tok>> {
        let (first, rest) = items.split_first()?;
        let (name, front) = first.split_last()?;
        let short = |tok: &Tok| {
            tok.proper && (tok.end - tok.start <= 2 || self.low(tok).bytes().any(|b| b.is_ascii_digit()))
        };
        let fits = !front.is_empty()
            && short(name)
            && front.last().is_some_and(|tok| !tok.proper && self.plural(tok))
            && rest.iter().all(|item| item.len() == 1 && short(&item[0]));
        fits.then(|| front.to_vec())
    }

    /// "the spelling and tone of the announcement": an "of" behind the last item belongs to all when they share an article.
    fn shared_behind(&self, items: &[Vec<Tok>]) -> Option<Vec<Tok>> {
        let (last, before) = items.split_last()?;
        let led = items[0].first().is_some_and(|tok| self.low(tok) == "the")
            && !last.first()?.has(Flags::DETERMINER);
        let at = last
            .iter()
            .position(|tok| self.low(tok) == "of")
            .filter(|at| *at > 0)?;
        (led && before
            .iter()
            .all(|item| !item.iter().any(|tok| tok.has(Flags::PREPOSITION))))
        .then(|| last[at..].to_vec())
    }

    /// The words at the end of the last item that belong to all of them ("pricing" in "AWS, Azure and GCP pricing").
    pub fn shared_head(&self, items: &[Vec<Tok>]) -> Option<Vec<Tok>> {
        let (last, before) = items.split_last()?;
        let last: Vec<Tok> = last
            .iter()
            .skip_while(|tok| tok.has(Flags::DETERMINER))
            .copied()
            .collect();
        let brackets = items
            .iter()
            .any(|item| item.iter().any(|tok| tok.kind == Kind::Open));
        let own = items.iter().skip(1).any(|item| {
            item.first()
                .is_some_and(|tok| tok.has(Flags::DETERMINER) || tok.number > 0)
        });
        if last.len() < 2 || brackets || own || last.iter().any(|tok| tok.has(Flags::PREPOSITION)) {
            return None;
        }
        let end = last[last.len() - 1];
        if end.proper && !end.has(Flags::SHARED_HEAD) {
            return None;
        }
        let led = items[0]
            .first()
            .is_some_and(|tok| tok.has(Flags::DETERMINER) && !matches!(self.low(tok), "a" | "an"));
        let words = |item: &[Tok]| {
            item.iter()
                .filter(|tok| !tok.has(Flags::DETERMINER) && !self.low(tok).ends_with("'s"))
                .count()
        };
        let single = before.iter().all(|item| words(item) == 1);
        // "the users, orders and products endpoints": plurals in front of a shared head.
        let plurals = led && single && last.len() == 2 && end.has(Flags::SHARED_HEAD) && self.plural(&end);
        let bare = |item: &Vec<Tok>| {
            item.last().is_some_and(|tail| {
                // An item that has a head of its own needs none.
                self.low(tail) != self.low(&end)
                    && (plurals || tail.proper || !self.plural(tail))
                    && !(tail.has(Flags::SHARED_HEAD) && !tail.proper && words(item) > 1)
            })
        };
        if !before.iter().all(bare) {
            return None;
        }
        let names = before
            .iter()
            .all(|item| item.iter().all(|tok| tok.proper || tok.has(Flags::DETERMINER)));
        if names && last[0].proper {
            if end.proper {
                return Some(vec![end]);
            }
            let at = last.iter().position(|tok| !tok.proper)?;
            return Some(last[at..].to_vec());
        }
        let short = before.iter().all(|item| words(item) <= 2);
        let adjective = |item: &Vec<Tok>| {
            item.last().is_some_and(|tok| {
                ["ic", "al", "ive", "ous", "ary", "id", "ar"]
                    .iter()
                    .any(|ending| self.low(tok).ends_with(ending))
            })
        };
        let many = self.plural(&end);
        let shares = short && (end.has(Flags::SHARED_HEAD) && (led || many || names) || led && many)
            || single && many && before.iter().any(adjective);
        shares.then(|| vec![end])
    }

    /// Whether the words at `next` are the last of a list whose items need the plural behind it: one bare word before the
    /// gap at `gap`, then a word and a head that lists share, then an end.
    pub fn shares_head(&self, toks: &[Tok], gap: usize, next: usize) -> bool {
        let bare = gap >= 2
            && toks[gap - 1].is_word()
            && toks[gap - 2].joins()
            && (!self.plural(&toks[gap - 1])
                || matches!(
                    self.low(&toks[gap - 1]),
                    "sales" | "operations" | "communications"
                ));
        let head = toks
            .get(next + 1)
            .is_some_and(|tok| tok.has(Flags::SHARED_HEAD) && self.plural(tok));
        bare && head
            && toks
                .get(next + 2)
                .is_none_or(|tok| !tok.is_word() || tok.has(Flags::PREPOSITION))
    }
}
