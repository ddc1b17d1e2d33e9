//! The outside judges: programs that read one JSON question a line and answer one line each.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A running judge.
#[derive(Debug)]
pub struct Judge {
    child: Child,
    ask: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Judge {
    /// Go's crypto/x509, go-spiffe, Istio's loader, zlint.
    pub fn go() -> Self {
        Self::start(&mut Command::new(tools().join("judge")))
    }

    /// Java's `CertPathValidator`.
    pub fn java() -> Self {
        Self::start(Command::new("java").args(["-XX:TieredStopAtLevel=1", "-cp"]).arg(tools().join("java")).arg("Judge"))
    }

    /// pkilint.
    pub fn pkilint() -> Self {
        Self::start(&mut Command::new(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("oracles/pkilint.sh")))
    }

    /// Istio's own client of the CA; its answers are read with [`ask`](Self::ask).
    #[cfg(feature = "interop")]
    pub fn citadel() -> Self {
        Self::start(&mut Command::new(crate::istio::programs::istio("citadel")))
    }

    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?} cannot be started ({e}): run tests/interop, which builds it"));
        let ask = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, ask, answers }
    }

    /// Asks, and answers `Ok`, or `Err` with the judge's reason. A question that the judge does not understand stops
    /// the test: it must never pass for a refusal.
    pub fn judge(&mut self, question: &Value) -> Result<(), String> {
        let answer = self.ask(question);
        if answer["ok"] == true { Ok(()) } else { Err(answer["reason"].as_str().unwrap_or_default().to_owned()) }
    }

    /// Asks, and answers all that the judge says. A question that it does not understand stops the test.
    pub fn ask(&mut self, question: &Value) -> Value {
        let ask = self.ask.as_mut().expect("running");
        writeln!(ask, "{question}").and_then(|()| ask.flush()).expect("the judge has died");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the judge has died");
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("not an answer ({e}): {line:?} to {question}"));
        assert_ne!(answer["fault"], true, "the judge does not understand the question {question}: {answer}");
        answer
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        drop(self.ask.take());
        let _ = self.child.wait();
    }
}

/// Where `.ci/tools/oracles.sh` puts the judges.
fn tools() -> PathBuf {
    let given = std::env::var_os("MESHROOT_TOOLS").map(PathBuf::from);
    given.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/tools")).join("oracles")
}
