//! Configuration: what becomes of every legacy key, by defect and fault number, and what the released MAOS says to it.

#![cfg(test)]

mod defects;
mod faults;
mod properties;
mod screen;
mod secrets;
mod session;
mod shipped_maos;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use maos_migrate::engine::config::{Prepared, Profile, Report, Request, apply, plan};
use maos_migrate::engine::operation::{Control, Outcome};
use maos_migrate::engine::{Error, Result};
use serde_json::Value as Json;

/// A folder with one legacy file, converted in place.
struct Case {
    folder: tempfile::TempDir,
    request: Request,
}

impl Case {
    fn new(name: &str, text: &str) -> Self {
        Self::with(name, text, |_| ())
    }

    fn with(name: &str, text: &str, change: impl FnOnce(&mut Request)) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let source = folder.path().join(name);
        std::fs::write(&source, text).expect("the legacy file");
        std::fs::set_permissions(&source, std::fs::Permissions::from_mode(0o600)).expect("its mode");
        let mut request = Request::new(source, folder.path().join("out/maos_config.yml"));
        change(&mut request);
        Self { folder, request }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn source(&self) -> &Path {
        self.request.source.as_deref().expect("a source")
    }

    fn plan(&self) -> Result<Prepared> {
        plan(&self.request, &Control::silent())
    }

    fn report(&self) -> Report {
        self.plan().expect("a plan").report
    }

    fn refusal(&self) -> Error {
        self.plan().expect_err("must be refused")
    }

    fn apply(&self) -> Outcome {
        apply_at(&self.plan().expect("a plan"), "2026-11-22T14:26:40Z")
    }

    /// The written configuration as a tree, whatever its format.
    fn written(&self) -> Json {
        self.apply();
        let text = std::fs::read_to_string(&self.request.out).expect("the written file");
        maos_migrate::engine::yaml::from_str("out", &text).expect("readable")
    }

    fn environment(&self) -> String {
        std::fs::read_to_string(self.path("out/maos.env")).unwrap_or_default()
    }
}

fn apply_at(prepared: &Prepared, now: &str) -> Outcome {
    let outcome = apply(prepared, now.parse().expect("a time"), &Control::silent()).expect("applied");
    assert!(outcome.proved(), "{outcome:?}");
    outcome
}

/// The value at a dotted path, `null` when absent.
fn at<'a>(tree: &'a Json, path: &str) -> &'a Json {
    path.split('.').fold(tree, |tree, part| &tree[part])
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

/// `(key, line, column, code)` of every legacy key that is not written.
fn unmapped(report: &Report) -> Vec<(&str, u64, u64, &str)> {
    report
        .unmapped
        .iter()
        .map(|entry| (entry.key.as_str(), entry.line, entry.column, entry.code.as_str()))
        .collect()
}

#[test]
fn the_sample_is_converted_in_every_profile_and_every_key_is_accounted_for() {
    let text = std::fs::read_to_string("assets/sample/legacy/config.yml").expect("the sample");
    for profile in Profile::ALL {
        let case = Case::with("config.yml", &text, |request| request.profile = profile);
        let report = case.report();
        assert_eq!(report.keys, 16);
        assert_eq!(report.mapped.len() + report.unmapped.len(), 16, "{profile}");
        insta::assert_snapshot!(
            format!("sample_{profile}"),
            std::fs::read_to_string({
                case.apply();
                &case.request.out
            })
            .expect("the written file")
        );
    }
}

#[test]
fn the_view_shows_both_sides_with_marks_and_without_secrets() {
    let text = std::fs::read_to_string("assets/sample/legacy/config.yml").expect("the sample");
    let view = Case::new("config.yml", &text).plan().expect("a plan").view;
    let mut shown = format!("{}\n", view.headline());
    for row in &view.rows {
        writeln!(
            shown,
            "{:>3} {:<50} | {} {}",
            row.place.line,
            row.legacy,
            row.mark.glyph(),
            row.maos
        )
        .expect("a text");
    }
    for conflict in &view.conflicts {
        writeln!(shown, "{conflict:?}").expect("a text");
    }
    insta::assert_snapshot!("sample_view", shown);
}
