use std::sync::Arc;
use std::time::Duration;

use meshroot::hierarchy::ClusterName;
use tokio::sync::Notify;
use tracing::{info, warn};

use super::schedule::{after_failures, after_success, jittered};
use super::{DiscoveryError, KeySets};
use crate::config::Discovery;
use crate::http::App;

/// Keeps one cluster's keys fresh, for as long as the service runs. `reload` has the policy read anew, with the keys.
pub(crate) async fn keep(app: Arc<App>, cluster: String, settings: Discovery, reload: Arc<Notify>) {
    let mut failures = 0u32;
    loop {
        let pause = match fetch(&app, &app.key_sets, &cluster).await {
            Ok((max_age, changed)) => {
                failures = 0;
                app.metrics.key_set_fetched(&cluster, "fetched");
                if changed {
                    info!(cluster, "the cluster's token keys changed");
                    reload.notify_one();
                }
                after_success(max_age, &settings)
            }
            Err(e) => {
                failures = failures.saturating_add(1);
                app.metrics.key_set_fetched(&cluster, e.code());
                if app.key_sets.0.get(&cluster).is_some_and(|(_, held)| held.fail(e.to_string())) {
                    warn!(cluster, code = e.code(), error = %e, "the cluster's token keys cannot be fetched; those of before are kept");
                }
                after_failures(failures, &settings)
            }
        };
        let mut random = [0u8];
        // Without randomness there is no jitter; there are no certificates either.
        let _ = app.mesh.crypto().entropy().fill(&mut random);
        let [random] = random;
        let pause = jittered(pause, random);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            // Anybody can make up the name of a key: not sooner than this, however many ask.
            () = wanted(&app.key_sets, &cluster, settings.unknown_key.0) => {}
        }
    }
}

async fn fetch(app: &App, sets: &KeySets, cluster: &str) -> Result<(Option<Duration>, bool), DiscoveryError> {
    let gone = || DiscoveryError::Settings { cluster: cluster.into(), message: "there is no such cluster".into() };
    let (source, held) = sets.0.get(cluster).ok_or_else(gone)?;
    let name = ClusterName::parse(cluster).map_err(|_| gone())?;
    let issuers = app.permissions.load().policy.kubernetes(&name).map(|kubernetes| kubernetes.issuers().to_vec()).unwrap_or_default();
    let document = source.fetch(&issuers, app.mesh.crypto()).await?;
    Ok((document.max_age, held.replace(document.body, app.mesh.clock().now())))
}

async fn wanted(sets: &KeySets, cluster: &str, not_sooner: Duration) {
    tokio::time::sleep(not_sooner).await;
    match sets.0.get(cluster) {
        Some((_, held)) => held.wanted().await,
        None => core::future::pending().await,
    }
}
