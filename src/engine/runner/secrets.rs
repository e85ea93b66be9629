//! Secrets that a person types: kept in memory for the plans of this session, never in an event.

use super::Reply;
use super::dispatch::Dispatcher;
use crate::engine::capability::Capability;
use crate::engine::command::Typed;
use crate::engine::config;
use crate::engine::error::Result;
use crate::engine::event::EventKind;

impl Dispatcher {
    /// Keeps a new secret of the configuration; the journal learns that it was set.
    pub(super) async fn keep_secret(&mut self, name: String, value: Typed) -> Result<Reply> {
        let value = value.into_secret();
        config::check_secret(&name, &value)?;
        let decided = |subject: String, choice| EventKind::Decided {
            capability: Capability::Config,
            subject,
            choice,
            by: self.me(),
        };
        // A reference typed for it earlier gives way.
        let kinds = vec![
            decided(format!("edit:{name}"), serde_json::Value::Null),
            decided(format!("secret:{name}"), true.into()),
        ];
        self.emit(kinds).await?;
        self.secrets.insert(name, value);
        self.refresh(Capability::Config);
        Ok(Reply::Done)
    }

    /// Forgets a secret whose decision is taken back or replaced by a reference.
    pub(super) fn forget_secret(&mut self, subject: &str) {
        if let Some(name) = subject
            .strip_prefix("secret:")
            .or_else(|| subject.strip_prefix("edit:"))
        {
            self.secrets.remove(name);
        }
    }
}
