//! What others demand of what is presented, before any path is looked for.

use crate::key::{Crypto, KeyAlgorithm, KeyError, PublicKey};
use crate::verify::{Reason, Rejection, Rules};
use crate::x509::Certificate;
use crate::x509::wire::{CertRef, TbsRef};

use super::reading;
use super::table::Departure as D;

/// Takes away what is not read in a certificate of this version.
pub(in crate::verify) fn forget_unread(tbs: &mut TbsRef<'_>, rules: &Rules) {
    if tbs.version != 2 && rules.departures.has(D::OldExtensionsUnread) {
        tbs.extensions.clear();
    }
}

/// Whether a leaf with this key can be read, and take part in a handshake.
pub(in crate::verify) fn check_leaf_key(spki: &[u8], rules: &Rules, crypto: &Crypto) -> Result<(), Reason> {
    /// secp521r1, as the error names it.
    const P521: &str = "elliptic curve 1.3.132.0.35";
    let d = rules.departures;
    match PublicKey::from_spki_der(spki) {
        Ok(key) if key.algorithm() == KeyAlgorithm::Ed25519 && d.has(D::LeafEd25519) => {
            Err(Reason::TheirRule("an Ed25519 key, whose signature no handshake offers"))
        }
        Ok(key) if d.has(D::LeafPointOnCurve) => crypto.check_public_key(&key).map_err(Reason::Key),
        Ok(_) => Ok(()),
        Err(KeyError::RsaSize { bits: 1024..2048 }) if d.has(D::LeafKeyRsa1024) => Ok(()),
        Err(KeyError::UnsupportedAlgorithm(curve)) if d.has(D::LeafKeyP521) && curve == P521 => Ok(()),
        Err(KeyError::PointEncoding { .. }) if d.has(D::LeafPointCompressed) => Ok(()),
        Err(e) => Err(Reason::Key(e)),
    }
}

/// Whether a chain with these certificates is read at all.
pub(in crate::verify) fn check_chain(intermediates: &[impl AsRef<[u8]>], rules: &Rules) -> Result<(), Rejection> {
    if !rules.departures.has(D::EverythingRead) {
        return Ok(());
    }
    for der in intermediates {
        let mut parsed = CertRef::parse(der.as_ref()).map_err(|e| Rejection::whole(Reason::from(e)))?;
        forget_unread(&mut parsed.tbs, rules);
        reading::check(&parsed.tbs, rules.departures).map_err(Rejection::whole)?;
    }
    Ok(())
}

/// Whether the leaf is trusted for itself.
pub(in crate::verify) fn leaf_is_anchor(tbs: &TbsRef<'_>, leaf: &[u8], anchors: &[Certificate], rules: &Rules) -> bool {
    let d = rules.departures;
    let may_be = d.has(D::LeafMayBeAnchor) || d.has(D::SelfSignedLeafMayBeAnchor) && tbs.self_issued();
    may_be && anchors.iter().any(|anchor| anchor.der() == leaf)
}
