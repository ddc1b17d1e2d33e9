//! Certificate revocation lists.

use crate::views::Case;
use crate::views::case::{Mesh, with};
use crate::views::cert::{Extension, KEY_CERT_SIGN, Spec, id, key_usage};
use crate::views::crl::CrlSpec;
use crate::views::der::{TRUE, int, oid, seq, tlv, utc};

const DELTA: &str = "2.5.29.27";
const SCOPE: &str = "2.5.29.28";
const REASON: &str = "2.5.29.21";
const CERTIFICATE_ISSUER: &str = "2.5.29.29";

/// The usual two lists, the CA's one changed.
fn changed(name: &str, change: fn(&mut CrlSpec)) -> Case {
    case(name, |m| {
        let mut list = CrlSpec::empty();
        change(&mut list);
        m.with_crls(&CrlSpec::empty(), &list);
    })
}

fn case(name: &str, change: impl FnOnce(&mut Mesh)) -> Case {
    with(&format!("crl.{name}"), change)
}

/// Entry extensions of one member.
fn entry(kind: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    seq(&[&seq(&[&oid(kind), if critical { &TRUE } else { &[] }, &tlv(0x04, value)])])
}

pub(super) fn cases() -> Vec<Case> {
    let empty = CrlSpec::empty;
    let leaf = Spec::leaf();
    let reason = |code: u8| {
        let mut list = empty();
        list.revoked.push((leaf.serial.clone(), entry(REASON, false, &tlv(0x0a, &[code]))));
        list
    };
    vec![
        case("all_good", |m| m.with_crls(&empty(), &empty())),
        case("leaf_revoked", |m| m.with_crls(&empty(), &empty().revoking(&m.leaf.clone()))),
        case("ca_revoked", |m| m.with_crls(&empty().revoking(&m.ca.clone()), &empty())),
        case("another_revoked", |m| {
            let mut another = m.leaf.clone();
            another.serial = vec![0x44];
            m.with_crls(&empty(), &empty().revoking(&another));
        }),
        case("root_revokes_itself", |m| m.with_crls(&empty().revoking(&m.root.clone()), &empty())),
        case("cas_list_missing", |m| m.crls = vec![empty().signed_by(&m.root)]),
        case("roots_list_missing", |m| m.crls = vec![empty().signed_by(&m.ca)]),
        case("of_somebody_else", |m| {
            let other = Spec::ca("Somebody else", "somebody");
            m.crls = vec![empty().signed_by(&other)];
        }),
        changed("expired", |list| list.next_update = utc("210101000000")),
        case("expired_and_revoked", |m| {
            let mut list = empty().revoking(&m.leaf.clone());
            list.next_update = utc("210101000000");
            m.with_crls(&empty(), &list);
        }),
        changed("not_yet", |list| {
            list.this_update = utc("480101000000");
        }),
        changed("without_next_update", |list| list.next_update.clear()),
        changed("without_number", |list| list.extensions.truncate(1)),
        changed("without_aki", |list| {
            list.extensions.remove(0);
        }),
        changed("aki_wrong", |list| list.extensions[0].value = seq(&[&tlv(0x80, &[1; 20])])),
        changed("wrong_signature", |list| list.forged = true),
        case("wrong_signature_and_revoked", |m| {
            let mut list = empty().revoking(&m.leaf.clone());
            list.forged = true;
            m.with_crls(&empty(), &list);
        }),
        case("ca_without_crl_sign", |m| {
            m.ca.set(key_usage(KEY_CERT_SIGN));
            m.with_crls(&empty(), &empty());
        }),
        case("ca_without_crl_sign_and_revoked", |m| {
            m.ca.set(key_usage(KEY_CERT_SIGN));
            m.with_crls(&empty(), &empty().revoking(&m.leaf.clone()));
        }),
        case("root_without_crl_sign", |m| {
            m.root.set(key_usage(KEY_CERT_SIGN));
            m.with_crls(&empty(), &empty());
        }),
        case("ca_without_key_usage", |m| {
            m.ca.remove(id::KEY_USAGE);
            m.with_crls(&empty(), &empty());
        }),
        changed("unknown_critical_extension", |list| list.extensions.push(Extension::critical(id::UNKNOWN, vec![5, 0]))),
        case("unknown_critical_entry_extension", |m| {
            let mut list = empty();
            list.revoked.push((vec![0x44], entry(id::UNKNOWN, true, &[5, 0])));
            m.with_crls(&empty(), &list);
        }),
        case("unknown_critical_entry_extension_and_revoked", |m| {
            let mut list = empty();
            list.revoked.push((m.leaf.serial.clone(), entry(id::UNKNOWN, true, &[5, 0])));
            m.with_crls(&empty(), &list);
        }),
        case("revoked_on_hold", |m| m.with_crls(&empty(), &reason(6))),
        case("removed_from_list", |m| m.with_crls(&empty(), &reason(8))),
        case("reason_out_of_range", |m| m.with_crls(&empty(), &reason(11))),
        case("revoked_in_the_future", |m| {
            // The entry's date stands still at 2021; judged a year before it.
            m.with_crls(&empty(), &empty().revoking(&m.leaf.clone()));
            m.at = Some(1_588_291_200);
        }),
        changed("scope_users_only", |list| list.extensions.push(Extension::critical(SCOPE, seq(&[&tlv(0x81, &[0xff])])))),
        changed("scope_cas_only", |list| list.extensions.push(Extension::critical(SCOPE, seq(&[&tlv(0x82, &[0xff])])))),
        changed("scope_some_reasons", |list| list.extensions.push(Extension::critical(SCOPE, seq(&[&tlv(0x83, &[1, 0x60])])))),
        changed("scope_indirect", |list| list.extensions.push(Extension::critical(SCOPE, seq(&[&tlv(0x84, &[0xff])])))),
        case("indirect_entry", |m| {
            let mut list = empty();
            let issuer = seq(&[&tlv(0xa4, &m.root.subject)]);
            list.revoked.push((m.leaf.serial.clone(), entry(CERTIFICATE_ISSUER, true, &issuer)));
            m.with_crls(&empty(), &list);
        }),
        changed("delta", |list| list.extensions.push(Extension::critical(DELTA, int(&[1])))),
        case("two_of_one_ca_the_older_revokes", |m| {
            m.with_crls(&empty(), &empty());
            let mut old = empty().revoking(&m.leaf.clone());
            old.this_update = utc("190601000000");
            old.next_update = utc("200101000000");
            old.extensions[1].value = int(&[0]);
            m.crls.push(old.signed_by(&m.ca));
        }),
        case("two_of_one_ca_the_newer_revokes", |m| {
            m.with_crls(&empty(), &empty());
            let mut new = empty().revoking(&m.leaf.clone());
            new.this_update = utc("210601000000");
            new.extensions[1].value = int(&[2]);
            m.crls.push(new.signed_by(&m.ca));
        }),
        case("same_name_other_key", |m| {
            // A namesake of the CA has the list that is there; the CA's own is missing.
            let namesake = Spec::ca("CA west", "namesake");
            m.crls = vec![empty().signed_by(&m.root), empty().signed_by(&namesake)];
        }),
        case("unreadable", |m| {
            m.with_crls(&empty(), &empty());
            m.crls.push(vec![0x30, 0x03, 0x02, 0x01, 0x01]);
        }),
    ]
}
