//! Secrets: where they may come from, and how they are kept out of everything that is shown or written.
//!
//! A value is registered once, when it is resolved; [`scrub`] then replaces it, in every form in which it is likely to
//! turn up (as it is, percent-encoded, JSON-escaped, Base64), wherever text leaves the process. The register is one for the
//! process because a panic message or a driver's error text has no owner that could carry it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::RwLock;

use secrecy::{ExposeSecret as _, SecretString};

use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};

/// What a secret looks like on every surface. Its length says nothing about the secret's.
pub const MASK: &str = "******";

/// Secrets shorter than this are not scrubbed by value: replacing every `a` would destroy the text and betray the secret.
const SHORTEST: usize = 4;

/// Words that this program says itself, and names that every machine has. A value that is one of them, or a part of one, is not scrubbed by
/// value: it would be taken out of the program's own sentences and keys, and whoever guesses tries it first. Where it stands as a password
/// it is masked all the same.
const OWN: [&str; 50] = [
    "maos-migrate",
    "postgresql",
    "sqlite",
    "redis",
    "localhost",
    "legacy",
    "tasks",
    "checkpoints",
    "password",
    "secret",
    "token",
    "admin",
    "root",
    "user",
    "test",
    "demo",
    "sample",
    "default",
    "database",
    "migration",
    "rehearsal",
    "greenfield",
    "brownfield",
    "hybrid",
    "version_upgrade",
    "production",
    "staging",
    "development",
    "assessment",
    "journal",
    "quarantine",
    "capability",
    "started",
    "finished",
    "completed",
    "failed",
    "cancelled",
    "pending",
    "queued",
    "running",
    "unknown",
    "true",
    "false",
    "none",
    "null",
    "auto",
    "always",
    "never",
    "enabled",
    "disabled",
];

static FORMS: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// Registers a secret value, so that no text that leaves the process shows it. One that is too short, or a word of the program's own, is
/// masked only where it stands as a secret.
pub fn register(value: &str) {
    if value.len() < SHORTEST || is_own_word(value) {
        return;
    }
    let mut forms = FORMS.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    let json = serde_json::to_string(value).unwrap_or_default();
    let candidates = [
        value.to_owned(),
        percent_encoded(value, false),
        percent_encoded(value, true),
        json.trim_matches('"').to_owned(),
        base64(value.as_bytes()),
    ];
    for form in candidates {
        if form.len() >= SHORTEST && !forms.contains(&form) {
            forms.push(form);
        }
    }
    // Longest first, so that a secret that contains another is replaced whole.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
}

fn is_own_word(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    OWN.iter()
        .copied()
        .chain(Capability::ALL.iter().map(|capability| capability.name()))
        .any(|word| word.contains(&value))
}

/// Registers the password `secret` of the address `text`, unless it stands there a second time: then it is the name of a user, a machine or a
/// database as well, and masking it by value would take the name out of everything.
pub fn register_in(text: &str, secret: &str) {
    if text.matches(secret).count() < 2 {
        register(secret);
    }
}

/// `text` with every registered secret replaced by [`MASK`].
#[must_use]
pub fn scrub(text: &str) -> Cow<'_, str> {
    let forms = FORMS.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut out = Cow::Borrowed(text);
    for form in forms.iter() {
        if out.contains(form.as_str()) {
            out = Cow::Owned(out.replace(form.as_str(), MASK));
        }
    }
    out
}

/// The first line of `text`, from 1, that holds a registered secret.
#[must_use]
pub fn line_of(text: &str) -> Option<usize> {
    if !found_in(text) {
        return None;
    }
    // A secret with a line break in it is in no single line; it begins somewhere, and the file is refused all the same.
    Some(text.lines().position(found_in).map_or(1, |line| line + 1))
}

/// Whether `text` holds a registered secret in any of its forms.
#[must_use]
pub fn found_in(text: &str) -> bool {
    let forms = FORMS.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    forms.iter().any(|form| text.contains(form.as_str()))
}

fn percent_encoded(value: &str, lower: bool) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else if lower {
            let _ = write!(out, "%{byte:02x}");
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    // Only whole groups of three: a secret in the middle of a longer encoding shares no padding.
    let mut out = String::new();
    for group in bytes.chunks_exact(3) {
        let n = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        for shift in [18, 12, 6, 0] {
            out.push(char::from(ALPHABET[(n >> shift & 63) as usize]));
        }
    }
    out
}

/// A text from the settings with its references resolved.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The text as the program uses it; for URLs, with the password.
    pub value: SecretString,
    /// The text as people see it: passwords as [`MASK`].
    pub shown: String,
    /// A sentence when a literal password stands in the text.
    pub warning: Option<String>,
}

impl Resolved {
    /// The usable text. Never log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.value.expose_secret()
    }
}

/// Where a reference of the form `${NAME}` gets its value.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Resolves `${NAME}` (environment) and `${file:PATH}` (a file that only its owner may read) in `text`, registers what they
/// held, and registers and masks a literal password in a URL. `place` is said in errors: `migration.yml line 14, column 13`.
///
/// # Errors
/// A variable that is not set, a file that is missing or open to others, an unfinished reference, an address that is cut inside its
/// password.
pub fn resolve(text: &str, place: &str, base: &Path, lookup: Lookup<'_>) -> Result<Resolved> {
    let (mut value, mut shown) = (String::new(), String::new());
    let mut rest = text;
    let mut held = Vec::new();
    while let Some(start) = rest.find("${") {
        let (before, after) = rest.split_at(start);
        let Some(end) = after.find('}') else {
            return Err(
                Error::input(format!("{place}: a reference ${{ is not closed")).hint("Write ${NAME}.")
            );
        };
        let name = &after[2..end];
        let secret = reference(name, place, base, lookup)?;
        value.push_str(before);
        shown.push_str(before);
        let in_url = value.contains("://");
        // In a URL the reference stands for a component, so it is encoded; the whole text may also be one reference.
        if in_url && !(before.is_empty() && start == 0 && end + 1 == after.len()) {
            value.push_str(&percent_encoded(&secret, false));
        } else {
            value.push_str(&secret);
        }
        shown.push_str(MASK);
        held.push(secret);
        rest = &after[end + 1..];
    }
    value.push_str(rest);
    shown.push_str(rest);
    for secret in &held {
        register_in(&value, secret);
    }
    if let Some((0, scheme, rest)) = address(&value)
        && WITH_PASSWORD.contains(&scheme)
        && cut_in_password(rest)
    {
        return Err(Error::input(format!(
            "{place}: the address has an @ behind its host, so a password in it would be cut"
        ))
        .hint("In a password write @ as %40, : as %3A, / as %2F, ? as %3F and # as %23; ${ENV_NAME} needs none of that."));
    }
    let mut warning = None;
    if let Ok(url) = url::Url::parse(&value)
        && let Some(password) = url.password()
    {
        register_in(&value, password);
        if percent_decoded(password) != password {
            register(&percent_decoded(password));
        }
        // Told by what people see, since a reference may stand elsewhere in the same address.
        let masked = format!(":{MASK}@");
        if shown != MASK && !shown.contains(&masked) {
            warning = Some(format!(
                "A literal password is in {place}. It works; ${{ENV_NAME}} is safer."
            ));
            // A short password is not in the register; cut it out by position.
            shown = concealed(&shown).map_or(shown, |(_, shown)| shown);
            shown = scrub(&shown.replacen(&format!(":{password}@"), &masked, 1)).into_owned();
        }
    }
    Ok(Resolved {
        value: SecretString::from(value),
        shown,
        warning,
    })
}

/// Schemes whose addresses hold passwords.
const WITH_PASSWORD: [&str; 4] = ["postgres", "postgresql", "redis", "rediss"];

/// The address of a server in `text`: its beginning, its scheme and what is behind `://`.
fn address(text: &str) -> Option<(usize, &str, &str)> {
    let mark = text.find("://")?;
    let scheme = text[..mark].rsplit(|c: char| !c.is_ascii_alphanumeric()).next()?;
    Some((mark - scheme.len(), scheme, &text[mark + 3..]))
}

/// Whether what is behind `://` may have been cut inside its password: an `@` stands behind what would be the host.
fn cut_in_password(rest: &str) -> bool {
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    // A parameter may have an @ in its value, where the address has had its own.
    let in_query = match query.split_once('@') {
        Some((before, _)) => !authority.contains('@') || !before.contains('='),
        None => false,
    };
    (path.contains('@') || in_query) && authority.contains(':')
}

/// The address in a word of the command line, as it stands and as people may see it, where it holds a password; that is then registered.
/// Where the password may have been cut, nothing of the address is shown.
#[must_use]
pub fn concealed(word: &str) -> Option<(String, String)> {
    let (start, scheme, rest) = address(word)?;
    if scheme.eq_ignore_ascii_case("sqlite") || scheme.eq_ignore_ascii_case("file") {
        return None;
    }
    let whole = &word[start..];
    let mut shown = None;
    if let Some((before, host)) = rest.rsplit_once('@')
        && let Some((name, password)) = before.split_once(':')
        && !password.is_empty()
        && !password.starts_with("${")
    {
        register_in(whole, password);
        if percent_decoded(password) != password {
            register(&percent_decoded(password));
        }
        shown = Some(if cut_in_password(rest) {
            format!("{scheme}://{MASK}")
        } else {
            format!("{scheme}://{name}:{MASK}@{host}")
        });
    }
    if let Some((before, value)) = whole.split_once("password=") {
        let value = value.split('&').next().unwrap_or(value);
        if before.contains('?') && !value.is_empty() && !value.starts_with("${") {
            register_in(whole, value);
            let text = shown.unwrap_or_else(|| whole.to_owned());
            shown = Some(text.replace(&format!("password={value}"), &format!("password={MASK}")));
        }
    }
    shown.map(|shown| (whole.to_owned(), shown))
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut i) = (Vec::with_capacity(bytes.len()), 0);
    while i < bytes.len() {
        let pair = (bytes[i] == b'%').then(|| text.get(i + 1..i + 3)).flatten();
        if let Some(byte) = pair.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(byte);
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn reference(name: &str, place: &str, base: &Path, lookup: Lookup<'_>) -> Result<String> {
    if let Some(file) = name.strip_prefix("file:") {
        return secret_file(&base.join(file), place);
    }
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !plain {
        return Err(
            Error::input(format!("{place}: ${{{name}}} is not a name of a variable"))
                .hint("Use ${ENV_NAME}, or ${file:PATH} for a file that only you can read."),
        );
    }
    lookup(name).ok_or_else(|| {
        Error::input(format!("{place}: the environment variable {name} is not set"))
            .hint(format!("Set it before you start: export {name}=…"))
    })
}

fn secret_file(path: &Path, place: &str) -> Result<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let meta = std::fs::metadata(path)
        .map_err(|error| Error::input(format!("{place}: cannot read {}: {error}", path.display())))?;
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Error::input(format!(
            "{place}: {} has mode {mode:04o}, others can read it",
            path.display()
        ))
        .hint(format!("chmod 600 {}", path.display())));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::input(format!("{place}: cannot read {}: {error}", path.display())))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        (name == "DB_PASS").then(|| "s3cr3t/ü@x".to_owned())
    }

    #[test]
    fn references_are_resolved_encoded_and_masked() {
        let url = resolve(
            "postgres://app:${DB_PASS}@db/app",
            "here",
            Path::new("."),
            &lookup,
        )
        .unwrap();
        assert_eq!(url.expose(), "postgres://app:s3cr3t%2F%C3%BC%40x@db/app");
        assert_eq!(url.shown, "postgres://app:******@db/app");
        assert!(url.warning.is_none());
        for leak in [
            "says s3cr3t/ü@x",
            "at s3cr3t%2F%C3%BC%40x",
            "at s3cr3t%2f%c3%bc%40x",
        ] {
            assert!(!scrub(leak).contains("s3cr3t"), "{leak}");
        }
    }

    #[test]
    fn a_literal_password_works_is_warned_about_and_never_shown() {
        for password in ["pw1", "long%20password"] {
            let text = format!("postgres://app:{password}@db:5433/app?x=1");
            let url = resolve(&text, "migration.yml line 14", Path::new("."), &lookup).unwrap();
            assert_eq!(url.expose(), text);
            assert_eq!(url.shown, "postgres://app:******@db:5433/app?x=1");
            assert!(url.warning.unwrap().contains("line 14"));
        }
        assert_eq!(scrub("driver said long password"), "driver said ******");
    }

    #[test]
    fn a_literal_password_beside_a_reference_is_not_shown_either() {
        let text = "postgres://app:pw1@db/app?options=${DB_PASS}";
        let url = resolve(text, "migration.yml line 14", Path::new("."), &lookup).unwrap();
        assert_eq!(url.shown, "postgres://app:******@db/app?options=******");
        assert!(url.warning.unwrap().contains("line 14"));
    }

    #[test]
    fn what_cannot_be_resolved_says_where_and_what_to_do() {
        for (text, word) in [
            ("${NOPE}", "NOPE is not set"),
            ("${a b}", "not a name"),
            ("x${A", "not closed"),
        ] {
            let error = resolve(text, "migration.yml line 3", Path::new("."), &lookup).unwrap_err();
            assert!(
                error.message.contains(word) && error.message.contains("line 3"),
                "{error}"
            );
            assert!(error.hint.is_some());
        }
    }

    #[test]
    fn a_password_that_is_a_word_or_a_name_is_masked_where_it_stands_and_nowhere_else() {
        for (text, shown) in [
            ("postgres://app:postgres@db/app", "postgres://app:******@db/app"),
            (
                "postgres://acme_billing:acme_billing@db/acme_billing",
                "postgres://acme_billing:******@db/acme_billing",
            ),
            (
                "postgres://app:${NAME}@db/zq_named",
                "postgres://app:******@db/zq_named",
            ),
        ] {
            let named = |name: &str| (name == "NAME").then(|| "zq_named".to_owned());
            let url = resolve(text, "here", Path::new("."), &named).unwrap();
            assert_eq!(url.shown, shown);
        }
        ["True", "COMPLETED", "check"].into_iter().for_each(register);
        for plain in [
            "maos-migrate",
            "True",
            "postgres://",
            "acme_billing",
            "zq_named",
            "\"capability\":\"schema\"",
            "COMPLETED",
        ] {
            assert_eq!(scrub(plain), plain);
        }
    }

    #[test]
    fn an_address_that_is_cut_in_its_password_is_refused_and_not_shown() {
        for text in [
            "postgres://app:pa ss:w@rd/x@127.0.0.1:5432/d",
            "postgres://app:canary#one@db/app",
            "postgres://app:canary?one@db/app",
            "redis://app:canary/one@db:6379/0",
            "postgres://app:canary@h?one@db/app",
        ] {
            let error = resolve(text, "--source", Path::new("."), &lookup).unwrap_err();
            let said = format!("{error} {:?}", error.hint);
            assert!(said.contains("--source"), "{said}");
            assert!(
                !said.contains("canary") && !said.contains("@rd") && !said.contains("rd/"),
                "{said}"
            );
            let (whole, shown) = concealed(text).unwrap();
            assert_eq!(whole, text);
            assert!(shown.ends_with("://******"), "{shown}");
        }
        for plain in [
            "postgres://app:pw@db/app?application_name=a@b",
            "postgres://app:p@w@db/app",
            "postgres://db/app?user=a@b",
            "sqlite://a:b/c@d.db",
        ] {
            assert!(resolve(plain, "here", Path::new("."), &lookup).is_ok(), "{plain}");
        }
    }

    #[test]
    fn a_word_of_the_command_line_is_shown_without_its_password() {
        for (word, shown) in [
            (
                "--sorce=postgres://app:pw@db/d?x=1",
                Some("postgres://app:******@db/d?x=1"),
            ),
            ("postgres://app:p@w@db/d", Some("postgres://app:******@db/d")),
            (
                "postgres://app@db/d?sslmode=on&password=pw",
                Some("postgres://app@db/d?sslmode=on&password=******"),
            ),
            ("postgres://app@db/d", None),
            ("postgres://app:${PW}@db/d", None),
            ("sqlite://a:b@c.db", None),
            ("tasks.json", None),
        ] {
            assert_eq!(
                concealed(word).map(|(_, shown)| shown).as_deref(),
                shown,
                "{word}"
            );
        }
    }

    #[test]
    fn a_secret_file_must_be_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pw");
        std::fs::write(&path, "filesecret\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = resolve("${file:pw}", "here", folder.path(), &lookup).unwrap_err();
        assert!(error.message.contains("0644"), "{error}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let got = resolve("${file:pw}", "here", folder.path(), &lookup).unwrap();
        assert_eq!((got.expose(), got.shown.as_str()), ("filesecret", MASK));
    }
}
