use base64::engine::general_purpose::STANDARD;
use base64::{DecodeSliceError, Engine};
use zeroize::Zeroizing;

use super::{Block, MAX_PEM_BLOCKS, MAX_PEM_BYTES, PemError};

const BEGIN: &[u8] = b"-----BEGIN";
const END: &[u8] = b"-----END";
const DASHES: &[u8] = b"-----";

/// Longest label that is read; the longest in use, `ENCRYPTED PRIVATE KEY`, has 21 bytes.
const MAX_LABEL: usize = 64;

/// Reads all blocks of a text, in order; a text without blocks gives none.
///
/// Lines may end in LF or CRLF and have any length. The work is linear in the length of the text.
///
/// # Errors
/// What is wrong, and the line.
pub fn parse(text: &[u8]) -> Result<Vec<Block>, PemError> {
    if text.len() > MAX_PEM_BYTES {
        return Err(PemError::TooLong(text.len()));
    }
    check_encoding(text)?;
    let mut blocks = Vec::new();
    let mut open: Option<Open> = None;
    for (line, content) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        let content = content.trim_ascii_end();
        if let Some(block) = &mut open {
            if content.starts_with(END) {
                let ended = boundary(content, END).ok_or(PemError::Boundary { line })?;
                if let Some(line) = block.blank {
                    return Err(PemError::EmptyLine { line });
                }
                if ended != block.label {
                    return Err(PemError::EndMismatch { line, begun: core::mem::take(&mut block.label), ended });
                }
                blocks.extend(open.take().map(Open::close).transpose()?);
            } else {
                block.push(line, content)?;
            }
        } else if content.trim_ascii_start().starts_with(BEGIN) {
            if blocks.len() >= MAX_PEM_BLOCKS {
                return Err(PemError::TooManyBlocks { line });
            }
            let label = boundary(content, BEGIN).ok_or(PemError::Boundary { line })?;
            open = Some(Open { label, line, base64: Zeroizing::new(Vec::new()), limit: text.len(), blank: None });
        } else if content.starts_with(END) {
            return Err(PemError::StrayEnd { line });
        }
    }
    match open {
        Some(block) => Err(PemError::Unclosed { line: block.line, label: block.label }),
        None => Ok(blocks),
    }
}

/// What Windows tools prepend or write, with which other programs would see no block and say so in vaguer words.
fn check_encoding(text: &[u8]) -> Result<(), PemError> {
    if text.starts_with(&[0xff, 0xfe]) || text.starts_with(&[0xfe, 0xff]) {
        return Err(PemError::Encoding("UTF-16"));
    }
    if text.starts_with(&[0xef, 0xbb, 0xbf]) {
        return Err(PemError::Encoding("UTF-8 with a byte order mark"));
    }
    Ok(())
}

/// The label of a line that is a whole boundary.
fn boundary(line: &[u8], prefix: &[u8]) -> Option<String> {
    let label = line.strip_prefix(prefix)?.strip_prefix(b" ")?.strip_suffix(DASHES)?;
    // RFC 7468 §3: words of printable characters. A hyphen in a label is legal and unheard of; here it is a sign of
    // two boundaries on one line.
    let fits = (1..=MAX_LABEL).contains(&label.len()) && label.iter().all(|byte| matches!(byte, b' '..=b'~') && *byte != b'-');
    fits.then(|| String::from_utf8_lossy(label).into_owned())
}

/// A block whose END has not come yet.
struct Open {
    label: String,
    line: usize,
    base64: Zeroizing<Vec<u8>>,
    /// Bytes of the text, more than which no block can have.
    limit: usize,
    /// An empty line. Whether it stands inside the block, or the text is cut off before it, what follows tells.
    blank: Option<usize>,
}

impl Open {
    fn push(&mut self, line: usize, content: &[u8]) -> Result<(), PemError> {
        if content.is_empty() {
            self.blank = self.blank.or(Some(line));
            return Ok(());
        }
        if content.trim_ascii_start().starts_with(END) {
            return Err(PemError::Boundary { line });
        }
        if content.trim_ascii_start().starts_with(BEGIN) {
            return Err(PemError::Unclosed { line: self.line, label: core::mem::take(&mut self.label) });
        }
        if let Some(line) = self.blank {
            return Err(PemError::EmptyLine { line });
        }
        if self.base64.is_empty() && content.contains(&b':') {
            let label = core::mem::take(&mut self.label);
            return Err(match content.starts_with(b"Proc-Type:") && content.ends_with(b"ENCRYPTED") {
                true => PemError::Encrypted { line, label },
                false => PemError::Header { line, label },
            });
        }
        let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        // All of a line at once, and where it is only if one is not: several octets take no longer than one.
        if !content.iter().fold(true, |all, byte| all & is_base64(byte)) {
            let column = content.iter().take_while(|byte| is_base64(byte)).count().saturating_add(1);
            return Err(PemError::Character { line, column });
        }
        self.reserve(content.len());
        self.base64.extend_from_slice(content);
        Ok(())
    }

    /// Grows by doubling, as a `Vec` does, but wipes what it leaves behind.
    fn reserve(&mut self, more: usize) {
        let needed = self.base64.len().saturating_add(more);
        if needed > self.base64.capacity() {
            let capacity = needed.saturating_mul(2).max(4096).min(self.limit);
            let mut larger = Zeroizing::new(Vec::with_capacity(capacity));
            larger.extend_from_slice(&self.base64);
            self.base64 = larger;
        }
    }

    fn close(self) -> Result<Block, PemError> {
        let Self { label, line, base64, .. } = self;
        if base64.is_empty() {
            return Err(PemError::Empty { line, label });
        }
        // The block wipes itself, whatever comes of the decoding.
        let mut block = Block { label, der: vec![0; base64::decoded_len_estimate(base64.len())], line };
        match STANDARD.decode_slice(base64.as_slice(), &mut block.der) {
            Ok(length) => {
                block.der.truncate(length);
                Ok(block)
            }
            // The block keeps its label, by which it knows to wipe what was decoded so far.
            Err(e) => Err(PemError::Base64 { line, label: block.label.clone(), reason: reason(&e) }),
        }
    }
}

/// The decoder's own words quote a character of what may be a key.
fn reason(e: &DecodeSliceError) -> &'static str {
    use base64::DecodeError as E;
    match e {
        DecodeSliceError::DecodeError(E::InvalidByte(..)) => "padding before the end",
        DecodeSliceError::DecodeError(E::InvalidLength(_)) => "its length is no multiple of 4",
        DecodeSliceError::DecodeError(E::InvalidPadding) => "wrong padding",
        DecodeSliceError::DecodeError(E::InvalidLastSymbol(..)) => "its last character has bits too many",
        DecodeSliceError::OutputSliceTooSmall => "its length is wrong",
    }
}
