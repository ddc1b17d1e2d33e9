//! A primary with a standby, and two replicas of the service that know both: the primary dies under load, and comes back as it
//! was. With the real program: `MESHROOT` says where it is.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

use std::time::{Duration, Instant};

use meshroot_tests::postgres::Cluster;
use meshroot_tests::replicas::{Client, ID, Load, SCHEMA, Scene, csr, leaf, log, nothing_is_lost_or_given_twice, psql};
use serde_json::Value;

/// A database that is on two servers.
struct Pair {
    /// The primary, at first.
    first: Cluster,
    /// Its standby, at first.
    second: Cluster,
}

impl Pair {
    /// The standby has every commit before it is acknowledged.
    fn synchronous() -> Self {
        let pair = Self::asynchronous();
        wait_for_standbys(&pair.first, Some("second"));
        pair
    }

    /// The standby follows as it can.
    fn asynchronous() -> Self {
        let first = Cluster::start();
        let second = first.standby("second");
        Self { first, second }
    }

    /// A new mesh in it.
    fn scene(&self) -> Scene {
        Scene::at(Cluster::socket_address_of(&[&self.first, &self.second], SCHEMA))
    }

    /// The first dies, and the second takes over; answers when each was.
    fn fail_over(&mut self) -> (Instant, Instant) {
        let died = Instant::now();
        self.first.kill();
        self.second.promote();
        (died, Instant::now())
    }

    /// The first comes back as it was, without knowing what happened since, and acknowledges what nobody else has.
    fn first_comes_back(&mut self) {
        self.first.run();
        wait_for_standbys(&self.first, None);
        assert_eq!(self.first.psql("postgres", "SHOW transaction_read_only"), "off");
    }
}

/// Makes a server wait for this standby with every commit, or for none.
fn wait_for_standbys(cluster: &Cluster, name: Option<&str>) {
    let setting = name.unwrap_or_default();
    cluster.psql("postgres", &format!("ALTER SYSTEM SET synchronous_standby_names = '{setting}'"));
    cluster.psql("postgres", "SELECT pg_reload_conf()");
    let start = Instant::now();
    let is_so = || match name {
        Some(_) => cluster.psql("postgres", "SELECT sync_state FROM pg_stat_replication") == "sync",
        None => cluster.psql("postgres", "SHOW synchronous_standby_names").is_empty(),
    };
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "the standby does not follow");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends every replica away, so that all of them look for the database anew.
fn send_all_away(cluster: &Cluster) {
    cluster.psql("postgres", "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'meshroot'");
}

fn entries(cluster: &Cluster) -> u64 {
    psql(cluster, "SELECT count(*) FROM issuances").parse().unwrap()
}

/// Asks one replica until it answers with this status, and answers the body.
fn in_the_end(client: &Client, replica: usize, token: &str, wanted: u16) -> Value {
    let start = Instant::now();
    loop {
        let answer = client.issue(replica, token, None, &csr());
        if let Ok((status, body)) = &answer
            && *status == wanted
        {
            return serde_json::from_str(body).unwrap();
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{wanted} was expected: {answer:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn after_a_failover_to_a_synchronous_standby_nothing_is_missing_and_the_service_returns_by_itself() {
    let mut pair = Pair::synchronous();
    let scene = pair.scene();
    let (a, b) = (scene.replica("a"), scene.replica("b"));
    let client = scene.client(&[&a, &b]);
    let join_token = scene.meshroot(&["token", "create", "--cluster", "west", "--id", ID, "--ttl", "10m"], "a");
    let (status, body) = client.issue(0, join_token.trim(), None, &csr()).unwrap();
    assert_eq!(status, 201, "{body}");
    let standing = scene.meshroot(&["status"], "a");
    assert!(standing.contains("survives a failover to a synchronous standby (second)"), "{standing}");

    let token = scene.kubernetes_token();
    let load = Load::start(&client, &token);
    load.more("on the primary", 120);
    let before = load.count();
    let (died, promoted) = pair.fail_over();
    load.more("on the promoted standby", 120);
    let returned = load.first_after(promoted).unwrap();
    let delivered = load.end();
    eprintln!(
        "{before} certificates were delivered before the primary died; the standby was promoted {:?} later, and the first certificate came {:?} after that",
        promoted - died,
        returned - promoted
    );
    assert!(returned - promoted < Duration::from_secs(10), "{:?}", returned - promoted);

    let log = log(&pair.second);
    nothing_is_lost_or_given_twice(&delivered, &log);
    let count = |sql: &str| -> usize { psql(&pair.second, sql).parse().unwrap() };
    assert_eq!(
        count("SELECT count(*) FROM idempotency_keys") + 1,
        count("SELECT count(*) FROM issuances WHERE kind = 'workload'"),
        "an entry for each request"
    );
    for one in delivered.iter().step_by(17) {
        for replica in 0..2 {
            let (status, body) = client.issue(replica, &token, Some(&one.request), &one.csr).unwrap();
            assert!(status == 200 || status == 201, "{status} {body}");
            assert_eq!(leaf(&body), one.certificate, "asked again, at the replica {replica}");
        }
    }
    for replica in 0..2 {
        let (status, body) = client.issue(replica, join_token.trim(), None, &csr()).unwrap();
        assert_eq!((status, body.contains("token")), (401, true), "used on the primary, and still used: {body}");
    }
    let standing = scene.meshroot(&["status"], "b");
    assert!(standing.contains("synchronous_standby_names is empty") && !standing.contains("older copy"), "{standing}");
    scene.stop(a);
    scene.stop(b);
}

#[test]
fn the_old_primary_that_comes_back_as_it_was_gets_nothing_from_who_has_seen_the_new_one() {
    let mut pair = Pair::synchronous();
    let scene = pair.scene();
    let (a, b) = (scene.replica("a"), scene.replica("b"));
    let client = scene.client(&[&a, &b]);
    let token = scene.kubernetes_token();
    let load = Load::start(&client, &token);
    load.more("on the primary", 30);
    pair.fail_over();
    load.more("on the promoted standby", 30);
    pair.first_comes_back();
    let held = entries(&pair.first);
    // It is the first host of the address, and takes writes.
    for _ in 0..3 {
        send_all_away(&pair.second);
        load.more("with both of them there", 30);
    }
    // What was seen outlives the process.
    scene.kill(a);
    let a = scene.replica("a");
    let delivered = load.end();
    let client = scene.client(&[&a, &b]);
    in_the_end(&client, 0, &token, 201);
    assert_eq!(entries(&pair.first), held, "the old primary took something");
    nothing_is_lost_or_given_twice(&delivered, &log(&pair.second));

    // Who knows nothing but the old primary makes it get farther than the new one. Nobody else is led astray.
    let stray = scene.replica_at(&pair.first.socket_address(SCHEMA), "stray");
    let load = Load::start(&scene.client(&[&stray]), &token);
    load.more("astray", usize::try_from(entries(&pair.second) - held).unwrap() + 60);
    load.end();
    scene.stop(stray);
    let held = entries(&pair.first);
    assert!(held > entries(&pair.second));
    send_all_away(&pair.second);
    for replica in 0..2 {
        in_the_end(&client, replica, &token, 201);
    }
    assert_eq!(entries(&pair.first), held);

    // Alone, it is an older copy of the store.
    pair.second.kill();
    for replica in 0..2 {
        assert_eq!(in_the_end(&client, replica, &token, 503)["code"], "store.older_copy");
    }
    let standing = scene.meshroot(&["status"], "a");
    assert!(standing.contains("older copy") && standing.contains("timeline"), "{standing}");
    assert_eq!(entries(&pair.first), held);
    pair.second.run();
    for replica in 0..2 {
        in_the_end(&client, replica, &token, 201);
    }
    assert_eq!(entries(&pair.first), held);
    scene.stop(a);
    scene.stop(b);
}

#[test]
fn a_primary_that_stands_still_is_given_up_for_the_standby_that_took_over() {
    let pair = Pair::synchronous();
    let scene = pair.scene();
    let (a, b) = (scene.replica("a"), scene.replica("b"));
    let client = scene.client(&[&a, &b]);
    let token = scene.kubernetes_token();
    let load = Load::start(&client, &token);
    load.more("on the primary", 30);
    pair.first.freeze(true);
    let stood_still = Instant::now();
    pair.second.promote();
    let promoted = Instant::now();
    load.more("on the promoted standby", 30);
    let returned = load.first_after(promoted).unwrap();
    eprintln!("the first certificate came {:?} after the primary stood still", returned - stood_still);
    assert!(returned - stood_still < Duration::from_secs(40));
    // It moves again, and answers what was asked of it long ago.
    pair.first.freeze(false);
    wait_for_standbys(&pair.first, None);
    std::thread::sleep(Duration::from_millis(500));
    let held = entries(&pair.first);
    send_all_away(&pair.second);
    load.more("with both of them there", 30);
    let delivered = load.end();
    nothing_is_lost_or_given_twice(&delivered, &log(&pair.second));
    assert_eq!(entries(&pair.first), held, "the old primary took something");
    scene.stop(a);
    scene.stop(b);
}

#[test]
fn a_standby_that_lacks_the_newest_entries_is_an_older_copy_until_the_operator_speaks() {
    let mut pair = Pair::asynchronous();
    let scene = pair.scene();
    let (a, b) = (scene.replica("a"), scene.replica("b"));
    let client = scene.client(&[&a, &b]);
    let token = scene.kubernetes_token();
    in_the_end(&client, 0, &token, 201);
    // It follows up to here.
    let here = entries(&pair.first);
    let start = Instant::now();
    while entries(&pair.second) < here {
        assert!(start.elapsed() < Duration::from_secs(20));
    }
    pair.second.stop();
    // A change of the hierarchy is among what will be lost; replicas take it over within a second or two.
    let root = scene.path("mesh/root");
    scene.meshroot(&["cluster", "add", "east", "--root", root.to_str().unwrap()], "a");
    std::thread::sleep(Duration::from_secs(2));
    let lost: Vec<Value> = (0..2).map(|replica| in_the_end(&client, replica, &token, 201)).collect();
    pair.first.kill();
    pair.second.run();
    pair.second.promote();
    for replica in 0..2 {
        assert_eq!(in_the_end(&client, replica, &token, 503)["code"], "store.older_copy");
    }
    let standing = scene.meshroot(&["status"], "a");
    assert!(standing.contains("its version is") && standing.contains("the mark of a replica") && standing.contains("store restored"), "{standing}");
    // A replica that never saw more is told by those that did. It gets no certificate of its own, so it has nothing to show.
    let c = scene.replica("c");
    assert!(scene.client(&[&c]).issue(0, &token, None, &csr()).is_err());
    scene.kill(c);

    let restored: Value = serde_json::from_str(&scene.meshroot(&["store", "restored", "--json"], "a")).unwrap();
    let issued: Vec<Value> = (0..2).map(|replica| in_the_end(&client, replica, &token, 201)).collect();
    // The change that says so has the number of the one that was lost, and replicas do not take the one for the other.
    assert_eq!(restored["store_version"], psql(&pair.second, "SELECT version FROM store").parse::<u64>().unwrap());
    assert!(issued.iter().all(|one| one["bundle_sequence"] == restored["bundles"][0]["sequence"]), "{restored} {issued:?}");
    let records = |answers: &[Value]| answers.iter().map(|answer| answer["serial"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert!(records(&issued).iter().all(|serial| !records(&lost).contains(serial)));
    let next: u64 = psql(&pair.second, "SELECT max(position) FROM issuances").parse().unwrap();
    assert!(next > here + 1_000_000, "no position names two certificates: {next}");
    // And the old primary, which has what was lost, is an older copy now.
    pair.first_comes_back();
    send_all_away(&pair.second);
    for replica in 0..2 {
        in_the_end(&client, replica, &token, 201);
    }
    assert_eq!(entries(&pair.first), here + 2);
    scene.stop(a);
    scene.stop(b);
}
