//! Secrets that must not come out: planted where secrets come from, looked for in everything the program leaves.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{Ran, command, finish, run};

/// Every form in which `secret` could be recognised again.
fn forms(secret: &str) -> Vec<String> {
    let percent = |lower: bool, keep: fn(u8) -> bool| {
        secret.bytes().fold(String::new(), |text, byte| match byte {
            b if keep(b) => text + &char::from(b).to_string(),
            b if lower => format!("{text}%{b:02x}"),
            b => format!("{text}%{b:02X}"),
        })
    };
    let unreserved: fn(u8) -> bool = |b| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let json = serde_json::to_string(secret).unwrap();
    let mut forms = vec![
        secret.to_owned(),
        json.trim_matches('"').to_owned(),
        percent(false, unreserved),
        percent(true, unreserved),
        percent(false, unreserved).replace("%20", "+"),
        secret.replace('\'', "''"),
        secret
            .bytes()
            .fold(String::new(), |text, b| format!("{text}{b:02x}")),
    ];
    // Base64 shows a text in one of three ways, by where it begins.
    for shift in 0..3 {
        let bytes: Vec<u8> = std::iter::repeat_n(b'.', shift).chain(secret.bytes()).collect();
        let coded = base64(&bytes[..bytes.len() / 3 * 3]);
        forms.push(coded[if shift == 0 { 0 } else { 4 }..].to_owned());
    }
    forms.sort();
    forms.dedup();
    forms
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks_exact(3)
        .flat_map(|c| {
            let n = u32::from(c[0]) << 16 | u32::from(c[1]) << 8 | u32::from(c[2]);
            [18, 12, 6, 0].map(|shift| char::from(LETTERS[(n >> shift & 63) as usize]))
        })
        .collect()
}

/// Where `secret` shows in `bytes`, if it does.
fn betrayal(bytes: &[u8], secret: &str) -> Option<String> {
    forms(secret)
        .into_iter()
        .find(|form| bytes.windows(form.len()).any(|window| window == form.as_bytes()))
}

fn silent(place: &str, bytes: &[u8], secrets: &[&str]) {
    for secret in secrets {
        if let Some(form) = betrayal(bytes, secret) {
            panic!("{place} holds a secret as {form:?}");
        }
    }
}

fn silent_run(ran: &Ran, secrets: &[&str]) {
    silent("standard output", ran.out.as_bytes(), secrets);
    silent("standard error", ran.err.as_bytes(), secrets);
}

/// Every file under `folder`, leaving out the legacy system itself.
fn written(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            if entry.file_name() != "legacy" {
                found.append(&mut written(&entry.path()));
            }
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn the_search_finds_every_form() {
    let secret = "canary:/@ Köln'42";
    for form in forms(secret) {
        let text = format!("before {form} after");
        assert!(betrayal(text.as_bytes(), secret).is_some(), "{form}");
    }
    for prefix in ["", "x", "xy"] {
        let text = format!("{prefix}{secret}zzz");
        let bytes = text.as_bytes();
        let coded = base64(&bytes[..bytes.len() / 3 * 3]);
        assert!(betrayal(coded.as_bytes(), secret).is_some(), "{prefix:?}");
    }
    assert_eq!(betrayal(b"canary: Koeln", secret), None);
}

/// The password in the sample's own configuration.
fn sample_secret() -> &'static str {
    let config = include_str!("../../assets/sample/legacy/config.yml");
    let line = config
        .lines()
        .find(|line| line.trim_start().starts_with("password:"))
        .unwrap();
    line.split('\'').nth(1).unwrap()
}

#[test]
fn fault_e78_the_demo_writes_no_secret_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let secret = sample_secret();
    assert!(secret.len() > 8);
    let ran = run(folder.path(), &["demo", "--headless", "-w", "acme"]);
    assert_eq!(ran.code, Some(4), "{ran:#?}");
    silent_run(&ran, &[secret]);
    let files = written(&folder.path().join("acme"));
    assert!(files.len() > 8, "{files:?}");
    for file in files {
        if file.ends_with("config/maos.env") {
            // The one file that is there to hold them, for MAOS; only its owner may read it.
            let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        } else {
            silent(&file.display().to_string(), &fs::read(&file).unwrap(), &[secret]);
        }
    }
    silent_run(
        &run(folder.path(), &["journal", "export", "-w", "acme"]),
        &[secret],
    );
    silent_run(
        &run(folder.path(), &["doctor", "--json", "-w", "acme"]),
        &[secret],
    );
}

const LITERAL: &str = "lit:/@eral Canary1";
const REFERENCED: &str = "ref#er?enced Canary2";
const FILED: &str = "fi%led&Canary3";

/// A workspace whose databases do not answer, with a secret of every kind in its settings.
fn unreachable(folder: &Path) {
    let encoded = "lit%3A%2F%40eral%20Canary1";
    fs::create_dir_all(folder.join("acme")).unwrap();
    let secret = folder.join("acme/password");
    fs::write(&secret, FILED).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&secret, mode).unwrap();
    fs::write(
        folder.join("acme/migration.yml"),
        format!(
            "name: acme\ntype: brownfield\nenvironment: staging\nsources:\n  database: postgres://app:{encoded}@127.0.0.1:1/legacy\n\
             target:\n  database: postgres://maos:${{CANARY}}@127.0.0.1:1/maos?options=${{file:password}}\n"
        ),
    )
    .unwrap();
}

#[test]
fn fault_e78_errors_about_databases_hold_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    unreachable(folder.path());
    let secrets = [LITERAL, REFERENCED, FILED];
    let literal_url = "postgres://maos:lit%3A%2F%40eral%20Canary1@127.0.0.1:1/maos";
    for args in [
        &["assess", "-w", "acme"][..],
        &["assess", "-w", "acme", "--json"],
        &["schema", "plan", "-w", "acme"],
        &["schema", "apply", "-w", "acme", "--yes", "--json"],
        &["doctor", "-w", "acme"],
        &[
            "schema",
            "plan",
            "--source",
            literal_url,
            "--target",
            "sqlite://out.db",
        ],
        &[
            "schema",
            "plan",
            "--json",
            "--source",
            "postgres://maos:${CANARY}@127.0.0.1:1/a",
            "--target",
            literal_url,
        ],
    ] {
        let mut command = command(folder.path(), args);
        command.env("CANARY", REFERENCED);
        let ran = finish(command);
        silent_run(&ran, &secrets);
        assert!(!ran.err.contains("panicked"), "{ran:#?}");
    }
    for file in written(&folder.path().join("acme")) {
        if !file.ends_with("migration.yml") && !file.ends_with("password") {
            silent(&file.display().to_string(), &fs::read(&file).unwrap(), &secrets);
        }
    }
}

#[test]
fn fault_e78_a_literal_password_is_used_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    unreachable(folder.path());
    let mut command = command(folder.path(), &["doctor", "--json", "-w", "acme"]);
    command.env("CANARY", REFERENCED);
    let ran = finish(command);
    assert!(
        ran.out.contains("literal password") && ran.out.contains("line 5"),
        "{ran:#?}"
    );
    silent_run(&ran, &[LITERAL, REFERENCED, FILED]);
}

#[test]
fn fault_e78_a_secret_in_a_broken_settings_file_is_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("acme")).unwrap();
    for bad in [
        "name: acme\nsources:\n  database: postgres://app:Canary4secret@h/x\n  databse: Canary4secret\n",
        "name: acme\nsources:\n  postgres://app:Canary4secret@h/x: here\n",
        "name: acme\ntype: postgres://app:Canary4secret@h/x\n",
        "name: acme\nmaos: {env: {API_TOKEN: Canary4secret}}\nenvironment: Canary4secret\n",
        "name: acme\ntarget: {database: [postgres://app:Canary4secret@h/x]}\n",
        "name: acme\nsources:\n  database: \"postgres://app:Canary4secret@h/x\n",
    ] {
        fs::write(folder.path().join("acme/migration.yml"), bad).unwrap();
        for args in [
            &["assess", "-w", "acme"][..],
            &["doctor", "-w", "acme"],
            &["assess", "-w", "acme", "--json"],
        ] {
            let ran = run(folder.path(), args);
            assert_ne!(ran.code, Some(0), "{ran:#?}");
            silent_run(&ran, &["Canary4secret"]);
        }
    }
}

/// A password that is a word of the program's own, or the user's name, is masked in its address; it stops no file and takes no word away.
#[test]
fn a_password_like_a_name_stops_nothing() {
    for (address, inherited) in [
        ("postgres://maos:maos@127.0.0.1:1/maos", "postgres"),
        ("postgres://acme_app:acme_app@127.0.0.1:1/acme_app", "report"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("acme")).unwrap();
        fs::write(
            folder.path().join("acme/migration.yml"),
            format!(
                "name: acme\ntype: brownfield\nenvironment: staging\nsources:\n  database: {address}\ntarget:\n  database: sqlite://out.db\n"
            ),
        )
        .unwrap();
        for verb in ["assess", "readiness", "report"] {
            let mut command = command(folder.path(), &[verb, "-w", "acme"]);
            command.env("PGPASSWORD", inherited);
            let ran = finish(command);
            assert_eq!(ran.code, Some(0), "{verb} {address}: {ran:#?}");
            let masked = format!("{}{}", ran.out, ran.err).replace(":******@", "");
            assert!(!masked.contains("******"), "{verb} {address}: {ran:#?}");
        }
        let journal = run(folder.path(), &["journal", "export", "-w", "acme"]).out;
        assert!(
            journal.contains("report/report.md") && !journal.contains("withheld"),
            "{journal}"
        );
    }
}
