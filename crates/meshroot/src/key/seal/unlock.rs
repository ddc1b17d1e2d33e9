use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::SealError;
use crate::key::Entropy;

/// The first word of an unlock file, with the version of its format.
const MAGIC: &str = "meshroot-unlock-v1";

/// Bytes of the longest file that is looked at; a well-formed one has 84.
const MAX_FILE: usize = 256;

/// What unlocks a store. Wiped when dropped, never printed.
#[derive(Zeroize, ZeroizeOnDrop)]
#[non_exhaustive]
pub enum UnlockSecret {
    /// The 32 random bytes of an unlock file.
    File([u8; 32]),
    /// A passphrase, byte for byte as it was typed, without a line break.
    Passphrase(Vec<u8>),
}

/// The way a store is unlocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnlockKind {
    /// An unlock file.
    File,
    /// A passphrase.
    Passphrase,
}

impl fmt::Display for UnlockKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "unlock file",
            Self::Passphrase => "passphrase",
        })
    }
}

impl UnlockSecret {
    /// Makes the secret of a new unlock file.
    ///
    /// # Errors
    /// [`KeyError::NoEntropy`](crate::key::KeyError::NoEntropy).
    pub fn generate_file(entropy: &dyn Entropy) -> Result<Self, SealError> {
        let mut secret = Self::File([0; 32]);
        if let Self::File(bytes) = &mut secret {
            entropy.fill(bytes)?;
        }
        Ok(secret)
    }

    /// Reads the content of an unlock file: one line, `meshroot-unlock-v1` and 64 hexadecimal digits. A line break
    /// behind it may be missing.
    ///
    /// # Errors
    /// [`SealError::UnlockFile`] says what does not fit.
    pub fn from_file(content: &[u8]) -> Result<Self, SealError> {
        let wrong = |reason| Err(SealError::UnlockFile(reason));
        if content.len() > MAX_FILE {
            return wrong("it is too long");
        }
        let line = content.trim_ascii();
        if line.is_empty() {
            return wrong("it is empty");
        }
        let Some(rest) = line.strip_prefix(MAGIC.as_bytes()) else {
            return wrong(match line.starts_with(b"meshroot-unlock-") {
                true => "its version is newer than this program",
                false => "it does not begin with meshroot-unlock-v1",
            });
        };
        let digits = rest.trim_ascii_start();
        if digits.len() == rest.len() {
            return wrong("there is no blank behind meshroot-unlock-v1");
        }
        if digits.len() != 64 {
            return wrong("it does not hold 64 digits");
        }
        let mut secret = Self::File([0; 32]);
        if let Self::File(bytes) = &mut secret {
            for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                *byte = match pair {
                    &[high, low] => hex_digit(high).zip(hex_digit(low)).map(|(high, low)| (high << 4) | low),
                    _ => None,
                }
                .ok_or(SealError::UnlockFile("one of its digits is not hexadecimal"))?;
            }
        }
        Ok(secret)
    }

    /// The content of an unlock file with this secret; `None` for a passphrase.
    pub fn to_file(&self) -> Option<Zeroizing<String>> {
        let Self::File(bytes) = self else { return None };
        let mut line = Zeroizing::new(String::with_capacity(MAX_FILE));
        line.push_str(MAGIC);
        line.push(' ');
        for byte in bytes {
            line.extend([byte >> 4, byte & 0x0f].iter().filter_map(|digit| char::from_digit(u32::from(*digit), 16)));
        }
        line.push('\n');
        Some(line)
    }

    /// The way this secret unlocks.
    pub fn kind(&self) -> UnlockKind {
        match self {
            Self::File(_) => UnlockKind::File,
            Self::Passphrase(_) => UnlockKind::Passphrase,
        }
    }
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

impl fmt::Debug for UnlockSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnlockSecret({}, redacted)", self.kind())
    }
}
