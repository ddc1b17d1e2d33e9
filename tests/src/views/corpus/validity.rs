//! Time.

use crate::views::Case;
use crate::views::case::{Mesh, with};
use crate::views::der::{generalized, tlv, utc};

/// 2030-01-01T00:00:00Z.
const Y2030: i64 = 1_893_456_000;

pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str, change: fn(&mut Mesh)| with(&format!("validity.{name}"), change);
    vec![
        case("leaf_expired", |m| m.leaf.not_after = utc("210101000000")),
        case("leaf_not_yet", |m| m.leaf.not_before = utc("480101000000")),
        case("ca_expired", |m| m.ca.not_after = utc("210101000000")),
        case("ca_not_yet", |m| m.ca.not_before = utc("480101000000")),
        case("root_expired", |m| m.root.not_after = utc("210101000000")),
        case("root_not_yet", |m| m.root.not_before = utc("480101000000")),
        case("leaf_outlives_ca", |m| m.ca.not_after = utc("450101000000")),
        case("ca_outlives_root", |m| m.root.not_after = utc("450101000000")),
        case("leaf_older_than_ca", |m| m.leaf.not_before = utc("100101000000")),
        case("backwards", |m| m.leaf.not_after = utc("190101000000")),
        case("last_second", |m| {
            m.leaf.not_after = utc("300101000000");
            m.at = Some(Y2030);
        }),
        case("second_after_the_last", |m| {
            m.leaf.not_after = utc("300101000000");
            m.at = Some(Y2030 + 1);
        }),
        case("first_second", |m| {
            m.leaf.not_before = utc("300101000000");
            m.at = Some(Y2030);
        }),
        case("second_before_the_first", |m| {
            m.leaf.not_before = utc("300101000000");
            m.at = Some(Y2030 - 1);
        }),
        case("after_2050", |m| m.leaf.not_after = generalized("20600101000000")),
        case("year_9999", |m| m.leaf.not_after = generalized("99991231235959")),
        case("year_1950", |m| m.leaf.not_before = utc("500101000000")),
        case("year_1900", |m| m.leaf.not_before = generalized("19000101000000")),
        case("year_0000", |m| m.leaf.not_before = generalized("00000101000000")),
        case("generalized_before_2050", |m| m.leaf.not_after = generalized("20490101000000")),
        case("utc_without_seconds", |m| m.leaf.not_after = utc("4901010000")),
        case("utc_with_offset", |m| m.leaf.not_after = tlv(0x17, b"490101000000+0000")),
        case("generalized_with_fraction", |m| m.leaf.not_after = tlv(0x18, b"20600101000000.5Z")),
        case("generalized_without_zone", |m| m.leaf.not_after = tlv(0x18, b"20600101000000")),
        case("30_february", |m| m.leaf.not_after = utc("490230000000")),
        case("second_60", |m| m.leaf.not_after = utc("490101235960")),
        case("hour_24", |m| m.leaf.not_after = utc("490101240000")),
    ]
}
