//! Values as people type them.

use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use meshroot::key::KeyAlgorithm;
use meshroot::time::Timestamp;

const KEY_TYPES: [&str; 6] = ["p256", "p384", "ed25519", "rsa2048", "rsa3072", "rsa4096"];

/// A kind of key. RSA is named so that asking for it gets the backend's advice and not just "invalid".
pub(super) fn key_type() -> impl TypedValueParser<Value = KeyAlgorithm> {
    PossibleValuesParser::new(KEY_TYPES).try_map(|name| KeyAlgorithm::from_str(&name))
}

/// `10y`, `365d`, `24h`, `30m`, `45s`. A year is 365 days.
pub(super) fn lifetime(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{}' is no length of time: write a number and y, d, h, m or s, like 365d or 24h", text.escape_debug());
    let unit = match text.chars().last() {
        Some('y') => 365 * 86_400,
        Some('d') => 86_400,
        Some('h') => 3_600,
        Some('m') => 60,
        Some('s') => 1,
        _ => return Err(wrong()),
    };
    let digits = text.get(..text.len().saturating_sub(1)).unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let seconds = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    // Certificates cannot name a year beyond 9999.
    match seconds {
        Some(0) => Err("it must be at least a second".into()),
        Some(seconds) if seconds <= 8_000 * 365 * 86_400 => Ok(Duration::from_secs(seconds)),
        _ => Err("it is longer than any certificate can be valid: at most 8000y".into()),
    }
}

/// How long to wait for others: as a lifetime, up to ten minutes.
pub(super) fn patience(text: &str) -> Result<Duration, String> {
    let wait = lifetime(text)?;
    if wait > Duration::from_secs(600) { Err("it is longer than anybody should wait: at most 10m".into()) } else { Ok(wait) }
}

pub(super) fn time(text: &str) -> Result<Timestamp, meshroot::time::InvalidTimestamp> {
    text.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_read_as_people_write_them() {
        let seconds = |text| lifetime(text).map(|read| read.as_secs()).ok();
        assert_eq!(seconds("10y"), Some(315_360_000));
        assert_eq!(seconds("365d"), Some(31_536_000));
        assert_eq!([seconds("24h"), seconds("30m"), seconds("45s")], [Some(86_400), Some(1_800), Some(45)]);
        for wrong in ["", "h", "24", "24 h", "-1h", "+1h", "1.5h", "0s", "1w", "99999999999999999999y", "9000y", "1é"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
