//! JSON from elsewhere, read so that who has to mend it learns what and where.

use core::fmt;
use core::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, de};

/// What a reader of JSON says of a file from elsewhere, and where. It may quote the file: cut short, and nothing that a terminal would obey.
pub(crate) fn fault(e: &serde_json::Error) -> String {
    let (said, place) = (e.to_string(), format!(" at line {} column {}", e.line(), e.column()));
    let what = said.strip_suffix(&place).unwrap_or(&said);
    let what = what.chars().take(400).flat_map(|c| if c.is_control() { c.escape_debug().collect() } else { vec![c] });
    what.collect::<String>() + &place
}

/// What is written as a JSON object, and as nothing else: serde reads a list of values as a struct, too, by their order.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

/// What to call an object when something else stands in its place.
pub(crate) trait Named {
    /// With its article: `a pod`.
    const NAME: &str;
}

impl<'de, T: Deserialize<'de> + Named> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Named> de::Visitor<'de> for Members<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}, an object", T::NAME)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, members: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members)).map(Object)
            }
        }
        deserializer.deserialize_map(Members(PhantomData))
    }
}
