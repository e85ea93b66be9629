//! Checkpoints: the reader against CPython, hostile files, faults, the operation over a folder.

#![cfg(test)]

mod behind;
mod differential;
mod disguise;
mod disk;
mod driver;
mod faults;
mod fuzz;
mod hostile;
mod operation;
mod places;
mod python2;
mod support;
