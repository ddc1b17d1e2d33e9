use super::{MAX_PEM_BLOCKS, MAX_PEM_BYTES};
use crate::x509::CertificateError;

/// What is wrong with a PEM text. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// The text is longer than [`MAX_PEM_BYTES`].
    #[error("the PEM text has {0} bytes: more than {MAX_PEM_BYTES} are not read")]
    TooLong(usize),
    /// The text has more than [`MAX_PEM_BLOCKS`] blocks.
    #[error("line {line}: the PEM text has more than {MAX_PEM_BLOCKS} blocks")]
    TooManyBlocks {
        /// Where the first block too many begins.
        line: usize,
    },
    /// The text is UTF-16, or begins with a byte order mark, before which most programs see no block.
    #[error("the PEM text is encoded as {0}: save it as plain ASCII or UTF-8")]
    Encoding(&'static str),
    /// A boundary that does not have its line to itself, or is misspelt. Go, and with it Istio, would overlook it.
    #[error(
        "line {line}: the line must be -----BEGIN LABEL----- or -----END LABEL----- and nothing else: \
         check for indentation, missing dashes, and files joined without a line break"
    )]
    Boundary {
        /// The line of the boundary.
        line: usize,
    },
    /// An END without a BEGIN.
    #[error("line {line}: an END line without a BEGIN line before it")]
    StrayEnd {
        /// The line of the END.
        line: usize,
    },
    /// A block has no END, or the next one begins before it.
    #[error("line {line}: the block {label} has no END line: the text is cut off")]
    Unclosed {
        /// The line of the BEGIN.
        line: usize,
        /// The block's label.
        label: String,
    },
    /// BEGIN and END name different labels.
    #[error("line {line}: the block that begins as {begun} ends as {ended}")]
    EndMismatch {
        /// The line of the END.
        line: usize,
        /// The label of the BEGIN.
        begun: String,
        /// The label of the END.
        ended: String,
    },
    /// The block is encrypted in OpenSSL's old way (RFC 1421 headers).
    #[error("line {line}: the block {label} is encrypted in the old way (Proc-Type: 4,ENCRYPTED), which is not supported")]
    Encrypted {
        /// The line of the header.
        line: usize,
        /// The block's label.
        label: String,
    },
    /// The block has headers, which RFC 7468 does not allow.
    #[error("line {line}: the block {label} has a header line, which RFC 7468 does not allow: remove the headers")]
    Header {
        /// The line of the header.
        line: usize,
        /// The block's label.
        label: String,
    },
    /// A character that is not base64.
    #[error("line {line}, column {column}: a character that is not base64")]
    Character {
        /// The line.
        line: usize,
        /// The byte in the line, from 1.
        column: usize,
    },
    /// An empty line inside a block, at which OpenSSL stops reading.
    #[error("line {line}: an empty line inside a block")]
    EmptyLine {
        /// The line.
        line: usize,
    },
    /// The characters are base64, their number or the padding is not.
    #[error("line {line}: the base64 of the block {label} is wrong ({reason}): characters are missing or too many")]
    Base64 {
        /// The line of the BEGIN.
        line: usize,
        /// The block's label.
        label: String,
        /// What the decoder says.
        reason: &'static str,
    },
    /// A block without content.
    #[error("line {line}: the block {label} is empty")]
    Empty {
        /// The line of the BEGIN.
        line: usize,
        /// The block's label.
        label: String,
    },
    /// Certificates were expected, and there is no block at all.
    #[error("no PEM block was found: at least one -----BEGIN CERTIFICATE----- is expected")]
    NoCertificate,
    /// Certificates were expected, and this block is something else.
    #[error("block {block}, line {line}: {label} instead of CERTIFICATE: only certificates may stand here")]
    NotCertificate {
        /// Which block, from 1.
        block: usize,
        /// The line of the BEGIN.
        line: usize,
        /// The block's label.
        label: String,
    },
    /// The block says CERTIFICATE and holds none that we read.
    #[error("block {block}, line {line}: {error}")]
    Certificate {
        /// Which block, from 1.
        block: usize,
        /// The line of the BEGIN.
        line: usize,
        /// What is wrong inside.
        #[source]
        error: CertificateError,
    },
}

impl PemError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong(_) => "pem.too_long",
            Self::TooManyBlocks { .. } => "pem.too_many_blocks",
            Self::Encoding(_) => "pem.encoding",
            Self::Boundary { .. } => "pem.boundary",
            Self::StrayEnd { .. } => "pem.stray_end",
            Self::Unclosed { .. } => "pem.unclosed",
            Self::EndMismatch { .. } => "pem.end_mismatch",
            Self::Encrypted { .. } => "pem.encrypted",
            Self::Header { .. } => "pem.header",
            Self::Character { .. } => "pem.character",
            Self::EmptyLine { .. } => "pem.empty_line",
            Self::Base64 { .. } => "pem.base64",
            Self::Empty { .. } => "pem.empty",
            Self::NoCertificate => "pem.no_certificate",
            Self::NotCertificate { .. } => "pem.not_certificate",
            Self::Certificate { error, .. } => error.code(),
        }
    }
}
