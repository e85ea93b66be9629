//! Parts that several screens draw: frame, bars, lists, forms, the progress panel. Each is a function or a small
//! struct that draws into a [`Painter`](crate::tui::paint::Painter) and knows nothing of the engine. A
//! widget with a state of its own, as [`stage_view`], is a folder.

pub mod bar;
pub mod chunks;
pub mod field;
pub mod frame;
pub mod list;
pub mod mark;
pub mod progress;
pub mod stage_view;
