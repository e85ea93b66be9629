//! The wizard without a terminal: screens drawn into a test backend, keys given as text.

mod frame;
mod journeys;
mod screens;
mod stage_view;
mod support;
mod tasks;
