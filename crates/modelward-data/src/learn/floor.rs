//! Wrong labels that a learner has learned: a share of one class that is called another wherever it lies.
//!
//! A learner that sees such labels gives the other class their share as its probability, and nothing is out of place.
//! So a second one learns without the labels that the first disagrees with, and ranks the rows of each class by how
//! sure it is. Where classes overlap it disagrees with labels near their border, the less the surer it is; wrong
//! labels it meets as often among the surest rows (the anchor points of Liu and Tao, IEEE TPAMI 38, 2016, and of
//! Patrini et al., CVPR 2017). The two are told apart by likelihood.

/// What lies under the disagreement that the overlap of classes explains.
#[derive(Clone, Debug)]
pub(crate) struct Floor {
    /// Twice the log likelihood that a floor adds to the best overlap without one.
    pub(crate) evidence: f64,
    /// The share of labels that are wrong however sure the learner is.
    pub(crate) noise: f64,
    /// Of the rows that are of a class by the learner, the share that wrongly has the label of another:
    /// `[likeliest, given]`.
    rates: Vec<f64>,
    classes: usize,
}

/// Where a learner disagrees with labels.
pub(crate) struct Disagreements {
    classes: usize,
    /// By how sure the learner is, the least sure first: rows, and those of them that have another label.
    all: [f64; BINS],
    wrong: [f64; BINS],
    /// Of the surer half, the rows that are of each class by the learner, and the labels that these have:
    /// `[likeliest, given]`.
    sure: Vec<f64>,
    counts: Vec<f64>,
}

impl Disagreements {
    /// Of the shares of a learner, `[rows, classes]`.
    pub(crate) fn of(shares: &[f32], labels: &[u32], classes: usize, judged: &[bool]) -> Self {
        let mut of_class = vec![Vec::new(); classes];
        for row in (0..labels.len()).filter(|row| judged[*row]) {
            let shares = &shares[row * classes..][..classes];
            let (mut first, mut second) = ((f32::MIN, 0), f32::MIN);
            for (class, share) in shares.iter().enumerate() {
                if *share > first.0 {
                    second = first.0;
                    first = (*share, class);
                } else if *share > second {
                    second = *share;
                }
            }
            of_class[first.1].push((first.0.max(1e-6) / second.max(1e-6), row));
        }
        let (mut all, mut wrong) = ([0.0; BINS], [0.0; BINS]);
        let (mut counts, mut sure) = (vec![0.0; classes * classes], vec![0.0; classes]);
        for (class, mut rows) in of_class.into_iter().enumerate() {
            rows.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
            let height = rows.len().max(1);
            for (rank, (_, row)) in rows.into_iter().enumerate() {
                let bin = (rank * BINS / height).min(BINS - 1);
                let given = labels[row] as usize;
                all[bin] += 1.0;
                wrong[bin] += f64::from(u8::from(given != class));
                if bin * 2 >= BINS {
                    sure[class] += 1.0;
                    counts[class * classes + given] += 1.0;
                }
            }
        }
        Self { classes, all, wrong, sure, counts }
    }

    /// Whether sure rows of a class have the label of one other rather than of any: Pearson's statistic over pairs of
    /// classes, in deviations of counts that are Poisson's.
    pub(crate) fn have_a_direction(&self) -> bool {
        let pairs = (0..self.counts.len()).filter(|at| at / self.classes != at % self.classes);
        let wrong = pairs.clone().map(|at| self.counts[at]).sum::<f64>();
        let each = wrong / (self.sure.iter().sum::<f64>() * (self.classes - 1) as f64);
        let (mut off, mut variance) = (0.0, 0.0);
        for at in pairs {
            let expected = each * self.sure[at / self.classes];
            if expected > 0.0 {
                off += (self.counts[at] - expected).powi(2) / expected - 1.0;
                variance += 2.0 + 1.0 / expected;
            }
        }
        off > DIRECTED * variance.sqrt()
    }
}

impl Floor {
    /// Of the disagreements of a learner that saw no label which another disagreed with, where there is enough to tell.
    pub(crate) fn of(found: &Disagreements) -> Option<Self> {
        let Disagreements { classes, all, wrong, sure, counts } = found;
        let total = all.iter().sum::<f64>().max(1.0);
        let among_sure = wrong[BINS / 2..].iter().sum::<f64>();
        // What is mostly overlap is not told apart from what is mostly noise, nor a few strays from either.
        if wrong.iter().sum::<f64>() > MOST_WRONG * total || among_sure < LEAST_WRONG {
            return None;
        }
        let (without, _) = fit(all, wrong, &[0.0]);
        let floors =
            (0..=FLOORS).map(|step| 0.002 * 225.0_f64.powf(f64::from(step) / f64::from(FLOORS)));
        let (with, noise) = fit(all, wrong, &floors.collect::<Vec<_>>());
        // Few rows of a pair of classes are drawn towards what all pairs have.
        let usual = noise / ((*classes).max(2) - 1) as f64;
        let rates = counts
            .iter()
            .enumerate()
            .map(|(at, count)| (count + USUAL * usual) / (sure[at / classes] + USUAL));
        let evidence = 2.0 * (with - without);
        let enough = noise >= LEAST_NOISE && evidence >= EVIDENCE.max(OF_EACH * noise * total);
        enough.then(|| Self { evidence, noise, rates: rates.collect(), classes: *classes })
    }

    /// The probability that a label is one of the wrong ones, whose row has these shares.
    pub(crate) fn wrong(&self, shares: &[f32], given: usize) -> f64 {
        let others = shares.iter().enumerate().filter(|(class, _)| *class != given);
        let changed = others
            .map(|(class, share)| self.rates[class * self.classes + given] * f64::from(*share));
        let changed = changed.sum::<f64>();
        let own = (1.0 - self.noise) * f64::from(shares[given]);
        changed / (changed + own).max(f64::MIN_POSITIVE)
    }
}

/// The best log likelihood of disagreements that fall off with the rank and end at one of these floors, with that.
fn fit(all: &[f64; BINS], wrong: &[f64; BINS], floors: &[f64]) -> (f64, f64) {
    let mut best = (f64::NEG_INFINITY, 0.0);
    for slope in 0..=SLOPES {
        let slope = LEAST_SLOPE + 4.0 * f64::from(slope) / f64::from(SLOPES);
        for height in -HEIGHTS..=HEIGHTS / 2 {
            let height = f64::from(height) / 4.0;
            let overlap = std::array::from_fn::<_, BINS, _>(|bin| {
                let quarter = 4.0 * (bin as f64 + 0.5) / BINS as f64;
                1.0 / (1.0 + (slope * quarter - height).exp())
            });
            for &floor in floors {
                let bins = overlap.iter().zip(all.iter().zip(wrong));
                let each = bins.map(|(overlap, (all, wrong))| {
                    let share = (floor + (1.0 - floor) * overlap).clamp(1e-9, 1.0 - 1e-9);
                    wrong * share.ln() + (all - wrong) * (1.0 - share).ln()
                });
                let likelihood = each.sum::<f64>();
                if likelihood > best.0 {
                    best = (likelihood, floor);
                }
            }
        }
    }
    best
}

/// Parts of the ranks of a class.
const BINS: usize = 8;
/// Where classes overlap, the odds of a disagreement fall at least by so much (as a logarithm) from one quarter of the
/// ranks to the next. Of two normal distributions it is 0.7 where they are 1.5 deviations apart, 1.5 at 2.5.
const LEAST_SLOPE: f64 = 0.6;
/// Above this share of disagreements there is no telling: distributions that are one deviation apart fall less.
const MOST_WRONG: f64 = 0.3;
/// Fewer disagreements among the surer half are strays.
const LEAST_WRONG: f64 = 4.0;
/// Twice the log likelihood that a floor has to add, in all and for each label that it takes as wrong, and how many
/// those have to be: the overlap has a form of its own in every set. Of 811 clean sets, narrow classes in broad ones,
/// rare ones and such with heavy tails among them, the labels of 28 have a direction and a floor of that evidence alone,
/// and none has all of these.
const EVIDENCE: f64 = 10.0;
const OF_EACH: f64 = 0.15;
const LEAST_NOISE: f64 = 0.03;
/// In so many deviations labels have a direction.
const DIRECTED: f64 = 6.0;
/// Steps of the slope, of the height and of the floor.
const SLOPES: i32 = 16;
const HEIGHTS: i32 = 40;
const FLOORS: i32 = 24;
/// Rows that stand for what all pairs of classes have.
const USUAL: f64 = 20.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::random::Random;

    /// Rows of two classes on a line, with the shares of who knows where each class lies, and labels of which some
    /// of the first class are changed.
    fn line(rows: usize, apart: f64, changed: f64) -> (Vec<f32>, Vec<u32>, Vec<bool>) {
        let mut random = Random::new(3, 0);
        let (mut shares, mut labels, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..rows {
            let class = row % 2;
            let normal = (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
            let x = normal + if class == 1 { apart / 2.0 } else { -apart / 2.0 };
            let second = 1.0 / (1.0 + (-apart * x).exp());
            shares.extend([1.0 - second as f32, second as f32]);
            let flip = class == 0 && random.unit() < changed;
            wrong.push(flip);
            labels.push(u32::from(class == 1 || flip));
        }
        (shares, labels, wrong)
    }

    #[test]
    fn labels_changed_in_one_direction_lie_under_the_overlap() {
        for apart in [2.5, 4.0, 8.0] {
            let (shares, labels, wrong) = line(1200, apart, 0.1);
            let found = Disagreements::of(&shares, &labels, 2, &vec![true; 1200]);
            assert!(found.have_a_direction(), "{apart}");
            let floor = Floor::of(&found).unwrap();
            let told = (0..1200)
                .filter(|row| floor.wrong(&shares[row * 2..][..2], labels[*row] as usize) > 0.5);
            let told = told.collect::<Vec<_>>();
            let hits = told.iter().filter(|row| wrong[**row]).count();
            assert!(hits * 10 >= told.len() * 7, "{apart}: {hits} of {} told", told.len());
            let all = wrong.iter().filter(|wrong| **wrong).count();
            assert!(hits * 10 >= all * 6, "{apart}: {hits} of {all}");
        }
    }

    #[test]
    fn any_other_class_is_no_direction() {
        // So many classes that few pairs of them are met twice.
        let mut random = Random::new(5, 0);
        let (rows, classes) = (2000, 100);
        let (mut shares, mut labels) = (vec![0.0; rows * classes], Vec::new());
        for row in 0..rows {
            let class = row % classes;
            shares[row * classes + class] = 1.0;
            let wrong = random.unit() < 0.2;
            let label =
                if wrong { (class + 1 + random.below(classes - 1)) % classes } else { class };
            labels.push(label as u32);
        }
        let found = Disagreements::of(&shares, &labels, classes, &vec![true; rows]);
        assert!(!found.have_a_direction());
    }

    #[test]
    fn overlap_alone_has_no_floor() {
        for apart in [0.5, 1.0, 1.5, 2.5, 4.0, 8.0] {
            let (shares, labels, _) = line(2000, apart, 0.0);
            let found = Disagreements::of(&shares, &labels, 2, &vec![true; 2000]);
            assert!(!found.have_a_direction(), "{apart}");
            assert!(Floor::of(&found).is_none(), "{apart}");
        }
    }
}
