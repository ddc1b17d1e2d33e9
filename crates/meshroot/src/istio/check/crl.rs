use super::Finding;
use super::path::Link;
use crate::istio::files::CA_CRL;
use crate::key::Crypto;
use crate::pem;
use crate::revocation::Crl;
use crate::time::Timestamp;
use crate::x509::{Certificate, KeyUsage};

const REMEDY: &str = "put a current CRL of every CA into the file, of the root and of the other clusters' CAs too, or leave the file out";

/// CRLs under one name that are verified for one CA: a few while it is renewed, or else work for nothing.
const MAX_NAMESAKES: usize = 16;

/// `ca-crl.pem`. istiod wants a CRL of every certificate in the chain; Envoy wants one of every CA on any path that it
/// verifies, and a current one.
pub(super) fn check(file: Option<&[u8]>, links: &[Link<'_>], chain: &[Certificate], crypto: &Crypto, now: Timestamp, findings: &mut Vec<Finding>) {
    let Some(bytes) = file else { return };
    let Some(crls) = read(bytes, findings) else { return };

    let covered = |ca: &Certificate| {
        let mut namesakes = crls.iter().filter(|crl| crl.crl.issuer() == ca.subject()).take(MAX_NAMESAKES);
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
    for Numbered { number, crl } in &crls {
        if let Some(next) = crl.next_update().filter(|next| *next <= now) {
            let message = format!("CRL {number} is out of date since {next}: Envoy refuses every certificate under its CA, and istiod says nothing");
            findings.push(Finding::breaks(
                "istio.crl_expired",
                CA_CRL,
                message,
                "publish a new CRL, and leave enough time between publishing and nextUpdate",
            ));
        }
        if crl.this_update() > now {
            let message = format!("CRL {number} is valid only from {}: Envoy refuses every certificate under its CA", crl.this_update());
            findings.push(Finding::breaks("istio.crl_not_yet_valid", CA_CRL, message, "wait, or set the clock right"));
        }
    }
}

fn read(bytes: &[u8], findings: &mut Vec<Finding>) -> Option<Vec<Numbered>> {
    let blocks = match pem::parse(bytes) {
        Ok(blocks) => blocks,
        Err(e) => {
            findings.push(unreadable(format!("the PEM is damaged: {e}")));
            return None;
        }
    };
    let mut crls = Vec::with_capacity(blocks.len());
    for (number, block) in (1usize..).zip(&blocks) {
        match Crl::from_der(&block.der) {
            Ok(crl) if block.label == "X509 CRL" => crls.push(Numbered { number, crl }),
            // istiod does not look at the label.
            Ok(_) => {
                let message = format!("block {number} (line {}) is called {}, and Envoy does not read it", block.line, block.label.escape_default());
                findings.push(Finding::breaks("istio.crl_label", CA_CRL, message, "call it X509 CRL"));
            }
            Err(e) => {
                let message = format!("block {number} (line {}): {e}", block.line);
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

/// A CRL and its block in the file, from 1.
struct Numbered {
    number: usize,
    crl: Crl,
}

impl Numbered {
    fn is_signed_by(&self, ca: &Certificate, crypto: &Crypto) -> bool {
        let ids_differ = self.crl.authority_key_id().zip(ca.subject_key_id()).is_some_and(|(named, own)| named != own);
        !ids_differ && self.crl.verify_signature(ca.public_key(), crypto).is_ok()
    }
}
