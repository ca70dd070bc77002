//! Whether any input of an arena is wanted, by branching on cuts.
//!
//! The bound of a box is the sum over groups of the best leaf that reaches into it. Before a box is
//! divided, every cut is tried from both ends: a side whose bound is too low is cut off. What is left
//! is divided where both sides lose most.

use std::cmp::Reverse;

use super::{arena::Arena, grid::Side};

/// How a search ended.
pub(super) enum Outcome<T> {
    /// With an input that is wanted.
    Found(T),
    /// Nothing is wanted.
    Empty,
    /// It was given up.
    GivenUp,
}

/// A search through an arena.
pub(super) struct Search<'a> {
    arena: &'a Arena,
    never: i64,
    /// The boxes still to be searched, the next one last.
    left: Vec<Part>,
    /// Those that are used again.
    spare: Vec<Part>,
    /// How many boxes were looked at.
    boxes: u64,
}

/// A box of cells.
#[derive(Clone, Default)]
struct Part {
    /// The leaves that reach into it.
    active: Vec<u64>,
    /// Its first cells.
    low: Vec<u16>,
    /// Its last cells.
    high: Vec<u16>,
}

impl<'a> Search<'a> {
    /// A search for values that are not below `never`, in a box of local cells.
    pub(super) fn new(arena: &'a Arena, never: i64, low: &[u16], high: &[u16]) -> Self {
        let mut root = Part {
            active: arena.all.clone(),
            low: vec![0; arena.cells.len()],
            high: arena.cells.iter().map(|cells| cells - 1).collect(),
        };
        let mut search = Self { arena, never, left: Vec::new(), spare: Vec::new(), boxes: 0 };
        for (feature, (&low, &high)) in low.iter().zip(high).enumerate() {
            search.narrow(&mut root, feature, low, high);
        }
        search.left.push(root);
        search
    }

    /// Search until something is found of which `judge` says that it is wanted, or `stop` is true.
    /// The judge is given a value that is not below `never`, and a box of cells that has it.
    pub(super) fn run<T, E>(
        &mut self,
        mut judge: impl FnMut(i64, &mut dyn Iterator<Item = Side>) -> Result<Option<T>, E>,
        mut stop: impl FnMut() -> bool,
    ) -> Result<Outcome<T>, E> {
        while let Some(mut here) = self.left.pop() {
            if self.boxes % 16 == 15 && stop() {
                return Ok(Outcome::GivenUp);
            }
            self.boxes += 1;
            if let Some(total) = self.tighten(&mut here) {
                if let Some((value, low, high)) = self.completed(&here) {
                    let found = judge(value, &mut self.arena.sides(&low, &high))?;
                    if found.is_some() || self.single(&here) {
                        self.spare.push(here);
                        if let Some(found) = found {
                            return Ok(Outcome::Found(found));
                        }
                        continue;
                    }
                }
                self.divide(here, total);
            } else {
                self.spare.push(here);
            }
        }
        Ok(Outcome::Empty)
    }

    /// The bound of what is in both sets; the least number where a group has no leaf there.
    fn bound(&self, active: &[u64], mask: &[u64]) -> i64 {
        let mut total = self.arena.base;
        if self.arena.words.len() == self.arena.all.len() + 1 {
            let values = self.arena.values.chunks_exact(64);
            for ((word, mask), values) in active.iter().zip(mask).zip(values) {
                let bits = word & mask;
                if bits == 0 {
                    return i64::MIN;
                }
                total += values[bits.trailing_zeros() as usize & 63];
            }
            return total;
        }
        for group in self.arena.words.windows(2) {
            let mut place = usize::MAX;
            for word in group[0]..group[1] {
                let bits = active[word] & mask[word];
                if bits != 0 {
                    place = word * 64 + bits.trailing_zeros() as usize;
                    break;
                }
            }
            match self.arena.values.get(place) {
                Some(value) => total += value,
                None => return i64::MIN,
            }
        }
        total
    }

    /// Whether each group has one leaf left.
    fn single(&self, here: &Part) -> bool {
        self.arena.words.windows(2).all(|group| {
            here.active[group[0]..group[1]].iter().map(|word| word.count_ones()).sum::<u32>() == 1
        })
    }

    /// Take away what cannot be part of anything wanted; the bound, or `None` where nothing is left.
    fn tighten(&self, here: &mut Part) -> Option<i64> {
        let arena = self.arena;
        loop {
            let total = self.bound(&here.active, &here.active);
            if total < self.never {
                return None;
            }
            let slack = total - self.never;
            self.drop_low(here, slack);
            let mut changed = self.hull(here)?;
            for feature in 0..arena.cells.len() {
                let (mut low, mut high) = (here.low[feature], here.high[feature]);
                if low == high {
                    continue;
                }
                // The last cell is part of every upper side, the first one of every lower side.
                while low < high && self.bound(&here.active, arena.up_to(feature, low)) < self.never
                {
                    low += 1;
                }
                while low < high && self.bound(&here.active, arena.from(feature, high)) < self.never
                {
                    high -= 1;
                }
                if (low, high) != (here.low[feature], here.high[feature]) {
                    changed = true;
                    self.narrow(here, feature, low, high);
                }
            }
            if !changed {
                return Some(total);
            }
        }
    }

    fn narrow(&self, here: &mut Part, feature: usize, low: u16, high: u16) {
        let sets = self.arena.from(feature, low).iter().zip(self.arena.up_to(feature, high));
        for (word, (from, up_to)) in here.active.iter_mut().zip(sets) {
            *word &= from & up_to;
        }
        here.low[feature] = low;
        here.high[feature] = high;
    }

    /// Drop the leaves that are lower than their group's best by more than the slack.
    fn drop_low(&self, here: &mut Part, slack: i64) {
        for group in self.arena.words.windows(2) {
            let mut least = None;
            for word in group[0]..group[1] {
                let mut bits = here.active[word];
                let least = match least {
                    Some(least) => least,
                    None if bits == 0 => continue,
                    None => {
                        let best = self.arena.values[word * 64 + bits.trailing_zeros() as usize];
                        *least.insert(best.saturating_sub(slack))
                    }
                };
                // They lie in order of falling value.
                while bits != 0 {
                    let last = 63 - bits.leading_zeros() as usize;
                    if self.arena.values[word * 64 + last] >= least {
                        break;
                    }
                    bits &= !(1 << last);
                }
                here.active[word] = bits;
            }
        }
    }

    /// Narrow the box to where every group has a leaf; whether it became smaller.
    fn hull(&self, here: &mut Part) -> Option<bool> {
        let arena = self.arena;
        let width = arena.cells.len();
        let (mut low, mut high) = (vec![0_u16; width], vec![u16::MAX; width]);
        let (mut least, mut most) = (vec![0_u16; width], vec![0_u16; width]);
        for group in arena.words.windows(2) {
            least.fill(u16::MAX);
            most.fill(0);
            for word in group[0]..group[1] {
                let mut bits = here.active[word];
                while bits != 0 {
                    let place = word * 64 + bits.trailing_zeros() as usize;
                    let start = place * width;
                    for (least, &low) in least.iter_mut().zip(&arena.lows[start..start + width]) {
                        *least = (*least).min(low);
                    }
                    for (most, &high) in most.iter_mut().zip(&arena.highs[start..start + width]) {
                        *most = (*most).max(high);
                    }
                    bits &= bits - 1;
                }
            }
            for (low, &least) in low.iter_mut().zip(&least) {
                *low = (*low).max(least);
            }
            for (high, &most) in high.iter_mut().zip(&most) {
                *high = (*high).min(most);
            }
        }
        let mut changed = false;
        for feature in 0..width {
            let (low, high) =
                (low[feature].max(here.low[feature]), high[feature].min(here.high[feature]));
            if low > high {
                return None;
            }
            if (low, high) != (here.low[feature], here.high[feature]) {
                changed = true;
                self.narrow(here, feature, low, high);
            }
        }
        Some(changed)
    }

    /// A box in which each group has one leaf, chosen greedily, whose value may be wanted.
    fn completed(&self, here: &Part) -> Option<(i64, Vec<u16>, Vec<u16>)> {
        let arena = self.arena;
        let width = arena.cells.len();
        let (mut low, mut high) = (here.low.clone(), here.high.clone());
        let mut active = here.active.clone();
        let mut total = arena.base;
        // First the groups that have no choice, then those whose leaves differ most.
        let spread = |group: &[usize]| {
            let words = &here.active[group[0]..group[1]];
            let first = words.iter().position(|&word| word != 0)?;
            let last = words.iter().rposition(|&word| word != 0)?;
            let value = |word: usize, bit: u32| arena.values[(group[0] + word) * 64 + bit as usize];
            let (best, last_bit) =
                (words[first].trailing_zeros(), 63 - words[last].leading_zeros());
            let only = first == last && best == last_bit;
            Some(if only { i64::MAX } else { value(first, best) - value(last, last_bit) })
        };
        let order = arena.words.windows(2).enumerate();
        let mut order = order.map(|(at, group)| (Reverse(spread(group)), at)).collect::<Vec<_>>();
        order.sort_unstable();
        for (_, at) in order {
            let group = arena.words[at]..arena.words[at + 1];
            let word = group.clone().find(|&word| active[word] != 0)?;
            let place = word * 64 + active[word].trailing_zeros() as usize;
            total += arena.values[place];
            let start = place * width;
            for feature in 0..width {
                let (a, b) = (arena.lows[start + feature], arena.highs[start + feature]);
                if a > low[feature] {
                    low[feature] = a;
                    for (word, set) in active.iter_mut().zip(arena.from(feature, a)) {
                        *word &= set;
                    }
                }
                if b < high[feature] {
                    high[feature] = b;
                    for (word, set) in active.iter_mut().zip(arena.up_to(feature, b)) {
                        *word &= set;
                    }
                }
            }
        }
        (total >= self.never).then_some((total, low, high))
    }

    /// Divide a box in two, the better half on top.
    fn divide(&mut self, here: Part, total: i64) {
        let arena = self.arena;
        let mut best: Option<((i64, i64), usize, u16, bool)> = None;
        for feature in 0..arena.cells.len() {
            let (low, high) = (here.low[feature], here.high[feature]);
            if low == high {
                continue;
            }
            // Where the bounds of both sides cross: the lower side's rises with the cut.
            let (mut a, mut b) = (low, high);
            while a < b {
                let cut = a + (b - a) / 2;
                let below = self.bound(&here.active, arena.up_to(feature, cut));
                let above = self.bound(&here.active, arena.from(feature, cut + 1));
                let (small, large) = (
                    total.saturating_sub(below.max(above)),
                    total.saturating_sub(below.min(above)),
                );
                let rank = (small, large);
                if best.as_ref().is_none_or(|(known, ..)| rank > *known) {
                    best = Some((rank, feature, cut, below >= above));
                }
                if below < above {
                    a = cut + 1;
                } else {
                    b = cut;
                }
            }
        }
        let Some((_, feature, cut, below_first)) = best else { return };
        let mut other = self.spare.pop().unwrap_or_default();
        other.clone_from(&here);
        let mut here = here;
        let (low, high) = (here.low[feature], here.high[feature]);
        self.narrow(&mut here, feature, low, cut);
        self.narrow(&mut other, feature, cut + 1, high);
        let (first, second) = if below_first { (here, other) } else { (other, here) };
        self.left.push(second);
        self.left.push(first);
    }
}
