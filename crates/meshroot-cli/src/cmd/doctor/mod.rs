//! `doctor`: who trusts whom across clusters, until when, and why not.

mod clusters;
mod document;
mod explain;
mod forecast;
mod table;
mod words;

use meshroot::doctor::{Diagnosis, Settings, diagnose};
use meshroot::spiffe::TrustDomain;

use crate::args::Doctor;
use crate::exit::{Exit, Failure, Result};
use crate::net::Identity;
use crate::output::{Out, Style};
use crate::session::Session;
use crate::sources::{Gathered, Network, Source, gather};
use document::Document;
use table::Table;

pub(super) fn run(session: &Session<'_>, args: &Doctor) -> Result<Exit> {
    let trust_domain = args.trust_domain.as_deref().map(|name| TrustDomain::parse(name).map_err(|e| Failure::from(e).at("--trust-domain")));
    let trust_domain = trust_domain.transpose()?;
    let sources: Vec<Source> = args.sources.iter().map(|text| Source::parse(text, args.server_name.as_deref())).collect::<Result<_>>()?;
    let identity = match (&args.client_cert, &args.client_key) {
        (Some(chain), Some(key)) => Some(Identity::read(chain, key)?),
        _ => None,
    };
    let network = Network { timeout: args.timeout, identity, ca: args.ca.clone() };
    let mut gathered = gather(session, &sources, trust_domain.as_ref(), &network)?;
    let evidence = std::mem::take(&mut gathered.evidence);
    if evidence.is_empty() {
        return Err(nothing(gathered));
    }
    let settings = Settings { trust_domain, ..Settings::default() };
    let diagnosis = diagnose(evidence, &settings, &session.crypto, args.at.unwrap_or(session.now));
    if session.out.is_json() {
        session.out.serialized(&Document::new(&diagnosis, &gathered))?;
    } else {
        print(session.out, &diagnosis, &gathered);
    }
    Ok(exit(&diagnosis, &gathered))
}

/// No source could be read: what is wrong with each of them, in one sentence.
fn nothing(gathered: Gathered) -> Failure {
    let mut failures = gathered.unread.into_iter().map(|(_, failure)| failure);
    let Some(first) = failures.next() else {
        return Failure::new(Exit::BadInput, "doctor.no_evidence", "the sources say nothing about who trusts whom");
    };
    failures.fold(first, |all, one| Failure { message: format!("{}; {}", all.message, one.message), ..all })
}

/// What is not there weighs more than what cannot be read, and that more than what is wrong inside.
fn exit(diagnosis: &Diagnosis, gathered: &Gathered) -> Exit {
    let failed = |exit: Exit| gathered.unread.iter().any(|(_, failure)| failure.exit == exit);
    if failed(Exit::NotFound) {
        Exit::NotFound
    } else if let Some((_, failure)) = gathered.unread.first() {
        failure.exit
    } else if diagnosis.every_pair_trusts() {
        Exit::Ok
    } else {
        Exit::Refused
    }
}

fn print(out: &Out, diagnosis: &Diagnosis, gathered: &Gathered) {
    let table = Table::of(diagnosis);
    clusters::print(out, diagnosis, gathered);
    table::print(out, &table);
    explain::print(out, diagnosis, &table);
    forecast::print(out, diagnosis);
    words::warnings(out, diagnosis, gathered);
    words::verdict(out, diagnosis, &table);
    for (source, failure) in &gathered.unread {
        // Most messages begin with the place; what is missing then is the cluster.
        let place = source.split_once('=').map_or(source.as_str(), |(_, place)| place);
        let named = match failure.message.starts_with(place) {
            true => source.strip_suffix(place).unwrap_or_default().to_owned(),
            false => format!("{source}: "),
        };
        out.line(format_args!("{} {named}{failure}", out.styled(Style::Bad, "not read:")));
    }
}
