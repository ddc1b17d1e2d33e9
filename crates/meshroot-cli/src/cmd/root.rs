//! `root`: files that travel to an offline root and back.

use std::io::{BufRead, IsTerminal};
use std::path::Path;

use meshroot_service::root::{RootAnswer, RootRequest};
use meshroot_store::StoreKind;
use meshroot_store::files::Mode;
use serde_json::{Value, json};

use crate::administration::ask;
use crate::args::Root;
use crate::exit::{Exit, Failure, Result};
use crate::grow;
use crate::home::Home;
use crate::input;
use crate::mesh::Mesh;
use crate::outputs::{self, Output};
use crate::session::Session;

pub(super) fn run(session: &Session<'_>, args: &Root) -> Result<Exit> {
    match args {
        Root::Requests { out, force } => requests(session, out.as_deref(), *force),
        Root::Sign { request, out, yes, force } => sign(session, request, out, *yes, *force),
        Root::Import { answer } => import(session, answer),
    }
}

fn requests(session: &Session<'_>, to: Option<&Path>, force: bool) -> Result<Exit> {
    let out = session.out;
    let answered = ask(session, "GET", "/v1/root-requests", None)?;
    let all = answered.get("requests").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let request = match all {
        [] => {
            out.say("nothing waits for the root's key");
            out.document(&json!({ "requests": [] }));
            return Ok(Exit::Ok);
        }
        [one] => RootRequest::from_json(one.to_string().as_bytes())?,
        _ => {
            let message = "several roots are asked for something, and a file is for one: take them from GET /v1/root-requests";
            return Err(Failure::new(Exit::Refused, "root.several", message));
        }
    };
    let Some(path) = to else {
        out.raw(request.to_json().as_bytes());
        return Ok(Exit::Ok);
    };
    outputs::write_checked(&[Output::new(path.to_owned(), request.to_json().as_bytes(), Mode::Public)], force)?;
    request.summary.iter().for_each(|line| out.line(line));
    out.say(format_args!("Next, where the root is:\n  meshroot root sign {} --root FOLDER --out answer.json", path.display()));
    out.document(&json!({ "file": path.display().to_string(), "summary": request.summary }));
    Ok(Exit::Ok)
}

fn sign(session: &Session<'_>, from: &Path, to: &Path, yes: bool, force: bool) -> Result<Exit> {
    let out = session.out;
    let request = RootRequest::from_json(&input::read(from)?).map_err(|e| Failure::from(e).at(input::named(from)))?;
    outputs::refuse_existing([to], force)?;
    let home = match session.global.root.as_deref() {
        Some(folder) => Home::root(folder),
        None => Home::of(session)?.its_root(session),
    };
    let root = Mesh::open_at(home, StoreKind::Root)?;
    if !yes {
        confirm(&request)?;
    }
    let answer: RootAnswer = grow::keeper(session, &root)?.sign(&request, session.now)?;
    outputs::write_checked(&[Output::new(to.to_owned(), answer.to_json().as_bytes(), Mode::Public)], force)?;
    if yes {
        request.summary.iter().for_each(|line| out.line(line));
    }
    out.say(format_args!("Signed, and written to {}. Next, where the mesh is:\n  meshroot root import {}", to.display(), to.display()));
    let signed: Vec<_> = answer.cluster_cas.iter().map(|signed| signed.request.as_str()).collect();
    out.document(&json!({ "file": to.display().to_string(), "summary": request.summary, "cluster_cas": signed, "crl": answer.crl.is_some() }));
    Ok(Exit::Ok)
}

/// Shows what is to be signed, and goes on only after a `yes`.
fn confirm(request: &RootRequest) -> Result<()> {
    let refused = |code, message: &str| Failure::new(Exit::Refused, code, message);
    if !std::io::stdin().is_terminal() {
        return Err(refused("root.not_confirmed", "nobody can be asked here whether to sign: look at the request's summary, then give --yes"));
    }
    let mut shown = request.summary.join("\n");
    shown.push_str("\nSign this? Type yes: ");
    console::Term::stderr().write_str(&shown).map_err(|e| Failure::internal(e.to_string()))?;
    let mut typed = String::new();
    std::io::stdin().lock().read_line(&mut typed).map_err(|e| Failure::internal(e.to_string()))?;
    if typed.trim() == "yes" { Ok(()) } else { Err(refused("root.not_confirmed", "nothing was signed")) }
}

fn import(session: &Session<'_>, from: &Path) -> Result<Exit> {
    let out = session.out;
    let answer = RootAnswer::from_json(&input::read(from)?).map_err(|e| Failure::from(e).at(input::named(from)))?;
    let body = serde_json::to_value(&answer).map_err(Failure::internal)?;
    let taken = ask(session, "POST", "/v1/root-answers", Some(&body))?;
    for ca in taken.get("cluster_cas").and_then(Value::as_array).into_iter().flatten() {
        let text = |member: &str| ca.get(member).and_then(Value::as_str).unwrap_or("-");
        out.line(format_args!("{} has its certificate: the client that waits can fetch it", text("authority")));
    }
    if let Some(number) = taken.get("crl").and_then(|crl| crl.get("number")).and_then(Value::as_str) {
        out.line(format_args!("the root's CRL has number {number}"));
    }
    out.document(&taken);
    Ok(Exit::Ok)
}
