//! The state of the reader: stack, marks, memo and findings, and the lenient ways to take from them.

use std::collections::HashSet;

use super::super::arena::{Arena, Full, Kind, Ref, SpanKind};
use super::super::classes::ClassMap;
use super::super::finding::{At, Code, Finding, Severity};
use super::super::limits::Limits;
use super::globals::Globals;
use super::literal::{self, TextKind};
use super::memo::Memo;
use super::{ClassUse, Read};

/// Findings kept for one file; more say nothing new.
const MAX_FINDINGS: usize = 2_000;

/// Reading cannot go on; the finding has been made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop;

impl From<Full> for Stop {
    fn from(_: Full) -> Self {
        Self
    }
}

pub(super) struct Machine<'a, 'm> {
    pub(super) data: &'a [u8],
    /// The next byte to read.
    pub(super) at: usize,
    /// Where the present operation began.
    pub(super) op_at: usize,
    pub(super) arena: Arena<'a>,
    pub(super) stack: Vec<Ref>,
    pub(super) marks: Vec<u32>,
    /// Below this height belongs to an outer mark.
    pub(super) fence: usize,
    pub(super) memo: Memo,
    pub(super) findings: Vec<Finding>,
    /// How many findings are unknown, and how many malformed.
    milder: [usize; 2],
    /// Findings that were taken back, by number.
    gone: HashSet<usize>,
    pub(super) globals: Globals,
    pub(super) classes: &'m ClassMap,
    pub(super) limits: &'m Limits,
    pub(super) frame_end: usize,
    pub(super) started: usize,
    pub(super) protocol: u8,
    pub(super) dups: u64,
    pub(super) fetches: u64,
    pub(super) stores: u64,
    pub(super) stopped: bool,
    /// Items and bytes copied by calls, and how many of them the budget has seen.
    copied: u64,
    copied_seen: u64,
}

impl<'a, 'm> Machine<'a, 'm> {
    pub(super) fn new(data: &'a [u8], limits: &'m Limits, classes: &'m ClassMap) -> Self {
        Self {
            data,
            at: 0,
            op_at: 0,
            arena: Arena::new(data),
            stack: Vec::new(),
            marks: Vec::new(),
            fence: 0,
            memo: Memo::default(),
            findings: Vec::new(),
            milder: [0; 2],
            gone: HashSet::new(),
            globals: Globals::default(),
            classes,
            limits,
            frame_end: usize::MAX,
            started: 0,
            protocol: 0,
            dups: 0,
            fetches: 0,
            stores: 0,
            stopped: false,
            copied: 0,
            copied_seen: 0,
        }
    }

    pub(super) const fn position(&self) -> usize {
        self.at
    }

    pub(super) const fn len(&self) -> usize {
        self.data.len()
    }

    /// Reads on at another place.
    pub(super) const fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Makes ready for another pickle behind the one just read.
    pub(super) fn restart(&mut self) {
        self.stack.clear();
        self.marks.clear();
        self.fence = 0;
        self.memo = Memo::default();
        self.frame_end = usize::MAX;
        self.started = self.at;
        self.stopped = false;
    }

    pub(super) fn finish(mut self, root: Option<Ref>) -> Read<'a> {
        let unknown: Vec<ClassUse> = self.globals.unknown(&self.arena, &self.findings, &self.gone);
        let names = self.globals.counted(&self.arena, &self.gone);
        let mut number = 0;
        self.findings.retain(|_| {
            number += 1;
            !self.gone.contains(&(number - 1))
        });
        self.findings
            .sort_by_key(|finding| finding.offset().unwrap_or(u64::MAX));
        Read {
            arena: self.arena,
            root,
            protocol: self.protocol,
            findings: self.findings,
            names,
            unknown,
        }
    }

    // ---- findings -----------------------------------------------------------------------------------------------

    pub(super) fn here(&self) -> At {
        At::new(self.data.get(self.op_at).copied().unwrap_or(0), self.op_at)
    }

    /// Records a finding and gives the value that stands in for what was refused.
    pub(super) fn report(&mut self, finding: Finding) -> Ref {
        if self.findings.len() >= MAX_FINDINGS {
            // The worst must never be crowded out by harmless ones. Looked for only when there is one to give way, so that
            // millions of faults cost no more than their number.
            let gives_way = |known: &Finding| known.severity > finding.severity;
            let spare = match finding.severity {
                Severity::Critical => self.milder[0] + self.milder[1] > 0,
                Severity::Unknown => self.milder[1] > 0,
                Severity::Malformed | Severity::Changed => false,
            };
            let spare = spare.then(|| self.findings.iter().rposition(gives_way)).flatten();
            let at = match spare {
                Some(at) => {
                    self.count_milder(self.findings[at].severity, false);
                    self.count_milder(finding.severity, true);
                    self.gone.remove(&at);
                    self.findings[at] = finding;
                    at
                }
                None => self.findings.len() - 1,
            };
            return Ref::opaque(u32::try_from(at).unwrap_or(u32::MAX));
        }
        self.count_milder(finding.severity, true);
        self.findings.push(finding);
        Ref::opaque(u32::try_from(self.findings.len() - 1).unwrap_or(u32::MAX))
    }

    fn count_milder(&mut self, severity: Severity, more: bool) {
        let place = match severity {
            Severity::Critical => return,
            Severity::Unknown => 0,
            Severity::Malformed | Severity::Changed => 1,
        };
        let count = self.milder[place];
        self.milder[place] = if more { count + 1 } else { count.saturating_sub(1) };
    }

    pub(super) fn report_at(&mut self, severity: Severity, code: Code, offset: usize, what: String) {
        let at = At::new(self.data.get(offset).copied().unwrap_or(0), offset);
        // This one is never crowded out: it may be the only reason left to refuse the file.
        self.findings.push(Finding::new(severity, code, Some(at), what));
    }

    /// Something is wrong here, but the next operation can be found: a stand-in, and reading goes on.
    pub(super) fn fault(&mut self, code: Code, what: impl Into<String>) -> Ref {
        let at = self.here();
        self.report(Finding::new(Severity::Malformed, code, Some(at), what))
    }

    /// Something is wrong and nothing behind it can be read.
    pub(super) fn fatal(&mut self, code: Code, what: impl Into<String>) -> Stop {
        self.fault(code, what);
        Stop
    }

    pub(super) fn truncated(&mut self) -> Stop {
        let opcode = self.data.get(self.op_at).copied().unwrap_or(0);
        self.at = self.data.len();
        let at = At::new(opcode, self.data.len());
        self.report(Finding::new(
            Severity::Malformed,
            Code::Truncated,
            Some(at),
            "ends inside a value",
        ));
        Stop
    }

    pub(super) fn faults(&self) -> usize {
        self.findings.len()
    }

    /// Takes back the findings made since there were `known`, except those that `keep` says. Their places stay until the
    /// end, because values and names refer to them.
    pub(super) fn take_back(&mut self, known: usize, keep: impl Fn(&Finding) -> bool) {
        let made = self.findings.iter().enumerate().skip(known);
        let gone = made.filter(|(_, finding)| !keep(finding));
        self.gone.extend(gone.map(|(at, _)| at));
    }

    // ---- bytes --------------------------------------------------------------------------------------------------

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, Stop> {
        if let Some(byte) = self.data.get(self.at) {
            self.at += 1;
            Ok(*byte)
        } else {
            Err(self.truncated())
        }
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        if let Some(bytes) = self.data.get(self.at..).and_then(<[u8]>::first_chunk::<N>) {
            self.at += N;
            Ok(*bytes)
        } else {
            Err(self.truncated())
        }
    }

    /// The place of the next `len` bytes, skipped.
    #[inline]
    pub(super) fn skip(&mut self, len: u64) -> Result<(usize, usize), Stop> {
        let left = (self.data.len() - self.at) as u64;
        if len > left {
            return Err(self.truncated());
        }
        let place = self.at;
        // It is no more than what is left of a slice.
        #[expect(clippy::cast_possible_truncation, reason = "bounded by the length of a slice")]
        let len = len as usize;
        self.at += len;
        Ok((place, len))
    }

    pub(super) fn line(&mut self) -> Result<&'a [u8], Stop> {
        let rest = &self.data[self.at..];
        if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.at += end + 1;
            Ok(&rest[..end])
        } else {
            Err(self.truncated())
        }
    }

    // ---- stack --------------------------------------------------------------------------------------------------

    #[inline]
    pub(super) fn push(&mut self, value: Ref) {
        self.stack.push(value);
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Ref {
        if self.stack.len() > self.fence
            && let Some(value) = self.stack.pop()
        {
            return value;
        }
        self.fault(Code::BadStack, "finds nothing to work on")
    }

    #[inline]
    pub(super) fn top(&mut self) -> Ref {
        if self.stack.len() > self.fence
            && let Some(value) = self.stack.last()
        {
            return *value;
        }
        self.fault(Code::BadStack, "finds nothing to work on")
    }

    pub(super) fn mark(&mut self) {
        // More than 2^32 values cannot stand on the stack of a file of that size.
        self.marks
            .push(u32::try_from(self.stack.len()).unwrap_or(u32::MAX));
        self.fence = self.stack.len();
    }

    /// Takes the last mark away and gives the height it stood at.
    #[inline]
    pub(super) fn pop_mark(&mut self) -> usize {
        let Some(mark) = self.marks.pop() else {
            self.fault(Code::BadStack, "finds no mark");
            return self.stack.len();
        };
        self.fence = self.marks.last().map_or(0, |mark| *mark as usize);
        mark as usize
    }

    /// Remembers where a refused value is thrown away.
    pub(super) fn discard(&mut self, value: Ref) {
        if let Kind::Opaque(at) = value.kind() {
            let here = self.here();
            if let Some(finding) = self.findings.get_mut(at as usize)
                && finding.discarded.is_none()
            {
                finding.discarded = Some(here);
            }
        }
    }

    /// Remembers that a refused value would be called or filled here.
    pub(super) fn called(&mut self, value: Ref) {
        if let Kind::Opaque(at) = value.kind() {
            let here = self.here();
            if let Some(finding) = self.findings.get_mut(at as usize)
                && finding.called.is_none()
            {
                finding.called = Some(here);
            }
        }
    }

    // ---- values -------------------------------------------------------------------------------------------------

    /// Text at a place of the file, lone surrogates let through.
    #[inline]
    pub(super) fn text(&mut self, at: usize, len: usize) -> Result<Ref, Stop> {
        let bytes = &self.data[at..at + len];
        if bytes.is_ascii() {
            return Ok(self.arena.text_at(at, len)?);
        }
        match literal::check_text(bytes) {
            Ok(TextKind::Plain) => Ok(self.arena.text_at(at, len)?),
            Ok(TextKind::Surrogates) => Ok(self.arena.span_at(at, len, SpanKind::Surrogates)?),
            Err(_) => Ok(self.fault(Code::BadText, "holds text that is not UTF-8")),
        }
    }

    /// A Python 2 string at a place of the file.
    pub(super) fn string_at(&mut self, at: usize, len: usize) -> Result<Ref, Stop> {
        if self.data[at..at + len].is_ascii() {
            return Ok(self.arena.text_at(at, len)?);
        }
        Ok(self.arena.span_at(at, len, SpanKind::Str8)?)
    }

    /// A tuple, list or dict of what stands above `start` on the stack.
    pub(super) fn take_seq(&mut self, start: usize) -> Result<u32, Stop> {
        let start = start.min(self.stack.len());
        let seq = self.arena.seq(&self.stack[start..])?;
        self.stack.truncate(start);
        Ok(seq)
    }

    /// Whether memory and counts are still within their limits; asked every few thousand operations.
    pub(super) fn check_budget(&mut self) -> Result<(), Stop> {
        let held = self.arena.bytes()
            + self.memo.bytes()
            + (self.stack.capacity() * 8 + self.marks.capacity() * 4) as u64;
        let allowed = (self.data.len() as u64)
            .saturating_mul(self.limits.memory_ratio)
            .max(self.limits.memory_floor);
        if held > allowed {
            return Err(self.fatal(Code::NodeLimit, "needs more memory than its size allows"));
        }
        if self.arena.value_count() as u64 + self.stack.len() as u64 > self.limits.nodes {
            return Err(self.fatal(Code::NodeLimit, "holds too many values"));
        }
        if self.memo.len() > self.limits.memo {
            return Err(self.fatal(Code::MemoLimit, "stores too many values for later use"));
        }
        if self.fetches > self.limits.fetch_floor && self.fetches / self.limits.fetch_ratio > self.stores {
            return Err(self.fatal(Code::RepeatLimit, "repeats a few values too often"));
        }
        Ok(())
    }

    /// Counts items or bytes that a call is about to copy: an honest file has each copied once, a hostile one fetches a
    /// large value and has it copied for a few bytes each time.
    pub(super) fn work(&mut self, items: usize) -> Result<(), Stop> {
        self.copied += items as u64;
        if self.copied > (self.data.len() as u64).saturating_mul(4) + (1 << 20) {
            return Err(self.fatal(Code::RepeatLimit, "repeats a few values too often"));
        }
        if self.copied - self.copied_seen > 1 << 16 {
            self.copied_seen = self.copied;
            self.check_budget()?;
        }
        Ok(())
    }

    /// Runs to the end of one pickle and gives its value.
    pub(super) fn run(&mut self) -> Option<Ref> {
        let mut root = None;
        let ended = self.execute(&mut root);
        if ended.is_err() && self.findings.is_empty() {
            // Only a full arena stops without a finding of its own.
            self.fault(Code::NodeLimit, "holds too many values");
        }
        if self.stopped { root } else { None }
    }

    /// `STOP`: the value must stand alone.
    pub(super) fn stop(&mut self) -> Option<Ref> {
        self.stopped = true;
        if self.frame_end != usize::MAX && self.frame_end != self.at {
            self.fault(Code::BadFrame, "ends before its frame does");
        }
        if !self.marks.is_empty() {
            self.fault(Code::BadStack, "ends inside a container");
            self.marks.clear();
            self.fence = 0;
        }
        let Some(value) = self.stack.pop() else {
            self.fault(Code::NoValue, "holds no value");
            return None;
        };
        if !self.stack.is_empty() {
            self.fault(Code::BadStack, "leaves values behind");
        }
        Some(value)
    }

    pub(super) const fn op_is_first(&self) -> bool {
        self.op_at == self.started
    }
}
