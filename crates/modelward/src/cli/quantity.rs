//! Sizes and times with their units, as limits take them: `64GiB`, `500ms`.

use std::time::Duration;

/// Read a number of threads; 0 is for as many as there are cores.
pub(super) fn threads(text: &str) -> Result<usize, String> {
    let threads = text.parse().ok().filter(|threads| *threads <= MOST_THREADS);
    threads
        .ok_or_else(|| format!("expected a whole number from 0 to {MOST_THREADS}, found `{text}`"))
}

/// Read a whole number.
pub(super) fn count(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("expected a whole number from 0 to {}, found `{text}`", u64::MAX))
}

/// Read a size in bytes: `4096`, `512KiB`, `1.5GB`.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => {
            return Err(format!(
                "expected a size such as `64GiB`, found `{text}` with the unknown unit `{unit}`; \
                 the units are B, KiB, MiB, GiB, TiB, KB, MB, GB and TB"
            ));
        }
    };
    let expected = || format!("expected a size such as `64GiB`, found `{text}`");
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor).ok_or_else(expected);
    }
    let size = number.parse::<f64>().map_err(|_| expected())? * factor as f64;
    if !(0.0..=9e18).contains(&size) {
        return Err(expected());
    }
    #[allow(clippy::cast_possible_truncation, reason = "the range was checked")]
    Ok(size as u64)
}

/// Read a time: `60`, `60s`, `500ms`, `2m`, `1h`.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let seconds = match unit.to_ascii_lowercase().as_str() {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => {
            return Err(format!(
                "expected a time such as `60s`, found `{text}` with the unknown unit `{unit}`; \
                 the units are ms, s, m and h"
            ));
        }
    };
    let time = number.parse::<f64>().ok().map(|number| number * seconds);
    time.and_then(|time| Duration::try_from_secs_f64(time).ok())
        .ok_or_else(|| format!("expected a time such as `60s`, found `{text}`"))
}

fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end).unwrap_or((text, ""));
    (number.trim(), unit.trim())
}

/// More than any machine has; each costs the system memory before it does any work.
const MOST_THREADS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_have_units() {
        assert_eq!(bytes("64GiB"), Ok(64 << 30));
        assert_eq!(bytes("1.5 KB"), Ok(1500));
        assert_eq!(bytes("7"), Ok(7));
        assert!(bytes("-1").is_err() && bytes("GiB").is_err() && bytes("99999999TiB").is_err());
        assert!(bytes("1 parsec").unwrap_err().contains("unknown unit `parsec`"));
        assert_eq!(time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        assert!(time("-1s").is_err() && time("NaN").is_err() && time("1d").is_err());
    }
}
