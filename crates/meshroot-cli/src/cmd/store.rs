//! `store restored`: an operator's word that a store that was put back from a backup counts from now on.

use meshroot_service::restoration;
use meshroot_store::StoreKind;
use serde_json::{Value, json};

use crate::administration::ask;
use crate::args::{Store, Which};
use crate::exit::{Exit, Failure, Result};
use crate::home::Home;
use crate::mesh::Mesh;
use crate::output::Style;
use crate::session::Session;

pub(super) fn run(session: &Session<'_>, args: &Store) -> Result<Exit> {
    let Store::Restored { of } = args;
    let done = match of {
        Which::Mesh => ask(session, "POST", "/v1/store/restored", None)?,
        Which::Root => root(session)?,
    };
    let out = session.out;
    let number = |document: &Value, member: &str| document.get(member).and_then(Value::as_u64).unwrap_or_default();
    out.line(out.styled(Style::Good, format_args!("The store counts from now on as it is: epoch {}", number(&done, "epoch"))));
    for bundle in done.get("bundles").and_then(Value::as_array).into_iter().flatten() {
        let name = bundle.get("trust_domain").and_then(Value::as_str).unwrap_or_default();
        out.line(format_args!("{name}  trust bundle number {}", number(bundle, "sequence")));
    }
    out.line(format_args!("the next certificate is record {}", number(&done, "next_record")));
    out.say("What was done after the backup is forgotten: clusters and roots added since, revocations, tokens. Do it again.");
    out.document(&done);
    Ok(Exit::Ok)
}

/// The root's own store has no service.
fn root(session: &Session<'_>) -> Result<Value> {
    let root = Mesh::open_at(Home::of(session)?.its_root(session), StoreKind::Root)?;
    let restoration = restoration(&*root.store, "operator", &session.crypto, session.now);
    let restoration = restoration.map_err(|e| Failure::new(Exit::Store, e.code(), e.to_string()))?;
    let restored = root.store.restored(&restoration)?;
    let bundles: Vec<Value> = restoration
        .changes
        .iter()
        .map(|change| json!({ "trust_domain": change.trust_domain.as_str(), "sequence": change.bundle.as_ref().map(|bundle| bundle.sequence) }))
        .collect();
    Ok(json!({ "epoch": restored.epoch, "store_version": restored.version, "next_record": restored.next_position, "bundles": bundles }))
}
