//! `monitor replay` as a script sees it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::program::{PROGRAM, run};

/// A stream of one sample every five minutes: `failed` of 20 tasks in each.
fn stream(samples: u64, failed: u64) -> String {
    let mut text = String::from("{\"baseline\":{\"avg_response_time\":2.0}}\n");
    for i in 0..samples {
        let line = json!({
            "at": format!("2026-01-01T{:02}:{:02}:00Z", i / 12, i % 12 * 5),
            "tasks": {"total": 1000 + 20 * i, "failed": 600 + failed * i, "completed": 400 + (20 - failed) * i},
            "health": {"healthy": 10, "total": 10},
            "performance": {"avg_response_time": 2.1, "tasks_per_minute": 4.0},
            "validation": "pass",
        });
        text.push_str(&line.to_string());
        text.push('\n');
    }
    text
}

fn lines(out: &str) -> Vec<Value> {
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

#[test]
fn a_line_a_sample_with_the_fields_of_the_contract_and_exit_10_on_breach() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("samples.jsonl");
    std::fs::write(&file, stream(12, 8)).expect("written");
    let ran = run(folder.path(), &["monitor", "replay", "samples.jsonl", "--json"]);
    assert_eq!(ran.code, Some(10), "{ran:#?}");
    let lines = lines(&ran.out);
    assert_eq!(lines.len(), 12);
    let fields = [
        "at",
        "verdict",
        "latched",
        "score",
        "should_rollback",
        "reasons",
        "recommendation",
    ];
    for line in &lines {
        let keys: Vec<&String> = line.as_object().expect("an object").keys().collect();
        assert_eq!(keys[..7], fields, "{line}");
    }
    assert_eq!(lines[0]["at"], "2026-01-01T00:00:00Z");
    assert_eq!(lines[0]["verdict"], "unknown");
    let first = lines
        .iter()
        .position(|line| line["should_rollback"] == true)
        .expect("a breach");
    assert_eq!(first, 5);
    assert_eq!(lines[5]["verdict"], "breach");
    assert_eq!(lines[5]["score"], 3);
    assert_eq!(lines[5]["latched"], true);
    assert_eq!(
        lines[5]["recommendation"],
        "ROLLBACK RECOMMENDED - Significant issues detected"
    );
    assert_eq!(lines[5]["addends"]["error_rate"], 3);
    let reason = lines[5]["reasons"][0].as_str().expect("a sentence");
    assert!(reason.starts_with("High error rate: 40.00%"), "{reason}");
    // Nothing is made in the folder: an explicit input needs no workspace.
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn a_quiet_stream_ends_with_0_and_the_guides_policy_latches_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("good.jsonl"), stream(12, 0)).expect("written");
    let ran = run(folder.path(), &["monitor", "replay", "good.jsonl", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert_eq!(lines(&ran.out)[11]["verdict"], "pass");
    // By the guide the migrated failures are 60 % errors, in every sample.
    let ran = run(
        folder.path(),
        &["monitor", "replay", "good.jsonl", "--json", "--policy", "guide"],
    );
    assert_eq!(ran.code, Some(10));
    for line in lines(&ran.out) {
        assert_eq!((&line["latched"], &line["score"]), (&json!(false), &json!(3)));
        assert_eq!(line["reasons"].as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn every_form_of_a_time_is_echoed_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let times = [
        "\"2026-01-01T00:00:00Z\"",
        "\"2026-01-01T01:05:00+01:00\"",
        "\"2026-01-01T00:10:00.123456\"",
        "1767226500",
        "1767226800000",
        "1767227100.25",
        "null",
        "\"soon\"",
    ];
    let text: String = times.map(|at| format!("{{\"at\": {at}}}")).join("\n");
    std::fs::write(folder.path().join("times.jsonl"), text).expect("written");
    let ran = run(folder.path(), &["monitor", "replay", "times.jsonl", "--json"]);
    let lines = lines(&ran.out);
    assert_eq!(lines.len(), times.len());
    for (line, at) in lines.iter().zip(times) {
        assert_eq!(line["at"].to_string(), at.replace(": ", ":"), "{line}");
        assert!(line.get("aside").is_none(), "{line}");
    }
}

#[test]
fn standard_input_is_answered_sample_by_sample() {
    let mut child = Command::new(PROGRAM)
        .args(["monitor", "replay", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut input = child.stdin.take().expect("piped");
    let mut answers = BufReader::new(child.stdout.take().expect("piped")).lines();
    for line in stream(8, 20).lines().skip(1) {
        writeln!(input, "{line}").expect("taken");
        let answer = answers
            .next()
            .expect("an answer before the next sample")
            .expect("text");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert!(answer["verdict"].is_string());
    }
    drop(input);
    assert_eq!(child.wait().expect("ends").code(), Some(10));
}

#[test]
fn what_is_no_sample_keeps_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = "x".repeat(3 * 1024 * 1024);
    let text = format!("<html>\n\n{long}\n{{\"at\":\"2026-01-01T00:00:00Z\"}}\n{{\"at\": \"2026-01-01T00:05");
    std::fs::write(folder.path().join("bad.jsonl"), text).expect("written");
    let ran = run(folder.path(), &["monitor", "replay", "bad.jsonl", "--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let lines = lines(&ran.out);
    assert_eq!(lines.len(), 4);
    assert!(lines.iter().all(|line| line["verdict"] == "unknown"));
    assert_eq!(
        lines[1]["reasons"][0],
        "Error rate unknown: the answer cannot be read"
    );
}

#[test]
fn criteria_that_cannot_work_and_files_that_are_not_there_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("s.jsonl"), stream(2, 0)).expect("written");
    std::fs::write(
        folder.path().join("c.yml"),
        "criteria:\n  error_rate: {limit_percent: 1500}\n",
    )
    .expect("written");
    let ran = run(
        folder.path(),
        &["monitor", "replay", "s.jsonl", "--json", "--criteria", "c.yml"],
    );
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""));
    assert!(ran.err.contains("c.yml line 2"), "{}", ran.err);
    let ran = run(folder.path(), &["monitor", "replay", "none.jsonl", "--json"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""));
}

#[test]
fn a_file_that_an_editor_marked_and_ended_its_own_way_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let marked = format!("\u{feff}{}", stream(12, 8)).replace('\n', "\r\n");
    std::fs::write(folder.path().join("marked.jsonl"), marked).expect("written");
    std::fs::write(folder.path().join("plain.jsonl"), stream(12, 8)).expect("written");
    let judged = |file| run(folder.path(), &["monitor", "replay", file, "--json"]).out;
    assert_eq!(judged("marked.jsonl"), judged("plain.jsonl"));
}
