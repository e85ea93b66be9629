//! One value on its way into the configuration: plain values as they are, secrets and addresses without their secret.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value as Json;

use super::address::{self, Address, Password};
use super::candidate::{Candidate, Got};
use super::convert::Converter;
use super::model::{Origin, Secret, Setting};
use super::reference;
use super::secret;
use super::value::Trouble;
use crate::engine::error::{Error, Result};

impl Converter<'_> {
    pub(super) fn write(&mut self, candidate: Candidate, origin: Origin) -> Result<()> {
        let Candidate {
            leaves, got, note, ..
        } = candidate;
        match got {
            Got::Plain(value) => {
                self.warn_unusual(&value, &leaves);
                self.set(value, origin, leaves, note);
            }
            Got::Secret(value) => self.write_secret(value, origin, leaves, note),
            Got::Address(address) => self.write_address(*address, origin, &leaves, note)?,
        }
        Ok(())
    }

    fn warn_unusual(&mut self, value: &Json, leaves: &[usize]) {
        if let (Some((low, high)), Some(number)) = (self.target.usual, value.as_i64())
            && !(low..=high).contains(&number)
        {
            let path = &self.target.path;
            let message = format!("{path} is {number}; {low} to {high} is usual");
            self.warn("unusual_value", leaves, message);
        }
    }

    pub(super) fn secret_edit(&self) -> Option<String> {
        let name = self.target.secret.as_ref()?;
        let typed = self.decisions.edits.get(name)?;
        Some(typed.expose_secret().to_owned())
    }

    /// A typed secret with its references resolved where the reader of the file would take them literally.
    fn for_reader(&self, typed: String) -> Result<String> {
        if self.map.expands {
            return Ok(typed);
        }
        let resolved = reference::replace(&typed, &|name| self.decisions.lookup(name));
        match reference::names(&resolved).first() {
            None => Ok(resolved),
            Some(name) => Err(Error::input(format!(
                "{}: the environment variable {name} is not set",
                self.target.path
            ))),
        }
    }

    fn write_secret(&mut self, value: String, origin: Origin, leaves: Vec<usize>, note: Option<String>) {
        let value = self.secret_edit().unwrap_or(value);
        let name = self.target.secret.clone().unwrap_or_default();
        let written = if reference::any(&value) && self.map.expands {
            self.warn_unset(&reference::names(&value), &leaves);
            value
        } else {
            let placeholder = format!("${{{name}}}");
            self.out.secrets.push(Secret {
                name,
                raw: SecretString::from(value.clone()),
                value: SecretString::from(value),
                comment: self.target.path.clone(),
            });
            placeholder
        };
        self.set(written.into(), origin, leaves, note);
    }

    fn warn_unset(&mut self, names: &[String], leaves: &[usize]) {
        for name in names {
            if self.decisions.lookup(name).is_none() {
                let message = format!("the environment variable {name} is not set here; MAOS needs it");
                self.warn("unset_reference", leaves, message);
            }
        }
    }

    fn write_address(
        &mut self,
        mut address: Address,
        origin: Origin,
        leaves: &[usize],
        note: Option<String>,
    ) -> Result<()> {
        let name = self.target.secret.clone().unwrap_or_default();
        if let Some(password) = self.secret_edit() {
            address.password = Some(self.for_reader(password)?);
        }
        let whole_reference = address.password.as_deref().is_some_and(reference::whole);
        self.warn_unset(&address.references(), leaves);
        if address.options.iter().any(|(key, _)| secret::is_secret_name(key)) {
            let trouble = Trouble::new(
                "secret_option",
                "a secret stands among the options of the address",
            );
            if origin == Origin::Edited {
                return Err(Error::input(format!("{}: {}", self.target.path, trouble.why)));
            }
            self.refuse(leaves, &trouble);
            return Ok(());
        }
        let value = match &address.password {
            None => address.url(Password::Plain),
            // The password already stands in the environment under the legacy system's own name.
            Some(_) if whole_reference && self.map.expands => address.url(Password::Plain),
            Some(password) if self.map.expands => {
                let encoded = address::encoded(password);
                let how = if encoded == *password {
                    ""
                } else {
                    ", percent-encoded because it stands in an address"
                };
                self.out.secrets.push(Secret {
                    name: name.clone(),
                    raw: SecretString::from(password.clone()),
                    value: SecretString::from(encoded),
                    comment: format!("the password in {}{how}", self.target.path),
                });
                address.url(Password::Placeholder(&name))
            }
            Some(password) => {
                self.out.secrets.push(Secret {
                    name: name.clone(),
                    raw: SecretString::from(password.clone()),
                    value: SecretString::from(address.url(Password::Plain)),
                    comment: format!(
                        "overrides {}, which stands in the file without user and password",
                        self.target.path
                    ),
                });
                address.url(Password::Left)
            }
        };
        self.set(value.into(), origin, leaves.to_vec(), note);
        for also in &self.target.also {
            let value = match also.part.as_deref() {
                Some("tls") => Json::Bool(address.tls),
                Some("name") => address
                    .name
                    .as_deref()
                    .and_then(|name| name.parse::<u16>().ok())
                    .unwrap_or(0)
                    .into(),
                _ => also.value.clone().unwrap_or(Json::Null),
            };
            self.out.settings.push(Setting {
                path: also.path.clone(),
                value,
                origin: Origin::Follows,
                sources: leaves.to_vec(),
                note: Some(format!("goes with {}", self.target.path)),
            });
        }
        Ok(())
    }
}
