//! The validator on certificates made by hand, so that any part of one can be wrong.

#![allow(clippy::arithmetic_side_effects, reason = "the numbers are those written here")]

mod authorities;
mod budgets;
mod graphs;
mod leaves;
mod make;
mod names;
mod paths;
mod policies;
mod reasons;
mod revocation;

use super::*;
use crate::key::Crypto;
use crate::time::Timestamp;
use crate::x509::Certificate;
use make::{Made, NOW, ca, certificate, crypto, leaf, root, svid};

/// Validates by RFC 5280, for any purpose.
fn pkix(leaf: &[u8], pool: &[&[u8]], anchors: &[&[u8]]) -> Result<ValidatedPath, Rejection> {
    with(PathQuery::new(NOW).rules(Rules::pkix()), leaf, pool, anchors)
}

fn with(query: PathQuery<'_>, leaf: &[u8], pool: &[&[u8]], anchors: &[&[u8]]) -> Result<ValidatedPath, Rejection> {
    let anchors: Vec<Certificate> = anchors.iter().map(|der| certificate(der)).collect();
    validate_path(leaf, pool, &anchors, &crypto(), &query)
}

/// The code and the position of a refusal.
#[track_caller]
fn refused(result: Result<ValidatedPath, Rejection>) -> (&'static str, Option<usize>) {
    let rejection = result.expect_err("accepted");
    (rejection.code(), rejection.certificate.map(|at| at.position))
}

/// A change to a certificate before it is signed.
type Edit = fn(&mut Made);

/// Root, cluster CA and leaf, each edited: how the three are judged.
fn three(root_: Edit, ca_: Edit, leaf_: Edit, query: PathQuery<'_>) -> Result<ValidatedPath, Rejection> {
    let mut anchor = root("root");
    root_(&mut anchor);
    let mut middle = ca("ca", "root");
    ca_(&mut middle);
    let mut end = if query.rules.svid { svid("ca") } else { leaf("leaf", "ca") };
    leaf_(&mut end);
    with(query, &end.sign("ca"), &[&middle.sign("root")], &[&anchor.sign("root")])
}

fn same(_: &mut Made) {}
