//! The key table as data: command, keys, where, whether holding the key repeats it, and what it does in words.

use super::action::{Action, Scope};

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// The command.
    pub action: Action,
    /// Its keys as [`super::Key`] writes them, the one to show first.
    pub keys: &'static [&'static str],
    /// Where it applies.
    pub scopes: &'static [Scope],
    /// Whether a held key repeats it: movement only.
    pub repeats: bool,
    /// What it does, in the words of the `?` overlay.
    pub about: &'static str,
}

impl Binding {
    /// Whether two lines can apply in one place, so that they must not share a key.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        let general = |scope: &Scope| matches!(scope, Scope::Everywhere | Scope::Offered);
        self.scopes.iter().any(general)
            || other.scopes.iter().any(general)
            || self.scopes.iter().any(|scope| other.scopes.contains(scope))
    }

    /// Whether the key works on every screen, named or not.
    #[must_use]
    pub fn everywhere(&self) -> bool {
        self.scopes.contains(&Scope::Everywhere)
    }

    /// Whether the command must keep a key.
    #[must_use]
    pub const fn needed(&self) -> bool {
        matches!(
            self.action,
            Action::Help | Action::Rollback | Action::Leave | Action::Close | Action::Next | Action::Open
        )
    }
}

/// The line of a command.
#[must_use]
pub fn binding(action: Action) -> Option<&'static Binding> {
    BINDINGS.iter().find(|binding| binding.action == action)
}

const fn line(
    action: Action,
    keys: &'static [&'static str],
    scopes: &'static [Scope],
    about: &'static str,
) -> Binding {
    Binding {
        action,
        keys,
        scopes,
        repeats: false,
        about,
    }
}

const fn moves(action: Action, keys: &'static [&'static str], about: &'static str) -> Binding {
    Binding {
        action,
        keys,
        scopes: EVERYWHERE,
        repeats: true,
        about,
    }
}

const EVERYWHERE: &[Scope] = &[Scope::Everywhere];
const OFFERED: &[Scope] = &[Scope::Offered];

/// The key map as shipped.
pub const BINDINGS: &[Binding] = &[
    line(
        Action::Next,
        &["n"],
        EVERYWHERE,
        "the next thing, as named first in the hint bar",
    ),
    moves(Action::Up, &["Up", "k"], "move up"),
    moves(Action::Down, &["Down", "j"], "move down"),
    moves(Action::Left, &["Left", "h"], "move left"),
    moves(Action::Right, &["Right", "l"], "move right"),
    moves(Action::First, &["g", "Home"], "first line"),
    moves(Action::Last, &["G", "End"], "last line"),
    moves(Action::PageUp, &["PgUp", "Ctrl-U"], "one page up"),
    moves(Action::PageDown, &["PgDn", "Ctrl-D"], "one page down"),
    line(
        Action::Open,
        &["Enter"],
        EVERYWHERE,
        "open or edit what the cursor is on",
    ),
    line(Action::Mark, &["Space"], EVERYWHERE, "mark, choose, fold"),
    moves(Action::NextRegion, &["Tab"], "next region or field"),
    moves(Action::PreviousRegion, &["Shift-Tab"], "previous region or field"),
    line(Action::Close, &["Esc"], EVERYWHERE, "close the innermost thing"),
    line(
        Action::Leave,
        &["q"],
        EVERYWHERE,
        "close the innermost thing; on a bare screen leave the wizard",
    ),
    line(
        Action::Interrupt,
        &["Ctrl-C"],
        EVERYWHERE,
        "as q, also while text is edited",
    ),
    line(
        Action::Help,
        &["?", "F1"],
        EVERYWHERE,
        "commands of this screen; type to filter, Enter runs",
    ),
    line(Action::Filter, &["/"], OFFERED, "filter the list"),
    line(Action::Zoom, &["z"], OFFERED, "zoom the region"),
    line(Action::Copy, &["y"], OFFERED, "copy"),
    line(Action::StepBack, &["["], EVERYWHERE, "the step before"),
    line(
        Action::StepForward,
        &["]"],
        EVERYWHERE,
        "the step after; a locked one opens and says why",
    ),
    line(
        Action::AllSteps,
        &["s"],
        EVERYWHERE,
        "all steps with their states",
    ),
    line(Action::View(1), &["1"], OFFERED, "first view of the screen"),
    line(Action::View(2), &["2"], OFFERED, "second view of the screen"),
    line(Action::View(3), &["3"], OFFERED, "third view of the screen"),
    line(Action::View(4), &["4"], OFFERED, "fourth view of the screen"),
    line(Action::View(5), &["5"], OFFERED, "fifth view of the screen"),
    line(Action::View(6), &["6"], OFFERED, "sixth view of the screen"),
    line(Action::View(7), &["7"], OFFERED, "seventh view of the screen"),
    line(Action::View(8), &["8"], OFFERED, "eighth view of the screen"),
    line(Action::View(9), &["9"], OFFERED, "ninth view of the screen"),
    line(Action::Log, &["L"], EVERYWHERE, "log and statements"),
    line(Action::Messages, &["M"], EVERYWHERE, "all messages"),
    line(Action::Quarantine, &["Q"], EVERYWHERE, "items in quarantine"),
    line(Action::Mouse, &["m"], EVERYWHERE, "mouse on or off"),
    line(Action::Repaint, &["Ctrl-L"], EVERYWHERE, "draw the screen again"),
    line(
        Action::Suspend,
        &["Ctrl-Z"],
        EVERYWHERE,
        "suspend to the shell; fg comes back",
    ),
    line(
        Action::Rollback,
        &["R"],
        EVERYWHERE,
        "open the rollback; opening it changes nothing",
    ),
    line(Action::Pause, &["p"], OFFERED, "pause, go on"),
    line(Action::Stop, &["X"], OFFERED, "stop at the next safe point"),
    line(Action::ReadAgain, &["r"], OFFERED, "read again"),
    line(Action::TryAgain, &["t"], OFFERED, "try again"),
    line(Action::Edit, &["e"], OFFERED, "edit"),
    line(
        Action::TakeBack,
        &["u"],
        OFFERED,
        "take back the last edit or run",
    ),
    line(Action::Convert, &["c"], &[Scope::Tasks], "convert"),
    line(
        Action::Dependencies,
        &["d"],
        &[Scope::Tasks, Scope::Stages],
        "dependencies of the part",
    ),
    line(
        Action::Agents,
        &["a"],
        &[Scope::Tasks, Scope::Stages],
        "number of agents",
    ),
    line(Action::Add, &["A"], &[Scope::Tasks, Scope::Stages], "add a part"),
    line(
        Action::Drop,
        &["D"],
        &[Scope::Tasks, Scope::Stages],
        "drop the part",
    ),
    line(
        Action::Split,
        &["S"],
        &[Scope::Tasks, Scope::Stages],
        "split the part",
    ),
    line(
        Action::Join,
        &["J"],
        &[Scope::Tasks, Scope::Stages],
        "join the marked parts",
    ),
    line(
        Action::Order,
        &["o"],
        &[Scope::Tasks, Scope::Compare],
        "order of the list",
    ),
    line(Action::Waits, &["w"], &[Scope::Stages], "what the part waits for"),
    line(
        Action::CriticalPath,
        &["x"],
        &[Scope::Stages],
        "critical path on or off",
    ),
    line(Action::Fold, &["o"], &[Scope::Stages], "open or fold the stage"),
    line(Action::Follow, &["."], &[Scope::Stages], "follow what runs"),
    line(
        Action::More,
        &["+"],
        &[Scope::Stages, Scope::Tasks, Scope::Schema],
        "more agents or workers",
    ),
    line(
        Action::Fewer,
        &["-"],
        &[Scope::Stages, Scope::Tasks, Scope::Schema],
        "fewer agents or workers",
    ),
    line(Action::Profile, &["o"], &[Scope::Config], "profile of the target"),
    line(
        Action::Policy,
        &["o"],
        &[Scope::Monitor],
        "judge by the other policy",
    ),
    line(
        Action::Classes,
        &["c"],
        &[Scope::Checkpoints],
        "classes that must be declared",
    ),
    line(
        Action::Create,
        &["c"],
        &[Scope::Backups],
        "make and verify a backup",
    ),
    line(Action::Wait, &["w"], &[Scope::Upgrade], "wait for running tasks"),
    line(
        Action::Save,
        &["w"],
        &[Scope::Lists, Scope::Backups],
        "write the list to a file",
    ),
    line(
        Action::Backups,
        &["b"],
        &[Scope::Monitor, Scope::Upgrade, Scope::Rollback],
        "backups",
    ),
    line(
        Action::Rehearse,
        &["x"],
        &[Scope::Rollback],
        "rehearse the rollback",
    ),
    line(Action::Pace, &["P"], &[Scope::Schema], "rows a second at most"),
    line(Action::Explain, &["v"], &[Scope::Monitor], "explain the verdict"),
    line(
        Action::Freeze,
        &["f"],
        &[Scope::Monitor, Scope::Lists],
        "freeze the picture, follow again",
    ),
    line(
        Action::Chart,
        &["w"],
        &[Scope::Monitor],
        "chart of the next criterion",
    ),
    line(Action::Arm, &["a"], &[Scope::Monitor], "arm automatic rollback"),
    line(
        Action::KeepOn,
        &["K"],
        &[Scope::Monitor],
        "keep on in spite of the breach",
    ),
    line(Action::Verify, &["v"], &[Scope::Backups], "verify the backup now"),
    // No key: it is found in ? by its name.
    line(
        Action::Trouble,
        &[],
        EVERYWHERE,
        "trouble on the rehearsal MAOS: failures begin, or end",
    ),
];
