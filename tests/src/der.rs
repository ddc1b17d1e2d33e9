//! DER, written by hand: certificates and CRLs that no library of ours would make have to come from somewhere.

use meshroot::time::Timestamp;

/// A tag, a length and the contents.
pub fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let mut out = vec![tag];
    if length < 0x80 {
        out.push(u8::try_from(length).unwrap());
    } else {
        let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        out.push(0x80 | u8::try_from(bytes.len()).unwrap());
        out.extend(bytes);
    }
    out.extend(contents);
    out
}

/// A SEQUENCE of finished parts.
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// An OBJECT IDENTIFIER of its encoded contents.
pub fn oid(contents: &[u8]) -> Vec<u8> {
    tlv(0x06, contents)
}

/// A non-negative INTEGER.
pub fn integer(big_endian: &[u8]) -> Vec<u8> {
    let mut contents: Vec<u8> = big_endian.iter().copied().skip_while(|byte| *byte == 0).collect();
    if contents.first().is_none_or(|byte| *byte >= 0x80) {
        contents.insert(0, 0);
    }
    tlv(0x02, &contents)
}

/// A BIT STRING of whole bytes.
pub fn bits(bytes: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0], bytes].concat())
}

/// A BIT STRING of named bits, bit 0 first, without trailing zeros (X.690 §11.2.2).
pub fn named_bits(set: &[u8]) -> Vec<u8> {
    let last = set.iter().max().copied().unwrap_or(0);
    let mut bytes = vec![0_u8; usize::from(last / 8) + 1];
    for bit in set {
        bytes[usize::from(bit / 8)] |= 0x80 >> (bit % 8);
    }
    tlv(0x03, &[&[7 - last % 8], bytes.as_slice()].concat())
}

/// UTCTime until 2049, then GeneralizedTime (RFC 5280 §4.1.2.5).
pub fn time(t: Timestamp) -> Vec<u8> {
    let text: String = t.to_string().chars().filter(char::is_ascii_alphanumeric).filter(|c| *c != 'T').collect();
    if ("1950".."2050").contains(&&text[..4]) { tlv(0x17, &text.as_bytes()[2..]) } else { tlv(0x18, text.as_bytes()) }
}

/// An X.501 name of UTF-8 attributes, each in an RDN of its own; `kind` is the last byte of the attribute's OID below 2.5.4.
pub fn name(attributes: &[(u8, &str)]) -> Vec<u8> {
    let rdns = attributes.iter().map(|(kind, value)| tlv(0x31, &sequence(&[&oid(&[0x55, 0x04, *kind]), &tlv(0x0c, value.as_bytes())])));
    tlv(0x30, &rdns.collect::<Vec<_>>().concat())
}

/// PEM of any label.
pub fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
