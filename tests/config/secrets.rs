//! Fault case E78: canary secrets in every form and place, and none of them anywhere but in the environment file.

use maos_migrate::engine::config::{OutputFormat, Profile};
use maos_migrate::engine::workspace::secrets::found_in;

use crate::{Case, mode};

/// Every spelling of the canary's recognisable core; the rest of each secret is its disguise.
const CORE: &str = "C4nary";

/// Everything that a person or a later program could read, except the environment file.
fn surfaces(case: &Case) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    match case.plan() {
        Err(error) => texts.push(("error".to_owned(), format!("{error} {error:?}"))),
        Ok(prepared) => {
            texts.push((
                "debug".to_owned(),
                format!("{prepared:?} {:?} {:?}", case.request, prepared.view),
            ));
            texts.push((
                "plan".to_owned(),
                serde_json::to_string(&prepared.plan).expect("JSON"),
            ));
            texts.push((
                "report".to_owned(),
                serde_json::to_string(&prepared.report).expect("JSON"),
            ));
            let outcome = crate::apply_at(&prepared, "2026-11-22T14:26:40Z");
            texts.push((
                "outcome".to_owned(),
                serde_json::to_string(&outcome).expect("JSON"),
            ));
        }
    }
    if let Ok(entries) = std::fs::read_dir(case.path("out")) {
        for entry in entries {
            let path = entry.expect("an entry").path();
            if !path.ends_with("maos.env") {
                texts.push((
                    path.display().to_string(),
                    std::fs::read_to_string(&path).expect("text"),
                ));
            }
        }
    }
    texts
}

fn check(name: &str, text: &str, kept: bool) {
    for profile in Profile::ALL {
        for format in [OutputFormat::Yaml, OutputFormat::Json] {
            let case = Case::with(name, text, |request| {
                request.profile = profile;
                request.format = format;
            });
            for (surface, shown) in surfaces(&case) {
                assert!(!shown.contains(CORE), "{surface} of {text:?}: {shown}");
            }
            if kept && profile != Profile::Shipped {
                assert!(
                    case.environment().contains(CORE),
                    "{text:?} is kept in the environment file"
                );
                assert_eq!(mode(&case.path("out/maos.env")), 0o600);
            }
        }
    }
}

#[test]
fn fault_e78_secrets_stand_in_the_environment_file_only() {
    for (name, text) in [
        (
            "legacy.yml",
            "database: {host: h, name: n, user: u, password: 'C4nary:/@ \"x'}\n",
        ),
        ("legacy.yml", "db_url: postgres://u:C4nary%2Fx@h/n\n"),
        (
            "legacy.yml",
            "db_url: \"host=h dbname=n user=u password = 'C4nary x'\"\n",
        ),
        (
            "legacy.yml",
            "db_url: 'Server=h;Database=n;User Id=u;Password = C4nary;'\n",
        ),
        ("legacy.yml", "redis_host: h\nredis_password: C4nary\n"),
        ("legacy.yml", "redis_url: redis://:C4nary@h/1\n"),
        ("legacy.json", "{\"redis_url\": \"redis://:C4nary@h/1\"}"),
        ("legacy.env", "DB_HOST=h\nDB_NAME=n\nDB_PASSWORD='C4nary $x'\n"),
        (
            "legacy.yml",
            "db_url: postgres://u:C4n@h/n?password=C4nary\ndb_password: C4nary\n",
        ),
    ] {
        check(name, text, !text.contains("C4n@h"));
    }
}

#[test]
fn fault_e78_secrets_that_map_nowhere_are_masked() {
    for text in [
        "broker: amqp://guest:C4nary@h/v\n",
        "api_key: C4nary\nnested: {token: C4nary, list: [{secret: C4nary}]}\n",
        "hook: https://h/x?token=C4nary&y=1\n",
        "other_dsn: 'host=h Password = C4nary'\n",
        "jwt_secret: C4nary\n",
    ] {
        check("legacy.yml", text, false);
    }
}

#[test]
fn fault_e78_errors_and_refusals_do_not_repeat_secrets() {
    for (name, text) in [
        ("legacy.yml", "db_url: postgres://u:C4nary/x@h/n\n"),
        ("legacy.yml", "db_url: postgres://u:C4nary%zz@h/n\n"),
        ("legacy.yml", "db_url: C4nary@h=x\n  bad\n"),
        ("legacy.yml", "password: \"C4nary\n"),
        ("legacy.yml", "password: C4nary\n\tother: 1\n"),
        ("legacy.yml", "password: &x C4nary\npassword: *x\n"),
        ("legacy.yml", "password: !vault C4nary\n"),
        ("legacy.json", "{\"password\": \"C4nary}"),
        ("legacy.json", "{\"password\": C4nary}"),
        ("legacy.env", "PASSWORD='C4nary\n"),
        ("legacy.env", "C4nary\n"),
        (
            "legacy.yml",
            "redis_host: h\nredis_port: x\nredis_password: C4nary\n",
        ),
        ("legacy.yml", "redis_password: [C4nary]\n"),
        ("legacy.yml", "worker_count: 3\ndatabase: {password: C4nary}\n"),
    ] {
        check(name, text, false);
    }
}

#[test]
fn fault_e78_typed_secrets_are_kept_apart_too() {
    let case = Case::with("legacy.yml", "db_url: postgres://u:old@h/n\n", |request| {
        request
            .decisions
            .edits
            .insert("MAOS_DB_PASSWORD".to_owned(), "C4nary:typed".into());
    });
    for (surface, shown) in surfaces(&case) {
        assert!(!shown.contains(CORE), "{surface}: {shown}");
    }
    assert!(case.environment().contains("MAOS_DB_PASSWORD=C4nary%3Atyped\n"));
    assert!(!case.environment().contains("old"));

    // The shipped profile has the whole address in the environment, and so the new password too.
    let case = Case::with("legacy.yml", "redis_url: redis://:old@h/1\n", |request| {
        request.profile = Profile::Shipped;
        let decisions = &mut request.decisions;
        decisions
            .edits
            .insert("MAOS_REDIS_URL".to_owned(), "${NEW}".into());
        decisions
            .environment
            .insert("NEW".to_owned(), "C4nary:third".into());
    });
    for (surface, shown) in surfaces(&case) {
        assert!(!shown.contains(CORE), "{surface}: {shown}");
    }
    assert!(found_in("driver said: C4nary:third"));
    assert!(
        case.environment()
            .contains("MAOS_REDIS_URL=redis://:C4nary%3Athird@h:6379/1\n")
    );

    let case = Case::with("legacy.yml", "", |request| {
        request
            .decisions
            .edits
            .insert("MAOS_DB_PASSWORD".to_owned(), "C4nary".into());
    });
    assert_eq!(case.environment(), "");
    let findings = case.report().findings;
    assert!(
        findings.iter().any(|found| found.message
            == "what was typed for it is left out: database.primary_url is not set, so it needs no secret"),
        "{findings:?}"
    );

    let case = Case::with("legacy.yml", "", |request| {
        let url = "postgres://u:C4nary-second@h/n";
        request
            .decisions
            .edits
            .insert("database.primary_url".to_owned(), url.into());
    });
    for (surface, shown) in surfaces(&case) {
        assert!(!shown.contains(CORE), "{surface}: {shown}");
    }
    assert!(case.environment().contains("MAOS_DB_PASSWORD=C4nary-second\n"));
}

#[test]
fn fault_e78_the_length_of_a_secret_is_not_told_and_all_are_registered() {
    let views = ["ab", "a-much-longer-secret-with-29ch"].map(|password| {
        let case = Case::new(
            "legacy.yml",
            &format!("redis_host: h\nredis_password: {password}\n"),
        );
        let prepared = case.plan().expect("a plan");
        (
            format!("{:?}", prepared.view),
            serde_json::to_string(&prepared.report).expect("JSON").len(),
        )
    });
    assert_eq!(views[0].0, views[1].0);
    assert!(found_in("driver said: a-much-longer-secret-with-29ch"));
}
