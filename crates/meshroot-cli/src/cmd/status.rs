//! `status`: what there is, what expires first, and what to do.

use meshroot::hierarchy::Authority;
use meshroot::time::{Timestamp, humanize};
use meshroot_store::{Query, Store};
use serde_json::json;

use crate::exit::{Exit, Result};
use crate::mesh::{Mesh, is_in_use};
use crate::output::Style;
use crate::session::Session;
use crate::tree;

pub(super) fn run(session: &Session<'_>) -> Result<Exit> {
    let out = session.out;
    let mesh = Mesh::open(session)?;
    let issued = count(&mesh)?;
    let meta = mesh.store.meta();
    let root_home = mesh.home.its_root(session);
    let root_is_here = root_home.database.exists();
    tree::print_always(session, &mesh);
    out.line("");
    out.line(format_args!("store          {}, made on {}", meta.id, tree::date(meta.created_at)));
    out.line(format_args!("issued         {issued} certificates for workloads are on record"));
    let root = if root_is_here {
        "here: it can go offline whenever no cluster is being added"
    } else {
        "away, as it should be; bring it back to add a cluster (--root DIR)"
    };
    out.line(format_args!("root's key     {root}"));
    let first = first_to_expire(&mesh);
    let advice = first.map(|(authority, until)| advice(session, authority, until));
    if let Some((authority, until)) = first {
        out.line(format_args!("expires first  {} on {}{}", authority.id(), tree::date(until), remaining(until, session.now)));
    }
    if let Some(advice) = &advice {
        let style = if first.is_some_and(|(_, until)| tree::is_soon(until, session.now)) { Style::Warn } else { Style::Good };
        out.line(out.styled(style, advice));
    }
    let (roots, clusters) = tree::documents(&mesh);
    out.document(&json!({
        "trust_domain": mesh.trust_domain().as_str(),
        "folder": mesh.home.folder.display().to_string(),
        "store": meta.id.as_str(),
        "created_at": meta.created_at.to_string(),
        "sequence": mesh.published.as_ref().map(|published| published.sequence),
        "issued": issued,
        "root_key_is_here": root_is_here,
        "roots": roots,
        "clusters": clusters,
        "imported": tree::imported(&mesh),
        "expires_first": first.map(|(authority, until)| json!({ "id": authority.id().as_str(), "not_after": until.to_string() })),
        "advice": advice,
    }));
    Ok(Exit::Ok)
}

fn remaining(until: Timestamp, now: Timestamp) -> String {
    if until < now { format!(", {} ago", humanize(now.since(until))) } else { format!(", in {}", humanize(until.since(now))) }
}

fn first_to_expire(mesh: &Mesh) -> Option<(&Authority, Timestamp)> {
    let in_use = mesh.hierarchy.authorities().iter().filter(|authority| is_in_use(authority));
    in_use.filter_map(|authority| Some((authority, authority.certificate()?.validity().not_after))).min_by_key(|(_, until)| *until)
}

fn advice(session: &Session<'_>, authority: &Authority, until: Timestamp) -> String {
    let id = authority.id();
    if until < session.now {
        format!("Act now: {id} has expired, and nothing below it is trusted any more")
    } else if tree::is_soon(until, session.now) {
        format!("Act soon: replace {id} before it expires; everything below it ends with it")
    } else {
        "Nothing needs to be done".into()
    }
}

/// How many certificates the issuance log holds: the position of its last entry, found by halving. The log may have
/// millions of entries, and positions have no gaps.
fn count(mesh: &Mesh) -> Result<u64> {
    let is_beyond = |position: u64| -> Result<bool> {
        let query = Query { after: position, limit: 1, ..Query::default() };
        Ok(mesh.store.issuances(&query)?.is_empty())
    };
    let mut low = 0u64;
    let mut high = 1u64;
    while !is_beyond(high)? {
        low = high;
        high = high.saturating_mul(2);
    }
    if is_beyond(low)? {
        return Ok(low);
    }
    while high.saturating_sub(low) > 1 {
        let middle = low.midpoint(high);
        if is_beyond(middle)? { high = middle } else { low = middle }
    }
    Ok(high)
}
