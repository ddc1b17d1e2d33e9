use std::fmt::Write as _;
use std::sync::Arc;

use meshroot::policy::PolicyCut;
use meshroot::x509::SerialNumber;
use meshroot_store::{Lost, Outcome, Transaction};
use tokio::sync::oneshot;

use super::answer::{Cut, cut};
use crate::metrics::Commits;
use crate::{audit, log};

/// By which the outcome of a submission finds who asked, and its line in the log.
#[derive(Debug)]
pub(super) struct Ticket {
    request_id: Arc<str>,
    caller: Arc<str>,
    cut: Option<PolicyCut>,
    send: oneshot::Sender<Settled>,
}

/// How a submission ended, and why the certificate lives shorter than asked for, as its line in the log says.
type Settled = (Result<Outcome, Lost>, Option<Cut>);

impl Ticket {
    pub(super) fn new(request_id: Arc<str>, caller: Arc<str>, cut: Option<PolicyCut>) -> (Self, oneshot::Receiver<Settled>) {
        let (send, receive) = oneshot::channel();
        (Self { request_id, caller, cut, send }, receive)
    }
}

/// Says what is recorded, all of it with one write, and then hands out the answers: nobody has a certificate that there is no line about,
/// also when the caller is gone.
pub(super) fn settle(transaction: Transaction<Ticket>, commits: &Commits) {
    commits.observe(transaction.outcomes.len(), transaction.took);
    let mut answers = Vec::with_capacity(transaction.outcomes.len());
    log::together(|| {
        for (ticket, outcome) in transaction.outcomes {
            let mut why = None;
            if let Ok(Outcome::Recorded(recorded)) = &outcome {
                why = cut(recorded.lifetime_cut(), ticket.cut.as_ref());
                let reason = why.as_ref().map(|cut| cut.reason.as_str());
                tell(&ticket.request_id, &ticket.caller, recorded.serial(), recorded.position(), reason);
            }
            answers.push((ticket.send, (outcome, why)));
        }
    });
    for (send, settled) in answers {
        // A caller that is gone takes no answer; the record stays.
        let _ = send.send(settled);
    }
}

pub(super) fn tell(request_id: &str, caller: &str, serial: &SerialNumber, position: u64, cut: Option<&str>) {
    let mut details = String::with_capacity(96);
    // Text takes whatever is written to it.
    let _ = write!(details, "serial {serial}, record {position}");
    if let Some(cut) = cut {
        details.push_str(", ");
        details.push_str(cut);
    }
    audit::granted(request_id, caller, "certificate", &details);
}
