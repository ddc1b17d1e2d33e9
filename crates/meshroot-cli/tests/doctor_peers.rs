//! `doctor` and other machines: what it learns from TLS peers and URLs, and that none of them can hold it up.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::peers::{Peer, Tls};
use common::{Answer, Place};
use serde_json::Value;

static TLS12: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS12];

/// A mesh of west and east, and a workload's files in `cart`.
fn place() -> Place {
    let place = Place::with_mesh(&["west", "east"]);
    place.svid("cart").ok();
    place
}

fn server(place: &Place, tls: Tls) -> Peer {
    Peer::tls(&place.path("cart/svid.pem"), &place.path("cart/svid-key.pem"), tls)
}

fn endpoint(answer: &Answer) -> Value {
    answer.json()["endpoints"][0].clone()
}

/// Runs it, and checks that it does not take longer than it was allowed to.
#[track_caller]
#[allow(clippy::disallowed_methods, reason = "the time that others can take is the point")]
fn within(place: &Place, seconds: u64, args: &[&str]) -> Answer {
    let start = Instant::now();
    let answer = place.run(args);
    assert!(start.elapsed() < Duration::from_secs(seconds), "{:?}: {answer:?}", start.elapsed());
    answer
}

#[test]
fn a_peers_chain_is_read_whatever_its_trust() {
    let place = place();
    for (versions, said) in [(rustls::ALL_VERSIONS, "TLS 1.3"), (TLS12, "TLS 1.2")] {
        let peer = server(&place, Tls { versions, ..Tls::default() });
        let answer = place.run(&["doctor", "mesh", &format!("west={}", peer.address()), "--json"]).ok();
        let seen = endpoint(&answer);
        assert_eq!(seen["source"], peer.address());
        assert!(seen["negotiated"].as_str().unwrap().starts_with(said), "{seen}");
        assert!(seen["negotiated"].as_str().unwrap().ends_with("ALPN h2"), "{seen}");
        assert_eq!(seen["client_certificate"], serde_json::json!({ "asked": false }));
    }
    let other = Place::with_mesh(&["north"]);
    other.run(&["svid", "--cluster", "north", "--id", common::ID, "--out", "cart"]).ok();
    let stranger = server(&other, Tls::default());
    let answer = place.run(&["doctor", "mesh", &format!("north={}", stranger.address())]);
    assert_eq!(answer.code, 1, "{answer:?}");
    answer.says("north").says("TLS 1.3").says("NO");
}

#[test]
fn the_protocols_and_the_server_name_are_chosen() {
    let place = place();
    let peer = server(&place, Tls { alpn: vec![b"istio".to_vec(), b"h2".to_vec()], ..Tls::default() });
    let negotiated = |query: &str| {
        let answer =
            place.run(&["doctor", "mesh", &format!("west={}{query}", peer.address()), "--server-name", "istiod.istio-system.svc", "--json"]).ok();
        endpoint(&answer)["negotiated"].as_str().unwrap().to_owned()
    };
    assert!(negotiated("").ends_with("ALPN istio"));
    assert!(negotiated("?alpn=h2&sni=outbound_.80_._.a.b.svc.cluster.local").ends_with("ALPN h2"));
    assert!(negotiated("?alpn=").ends_with("no ALPN"));
    // A server that insists says so, and has shown nothing.
    place.run(&["doctor", &format!("{}?alpn=spdy", peer.address())]).fails(3).says("NoApplicationProtocol");
}

#[test]
fn it_is_told_whether_a_client_certificate_is_wanted_and_taken() {
    let place = place();
    for versions in [rustls::ALL_VERSIONS, TLS12] {
        let peer = server(&place, Tls { versions, clients: Some(place.path("mesh/root-cert.pem")), ..Tls::default() });
        let source = format!("west={}", peer.address());
        let answer = place.run(&["doctor", "mesh", &source, "--json"]).ok();
        let asked = endpoint(&answer)["client_certificate"].clone();
        assert_eq!((&asked["asked"], &asked["shown"]), (&true.into(), &false.into()));
        assert!(
            asked["refused"].as_str().unwrap().contains("CertificateRequired") || asked["refused"].as_str().unwrap().contains("HandshakeFailure"),
            "{asked}"
        );
        assert!(asked["issuers"][0].as_str().unwrap().contains("mesh.example"), "{asked}");

        let shown = ["--client-cert", "cart/svid.pem", "--client-key", "cart/svid-key.pem"];
        let answer = place.run(&[&["doctor", "mesh", source.as_str(), "--json"], shown.as_slice()].concat()).ok();
        let asked = endpoint(&answer)["client_certificate"].clone();
        assert_eq!((&asked["shown"], &asked["refused"]), (&true.into(), &Value::Null));

        let other = self::place();
        let path = |name: &str| other.path(name).to_str().unwrap().to_owned();
        let answer =
            place.run(&["doctor", "mesh", &source, "--client-cert", &path("cart/svid.pem"), "--client-key", &path("cart/svid-key.pem")]).ok();
        answer.says("refused the one it was shown").says("UnknownC");
    }
}

#[test]
fn credentials_that_cannot_be_used_are_named() {
    let place = place();
    place.svid("other").ok();
    let with = |cert: &str, key: &str| place.run(&["doctor", "mesh", "--client-cert", cert, "--client-key", key]);
    with("cart/svid.pem", "other/svid-key.pem").fails(3).says("other/svid-key.pem: it is not the key of the certificate in cart/svid.pem");
    with("cart/svid.pem", "cart/bundle.pem").fails(3).says("no unencrypted private key");
    with("cart/svid-key.pem", "cart/svid-key.pem").fails(3).says("cart/svid-key.pem");
    with("nothing", "cart/svid-key.pem").fails(4);
    assert_eq!(place.run(&["doctor", "mesh", "--client-cert", "cart/svid.pem"]).code, 2);
}

#[test]
fn a_peer_that_hangs_is_waited_for_no_longer_than_was_said() {
    let place = Place::new();
    for peer in [Peer::silent(), Peer::trickling()] {
        let answer = within(&place, 5, &["doctor", &peer.address(), "--timeout", "1s"]).fails(4);
        answer.says(&peer.address()).says("silent for too long during the TLS handshake").says("--timeout");
        let answer = within(&place, 5, &["doctor", &format!("https://127.0.0.1:{}/", peer.port), "--timeout", "1s", "--json"]).fails(4);
        assert_eq!(answer.error()["code"], "net.timed_out");
    }
    // Nobody there, as from a network that drops everything (RFC 5737).
    within(&place, 5, &["doctor", "tls://192.0.2.1:15012", "--timeout", "1s"]).fails(4);
}

#[test]
fn many_that_hang_are_waited_for_together() {
    let place = Place::new();
    let peers: Vec<String> = (0..40).map(|_| Peer::silent().address()).collect();
    let args: Vec<&str> = ["doctor", "--timeout", "1s"].into_iter().chain(peers.iter().map(String::as_str)).collect();
    within(&place, 10, &args).fails(4);
}

#[test]
fn a_peer_that_is_not_there_or_is_no_tls_server_is_named() {
    let place = Place::new();
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    place.run(&["doctor", &format!("tls://127.0.0.1:{gone}")]).fails(4).says("no connection").says("refused");
    place.run(&["doctor", "tls://no-such-host.invalid:443", "--timeout", "3s"]).fails(4);
    let http = Peer::saying(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    place.run(&["doctor", &http.address()]).fails(3).says("not in TLS: it speaks plain HTTP ('HTTP/1.1 400 Bad Request')");
    let smtp = Peer::saying(b"220 mail.example ESMTP\r\n");
    place.run(&["doctor", &smtp.address()]).fails(3).says("it begins with '220 mail.example ESMTP'");
    let binary = Peer::saying(b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09");
    place.run(&["doctor", &binary.address()]).fails(3).says("it begins with the bytes");
    let closing = Peer::saying(b"");
    place.run(&["doctor", &closing.address()]).fails(3).says("without a word of TLS").says("?sni=");
    let alert = Peer::saying(&[0x15, 3, 3, 0, 2, 2, 112]);
    place.run(&["doctor", &alert.address()]).fails(3).says("UnrecognisedName");
    let rubbish = Peer::saying(&[0x16, 3, 3, 0xff, 0xff, 0, 0]);
    place.run(&["doctor", &rubbish.address()]).fails(3);
}

#[test]
fn one_peer_that_is_away_does_not_hide_the_others() {
    let place = place();
    let hangs = Peer::silent();
    let answer = within(&place, 6, &["doctor", "mesh", &format!("north={}", hangs.address()), "--timeout", "1s"]);
    assert_eq!(answer.code, 4, "{answer:?}");
    let answer = answer.says("west").says("east").says("not read:").says("silent for too long");
    assert!(answer.stdout.contains("north="), "{answer:?}");
    let answer = place.run(&["doctor", "mesh", &hangs.address(), "--timeout", "1s", "--json"]);
    assert_eq!(answer.json()["unread"][0]["error"]["code"], "net.timed_out");
    // What is away weighs more than what cannot be read, in whatever order.
    fs::write(place.path("bad"), "rubbish").unwrap();
    assert_eq!(place.run(&["doctor", "bad", "mesh"]).code, 3);
    assert_eq!(place.run(&["doctor", "bad", "mesh", &hangs.address(), "--timeout", "1s"]).code, 4);
}

/// A certificate for 127.0.0.1 that vouches for itself, as `web.pem` and `web-key.pem`.
fn web(place: &Place) {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(place.path("web.pem"), certified.cert.pem()).unwrap();
    fs::write(place.path("web-key.pem"), certified.signing_key.serialize_pem()).unwrap();
}

fn web_server(place: &Place, answer: Vec<u8>) -> String {
    let peer = Peer::tls(&place.path("web.pem"), &place.path("web-key.pem"), Tls { alpn: Vec::new(), answer, ..Tls::default() });
    format!("https://127.0.0.1:{}/bundle.json", peer.port)
}

fn ok(body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

#[test]
fn a_bundle_is_fetched_from_a_server_that_is_vouched_for_and_from_no_other() {
    let place = place();
    web(&place);
    let bundle = web_server(&place, ok(&place.read("mesh/bundle.json")));
    let answer = place.run(&["doctor", "mesh", &format!("partner={bundle}"), "--ca", "web.pem"]).ok();
    answer.says("partner");
    let untrusted = place.run(&["doctor", &bundle, "--ca", "mesh/root-cert.pem"]).fails(1);
    untrusted.says("not trusted").says("--ca");
    place.run(&["doctor", &bundle]).fails(1).says("not trusted");
}

#[test]
fn whatever_a_web_server_answers_is_named() {
    let place = place();
    web(&place);
    let good = web_server(&place, ok(&place.read("mesh/bundle.json")));
    let redirecting = |to: &str| web_server(&place, format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").into_bytes());
    let fetch = |url: &str| place.run(&["doctor", "mesh", url, "--ca", "web.pem", "--timeout", "2s"]);
    fetch(&redirecting(&good)).ok();
    let refused = |url: &str, said: &str| {
        let answer = fetch(url);
        assert_eq!(answer.code, 3, "{answer:?}");
        answer.says(said);
    };
    refused(&redirecting("http://127.0.0.1/"), "is no https URL");
    refused(&redirecting("/again"), "redirects more than 3 times");
    refused(&web_server(&place, b"HTTP/1.1 503 Service Unavailable\r\n\r\n".to_vec()), "HTTP 503");
    refused(&web_server(&place, ok(b"<html>")), "text of an unknown kind");
    refused(&web_server(&place, ok(b"{\"keys\": 7}")), "keys");
    refused(&web_server(&place, b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n".to_vec()), "longer than");
    place.run(&["doctor", "http://127.0.0.1/bundle.json"]).fails(2).says("use https");
}
