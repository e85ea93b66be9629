//! The legacy side behind HTTP, with a server that answers what a test wants.

use std::sync::{Arc, Mutex};

use maos_migrate::engine::error::ErrorKind;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{plan, proved, run, start, workspace, world};

/// Answers every request with `answer`, and keeps what it was sent.
async fn server(answer: &'static str) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let kept: Arc<Mutex<Vec<String>>> = Arc::default();
    let into = Arc::clone(&kept);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let into = Arc::clone(&into);
            tokio::spawn(async move {
                let mut request = Vec::new();
                let mut buffer = [0; 4096];
                loop {
                    let n = stream.read(&mut buffer).await.unwrap_or(0);
                    request.extend_from_slice(&buffer[..n]);
                    let text = String::from_utf8_lossy(&request);
                    let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                        let length = head
                            .lines()
                            .find_map(|line| {
                                line.to_lowercase()
                                    .strip_prefix("content-length:")
                                    .map(str::to_owned)
                            })
                            .and_then(|length| length.trim().parse().ok());
                        length.is_some_and(|length: usize| body.len() >= length)
                    });
                    if n == 0 || whole {
                        break;
                    }
                }
                into.lock()
                    .unwrap()
                    .push(String::from_utf8_lossy(&request).into_owned());
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    (port, kept)
}

fn settings(port: u16, more: &str) -> String {
    format!(
        "target:\n  maos: rehearsal\nlegacy:\n  run_url: http://127.0.0.1:{port}/run\n  run_headers:\n    X-Key: ${{COMPARE_TEST_KEY:-}}\n\
         rehearsal:\n  seconds: 0.01\ncompare:\n  repeats: 1\n{more}"
    )
    .replace("    X-Key: ${COMPARE_TEST_KEY:-}\n", "    X-Key: seven\n")
}

fn one_task() -> Vec<Value> {
    vec![json!({"id": "a", "description": "Write a letter"})]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_is_posted_and_the_document_that_comes_back_decides() {
    let (port, kept) =
        server("HTTP/1.1 200 OK\r\ncontent-length: 17\r\nconnection: close\r\n\r\n{\"success\": true}").await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(
        &workspace(folder.path(), &settings(port, ""), &one_task()),
        proved(),
    );
    start(&world).await;
    let (outcome, report) = run(world).await;
    assert_eq!(outcome.converted, 1, "{report:#}");
    let kept = kept.lock().unwrap();
    assert!(kept[0].starts_with("POST /run HTTP/1.1"), "{}", kept[0]);
    assert!(kept[0].to_lowercase().contains("x-key: seven"));
    assert!(kept[0].contains(r#""description":"Write a letter""#));
    // What runs elsewhere is not measured here.
    assert_eq!(report["resource_usage"]["legacy"], "not measured");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_status_is_a_failed_run_and_no_server_is_no_run() {
    let (port, _) = server("HTTP/1.1 503 Busy\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbusy").await;
    let folder = tempfile::tempdir().unwrap();
    let here = world(
        &workspace(folder.path(), &settings(port, ""), &one_task()),
        proved(),
    );
    start(&here).await;
    let (outcome, report) = run(here).await;
    assert_eq!((outcome.converted, outcome.quarantined), (0, 1));
    assert_eq!(
        report["detailed_results"]["legacy"][0]["error"],
        "HTTP status 503: busy"
    );

    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let nobody = world(
        &workspace(folder.path(), &settings(free, ""), &one_task()),
        proved(),
    );
    let error = (plan(nobody).await.unwrap().run)(maos_migrate::engine::operation::Control::silent())
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("refused"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_never_answers_ends_at_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let world = world(
        &workspace(folder.path(), &settings(port, "  deadline: 1\n"), &one_task()),
        proved(),
    );
    start(&world).await;
    let (outcome, report) = run(world).await;
    assert_eq!((outcome.converted, outcome.quarantined), (0, 1));
    assert_eq!(
        report["detailed_results"]["legacy"][0]["error"],
        "no answer after 1 s"
    );
    drop(listener);
}
