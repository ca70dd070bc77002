//! Points in time.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use der::DateTime;

/// A second, counted from 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

impl Moment {
    /// The clock of this machine.
    pub fn now() -> Self {
        Self::from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
    }

    /// A time after RFC 3339: `2026-01-01T00:00:00Z`, with any offset; fractions of a second are cut off.
    pub fn parse(text: &str) -> Option<Self> {
        let (main, rest) = text.split_at_checked(19)?;
        let time: DateTime = [&main.replace('t', "T"), "Z"].concat().parse().ok()?;
        let fraction = rest.strip_prefix('.').map(|rest| {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            (digits > 0).then(|| rest.get(digits..)).flatten()
        });
        let offset = match fraction.unwrap_or(Some(rest))? {
            "Z" | "z" => 0,
            zone => {
                let (sign, zone) = zone.split_at_checked(1)?;
                let (hours, minutes) = zone.split_once(':')?;
                let number = |text: &str, most: i64| {
                    let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
                    text.parse().ok().filter(|number: &i64| digits && *number <= most)
                };
                let minutes =
                    number(hours, 23)?.checked_mul(60)?.checked_add(number(minutes, 59)?)?;
                match sign {
                    "+" => minutes.checked_neg()?,
                    "-" => minutes,
                    _ => return None,
                }
            }
        };
        Self::from(time.unix_duration()).0.checked_add(offset.checked_mul(60)?).map(Self)
    }

    /// The day alone: `2026-01-01`.
    pub fn day(self) -> String {
        let mut text = self.to_string();
        text.truncate(text.find('T').unwrap_or(text.len()));
        text
    }
}

impl From<Duration> for Moment {
    /// Time since 1970.
    fn from(since: Duration) -> Self {
        Self(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Moment {
    /// RFC 3339, in UTC; seconds where there is no such date.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = u64::try_from(self.0).ok().map(Duration::from_secs);
        match since.and_then(|since| DateTime::from_unix_duration(since).ok()) {
            Some(time) => write!(f, "{time}"),
            None => write!(f, "{} seconds from 1970", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rfc_3339_is_read() {
        for (text, shown) in [
            ("2026-06-01T00:00:00Z", "2026-06-01T00:00:00Z"),
            ("2026-06-01t02:30:00.5+02:30", "2026-06-01T00:00:00Z"),
            ("2026-05-31T23:00:00-01:00", "2026-06-01T00:00:00Z"),
        ] {
            assert_eq!(Moment::parse(text).unwrap().to_string(), shown);
        }
        for text in [
            "2026-06-01",
            "2026-06-01T00:00:00",
            "2026-13-01T00:00:00Z",
            "2026-06-01T00:00:00.Z",
            "2026-06-01T00:00:00+2:00",
            "2026-06-01T00:00:00é",
            "",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read(seconds in 0..253_402_300_799i64) {
            prop_assert_eq!(Moment::parse(&Moment(seconds).to_string()), Some(Moment(seconds)));
        }

        #[test]
        fn any_text_is_judged(text: String) {
            let _ = Moment::parse(&text);
        }
    }
}
