//! A set of differences: what a [`Rules`] value carries.

use super::table::{DIFFERENCES, Departure};
use super::{Difference, Implementation};

/// A set of [`Departure`]s. The empty one is us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::verify) struct Departures(u128);

impl FromIterator<&'static Difference> for Departures {
    fn from_iter<I: IntoIterator<Item = &'static Difference>>(differences: I) -> Self {
        differences.into_iter().fold(Self::NONE, |set, difference| set.with(difference.departure))
    }
}

impl Departures {
    /// None: our own rules.
    pub(in crate::verify) const NONE: Self = Self(0);

    /// All that this implementation does otherwise.
    pub(in crate::verify) fn of(implementation: Implementation) -> Self {
        DIFFERENCES.iter().filter(|difference| difference.implementation == implementation).collect()
    }

    pub(in crate::verify) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(in crate::verify) const fn has(self, departure: Departure) -> bool {
        self.0 & (1 << departure as u32) != 0
    }

    const fn with(self, departure: Departure) -> Self {
        Self(self.0 | 1 << departure as u32)
    }

    /// This implementation's differences that are in the set.
    pub(super) fn differences(self, implementation: Implementation) -> impl Iterator<Item = &'static Difference> {
        DIFFERENCES.iter().filter(move |difference| difference.implementation == implementation && self.has(difference.departure))
    }
}
