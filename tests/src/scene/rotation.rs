//! A change of root from A to B, seen in each of its phases, in the right order and in the wrong one.

use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;

use super::plain::{MESH, Pair, cluster_ca};
use super::{Cluster, Expected, Scene, keys};
use crate::mint::{Ca, Shape, YEAR};

/// Who signs a cluster's CA, and which roots it trusts.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Signed by A, trusts A: before it began.
    A,
    /// Signed by A, trusts both: B is published.
    Published,
    /// Signed by B, trusts both: B is active.
    Active,
    /// Signed by B, trusts B: A is retired.
    B,
    /// Signed by B, trusts A alone: the CA was changed before the roots.
    TooEarly,
    /// Signed by A, trusts B alone: the roots were changed before the CA.
    TooSoonGone,
}

/// Every step while it is half done (west has made it, east has not), and three ways to do it wrong.
pub fn all(now: Timestamp, crypto: &Crypto) -> Vec<Scene> {
    use State::{A, Active, B, Published, TooEarly, TooSoonGone};
    let scene = |name, west, east, matrix| scene(name, [west, east], matrix, now, crypto);
    vec![
        scene("rotation-publishing", Published, A, "yy yy"),
        scene("rotation-activating", Active, Published, "yy yy"),
        scene("rotation-retiring", B, Active, "yy yy"),
        scene("rotation-done", B, B, "yy yy"),
        // West went on to sign with B, and east has not yet published it.
        scene("rotation-half-finished", Active, A, "yn yy"),
        // West has dropped A while east still signs with it.
        scene("rotation-dropped-too-early", B, Published, "yy ny"),
        scene("rotation-signed-too-early", TooEarly, A, "nn yy"),
        scene("rotation-dropped-by-itself", TooSoonGone, A, "ny ny"),
        cross_signed(now, crypto),
    ]
}

/// West signs with B, of which east has never heard; but A has signed B too, and west sends that certificate along.
pub fn cross_signed(now: Timestamp, crypto: &Crypto) -> Scene {
    let mut scene = scene("rotation-cross-signed", [State::Active, State::A], "yy yy", now, crypto);
    let a = Pair::new(now, crypto).root;
    let b = a.certify(&second_root(now), keys::p256(4, crypto).public_key(), crypto);
    scene.clusters[0].chain.push(b);
    scene
}

/// The one of the documentation.
pub fn half_finished(now: Timestamp, crypto: &Crypto) -> Scene {
    scene("rotation-half-finished", [State::Active, State::A], "yn yy", now, crypto)
}

fn second_root(now: Timestamp) -> Shape {
    Shape::sound(MESH, "Mesh Root 2", now, now.plus(10 * YEAR))
}

fn scene(name: &'static str, states: [State; 2], matrix: &'static str, now: Timestamp, crypto: &Crypto) -> Scene {
    let a = Pair::new(now, crypto);
    let b = Ca::root(&second_root(now), &keys::p256(4, crypto), crypto);
    let below_b = [cluster_ca(&b, "west", 5, now, crypto), cluster_ca(&b, "east", 6, now, crypto)];
    let authorities = vec![a.root, b];
    let clusters = [("west", a.west), ("east", a.east)].into_iter().zip(below_b).zip(states).map(|(((name, below_a), below_b), state)| {
        let [root_a, root_b] = [&authorities[0], &authorities[1]].map(|root| root.certificate.clone());
        let (signing, roots): (Ca, Vec<Certificate>) = match state {
            State::A => (below_a, vec![root_a]),
            State::Published => (below_a, vec![root_a, root_b]),
            State::Active => (below_b, vec![root_a, root_b]),
            State::B => (below_b, vec![root_b]),
            State::TooEarly => (below_b, vec![root_a]),
            State::TooSoonGone => (below_a, vec![root_b]),
        };
        Cluster::plugged(name, MESH, signing, roots)
    });
    Scene { name, now, clusters: clusters.collect(), authorities: authorities.clone(), expected: Expected::both(matrix) }
}
