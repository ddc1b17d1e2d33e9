//! JSON of a token's header and claims, as one value. A member that is there twice refuses the text, at any depth: two readers
//! would see two tokens (RFC 7515 §4, RFC 7519 §4 let a reader take the last).

use core::fmt;
use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::TokenError;

/// Also what the reader's error begins with, since serde's errors are only text.
const DUPLICATE: &str = "a member is there twice";

/// A JSON value. Numbers that are no 64-bit integers mean nothing to a token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Integer(i64),
    Text(String),
    Array(Vec<Self>),
    Object(BTreeMap<String, Self>),
    /// A truth value, a fraction, or an integer of more than 64 bits.
    Other,
}

pub(super) type Object = BTreeMap<String, Json>;

/// Reads one JSON object. serde_json stops at a depth of 128, and the caller has bounded the length.
pub(super) fn read_object(part: &'static str, json: &[u8]) -> Result<Object, TokenError> {
    let refused = |reason| TokenError::Json { part, reason };
    let text = core::str::from_utf8(json).map_err(|_| refused("it is not UTF-8"))?;
    match serde_json::from_str(text) {
        Ok(Json::Object(object)) => Ok(object),
        Ok(_) => Err(refused("it is no object")),
        // What serde_json says would quote the token.
        Err(e) if e.to_string().starts_with(DUPLICATE) => Err(TokenError::DuplicateMember { part }),
        Err(_) => Err(refused("it is malformed")),
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(i64::try_from(number).map_or(Json::Other, Json::Integer))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Integer(number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut object = BTreeMap::new();
        while let Some((name, value)) = map.next_entry()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom(DUPLICATE));
            }
        }
        Ok(Json::Object(object))
    }
}
