//! The wizard without a terminal: screens drawn into a test backend, keys given as text.

#![cfg(test)]

mod checkpoints;
mod compare;
mod countdown;
mod environment;
mod frame;
mod handover;
mod journeys;
mod monitor;
mod rail;
mod rollback;
mod schema;
mod screens;
mod stage_view;
mod submitting;
mod support;
mod tasks;
mod validate;
