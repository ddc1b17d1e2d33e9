use std::time::Duration;

use crate::config::Discovery;

/// How long to wait after a good answer: as long as it says that it is good, within the settings' bounds.
pub(super) fn after_success(max_age: Option<Duration>, settings: &Discovery) -> Duration {
    let most = settings.max_refresh.0;
    max_age.unwrap_or(most).max(settings.min_refresh.0).min(most)
}

/// How long to wait after so many failures in a row: from two seconds on, twice as long each time, up to the shortest
/// time between good answers.
pub(super) fn after_failures(failures: u32, settings: &Discovery) -> Duration {
    let doubled = 2u64.saturating_pow(failures.clamp(1, 16));
    Duration::from_secs(doubled).min(settings.min_refresh.0.max(Duration::from_secs(2)))
}

/// Up to a tenth shorter, by a random octet: replicas do not ask all at once.
pub(super) fn jittered(pause: Duration, random: u8) -> Duration {
    pause.saturating_sub(pause.mul_f64(f64::from(random) / 2_550.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Seconds;

    fn settings() -> Discovery {
        Discovery { min_refresh: Seconds::new(60), max_refresh: Seconds::new(600), ..Discovery::default() }
    }

    #[test]
    fn a_good_answer_is_good_for_as_long_as_it_says_within_bounds() {
        let seconds = |max_age: Option<u64>| after_success(max_age.map(Duration::from_secs), &settings()).as_secs();
        assert_eq!([seconds(None), seconds(Some(0)), seconds(Some(120)), seconds(Some(86_400))], [600, 60, 120, 600]);
    }

    #[test]
    fn failures_are_tried_again_soon_and_then_less_often() {
        let pauses = [1, 2, 3, 6, 7, 1_000].map(|failures| after_failures(failures, &settings()).as_secs());
        assert_eq!(pauses, [2, 4, 8, 60, 60, 60]);
    }

    #[test]
    fn chance_makes_a_pause_shorter_by_a_tenth_at_most() {
        let pause = Duration::from_secs(100);
        assert_eq!((jittered(pause, 0).as_secs(), jittered(pause, 255).as_secs()), (100, 90));
    }
}
