//! Two replicas on one PostgreSQL: under load one is killed, then the database. Nothing that was delivered is lost, nothing
//! is given twice, and the service comes back by itself. With the real program: `MESHROOT` says where it is.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "this test waits, and measures how long")]

use std::process::Command;
use std::time::Duration;

use meshroot_tests::postgres::Cluster;
use meshroot_tests::replicas::{ID, Load, SCHEMA, Scene, csr, leaf, log, nothing_is_lost_or_given_twice, program, psql, run};

#[test]
fn what_was_delivered_is_on_record_whatever_dies() {
    let mut cluster = Cluster::start();
    let scene = Scene::at(cluster.socket_address(SCHEMA));
    let (a, b) = (scene.replica("a"), scene.replica("b"));
    let token = scene.kubernetes_token();
    let load = Load::start(&scene.client(&[&a, &b]), &token);
    load.more("both replicas", 60);
    scene.kill(a);
    load.more("one replica left", 60);
    cluster.kill();
    std::thread::sleep(Duration::from_millis(1_500));
    let at_the_kill = load.count();
    cluster.run();
    // By itself: nobody touches the replica that is left.
    load.more("the database is back", 60);
    let a = scene.replica("a");
    load.more("a replica came back", 30);
    let delivered = load.end();
    assert!(at_the_kill >= 120);

    let log = log(&cluster);
    nothing_is_lost_or_given_twice(&delivered, &log);
    // However often a request was sent, it got one certificate.
    let remembered: usize = psql(&cluster, "SELECT count(*) FROM idempotency_keys").parse().unwrap();
    let workloads: usize = psql(&cluster, "SELECT count(*) FROM issuances WHERE kind = 'workload'").parse().unwrap();
    assert_eq!(workloads, remembered, "an entry for each request, and no more");
    let client = scene.client(&[&a, &b]);
    for one in delivered.iter().step_by(17) {
        for replica in 0..2 {
            let (status, body) = client.issue(replica, &token, Some(&one.request), &one.csr).unwrap();
            assert!(status == 200 || status == 201, "{status} {body}");
            assert_eq!(leaf(&body), one.certificate, "asked again, at the replica {replica}");
        }
    }
    eprintln!("{} delivered, {} on record", delivered.len(), log.len());
    scene.stop(a);
    scene.stop(b);
}

#[test]
fn a_token_shown_to_both_replicas_at_once_is_good_once() {
    let cluster = Cluster::start();
    let scene = Scene::at(cluster.socket_address(SCHEMA));
    let (a, b) = (scene.replica("a"), scene.replica("b"));
    let client = scene.client(&[&a, &b]);
    for turn in 0..10 {
        let token = scene.meshroot(&["token", "create", "--cluster", "west", "--id", ID, "--ttl", "10m"], "b");
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|at| (at, &client, token.trim()))
                .map(|(at, client, token)| scope.spawn(move || client.issue(at % 2, token, None, &csr()).unwrap().0))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "turn {turn}: {statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 201 | 401)), "turn {turn}: {statuses:?}");
    }
    assert_eq!(psql(&cluster, "SELECT count(*) FROM issuances WHERE kind = 'workload'"), "10");
    assert_eq!(psql(&cluster, "SELECT count(*) FROM join_tokens WHERE used_by IS NOT NULL"), "10");
    let status = scene.meshroot(&["status"], "a");
    assert!(status.contains("synchronous_standby_names"), "{status}");
    scene.stop(a);
    scene.stop(b);
}

#[test]
fn a_mesh_is_made_in_a_database_and_everything_else_in_a_folder() {
    let (cluster, folder) = (Cluster::start(), tempfile::tempdir().unwrap());
    let (address, home) = (cluster.socket_address(SCHEMA), folder.path().join("mesh"));
    let command = |arguments: &[&str]| {
        let mut command = Command::new(program());
        command.args(["--store", &address, "--home"]).arg(&home).args(arguments);
        command
    };
    let init = ["init", "--trust-domain", "mesh.example"];
    let made = run(&mut command(&init));
    assert!(made.contains("unlock.key") && made.contains("postgres://"), "{made}");
    let mut found: Vec<_> = std::fs::read_dir(&home).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    let mark = format!("store-{}.mark", psql(&cluster, "SELECT id FROM store"));
    assert_eq!(found, ["root", mark.as_str(), "unlock.key"]);
    run(&mut command(&["cluster", "add", "west"]));
    run(command(&["svid", "--cluster", "west", "--id", ID, "--out"]).arg(folder.path().join("cart")));
    assert_eq!(psql(&cluster, "SELECT count(*) FROM issuances WHERE kind = 'workload'"), "1");
    // There is one already; and where nothing can be reached, nothing is made.
    let again = command(&init).output().unwrap();
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("already there"), "{again:?}");
    let elsewhere = folder.path().join("elsewhere");
    let nobody = format!("postgres://meshroot@/mesh?host={}", folder.path().display());
    let refused = Command::new(program()).args(["--store", &nobody, "--home"]).arg(&elsewhere).args(init).output().unwrap();
    assert!(!refused.status.success() && !elsewhere.exists(), "{refused:?}");
}
