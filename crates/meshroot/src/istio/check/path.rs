use super::{CANNOT_VERIFY, Finding};
use crate::key::Crypto;
use crate::time::Timestamp;
use crate::x509::Certificate;

/// The longest path that is followed. Meshes have two or three certificates on it; webpki, and with it ztunnel, gives
/// up after six CAs.
const MAX_LINKS: usize = 10;
/// Signature checks that one set may cost: hostile sets of look-alikes must not buy unbounded work.
const MAX_SIGNATURES: usize = 64;

/// In which file a certificate of the path was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Signing,
    Chain,
    Root,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Link<'a> {
    pub(super) cert: &'a Certificate,
    pub(super) place: Place,
}

/// From the signing CA upwards: to a root, or as far as it goes.
pub(super) struct Path<'a> {
    pub(super) links: Vec<Link<'a>>,
    /// Why no root was reached.
    pub(super) stuck: Option<Stuck>,
}

/// Where the way up ends.
pub(super) struct Stuck {
    message: String,
    too_long: bool,
}

impl Stuck {
    pub(super) fn finding(&self, file: &'static str) -> Finding {
        if self.too_long {
            let remedy = "have the root, or a CA right under it, sign the cluster CA";
            return Finding::breaks("istio.path_too_long", file, self.message.clone(), remedy);
        }
        let remedy = "put the root of the signing certificate into the roots, and every CA between the two into the chain";
        Finding::refused("istio.no_path", file, self.message.clone(), remedy).says(format!("{CANNOT_VERIFY}certificate signed by unknown authority"))
    }
}

/// Looks for a way from `ca` to a root by names and signatures alone; whether its certificates are any good is judged
/// afterwards, so that the complaint names the culprit. Of several ways, certificates that are valid now win.
pub(super) fn find<'a>(ca: &'a Certificate, chain: &'a [Certificate], roots: &'a [Certificate], crypto: &Crypto, now: Timestamp) -> Path<'a> {
    let start = Link { cert: ca, place: Place::Signing };
    let mut search = Search { chain, roots, crypto, now, signatures: MAX_SIGNATURES, furthest: vec![start], obstacle: None };
    let mut links = vec![start];
    if search.climb(&mut links) {
        return Path { links, stuck: None };
    }
    let stuck = Stuck { message: search.explain(ca), too_long: search.furthest.len() >= MAX_LINKS };
    Path { links: search.furthest, stuck: Some(stuck) }
}

struct Search<'a, 'c> {
    chain: &'a [Certificate],
    roots: &'a [Certificate],
    crypto: &'c Crypto,
    now: Timestamp,
    signatures: usize,
    furthest: Vec<Link<'a>>,
    /// A certificate with the right name whose key did not sign.
    obstacle: Option<&'a Certificate>,
}

impl<'a> Search<'a, '_> {
    fn climb(&mut self, links: &mut Vec<Link<'a>>) -> bool {
        let Some(top) = links.last().copied() else { return false };
        if self.roots.contains(top.cert) {
            return true;
        }
        if links.len() > self.furthest.len() {
            self.furthest.clone_from(links);
        }
        if links.len() >= MAX_LINKS {
            return false;
        }
        for candidate in self.candidates(top.cert, links) {
            if self.signed(top.cert, candidate.cert) {
                links.push(candidate);
                if self.climb(links) {
                    return true;
                }
                links.pop();
            }
        }
        false
    }

    /// Those with the issuer's name, the likely ones first.
    fn candidates(&self, child: &Certificate, links: &[Link<'a>]) -> Vec<Link<'a>> {
        let roots = self.roots.iter().map(|cert| Link { cert, place: Place::Root });
        let chain = self.chain.iter().filter(|cert| !self.roots.contains(cert)).map(|cert| Link { cert, place: Place::Chain });
        let fits = |link: &Link<'_>| link.cert.subject() == child.issuer() && !links.iter().any(|used| used.cert == link.cert);
        let mut candidates: Vec<_> = roots.chain(chain).filter(fits).collect();
        candidates.sort_by_key(|link| (!link.cert.validity().contains(self.now), key_ids_differ(child, link.cert)));
        candidates
    }

    fn signed(&mut self, child: &Certificate, issuer: &'a Certificate) -> bool {
        let Some(left) = self.signatures.checked_sub(1) else { return false };
        self.signatures = left;
        // An algorithm that we cannot verify is a finding of its own; by name the way goes on.
        let signed = child.signature_algorithm().is_none() || child.verify_signature(issuer.public_key(), self.crypto).is_ok();
        if !signed {
            self.obstacle = Some(issuer);
        }
        signed
    }

    fn explain(&self, ca: &Certificate) -> String {
        let top = self.furthest.last().map_or(ca, |link| link.cert);
        if self.furthest.len() >= MAX_LINKS {
            return format!("no root is reached within {MAX_LINKS} certificates from {}: proxies give up earlier", ca.subject());
        }
        match self.obstacle {
            Some(other) if other.subject() == top.issuer() => {
                format!("{} is signed by another key than that of the {} that is here: another root of the same name", top.subject(), other.subject())
            }
            _ if top.is_self_issued() => format!("{} signed itself, and is not among the roots", top.subject()),
            _ if self.furthest.iter().any(|link| link.cert.subject() == top.issuer()) => {
                format!("the issuers above {} go round in a circle and never reach a root", ca.subject())
            }
            _ => format!("{} is signed by {}, which is neither among the roots nor in the chain", top.subject(), top.issuer()),
        }
    }
}

/// Whether both identifiers are there and say that `issuer`'s key did not sign `child`.
pub(super) fn key_ids_differ(child: &Certificate, issuer: &Certificate) -> bool {
    matches!((child.authority_key_id(), issuer.subject_key_id()), (Some(wanted), Some(found)) if wanted != found)
}
