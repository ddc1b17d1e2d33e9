use toml::{Table, Value};

use super::ConfigError;

const PREFIX: &str = "MESHROOT_SERVE_";

/// How the text of a variable becomes a value.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    /// Texts with commas between.
    List,
    /// `name=text` with commas between.
    Pairs,
}

/// Every setting that the environment may give; a test holds this list to the settings.
const SETTINGS: &[(&str, &str, Kind)] = &[
    ("listen", "address", Kind::Text),
    ("health", "address", Kind::Text),
    ("names", "dns", Kind::List),
    ("names", "addresses", Kind::List),
    ("names", "cluster", Kind::Text),
    ("tls", "certificate", Kind::Text),
    ("tls", "key", Kind::Text),
    ("policy", "file", Kind::Text),
    ("policy", "jwks", Kind::Pairs),
    ("policy", "pods", Kind::Pairs),
    ("discovery", "issuer", Kind::Pairs),
    ("discovery", "jwks", Kind::Pairs),
    ("discovery", "ca", Kind::Pairs),
    ("discovery", "token_file", Kind::Pairs),
    ("discovery", "min_refresh", Kind::Text),
    ("discovery", "max_refresh", Kind::Text),
    ("discovery", "unknown_key", Kind::Text),
    ("discovery", "timeout", Kind::Text),
    ("review", "server", Kind::Pairs),
    ("review", "ca", Kind::Pairs),
    ("review", "token_file", Kind::Pairs),
    ("review", "remember", Kind::Text),
    ("review", "unreachable", Kind::Text),
    ("review", "timeout", Kind::Text),
    ("administration", "socket", Kind::Text),
    ("root", "store", Kind::Text),
    ("root", "unlock", Kind::Text),
    ("administration", "public_keys", Kind::Pairs),
    ("administration", "ca", Kind::Text),
    ("limits", "connections", Kind::Number),
    ("limits", "handshakes", Kind::Number),
    ("limits", "handshake_timeout", Kind::Text),
    ("limits", "header_timeout", Kind::Text),
    ("limits", "idle_timeout", Kind::Text),
    ("limits", "body_timeout", Kind::Text),
    ("limits", "body_bytes", Kind::Number),
    ("limits", "header_bytes", Kind::Number),
    ("limits", "requests", Kind::Number),
    ("limits", "caller", Kind::Text),
    ("limits", "cluster", Kind::Text),
    ("limits", "failures", Kind::Text),
    ("limits", "remembered", Kind::Number),
    ("limits", "long_polls", Kind::Number),
    ("limits", "shutdown", Kind::Text),
    ("inventory", "retention", Kind::Text),
    ("log", "level", Kind::Text),
    ("log", "format", Kind::Text),
];

pub(super) fn overlay(table: &mut Table, environment: impl IntoIterator<Item = (String, String)>) -> Result<(), ConfigError> {
    for (name, text) in environment {
        let Some(wanted) = name.strip_prefix(PREFIX) else { continue };
        let fault = |message: String| ConfigError::Environment { name: name.clone(), message };
        let known = SETTINGS.iter().find(|(section, setting, _)| wanted == format!("{section}_{setting}").to_uppercase());
        let Some((section, setting, kind)) = known else {
            return Err(fault("there is no such setting".into()));
        };
        let value = match kind {
            Kind::Text => Value::String(text),
            Kind::Number => Value::Integer(text.trim().parse().map_err(|_| fault(format!("'{}' is no whole number", text.escape_debug())))?),
            Kind::List => {
                text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(|one| Value::String(one.into())).collect::<Vec<_>>().into()
            }
            Kind::Pairs => {
                let pairs = text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(|one| {
                    let (name, text) = one.split_once('=').ok_or_else(|| fault(format!("'{}' is not name=text", one.escape_debug())))?;
                    Ok((name.trim().to_owned(), Value::String(text.trim().into())))
                });
                Value::Table(pairs.collect::<Result<Table, ConfigError>>()?)
            }
        };
        let mut alone = Table::new();
        alone.insert((*section).into(), Table::from_iter([((*setting).to_owned(), value.clone())]).into());
        // By itself, so that the message can name the variable. `tls` and `root` alone are never whole.
        if !matches!(*section, "tls" | "root") {
            let _: super::Config = alone.try_into().map_err(|e: toml::de::Error| fault(e.message().to_owned()))?;
        }
        let entry = table.entry(*section).or_insert_with(|| Table::new().into());
        if let Value::Table(inner) = entry {
            inner.insert((*setting).to_owned(), value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings of a section, from the message about an unknown one.
    fn settings_of(section: &str) -> Vec<String> {
        let text = format!("[{section}]\n\"no such setting\" = 1");
        let error = toml::from_str::<super::super::Config>(&text).unwrap_err().to_string();
        let expected = error.split("expected ").nth(1).unwrap();
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn every_setting_can_come_from_the_environment() {
        let sections = settings_of_top();
        assert!(sections.len() > 3, "{sections:?}");
        for section in sections {
            for setting in settings_of(&section) {
                assert!(SETTINGS.iter().any(|(s, n, _)| *s == section && *n == setting), "{section}.{setting} is not in the list");
            }
        }
    }

    #[test]
    fn every_setting_is_in_the_guide_with_its_default() {
        let guide = include_str!("../../docs/operations.md");
        let table = guide.split("| setting | default |").nth(1).unwrap().split("\n\n").next().unwrap();
        for (section, setting, _) in SETTINGS {
            let named = format!("`{section}.{setting}`");
            assert!(table.lines().any(|row| row.split('|').nth(1).is_some_and(|cell| cell.contains(&named))), "{named} is not in the guide");
        }
        // A default that stands there is the one that holds.
        for row in table.lines().skip(2) {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let (Some(default), Some((section, setting))) = (cells[2].strip_prefix('`'), cells[1].trim_matches('`').split_once('.')) else {
                continue;
            };
            let default = default.trim_end_matches('`');
            let value = if default.parse::<i64>().is_ok() { default.to_owned() } else { format!("\"{default}\"") };
            let config: super::super::Config = toml::from_str(&format!("[{section}]\n{setting} = {value}\n")).unwrap();
            assert_eq!(config, super::super::Config::default(), "{section}.{setting} = {default}");
        }
    }

    fn settings_of_top() -> Vec<String> {
        let error = toml::from_str::<super::super::Config>("\"no such setting\" = 1").unwrap_err().to_string();
        error.split("expected ").nth(1).unwrap().split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }
}
