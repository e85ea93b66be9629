//! Which database an address names, however one gets in: a journal belongs to its databases, and a new password makes no new one.

use sha2::{Digest as _, Sha256};
use url::Url;

use super::files::hex;
use super::secrets::{MASK, Resolved};

/// A database that the journal must agree with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Where the settings name it: `sources.database`.
    pub name: &'static str,
    /// The address as people see it.
    pub words: String,
    /// What is compared, 64 hex digits: equal for two addresses of one database and one user, whatever the password. A hash, since a user
    /// may be named like its password, and because the words hide what a reference stands for.
    pub mark: String,
}

impl Identity {
    /// Of the database that `url` names. `sqlite` addresses count as they are written, so that a workspace can be moved as a whole.
    #[must_use]
    pub fn new(name: &'static str, url: &Resolved) -> Self {
        let usable = url.expose();
        let place = if usable.starts_with("sqlite:") {
            url.shown.clone()
        } else {
            without_password(usable)
        };
        Self {
            name,
            words: url.shown.clone(),
            mark: hex(&Sha256::digest(place.as_bytes())),
        }
    }

    /// Whether `known`, the words of a journal that has no mark, may be of this database: they name the same one but for the password, or
    /// hide everything.
    #[must_use]
    pub fn may_be(&self, known: &str) -> bool {
        let masked = format!(":{MASK}@");
        known.replace(&masked, "@") == self.words.replace(&masked, "@")
    }
}

/// The address without its password, which may also stand among the parameters.
fn without_password(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        // No driver takes such an address; what is before the last @ may be a password.
        return text.rsplit_once('@').map_or(text, |(_, rest)| rest).to_owned();
    };
    if url.set_password(None).is_err() {
        return url.to_string();
    }
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| key != "password")
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    if kept.is_empty() {
        url.set_query(None);
    } else {
        url.query_pairs_mut().clear().extend_pairs(kept);
    }
    url.to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::engine::workspace::secrets::resolve;

    fn of(text: &str) -> Identity {
        let lookup = |name: &str| match name {
            "PW" => Some("p/w 4711".to_owned()),
            "URL" => Some("postgres://app:other@db/app".to_owned()),
            _ => None,
        };
        let url = resolve(text, "here", Path::new("."), &lookup).unwrap();
        Identity::new("sources.database", &url)
    }

    #[test]
    fn the_password_is_no_part_of_a_database() {
        let plain = of("postgres://app@db/app");
        for same in [
            "postgres://app:one@db/app",
            "postgres://app:a%20long%2Fone@db/app",
            // The password is the user's name, so that the words hide both.
            "postgres://app:postgres@db/app",
            "postgres://app:${PW}@db/app",
            "postgres://app@db/app?password=one",
            "${URL}",
        ] {
            assert_eq!(of(same).mark, plain.mark, "{same}");
        }
        assert_eq!(
            of("postgres://app:a@db/app?host=/run&password=b").mark,
            of("postgres://app@db/app?host=/run").mark
        );
        for other in [
            "postgres://app@db/other",
            "postgres://app@elsewhere/app",
            "postgres://app@db:5433/app",
            "postgres://lena@db/app",
            "postgres://app@db/app?host=/run",
        ] {
            assert_ne!(of(other).mark, plain.mark, "{other}");
        }
        assert_ne!(of("sqlite://a.db").mark, of("sqlite://b.db").mark);
    }

    #[test]
    fn words_without_a_mark_are_compared_without_the_password() {
        let with = of("postgres://app:${PW}@db/app");
        assert_eq!(with.words, "postgres://app:******@db/app");
        for (known, same) in [
            ("postgres://app:******@db/app", true),
            ("postgres://app@db/app", true),
            ("postgres://app@db/other", false),
        ] {
            assert_eq!(with.may_be(known), same, "{known}");
        }
    }
}
