//! Which pairs run, in which order, and which side goes first.

use super::model::{Pair, Side};

/// Pairs of tasks, each given by its id and its setup. Every task once, then every task again, and so on: what slows a machine down for a while is spread over all tasks, and a
/// comparison that is stopped early has all of them in it. Which side goes first alternates from pair to pair and, for one
/// task, from repeat to repeat, so that neither always finds warm caches.
#[must_use]
pub fn pairs<'a>(tasks: &(impl Iterator<Item = (&'a str, &'a str)> + Clone), repeats: usize) -> Vec<Pair> {
    (1..=repeats)
        .flat_map(|repeat| {
            tasks.clone().enumerate().map(move |(index, (task, setup))| {
                let first = if (index + repeat).is_multiple_of(2) {
                    Side::Maos
                } else {
                    Side::Legacy
                };
                Pair::new(task, repeat, first, setup)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defect_22_neither_side_always_goes_first() {
        let tasks = ["a", "b", "c"];
        let pairs = pairs(&tasks.iter().map(|task| (*task, "s")), 4);
        assert_eq!(pairs.len(), 12);
        for task in tasks {
            let first: Vec<Side> = pairs
                .iter()
                .filter(|pair| pair.task == task)
                .map(|pair| pair.first)
                .collect();
            assert_eq!(first.iter().filter(|side| **side == Side::Legacy).count(), 2);
            assert!(first.windows(2).all(|two| two[0] != two[1]));
        }
        let keys: std::collections::HashSet<String> = pairs.iter().map(Pair::key).collect();
        assert_eq!(keys.len(), 12);
        assert_eq!(
            pairs[..3]
                .iter()
                .map(|pair| pair.task.as_str())
                .collect::<Vec<_>>(),
            ["a", "b", "c"]
        );
    }
}
