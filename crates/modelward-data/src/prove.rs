//! What taking rows out is worth: the crate's learners with these rows and without them, judged on the same
//! rows; and where a trigger was found, how often it turns rows that it is put on.
//!
//! Every row is judged by learners that saw neither it nor a row of its group (copies, and equal values of
//! `--group`): five folds for logistic regression, trees that left the group out, neighbours of other groups.
//! Both runs are judged on the rows that stay, which both learn from; the removed rows are learnt from in the
//! first run alone. Rows that go are those that a check, perhaps by the same learners, found odd: so accuracy on
//! the others is somewhat flattered, in both runs alike, and the difference is what counts.
//!
//! For a trigger, a share of the rows of other labels and all of their groups is held out of both runs, the
//! trigger is put on them as a row that carries it has it, and both runs say their label.

use std::collections::HashSet;

use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;

use crate::{
    Kind, Roles, Sample, Set, accumulate,
    check::{Checked, ENOUGH, Failed, Labels, Request, is_continuous, near},
    columns::{named, numbers},
    kind,
    learn::{
        ensemble::{FOLDS, LEAST_GROUPS, Problem},
        features,
    },
    quarantine::Reasons,
    sample,
};

mod stamp;

use self::stamp::Trigger;

/// What taking rows out is worth.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proof {
    /// Why nothing was measured.
    pub skipped: Option<String>,
    /// `accuracy`, or `mean absolute error` where the label is an amount.
    pub measure: &'static str,
    /// The rows that were judged, all of which stay.
    pub rows: u64,
    /// The rows that go, and were learnt from in the first run alone.
    pub removed: u64,
    /// Whether these are a sample of the set.
    pub sampled: bool,
    /// The measure where the removed rows are learnt from.
    pub before: f64,
    /// The same without them.
    pub after: f64,
    /// Rows that come out right without the removed rows and wrong with them (nearer and farther, of
    /// amounts).
    pub better: u64,
    /// The reverse.
    pub worse: u64,
    /// The probability of so uneven a change if the removed rows made none (McNemar's exact test).
    pub p_value: f64,
    /// What triggers do.
    pub attacks: Vec<Attack>,
}

/// How often a trigger turns rows to its label.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attack {
    /// `patch`, `text` or `value`.
    pub kind: String,
    /// The label that it leads to.
    pub target: String,
    /// Why it was not tried.
    pub skipped: Option<String>,
    /// Rows of other labels that it was put on, none of which was learnt from.
    pub rows: u64,
    /// Of these the share that comes out as the target without the trigger, by learners that saw the removed
    /// rows.
    pub without: f64,
    /// The same with the trigger on them.
    pub before: f64,
    /// The same by learners that did not see the removed rows.
    pub after: f64,
}

/// How it was measured, in words.
pub const HOW: &str = "each row judged by learners that saw neither it nor its copies or group: 5 folds of logistic \
                       regression, trees that left its group out, neighbours of other groups; both runs on the same \
                       rows, all of which stay";

/// Measure what taking rows out of a set is worth.
///
/// # Errors
/// Where the set cannot be read.
pub fn prove(
    set: &Set,
    request: &Request,
    reasons: &Reasons,
    checked: &Checked,
) -> Result<Proof, Failed> {
    let roles = Roles::of(&request.asked, &set.schema)?;
    if !roles.labels.is_empty() {
        return Ok(Proof::skipped(SEVERAL));
    }
    let Some(label) = roles.label else {
        return Ok(Proof::skipped("no column is a label: name one with `--label`"));
    };
    let most = usize::try_from(request.limits.memory / 8).unwrap_or(usize::MAX);
    let mut drawn = Sample::new(set.schema.clone(), most, request.seed);
    accumulate::drive(set, &mut drawn, request.threads)?;
    let drawn = accumulate::Accumulate::finish(drawn);
    let goes = drawn.numbers.iter().map(|number| reasons.contains_key(number));
    let bench = Bench { request, roles: &roles, label, goes: goes.collect(), drawn: &drawn };
    Ok(match bench.proof(set, checked) {
        Ok(proof) => proof,
        Err(why) => Proof::skipped(why),
    })
}

impl Proof {
    fn skipped(why: impl Into<String>) -> Self {
        Self { skipped: Some(why.into()), ..Self::default() }
    }
}

/// What learning is done on.
struct Bench<'a> {
    request: &'a Request,
    roles: &'a Roles,
    label: usize,
    drawn: &'a sample::Rows,
    /// Which rows go.
    goes: Vec<bool>,
}

impl Bench<'_> {
    fn proof(&self, set: &Set, checked: &Checked) -> Result<Proof, String> {
        let rows = &self.drawn.rows;
        if !self.goes.contains(&true) {
            return Err("nothing was taken out".to_owned());
        }
        let field = set.schema.field(self.label);
        if matches!(kind(field), Kind::Numbers(_) | Kind::Other) {
            return Err(SEVERAL.to_owned());
        }
        let labels = Labels::of(rows, self.label);
        let mut proof = Proof { sampled: self.drawn.is_part(), ..Proof::default() };
        proof.removed = self.goes.iter().filter(|goes| **goes).count() as u64;
        if is_continuous(field, &labels) {
            self.amounts(&mut proof)?;
            return Ok(proof);
        }
        let classes = labels.classes.len();
        let left = labels.of.iter().zip(&self.goes).filter(|(of, goes)| of.is_some() && !**goes);
        let left = left.filter_map(|(of, _)| *of).collect::<Vec<_>>();
        if left.iter().collect::<HashSet<_>>().len() < 2 {
            return Err("the rows that stay have one label".to_owned());
        }
        if left.len() < 10 * FOLDS {
            return Err(format!(
                "expected at least {} rows with a label to stay, got {}",
                10 * FOLDS,
                left.len()
            ));
        }
        let all = rows.num_rows().saturating_add(MOST_STAMPED.saturating_mul(2));
        if classes.saturating_mul(all) > MOST_SHARES || classes * 2 > left.len() {
            return Err(format!("{classes} labels of {} rows are no classes", left.len()));
        }
        self.accuracy(&labels, &mut proof)?;
        let triggers = stamp::triggers(checked, &self.drawn.numbers);
        for trigger in triggers.iter().take(MOST_TRIGGERS) {
            let (kind, target) = (trigger.kind.clone(), trigger.target.clone());
            let attack = Attack { kind, target, ..Attack::default() };
            proof.attacks.push(match self.attack(trigger, &labels, &attack) {
                Ok(attack) => attack,
                Err(why) => Attack { skipped: Some(why), ..attack },
            });
        }
        for trigger in triggers.iter().skip(MOST_TRIGGERS) {
            let why = format!("{MOST_TRIGGERS} triggers were tried, the surest ones");
            let (kind, target) = (trigger.kind.clone(), trigger.target.clone());
            proof.attacks.push(Attack { kind, target, skipped: Some(why), ..Attack::default() });
        }
        Ok(proof)
    }

    /// The features of rows, and which of them belong together.
    fn features(
        &self,
        rows: &RecordBatch,
    ) -> Result<(features::Features, Vec<Option<u32>>), String> {
        let features = features::of(rows, self.roles, &self.request.limits, self.request.threads);
        if features.matrix.columns == 0 {
            let why = features.dropped.first().map(|(name, why)| format!(" (`{name}`: {why})"));
            let why = why.unwrap_or_default();
            return Err(format!("no column tells the learners anything beside the label{why}"));
        }
        let groups = self.roles.group.and_then(|group| rows.columns().get(group));
        let groups = groups.map(|group| features::values(&named(group)));
        Ok((features, groups.unwrap_or_else(|| vec![None; rows.num_rows()])))
    }

    fn accuracy(&self, labels: &Labels, proof: &mut Proof) -> Result<(), String> {
        let (features, groups) = self.features(&self.drawn.rows)?;
        let request = self.request;
        let alike = near::copies(&self.drawn.rows, self.roles, &request.limits, request.threads);
        let problem =
            Problem::new(&features.matrix, Some(&groups), &alike, request.seed, request.threads);
        if problem.groups() < LEAST_GROUPS {
            return Err(format!("the rows are only {} different ones", problem.groups()));
        }
        let (of, classes) = (filled(&labels.of), labels.classes.len());
        let unknown = labels.of.iter().map(Option::is_none).collect::<Vec<_>>();
        let judged = unknown.iter().zip(&self.goes).map(|(unknown, goes)| !unknown && !goes);
        let judged = judged.collect::<Vec<_>>();
        let without = unknown.iter().zip(&self.goes).map(|(unknown, goes)| *unknown || *goes);
        let without = without.collect::<Vec<_>>();
        let right = [unknown, without].map(|left_out| {
            let told = problem.classify(&of, classes, &left_out, &judged, None);
            let shares = told.shares.chunks_exact(classes).zip(&of);
            shares.map(|(shares, of)| likeliest(shares) == *of as usize).collect::<Vec<_>>()
        });
        let pairs = right[0].iter().zip(&right[1]).zip(&judged).filter(|(_, judged)| **judged);
        let mut rights = [0_u64; 2];
        let mut counts = vec![0_u64; classes];
        let labels = of.iter().zip(&judged).filter(|(_, judged)| **judged);
        labels.for_each(|(of, _)| counts[*of as usize] += 1);
        for ((before, after), _) in pairs {
            proof.rows += 1;
            rights[0] += u64::from(*before);
            rights[1] += u64::from(*after);
            proof.better += u64::from(*after && !before);
            proof.worse += u64::from(*before && !after);
        }
        proof.measure = "accuracy";
        let [before, after] = rights.map(|right| right as f64 / proof.rows.max(1) as f64);
        // Learners that know nothing show no difference, whatever the rows are.
        let commonest = counts.iter().copied().max().unwrap_or(0) as f64 / proof.rows.max(1) as f64;
        if before.max(after) < commonest + ENOUGH.min((1.0 - commonest) / 4.0) {
            return Err(format!(
                "the learners guess {:.1} % of the labels, the commonest label alone {:.1} %: they know too little",
                100.0 * before.max(after),
                100.0 * commonest
            ));
        }
        (proof.before, proof.after) = (before, after);
        proof.p_value = even(proof.better, proof.worse);
        Ok(())
    }

    /// The mean absolute error of amounts.
    fn amounts(&self, proof: &mut Proof) -> Result<(), String> {
        let rows = &self.drawn.rows;
        let values = rows.columns().get(self.label).and_then(numbers);
        let values = values.ok_or("the labels are no numbers")?;
        let finite = values.iter().copied().filter(|value| value.is_finite());
        let count = finite.clone().count();
        if count < 10 * FOLDS {
            return Err(format!("expected at least {} rows with a label, got {count}", 10 * FOLDS));
        }
        let scale = features::Scale::of(&values).ok_or("all labels are one")?;
        let standard = values.iter().map(|value| scale.standard(*value)).collect::<Vec<_>>();
        let (features, groups) = self.features(rows)?;
        let request = self.request;
        let alike = near::copies(rows, self.roles, &request.limits, request.threads);
        let problem =
            Problem::new(&features.matrix, Some(&groups), &alike, request.seed, request.threads);
        if problem.groups() < LEAST_GROUPS {
            return Err(format!("the rows are only {} different ones", problem.groups()));
        }
        let unknown = values.iter().map(|value| !value.is_finite()).collect::<Vec<_>>();
        let without = unknown.iter().zip(&self.goes).map(|(unknown, goes)| *unknown || *goes);
        let without = without.collect::<Vec<_>>();
        let told = [&unknown, &without].map(|left_out| problem.regress(&standard, left_out));
        let mut sums = [0.0; 2];
        let judged = || (0..standard.len()).filter(|row| !without[*row]);
        let mean = judged().map(|row| f64::from(standard[row])).sum::<f64>();
        let mean = mean / judged().count().max(1) as f64;
        let plain = judged().map(|row| (f64::from(standard[row]) - mean).abs()).sum::<f64>();
        for row in judged() {
            let errors = [0, 1].map(|run| f64::from((told[run][row] - standard[row]).abs()));
            proof.rows += 1;
            sums[0] += errors[0];
            sums[1] += errors[1];
            proof.better += u64::from(errors[1] < errors[0]);
            proof.worse += u64::from(errors[1] > errors[0]);
        }
        // An error that is that of the mean but for the least share of the variance that counts.
        if sums[0].min(sums[1]) > plain * (1.0 - ENOUGH).sqrt() {
            return Err(
                "the learners come no nearer to the labels than their mean: they know too little"
                    .to_owned(),
            );
        }
        proof.measure = "mean absolute error";
        let [before, after] = sums.map(|sum| sum / proof.rows.max(1) as f64 * scale.unit);
        (proof.before, proof.after) = (before, after);
        proof.p_value = even(proof.better, proof.worse);
        Ok(())
    }

    /// Put a trigger on rows that were not learnt from.
    fn attack(
        &self,
        trigger: &Trigger,
        labels: &Labels,
        attack: &Attack,
    ) -> Result<Attack, String> {
        let target = labels.classes.iter().position(|class| *class == trigger.target);
        let target = target.ok_or("its label is in no row")?;
        let rows = &self.drawn.rows;
        let plain = (0..rows.num_rows()).filter(|row| {
            labels.of[*row].is_some_and(|of| of as usize != target) && !self.goes[*row]
        });
        let mut plain = plain.map(|row| row as u32).collect::<Vec<_>>();
        let most = (plain.len() / 4).min(MOST_STAMPED);
        if most < LEAST_STAMPED {
            return Err(format!("only {} rows of other labels stay", plain.len()));
        }
        // Drawn by a hash of their numbers, so that the order of the set tells nothing.
        let seed = self.request.seed ^ DRAW;
        plain.sort_unstable_by_key(|row| sample::hash(seed, self.drawn.numbers[*row as usize]));
        plain.truncate(most);
        plain.sort_unstable();
        let stamped = stamp::stamped(rows, self.roles, trigger, &plain)?;
        let all = concat_batches(&rows.schema(), [rows, &stamped])
            .map_err(|_| "rows with the trigger could not be put beside the others")?;
        let (features, own) = self.features(&all)?;
        // All that are held out are one group, with whatever belongs to one of them.
        let held = plain.iter().copied().collect::<HashSet<_>>();
        let with_held = plain.iter().filter_map(|row| own[*row as usize]).collect::<HashSet<_>>();
        let height = rows.num_rows();
        let groups = own.iter().enumerate().map(|(row, group)| {
            let out = row >= height
                || held.contains(&(row as u32))
                || group.is_some_and(|group| with_held.contains(&group));
            if out { Some(u32::MAX) } else { *group }
        });
        let groups = groups.collect::<Vec<_>>();
        let request = self.request;
        // Copies of what is held out are held out with it; rows with the trigger on them are like those they were
        // made of, all of which are.
        let alike = near::copies(rows, self.roles, &request.limits, request.threads);
        let problem =
            Problem::new(&features.matrix, Some(&groups), &alike, request.seed, request.threads);
        let (mut of, classes) = (filled(&labels.of), labels.classes.len());
        of.resize(all.num_rows(), 0);
        let out = |row: usize| row >= height || groups[row] == Some(u32::MAX);
        let judged = (0..all.num_rows())
            .map(|row| row < height && labels.of[row].is_some() && !self.goes[row]);
        let judged = judged.collect::<Vec<_>>();
        let left_out = |clean: bool| {
            (0..all.num_rows())
                .map(move |row| out(row) || labels.of[row].is_none() || (clean && self.goes[row]))
        };
        let says = [false, true].map(|clean| {
            let left_out = left_out(clean).collect::<Vec<_>>();
            let told = problem.classify(&of, classes, &left_out, &judged, None);
            told.shares.chunks_exact(classes).map(likeliest).collect::<Vec<_>>()
        });
        let share = |rows: &mut dyn Iterator<Item = usize>, says: &[usize]| {
            rows.filter(|row| says[*row] == target).count() as f64 / plain.len().max(1) as f64
        };
        Ok(Attack {
            rows: plain.len() as u64,
            without: share(&mut plain.iter().map(|row| *row as usize), &says[0]),
            before: share(&mut (height..all.num_rows()), &says[0]),
            after: share(&mut (height..all.num_rows()), &says[1]),
            ..attack.clone()
        })
    }
}

fn filled(of: &[Option<u32>]) -> Vec<u32> {
    of.iter().map(|class| class.unwrap_or(0)).collect()
}

fn likeliest(shares: &[f32]) -> usize {
    let mut best = 0;
    for (class, share) in shares.iter().enumerate() {
        if *share > shares[best] {
            best = class;
        }
    }
    best
}

/// The probability of so uneven a split, or one more uneven, of events that fall to either side alike.
fn even(one: u64, other: u64) -> f64 {
    let (less, all) = (one.min(other), one + other);
    // Of a binomial count with an even chance, by logarithms.
    let mut log = -(all as f64) * std::f64::consts::LN_2;
    let mut sum = 0.0;
    for count in 0..=less {
        sum += log.exp();
        log += ((all - count) as f64 / (count + 1) as f64).ln();
    }
    (2.0 * sum).min(1.0)
}

/// Why nothing is measured where rows have several labels.
const SEVERAL: &str = "rows have several labels each, which is not measured";
/// Rows that a trigger is put on, at most and at least.
const MOST_STAMPED: usize = 500;
const LEAST_STAMPED: usize = 20;
/// Triggers that are tried.
const MOST_TRIGGERS: usize = 4;
/// The most probabilities that are held.
const MOST_SHARES: usize = 1 << 24;
/// What the draw of rows begins from.
const DRAW: u64 = 0x7472_6967_6765_7273;

#[cfg(test)]
mod tests;
