//! The commands a key can stand for, and where they apply.

/// Something a person can ask of the wizard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    missing_docs,
    reason = "the table in `table.rs` describes each in the words the person reads"
)]
pub enum Action {
    Next,
    Up,
    Down,
    Left,
    Right,
    First,
    Last,
    PageUp,
    PageDown,
    Open,
    Mark,
    NextRegion,
    PreviousRegion,
    Close,
    Leave,
    Interrupt,
    Help,
    Filter,
    Zoom,
    Copy,
    StepBack,
    StepForward,
    AllSteps,
    View(u8),
    Log,
    Messages,
    Quarantine,
    Mouse,
    Repaint,
    Suspend,
    Rollback,
    Pause,
    Stop,
    ReadAgain,
    TryAgain,
    Edit,
    TakeBack,
    Convert,
    Dependencies,
    Agents,
    Add,
    Drop,
    Split,
    Join,
    Order,
    Waits,
    CriticalPath,
    Fold,
    Follow,
    More,
    Fewer,
    Profile,
    Policy,
    Classes,
    Create,
    Wait,
    Save,
    Backups,
    Rehearse,
    Pace,
    Explain,
    Freeze,
    Chart,
    Arm,
    KeepOn,
    Verify,
    Trouble,
}

impl Action {
    /// The name used for rebinding.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Up => "up",
            Self::Down => "down",
            Self::Left => "left",
            Self::Right => "right",
            Self::First => "first",
            Self::Last => "last",
            Self::PageUp => "page_up",
            Self::PageDown => "page_down",
            Self::Open => "open",
            Self::Mark => "mark",
            Self::NextRegion => "next_region",
            Self::PreviousRegion => "previous_region",
            Self::Close => "close",
            Self::Leave => "leave",
            Self::Interrupt => "interrupt",
            Self::Help => "help",
            Self::Filter => "filter",
            Self::Zoom => "zoom",
            Self::Copy => "copy",
            Self::StepBack => "step_back",
            Self::StepForward => "step_forward",
            Self::AllSteps => "all_steps",
            Self::View(number) => {
                const VIEWS: [&str; 10] = [
                    "view_0", "view_1", "view_2", "view_3", "view_4", "view_5", "view_6", "view_7", "view_8",
                    "view_9",
                ];
                VIEWS[if number > 9 { 0 } else { number as usize }]
            }
            Self::Log => "log",
            Self::Messages => "messages",
            Self::Quarantine => "quarantine",
            Self::Mouse => "mouse",
            Self::Repaint => "repaint",
            Self::Suspend => "suspend",
            Self::Rollback => "rollback",
            Self::Pause => "pause",
            Self::Stop => "stop",
            Self::ReadAgain => "read_again",
            Self::TryAgain => "try_again",
            Self::Edit => "edit",
            Self::TakeBack => "take_back",
            Self::Convert => "convert",
            Self::Dependencies => "dependencies",
            Self::Agents => "agents",
            Self::Add => "add",
            Self::Drop => "drop",
            Self::Split => "split",
            Self::Join => "join",
            Self::Order => "order",
            Self::Waits => "waits",
            Self::CriticalPath => "critical_path",
            Self::Fold => "fold",
            Self::Follow => "follow",
            Self::More => "more",
            Self::Fewer => "fewer",
            Self::Profile => "profile",
            Self::Policy => "policy",
            Self::Classes => "classes",
            Self::Create => "create",
            Self::Wait => "wait",
            Self::Save => "save",
            Self::Backups => "backups",
            Self::Rehearse => "rehearse",
            Self::Pace => "pace",
            Self::Explain => "explain",
            Self::Freeze => "freeze",
            Self::Chart => "chart",
            Self::Arm => "arm",
            Self::KeepOn => "keep_on",
            Self::Verify => "verify",
            Self::Trouble => "trouble",
        }
    }
}

/// A place where a key can have a meaning of its own. Two meanings in one place are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every screen and overlay, even where the screen does not name it.
    Everywhere,
    /// Wherever a screen or an overlay offers it.
    Offered,
    /// The tasks list.
    Tasks,
    /// The stage view.
    Stages,
    /// The configuration screen.
    Config,
    /// The checkpoints screen.
    Checkpoints,
    /// The rows screen.
    Schema,
    /// The comparison screen.
    Compare,
    /// The upgrade screen.
    Upgrade,
    /// The monitor, and the explanation of its verdict.
    Monitor,
    /// The rollback screen.
    Rollback,
    /// The list of backups.
    Backups,
    /// Log, messages and other lists that can be written to a file.
    Lists,
}
