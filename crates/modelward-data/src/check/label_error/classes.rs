//! Labels that are classes, by an ensemble of our own.
//!
//! It is calibrated together with the share of wrong labels, and told twice: the second time
//! nothing learns from labels that look wrong. A label is flagged that is more likely wrong than right, and only where
//! so few right ones would be.

use crate::{
    check::{Labels, counted},
    learn::{
        confident::{self, Calibrated},
        ensemble::{FOLDS, LEAST_GROUPS, Problem, Told},
        floor::{Disagreements, Floor},
    },
};

/// What was made of the labels of rows.
pub(super) struct Judged {
    /// The classes that were judged, and of which each row is.
    pub(super) labels: Labels,
    /// `[rows, classes]`.
    pub(super) shares: Vec<f32>,
    /// How wrong the label of each row looks: 0 to 1.
    pub(super) scores: Vec<f32>,
    pub(super) calibrated: Calibrated,
    pub(super) learners: Vec<(&'static str, f64, f64)>,
    pub(super) flagged: Vec<bool>,
    /// False alarms that are expected.
    pub(super) expected: f64,
    pub(super) accuracy: f64,
    pub(super) majority: f64,
    pub(super) folds: usize,
    pub(super) left_out: LeftOut,
}

/// Classes that were not judged.
#[derive(Default)]
pub(super) struct LeftOut {
    /// All of their rows are of one group.
    pub(super) alone: Vec<String>,
    /// How many have too few rows.
    small: usize,
    /// The rows of these.
    pub(super) of_small: usize,
}

impl LeftOut {
    /// What is said of them.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        let alone = self.alone.iter().map(|class| {
            format!(
                "rows labelled {class} were not judged: all of them are of one group, and no row is told by its own"
            )
        });
        let small = (self.small > 0).then(|| {
            format!(
                "{}: {} fewer than {FOLDS} rows",
                counted(self.of_small, "row is not judged", "rows are not judged"),
                counted(self.small, "class has", "classes have")
            )
        });
        alone.chain(small)
    }
}

/// The classes that can be judged. Nothing is said of a class of fewer rows than folds, nor of one that no learner
/// met, and nothing by them.
fn kept(problem: &Problem<'_>, labels: &Labels) -> Result<(Labels, LeftOut), String> {
    let counts = labels.counts();
    let total = counts.iter().sum::<usize>();
    if total < FOLDS {
        return Err(format!("expected at least {FOLDS} rows with a label, got {total}"));
    }
    if counts.len() < 2 {
        return Err("all rows have one label".to_owned());
    }
    if counts.iter().all(|count| *count < FOLDS) {
        return Err(format!("no class has {FOLDS} rows; is `--label` a column of classes?"));
    }
    enough_groups(problem)?;
    let alone = alone(problem, labels, &counts);
    let judged = |class: usize| counts[class] >= FOLDS && !alone[class];
    let (kept, left) = (0..counts.len()).partition::<Vec<_>, _>(|class| judged(*class));
    if kept.len() < 2 {
        return Err(match alone.contains(&true) {
            true => {
                "all rows of each label are of one group, and no row is told by its own".to_owned()
            }
            false => format!("only one class has at least {FOLDS} rows"),
        });
    }
    if kept.len().saturating_mul(labels.of.len()) > MOST_SHARES {
        return Err(format!("{} classes of {total} rows are more than it can hold", kept.len()));
    }
    let mut left_out = LeftOut::default();
    for class in left {
        if alone[class] {
            left_out.alone.push(labels.classes[class].clone());
        } else {
            left_out.small += 1;
            left_out.of_small += counts[class];
        }
    }
    Ok((labels.only(&kept), left_out))
}

/// Judge labels that are classes.
pub(super) fn judge_classes(problem: &Problem<'_>, labels: &Labels) -> Result<Judged, String> {
    let (labels, left_out) = kept(problem, labels)?;
    let known = labels.of.iter().map(Option::is_some).collect::<Vec<_>>();
    let of = labels.of.iter().map(|class| class.unwrap_or(0)).collect::<Vec<_>>();
    let classes = labels.classes.len();
    let counts = labels.counts();
    let total = counts.iter().sum::<usize>();
    let unknown = known.iter().map(|known| !known).collect::<Vec<_>>();
    let first = problem.classify(&of, classes, &unknown, &known, None);
    let majority = counts.into_iter().max().unwrap_or(0) as f64 / total as f64;
    let accuracy = accuracy(&first.shares, &of, classes, &known);
    if accuracy < bar(majority) {
        return Err(format!(
            "the learners guess {:.1} % of the labels, the commonest label alone {:.1} %: they know too little",
            100.0 * accuracy,
            100.0 * majority
        ));
    }
    let (told, floor) = told_again(problem, &of, classes, &known, first);
    let Told { shares, learners, mut calibrated, .. } = told;
    if let Some(floor) = &floor {
        calibrated.noise = floor.noise;
        calibrated.evidence = floor.evidence;
    }
    let wrong = |shares: &[f32], label: usize| match &floor {
        Some(floor) => floor.wrong(shares, label),
        None => calibrated.wrong(f64::from(shares[label]), classes),
    };
    let scores = shares.chunks_exact(classes).zip(&of);
    let scores = scores.map(|(shares, label)| wrong(shares, *label as usize) as f32).collect();
    // Learners that miss most labels by themselves fit badly in ways that look like wrong labels, the more the more
    // rows there are.
    let weak = accuracy < HALF || WEAK * calibrated.noise < 1.0 - accuracy;
    let mut needed = match weak {
        true => EVIDENCE_OF_WEAK * (total as f64 / ROWS_OF_WEAK).max(1.0),
        false => EVIDENCE,
    };
    // So do those that know few rows of a class: each wrong label has to add its part.
    if total < FEW_OF_CLASS * classes {
        needed = needed.max(calibrated.noise * total as f64);
    }
    let (mut flagged, mut expected) = (vec![false; of.len()], 0.0);
    if floor.is_some() || calibrated.evidence >= needed {
        let most = confident::bar(&shares, classes, &known, ALARMS);
        for (row, shares) in shares.chunks_exact(classes).enumerate().filter(|(row, _)| known[*row])
        {
            let best = likeliest(shares);
            let flag = |label: usize| {
                let wrong = wrong(shares, label);
                best != label && (wrong > SURE || wrong > 0.5 && f64::from(shares[label]) <= most)
            };
            flagged[row] = flag(of[row] as usize);
            // Were the label right, and drawn by these shares.
            let alarms = (0..classes).filter(|label| flag(*label));
            expected += alarms.map(|label| f64::from(shares[label])).sum::<f64>();
        }
        expected *= 1.0 - calibrated.noise;
    }
    let folds = FOLDS;
    Ok(Judged {
        labels,
        shares,
        scores,
        calibrated,
        learners,
        flagged,
        expected,
        accuracy,
        majority,
        folds,
        left_out,
    })
}

/// The second round, in which nothing learns from what looks wrong in the first, and what lies under its overlap, if
/// that is what there is to tell.
fn told_again(
    problem: &Problem<'_>,
    of: &[u32],
    classes: usize,
    known: &[bool],
    first: Told,
) -> (Told, Option<Floor>) {
    let without = |looks_wrong: &dyn Fn(usize, &[f32]) -> bool| {
        let left_out = first.shares.chunks_exact(classes).enumerate().map(|(row, shares)| {
            let disagrees = shares[of[row] as usize] < shares[likeliest(shares)];
            !known[row] || disagrees && looks_wrong(row, shares)
        });
        problem.classify(of, classes, &left_out.collect::<Vec<_>>(), known, Some(&first))
    };
    // The same wrong label on many copies is one.
    let mut met = vec![false; problem.groups()];
    let mut once = known.to_vec();
    for (once, group) in once.iter_mut().zip(problem.group_of()) {
        *once = *once && !std::mem::replace(&mut met[*group as usize], true);
    }
    // What the learners have learned to expect does not look wrong to them.
    if classes <= MOST_OF_PAIRS
        && Disagreements::of(&first.shares, of, classes, &once).have_a_direction()
    {
        let under = without(&|_, _| true);
        let floor = Floor::of(&Disagreements::of(&under.shares, of, classes, known));
        if floor.is_some() {
            return (under, floor);
        }
    }
    if first.calibrated.noise == 0.0 {
        return (first, None);
    }
    let mut second = without(&|row, shares| {
        first.calibrated.wrong(f64::from(shares[of[row] as usize]), classes) > 0.5
    });
    // What one round hides the other may see.
    let both = second.shares.iter_mut().zip(&first.shares);
    both.for_each(|(new, old)| *new = 0.75 * *new + 0.25 * old);
    (second, None)
}

/// Whether there are groups enough for rows to be told by others.
fn enough_groups(problem: &Problem<'_>) -> Result<(), String> {
    match problem.groups() {
        groups if groups < LEAST_GROUPS => Err(format!(
            "the rows are only {groups} groups that are told apart, and {LEAST_GROUPS} are the least"
        )),
        _ => Ok(()),
    }
}

/// Classes that no learner knows when their rows are judged: all of these are of one group.
fn alone(problem: &Problem<'_>, labels: &Labels, counts: &[usize]) -> Vec<bool> {
    let (mut first, mut several) = (vec![None; counts.len()], vec![false; counts.len()]);
    for (class, group) in labels.of.iter().zip(problem.group_of()) {
        let Some(class) = class.map(|class| class as usize) else { continue };
        several[class] |= *first[class].get_or_insert(*group) != *group;
    }
    several.iter().zip(counts).map(|(several, count)| !several && *count >= FOLDS).collect()
}

/// How often the likeliest class is the given one.
pub(super) fn accuracy(shares: &[f32], labels: &[u32], classes: usize, judged: &[bool]) -> f64 {
    let rows = (0..labels.len()).filter(|row| judged[*row]);
    let right = rows
        .clone()
        .filter(|row| likeliest(&shares[row * classes..][..classes]) == labels[*row] as usize);
    right.count() as f64 / rows.count().max(1) as f64
}

pub(super) fn likeliest(shares: &[f32]) -> usize {
    let mut best = 0;
    for (class, share) in shares.iter().enumerate() {
        if *share > shares[best] {
            best = class;
        }
    }
    best
}

/// What learners have to guess at least where the commonest label has such a share.
pub(super) fn bar(majority: f64) -> f64 {
    majority + ENOUGH.min((1.0 - majority) / 4.0)
}

/// How much better than the commonest label the learners have to be.
pub(crate) const ENOUGH: f64 = 0.05;
/// A label that is wrong with this probability is flagged whatever the share.
const SURE: f64 = 0.9;
/// The share of right labels that may be flagged.
pub(super) const ALARMS: f64 = 0.005;
/// Twice the log likelihood that wrong labels have to add (chi-square with one degree of freedom, 0.5 % on
/// one side).
const EVIDENCE: f64 = 6.63;
/// Learners that guess fewer labels than this, or that miss more than this times the wrong labels, are weak. And what
/// is asked of these: of 128 clean sets that they guess half to two thirds of, six came to 7 to 21, and of 72 of six
/// classes that they guess two fifths of, two came to 18 and 24.
const HALF: f64 = 0.5;
const WEAK: f64 = 3.0;
const EVIDENCE_OF_WEAK: f64 = 26.5;
/// Rows up to which that is enough.
const ROWS_OF_WEAK: f64 = 3000.0;
/// Pairs of more classes have too few rows for a direction.
const MOST_OF_PAIRS: usize = 100;
/// Rows of a class that are few: of 54 clean sets of 150 rows in 4 to 10 classes, eight came to 15 to 78, which is
/// more than one for each label that the fit takes as wrong in a single one of them.
const FEW_OF_CLASS: usize = 40;
/// The most probabilities that are held.
pub(super) const MOST_SHARES: usize = 1 << 24;
