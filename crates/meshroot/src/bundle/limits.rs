/// How much of a document is read before it is refused: what untrusted input may cost.
///
/// ```
/// use meshroot::bundle::Limits;
/// let small = Limits { max_bytes: 64 * 1024, ..Limits::default() };
/// assert_eq!(small.max_keys, 1000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole document. Memory stays within a small multiple of it.
    pub max_bytes: usize,
    /// Entries in one bundle's `keys`, usable or not.
    pub max_keys: usize,
    /// Trust domains in a bundle map.
    pub max_trust_domains: usize,
}

/// 4 MiB, 1000 keys, 10,000 trust domains.
impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 4 * 1024 * 1024, max_keys: 1000, max_trust_domains: 10_000 }
    }
}
