//! How many false alarms to expect.

use modelward_core::Value;

/// The false alarms that are expected among so many rows, with the interval that holds them in 95 of 100
/// sets.
pub(super) fn alarms(expected: f64, rows: usize) -> Value {
    let (low, high) = spread(expected, rows);
    Value::Record(vec![
        ("value", expected.into()),
        ("interval", Value::List(vec![low.into(), high.into()])),
        ("confidence", 0.95.into()),
    ])
}

/// The 2.5 % and 97.5 % quantiles of a binomial count with this mean.
pub(super) fn spread(expected: f64, rows: usize) -> (u64, u64) {
    if rows == 0 || expected <= 0.0 {
        return (0, 0);
    }
    let share = (expected / rows as f64).min(1.0);
    if share >= 1.0 {
        return (rows as u64, rows as u64);
    }
    if expected > 2000.0 {
        let reach = 1.96 * (expected * (1.0 - share)).sqrt();
        return ((expected - reach).floor() as u64, (expected + reach).ceil() as u64);
    }
    let mut log = rows as f64 * (1.0 - share).ln();
    let (mut sum, mut low) = (0.0, None);
    for count in 0..=rows {
        sum += log.exp();
        if low.is_none() && sum >= 0.025 {
            low = Some(count as u64);
        }
        if sum >= 0.975 {
            return (low.unwrap_or(0), count as u64);
        }
        log += ((rows - count) as f64 / (count + 1) as f64 * share / (1.0 - share)).ln();
    }
    (low.unwrap_or(0), rows as u64)
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        assert_eq!(spread(0.0, 100), (0, 0));
        assert_eq!(spread(0.8, 1797), (0, 3));
        assert_eq!(spread(50.0, 100), (40, 60));
    }
}
