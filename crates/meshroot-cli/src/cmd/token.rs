//! `token`: one-time tokens for workloads and machines outside Kubernetes.

use serde_json::{Value, json};

use crate::administration::ask;
use crate::args::Token;
use crate::exit::{Exit, Result};
use crate::session::Session;

pub(super) fn run(session: &Session<'_>, args: &Token) -> Result<Exit> {
    let out = session.out;
    match args {
        Token::Create { cluster, id, ca: _, ttl } => {
            let body = json!({ "cluster": cluster, "id": id, "ttl": format!("{}s", ttl.as_secs()) });
            let made = ask(session, "POST", "/v1/tokens", Some(&body))?;
            // The token alone, so that it can be caught in a variable.
            out.line(text(&made, "token"));
            out.document(&made);
        }
        Token::List => {
            let listed = ask(session, "GET", "/v1/tokens", None)?;
            for token in listed.get("tokens").and_then(Value::as_array).into_iter().flatten() {
                let used = token.get("used_by_record").and_then(Value::as_u64);
                let state = used.map_or_else(|| format!("open until {}", text(token, "expires_at")), |record| format!("used, record {record}"));
                let what = token.get("id").and_then(Value::as_str).unwrap_or("the cluster's CA");
                out.line(format_args!("{}  {}  {what}  {state}", text(token, "digest"), text(token, "cluster")));
            }
            out.document(&listed);
        }
        Token::Withdraw { digest } => {
            let withdrawn = ask(session, "DELETE", &format!("/v1/tokens/{digest}"), None)?;
            out.line("withdrawn");
            out.document(&withdrawn);
        }
    }
    Ok(Exit::Ok)
}

fn text<'a>(document: &'a Value, member: &str) -> &'a str {
    document.get(member).and_then(Value::as_str).unwrap_or_default()
}
