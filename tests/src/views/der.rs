//! Writing DER, right or deliberately wrong: every element is bytes that a case may replace.

/// One element: tag, length, content.
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        short @ 0..=0x7f => out.push(short as u8),
        long => {
            let bytes = long.to_be_bytes();
            let skip = bytes.iter().take_while(|b| **b == 0).count();
            out.push(0x80 | (bytes.len() - skip) as u8);
            out.extend_from_slice(&bytes[skip..]);
        }
    }
    out.extend_from_slice(content);
    out
}

/// A SEQUENCE of these elements.
pub fn seq(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// An OBJECT IDENTIFIER from its dotted form.
pub fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u64> = dotted.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut content = vec![];
    for arc in std::iter::once(arcs[0] * 40 + arcs[1]).chain(arcs[2..].iter().copied()) {
        let groups = (1..10).find(|n| arc >> (7 * n) == 0).unwrap_or(10);
        for n in (0..groups).rev() {
            content.push((arc >> (7 * n)) as u8 & 0x7f | if n == 0 { 0 } else { 0x80 });
        }
    }
    tlv(0x06, &content)
}

/// BOOLEAN TRUE.
pub const TRUE: [u8; 3] = [0x01, 0x01, 0xff];

/// An INTEGER from its content octets, as they are.
pub fn int(content: &[u8]) -> Vec<u8> {
    tlv(0x02, content)
}

/// A Name of single-valued RDNs with UTF8Strings: `[("O", "mesh.example"), ("CN", "Root")]`.
pub fn name(parts: &[(&str, &str)]) -> Vec<u8> {
    name_as(0x0c, parts)
}

/// As [`name`], with another string type.
pub fn name_as(string: u8, parts: &[(&str, &str)]) -> Vec<u8> {
    let rdns: Vec<Vec<u8>> = parts
        .iter()
        .map(|(attribute, value)| {
            let kind = match *attribute {
                "CN" => oid("2.5.4.3"),
                "O" => oid("2.5.4.10"),
                "OU" => oid("2.5.4.11"),
                other => panic!("attribute {other}"),
            };
            tlv(0x31, &seq(&[&kind, &tlv(string, value.as_bytes())]))
        })
        .collect();
    tlv(0x30, &rdns.concat())
}

/// UTCTime from `YYMMDDHHMMSS`, `Z` added.
pub fn utc(digits: &str) -> Vec<u8> {
    tlv(0x17, format!("{digits}Z").as_bytes())
}

/// GeneralizedTime from `YYYYMMDDHHMMSS`, `Z` added.
pub fn generalized(digits: &str) -> Vec<u8> {
    tlv(0x18, format!("{digits}Z").as_bytes())
}

/// A BIT STRING of whole octets.
pub fn bits(content: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0], content].concat())
}

/// Where the BIT STRING of a certificate's ECDSA signature begins: it is the last element.
pub fn signature_at(der: &[u8]) -> usize {
    let begins = |at: &usize| der[*at] == 0x03 && usize::from(der[at + 1]) + at + 2 == der.len() && der[at + 2..at + 4] == [0, 0x30];
    (der.len() - 80..der.len() - 60).find(begins).unwrap()
}
