use core::fmt;

use meshroot::hierarchy::AuthorityId;
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;

use crate::{Change, Durability, Issuance, IssuanceRow, JoinToken, Loaded, Meta, Outcome, Query, Recorded, StoreError, Submission, TokenDigest};

/// What must survive. The comments here are the specification; `tests/conformance` checks them.
///
/// Every method is one transaction: it sees one moment, and has happened as a whole or not at all. When a writing
/// method has returned `Ok`, its effect survives the death of the process, of the machine's power included. When it
/// returns an error nothing is stored, except after [`StoreError::Disk`]: then nobody knows, and the store takes no
/// further writes until it is opened anew; and after [`StoreError::OutcomeUnknown`]: then nobody knows either, and
/// reading, or asking again with the same idempotency key, finds out.
///
/// A store may be open in several processes and used by several threads at once.
pub trait Store: fmt::Debug + Send + Sync {
    /// What the store is.
    fn meta(&self) -> &Meta;

    /// The state of all trust domains at one moment.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if any of it is not what was once committed.
    fn load(&self) -> Result<Loaded, StoreError>;

    /// The version alone: how many changes were committed. Cheap enough to ask every second.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn version(&self) -> Result<u64, StoreError>;

    /// Whether a write would be taken now: begins one and takes it back.
    ///
    /// # Errors
    /// What a write would be refused with.
    fn check_writable(&self) -> Result<(), StoreError>;

    /// What an acknowledged write is worth, by the settings of whatever keeps it.
    ///
    /// # Errors
    /// When they cannot be read.
    fn durability(&self) -> Result<Durability, StoreError> {
        Ok(Durability::of_a_file())
    }

    /// Stores a change and returns the store's new version, which is one more than `expected_version`.
    ///
    /// The serial numbers of the certificates in the events count as used.
    ///
    /// # Errors
    /// - [`StoreError::Conflict`] if the store's version is not `expected_version`: of several changes decided on the same
    ///   version exactly one is stored.
    /// - [`StoreError::SequenceNotNew`] if the bundle's sequence number is not greater than every one that this trust
    ///   domain ever had in this store.
    /// - [`StoreError::KeyExists`] if the authority's key is stored already: keys are never replaced.
    /// - [`StoreError::DuplicateSerial`] if a certificate's issuer has used its serial number before.
    fn commit(&self, change: &Change) -> Result<u64, StoreError>;

    /// The sealed private key of an authority; `None` if the store does not hold it.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn sealed_key(&self, trust_domain: &TrustDomain, authority: &AuthorityId) -> Result<Option<Vec<u8>>, StoreError>;

    /// The data key that opens the sealed keys, wrapped.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn wrapped_data_key(&self) -> Result<Vec<u8>, StoreError>;

    /// Appends certificates to the issuance log, all in one transaction, together with what belongs to each: its token is
    /// used up and its idempotency key remembered with it, or neither.
    ///
    /// A submission that cannot be recorded fails alone: its place in the answer says why, and the others are recorded.
    /// One whose idempotency key came before with the same request is not recorded again: its place in the answer names
    /// the entry that answers it. Positions grow in the order in which records become visible; no entry ever appears
    /// behind a reader.
    ///
    /// # Errors
    /// For the whole batch: when the store cannot be written. For one submission: [`StoreError::DuplicateSerial`] if
    /// its issuer has used the serial number before, [`StoreError::UnknownTrustDomain`],
    /// [`StoreError::IdempotencyMismatch`], [`StoreError::TokenUnknown`], [`StoreError::TokenUsed`],
    /// [`StoreError::TokenExpired`].
    fn submit(&self, batch: Vec<Submission>) -> Result<Vec<Result<Outcome, StoreError>>, StoreError>;

    /// Records certificates with nothing besides: as [`submit`](Self::submit).
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    fn record(&self, batch: Vec<Issuance>) -> Result<Vec<Result<Recorded, StoreError>>, StoreError> {
        let outcomes = self.submit(batch.into_iter().map(Submission::from).collect())?;
        let recorded = outcomes.into_iter().map(|outcome| match outcome? {
            Outcome::Recorded(recorded) => Ok(recorded),
            // Only a submission with a key is answered by an earlier one.
            Outcome::Answered(_) => Err(StoreError::IdempotencyMismatch),
        });
        Ok(recorded.collect())
    }

    /// The position in the log that answered a caller's idempotency key, and the SHA-256 of the request it came with.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn answered(&self, caller: &str, key: &str) -> Result<Option<(u64, [u8; 32])>, StoreError>;

    /// Stores a one-time token; `used_by` is of no account.
    ///
    /// # Errors
    /// [`StoreError::UnknownTrustDomain`], [`StoreError::TokenExists`], or when the store cannot be written.
    fn add_token(&self, token: &JoinToken) -> Result<(), StoreError>;

    /// The token with this digest, used or not.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn token(&self, digest: &TokenDigest) -> Result<Option<JoinToken>, StoreError>;

    /// All tokens that are not forgotten, the oldest first, at most 10,000.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn tokens(&self) -> Result<Vec<JoinToken>, StoreError>;

    /// Removes a token that was not used; `false` if there is none.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn withdraw_token(&self, digest: &TokenDigest) -> Result<bool, StoreError>;

    /// Records one certificate.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    fn record_one(&self, issuance: Issuance) -> Result<Recorded, StoreError> {
        // One certificate in, one answer out; an implementation that loses it has not recorded it.
        let lost = || Err(StoreError::Database { action: "record in", path: "the store".into(), detail: "no answer came back".into() });
        self.record(vec![issuance])?.pop().unwrap_or_else(lost)
    }

    /// The entries of the issuance log that fit, by growing position.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if an entry is not what was once recorded.
    fn issuances(&self, query: &Query) -> Result<Vec<IssuanceRow>, StoreError>;

    /// The entry of the issuance log with this very certificate; `None` if it was not issued here, or expired long ago.
    /// Not slower with more records.
    ///
    /// # Errors
    /// As [`issuances`](Self::issuances).
    fn find(&self, certificate: &Certificate) -> Result<Option<IssuanceRow>, StoreError>;

    /// When the last certificate expires that this CA signed and that is recorded here; `None` when none is valid after
    /// `now`. Not slower with more records.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn last_expiry(&self, trust_domain: &TrustDomain, authority: &AuthorityId, now: Timestamp) -> Result<Option<Timestamp>, StoreError>;
}
