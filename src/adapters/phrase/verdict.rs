//! What a program that converts rows itself has to be told about each of them by the database.

use super::Phrase;
use crate::engine::ports::store::Reason;

impl Phrase<'_> {
    /// The reasons that only a database can judge.
    pub fn judged_here(&self) -> Vec<Reason> {
        self.faults().into_iter().map(|(reason, _)| reason).collect()
    }

    /// The reason code of a row as far as whoever converts it cannot judge alone, NULL when there is none: the database's own reasons, and
    /// lengths, which it counts in its own encoding.
    pub fn verdict(&self) -> String {
        let mut found = self.conditions();
        let own = self.judged_here();
        found.retain(|(reason, _)| own.contains(reason) || *reason == Reason::DescriptionTooLong);
        self.unless_sound(&found)
    }
}
