//! The database itself: whether it is there, creating it, and the ledger's tables in it.

use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use super::keys::KEY;
use super::ledger::LEDGER;
use super::{Own, PgStore, sql};
use crate::adapters::phrase::{beside, ident};
use crate::engine::ports::store::{StoreError, Table};

/// Databases that every server has, by which another one can be created.
const MAINTENANCE: [&str; 2] = ["postgres", "template1"];

fn code(error: &sqlx::Error) -> Option<String> {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .map(std::borrow::Cow::into_owned)
}

impl PgStore {
    pub(super) async fn is_there(&self) -> Own<bool> {
        match PgConnection::connect_with(&self.options).await {
            Ok(connection) => {
                let _ = connection.close().await;
                Ok(true)
            }
            Err(error) if code(&error).as_deref() == Some("3D000") => Ok(false),
            Err(error) => Err(self.fault(&error)),
        }
    }

    pub(super) async fn create_empty(&self) -> Own<()> {
        if self.is_there().await? {
            return Ok(());
        }
        let name = self
            .options
            .get_database()
            .unwrap_or(self.options.get_username())
            .to_owned();
        let mut connection = self.maintenance().await?;
        // The figures of the migration are Unicode, whatever the server's own databases are.
        let statement = format!(
            "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'",
            ident(&name)
        );
        let created = sqlx::raw_sql(sql(statement)).execute(&mut connection).await;
        let _ = connection.close().await;
        match created {
            Ok(_) => Ok(()),
            // Somebody else was faster.
            Err(error) if matches!(code(&error).as_deref(), Some("42P04" | "23505")) => Ok(()),
            Err(error) if code(&error).as_deref() == Some("42501") => Err(StoreError::Refused(format!(
                "permission denied for user {} to create database {name}",
                self.options.get_username()
            ))),
            Err(error) => Err(self.fault(&error)),
        }
    }

    async fn maintenance(&self) -> Own<PgConnection> {
        let mut last = None;
        for name in MAINTENANCE {
            match self.options.clone().database(name).connect().await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = Some(self.fault(&error)),
            }
        }
        Err(last.unwrap_or_else(|| StoreError::Bug("no maintenance database".to_owned())))
    }

    pub(super) async fn has_key(&self, target: &Table) -> Own<bool> {
        let mut connection = self.connection().await?;
        sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(format!("{}migration_tracking_legacy_key", beside(target)))
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))
    }

    pub(super) async fn create_ledger(&self, target: &Table) -> Own<()> {
        let mut connection = self.connection().await?;
        let mut tx = connection.begin().await.map_err(|error| self.fault(&error))?;
        for text in [
            "SET LOCAL lock_timeout = '5s'; SELECT pg_advisory_xact_lock(hashtext('maos-migrate ledger'))"
                .to_owned(),
            LEDGER.replace("{schema}", &beside(target)),
            KEY.replace("{schema}", &beside(target)),
        ] {
            sqlx::raw_sql(sql(text))
                .execute(&mut *tx)
                .await
                .map_err(|error| self.fault(&error))?;
        }
        tx.commit().await.map_err(|error| self.fault(&error))
    }
}
