use meshroot::key::Crypto;
use meshroot::revocation::CrlSet;
use meshroot::time::Timestamp;
use meshroot::verify::{PathQuery, Purpose as OurPurpose, Rejection, Rules, validate_path};
use meshroot::x509::Certificate;

use super::world::{Case, Purpose};

/// What we say: the path in DER, the leaf first and the anchor last, or the reason.
pub(super) fn judge(case: &Case, crypto: &Crypto) -> Result<Vec<Vec<u8>>, Refusal> {
    // A bundle holds what can be read: an anchor that cannot is none for anybody.
    let anchors: Vec<_> = case.anchors.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    let crls = CrlSet::empty();
    let purpose = match case.purpose {
        Purpose::Any => OurPurpose::Any,
        Purpose::Server => OurPurpose::ServerAuth,
        Purpose::Client => OurPurpose::ClientAuth,
    };
    let query = PathQuery::new(Timestamp::from_unix(case.now)).rules(Rules::pkix()).purpose(purpose).crls(&crls);
    match validate_path(&case.leaf, &case.intermediates, &anchors, crypto, &query) {
        Ok(path) => Ok(path.certificates().iter().map(|certificate| certificate.der().to_vec()).collect()),
        Err(rejection) => Err(Refusal { rejection, unreadable_anchor: anchors.len() < case.anchors.len() }),
    }
}

/// Why we refuse.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) rejection: Rejection,
    /// One of the anchors cannot be read by us, and so is none.
    pub(super) unreadable_anchor: bool,
}

impl Refusal {
    pub(super) fn code(&self) -> &'static str {
        self.rejection.code()
    }
}
