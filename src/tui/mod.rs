//! The wizard.

pub mod widgets;
