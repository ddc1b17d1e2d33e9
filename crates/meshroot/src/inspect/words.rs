//! Values in words, fit for a terminal whatever they came from.

use core::fmt::Write as _;

use crate::hex::Hex;
use crate::time::{Timestamp, Validity, humanize};

/// Names of one kind that are listed; the rest is counted.
const LISTED: usize = 10;

/// Untrusted text on one line, at most `most` characters: control characters, and those that turn the direction of text
/// or are invisible, are escaped.
pub(super) fn clean(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    for (count, c) in text.chars().enumerate() {
        if count >= most {
            let _ = write!(out, "… ({} bytes in all)", text.len());
            break;
        }
        let hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}' | '\u{61c}');
        if c.is_control() || hidden { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// Names, separated by commas; long lists are cut.
pub(super) fn list(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(LISTED);
    let mut out = names.take(LISTED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        let _ = write!(out, " and {more} more");
    }
    out
}

pub(super) fn hex(bytes: &[u8]) -> String {
    Hex(bytes).to_string()
}

/// `1 error`, `2 errors`
pub(super) fn count(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// Where `now` lies in the period: `valid for 364d`, `expired 3d ago`, `not valid yet, for another 2h`.
pub(super) fn at(validity: Validity, now: Timestamp) -> String {
    if now > validity.not_after {
        format!("expired {} ago", humanize(now.since(validity.not_after)))
    } else if now < validity.not_before {
        format!("not valid yet, for another {}", humanize(validity.not_before.since(now)))
    } else if validity.not_after == Timestamp::MAX {
        "it never expires".into()
    } else {
        format!("valid for {}", humanize(validity.remaining(now)))
    }
}
