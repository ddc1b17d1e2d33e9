use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::x509::Certificate;

/// Characters in one line (RFC 7468 §2).
const LINE: usize = 64;

/// Certificates as PEM, one after the other, lines of 64, each ending in a line break.
pub fn encode_certificates<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> String {
    let mut text = String::new();
    certificates.into_iter().for_each(|certificate| write(&mut text, "CERTIFICATE", certificate.der()));
    text
}

/// One certificate as PEM, lines of 64, ending in a line break.
pub(crate) fn encode_certificate(der: &[u8]) -> String {
    encode("CERTIFICATE", der)
}

/// Any structure as PEM.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    let mut text = String::new();
    write(&mut text, label, der);
    text
}

/// A private key as PEM. It leaves no copy of the content behind: the text is written once, into a buffer that is large
/// enough from the start.
pub(crate) fn encode_secret(label: &str, der: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    write(&mut text, label, der);
    text
}

/// Makes room for all of it first: what is moved to a larger place leaves a copy.
fn write(text: &mut String, label: &str, der: &[u8]) {
    let boundaries = label.len().saturating_mul(2).saturating_add(64);
    // Four characters for three bytes, and a line break for each line.
    let characters = der.len().div_ceil(3).saturating_mul(4);
    let characters = characters.saturating_add(characters.div_ceil(LINE));
    text.reserve(boundaries.saturating_add(characters));
    for part in ["-----BEGIN ", label, "-----\n"] {
        text.push_str(part);
    }
    let base64 = Zeroizing::new(STANDARD.encode(der));
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, behind) = rest.split_at_checked(LINE).unwrap_or((rest, ""));
        text.push_str(line);
        text.push('\n');
        rest = behind;
    }
    for part in ["-----END ", label, "-----\n"] {
        text.push_str(part);
    }
}
