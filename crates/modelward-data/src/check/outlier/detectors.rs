//! Detectors over all columns of numbers together, and how rare what each says is.

use arrow_array::RecordBatch;

use super::{Context, own::Own};
use crate::{
    Matrix,
    learn::{
        covariance::Covariance,
        features::Standard,
        isolation::Isolation,
        neighbours::Packed,
        random::{Random, drawn},
        tail::Tail,
        workers,
    },
};

/// Detectors that were fitted to the rows in memory.
pub(super) struct Detectors {
    standard: Standard,
    covariance: Covariance,
    forest: Isolation,
    /// Rows in coordinates that hang on no other, and their numbers in the set.
    reference: (Packed, Vec<u64>),
    /// Small samples of rows, one behind the other.
    samples: (Packed, Matrix),
    /// For each detector, the tail of its scores and the score above which a row is reported.
    tails: Vec<(Tail, f64)>,
    own: Own,
}

/// Why a row is out of place.
pub(super) struct Reason {
    /// Which detector says so.
    pub(super) detector: &'static str,
    /// The columns that it owes this to, the first the most.
    pub(super) columns: Vec<String>,
    /// In words.
    pub(super) why: String,
}

/// What the detectors say of a row.
pub(super) struct Judged {
    /// How rare it is.
    pub(super) rarity: f64,
    /// Why it is reported, if it is.
    pub(super) reason: Option<Reason>,
}

/// The names of the detectors, in the order of their scores.
const NAMES: [&str; 4] = ["covariance", "neighbours", "neighbours", "forest"];
const COVARIANCE: usize = 0;
const NEIGHBOURS: usize = 1;
const SAMPLES: usize = 2;

impl Detectors {
    /// Fit to the sample; `None` where there is nothing to fit to.
    pub(super) fn fit(context: &Context<'_>) -> Option<Self> {
        let (sample, request) = (&context.sample, context.request);
        let standard = Standard::of(&sample.rows, &context.roles, &request.limits);
        let width = standard.names.len();
        if width == 0 {
            return None;
        }
        let rows = standard.rows(&sample.rows);
        let covariance = Covariance::fit(&rows, request.threads)?;
        let forest = Isolation::grow(&rows, TREES, TREE_ROWS, request.seed);
        let most = COMPARISONS / context.rows.max(1);
        let most = usize::try_from(most).unwrap_or(REFERENCE).clamp(LEAST_REFERENCE, REFERENCE);
        let chosen = drawn(most, rows.rows());
        let mut whitened =
            Matrix { columns: width, data: vec![0.0; chosen.len() * width], names: Vec::new() };
        for (row, out) in chosen.iter().zip(whitened.data.chunks_exact_mut(width)) {
            covariance.distance(rows.row(*row), out);
        }
        let numbers = chosen.iter().map(|row| sample.numbers[*row]).collect();
        let mut random = Random::new(request.seed, 0x5a);
        let each = SAMPLE.min(rows.rows() / 2);
        let drawn = (0..DRAWS).flat_map(|_| random.some(each, rows.rows()));
        let data = drawn.flat_map(|row| rows.row(row).to_vec()).collect();
        let drawn = Matrix { columns: width, data, names: Vec::new() };
        let mut detectors = Self {
            standard,
            covariance,
            forest,
            reference: (Packed::new(&whitened), numbers),
            samples: (Packed::new(&drawn), drawn),
            tails: Vec::new(),
            own: Own::of(&rows),
        };
        let scores = detectors.scores(&rows, &sample.numbers, request.threads);
        for detector in 0..NAMES.len() {
            let tail = Tail::of(scores.iter().map(|scores| scores[detector]))?;
            let mut limit = tail.limit(ALARMS);
            if detector == COVARIANCE {
                // Where rows are normal, this is what their distance is; it is never expected less.
                limit = limit.max(normal(width, ALARMS));
            }
            detectors.tails.push((tail, limit));
        }
        Some(detectors)
    }

    /// The share of ordinary rows that is reported.
    pub(super) fn alarms(&self) -> f64 {
        ALARMS * NAMES.len() as f64
    }

    /// Judge rows of the set with these numbers.
    pub(super) fn judge(&self, rows: &RecordBatch, numbers: &[u64], threads: usize) -> Vec<Judged> {
        let rows = self.standard.rows(rows);
        let scores = self.scores(&rows, numbers, threads);
        let judge = |(row, scores): (usize, &[f64; 4])| {
            let each = scores.iter().zip(&self.tails);
            let rarity = each.map(|(score, (tail, limit))| tail.rarity(*score, *limit)).sum();
            let reason = self.over(scores).and_then(|at| {
                self.beside(rows.row(row), numbers[row])
                    .unwrap_or_else(|| Some(self.reason(at, rows.row(row), scores[at])))
            });
            Judged { rarity, reason }
        };
        scores.iter().enumerate().map(judge).collect()
    }

    /// The first detector whose limit these scores are over.
    fn over(&self, scores: &[f64; 4]) -> Option<usize> {
        (0..NAMES.len()).find(|at| scores[*at] > self.tails[*at].1)
    }

    /// Why a row is out of place beside the values that are far, but not for their columns; `None` where it has none
    /// of these.
    fn beside(&self, row: &[f32], number: u64) -> Option<Option<Reason>> {
        let explained = self.own.explains(row);
        if explained.is_empty() {
            return None;
        }
        let mut data = row.to_vec();
        self.covariance.impute(&mut data, &explained);
        let rows = Matrix { columns: data.len(), data, names: Vec::new() };
        let scores = self.scores(&rows, &[number], 1);
        let scores = scores.first()?;
        Some(self.over(scores).map(|at| self.reason(at, rows.row(0), scores[at])))
    }

    fn scores(&self, rows: &Matrix, numbers: &[u64], threads: usize) -> Vec<[f64; 4]> {
        let width = rows.columns;
        let blocks = rows.rows().div_ceil(BLOCK);
        let parts = workers::each(blocks, threads, |block| {
            let some = block * BLOCK..((block + 1) * BLOCK).min(rows.rows());
            let data = rows.data[some.start * width..some.end * width].to_vec();
            let rows = Matrix { columns: width, data, names: Vec::new() };
            let mut whitened =
                Matrix { columns: width, data: vec![0.0; rows.data.len()], names: Vec::new() };
            let distances = whitened.data.chunks_exact_mut(width).enumerate();
            // The cube root of a squared distance is nearly normal (Wilson and Hilferty, 1931).
            let distances =
                distances.map(|(row, out)| self.covariance.distance(rows.row(row), out).cbrt());
            let distances = distances.collect::<Vec<_>>();
            let (reference, own) = &self.reference;
            let near = reference.nth(own, &Packed::new(&whitened), &numbers[some], NTH);
            let drawn = self.samples.0.sampled(self.each(), &Packed::new(&rows));
            let each = (0..rows.rows()).map(|row| {
                let forest = self.forest.score(rows.row(row));
                [distances[row], f64::from(near[row]), f64::from(drawn[row]), forest]
            });
            each.collect::<Vec<_>>()
        });
        parts.concat()
    }

    /// Rows of one small sample.
    fn each(&self) -> usize {
        (self.samples.1.rows() / DRAWS).max(1)
    }

    fn reason(&self, detector: usize, row: &[f32], score: f64) -> Reason {
        let name = |column: usize| self.standard.names[column].clone();
        let (tail, limit) = &self.tails[detector];
        let (columns, why) = match detector {
            COVARIANCE => {
                let missed = self.covariance.missed(row, limit.powi(3), MOST_COLUMNS);
                let why = missed.iter().map(|missed| {
                    let plain = |standard: f64| self.standard.plain(missed.column, standard);
                    let own = f64::from(row[missed.column]);
                    format!(
                        "`{}` is {}, the other columns say {} give or take {}",
                        name(missed.column),
                        short(plain(own)),
                        short(plain(missed.expected)),
                        short(plain(missed.spread) - plain(0.0)),
                    )
                });
                let why = why.take(3).collect::<Vec<_>>().join("; ");
                (missed.iter().map(|missed| name(missed.column)).collect(), why)
            }
            NEIGHBOURS | SAMPLES => {
                let usual = tail.usual().max(1e-9);
                let matrix = Matrix { columns: row.len(), data: row.to_vec(), names: Vec::new() };
                let closest = self.samples.0.closest(&Packed::new(&matrix), 0);
                let columns = closest.map_or_else(Vec::new, |closest| {
                    let other = self.samples.1.row(closest);
                    let apart = row.iter().zip(other).map(|(a, b)| (a - b).abs());
                    let mut apart = apart.enumerate().collect::<Vec<_>>();
                    apart.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
                    apart.iter().take(3).map(|(column, _)| name(*column)).collect()
                });
                let which = if detector == NEIGHBOURS {
                    "fifth nearest row"
                } else {
                    "nearest of 64 rows at random"
                };
                (
                    columns,
                    format!("its {which} is {:.1} times as far as for most rows", score / usual),
                )
            }
            _ => {
                let path = self.forest.path(row);
                let mut columns = Vec::new();
                let cuts = path.iter().map(|(column, cut, above)| {
                    let name = name(*column);
                    let cut = short(self.standard.plain(*column, f64::from(*cut)));
                    let word = if *above { ">" } else { "<=" };
                    if !columns.contains(&name) {
                        columns.push(name.clone());
                    }
                    format!("`{name}` {word} {cut}")
                });
                let cuts = cuts.collect::<Vec<_>>().join(" and ");
                (columns, format!("{cuts} set it apart"))
            }
        };
        Reason { detector: NAMES[detector], columns, why }
    }
}

/// The cube root of the squared distance that a normal row of so many columns crosses with probability
/// `share` (Wilson and Hilferty, PNAS 17, 1931).
fn normal(width: usize, share: f64) -> f64 {
    let width = width as f64;
    // The upper quantile of a normal (Abramowitz and Stegun 26.2.23).
    let root = (-2.0 * share.ln()).sqrt();
    let above = 2.515_517 + root * (0.802_853 + 0.010_328 * root);
    let below = 1.0 + root * (1.432_788 + root * (0.189_269 + 0.001_308 * root));
    let quantile = root - above / below;
    let part = 2.0 / (9.0 * width);
    width.cbrt() * (1.0 - part + quantile * part.sqrt())
}

/// A number for people.
pub(super) fn short(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-3..1e6).contains(&size) {
        return format!("{number:.2e}");
    }
    let digits = if size >= 100.0 {
        0
    } else if size >= 10.0 {
        1
    } else if size >= 1.0 {
        2
    } else {
        3
    };
    format!("{number:.digits$}")
}

/// The share of ordinary rows that each detector may report.
const ALARMS: f64 = 0.000_5;
/// Trees of the forest, and rows of each (the paper's).
const TREES: usize = 100;
const TREE_ROWS: usize = 256;
/// Rows that neighbours are looked for among.
const REFERENCE: usize = 10_000;
/// The same of a set of very many rows, each of which is compared with all of them.
const LEAST_REFERENCE: usize = 1000;
/// Comparisons of two rows that the whole set may cost, unless that leaves too few to look among.
const COMPARISONS: u64 = 10_000_000_000;
/// The neighbour whose distance counts.
const NTH: usize = 5;
/// Rows of a small sample, and how many samples.
const SAMPLE: usize = 64;
const DRAWS: usize = 20;
/// Columns that a reason names.
const MOST_COLUMNS: usize = 5;
/// Rows that are judged together.
const BLOCK: usize = 512;
