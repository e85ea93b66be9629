//! Defect 53, proved against the released program: `maos-cli` 0.9.4 takes what profile shipped writes, and discards the
//! guide's shape.

use std::path::{Path, PathBuf};
use std::process::Command;

use maos_migrate::engine::config::{OutputFormat, Profile};
use serde_json::Value as Json;

use crate::{Case, at};

/// A virtual environment with the released MAOS, made once and kept in the target folder. `None` without a package index.
fn released_maos() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("maos-cli-0.9.4");
    let ready = folder.join("ready");
    if ready.exists() {
        return Some(folder);
    }
    // Made under another name: a run that was killed must not leave half an environment behind.
    let making = folder.with_extension(std::process::id().to_string());
    let ran = |program: &Path, arguments: &[&str]| {
        Command::new(program)
            .args(arguments)
            .status()
            .is_ok_and(|status| status.success())
    };
    let made = ran(Path::new("python3"), &["-m", "venv", making.to_str()?])
        && ran(
            &making.join("bin/python"),
            &[
                "-m",
                "pip",
                "install",
                "-q",
                "--disable-pip-version-check",
                "maos-cli==0.9.4",
                "click==8.1.8",
            ],
        );
    if !made {
        let _ = std::fs::remove_dir_all(&making);
        eprintln!(
            "SKIPPED: maos-cli 0.9.4 cannot be installed here; profile shipped is not proved against it"
        );
        return None;
    }
    std::fs::write(making.join("ready"), "").ok()?;
    // Its programs name their interpreter by path, so they are run through it and the folder may be renamed.
    let _ = std::fs::rename(&making, &folder);
    Some(folder)
}

struct Loaded {
    config: Json,
    said: String,
}

/// What the released program makes of `file`: its own loader's result, and what `maos config show` prints.
fn load(maos: &Path, file: &Path, environment: &[(&str, &str)]) -> Loaded {
    let home = tempfile::tempdir().expect("a home");
    let run = |arguments: &[&str]| {
        let output = Command::new(maos.join("bin/python"))
            .args(arguments)
            .arg(file)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", home.path())
            .env("COLUMNS", "400")
            .envs(environment.iter().copied())
            .current_dir(home.path())
            .output()
            .expect("python");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    };
    let program = "import json, sys; from maos.cli.config import load_config, validate_config; \
                   c = load_config(sys.argv[1]); i = validate_config(c); \
                   print(json.dumps({'config': c.to_dict(), 'issues': i}, default=str))";
    let said = run(&["-c", program]);
    let last = said.lines().last().expect("a line");
    let loaded: Json = serde_json::from_str(last).expect("JSON");
    assert_eq!(loaded["issues"], serde_json::json!([]), "{said}");
    let shown = run(&[
        "-c",
        "import sys; from maos.cli.main import app; sys.argv[0] = 'maos'; sys.argv[1:1] = ['config', 'show', '--format', 'json', '-c']; app()",
    ]);
    Loaded {
        config: loaded["config"].clone(),
        said: said + &shown,
    }
}

const DISCARDED: &str = "Error loading config from";

const LEGACY: &str = "worker_count: 8\nlog_level: warn\nredis_host: cache\nredis_db: 2\nredis_ssl: yes\ntask_timeout: 45m\n\
                      agents:\n  execution_timeout: 600\n  memory_limit: 2GB\nstorage_dir: /tmp/maos-storage\nretry_jitter: 1\n\
                      database: {host: h, name: n, user: u, password: xyzzy-db}\n";

#[test]
fn defect_53_the_released_maos_takes_the_shipped_profile_and_discards_the_guides() {
    let Some(maos) = released_maos() else { return };
    for format in [OutputFormat::Yaml, OutputFormat::Json] {
        let case = Case::with("legacy.yml", LEGACY, |request| {
            request.profile = Profile::Shipped;
            request.format = format;
            let storage = request.out.with_file_name("storage").display().to_string();
            request
                .decisions
                .edits
                .insert("storage.directory".to_owned(), storage.into());
        });
        let written = case.written();
        let loaded = load(&maos, &case.request.out, &[]);
        assert!(!loaded.said.contains(DISCARDED), "{}", loaded.said);
        let mut compared = 0;
        for (section, keys) in written.as_object().expect("sections") {
            for (key, value) in keys.as_object().expect("keys") {
                assert_eq!(loaded.config[section][key], *value, "{section}.{key}");
                compared += 1;
            }
        }
        assert_eq!(compared, 10, "every written key was compared");
        assert_eq!(*at(&loaded.config, "system.max_agents"), 8);
    }

    // The same legacy file in the guide's shape: the program says so and goes on with its defaults.
    let case = Case::new("legacy.yml", LEGACY);
    case.apply();
    let loaded = load(&maos, &case.request.out, &[]);
    assert!(loaded.said.contains(DISCARDED), "{}", loaded.said);
    assert_eq!(*at(&loaded.config, "system.max_agents"), 100);
}

#[test]
fn defect_53_the_released_maos_gets_the_redis_password_from_the_environment() {
    let Some(maos) = released_maos() else { return };
    let case = Case::with(
        "legacy.yml",
        "redis_url: redis://u:p%2Fw@cache:6380/3\n",
        |request| {
            request.profile = Profile::Shipped;
        },
    );
    assert_eq!(*at(&case.written(), "redis.url"), "redis://cache:6380/3");
    let environment = case.environment();
    let line = environment.lines().last().expect("a line");
    let (name, value) = line.split_once('=').expect("NAME=value");
    let loaded = load(&maos, &case.request.out, &[(name, value)]);
    assert_eq!(*at(&loaded.config, "redis.url"), "redis://u:p%2Fw@cache:6380/3");
    assert_eq!(*at(&loaded.config, "redis.enabled"), true);
}
