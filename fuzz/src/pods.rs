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

/// A list of pods, as `kubectl get pods -A -o json` prints it. Each pod is found by its UID, the last of several; on a node is found
/// who runs there by a naive reading of the same list, and nobody else.
pub fn pods(data: &[u8]) {
    let Ok(pods) = Pods::from_json(data) else { return };
    // What is not asked for may be a number that is too large for other readers, and serde takes a list of values for an object.
    let Ok(document) = serde_json::from_slice::<Value>(data) else { return };
    let Some(all) = document["items"].as_array().and_then(|items| items.iter().map(naive).collect::<Option<Vec<_>>>()) else { return };
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
    Some(Pod {
        uid: text("metadata", "uid")?,
        namespace: text("metadata", "namespace")?,
        name: text("metadata", "name")?,
        service_account: text("spec", "serviceAccountName")?,
        node: text("spec", "nodeName").filter(|node| !node.is_empty()),
        ended: ["Failed", "Succeeded"].contains(&text("status", "phase")?.as_str()),
    })
}
