//! What the library promises about its public interface, checked in its sources: no type of another crate in it, and a
//! stable code for every error.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation is what a test is for, in its helpers too")]

#[path = "public_api/codes.rs"]
mod codes;
#[path = "public_api/leaks.rs"]
mod leaks;
#[path = "public_api/source.rs"]
mod source;

use std::fs;
use std::path::Path;

use leaks::leaks;
use source::Library;

fn library() -> Library {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    Library::load(&manifest, &|path| fs::read_to_string(folder.join("src").join(path)).ok())
}

/// A library of one file that depends on `der`, `time` and what the allow-list names.
fn planted(text: &str) -> Library {
    let manifest =
        "[package]\nname = \"x\"\n[dependencies]\nder.workspace = true\ntime = \"0.3\"\nserde = \"1\"\nthiserror = \"2\"\nzeroize = \"1\"\n";
    let files =
        [("lib.rs", text.to_owned()), ("inner.rs", "use der::Tag;\npub(crate) type Hidden = Tag;\npub(crate) use der::Length as Long;\n".to_owned())];
    Library::load(manifest, &|path| files.iter().find(|(name, _)| *name == path).map(|(_, text)| text.clone()))
}

#[test]
fn no_type_of_another_crate_is_in_a_public_signature() {
    let library = library();
    assert!(library.modules.len() > 40, "only {} modules were found", library.modules.len());
    let found = leaks(&library);
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_way_to_leak_a_type_is_seen() {
    for leak in [
        "pub fn f(tag: der::Tag) {}",
        "pub fn f() -> Option<Vec<::der::Tag>> { None }",
        "use der::{asn1::{self, Int as Number}, Tag}; pub fn f(n: &[Number]) {}",
        "use der::{asn1::{self, Int as Number}, Tag}; pub fn f(n: asn1::Any) {}",
        "use der::Tag; pub fn f(t: impl Fn(Tag)) {}",
        "pub fn f<T: der::Encode>(t: T) {}",
        "pub fn f<T>(t: T) where T: der::Encode {}",
        "pub fn f(t: &dyn der::Encode) {}",
        "pub struct S { pub tag: der::Tag }",
        "pub struct S(pub der::Tag);",
        "pub enum E { A { tag: der::Tag } }",
        "pub enum E { A(#[from] der::Error) }",
        "pub struct S; impl S { pub fn f(&self) -> der::Tag { loop {} } }",
        "pub struct S; impl S { pub const C: der::Tag = der::Tag::Null; }",
        "pub struct S; impl From<der::Error> for S { fn from(e: der::Error) -> S { S } }",
        "pub struct S; impl der::Encode for S { }",
        "pub struct S; impl std::ops::Deref for S { type Target = der::Tag; fn deref(&self) -> &der::Tag { loop {} } }",
        "#[derive(Clone, der::Sequence)] pub struct S;",
        "#[cfg_attr(feature = \"x\", derive(der::Sequence))] pub struct S;",
        "pub trait T { fn f(&self, tag: der::Tag); }",
        "pub trait T: der::Encode {}",
        "pub trait T { type A: der::Encode; }",
        "pub type A = Vec<der::Tag>;",
        "pub const C: der::Tag = der::Tag::Null;",
        "pub use der::Tag;",
        "pub use der;",
        "pub mod m { pub use der::*; }",
        "pub mod m { pub fn f(t: der::Tag) {} }",
        "mod m { pub fn f(t: der::Tag) {} }",
        "mod inner; pub fn f(t: inner::Hidden) {}",
        "mod inner; pub fn f(t: crate::inner::Long) {}",
        "mod inner; use inner::Hidden as H; pub mod m { use super::H; pub fn f(t: H) {} }",
        "mod inner; use inner::*; pub fn f(t: Hidden) {}",
        "pub mod m { pub fn f(t: time::Date) {} }",
        "pub fn f(t: zeroize::Zeroize) {}",
        "pub fn f(s: serde::de::IgnoredAny) {}",
        "pub fn f<S: serde::Serializer>(s: S) {}",
    ] {
        assert_eq!(leaks(&planted(leak)).len(), 1, "{leak}");
    }
}

#[test]
fn what_is_no_leak_is_not_reported() {
    for fine in [
        "use der::Tag; pub(crate) fn f(tag: Tag) {} fn g(tag: Tag) {}",
        "pub fn f() { let x: der::Tag = f(); }",
        "pub struct S { tag: der::Tag, pub(crate) length: der::Length }",
        "pub struct S; impl S { fn f(&self) -> der::Tag { loop {} } }",
        "struct S; impl From<der::Error> for S { fn from(e: der::Error) -> S { S } }",
        "struct S; impl der::Encode for S { }",
        "pub mod time { pub struct T; } pub fn f(t: time::T) {} pub fn g(t: crate::time::T) {}",
        "mod der { pub struct Tag; } pub fn f(t: der::Tag) {}",
        "pub mod m { pub struct Tag; } use m::Tag; pub fn f(t: Tag) {}",
        "#[cfg(test)] mod tests { pub fn f(t: der::Tag) {} }",
        "#[derive(thiserror::Error)] pub enum E { A }",
        "use zeroize::Zeroizing; pub fn f() -> Zeroizing<String> { loop {} }",
        "pub struct S; mod s { use super::S; use serde::{Serialize, Serializer}; impl Serialize for S { fn serialize<Z: Serializer>(&self, z: Z) -> Result<Z::Ok, Z::Error> { loop {} } } }",
        "#[cfg_attr(feature = \"serde\", derive(serde::Serialize, serde::Deserialize))] pub struct S;",
    ] {
        assert_eq!(leaks(&planted(fine)), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn every_error_has_codes_and_no_code_means_two_things() {
    let problems = codes::problems(&library());
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn every_wrong_code_is_seen() {
    let error = |name: &str, code: &str| {
        format!("#[derive(thiserror::Error)] pub enum {name} {{ A }} impl {name} {{ pub fn code(&self) -> &'static str {{ \"{code}\" }} }}")
    };
    let good = error("E", "m.a");
    assert_eq!(codes::problems(&planted(&format!("pub mod m {{ {good} }}"))), Vec::<String>::new());
    for bad in [
        "pub mod m { #[derive(Debug, thiserror::Error)] pub enum E { A } }".to_owned(),
        "pub mod m { pub struct E; impl std::error::Error for E {} }".to_owned(),
        "pub mod m { pub struct E; impl E { fn code(&self) -> &'static str { \"m.a\" } } impl core::error::Error for E {} }".to_owned(),
        format!("pub mod m {{ {good} {} }}", error("F", "m.a")),
        format!("pub mod m {{ {} }}", error("E", "m.Upper")),
        format!("pub mod m {{ {} }}", error("E", "nothing")),
        format!("pub mod m {{ {} }}", error("E", "m.")),
        format!("pub mod m {{ {good} }} pub mod n {{ {} }}", error("F", "m.b")),
    ] {
        assert_eq!(codes::problems(&planted(&bad)).len(), 1, "{bad}");
    }
}
