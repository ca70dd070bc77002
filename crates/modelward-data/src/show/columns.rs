//! How labels and columns lie.

use modelward_core::{Exhibit, Shown, Spread};

use super::excerpt::short;
use crate::check::{Checked, Column, QUANTILES};

/// How many rows have which label.
pub(super) fn balance(checked: &Checked) -> Option<Exhibit> {
    let label = checked.label.as_ref()?;
    let mut bars = checked.classes.iter().map(|(class, rows)| (class, *rows)).collect::<Vec<_>>();
    if bars.is_empty() {
        return None;
    }
    bars.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    let all = bars.len();
    let bars = bars.into_iter().take(MOST_CLASSES).map(|(class, rows)| (short(class), rows));
    let bars = bars.collect::<Vec<_>>();
    let about = match all.saturating_sub(bars.len()) {
        0 => String::new(),
        more => format!("{more} rarer labels are not shown"),
    };
    Some(Exhibit { title: format!("Labels in {}", short(label)), about, shown: Shown::Bars(bars) })
}

/// How the values of the columns lie.
pub(super) fn spreads(checked: &Checked) -> Option<Exhibit> {
    let wanted = checked.checks.iter().any(|(check, _)| check.name == "profile");
    let columns = checked.profile.iter().filter(|column| column.rows > 0);
    let all = columns.clone().count();
    let spreads = columns.take(MOST_SPREADS).map(spread).collect::<Vec<_>>();
    if spreads.is_empty() || !wanted {
        return None;
    }
    let more = match all.saturating_sub(spreads.len()) {
        0 => String::new(),
        more => format!("; {more} more columns are not shown"),
    };
    let about = format!(
        "of numbers how many lie where, from the first to the last hundredth, the quarters in the middle as a \
         bar; of names the most frequent{more}"
    );
    Some(Exhibit { title: "Columns".to_owned(), about, shown: Shown::Columns(spreads) })
}

fn spread(column: &Column) -> Spread {
    let mut words = vec![column.kind.to_lowercase()];
    if column.numeric && column.count() > 0 {
        words.push(format!("{} to {}", number(column.min), number(column.max)));
        words.push(format!("mean {}", number(column.mean)));
    }
    let about = if column.counted { "" } else { "about " };
    words.push(format!("{about}{} distinct", column.distinct));
    if column.nulls > 0 {
        let share = 100.0 * column.nulls as f64 / column.rows as f64;
        words.push(format!("{} missing ({share:.1} %)", column.nulls));
    }
    if column.is_constant() {
        words.push("the same in every row".to_owned());
    }
    if column.is_id() {
        words.push("another value in every row".to_owned());
    }
    let quantile = |place: f64| {
        let at = QUANTILES.iter().position(|known| (known - place).abs() < 1e-9);
        at.and_then(|at| column.quantiles.get(at)).copied()
    };
    let quartiles = [0.25, 0.5, 0.75].map(quantile);
    let quartiles = match quartiles {
        [Some(one), Some(two), Some(three)] => Some([one, two, three]),
        _ => None,
    };
    let few = !column.numeric && !column.is_id();
    let top = column.top.iter().filter(|(value, _)| few && !value.is_empty()).take(MOST_TOP);
    Spread {
        name: short(&column.name),
        words: words.join(", "),
        parts: column.parts.clone(),
        from: column.quantiles.first().copied().unwrap_or(0.0),
        to: column.quantiles.last().copied().unwrap_or(0.0),
        quartiles,
        top: top.map(|(value, rows)| (short(value), *rows)).collect(),
    }
}

/// A number as people read it: so many digits as tell it from its neighbours.
fn number(number: f64) -> String {
    let size = number.abs();
    if number == number.trunc() && size < 1e9 {
        format!("{number}")
    } else if (1e-3..1e6).contains(&size) {
        format!("{number:.4}")
    } else {
        format!("{number:.3e}")
    }
}

/// Labels that are shown.
const MOST_CLASSES: usize = 30;
/// Columns whose values are shown.
const MOST_SPREADS: usize = 60;
/// Values of a column of names that are shown.
const MOST_TOP: usize = 4;
