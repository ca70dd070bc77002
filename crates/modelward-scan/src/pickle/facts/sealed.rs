//! Which containers were judged: what is added to one later was not.

use std::cell::RefCell;

use modelward_formats::pickle::{
    Program,
    value::{Kind, Shape, Value},
};

/// One bit for each node.
#[derive(Debug, Default)]
pub(crate) struct Sealed(RefCell<Vec<u64>>);

impl Sealed {
    /// Note that a list, a dict or a set was judged as it stands.
    pub(crate) fn seal(&self, program: &Program<'_>, value: Value) {
        let Kind::Node(index) = value.kind() else { return };
        let shape = program.heap().node(index).map(|node| node.shape);
        if !matches!(shape, Some(Shape::List | Shape::Dict | Shape::Set)) {
            return;
        }
        let (word, bit) = place(index);
        let mut words = self.0.borrow_mut();
        if words.len() <= word {
            words.resize(word.saturating_add(1), 0);
        }
        if let Some(word) = words.get_mut(word) {
            *word |= bit;
        }
    }

    pub(crate) fn is_sealed(&self, index: u32) -> bool {
        let (word, bit) = place(index);
        self.0.borrow().get(word).is_some_and(|word| word & bit != 0)
    }
}

fn place(index: u32) -> (usize, u64) {
    ((index >> 6) as usize, 1 << (index & 63))
}
