//! The wizard.
pub mod keymap;
pub mod layout;
pub mod paint;
pub mod style;
pub mod terminal;
pub mod text;
pub mod widgets;
