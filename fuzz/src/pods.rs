use std::collections::BTreeSet;

use serde_json::Value;

// The service's own files: see grpc.rs.
#[allow(dead_code, reason = "the service uses all of it")]
#[path = "../../crates/meshroot-service/src/pods/list.rs"]
mod list;
#[allow(dead_code, reason = "the service uses all of it")]
#[path = "../../crates/meshroot-service/src/pods/pod.rs"]
mod pod;

use list::Pods;
use pod::Pod;

use crate::json::fault;

/// A list of pods, as `kubectl get pods -A -o json` prints it. Each pod is found by its UID, the last of several; on a node is found
/// who runs there by a naive reading of the same list, and nobody else. What is
/// no such list is refused in a short line, with nothing in it that a terminal obeys.
pub fn pods(data: &[u8]) {
    let pods = match Pods::from_json(data) {
        Ok(pods) => pods,
        Err(e) => {
            let said = fault(&e);
            assert!(said.len() < 2_000 && !said.chars().any(char::is_control), "{said:?}");
            return;
        }
    };
    // What is not asked for may be a number that is too large for other readers.
    let Ok(document) = serde_json::from_slice::<Value>(data) else { return };
    let all = document["items"].as_array().and_then(|items| items.iter().map(naive).collect::<Option<Vec<_>>>());
    let all = all.expect("objects with names");
    let uids: BTreeSet<_> = all.iter().map(|pod| &pod.uid).collect();
    assert_eq!(pods.count(), uids.len());
    for one in &all {
        let last = all.iter().rfind(|other| other.uid == one.uid);
        assert_eq!(pods.pod(&one.uid).as_deref(), last);
        let node = one.node.as_deref().unwrap_or_default();
        let here = |other: &Pod| {
            other.node.as_deref() == Some(node)
                && (&other.namespace, &other.service_account) == (&one.namespace, &one.service_account)
                && !other.ended
        };
        match pods.at(node, &one.namespace, &one.service_account) {
            Some(found) => assert!(here(&found) && all.contains(&found), "{found:?}"),
            None => assert!(!all.iter().any(here), "{one:?} is overlooked"),
        }
    }
    // Who waits for a place is nowhere.
    assert!(all.iter().all(|one| pods.at("", &one.namespace, &one.service_account).is_none()));
}

fn naive(item: &Value) -> Option<Pod> {
    let text = |part: &str, member: &str| item[part][member].as_str().map(str::to_owned);
    let name = |text: String| (1..254).contains(&text.len()).then_some(text).filter(|text| text.chars().all(|c| ('!'..='~').contains(&c)));
    Some(Pod {
        uid: name(text("metadata", "uid")?)?,
        namespace: name(text("metadata", "namespace")?)?,
        name: name(text("metadata", "name")?)?,
        service_account: name(text("spec", "serviceAccountName")?)?,
        node: match text("spec", "nodeName").filter(|node| !node.is_empty()) {
            Some(node) => Some(name(node)?),
            None => None,
        },
        ended: ["Failed", "Succeeded"].contains(&text("status", "phase")?.as_str()),
    })
}
