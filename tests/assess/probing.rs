//! Running probes side by side, with stand-ins that hang, break and keep silent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use maos_migrate::engine::assess::probing::{awaited, findings, run_all};
use maos_migrate::engine::assess::{Decimal, Value};
use maos_migrate::engine::ports::BoxFuture;
use maos_migrate::engine::ports::probe::{Probe, Reading};

use super::{at, built_in};

enum Act {
    Tell(i64),
    Hang,
    Break,
    Silence,
}

struct Fake {
    figures: &'static [&'static str],
    act: Act,
    limit: Duration,
}

impl Probe for Fake {
    fn id(&self) -> &'static str {
        "fake"
    }

    fn figures(&self) -> &'static [&'static str] {
        self.figures
    }

    fn limit(&self) -> Duration {
        self.limit
    }

    fn run(&self) -> BoxFuture<'_, Vec<Reading>> {
        Box::pin(async {
            match self.act {
                Act::Tell(n) => vec![Reading::of(self.figures[0], Value::Integer(n), "told")],
                Act::Hang => std::future::pending().await,
                Act::Break => panic!("this probe breaks"),
                Act::Silence => Vec::new(),
            }
        })
    }
}

fn fake(figures: &'static [&'static str], act: Act, limit_ms: u64) -> Arc<dyn Probe> {
    Arc::new(Fake {
        figures,
        act,
        limit: Duration::from_millis(limit_ms),
    })
}

#[tokio::test]
async fn every_probe_reports_once_whatever_it_does() {
    let probes = [
        fake(&["network_mbps"], Act::Hang, 300),
        fake(&["ram_gb"], Act::Break, 10_000),
        fake(&["cpu_cores", "storage_free_gb"], Act::Tell(16), 10_000),
        fake(&["python_version"], Act::Silence, 10_000),
        fake(&["redis_version"], Act::Hang, 60_000),
    ];
    let started = Instant::now();
    let mut readings = Vec::new();
    run_all(&probes, Duration::from_millis(1500), |ended| {
        readings.extend(ended);
    })
    .await;
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "they run side by side, under the cap"
    );
    let mut said: Vec<(String, String)> = readings
        .iter()
        .map(|reading| {
            let text = match &reading.result {
                Ok(figure) => figure.value.shown(),
                Err(why) => why.clone(),
            };
            (reading.figure.clone(), text)
        })
        .collect();
    // The one that hangs past the others' end comes last of all.
    assert_eq!(
        said.last().map(|(figure, _)| figure.as_str()),
        Some("redis_version")
    );
    said.sort();
    let said: Vec<(&str, &str)> = said.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(
        said,
        [
            ("cpu_cores", "16"),
            ("network_mbps", "no answer within 0.3 s"),
            ("python_version", "the probe gave no figure"),
            ("ram_gb", "the probe broke off"),
            ("redis_version", "no answer within 1.5 s"),
            ("storage_free_gb", "the probe gave no figure"),
        ]
    );
}

#[test]
fn readings_become_findings_that_fit_their_questions() {
    let questionnaire = built_in();
    let readings = [
        Reading::of("ram_gb", Value::Integer(64), "told"),
        Reading::of("failure_rate", Value::Integer(250), "told"),
        Reading::none("network_mbps", "eth0 does not report a link speed"),
        Reading::of("nobody_asks", Value::Integer(1), "told"),
    ];
    let found = findings(&questionnaire, &readings, at(1));
    assert_eq!(found.len(), 3);
    assert_eq!(found[0].value, Decimal::whole(64).map(Value::Number));
    assert_eq!(
        (found[1].value.as_ref(), found[1].evidence.as_str()),
        (None, "what was found does not fit: 250 is not from 0 to 100.")
    );
    assert_eq!(found[2].evidence, "eth0 does not report a link speed");
}

#[test]
fn the_form_knows_which_rows_wait() {
    let probes = [fake(&["cpu_cores", "nobody_asks"], Act::Hang, 1)];
    let waiting = awaited(&built_in(), &probes);
    assert_eq!(waiting.into_iter().collect::<Vec<_>>(), ["cpu_cores"]);
}
