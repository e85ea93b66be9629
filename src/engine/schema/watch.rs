//! The watchdog: when nothing was committed or proved for a while although the process lives, it finds out whose lock is waited for and says
//! so, on the screen and in the log. The time left is hidden meanwhile.

use std::time::Duration;

use super::live::Live;
use super::request::Stores;
use crate::engine::operation::{Control, Notice};

/// A watch that ends when it is dropped.
pub struct Watch {
    task: tokio::task::JoinHandle<()>,
    live: Live,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
        self.live.stalled(None);
    }
}

/// Watches a run; `patience` is how long no progress is no news.
pub fn begin(stores: &Stores, live: &Live, control: &Control, patience: Duration) -> Watch {
    let (stores, live, control) = (stores.clone(), live.clone(), control.clone());
    let shown = live.clone();
    let task = tokio::spawn(async move {
        let mut told: Option<String> = None;
        loop {
            tokio::time::sleep((patience / 4).clamp(Duration::from_millis(100), Duration::from_secs(1)))
                .await;
            let silent = live.silence();
            if silent < patience || control.paused() || control.stopping() || live.throttled() {
                if told.take().is_some() {
                    live.stalled(None);
                    control.notice(Notice::Log("the work goes on".to_owned()));
                }
                continue;
            }
            let cause = cause(&stores).await;
            live.stalled(Some(sentence(silent, &cause)));
            if told.as_ref() != Some(&cause) {
                control.notice(Notice::Log(sentence(silent, &cause)));
                told = Some(cause);
            }
        }
    });
    Watch { task, live: shown }
}

fn sentence(silent: Duration, cause: &str) -> String {
    format!("no progress for {} s: {cause}", silent.as_secs())
}

async fn cause(stores: &Stores) -> String {
    for store in [&stores.target, &stores.source] {
        match store.blocker().await {
            Ok(Some(who)) => return format!("waits for a lock of {who}"),
            Ok(None) => {}
            Err(error) => return error.to_string(),
        }
    }
    "no lock is waited for, the database is still at work".to_owned()
}
