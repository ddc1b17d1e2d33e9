//! What `quickstart` says: the tree, the trust matrix, what is secret, what can go offline, what to type next.

use serde_json::{Value, json};

use super::Done;
use crate::matrix::Matrix;
use crate::output::Style;
use crate::session::Session;
use crate::tree;

/// Clusters in a matrix that is shown as a whole.
const MOST_SHOWN: usize = 20;

pub(super) fn print(session: &Session<'_>, done: &Done, matrix: &Matrix) {
    session.out.document(&document(done, matrix));
    if session.out.is_json() {
        return;
    }
    headline(session, done);
    session.out.say("");
    tree::print(session, &done.mesh);
    session.out.say("");
    trust(session, matrix);
    for cut in &done.cut {
        tree::say_cut(session.out, "a cluster CA", cut);
    }
    if done.created || !done.written.is_empty() {
        secrets(session, done);
    }
    next(session, done);
}

fn headline(session: &Session<'_>, done: &Done) {
    let out = session.out;
    let folder = done.mesh.home.folder.display();
    let names: Vec<_> = done.added.iter().take(5).map(ToString::to_string).collect();
    let more = done.added.len().saturating_sub(names.len());
    let names = if more > 0 { format!("{} and {more} more", names.join(", ")) } else { names.join(", ") };
    let text = match (done.created, done.added.is_empty(), done.written.is_empty()) {
        (true, ..) => format!("Made the mesh in {folder}: a root, and a CA for {names}"),
        (false, false, _) => format!("Added {names} to the mesh in {folder}"),
        (false, true, false) => format!("Wrote what was missing in {folder}"),
        (false, true, true) => format!("Nothing to do: the mesh in {folder} is as asked for, and nothing was changed"),
    };
    out.say(out.styled(Style::Good, text));
    let known = |path: &std::path::PathBuf| !done.added.iter().any(|name| path.starts_with(done.mesh.home.cluster(name)));
    if !done.created {
        for path in done.written.iter().filter(|path| known(path)) {
            out.say(format_args!("  written again: {}", path.display()));
        }
    }
}

fn trust(session: &Session<'_>, matrix: &Matrix) {
    let out = session.out;
    let refused = matrix.refusals().count();
    if matrix.clusters.len() > MOST_SHOWN || matrix.clusters.is_empty() {
        let trusted = matrix.pairs().saturating_sub(refused);
        let roots =
            if matrix.bundles() == 1 { "all with the same roots".to_owned() } else { format!("with {} different sets of roots", matrix.bundles()) };
        out.say(format_args!(
            "Trust, tried out with a workload's certificate of each of the {} clusters, {roots}:\n  {trusted} of {} pairs trust each other",
            matrix.clusters.len(),
            matrix.pairs()
        ));
    } else {
        grid(session, matrix);
    }
    for (from, to, why) in matrix.refusals().take(5) {
        out.say(out.styled(Style::Bad, format_args!("  a workload of {from} is not trusted in {to}: {why}")));
    }
    if refused > 5 {
        out.say(format_args!("  and {} more", refused.saturating_sub(5)));
    }
}

/// One row for each cluster that a workload comes from, one column for each that it comes to.
fn grid(session: &Session<'_>, matrix: &Matrix) {
    let out = session.out;
    let widths: Vec<_> = matrix.clusters.iter().map(|name| name.as_str().len().max(3)).collect();
    let first = widths.iter().copied().max().unwrap_or(3).max("a workload of".len());
    let header: Vec<_> = matrix.clusters.iter().zip(&widths).map(|(name, width)| format!("{name:<width$}")).collect();
    out.say(format_args!("Trust, tried out with a workload's certificate of each cluster:"));
    out.say(format_args!("  {:<first$}  is trusted in  {}", "a workload of", header.join("  ")));
    for (from, name) in matrix.clusters.iter().enumerate() {
        let cell = |(to, width): (usize, &usize)| match matrix.refusal(from, to) {
            None => out.styled(Style::Good, format_args!("{:<width$}", "yes")),
            Some(_) => out.styled(Style::Bad, format_args!("{:<width$}", "NO")),
        };
        let cells: Vec<_> = widths.iter().enumerate().map(cell).collect();
        out.say(format_args!("  {name:<first$}  {:<13}  {}", "", cells.join("  ")));
    }
}

fn secrets(session: &Session<'_>, done: &Done) {
    let out = session.out;
    let home = &done.mesh.home;
    let folder = home.folder.display();
    out.say("");
    out.say(out.styled(Style::Strong, "Secrets, readable by you alone (0600):"));
    out.say(format_args!(
        "  {folder}/clusters/*/cacerts/ca-key.pem and cacerts.yaml hold a cluster CA's key in the clear, since istiod reads nothing else"
    ));
    if home.unlock_key().exists() {
        out.say(format_args!("  {folder}/unlock.key opens the keys in {folder}/store: keep a copy, but not beside a backup of the store"));
        if done.created {
            let root = home.folder.join("root");
            out.say(format_args!("  {}/unlock.key opens the root's key: without it there will be no new cluster CA", root.display()));
        }
    }
    if done.created {
        out.say("");
        out.say(out.styled(Style::Strong, format_args!("{folder}/root can go offline now; move it to a safe place:")));
        out.say("  without it you can sign workloads, export the bundle, and write the cacerts of the clusters there are");
        out.say("  you need it back (--root DIR) to add a cluster, and to renew a cluster's CA");
    }
}

fn next_commands(done: &Done) -> Vec<String> {
    let home = &done.mesh.home;
    let clusters = done.mesh.hierarchy.clusters();
    let Some(first) = done.added.first().or_else(|| clusters.first().copied()) else { return Vec::new() };
    let trust_domain = done.mesh.trust_domain();
    vec![
        format!("kubectl --context {first} apply -f {}", home.manifest(first).display()),
        format!(
            "meshroot svid --store {} --cluster {first} --id spiffe://{trust_domain}/ns/default/sa/sample --lifetime 1h --out sample",
            home.folder.display()
        ),
    ]
}

fn next(session: &Session<'_>, done: &Done) {
    let out = session.out;
    out.say("");
    out.say(out.styled(Style::Strong, "Next:"));
    let why = ["for every cluster, before istiod is installed (kubectl create namespace istio-system first)", "a certificate to try things with"];
    for (command, why) in next_commands(done).iter().zip(why) {
        out.say(format_args!("  {command}   {}", out.styled(Style::Faint, format_args!("# {why}"))));
    }
}

fn document(done: &Done, matrix: &Matrix) -> Value {
    let (roots, clusters) = tree::documents(&done.mesh);
    let home = &done.mesh.home;
    let failures: Vec<_> =
        matrix.refusals().take(1_000).map(|(from, to, why)| json!({ "from": from.as_str(), "to": to.as_str(), "reason": why })).collect();
    json!({
        "trust_domain": done.mesh.trust_domain().as_str(),
        "folder": home.folder.display().to_string(),
        "changed": done.created || !done.added.is_empty() || !done.written.is_empty(),
        "created": done.created,
        "added": done.added.iter().map(meshroot::hierarchy::ClusterName::as_str).collect::<Vec<_>>(),
        "written": done.written.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        "roots": roots,
        "clusters": clusters,
        "sequence": done.mesh.published.as_ref().map(|published| published.sequence),
        "lifetimes_cut": done.cut.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "trust": {
            "samples": matrix.clusters.len(),
            "distinct_bundles": matrix.bundles(),
            "pairs": matrix.pairs(),
            "trusted": matrix.pairs().saturating_sub(matrix.refusals().count()),
            "failures": failures,
        },
        "next": next_commands(done),
    })
}
