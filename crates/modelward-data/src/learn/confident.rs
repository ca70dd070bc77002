//! What a label is worth: probabilities calibrated on labels of which some are wrong, and confident
//! learning over them (Northcutt, Jiang and Chuang, JAIR 70, 2021).

use super::random::drawn;

/// How sharp probabilities are to be taken, and what share of the labels is wrong, fitted together: a given
/// label is that of the row with probability `1 - noise`, and any of the others' otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calibrated {
    /// Log probabilities are multiplied by this.
    pub(crate) sharpness: f64,
    /// The share of wrong labels that explains them best.
    pub(crate) noise: f64,
    /// The mean log loss.
    pub(crate) loss: f64,
    /// Twice the log likelihood that noise adds to the best fit without any.
    pub(crate) evidence: f64,
}

impl Calibrated {
    /// Fit to the labels of the rows that are judged.
    pub(crate) fn fit(shares: &[f32], labels: &[u32], classes: usize, judged: &[bool]) -> Self {
        let rows = (0..labels.len()).filter(|row| judged[*row]).collect::<Vec<_>>();
        let all = rows.len().max(1) as f64;
        let rows = drawn(CALIBRATED, rows.len()).into_iter().map(|at| rows[at]).collect::<Vec<_>>();
        let logs = rows.iter().flat_map(|row| &shares[row * classes..][..classes]);
        let logs = logs.map(|share| share.max(1e-12).ln()).collect::<Vec<_>>();
        let count = rows.len().max(1) as f64;
        // The probability of the given label at a sharpness.
        let given = |sharpness: f64| {
            let sharpness = sharpness as f32;
            let rows = rows.iter().zip(logs.chunks_exact(classes));
            rows.map(|(row, logs)| {
                let own = logs[labels[*row] as usize];
                let sum = logs.iter().map(|log| (sharpness * (log - own)).exp()).sum::<f32>();
                1.0 / f64::from(sum)
            })
            .collect::<Vec<_>>()
        };
        let others = (classes.max(2) - 1) as f64;
        let loss = |given: &[f64], noise: f64| {
            let each = given.iter().map(|share| {
                -((1.0 - noise) * share + noise * (1.0 - share) / others).max(1e-30).ln()
            });
            each.sum::<f64>() / count
        };
        let (mut fits, mut plain) = (Vec::new(), f64::INFINITY);
        for step in 0..=SHARPNESS {
            let sharpness = 0.4 * 10.0_f64.powf(f64::from(step) / f64::from(SHARPNESS));
            let given = given(sharpness);
            if sharpness >= LEAST_SHARPNESS {
                plain = plain.min(loss(&given, 0.0));
            }
            let noise = least(0.0, 0.45, |noise| loss(&given, noise));
            fits.push((loss(&given, noise), sharpness));
        }
        let best = fits.iter().map(|fit| fit.0).fold(f64::INFINITY, f64::min);
        let evidence = 2.0 * (plain - best) * all;
        // Few rows do not tell softer probabilities from wrong labels: each fit counts by its likelihood.
        let weights = fits.iter().map(|fit| ((best - fit.0) * all).exp());
        let (mut sum, mut mean) = (0.0, 0.0);
        for (weight, fit) in weights.zip(&fits) {
            sum += weight;
            mean += weight * fit.1;
        }
        let sharpness = mean / sum.max(1e-12);
        let given = given(sharpness);
        let noise = least(0.0, 0.45, |noise| loss(&given, noise));
        Self { sharpness, noise, loss: loss(&given, noise), evidence }
    }

    /// Sharpen or soften probabilities.
    pub(crate) fn apply(&self, shares: &mut [f32], classes: usize) {
        let sharpness = self.sharpness as f32;
        for shares in shares.chunks_exact_mut(classes) {
            let most = shares.iter().copied().fold(0.0, f32::max).max(1e-12);
            let mut sum = 0.0;
            for share in shares.iter_mut() {
                *share = (sharpness * (share.max(1e-12) / most).ln()).exp();
                sum += *share;
            }
            shares.iter_mut().for_each(|share| *share /= sum);
        }
    }

    /// The probability that a label is wrong whose row has it with this probability.
    pub(crate) fn wrong(&self, share: f64, classes: usize) -> f64 {
        let noise = self.noise.max(LEAST_NOISE);
        let other = noise * (1.0 - share) / (classes.max(2) - 1) as f64;
        other / (other + (1.0 - noise) * share)
    }
}

/// Where a function with one valley is least (golden section).
fn least(mut low: f64, mut high: f64, of: impl Fn(f64) -> f64) -> f64 {
    let golden = 0.618_034;
    let (mut a, mut b) = (high - golden * (high - low), low + golden * (high - low));
    let (mut at_a, mut at_b) = (of(a), of(b));
    for _ in 0..18 {
        if at_a < at_b {
            (high, b, at_b) = (b, a, at_a);
            a = high - golden * (high - low);
            at_a = of(a);
        } else {
            (low, a, at_a) = (a, b, at_b);
            b = low + golden * (high - low);
            at_b = of(b);
        }
    }
    let middle = 0.5 * (low + high);
    if of(0.0) <= of(middle) { 0.0 } else { middle }
}

/// The rows whose labels confident learning prunes, by the noise rate of each pair of classes.
pub(crate) fn pruned(shares: &[f32], labels: &[u32], classes: usize, judged: &[bool]) -> Vec<bool> {
    let rows = (0..labels.len()).filter(|row| judged[*row]).collect::<Vec<_>>();
    let share = |row: usize, class: usize| f64::from(shares[row * classes + class]);
    let (mut counts, mut bars) = (vec![0_usize; classes], vec![0.0; classes]);
    for &row in &rows {
        let label = labels[row] as usize;
        counts[label] += 1;
        bars[label] += share(row, label);
    }
    for (bar, count) in bars.iter_mut().zip(&counts) {
        *bar = if *count == 0 { f64::INFINITY } else { *bar / *count as f64 };
    }
    // The confident joint: given label by the class that a row is surely of.
    let mut joint = vec![0.0; classes * classes];
    for &row in &rows {
        let sure = (0..classes).filter(|class| share(row, *class) >= bars[*class]);
        if let Some(class) = sure.max_by(|a, b| share(row, *a).total_cmp(&share(row, *b))) {
            joint[labels[row] as usize * classes + class] += 1.0;
        }
    }
    let mut pruned = vec![false; labels.len()];
    for label in 0..classes {
        let line = &joint[label * classes..][..classes];
        let sum = line.iter().sum::<f64>();
        if sum == 0.0 {
            continue;
        }
        let mut of_label = rows.iter().copied().filter(|row| labels[*row] as usize == label);
        let of_label = of_label.by_ref().collect::<Vec<_>>();
        for class in (0..classes).filter(|class| *class != label) {
            let many = (line[class] * counts[label] as f64 / sum).round() as usize;
            if many == 0 {
                continue;
            }
            let margin = |row: usize| share(row, class) - share(row, label);
            let mut order = of_label.clone();
            order.sort_by(|a, b| margin(*b).total_cmp(&margin(*a)).then(a.cmp(b)));
            order.iter().take(many).filter(|row| margin(**row) > 0.0).for_each(|row| {
                pruned[*row] = true;
            });
        }
    }
    pruned
}

/// How many labels would be flagged whose rows have them with at most the probability `bar`, were every
/// label right and drawn by these probabilities.
pub(crate) fn false_alarms(shares: &[f32], classes: usize, judged: &[bool], bar: f64) -> f64 {
    let rows = shares.chunks_exact(classes).zip(judged).filter(|(_, judged)| **judged);
    let each = rows.map(|(shares, _)| {
        let low = shares.iter().map(|share| f64::from(*share)).filter(|share| *share <= bar);
        low.sum::<f64>()
    });
    each.sum()
}

/// The highest probability of a given label at which at most a share `most` of right labels is flagged.
pub(crate) fn bar(shares: &[f32], classes: usize, judged: &[bool], most: f64) -> f64 {
    let rows = shares.chunks_exact(classes).zip(judged).filter(|(_, judged)| **judged);
    let mut low = Vec::new();
    let mut count = 0_usize;
    for (shares, _) in rows {
        count += 1;
        low.extend(shares.iter().copied().filter(|share| *share < 0.5));
    }
    low.sort_by(f32::total_cmp);
    // One more, so that small sets with wrong labels are not left alone; right ones stop at the evidence.
    let allowed = most * count as f64 + 1.0;
    let (mut sum, mut bar) = (0.0, 0.0);
    for share in low {
        sum += f64::from(share);
        if sum > allowed {
            break;
        }
        bar = f64::from(share);
    }
    bar
}

/// Rows that are enough to calibrate on.
const CALIBRATED: usize = 4096;
/// What was calibrated before is not to be softened further than this to do without noise: where every row is
/// equally sure, softer probabilities and wrong labels are the same.
const LEAST_SHARPNESS: f64 = 0.75;
/// Steps of the sharpness.
const SHARPNESS: u32 = 12;
/// Labels of which none seems wrong are still ranked.
const LEAST_NOISE: f64 = 0.002;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::random::Random;

    /// Rows whose probabilities are true, with labels drawn by them and a share of these changed.
    fn some(rows: usize, noise: f64) -> (Vec<f32>, Vec<u32>, Vec<bool>) {
        let mut random = Random::new(9, 0);
        let (mut shares, mut labels, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rows {
            let sure = 1.0 - 0.3 * random.unit().powi(3);
            let class = random.below(3);
            let mut line = [((1.0 - sure) / 2.0) as f32; 3];
            line[class] = sure as f32;
            shares.extend(line);
            let label =
                if random.unit() < sure { class } else { (class + 1 + random.below(2)) % 3 };
            let changed = random.unit() < noise;
            wrong.push(changed);
            labels.push(if changed { (label + 1 + random.below(2)) % 3 } else { label } as u32);
        }
        (shares, labels, wrong)
    }

    #[test]
    fn the_share_of_wrong_labels_is_found_and_none_where_there_is_none() {
        let judged = vec![true; 4000];
        let (shares, labels, _) = some(4000, 0.1);
        let calibrated = Calibrated::fit(&shares, &labels, 3, &judged);
        assert!((calibrated.noise - 0.1).abs() < 0.03, "{calibrated:?}");
        assert!(calibrated.evidence > 20.0, "{calibrated:?}");
        let (shares, labels, _) = some(4000, 0.0);
        let calibrated = Calibrated::fit(&shares, &labels, 3, &judged);
        assert!(calibrated.noise < 0.02, "{calibrated:?}");
        assert!(calibrated.evidence < 4.0, "{calibrated:?}");
    }

    #[test]
    fn pruning_finds_changed_labels() {
        let (shares, labels, wrong) = some(2000, 0.1);
        let judged = vec![true; 2000];
        let pruned = pruned(&shares, &labels, 3, &judged);
        let hits = pruned.iter().zip(&wrong).filter(|(pruned, wrong)| **pruned && **wrong).count();
        assert!(hits * 10 > wrong.iter().filter(|wrong| **wrong).count() * 7);
    }

    #[test]
    fn the_bar_keeps_to_the_share() {
        let (shares, _, _) = some(2000, 0.0);
        let judged = vec![true; 2000];
        let bar = bar(&shares, 3, &judged, 0.005);
        assert!(false_alarms(&shares, 3, &judged, bar) <= 11.5);
    }
}
