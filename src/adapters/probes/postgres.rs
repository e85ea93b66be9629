//! PostgreSQL of the target: its version and what this role may do there.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use super::{Place, said};
use crate::engine::assess::Value;
use crate::engine::ports::BoxFuture;
use crate::engine::ports::probe::{Probe, Reading};

const FIGURE: &str = "postgresql_version";

const QUESTION: &str = "select current_setting('server_version') as version, \
     coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) as may_create, \
     coalesce(current_schema()::text, 'none') as schema";

/// Version and rights on the target.
#[derive(Debug)]
pub struct Postgres {
    target: Option<Place>,
}

impl Postgres {
    /// Of this target.
    #[must_use]
    pub fn new(target: Option<Place>) -> Self {
        Self { target }
    }
}

impl Probe for Postgres {
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
            vec![match &self.target {
                None => Reading::none(FIGURE, "no target database is named yet"),
                Some(Place::Sqlite(_)) => Reading::of(
                    FIGURE,
                    Value::Word("not used".to_owned()),
                    format!("the target is SQLite {}", sqlite_version().await),
                ),
                Some(Place::Postgres(url)) => ask(url).await,
            }]
        })
    }
}

async fn sqlite_version() -> String {
    let asked = async {
        let mut connection = sqlx::SqliteConnection::connect("sqlite::memory:").await?;
        sqlx::query_scalar::<_, String>("select sqlite_version()")
            .fetch_one(&mut connection)
            .await
    };
    asked.await.unwrap_or_default()
}

async fn ask(url: &SecretString) -> Reading {
    let answer = async {
        let mut connection = connect(url).await?;
        let row = sqlx::query(QUESTION).fetch_one(&mut connection).await?;
        let version: String = row.try_get("version")?;
        let may_create: bool = row.try_get("may_create")?;
        let schema: String = row.try_get("schema")?;
        // Closing politely is worth nothing to the answer.
        let _ = connection.close().await;
        Ok::<_, sqlx::Error>((version, may_create, schema))
    };
    match answer.await {
        Ok((version, may_create, schema)) => {
            let number = version.split_whitespace().next().unwrap_or_default().to_owned();
            let (value, rights) = if may_create {
                (number, format!("may create tables in {schema}"))
            } else {
                (
                    format!("{number}, may not create tables"),
                    format!("no right to create in schema {schema}"),
                )
            };
            Reading::of(FIGURE, Value::Version(value), format!("server_version, {rights}"))
        }
        Err(error) => Reading::none(FIGURE, said(&error, Some(url))),
    }
}

/// A connection that can only read and whose statements end by themselves.
pub(super) async fn connect(url: &SecretString) -> Result<PgConnection, sqlx::Error> {
    let options: PgConnectOptions = url.expose_secret().parse()?;
    options
        .application_name("maos-migrate")
        .options([
            ("default_transaction_read_only", "on"),
            ("statement_timeout", "30s"),
        ])
        .disable_statement_logging()
        .connect()
        .await
}
