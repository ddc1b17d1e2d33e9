//! A store's whole state in plain files, and back: to move from one kind of store to another, and to look at.
//!
//! An export is a folder with `store.json`, which says what the store is, and a file `NAME.jsonl` for each table: a JSON
//! object a line, a member for each column, octets in base64. Private keys are in it as the store holds them, sealed; who
//! has the export and the unlock secret has the keys. The SHA-256 of each file and the number of its rows are in
//! `store.json`, which is written last: without it an export is not whole.
//!
//! An import makes a new store, all or nothing, with the same identifier, positions, versions and checksums, and reads all
//! of it before it is put in place. What is made from the rest, the
//! inventory and the list of serial numbers in use, is made anew.

mod header;
mod row;
mod sums;
mod tables;

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ring::digest::{Context as Digest, SHA256};

use crate::files::{self, Mode};
use crate::{Store, StoreError};
use header::Content;

pub use header::Header;
pub(crate) use header::Place;
pub use row::Value;
#[cfg(feature = "postgres")]
pub(crate) use tables::IDEMPOTENCY_KEYS;
use tables::TRUST_DOMAINS;
pub use tables::Table;
pub(crate) use tables::{ISSUANCES, Kind, TABLES};

/// The most octets of a line: a certificate, a bundle or a CRL, with room.
const LINE: u64 = 64 << 20;

/// More octets than `store.json` has.
const HEADER: u64 = 1 << 20;

/// Takes the rows of a store, table by table.
pub type Sink<'a> = dyn FnMut(&'static Table, Vec<Value>) -> Result<(), StoreError> + 'a;

/// Writes everything that a store holds into a folder, which must not be there or be empty. The files are 0600. Answers how
/// many entries of the issuance log there are.
///
/// # Errors
/// When the store cannot be read, or the files cannot be written.
pub fn write(store: &dyn Store, folder: &Path) -> Result<u64, StoreError> {
    // Whether it is sound at all, before anything is written.
    store.load()?;
    files::private_dir(folder)?;
    if fs::read_dir(folder).map_err(|e| StoreError::io("read", folder, e))?.next().is_some() {
        return Err(StoreError::Exists(folder.to_owned()));
    }
    let mut outs = TABLES.iter().map(|table| Out::new(folder, table)).collect::<Result<Vec<_>, _>>()?;
    let mut header = store.export(&mut |table, row| {
        let out = outs.iter_mut().find(|out| out.table == table);
        out.map_or(Ok(()), |out| out.line(&row::to_line(table, &row)))
    })?;
    for out in outs {
        header.tables.insert(out.table.name.to_owned(), out.finish()?);
    }
    let text = serde_json::to_string_pretty(&header).map_err(|e| bad(&folder.join("store.json"), e.to_string()))?;
    files::write_new(&folder.join("store.json"), text.as_bytes(), Mode::Private)?;
    Ok(header.tables.get(ISSUANCES.name).map_or(0, |content| content.rows))
}

fn bad(path: &Path, what: impl Into<String>) -> StoreError {
    StoreError::BadExport { path: path.to_owned(), what: what.into() }
}

fn file_of(folder: &Path, table: &Table) -> PathBuf {
    folder.join(format!("{}.jsonl", table.name))
}

fn hex(digest: Digest) -> String {
    digest.finish().as_ref().iter().map(|octet| format!("{octet:02x}")).collect()
}

/// A file that is being written.
struct Out {
    table: &'static Table,
    path: PathBuf,
    file: BufWriter<File>,
    digest: Digest,
    rows: u64,
}

impl Out {
    fn new(folder: &Path, table: &'static Table) -> Result<Self, StoreError> {
        let path = file_of(folder, table);
        let file = OpenOptions::new().write(true).create_new(true).mode(Mode::Private.bits()).open(&path);
        let file = BufWriter::new(file.map_err(|e| StoreError::io("write", &path, e))?);
        Ok(Self { table, path, file, digest: Digest::new(&SHA256), rows: 0 })
    }

    fn line(&mut self, line: &str) -> Result<(), StoreError> {
        self.digest.update(line.as_bytes());
        self.rows = self.rows.saturating_add(1);
        self.file.write_all(line.as_bytes()).map_err(|e| StoreError::io("write", &self.path, e))
    }

    fn finish(self) -> Result<Content, StoreError> {
        let failed = |e| StoreError::io("write", &self.path, e);
        let file = self.file.into_inner().map_err(|e| failed(e.into_error()))?;
        file.sync_all().map_err(failed)?;
        Ok(Content { rows: self.rows, sha256: hex(self.digest) })
    }
}

/// An export that is whole.
#[derive(Debug)]
pub struct Export {
    folder: PathBuf,
    header: Header,
    trust_domains: sums::Names,
}

impl Export {
    /// Opens an export, and compares every file with what `store.json` says about it.
    ///
    /// # Errors
    /// [`StoreError::BadExport`] when it is not whole, or not as it was written; or what the operating system has to say.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join("store.json");
        let missing = |e: std::io::Error| bad(&path, format!("{e}; without this file an export is not whole"));
        let mut json = Vec::new();
        File::open(&path).map_err(missing)?.take(HEADER).read_to_end(&mut json).map_err(missing)?;
        if u64::try_from(json.len()) == Ok(HEADER) {
            return Err(bad(&path, "it is longer than any export's"));
        }
        let header = Header::from_json(&json).map_err(|what| bad(&path, what))?;
        let mut export = Self { folder: folder.to_owned(), header, trust_domains: sums::Names::new() };
        TABLES.iter().try_for_each(|table| export.check(table))?;
        let mut names = sums::Names::new();
        for row in export.rows(TRUST_DOMAINS)? {
            if let [Value::Int(number), Value::Text(name)] = row?.as_slice() {
                names.insert(*number, name.clone());
            }
        }
        export.trust_domains = names;
        Ok(export)
    }

    /// What the store says about itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How many entries of the issuance log there are.
    pub fn issuances(&self) -> u64 {
        self.header.tables.get(ISSUANCES.name).map_or(0, |content| content.rows)
    }

    fn check(&self, table: &Table) -> Result<(), StoreError> {
        let path = file_of(&self.folder, table);
        let failed = |e| StoreError::io("read", &path, e);
        let expected = self.header.tables.get(table.name).ok_or_else(|| bad(&path, "store.json does not know it"))?;
        let mut file = File::open(&path).map_err(failed)?;
        let mut digest = Digest::new(&SHA256);
        let mut buffer = vec![0u8; 1 << 16];
        loop {
            let read = file.read(&mut buffer).map_err(failed)?;
            let Some(octets) = buffer.get(..read).filter(|octets| !octets.is_empty()) else { break };
            digest.update(octets);
        }
        if hex(digest) == expected.sha256 { Ok(()) } else { Err(bad(&path, "it is not what was written: its SHA-256 is another")) }
    }

    /// The rows of a table, as many as `store.json` says.
    pub(crate) fn rows(&self, table: &'static Table) -> Result<impl Iterator<Item = Result<Vec<Value>, StoreError>>, StoreError> {
        let path = file_of(&self.folder, table);
        let mut file = BufReader::new(File::open(&path).map_err(|e| StoreError::io("read", &path, e))?);
        let expected = self.header.tables.get(table.name).map_or(0, |content| content.rows);
        let mut found = 0u64;
        let mut next = move || -> Result<Option<Vec<Value>>, StoreError> {
            let mut line = String::new();
            if (&mut file).take(LINE).read_line(&mut line).map_err(|e| StoreError::io("read", &path, e))? == 0 {
                let all = found == expected;
                return if all { Ok(None) } else { Err(bad(&path, format!("it has {found} rows of {expected}"))) };
            }
            found = found.saturating_add(1);
            let row = row::of_line(table, &line).ok_or_else(|| bad(&path, format!("line {found} is no row of this table")))?;
            let sound = sums::is_sound(table, &row, &self.trust_domains);
            if sound { Ok(Some(row)) } else { Err(bad(&path, format!("line {found} is not what was written: its checksum is another"))) }
        };
        let mut over = false;
        Ok(core::iter::from_fn(move || {
            if over {
                return None;
            }
            let row = next().transpose();
            over = !matches!(row, Some(Ok(_)));
            row
        }))
    }
}
