//! Whole descriptions, as people read them: each was read once, and is compared from then on.

use super::{folder, look};

/// Inputs of `testdata/inspect` with the text expected of them beside them.
#[test]
fn descriptions_read_as_they_did_when_they_were_reviewed() {
    let mut different = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        if !["pem", "der", "json", "yaml", "key"].contains(&kind) {
            continue;
        }
        count += 1;
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = match look(&std::fs::read(&path).unwrap()) {
            Ok(items) => items.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
            Err(e) => format!("{e}\n"),
        };
        let expected = path.with_file_name(format!("{name}.txt"));
        if std::env::var_os("MESHROOT_BLESS").is_some() {
            std::fs::write(&expected, &text).unwrap();
        }
        if std::fs::read_to_string(&expected).unwrap_or_default() != text {
            different.push(format!("{name} reads differently now:\n{text}"));
        }
    }
    assert!(count > 20, "only {count} inputs were found");
    assert!(different.is_empty(), "{}", different.join("\n"));
}
