use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(150);

/// Pauses between failures of one identity: one second, twice as long each time, up to 150 seconds, a fifth shorter or longer.
#[derive(Debug)]
pub(super) struct Retries(Duration);

impl Default for Retries {
    fn default() -> Self {
        Self(Duration::from_secs(1))
    }
}

impl Retries {
    pub(super) fn next(&mut self) -> Duration {
        let mut random = [0];
        SystemRandom::new().fill(&mut random).unwrap();
        let pause = self.0.mul_f64(0.8 + 0.4 * f64::from(random[0]) / 255.0);
        self.0 = LONGEST.min(self.0 * 2);
        pause
    }
}
