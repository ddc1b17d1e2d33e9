//! Kubernetes Secrets: what is in them, and for an Istio plug-in CA what istiod would say.

use super::context::Context;
use super::error::Reason;
use super::item::{Item, Kind};
use super::words::{clean, count, list};
use crate::istio::manifest::{self, SecretManifest};
use crate::istio::{self, CacertsFiles};
use crate::lint::Severity;
use crate::pem;
use crate::x509::Certificate;

pub(super) fn items(text: &[u8], context: &Context<'_>) -> Result<Vec<Item>, Reason> {
    let text = text.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(text);
    let secrets = manifest::secrets(text).map_err(Reason::Manifest)?;
    let mut items = Vec::new();
    for secret in &secrets {
        items.extend(describe(secret, context));
    }
    Ok(items)
}

fn describe(secret: &SecretManifest, context: &Context<'_>) -> Vec<Item> {
    let is_ca = is_plug_in_ca(secret);
    let name = clean(&secret.name, 253);
    let what = if is_ca { "Kubernetes Secret with an Istio plug-in CA" } else { "Kubernetes Secret" };
    let mut item = Item::new(Kind::Secret, format!("line {}", secret.line), format!("{what}: {name}"));
    item.field("name", name);
    item.field("namespace", secret.namespace.as_deref().map_or_else(|| "not said".into(), |namespace| clean(namespace, 253)));
    if let Some(secret_type) = &secret.secret_type {
        item.field("type", clean(secret_type, 253));
    }
    if !secret.other_keys.is_empty() {
        item.field("other keys", format!("{} (not looked into)", list(secret.other_keys.iter().map(|key| clean(key, 80)))));
    }
    let files = files(&secret.files);
    if files.iter().any(|file| file.secret) {
        let message = "a manifest holds its private key unencrypted, base64 hides nothing: keep it out of version control, or seal it";
        item.problem(Severity::Notice, "inspect.plain_key", "data", message, "Kubernetes: Good practices for Secrets");
    }
    if is_ca && !context.spend() {
        item.problem(
            Severity::Notice,
            "inspect.not_checked",
            "data",
            "it was not judged as a whole: there are too many keys and signatures",
            "Istio: plug in CA certificates",
        );
    } else if is_ca {
        let report = istio::check(&secret.files, context.crypto, context.now);
        item.field("as istiod sees it", if report.is_good() { "good" } else { "it would not work" });
        for finding in report.findings() {
            let severity = if finding.severity == istio::Severity::Hurts { Severity::Warning } else { Severity::Error };
            let message = format!("{} ({}): {}", clean(&finding.message, 600), finding.severity, clean(&finding.remedy, 600));
            item.problem(severity, finding.code, finding.file, message, "Istio: plug in CA certificates");
        }
    }
    item.problems.sort_by_key(|problem| core::cmp::Reverse(problem.severity));
    let mut items = vec![item];
    for file in files {
        items.extend(content(&file, is_ca, context));
    }
    if !is_ca {
        key_of_tls(secret, &mut items, context);
    }
    items
}

/// A plug-in CA by its layout, or a `kubernetes.io/tls` Secret whose certificate is a CA's.
fn is_plug_in_ca(secret: &SecretManifest) -> bool {
    let files = &secret.files;
    let istio_layout = files.ca_cert.is_some() || files.ca_key.is_some() || files.cert_chain.is_some();
    let tls_ca = || files.tls_crt.as_deref().and_then(first_certificate).is_some_and(|certificate| certificate.is_ca());
    istio_layout || (secret.name == istio::SECRET_NAME && !files.is_empty()) || tls_ca()
}

fn first_certificate(text: &[u8]) -> Option<Certificate> {
    Certificate::from_der(&pem::parse(text).ok()?.first()?.der).ok()
}

struct File<'a> {
    name: &'static str,
    bytes: &'a [u8],
    secret: bool,
}

fn files(files: &CacertsFiles) -> Vec<File<'_>> {
    let public = [
        (istio::CA_CERT, &files.ca_cert),
        (istio::CERT_CHAIN, &files.cert_chain),
        (istio::ROOT_CERT, &files.root_cert),
        (istio::CA_CRL, &files.ca_crl),
        (istio::TLS_CRT, &files.tls_crt),
        (istio::TLS_CA, &files.tls_ca),
    ];
    let private = [(istio::CA_KEY, &files.ca_key), (istio::TLS_KEY, &files.tls_key)];
    let public = public.into_iter().filter_map(|(name, bytes)| Some(File { name, bytes: bytes.as_deref()?, secret: false }));
    let private = private.into_iter().filter_map(|(name, bytes)| Some(File { name, bytes: bytes.as_ref()?.as_slice(), secret: true }));
    public.chain(private).collect()
}

/// The items of one file, placed in it. Of a plug-in CA, how the files fit together has been judged already.
fn content(file: &File<'_>, is_ca: bool, context: &Context<'_>) -> Vec<Item> {
    let placed = |place: &str| if place.is_empty() { file.name.to_owned() } else { format!("{}, {place}", file.name) };
    if file.bytes.trim_ascii().is_empty() {
        let mut item = Item::new(Kind::Broken, file.name, "empty file");
        item.problem(
            if is_ca { Severity::Notice } else { Severity::Error },
            "inspect.empty_file",
            "data",
            "it holds nothing",
            "Kubernetes: TLS Secrets",
        );
        return vec![item];
    }
    match super::pem::items(file.bytes, context) {
        Ok(mut items) => {
            items.retain(|item| !is_ca || item.kind != Kind::Chain);
            for item in &mut items {
                item.place = placed(&item.place);
            }
            items
        }
        Err(reason) => {
            let e = super::InspectError::new("", reason);
            let mut item = Item::new(Kind::Broken, file.name, format!("file of {}, broken", count(file.bytes.len(), "byte")));
            item.problem(Severity::Error, e.code(), "data", e.to_string(), "RFC 7468 §2");
            vec![item]
        }
    }
}

/// Whether the key of a TLS Secret is that of its certificate.
fn key_of_tls(secret: &SecretManifest, items: &mut [Item], context: &Context<'_>) {
    let (Some(certificate), Some(key)) = (&secret.files.tls_crt, &secret.files.tls_key) else { return };
    let (Some(certificate), true) = (first_certificate(certificate), context.spend()) else { return };
    let Ok(key) = crate::key::PrivateKey::from_pem(key, None, context.crypto) else { return };
    if key.public_key().key_bytes() == certificate.public_key().key_bytes() {
        return;
    }
    if let Some(item) = items.first_mut() {
        let message = "the private key does not belong to the first certificate of tls.crt";
        item.problem(Severity::Error, "inspect.key_mismatch", "tls.key", message, "RFC 8446 §4.4.2");
        item.problems.sort_by_key(|problem| core::cmp::Reverse(problem.severity));
    }
}
