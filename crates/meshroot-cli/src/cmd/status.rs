//! `status`: what there is, what expires first, and what to do.

use meshroot::hierarchy::Authority;
use meshroot::time::{Timestamp, humanize};
use serde_json::json;

use crate::exit::{Exit, Result};
use crate::mesh::{Mesh, is_in_use};
use crate::output::Style;
use crate::session::Session;
use crate::tree;

pub(super) fn run(session: &Session<'_>) -> Result<Exit> {
    let out = session.out;
    let mesh = Mesh::open(session)?;
    let (log, standing) = (mesh.store.log_extent()?, mesh.store.standing()?);
    let issued = log.held;
    let meta = mesh.store.meta();
    let root_home = mesh.home.its_root(session);
    let root_is_here = root_home.database.exists();
    tree::print_always(session, &mesh);
    out.line("");
    out.line(format_args!("store          {}, made on {}", meta.id, tree::date(meta.created_at)));
    out.line(format_args!("issued         {issued} certificate{} on record", if issued == 1 { " is" } else { "s are" }));
    if let Some(why) = &standing.older {
        out.line(out.styled(Style::Bad, format_args!("stopped        the store is an older copy of itself: {why}")));
        out.line("               Nothing is issued or published from it. Put the newest copy back; if this is the newest that there is,");
        out.line("               say `meshroot store restored`: numbers jump ahead of everything that was forgotten, and it goes on");
    }
    let root = if root_is_here {
        "here: it can go offline whenever no cluster is being added"
    } else {
        "away, as it should be; bring it back to add a cluster (--root DIR)"
    };
    out.line(format_args!("root's key     {root}"));
    let durability = mesh.store.durability()?;
    if mesh.home.postgres.is_some() {
        out.line(format_args!("database       {}: {}", mesh.home.database.display(), durability.words));
    }
    let first = first_to_expire(&mesh);
    let advice = match &standing.older {
        Some(_) => Some("Act now: put the newest copy of the store back, or say `meshroot store restored`".to_owned()),
        None => first.map(|(authority, until)| advice(session, authority, until)),
    };
    if let Some((authority, until)) = first {
        out.line(format_args!("expires first  {} on {}{}", authority.id(), tree::date(until), remaining(until, session.now)));
    }
    if let Some(advice) = &advice {
        let style =
            if standing.older.is_some() || first.is_some_and(|(_, until)| tree::is_soon(until, session.now)) { Style::Warn } else { Style::Good };
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
        "durability": {
            "survives_crash": durability.survives_crash,
            "survives_failover": durability.survives_failover,
            "notices_older_copy": durability.notices_older_copy,
            "words": durability.words,
        },
        "last_record": log.last,
        "epoch": standing.epoch,
        "older_copy": standing.older,
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
