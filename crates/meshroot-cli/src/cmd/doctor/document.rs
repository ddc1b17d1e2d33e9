//! The diagnosis for machines: the library's own document, and what reading the sources was like.

use meshroot::doctor::Diagnosis;
use serde_json::{Map, Value, json};

use crate::exit::{Failure, Result};
use crate::net::Asked;
use crate::sources::{Gathered, Seen};

pub(super) fn document(diagnosis: &Diagnosis, gathered: &Gathered) -> Result<Value> {
    let whole = Value::Null; // PENDING serialize
    let mut members = Map::new();
    members.insert("every_pair_trusts".into(), diagnosis.every_pair_trusts().into());
    if let Value::Object(own) = whole {
        members.extend(own);
    }
    members.insert("endpoints".into(), gathered.seen.iter().map(endpoint).collect());
    members.insert("remarks".into(), gathered.remarks.clone().into());
    members.insert("unread".into(), gathered.unread.iter().map(|(source, failure)| unread(source, failure)).collect());
    Ok(Value::Object(members))
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
