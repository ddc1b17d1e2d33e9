//! What ends trust between those who have it, and when.

use meshroot::doctor::Diagnosis;

use super::words::{is_ever, pairs, planes, until_styled, what};
use crate::output::{Out, Style};

/// The next ends; later ones will have moved by then.
const MOST_SHOWN: usize = 8;

pub(super) fn print(out: &Out, diagnosis: &Diagnosis) {
    let breaks: Vec<_> = diagnosis.forecast.iter().filter(|breaks| is_ever(breaks)).collect();
    if breaks.is_empty() {
        return;
    }
    out.line(out.styled(Style::Strong, "What ends it first"));
    for one in breaks.iter().take(MOST_SHOWN) {
        out.line(format_args!("  {}  {}", until_styled(out, one.expiry.at, diagnosis.now), what(&one.expiry)));
        out.line(format_args!("      then no more  {}; {}", pairs(&one.pairs), planes(&one.planes)));
    }
    if let Some(more) = breaks.len().checked_sub(MOST_SHOWN).filter(|more| *more > 0) {
        out.line(format_args!("  and {more} more: see --json"));
    }
    out.line("");
}
