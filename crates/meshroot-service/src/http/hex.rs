/// The octets that these digits write; colons between them are passed over.
pub(crate) fn read(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|octet| *octet != b':').collect();
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() || digits.is_empty() {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    pairs.map(|pair| Some((value(*pair.first()?)? << 4) | value(*pair.last()?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn pairs_of_digits_are_octets() {
        assert_eq!(read("0aFF"), Some(vec![0x0a, 0xff]));
        assert_eq!(read("0a:ff"), Some(vec![0x0a, 0xff]));
        for bad in ["", ":", "0", "0g", "+1", "0aé0"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
