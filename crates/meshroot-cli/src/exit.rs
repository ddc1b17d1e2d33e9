//! Exit codes, and the one kind of failure that a command ends with.

use std::fmt;
use std::io;
use std::path::Path;

/// How the program ends. The numbers are an interface: scripts branch on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, and nothing is wrong.
    Ok = 0,
    /// Refused, or problems were found.
    Refused = 1,
    /// The command line cannot be understood.
    Usage = 2,
    /// A file or standard input holds something unusable.
    BadInput = 3,
    /// The store, the cluster, the file or the endpoint is not there.
    NotFound = 4,
    /// The unlock secret is missing or wrong.
    Locked = 5,
    /// The store is damaged, busy, or was changed by somebody else.
    Store = 6,
    /// A file cannot be written.
    CannotWrite = 7,
    /// A certificate is not valid yet or any more.
    Clock = 8,
    /// A fault of this program.
    Internal = 70,
}

/// What `--help` and the manual say about exit codes.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0   done, and nothing is wrong
  1   refused, or problems were found
  2   the command line cannot be understood
  3   bad input: a malformed CSR, certificate, bundle or manifest
  4   not found: a store, a cluster, a file, or an endpoint that answers
  5   locked: the unlock file or passphrase is missing or wrong
  6   the store is damaged, busy, or was changed by somebody else
  7   cannot write: disk full, no permission, or the file exists (see --force)
  8   the clock or an expiry: a CA is not valid yet, or any more
  70  a fault of this program";

/// Why a command did not do what it was asked for: one sentence for people, a stable code for machines.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(exit: Exit, code: &'static str, message: impl fmt::Display) -> Self {
        Self { exit, code, message: message.to_string() }
    }

    pub(crate) fn usage(code: &'static str, message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, code, message)
    }

    /// Something that cannot be, unless this program is wrong.
    pub(crate) fn internal(message: impl fmt::Display) -> Self {
        Self::new(Exit::Internal, "internal", format!("this is a fault of meshroot, please report it: {message}"))
    }

    /// Says first where the input came from.
    pub(crate) fn at(self, place: impl fmt::Display) -> Self {
        Self { message: format!("{place}: {}", self.message), ..self }
    }

    /// A file that cannot be read.
    pub(crate) fn reading(path: &Path, e: &io::Error) -> Self {
        match e.kind() {
            io::ErrorKind::NotFound => Self::new(Exit::NotFound, "file.not_found", format!("{} is not there", path.display())),
            io::ErrorKind::PermissionDenied => {
                Self::new(Exit::NotFound, "file.not_permitted", format!("{} may not be read: check its owner and mode", path.display()))
            }
            io::ErrorKind::IsADirectory => Self::new(Exit::BadInput, "file.is_a_folder", format!("{} is a folder: name a file", path.display())),
            _ => Self::new(Exit::NotFound, "file.unreadable", format!("{} cannot be read: {e}", path.display())),
        }
    }

    /// A file or folder that cannot be written.
    pub(crate) fn writing(path: &Path, e: &io::Error) -> Self {
        Self::new(Exit::CannotWrite, "file.not_written", format!("{} cannot be written: {e}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
