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
use meshroot::hierarchy::AuthorityId;
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
/// refused. So is, in a short line, whatever is no such file. What is plainly none becomes each text of a request.
pub fn root_files(data: &[u8]) {
    if !data.starts_with(b"{") {
        let text = String::from_utf8_lossy(data.get(..100).unwrap_or(data));
        return asks(&request([&text; 8]));
    }
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

/// A request for a certificate and a CRL, with these texts in it.
fn request([cluster, profile, csr_sha256, asked_by, serial, subject, reason, by]: [&str; 8]) -> RootRequest {
    let at = Timestamp::from_unix(NOW);
    let cluster_ca = ClusterCaAsk {
        request: ID.to_owned(),
        cluster: cluster.to_owned(),
        profile: profile.to_owned(),
        lifetime_seconds: 31_536_000,
        csr_sha256: csr_sha256.to_owned(),
        csr: "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n".to_owned(),
        asked_by: asked_by.to_owned(),
        asked_at: at,
    };
    let [serial, subject, reason, by] = [serial, subject, reason, by].map(str::to_owned);
    let crl = CrlAsk { number_above: 3, revoked: vec![RevokedAsk { serial, subject, not_after: at, at, reason, by }] };
    RootRequest::new(trust_domain(), root(), ID, at, vec![cluster_ca], Some(crl))
}

const ID: &str = "0123456789abcdef0123456789abcdef";

fn trust_domain() -> TrustDomain {
    TrustDomain::parse("mesh.example").expect("a trust domain")
}

fn root() -> AuthorityId {
    serde_json::from_value("root-9f86d081".into()).expect("an authority")
}

/// A request for a certificate and a CRL, the answer to one, and a text for those that the target makes.
pub fn root_files_seeds() -> [(&'static str, String); 3] {
    let request = request(["west", "cluster CA", "e3b0c442", "the administrator operator", "2a", "CN=east", "keyCompromise", "operator"]);
    let signed = SignedCa { request: ID.to_owned(), certificate: "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n".to_owned() };
    let answer = RootAnswer::new(trust_domain(), root(), Timestamp::from_unix(NOW), vec![signed], None);
    [("request", request.to_json()), ("answer", answer.to_json()), ("text", "west \u{1b}[2J".to_owned())]
}
