//! What the other columns of a row say of its label: the nearest other rows with some columns left out.

use arrow_array::RecordBatch;

use crate::{
    Kind, Matrix,
    check::trigger::{
        Labelled,
        voters::{Nearest, Voters},
    },
    columns::written,
    kind,
};

pub(super) struct Rest<'a> {
    voters: Voters<'a>,
    /// Standardised numbers, one behind the other.
    numbers: Matrix,
    /// Categories, a number each.
    categories: Vec<(String, Vec<u32>)>,
}

/// Standard deviations beyond which one is as far as the other, so that no cell decides alone.
const FARTHEST: f32 = 3.0;
/// Values of a column of categories.
const MOST_CATEGORIES: usize = 64;

impl<'a> Rest<'a> {
    pub(super) fn new(batch: &RecordBatch, columns: &[usize], rows: &Labelled<'a>) -> Self {
        let schema = batch.schema();
        let of = |wanted: fn(Kind) -> bool| {
            columns
                .iter()
                .copied()
                .filter(move |column| wanted(kind(batch.schema().field(*column))))
        };
        let mut numbers = Matrix::of(batch, of(|kind| matches!(kind, Kind::Number | Kind::Truth)));
        for column in 0..numbers.columns {
            standardise(&mut numbers, column);
        }
        let mut categories = Vec::new();
        for column in of(|kind| kind == Kind::Text) {
            let cells = written(batch.column(column));
            let mut known = std::collections::HashMap::new();
            let codes = cells.into_iter().map(|cell| {
                let next = known.len() as u32;
                cell.map_or(u32::MAX, |cell| *known.entry(cell).or_insert(next))
            });
            let codes = codes.collect::<Vec<_>>();
            if known.len() <= MOST_CATEGORIES {
                categories.push((schema.field(column).name().clone(), codes));
            }
        }
        Self { voters: Voters::new(rows), numbers, categories }
    }

    /// The standardised numbers.
    pub(super) fn numbers(self) -> Matrix {
        self.numbers
    }

    /// Whether there is nothing to compare.
    pub(super) fn is_empty(&self) -> bool {
        self.numbers.columns + self.categories.len() < 2
    }

    /// Whether the nearest rows agree with a class where these columns are left out.
    pub(super) fn agrees(&self, row: u32, class: u32, masked: &[&str]) -> bool {
        let keep = |name: &String| !masked.contains(&name.as_str());
        let kept = self.numbers.names.iter().map(|name| f32::from(u8::from(keep(name))));
        let kept = kept.collect::<Vec<_>>();
        let categories = self.categories.iter().filter(|(name, _)| keep(name));
        let categories = categories.map(|(_, codes)| codes).collect::<Vec<_>>();
        let mut nearest = Nearest::default();
        let numbers = |row: u32| match self.numbers.columns {
            0 => &[][..],
            _ => self.numbers.row(row as usize),
        };
        let own = numbers(row);
        for other in self.voters.others(row) {
            let pairs = own.iter().zip(numbers(other)).zip(&kept);
            let mut distance = pairs.map(|((a, b), keep)| (a - b) * (a - b) * keep).sum::<f32>();
            for codes in &categories {
                // Two unlike categories are as far apart as two columns of 0 and 1, standardised.
                distance += 2.0 * f32::from(u8::from(codes[row as usize] != codes[other as usize]));
            }
            nearest.take(distance, other);
        }
        self.voters.agree(class, &nearest, &mut self.voters.votes())
    }
}

/// Give a column mean 0 and deviation 1; what is missing lies at the mean.
fn standardise(numbers: &mut Matrix, column: usize) {
    let width = numbers.columns;
    let present = numbers.data.iter().skip(column).step_by(width).filter(|x| x.is_finite());
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for &value in present.clone() {
        count += 1.0;
        sum += f64::from(value);
    }
    let mean = if count > 0.0 { sum / count } else { 0.0 };
    for &value in present {
        squares += (f64::from(value) - mean).powi(2);
    }
    let deviation = (squares / f64::max(count, 1.0)).sqrt();
    let scale = if deviation > 1e-12 { 1.0 / deviation } else { 0.0 };
    for value in numbers.data.iter_mut().skip(column).step_by(width) {
        let scaled = (f64::from(*value) - mean) * scale;
        *value = if value.is_finite() { (scaled as f32).clamp(-FARTHEST, FARTHEST) } else { 0.0 };
    }
}
