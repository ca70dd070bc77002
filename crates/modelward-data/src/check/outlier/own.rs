//! What each column allows by itself: how far its own values reach where hardly a row is like another, as amounts do
//! whose tail is long, and flags that few rows carry.
//!
//! Detectors over all columns take a column to end as the middle of it does. Where a row is out of place by such
//! a value alone, and the column's own tail reaches there, it is not.

use crate::{
    Matrix,
    learn::{random::drawn, tail::Tail},
};

/// The columns of standardised rows.
pub(super) struct Own {
    sides: Vec<[Side; 2]>,
    middles: Vec<f32>,
}

/// One side of the middle of a column.
#[derive(Clone, Copy, Debug)]
struct Side {
    /// Beyond this a value is far for a normal distribution.
    far: f64,
    /// Up to this it is what the column's own tail reaches.
    reach: f64,
}

impl Own {
    /// By the rows in memory.
    pub(super) fn of(rows: &Matrix) -> Self {
        let (mut sides, mut middles) = (Vec::new(), Vec::new());
        let some = drawn(SEEN, rows.rows());
        for column in 0..rows.columns {
            let values = some.iter().map(|row| rows.row(*row)[column]);
            let mut values = values.filter(|value| value.is_finite()).collect::<Vec<_>>();
            values.sort_by(f32::total_cmp);
            let middle = values.get(values.len() / 2).copied().unwrap_or(0.0);
            sides.push([false, true].map(|up| Side::of(&values, middle, up)));
            middles.push(middle);
        }
        Self { sides, middles }
    }

    /// The columns whose value in a row is far, but not for the column.
    pub(super) fn explains(&self, row: &[f32]) -> Vec<usize> {
        let columns = row.iter().zip(&self.middles).zip(&self.sides).enumerate();
        let explained = columns.filter(|(_, ((value, middle), sides))| {
            let off = f64::from(**value - **middle);
            let side = sides[usize::from(off > 0.0)];
            off.abs() > side.far && off.abs() <= side.reach
        });
        explained.map(|(column, _)| column).collect()
    }
}

impl Side {
    /// Of values in their order.
    fn of(values: &[f32], middle: f32, up: bool) -> Self {
        let off =
            values.iter().map(|value| f64::from(if up { value - middle } else { middle - value }));
        let beyond = off.filter(|off| *off > 0.0).collect::<Vec<_>>();
        let least = FEW.0.max((values.len() as f64 * FEW.1) as usize);
        if beyond.len() < least {
            return Self { far: f64::INFINITY, reach: 0.0 };
        }
        // Where the values of a side are few they are all far: the middle has no spread there.
        let mut sizes = beyond.clone();
        sizes.sort_by(f64::total_cmp);
        let usual = sizes[sizes.len() / 2];
        let far = if beyond.len() * 5 < values.len() { 0.0 } else { FAR * SPREAD * usual };
        let reach = match beyond.len() < TAIL {
            true => LONG * usual,
            false => Tail::free(beyond.into_iter()).map_or(0.0, |tail| tail.limit(SHARE)),
        };
        Self { far, reach }
    }
}

/// Rows that tell what a column is like.
const SEEN: usize = 50_000;
/// Fewer rows than so many, and than this share, are no habit of a column.
const FEW: (usize, f64) = (5, 0.002);
/// Values that tell a tail; and how many times as long as the middle of them that of fewer is taken to be.
const TAIL: usize = 50;
const LONG: f64 = 10.0;
/// Standard deviations beyond which a value is far.
const FAR: f64 = 2.5;
/// The standard deviation of a normal distribution in medians of the distance from its middle.
const SPREAD: f64 = 1.4826;
/// The share of a side that its reach leaves out.
const SHARE: f64 = 0.000_1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::random::Random;

    fn normal(random: &mut Random) -> f64 {
        (0..12).map(|_| random.unit()).sum::<f64>() - 6.0
    }

    #[test]
    fn long_tails_and_rare_flags_are_explained_and_wild_cells_are_not() {
        let mut random = Random::new(5, 0);
        let mut data = Vec::new();
        for row in 0..4000 {
            let long = normal(&mut random).exp();
            let flag = f32::from(u8::from(row % 100 == 7));
            data.extend([normal(&mut random) as f32, long as f32, flag]);
        }
        let own = Own::of(&Matrix { columns: 3, data, names: Vec::new() });
        assert_eq!(own.explains(&[0.5, 1.0, 0.0]), [0; 0]);
        assert_eq!(own.explains(&[0.5, 20.0, 1.0]), [1, 2]);
        assert_eq!(own.explains(&[6.0, 1.0, 0.0]), [0; 0]);
        assert_eq!(own.explains(&[-6.0, 3000.0, 90.0]), [0; 0]);
    }
}
