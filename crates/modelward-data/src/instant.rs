//! Points in time, whatever holds them: dates and timestamps of Arrow, and texts in the form of ISO 8601.

#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use arrow_array::{
    Array, ArrayRef,
    cast::AsArray,
    types::{
        Date32Type, Date64Type, TimestampMicrosecondType, TimestampMillisecondType,
        TimestampNanosecondType, TimestampSecondType,
    },
};
use arrow_schema::{DataType, TimeUnit};

use crate::columns::texts;

/// The points in time of a column, in nanoseconds from the first day of 1970 on, without leap seconds; `None`
/// where the column holds others. Texts are such a column where each that is there is a date.
pub(crate) fn instants(array: &ArrayRef) -> Option<Vec<Option<i128>>> {
    match most_instants(array)? {
        (instants, 0) => Some(instants),
        _ => None,
    }
}

/// The same where nine of ten of the texts that are there are dates, with how many are none: these are taken for missing.
pub(crate) fn most_instants(array: &ArrayRef) -> Option<(Vec<Option<i128>>, usize)> {
    macro_rules! of {
        ($type:ty, $scale:expr) => {{
            let array = array.as_primitive_opt::<$type>()?;
            array
                .iter()
                .map(|value| value.and_then(|value| i128::from(value).checked_mul($scale)))
                .collect()
        }};
    }
    let instants = match array.data_type() {
        DataType::Date32 => of!(Date32Type, DAY),
        DataType::Date64 => of!(Date64Type, 1_000_000),
        DataType::Timestamp(TimeUnit::Second, _) => of!(TimestampSecondType, SECOND),
        DataType::Timestamp(TimeUnit::Millisecond, _) => of!(TimestampMillisecondType, 1_000_000),
        DataType::Timestamp(TimeUnit::Microsecond, _) => of!(TimestampMicrosecondType, 1_000),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => of!(TimestampNanosecondType, 1),
        _ => {
            let texts = texts(array)?;
            let there = texts.iter().flatten().count();
            let instants = texts.into_iter().map(|text| text.and_then(read)).collect::<Vec<_>>();
            let dates = instants.iter().flatten().count();
            let others = there.saturating_sub(dates);
            return (others.saturating_mul(10) <= there).then_some((instants, others));
        }
    };
    Some((instants, 0))
}

/// The point in time that a text names: `2026-11-27`, `2026-11-27T10:00`, `2026-11-27 10:00:00.5+01:00`,
/// `2026-11-27 10:00:00 UTC` (RFC 3339; without an offset it is taken as of UTC).
pub(crate) fn read(text: &str) -> Option<i128> {
    let text = text.trim();
    let day = text.get(..10)?;
    let [year, month, of_month] =
        <[&str; 3]>::try_from(day.splitn(3, '-').collect::<Vec<_>>()).ok()?;
    let [year, month, of_month] = [digits(year, 4)?, digits(month, 2)?, digits(of_month, 2)?];
    if !(1..=12).contains(&month) {
        return None;
    }
    let days = days_of(year, month, of_month);
    // The 31st of February is the third of March to the sum, and no day to a reader.
    if date_of(days) != (year, month, of_month) {
        return None;
    }
    let days = days.checked_mul(DAY)?;
    let rest = text.get(10..)?;
    let Some(clock) = rest.strip_prefix(['T', 't', ' ']) else {
        return rest.is_empty().then_some(days);
    };
    let clock = ["UTC", "GMT"].iter().find_map(|zone| clock.strip_suffix(zone)).unwrap_or(clock);
    let offset = clock.find(['Z', 'z', '+', '-']);
    let (clock, offset) = clock.split_at_checked(offset.unwrap_or(clock.len()))?;
    let mut parts = clock.trim_end().split(':');
    let hours = digits(parts.next()?, 2)?;
    let minutes = parts.next().map_or(Some(0), |part| digits(part, 2))?;
    let (seconds, fraction) = match parts.next() {
        None => (0, 0),
        Some(part) => {
            let (seconds, fraction) = part.split_once(['.', ',']).unwrap_or((part, "0"));
            let kept = fraction.get(..9).unwrap_or(fraction);
            let places = u32::try_from(kept.len()).ok()?;
            let scale = 10_i128.checked_pow(9_u32.checked_sub(places)?)?;
            (digits(seconds, 2)?, digits(kept, kept.len())?.checked_mul(scale)?)
        }
    };
    if parts.next().is_some() || hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    let offset = match offset.split_at_checked(1) {
        None => 0,
        Some(("Z" | "z", "")) => 0,
        Some((sign @ ("+" | "-"), zone)) => {
            let zone = zone.replace(':', "");
            let (hours, minutes) = zone.split_at_checked(2)?;
            let minutes = if minutes.is_empty() { 0 } else { digits(minutes, 2)? };
            let hours = digits(hours, 2)?;
            if hours > 23 || minutes > 59 {
                return None;
            }
            let east = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?;
            if sign == "+" { east } else { east.checked_neg()? }
        }
        Some(_) => return None,
    };
    let clock =
        hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(seconds)?;
    days.checked_add(clock.checked_sub(offset)?.checked_mul(SECOND)?)?.checked_add(fraction)
}

fn digits(text: &str, length: usize) -> Option<i128> {
    let right = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    right.then(|| text.parse().ok()).flatten()
}

/// A point in time in words, to the second: `2026-11-27`, `2026-11-27 10:00:00`.
pub(crate) fn shown(instant: i128) -> String {
    let (days, clock) = (instant.div_euclid(DAY), instant.rem_euclid(DAY).div_euclid(SECOND));
    let (year, month, day) = date_of(days);
    let date = format!("{year:04}-{month:02}-{day:02}");
    if clock == 0 {
        return date;
    }
    let (minutes, seconds) = (clock.div_euclid(60), clock.rem_euclid(60));
    format!("{date} {:02}:{:02}:{seconds:02}", minutes.div_euclid(60), minutes.rem_euclid(60))
}

/// The same with parts of a second, where there are any.
pub(crate) fn exact(instant: i128) -> String {
    match instant.rem_euclid(SECOND) {
        0 => shown(instant),
        fraction => format!("{}.{fraction:09}", shown(instant)),
    }
}

/// Days from the first of 1970 to a date of the Gregorian calendar (Hinnant, "chrono-compatible low-level date
/// algorithms", 2013).
#[allow(clippy::arithmetic_side_effects, reason = "the year has four digits")]
fn days_of(year: i128, month: i128, day: i128) -> i128 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of a day, the inverse of that.
#[allow(clippy::arithmetic_side_effects, reason = "far from the ends of 128 bits: days of 64 bits")]
fn date_of(days: i128) -> (i128, i128, i128) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + i128::from(month <= 2), month, day)
}

const SECOND: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * SECOND;

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "small numbers of the tests' own")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_and_times_are_read_and_shown() {
        assert_eq!(read("1970-01-01"), Some(0));
        assert_eq!(read("2026-11-27T10:00:00Z"), Some((20_784 * 86_400 + 36_000) * SECOND));
        assert_eq!(read("2026-11-27 10:00:00.5+01:00").map(shown).unwrap(), "2026-11-27 09:00:00");
        assert_eq!(read("1969-12-31 23:59").map(shown).unwrap(), "1969-12-31 23:59:00");
        for (one, other) in [
            ("2024-02-29T10Z", "2024-02-29 10:00:00"),
            ("2026-11-27 10:00:00 UTC", "2026-11-27T10:00:00Z"),
            ("2026-11-27T10:00:00,25", "2026-11-27T10:00:00.25Z"),
            ("2026-11-27 10:00:00 +0530", "2026-11-27T04:30:00Z"),
            ("2026-11-27 00:30+01", "2026-11-26 23:30"),
        ] {
            assert_eq!(read(one), read(other), "{one}");
            assert!(read(one).is_some(), "{one}");
        }
        for other in [
            "",
            "2026",
            "2026-13-01",
            "2026-11-27x",
            "27.11.2026",
            "2026-11-27 25:00",
            "12345678901",
            "2026-02-29",
            "2026-04-31 10:00",
            "2026-11-00",
            "2026-11-27T10:00+99:00",
            "2026-11-27T",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_day_comes_back(days in -700_000_i128..2_900_000) {
            let (year, month, day) = date_of(days);
            prop_assert_eq!(days_of(year, month, day), days);
        }

        #[test]
        fn any_text_is_read_or_not(text in "\\PC{0,40}") {
            let _ = read(&text);
        }
    }
}
