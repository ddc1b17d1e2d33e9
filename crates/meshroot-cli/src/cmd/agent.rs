//! `agent`: gets a certificate, and keeps it.

use std::sync::Arc;

use meshroot::istio::istiod_names;
use meshroot::spiffe::TrustDomain;
use meshroot_service::agent::{Agent, AgentError, Hook, Istiod, Settings};
use meshroot_service::{SystemClock, log_to_stderr};
use serde_json::json;

use crate::args::AgentOptions;
use crate::exit::{Exit, Failure, Result};
use crate::leaf;
use crate::session::Session;

pub(super) fn run(session: &Session<'_>, args: &AgentOptions) -> Result<Exit> {
    let trust_domain = args.trust_domain.as_deref().map(TrustDomain::parse).transpose();
    let settings = Settings {
        server: args.server.clone(),
        ca: args.ca.clone(),
        trust_domain: trust_domain.map_err(|e| Failure::from(e).at("--trust-domain"))?,
        token_file: args.token_file.clone(),
        id: args.id.as_deref().map(leaf::id).transpose()?,
        key: args.key_type,
        lifetime: args.lifetime,
        istiod: args.istiod.then(|| istiod(args)),
        out: args.out.clone(),
        on_change: args.on_change.as_ref().map(|command| Hook { program: command.clone(), arguments: args.on_change_argument.clone() }),
    };
    let mut agent = Agent::new(settings, session.crypto.clone(), Arc::new(SystemClock)).map_err(failure)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| Failure::internal(e.to_string()))?;
    if args.once {
        let renew_at = runtime.block_on(agent.once()).map_err(failure)?;
        session.out.line(format_args!("{} is good; to be renewed at {renew_at}", args.out.display()));
        session.out.document(&json!({ "out": args.out.display().to_string(), "renew_after": renew_at.to_string() }));
        return Ok(Exit::Ok);
    }
    log_to_stderr(meshroot_service::config::Log { format: meshroot_service::config::LogFormat::Text, ..Default::default() });
    runtime.block_on(async {
        tokio::select! {
            () = agent.run() => Ok(Exit::Ok),
            told = super::serve::until_told_to_stop() => told.map(|()| Exit::Ok).map_err(|e| Failure::internal(e.to_string())),
        }
    })
}

fn istiod(args: &AgentOptions) -> Istiod {
    let mut dns = istiod_names(&args.namespace, args.revision.as_deref());
    dns.extend(args.dns.iter().cloned());
    let mut roots_for = vec![args.namespace.clone()];
    roots_for.extend(args.roots_for.iter().filter(|namespace| **namespace != args.namespace).cloned());
    Istiod { dns, namespace: args.namespace.clone(), roots_for }
}

fn failure(e: AgentError) -> Failure {
    let exit = match e {
        AgentError::Address(_) | AgentError::NoRoots | AgentError::NoCredential | AgentError::Namespace(_) => Exit::Usage,
        AgentError::Unreadable { .. } => Exit::BadInput,
        AgentError::Files(_) => Exit::CannotWrite,
        AgentError::Unreachable { .. } => Exit::NotFound,
        _ => Exit::Refused,
    };
    Failure::new(exit, e.code(), e.to_string())
}
