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
    /// A CA below the anchor must have a keyUsage. Off: one that is there must have keyCertSign (RFC 5280 §6.1.4 (n)).
    pub ca_needs_key_usage: bool,
    /// A leaf may be a CA, or have keyCertSign in its keyUsage.
    pub leaf_may_be_ca: bool,
    /// A leaf may be of version 1 or 2.
    pub leaf_may_be_v1: bool,
    /// Serial numbers may be zero, negative, or longer than 20 octets.
    pub any_serial_number: bool,
    /// Names are the same when RFC 5280 §7.1 says so: letter case, white space and string types make no difference.
    /// Off: when their bytes are the same.
    pub fold_names: bool,
    /// Certificate policies are processed (RFC 5280 §6.1). Off: a critical extension about them is one that is not understood.
    pub process_policies: bool,
    /// Whoever signs must have a subjectKeyIdentifier, and whatever is not self-issued an authorityKeyIdentifier; one that is
    /// there holds a key identifier and nothing else (RFC 5280 §4.2.1.1, §4.2.1.2: what CAs are told to write).
    pub demand_key_identifiers: bool,
    /// basicConstraints, nameConstraints, policyConstraints and inhibitAnyPolicy must be critical (RFC 5280 §4.2.1.9 to
    /// §4.2.1.11, §4.2.1.14: what CAs are told to write), and a subjectAltName must not be beside a subject (§4.2.1.6). Off:
    /// they count all the same.
    pub demand_criticality: bool,
}

impl Rules {
    /// RFC 5280 and the rules of X.509-SVIDs, strict: what [`Validator`](super::Validator) goes by.
    pub const fn spiffe() -> Self {
        Self { svid: true, ca_needs_key_usage: true, ..Self::pkix() }
    }

    /// RFC 5280 for any leaf, TLS servers' too. As strict as [`spiffe`](Self::spiffe) with CAs and anchors, but for a
    /// missing keyUsage.
    pub const fn pkix() -> Self {
        Self {
            svid: false,
            anchor_is_name_and_key: false,
            ca_needs_key_usage: false,
            leaf_may_be_ca: false,
            leaf_may_be_v1: false,
            any_serial_number: false,
            fold_names: true,
            process_policies: true,
            demand_key_identifiers: false,
            demand_criticality: false,
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::spiffe()
    }
}
