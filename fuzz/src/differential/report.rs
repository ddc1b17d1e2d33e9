use std::fmt::{Debug, Write as _};

use super::difference::Difference;
use super::world::Case;

/// How two judges compare on a case.
#[derive(Debug)]
pub enum Outcome {
    /// Both accept.
    BothAccept,
    /// Both refuse.
    BothRefuse,
    /// They disagree, and this says why they may.
    Allowed(&'static Difference),
    /// They disagree, and nothing says why.
    Finding {
        /// Both verdicts in short, the same for findings of one cause.
        short: String,
        /// Both verdicts, what was done, and all certificates.
        text: String,
    },
}

impl Outcome {
    /// The name under which it is counted.
    pub fn name(&self) -> &'static str {
        match self {
            Self::BothAccept => "both accept",
            Self::BothRefuse => "both refuse",
            Self::Allowed(difference) => difference.code,
            Self::Finding { .. } => "FINDING",
        }
    }

    /// What a fuzz target does with it.
    pub(super) fn assert(self) {
        if let Self::Finding { text, .. } = self {
            panic!("{text}");
        }
    }

    pub(super) fn finding(case: &Case, ours: (&str, &dyn Debug), theirs: (&str, &dyn Debug)) -> Self {
        let mut text = format!("no allowed difference explains this\n  we: {} {:?}\n  {}: {:?}\n", ours.0, ours.1, theirs.0, theirs.1);
        for line in &case.story {
            let _ = writeln!(text, "  {line}");
        }
        let _ = writeln!(text, "  at {}, for {:?}", case.now, case.purpose);
        let all = [("leaf", std::slice::from_ref(&case.leaf)), ("sent", &case.intermediates), ("anchor", &case.anchors), ("crl", &case.crls)];
        for (what, ders) in all {
            for der in ders {
                let hex = der.iter().fold(String::new(), |mut hex, byte| {
                    let _ = write!(hex, "{byte:02x}");
                    hex
                });
                let _ = writeln!(text, "  {what} {hex}");
            }
        }
        let mut theirs_in_short = format!("{:?}", theirs.1);
        theirs_in_short.truncate(60);
        Self::Finding { short: format!("we: {}, {}: {theirs_in_short}", ours.0, theirs.0), text }
    }
}
