//! The diagnosis for machines: the library's own document, and what reading the sources was like.

use meshroot::doctor::Diagnosis;
use serde::Serialize;
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::net::Asked;
use crate::sources::{Gathered, Seen};

/// Written as it goes: for hundreds of clusters it is large.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    #[serde(flatten)]
    diagnosis: &'a Diagnosis,
    endpoints: Vec<Value>,
    remarks: &'a [String],
    unread: Vec<Value>,
}

impl<'a> Document<'a> {
    pub(super) fn new(diagnosis: &'a Diagnosis, gathered: &'a Gathered) -> Self {
        Self {
            diagnosis,
            endpoints: gathered.seen.iter().map(endpoint).collect(),
            remarks: &gathered.remarks,
            unread: gathered.unread.iter().map(|(source, failure)| unread(source, failure)).collect(),
        }
    }
}

fn unread(source: &str, failure: &Failure) -> Value {
    json!({ "source": source, "error": { "code": failure.code, "message": failure.message, "exit": failure.exit as i32 } })
}

fn endpoint(seen: &Seen) -> Value {
    let client_certificate = match &seen.asked {
        Asked::No => json!({ "asked": false }),
        Asked::Content { issuers, with_one } => json!({ "asked": true, "issuers": issuers, "shown": with_one, "refused": null }),
        Asked::Refused { issuers, with_one, said } => json!({ "asked": true, "issuers": issuers, "shown": with_one, "refused": said }),
    };
    json!({ "source": seen.source, "negotiated": seen.negotiated, "client_certificate": client_certificate })
}
