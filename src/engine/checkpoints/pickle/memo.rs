//! The memo: numbered values. Picklers number from zero in order, so a vector serves; stray numbers go to a map.

use std::collections::HashMap;

use super::super::arena::{Kind, Ref};

/// How many unused numbers a store may skip before it goes to the map.
const GAP: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Memo {
    dense: Vec<Ref>,
    stray: HashMap<u64, Ref>,
    stored: usize,
}

impl Memo {
    /// How many entries there are.
    pub(super) const fn len(&self) -> usize {
        self.stored
    }

    pub(super) fn bytes(&self) -> u64 {
        (self.dense.capacity() * 8 + self.stray.capacity() * 24) as u64
    }

    #[inline]
    pub(super) fn put(&mut self, number: u64, value: Ref) {
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        if at == self.dense.len() {
            self.dense.push(value);
            if self.stray.is_empty() || self.stray.remove(&number).is_none() {
                self.stored += 1;
            }
            return;
        }
        if let Some(slot) = self.dense.get_mut(at) {
            if slot.kind() == Kind::Unset && self.stray.remove(&number).is_none() {
                self.stored += 1;
            }
            *slot = value;
            return;
        }
        if at - self.dense.len() <= GAP {
            self.dense.resize(at, Ref::UNSET);
            self.dense.push(value);
            self.stored += 1;
            return;
        }
        if self.stray.insert(number, value).is_none() {
            self.stored += 1;
        }
    }

    #[inline]
    pub(super) fn get(&self, number: u64) -> Option<Ref> {
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        match self.dense.get(at) {
            Some(value) if *value != Ref::UNSET => Some(*value),
            _ => self.stray.get(&number).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stray_numbers_cost_nothing_and_are_found() {
        let mut memo = Memo::default();
        let word = |n| Ref::int(n).expect("small");
        memo.put(u64::from(u32::MAX), word(1));
        memo.put(20, word(2));
        for n in 0..40 {
            memo.put(n, word(100 + i64::try_from(n).expect("small")));
        }
        memo.put(3, word(3));
        assert_eq!(memo.get(u64::from(u32::MAX)), Some(word(1)));
        assert_eq!(memo.get(20), Some(word(120)));
        assert_eq!(memo.get(3), Some(word(3)));
        assert_eq!(memo.get(40), None);
        assert_eq!(memo.len(), 41);
        assert!(memo.bytes() < 4096);
    }
}
