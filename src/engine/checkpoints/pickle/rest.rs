//! What follows the first value: never taken silently. The file is refused, and what follows is read for hostile names,
//! also where something else stands between the pickles: readers that load one pickle after the other, and old model
//! files, step over it.

use super::super::finding::{Code, Severity};
use super::super::names;
use super::machine::Machine;
use super::opcodes as op;

/// Places where a pickle is looked for behind something that is none.
const MAX_PLACES: usize = 4_096;
/// Bytes read at all these places together, for each byte of the file.
const MAX_READ: usize = 8;
/// The longest module or class that is looked for.
const LONGEST: usize = 100;
/// Bytes looked through at once, and how far into the next a name may reach.
const BLOCK: usize = 4_096;
const OVERLAP: usize = 2 * LONGEST + 4;

/// Reads everything from `end` on.
pub(super) fn read(machine: &mut Machine<'_, '_>, end: usize) {
    let known = machine.faults();
    let mut pickles = 0;
    let mut whole = true;
    let mut places = 0;
    let mut left = machine.len().saturating_mul(MAX_READ);
    while machine.position() < machine.len() {
        let from = machine.position();
        let before = machine.faults();
        machine.restart();
        if machine.run().is_some() {
            pickles += 1;
            continue;
        }
        // What stands there may be anything: only a name says something, and right behind the value also the name of a
        // class.
        let first = whole;
        machine.take_back(before, |finding| {
            finding.credible() && (first || finding.severity == Severity::Critical)
        });
        whole = false;
        places += 1;
        left = left.saturating_sub(cost(machine, from));
        let next = begins_after(machine.data, from);
        let (Some(next), true) = (next, places < MAX_PLACES && left > 0) else {
            break;
        };
        machine.go_to(next);
    }
    // Faults in bytes that may not be a pickle at all say nothing; names do.
    machine.take_back(known, |finding| finding.severity < Severity::Malformed);
    let (code, what) = if whole && pickles > 0 {
        (
            Code::SeveralPickles,
            format!("holds {} pickles, the second begins here", pickles + 1),
        )
    } else {
        (Code::TrailingBytes, "goes on after its value ended".to_owned())
    };
    machine.report_at(Severity::Malformed, code, end, what);
}

/// How many bytes were read from `from` up to the operation that could not be read: a length that is beyond the end costs
/// nothing, a line without an end is read to the end.
fn cost(machine: &Machine<'_, '_>, from: usize) -> usize {
    let to = match machine.data.get(machine.op_at) {
        Some(
            &(op::GLOBAL
            | op::INST
            | op::INT
            | op::LONG
            | op::FLOAT
            | op::STRING
            | op::UNICODE
            | op::PERSID
            | op::GET
            | op::PUT),
        ) => machine.len(),
        _ => machine.op_at + 1,
    };
    to.saturating_sub(from)
}

/// The next place behind `from` where a pickle may begin: a protocol mark, or a name of the old protocols that would be
/// critical. Looked for block by block, so that places close together cost no more than places far apart.
fn begins_after(data: &[u8], from: usize) -> Option<usize> {
    (from + 1..data.len()).step_by(BLOCK).find_map(|start| {
        let rest = &data[start..];
        // A name may begin in this block and end in the next.
        let block = &rest[..rest.len().min(BLOCK + OVERLAP)];
        let mark = block
            .windows(2)
            .position(|pair| pair[0] == op::PROTO && pair[1] <= 5);
        let upto = mark.map_or(block, |mark| &block[..(mark + OVERLAP).min(block.len())]);
        let place = [critical_name(upto), mark].into_iter().flatten().min()?;
        Some(start + place)
    })
}

/// Where `GLOBAL` or `INST` names something of a critical module: a line with the module, a line with the name.
fn critical_name(data: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(len) = data[at..].iter().position(|byte| *byte == b'\n') {
        let line = &data[at..at + len];
        let next = at + len + 1;
        let name = &data[next..data.len().min(next + LONGEST)];
        let name_len = name.iter().position(|byte| *byte == b'\n');
        if let Some(name) = name_len.and_then(|len| identifier(&name[..len])) {
            let tail = &line[line.len().saturating_sub(LONGEST)..];
            let found = (0..tail.len()).find(|start| {
                matches!(tail[*start], op::GLOBAL | op::INST)
                    && identifier(&tail[start + 1..])
                        .is_some_and(|module| names::severity(module, name) == Severity::Critical)
            });
            if let Some(start) = found {
                return Some(next - 1 - tail.len() + start);
            }
        }
        at = next;
    }
    None
}

fn identifier(bytes: &[u8]) -> Option<&str> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let text = std::str::from_utf8(bytes).ok()?;
    (!bytes.is_empty() && bytes.iter().all(plain)).then_some(text)
}
