//! The members of one JSON Web Key, as far as any reader of bundles looks at them.

use core::fmt;
use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::error::shown;

/// The members of a JSON Web Key that mean something to us.
#[derive(Debug, Default)]
pub(crate) struct RawJwk {
    pub(crate) members: BTreeMap<&'static str, Member>,
    /// A name, any name, that is there twice.
    pub(crate) duplicate: Option<String>,
}

/// The members we look at; those from `d` on exist only in private and symmetric keys (RFC 7518 §6).
pub(super) const MEMBERS: [&str; 19] =
    ["kty", "use", "key_ops", "alg", "kid", "crv", "x", "y", "n", "e", "x5c", "d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A member's value, as far as a JSON Web Key needs it.
#[derive(Debug)]
pub(crate) enum Member {
    Null,
    Text(String),
    Empty,
    /// An array's first value; further ones are never looked at (X509-SVID §6.2).
    First(Box<Self>),
    Other,
}

pub(super) struct JwkSeed;

impl<'de> DeserializeSeed<'de> for JwkSeed {
    type Value = RawJwk;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for JwkSeed {
    type Value = RawJwk;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON Web Key (an object)")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut seen = HashSet::new();
        let mut jwk = RawJwk::default();
        while let Some(name) = map.next_key::<String>()? {
            match MEMBERS.iter().find(|known| **known == name) {
                Some(known) => {
                    jwk.members.insert(known, map.next_value()?);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            if let Some(twice) = seen.replace(name) {
                jwk.duplicate = Some(shown(&twice));
            }
        }
        Ok(jwk)
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(MemberVisitor)
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Member, E> {
        Ok(Member::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Member, E> {
        Ok(Member::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Member, A::Error> {
        let Some(first) = seq.next_element()? else { return Ok(Member::Empty) };
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Member::First(Box::new(first)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Member, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Member::Other)
    }
}
