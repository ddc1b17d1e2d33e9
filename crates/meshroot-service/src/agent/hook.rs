use std::process::Stdio;

use tokio::process::Command;

use super::AgentError;

/// A command that is run when the files changed: to reload a server, to send a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The program.
    pub program: String,
    /// Its arguments, as they are: no shell reads them.
    pub arguments: Vec<String>,
}

impl Hook {
    pub(super) async fn run(&self) -> Result<(), AgentError> {
        let failed = |detail: String| AgentError::Hook(format!("{}: {detail}", self.program));
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null()).kill_on_drop(true);
        let status = tokio::time::timeout(std::time::Duration::from_secs(60), command.status()).await;
        let status = status.map_err(|_| failed("it took more than a minute".into()))?.map_err(|e| failed(e.to_string()))?;
        if status.success() { Ok(()) } else { Err(failed(format!("it ended with {status}"))) }
    }
}
