//! What others refuse while they read a certificate, wherever it stands.

use core::net::IpAddr;

use crate::time::Timestamp;
use crate::verify::Reason;
use crate::verify::rules::alt_names;
use crate::x509::encode::{SEQUENCE, SET, UTF8_STRING};
use crate::x509::extension as ext;
use crate::x509::reader::{DerReader, Element};
use crate::x509::wire::TbsRef;

use super::Departures;
use super::table::Departure as D;

const PRINTABLE_STRING: u8 = 0x13;

/// Everything that this reader refuses in one certificate.
pub(in crate::verify) fn check(tbs: &TbsRef<'_>, d: Departures) -> Result<(), Reason> {
    let refused = |what| Err(Reason::TheirRule(what));
    if d.has(D::KeyIdentifiersRead) {
        for extension in &tbs.extensions {
            let readable = match extension.oid {
                ext::SUBJECT_KEY_IDENTIFIER => ext::subject_key_identifier(extension.value).is_ok(),
                ext::AUTHORITY_KEY_IDENTIFIER => ext::authority_key_identifier(extension.value).is_ok(),
                _ => true,
            };
            if !readable {
                return refused("a key identifier that cannot be read");
            }
        }
    }
    if d.has(D::UniqueIds) && tbs.has_unique_ids {
        return refused("a unique identifier");
    }
    if d.has(D::Before1970) && tbs.validity.not_before < Timestamp::from_unix(0) {
        return refused("a notBefore that lies before 1970");
    }
    if !subject_is_read(tbs.subject, d) {
        return refused("a subject with text that its type does not allow");
    }
    if !(d.has(D::TrustDomainLabels) || d.has(D::IpOctets)) {
        return Ok(());
    }
    let Some(names) = alt_names(tbs)? else { return Ok(()) };
    if d.has(D::IpOctets) && names.ips.iter().any(|octets| !matches!(octets.len(), 4 | 16)) {
        return refused("an IP address that has neither 4 nor 16 octets");
    }
    if d.has(D::TrustDomainLabels) && !names.uris.iter().all(|uri| go_parses(uri)) {
        return refused("a URI that Go's url package does not parse, or whose host has an empty label");
    }
    Ok(())
}

fn inside<'a>(element: der::Result<Element<'a>>) -> der::Result<DerReader<'a>> {
    element.map(|element| element.inside())
}

fn subject_is_read(subject: &[u8], d: Departures) -> bool {
    let Ok(mut rdns) = inside(DerReader::new(subject).required(SEQUENCE)) else { return true };
    while let Ok(rdn) = rdns.required(SET) {
        if rdn.content.is_empty() && d.has(D::SubjectEmptyRdn) {
            return false;
        }
        let mut attributes = rdn.inside();
        while let Ok(mut attribute) = inside(attributes.required(SEQUENCE)) {
            let (Ok(_), Ok(value)) = (attribute.element(), attribute.element()) else { continue };
            let refused = match value.tag {
                UTF8_STRING => d.has(D::SubjectText) && core::str::from_utf8(value.content).is_err(),
                PRINTABLE_STRING => d.has(D::SubjectPrintable) && !value.content.iter().all(|letter| is_printable(*letter)),
                _ => false,
            };
            if refused {
                return false;
            }
        }
    }
    true
}

/// Go's isPrintable: the set of PrintableString, and `*` and `&`, which many CAs have used.
fn is_printable(letter: u8) -> bool {
    letter.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(&letter)
}

/// parseSANExtension: url.Parse, and domainNameValid for a host that is there, unless it is an IP address.
fn go_parses(uri: &str) -> bool {
    if uri.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return false;
    }
    let Some((_, rest)) = uri.split_once("://") else { return true };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.starts_with('[') {
        return true;
    }
    // In a host only non-ASCII bytes may be escaped.
    let escaped_ascii =
        |after: &str| !matches!(after.as_bytes(), [b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F', second, ..] if second.is_ascii_hexdigit());
    if host.split('%').skip(1).any(escaped_ascii) {
        return false;
    }
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    host.is_empty() || host.parse::<IpAddr>().is_ok() || host.split('.').all(|label| !label.is_empty())
}
