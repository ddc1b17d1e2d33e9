//! What is done to the store beside, in short steps: the inventory follows the log, and what expired long ago goes.

use std::sync::Arc;
use std::time::Duration;

use meshroot_store::StoreError;
use tracing::{info, warn};

use super::Mesh;

/// How often.
const EVERY: Duration = Duration::from_secs(1);

/// Between two steps, so that writers never wait for two.
const PAUSE: Duration = Duration::from_millis(5);

/// Maintains the store until it is dropped.
pub(crate) async fn maintain(mesh: Arc<Mesh>, retention: Duration) {
    let mut told = "";
    loop {
        let step = Arc::clone(&mesh);
        let done = tokio::task::spawn_blocking(move || step.store().maintain(step.clock().now(), retention)).await;
        match done {
            Ok(Ok(done)) => {
                told = "";
                if done.expired > 0 {
                    info!(records = done.expired, "records whose certificates expired long ago were let go of");
                }
                tokio::time::sleep(if done.more { PAUSE } else { EVERY }).await;
            }
            // Said where it matters; and the next certificate that is recorded finds out too.
            Ok(Err(StoreError::OlderCopy { .. })) => tokio::time::sleep(EVERY).await,
            Ok(Err(e)) => {
                if told != e.code() {
                    told = e.code();
                    warn!(code = e.code(), error = %e, "the inventory does not follow the issuance log; it is tried again");
                }
                tokio::time::sleep(EVERY).await;
            }
            Err(_) => return,
        }
    }
}

/// The most steps before a command looks at the inventory: a second or two.
const BEFORE_A_COMMAND: u32 = 200;

/// Brings the inventory up to date, as far as it can be done at once: for a store without a service.
pub(crate) fn catch_up(mesh: &Mesh, retention: Duration) {
    for _ in 0..BEFORE_A_COMMAND {
        // What cannot be maintained can be read: the answer says how far it goes.
        if !mesh.store().maintain(mesh.clock().now(), retention).is_ok_and(|done| done.more) {
            return;
        }
    }
}
