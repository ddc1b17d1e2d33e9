//! Reading what others made: bounded, and with a sentence for every way that can fail.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::exit::{Exit, Failure, Result};

/// Bytes of the longest input that is read; no request, bundle or manifest that we accept is longer.
const MOST: usize = 4 << 20;

/// The content of a file, or of standard input for `-`. It may be a secret.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    read_at_most(path, MOST)
}

/// As [`read`], with another bound, in bytes.
pub(crate) fn read_at_most(path: &Path, most: usize) -> Result<Zeroizing<Vec<u8>>> {
    if path.as_os_str() == "-" {
        return bounded(io::stdin().lock(), path, most);
    }
    let file = File::open(path).map_err(|e| Failure::reading(path, &e))?;
    bounded(file, path, most)
}

/// How an input is called in messages.
pub(crate) fn named(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard input".into() } else { path.display().to_string() }
}

fn bounded(from: impl Read, path: &Path, most: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut content = Zeroizing::new(Vec::new());
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    from.take(limit).read_to_end(&mut content).map_err(|e| Failure::reading(path, &e))?;
    if content.len() > most {
        return Err(Failure::new(Exit::BadInput, "file.too_large", format!("{} has more than {most} bytes: that much is not read", named(path))));
    }
    Ok(content)
}
