//! Times as documents write them.

use std::time::Duration;

/// Seconds since 1970 as RFC 3339 has them, in UTC: `2023-11-14T22:13:20Z`; `None` beyond the year 9999.
pub fn rfc3339(seconds: u64) -> Option<String> {
    let time = der::DateTime::from_unix_duration(Duration::from_secs(seconds)).ok()?;
    Some(time.to_string())
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(rfc3339(1_700_000_000).as_deref(), Some("2023-11-14T22:13:20Z"));
        assert_eq!(rfc3339(0).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(rfc3339(u64::MAX), None);
    }
}
