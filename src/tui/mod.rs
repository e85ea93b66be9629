//! The wizard.
pub mod layout;
pub mod paint;
pub mod style;
pub mod terminal;
pub mod text;
