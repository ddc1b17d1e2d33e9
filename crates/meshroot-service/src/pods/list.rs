use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::Pod;

/// The pods of one cluster, found by UID and by place.
#[derive(Debug, Default)]
pub(super) struct Pods {
    by_uid: HashMap<String, Arc<Pod>>,
    by_place: HashMap<Place, Arc<Pod>>,
}

/// Node, namespace, service account.
type Place = (String, String, String);

impl Pods {
    /// Reads what `kubectl get pods -A -o json` prints: a `List` or a `PodList`; what is not asked for is passed over.
    pub(super) fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        let list: List = serde_json::from_slice(json)?;
        Ok(list.items.into_iter().map(Pod::from).collect())
    }

    pub(super) fn pod(&self, uid: &str) -> Option<Arc<Pod>> {
        self.by_uid.get(uid).cloned()
    }

    pub(super) fn at(&self, node: &str, namespace: &str, service_account: &str) -> Option<Arc<Pod>> {
        self.by_place.get(&(node.to_owned(), namespace.to_owned(), service_account.to_owned())).cloned()
    }

    pub(super) fn count(&self) -> usize {
        self.by_uid.len()
    }
}

impl FromIterator<Pod> for Pods {
    fn from_iter<I: IntoIterator<Item = Pod>>(pods: I) -> Self {
        let mut all = Self::default();
        for pod in pods {
            let pod = Arc::new(pod);
            if let (Some(node), false) = (&pod.node, pod.ended) {
                all.by_place.insert((node.clone(), pod.namespace.clone(), pod.service_account.clone()), Arc::clone(&pod));
            }
            all.by_uid.insert(pod.uid.clone(), pod);
        }
        all
    }
}

#[derive(Deserialize)]
struct List {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
    spec: Spec,
    status: Status,
}

#[derive(Deserialize)]
struct Metadata {
    uid: String,
    namespace: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    node_name: Option<String>,
    // Admission fills it in, so every pod has one.
    service_account_name: String,
}

#[derive(Deserialize)]
struct Status {
    phase: String,
}

impl From<Item> for Pod {
    fn from(Item { metadata, spec, status }: Item) -> Self {
        Self {
            uid: metadata.uid,
            namespace: metadata.namespace,
            name: metadata.name,
            service_account: spec.service_account_name,
            node: spec.node_name.filter(|node| !node.is_empty()),
            ended: matches!(status.phase.as_str(), "Failed" | "Succeeded"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(uid: &str, node: &str, phase: &str) -> String {
        format!(
            r#"{{"kind":"Pod","metadata":{{"uid":"{uid}","namespace":"shop","name":"cart-{uid}","labels":{{}}}},
               "spec":{{"nodeName":"{node}","serviceAccountName":"cart","containers":[]}},"status":{{"phase":"{phase}"}}}}"#
        )
    }

    fn read(items: &[String]) -> Pods {
        Pods::from_json(format!(r#"{{"kind":"List","apiVersion":"v1","items":[{}]}}"#, items.join(",")).as_bytes()).unwrap()
    }

    #[test]
    fn what_kubectl_prints_is_read() {
        let pods = read(&[item("a", "n1", "Running"), item("b", "n2", "Pending")]);
        assert_eq!(pods.pod("a").unwrap().name, "cart-a");
        assert_eq!(pods.at("n2", "shop", "cart").unwrap().uid, "b");
        assert!(pods.pod("c").is_none() && pods.at("n3", "shop", "cart").is_none() && pods.at("n1", "shop", "till").is_none());
    }

    #[test]
    fn pods_that_ended_or_wait_for_a_place_are_nowhere() {
        for phase in ["Failed", "Succeeded"] {
            let pods = read(&[item("a", "n1", phase)]);
            assert!(pods.pod("a").unwrap().ended && pods.at("n1", "shop", "cart").is_none(), "{phase}");
        }
        assert!(read(&[item("a", "", "Pending")]).at("", "shop", "cart").is_none());
        // One that failed does not hide one that runs.
        for order in [["Failed", "Running"], ["Running", "Failed"]] {
            let pods = read(&[item("a", "n1", order[0]), item("b", "n1", order[1])]);
            assert!(!pods.at("n1", "shop", "cart").unwrap().ended);
        }
    }
}
