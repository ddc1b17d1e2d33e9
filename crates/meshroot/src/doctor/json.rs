//! The diagnosis as JSON: times RFC 3339, serial numbers and digests lower-case hexadecimal, certificates PEM. Members are
//! added over time and never renamed.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::{Blamed, Breaks, Cell, Cluster, CrlSummary, Diagnosis, Expiry, Mend, Plane, Reissue, Step, Symptom, Verdict, Warning};
use crate::time::Timestamp;
use crate::x509::Certificate;

impl Serialize for Diagnosis {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("now", &self.now)?;
        map.serialize_entry("every_pair_trusts", &self.every_pair_trusts())?;
        map.serialize_entry("clusters", &self.clusters)?;
        map.serialize_entry("cells", &self.cells)?;
        map.serialize_entry("forecast", &self.forecast)?;
        map.serialize_entry("warnings", &self.warnings)?;
        map.serialize_entry("notes", &self.notes)?;
        map.end()
    }
}

impl Serialize for Plane {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

/// A CA certificate.
#[derive(Serialize)]
struct Authority {
    subject: String,
    issuer: String,
    serial: String,
    not_before: Timestamp,
    not_after: Timestamp,
    key: String,
    certificate: String,
}

impl From<&Certificate> for Authority {
    fn from(certificate: &Certificate) -> Self {
        Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: certificate.serial().to_string(),
            not_before: certificate.validity().not_before,
            not_after: certificate.validity().not_after,
            key: certificate.public_key().algorithm().to_string(),
            certificate: certificate.to_pem(),
        }
    }
}

fn authorities(certificates: &[Certificate]) -> Vec<Authority> {
    certificates.iter().map(Authority::from).collect()
}

impl Serialize for Cluster {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let bundles: Option<BTreeMap<&str, Vec<Authority>>> =
            self.bundles.as_ref().map(|map| map.iter().map(|(domain, bundle)| (domain.as_str(), authorities(bundle.x509_authorities()))).collect());
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("named_by", &self.named_by)?;
        map.serialize_entry("trust_domain", &self.trust_domain)?;
        map.serialize_entry("trust_domain_by", &self.trust_domain_by)?;
        map.serialize_entry("signing_ca", &self.signing_ca.as_ref().map(Authority::from))?;
        map.serialize_entry("chain", &authorities(&self.chain))?;
        map.serialize_entry("leaves", &self.leaves)?;
        map.serialize_entry("roots", &authorities(&self.roots))?;
        map.serialize_entry("bundles", &bundles)?;
        map.serialize_entry("crls", &self.crls)?;
        map.serialize_entry("sources", &self.sources)?;
        map.end()
    }
}

impl Serialize for CrlSummary {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("issuer", &self.issuer.to_string())?;
        map.serialize_entry("this_update", &self.this_update)?;
        map.serialize_entry("next_update", &self.next_update)?;
        map.serialize_entry("entries", &self.entries)?;
        map.serialize_entry("source", &self.source)?;
        map.end()
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("row", &self.row)?;
        map.serialize_entry("column", &self.column)?;
        map.serialize_entry("plane", &self.plane)?;
        map.serialize_entry("verdict", self.verdict.as_str())?;
        match &self.verdict {
            Verdict::Yes { until, first_to_break } => {
                map.serialize_entry("until", until)?;
                map.serialize_entry("first_to_break", first_to_break)?;
            }
            Verdict::No { cause, certificate, symptom, mend, otherwise } => {
                let rule = BTreeMap::from([("code", cause.code().to_owned()), ("message", cause.to_string()), ("source", cause.source().to_owned())]);
                map.serialize_entry("cause", &rule)?;
                map.serialize_entry("certificate", certificate)?;
                map.serialize_entry("symptom", symptom)?;
                map.serialize_entry("mend", mend)?;
                map.serialize_entry("otherwise", otherwise)?;
            }
            Verdict::Unknown { why } => map.serialize_entry("why", why)?,
        }
        map.end()
    }
}

impl Serialize for Expiry {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        expiry(&mut map, self)?;
        map.end()
    }
}

fn expiry<M: SerializeMap>(map: &mut M, expiry: &Expiry) -> Result<(), M::Error> {
    map.serialize_entry("at", &expiry.at)?;
    map.serialize_entry("kind", expiry.kind.as_str())?;
    map.serialize_entry("subject", &expiry.subject.to_string())?;
    map.serialize_entry("serial", &expiry.serial.as_ref().map(ToString::to_string))?;
    map.serialize_entry("source", &expiry.source)
}

impl Serialize for Breaks {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let pairs: Vec<BTreeMap<&str, &str>> =
            self.pairs.iter().map(|(row, column)| BTreeMap::from([("row", row.as_str()), ("column", column.as_str())])).collect();
        let mut map = s.serialize_map(None)?;
        expiry(&mut map, &self.expiry)?;
        map.serialize_entry("pairs", &pairs)?;
        map.serialize_entry("planes", &self.planes)?;
        map.end()
    }
}

impl Serialize for Blamed {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("position", &self.position)?;
        map.serialize_entry("role", self.role)?;
        map.serialize_entry("subject", &self.subject.to_string())?;
        map.serialize_entry("serial", &self.serial.as_ref().map(ToString::to_string))?;
        map.serialize_entry("sha256", &self.sha256)?;
        map.serialize_entry("source", &self.source)?;
        map.end()
    }
}

impl Serialize for Symptom {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("client", &self.client)?;
        map.serialize_entry("caller", &self.caller)?;
        map.serialize_entry("log", &self.log)?;
        map.serialize_entry("counter", self.counter)?;
        map.end()
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("severity", &self.severity.to_string())?;
        map.serialize_entry("code", self.code)?;
        map.serialize_entry("clusters", &self.clusters)?;
        map.serialize_entry("source", &self.source)?;
        map.serialize_entry("message", &self.message)?;
        map.serialize_entry("remedy", &self.remedy)?;
        map.end()
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("text", &self.text)?;
        map.serialize_entry("mend", &self.mend)?;
        map.serialize_entry("commands", &self.commands)?;
        map.end()
    }
}

impl Serialize for Mend {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("change", self.as_str())?;
        if let Some(cluster) = self.cluster() {
            map.serialize_entry("cluster", cluster)?;
        }
        match self {
            Self::AddRoots { trust_domain, roots, .. } => {
                map.serialize_entry("trust_domain", trust_domain)?;
                map.serialize_entry("roots", &authorities(roots))?;
            }
            Self::AddToChain { certificates, .. } => map.serialize_entry("certificates", &authorities(certificates))?,
            Self::FindIssuer { issuer, .. } => map.serialize_entry("issuer", &issuer.to_string())?,
            Self::RenewAuthority { certificate, .. } | Self::ReplaceAuthority { certificate, .. } => {
                map.serialize_entry("certificate", &Authority::from(certificate))?;
            }
            Self::ReissueAuthority { certificate, change, .. } => {
                map.serialize_entry("certificate", &Authority::from(certificate))?;
                map.serialize_entry("with", reissue(*change))?;
            }
            Self::RenewLeaf { source, .. } => map.serialize_entry("source", source)?,
            Self::AddCrls { crls, .. } => {
                let pems: Vec<String> = crls.iter().map(|der| crate::pem::encode("X509 CRL", der)).collect();
                map.serialize_entry("crls", &pems)?;
            }
            Self::IssueCrl { issuer, .. } => map.serialize_entry("issuer", &issuer.subject().to_string())?,
            Self::ChangeTrustDomain { trust_domain, .. } | Self::LetIn { trust_domain, .. } => map.serialize_entry("trust_domain", trust_domain)?,
            Self::WaitUntil { at } => map.serialize_entry("at", at)?,
            Self::RemoveCrls { .. } | Self::ByHand => {}
        }
        map.end()
    }
}

fn reissue(change: Reissue) -> &'static str {
    match change {
        Reissue::KeyUsage => "key_usage",
        Reissue::BasicConstraints => "basic_constraints",
        Reissue::PathLength => "path_length",
        Reissue::NameConstraints => "name_constraints",
        Reissue::ExtendedKeyUsage => "extended_key_usage",
        Reissue::Algorithm => "algorithm",
        Reissue::Profile => "profile",
    }
}
