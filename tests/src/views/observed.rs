//! What was observed: for each case and each judge, `accept`, or the reason of the refusal.

use std::collections::BTreeMap;

/// Case → judge → verdict.
pub type Table = BTreeMap<String, BTreeMap<String, String>>;

const FILE: &str = "views/observed.json";

/// The committed table.
pub fn read() -> Table {
    serde_json::from_slice(&std::fs::read(crate::fixtures::path(FILE)).unwrap_or(b"{}".to_vec())).unwrap()
}

/// A verdict as the table holds it: what differs from run to run (times, serial numbers, names of files) is left out.
pub fn word(verdict: &Result<(), String>) -> String {
    match verdict {
        Ok(()) => "accept".to_owned(),
        Err(reason) => masked(reason),
    }
}

/// Times like `2026-11-22T20:29:53Z` and `UnixTime(1795379393)` stand as `TIME`.
fn masked(reason: &str) -> String {
    let mut out = String::new();
    let mut rest = reason;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits = rest[at..].find(|c: char| !(c.is_ascii_digit() || "-T:Z".contains(c))).unwrap_or(rest.len() - at);
        let (word, after) = rest[at..].split_at(digits);
        out.push_str(&rest[..at]);
        let long = word.len() >= 10 && (word.chars().all(|c| c.is_ascii_digit()) || word.contains('T'));
        out.push_str(if long && !word.starts_with("268") { "TIME" } else { word });
        rest = after;
    }
    out + rest
}

/// Compares what these judges said now with the table; with `MESHROOT_RECORD=1` writes it there instead.
///
/// # Panics
/// With every cell that differs.
pub fn compare(now: &Table) {
    let mut table = read();
    if std::env::var_os("MESHROOT_RECORD").is_some() {
        for (case, row) in now {
            table.entry(case.clone()).or_default().extend(row.clone());
        }
        table.retain(|case, _| now.contains_key(case));
        let path = crate::fixtures::path(FILE);
        std::fs::write(path, serde_json::to_string_pretty(&table).unwrap() + "\n").unwrap();
        return;
    }
    let mut differing = vec![];
    for (case, row) in now {
        for (judge, said) in row {
            let before = table.get(case).and_then(|row| row.get(judge)).map_or("nothing", String::as_str);
            if before != said {
                differing.push(format!("{case}: {judge} says {said:?}; the table has {before:?}"));
            }
        }
    }
    assert!(differing.is_empty(), "the real validators changed (MESHROOT_RECORD=1 writes the table anew):\n{}", differing.join("\n"));
}
