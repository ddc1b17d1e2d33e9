//! Reading what people name on the command line: a file, or standard input as `-`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use meshroot::inspect::MAX_INSPECTED;
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure, Result};

/// All of it, as far as the library would look at it. It may hold a key, so it is wiped.
pub(in crate::cmd) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let failed = |e: io::Error| if is_stdin(path) { Failure::new(Exit::BadInput, "file.unreadable", format!("{} cannot be read: {e}", name(path))) } else { Failure::reading(path, &e) };
    if is_stdin(path) {
        return all(io::stdin().lock(), 64 << 10, path).map_err(failed)?;
    }
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    let expected = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    all(file, expected, path).map_err(failed)?
}

/// A buffer that grows leaves copies behind, so the first one fits as a rule.
fn all(input: impl Read, expected: usize, path: &Path) -> io::Result<Result<Zeroizing<Vec<u8>>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(expected.min(MAX_INSPECTED).saturating_add(1)));
    let most = u64::try_from(MAX_INSPECTED).unwrap_or(u64::MAX).saturating_add(1);
    input.take(most).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_INSPECTED {
        let message = format!("{}: more than {MAX_INSPECTED} bytes are not read", name(path));
        return Ok(Err(Failure::new(Exit::BadInput, "inspect.too_large", message)));
    }
    Ok(Ok(bytes))
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What a message calls it.
pub(in crate::cmd) fn name(path: &Path) -> String {
    if is_stdin(path) { "standard input".into() } else { path.display().to_string() }
}
