//! Unlock secrets: from a file, a systemd credential, a descriptor or the terminal; never from an argument or an
//! environment value, which other processes can read.

use std::fs;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use console::Term;
use meshroot::key::seal::{DataKey, UnlockKind, UnlockSecret, WrappedDataKey};
use meshroot_store::{Store, StoreKind};
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure, Result};
use crate::home::Home;
use crate::session::Session;

/// Bytes of the longest unlock file or passphrase that is read.
const MOST: u64 = 64 << 10;

/// The key that opens a store's sealed keys.
pub(crate) fn data_key(session: &Session<'_>, home: &Home, store: &dyn Store) -> Result<DataKey> {
    let meta = store.meta();
    let wrapped = WrappedDataKey::from_bytes(&store.wrapped_data_key()?)?;
    let (secret, place) = match wrapped.kind() {
        UnlockKind::Passphrase => passphrase(session, meta.kind)?,
        _ => file(session, meta.kind, home)?,
    };
    wrapped.unwrap(&secret, meta.id.as_str(), &session.crypto).map_err(|e| Failure::from(e).at(place))
}

/// The secret of a store that is being made: random bytes, or a passphrase that the user chooses.
pub(crate) fn new_secret(session: &Session<'_>, kind: StoreKind, by_passphrase: bool) -> Result<UnlockSecret> {
    if !by_passphrase {
        return Ok(UnlockSecret::generate_file(session.crypto.entropy())?);
    }
    let text = match line_of_descriptor(session, kind)? {
        Some(line) => line,
        None => {
            let first = ask(&format!("New passphrase for {}: ", spoken(kind)))?;
            if *first != *ask("The same again: ")? {
                return Err(Failure::new(Exit::Locked, "unlock.passphrases_differ", "the two passphrases are not the same: nothing was made"));
            }
            first
        }
    };
    if text.is_empty() {
        return Err(meshroot::key::seal::SealError::EmptyPassphrase.into());
    }
    Ok(UnlockSecret::Passphrase(text.to_vec()))
}

fn spoken(kind: StoreKind) -> &'static str {
    if kind == StoreKind::Root { "the root's store" } else { "the mesh's store" }
}

fn passphrase(session: &Session<'_>, kind: StoreKind) -> Result<(UnlockSecret, String)> {
    let text = match line_of_descriptor(session, kind)? {
        Some(line) => line,
        None => ask(&format!("Passphrase for {}: ", spoken(kind)))?,
    };
    Ok((UnlockSecret::Passphrase(text.to_vec()), spoken(kind).to_owned()))
}

/// From `--unlock-fd`, else from the first of the unlock files that there is.
fn file(session: &Session<'_>, kind: StoreKind, home: &Home) -> Result<(UnlockSecret, String)> {
    if let Some(line) = line_of_descriptor(session, kind)? {
        let place = "--unlock-fd".to_owned();
        return Ok((UnlockSecret::from_file(&line).map_err(|e| Failure::from(e).at(&place))?, place));
    }
    let path = unlock_file(session, kind, home);
    let content = read(&path)?;
    let place = path.display().to_string();
    Ok((UnlockSecret::from_file(&content).map_err(|e| Failure::from(e).at(&place))?, place))
}

fn unlock_file(session: &Session<'_>, kind: StoreKind, home: &Home) -> PathBuf {
    let (named, credential) = match kind {
        StoreKind::Root => (&session.global.root_unlock_file, "meshroot-root-unlock"),
        _ => (&session.global.unlock_file, "meshroot-unlock"),
    };
    if let Some(path) = named {
        return path.clone();
    }
    // systemd's LoadCredential=: the variable names a folder, the secret itself is in a file.
    let credential = std::env::var_os("CREDENTIALS_DIRECTORY").map(|folder| Path::new(&folder).join(credential));
    credential.filter(|path| path.is_file()).unwrap_or_else(|| home.unlock_key())
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let locked = |code, text: String| Failure::new(Exit::Locked, code, text);
    let opened = fs::File::open(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => locked(
            "unlock.missing",
            format!("the unlock file {} is not there, and without it the keys stay locked: name it with --unlock-file", path.display()),
        ),
        _ => locked("unlock.unreadable", format!("the unlock file {} cannot be read: {e}", path.display())),
    })?;
    let mut content = Zeroizing::new(Vec::with_capacity(256));
    opened
        .take(MOST)
        .read_to_end(&mut content)
        .map_err(|e| locked("unlock.unreadable", format!("the unlock file {} cannot be read: {e}", path.display())))?;
    Ok(content)
}

/// The line of `--unlock-fd` for a store: the first for the mesh; the second, if there is one, for the root.
fn line_of_descriptor(session: &Session<'_>, kind: StoreKind) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let Some(number) = session.global.unlock_fd else { return Ok(None) };
    if session.unlock_lines.get().is_none() {
        let content = read(Path::new(&format!("/dev/fd/{number}")))?;
        let lines = content.split(|byte| *byte == b'\n').map(|line| Zeroizing::new(line.strip_suffix(b"\r").unwrap_or(line).to_vec()));
        let _ = session.unlock_lines.set(lines.filter(|line| !line.is_empty()).collect());
    }
    let lines = session.unlock_lines.get().map(Vec::as_slice).unwrap_or_default();
    let line = match kind {
        StoreKind::Root => lines.get(1).or(lines.first()),
        _ => lines.first(),
    };
    match line {
        Some(line) => Ok(Some(line.clone())),
        None => Err(Failure::new(Exit::Locked, "unlock.empty_descriptor", format!("nothing came from file descriptor {number} (--unlock-fd)"))),
    }
}

/// Asks on the terminal, without showing what is typed.
fn ask(prompt: &str) -> Result<Zeroizing<Vec<u8>>> {
    let cannot = |why: String| {
        Failure::new(
            Exit::Locked,
            "unlock.no_terminal",
            format!("a passphrase is needed, and {why}: run it in a terminal, or pass it with --unlock-fd"),
        )
    };
    if !std::io::stdin().is_terminal() {
        return Err(cannot("standard input is no terminal to ask on".into()));
    }
    let terminal = Term::stderr();
    terminal.write_str(prompt).map_err(|e| cannot(e.to_string()))?;
    let typed = Zeroizing::new(terminal.read_secure_line().map_err(|e| cannot(e.to_string()))?);
    Ok(Zeroizing::new(typed.as_bytes().to_vec()))
}
