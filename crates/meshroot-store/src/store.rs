use core::fmt;
use core::time::Duration;

use meshroot::hierarchy::AuthorityId;
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;

use crate::export::{Header, Sink};
use crate::{
    CaAnswer, CaRequest, CaRequestId, Change, Durability, Found, Issuance, IssuanceRow, JoinToken, Loaded, LogExtent, Maintained, Meta, Outcome,
    Query, Recorded, Restoration, Restored, RevocationChange, Revocations, Search, Seen, Standing, StoreError, Submission, TokenDigest, Unexpired,
};

/// How long after a change its bundle is served, when others may serve the one before it: they ask for changes every
/// second, and stop serving when they could not for half of this time.
pub const VISIBLE_AFTER: Duration = Duration::from_secs(6);

/// What must survive. The comments here are the specification; `tests/conformance` checks them.
///
/// Every method is one transaction: it sees one moment, and has happened as a whole or not at all. When a writing
/// method has returned `Ok`, its effect survives the death of the process, of the machine's power included. When it
/// returns an error nothing is stored, except after [`StoreError::Disk`]: then nobody knows, and the store takes no
/// further writes until it is opened anew; and after [`StoreError::OutcomeUnknown`]: then nobody knows either, and
/// reading, or asking again with the same idempotency key, finds out.
///
/// A store may be open in several processes and used by several threads at once.
///
/// A store that was put back from a backup has forgotten what it once acknowledged. When it is noticed (see
/// [`standing`](Self::standing)) every method that writes answers [`StoreError::OlderCopy`], until an operator says
/// [`restored`](Self::restored); reading goes on.
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

    /// Whether a write would be taken now: begins one and takes it back, or commits one that changes nothing where a commit may wait for
    /// another machine.
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
    /// A bundle in the change has a moment from which it is served, [`StoredTrustDomain::visible_at`](crate::StoredTrustDomain::visible_at):
    /// [`VISIBLE_AFTER`] after `change.at`, so that everybody who has the store open has learned of it by then; or at once,
    /// when the store knows that nobody else has it open. Who could not read the store for half of that time must not serve
    /// any bundle.
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
    /// [`StoreError::TokenExpired`], [`StoreError::Denied`] if a denial of its SPIFFE ID holds at the moment of issue: of a
    /// denial and a certificate for the same identity, whichever process they come from, one sees the other.
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

    /// The entries of the issuance log that fit, by growing position. It reads through the log behind `query.after` until it
    /// has found as many as are wanted: for following the log. [`search`](Self::search) finds things in it.
    ///
    /// Entries that expired long ago are gone: positions may begin late and have gaps, and keep growing.
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

    /// A page of the certificates that fit, by growing position, found by an index whatever is asked for. Not slower with more
    /// records: a page takes a bounded effort, and says where the next one begins.
    ///
    /// The index may be a moment behind the log; [`Found::known`] says how far it is.
    ///
    /// # Errors
    /// [`StoreError::TooBroad`] if an index alone would yield too much; [`StoreError::Damaged`] if an entry is not what was
    /// once recorded.
    fn search(&self, search: &Search) -> Result<Found, StoreError>;

    /// Of each CA that has any, its certificates that are valid after `now`. `last_expiry` is the log's, to the newest entry; the
    /// count knows as much as the inventory ([`LogExtent::known`]). Not slower with more records.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn unexpired(&self, now: Timestamp) -> Result<Vec<Unexpired>, StoreError>;

    /// The issuance log in numbers. Not slower with more records.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn log_extent(&self) -> Result<LogExtent, StoreError>;

    /// One short step of what is done beside: it brings the inventory closer to the log, or lets go of entries whose
    /// certificates, all of one segment of the log, expired more than `retention` ago. To be called now and then, and again at
    /// once while there is more to do. Writers wait for milliseconds; letting go of a segment may take a tenth of a second.
    ///
    /// Nothing else forgets an entry, so a store that is never maintained keeps all of them.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn maintain(&self, now: Timestamp, retention: Duration) -> Result<Maintained, StoreError>;

    /// Whether this is the newest copy of the store. It is not, when the store has been further before, as far as can be
    /// known from outside of it, or when somebody has seen a bundle that it does not know. Cheap enough to ask every second.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn standing(&self) -> Result<Standing, StoreError>;

    /// Takes note of a bundle that somebody has seen: when it is later than the one held here, the store has forgotten it and is
    /// an older copy from now on, in every process. Answers whether it is so. The caller has judged who says it.
    ///
    /// # Errors
    /// [`StoreError::UnknownTrustDomain`], or when the store cannot be written.
    fn doubt(&self, seen: &Seen) -> Result<bool, StoreError>;

    /// An operator's word that the store counts from now on as it is. The changes, whose bundles carry sequence numbers greater
    /// than [`Standing::seen`], are stored as [`commit`](Self::commit) does it, a new epoch begins, positions of the issuance log
    /// jump far ahead, and it goes on record. It may be said at any time.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    fn restored(&self, restoration: &Restoration) -> Result<Restored, StoreError>;

    /// Stores a change of what is revoked, denied and published about it, and returns the new version of that, which is one
    /// more than `expected_version`. It has nothing to do with [`version`](Self::version).
    ///
    /// Nothing of it is ever removed: revocations, denials and the taking back of denials stay on record for ever. Of each
    /// CA only the newest CRL is kept.
    ///
    /// # Errors
    /// - [`StoreError::Conflict`] if the version is not `expected_version`: of several changes decided on the same version
    ///   exactly one is stored, so no CRL ever misses what was revoked before it.
    /// - [`StoreError::UnknownTrustDomain`].
    /// - [`StoreError::CrlNotNewer`] if a CRL's number is not greater than that of its CA's CRL before, or is none that 63 bits
    ///   hold.
    fn commit_revocations(&self, change: &RevocationChange) -> Result<u64, StoreError>;

    /// What holds: the revocations of certificates that expire at `unexpired_at` or later, the denials that were not taken back
    /// and do not expire by then, and every CA's newest CRL, all of one moment. Not slower with more records of expired
    /// certificates.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if any of it is not what was once stored.
    fn revocations(&self, unexpired_at: Timestamp) -> Result<Revocations, StoreError>;

    /// The version alone of what [`revocations`](Self::revocations) answers. Cheap enough to ask every second.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn revocations_version(&self) -> Result<u64, StoreError>;

    /// Every row of everything, at one moment, table by table: what [`export::write`](crate::export::write) puts into files.
    ///
    /// # Errors
    /// When the store cannot be read, or what the sink answers.
    fn export(&self, sink: &mut Sink<'_>) -> Result<Header, StoreError>;

    /// Stores a cluster's request for a CA certificate and returns its number; its token is used up with it, or neither: the
    /// token's `used_by` is the request's number then. `number` and `answered` are of no account.
    ///
    /// # Errors
    /// [`StoreError::UnknownTrustDomain`], [`StoreError::TokenUnknown`], [`StoreError::TokenUsed`],
    /// [`StoreError::TokenExpired`], or when the store cannot be written.
    fn add_ca_request(&self, request: &CaRequest) -> Result<u64, StoreError>;

    /// The request with this name, answered or not.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn ca_request(&self, id: &CaRequestId) -> Result<Option<CaRequest>, StoreError>;

    /// The request that used this token up.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn ca_request_of(&self, token: &TokenDigest) -> Result<Option<CaRequest>, StoreError>;

    /// The requests that wait, the oldest first, at most 1,000.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn waiting_ca_requests(&self) -> Result<Vec<CaRequest>, StoreError>;

    /// Stores the change that adds the authority which a request asked for, as [`commit`](Self::commit) does, and the answer to
    /// the request with it; returns the store's new version.
    ///
    /// # Errors
    /// [`StoreError::CaRequestUnknown`], [`StoreError::CaRequestAnswered`], and as [`commit`](Self::commit).
    fn answer_ca_request(&self, id: &CaRequestId, answer: &CaAnswer, change: &Change) -> Result<u64, StoreError>;
}
