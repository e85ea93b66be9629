//! Rows of `legacy_tasks` to rows of `tasks`, proved.
