//! `openssl verify`, for the purpose that the presenter's role has.

use std::path::Path;
use std::process::Command;

use super::{Case, Role};
use crate::exhibits::armor_as;

/// The verdict, with OpenSSL's first error. `strict`: with `-x509_strict`.
pub fn verdict(folder: &Path, case: &Case, strict: bool) -> Result<(), String> {
    let write = |name: &str, label: &str, ders: &[Vec<u8>]| {
        let path = folder.join(name);
        std::fs::write(&path, ders.iter().map(|der| armor_as(label, der)).collect::<String>()).unwrap();
        path
    };
    let mut command = Command::new("openssl");
    command.args(["verify", "-no-CApath", "-no-CAstore", "-purpose", if case.role == Role::Client { "sslclient" } else { "sslserver" }]);
    command.arg("-CAfile").arg(write("roots.pem", "CERTIFICATE", &case.anchors));
    if case.chain.len() > 1 {
        command.arg("-untrusted").arg(write("untrusted.pem", "CERTIFICATE", &case.chain[1..]));
    }
    if !case.crls.is_empty() {
        command.arg("-crl_check_all").arg("-CRLfile").arg(write("crls.pem", "X509 CRL", &case.crls));
    }
    if let Some(at) = case.at {
        command.args(["-attime", &at.to_string()]);
    }
    if strict {
        command.arg("-x509_strict");
    }
    command.arg(write("leaf.pem", "CERTIFICATE", &case.chain[..1]));
    let out = command.output().unwrap_or_else(|e| panic!("openssl cannot be started ({e}): tests/interop.sh installs it"));
    if out.status.success() {
        return Ok(());
    }
    Err(reason(&String::from_utf8_lossy(&out.stderr)))
}

/// `error 20 at 0 depth lookup: unable to get local issuer certificate`, or what stands for it when a file does not load.
fn reason(text: &str) -> String {
    let error = text.lines().find(|line| line.starts_with("error ") && line.contains(" lookup:"));
    let load = || text.lines().find(|line| line.starts_with("Unable to load") || line.starts_with("Could not") || line.contains("rror loading"));
    let line = error.or_else(load).or_else(|| text.lines().next()).unwrap_or_default();
    // "from FILE": the folder has another name every time.
    line.split(" from /").next().unwrap_or_default().to_owned()
}
