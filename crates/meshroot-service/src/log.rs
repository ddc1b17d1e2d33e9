use std::cell::RefCell;
use std::io::{self, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Log, LogFormat, LogLevel};

/// Sends the log to standard error, in the form that the settings name. Once a process; later calls change nothing.
pub fn log_to_stderr(log: Log) {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let subscriber = tracing_subscriber::fmt().with_writer(Stderr).with_max_level(level);
    let _ = match log.format {
        LogFormat::Json => tracing::subscriber::set_global_default(subscriber.json().flatten_event(true).finish()),
        LogFormat::Text => tracing::subscriber::set_global_default(subscriber.finish()),
    };
}

thread_local! {
    /// The lines of this thread that are to be written together; none when each is written at once.
    static HELD: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Writes the lines that `work` logs with one write when it is done: a write for each wakes who reads them as often.
pub(crate) fn together(work: impl FnOnce()) {
    // What a panic left behind is written, too.
    struct Written;
    impl Drop for Written {
        fn drop(&mut self) {
            let lines = HELD.take().unwrap_or_default();
            // As with every line: a log that cannot be written ends nothing.
            let _ = io::stderr().write_all(&lines);
        }
    }
    HELD.set(Some(Vec::new()));
    let _written = Written;
    work();
}

/// Standard error, unless lines are held.
#[derive(Clone, Copy, Debug)]
struct Stderr;

impl MakeWriter<'_> for Stderr {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

impl Write for Stderr {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        HELD.with_borrow_mut(|held| match held {
            Some(lines) => {
                lines.extend_from_slice(octets);
                Ok(octets.len())
            }
            None => io::stderr().write(octets),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
