/// How a path is judged: one engine, and these are its switches.
///
/// Our own rules are [`spiffe`](Self::spiffe), the default. To turn one, change its field:
///
/// ```
/// let mut rules = meshroot::verify::Rules::pkix();
/// rules.anchor_is_name_and_key = true;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rules {
    /// The leaf is an X.509-SVID (SPIFFE X509-SVID §3 to §5), and a CA's SPIFFE ID has no path.
    pub svid: bool,
    /// RFC 5280 §6.1.1 (d): of an anchor only name and key count, and its name constraints; not its validity, its
    /// basicConstraints, its keyUsage or its other extensions. Off: an anchor keeps the rules of any CA certificate.
    pub anchor_is_name_and_key: bool,
}

impl Rules {
    /// RFC 5280 and the rules of X.509-SVIDs, strict: what [`Validator`](super::Validator) goes by.
    pub const fn spiffe() -> Self {
        Self { svid: true, ..Self::pkix() }
    }

    /// RFC 5280 for any leaf; as strict with CAs.
    pub const fn pkix() -> Self {
        Self { svid: false, anchor_is_name_and_key: false }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::spiffe()
    }
}
