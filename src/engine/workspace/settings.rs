//! `migration.yml`: what moves, where to, and how carefully. Read strictly; every refusal names line and column.
//!
//! To add a setting: a field in `Raw` or one of its parts, its meaning in [`Settings`], a line in `assets/migration.yml`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::driving::{
    BackupSettings, CompareSettings, Driving, LegacySettings, MaosSettings, MonitorSettings,
    RehearsalSettings,
};
use super::identity::Identity;
use super::kept;
use super::secrets::{self, Lookup, Resolved};
use super::{SETTINGS_FILE, Workspace};
use crate::engine::error::{Error, Result};
use crate::engine::yaml::{self, Spanned};

/// The settings file that a new workspace starts with.
pub const TEMPLATE: &str = include_str!("../../../assets/migration.yml");

/// The four migrations of the guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationType {
    /// New projects starting with MAOS.
    Greenfield,
    /// Existing systems adapting to MAOS.
    Brownfield,
    /// Gradual transition with parallel operation.
    Hybrid,
    /// Moving between MAOS versions.
    VersionUpgrade,
}

impl MigrationType {
    /// All four, in the guide's order.
    pub const ALL: [Self; 4] = [
        Self::Greenfield,
        Self::Brownfield,
        Self::Hybrid,
        Self::VersionUpgrade,
    ];

    /// As people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Greenfield => "greenfield",
            Self::Brownfield => "brownfield",
            Self::Hybrid => "hybrid",
            Self::VersionUpgrade => "version upgrade",
        }
    }

    /// As it stands in `migration.yml`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::VersionUpgrade => "version_upgrade",
            other => other.title(),
        }
    }

    /// The guide's sentence about it.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Greenfield => "New projects starting with MAOS",
            Self::Brownfield => "Existing systems adapting to MAOS",
            Self::Hybrid => "Gradual transition with parallel operation",
            Self::VersionUpgrade => "Moving between MAOS versions",
        }
    }
}

/// How careful the target is to be treated. Unlabelled counts as production.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// People depend on it.
    Production,
    /// A copy that people test on.
    Staging,
    /// A developer's own.
    Development,
    /// Embedded stand-ins, nothing outside the workspace.
    Rehearsal,
    /// Nobody said; treated as production.
    #[default]
    Unlabelled,
}

impl Environment {
    /// The word in capitals that is always on the screen.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Production => "PRODUCTION",
            Self::Staging => "STAGING",
            Self::Development => "DEVELOPMENT",
            Self::Rehearsal => "REHEARSAL",
            Self::Unlabelled => "UNLABELLED",
        }
    }

    /// Whether a mistake hurts people.
    #[must_use]
    pub const fn is_production(self) -> bool {
        matches!(self, Self::Production | Self::Unlabelled)
    }
}

/// What becomes of rows that the legacy system is running while they are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunningRows {
    /// Wait until none runs.
    Drain,
    /// Copy them as queued work owned by MAOS.
    Claim,
    /// Leave them behind, listed.
    Keep,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawSources {
    tasks: Option<Spanned<String>>,
    checkpoints: Option<Spanned<String>>,
    config: Option<Spanned<String>>,
    database: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawTarget {
    database: Option<Spanned<String>>,
    maos: Option<Spanned<String>>,
}

/// The part of `migration.yml` that tunes the steps. All fields have a default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tuning {
    /// Nothing can be applied.
    pub read_only: bool,
    /// Every operation stops after its plan.
    pub dry_run: bool,
    /// Where backups lie.
    pub backups: Option<PathBuf>,
    /// The scoring rules: `default` or `guide`.
    pub rules: String,
    /// The configuration profile: `guide`, `reference` or `shipped`.
    pub profile: String,
    /// `yaml` or `json`.
    pub config_format: String,
    /// The legacy table.
    pub source_table: String,
    /// MAOS's table.
    pub target_table: String,
    /// The decision about running rows, when it is made.
    pub running_rows: Option<RunningRows>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            read_only: false,
            dry_run: false,
            backups: None,
            rules: "default".to_owned(),
            profile: "guide".to_owned(),
            config_format: "yaml".to_owned(),
            source_table: "legacy_tasks".to_owned(),
            target_table: "tasks".to_owned(),
            running_rows: None,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: Spanned<String>,
    #[serde(rename = "type")]
    kind: Option<MigrationType>,
    #[serde(default)]
    environment: Environment,
    operator: Option<String>,
    #[serde(default)]
    sources: Option<RawSources>,
    #[serde(default)]
    target: Option<RawTarget>,
    #[serde(default)]
    settings: Option<Tuning>,
    #[serde(default)]
    maos: Option<MaosSettings>,
    #[serde(default)]
    legacy: Option<LegacySettings>,
    #[serde(default)]
    compare: Option<CompareSettings>,
    #[serde(default)]
    monitor: Option<MonitorSettings>,
    #[serde(default)]
    backup: Option<BackupSettings>,
    #[serde(default)]
    rehearsal: Option<RehearsalSettings>,
}

/// A file or folder named in the settings, with the place where it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The path, absolute.
    pub path: PathBuf,
    /// As written.
    pub written: String,
    /// `migration.yml line 8, column 10`.
    pub place: String,
}

impl Named {
    /// Refuses a path that is not there, with a near name when there is one.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Input`] naming the place in the settings.
    pub fn must_exist(&self) -> Result<()> {
        if self.path.exists() {
            return Ok(());
        }
        let error = Error::input(format!("not found: {} ({})", self.written, self.place));
        Err(match self.nearest() {
            Some(near) => error.hint(format!("Did you mean {near}?")),
            None => error.hint(format!(
                "Correct the path in {SETTINGS_FILE}, or remove the line."
            )),
        })
    }

    /// The entry in the same folder whose name is most like the missing one.
    fn nearest(&self) -> Option<String> {
        let name = self.path.file_name()?.to_str()?;
        let folder = self.path.parent()?;
        let written_folder = self
            .written
            .trim_end_matches('/')
            .rsplit_once('/')
            .map(|(folder, _)| folder);
        let (score, near) = std::fs::read_dir(folder)
            .ok()?
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .map(|entry| (strsim::jaro_winkler(name, &entry), entry))
            .max_by(|a, b| a.0.total_cmp(&b.0))?;
        (score > 0.8)
            .then(|| written_folder.map_or_else(|| near.clone(), |folder| format!("{folder}/{near}")))
    }
}

/// A database named in the settings, its secrets resolved.
#[derive(Debug, Clone)]
pub struct Database {
    /// The URL; `expose` for connecting, `shown` for people.
    pub url: Resolved,
    /// `migration.yml line 11, column 13`.
    pub place: String,
}

/// The settings of a workspace, checked and resolved.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name of this migration.
    pub name: String,
    /// Which of the four; `None` until it is chosen.
    pub kind: Option<MigrationType>,
    /// How careful to be.
    pub environment: Environment,
    /// Who operates, when the file says so.
    pub operator: Option<String>,
    /// The legacy tasks file.
    pub tasks: Option<Named>,
    /// The folder of legacy checkpoints.
    pub checkpoints: Option<Named>,
    /// The legacy configuration.
    pub config: Option<Named>,
    /// The legacy database.
    pub source: Option<Database>,
    /// MAOS's database.
    pub target: Option<Database>,
    /// How MAOS is reached: a path to its executable, or `rehearsal`.
    pub maos: Option<String>,
    /// Everything else about the steps.
    pub tuning: Tuning,
    /// How the systems on both sides are driven, compared, watched and backed up.
    pub driving: Driving,
    /// Sentences to show: literal passwords and the like.
    pub warnings: Vec<String>,
}

impl Settings {
    /// Reads `migration.yml` of `workspace`.
    ///
    /// # Errors
    /// No file (with what to do), or a finding with line and column.
    pub fn load(workspace: &Workspace, lookup: Lookup<'_>) -> Result<Self> {
        let path = workspace.settings_file();
        let text = std::fs::read_to_string(&path).map_err(|error| {
            if error.kind() == std::io::ErrorKind::NotFound {
                Error::input(format!("no {SETTINGS_FILE} in {}", workspace.root().display()))
                    .hint("Start the wizard there (maos-migrate -w DIR), or maos-migrate demo for a sample.")
            } else {
                Error::io("read", &path, &error)
            }
        })?;
        kept::register_written(workspace);
        Self::parse(&text, workspace, lookup)
    }

    /// Checks and resolves the text of a settings file.
    ///
    /// # Errors
    /// A finding with line and column.
    pub fn parse(text: &str, workspace: &Workspace, lookup: Lookup<'_>) -> Result<Self> {
        kept::register_settings(SETTINGS_FILE, text, workspace.root(), lookup);
        let raw: Raw = yaml::from_str(SETTINGS_FILE, text)?;
        let name = raw.name.value.trim();
        if name.is_empty() || name.chars().any(char::is_control) || name.len() > 100 {
            return Err(Error::input(format!(
                "{}: the name is empty, too long or not plain text",
                place(&raw.name)
            ))
            .hint("Give the migration a short name."));
        }
        let (sources, target_raw) = (raw.sources.unwrap_or_default(), raw.target.unwrap_or_default());
        let tuning = raw.settings.unwrap_or_default();
        let mut warnings = Vec::new();
        let named = |field: Option<Spanned<String>>| field.map(|f| named(workspace, &f));
        let database =
            |field: Option<Spanned<String>>| field.map(|f| connect(workspace, &f, lookup)).transpose();
        let (source, target) = (database(sources.database)?, database(target_raw.database)?);
        for db in [&source, &target].into_iter().flatten() {
            warnings.extend(db.url.warning.clone());
        }
        check_word("rules", &tuning.rules, &["default", "guide"])?;
        check_word("profile", &tuning.profile, &["guide", "reference", "shipped"])?;
        check_word("config_format", &tuning.config_format, &["yaml", "json"])?;
        Ok(Self {
            name: name.to_owned(),
            kind: raw.kind,
            environment: raw.environment,
            operator: raw.operator,
            tasks: named(sources.tasks),
            checkpoints: named(sources.checkpoints),
            config: named(sources.config),
            source,
            target,
            maos: target_raw.maos.map(|m| m.value),
            tuning,
            driving: Driving {
                maos: raw.maos.unwrap_or_default(),
                legacy: raw.legacy.unwrap_or_default(),
                compare: raw.compare.unwrap_or_default(),
                monitor: raw.monitor.unwrap_or_default(),
                backup: raw.backup.unwrap_or_default(),
                rehearsal: raw.rehearsal.unwrap_or_default(),
            },
            warnings,
        })
    }

    /// The target as it stands in the top bar: `db.acme:5432/maos`, a file, or `no target`.
    #[must_use]
    pub fn target_words(&self) -> String {
        self.target
            .as_ref()
            .map_or_else(|| "no target".to_owned(), |db| target_words(&db.url.shown))
    }

    /// What the journal must agree with: those databases that are named.
    #[must_use]
    pub fn identity(&self) -> Vec<Identity> {
        [
            ("sources.database", &self.source),
            ("target.database", &self.target),
        ]
        .into_iter()
        .filter_map(|(name, database)| Some(Identity::new(name, &database.as_ref()?.url)))
        .collect()
    }
}

fn target_words(url: &str) -> String {
    if let Some(path) = url.strip_prefix("sqlite:") {
        return path
            .trim_start_matches("//")
            .split('?')
            .next()
            .unwrap_or(path)
            .to_owned();
    }
    match url::Url::parse(url) {
        Ok(parsed) => {
            let host = parsed.host_str().unwrap_or("localhost").to_owned();
            let port = parsed.port().map_or_else(String::new, |port| format!(":{port}"));
            format!("{host}{port}{}", parsed.path())
        }
        Err(_) => url.to_owned(),
    }
}

fn check_word(key: &str, value: &str, allowed: &[&str]) -> Result<()> {
    if allowed.contains(&value) {
        return Ok(());
    }
    Err(Error::input(format!(
        "{SETTINGS_FILE}: settings.{key} is {value}, which is not known"
    ))
    .hint(format!("Write one of: {}.", allowed.join(", "))))
}

fn place(field: &Spanned<String>) -> String {
    format!(
        "{SETTINGS_FILE} line {}, column {}",
        field.referenced.line(),
        field.referenced.column()
    )
}

fn named(workspace: &Workspace, field: &Spanned<String>) -> Named {
    Named {
        path: workspace.path(&field.value),
        written: field.value.clone(),
        place: place(field),
    }
}

fn connect(workspace: &Workspace, field: &Spanned<String>, lookup: Lookup<'_>) -> Result<Database> {
    let place = place(field);
    let url = resolve_url(&field.value, &place, workspace, lookup)?;
    Ok(Database { url, place })
}

/// Resolves a database URL from the settings or the command line: references, and for SQLite a path relative to the workspace.
///
/// # Errors
/// A scheme that is not `postgres://`, `postgresql://` or `sqlite://`, and everything [`secrets::resolve`] refuses.
pub fn resolve_url(text: &str, place: &str, workspace: &Workspace, lookup: Lookup<'_>) -> Result<Resolved> {
    let mut url = secrets::resolve(text, place, workspace.root(), lookup)?;
    let known = ["postgres://", "postgresql://", "sqlite://", "sqlite:"];
    if !known.iter().any(|scheme| url.expose().starts_with(scheme)) {
        return Err(
            Error::input(format!("{place}: the database URL has an unknown scheme"))
                .hint("Write postgres://USER@HOST:PORT/DATABASE or sqlite://FILE."),
        );
    }
    if let Some(path) = url.expose().strip_prefix("sqlite:") {
        let path = path.trim_start_matches("//");
        let absolute = workspace.path(path);
        url.value = secrecy::SecretString::from(format!("sqlite://{}", absolute.display()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> (tempfile::TempDir, Workspace) {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path()).unwrap();
        (folder, workspace)
    }

    fn parse(text: &str) -> Result<Settings> {
        let (_folder, workspace) = workspace();
        Settings::parse(text, &workspace, &|name| {
            (name == "PW").then(|| "canary-4711".to_owned())
        })
    }

    #[test]
    fn the_template_is_valid() {
        let settings = parse(TEMPLATE).unwrap();
        assert_eq!(settings.kind, None);
        assert_eq!(settings.environment, Environment::Unlabelled);
    }

    #[test]
    fn fault_e77_every_finding_names_its_place() {
        for (text, words) in [
            ("name: a\nsuorces: {}\n", ["line 2, column 1", "suorces"]),
            ("name: a\nname: b\n", ["line 2, column 1", "duplicate"]),
            ("name: a\ntype: bronwfield\n", ["line 2, column 7", "bronwfield"]),
            (
                "name: a\nsettings:\n  read_only: maybe\n",
                ["line 3, column 14", "bool"],
            ),
            (
                "name: a\nsources:\n  database: mysql://x/y\n",
                ["line 3, column 13", "unknown scheme"],
            ),
            (
                "name: a\ntarget:\n  database: postgres://u:${NOPE}@h/d\n",
                ["line 3, column 13", "NOPE is not set"],
            ),
            ("type: hybrid\n", ["line", "name"]),
        ] {
            let error = parse(text).unwrap_err();
            assert!(
                words.iter().all(|word| error.message.contains(word)),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn fault_e78_passwords_are_never_shown() {
        let text = "name: a\nsources:\n  database: postgres://u:${PW}@h/d\ntarget:\n  database: postgres://u:literal-pw@h:5433/m\n";
        let settings = parse(text).unwrap();
        let shown = format!("{settings:?}");
        assert!(
            !shown.contains("canary-4711") && !shown.contains("literal-pw"),
            "{shown}"
        );
        assert_eq!(settings.target_words(), "h:5433/m");
        assert!(settings.warnings[0].contains("line 5"), "{:?}", settings.warnings);
    }

    #[test]
    fn a_missing_file_is_named_with_its_place_and_a_near_name() {
        let (folder, workspace) = workspace();
        std::fs::create_dir(folder.path().join("legacy")).unwrap();
        std::fs::write(folder.path().join("legacy/tasks.json"), "[]").unwrap();
        let settings = Settings::parse(
            "name: a\nsources:\n  tasks: legacy/task.json\n",
            &workspace,
            &|_| None,
        )
        .unwrap();
        let error = settings.tasks.unwrap().must_exist().unwrap_err();
        assert_eq!(
            error.message,
            "not found: legacy/task.json (migration.yml line 3, column 10)"
        );
        assert_eq!(error.hint.as_deref(), Some("Did you mean legacy/tasks.json?"));
    }
}
