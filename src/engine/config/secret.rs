//! Which legacy values are secrets, and how a value is shown: structure first, then by value.

use super::address::{Address, Password, Server};
use super::model::Fate;
use super::tree::{Leaf, Value};
use crate::engine::workspace::secrets::{MASK, register, register_in, scrub};

/// Parts of key names that say: the value is a secret.
const WORDS: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "access_key",
    "private_key",
    "credential",
    "auth_key",
    "signing_key",
    "encryption_key",
];

/// Whether a key of this name holds a secret. A count, a limit or a lifetime of one does not.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let normal = super::tree::normal(name);
    let last = normal.rsplit("__").next().unwrap_or(&normal);
    let harmless = [
        "_expiry",
        "_ttl",
        "_count",
        "_limit",
        "_timeout",
        "_length",
        "_file",
        "_path",
        "max_tokens",
        "_per_minute",
    ];
    if harmless.iter().any(|end| last.ends_with(end)) {
        return false;
    }
    WORDS.iter().any(|word| normal.contains(word)) || normal == "pass" || normal.ends_with("_pass")
}

fn names_address(name: &str) -> bool {
    let normal = super::tree::normal(name);
    ["url", "uri", "dsn", "connection", "connection_string"]
        .iter()
        .any(|end| normal.ends_with(end))
}

/// Whether a value holds a secret.
#[must_use]
pub fn holds_secret(leaf: &Leaf) -> bool {
    shown_value(&leaf.key, &leaf.value).contains(MASK)
}

/// Registers every secret of a configuration, so that [`scrub`] keeps it out of all text that leaves the process.
pub fn register_all<'a>(leaves: impl IntoIterator<Item = &'a Leaf>) {
    for leaf in leaves {
        register_value(&leaf.key, &leaf.value);
    }
}

/// Registers the value of `name` when that is the name of a secret, else the secrets inside it. A reference is none.
pub fn register_text(name: &str, text: &str) {
    if is_secret_name(name) {
        if !super::reference::whole(text.trim()) {
            register(text);
        }
        return;
    }
    for secret in embedded(text) {
        register_in(text, &secret);
    }
}

fn register_value(name: &str, value: &Value) {
    match value {
        Value::List(items) => items.iter().for_each(|item| register_value(name, &item.value)),
        Value::Map(entries) => entries
            .iter()
            .for_each(|(key, node)| register_value(&key.name, &node.value)),
        Value::Text(text) => register_text(name, text),
        Value::Int(_) if is_secret_name(name) => register(&value.text()),
        _ => {}
    }
}

/// The value of `leaf` for people: secrets as [`MASK`], whatever their length. An address that could not be read may hold a
/// password anywhere, so nothing of it is shown.
#[must_use]
pub fn shown(leaf: &Leaf, fate: &Fate) -> String {
    match fate {
        Fate::Refused {
            code: "bad_address", ..
        } => MASK.to_owned(),
        _ => shown_value(&leaf.key, &leaf.value),
    }
}

fn shown_value(name: &str, value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) => value.text(),
        _ if is_secret_name(name) => MASK.to_owned(),
        Value::List(items) => {
            let parts: Vec<String> = items.iter().map(|item| shown_value(name, &item.value)).collect();
            format!("[{}]", parts.join(", "))
        }
        Value::Map(entries) => {
            let parts: Vec<String> = entries
                .iter()
                .map(|(key, node)| format!("{}: {}", key.name, shown_value(&key.name, &node.value)))
                .collect();
            format!("{{{}}}", parts.join(", "))
        }
        // An address that is none may hold a password anywhere.
        Value::Text(text) if names_address(name) && text.contains(['@', '=']) && !text.contains("://") => {
            MASK.to_owned()
        }
        Value::Text(text) => shown_text(text),
        other => scrub(&other.text()).into_owned(),
    }
}

/// Whether a new value for `name` may stand in a record of decisions: it is no secret and holds none. A reference such as
/// `${NAME}` may.
#[must_use]
pub fn may_be_recorded(name: &str, value: &str) -> bool {
    if super::reference::whole(value.trim()) {
        return true;
    }
    // A name without a group is that of a secret's variable, see `Row::edit`.
    name.contains('.') && !shown_value(name, &Value::Text(value.to_owned())).contains(MASK)
}

/// Text of unknown meaning for people: a password in an address or a connection string is masked.
#[must_use]
pub fn shown_text(text: &str) -> String {
    for server in [Server::Postgres, Server::Redis] {
        if let Ok(address) = Address::parse(text, server)
            && text.contains("://")
        {
            return scrub(&address.url(Password::Masked)).into_owned();
        }
    }
    let secrets = embedded(text);
    if secrets.is_empty() {
        return scrub(text).into_owned();
    }
    // Cut out by position, because short secrets are not scrubbed by value.
    let mut out = text.to_owned();
    for secret in secrets {
        out = out.replace(&secret, MASK);
    }
    scrub(&out).into_owned()
}

/// Secrets inside a text: the password of any URL, and what follows `password =` and its like.
fn embedded(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some((_, rest)) = text.split_once("://")
        && let Some((userinfo, _)) = rest.rsplit_once('@')
    {
        // To the last @, so that a password that was not encoded is covered whole.
        if let Some((_, password)) = userinfo.split_once(':') {
            found.push(password.to_owned());
        }
    }
    let lower = text.to_ascii_lowercase();
    for word in [
        "password", "pwd", "passwd", "secret", "token", "api_key", "apikey",
    ] {
        let mut from = 0;
        while let Some(at) = lower[from..].find(word).map(|i| i + from) {
            from = at + word.len();
            let rest = text[from..].trim_start();
            let Some(value) = rest.strip_prefix(['=', ':']) else {
                continue;
            };
            let value = value.trim_start();
            let end = match value.chars().next() {
                Some(quote @ ('\'' | '"')) => value[1..].find(quote).map_or(value.len(), |i| i + 2),
                _ => value.find([';', '&', ' ', ',']).unwrap_or(value.len()),
            };
            let secret = value[..end].trim_matches(['\'', '"']);
            if !secret.is_empty() {
                found.push(secret.to_owned());
            }
        }
    }
    found.retain(|secret| !secret.is_empty() && !super::reference::any(secret));
    found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_no_secret_may_be_recorded() {
        for (name, value, want) in [
            ("system.max_agents", "8", true),
            ("database.primary_url", "postgres://u@h/n", true),
            ("database.primary_url", "postgres://u:${PW}@h/n", true),
            ("database.primary_url", "postgres://u:pw@h/n", false),
            ("database.primary_url", "host=h password=pw", false),
            ("MAOS_DB_PASSWORD", "pw", false),
            ("MAOS_DB_PASSWORD", "${PW}", true),
            ("api.auth.jwt_secret", "pw", false),
        ] {
            assert_eq!(may_be_recorded(name, value), want, "{name} {value}");
        }
    }

    #[test]
    fn secrets_are_known_by_name() {
        for name in [
            "database.password",
            "REDIS_PASSWORD",
            "api-key",
            "jwt_secret",
            "auth.token",
            "db_pass",
            "privateKey.private_key",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "max_tokens",
            "token_expiry",
            "passive",
            "worker_count",
            "password_file",
            "compass",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn a_secret_inside_a_text_is_cut_out_whatever_its_shape() {
        for text in [
            "amqp://guest:xyzzy1@h/vhost",
            "Server=h;Password = xyzzy1;Port=1",
            "host=h password='xyzzy1' port=1",
            "https://h/hook?token=xyzzy1&x=1",
            "postgres://u:xyzzy1/@h@x/n",
        ] {
            let shown = shown_text(text);
            assert!(!shown.contains("xyzzy1") && shown.contains(MASK), "{shown}");
        }
        assert_eq!(shown_text("plain text"), "plain text");
    }
}
