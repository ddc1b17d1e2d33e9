//! What istiod needs when its mesh's CA is ours: its serving certificate, and the ConfigMap by which agents trust it; tried by real agents.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use meshroot_testkit::kubernetes::{Node, Pod};
use meshroot_tests::istio::liar::{Defect, Liar};
use meshroot_tests::istio::mesh::Mesh;
use meshroot_tests::istio::pilot_agent::{PilotAgent, Sidecar};
use meshroot_tests::istio::programs::{meshroot, succeed, wait_for};

/// The roots in a mesh's ConfigMap, as Kubernetes mounts them.
fn root_configmap(mesh: &Mesh) -> PathBuf {
    let manifest = succeed(meshroot().args(["istio", "root-configmap", "--namespace", "shop", "--store"]).arg(mesh.path("mesh")));
    for wanted in ["kind: ConfigMap", "name: istio-ca-root-cert", "namespace: \"shop\""] {
        assert!(manifest.contains(wanted), "no '{wanted}' in {manifest}");
    }
    let (_, block) = manifest.split_once("root-cert.pem: |").unwrap_or_else(|| panic!("no root-cert.pem in {manifest}"));
    let lines: Vec<_> = block.lines().skip(1).map(str::trim).take_while(|line| !line.is_empty() && *line != "---" && !line.ends_with(':')).collect();
    let path = mesh.path("mounted-root-cert.pem");
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    path
}

/// An agent that looks for its CA where istiod is: `localhost`, for which it wants istiod's name.
fn agent(server: &Liar, roots: &Path) -> PilotAgent {
    let pod = Pod::new(&Node::new("node-1"), "shop", "cart", "cart-1");
    let ca = format!("localhost:{}", server.address.port());
    PilotAgent::start(&Sidecar { cluster: "west", pod: &pod, ca, roots, token: "any".into(), lifetime: Duration::from_secs(3_600), more: &[] })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_trusts_istiods_certificate_by_the_configmap_of_its_mesh_and_no_other() {
    let (mesh, other) = (Mesh::quickstart(&["west"]), Mesh::quickstart(&["west"]));
    for key_type in ["p256", "p384"] {
        let out = mesh.path(&format!("istiod-tls-{key_type}"));
        succeed(meshroot().args(["istio", "istiod-tls", "west", "--key-type", key_type, "--store"]).arg(mesh.path("mesh")).arg("--out").arg(&out));
        let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
        let (chain, key) = (read("tls.crt"), read("tls.key"));
        let names =
            meshroot::pem::certificates(chain.as_bytes()).unwrap()[0].alt_names().unwrap().dns.iter().map(ToString::to_string).collect::<Vec<_>>();
        for wanted in ["istiod.istio-system.svc", "istiod-remote.istio-system.svc", "istio-pilot.istio-system.svc"] {
            assert!(names.iter().any(|name| name == wanted), "{names:?}");
        }
        assert_eq!(read("ca.crt"), mesh.roots());

        let server = Liar::start_as(Defect::None, Some((&chain, &key))).await;
        let trusting = agent(&server, &root_configmap(&mesh));
        wait_for(Duration::from_secs(20), || (server.calls() > 0).then_some(()), || trusting.log());
        let calls = server.calls();
        let doubting = agent(&server, &root_configmap(&other));
        wait_for(Duration::from_secs(20), || doubting.log().contains("certificate signed by unknown authority").then_some(()), || doubting.log());
        assert_eq!(server.calls(), calls);
    }
}
