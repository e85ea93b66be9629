//! What several tests here share.

use maos_migrate::engine::checkpoints::finding::Finding;
use maos_migrate::engine::checkpoints::inspect::{Inspected, inspect, unwrap_gzip};
use maos_migrate::engine::checkpoints::{ClassMap, Limits, json};

/// The verdict on bytes with the default limits and no class map.
pub fn verdict(data: &[u8]) -> Inspected<'_> {
    inspect(data, false, &Limits::default(), &ClassMap::default())
}

/// The finding that speaks for bytes that must be refused; gzip is taken off first.
pub fn refusal(data: &[u8]) -> Finding {
    let (content, gzip) = match unwrap_gzip(data, &Limits::default()) {
        Ok(content) => content,
        Err(finding) => return finding,
    };
    let inspected = inspect(&content, gzip, &Limits::default(), &ClassMap::default());
    inspected.worst().expect("must be refused").clone()
}

/// The JSON of bytes that must be read.
pub fn json_of(data: &[u8]) -> String {
    let inspected = verdict(data);
    assert!(inspected.findings.is_empty(), "{:?}", inspected.findings);
    let root = inspected.root.expect("a value");
    String::from_utf8(json::to_bytes(&inspected.arena, root)).expect("ASCII")
}
