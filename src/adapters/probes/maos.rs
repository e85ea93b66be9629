//! MAOS: the version of the installed package.
//!
//! The package's metadata is read as files, because what `maos version` prints is wrong before 0.8.9. Only a program
//! without a package around it is asked, with `--version`; no other command of it is ever run.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::command::{tell, version_in};
use super::{is_program, on_path};
use crate::engine::assess::Value;
use crate::engine::ports::BoxFuture;
use crate::engine::ports::probe::{Probe, Reading};

const FIGURE: &str = "maos_version";

/// The installed MAOS.
#[derive(Debug)]
pub struct Maos {
    program: Option<PathBuf>,
}

impl Maos {
    /// `program` is its executable, where one is named; else PATH, the active virtual environment and the system's
    /// packages are looked through.
    #[must_use]
    pub fn new(program: Option<PathBuf>) -> Self {
        Self { program }
    }
}

impl Probe for Maos {
    fn id(&self) -> &'static str {
        FIGURE
    }

    fn figures(&self) -> &'static [&'static str] {
        &[FIGURE]
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn run(&self) -> BoxFuture<'_, Vec<Reading>> {
        Box::pin(async { vec![self.read().await] })
    }
}

impl Maos {
    async fn read(&self) -> Reading {
        let named = self.program.clone();
        let program = named
            .clone()
            .filter(|file| is_program(file))
            .or_else(|| on_path("maos"));
        if let (Some(named), None) = (&named, &program) {
            return Reading::none(FIGURE, format!("{} is no program", named.display()));
        }
        let prefixes = prefixes(program.as_deref());
        let found =
            tokio::task::spawn_blocking(move || prefixes.iter().find_map(|prefix| package(prefix))).await;
        match (found, program) {
            (Ok(Some((version, folder))), _) => Reading::of(
                FIGURE,
                Value::Version(version),
                format!("package metadata in {}", folder.display()),
            ),
            (_, Some(program)) => asked(&program).await,
            (_, None) => Reading::of(
                FIGURE,
                Value::Word("not installed".to_owned()),
                "package metadata, no maos in PATH",
            ),
        }
    }
}

async fn asked(program: &Path) -> Reading {
    let shown = program.display();
    match tell(program, &["--version"]).await {
        Err(why) => Reading::none(FIGURE, why),
        Ok(told) => match version_in(&told.text).filter(|_| told.ok) {
            Some(version) => Reading::of(FIGURE, Value::Version(version), format!("{shown} --version")),
            None => Reading::none(FIGURE, format!("{shown} does not say its version")),
        },
    }
}

/// The environments to look through, nearest first.
fn prefixes(program: Option<&Path>) -> Vec<PathBuf> {
    let mut prefixes = Vec::new();
    let above = |file: &Path| file.parent().and_then(Path::parent).map(Path::to_path_buf);
    if let Some(program) = program {
        // The script names its interpreter; a link in ~/.local/bin leads to the environment it belongs to.
        prefixes.extend(interpreter(program).and_then(|python| above(&python)));
        prefixes.extend(std::fs::canonicalize(program).ok().and_then(|file| above(&file)));
        prefixes.extend(above(program));
    }
    prefixes.extend(std::env::var_os("VIRTUAL_ENV").map(PathBuf::from));
    prefixes.extend(std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local")));
    prefixes.push(PathBuf::from("/usr/local"));
    prefixes.push(PathBuf::from("/usr"));
    prefixes
}

/// The interpreter in the first line of a script.
fn interpreter(script: &Path) -> Option<PathBuf> {
    let mut line = Vec::new();
    let file = std::fs::File::open(script).ok()?;
    BufReader::new(file.take(512)).read_until(b'\n', &mut line).ok()?;
    let line = String::from_utf8(line).ok()?;
    let path = line.strip_prefix("#!")?.split_whitespace().next()?;
    path.contains("python").then(|| PathBuf::from(path))
}

/// The version of the package in an environment, and the folder it lies in.
fn package(prefix: &Path) -> Option<(String, PathBuf)> {
    for lib in ["lib", "lib64"] {
        for python in folders(&prefix.join(lib), "python3") {
            for packages in ["site-packages", "dist-packages"] {
                let folder = python.join(packages);
                for info in folders(&folder, "maos") {
                    if let Some(version) = metadata(&info) {
                        return Some((version, folder));
                    }
                }
            }
        }
    }
    None
}

/// The folders inside `folder` whose names start with `start`, in order.
fn folders(folder: &Path, start: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .to_ascii_lowercase()
                .starts_with(start)
        })
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// The version in a `.dist-info` folder, when it is MAOS's.
fn metadata(info: &Path) -> Option<String> {
    if info.extension()? != "dist-info" {
        return None;
    }
    let mut text = String::new();
    let file = std::fs::File::open(info.join("METADATA")).ok()?;
    // The fields stand before the first empty line; a long description after it may be cut anywhere.
    let mut bytes = Vec::new();
    file.take(16 * 1024).read_to_end(&mut bytes).ok()?;
    text.push_str(&String::from_utf8_lossy(&bytes));
    let field = |name: &str| {
        text.lines()
            .take_while(|line| !line.is_empty())
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(str::trim)
    };
    let name = field("Name")?.to_ascii_lowercase().replace(['_', '.'], "-");
    (name == "maos-cli" || name == "maos").then(|| field("Version").map(str::to_owned))?
}
