use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::x509::Certificate;

/// Bytes of content in one line of 64 characters (RFC 7468 §2).
const LINE: usize = 48;

/// Certificates as PEM, one after the other, lines of 64, each ending in a line break.
pub fn encode_certificates<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> String {
    certificates.into_iter().map(|certificate| encode_certificate(certificate.der())).collect()
}

/// One certificate as PEM, lines of 64, ending in a line break.
pub(crate) fn encode_certificate(der: &[u8]) -> String {
    encode("CERTIFICATE", der)
}

/// Any structure as PEM.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    pem::encode_config(&pem::Pem::new(label, der), pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF))
}

/// A private key as PEM. Unlike [`encode`] it leaves no copy of the content behind: the text is written once, into a
/// buffer that is large enough from the start.
pub(crate) fn encode_secret(label: &str, der: &[u8]) -> Zeroizing<String> {
    let boundaries = label.len().saturating_mul(2).saturating_add(64);
    let characters = der.len().div_ceil(LINE).saturating_mul(65);
    let mut text = Zeroizing::new(String::with_capacity(boundaries.saturating_add(characters)));
    for part in ["-----BEGIN ", label, "-----\n"] {
        text.push_str(part);
    }
    for line in der.chunks(LINE) {
        STANDARD.encode_string(line, &mut text);
        text.push('\n');
    }
    for part in ["-----END ", label, "-----\n"] {
        text.push_str(part);
    }
    text
}
