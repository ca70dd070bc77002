//! Where the next of some bytes stands, sought once.

/// The next place of any of some bytes, for questions whose place mostly grows.
pub(super) struct Ahead<'a> {
    text: &'a [u8],
    wanted: &'static [u8],
    /// From here ...
    from: usize,
    /// ... to here there is none of them, and here is one, or the end.
    to: usize,
}

impl<'a> Ahead<'a> {
    pub(super) fn new(text: &'a [u8], wanted: &'static [u8]) -> Self {
        Self { text, wanted, from: usize::MAX, to: 0 }
    }

    /// The first place at or behind this one; the length of the text where there is none.
    pub(super) fn from(&mut self, at: usize) -> usize {
        if !(self.from..=self.to).contains(&at) {
            let rest = self.text.get(at..).unwrap_or_default();
            let next = rest.iter().position(|byte| self.wanted.contains(byte));
            (self.from, self.to) = (at, at.saturating_add(next.unwrap_or(rest.len())));
        }
        self.to
    }
}

#[cfg(test)]
mod tests {
    use super::Ahead;

    #[test]
    fn the_next_is_found_from_any_place() {
        let text = b"a,b;c";
        let mut ahead = Ahead::new(text, b",;");
        let next = [0, 1, 2, 3, 4, 5, 0, 2].map(|at| ahead.from(at));
        assert_eq!(next, [1, 1, 3, 3, 5, 5, 1, 3]);
    }
}
