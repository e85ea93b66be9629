//! Who is called when the verdict changes: the hooks, each with a JSON document on its standard input.

use std::time::Duration;

use serde_json::json;

use super::Told;
use crate::engine::capability::Capability;
use crate::engine::error::Result;
use crate::engine::event::{EventKind, Level};
use crate::engine::monitor::{Verdict, Watch, verdict};
use crate::engine::ports::process::{Call, Ended, Stdin};
use crate::engine::runner::dispatch::Dispatcher;
use crate::engine::runner::internal::Internal;
use crate::engine::text::inert_short;

/// A hook may take this long.
const HOOK_LIMIT: Duration = Duration::from_secs(30);

impl Dispatcher {
    /// Calls the hooks, each with a JSON document on its standard input. A snooze silences them, but never a new breach.
    /// `rollback`: how an automatic rollback ended.
    pub(super) fn hooks(
        &mut self,
        watch: &Watch,
        before: Option<&Verdict>,
        now: &Verdict,
        rollback: Option<&str>,
    ) {
        let news = rollback.is_some()
            || now.should_roll_back && !before.is_some_and(|before| before.should_roll_back);
        if watch.is_snoozed(self.ports.clock.now()) && !news {
            return;
        }
        let Ok(world) = self.world() else {
            return;
        };
        let about = json!({
            "migration": world.snapshot.name,
            "environment": world.snapshot.environment.word(),
            "target": world.snapshot.target,
            "at": verdict::clock(now.at),
            "before": before.map(|before| before.word.name()),
            "verdict": now.word.name(),
            "score": now.standing_score(),
            "should_rollback": now.should_roll_back,
            "page": now.page || now.should_roll_back,
            "reasons": now.reasons(watch.criteria()),
            "recommendation": now.recommendation(watch.criteria()),
            "rollback": rollback,
        });
        while self.calling.try_join_next().is_some() {}
        for argv in &world.settings.driving.monitor.hooks {
            let mut call = Call::new(argv.clone(), HOOK_LIMIT);
            call.stdin = Stdin::Bytes(about.to_string().into_bytes());
            let (processes, hook) = (self.ports.processes.clone(), name(argv));
            let rollback = rollback.is_some();
            let reports = self.reporter();
            self.calling.spawn(async move {
                let (ok, said) = match processes.run(call, None).await {
                    Ok(ran) => match ran.ended {
                        Ended::Exit(code) => (code == 0, format!("exit {code}")),
                        Ended::Signal(signal) => (false, format!("signal {signal}")),
                        Ended::TimedOut => (false, "no answer in 30 s".to_owned()),
                        Ended::Stopped => (false, "stopped".to_owned()),
                        Ended::NotFound => (false, "not found".to_owned()),
                        Ended::NotPermitted => (false, "may not be run".to_owned()),
                    },
                    Err(error) => (false, error.message),
                };
                let called = EventKind::HookCalled { hook, said, rollback };
                // Nobody was reached: that is news for whoever looks.
                let failed = (!ok).then(|| EventKind::Noted {
                    level: Level::Error,
                    capability: Some(Capability::Monitor),
                    text: called.sentence(),
                });
                // The dispatcher is gone only when the session has ended; it waits for this before.
                let _ = reports.send(Internal::Monitor(Told::Events(
                    std::iter::once(called).chain(failed).collect(),
                )));
            });
        }
    }

    /// Whoever is called hears it, also when the session ends with what they are called for.
    pub(in crate::engine::runner) async fn calls_end(&mut self) -> Result<()> {
        while self.calling.join_next().await.is_some() {}
        let mut told = Vec::new();
        while let Ok(report) = self.reports.try_recv() {
            if let Internal::Monitor(Told::Events(kinds)) = report {
                told.extend(kinds);
            }
        }
        self.emit(told).await
    }

    pub(super) fn hooks_now(&mut self, rollback: Option<&str>) {
        let snapshot = self.outlets.snapshot().clone();
        if let Some((watch, now)) = snapshot
            .monitor
            .as_deref()
            .and_then(|watch| Some((watch, watch.verdict()?)))
        {
            self.hooks(watch, Some(now), now, rollback);
        }
    }
}

/// What a hook is called by: the file of its program, without the folder and the arguments, which may hold an address
/// nobody else has to know.
fn name(argv: &[String]) -> String {
    let program = argv.first().map_or("", String::as_str);
    let file = std::path::Path::new(program).file_name();
    inert_short(
        &file.map_or_else(|| program.to_owned(), |file| file.to_string_lossy().into_owned()),
        60,
    )
}
