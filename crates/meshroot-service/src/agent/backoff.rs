use std::time::Duration;

use meshroot::key::Crypto;

/// How long to wait after a failure: a second at first, twice as long each time, a minute at most; spread over the upper
/// half, so that those who failed together do not come back together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

const LONGEST: Duration = Duration::from_secs(60);

impl Backoff {
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    pub(super) fn next(&mut self, crypto: &Crypto) -> Duration {
        let whole = Duration::from_secs(1u64.checked_shl(self.failures.min(6)).unwrap_or(64)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let mut random = [0u8; 1];
        // Without randomness there is no spread, and that is no reason not to wait.
        let _ = crypto.entropy().fill(&mut random);
        let half = whole.checked_div(2).unwrap_or_default();
        half.saturating_add(half.mul_f64(f64::from(random[0]) / 255.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_to_a_minute_and_starts_again_after_a_success() {
        let crypto = Crypto::ring();
        let mut backoff = Backoff::default();
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            let pause = backoff.next(&crypto);
            assert!(pause <= Duration::from_secs(seconds) && pause * 2 >= Duration::from_secs(seconds), "{seconds}: {pause:?}");
        }
        backoff.reset();
        assert!(backoff.next(&crypto) <= Duration::from_secs(1));
    }
}
