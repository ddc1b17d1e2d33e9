use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use serde_json::Value;

// The store's own files: see grpc.rs.
#[allow(dead_code, reason = "the store uses all of it")]
#[path = "../../crates/meshroot-store/src/export/header.rs"]
mod header;
#[allow(dead_code, reason = "the store uses all of it")]
#[path = "../../crates/meshroot-store/src/meta.rs"]
pub(crate) mod meta;

use crate::store_export::tables;
use header::{Header, Place};
use meta::{Meta, StoreId, StoreKind};
use tables::TABLES;

/// `store.json`, which says what store an export is of. What is read of it is what a naive reading finds, names a store and no table but
/// those that there are, counts from nought, and is written and read again as itself. What is none is refused in a short line, with nothing
/// in it that a terminal obeys.
pub fn store_header(data: &[u8]) {
    let header = match Header::from_json(data) {
        Ok(header) => header,
        Err(said) => {
            assert!(said.len() < 6_000 && !said.chars().any(char::is_control), "{said:?}");
            return;
        }
    };
    let new = header.new_store().expect("it says what store it is of");
    assert!(new.id.as_str().len() == 32 && new.id.as_str().bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{}", new.id);
    assert_eq!(new.kind.as_str(), header.kind);
    let written = serde_json::to_string(&header).expect("what was read is written");
    assert_eq!(Header::from_json(written.as_bytes()).as_ref(), Ok(&header));

    let naive: Value = serde_json::from_str(&written).expect("JSON");
    assert_eq!(naive["format"], 1);
    for count in ["version", "epoch", "seen", "next_position"] {
        assert!(naive[count].as_u64().is_some_and(|count| count <= 1 << 60), "{count} is {}", naive[count]);
    }
    for (name, content) in naive["tables"].as_object().expect("tables") {
        assert!(TABLES.iter().any(|table| table.name == name), "a table {name}");
        assert!(content["rows"].is_u64() && content["sha256"].is_string(), "{content}");
    }
    // Serde reads a list of values as an object, too; a naive reading has nothing to compare that with.
    match serde_json::from_slice(data) {
        Ok(said @ Value::Object(_)) if said["tables"].as_object().is_some_and(|tables| tables.values().all(Value::is_object)) => {
            assert!(naive.as_object().is_some_and(|all| all.iter().all(|(name, value)| said[name] == *value)), "{said} is read as {naive}");
        }
        _ => {}
    }
}

/// The header of an empty mesh, of a root that somebody doubts, and one that counts below nought.
pub fn store_header_seeds() -> [(&'static str, String); 3] {
    let header = |kind: StoreKind, doubt: Option<&str>, seen: i64| {
        let id: StoreId = "0123456789abcdef0123456789abcdef".parse().expect("an identifier");
        let meta = Meta { id, kind, schema: 3, created_at: Timestamp::from_unix(crate::NOW) };
        let place = Place { version: 7, epoch: 1, doubt: doubt.map(str::to_owned), seen, next_position: 1_000 };
        let header = serde_json::to_value(Header::new(&meta, &[1, 2, 3], place)).expect("it is written");
        let digest: String = Crypto::ring().sha256(b"").iter().map(|octet| format!("{octet:02x}")).collect();
        let tables: serde_json::Map<_, _> =
            TABLES.iter().map(|table| (table.name.to_owned(), serde_json::json!({ "rows": 0, "sha256": digest }))).collect();
        let mut header = header;
        header["tables"] = tables.into();
        serde_json::to_string_pretty(&header).expect("it is written")
    };
    let doubted = Some("the mark says 9");
    [("mesh", header(StoreKind::Mesh, None, 8)), ("root", header(StoreKind::Root, doubted, 8)), ("below", header(StoreKind::Root, doubted, -1))]
}
