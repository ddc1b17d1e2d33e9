use core::fmt;

use serde::{Deserialize, Deserializer, de};

/// How often something may be done, in settings: `"50/s burst 2000"`, or `"none"` for as often as one likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In the long run, a second; zero for as often as one likes.
    pub per_second: u32,
    /// At once, after a pause.
    pub burst: u32,
}

impl Rate {
    fn parse(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(Self { per_second: 0, burst: 0 });
        }
        let (per_second, burst) = text.split_once("/s burst ")?;
        let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number > 0 && text.bytes().all(|octet| octet.is_ascii_digit()));
        Some(Self { per_second: number(per_second)?, burst: number(burst)? })
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Rate;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rate like \"50/s burst 2000\", or \"none\" for no limit")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Rate, E> {
                Rate::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_a_number_a_second_and_a_burst() {
        assert_eq!(Rate::parse("50/s burst 2000"), Some(Rate { per_second: 50, burst: 2_000 }));
        assert_eq!(Rate::parse("none"), Some(Rate { per_second: 0, burst: 0 }));
        for bad in ["", "50", "50/s", "0/s burst 1", "1/s burst 0", "+1/s burst 1", "1/m burst 1", "1/s burst 99999999999"] {
            assert_eq!(Rate::parse(bad), None, "{bad}");
        }
    }
}
