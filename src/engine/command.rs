//! What a front end may ask: the only way into the engine.

use secrecy::{ExposeSecret as _, SecretString};

use super::capability::Capability;

/// A secret as typed. It is shown nowhere, and wiped from memory when dropped.
#[derive(Debug, Clone)]
pub struct Typed(SecretString);

impl Typed {
    /// Takes a secret; from now on every text that leaves the process is cleared of it.
    #[must_use]
    pub fn new(text: String) -> Self {
        super::workspace::secrets::register(&text);
        Self(SecretString::from(text))
    }

    /// The secret, for whoever keeps it.
    #[must_use]
    pub fn into_secret(self) -> SecretString {
        self.0
    }
}

impl PartialEq for Typed {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

/// A request. The engine answers with events; a refused one becomes a [`Noted`](super::event::EventKind::Noted) error.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Read `migration.yml` again and check every source and target.
    CheckSources,
    /// Change one value of `migration.yml`: `["sources", "tasks"]`. An empty value removes it.
    Set {
        /// One or two keys.
        path: Vec<String>,
        /// The new value as text.
        value: String,
    },
    /// Keep an answer typed by the operator.
    Answer {
        /// The question's id.
        question: String,
        /// As typed.
        typed: String,
    },
    /// Take an answer back.
    ClearAnswer {
        /// The question's id.
        question: String,
    },
    /// Take the figure that a probe offers.
    UseOffer {
        /// The question's id.
        question: String,
    },
    /// Run the probes again: all, or one question's.
    Probe {
        /// The question's id.
        question: Option<String>,
    },
    /// Compute readiness from the answers there are.
    Score,
    /// Read the world of a step again for its screen, without any effect.
    Read(Capability),
    /// Begin trouble on the rehearsal MAOS, or end it; only a rehearsal can.
    Trouble,
    /// Make the plan of an operation.
    Plan {
        /// Whose.
        capability: Capability,
        /// `apply`, `undo`, `write`.
        verb: String,
    },
    /// Approve a plan by its digest and run it.
    Apply {
        /// Whose.
        capability: Capability,
        /// The verb that was planned.
        verb: String,
        /// The digest that was shown.
        digest: String,
        /// The target's name as typed, where the plan has no undo.
        confirm: Option<String>,
    },
    /// Record a decision that changes later plans.
    Decide {
        /// Whose.
        capability: Capability,
        /// What is decided.
        subject: String,
        /// How; `null` takes it back.
        choice: serde_json::Value,
    },
    /// Take a new secret of the configuration. It is kept in memory until it is written where it belongs; the journal
    /// records that it was set, as the decision `secret:NAME`, and nothing of the value.
    KeepSecret {
        /// The secret's variable.
        name: String,
        /// The value.
        value: Typed,
    },
    /// Ask the running operation to wait.
    Pause,
    /// Let it go on.
    Resume,
    /// Ask it to end at a safe point.
    Stop,
    /// Wish another number of workers.
    Workers(usize),
    /// Items a second at most; 0 for no limit.
    Pace(u64),
    /// Ask whoever operates the workspace to hand it over, for a rollback. Only a watcher asks this.
    TakeOver {
        /// Why; it is told to the other and written down.
        reason: String,
    },
    /// Write the samples that a verdict rests on to a new file of the workspace, as `monitor replay` reads them.
    SaveSamples {
        /// The time of the last one.
        until: jiff::Timestamp,
    },
    /// Write a list as it is shown to a new file of the workspace.
    SaveList {
        /// Which.
        list: super::lists::List,
        /// Only what holds this text; all when it is empty.
        wanted: String,
        /// Only these items of the quarantine; all when there are none.
        marked: super::lists::Marks,
    },
    /// Messages were seen.
    Seen,
    /// End the session: stop what runs at a safe point, close the journal.
    Close,
}

impl Command {
    /// What is asked, for a log: no value that a person typed is in it.
    #[must_use]
    pub fn words(&self) -> String {
        let of = |what: &str, capability: &Capability| format!("{what} {}", capability.title());
        match self {
            Self::CheckSources => "check the sources".to_owned(),
            Self::Set { path, .. } => format!("set {}", path.join(".")),
            Self::Answer { question, .. } => format!("answer {question}"),
            Self::ClearAnswer { question } => format!("take back the answer {question}"),
            Self::UseOffer { question } => format!("take the offer for {question}"),
            Self::Probe { .. } => "probe again".to_owned(),
            Self::Score => "compute readiness".to_owned(),
            Self::Read(capability) => of("read", capability),
            Self::Trouble => "begin or end trouble".to_owned(),
            Self::Plan { capability, verb } => of(&format!("plan {verb} of"), capability),
            Self::Apply {
                capability,
                verb,
                digest,
                ..
            } => of(&format!("approve {digest}, {verb} of"), capability),
            Self::Decide {
                capability, subject, ..
            } => of(&format!("decide {subject} of"), capability),
            Self::KeepSecret { name, .. } => format!("keep the secret {name}"),
            Self::Pause => "pause".to_owned(),
            Self::Resume => "resume".to_owned(),
            Self::Stop => "stop".to_owned(),
            Self::Workers(_) => "change the workers".to_owned(),
            Self::Pace(_) => "change the pace".to_owned(),
            Self::TakeOver { .. } => "take over".to_owned(),
            Self::SaveSamples { .. } => "save samples".to_owned(),
            Self::SaveList { list, .. } => format!("save the {}", list.name()),
            Self::Seen => "see the messages".to_owned(),
            Self::Close => "close".to_owned(),
        }
    }
}
