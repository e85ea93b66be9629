//! The fields of Start as data: where each stands, what it is in `migration.yml`, and its present value.

use crate::engine::views::{Check, Line, Mode, Slot};
use crate::engine::workspace::Environment;
use crate::tui::app::context::Cx;

/// One option of a choice.
#[derive(Debug)]
pub struct Choice {
    /// As it stands in the file.
    pub key: &'static str,
    /// As it is shown.
    pub label: &'static str,
}

/// One field.
#[derive(Debug)]
pub enum Entry {
    /// One of several.
    Choice {
        /// The word before it.
        group: &'static str,
        /// Its own word; empty when the group says it.
        label: &'static str,
        /// Its key.
        path: &'static [&'static str],
        /// The options.
        options: &'static [Choice],
    },
    /// A path or a URL.
    Path {
        /// The word before it; empty when the field above has it.
        group: &'static str,
        /// Its own word.
        label: &'static str,
        /// Its keys.
        path: &'static [&'static str; 2],
    },
    /// On or off.
    Box {
        /// The word before it.
        group: &'static str,
        /// What it means.
        label: &'static str,
        /// Its keys.
        path: &'static [&'static str; 2],
    },
}

/// The fields from top to bottom.
pub const FIELDS: &[Entry] = &[
    Entry::Choice {
        group: "Type",
        label: "",
        path: &["type"],
        options: &[
            Choice {
                key: "greenfield",
                label: "greenfield",
            },
            Choice {
                key: "brownfield",
                label: "brownfield",
            },
            Choice {
                key: "hybrid",
                label: "hybrid",
            },
            Choice {
                key: "version_upgrade",
                label: "version upgrade",
            },
        ],
    },
    Entry::Path {
        group: "Sources",
        label: "tasks",
        path: &["sources", "tasks"],
    },
    Entry::Path {
        group: "",
        label: "config",
        path: &["sources", "config"],
    },
    Entry::Path {
        group: "",
        label: "checkpoints",
        path: &["sources", "checkpoints"],
    },
    Entry::Path {
        group: "",
        label: "database",
        path: &["sources", "database"],
    },
    Entry::Path {
        group: "Target",
        label: "database",
        path: &["target", "database"],
    },
    Entry::Path {
        group: "",
        label: "MAOS",
        path: &["target", "maos"],
    },
    Entry::Choice {
        group: "",
        label: "environment",
        path: &["environment"],
        options: &[
            Choice {
                key: "production",
                label: "PRODUCTION",
            },
            Choice {
                key: "staging",
                label: "staging",
            },
            Choice {
                key: "development",
                label: "development",
            },
        ],
    },
    Entry::Box {
        group: "Safety",
        label: "read-only: nothing can be applied",
        path: &["settings", "read_only"],
    },
    Entry::Box {
        group: "",
        label: "dry run: every step stops after its plan",
        path: &["settings", "dry_run"],
    },
    Entry::Path {
        group: "",
        label: "backups",
        path: &["settings", "backups"],
    },
];

/// The check of a line, where there is one.
pub fn line<'a>(cx: &Cx<'a>, path: &[&str; 2]) -> Option<&'a Line> {
    let (_, sources) = cx.views.sources.value()?;
    sources.lines.iter().find(|line| line.path == *path)
}

/// The present text of a path field: as written, without secrets.
pub fn value(cx: &Cx<'_>, path: &[&str; 2]) -> String {
    if let Some(line) = line(cx, path) {
        return line.shown.clone();
    }
    let Some((_, settings)) = cx.views.settings.value() else {
        return String::new();
    };
    let named = |named: &Option<crate::engine::workspace::settings::Named>| {
        named
            .as_ref()
            .map(|named| named.written.clone())
            .unwrap_or_default()
    };
    let database = |database: &Option<crate::engine::workspace::settings::Database>| {
        database
            .as_ref()
            .map(|database| database.url.shown.clone())
            .unwrap_or_default()
    };
    match *path {
        ["sources", "tasks"] => named(&settings.tasks),
        ["sources", "config"] => named(&settings.config),
        ["sources", "checkpoints"] => named(&settings.checkpoints),
        ["sources", "database"] => database(&settings.source),
        ["target", "database"] => database(&settings.target),
        ["target", "maos"] => settings.maos.clone().unwrap_or_default(),
        ["settings", "backups"] => settings
            .tuning
            .backups
            .as_ref()
            .map(|path| path.display().to_string())
            .unwrap_or_default(),
        _ => String::new(),
    }
}

/// Whether this is the sample as it was laid out. Somebody's own workspace for rehearsing may reach elsewhere.
pub fn is_sample(cx: &Cx<'_>) -> bool {
    let is = |path: &[&str; 2], wanted: &str| value(cx, path) == wanted;
    cx.snapshot.environment == Environment::Rehearsal
        && is(&["sources", "tasks"], "legacy/tasks.json")
        && is(&["sources", "config"], "legacy/config.yml")
        && is(&["sources", "checkpoints"], "legacy/checkpoints")
        && is(&["sources", "database"], "sqlite://legacy/legacy.db")
        && is(&["target", "database"], "sqlite://target/maos.db")
        && is(&["target", "maos"], "rehearsal")
}

/// Whether it is not known what the settings say: they cannot be read, or nobody has read them.
pub fn unknown(cx: &Cx<'_>) -> bool {
    match &cx.views.settings {
        Slot::Failed(..) => true,
        slot => slot.value().is_none() && !matches!(cx.views.mode, Mode::Operating),
    }
}

/// The check of a path field.
pub fn check<'a>(cx: &Cx<'a>, path: &[&str; 2]) -> Option<&'a Check> {
    line(cx, path).map(|line| &line.check)
}

/// Which option is chosen.
pub fn chosen(cx: &Cx<'_>, path: &[&str], options: &[Choice]) -> Option<usize> {
    let key = match path {
        ["type"] => cx
            .snapshot
            .migration
            .map(crate::engine::workspace::MigrationType::key)?,
        _ => match cx.snapshot.environment {
            Environment::Production => "production",
            Environment::Staging => "staging",
            Environment::Development => "development",
            Environment::Rehearsal | Environment::Unlabelled => return None,
        },
    };
    options.iter().position(|option| option.key == key)
}

/// Whether a box is ticked.
pub fn ticked(cx: &Cx<'_>, path: &[&str; 2]) -> bool {
    cx.views
        .settings
        .value()
        .is_some_and(|(_, settings)| match *path {
            ["settings", "read_only"] => settings.tuning.read_only,
            _ => settings.tuning.dry_run,
        })
}
