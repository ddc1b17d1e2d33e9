//! One DER structure of a known kind; and the unlock file, which is one line.

use super::context::Context;
use super::error::{Broken, Reason};
use super::item::{Item, Kind};
use super::sniff::DerKind;
use super::{certificate, crl, keys, private, request};
use crate::key::seal::UnlockSecret;

pub(super) fn describe(der: &[u8], kind: DerKind, context: &Context<'_>) -> Result<Item, Broken> {
    match kind {
        DerKind::Certificate => certificate::describe(der, "", context),
        DerKind::Request => request::describe(der, "", context),
        DerKind::Crl => crl::describe(der, "", context),
        DerKind::PublicKey => keys::public_key(der, "", context),
        DerKind::PrivateKey | DerKind::EncryptedKey => private::describe(der, "", context).map(|(item, _)| item),
        DerKind::Unknown => Err(Broken {
            what: kind.in_words(),
            place: String::new(),
            code: "inspect.unknown",
            reason: "nothing is known about it".into(),
            source: "",
        }),
    }
}

/// The secret is read and wiped; only that it is well formed is told.
pub(super) fn unlock_file(bytes: &[u8]) -> Result<Item, Reason> {
    let secret = UnlockSecret::from_file(bytes).map_err(Reason::Unlock)?;
    drop(secret);
    let mut item = Item::new(Kind::UnlockFile, "", "unlock file of a meshroot store");
    item.field("format", "meshroot-unlock-v1, complete");
    item.field("note", "with it and the store's file anybody can sign: keep the two apart, and neither in version control");
    Ok(item)
}
