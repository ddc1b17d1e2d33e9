//! JSON: manifests as `kubectl get -o json` prints them, SPIFFE bundles and bundle maps; one document after the other.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use super::Reader;
use crate::exit::{Exit, Failure, Result};

/// Documents of one text: a cluster each, at most.
const MOST_DOCUMENTS: usize = 1_000;

impl Reader<'_> {
    pub(super) fn json(&mut self, bytes: &[u8], name: &str) -> Result<()> {
        // Only the members' names are kept: the values may be keys.
        let mut documents = serde_json::Deserializer::from_slice(bytes).into_iter::<BTreeMap<String, IgnoredAny>>();
        let mut parts = Vec::new();
        let mut begin = 0;
        while let Some(members) = documents.next() {
            let members = members.map_err(|e| malformed(&e))?;
            let end = documents.byte_offset();
            parts.push((members, bytes.get(begin..end).unwrap_or_default()));
            begin = end;
            if parts.len() > MOST_DOCUMENTS {
                let message = format!("more than {MOST_DOCUMENTS} JSON documents, one after the other");
                return Err(Failure::new(Exit::BadInput, "doctor.too_much", message));
            }
        }
        let several = parts.len() > 1;
        for (number, (members, text)) in (1..).zip(parts) {
            let name = if several { format!("{name}#{number}") } else { name.to_owned() };
            self.one(&members, text, &name).map_err(|failure| if several { failure.at(format_args!("document {number}")) } else { failure })?;
        }
        Ok(())
    }

    fn one(&mut self, members: &BTreeMap<String, IgnoredAny>, text: &[u8], name: &str) -> Result<()> {
        let has = |member| members.contains_key(member);
        if has("kind") {
            self.manifest(text, name)
        } else if has("trust_domains") {
            self.map(text, name)
        } else if has("keys") {
            self.bundle(text, name)
        } else {
            let some: Vec<_> = members.keys().take(5).map(|name| name.chars().take(40).flat_map(char::escape_debug).collect::<String>()).collect();
            let found = if some.is_empty() { "no members".to_owned() } else { format!("the members {}", some.join(", ")) };
            let message = format!("a JSON document with {found}: a manifest has `kind`, a SPIFFE bundle `keys`, a bundle map `trust_domains`");
            Err(Failure::new(Exit::BadInput, "doctor.json", message))
        }
    }
}

/// The reader's words quote values, which may be keys: the place and the kind of fault are enough.
fn malformed(e: &serde_json::Error) -> Failure {
    let what = match e.classify() {
        serde_json::error::Category::Eof => "the JSON is cut off",
        serde_json::error::Category::Data => "this JSON is no object",
        _ => "this is no JSON",
    };
    Failure::new(Exit::BadInput, "doctor.json", format!("line {}, column {}: {what}", e.line(), e.column()))
}
