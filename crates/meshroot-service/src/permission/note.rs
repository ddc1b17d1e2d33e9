use tracing::{info, warn};

/// What whoever wrote the policy should know about it and its key sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    text: String,
    /// Whether something is probably wrong.
    worries: bool,
}

impl Note {
    pub(super) fn worry(text: impl ToString) -> Self {
        Self { text: text.to_string(), worries: true }
    }

    pub(super) fn remark(text: impl ToString) -> Self {
        Self { text: text.to_string(), worries: false }
    }

    pub(crate) fn log(&self) {
        match self.worries {
            true => warn!(note = self.text, "about the policy and its key sets"),
            false => info!(note = self.text, "about the policy and its key sets"),
        }
    }
}
