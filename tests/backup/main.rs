//! Backups: made of real databases while clients write, proved by a restore, refused when anything in them is not as it was.

#![cfg(test)]

#[path = "../support/pooler.rs"]
mod pooler;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/server.rs"]
mod server;
#[path = "../support/sql.rs"]
mod sql;
#[path = "../support/tree.rs"]
mod tree;

mod damage;
mod disk;
mod guide;
mod made;
mod programs;
mod shelf;
mod support;
mod swap;
