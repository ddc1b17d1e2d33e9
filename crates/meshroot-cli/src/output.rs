//! What the program says: results on standard output, everything else on standard error, documents with `--json`.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, IsTerminal, Write};

use serde_json::Value;
use zeroize::Zeroizing;

use crate::exit::Failure;

/// Where a command says things.
///
/// What goes to standard output is kept until the command is over: a command that fails halfway has said nothing that
/// somebody could take for a result.
#[derive(Debug)]
pub(crate) struct Out {
    json: bool,
    quiet: bool,
    colours: bool,
    kept: RefCell<Zeroizing<Vec<u8>>>,
}

/// How a word stands out on a terminal. In a pipe, or with `NO_COLOR`, nothing does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Style {
    Good,
    Bad,
    Warn,
    Strong,
    Faint,
}

impl Out {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { json, quiet, colours: wanted && !json && io::stdout().is_terminal(), kept: RefCell::default() }
    }

    /// Whether the result is wanted as a JSON document.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a progress bar may be drawn.
    pub(crate) fn may_animate(&self) -> bool {
        !self.json && !self.quiet && io::stderr().is_terminal()
    }

    /// A line of the result for people: what was asked for, so `-q` does not hide it.
    pub(crate) fn line(&self, text: impl fmt::Display) {
        if !self.json {
            self.keep(format!("{text}\n").as_bytes());
        }
    }

    /// A line that comments on what was done; `-q` hides it.
    pub(crate) fn say(&self, text: impl fmt::Display) {
        if !self.quiet {
            self.line(text);
        }
    }

    /// The result for machines, one JSON document; ignored without `--json`.
    pub(crate) fn document(&self, document: &Value) {
        if self.json {
            self.keep(format!("{document:#}\n").as_bytes());
        }
    }

    /// The same, of a value that would be too large as a document in memory.
    pub(crate) fn serialized(&self, value: &impl serde::Serialize) -> Result<(), Failure> {
        if self.json {
            let mut kept = self.kept.borrow_mut();
            serde_json::to_writer_pretty(&mut **kept, value).map_err(Failure::internal)?;
            kept.push(b'\n');
        }
        Ok(())
    }

    /// The result as it is, whatever the form: a PEM chain, a manifest.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        self.keep(bytes);
    }

    /// Something the user should know although all went well. With `--json` it belongs into the document instead.
    pub(crate) fn warn(&self, text: impl fmt::Display) {
        if !self.json {
            // A remark that cannot be made is no reason to fail.
            let _ = writeln!(io::stderr(), "meshroot: {text}");
        }
    }

    /// The word as it stands out on a terminal.
    pub(crate) fn styled(&self, style: Style, text: impl fmt::Display) -> String {
        if !self.colours {
            return text.to_string();
        }
        let code = match style {
            Style::Good => "32",
            Style::Bad => "31",
            Style::Warn => "33",
            Style::Strong => "1",
            Style::Faint => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    fn keep(&self, bytes: &[u8]) {
        self.kept.borrow_mut().extend_from_slice(bytes);
    }

    /// Writes out what was kept.
    ///
    /// A reader that went away (`| head`) is its own affair; a disk that is full is not.
    pub(crate) fn flush(&self) -> Result<(), Failure> {
        let kept = self.kept.take();
        let mut stdout = io::stdout().lock();
        match stdout.write_all(&kept).and_then(|()| stdout.flush()) {
            Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Failure::writing("standard output".as_ref(), &e)),
            _ => Ok(()),
        }
    }
}

/// Says on standard error why the command failed.
pub(crate) fn complain(failure: &Failure, json: bool) {
    let text = if json {
        let error = serde_json::json!({ "code": failure.code, "message": failure.message, "exit": failure.exit as i32 });
        serde_json::json!({ "error": error }).to_string()
    } else {
        // It quotes what others wrote, and the names of files: nothing in it shall be obeyed by a terminal.
        let shown = failure.message.chars().flat_map(|c| if c.is_control() && c != '\n' { c.escape_debug().collect() } else { vec![c] });
        format!("meshroot: {}", shown.collect::<String>())
    };
    // There is nobody left to tell when this fails; the exit code still says it.
    let _ = writeln!(io::stderr(), "{text}");
}
