use std::io;
use std::path::{Path, PathBuf};

use meshroot::hierarchy::AuthorityId;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::x509::SerialNumber;

use crate::CaRequestId;

/// Why a store or a file could not be made, opened, read or written. Unless a variant says otherwise, everything is as
/// it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is nothing at the path.
    #[error("there is no store at {}: check the path, or make a store there first", .0.display())]
    NotFound(PathBuf),
    /// Something is at the path already, and is left alone.
    #[error("{} is already there and was not touched: choose another path, or move it away", .0.display())]
    Exists(PathBuf),
    /// The journal of a store that is gone lies at the path; SQLite would take it for the new store's.
    #[error("{} was left behind by another store, and would damage a new one: move it away first", .0.display())]
    Remnant(PathBuf),
    /// The file is something else; it was not touched.
    #[error("{} is no meshroot store: {why}", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        why: String,
    },
    /// The file is a store, and not whole any more.
    #[error("the store {} is damaged ({}): restore it from a backup, and keep the damaged file", path.display(), shown(what))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        what: String,
    },
    /// A newer version of this program made the store, or has opened it since.
    #[error("the store {} has format {found}, and this program knows formats up to {known}: use a newer meshroot", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format that this program knows.
        known: i64,
    },
    /// Somebody else held the store for longer than we wait.
    #[error("the store {} was busy for too long: another meshroot is writing to it; try again when it is done", .0.display())]
    Busy(PathBuf),
    /// Somebody else changed the store after the caller had read it.
    #[error("the store was changed by somebody else in the meantime (version {found}, expected {expected}): read it again and repeat the command")]
    Conflict {
        /// The version that the change was decided on.
        expected: u64,
        /// The store's version.
        found: u64,
    },
    /// The serial number was used before.
    #[error("the serial number {0} was used before: no certificate was recorded; issue again with a new one")]
    DuplicateSerial(SerialNumber),
    /// A bundle's sequence number must be greater than every earlier one.
    #[error("the bundle of '{trust_domain}' has the sequence number {offered}, and {held} was published already: a sequence number only grows")]
    SequenceNotNew {
        /// Whose bundle.
        trust_domain: TrustDomain,
        /// The number offered.
        offered: u64,
        /// The greatest so far.
        held: u64,
    },
    /// A number that the store cannot hold.
    #[error("the {what} {number} is too large: at most 9223372036854775807 can be stored")]
    TooLarge {
        /// Which number.
        what: &'static str,
        /// The number.
        number: u64,
    },
    /// An authority has one key for its whole life.
    #[error("the store already holds a key of the authority '{0}'")]
    KeyExists(AuthorityId),
    /// The store knows nothing of this trust domain.
    #[error("the store has no trust domain '{0}'")]
    UnknownTrustDomain(TrustDomain),
    /// The caller's idempotency key came with another request before.
    #[error("this idempotency key came with another request before: a key stands for one request, use a new one")]
    IdempotencyMismatch,
    /// There is no such token, or not any more.
    #[error("there is no such token: it was withdrawn, expired long ago, or never made here")]
    TokenUnknown,
    /// The token was used.
    #[error("the token was used already: a token is good for one certificate")]
    TokenUsed,
    /// The token has expired.
    #[error("the token expired at {0}: have a new one made")]
    TokenExpired(Timestamp),
    /// The identity is denied.
    #[error("'{0}' is denied: it gets no certificate until an administrator takes the denial back, or it expires")]
    Denied(SpiffeId),
    /// A CA's CRLs have growing numbers.
    #[error("the CRL of '{authority}' is not newer than the one that is published (number {held}): a CRL's number only grows")]
    CrlNotNewer {
        /// The CA.
        authority: AuthorityId,
        /// The number of the CRL that is published.
        held: u64,
    },
    /// There is no such request for a CA certificate.
    #[error("there is no request {0} for a CA certificate")]
    CaRequestUnknown(CaRequestId),
    /// The request for a CA certificate was answered.
    #[error("the request {0} for a CA certificate was answered already: a request gets one certificate")]
    CaRequestAnswered(CaRequestId),
    /// The store holds a token with this digest.
    #[error("the token was made before")]
    TokenExists,
    /// An older copy of the store was put in its place. It can be read; nothing is written to it.
    #[error("the store {} is an older copy of itself ({why}): nothing is issued or published from it until you put the newest one back, or say `meshroot store restored` (with `--of root` if it is a root's)", path.display())]
    OlderCopy {
        /// The file.
        path: PathBuf,
        /// How it was noticed.
        why: String,
    },
    /// A search that would read through too much.
    #[error("too many certificates fit the search: narrow it, by an identity or a shorter span of time")]
    TooBroad,
    /// The disk, or the quota on it, is full.
    #[error("cannot {action} {}: the disk is full; make room and try again", path.display())]
    DiskFull {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
    },
    /// The operating system does not allow it.
    #[error("cannot {action} {}: {detail}; check its owner and mode, and those of its folder", path.display())]
    NotPermitted {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The operating system's words.
        detail: String,
    },
    /// Another failure of the operating system.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The operating system's words.
        source: io::Error,
    },
    /// The disk failed while the store was read or written. **What was being written may or may not be stored**; the
    /// open store takes no further writes.
    #[error("the disk failed while meshroot tried to {action} {}: {detail}", path.display())]
    Disk {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The database's words.
        detail: String,
    },
    /// A write failed on the disk earlier. After a failed sync nobody knows what the disk holds, and a later success
    /// would prove nothing.
    #[error("the store {} takes no more writes since the disk failed: check the disk, then open the store anew", .0.display())]
    Stopped(PathBuf),
    /// An export is not whole, or not as it was written.
    #[error("the export cannot be used: {}: {what}", path.display())]
    BadExport {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The address of a database cannot be used. It is not repeated, since it may hold a password.
    #[error("the address of the database cannot be used: {0}")]
    Address(String),
    /// The database cannot be reached, takes no login, is starting or stopping, or takes no writes. Nothing was stored;
    /// the next call tries again.
    #[error("the database {address} cannot be used now: {detail}")]
    Unavailable {
        /// Which.
        address: String,
        /// Its words, or the operating system's.
        detail: String,
    },
    /// The connection broke while a commit was on its way. **What was being written may or may not be stored**; reading,
    /// or asking again with the same idempotency key, finds out.
    #[error("whether {address} has stored it is not known ({detail}): ask again with the same idempotency key, or look it up")]
    OutcomeUnknown {
        /// Which database.
        address: String,
        /// Why.
        detail: String,
    },
    /// The database refuses for a reason that should not occur.
    #[error("cannot {action} {}: {detail}", path.display())]
    Database {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The database's words.
        detail: String,
    },
}

impl StoreError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "store.not_found",
            Self::Exists(_) => "store.exists",
            Self::Remnant(_) => "store.remnant",
            Self::NotAStore { .. } => "store.not_a_store",
            Self::Damaged { .. } => "store.damaged",
            Self::TooNew { .. } => "store.too_new",
            Self::Busy(_) => "store.busy",
            Self::Conflict { .. } => "store.conflict",
            Self::DuplicateSerial(_) => "store.duplicate_serial",
            Self::SequenceNotNew { .. } => "store.sequence_not_new",
            Self::TooLarge { .. } => "store.too_large",
            Self::KeyExists(_) => "store.key_exists",
            Self::UnknownTrustDomain(_) => "store.unknown_trust_domain",
            Self::IdempotencyMismatch => "store.idempotency_mismatch",
            Self::TokenUnknown => "store.token_unknown",
            Self::TokenUsed => "store.token_used",
            Self::TokenExpired(_) => "store.token_expired",
            Self::Denied(_) => "store.denied",
            Self::CrlNotNewer { .. } => "store.crl_not_newer",
            Self::CaRequestUnknown(_) => "store.ca_request_unknown",
            Self::CaRequestAnswered(_) => "store.ca_request_answered",
            Self::TokenExists => "store.token_exists",
            Self::OlderCopy { .. } => "store.older_copy",
            Self::TooBroad => "store.search_too_broad",
            Self::DiskFull { .. } => "store.disk_full",
            Self::NotPermitted { .. } => "store.not_permitted",
            Self::Io { .. } => "store.io",
            Self::Disk { .. } => "store.disk",
            Self::Stopped(_) => "store.stopped",
            Self::BadExport { .. } => "store.bad_export",
            Self::Address(_) => "store.invalid_address",
            Self::Unavailable { .. } => "store.unavailable",
            Self::OutcomeUnknown { .. } => "store.outcome_unknown",
            Self::Database { .. } => "store.database",
        }
    }

    /// Sorts an error of the operating system by what a person can do about it.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { action, path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::NotPermitted { action, path, detail: source.to_string() },
            io::ErrorKind::AlreadyExists => Self::Exists(path),
            _ => Self::Io { action, path, source },
        }
    }
}

/// What a damaged file says of itself, as it may be shown.
fn shown(what: &str) -> String {
    what.chars().take(400).flat_map(|c| if c.is_control() { c.escape_debug().collect() } else { vec![c] }).collect()
}
