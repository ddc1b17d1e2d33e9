use std::collections::BTreeMap;

use super::memo::may_sign_crls;
use super::wire::ENUMERATED;
use super::wire::identifiers::{CRL_NUMBER, INVALIDITY_DATE, REASON_CODE};
use super::{Crl, CrlIssueError, CrlNumber, LintedCrl, RevocationReason, RevokedEntry};
use crate::key::{Crypto, KeyId, SignatureAlgorithm, Signer};
use crate::lint::Linted;
use crate::time::Timestamp;
use crate::x509::encode::{
    GENERALIZED_TIME, INTEGER, OCTET_STRING, OID, SEQUENCE, bytes, element, explicit, generalized_time, implicit, positive_integer, time,
};
use crate::x509::extension::AUTHORITY_KEY_IDENTIFIER;
use crate::x509::{Certificate, SerialNumber};

/// What a CRL is to say, before it is linted and signed: a complete one of version 2, for all certificates of one CA.
///
/// ```
/// # use meshroot::hierarchy::create_root;
/// # use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
/// # use meshroot::profile::Profile;
/// # use meshroot::revocation::{CrlNumber, RevocationList, RevocationReason};
/// # use meshroot::spiffe::TrustDomain;
/// # use meshroot::time::Timestamp;
/// # use meshroot::x509::SerialNumber;
/// # use std::time::Duration;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (crypto, now) = (Crypto::ring(), Timestamp::from_unix(1_796_083_200));
/// # let signer = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto)?.signer(&crypto)?;
/// # let path = create_root(&TrustDomain::parse("mesh.example")?, &Profile::root_ca(), &*signer, &crypto, now)?;
/// # let root = path.signing().ok_or("no root")?;
/// let lost = SerialNumber::from_hex("6e50bee8").ok_or("no serial number")?;
/// let crl = RevocationList::new(CrlNumber::from(1), now, now.plus(Duration::from_secs(7 * 86_400)))
///     .revoke(lost.clone(), now, Some(RevocationReason::KeyCompromise))
///     .sign(root, &*signer, &crypto)?;
/// assert!(crl.get(&lost).is_some());
/// assert!(crl.to_pem().starts_with("-----BEGIN X509 CRL-----"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RevocationList {
    number: CrlNumber,
    this_update: Timestamp,
    next_update: Timestamp,
    revoked: BTreeMap<SerialNumber, RevokedEntry>,
}

impl RevocationList {
    /// Nothing is revoked. The number must be larger than that of every CRL of this CA before.
    ///
    /// Once `next_update` has come, Envoy refuses every certificate of this CA: leave time between making the next CRL
    /// and having it everywhere.
    pub fn new(number: CrlNumber, this_update: Timestamp, next_update: Timestamp) -> Self {
        Self { number, this_update, next_update, revoked: BTreeMap::new() }
    }

    /// All that `previous` revokes, and the number after its own; None if it has none, or there is none after it.
    pub fn after(previous: &Crl, this_update: Timestamp, next_update: Timestamp) -> Option<Self> {
        let number = previous.number()?.next()?;
        let list = Self::new(number, this_update, next_update);
        Some(previous.entries().fold(list, Self::with))
    }

    /// Revokes a certificate since `at`. Of two revocations of one certificate the earlier stays, with its reason.
    #[must_use]
    pub fn revoke(self, serial: SerialNumber, at: Timestamp, reason: Option<RevocationReason>) -> Self {
        self.with(RevokedEntry { serial, at, reason, invalid_since: None })
    }

    /// Revokes the certificate of this entry.
    #[must_use]
    pub fn with(mut self, entry: RevokedEntry) -> Self {
        match self.revoked.get(&entry.serial) {
            Some(known) if known.at <= entry.at => {}
            _ => _ = self.revoked.insert(entry.serial.clone(), entry),
        }
        self
    }

    /// How many certificates are revoked.
    pub fn len(&self) -> usize {
        self.revoked.len()
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.revoked.is_empty()
    }

    /// Lints and signs it with a signer at hand, and verifies the result.
    ///
    /// # Errors
    /// Every variant of [`CrlIssueError`]; no CRL has left then.
    pub fn sign(&self, issuer: &Certificate, signer: &dyn Signer, crypto: &Crypto) -> Result<Crl, CrlIssueError> {
        if issuer.public_key() != signer.public_key() {
            return Err(CrlIssueError::SignerMismatch(issuer.subject().to_string()));
        }
        let linted = self.prepare(issuer, signer.algorithm(), crypto)?;
        let signature = signer.sign(linted.message())?;
        linted.complete(&signature)
    }

    /// The first of two steps: everything but the signature, for signers that are elsewhere.
    ///
    /// # Errors
    /// [`CrlIssueError::NotACa`], [`CrlIssueError::NoCrlSign`], [`CrlIssueError::Lint`].
    pub fn prepare(&self, issuer: &Certificate, algorithm: SignatureAlgorithm, crypto: &Crypto) -> Result<LintedCrl, CrlIssueError> {
        if !issuer.is_ca() {
            return Err(CrlIssueError::NotACa(issuer.subject().to_string()));
        }
        if !may_sign_crls(issuer) {
            return Err(CrlIssueError::NoCrlSign(issuer.subject().to_string()));
        }
        let key_id = issuer.subject_key_id().cloned().unwrap_or_else(|| issuer.public_key().key_id(crypto));
        let linted = Linted::crl(self.encode(issuer, algorithm, &key_id)).map_err(CrlIssueError::Lint)?;
        Ok(LintedCrl::new(linted, algorithm, issuer.clone(), crypto.clone()))
    }

    /// TBSCertList (RFC 5280 §5.1.2).
    fn encode(&self, issuer: &Certificate, algorithm: SignatureAlgorithm, key_id: &KeyId) -> Vec<u8> {
        // An entry with a serial of 20 octets and a reason has 49.
        let mut out = Vec::with_capacity(self.revoked.len().saturating_mul(52).saturating_add(256));
        element(&mut out, SEQUENCE, |out| {
            bytes(out, INTEGER, &[1]);
            out.extend_from_slice(algorithm.identifier_der());
            out.extend_from_slice(issuer.subject().as_der());
            time(out, self.this_update);
            time(out, self.next_update);
            // An empty list must be absent (§5.1.2.6).
            if !self.revoked.is_empty() {
                element(out, SEQUENCE, |out| self.revoked.values().for_each(|entry| encode_entry(out, entry)));
            }
            element(out, explicit(0), |out| {
                element(out, SEQUENCE, |out| {
                    extension(out, AUTHORITY_KEY_IDENTIFIER.as_bytes(), |out| {
                        element(out, SEQUENCE, |out| bytes(out, implicit(0), key_id.as_bytes()));
                    });
                    extension(out, CRL_NUMBER.as_bytes(), |out| positive_integer(out, self.number.as_bytes()));
                });
            });
        });
        out
    }
}

fn encode_entry(out: &mut Vec<u8>, entry: &RevokedEntry) {
    // To say "unspecified" is to say nothing, and should be said so (§5.3.1).
    let reason = entry.reason.filter(|reason| *reason != RevocationReason::Unspecified);
    element(out, SEQUENCE, |out| {
        positive_integer(out, entry.serial.as_bytes());
        time(out, entry.at);
        if reason.is_none() && entry.invalid_since.is_none() {
            return;
        }
        element(out, SEQUENCE, |out| {
            if let Some(reason) = reason {
                extension(out, REASON_CODE.as_bytes(), |out| bytes(out, ENUMERATED, &[reason.number()]));
            }
            if let Some(since) = entry.invalid_since {
                extension(out, INVALIDITY_DATE.as_bytes(), |out| element(out, GENERALIZED_TIME, |out| generalized_time(out, since)));
            }
        });
    });
}

/// An extension that is not critical, as all are that we write.
fn extension(out: &mut Vec<u8>, oid: &[u8], value: impl FnOnce(&mut Vec<u8>)) {
    element(out, SEQUENCE, |out| {
        bytes(out, OID, oid);
        element(out, OCTET_STRING, value);
    });
}
