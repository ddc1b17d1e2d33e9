/// Who accepts what the other refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// We refuse, they accept.
    Stricter,
    /// We accept, they refuse.
    Laxer,
}

/// A disagreement that is allowed, for one reason that is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub code: &'static str,
    /// Which way.
    pub direction: Direction,
    /// Why it is right that we differ.
    pub why: &'static str,
    /// Where that is written.
    pub source: &'static str,
}

impl Difference {
    pub(super) const fn stricter(code: &'static str, why: &'static str, source: &'static str) -> Self {
        Self { code, direction: Direction::Stricter, why, source }
    }

    pub(super) const fn laxer(code: &'static str, why: &'static str, source: &'static str) -> Self {
        Self { code, direction: Direction::Laxer, why, source }
    }
}
