//! The wizard without a terminal: screens drawn into a test backend, keys given as text.

#![cfg(test)]

mod checkpoints;
mod frame;
mod journeys;
mod monitor;
mod schema;
mod screens;
mod stage_view;
mod support;
mod tasks;
