//! Secrets that must not be said, and every form in which they could be.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "the numbers are those written here")]

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use meshroot::key::{Crypto, PrivateKey};

/// A secret in every form in which it could leak: raw, as digits, as a list of octets, and in base64 at each of three
/// offsets, as it looks when other bytes stand before it.
pub fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let listed = secret.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    let mut forms = vec![secret.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes(), listed.into_bytes()];
    for skip in 0..3 {
        let whole = secret.len().saturating_sub(skip) / 3 * 3;
        for alphabet in [&STANDARD, &URL_SAFE] {
            forms.push(alphabet.encode(&secret[skip..skip + whole]).into_bytes());
        }
    }
    forms
}

/// The private scalar of a key: the part of the PKCS#8 that nobody else has.
pub fn scalar(pem: &[u8]) -> Vec<u8> {
    let key = PrivateKey::from_pem(pem, None, &Crypto::ring()).unwrap();
    let der = key.pkcs8_der();
    // P-256 in PKCS#8: the octets behind `02 01 01 04 20`.
    let at = der.windows(5).position(|window| window == [2, 1, 1, 4, 32]).unwrap() + 5;
    der[at..at + 32].to_vec()
}

/// The octets in an unlock file.
pub fn unlock(file: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(file.to_vec()).unwrap();
    octets(text.split_whitespace().nth(1).unwrap())
}

/// The octets that these 64 digits write.
pub fn octets(digits: &str) -> Vec<u8> {
    (0..32).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// What is searched, and for what.
#[derive(Default)]
pub struct Canaries {
    secrets: Vec<(String, Vec<u8>)>,
    heard: Vec<(String, Vec<u8>)>,
}

impl Canaries {
    /// Something that must not be said.
    pub fn secret(&mut self, name: &str, secret: impl Into<Vec<u8>>) {
        let secret = secret.into();
        assert!(secret.len() >= 8, "{name} is too short to be searched for");
        self.secrets.push((name.into(), secret));
    }

    /// A private key: its scalar, and each line of its PEM.
    pub fn key(&mut self, name: &str, pem: &[u8]) {
        self.secret(name, scalar(pem));
        for line in String::from_utf8(pem.to_vec()).unwrap().lines().filter(|line| line.len() > 40) {
            self.secret(name, line);
        }
    }

    /// A service account token: whole, and its signature, which makes it one.
    pub fn jwt(&mut self, name: &str, token: &str) {
        self.secret(name, token);
        self.secret(name, token.rsplit('.').next().unwrap());
    }

    /// Something that was said.
    pub fn heard(&mut self, whence: impl Into<String>, what: impl Into<Vec<u8>>) {
        self.heard.push((whence.into(), what.into()));
    }

    /// How much was said.
    pub fn length(&self) -> usize {
        self.heard.iter().map(|(_, what)| what.len()).sum()
    }

    /// Every secret that was said, and where.
    pub fn found(&self) -> Vec<String> {
        let forms: Vec<_> = self.secrets.iter().flat_map(|(name, secret)| forms(secret).into_iter().map(move |form| (name, form))).collect();
        let search = Search::new(&forms);
        let mut found: Vec<_> =
            self.heard.iter().flat_map(|(whence, what)| search.of(what).map(move |name| format!("{name} is in {whence}"))).collect();
        found.sort();
        found.dedup();
        found
    }
}

/// Looks for many forms in one pass: by their first eight octets, and before that by two of these.
struct Search<'f> {
    by_start: HashMap<u64, Vec<&'f (&'f String, Vec<u8>)>>,
    hints: Vec<bool>,
}

impl<'f> Search<'f> {
    fn new(forms: &'f [(&'f String, Vec<u8>)]) -> Self {
        let mut by_start: HashMap<u64, Vec<_>> = HashMap::new();
        let mut hints = vec![false; 1 << 16];
        for form in forms {
            let start = u64::from_be_bytes(form.1[..8].try_into().unwrap());
            by_start.entry(start).or_default().push(form);
            hints[(start & 0xffff) as usize] = true;
        }
        Self { by_start, hints }
    }

    fn of(&self, text: &[u8]) -> impl Iterator<Item = &'f String> {
        let (mut last, mut found) = (0u64, Vec::new());
        for (at, octet) in text.iter().enumerate() {
            last = last << 8 | u64::from(*octet);
            if at < 7 || !self.hints[(last & 0xffff) as usize] {
                continue;
            }
            let here = self.by_start.get(&last).into_iter().flatten().filter(|(_, form)| text[at - 7..].starts_with(form));
            found.extend(here.map(|(name, _)| *name));
        }
        found.into_iter()
    }
}
