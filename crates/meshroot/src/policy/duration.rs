//! Durations as people write them.

use std::time::Duration;

/// Longer than any certificate lives, and far from overflowing.
const MAX_SECONDS: u64 = 100 * 365 * 86_400;

/// `30s`, `15m`, `24h`, `90d`, or several units from long to short: `1h30m`. A number alone says nothing.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let (mut rest, mut seconds, mut above) = (text, 0u64, u64::MAX);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = rest.split_at_checked(digits)?;
        let unit = match behind.chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        if unit >= above {
            return None;
        }
        above = unit;
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = behind.get(1..)?;
    }
    (!text.is_empty() && seconds <= MAX_SECONDS).then(|| Duration::from_secs(seconds))
}

/// Exactly, in the form that [`parse`] reads.
pub(super) fn write(duration: Duration) -> String {
    let mut seconds = duration.as_secs();
    let mut text = String::new();
    for (unit, name) in [(86_400, 'd'), (3_600, 'h'), (60, 'm'), (1, 's')] {
        let count = seconds.checked_div(unit).unwrap_or(0);
        // Two days are 48h to whoever wrote 48h; certificates are spoken of in hours up to there.
        if count == 0 || (unit == 86_400 && seconds < 4 * 86_400 && seconds.checked_rem(86_400) != Some(0)) {
            continue;
        }
        text.push_str(&format!("{count}{name}"));
        seconds = seconds.saturating_sub(count.saturating_mul(unit));
    }
    if text.is_empty() { "0s".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let seconds = |text| parse(text).map(|duration| duration.as_secs());
        assert_eq!(seconds("24h"), Some(86_400));
        assert_eq!(seconds("1d12h"), Some(129_600));
        assert_eq!(seconds("1h30m5s"), Some(5_405));
        for bad in ["", "24", "h", "24 h", "-1h", "1.5h", "1m1h", "1h1h", "1w", "1y", "999999999999999999999s", "36501d", "1hé", "+1h"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seconds in 0..=MAX_SECONDS) {
            let duration = Duration::from_secs(seconds);
            prop_assert_eq!(parse(&write(duration)), Some(duration));
        }

        #[test]
        fn any_text_is_read_or_not(text in ".{0,20}") {
            let _ = parse(&text);
        }
    }
}
