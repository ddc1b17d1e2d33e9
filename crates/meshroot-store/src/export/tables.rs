//! The tables of an export, in the order in which they refer to each other. Both kinds of store have them, with the same
//! columns and the same checksums. What is made from them is not exported: the inventory, and which serial numbers are in
//! use, which the certificates say.

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A whole number of 64 bits.
    Int,
    /// A text.
    Text,
    /// Octets; in files as base64.
    Bytes,
}

/// A table.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name, and the name of its file: `NAME.jsonl`.
    pub(crate) name: &'static str,
    /// Its columns; a row has a member for each.
    pub(crate) columns: &'static [(&'static str, Kind)],
    /// By which columns its rows are ordered.
    pub(crate) order: &'static str,
}

use Kind::{Bytes, Int, Text};

/// The issuance log. A store may keep it in several tables.
pub(crate) const ISSUANCES: &Table = &Table {
    name: "issuances",
    columns: &[
        ("position", Int),
        ("trust_domain", Int),
        ("authority", Text),
        ("kind", Text),
        ("caller", Text),
        ("spiffe_id", Text),
        ("serial", Bytes),
        ("not_before", Int),
        ("not_after", Int),
        ("at", Int),
        ("since", Int),
        ("certificate", Bytes),
        ("checksum", Int),
    ],
    order: "position",
};

pub(crate) const IDEMPOTENCY_KEYS: &Table = &Table {
    name: "idempotency_keys",
    columns: &[("caller", Text), ("key", Text), ("request", Bytes), ("position", Int), ("expires_at", Int), ("checksum", Int)],
    order: "position, caller, key",
};

pub(crate) const TRUST_DOMAINS: &Table = &Table { name: "trust_domains", columns: &[("number", Int), ("name", Text)], order: "number" };

/// All of them.
pub(crate) const TABLES: &[&Table] = &[
    TRUST_DOMAINS,
    &Table {
        name: "commits",
        columns: &[
            ("version", Int),
            ("trust_domain", Int),
            ("at", Int),
            ("events", Int),
            ("keys", Int),
            ("sequence", Int),
            ("visible_at", Int),
            ("checksum", Int),
        ],
        order: "version",
    },
    &Table { name: "events", columns: &[("position", Int), ("version", Int), ("event", Text), ("checksum", Int)], order: "position" },
    &Table {
        name: "bundles",
        columns: &[("trust_domain", Int), ("sequence", Int), ("version", Int), ("rendered", Bytes), ("checksum", Int)],
        order: "trust_domain, sequence",
    },
    &Table {
        name: "sealed_keys",
        columns: &[("trust_domain", Int), ("authority", Text), ("version", Int), ("sealed", Bytes), ("checksum", Int)],
        order: "version, authority",
    },
    ISSUANCES,
    &Table {
        name: "last_expiries",
        columns: &[("trust_domain", Int), ("authority", Text), ("not_after", Int), ("checksum", Int)],
        order: "trust_domain, authority",
    },
    &Table {
        name: "join_tokens",
        columns: &[
            ("digest", Bytes),
            ("trust_domain", Int),
            ("cluster", Text),
            ("spiffe_id", Text),
            ("created_by", Text),
            ("created_at", Int),
            ("expires_at", Int),
            ("used_by", Int),
            ("checksum", Int),
        ],
        order: "digest",
    },
    IDEMPOTENCY_KEYS,
    &Table {
        name: "revocation_changes",
        columns: &[("version", Int), ("at", Int), ("revocations", Int), ("denials", Int), ("lifts", Int), ("crls", Int), ("checksum", Int)],
        order: "version",
    },
    &Table {
        name: "revocations",
        columns: &[
            ("position", Int),
            ("version", Int),
            ("trust_domain", Int),
            ("authority", Text),
            ("serial", Bytes),
            ("spiffe_id", Text),
            ("not_after", Int),
            ("reason", Text),
            ("at", Int),
            ("revoked_by", Text),
            ("checksum", Int),
        ],
        order: "position",
    },
    &Table {
        name: "denials",
        columns: &[
            ("position", Int),
            ("version", Int),
            ("trust_domain", Int),
            ("spiffe_id", Text),
            ("reason", Text),
            ("at", Int),
            ("denied_by", Text),
            ("expires_at", Int),
            ("checksum", Int),
        ],
        order: "position",
    },
    &Table {
        name: "denial_lifts",
        columns: &[("position", Int), ("version", Int), ("denial", Int), ("at", Int), ("lifted_by", Text), ("checksum", Int)],
        order: "position",
    },
    &Table {
        name: "crls",
        columns: &[("trust_domain", Int), ("authority", Text), ("number", Int), ("version", Int), ("crl", Bytes), ("checksum", Int)],
        order: "trust_domain, authority",
    },
    &Table {
        name: "ca_requests",
        columns: &[
            ("position", Int),
            ("nonce", Bytes),
            ("trust_domain", Int),
            ("cluster", Text),
            ("profile", Text),
            ("lifetime", Int),
            ("csr", Bytes),
            ("caller", Text),
            ("token", Bytes),
            ("at", Int),
            ("outcome", Text),
            ("authority", Text),
            ("decided_at", Int),
            ("decided_by", Text),
            ("checksum", Int),
        ],
        order: "position",
    },
    &Table {
        name: "restorations",
        columns: &[("epoch", Int), ("at", Int), ("restored_by", Text), ("why", Text), ("first", Int), ("checksum", Int)],
        order: "epoch",
    },
];

impl Table {
    pub(crate) fn is_ordered_by(&self, column: &str) -> bool {
        self.order.split(", ").any(|name| name == column)
    }

    pub(crate) fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}
