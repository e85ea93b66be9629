//! The wizard on a drawn screen.

mod stage_view;
