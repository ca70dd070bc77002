//! The user's own probabilities, in the place of those of the learners, judged by confident learning (Northcutt, Jiang
//! and Chuang, JAIR 70, 2021).

use super::{
    Context, Done, Labels,
    classes::{Judged, LeftOut, MOST_SHARES, accuracy, bar},
    told,
};

use crate::{
    Matrix,
    learn::confident::{self, Calibrated},
};

/// Judge labels by the probabilities of their rows' classes.
pub(super) fn judge(context: &Context<'_>, given: &Matrix) -> Result<Done, String> {
    let labels = context.labels.as_ref().ok_or("there are no labels")?;
    let rows = context.rows;
    if given.rows() as u64 != rows {
        return Err(format!("expected probabilities for {rows} rows, got {}", given.rows()));
    }
    let classes = given.columns;
    if classes.saturating_mul(classes.max(given.rows())) > MOST_SHARES {
        return Err(format!("{classes} classes of {rows} rows are more than it can hold"));
    }
    let known = labels.of.iter().map(Option::is_some).collect::<Vec<_>>();
    // Labels that are numbers of the columns say themselves which column they mean.
    let numbers = labels.classes.iter().map(|class| class.parse::<u32>().ok());
    let numbers = numbers.collect::<Option<Vec<_>>>();
    let numbers = numbers.filter(|numbers| numbers.iter().all(|at| (*at as usize) < classes));
    let (column_of, names) = match numbers {
        Some(numbers) => (numbers, (0..classes).map(|class| class.to_string()).collect()),
        None if labels.classes.len() == classes => {
            ((0..classes as u32).collect::<Vec<_>>(), labels.classes.clone())
        }
        None => {
            let found = labels.classes.len();
            return Err(format!(
                "expected a probability for each of {found} classes, got {classes}"
            ));
        }
    };
    if labels.classes.len() < 2 {
        return Err("all rows have one label".to_owned());
    }
    let of = labels.of.iter().map(|class| class.map_or(0, |class| column_of[class as usize]));
    let of = of.collect::<Vec<_>>();
    let (mut shares, mut unlike) = (Vec::with_capacity(of.len() * classes), 0_usize);
    for number in &context.sample.numbers {
        let row = given.row(*number as usize);
        let sum = row.iter().map(|share| f64::from(*share)).sum::<f64>();
        if row.iter().any(|share| share.is_nan() || *share < 0.0) || sum <= 0.0 || !sum.is_finite()
        {
            return Err(format!("the probabilities of row {number} are none"));
        }
        unlike += usize::from((sum - 1.0).abs() > ROUNDED);
        shares.extend(row.iter().map(|share| (f64::from(*share) / sum) as f32));
    }
    let accuracy = accuracy(&shares, &of, classes, &known);
    let one_of = known.iter().zip(&of).map(|(known, of)| known.then_some(*of)).collect();
    let labels = Labels { classes: names, of: one_of };
    let counts = labels.counts();
    let total = counts.iter().sum::<usize>().max(1) as f64;
    let majority = counts.iter().copied().max().unwrap_or(0) as f64 / total;
    if accuracy < bar(majority) {
        return Err(format!(
            "the probabilities guess {:.1} % of the labels, the commonest label alone {:.1} %: they know too \
             little, or their columns are not in the order of the classes, which is {}",
            100.0 * accuracy,
            100.0 * majority,
            shown(&labels.classes)
        ));
    }
    let calibrated = Calibrated::fit(&shares, &of, classes, &known);
    let mut sharp = shares.clone();
    calibrated.apply(&mut sharp, classes);
    // Which rows stand out is said by the probabilities as they are: they are the user's.
    let flagged = confident::pruned(&shares, &of, classes, &known);
    let flags = flagged.iter().zip(of.iter().enumerate()).filter(|(flag, _)| **flag);
    let bar = flags
        .map(|(_, (row, class))| f64::from(sharp[row * classes + *class as usize]))
        .fold(0.0, f64::max);
    let expected = confident::false_alarms(&sharp, classes, &known, bar).min(total);
    let scores = shares.chunks_exact(classes).zip(&of);
    let scores = scores.map(|(shares, class)| 1.0 - shares[*class as usize]).collect();
    let judged = Judged {
        labels,
        shares,
        scores,
        calibrated,
        learners: Vec::new(),
        flagged,
        expected,
        accuracy,
        majority,
        folds: 0,
        left_out: LeftOut::default(),
    };
    let mut done = told(context, &judged, None);
    if unlike > 0 {
        done.lines.push(format!(
            "label-error: the probabilities of {unlike} rows do not sum to 1; each was divided by its sum"
        ));
    }
    Ok(done)
}

/// The first names of a list.
fn shown(names: &[String]) -> String {
    let first = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{first}, ...") } else { first }
}

/// How far the sum of probabilities is off by rounding.
const ROUNDED: f64 = 0.02;
/// Classes that a message names.
const SHOWN: usize = 5;
