use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use meshroot::time::{Timestamp, humanize};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// What is known of one cluster's keys.
#[derive(Debug, Default)]
pub(super) struct Held {
    state: Mutex<State>,
    wanted: Notify,
}

#[derive(Debug, Default)]
struct State {
    document: Option<Bytes>,
    fetched_at: Option<Timestamp>,
    /// Why the last attempt failed.
    failure: Option<String>,
}

impl Held {
    pub(super) fn document(&self) -> Option<Bytes> {
        self.state().document.clone()
    }

    /// Takes over a good document; whether it is another one than before.
    pub(super) fn replace(&self, document: Bytes, now: Timestamp) -> bool {
        let mut state = self.state();
        let changed = state.document.as_ref() != Some(&document);
        *state = State { document: Some(document), fetched_at: Some(now), failure: None };
        changed
    }

    /// Keeps what there is; whether this is another failure than the last one.
    pub(super) fn fail(&self, why: String) -> bool {
        let mut state = self.state();
        let news = state.failure.as_ref() != Some(&why);
        state.failure = Some(why);
        news
    }

    pub(super) fn want(&self) {
        self.wanted.notify_one();
    }

    /// When somebody wants it anew.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    pub(super) fn age(&self, now: Timestamp) -> Option<Duration> {
        self.state().fetched_at.map(|at| now.since(at))
    }

    pub(super) fn complaint(&self, cluster: &str) -> Option<String> {
        let state = self.state();
        match (&state.failure, &state.fetched_at) {
            (Some(why), Some(at)) => Some(format!("the token keys of '{cluster}' are those of {at}, since {why}")),
            (Some(why), None) => Some(format!("there are no token keys of '{cluster}', since {why}")),
            (None, _) => None,
        }
    }

    pub(super) fn describe(&self, cluster: &str, now: Timestamp) -> Value {
        let state = self.state();
        json!({
            "cluster": cluster,
            "fetched_at": state.fetched_at.map(|at| at.to_string()),
            "age": state.fetched_at.map(|at| humanize(now.since(at))),
            "failure": state.failure,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
