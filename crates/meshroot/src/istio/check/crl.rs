use super::Finding;
use super::path::Link;
use crate::istio::files::CA_CRL;
use crate::key::{Crypto, SignatureAlgorithm};
use crate::pem;
use crate::time::Timestamp;
use crate::x509::encode::{BIT_STRING, GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME, explicit};
use crate::x509::reader::{DerReader, Element};
use crate::x509::wire::{read_extensions, read_time};
use crate::x509::{Certificate, KeyUsage, extension as ext, signature_algorithm};

const REMEDY: &str = "put a current CRL of every CA into the file, of the root and of the other clusters' CAs too, or leave the file out";

/// CRLs under one name that are verified for one CA: a few while it is renewed, or else work for nothing.
const MAX_NAMESAKES: usize = 16;

/// `ca-crl.pem`. istiod wants a CRL of every certificate in the chain; Envoy wants one of every CA on any path that it
/// verifies, and a current one.
pub(super) fn check(file: Option<&[u8]>, links: &[Link<'_>], chain: &[Certificate], crypto: &Crypto, now: Timestamp, findings: &mut Vec<Finding>) {
    let Some(bytes) = file else { return };
    let Some(crls) = read(bytes, findings) else { return };

    let covered = |ca: &Certificate| {
        let mut namesakes = crls.iter().filter(|crl| crl.issuer == ca.subject().as_der()).take(MAX_NAMESAKES);
        may_sign_crls(ca) && namesakes.any(|crl| crl.is_signed_by(ca, crypto))
    };
    let mut missing: Vec<&Certificate> = Vec::new();
    for ca in chain.iter().chain(links.iter().map(|link| link.cert)) {
        if missing.contains(&ca) || covered(ca) {
            continue;
        }
        missing.push(ca);
        let who = ca.subject();
        let why = if may_sign_crls(ca) { "no CRL in it is signed by" } else { "CRLs of a CA without cRLSign are no CRLs, as of" };
        findings.push(if chain.contains(ca) {
            Finding::refused("istio.crl_missing", CA_CRL, format!("{why} {who}, which is in the chain"), REMEDY)
                .says(format!("missing CRL signed by certificates: [{who}]"))
        } else {
            Finding::breaks("istio.crl_missing", CA_CRL, format!("{why} {who}: Envoy refuses every certificate under it"), REMEDY)
        });
    }
    for crl in &crls {
        if crl.next_update.is_some_and(|next| next < now) {
            let message = format!(
                "CRL {} is out of date since {}: Envoy refuses every certificate under its CA, and istiod says nothing",
                crl.number,
                crl.next_update.unwrap_or(now)
            );
            findings.push(Finding::breaks(
                "istio.crl_expired",
                CA_CRL,
                message,
                "publish a new CRL, and leave enough time between publishing and nextUpdate",
            ));
        }
        if crl.this_update > now {
            let message = format!("CRL {} is valid only from {}: Envoy refuses every certificate under its CA", crl.number, crl.this_update);
            findings.push(Finding::breaks("istio.crl_not_yet_valid", CA_CRL, message, "wait, or set the clock right"));
        }
    }
}

fn read(bytes: &[u8], findings: &mut Vec<Finding>) -> Option<Vec<Crl>> {
    let blocks = match pem::parse(bytes) {
        Ok(blocks) => blocks,
        Err(e) => {
            findings.push(unreadable(format!("the PEM is damaged: {e}")));
            return None;
        }
    };
    let mut crls = Vec::with_capacity(blocks.len());
    for (number, block) in (1usize..).zip(&blocks) {
        match Crl::parse(number, &block.der) {
            Ok(crl) if block.label == "X509 CRL" => crls.push(crl),
            // istiod does not look at the label.
            Ok(_) => {
                let message = format!("block {number} (line {}) is called {}, and Envoy does not read it", block.line, block.label.escape_default());
                findings.push(Finding::breaks("istio.crl_label", CA_CRL, message, "call it X509 CRL"));
            }
            Err(e) => {
                let message = format!("block {number} (line {}) holds no CRL: {e}", block.line);
                findings.push(unreadable(message));
                return None;
            }
        }
    }
    Some(crls)
}

fn unreadable(message: String) -> Finding {
    Finding::refused("istio.crl_unreadable", CA_CRL, message, REMEDY).says("failed to parse CRL PEM: …")
}

/// Go's `CheckSignatureFrom`: the issuer is a CA, and its keyUsage, if there is one, has cRLSign.
fn may_sign_crls(ca: &Certificate) -> bool {
    ca.is_ca() && ca.key_usage().is_none_or(|usage| usage.contains(KeyUsage::CRL_SIGN))
}

/// What has to be known of a CertificateList (RFC 5280 §5.1); who is on it does not matter here.
struct Crl {
    number: usize,
    signed: Vec<u8>,
    algorithm: Option<SignatureAlgorithm>,
    signature: Vec<u8>,
    issuer: Vec<u8>,
    authority_key_id: Option<Vec<u8>>,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
}

impl Crl {
    fn parse(number: usize, der: &[u8]) -> der::Result<Self> {
        let mut outer = DerReader::new(der);
        let mut fields = outer.required(SEQUENCE)?.inside();
        outer.finish()?;
        let signed = fields.required(SEQUENCE)?;
        let algorithm = fields.required(SEQUENCE)?.whole;
        let signature = fields.required(BIT_STRING)?.whole_bytes()?;
        fields.finish()?;

        let mut tbs = signed.inside();
        tbs.optional(INTEGER)?;
        tbs.required(SEQUENCE)?;
        let issuer = tbs.required(SEQUENCE)?.whole;
        let this_update = read_time(&mut tbs)?;
        let next_update = if matches!(tbs.peek(), Some(UTC_TIME | GENERALIZED_TIME)) { Some(read_time(&mut tbs)?) } else { None };
        tbs.optional(SEQUENCE)?;
        let authority_key_id = match tbs.optional(explicit(0))? {
            Some(extensions) => authority_key_id(extensions)?,
            None => None,
        };
        Ok(Self {
            number,
            signed: signed.whole.to_vec(),
            algorithm: signature_algorithm(algorithm),
            signature: signature.to_vec(),
            issuer: issuer.to_vec(),
            authority_key_id,
            this_update,
            next_update,
        })
    }

    fn is_signed_by(&self, ca: &Certificate, crypto: &Crypto) -> bool {
        let ids_differ = self.authority_key_id.as_ref().is_some_and(|id| ca.subject_key_id().is_some_and(|ca_id| ca_id.as_bytes() != id.as_slice()));
        let Some(algorithm) = self.algorithm else { return false };
        !ids_differ && crypto.verify(ca.public_key(), algorithm, &self.signed, &self.signature).is_ok()
    }
}

/// The key identifier in the extensions of a CRL, `[0] EXPLICIT Extensions`.
fn authority_key_id(extensions: Element<'_>) -> der::Result<Option<Vec<u8>>> {
    let extensions = read_extensions(extensions)?;
    let Some(extension) = extensions.iter().find(|extension| extension.oid == ext::AUTHORITY_KEY_IDENTIFIER) else { return Ok(None) };
    Ok(ext::authority_key_identifier(extension.value)?.map(<[u8]>::to_vec))
}
