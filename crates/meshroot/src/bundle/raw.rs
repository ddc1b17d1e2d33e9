//! The JSON of a bundle, read in one pass: shape, limits and duplicate members are judged here, meaning is not.

use core::cell::Cell;
use core::fmt;
use std::collections::{BTreeMap, HashSet};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_json::de::StrRead;

use super::error::shown;
use super::raw_jwk::{JwkSeed, RawJwk};
use super::{BundleError, Limits};
use crate::spiffe::TrustDomain;

/// A bundle's members as they are in the document.
#[derive(Debug, Default)]
pub(crate) struct RawBundle {
    pub(super) sequence: Option<u64>,
    pub(super) hint: Option<RawHint>,
    pub(crate) keys: Vec<RawJwk>,
}

/// A refresh hint: any integer is one, even one that makes no sense.
#[derive(Clone, Copy, Debug)]
pub(super) enum RawHint {
    Seconds(u64),
    Negative,
}

/// Reads a bundle.
pub(crate) fn read_bundle(json: &[u8], limits: &Limits) -> Result<RawBundle, BundleError> {
    read(json, limits, |context, reader| BundleSeed(context).deserialize(reader))
}

/// Reads a bundle map.
pub(super) fn read_map(json: &[u8], limits: &Limits) -> Result<BTreeMap<TrustDomain, RawBundle>, BundleError> {
    read(json, limits, |context, reader| MapSeed(context).deserialize(reader))
}

/// Reads one JSON Web Key.
pub(super) fn read_jwk(json: &[u8], limits: &Limits) -> Result<RawJwk, BundleError> {
    read(json, limits, |_, reader| JwkSeed.deserialize(reader))
}

type JsonReader<'a> = serde_json::Deserializer<StrRead<'a>>;

fn read<T>(
    json: &[u8],
    limits: &Limits,
    parse: impl FnOnce(Context<'_>, &mut JsonReader<'_>) -> Result<T, serde_json::Error>,
) -> Result<T, BundleError> {
    if json.len() > limits.max_bytes {
        return Err(BundleError::TooLarge { found: json.len(), limit: limits.max_bytes });
    }
    // serde_json would let other bytes pass in members that are skipped (RFC 8259 §8.1).
    let text = core::str::from_utf8(json).map_err(|e| {
        let before = json.get(..e.valid_up_to()).unwrap_or_default();
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at.saturating_add(1));
        let line = before.split(|byte| *byte == b'\n').count();
        BundleError::Malformed { line, column: before.len().saturating_sub(line_start).saturating_add(1), reason: "not UTF-8".into() }
    })?;
    let fault = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_str(text);
    let outcome = parse(Context { limits, fault: &fault }, &mut reader).and_then(|value| reader.end().map(|()| value));
    outcome.map_err(|e| {
        let said = e.to_string();
        // serde_json quotes a wrong value in full, and appends the place that we tell apart from it.
        let reason = said.split(" at line ").next().unwrap_or_default().chars().take(200).collect();
        fault.take().unwrap_or(BundleError::Malformed { line: e.line(), column: e.column(), reason })
    })
}

/// Limits, and the way out for an error that says more than a text: serde's own errors are only text.
#[derive(Clone, Copy)]
struct Context<'a> {
    limits: &'a Limits,
    fault: &'a Cell<Option<BundleError>>,
}

impl Context<'_> {
    fn refuse<T, E: serde::de::Error>(self, error: BundleError) -> Result<T, E> {
        self.fault.set(Some(error));
        Err(E::custom("refused"))
    }

    /// An integer; null counts as absent.
    fn integer<'de, A: MapAccess<'de>>(self, map: &mut A, member: &'static str) -> Result<Option<Number>, A::Error> {
        match map.next_value::<Option<Number>>() {
            Ok(number) => Ok(number),
            Err(e) => self.refuse(BundleError::NotAnInteger { member, reason: shown(&e.to_string()) }),
        }
    }

    fn sequence<'de, A: MapAccess<'de>>(self, map: &mut A) -> Result<Option<u64>, A::Error> {
        let Some(number) = self.integer(map, "spiffe_sequence")? else { return Ok(None) };
        match number.as_u64() {
            Some(sequence) => Ok(Some(sequence)),
            None => self.refuse(BundleError::NotAnInteger { member: "spiffe_sequence", reason: shown(&number.to_string()) }),
        }
    }

    fn hint<'de, A: MapAccess<'de>>(self, map: &mut A) -> Result<Option<RawHint>, A::Error> {
        let Some(number) = self.integer(map, "spiffe_refresh_hint")? else { return Ok(None) };
        if let Some(seconds) = number.as_u64() {
            return Ok(Some(RawHint::Seconds(seconds)));
        }
        if number.as_i64().is_some_and(|seconds| seconds < 0) {
            return Ok(Some(RawHint::Negative));
        }
        // What is left has a fraction, or more digits than 64 bits hold; the latter is an integer still.
        match number.as_f64() {
            Some(huge) if huge >= 18_446_744_073_709_551_615.0 => Ok(Some(RawHint::Seconds(u64::MAX))),
            Some(huge) if huge <= -9_223_372_036_854_775_808.0 => Ok(Some(RawHint::Negative)),
            _ => self.refuse(BundleError::NotAnInteger { member: "spiffe_refresh_hint", reason: shown(&number.to_string()) }),
        }
    }
}

/// `{"trust_domains": {NAME: BUNDLE, …}}`
struct MapSeed<'a>(Context<'a>);

impl<'de> DeserializeSeed<'de> for MapSeed<'_> {
    type Value = BTreeMap<TrustDomain, RawBundle>;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MapSeed<'_> {
    type Value = BTreeMap<TrustDomain, RawBundle>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bundle map (an object)")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut seen = HashSet::new();
        let mut domains = None;
        while let Some(name) = map.next_key::<String>()? {
            if name == "trust_domains" {
                domains = Some(map.next_value_seed(DomainsSeed(self.0))?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            if let Some(twice) = seen.replace(name) {
                return self.0.refuse(BundleError::DuplicateMember(shown(&twice)));
            }
        }
        domains.map_or_else(|| self.0.refuse(BundleError::MissingTrustDomains), Ok)
    }
}

struct DomainsSeed<'a>(Context<'a>);

impl<'de> DeserializeSeed<'de> for DomainsSeed<'_> {
    type Value = BTreeMap<TrustDomain, RawBundle>;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for DomainsSeed<'_> {
    type Value = BTreeMap<TrustDomain, RawBundle>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bundles by trust domain name (an object)")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut domains = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if domains.len() >= self.0.limits.max_trust_domains {
                return self.0.refuse(BundleError::TooManyTrustDomains { limit: self.0.limits.max_trust_domains });
            }
            let domain = match TrustDomain::parse(&name) {
                Ok(domain) => domain,
                Err(reason) => return self.0.refuse(BundleError::TrustDomainName { name: shown(&name), reason }),
            };
            let bundle = map.next_value_seed(BundleSeed(self.0))?;
            if domains.insert(domain, bundle).is_some() {
                return self.0.refuse(BundleError::DuplicateTrustDomain(name));
            }
        }
        Ok(domains)
    }
}

/// `{"spiffe_sequence": …, "spiffe_refresh_hint": …, "keys": […]}`
struct BundleSeed<'a>(Context<'a>);

impl<'de> DeserializeSeed<'de> for BundleSeed<'_> {
    type Value = RawBundle;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for BundleSeed<'_> {
    type Value = RawBundle;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bundle (an object with 'keys')")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut seen = HashSet::new();
        let mut bundle = RawBundle::default();
        let mut keys = None;
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "keys" => keys = Some(map.next_value_seed(KeysSeed(self.0))?),
                "spiffe_sequence" => bundle.sequence = self.0.sequence(&mut map)?,
                "spiffe_refresh_hint" => bundle.hint = self.0.hint(&mut map)?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            if let Some(twice) = seen.replace(name) {
                return self.0.refuse(BundleError::DuplicateMember(shown(&twice)));
            }
        }
        match keys {
            Some(keys) => Ok(RawBundle { keys, ..bundle }),
            None => self.0.refuse(BundleError::MissingKeys),
        }
    }
}

struct KeysSeed<'a>(Context<'a>);

impl<'de> DeserializeSeed<'de> for KeysSeed<'_> {
    type Value = Vec<RawJwk>;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for KeysSeed<'_> {
    type Value = Vec<RawJwk>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of keys")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut keys = Vec::new();
        while let Some(key) = seq.next_element_seed(JwkSeed)? {
            if keys.len() >= self.0.limits.max_keys {
                return self.0.refuse(BundleError::TooManyKeys { limit: self.0.limits.max_keys });
            }
            keys.push(key);
        }
        Ok(keys)
    }
}
