//! Stands in for `crate::pem::parse` and `PrivateKey::from_pem` until they are there.

use zeroize::Zeroizing;

use crate::key::{Crypto, KeyError, PrivateKey};

#[derive(Debug)]
pub(super) struct Block {
    pub(super) label: String,
    pub(super) der: Vec<u8>,
    pub(super) line: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct PemError(String);

pub(super) fn parse(text: &[u8]) -> Result<Vec<Block>, PemError> {
    let blocks = pem::parse_many(text).map_err(|e| PemError(e.to_string()))?;
    let begins = text.split(|b| *b == b'\n').enumerate().filter(|(_, line)| line.starts_with(b"-----BEGIN")).map(|(at, _)| at.saturating_add(1));
    let mut begins: Vec<_> = begins.collect();
    if begins.len() > blocks.len() {
        return Err(PemError("a block is damaged".into()));
    }
    begins.resize(blocks.len(), 0);
    Ok(blocks.into_iter().zip(begins).map(|(b, line)| Block { label: b.tag().to_owned(), der: b.into_contents(), line }).collect())
}

pub(super) fn private_key(text: &[u8], crypto: &Crypto) -> Result<PrivateKey, KeyError> {
    let blocks = parse(text).map_err(|e| KeyError::MalformedPrivateKey(e.to_string()))?;
    let block = blocks.into_iter().find(|b| b.label == "PRIVATE KEY").ok_or_else(|| KeyError::MalformedPrivateKey("no PKCS#8 key".into()))?;
    PrivateKey::from_pkcs8(Zeroizing::new(block.der), &**crypto)
}
