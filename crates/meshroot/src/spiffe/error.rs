use core::fmt;

/// Why a text is no SPIFFE ID, trust domain or path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpiffeIdError {
    pub(super) kind: SpiffeIdErrorKind,
    pub(super) offset: usize,
}

/// The rule that a text breaks (SPIFFE-ID §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpiffeIdErrorKind {
    /// There is no text at all.
    Empty,
    /// It does not start with `spiffe://` (§2).
    WrongScheme,
    /// The trust domain is empty (§2.1).
    MissingTrustDomain,
    /// A byte of the trust domain is not one of `a-z 0-9 . - _` (§2.1).
    BadTrustDomainByte,
    /// The trust domain is longer than 255 bytes (§2.3).
    TrustDomainTooLong,
    /// The path, or what is to be appended, does not start with `/`.
    NoLeadingSlash,
    /// The path ends in `/` (§2.2).
    TrailingSlash,
    /// Two slashes with nothing between them (§2.2).
    EmptySegment,
    /// A segment is `.` or `..` (§2.2).
    DotSegment,
    /// A byte of the path is not one of `a-z A-Z 0-9 . - _` (§2.2).
    BadPathByte,
    /// The whole is longer than 2048 bytes (§2.3).
    TooLong,
}

impl SpiffeIdError {
    pub(super) const fn new(kind: SpiffeIdErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    pub(super) const fn shifted(self, by: usize) -> Self {
        Self { kind: self.kind, offset: self.offset.saturating_add(by) }
    }

    /// The rule that is broken.
    pub const fn kind(&self) -> SpiffeIdErrorKind {
        self.kind
    }

    /// Where in the text, in bytes from its start.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// A stable, machine-readable code.
    pub const fn code(&self) -> &'static str {
        match self.kind {
            SpiffeIdErrorKind::Empty => "spiffe.empty",
            SpiffeIdErrorKind::WrongScheme => "spiffe.wrong_scheme",
            SpiffeIdErrorKind::MissingTrustDomain => "spiffe.missing_trust_domain",
            SpiffeIdErrorKind::BadTrustDomainByte => "spiffe.bad_trust_domain_byte",
            SpiffeIdErrorKind::TrustDomainTooLong => "spiffe.trust_domain_too_long",
            SpiffeIdErrorKind::NoLeadingSlash => "spiffe.no_leading_slash",
            SpiffeIdErrorKind::TrailingSlash => "spiffe.trailing_slash",
            SpiffeIdErrorKind::EmptySegment => "spiffe.empty_segment",
            SpiffeIdErrorKind::DotSegment => "spiffe.dot_segment",
            SpiffeIdErrorKind::BadPathByte => "spiffe.bad_path_byte",
            SpiffeIdErrorKind::TooLong => "spiffe.too_long",
        }
    }
}

impl fmt::Display for SpiffeIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.offset;
        match self.kind {
            SpiffeIdErrorKind::Empty => f.write_str("it is empty: write spiffe://TRUST-DOMAIN/PATH"),
            SpiffeIdErrorKind::WrongScheme => f.write_str("it does not start with 'spiffe://' (in lower case)"),
            SpiffeIdErrorKind::MissingTrustDomain => f.write_str("the trust domain is missing after 'spiffe://'"),
            SpiffeIdErrorKind::BadTrustDomainByte => {
                write!(
                    f,
                    "byte {at} does not belong in a trust domain: use lower case letters, digits, '.', '-' and '_' (no port, no user, no upper case)"
                )
            }
            SpiffeIdErrorKind::TrustDomainTooLong => f.write_str("the trust domain is longer than 255 bytes"),
            SpiffeIdErrorKind::NoLeadingSlash => f.write_str("the path must start with '/'"),
            SpiffeIdErrorKind::TrailingSlash => write!(f, "it ends in '/' (byte {at}): leave the slash out"),
            SpiffeIdErrorKind::EmptySegment => write!(f, "byte {at}: a path segment is empty ('//')"),
            SpiffeIdErrorKind::DotSegment => write!(f, "byte {at}: a path segment is '.' or '..', which SPIFFE does not allow"),
            SpiffeIdErrorKind::BadPathByte => {
                write!(f, "byte {at} does not belong in a path: use letters, digits, '.', '-' and '_' (no percent-encoding, query or fragment)")
            }
            SpiffeIdErrorKind::TooLong => f.write_str("it is longer than 2048 bytes"),
        }
    }
}

impl std::error::Error for SpiffeIdError {}
