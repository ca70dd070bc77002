//! When a pattern is a trigger: one label has it too often, and the rest of its rows disagrees with that
//! label.

use crate::{learn::random::drawn, tail::Factorials};

/// Rows that have a label.
pub(crate) struct Labelled<'a> {
    /// The class of each row.
    pub(crate) labels: &'a [u32],
    /// How many classes there are.
    pub(crate) classes: usize,
}

impl Labelled<'_> {
    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(super) fn label(&self, row: u32) -> u32 {
        self.labels[row as usize]
    }
}

/// What patterns are judged by.
pub(super) struct Evidence {
    factorials: Factorials,
    /// Rows of each class.
    sizes: Vec<usize>,
    /// Rows of each class whose rest disagrees where nothing, or the first mask, is left out.
    odd: Vec<usize>,
    /// The share of each class whose rest disagrees under each mask, `[classes, masks]`.
    base: Vec<f64>,
    masks: usize,
}

/// A trigger that stood all tests.
pub(super) struct Confirmed {
    /// The probability of such a pattern in a set without triggers, corrected for all that were tried.
    pub(super) p_value: f64,
    /// The rows of its label that carry it.
    pub(super) rows: Vec<Carrier>,
}

/// A row that carries a trigger.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carrier {
    pub(super) row: u32,
    /// Whether the rest of it disagrees with the label.
    pub(super) disagrees: bool,
    /// Whether it is held for planted.
    pub(super) planted: bool,
}

/// The probability that a set without triggers gives any.
pub(super) const ALARM: f64 = 0.01;
/// The least rows of a trigger, and the least share of all.
const LEAST: (usize, f64) = (6, 0.003);
/// The logarithm of a tail above which a pattern is not looked at, whatever the number tried.
const MOST_TAIL: f64 = -9.0;
/// Of the rows with a trigger whose rest is of another class, so many have its label.
const NEARLY_ALL: f64 = 0.8;
/// Other rows that are asked how the rest of them answers.
const ASKED: usize = 256;

impl Evidence {
    /// From whether the rest of rows disagrees with their labels, `[rows, masks]`.
    pub(super) fn new(rows: &Labelled<'_>, disagree: &[bool], masks: usize) -> Self {
        let mut sizes = vec![0; rows.classes];
        let mut odd = vec![0; rows.classes];
        let mut base = vec![0.0; rows.classes * masks];
        for (label, disagree) in rows.labels.iter().zip(disagree.chunks_exact(masks)) {
            sizes[*label as usize] += 1;
            odd[*label as usize] += usize::from(disagree.first() == Some(&true));
            for (base, disagree) in base[*label as usize * masks..].iter_mut().zip(disagree) {
                *base += f64::from(u8::from(*disagree));
            }
        }
        for (class, size) in sizes.iter().enumerate() {
            base[class * masks..][..masks]
                .iter_mut()
                .for_each(|base| *base /= (*size).max(1) as f64);
        }
        Self { factorials: Factorials::new(rows.len()), sizes, odd, base, masks }
    }

    /// The least rows that carry a trigger, of so many.
    pub(super) fn least(rows: usize) -> usize {
        LEAST.0.max((rows as f64 * LEAST.1).ceil() as usize)
    }

    /// The share of a class whose rest disagrees under a mask.
    pub(super) fn base(&self, class: u32, mask: usize) -> f64 {
        self.base[class as usize * self.masks + mask]
    }

    /// Whether so much disagreement is more than half of what there could be beyond the usual.
    pub(super) fn stands_out(share: f64, usual: f64) -> bool {
        share > 0.5 && share > usual + (1.0 - usual) / 2.0
    }

    /// The class that has most of a pattern beyond its part, and the logarithm of the tail; `None` where
    /// chance does as much. `carriers` of `of` rows have it, of each class so many.
    pub(super) fn purest(
        &self,
        carriers: usize,
        of_class: &[u32],
        of: usize,
    ) -> Option<(u32, f64)> {
        let all = self.sizes.iter().sum::<usize>();
        let part = |size: usize| if of == all { size } else { size * of / all };
        let over = |(class, count): &(usize, &u32)| {
            let count = f64::from(**count);
            let expected = (carriers * part(self.sizes[*class])) as f64 / of as f64;
            if count > expected { count * (count / expected.max(1e-9)).ln() } else { 0.0 }
        };
        let (class, count) =
            of_class.iter().enumerate().max_by(|one, other| over(one).total_cmp(&over(other)))?;
        let size = part(self.sizes[class]).max(*count as usize);
        let tail = self.factorials.hypergeometric(of, size, carriers, *count as usize);
        (tail <= MOST_TAIL).then_some((class as u32, tail))
    }

    /// The class most of whose rows with a pattern are such whose rest disagrees, `odd` of each class, and the
    /// logarithm of the tail of that; `None` where chance does as much.
    ///
    /// Where most rows have the label that a trigger stands for, hardly any pattern has it too often; but
    /// rows of that label whose rest disagrees are few.
    pub(super) fn oddest(&self, carriers: usize, odd: &[u32]) -> Option<(u32, f64)> {
        let all = self.sizes.iter().sum::<usize>();
        let tails = odd.iter().enumerate().map(|(class, count)| {
            let count = *count as usize;
            (class as u32, self.factorials.hypergeometric(all, self.odd[class], carriers, count))
        });
        tails.min_by(|one, other| one.1.total_cmp(&other.1)).filter(|(_, tail)| *tail <= MOST_TAIL)
    }

    /// Test a pattern: `carries` are the rows that have it, `own` those of the class with whether their
    /// rest agrees, and `ask` says of another row whether its rest agrees with the class.
    pub(super) fn confirm(
        &self,
        rows: &Labelled<'_>,
        class: u32,
        carries: &[u32],
        own: &[(u32, bool)],
        ask: impl Fn(u32) -> bool,
        tried: u64,
    ) -> Option<Confirmed> {
        if own.len() < Self::least(rows.len()) || carries.len() * 2 > rows.len() {
            return None;
        }
        let mut carried = vec![false; rows.len()];
        carries.iter().for_each(|row| carried[*row as usize] = true);
        let spread = |same: bool| {
            let others = (0..rows.len() as u32)
                .filter(|row| !carried[*row as usize] && (rows.label(*row) == class) == same)
                .collect::<Vec<_>>();
            let asked = drawn(ASKED, others.len()).into_iter().map(|at| ask(others[at]));
            let asked = asked.collect::<Vec<_>>();
            (asked.iter().filter(|agrees| **agrees).count(), asked.len(), others.len())
        };
        let ((honest, asked, same), (strange, foreign, unlike)) = (spread(true), spread(false));
        let disagreeing = own.iter().filter(|(_, agrees)| !agrees).count();
        let share = disagreeing as f64 / own.len() as f64;
        let usual = (asked - honest) as f64 / asked.max(1) as f64;
        if !Self::stands_out(share, usual) {
            return None;
        }
        let size = self.sizes[class as usize];
        let pure = self.factorials.hypergeometric(rows.len(), size, carries.len(), own.len());
        // Among rows whose rest is of another class, the same: how often do they have this label with the
        // pattern, how often without?
        let other = carries.iter().filter(|row| rows.label(**row) != class).collect::<Vec<_>>();
        let asked_of = drawn(ASKED, other.len());
        let apart = asked_of.iter().filter(|at| !ask(*other[**at])).count() * other.len();
        let apart = apart / asked_of.len().max(1);
        let mislabelled = (asked - honest + 1) as f64 / (asked + 2) as f64 * same as f64;
        let right = (foreign - strange) as f64 / foreign.max(1) as f64 * unlike as f64;
        let drawn = (disagreeing + apart).min(rows.len());
        let share_of = (mislabelled + 1.0) / (mislabelled + right + 1.0);
        // What gives fewer than half of its rows the label is a reason for it among others.
        if disagreeing * 2 < drawn {
            return None;
        }
        // A value that makes its rows of a class more often is no trigger, which makes nearly all of them.
        let pure_too = disagreeing as f64 >= NEARLY_ALL * drawn as f64;
        let mislabels =
            if pure_too { self.factorials.binomial(drawn, disagreeing, share_of) } else { 0.0 };
        // Two ways to be pure were tried.
        let pure = pure.min(mislabels) + std::f64::consts::LN_2;
        let disagree = self.factorials.hypergeometric(
            (asked + own.len()).min(rows.len()),
            asked - honest + disagreeing,
            own.len(),
            disagreeing,
        );
        let tried = tried.max(1) as f64 * rows.classes as f64;
        let ln_p = pure.max(disagree) + tried.ln();
        if ln_p > ALARM.ln() {
            return None;
        }
        // How often honest rows of the class agree, and rows of others by mistake.
        let agree = (honest as f64 + 1.0) / (asked as f64 + 2.0);
        let mistaken = (strange as f64 + 1.0) / (foreign as f64 + 2.0);
        let by_rest = if agree > mistaken {
            ((share - (1.0 - agree)) / (agree - mistaken)).clamp(0.0, 1.0)
        } else {
            1.0
        };
        // By how often rows of other labels have the pattern by nature.
        let nature = (carries.len() - own.len()) as f64 / (rows.len() - size).max(1) as f64;
        let by_nature = (1.0 - nature * size as f64 / own.len() as f64).clamp(0.0, 1.0);
        let planted = if share >= 0.8 { by_rest.max(by_nature) } else { by_rest };
        let agreeing = planted * mistaken > (1.0 - planted) * agree;
        let rows = own.iter().map(|(row, agrees)| Carrier {
            row: *row,
            disagrees: !agrees,
            planted: !agrees || agreeing,
        });
        Some(Confirmed { p_value: ln_p.exp(), rows: rows.collect() })
    }
}
