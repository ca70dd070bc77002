//! Rows as numbers that learners compare: standardised columns, categories, texts and images.

use std::collections::{BTreeMap, HashMap};

use arrow_array::RecordBatch;

use super::workers;
use crate::{
    Kind, Limits, Matrix, Roles,
    columns::{numbers, written},
    image_shape, kind,
    pictures::Pictures,
};

mod image;
mod text;

/// Rows as numbers.
pub(crate) struct Features {
    /// `[rows, features]`, standardised, none missing.
    pub(crate) matrix: Matrix,
    /// Columns that tell nothing, and why.
    pub(crate) dropped: Vec<(String, &'static str)>,
    /// Images that cannot be read, and are as the mean of the others.
    pub(crate) broken: usize,
}

/// The features of rows.
pub(crate) fn of(rows: &RecordBatch, roles: &Roles, limits: &Limits, threads: usize) -> Features {
    let (height, schema) = (rows.num_rows(), rows.schema());
    let columns = (0..rows.num_columns()).filter(|column| roles.is_feature(*column));
    let columns = columns.collect::<Vec<_>>();
    let parts = workers::each(columns.len(), threads, |at| {
        let column = columns[at];
        let (field, array) = (schema.field(column), rows.column(column));
        let mut parts = Parts { height, ..Parts::default() };
        match kind(field) {
            Kind::Number | Kind::Truth => {
                let Some(values) = numbers(array) else { return parts };
                if is_identifier(field.data_type().is_integer(), &values) {
                    parts.drop(field.name(), "every row has another, as identifiers do");
                } else {
                    parts.number(field.name(), values);
                }
            }
            Kind::Numbers(width) => {
                let matrix = Matrix::of(rows, [column]);
                match image_shape(field) {
                    Some(shape) if width >= 64 => {
                        parts.columns.extend(image::features(field.name(), &matrix, shape));
                    }
                    _ => {
                        for at in 0..matrix.columns {
                            let values = (0..height).map(|row| f64::from(matrix.row(row)[at]));
                            parts.number(&matrix.names[at], values.collect());
                        }
                    }
                }
            }
            Kind::Text => parts.text(field.name(), &written(array), roles.text == Some(column)),
            Kind::Image => match Pictures::of(rows, column, limits) {
                Some(pictures) => {
                    let (columns, broken) = image::of_files(field.name(), &pictures, threads);
                    parts.columns.extend(columns);
                    parts.broken += broken;
                }
                None => parts.drop(field.name(), "its images cannot be read"),
            },
            Kind::Path => {}
            Kind::Time => parts.drop(field.name(), "times are not compared"),
            Kind::Bytes | Kind::Other => parts.drop(field.name(), "its kind is not compared"),
        }
        parts
    });
    let mut all = Parts { height, ..Parts::default() };
    for part in parts {
        all.columns.extend(part.columns);
        all.dropped.extend(part.dropped);
        all.broken += part.broken;
    }
    all.features()
}

/// Columns of features while they are gathered.
#[derive(Default)]
struct Parts {
    height: usize,
    columns: Vec<(String, Vec<f32>)>,
    dropped: Vec<(String, &'static str)>,
    broken: usize,
}

impl Parts {
    fn drop(&mut self, name: &str, why: &'static str) {
        self.dropped.push((name.to_owned(), why));
    }

    /// Numbers, standardised, and where enough are missing whether they are.
    fn number(&mut self, name: &str, values: Vec<f64>) {
        let missing = values.iter().filter(|value| !value.is_finite()).count();
        match Scale::of(&values) {
            Some(scale) => {
                let standard = values.iter().map(|value| scale.standard(*value)).collect();
                self.columns.push((name.to_owned(), standard));
            }
            None => self.drop(name, "it is constant"),
        }
        let least = (self.height / 200).max(5);
        if missing >= least && self.height - missing >= least {
            let flags = values.iter().map(|value| if value.is_finite() { 0.0 } else { 1.0 });
            if let Some(scale) = Scale::of(&flags.clone().collect::<Vec<_>>()) {
                let flags = flags.map(|flag| scale.standard(flag)).collect();
                self.columns.push((format!("{name} missing"), flags));
            }
        }
    }

    /// Categories where they are few, else words.
    fn text(&mut self, name: &str, texts: &[Option<String>], asked: bool) {
        let mut counts = BTreeMap::new();
        for text in texts {
            *counts.entry(text.as_deref()).or_insert(0_usize) += 1;
        }
        if counts.len() < 2 {
            return self.drop(name, "it is constant");
        }
        if counts.len() <= CATEGORIES && !asked {
            for (value, count) in counts {
                let share = count as f64 / self.height as f64;
                // A rare value is not to be farther away than anything else.
                let deviation = (share * (1.0 - share)).sqrt().max(0.15) * std::f64::consts::SQRT_2;
                let flags = texts.iter().map(|text| {
                    let flag = if text.as_deref() == value { 1.0 } else { 0.0 };
                    ((flag - share) / deviation) as f32
                });
                let value = value.unwrap_or("missing");
                self.columns.push((format!("{name}={value}"), flags.collect()));
            }
            return;
        }
        let words =
            texts.iter().flatten().map(|text| text.split_whitespace().count()).sum::<usize>();
        if !asked && counts.len() * 20 > self.height * 19 && words < 2 * self.height {
            return self.drop(name, "every row has another, as identifiers do");
        }
        self.columns.extend(text::features(name, texts));
    }

    fn features(self) -> Features {
        let columns = self.columns.len();
        let mut data = vec![0.0; self.height * columns];
        let mut names = Vec::with_capacity(columns);
        for (at, (name, values)) in self.columns.into_iter().enumerate() {
            for (row, value) in values.into_iter().enumerate() {
                data[row * columns + at] = value;
            }
            names.push(name);
        }
        let matrix = Matrix { columns, data, names };
        Features { matrix, dropped: self.dropped, broken: self.broken }
    }
}

/// How a column is standardised.
pub(crate) struct Scale {
    /// What is 0.
    pub(crate) centre: f64,
    /// What is 1.
    pub(crate) unit: f64,
}

impl Scale {
    /// By mean and standard deviation; by median and quartiles where the tails are heavy. `None` where all
    /// numbers are one.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut finite =
            values.iter().copied().filter(|value| value.is_finite()).collect::<Vec<_>>();
        let count = finite.len() as f64;
        if finite.is_empty() {
            return None;
        }
        finite.sort_by(f64::total_cmp);
        let (least, most) = (finite[0], finite[finite.len() - 1]);
        if least == most {
            return None;
        }
        let mean = finite.iter().map(|value| value / count).sum::<f64>();
        let squares = finite.iter().map(|value| (value - mean) * (value - mean) / count);
        let deviation = squares.sum::<f64>().sqrt();
        let quantile = |share: f64| finite[((finite.len() - 1) as f64 * share).round() as usize];
        let robust = (quantile(0.75) - quantile(0.25)) / 1.349;
        if robust > 0.0 && deviation > 3.0 * robust {
            return Some(Self { centre: quantile(0.5), unit: robust });
        }
        (deviation > 0.0 && deviation.is_finite()).then_some(Self { centre: mean, unit: deviation })
    }

    /// By mean and standard deviation.
    fn plain(values: &[f64]) -> Option<Self> {
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let count = finite().count() as f64;
        let mean = finite().map(|value| value / count).sum::<f64>();
        let deviation =
            finite().map(|value| (value - mean) * (value - mean) / count).sum::<f64>().sqrt();
        let size = finite().map(f64::abs).fold(0.0, f64::max);
        let told = deviation > 1e-9 * size && deviation.is_finite();
        told.then_some(Self { centre: mean, unit: deviation })
    }

    /// A number in these units; 0 where it is missing.
    pub(crate) fn standard(&self, value: f64) -> f32 {
        if value.is_nan() {
            return 0.0;
        }
        let standard = (value - self.centre) / self.unit;
        standard.clamp(-REACH, REACH) as f32
    }
}

/// Whether whole numbers are counted through: every row another, and few left out between them.
fn is_identifier(whole: bool, values: &[f64]) -> bool {
    if !whole || values.len() < 20 || values.iter().any(|value| !value.is_finite()) {
        return false;
    }
    let distinct =
        values.iter().map(|value| value.to_bits()).collect::<std::collections::HashSet<_>>();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let rising = values.windows(2).all(|pair| pair[0] < pair[1]);
    distinct.len() == values.len() && (rising || most - least < 2.0 * values.len() as f64)
}

/// Columns of numbers and of images as they are compared for outliers: standardised and nowhere cut off.
pub(crate) struct Standard {
    /// The columns that are taken, with the places of their numbers.
    columns: Vec<usize>,
    /// Columns of images in files, whose numbers come behind.
    images: Vec<usize>,
    limits: Limits,
    /// How each number is standardised; `None` for one that tells nothing.
    scales: Vec<Option<Scale>>,
    /// The names of those that tell something.
    pub(crate) names: Vec<String>,
}

impl Standard {
    /// By the numbers of some rows.
    pub(crate) fn of(rows: &RecordBatch, roles: &Roles, limits: &Limits) -> Self {
        let schema = rows.schema();
        let columns = (0..rows.num_columns()).filter(|column| roles.is_feature(*column));
        let columns = columns.filter(|column| {
            let field = schema.field(*column);
            match kind(field) {
                Kind::Numbers(width) => width <= WIDEST,
                Kind::Truth => true,
                Kind::Number => numbers(rows.column(*column))
                    .is_some_and(|values| !is_identifier(field.data_type().is_integer(), &values)),
                _ => false,
            }
        });
        let columns = columns.collect::<Vec<_>>();
        let images = (0..rows.num_columns()).filter(|column| {
            roles.is_feature(*column) && kind(schema.field(*column)) == Kind::Image
        });
        let images = images.collect::<Vec<_>>();
        let matrix = numbers_of(rows, &columns, &images, limits);
        let scales = (0..matrix.columns).map(|at| {
            let values = (0..matrix.rows()).map(|row| f64::from(matrix.row(row)[at]));
            Scale::plain(&values.collect::<Vec<_>>())
        });
        let scales = scales.collect::<Vec<_>>();
        let names = matrix.names.iter().zip(&scales).filter(|(_, scale)| scale.is_some());
        let names = names.map(|(name, _)| name.clone()).collect();
        Self { columns, images, limits: *limits, names, scales }
    }

    /// Rows in these units; what is missing is as the mean.
    pub(crate) fn rows(&self, rows: &RecordBatch) -> Matrix {
        let raw = numbers_of(rows, &self.columns, &self.images, &self.limits);
        let mut data = Vec::with_capacity(raw.rows() * self.names.len());
        for row in 0..raw.rows() {
            for (value, scale) in raw.row(row).iter().zip(&self.scales) {
                let Some(scale) = scale else { continue };
                let standard = (f64::from(*value) - scale.centre) / scale.unit;
                data.push(if standard.is_nan() { 0.0 } else { standard.clamp(-1e6, 1e6) as f32 });
            }
        }
        Matrix { columns: self.names.len(), data, names: Vec::new() }
    }

    /// A number in the user's units.
    pub(crate) fn plain(&self, column: usize, standard: f64) -> f64 {
        match self.scales.iter().flatten().nth(column) {
            Some(scale) => scale.centre + scale.unit * standard,
            None => standard,
        }
    }
}

/// The numbers of some columns, and behind them those of images.
fn numbers_of(rows: &RecordBatch, columns: &[usize], images: &[usize], limits: &Limits) -> Matrix {
    let mut all = Matrix::of(rows, columns.iter().copied());
    for column in images {
        let Some(pictures) = Pictures::of(rows, *column, limits) else { continue };
        let names = image::names(rows.schema().field(*column).name());
        let mut own = Vec::with_capacity(names.len());
        let mut data = Vec::with_capacity(rows.num_rows() * (all.columns + names.len()));
        for row in 0..rows.num_rows() {
            own.clear();
            image::apart(pictures.get(row).as_ref(), &mut own);
            data.extend_from_slice(if all.columns > 0 { all.row(row) } else { &[] });
            data.extend_from_slice(&own);
        }
        all.columns += names.len();
        all.names.extend(names);
        all.data = data;
    }
    all
}

/// The values of a column as small numbers; `None` where there is none.
pub(crate) fn values(texts: &[Option<String>]) -> Vec<Option<u32>> {
    let mut numbers = HashMap::new();
    texts
        .iter()
        .map(|text| {
            let text = text.as_deref()?;
            let next = numbers.len() as u32;
            Some(*numbers.entry(text).or_insert(next))
        })
        .collect()
}

/// The most numbers of an array whose places are compared one by one.
const WIDEST: usize = 4096;
/// The most values of a column that are categories.
const CATEGORIES: usize = 32;
/// Standard deviations beyond which all is equally far.
const REACH: f64 = 8.0;
