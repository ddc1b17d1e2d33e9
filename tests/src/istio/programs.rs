//! The programs that run here, and what is asked of all of them.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant, SystemTime};

/// The command `meshroot`, which `tests/interop.sh` builds and names.
pub fn meshroot() -> Command {
    Command::new(std::env::var_os("MESHROOT").expect("MESHROOT is not set: run tests/interop.sh istio, which builds and names the command"))
}

/// A program that `.ci/tools/istio.sh` has built.
pub fn istio(name: &str) -> PathBuf {
    let given = std::env::var_os("MESHROOT_TOOLS").map(PathBuf::from);
    let path = given.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/tools")).join("istio").join(name);
    assert!(path.is_file(), "{} is not there: run .ci/tools/istio.sh, which builds it", path.display());
    path
}

/// Runs a command that must succeed, and answers what it printed.
pub fn succeed(command: &mut Command) -> String {
    let out = run(command);
    assert!(out.status.success(), "{command:?}: {}\n{}{}", out.status, text(&out.stdout), text(&out.stderr));
    text(&out.stdout)
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|e| panic!("{command:?} cannot be started: {e}"))
}

/// What a program printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A fresh RSA key in PEM: ring makes none.
pub fn rsa_key() -> String {
    succeed(Command::new("openssl").args(["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]))
}

/// A port of loopback that nobody listens on at this moment, for programs that cannot be told to choose one.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Asks again and again until there is an answer, or panics after `limit` with what `else_says`.
pub fn wait_for<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>, else_says: impl FnOnce() -> String) -> T {
    let start = instant();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < limit, "not within {limit:?}: {}", else_says());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Now, of a clock that only goes forward.
pub fn instant() -> Instant {
    #[allow(clippy::disallowed_methods, reason = "real programs run in real time")]
    Instant::now()
}

/// Now, of the calendar.
pub fn calendar() -> SystemTime {
    #[allow(clippy::disallowed_methods, reason = "real programs run in real time")]
    SystemTime::now()
}
