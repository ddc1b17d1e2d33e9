use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, de};

use super::Pod;
use crate::json::{Named, Object};

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
        let Object(list) = serde_json::from_slice::<Object<List>>(json)?;
        Ok(list.items.into_iter().map(|Object(item)| Pod::from(item)).collect())
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
    items: Vec<Object<Item>>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Object<Metadata>,
    spec: Object<Spec>,
    status: Object<Status>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(deserialize_with = "name")]
    uid: String,
    #[serde(deserialize_with = "name")]
    namespace: String,
    #[serde(deserialize_with = "name")]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default, deserialize_with = "place")]
    node_name: Option<String>,
    // Admission fills it in, so every pod has one.
    #[serde(deserialize_with = "name")]
    service_account_name: String,
}

#[derive(Deserialize)]
struct Status {
    phase: String,
}

impl Named for List {
    const NAME: &str = "a list of pods";
}

impl Named for Item {
    const NAME: &str = "a pod";
}

impl Named for Metadata {
    const NAME: &str = "a pod's metadata";
}

impl Named for Spec {
    const NAME: &str = "a pod's spec";
}

impl Named for Status {
    const NAME: &str = "a pod's status";
}

/// What names a thing in Kubernetes, which is never longer. Names go on record as they are.
fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    named(String::deserialize(deserializer)?)
}

/// The same, or nothing: who waits for a place has none.
fn place<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?.filter(|name| !name.is_empty());
    name.map(named).transpose()
}

fn named<E: de::Error>(name: String) -> Result<String, E> {
    if matches!(name.len(), 1..=253) && name.bytes().all(|octet| octet.is_ascii_graphic()) {
        return Ok(name);
    }
    Err(E::invalid_value(de::Unexpected::Str(&name), &"a name as Kubernetes has them: 1 to 253 ASCII characters, none of them blank"))
}

impl From<Item> for Pod {
    fn from(Item { metadata: Object(metadata), spec: Object(spec), status: Object(status) }: Item) -> Self {
        Self {
            uid: metadata.uid,
            namespace: metadata.namespace,
            name: metadata.name,
            service_account: spec.service_account_name,
            node: spec.node_name,
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
    fn what_is_no_object_or_no_name_is_refused_with_what_was_expected_and_where() {
        let good = item("a", "n1", "Running");
        let pod = |from: &str, to: &str| format!("{{\n\"items\":[{}]}}", good.replacen(from, to, 1));
        let (uid, long) = (r#""uid":"a""#, format!(r#""uid":"{}""#, "x".repeat(254)));
        for (json, expected, line) in [
            ("[[]]".to_owned(), "a list of pods, an object", 1),
            ("{\n\"items\":[[{},{},{}]]}".to_owned(), "a pod, an object", 2),
            (pod(r#"{"phase":"Running"}"#, r#"["Running"]"#), "a pod's status, an object", 3),
            (pod(r#"{"nodeName":"n1","serviceAccountName":"cart","containers":[]}"#, r#"["n1","cart"]"#), "a pod's spec, an object", 3),
            (pod(r#"{"uid":"a","namespace":"shop","name":"cart-a","labels":{}}"#, r#"["a","shop","cart-a"]"#), "a pod's metadata, an object", 2),
            (pod(uid, r#""uid":"""#), "a name as Kubernetes has them", 2),
            (pod(uid, r#""uid":"a\nb""#), "a name as Kubernetes has them", 2),
            (pod(uid, &long), "a name as Kubernetes has them", 2),
            (pod("cart-a", "cart a"), "a name as Kubernetes has them", 2),
            (pod("\"n1\"", "\"n\u{fc}1\""), "a name as Kubernetes has them", 3),
        ] {
            let error = Pods::from_json(json.as_bytes()).map(|pods| pods.count()).unwrap_err();
            assert!(error.to_string().contains(expected) && error.line() == line, "{json}: {error}");
        }
        assert_eq!(read(&[item(&"x".repeat(200), "n1", "Running")]).count(), 1);
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
