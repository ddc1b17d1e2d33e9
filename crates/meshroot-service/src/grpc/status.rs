use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use prost::Message;
use prost_types::Any;

use super::CONTENT_TYPE;
use crate::http::Problem;

/// The codes of gRPC that we answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidArgument = 3,
    NotFound = 5,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    Aborted = 10,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

impl Code {
    /// What HTTP would say: for metrics, which count both in one series.
    pub(super) fn as_http(self) -> StatusCode {
        match self {
            Self::InvalidArgument => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::PermissionDenied => StatusCode::FORBIDDEN,
            Self::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Self::Aborted => StatusCode::CONFLICT,
            Self::Unimplemented => StatusCode::NOT_IMPLEMENTED,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
        }
    }
}

/// Why a call fails: a code of gRPC, which says whether clients try again, our own stable one, and words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    code: Code,
    reason: &'static str,
    message: String,
    retry_after: Option<Duration>,
    rule: Option<String>,
}

/// A header list that clients refuse would hide the reason.
const LONGEST_MESSAGE: usize = 1_500;

static STATUS: HeaderName = HeaderName::from_static("grpc-status");
static MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
static DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

impl Status {
    pub(crate) fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), retry_after: None, rule: None }
    }

    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// Our own code, as in a problem document.
    pub(crate) fn reason(&self) -> &'static str {
        self.reason
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The whole answer, without a body: the status stands in the one block of headers.
    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
        self.write(headers);
        response.extensions_mut().insert(self);
        response
    }

    /// Writes it into headers or trailers.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let text: String = format!("{} ({})", self.message, self.reason).chars().take(LONGEST_MESSAGE).collect();
        headers.insert(STATUS.clone(), HeaderValue::from(self.code as u16));
        // Both are ASCII by now.
        headers.extend(HeaderValue::try_from(percent_encoded(&text)).ok().map(|value| (MESSAGE.clone(), value)));
        let details = BASE64_STANDARD_NO_PAD.encode(self.details(text).encode_to_vec());
        headers.extend(HeaderValue::try_from(details).ok().map(|value| (DETAILS.clone(), value)));
    }

    fn details(&self, message: String) -> RpcStatus {
        let mut metadata = std::collections::BTreeMap::new();
        metadata.extend(self.rule.as_ref().map(|rule| ("rule".to_owned(), rule.clone())));
        let info = ErrorInfo { reason: self.reason.into(), domain: "meshroot".into(), metadata };
        let retry = self.retry_after.map(|after| RetryInfo { retry_delay: prost_types::Duration::try_from(after).ok() });
        let any = |name: &str, value: Vec<u8>| Any { type_url: format!("type.googleapis.com/google.rpc.{name}"), value };
        let details = [Some(any("ErrorInfo", info.encode_to_vec())), retry.map(|retry| any("RetryInfo", retry.encode_to_vec()))];
        RpcStatus { code: self.code as i32, message, details: details.into_iter().flatten().collect() }
    }
}

/// That a call succeeded, in its trailers.
pub(super) fn ok() -> HeaderMap {
    HeaderMap::from_iter([(STATUS.clone(), HeaderValue::from_static("0"))])
}

impl From<Problem> for Status {
    fn from(problem: Problem) -> Self {
        let code = match (problem.code(), problem.status()) {
            // Istio's own CA calls these a bad argument, too.
            ("policy.lifetime" | "policy.no_lifetime", _) => Code::InvalidArgument,
            // Clients try again what is exhausted and what is away, and nothing of the others.
            (_, StatusCode::TOO_MANY_REQUESTS) => Code::ResourceExhausted,
            (_, StatusCode::SERVICE_UNAVAILABLE) => Code::Unavailable,
            (_, StatusCode::UNAUTHORIZED) => Code::Unauthenticated,
            // Two headers, or one that is none: nobody was authenticated.
            ("authentication.several" | "authentication.malformed", _) => Code::Unauthenticated,
            (_, StatusCode::FORBIDDEN) => Code::PermissionDenied,
            (_, StatusCode::CONFLICT) => Code::Aborted,
            (_, status) if status.is_client_error() => Code::InvalidArgument,
            _ => Code::Internal,
        };
        let (rule, retry_after) = (problem.broken_rule().map(str::to_owned), problem.retryable_after());
        Self { rule, retry_after, ..Self::new(code, problem.code(), problem.detail()) }
    }
}

/// As the protocol wants `grpc-message`: visible ASCII but '%' as it is, every other octet of UTF-8 as `%XX`.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'%' | 0..=0x1f | 0x7f..=0xff => encoded.push_str(&format!("%{octet:02X}")),
            _ => encoded.push(char::from(octet)),
        }
    }
    encoded
}

/// `google.rpc.Status`
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.rpc.ErrorInfo`
#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    domain: String,
    #[prost(btree_map = "string, string", tag = "3")]
    metadata: std::collections::BTreeMap<String, String>,
}

/// `google.rpc.RetryInfo`
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<prost_types::Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_travels_as_ascii() {
        assert_eq!(percent_encoded("100 % süß\n"), "100 %25 s%C3%BC%C3%9F%0A");
    }

    #[test]
    fn every_kind_of_problem_has_the_code_that_clients_act_upon() {
        let of = |status, code| Status::from(Problem::new(StatusCode::from_u16(status).unwrap(), code, "x")).code();
        assert_eq!(of(401, "authentication.missing"), Code::Unauthenticated);
        assert_eq!(of(400, "authentication.several"), Code::Unauthenticated);
        assert_eq!(of(403, "policy.no_rule"), Code::PermissionDenied);
        assert_eq!(of(403, "policy.lifetime"), Code::InvalidArgument);
        assert_eq!(of(400, "csr.malformed"), Code::InvalidArgument);
        assert_eq!(of(422, "policy.key"), Code::InvalidArgument);
        assert_eq!(of(429, "limits.caller"), Code::ResourceExhausted);
        assert_eq!(of(503, "service.overloaded"), Code::Unavailable);
        assert_eq!(of(500, "issue.lint"), Code::Internal);
    }
}
