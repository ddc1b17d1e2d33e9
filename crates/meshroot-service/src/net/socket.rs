use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;

use tokio::net::UnixListener;

use super::Entrance;

/// Makes the socket of administrators: for its owner alone, 0600.
///
/// A socket that nobody listens on any more is a leftover and is replaced; one that somebody listens on is not.
pub(crate) fn bind(path: &Path) -> io::Result<Entrance> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something else is there, and was not touched"));
        }
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another service listens there: one store, one service"));
        }
        Ok(_) => fs::remove_file(path)?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(e),
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    let owner = fs::symlink_metadata(path)?.uid();
    Ok(Entrance::Socket(listener, owner))
}
