//! `verify`: is a workload's certificate chain valid under a trust bundle, and if not, by which rule?

pub(super) mod anchors;
mod crls;
mod render;
mod views;

use meshroot::key::Crypto;
use meshroot::pem;
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use meshroot::verify::{Reason, Rejection, Validator};
use meshroot::x509::{Certificate, CertificateError};

use crate::args::{Judge, Verify};
use crate::exit::{Exit, Failure, Result};
use crate::output::Out;
use crate::{input, instead};
use render::Judged;

pub(super) fn run(args: &Verify, now: Timestamp, out: &Out) -> Result<Exit> {
    let at = args.at.unwrap_or(now);
    let trust_domain = args.trust_domain.as_deref().map(|name| TrustDomain::parse(name).map_err(Failure::from)).transpose()?;
    let bundle_name = input::named(&args.bundle);
    let chain_name = input::named(&args.chain);
    if args.bundle == args.chain {
        return Err(Failure::usage("verify.same_file", format!("{bundle_name} is both the bundle and the chain: name two files")));
    }
    let anchors = anchors::read(&input::read(&args.bundle)?, trust_domain).map_err(|failure| failure.at(&bundle_name))?;
    let chain = read_chain(&input::read(&args.chain)?).map_err(|failure| failure.at(&chain_name))?;
    let crls = crls::read(&args.crl)?;
    let judged = Judged { anchors: &anchors, crls: &crls, at };
    let crypto = Crypto::ring();
    let ours = Validator::new(&anchors.map, crypto.clone()).validate(&chain, &crls, at);
    // Bytes that are no certificate are bad input for everybody; a key that nobody should use is a reason.
    if let Err(Rejection { reason: Reason::Malformed(e), .. }) = &ours
        && !matches!(e, CertificateError::Key(_))
    {
        return Err(Failure::from(e.clone()).at(&chain_name));
    }
    let views = match args.judge {
        Some(Judge::Spiffe) => Vec::new(),
        _ => views::all(&chain, &judged, &crypto),
    };
    let valid = match args.judge.and_then(views::implementation) {
        None => {
            match &ours {
                Ok(svid) => render::accepted(svid, &judged, &views, out),
                Err(rejection) => render::rejected(rejection, &judged, &views, out),
            }
            ours.is_ok()
        }
        Some(who) => {
            let view = views.iter().find(|view| view.implementation == who);
            let view = view.ok_or_else(|| Failure::internal(format_args!("nothing is known of {who}")))?;
            views::print(view, ours.as_ref().err(), &judged, out)
        }
    };
    Ok(if valid { Exit::Ok } else { Exit::Refused })
}

/// The certificates in DER. Whether they can be used is the validator's business.
fn read_chain(bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
    let instead = || instead::of(bytes, "a certificate chain: PEM with the leaf first, or the leaf alone in DER");
    if matches!(bytes, [0x30, length, ..] if *length >= 0x80) {
        return match Certificate::from_der(bytes) {
            Ok(_) | Err(CertificateError::Key(_)) => Ok(vec![bytes.to_vec()]),
            Err(_) => Err(instead()),
        };
    }
    let blocks = pem::parse(bytes)?;
    if blocks.is_empty() {
        return Err(instead());
    }
    let certificate = |(number, block): (usize, &pem::Block)| match block.label.as_str() {
        "CERTIFICATE" => Ok(block.der.clone()),
        label => Err(pem::PemError::NotCertificate { block: number, line: block.line, label: label.to_owned() }.into()),
    };
    (1..).zip(&blocks).map(certificate).collect()
}
