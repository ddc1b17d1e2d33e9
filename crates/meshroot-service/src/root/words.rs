//! What a request asks for, for people. Made from the request alone, so that both sides say the same.

use std::time::Duration;

use meshroot::time::humanize;

use super::RootRequest;

pub(super) fn of(request: &RootRequest) -> Vec<String> {
    let mut words = vec![format!("The root {} of {} is asked, at {}, to sign:", request.root, request.trust_domain, request.made_at)];
    for ask in &request.cluster_cas {
        let lifetime = humanize(Duration::from_secs(ask.lifetime_seconds));
        words.push(format!(
            "- a {} certificate for the cluster '{}', for {lifetime}, for the key of the request with SHA-256 {}, which {} asked for at {}",
            line(&ask.profile),
            line(&ask.cluster),
            line(&ask.csr_sha256),
            line(&ask.asked_by),
            ask.asked_at
        ));
    }
    if let Some(crl) = &request.crl {
        words.push(format!("- its CRL, with a number above {}, with all that it revoked before", crl.number_above));
        for one in &crl.revoked {
            let (subject, serial, reason) = (line(&one.subject), line(&one.serial), line(&one.reason));
            words.push(format!("  and {subject}, serial number {serial}, revoked since {} ({reason}) by {}", one.at, line(&one.by)));
        }
    }
    words
}

/// A text from elsewhere, on one line and with nothing that a terminal would obey.
fn line(text: &str) -> String {
    text.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::RootAnswer;

    #[test]
    fn a_file_that_is_none_writes_nothing_of_its_own_to_a_terminal() {
        let name = format!("\u{1b}[2J\nsigned: 1\n{}", "x".repeat(10_000));
        let file = serde_json::json!({ name: 1 }).to_string();
        for error in [RootRequest::from_json(file.as_bytes()).unwrap_err(), RootAnswer::from_json(file.as_bytes()).unwrap_err()] {
            let said = error.to_string();
            assert!(said.len() < 600 && !said.chars().any(char::is_control), "{said:?}");
            assert!(said.contains("unknown field `\\u{1b}[2J\\nsigned") && said.contains(" at line 1 column "), "{said}");
        }
    }
}
