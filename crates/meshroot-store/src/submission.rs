use meshroot::time::Timestamp;

use crate::{Issuance, Recorded, TokenDigest};

/// A certificate to record, with what has to happen in the same transaction.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The certificate.
    pub issuance: Issuance,
    /// The caller's own name for the request, so that asking again gets the same answer.
    pub idempotency: Option<Idempotency>,
    /// The one-time token that this uses up.
    pub consumes: Option<TokenDigest>,
}

/// A certificate with nothing besides.
impl From<Issuance> for Submission {
    fn from(issuance: Issuance) -> Self {
        Self { issuance, idempotency: None, consumes: None }
    }
}

/// A caller's own name for a request. It belongs to its caller: another caller's same name is another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Who asks, as authenticated.
    pub caller: String,
    /// The name.
    pub key: String,
    /// SHA-256 of what is asked for; a name stands for one request.
    pub request: [u8; 32],
    /// From when on the name may be forgotten.
    pub expires_at: Timestamp,
}

/// What became of a submission.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is on record.
    Recorded(Recorded),
    /// The same request was answered before: with the certificate at this position of the log. Nothing was recorded,
    /// and the certificate that was submitted must not leave the process.
    Answered(u64),
}
