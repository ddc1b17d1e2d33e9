//! Sets of CRLs, of CAs that may sign them: complete, partial, expired, and one that revokes.

use meshroot::key::Crypto;
use meshroot::time::Timestamp;

use super::plain::Pair;
use super::{Expected, Scene};
use crate::mint::{Ca, DAY};

/// Every set that a mesh gets into.
pub fn all(now: Timestamp, crypto: &Crypto) -> Vec<Scene> {
    vec![complete(now, crypto), partial(now, crypto), expired(now, crypto), revoked(now, crypto)]
}

/// Both clusters hold the CRLs of the root and of both cluster CAs.
pub fn complete(now: Timestamp, crypto: &Crypto) -> Scene {
    let pair = Pair::new(now, crypto);
    let crls = [&pair.root, &pair.west, &pair.east].map(|ca| fresh(ca, now));
    scene("crl-complete", &pair, [crls.to_vec(), crls.to_vec()], now, Expected::both("yy yy"))
}

/// Each cluster holds the CRLs of its own CAs, which satisfies istiod. Envoy then refuses the other cluster; ztunnel, where it does not know, allows.
pub fn partial(now: Timestamp, crypto: &Crypto) -> Scene {
    let pair = Pair::new(now, crypto);
    let crls = [&pair.west, &pair.east].map(|own| vec![fresh(&pair.root, now), fresh(own, now)]);
    scene("crl-partial", &pair, crls, now, Expected { sidecar: "yn ny", ambient: "yy yy" })
}

/// The complete set, a day too old. Envoy refuses everybody; ztunnel does not look at the date.
pub fn expired(now: Timestamp, crypto: &Crypto) -> Scene {
    let pair = Pair::new(now, crypto);
    let crls = [&pair.root, &pair.west, &pair.east].map(|ca| ca.crl(now.minus(8 * DAY), now.minus(DAY), &[]));
    scene("crl-expired", &pair, [crls.to_vec(), crls.to_vec()], now, Expected { sidecar: "nn nn", ambient: "yy yy" })
}

/// The root has revoked east's cluster CA.
pub fn revoked(now: Timestamp, crypto: &Crypto) -> Scene {
    let pair = Pair::new(now, crypto);
    let root = pair.root.crl(now.minus(DAY), now.plus(30 * DAY), &[&pair.east.certificate]);
    let crls = vec![root, fresh(&pair.west, now), fresh(&pair.east, now)];
    scene("crl-revoked", &pair, [crls.clone(), crls], now, Expected::both("yy nn"))
}

fn fresh(ca: &Ca, now: Timestamp) -> Vec<u8> {
    ca.crl(now.minus(DAY), now.plus(30 * DAY), &[])
}

fn scene(name: &'static str, pair: &Pair, crls: [Vec<Vec<u8>>; 2], now: Timestamp, expected: Expected) -> Scene {
    let mut clusters = pair.clusters();
    clusters.iter_mut().zip(crls).for_each(|(cluster, crls)| cluster.crls = crls);
    Scene { name, now, clusters, authorities: vec![pair.root.clone()], expected }
}
