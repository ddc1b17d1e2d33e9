//! The grammar, byte by byte, in functions that also run at compile time.
#![allow(clippy::indexing_slicing, reason = "const fn cannot use iterators or get(); every index is bounded by the loop above it")]

use super::error::{SpiffeIdError, SpiffeIdErrorKind as Kind};
use super::{MAX_ID_BYTES, MAX_TRUST_DOMAIN_BYTES};

pub(super) const SCHEME: &str = "spiffe://";

/// Checks a trust domain name (SPIFFE-ID §2.1).
pub(super) const fn check_trust_domain(name: &[u8]) -> Result<(), SpiffeIdError> {
    if name.is_empty() {
        return Err(SpiffeIdError::new(Kind::MissingTrustDomain, 0));
    }
    let mut i = 0;
    while i < name.len() {
        if !matches!(name[i], b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_') {
            return Err(SpiffeIdError::new(Kind::BadTrustDomainByte, i));
        }
        i = i.saturating_add(1);
    }
    if name.len() > MAX_TRUST_DOMAIN_BYTES {
        return Err(SpiffeIdError::new(Kind::TrustDomainTooLong, MAX_TRUST_DOMAIN_BYTES));
    }
    Ok(())
}

/// Checks a path: empty, or segments that each follow a `/` (SPIFFE-ID §2.2).
pub(super) const fn check_path(path: &[u8]) -> Result<(), SpiffeIdError> {
    if path.is_empty() {
        return Ok(());
    }
    if path[0] != b'/' {
        return Err(SpiffeIdError::new(Kind::NoLeadingSlash, 0));
    }
    let mut start: usize = 1;
    let mut i: usize = 1;
    while i <= path.len() {
        if i == path.len() || path[i] == b'/' {
            if let Err(kind) = check_segment_shape(path, start, i) {
                let kind = if i == path.len() && start == i { Kind::TrailingSlash } else { kind };
                return Err(SpiffeIdError::new(kind, if matches!(kind, Kind::TrailingSlash) { i.saturating_sub(1) } else { start }));
            }
            start = i.saturating_add(1);
        } else if !is_path_byte(path[i]) {
            return Err(SpiffeIdError::new(Kind::BadPathByte, i));
        }
        i = i.saturating_add(1);
    }
    Ok(())
}

/// Checks one segment, without slashes.
pub(super) const fn check_segment(segment: &[u8]) -> Result<(), SpiffeIdError> {
    let mut i = 0;
    while i < segment.len() {
        if !is_path_byte(segment[i]) {
            return Err(SpiffeIdError::new(Kind::BadPathByte, i));
        }
        i = i.saturating_add(1);
    }
    match check_segment_shape(segment, 0, segment.len()) {
        Ok(()) => Ok(()),
        Err(kind) => Err(SpiffeIdError::new(kind, 0)),
    }
}

/// Checks a whole ID and finds where its path starts.
pub(super) const fn check_id(id: &[u8]) -> Result<usize, SpiffeIdError> {
    if id.is_empty() {
        return Err(SpiffeIdError::new(Kind::Empty, 0));
    }
    let scheme = SCHEME.as_bytes();
    let mut i = 0;
    while i < scheme.len() {
        if i >= id.len() || id[i] != scheme[i] {
            return Err(SpiffeIdError::new(Kind::WrongScheme, i));
        }
        i = i.saturating_add(1);
    }
    while i < id.len() && id[i] != b'/' {
        i = i.saturating_add(1);
    }
    let (authority, path) = id.split_at(i);
    let (_, name) = authority.split_at(scheme.len());
    if let Err(e) = check_trust_domain(name) {
        return Err(e.shifted(scheme.len()));
    }
    if let Err(e) = check_path(path) {
        return Err(e.shifted(i));
    }
    if id.len() > MAX_ID_BYTES {
        return Err(SpiffeIdError::new(Kind::TooLong, MAX_ID_BYTES));
    }
    Ok(i)
}

const fn is_path_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_')
}

/// `path[start..end]` is neither empty nor a dot segment.
const fn check_segment_shape(path: &[u8], start: usize, end: usize) -> Result<(), Kind> {
    match end.saturating_sub(start) {
        0 => Err(Kind::EmptySegment),
        1 if path[start] == b'.' => Err(Kind::DotSegment),
        2 if path[start] == b'.' && path[end.saturating_sub(1)] == b'.' => Err(Kind::DotSegment),
        _ => Ok(()),
    }
}
