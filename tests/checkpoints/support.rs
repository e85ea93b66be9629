//! What several tests here share.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use maos_migrate::engine::checkpoints::finding::{Code, Severity};
use maos_migrate::engine::checkpoints::job::Applied;
use maos_migrate::engine::checkpoints::{Request, Survey, View, apply, plan, scan};
use maos_migrate::engine::operation::Control;
use serde_json::Value;

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

/// `{"tasks": [{"id": 1}], "agents": {"a": 1}, "shared_data": {"k": "v"}, "version": "1.4", "timestamp": "2024-05-06T07:08:09", "owner": "ops"}`
pub const GOOD: &[u8] = b"(dVtasks\n(l(dVid\nI1\nsasVagents\n(dVa\nI1\nssVshared_data\n(dVk\nVv\nssVversion\nV1.4\nsVtimestamp\nV2024-05-06T07:08:09\nsVowner\nVops\ns.";
pub const HOSTILE: &[u8] = b"\x80\x04cos\nsystem\n(S'echo hi'\ntR0}.";

/// A source folder and a target folder of a test's own.
pub struct Place {
    _folder: tempfile::TempDir,
    pub from: PathBuf,
    pub to: PathBuf,
}

impl Place {
    pub fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let from = folder.path().join("legacy");
        let to = folder.path().join("maos");
        fs::create_dir(&from).expect("a folder");
        for (name, content) in files {
            fs::write(from.join(name), content).expect("a file");
        }
        Self {
            _folder: folder,
            from,
            to,
        }
    }

    pub fn request(&self) -> Request {
        Request::new(
            &self.from,
            &self.to,
            "2026-11-22T12:00:00.75Z".parse().expect("a time"),
        )
    }

    pub fn apply(&self) -> Applied {
        Self::convert(&self.request())
    }

    pub fn convert(request: &Request) -> Applied {
        let control = Control::silent();
        let prepared = plan(request, Survey::Names, &control).expect("a plan");
        apply(&prepared, &control).expect("applied")
    }

    pub fn scan(&self) -> View {
        scan(&self.request(), &Control::silent(), |_| {}).expect("scanned")
    }

    pub fn result(&self, name: &str) -> Value {
        let text = fs::read(self.to.join("migrated").join(name)).expect("a result");
        serde_json::from_slice(&text).expect("JSON")
    }

    pub fn results(&self) -> BTreeMap<String, Vec<u8>> {
        fs::read_dir(self.to.join("migrated"))
            .expect("results")
            .map(|entry| entry.expect("an entry"))
            .map(|entry| {
                (
                    entry.file_name().to_string_lossy().into_owned(),
                    fs::read(entry.path()).expect("a result"),
                )
            })
            .collect()
    }
}

/// Why a file is refused.
pub fn reason(view: &View, file: &str) -> (Severity, Code) {
    let report = view
        .refused
        .iter()
        .find(|report| report.file == file)
        .unwrap_or_else(|| panic!("{file} is not refused: {:?}", view.refused));
    let refusal = report.refusal.as_ref().expect("a reason");
    (refusal.severity, refusal.code)
}
