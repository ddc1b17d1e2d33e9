//! What every command works with.

use std::cell::OnceCell;

use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use zeroize::Zeroizing;

use crate::args::{Cli, Global};
use crate::clock;
use crate::output::Out;

/// One run of the program: its options, its time (read once, so that all certificates of a run agree), its voice.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) global: &'a Global,
    pub(crate) out: &'a Out,
    pub(crate) now: Timestamp,
    pub(crate) crypto: Crypto,
    /// What came through `--unlock-fd`; a descriptor can be read only once.
    pub(crate) unlock_lines: OnceCell<Vec<Zeroizing<Vec<u8>>>>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(cli: &'a Cli, out: &'a Out) -> Self {
        let now = cli.global.now.unwrap_or_else(clock::now);
        Self { global: &cli.global, out, now, crypto: Crypto::ring(), unlock_lines: OnceCell::new() }
    }
}
