//! The plan: read the legacy file, convert it, and say which files would be written.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::candidate;
use super::convert;
use super::emit::{self, ENV_FILE, OutputFormat};
use super::map::{Map, Profile};
use super::model::{Conversion, Decisions, Fate, Finding, Severity};
use super::read::{self, SourceFormat};
use super::report::{self, Names, Report};
use super::secret;
use super::tree::{Document, Place, Value};
use super::view::View;
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Effect, Plan, Quarantined};
use crate::engine::text::{inert, inert_short, plural};
use crate::engine::workspace::files::{self, hex};
use crate::engine::workspace::secrets;

/// What is to be converted, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// The legacy file; `None` writes defaults only.
    pub source: Option<PathBuf>,
    /// The file to write. The environment file lies beside it.
    pub out: PathBuf,
    /// How it is written.
    pub format: OutputFormat,
    /// The shape of the result.
    pub profile: Profile,
    /// A map instead of the built-in one: its name and text.
    pub map: Option<(String, String)>,
    /// Choices, edits and the environment that references are looked up in.
    pub decisions: Decisions,
    /// Whether every conflict needs a person's decision before anything is written.
    pub require_decisions: bool,
    /// Variables of secrets that were typed in a session that is over: nothing is written until they are typed again, so
    /// that the legacy ones do not come back unnoticed.
    pub forgotten: Vec<String>,
}

impl Request {
    /// A conversion of `source` to `out` with everything else by default.
    #[must_use]
    pub fn new(source: impl Into<PathBuf>, out: impl Into<PathBuf>) -> Self {
        Self {
            source: Some(source.into()),
            out: out.into(),
            format: OutputFormat::default(),
            profile: Profile::default(),
            map: None,
            decisions: Decisions::default(),
            require_decisions: false,
            forgotten: Vec::new(),
        }
    }
}

/// The variables of this process, for [`Decisions::environment`]. Names and values that are not text are left out.
#[must_use]
pub fn environment() -> BTreeMap<String, SecretString> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?.into())))
        .collect()
}

/// Refuses a decision that would put a secret into a record. `subject` is `edit:KEY` or `choice:KEY`.
///
/// # Errors
/// [`crate::engine::ErrorKind::Input`], without the value.
pub fn check_recordable(subject: &str, choice: &serde_json::Value) -> Result<()> {
    if subject.starts_with("secret:") && !choice.is_null() {
        return Err(Error::input("a secret is not kept in the journal")
            .hint("It is set by typing it; here it can only be taken back."));
    }
    let (Some(key), Some(value)) = (subject.strip_prefix("edit:"), choice.as_str()) else {
        return Ok(());
    };
    if secret::may_be_recorded(key, value) {
        return Ok(());
    }
    Err(Error::input(format!(
        "{}: a secret is not kept in the journal",
        inert_short(key, 60)
    ))
    .hint("Set a variable and type ${NAME}, or change the legacy file."))
}

/// Whether `value` may be kept for the secret's variable `name`.
///
/// # Errors
/// [`crate::engine::ErrorKind::Input`] for a name that is no variable's, and for text that no environment file holds.
/// Without the value.
pub fn check_secret(name: &str, value: &SecretString) -> Result<()> {
    let variable = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let shown = inert_short(name, 60);
    if !variable {
        return Err(Error::input(format!("{shown} is not the variable of a secret")));
    }
    let text = value.expose_secret();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(Error::input(format!(
            "{shown}: a secret is one line of text without control characters"
        )));
    }
    Ok(())
}

/// Whether `value` may be typed for `key` (see [`super::view::Row::edit`]): it is of the right type and holds no secret.
///
/// # Errors
/// [`crate::engine::ErrorKind::Input`] with the reason, without a secret.
pub fn check_edit(profile: Profile, key: &str, value: &str) -> Result<()> {
    check_recordable(&format!("edit:{key}"), &value.into())?;
    let map = Map::built_in(profile)?;
    let decisions = Decisions {
        environment: environment(),
        ..Decisions::default()
    };
    let Some(target) = map.targets.iter().find(|target| target.path == key) else {
        // A secret's variable takes any text; a map of one's own is checked when it is used.
        return Ok(());
    };
    candidate::read(&Value::Text(value.to_owned()), target, &map, &decisions)
        .map(|_| ())
        .map_err(|trouble| Error::input(trouble.why))
}

/// A file to be written.
#[derive(Clone)]
pub(super) struct Product {
    pub(super) path: PathBuf,
    pub(super) content: SecretString,
    /// SHA-256 of what lies there now.
    pub(super) before: Option<String>,
}

impl Product {
    fn new(path: PathBuf, content: String) -> Result<Self> {
        Ok(Self {
            before: standing(&path)?,
            path,
            content: SecretString::from(content),
        })
    }

    pub(super) fn unchanged(&self) -> bool {
        self.before
            .as_ref()
            .is_some_and(|before| *before == sum(self.content.expose_secret()))
    }
}

/// A planned conversion. It holds secrets and does not show them.
#[derive(Clone)]
pub struct Prepared {
    /// What would be done.
    pub plan: Plan,
    /// Both configurations side by side.
    pub view: Arc<View>,
    /// Every key's fate.
    pub report: Report,
    /// Why it cannot be applied yet, in a sentence.
    pub blocked: Option<String>,
    pub(super) source: Option<(PathBuf, String)>,
    /// Environment file first: a configuration that names a variable must never stand without it.
    pub(super) products: Vec<Product>,
    pub(super) format: OutputFormat,
    pub(super) tree: serde_json::Value,
    pub(super) refused: Vec<Quarantined>,
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("plan", &self.plan)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

pub(super) fn sum(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// SHA-256 of the regular file at `path`, `None` when there is nothing.
pub(super) fn standing(path: &Path) -> Result<Option<String>> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("look at", path, &error)),
        Ok(meta) if meta.is_file() => files::sha256_file(path).map(Some),
        Ok(_) => Err(Error::input(format!("{} is not a regular file", path.display()))
            .hint("Symbolic links are not followed; name the file itself.")),
    }
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn shown_path(path: &Path) -> String {
    inert(&path.to_string_lossy())
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

/// Reads and converts; writes nothing.
///
/// # Errors
/// [`crate::engine::ErrorKind::Input`] for a legacy file that cannot be read, a typed value whose environment variable is
/// not set, a target that is not a regular file; [`crate::engine::ErrorKind::Usage`] for names that collide. No message holds a
/// value of the file that could be a secret.
pub fn plan(request: &Request, control: &Control) -> Result<Prepared> {
    control.safe_point()?;
    let map = match &request.map {
        Some((name, text)) => Map::parse(name, text)?,
        None => Map::built_in(request.profile)?,
    };
    let out_name = name_of(&request.out);
    let env_path = request.out.with_file_name(ENV_FILE);
    let report_path = report_path(&request.out);
    if out_name.is_empty() || out_name == ENV_FILE {
        return Err(usage(format!(
            "{} cannot be the name of the configuration",
            request.out.display()
        )));
    }
    let (document, source, mut findings) = read_source(request, &[&request.out, &env_path, &report_path])?;
    secret::register_all(&document.leaves);
    for edit in request
        .decisions
        .edits
        .iter()
        .filter(|(key, _)| !key.contains('.'))
    {
        secrets::register(edit.1.expose_secret());
    }
    let mut conversion = convert::convert(&document, &map, &request.decisions)?;
    for secret in &conversion.secrets {
        secrets::register(secret.value.expose_secret());
        secrets::register(secret.raw.expose_secret());
    }
    findings.append(&mut conversion.findings);
    conversion.findings = findings;

    let source_name = request.source.as_deref().map(name_of);
    let source_shown = request.source.as_deref().map(shown_path);
    let content = emit::render(&conversion, &map, request.format, source_name.as_deref())?;
    let told = |out: &str, source: Option<&str>, env_file: &str| {
        let format = request.format.name();
        report::report(
            &document,
            &map,
            &conversion,
            &Names {
                out,
                source,
                env_file,
                format,
            },
        )
    };
    let report = told(
        &shown_path(&request.out),
        source_shown.as_deref(),
        &shown_path(&env_path),
    );
    // What is kept beside the file names no folders: it is the same wherever the conversion was run.
    let kept = told(&out_name, source_name.as_deref(), ENV_FILE);
    let mut products = Vec::new();
    if let Some(environment) = emit::environment(&conversion, &out_name) {
        products.push(Product::new(env_path, environment.expose_secret().to_owned())?);
    }
    products.push(Product::new(request.out.clone(), content)?);
    let mut json = serde_json::to_string_pretty(&kept)
        .map_err(|error| Error::bug(format!("cannot write the report: {error}")))?;
    json.push('\n');
    products.push(Product::new(report_path, json)?);

    let view = View::new(
        &document,
        &map,
        &conversion,
        source_name.as_deref().unwrap_or(""),
        &out_name,
    );
    let blocked = blocked(request, &map, &view);
    Ok(Prepared {
        plan: sealed(request, &map, &products, source.as_ref(), &conversion),
        tree: emit::tree(&conversion.settings)?,
        refused: refused(&document, &conversion),
        view: Arc::new(view),
        report,
        blocked,
        source,
        products,
        format: request.format,
    })
}

/// What the wizard still needs to know before anything is written.
fn blocked(request: &Request, map: &Map, view: &View) -> Option<String> {
    // A secret of another profile stands on no line: nobody could type it again.
    let forgotten: Vec<&str> = request
        .forgotten
        .iter()
        .filter(|name| {
            map.targets
                .iter()
                .any(|target| target.secret.as_ref() == Some(name))
        })
        .map(String::as_str)
        .collect();
    if !forgotten.is_empty() {
        return Some(format!(
            "{} typed in a session that has ended, and is not kept: type it again, or take it back",
            inert(&forgotten.join(", ")) + if forgotten.len() == 1 { " was" } else { " were" }
        ));
    }
    let open: Vec<&str> = view.open().map(|conflict| conflict.path.as_str()).collect();
    (request.require_decisions && !open.is_empty()).then(|| {
        let many = plural(open.len() as u64, "conflict needs", "conflicts need");
        format!("{many} a decision: {}", open.join(", "))
    })
}

fn usage(message: String) -> Error {
    Error::new(crate::engine::error::ErrorKind::Usage, message)
}

/// `maos_config.yml` gives `maos_config.report.json`.
fn report_path(out: &Path) -> PathBuf {
    out.with_extension("report.json")
}

type SourceRead = (Document, Option<(PathBuf, String)>, Vec<Finding>);

fn read_source(request: &Request, targets: &[&PathBuf]) -> Result<SourceRead> {
    let Some(path) = &request.source else {
        return Ok((Document::default(), None, Vec::new()));
    };
    if targets.iter().any(|target| same_file(path, target)) {
        return Err(usage(format!(
            "{} would be overwritten by its own conversion",
            path.display()
        )));
    }
    let file = read::read_file(path)?;
    let name = inert(&path.to_string_lossy());
    let format = SourceFormat::of(path, &file.text)?;
    let document = read::parse(&name, &file.text, format)?;
    let mut findings = Vec::new();
    let holds_secret = document.leaves.iter().any(secret::holds_secret);
    let mut warn = |what: &str| {
        findings.push(Finding {
            severity: Severity::Warning,
            code: "loose_permissions",
            key: name.clone(),
            place: Place::default(),
            message: format!("mode {:04o}: {what}", file.mode),
        });
    };
    if file.mode & 0o022 != 0 {
        warn("other users can change this file; check its values");
    } else if file.mode & 0o044 != 0 && holds_secret {
        warn("other users can read the secrets in this file");
    }
    Ok((document, Some((path.clone(), sum(&file.text))), findings))
}

fn sealed(
    request: &Request,
    map: &Map,
    products: &[Product],
    source: Option<&(PathBuf, String)>,
    conversion: &Conversion,
) -> Plan {
    let mut effects = Vec::new();
    for product in products {
        let name = inert(&product.path.to_string_lossy());
        if product.unchanged() {
            effects.push(Effect::plain("keep", format!("{name}, already as wanted")));
        } else if product.before.is_some() {
            effects.push(Effect::plain(
                "copy",
                format!("{name} to {}.TIME", name_of(&product.path)),
            ));
            effects.push(Effect::plain("replace", format!("{name}, mode 0600")));
        } else {
            effects.push(Effect::plain("write", format!("{name}, mode 0600")));
        }
    }
    let replaces = products
        .iter()
        .any(|product| product.before.is_some() && !product.unchanged());
    let mut basis = vec![
        format!("profile {}", map.profile),
        format!("format {}", request.format.name()),
        format!("source {}", source.map_or("none", |(_, sum)| sum.as_str())),
    ];
    for product in products {
        // Neither the environment file nor its hash: a short secret could be guessed from it.
        if name_of(&product.path) != ENV_FILE {
            basis.push(format!(
                "{} {}",
                name_of(&product.path),
                sum(product.content.expose_secret())
            ));
            basis.push(format!(
                "before {}",
                product.before.as_deref().unwrap_or("nothing")
            ));
        }
        basis.push(format!(
            "before {}",
            product.before.as_deref().unwrap_or("nothing")
        ));
    }
    basis.extend(
        conversion
            .secrets
            .iter()
            .map(|secret| format!("secret {}", secret.name)),
    );
    let name = name_of(&request.out);
    Plan {
        capability: Capability::Config,
        verb: "apply".to_owned(),
        title: format!("Write {}", inert(&name)),
        target: format!(
            "{}, profile {}",
            inert(&request.out.to_string_lossy()),
            map.profile
        ),
        effects,
        undo: Some(if replaces {
            "copy the files with the time in their name back".to_owned()
        } else {
            "delete the written files".to_owned()
        }),
        needs_approval: replaces,
        basis,
        digest: String::new(),
    }
    .sealed()
}

fn refused(document: &Document, conversion: &Conversion) -> Vec<Quarantined> {
    let leaves = document.leaves.iter().zip(&conversion.fates);
    leaves
        .filter_map(|(leaf, fate)| match fate {
            Fate::Refused { code, why } => Some(Quarantined {
                kind: "key".to_owned(),
                key: inert(&leaf.key),
                reason: (*code).to_owned(),
                place: format!(
                    "line {}, column {}",
                    leaf.value_place.line, leaf.value_place.column
                ),
                why: secrets::scrub(why).into_owned(),
                hint: "Correct the value in the legacy file, or type the MAOS value yourself.".to_owned(),
                raw: inert_short(&secret::shown(leaf, fate), 400),
            }),
            _ => None,
        })
        .collect()
}
