//! Name constraints in words.

use der::Decode;
use x509_cert::ext::pkix;
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::name::GeneralName;

use super::words::{clean, hex, list};

/// `only URI mesh.example; never DNS internal`
pub(super) fn in_words(value: &[u8]) -> String {
    let Ok(constraints) = pkix::NameConstraints::from_der(value) else { return "unreadable".into() };
    let subtrees = |words: &str, subtrees: Option<Vec<GeneralSubtree>>| {
        let subtrees = subtrees.filter(|subtrees| !subtrees.is_empty())?;
        Some(format!("{words} {}", list(subtrees.iter().map(|subtree| base(&subtree.base)))))
    };
    let both = [subtrees("only", constraints.permitted_subtrees), subtrees("never", constraints.excluded_subtrees)];
    let words: Vec<String> = both.into_iter().flatten().collect();
    if words.is_empty() { "none".into() } else { words.join("; ") }
}

fn base(name: &GeneralName) -> String {
    match name {
        GeneralName::UniformResourceIdentifier(uri) => format!("URI {}", clean(uri.as_ref(), 260)),
        GeneralName::DnsName(dns) => format!("DNS {}", clean(dns.as_ref(), 260)),
        GeneralName::Rfc822Name(email) => format!("e-mail {}", clean(email.as_ref(), 260)),
        GeneralName::IpAddress(octets) => format!("IP {}", clean(&hex(octets.as_bytes()), 64)),
        GeneralName::DirectoryName(name) => format!("subject {}", clean(&name.to_string(), 300)),
        _ => "a name of another kind".into(),
    }
}
