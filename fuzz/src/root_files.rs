// The service's own files: see grpc.rs.
#[allow(dead_code, reason = "the service uses all of it")]
#[path = "../../crates/meshroot-service/src/root/answer.rs"]
mod answer;
#[allow(dead_code, reason = "the service uses all of it")]
#[path = "../../crates/meshroot-service/src/root/request.rs"]
mod request;
#[path = "../../crates/meshroot-service/src/root/words.rs"]
mod words;

use answer::{RootAnswer, SignedCa};
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use request::{ClusterCaAsk, CrlAsk, RevokedAsk, RootRequest};

use crate::NOW;

/// As the service has it, which knows many more.
const MOST: usize = 16 << 20;

/// The one error that reading a file has.
#[derive(Debug)]
enum RootError {
    Malformed { what: &'static str, detail: String },
}

/// A file that asks the root for signatures, or brings them back, is written and read again as itself. Its summary has a line for each
/// thing that is asked for, with nothing in it that a terminal obeys, and a file that asks for something else under the same summary is
/// refused. So is, in a short line, whatever is no such file.
pub fn root_files(data: &[u8]) {
    match RootRequest::from_json(data) {
        Ok(request) => asks(&request),
        Err(e) => short(&e),
    }
    match RootAnswer::from_json(data) {
        Ok(answer) => assert_eq!(RootAnswer::from_json(answer.to_json().as_bytes()).expect("what we write is read"), answer),
        Err(e) => short(&e),
    }
}

fn asks(request: &RootRequest) {
    let again = |request: &RootRequest| RootRequest::from_json(request.to_json().as_bytes());
    assert_eq!(&again(request).expect("what we write is read"), request);
    let revoked = request.crl.as_ref().map_or(0, |crl| 1 + crl.revoked.len());
    assert_eq!(request.summary.len(), 1 + request.cluster_cas.len() + revoked);
    assert!(request.summary.iter().all(|line| !line.chars().any(char::is_control)), "{:?}", request.summary);

    for place in 0..request.cluster_cas.len() {
        let changes: [fn(&mut ClusterCaAsk) -> &mut String; 3] = [|ask| &mut ask.cluster, |ask| &mut ask.profile, |ask| &mut ask.csr_sha256];
        for text in changes {
            let mut other = request.clone();
            text(&mut other.cluster_cas[place]).push('0');
            assert!(again(&other).is_err(), "its summary is that of another request");
        }
    }
    for place in 0..request.crl.as_ref().map_or(0, |crl| crl.revoked.len()) {
        let mut other = request.clone();
        other.crl.as_mut().expect("there is one").revoked[place].serial.push('0');
        assert!(again(&other).is_err(), "its summary is that of another request");
    }
    let mut less = request.clone();
    if less.cluster_cas.pop().is_some() || less.crl.take().is_some() {
        assert!(again(&less).is_err(), "its summary is that of another request");
    }
}

fn short(e: &RootError) {
    let RootError::Malformed { what, detail } = e;
    assert!(!what.is_empty() && detail.len() < 2_000 && !detail.chars().any(char::is_control), "{detail:?}");
}

/// A request for a certificate and a CRL, and the answer to one.
pub fn root_files_seeds() -> [(&'static str, String); 2] {
    let trust_domain = || TrustDomain::parse("mesh.example").expect("a trust domain");
    let root = || serde_json::from_value(serde_json::json!("9f86d081884c7d65")).expect("an authority");
    let (at, id, text) = (Timestamp::from_unix(NOW), "0123456789abcdef0123456789abcdef", |text: &str| text.to_owned());
    let cluster_ca = ClusterCaAsk {
        request: text(id),
        cluster: text("west"),
        profile: text("cluster CA"),
        lifetime_seconds: 31_536_000,
        csr_sha256: text("e3b0c442"),
        csr: text("-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"),
        asked_by: text("the administrator operator"),
        asked_at: at,
    };
    let revoked = RevokedAsk { serial: text("2a"), subject: text("CN=east"), not_after: at, at, reason: text("keyCompromise"), by: text("operator") };
    let crl = CrlAsk { number_above: 3, revoked: vec![revoked] };
    let request = RootRequest::new(trust_domain(), root(), id, at, vec![cluster_ca], Some(crl));
    let signed = SignedCa { request: text(id), certificate: text("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n") };
    let answer = RootAnswer::new(trust_domain(), root(), at, vec![signed], None);
    [("request", request.to_json()), ("answer", answer.to_json())]
}
