/// How close a failure came: to have reached an anchor is more than height, and height more than the stage of a link.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Closeness {
    pub(super) anchor: bool,
    pub(super) height: usize,
    pub(super) stage: Stage,
}

/// Steps in judging one link, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    NoCandidate,
    /// The issuer that is named cannot be used at all.
    UnusableCandidate,
    /// A key that the certificate does not even name.
    OtherKey,
    Signature,
    Certificate,
    Path,
    Names,
    Revocation,
    Policies,
}
