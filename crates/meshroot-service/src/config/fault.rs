/// What is wrong with a TOML text, and where; without the line itself, which may be of a file that somebody named by
/// mistake: a key, an unlock file.
pub(crate) fn of_toml(text: &str, e: &toml::de::Error) -> String {
    let message = e.message().trim_end();
    let Some(before) = e.span().and_then(|span| text.get(..span.start)) else { return message.to_owned() };
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count().saturating_add(1);
    format!("line {line}, column {column}: {message}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_a_place_and_not_the_text_that_stands_there() {
        let text = "[a]\nb = 1\nsecret-of-somebody 0123456789\n";
        let said = of_toml(text, &toml::from_str::<toml::Table>(text).unwrap_err());
        assert!(said.starts_with("line 3, column ") && !said.contains("0123456789"), "{said}");
    }
}
