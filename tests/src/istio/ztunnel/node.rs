use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::retries::Retries;
use super::{CaClient, Failure, WorkloadCertificate};
use crate::istio::programs::calendar;

/// Fetches under way at one moment.
const CONCURRENCY: usize = 8;

/// What a node has for one identity.
#[derive(Clone, Debug)]
pub enum State {
    /// A certificate; it stays while it is valid, also when its renewal fails.
    Available(Arc<WorkloadCertificate>),
    /// None, and why the last attempt failed.
    Unavailable(Failure),
}

/// A ztunnel's certificates of all workloads on its node, kept renewed in the background. Dropped, it stops.
#[derive(Debug)]
pub struct Node {
    states: Arc<Mutex<BTreeMap<String, State>>>,
    worker: JoinHandle<()>,
}

impl Node {
    /// Asks for all of these at once, as a ztunnel does when it learns of the pods on its node.
    pub fn start(client: Arc<CaClient>, identities: impl IntoIterator<Item = String>) -> Self {
        let states = Arc::default();
        let start = Instant::now();
        let pending = identities.into_iter().map(|id| (start, id)).collect();
        let worker = tokio::spawn(work(client, pending, Arc::clone(&states)));
        Self { states, worker }
    }

    /// What there is for each identity of which something is known.
    pub fn states(&self) -> BTreeMap<String, State> {
        self.states.lock().unwrap().clone()
    }

    /// The certificates that there are.
    pub fn available(&self) -> BTreeMap<String, Arc<WorkloadCertificate>> {
        let available = |(id, state)| match state {
            State::Available(certificate) => Some((id, certificate)),
            State::Unavailable(_) => None,
        };
        self.states().into_iter().filter_map(available).collect()
    }

    /// Waits until `wanted` likes what there is, or panics after `limit`.
    pub async fn wait(&self, limit: Duration, wanted: impl Fn(&BTreeMap<String, State>) -> bool) {
        let liked = async {
            while !wanted(&self.states()) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(limit, liked).await.is_err() {
            panic!("not within {limit:?}: {:?}", self.states());
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.worker.abort();
    }
}

async fn work(client: Arc<CaClient>, mut pending: BTreeSet<(Instant, String)>, states: Arc<Mutex<BTreeMap<String, State>>>) {
    let mut retries: HashMap<String, Retries> = HashMap::new();
    let mut fetches = JoinSet::new();
    loop {
        let next = pending.first().map(|(at, _)| *at);
        tokio::select! {
            Some(done) = fetches.join_next() => {
                let (id, result): (String, Result<WorkloadCertificate, Failure>) = done.unwrap();
                let held = states.lock().unwrap().get(&id).cloned();
                let (state, again) = match result {
                    Ok(certificate) => {
                        retries.remove(&id);
                        let again = instant_of(certificate.refresh_at());
                        (State::Available(Arc::new(certificate)), again)
                    }
                    Err(failure) => {
                        let again = Instant::now() + retries.entry(id.clone()).or_default().next();
                        match held {
                            Some(State::Available(held)) if calendar() < held.expires_at() => {
                                let end = instant_of(held.expires_at());
                                (State::Available(held), again.min(end))
                            }
                            _ => (State::Unavailable(failure), again),
                        }
                    }
                };
                states.lock().unwrap().insert(id.clone(), state);
                pending.insert((again, id));
            }
            () = sleep_until(next), if next.is_some() && fetches.len() < CONCURRENCY => {
                let Some((_, id)) = pending.pop_first() else { continue };
                let client = Arc::clone(&client);
                fetches.spawn(async move {
                    let result = client.fetch(&id).await;
                    (id, result)
                });
            }
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    if let Some(at) = at {
        tokio::time::sleep_until(at).await;
    }
}

/// A time of the calendar on the clock that only goes forward; what has passed is now.
fn instant_of(time: SystemTime) -> Instant {
    Instant::now() + time.duration_since(calendar()).unwrap_or_default()
}
