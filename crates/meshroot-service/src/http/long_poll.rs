use std::time::Duration;

use tokio::time::timeout;

use super::App;

/// The longest that a reader may wait.
const LONGEST: Duration = Duration::from_secs(60);

/// Waits until the trust domain's bundle has a later sequence number than `after`, or `wait` is over.
///
/// Who finds too many waiting before is answered at once: a reader that polls is served, one that is turned away is not.
pub(super) async fn until_later(app: &App, trust_domain: &str, after: u64, wait: Duration) {
    let Ok(_place) = app.long_polls.try_acquire() else { return };
    let mut changes = app.mesh.changes();
    let later = async {
        loop {
            let sequence = app.mesh.now().trust_domain(trust_domain).map(|domain| domain.published.sequence);
            if app.mesh.published().is_err() || sequence.is_none_or(|sequence| sequence > after) || changes.changed().await.is_err() {
                return;
            }
        }
    };
    let mut stopping = app.stopping.clone();
    let stopped = async {
        // Without anybody who could stop it, there is no stop to wait for.
        if stopping.wait_for(|stopping| *stopping).await.is_err() {
            core::future::pending::<()>().await;
        }
    };
    tokio::select! {
        _ = timeout(wait.min(LONGEST), later) => {}
        () = stopped => {}
    }
}
