//! Names in a pickle: each is judged when it is executed, and counted.

use std::collections::{HashMap, HashSet};

use super::super::arena::{Arena, Kind, Name, Ref};
use super::super::finding::{Code, Finding, Severity};
use super::super::names::{self, Callable, Verdict};
use super::ClassUse;
use super::machine::{Machine, Stop};

/// Different names in one file; an honest file has a few dozen.
const MAX_NAMES: usize = 10_000;
/// Characters of a name that are kept.
const MAX_NAME: usize = 400;
const MAX_FIELDS: usize = 64;

#[derive(Debug)]
struct Entry {
    verdict: Verdict,
    count: u64,
    finding: u32,
}

#[derive(Debug, Default)]
struct Shape {
    called_with_one: bool,
    fields: Vec<String>,
}

/// Every name of the file, with its verdict and count.
#[derive(Debug, Default)]
pub(super) struct Globals {
    index: HashMap<Name, u32>,
    entries: Vec<Entry>,
    shapes: HashMap<u32, Shape>,
}

impl Globals {
    pub(super) fn callable(&self, name: u32) -> Option<Callable> {
        match self.entries.get(name as usize)?.verdict {
            Verdict::Allowed(callable) => Some(callable),
            Verdict::Refused(_) => None,
        }
    }

    pub(super) fn counted(&self, arena: &Arena<'_>, gone: &HashSet<usize>) -> Vec<(String, u64)> {
        self.entries
            .iter()
            .zip(&arena.names)
            .filter(|(entry, _)| !gone.contains(&(entry.finding as usize)))
            .map(|(entry, name)| (name.to_string(), entry.count))
            .collect()
    }

    pub(super) fn unknown(
        &mut self,
        arena: &Arena<'_>,
        findings: &[Finding],
        gone: &HashSet<usize>,
    ) -> Vec<ClassUse> {
        let mut uses = Vec::new();
        for (entry, name) in self.entries.iter().zip(&arena.names) {
            if entry.verdict != Verdict::Refused(Severity::Unknown)
                || gone.contains(&(entry.finding as usize))
            {
                continue;
            }
            let shape = self.shapes.remove(&entry.finding).unwrap_or_default();
            uses.push(ClassUse {
                name: name.to_string(),
                count: findings
                    .get(entry.finding as usize)
                    .map_or(entry.count, |finding| finding.count),
                called_with_one: shape.called_with_one,
                fields: shape.fields,
            });
        }
        uses
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(MAX_NAME).collect()
}

impl Machine<'_, '_> {
    /// `GLOBAL`, and the name part of `INST`.
    pub(super) fn global(&mut self, module: &[u8], name: &[u8]) -> Result<Ref, Stop> {
        let module = String::from_utf8_lossy(module);
        let name = String::from_utf8_lossy(name);
        self.judge(&module, &name)
    }

    /// `STACK_GLOBAL`: both parts come from the stack, wherever they were made.
    pub(super) fn stack_global(&mut self) -> Result<(), Stop> {
        let name = self.pop();
        let module = self.pop();
        let part = |value| {
            let bytes = self.arena.text_bytes(value)?;
            // A text of megabytes fetched again and again must not be copied each time.
            let kept = &bytes[..bytes.len().min(MAX_NAME * 4)];
            Some(String::from_utf8_lossy(kept).into_owned())
        };
        let parts = (part(module), part(name));
        let value = if let (Some(module), Some(name)) = &parts {
            self.judge(module, name)?
        } else {
            // A name that is not plainly written is either a broken file or an attempt to hide it.
            let at = self.here();
            let (module, name) = (
                parts.0.unwrap_or_else(|| "?".to_owned()),
                parts.1.unwrap_or_else(|| "?".to_owned()),
            );
            let mut finding = Finding::new(
                Severity::Critical,
                Code::ForbiddenName,
                Some(at),
                "names something by a value that is no text",
            );
            finding.name = Some(format!("{}.{}", shorten(&module), shorten(&name)));
            self.report(finding)
        };
        self.push(value);
        Ok(())
    }

    /// The value that stands for a name, with a finding the first time a refused one is seen.
    pub(super) fn judge(&mut self, module: &str, name: &str) -> Result<Ref, Stop> {
        let full = Name {
            module: shorten(module),
            name: shorten(name),
        };
        if let Some(at) = self.globals.index.get(&full).copied() {
            let entry = &mut self.globals.entries[at as usize];
            entry.count += 1;
            return Ok(match entry.verdict {
                Verdict::Allowed(_) => Ref::name(at),
                Verdict::Refused(_) => {
                    let finding = entry.finding;
                    self.count(finding);
                    Ref::opaque(finding)
                }
            });
        }
        if self.globals.entries.len() >= MAX_NAMES {
            return Err(self.fatal(Code::RepeatLimit, "names more classes than any application has"));
        }
        let verdict = match (self.classes.find(module, name), names::allowed(module, name)) {
            (Some(class), _) => Verdict::Allowed(Callable::Mapped(class)),
            (None, Some(callable)) => Verdict::Allowed(callable),
            (None, None) => Verdict::Refused(names::severity(module, name)),
        };
        // MAX_NAMES is far below 2^32.
        let at = u32::try_from(self.globals.entries.len()).unwrap_or(u32::MAX);
        let mut finding_at = u32::MAX;
        let mut value = Ref::name(at);
        if let Verdict::Refused(severity) = verdict {
            let here = self.here();
            let (code, what) = if severity == Severity::Critical {
                (Code::ForbiddenName, format!("names {full}"))
            } else {
                (Code::UnknownClass, format!("names class {full}"))
            };
            let mut finding = Finding::new(severity, code, Some(here), what);
            finding.name = Some(full.to_string());
            value = self.report(finding);
            if let Kind::Opaque(index) = value.kind() {
                finding_at = index;
            }
        }
        self.arena.names.push(full.clone());
        self.globals.index.insert(full, at);
        self.globals.entries.push(Entry {
            verdict,
            count: 1,
            finding: finding_at,
        });
        Ok(value)
    }

    fn count(&mut self, finding: u32) {
        if let Some(finding) = self.findings.get_mut(finding as usize) {
            finding.count += 1;
        }
    }

    /// Remembers how an unknown class is used, for the operator who will declare it.
    pub(super) fn note_use(&mut self, target: Ref, args: Option<&[Ref]>, state: Option<Ref>) {
        let Kind::Opaque(finding) = target.kind() else {
            return;
        };
        if self
            .findings
            .get(finding as usize)
            .is_none_or(|finding| finding.code != Code::UnknownClass)
        {
            return;
        }
        let mut fields = Vec::new();
        if let Some(Kind::Dict(seq)) = state.map(Ref::kind) {
            for pair in self.arena.items(seq).chunks(2).take(MAX_FIELDS) {
                if let Some(key) = self.arena.text_of(pair[0]) {
                    fields.push(shorten(key));
                }
            }
        }
        if args.is_some() {
            self.count(finding);
        }
        let shape = self.globals.shapes.entry(finding).or_default();
        shape.called_with_one |= args.is_some_and(|args| args.len() == 1);
        for field in fields {
            if shape.fields.len() < MAX_FIELDS && !shape.fields.contains(&field) {
                shape.fields.push(field);
            }
        }
    }
}
