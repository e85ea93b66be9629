//! Widgets with a state of their own. Each is a folder that draws into a buffer and never asks the engine.

pub mod stage_view;
