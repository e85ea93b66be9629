//! Redis: its version and whether it is a cluster.

use std::time::Duration;

use ::redis::{Client, cmd};
use secrecy::{ExposeSecret as _, SecretString};

use super::said;
use crate::engine::assess::Value;
use crate::engine::ports::BoxFuture;
use crate::engine::ports::probe::{Probe, Reading};

const FIGURE: &str = "redis_version";
/// Where Redis listens when nobody says otherwise.
const STANDARD: &str = "redis://127.0.0.1:6379/";

/// Version and mode of one Redis.
#[derive(Debug)]
pub enum Redis {
    /// Ask the one at this URL; the words name it in evidence and reasons.
    At(SecretString, String),
    /// None is needed, and why.
    NotUsed(String),
}

impl Redis {
    /// The one that listens at the standard place on this machine.
    #[must_use]
    pub fn standard() -> Self {
        Self::At(SecretString::from(STANDARD), "127.0.0.1:6379".to_owned())
    }

    /// The one at `url`; `shown` is the URL as people may see it.
    #[must_use]
    pub fn at(url: SecretString, shown: &str) -> Self {
        Self::At(url, shown.to_owned())
    }

    /// None is needed.
    #[must_use]
    pub fn not_used(why: &str) -> Self {
        Self::NotUsed(why.to_owned())
    }
}

impl Probe for Redis {
    fn id(&self) -> &'static str {
        FIGURE
    }

    fn figures(&self) -> &'static [&'static str] {
        &[FIGURE]
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn run(&self) -> BoxFuture<'_, Vec<Reading>> {
        Box::pin(async {
            vec![match self {
                Self::NotUsed(why) => Reading::of(FIGURE, Value::Word("not used".to_owned()), why.clone()),
                Self::At(url, shown) => ask(url, shown).await,
            }]
        })
    }
}

async fn ask(url: &SecretString, shown: &str) -> Reading {
    let answer = async {
        let client = Client::open(url.expose_secret())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        cmd("INFO")
            .arg("server")
            .query_async::<String>(&mut connection)
            .await
    };
    match answer.await {
        Ok(info) => match parse(&info) {
            Some(value) => Reading::of(FIGURE, Value::Version(value), format!("INFO server at {shown}")),
            None => Reading::none(FIGURE, format!("{shown} does not say its version")),
        },
        Err(error) => Reading::none(
            FIGURE,
            format!("no Redis answers at {shown}: {}", said(&error, Some(url))),
        ),
    }
}

/// `7.2.4, no cluster` out of the lines of INFO.
fn parse(info: &str) -> Option<String> {
    let field = |name: &str| {
        info.lines()
            .find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'))
            .map(str::trim)
    };
    let version = field("redis_version").filter(|version| !version.is_empty())?;
    let mode = match field("redis_mode") {
        Some("cluster") => "cluster",
        Some("sentinel") => "sentinel",
        Some(_) => "no cluster",
        None => return Some(version.to_owned()),
    };
    Some(format!("{version}, {mode}"))
}
