//! The claims of a token whose signature was verified (RFC 7519 §4.1, and Kubernetes' own under `kubernetes.io`).

use super::json::{Json, Object};
use super::{Expected, TokenError};
use crate::bundle::error::shown;
use crate::hierarchy::ClusterName;
use crate::time::Timestamp;

/// The longest UID or token ID that is kept: Kubernetes makes UUIDs, 36 characters.
const MAX_UID_BYTES: usize = 128;

/// A token that was verified: who its bearer is. Only [`Issuers::verify`](super::Issuers::verify) makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccountToken {
    pub(super) cluster: ClusterName,
    issuer: String,
    namespace: String,
    service_account: BoundObject,
    pod: Option<BoundObject>,
    node: Option<BoundObject>,
    id: Option<String>,
    issued_at: Timestamp,
    expires_at: Timestamp,
    warn_after: Option<Timestamp>,
}

/// A Kubernetes object that a token names: its name says what, its UID which one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundObject {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.uid`. Of a node it may be missing.
    pub uid: Option<String>,
}

impl ServiceAccountToken {
    /// The cluster whose key signed it.
    pub fn cluster(&self) -> &ClusterName {
        &self.cluster
    }

    /// The issuer, as the cluster calls itself; other clusters may use the same text.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The namespace: a DNS label.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The service account's name: a DNS name.
    pub fn service_account(&self) -> &str {
        &self.service_account.name
    }

    /// The service account's UID, which differs when an account was deleted and made anew.
    pub fn service_account_uid(&self) -> &str {
        self.service_account.uid.as_deref().unwrap_or_default()
    }

    /// The pod it was made for, if any. Nobody has asked whether the pod still runs.
    pub fn pod(&self) -> Option<&BoundObject> {
        self.pod.as_ref()
    }

    /// The node that the pod runs on, which Kubernetes tells since 1.30.
    pub fn node(&self) -> Option<&BoundObject> {
        self.node.as_ref()
    }

    /// The token's own ID (`jti`), for the audit log.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// When it was issued.
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// When it expires.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The time after which Kubernetes would warn: the token lives on only because the API server extends its own tokens.
    pub fn warn_after(&self) -> Option<Timestamp> {
        self.warn_after
    }
}

/// Judges the claims; the issuer was judged when the key was looked for.
pub(super) fn judge(
    cluster: ClusterName,
    issuer: &str,
    claims: &Object,
    expected: &Expected,
    now: Timestamp,
) -> Result<ServiceAccountToken, TokenError> {
    check_audience(claims, expected)?;
    let (issued_at, expires_at) = check_times(claims, expected, now)?;

    let Json::Object(kubernetes) = required(claims, "kubernetes.io")? else {
        return Err(TokenError::BadClaim { claim: "kubernetes.io", reason: "it is no object" });
    };
    let namespace = match kubernetes.get("namespace") {
        None => return Err(TokenError::MissingClaim("kubernetes.io/namespace")),
        Some(Json::Text(name)) if is_label(name) => name.clone(),
        Some(_) => return Err(TokenError::BadClaim { claim: "kubernetes.io/namespace", reason: "it is no namespace's name" }),
    };
    let object = |name, claim| object(kubernetes, name, claim);
    let service_account =
        object("serviceaccount", "kubernetes.io/serviceaccount")?.ok_or(TokenError::MissingClaim("kubernetes.io/serviceaccount"))?;
    let pod = object("pod", "kubernetes.io/pod")?;
    let node = object("node", "kubernetes.io/node")?;
    for (claim, bound) in [("kubernetes.io/serviceaccount", Some(&service_account)), ("kubernetes.io/pod", pod.as_ref())] {
        if bound.is_some_and(|bound| bound.uid.is_none()) {
            return Err(TokenError::BadClaim { claim, reason: "its uid is missing" });
        }
    }
    let warn_after = match kubernetes.get("warnafter") {
        None | Some(Json::Null) => None,
        Some(Json::Integer(seconds)) => Some(Timestamp::from_unix(*seconds)),
        Some(_) => return Err(TokenError::BadClaim { claim: "kubernetes.io/warnafter", reason: "it is no whole number of seconds" }),
    };
    check_subject(claims, &namespace, &service_account.name)?;
    let id = optional_text(claims, "jti")?.filter(|id| id.len() <= MAX_UID_BYTES).map(str::to_owned);
    Ok(ServiceAccountToken { cluster, issuer: issuer.into(), namespace, service_account, pod, node, id, issued_at, expires_at, warn_after })
}

/// RFC 7519 §4.1.3: one text, or an array of them, and we must be among them.
fn check_audience(claims: &Object, expected: &Expected) -> Result<(), TokenError> {
    let bad = TokenError::BadClaim { claim: "aud", reason: "it is neither a text nor an array of texts" };
    let named: Vec<&str> = match required(claims, "aud")? {
        Json::Text(one) => vec![one],
        Json::Array(several) => {
            several.iter().map(|one| if let Json::Text(one) = one { Ok(one.as_str()) } else { Err(bad.clone()) }).collect::<Result<_, _>>()?
        }
        _ => return Err(bad),
    };
    if named.iter().any(|one| expected.audiences.iter().any(|ours| ours == one)) {
        return Ok(());
    }
    let list = |names: &[&str]| {
        let shown: Vec<_> = names.iter().take(4).map(|name| format!("'{}'", shown(name))).collect();
        if shown.is_empty() { "nobody".to_owned() } else { shown.join(", ") }
    };
    let ours: Vec<_> = expected.audiences.iter().map(String::as_str).collect();
    Err(TokenError::Audience { found: list(&named), expected: list(&ours) })
}

/// RFC 7519 §4.1.4 to §4.1.6. Returns `iat` and `exp`.
fn check_times(claims: &Object, expected: &Expected, now: Timestamp) -> Result<(Timestamp, Timestamp), TokenError> {
    let time = |claim: &'static str| match claims.get(claim) {
        None | Some(Json::Null) => Ok(None),
        // RFC 7519 allows fractions; no API server writes any.
        Some(Json::Integer(seconds)) => Ok(Some(Timestamp::from_unix(*seconds))),
        Some(_) => Err(TokenError::BadClaim { claim, reason: "it is no whole number of seconds" }),
    };
    let expires_at = time("exp")?.ok_or(TokenError::MissingClaim("exp"))?;
    let issued_at = time("iat")?.ok_or(TokenError::MissingClaim("iat"))?;
    let from = time("nbf")?.map_or(issued_at, |not_before| not_before.max(issued_at));
    // "On or after" the expiry it is too late.
    if now >= expires_at.plus(expected.leeway) {
        return Err(TokenError::Expired { at: expires_at, now });
    }
    if now.plus(expected.leeway) < from {
        return Err(TokenError::NotYetValid { from, now });
    }
    if expires_at <= issued_at {
        return Err(TokenError::BadClaim { claim: "exp", reason: "it does not lie after iat" });
    }
    let lifetime = expires_at.since(issued_at);
    if lifetime > expected.max_lifetime {
        return Err(TokenError::LifetimeTooLong { lifetime, max: expected.max_lifetime });
    }
    if now.since(issued_at) > expected.max_age.saturating_add(expected.leeway) {
        return Err(TokenError::TooOld { issued_at, max: expected.max_age });
    }
    Ok((issued_at, expires_at))
}

/// Kubernetes writes the account twice. Two readers that look at one each must see the same.
fn check_subject(claims: &Object, namespace: &str, service_account: &str) -> Result<(), TokenError> {
    let subject = optional_text(claims, "sub")?.ok_or(TokenError::MissingClaim("sub"))?;
    let claimed = format!("system:serviceaccount:{namespace}:{service_account}");
    if subject == claimed { Ok(()) } else { Err(TokenError::SubjectMismatch { subject: shown(subject), claimed }) }
}

fn required<'a>(claims: &'a Object, claim: &'static str) -> Result<&'a Json, TokenError> {
    claims.get(claim).filter(|value| **value != Json::Null).ok_or(TokenError::MissingClaim(claim))
}

pub(super) fn optional_text<'a>(claims: &'a Object, claim: &'static str) -> Result<Option<&'a str>, TokenError> {
    match claims.get(claim) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text)),
        Some(_) => Err(TokenError::BadClaim { claim, reason: "it is no text" }),
    }
}

/// `{"name": …, "uid": …}`
fn object(kubernetes: &Object, name: &str, claim: &'static str) -> Result<Option<BoundObject>, TokenError> {
    let bad = |reason| TokenError::BadClaim { claim, reason };
    let fields = match kubernetes.get(name) {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::Object(fields)) => fields,
        Some(_) => return Err(bad("it is no object")),
    };
    let Some(Json::Text(name)) = fields.get("name") else { return Err(bad("its name is missing")) };
    if !is_dns_name(name) {
        return Err(bad("its name is no DNS name in lower case"));
    }
    let uid = match fields.get("uid") {
        None | Some(Json::Null) => None,
        Some(Json::Text(uid)) if uid.is_empty() => None,
        Some(Json::Text(uid)) if uid.len() <= MAX_UID_BYTES && uid.bytes().all(|b| b.is_ascii_graphic()) => Some(uid.clone()),
        Some(_) => return Err(bad("its uid is malformed")),
    };
    Ok(Some(BoundObject { name: name.clone(), uid }))
}

/// RFC 1123 label: what Kubernetes allows as a namespace's name. None of its characters means anything in a SPIFFE ID.
fn is_label(name: &str) -> bool {
    name.len() <= 63 && is_label_of_any_length(name)
}

/// RFC 1123 subdomain: the names of service accounts, pods and nodes. Kubernetes bounds it by 253 characters in all, not its labels. A
/// dot stands between two labels, never at an edge, so a name is never a dot segment of a path.
fn is_dns_name(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label_of_any_length)
}

fn is_label_of_any_length(label: &str) -> bool {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    edge(label.bytes().next()) && edge(label.bytes().last()) && label.bytes().all(good)
}
