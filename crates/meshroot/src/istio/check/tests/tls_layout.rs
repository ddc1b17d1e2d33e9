use super::*;
use crate::istio::testing::report;

fn tls(mesh: &Mesh) -> CacertsFiles {
    let mut files = CacertsFiles::default();
    files.set("tls.crt", mesh.west.pem());
    files.set("tls.key", mesh.west.key.serialize_pem());
    files.set("ca.crt", mesh.root.pem());
    files
}

#[test]
fn the_layout_of_cert_manager_works() {
    let mesh = mesh();
    let report = report(&tls(&mesh));
    assert_eq!(report.findings(), &[]);
    assert_eq!(report.chain(), &[mesh.west.cert, mesh.root.cert]);
}

#[test]
fn findings_name_the_files_of_the_layout() {
    let mesh = mesh();
    let mut files = tls(&mesh);
    files.set("tls.key", mesh.root.key.serialize_pem());
    assert_eq!(report(&files).findings()[0].file, "tls.key");
    files.tls_key = None;
    assert_eq!((report(&files).findings()[0].code, report(&files).findings()[0].file), ("istio.incomplete", "tls.key"));
    files.tls_crt = None;
    assert_eq!(report(&files).findings()[0].message, "the set is incomplete: tls.crt, tls.key is missing");
}

#[test]
fn both_layouts_at_once_hurt() {
    let mesh = mesh();
    let mut files = tls(&mesh);
    files.set("ca-cert.pem", mesh.west.pem());
    assert_eq!(codes(&files), ["H istio.two_layouts"]);
}

#[test]
fn a_crl_beside_tls_crt_is_not_read() {
    let mut files = tls(&mesh());
    files.set("ca-crl.pem", "anything");
    assert_eq!(codes(&files), ["H istio.crl_ignored"]);
}

#[test]
fn a_missing_line_break_welds_two_certificates_together() {
    let mesh = mesh();
    let mut files = tls(&mesh);
    files.set("tls.crt", mesh.west.pem().trim_end());
    assert_eq!(codes(&files), ["M istio.no_line_break"]);
}
