//! The CRLs of `--crl`.

use std::path::PathBuf;

use meshroot::revocation::{Crl, CrlSet, MAX_CRL_BYTES};
use serde_json::{Value, json};

use crate::exit::{Failure, Result};
use crate::input;
use crate::output::Out;

/// All CRLs of these files, PEM or DER. With none, revocation is not asked for; with any, every certificate below the root
/// needs one, as Envoy wants it.
pub(super) fn read(files: &[PathBuf]) -> Result<CrlSet> {
    let mut crls = Vec::new();
    for file in files {
        let bytes = input::read_at_most(file, MAX_CRL_BYTES)?;
        crls.extend(Crl::from_pem_or_der(&bytes).map_err(|e| Failure::from(e).at(input::named(file)))?);
    }
    Ok(CrlSet::new(crls))
}

pub(super) fn print(crls: &CrlSet, out: &Out) {
    for crl in crls.iter() {
        let next = crl.next_update().map_or_else(|| "says no next update".to_owned(), |next| format!("next update {next}"));
        out.line(format_args!("  CRL         of {}, {} revoked, {next}", crl.issuer(), crl.len()));
    }
}

pub(super) fn about(crls: &CrlSet) -> Vec<Value> {
    let one = |crl: &Crl| {
        json!({
            "issuer": crl.issuer().to_string(),
            "this_update": crl.this_update().to_string(),
            "next_update": crl.next_update().map(|next| next.to_string()),
            "revoked": crl.len(),
        })
    };
    crls.iter().map(one).collect()
}
