//! PEM (RFC 7468): reading what people and programs write, with the place of every mistake; writing the strict form.

/// One certificate as PEM, lines of 64, ending in a line break.
pub(crate) fn encode_certificate(der: &[u8]) -> String {
    encode("CERTIFICATE", der)
}

/// Any structure as PEM.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    pem::encode_config(&pem::Pem::new(label, der), pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF))
}
