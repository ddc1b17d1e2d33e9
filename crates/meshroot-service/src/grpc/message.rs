//! The messages of Istio's signing API (`security/v1alpha1/ca.proto` of istio/api; its package is `istio.v1.auth`).

use prost_types::Struct;
use prost_types::value::Kind;

/// What a client sends.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct IstioCertificateRequest {
    /// The certificate signing request, in PEM.
    #[prost(string, tag = "1")]
    pub(super) csr: String,
    /// The lifetime asked for, in seconds. Nothing and less than nothing mean: as you have it.
    #[prost(int64, tag = "3")]
    pub(super) validity_duration: i64,
    /// Names and values; of these, [`IMPERSONATED`] alone means something here.
    #[prost(message, optional, tag = "4")]
    pub(super) metadata: Option<Struct>,
}

/// What it gets.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct IstioCertificateResponse {
    /// In PEM: the leaf, each intermediate, and at the end all roots in one text.
    #[prost(string, repeated, tag = "1")]
    pub(super) cert_chain: Vec<String>,
}

/// The identity that a node proxy asks for, instead of its own.
const IMPERSONATED: &str = "ImpersonatedIdentity";

impl IstioCertificateRequest {
    /// The identity that the caller wants to speak for; `Err` when something else than a text stands there.
    pub(super) fn impersonated(&self) -> Result<Option<&str>, ()> {
        let value = self.metadata.as_ref().and_then(|metadata| metadata.fields.get(IMPERSONATED));
        match value.map(|value| &value.kind) {
            None => Ok(None),
            Some(Some(Kind::StringValue(text))) if text.is_empty() => Ok(None),
            Some(Some(Kind::StringValue(text))) => Ok(Some(text)),
            Some(_) => Err(()),
        }
    }
}
