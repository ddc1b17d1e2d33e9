use std::collections::HashSet;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::args::Args;
use crate::client::{Connection, Target};
use crate::floor::Floor;
use crate::latency::Latencies;
use crate::mesh::Mesh;
use crate::requests::Requests;
use crate::wire::Outcome;

/// Every pod of a mesh starts: it connects, asks once with a token that nobody has seen, and keeps its connection.
pub(crate) async fn scene(args: &Args, mesh: &Mesh) -> Value {
    let (pods, within) = (args.pods, Duration::from_secs(args.pods_seconds));
    println!("\ncold start: {pods} pods of {} clusters within {} s, over gRPC", mesh.api_servers.len(), within.as_secs());
    let server = crate::serve(args, mesh, "").await;
    // A descriptor for each connection, here and there.
    for pid in server.pids().into_iter().chain([std::process::id()]) {
        let descriptors = pods + 1_000;
        let raised = Command::new("prlimit").args(["--pid", &pid.to_string(), &format!("--nofile={descriptors}:{descriptors}")]).status();
        assert!(raised.is_ok_and(|status| status.success()), "{descriptors} descriptors are not allowed");
    }
    let requests = Requests::of_pods(mesh, pods);
    let before = server.usage();
    let floor = Floor::start();
    let began = Instant::now();
    let started = |n: usize| tokio::time::Instant::from_std(began + within.mul_f64(n as f64 / pods as f64));
    let tasks: Vec<_> = (0..pods).map(|n| tokio::spawn(pod(n, server.target.clone(), Arc::clone(&requests), started(n)))).collect();
    let (mut whole, mut answers, mut serials, mut connections) = (Latencies::default(), Latencies::default(), HashSet::new(), Vec::new());
    for task in tasks {
        let (serial, connected_and_answered, answered, connection) = task.await.unwrap();
        whole.add(connected_and_answered);
        answers.add(answered);
        assert!(serials.insert(serial), "a certificate came twice");
        connections.push(connection);
    }
    let seconds = began.elapsed().as_secs_f64();
    let after = server.usage();
    let floor = floor.stop();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let each = server.usage().resident.saturating_sub(before.resident) as f64 / pods as f64;
    let cpu = (after.cpu() - before.cpu()).as_secs_f64() / pods as f64;
    drop(connections);
    server.stop().await;
    whole.sort();
    answers.sort();
    println!("all had their certificate after {seconds:.1} s");
    println!(
        "from connecting to the certificate: p50 {:.2} ms, p99 {:.2} ms; from asking: p99 {:.2} ms",
        whole.of_thousand(500),
        whole.of_thousand(990),
        answers.of_thousand(990)
    );
    println!("CPU, with the handshake: {:.0} µs, {:.2} × the floor; {each:.0} octets a connection", cpu * 1e6, cpu / floor,);
    json!({
        "pods": pods,
        "seconds": seconds,
        "p50_ms": whole.of_thousand(500),
        "p99_ms": whole.of_thousand(990),
        "asking_p99_ms": answers.of_thousand(990),
        "cpu_us": cpu * 1e6,
        "times_floor": cpu / floor,
        "octets_each": each,
    })
}

/// Starts at its time; the certificate, how long it took from connecting and from asking on, and the connection.
async fn pod(n: usize, target: Target, requests: Arc<Requests>, at: tokio::time::Instant) -> (String, Duration, Duration, Connection) {
    tokio::time::sleep_until(at).await;
    let began = Instant::now();
    let mut connection = requests.connect(&target).await;
    loop {
        let asked = Instant::now();
        let answer = connection.ask(requests.nth(n, n).unwrap()).await;
        match requests.outcome(&answer) {
            Outcome::Certificate(serial) => return (serial, began.elapsed(), asked.elapsed(), connection),
            Outcome::Later(wait) => tokio::time::sleep(wait).await,
        }
    }
}
