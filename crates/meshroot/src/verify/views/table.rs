//! Every difference, with what it does to a path: one list, from which the switches and the words both come.

use super::{Difference, Implementation, Kind};

/// Names one switch for each difference, shared by the implementations that have it in common, and one [`Difference`]
/// for each implementation.
macro_rules! departures {
    ($($(#[$doc:meta])* $name:ident, $slug:literal, $kind:ident, $what:literal, { $($who:ident: $source:literal),+ $(,)? };)+) => {
        /// One way in which others judge otherwise than we do: a switch of [`Rules`](crate::verify::Rules).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(in crate::verify) enum Departure {
            $($(#[$doc])* $name,)+
        }

        pub(super) static DIFFERENCES: &[Difference] = &[
            $($(Difference {
                code: code!($who, $slug),
                implementation: Implementation::$who,
                kind: Kind::$kind,
                what: $what,
                source: $source,
                departure: Departure::$name,
            },)+)+
        ];
    };
}

macro_rules! code {
    (Go, $slug:literal) => {
        concat!("go.", $slug)
    };
    (BoringSsl, $slug:literal) => {
        concat!("boringssl.", $slug)
    };
    (RustlsWebpki, $slug:literal) => {
        concat!("rustls.", $slug)
    };
    (OpenSsl, $slug:literal) => {
        concat!("openssl.", $slug)
    };
}

departures! {
    // The leaf.
    SpiffeIdUnread, "spiffe_id_unread", Laxer,
        "It reads no SPIFFE IDs: a leaf with no URI, several, or one that is malformed or has no path is accepted, and so is a CA whose SPIFFE ID has a path. What the program around it demands comes on top.",
        { Go: "crypto/x509 Certificate.Verify; go-spiffe's x509svid adds the checks", BoringSsl: "X509_verify_cert; Envoy only compares names it is configured with",
          RustlsWebpki: "EndEntityCert::verify_for_usage; ztunnel takes the first URI", OpenSsl: "X509_verify_cert" };
    LeafKeyUsageOptional, "leaf_key_usage_optional", Laxer, "A leaf needs no keyUsage, and one that is there need not be critical.",
        { Go: "crypto/x509 verify.go; go-spiffe accepts it too", BoringSsl: "v3_purp.c: a missing keyUsage permits everything",
          RustlsWebpki: "cert.rs: keyUsage is not read", OpenSsl: "v3_purp.c: a missing keyUsage permits everything" };
    LeafKeyUsageUnread, "leaf_key_usage_unread", Laxer, "A leaf whose keyUsage lacks digitalSignature is accepted.",
        { Go: "crypto/x509 verify.go", RustlsWebpki: "cert.rs: keyUsage is not read" };
    LeafKeyAgreement, "leaf_key_agreement", Laxer, "keyAgreement in a leaf's keyUsage does as well as digitalSignature, and for a server keyEncipherment.",
        { OpenSsl: "v3_purp.c check_purpose_ssl_client, check_purpose_ssl_server" };
    LeafMaySign, "leaf_may_sign", Laxer, "A leaf whose keyUsage has keyCertSign or cRLSign is accepted, as long as it is no CA; name constraints in a leaf are passed over.",
        { Go: "crypto/x509 verify.go; go-spiffe refuses the two bits", BoringSsl: "v3_purp.c", RustlsWebpki: "cert.rs: keyUsage is not read", OpenSsl: "v3_purp.c, without -x509_strict" };
    LeafMayBeCa, "leaf_may_be_ca", Laxer, "A CA certificate is accepted in the place of a leaf.",
        { Go: "crypto/x509 verify.go; go-spiffe refuses it", BoringSsl: "v3_purp.c; only a keyUsage without digitalSignature ends the handshake",
          OpenSsl: "v3_purp.c; only a keyUsage without digitalSignature is refused" };
    LeafMayBeOld, "leaf_of_any_version", Laxer, "A leaf of version 1 or 2 is accepted.",
        { Go: "crypto/x509 parser.go", BoringSsl: "x509_vfy.c", OpenSsl: "x509_vfy.c" };
    OnePurpose, "one_purpose", Laxer, "extKeyUsage of a leaf must name only the role that it has in this handshake, not both.",
        { Go: "crypto/x509 verify.go ExtKeyUsage; go-spiffe asks for none", BoringSsl: "v3_purp.c ssl_client, ssl_server",
          RustlsWebpki: "verify_cert.rs KeyUsage::client_auth", OpenSsl: "v3_purp.c" };
    AnyPurposeInLeaf, "any_purpose_in_leaf", Laxer, "anyExtendedKeyUsage in a leaf stands for both roles, and an empty extKeyUsage for none at all missing.",
        { Go: "crypto/x509 verify.go" };
    SanNeedNotBeCritical, "san_need_not_be_critical", Laxer, "subjectAltName need not be critical where the subject is empty.",
        { Go: "crypto/x509 parser.go", BoringSsl: "x509_vfy.c", RustlsWebpki: "cert.rs", OpenSsl: "x509_vfy.c, without -x509_strict" };
    LeafMayBeAnchor, "leaf_may_be_anchor", Laxer, "A leaf that is itself among the trusted certificates is accepted, whoever signed it.",
        { Go: "crypto/x509 verify.go: opts.Roots.contains(c)", BoringSsl: "Envoy sets X509_V_FLAG_PARTIAL_CHAIN" };
    SelfSignedLeafMayBeAnchor, "self_signed_leaf_may_be_anchor", Laxer, "A self-signed leaf that is itself among the trusted certificates is accepted, though it is no CA.",
        { OpenSsl: "x509_vfy.c: a trusted self-signed certificate ends the chain" };
    LeafKeyRsa1024, "leaf_key_rsa1024", Laxer, "The leaf's RSA key may be shorter than 2048 bits.",
        { Go: "crypto/x509 (crypto/rsa refuses less than 1024 when signing)", BoringSsl: "ssl_privkey.cc", OpenSsl: "x509_vfy.c at security level 0; TLS at level 2 refuses it" };
    LeafKeyP521, "leaf_key_p521", Laxer, "The leaf's key may be P-521.",
        { Go: "crypto/x509 parser.go", OpenSsl: "any curve of the library, secp256k1 too" };
    LeafPointCompressed, "leaf_point_compressed", Laxer, "The point of the leaf's key may be compressed, and what is odd in the form of a key is let pass.",
        { BoringSsl: "ec_asn1.c", OpenSsl: "ec_ameth.c" };
    LeafPointOnCurve, "leaf_key_off_curve", Stricter, "A leaf whose key is no point on its curve is refused while it is read or when it signs, not found out by path validation.",
        { Go: "crypto/x509 parser.go", BoringSsl: "ssl_x509.cc", RustlsWebpki: "signed_data.rs, in the handshake", OpenSsl: "x509_vfy.c check_key_level" };
    LeafEd25519, "ed25519_leaf", Stricter, "An Ed25519 leaf cannot take part in a handshake: the algorithm is not offered. Below P-256 CAs as below others; CAs themselves may have Ed25519 keys.",
        { BoringSsl: "ssl_privkey.cc kVerifySignatureAlgorithms; P-521 likewise" };
    PathLengthInLeaf, "path_length_in_leaf", Stricter, "A leaf with a pathLenConstraint and without CA:TRUE is refused.",
        { BoringSsl: "v3_purp.c x509v3_cache_extensions" };

    // CAs.
    CaKeyUsageOptional, "ca_key_usage_optional", Laxer, "A CA needs no keyUsage.",
        { Go: "crypto/x509 verify.go", BoringSsl: "x509_vfy.c", RustlsWebpki: "cert.rs: keyUsage is not read", OpenSsl: "x509_vfy.c, without -x509_strict" };
    CaKeyUsageUnread, "ca_key_usage_unread", Laxer, "A CA whose keyUsage lacks keyCertSign may sign certificates.",
        { RustlsWebpki: "cert.rs: keyUsage is not read" };
    EmptyKeyUsage, "empty_key_usage", Laxer, "A keyUsage without any bit counts as none.",
        { Go: "crypto/x509 x509.go CheckSignatureFrom: parent.KeyUsage != 0" };
    NoIssuerName, "ca_without_a_name", Laxer, "A CA's subject may be empty.",
        { Go: "crypto/x509 parser.go", BoringSsl: "x509_vfy.c", RustlsWebpki: "cert.rs", OpenSsl: "x509_vfy.c, without -x509_strict" };
    AnyIsNoPurpose, "any_purpose_is_none", Stricter, "anyExtendedKeyUsage stands for nothing: a certificate that names it and neither serverAuth nor clientAuth is refused, CAs too.",
        { BoringSsl: "v3_purp.c xku_reject", RustlsWebpki: "verify_cert.rs ExtendedKeyUsage", OpenSsl: "v3_purp.c xku_reject" };
    CountSelfIssued, "path_length_counts_all", Stricter, "pathLenConstraint counts self-issued CA certificates too.",
        { Go: "crypto/x509 verify.go isValid: numIntermediates" };
    HugePathLength, "huge_path_length", Stricter, "A pathLenConstraint that does not fit a machine's integer is refused.",
        { Go: "crypto/x509 parser.go parseBasicConstraintsExtension", RustlsWebpki: "verify_cert.rs check_basic_constraints: one byte" };

    // Trust anchors.
    BareAnchor, "anchor_is_name_and_key", Laxer, "Of a trust anchor only name, key and name constraints count: it may have expired, be no CA, lack keyCertSign, have a shorter path length or unknown critical extensions.",
        { RustlsWebpki: "trust_anchor.rs" };
    AnchorNeedNotBeCa, "anchor_need_not_be_ca", Laxer, "A trust anchor may be no CA; its path length, its extKeyUsage and unknown critical extensions in it are passed over. Its validity and keyCertSign are not.",
        { BoringSsl: "x509_vfy.c check_chain_extensions, with X509_V_FLAG_PARTIAL_CHAIN: the last certificate is left out" };
    OldAnchor, "anchor_of_version_1", Laxer, "A trust anchor of version 1, which cannot say that it is a CA, may sign.",
        { Go: "crypto/x509 x509.go CheckSignatureFrom", OpenSsl: "v3_purp.c check_ca: V1_ROOT" };
    AnchorByKeyUsage, "anchor_without_basic_constraints", Laxer, "A self-signed trust anchor without basicConstraints may sign if its keyUsage has keyCertSign.",
        { OpenSsl: "v3_purp.c check_ca: EXFLAG_KUSAGE" };
    WholeChain, "anchor_must_be_self_signed", Stricter, "A trusted CA that is not self-signed ends no chain: its own issuers must be trusted up to a self-signed root.",
        { OpenSsl: "x509_vfy.c build_chain, without -partial_chain" };

    // Building the path.
    FirstIssuer, "first_issuer_only", Stricter, "It tries one issuer for each certificate: the first that has the name, no other key identifier and keyCertSign, trusted ones before those in the chain. Where that one leads nowhere, no other is tried.",
        { BoringSsl: "x509_vfy.c X509_verify_cert" };
    FirstValidIssuer, "first_issuer_only", Stricter, "It tries one issuer for each certificate: the first that has the name, no other key identifier and keyCertSign and is valid now, trusted ones before those in the chain. Where that one leads nowhere, no other is tried.",
        { OpenSsl: "x509_vfy.c build_chain, find_issuer" };
    KeyIdentifierBinds, "key_identifier_binds", Stricter, "An authorityKeyIdentifier that names another key, or another issuer's serial number, rules an issuer out.",
        { BoringSsl: "v3_purp.c X509_check_akid", OpenSsl: "v3_purp.c ossl_x509_check_akid" };
    ExactNames, "names_byte_by_byte", Stricter, "An issuer's name must be the subject above byte by byte: other string types, letter case or white space make it another.",
        { Go: "crypto/x509 cert_pool.go findPotentialParents", RustlsWebpki: "verify_cert.rs" };
    LongPaths, "long_paths", Laxer, "Paths of more than 16 certificates are followed.",
        { Go: "crypto/x509 verify.go", BoringSsl: "x509_vfy.c: 100 intermediates", OpenSsl: "x509_vfy.c: 100 intermediates" };
    SixIntermediates, "six_intermediates", Stricter, "At most six intermediates.",
        { RustlsWebpki: "verify_cert.rs MAX_SUB_CA_COUNT" };
    SignatureLimit, "signature_limit", Stricter, "After 100 signature checks it gives up, wrong candidates of the same name counted every time.",
        { Go: "crypto/x509 verify.go maxChainSignatureChecks", RustlsWebpki: "verify_cert.rs Budget, where every wrong candidate costs its whole path" };
    EverythingRead, "every_certificate_is_read", Stricter, "A certificate in the chain that cannot be read ends the handshake, needed or not.",
        { Go: "crypto/tls handshake_server.go", BoringSsl: "ssl_x509.cc" };

    // What is read in a certificate.
    SerialZero, "serial_number_zero", Laxer, "The serial number may be zero or longer than 20 octets.",
        { Go: "crypto/x509 parser.go", BoringSsl: "x_x509.c", RustlsWebpki: "cert.rs", OpenSsl: "x_x509.c" };
    SerialNegative, "serial_number_negative", Laxer, "The serial number may be negative.",
        { BoringSsl: "x_x509.c", RustlsWebpki: "cert.rs", OpenSsl: "x_x509.c" };
    OldExtensionsUnread, "extensions_of_old_versions_unread", Laxer, "Extensions in a certificate of version 1 or 2 are passed over, as if they were not there.",
        { Go: "crypto/x509 parser.go parseCertificate: Version > 1" };
    OldExtensionsRead, "extensions_in_any_version", Laxer, "Extensions count in certificates of version 1 and 2 as well.",
        { OpenSsl: "x509_vfy.c, without -x509_strict" };
    DistributionPoints, "crl_distribution_points_may_be_critical", Laxer, "A critical cRLDistributionPoints is understood, or passed over.",
        { Go: "crypto/x509 parser.go", RustlsWebpki: "cert.rs", OpenSsl: "v3_purp.c X509_supported_extension" };
    Policies, "certificate_policies", Laxer, "Critical certificate policies, mappings and inhibitAnyPolicy are processed; they refuse nothing as long as no policy is demanded.",
        { Go: "crypto/x509 verify.go policiesValid, from 1.24", BoringSsl: "policy.cc", OpenSsl: "pcy_tree.c, only with -policy_check" };
    PoliciesUnchecked, "policies_are_not_checked", Laxer, "policyConstraints that demand a policy are passed over unless asked for.",
        { OpenSsl: "x509_vfy.c: X509_V_FLAG_POLICY_CHECK" };
    UnreadTwice, "unknown_extension_twice", Laxer, "An extension that it does not know may be there twice.",
        { BoringSsl: "v3_purp.c", RustlsWebpki: "x509.rs remember_extension", OpenSsl: "v3_purp.c" };
    KeyIdentifierTwice, "key_identifier_twice", Laxer, "subjectKeyIdentifier may be there twice: it is not read.",
        { RustlsWebpki: "cert.rs" };
    Defaults, "spelled_out_defaults", Laxer, "CA:FALSE may be spelled out, and a keyUsage may have trailing zero bits: neither is DER.",
        { Go: "crypto/x509 parser.go", BoringSsl: "tasn_dec.c", RustlsWebpki: "verify_cert.rs; keyUsage is not read", OpenSsl: "tasn_dec.c" };
    KeyIdentifiersRead, "key_identifiers_must_be_readable", Stricter, "A subjectKeyIdentifier or authorityKeyIdentifier that cannot be read is refused.",
        { Go: "crypto/x509 parser.go", BoringSsl: "v3_purp.c", OpenSsl: "v3_purp.c" };
    UniqueIds, "unique_ids", Stricter, "Certificates with issuerUniqueID or subjectUniqueID are refused.",
        { RustlsWebpki: "cert.rs: TrailingData(CertificateExtensions)" };
    SubjectText, "subject_must_be_text", Stricter, "A subject with a UTF8String that is no UTF-8 is refused.",
        { Go: "crypto/x509 parser.go parseASN1String", BoringSsl: "a_strex.c, x_name.c", OpenSsl: "x_name.c" };
    SubjectPrintable, "subject_printable_letters", Stricter, "A subject with a PrintableString of letters outside that set (@, *, & and _ are examples) is refused.",
        { Go: "crypto/x509 parser.go isPrintable, which lets * and & pass" };
    SubjectEmptyRdn, "subject_empty_rdn", Stricter, "A subject with an empty RDN is refused.",
        { BoringSsl: "x_name.c" };
    TrustDomainLabels, "trust_domain_labels", Stricter, "A certificate whose URI has a host with an empty label, a dot at its beginning or its end (as a trust domain may), or that Go's url package cannot parse, cannot be read at all. CAs too.",
        { Go: "crypto/x509 parser.go parseSANExtension: domainNameValid" };
    IpOctets, "ip_name_length", Stricter, "A subjectAltName with an IP address that has neither 4 nor 16 octets is refused.",
        { Go: "crypto/x509 parser.go parseSANExtension" };
    LastSecond, "last_second", Stricter, "A certificate has expired in the very second of its notAfter.",
        { OpenSsl: "x509_vfy.c X509_cmp_time" };
    Before1970, "before_1970", Stricter, "A certificate whose notBefore lies before 1970 is refused.",
        { RustlsWebpki: "der.rs UnixTime" };

    // Name constraints.
    DnsDot, "dns_constraint_with_dot", Laxer, "A DNS name constraint with a leading dot permits what is below the name.",
        { Go: "crypto/x509 constraints.go", BoringSsl: "v3_ncons.c", RustlsWebpki: "subject_name/dns_name.rs", OpenSsl: "v3_ncons.c" };
    DnsWildcard, "dns_wildcard_under_exclusion", Laxer, "A wildcard DNS name is not excluded by a constraint on a host that it covers.",
        { OpenSsl: "v3_ncons.c nc_dns" };
    UriSubDomains, "uri_constraint_covers_sub_domains", Other, "A URI name constraint with a host covers sub-domains too, permitted and excluded; an empty one covers every URI.",
        { Go: "crypto/x509 constraints.go" };
    UriIpHosts, "uri_constraint_on_ip_address", Laxer, "A trust domain that looks like an IPv4 address is compared with URI constraints like any host.",
        { OpenSsl: "v3_ncons.c nc_uri" };
    UriIpConstraint, "uri_constraint_is_ip_address", Stricter, "A URI name constraint that is an IP address makes the CA's certificate unreadable.",
        { Go: "crypto/x509 parser.go parseNameConstraintsExtension" };
    UriUnderscore, "uri_host_with_underscore", Stricter, "A trust domain with an underscore cannot be judged by URI name constraints, and is refused under any.",
        { BoringSsl: "v3_ncons.c: name syntax" };
    NoUriConstraints, "uri_constraints_unsupported", Stricter, "Any URI name constraint, permitted or excluded, refuses every leaf that has a URI: every SPIFFE ID.",
        { RustlsWebpki: "subject_name/mod.rs: Err(NameConstraintViolation)" };
    NoEmailConstraints, "email_constraints_unsupported", Stricter, "Any e-mail name constraint refuses a leaf with an e-mail address.",
        { RustlsWebpki: "subject_name/mod.rs" };
    NoDirectoryConstraints, "directory_constraints_unsupported", Stricter, "A name constraint on directory names refuses everything, even a leaf with an empty subject.",
        { RustlsWebpki: "subject_name/mod.rs" };
    KnownConstraintsOnly, "unknown_constraint_kinds", Stricter, "Critical name constraints on anything but DNS names, IP addresses, e-mail addresses and URIs are refused, directory names among them.",
        { Go: "crypto/x509 parser.go: unhandled" };
    NoIpConstraints, "ip_constraints_unsupported", Stricter, "A name constraint on IP addresses refuses a leaf with an IP address.",
        { BoringSsl: "v3_ncons.c nc_match_single" };
    CommonNameConstrained, "common_name_under_dns_constraints", Stricter, "A common name that looks like a host is held against DNS name constraints where the leaf has no DNS name.",
        { OpenSsl: "v3_ncons.c NAME_CONSTRAINTS_check_CN" };
    NoSanUnderConstraints, "no_san_under_constraints", Stricter, "Below any name constraint a leaf without subjectAltName whose common name looks like a host is refused.",
        { BoringSsl: "x509_vfy.c check_name_constraints" };

    // Revocation.
    NoRevocation, "crls_unread", Laxer, "CRLs are not looked at.",
        { Go: "crypto/x509; go-spiffe and istiod hand it none" };
    CrlMissingIsFine, "crl_may_be_missing", Laxer, "A certificate whose issuer has no CRL in the list is accepted; without this, which ztunnel asks for, rustls refuses it.",
        { RustlsWebpki: "UnknownStatusPolicy::Allow, as ztunnel configures it" };
    CrlMayBeOld, "crl_may_be_out_of_date", Laxer, "A CRL counts at any time, expired or not yet valid.",
        { RustlsWebpki: "ExpirationPolicy::Ignore, the default" };
    CrlForm, "crl_form", Laxer, "CRLs need no cRLNumber, and one without nextUpdate never goes out of date.",
        { BoringSsl: "x509_vfy.c check_crl_time", OpenSsl: "x509_vfy.c check_crl_time" };
    CrlNumber, "crl_number", Laxer, "CRLs need no cRLNumber; nextUpdate must be there all the same.",
        { RustlsWebpki: "crl/types.rs" };
    CrlBest, "one_crl_of_several", Laxer, "Of several CRLs of one CA only the best counts: one that is current, the newest of those. A revocation that another of them knows is lost.",
        { BoringSsl: "x509_vfy.c get_crl_sk", OpenSsl: "x509_vfy.c get_crl_sk" };
    CrlFirst, "first_crl_of_several", Laxer, "Of several CRLs of one CA only the first in the list counts.",
        { RustlsWebpki: "crl/mod.rs RevocationOptions::check" };
    CrlByName, "crl_by_name_alone", Stricter, "A CRL belongs to whoever has its issuer's name: that of a namesake with another key is taken for the CA's own, and its signature is wrong.",
        { RustlsWebpki: "crl/types.rs authoritative" };
    CrlScopes, "crl_scopes_unsupported", Stricter, "CRLs with a scope (issuingDistributionPoint) that names no distribution point cannot be read: no connection at all.",
        { RustlsWebpki: "crl/types.rs UnsupportedCrlIssuingDistributionPoint" };
    CrlExtended, "crl_kinds", Other, "Delta and indirect CRLs, and entries that take a certificate off the list, are processed: what follows from one we cannot say.",
        { OpenSsl: "x509_vfy.c get_crl_delta, crl_revoked; with -extended_crl more" };
    AnchorSignsCrls, "anchor_signs_crls_without_crl_sign", Laxer, "A trust anchor without cRLSign may sign CRLs. What such a CRL holds we do not say.",
        { RustlsWebpki: "trust_anchor.rs: an anchor has no keyUsage" };

    // Beyond what we can read or compute.
    MoreEncodings, "more_encodings", Laxer, "It reads certificates and extensions that are no DER, or hold times and forms that we refuse to read: where our reader stops, it may go on.",
        { Go: "crypto/x509 parser.go: times without seconds, version 1 spelled out, empty extensions, bytes after an extension's value",
          BoringSsl: "tasn_dec.c: BER BOOLEANs, version 1 spelled out, empty extensions, text that is not ASCII",
          RustlsWebpki: "cert.rs: serial numbers of any form, extensions that it does not need",
          OpenSsl: "tasn_dec.c: BER, bytes after a value and after the certificate" };
    MoreAlgorithms, "more_algorithms", Laxer, "It knows signature algorithms that we do not: RSA-PSS, and RSA without parameters.",
        { Go: "crypto/x509 x509.go: P-521, any hash with any curve, ECDSA with parameters",
          BoringSsl: "algorithm.cc: P-521, any hash with any curve, RSA of 1024 bits, SHA-1",
          RustlsWebpki: "ring_algs.rs", OpenSsl: "P-521, RSA of 1024 bits, and SHA-1 below security level 1" };
}
