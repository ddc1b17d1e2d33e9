//! Istio's clients, over gRPC.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use meshroot::pem;
use meshroot_store::Change;
use support::istio::{CART, IstioMesh};
use support::{Agent, ApiServer, Request, TRUST_DOMAIN, TestMesh};

#[tokio::test]
async fn an_agent_gets_its_leaf_each_intermediate_and_all_roots() {
    let mesh = IstioMesh::start().await;
    for (server, ca) in [(&mesh.west, "west"), (&mesh.east, "east")] {
        let chain = mesh.agent().await.bearer(&mesh.token(server)).create(&Request::new(mesh.running.mesh.csr(CART))).await.unwrap();
        assert_eq!(chain.len(), 3, "leaf, cluster CA, roots");
        let [leaf, intermediate] = [0, 1].map(|at| pem::certificates(chain[at].as_bytes()).unwrap());
        assert_eq!((leaf.len(), intermediate.len()), (1, 1), "one certificate a text");
        let uris: Vec<_> = leaf[0].alt_names().unwrap().uris.iter().map(ToString::to_string).collect();
        assert_eq!(uris, [format!("spiffe://{TRUST_DOMAIN}{CART}")]);
        assert!(intermediate[0].subject().to_string().contains(ca));
        assert_eq!(chain[2], mesh.running.mesh.roots_pem);
        assert!(chain.iter().all(|one| one.ends_with("-----END CERTIFICATE-----\n")));
    }
}

#[tokio::test]
async fn clients_that_dial_an_address_and_send_no_name_are_served_too() {
    let mesh = IstioMesh::start().await;
    let name = std::net::IpAddr::from([127, 0, 0, 1]).into();
    let agent = Agent::connect(mesh.running.service.address(), &mesh.running.mesh.roots_pem, name).await;
    agent.bearer(&mesh.token(&mesh.west)).create(&Request::new(mesh.running.mesh.csr(CART))).await.unwrap();
}

#[tokio::test]
async fn a_token_counts_only_where_it_is_meant_for() {
    let mesh = IstioMesh::start().await;
    let csr = || mesh.running.mesh.csr(CART);
    let agent = mesh.agent().await;
    let (for_istio, for_us) = (mesh.token(&mesh.west), mesh.west.token(&mesh.running.mesh, |_| ()));
    // Each twice, in turns: that it was accepted in one place must not make it good in the other.
    for _ in 0..2 {
        agent.bearer(&for_istio).create(&Request::new(csr())).await.unwrap();
        let over_http = mesh.running.stranger().bearer(&for_istio).post("/v1/certificates", csr()).await;
        assert_eq!((over_http.status, over_http.code()), (401, "token.audience".into()));
        assert_eq!(mesh.running.stranger().bearer(&for_us).post("/v1/certificates", csr()).await.status, 201);
        let over_grpc = agent.bearer(&for_us).create(&Request::new(csr())).await.unwrap_err();
        assert_eq!((over_grpc.code, over_grpc.reason.as_str()), (16, "token.audience"));
    }
}

#[tokio::test]
async fn a_lifetime_is_what_was_asked_for_within_what_the_policy_gives() {
    let mesh = IstioMesh::start().await;
    let agent = mesh.agent().await;
    let lifetime = async |server: &ApiServer, seconds: i64| {
        let request = Request { validity_duration: seconds, ..Request::new(mesh.running.mesh.csr(CART)) };
        let chain = agent.bearer(&mesh.token(server)).create(&request).await?;
        let validity = pem::certificates(chain[0].as_bytes()).unwrap()[0].validity();
        let now = meshroot_service::Clock::now(&mesh.running.mesh.clock).unix();
        // ztunnel renews at half of the whole validity: that must lie ahead, whatever the lifetime.
        let half = (validity.not_before.unix() + validity.not_after.unix()) / 2;
        assert!(half >= now + seconds.clamp(0, 86_400) / 3, "a client would ask again at once");
        Ok::<_, support::Refusal>(validity.not_after.unix() - now)
    };
    assert_eq!(lifetime(&mesh.west, 20).await, Ok(20));
    assert_eq!(lifetime(&mesh.west, 3_600).await, Ok(3_600));
    for none in [0, -1, i64::MIN] {
        assert_eq!(lifetime(&mesh.west, none).await, Ok(86_400), "{none}");
    }
    for long in [86_401, 90 * 86_400, i64::MAX] {
        assert_eq!(lifetime(&mesh.west, long).await, Ok(86_400), "{long}");
        // By the policy's setting, as Istio's own CA does it.
        let refused = lifetime(&mesh.east, long).await.unwrap_err();
        assert_eq!((refused.code, refused.reason.as_str()), (3, "policy.lifetime"));
    }
}

#[tokio::test]
async fn a_one_time_token_is_good_once_over_grpc_too() {
    let mesh = IstioMesh::start().await;
    let agent = mesh.agent().await.bearer(&mesh.running.token(CART).await);
    agent.create(&Request::new(mesh.running.mesh.csr(CART))).await.unwrap();
    let again = agent.create(&Request::new(mesh.running.mesh.csr(CART))).await.unwrap_err();
    assert_eq!((again.code, again.reason.as_str()), (16, "authentication.token_used"));
}

/// The octets of a request as Istio's clients make them: this subject, and one extension request with a critical SAN.
fn csr_like(subject: &[u8], id: &str) -> String {
    let crypto = Crypto::ring();
    let signer = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap().signer(&crypto).unwrap();
    let tlv = |tag: u8, content: &[&[u8]]| {
        let content = content.concat();
        let length = match content.len() {
            short @ ..128 => vec![u8::try_from(short).unwrap()],
            middle @ ..256 => vec![0x81, u8::try_from(middle).unwrap()],
            long => vec![0x82, u8::try_from(long >> 8).unwrap(), u8::try_from(long & 0xff).unwrap()],
        };
        [vec![tag], length, content].concat()
    };
    let names = tlv(0x30, &[&tlv(0x86, &[id.as_bytes()])]);
    let extension = tlv(0x30, &[&[6, 3, 0x55, 0x1d, 0x11], &[1, 1, 0xff], &tlv(4, &[&names])]);
    let request = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];
    let attributes = tlv(0xa0, &[&tlv(0x30, &[&request, &tlv(0x31, &[&tlv(0x30, &[&extension])])])]);
    let info = tlv(0x30, &[&[2, 1, 0], subject, signer.public_key().spki_der(), &attributes]);
    let signature = signer.sign(&info).unwrap();
    let ecdsa_with_sha256 = [0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    let der = tlv(0x30, &[&info, &ecdsa_with_sha256, &tlv(3, &[&[0], &signature])]);
    meshroot::csr::Csr::from_der(&der).unwrap().to_pem()
}

#[tokio::test]
async fn both_shapes_of_requests_are_read() {
    let mesh = IstioMesh::start().await;
    let agent = mesh.agent().await.bearer(&mesh.token(&mesh.west));
    let id = format!("spiffe://{TRUST_DOMAIN}{CART}");
    // istio-agent: one organization without a letter; ztunnel: nothing.
    let agents = [0x30, 11, 0x31, 9, 0x30, 7, 6, 3, 0x55, 4, 10, 0x13, 0];
    for subject in [&agents[..], &[0x30, 0]] {
        agent.create(&Request::new(csr_like(subject, &id))).await.unwrap();
        let other = csr_like(subject, &format!("spiffe://{TRUST_DOMAIN}/ns/shop/sa/till"));
        assert_eq!(agent.create(&Request::new(other)).await.unwrap_err().reason, "policy.other_identity");
    }
}

/// A request of the health service, or its answer: one field, a text or a number.
#[derive(Clone, PartialEq, prost::Message)]
struct Service {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Serving {
    #[prost(int32, tag = "1")]
    status: i32,
}

#[tokio::test]
async fn health_is_what_readiness_is() {
    use prost::Message;
    let mesh = IstioMesh::start().await;
    let agent = mesh.agent().await;
    let check = async |name: &str| {
        let asked = Service { name: name.into() }.encode_to_vec();
        Ok::<_, support::Refusal>(Serving::decode(agent.call("/grpc.health.v1.Health/Check", support::frame(&asked)).await?).unwrap().status)
    };
    assert_eq!(check("").await, Ok(1));
    assert_eq!(check("istio.v1.auth.IstioCertificateService").await, Ok(1));
    let unknown = check("x").await.unwrap_err();
    assert_eq!((unknown.code, unknown.reason.as_str()), (5, "grpc.no_such_service"));
    // No CA signs when its certificate has expired; the answer is a second old at most.
    let mut watch = agent.send("/grpc.health.v1.Health/Watch", support::frame(&[])).await.unwrap();
    let first = http_body_util::BodyExt::frame(watch.body_mut()).await.unwrap().unwrap();
    assert_eq!(first.data_ref().unwrap(), &support::frame(&[8, 1]));
    mesh.running.mesh.clock.advance(400 * 86_400);
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(check("").await, Ok(2));
    let second = http_body_util::BodyExt::frame(watch.body_mut()).await.unwrap().unwrap();
    assert_eq!(second.data_ref().unwrap(), &support::frame(&[8, 2]));
    // Whoever watches does not hold up the end.
    let (stopped, trailers) = tokio::join!(mesh.running.service.stop(), http_body_util::BodyExt::frame(watch.body_mut()));
    assert!(stopped);
    assert_eq!(trailers.unwrap().unwrap().trailers_ref().unwrap()["grpc-status"], "14");
}

#[tokio::test]
async fn reflection_shows_what_can_be_called() {
    let mesh = IstioMesh::start().await;
    let agent = mesh.agent().await;
    for version in ["v1", "v1alpha"] {
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        // list_services, and the file of a symbol.
        let list = agent.call(&path, support::frame(&[0x3a, 1, b'*'])).await.unwrap();
        let text = String::from_utf8_lossy(&list).into_owned();
        for name in ["istio.v1.auth.IstioCertificateService", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"] {
            assert!(text.contains(name), "{name} in {text}");
        }
        let symbol = b"istio.v1.auth.IstioCertificateService";
        let asked = [&[0x22, u8::try_from(symbol.len()).unwrap()], &symbol[..]].concat();
        let file = agent.call(&path, support::frame(&asked)).await.unwrap();
        let text = String::from_utf8_lossy(&file).into_owned();
        assert!(text.contains("security/v1alpha1/ca.proto") && text.contains("google/protobuf/struct.proto"));
    }
    let unknown = agent.call("/istio.v1.auth.IstioCertificateService/Nothing", support::frame(&[])).await.unwrap_err();
    assert_eq!((unknown.code, unknown.reason.as_str()), (12, "grpc.no_such_method"));
}

#[tokio::test]
async fn thousands_of_refused_calls_do_not_end_their_connection() {
    let mesh = IstioMesh::start().await;
    let agent = mesh.agent().await;
    // Refused early, so that it is the connection that is tried; a thousand at once.
    let request = support::frame(&prost::Message::encode_to_vec(&Request::new(mesh.running.mesh.csr(CART))));
    for (method, code) in [("CreateCertificate", 16), ("Nothing", 12)] {
        for _ in 0..5 {
            let mut calls = tokio::task::JoinSet::new();
            for _ in 0..1_000 {
                let (agent, request) = (agent.clone(), request.clone());
                calls.spawn(async move { agent.call(&format!("/istio.v1.auth.IstioCertificateService/{method}"), request).await });
            }
            while let Some(answer) = calls.join_next().await {
                assert_eq!(answer.unwrap().unwrap_err().code, code);
            }
        }
    }
    agent.bearer(&mesh.token(&mesh.west)).create(&Request::new(mesh.running.mesh.csr(CART))).await.unwrap();
}

#[tokio::test]
async fn imported_roots_are_handed_to_workloads_and_stay_out_of_our_bundle() {
    let mesh = IstioMesh::start().await;
    let agent = mesh.agent().await.bearer(&mesh.token(&mesh.west));
    let other = TestMesh::new();
    let store = mesh.running.mesh.open();
    let loaded = store.load().unwrap();
    let bundle = meshroot::bundle::Bundle::from_pem("other.example".parse().unwrap(), other.roots_pem.as_bytes()).unwrap();
    let command = meshroot::hierarchy::Command::Import { bundle, force: false };
    let at = meshroot_service::Clock::now(&mesh.running.mesh.clock);
    let events = mesh.running.mesh.hierarchy.decide(&command, &mesh.running.mesh.crypto, at).unwrap();
    let trust_domain = TRUST_DOMAIN.parse().unwrap();
    store.commit(&Change { expected_version: loaded.version, trust_domain, events, sealed_keys: Vec::new(), bundle: None, at }).unwrap();
    let both = format!("{}{}", mesh.running.mesh.roots_pem, other.roots_pem);
    let handed = async {
        while agent.create(&Request::new(mesh.running.mesh.csr(CART))).await.unwrap().pop().unwrap() != both {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), handed).await.unwrap();
    assert_eq!(mesh.running.stranger().get("/roots.pem").await.text(), mesh.running.mesh.roots_pem);
    assert_eq!(mesh.running.administrator().get("/v1/status").await.json()["bundles"][0]["imported"][0]["trust_domain"], "other.example");
}

#[tokio::test]
async fn clients_may_ping_as_often_as_they_like() {
    let mesh = IstioMesh::start().await;
    let stream = Agent::tls(mesh.running.service.address(), &mesh.running.mesh.roots_pem, "localhost".try_into().unwrap()).await;
    let mut builder = hyper::client::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new());
    let often = std::time::Duration::from_millis(10);
    builder.timer(hyper_util::rt::TokioTimer::new()).keep_alive_interval(often).keep_alive_while_idle(true);
    let (sender, connection) = builder.handshake(hyper_util::rt::TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let agent = Agent::on(sender).bearer(&mesh.token(&mesh.west));
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    agent.create(&Request::new(mesh.running.mesh.csr(CART))).await.unwrap();
}

#[tokio::test]
async fn what_is_no_call_is_told_so_in_http() {
    let mesh = IstioMesh::start().await;
    let path = "/istio.v1.auth.IstioCertificateService/CreateCertificate";
    let stranger = mesh.running.stranger();
    assert_eq!(stranger.get(path).await.status, 405);
    assert_eq!(stranger.post(path, "{}").await.status, 415);
    assert_eq!(stranger.with("content-type", "application/grpc").post(path, "").await.status, 505, "h2 alone has trailers that count");
}

#[test]
fn the_settings_and_policies_in_the_guides_are_valid() {
    let folder = tempfile::tempdir().unwrap();
    let guides = concat!(include_str!("../docs/istio-clients.md"), include_str!("../docs/models.md"));
    let blocks: Vec<&str> = guides.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let (settings, policies): (Vec<&str>, Vec<&str>) = blocks.iter().partition(|block| block.starts_with("# meshroot.toml"));
    assert_eq!((settings.len(), policies.len()), (1, 2));
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name)
    };
    meshroot_service::Config::read(Some(&write("meshroot.toml", settings[0])), []).unwrap();
    // The second goes on where the first ends.
    meshroot_service::read_policy(&write("policy.toml", &policies.concat())).unwrap();
}
