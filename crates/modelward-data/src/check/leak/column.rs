//! Columns that give the label away alone.

use std::collections::HashMap;

use crate::{
    Kind,
    check::Context,
    columns::{numbers, written},
    kind,
};

/// From this area under the curve on a column tells the label.
pub(super) const TELLS: f64 = 0.995;
/// The least rows for that.
const LEAST_ROWS: usize = 50;
/// Parts that the values of a column of numbers are cut into.
const PARTS: usize = 64;
/// Classes of the rows that are judged.
const MOST_CLASSES: usize = 100;

/// The columns that tell the label, with the area under the curve of the best rule on the column alone,
/// mean of all classes against the others.
pub(super) fn telling(context: &Context<'_>) -> Vec<(String, f64)> {
    let Some(labels) = &context.labels else { return Vec::new() };
    let classes = labels.classes.len();
    let rows = &context.sample.rows;
    if !(2..=MOST_CLASSES).contains(&classes) || rows.num_rows() < LEAST_ROWS {
        return Vec::new();
    }
    let schema = rows.schema();
    let mut found = Vec::new();
    for (at, field) in schema.fields().iter().enumerate() {
        if !context.roles.is_feature(at) {
            continue;
        }
        let parts = match kind(field) {
            Kind::Number | Kind::Truth => numbers(rows.column(at)).map(|numbers| cut(&numbers)),
            Kind::Text => Some(named(&written(rows.column(at)))),
            _ => None,
        };
        let Some(parts) = parts else { continue };
        let cells = parts.iter().zip(&labels.of);
        let cells = cells.filter_map(|(part, class)| Some((*part, (*class)?)));
        let area = area(&cells.collect::<Vec<_>>(), classes);
        if area > TELLS {
            found.push((field.name().clone(), area));
        }
    }
    found
}

/// Numbers by their value where there are few, else by quantiles.
fn cut(numbers: &[f64]) -> Vec<u32> {
    let mut sorted = numbers.iter().copied().filter(|number| !number.is_nan()).collect::<Vec<_>>();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut bounds = sorted.clone();
    bounds.dedup();
    if bounds.len() > PARTS {
        bounds = (1..PARTS).map(|part| sorted[part * sorted.len() / PARTS]).collect();
        bounds.dedup();
    }
    let part = |number: &f64| match number.is_nan() {
        true => u32::MAX,
        false => bounds.partition_point(|bound| bound <= number) as u32,
    };
    numbers.iter().map(part).collect()
}

fn named(texts: &[Option<String>]) -> Vec<u32> {
    let mut known = HashMap::new();
    let name = |text: &Option<String>| {
        let next = known.len() as u32;
        text.clone().map_or(u32::MAX, |text| *known.entry(text).or_insert(next))
    };
    texts.iter().map(name).collect()
}

/// The area under the curve of the share of a class among the other rows of the same part; mean of all
/// classes. The row itself is left out, so that a column of identifiers tells nothing.
fn area(cells: &[(u32, u32)], classes: usize) -> f64 {
    let mut counts = HashMap::<u32, Vec<u32>>::new();
    let mut sizes = vec![0_usize; classes];
    for (part, class) in cells {
        counts.entry(*part).or_insert_with(|| vec![0; classes])[*class as usize] += 1;
        sizes[*class as usize] += 1;
    }
    let all = cells.len();
    let present = (0..classes).filter(|class| sizes[*class] > 0).collect::<Vec<_>>();
    if present.len() < 2 {
        return 0.0;
    }
    let areas = present.iter().map(|class| {
        let prior = sizes[*class] as f64 / all as f64;
        // Rows with one score stand together: for each, how many are of the class and how many are not.
        let mut scores = Vec::new();
        for counts in counts.values() {
            let (own, sum) = (counts[*class], counts.iter().sum::<u32>());
            let share = |own: f64, sum: f64| (own + prior) / (sum + 1.0);
            if own > 0 {
                let score = share(f64::from(own) - 1.0, f64::from(sum) - 1.0);
                scores.push((score, f64::from(own), 0.0));
            }
            if sum > own {
                let score = share(f64::from(own), f64::from(sum) - 1.0);
                scores.push((score, 0.0, f64::from(sum - own)));
            }
        }
        scores.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (mut below, mut won) = (0.0, 0.0);
        for scores in scores.chunk_by(|one, other| one.0 == other.0) {
            let own = scores.iter().map(|(_, own, _)| own).sum::<f64>();
            let other = scores.iter().map(|(_, _, other)| other).sum::<f64>();
            won += own * (below + other / 2.0);
            below += other;
        }
        won / (sizes[*class] as f64 * (all - sizes[*class]) as f64)
    });
    areas.sum::<f64>() / present.len() as f64
}
