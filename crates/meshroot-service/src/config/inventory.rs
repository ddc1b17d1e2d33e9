use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use super::Seconds;

/// What is remembered of certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inventory {
    /// How long a certificate stays on record after it expired; a day at least.
    #[serde(deserialize_with = "a_day_at_least")]
    pub retention: Seconds,
}

impl Default for Inventory {
    fn default() -> Self {
        Self { retention: Seconds::new(90 * 86_400) }
    }
}

/// For that long serial numbers are remembered, and clients may ask again with an idempotency key.
fn a_day_at_least<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Seconds, D::Error> {
    let retention = Seconds::deserialize(deserializer)?;
    if retention.0 < Duration::from_secs(86_400) {
        return Err(de::Error::custom("certificates stay on record for a day at least after they expired: \"1d\""));
    }
    Ok(retention)
}
