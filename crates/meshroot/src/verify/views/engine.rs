use crate::key::{Crypto, KeyError};
use crate::revocation::CrlProblem;
use crate::verify::validate::judge_path;
use crate::verify::{Budget, PathQuery, Purpose, Reason, Rejection, Rules};
use crate::x509::{Certificate, CertificateError};

use super::table::Departure as D;
use super::{Departures, Difference, Implementation, Verdict, View, lists};

/// How every implementation judges a chain, the leaf first, that is presented to somebody who trusts `anchors`.
///
/// The query says what for, when, and with which CRLs; its rules are what the views are compared with
/// ([`Rules::spiffe`] unless something else is asked for). The purpose is the presenter's role; [`Purpose::Any`] is taken
/// for [`Purpose::Both`], since TLS asks for one of the two.
pub fn as_others_see(chain: &[impl AsRef<[u8]>], anchors: &[Certificate], query: &PathQuery<'_>, crypto: &Crypto) -> Vec<View> {
    let chain: Vec<&[u8]> = chain.iter().map(AsRef::as_ref).collect();
    let purpose = if query.purpose == Purpose::Any { Purpose::Both } else { query.purpose };
    let asked = Asked { chain: &chain, anchors, query: PathQuery { purpose, ..*query }, crypto };
    let ours = asked.verdict(Implementation::Go, Departures::NONE).accepts();
    Implementation::ALL.into_iter().map(|implementation| asked.view(implementation, ours)).collect()
}

impl Rules {
    /// The rules of an implementation that is not ours, for what stands between a leaf and an anchor: all of its
    /// differences that concern the path.
    ///
    /// A verdict by these rules that rests on something we cannot read or compute is a refusal; [`as_others_see`] tells
    /// the two apart.
    pub fn of(implementation: Implementation) -> Self {
        Self::spiffe().departing(Departures::of(implementation))
    }

    /// Go's crypto/x509.
    pub fn go() -> Self {
        Self::of(Implementation::Go)
    }

    /// BoringSSL as Envoy drives it.
    pub fn boringssl() -> Self {
        Self::of(Implementation::BoringSsl)
    }

    /// rustls-webpki.
    pub fn rustls_webpki() -> Self {
        Self::of(Implementation::RustlsWebpki)
    }

    /// OpenSSL.
    pub fn openssl() -> Self {
        Self::of(Implementation::OpenSsl)
    }

    fn departing(self, d: Departures) -> Self {
        Self {
            departures: d,
            fold_names: self.fold_names && !d.has(D::ExactNames),
            anchor_is_name_and_key: self.anchor_is_name_and_key || d.has(D::BareAnchor),
            ..self
        }
    }
}

struct Asked<'a> {
    chain: &'a [&'a [u8]],
    anchors: &'a [Certificate],
    query: PathQuery<'a>,
    crypto: &'a Crypto,
}

impl Asked<'_> {
    fn view(&self, implementation: Implementation, ours: Option<bool>) -> View {
        let all = Departures::of(implementation);
        let verdict = self.verdict(implementation, all);
        let theirs = verdict.accepts();
        if theirs == ours {
            return View { implementation, verdict, because: Vec::new() };
        }
        // What can be turned back without changing the verdict did not make it; the rest did, each of them.
        let mut because: Vec<_> = all.differences(implementation).collect();
        let group = because.clone();
        self.turn_back(implementation, theirs, &mut because, &group);
        View { implementation, verdict, because }
    }

    /// Takes from `needed` what of `group` can be turned back without changing the verdict: all at once where possible,
    /// since most of it never mattered. One or two differences stay; this takes some dozen searches, not one for each.
    fn turn_back(&self, who: Implementation, theirs: Option<bool>, needed: &mut Vec<&'static Difference>, group: &[&'static Difference]) {
        let without: Vec<_> = needed.iter().copied().filter(|difference| !group.contains(difference)).collect();
        if self.verdict(who, Departures::from_iter(without.iter().copied())).accepts() == theirs {
            *needed = without;
        } else if let (one, other @ [_, ..]) = group.split_at(group.len().div_ceil(2)) {
            self.turn_back(who, theirs, needed, one);
            self.turn_back(who, theirs, needed, other);
        }
    }

    fn verdict(&self, implementation: Implementation, d: Departures) -> Verdict {
        let refuse = |rejection: Rejection| {
            if self.goes_on(implementation, d, &rejection) { Verdict::CannotSay(rejection) } else { Verdict::Refuses(rejection) }
        };
        let crls = match self.query.crls.map(|crls| lists::as_taken(crls, d, self.query.now)).transpose() {
            Ok(crls) => crls.flatten(),
            Err(reason) => return refuse(Rejection { certificate: None, reason }),
        };
        let query = PathQuery {
            rules: self.query.rules.departing(d),
            budget: budget(implementation, d, self.query.budget),
            max_intermediates: if d.has(D::SixIntermediates) { Some(6) } else { self.query.max_intermediates },
            crls: crls.as_ref(),
            ..self.query
        };
        let Some((leaf, intermediates)) = self.chain.split_first() else {
            return refuse(Rejection { certificate: None, reason: Reason::EmptyChain });
        };
        match judge_path(leaf, intermediates, self.anchors, self.crypto, &query) {
            Ok((_, not_after)) => Verdict::Accepts { not_after },
            Err(rejection) => refuse(rejection),
        }
    }

    /// Whether we stopped where the implementation may go on.
    fn goes_on(&self, who: Implementation, d: Departures, rejection: &Rejection) -> bool {
        let at_leaf = rejection.certificate.as_ref().is_some_and(|at| at.position == 0);
        match &rejection.reason {
            Reason::Malformed(e) => d.has(D::MoreEncodings) && reads(who, e),
            Reason::MalformedExtension(_) => d.has(D::MoreEncodings),
            Reason::UnsupportedNameConstraint => d.has(D::MoreEncodings) && who == Implementation::Go,
            Reason::UnknownCriticalExtension(oid) => d.has(D::Policies) && oid == "2.5.29.36",
            Reason::SignatureAlgorithm => d.has(D::MoreAlgorithms),
            Reason::Key(KeyError::PointNotOnCurve(_)) => false,
            Reason::Key(_) if at_leaf => d.has(D::MoreAlgorithms) && matches!(who, Implementation::Go | Implementation::OpenSsl),
            Reason::Key(_) => d.has(D::MoreAlgorithms) && who != Implementation::RustlsWebpki,
            Reason::CrlUnusable { issuer, problem: CrlProblem::SignerLacksCrlSign } => {
                d.has(D::AnchorSignsCrls) && self.anchors.iter().any(|anchor| anchor.subject() == issuer)
            }
            Reason::CrlUnusable { problem, .. } => {
                let extended = matches!(
                    problem,
                    CrlProblem::Delta | CrlProblem::Indirect | CrlProblem::RemoveFromCrl(_) | CrlProblem::UnknownCriticalEntryExtension { .. }
                );
                d.has(D::CrlExtended) && extended
            }
            _ => false,
        }
    }
}

/// Whether the implementation reads some of what our reader refuses in this place.
fn reads(who: Implementation, e: &CertificateError) -> bool {
    match (who, e) {
        (Implementation::OpenSsl, CertificateError::Malformed { field, .. }) => *field != "tbsCertificate.serialNumber",
        (Implementation::OpenSsl, CertificateError::TrailingBytes(_)) => true,
        (Implementation::RustlsWebpki, CertificateError::Malformed { field, .. }) => {
            matches!(*field, "tbsCertificate.serialNumber" | "tbsCertificate.extensions")
        }
        (_, CertificateError::Malformed { field, .. }) => {
            matches!(*field, "tbsCertificate.version" | "tbsCertificate.validity" | "tbsCertificate.extensions")
        }
        _ => false,
    }
}

fn budget(who: Implementation, d: Departures, ours: Budget) -> Budget {
    match (d.has(D::SignatureLimit), d.has(D::LongPaths)) {
        // Of webpki's hundred every wrong candidate takes as many as its path is long: two, where a CA is the wrong one.
        (true, _) if who == Implementation::RustlsWebpki => Budget { signatures: 50, ..ours },
        (true, _) => Budget { signatures: 100, ..ours },
        (false, true) => Budget { signatures: 1000, ..ours },
        (false, false) => ours,
    }
}
