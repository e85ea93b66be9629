//! The reader and the writer against CPython: same pickles, same text, byte for byte.

use std::process::Command;

use maos_migrate::engine::checkpoints::decode::{decode, same};
use maos_migrate::engine::checkpoints::{Limits, json};

use crate::support::verdict;

/// Values generated; each protocol gets a sixth.
const COUNT: &str = "6000";
const SEED: &str = "20261122";

fn records() -> Vec<(Vec<u8>, Vec<u8>)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/checkpoints/generate.py");
    let output = Command::new("python3")
        .args(["-I", script, SEED, COUNT])
        .output()
        .expect("python3 is needed for this test");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut rest = &output.stdout[..];
    let mut parts = Vec::new();
    while let Some((head, tail)) = rest.split_first_chunk::<4>() {
        let len = u32::from_le_bytes(*head) as usize;
        parts.push(tail[..len].to_vec());
        rest = &tail[len..];
    }
    assert_eq!(parts.len() % 2, 0);
    parts
        .chunks(2)
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect()
}

/// Each generated pickle becomes exactly the text that CPython's `json` writes for its value, and that text decodes to
/// the same values again (faults 19 and 20).
#[test]
fn fault_a19_a20_every_value_is_written_as_cpython_writes_it_and_reads_back_equal() {
    let records = records();
    assert_eq!(records.len().to_string(), COUNT);
    for (at, (pickle, want)) in records.iter().enumerate() {
        let read = verdict(pickle);
        assert!(
            read.findings.is_empty(),
            "value {at}, protocol {}: {:?}\n{}",
            at % 6,
            read.findings,
            String::from_utf8_lossy(want)
        );
        let root = read.root.expect("a value");
        let got = json::to_bytes(&read.arena, root);
        if got != *want {
            let place = got.iter().zip(want).take_while(|(x, y)| x == y).count();
            let around = |text: &[u8]| {
                let part = &text[place.saturating_sub(80)..text.len().min(place + 80)];
                String::from_utf8_lossy(part).into_owned()
            };
            panic!(
                "value {at}, protocol {}, byte {place}:\n{}\n--- CPython:\n{}",
                at % 6,
                around(&got),
                around(want)
            );
        }
        assert!(
            read.measured.bytes <= got.len() as u64,
            "value {at}: the measure must be a lower bound: {} of {}",
            read.measured.bytes,
            got.len()
        );
        let (arena, text_root) = json::read(&got, &Limits::default()).expect("our own JSON");
        let (back, back_root) = decode(&arena, text_root).expect("our own encoding");
        assert!(
            same(&read.arena, root, &back, back_root),
            "value {at} does not read back equal"
        );
    }
}
