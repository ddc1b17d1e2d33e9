//! Certificate signing requests, those that we refuse too.

use der::Decode;
use der::asn1::ObjectIdentifier;

use super::certificate::{name, name_fields};
use super::context::Context;
use super::error::Broken;
use super::item::{Item, Kind};
use super::{keys, words};
use crate::csr::{Csr, CsrError, EXTENSION_REQUESTS};
use crate::lint::Severity::{Error, Notice};
use crate::spiffe::SpiffeIdRef;
use crate::x509::encode::{INTEGER, OID, SEQUENCE, SET, explicit};
use crate::x509::reader::DerReader;
use crate::x509::wire::{ExtensionRef, read_extension_list};
use crate::x509::{AltNames, BasicConstraints, extension as ext};

const CHALLENGE_PASSWORD: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.7");

/// A request as it lies in memory. Unlike [`Csr`] it may have any key and any signature.
struct Request<'a> {
    subject: &'a [u8],
    spki: &'a [u8],
    signature_algorithm: &'a [u8],
    attributes: Option<DerReader<'a>>,
}

/// What a request asks for, as far as it can be read.
#[derive(Default)]
struct Wishes<'a> {
    extensions: Vec<ExtensionRef<'a>>,
    password: bool,
}

pub(super) fn describe(der: &[u8], place: &str, context: &Context<'_>) -> Result<Item, Broken> {
    let judged = Csr::from_der(der);
    let request = read(der).map_err(|e| match &judged {
        Err(refused) => broken(refused, place),
        Ok(_) => broken(&CsrError::Malformed { field: "CertificationRequest", reason: e.to_string() }, place),
    })?;
    let wishes = request.attributes.and_then(|attributes| read_attributes(attributes).ok()).unwrap_or_default();
    let names = wishes.get(ext::SUBJECT_ALT_NAME).and_then(|e| AltNames::decode(e.value).ok()).unwrap_or_default();

    let mut item = Item::new(Kind::Request, place, title(request.subject, &names));
    item.field("subject", name(request.subject));
    keys::key_fields(&mut item, request.spki, context);
    item.field("signature", keys::signature_in_words(request.signature_algorithm));
    name_fields(&mut item, &names);
    asked_ca(&mut item, &wishes);
    asked_names(&mut item, &names, judged.is_ok());
    asked_more(&mut item, &wishes);
    proof(&mut item, judged, context);
    item.field("SHA-256", words::hex(&context.crypto.sha256(der)));
    item.problems.sort_by_key(|problem| core::cmp::Reverse(problem.severity));
    Ok(item)
}

fn title(subject: &[u8], names: &AltNames<'_>) -> String {
    match names.uris.as_slice() {
        [one] if SpiffeIdRef::parse(one).is_ok() => format!("certificate signing request for {}", words::clean(one, 2100)),
        _ if subject == [0x30, 0x00] => "certificate signing request".into(),
        _ => format!("certificate signing request of {}", name(subject)),
    }
}

fn broken(e: &CsrError, place: &str) -> Broken {
    Broken { what: "a certificate signing request", place: place.into(), code: e.code(), reason: e.to_string(), source: "RFC 2986 §4" }
}

/// What this library would refuse it for: form, key, signature.
fn proof(item: &mut Item, judged: Result<Csr, CsrError>, context: &Context<'_>) {
    if !context.spend() {
        item.problem(Notice, "inspect.not_checked", "signature", "it was not verified: the file has too many keys and signatures", "RFC 2986 §4.2");
        return;
    }
    match judged.and_then(|csr| csr.prove(context.crypto)) {
        Ok(_) => item.field("proof of possession", "good: it is signed with its own key"),
        Err(e) => {
            let (field, source) = match &e {
                CsrError::Key(_) => ("subjectPKInfo", "RFC 2986 §4.1"),
                CsrError::SignatureAlgorithm(_) | CsrError::SignatureDoesNotFitKey { .. } => ("signatureAlgorithm", "RFC 2986 §4.2"),
                CsrError::NoProof => ("signature", "RFC 2986 §4.2"),
                CsrError::Version(_) => ("version", "RFC 2986 §4.1"),
                CsrError::Ambiguous(_) => ("attributes", "RFC 2985 §5.4.2"),
                _ => ("attributes", "RFC 2986 §4.1"),
            };
            item.problem(Error, e.code(), field, keys::named(&e.to_string()), source);
        }
    }
}

fn asked_ca(item: &mut Item, wishes: &Wishes<'_>) {
    let Some(e) = wishes.get(ext::BASIC_CONSTRAINTS) else { return };
    if BasicConstraints::decode(e.value).is_ok_and(|constraints| constraints.ca) {
        item.field("CA", "asked for");
        let message = "it asks to become a CA: a request for a workload or server must not, and a cluster's CA is made with `cluster add`";
        item.problem(Error, "inspect.csr_ca", "basicConstraints", message, "SPIFFE X509-SVID §4.1");
    }
}

fn asked_names(item: &mut Item, names: &AltNames<'_>, readable: bool) {
    const FIELD: &str = "subjectAltName";
    match names.uris.as_slice() {
        // Where the extensions could not be read, nobody knows.
        [] if !readable => {}
        [] => item.problem(Notice, "inspect.csr_without_id", FIELD, "it names no SPIFFE ID: whoever signs it says which", "SPIFFE X509-SVID §2"),
        [one] => match SpiffeIdRef::parse(one) {
            Ok(id) if id.path().is_empty() => {
                item.problem(
                    Error,
                    "inspect.csr_id_without_path",
                    FIELD,
                    "its SPIFFE ID has no path: it names the trust domain, not a workload",
                    "SPIFFE X509-SVID §3.1",
                );
            }
            Ok(_) => {}
            Err(e) => item.problem(Error, "inspect.csr_not_a_spiffe_id", FIELD, format!("its URI is no SPIFFE ID: {e}"), "SPIFFE-ID §2"),
        },
        several => {
            item.problem(
                Error,
                "inspect.csr_several_uris",
                FIELD,
                format!("it has {} URIs: an X.509-SVID has exactly one", several.len()),
                "SPIFFE X509-SVID §2",
            );
        }
    }
    let others = [names.dns.len(), names.ips.len(), names.emails.len(), names.directory_names.len(), names.others];
    if others.iter().any(|count| *count > 0) {
        item.problem(Notice, "inspect.csr_other_names", FIELD, "names other than the SPIFFE ID are not copied to the certificate", "RFC 2986 §4.1");
    }
}

fn asked_more(item: &mut Item, wishes: &Wishes<'_>) {
    let more: Vec<String> =
        wishes.extensions.iter().filter(|e| ![ext::SUBJECT_ALT_NAME, ext::BASIC_CONSTRAINTS].contains(&e.oid)).map(extension_name).collect();
    if !more.is_empty() {
        item.field("asks for, too", format!("{} (the profile decides, not the request)", words::list(more.into_iter())));
    }
    if wishes.password {
        let message = "it carries a challenge password in plain text, which nothing uses: do not send passwords that matter";
        item.problem(Notice, "inspect.csr_password", "challengePassword", message, "RFC 2985 §5.4.1");
    }
}

fn extension_name(e: &ExtensionRef<'_>) -> String {
    match e.oid {
        ext::KEY_USAGE => "keyUsage".into(),
        ext::EXTENDED_KEY_USAGE => "extKeyUsage".into(),
        ext::SUBJECT_KEY_IDENTIFIER => "subjectKeyIdentifier".into(),
        ext::NAME_CONSTRAINTS => "nameConstraints".into(),
        other => other.to_string(),
    }
}

impl<'a> Wishes<'a> {
    fn get(&self, oid: ObjectIdentifier) -> Option<ExtensionRef<'a>> {
        self.extensions.iter().find(|e| e.oid == oid).copied()
    }
}

fn read(der: &[u8]) -> der::Result<Request<'_>> {
    let mut outer = DerReader::new(der);
    let mut fields = outer.required(SEQUENCE)?.inside();
    outer.finish()?;
    let mut info = fields.required(SEQUENCE)?.inside();
    let signature_algorithm = fields.required(SEQUENCE)?.whole;
    fields.element()?;
    fields.finish()?;
    info.required(INTEGER)?;
    let subject = info.required(SEQUENCE)?.whole;
    let spki = info.required(SEQUENCE)?.whole;
    let attributes = info.optional(explicit(0))?.map(|element| element.inside());
    info.finish()?;
    Ok(Request { subject, spki, signature_algorithm, attributes })
}

fn read_attributes(mut attributes: DerReader<'_>) -> der::Result<Wishes<'_>> {
    let mut wishes = Wishes::default();
    while !attributes.is_finished() {
        let mut fields = attributes.required(SEQUENCE)?.inside();
        let oid = ObjectIdentifier::from_der(fields.required(OID)?.whole)?;
        let mut values = fields.required(SET)?.inside();
        wishes.password |= oid == CHALLENGE_PASSWORD;
        if EXTENSION_REQUESTS.contains(&oid) {
            let list = values.required(SEQUENCE)?;
            if !list.content.is_empty() {
                wishes.extensions.extend(read_extension_list(list)?);
            }
        }
    }
    Ok(wishes)
}
