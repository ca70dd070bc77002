//! Notes on a file, of which only the first are told one by one.

use crate::{Note, rules::DATA_MALFORMED};

/// Notes, and how many more there were.
#[derive(Default)]
pub(super) struct Notes {
    first: Vec<Note>,
    more: u64,
}

impl Notes {
    /// Take in a note.
    pub(super) fn push(&mut self, note: impl FnOnce() -> Note) {
        if self.first.len() < MOST {
            self.first.push(note());
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// The notes; behind them how many were left out.
    pub(super) fn all(self, file: &str) -> Vec<Note> {
        let Self { first: mut notes, more } = self;
        if more > 0 {
            let why = format!("{more} more are left out");
            notes.push(Note { rule: &DATA_MALFORMED, file: file.to_owned(), line: None, why });
        }
        notes
    }
}

/// How many are told of.
const MOST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted() {
        let note =
            || Note { rule: &DATA_MALFORMED, file: String::new(), line: None, why: "bad".into() };
        let mut notes = Notes::default();
        (0..100).for_each(|_| notes.push(note));
        assert_eq!(notes.all("a").len(), 100);
        let mut notes = Notes::default();
        (0..250).for_each(|_| notes.push(note));
        let all = notes.all("a");
        assert_eq!((all.len(), all[100].why.as_str()), (101, "150 more are left out"));
    }
}
