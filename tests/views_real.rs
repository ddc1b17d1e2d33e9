//! As others see it: Go, go-spiffe, OpenSSL and a real Envoy on every case of the corpus. Run by `tests/interop.sh`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::Command;

use meshroot_tests::judges::Judge;
use meshroot_tests::views::observed::{Table, compare, word};
use meshroot_tests::views::{Case, corpus, envoy, go, openssl};

/// Where `.ci/tools/envoy.sh` puts Envoy; it installs it the first time.
fn envoy_binary() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/tools/envoy.sh");
    let out = Command::new(script).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    PathBuf::from(String::from_utf8(out.stdout).unwrap().trim())
}

#[test]
fn go_and_openssl_and_envoy_say_what_they_said_when_they_were_observed() {
    let cases = corpus::all();
    let (mut judge, folder) = (Judge::go(), tempfile::tempdir().unwrap());
    let mut table: Table = cases
        .iter()
        .map(|case| {
            let row = [
                ("go", go::x509(&mut judge, case)),
                ("go_spiffe", go::spiffe(&mut judge, case)),
                ("openssl", openssl::verdict(folder.path(), case, false)),
                ("openssl_strict", openssl::verdict(folder.path(), case, true)),
            ];
            (case.name.clone(), row.map(|(judge, verdict)| (judge.to_owned(), word(&verdict))).into())
        })
        .collect();
    let judged: Vec<&Case> = cases.iter().filter(|case| envoy::can_judge(case)).collect();
    for (case, verdict) in envoy::verdicts(&envoy_binary(), &mut judge, &judged) {
        table.get_mut(&case).unwrap().insert("boringssl".to_owned(), word(&verdict));
    }
    compare(&table);
}
