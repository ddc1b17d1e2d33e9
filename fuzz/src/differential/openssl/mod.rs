//! OpenSSL, what most programs that are not Go's verify with.

mod allowed;

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};

use base64::Engine as _;
use meshroot::key::Crypto;
use openssl::error::ErrorStack;
use openssl::ssl::SslFiletype;
use openssl::stack::Stack;
use openssl::x509::store::{X509Lookup, X509Store, X509StoreBuilder};
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509PurposeId, X509StoreContext, X509VerifyResult};

use super::features::read_all;
use super::ours;
use super::report::Outcome;
use super::world::{Case, Purpose, World};

static CRYPTO: LazyLock<Crypto> = LazyLock::new(Crypto::ring);

/// OpenSSL's verdict, when it refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Refused {
    /// The certificate at this depth breaks this rule.
    Verify {
        /// `X509_V_ERR_…`.
        code: i32,
        text: &'static str,
        depth: usize,
    },
    /// Something cannot be read: `leaf`, `anchor` or `crl`.
    Unreadable(&'static str),
}

/// What no allowed difference explains stops the fuzzer.
pub fn differential_openssl(data: &[u8]) {
    compare_openssl(data).assert();
}

/// We and OpenSSL judge the same case, CRLs included.
pub fn compare_openssl(data: &[u8]) -> Outcome {
    let case = World::from_bytes(data).build();
    match (ours::judge(&case, &CRYPTO), judge(&case)) {
        (Ok(_), Ok(_)) => Outcome::BothAccept,
        (Err(_), Err(_)) => Outcome::BothRefuse,
        (Err(first), Ok(path)) => match ours::judge_path(&case.narrowed(&path), &CRYPTO) {
            // Nothing is left to choose on one path: that we find it only now is a fault of our search.
            Ok(_) => Outcome::finding(&case, (first.code(), &first), ("openssl", &"accepted, by a path that we accept when we are shown no other")),
            Err(refusal) => match allowed::stricter(&refusal, &case, &read_all(&path)) {
                Some(allowed) => Outcome::Allowed(allowed),
                None => Outcome::finding(&case, (refusal.code(), &refusal), ("openssl", &"accepted")),
            },
        },
        (Ok(path), Err(first)) => match judge(&case.narrowed(&path)) {
            // It takes the first issuer that looks right, and never goes back.
            Ok(_) => Outcome::Allowed(&allowed::NO_SECOND_ATTEMPT),
            Err(refused) => match allowed::laxer(&refused, &case, &read_all(&path)) {
                Some(allowed) => Outcome::Allowed(allowed),
                None => Outcome::finding(&case, ("accepted", &first), ("openssl", &refused)),
            },
        },
    }
}

/// OpenSSL's verdict: the path in DER, the leaf first and the anchor last.
fn judge(case: &Case) -> Result<Vec<Vec<u8>>, Refused> {
    let leaf = X509::from_der(&case.leaf).map_err(|_| Refused::Unreadable("leaf"))?;
    let mut sent = Stack::new().expect("memory");
    for certificate in case.intermediates.iter().filter_map(|der| X509::from_der(der).ok()) {
        sent.push(certificate).expect("memory");
    }
    let anchors: Vec<_> = case.anchors.iter().filter_map(|der| X509::from_der(der).ok()).collect();
    if anchors.is_empty() && !case.anchors.is_empty() {
        return Err(Refused::Unreadable("anchor"));
    }
    let store = store(case, anchors).map_err(|_| Refused::Unreadable("crl"))?;
    let mut context = X509StoreContext::new().expect("memory");
    let verdict = context.init(&store, &leaf, &sent, |context| {
        if context.verify_cert()? {
            let path: Vec<_> = context.chain().into_iter().flatten().map(|certificate| certificate.to_der()).collect::<Result<_, _>>()?;
            let mut path: Vec<_> = path.into_iter().map(|der| as_sent(case, der)).collect();
            // What it adds above an anchor that is in the middle vouches for nothing.
            if let Some(anchor) = path.iter().position(|der| case.anchors.contains(der)) {
                path.truncate(anchor + 1);
            }
            return Ok(Ok(path));
        }
        let error = context.error();
        Ok(Err(Refused::Verify { code: error.as_raw(), text: error.error_string(), depth: context.error_depth() as usize }))
    });
    // A question that OpenSSL cannot answer at all is a refusal without a rule.
    verdict.unwrap_or_else(|_| Err(Refused::Verify { code: X509VerifyResult::APPLICATION_VERIFICATION.as_raw(), text: "no verdict", depth: 0 }))
}

/// OpenSSL reads past what follows a certificate, and writes it without: the bytes that we were given.
fn as_sent(case: &Case, der: Vec<u8>) -> Vec<u8> {
    let all = std::iter::once(&case.leaf).chain(&case.anchors).chain(&case.intermediates);
    let same = |given: &&Vec<u8>| **given == der || X509::from_der(given).and_then(|read| read.to_der()).is_ok_and(|read| read == der);
    all.into_iter().find(same).unwrap_or(&der).clone()
}

fn store(case: &Case, anchors: Vec<X509>) -> Result<X509Store, ErrorStack> {
    let mut builder = X509StoreBuilder::new()?;
    for anchor in anchors {
        builder.add_cert(anchor)?;
    }
    // An anchor need not be self-signed: neither here nor for us.
    let mut flags = X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::POLICY_CHECK;
    if case.strict {
        flags |= X509VerifyFlags::X509_STRICT;
    }
    if !case.crls.is_empty() {
        flags |= X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL;
        load_crls(&mut builder, &case.crls)?;
    }
    let mut parameters = X509VerifyParam::new()?;
    parameters.set_flags(flags)?;
    parameters.set_time(case.now);
    match case.purpose {
        Purpose::Any => {}
        Purpose::Server => parameters.set_purpose(X509PurposeId::SSL_SERVER)?,
        Purpose::Client => parameters.set_purpose(X509PurposeId::SSL_CLIENT)?,
    }
    builder.set_param(&parameters)?;
    Ok(builder.build())
}

/// The safe interface takes CRLs from a file only: one without a name, written anew for each case.
fn load_crls(builder: &mut X509StoreBuilder, crls: &[Vec<u8>]) -> Result<(), ErrorStack> {
    static SCRATCH: LazyLock<Mutex<File>> = LazyLock::new(|| {
        let path = std::env::temp_dir().join(format!("meshroot-fuzz-{}.crl", std::process::id()));
        let file = File::options().read(true).write(true).create_new(true).open(&path).expect("a file for CRLs");
        std::fs::remove_file(&path).expect("removed before use");
        Mutex::new(file)
    });
    let text: String = crls
        .iter()
        .map(|der| format!("-----BEGIN X509 CRL-----\n{}\n-----END X509 CRL-----\n", base64::engine::general_purpose::STANDARD.encode(der)))
        .collect();
    let mut file = SCRATCH.lock().expect("no panic holds it");
    file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).and_then(|_| file.write_all(text.as_bytes())).expect("the scratch file");
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    builder.add_lookup(X509Lookup::file())?.load_crl_file(path, SslFiletype::PEM).map(|_| ())
}
