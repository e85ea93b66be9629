//! Damaged and random bytes: no panic, no hang, no memory beyond a bound, and what is accepted reads back equal.
//!
//! `CHECKPOINT_FUZZ_SECONDS` sets how long it runs (two seconds unless told otherwise). Run it under `ulimit -v` to have
//! the system watch the memory as well.

use std::process::Command;
use std::time::{Duration, Instant};

use maos_migrate::engine::checkpoints::decode::{decode, same};
use maos_migrate::engine::checkpoints::{Limits, json};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::support::verdict;

/// One change to a file.
#[derive(Debug, Clone)]
enum Change {
    Set(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    Copy(usize, usize, usize),
    Cut(usize),
}

fn change() -> impl Strategy<Value = Change> {
    // Bytes that are operations are tried more often than others.
    let byte = || {
        prop_oneof![any::<u8>(), prop::sample::select(b"().0123456789NIKMJLFSVUXTBCGcibdlstuaeohgjpqrPQR]}\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98".to_vec())]
    };
    prop_oneof![
        4 => (any::<usize>(), byte()).prop_map(|(at, byte)| Change::Set(at, byte)),
        3 => (any::<usize>(), prop::collection::vec(byte(), 1..12)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        2 => (any::<usize>(), 1..40_usize).prop_map(|(at, len)| Change::Remove(at, len)),
        2 => (any::<usize>(), any::<usize>(), 1..200_usize).prop_map(|(from, to, len)| Change::Copy(from, to, len)),
        1 => any::<usize>().prop_map(Change::Cut),
    ]
}

fn mutate(bytes: &mut Vec<u8>, changes: &[Change]) {
    for change in changes {
        if bytes.is_empty() {
            return;
        }
        let len = bytes.len();
        match change {
            Change::Set(at, byte) => bytes[at % len] = *byte,
            Change::Insert(at, new) => {
                let at = at % len;
                bytes.splice(at..at, new.iter().copied());
            }
            Change::Remove(at, n) => {
                let at = at % len;
                bytes.drain(at..len.min(at + n));
            }
            Change::Copy(from, to, n) => {
                let from = from % len;
                let part = bytes[from..len.min(from + n)].to_vec();
                let to = to % len;
                bytes.splice(to..to, part);
            }
            Change::Cut(at) => bytes.truncate(at % len),
        }
    }
}

/// Pickles by CPython of every protocol, and a few files of other kinds.
fn corpus() -> Vec<Vec<u8>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/checkpoints/generate.py");
    let output = Command::new("python3")
        .args(["-I", script, "7", "360"])
        .output()
        .expect("python3 is needed for this test");
    assert!(output.status.success());
    let mut rest = &output.stdout[..];
    let mut corpus = vec![
        b"(S'echo hi'\nios\nsystem\n.".to_vec(),
        b"\x80\x02](cacme.tasks\nTask\nq\x00)\x81}(U\x02idK\x01ubh\x00)\x81}U\x02idK\x02sbe.".to_vec(),
        b"{\"a\": [1, 2.5, \"\\u00e9\\ud800\", null, true, -1e-7, 12345678901234567890]}".to_vec(),
    ];
    // Records alternate pickle and JSON; both are worth reading.
    while let Some((head, tail)) = rest.split_first_chunk::<4>() {
        let len = u32::from_le_bytes(*head) as usize;
        if len < 4_000 {
            corpus.push(tail[..len].to_vec());
        }
        rest = &tail[len..];
    }
    corpus
}

fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let clock = Instant::now();
    let read = verdict(bytes);
    match (read.root, read.worst()) {
        (Some(root), None) => {
            let text = json::to_bytes(&read.arena, root);
            let limits = Limits {
                depth: Limits::default().depth + 8,
                ..Limits::default()
            };
            let (arena, text_root) =
                json::read(&text, &limits).map_err(|finding| TestCaseError::fail(finding.what))?;
            let (back, back_root) =
                decode(&arena, text_root).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert!(
                same(&read.arena, root, &back, back_root),
                "does not read back equal"
            );
        }
        (None, Some(finding)) => {
            prop_assert!(
                finding.offset().is_none_or(|at| at <= bytes.len() as u64),
                "{finding:?}"
            );
        }
        other => prop_assert!(false, "neither a value nor a reason: {other:?}"),
    }
    prop_assert!(read.arena.bytes() < 256 << 20, "{} bytes", read.arena.bytes());
    let took = clock.elapsed();
    prop_assert!(
        took < Duration::from_secs(10),
        "{took:?} for {} bytes",
        bytes.len()
    );
    Ok(())
}

/// The harness; fails with the smallest input it finds.
#[test]
fn damaged_bytes_are_refused_or_read_back_equal() {
    let seconds = std::env::var("CHECKPOINT_FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(2));
    let corpus = corpus();
    let config = Config {
        cases: 500,
        failure_persistence: None,
        ..Config::default()
    };
    // The short run is the same each time; a long one goes elsewhere each time.
    let mut source = if seconds.is_some() {
        TestRunner::new(config.clone())
    } else {
        TestRunner::new_with_rng(config.clone(), TestRng::deterministic_rng(RngAlgorithm::ChaCha))
    };
    let inputs = (
        any::<prop::sample::Index>(),
        prop::collection::vec(change(), 0..8),
    );
    let random = prop::collection::vec(any::<u8>(), 0..300);
    let mut rounds = 0_u64;
    while rounds == 0 || Instant::now() < until {
        // A runner counts its cases over all runs: each round needs its own.
        let mut runner = TestRunner::new_with_rng(config.clone(), source.new_rng());
        let mutated = runner.run(&inputs, |(index, changes)| {
            let mut bytes = index.get(&corpus).clone();
            mutate(&mut bytes, &changes);
            check(&bytes)
        });
        mutated.expect("a damaged file");
        let mut runner = TestRunner::new_with_rng(config.clone(), source.new_rng());
        runner.run(&random, |bytes| check(&bytes)).expect("random bytes");
        rounds += 1;
    }
    assert!(rounds > 0);
    if seconds.is_some() {
        eprintln!("{} inputs", rounds * 1000);
    }
}
