//! Points in time and validity periods, in whole seconds of UTC.
//!
//! The library has no clock: every function that depends on the time takes `now` as a [`Timestamp`].

use core::fmt;
use core::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A point in time: seconds since 1970-01-01T00:00:00Z, as certificates know it (no fractions, no leap seconds).
///
/// The range is what a certificate can express: year 0001 to 9999 (RFC 5280 §4.1.2.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text that is not an RFC 3339 time, or a number that no certificate can express.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a time between the years 0001 and 9999: write RFC 3339, like 2026-11-22T17:00:00Z")]
pub struct InvalidTimestamp(String);

impl InvalidTimestamp {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        "time.invalid_timestamp"
    }
}

impl Timestamp {
    /// 0001-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_135_596_800);
    /// 9999-12-31T23:59:59Z, which RFC 5280 §4.1.2.5 also uses for "no well-defined expiration".
    pub const MAX: Self = Self(253_402_300_799);

    /// The time at this many seconds since 1970-01-01T00:00:00Z; out of range is brought to [`MIN`](Self::MIN) or [`MAX`](Self::MAX).
    pub const fn from_unix(seconds: i64) -> Self {
        if seconds < Self::MIN.0 {
            Self::MIN
        } else if seconds > Self::MAX.0 {
            Self::MAX
        } else {
            Self(seconds)
        }
    }

    /// Seconds since 1970-01-01T00:00:00Z; negative before.
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// This time plus `duration`, rounded down to the second and held at [`MAX`](Self::MAX).
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Self::from_unix(self.0.saturating_add(seconds))
    }

    /// This time minus `duration`, held at [`MIN`](Self::MIN).
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Self::from_unix(self.0.saturating_sub(seconds))
    }

    /// How long it is from `earlier` until this time; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Year, month, day, hour, minute, second.
    pub(crate) fn civil(self) -> (i32, u8, u8, u8, u8, u8) {
        let t = self.date_time();
        let ((year, month, day), (hour, minute, second)) = (t.date().to_calendar_date(), t.time().as_hms());
        (year, u8::from(month), day, hour, minute, second)
    }

    /// The time of these calendar fields, if they name one.
    pub(crate) fn from_civil(year: i32, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Option<Self> {
        let month = time::Month::try_from(month).ok()?;
        let date = time::Date::from_calendar_date(year, month, day).ok()?;
        let clock = time::Time::from_hms(hour, minute, second).ok()?;
        Some(Self::from_unix(OffsetDateTime::new_utc(date, clock).unix_timestamp()))
    }

    fn date_time(self) -> OffsetDateTime {
        // The constructor holds every value inside the range that `time` accepts.
        OffsetDateTime::from_unix_timestamp(self.0).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl From<SystemTime> for Timestamp {
    fn from(t: SystemTime) -> Self {
        let seconds = match t.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |s| s.saturating_neg()),
        };
        Self::from_unix(seconds)
    }
}

/// RFC 3339 in UTC: `2026-11-22T17:00:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, hour, minute, second) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let parsed = OffsetDateTime::parse(s, &Rfc3339).map_err(|_| InvalidTimestamp(s.chars().take(40).collect()))?;
        Ok(Self::from_unix(parsed.unix_timestamp()))
    }
}

/// A validity period: from `not_before` to `not_after`, both included (RFC 5280 §4.1.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Validity {
    /// The first second in which the certificate is valid.
    pub not_before: Timestamp,
    /// The last second in which the certificate is valid.
    pub not_after: Timestamp,
}

impl Validity {
    /// Whether `now` lies inside the period, to the second.
    pub fn contains(&self, now: Timestamp) -> bool {
        self.not_before <= now && now <= self.not_after
    }

    /// How long a certificate of this period has to live from `now`; zero when it is over.
    pub fn remaining(&self, now: Timestamp) -> Duration {
        self.not_after.since(now)
    }
}

/// A duration in the words of people: `10y`, `1y 11mo`, `364d`, `23h`, `5m`, `30s`. The largest unit that is at least one, rounded down, and
/// the next one where that alone would leave out more than a twentieth; so it never says more, and hardly less.
///
/// A year is 365 days, and a month a twelfth of it.
pub fn humanize(duration: Duration) -> String {
    const UNITS: [(u64, &str, u64, &str); 4] =
        [(31_536_000, "y", 2_628_000, "mo"), (86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s")];
    let seconds = duration.as_secs();
    let Some((unit, name, part, part_name)) = UNITS.into_iter().find(|(unit, ..)| *unit <= seconds) else {
        return format!("{seconds}s");
    };
    let (count, rest) = (seconds.div_euclid(unit), seconds.rem_euclid(unit));
    match rest.div_euclid(part) {
        parts if parts > 0 && rest > seconds.div_euclid(20) => format!("{count}{name} {parts}{part_name}"),
        _ => format!("{count}{name}"),
    }
}

#[cfg(feature = "serde")]
mod serde_impls {
    use super::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    impl Serialize for Timestamp {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            s.collect_str(self)
        }
    }

    impl<'de> Deserialize<'de> for Timestamp {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            String::deserialize(d)?.parse().map_err(de::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_ends_of_a_validity_period_belong_to_it() {
        let v = Validity { not_before: Timestamp::from_unix(100), not_after: Timestamp::from_unix(200) };
        assert!(!v.contains(Timestamp::from_unix(99)));
        assert!(v.contains(Timestamp::from_unix(100)));
        assert!(v.contains(Timestamp::from_unix(200)));
        assert!(!v.contains(Timestamp::from_unix(201)));
    }

    #[test]
    fn durations_read_like_people_write_them() {
        let said = |s| humanize(Duration::from_secs(s));
        assert_eq!([said(0), said(59), said(60), said(86_399), said(86_400), said(315_360_000)], ["0s", "59s", "1m", "23h", "1d", "10y"]);
        let year = 31_536_000;
        assert_eq!([said(2 * year - 1), said(10 * year - 1), said(364 * 86_400), said(5_399)], ["1y 11mo", "9y 11mo", "364d", "1h 29m"]);
        assert_eq!([said(year + 86_400), said(90), said(61), said(3 * 86_400 + 7_200)], ["1y", "1m 30s", "1m", "3d"]);
    }

    proptest! {
        #[test]
        fn a_duration_in_words_is_never_more_and_never_under_nine_tenths(scale in 24u32..64, seconds in any::<u64>()) {
            let seconds = seconds >> scale;
            let words = humanize(Duration::from_secs(seconds));
            let worth = |word: &str| {
                let digits = word.trim_end_matches(char::is_alphabetic);
                let unit = match &word[digits.len()..] { "y" => 31_536_000, "mo" => 2_628_000, "d" => 86_400, "h" => 3_600, "m" => 60, "s" => 1, _ => 0 };
                digits.parse::<u64>().unwrap().saturating_mul(unit)
            };
            let said: u64 = words.split(' ').map(worth).sum();
            prop_assert!(said <= seconds && u128::from(said) * 10 >= u128::from(seconds) * 9, "{seconds} s: {words}");
        }

        #[test]
        fn text_and_calendar_fields_round_trip(seconds in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let t = Timestamp::from_unix(seconds);
            prop_assert_eq!(t.to_string().parse::<Timestamp>().unwrap(), t);
            let (y, mo, d, h, mi, s) = t.civil();
            prop_assert_eq!(Timestamp::from_civil(y, mo, d, h, mi, s), Some(t));
        }
    }
}
