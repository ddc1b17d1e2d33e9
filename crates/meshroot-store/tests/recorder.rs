//! Group commit: nothing is answered before it is durable, and nothing waits longer than it must.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]

mod conformance;
mod support;

use std::sync::{Arc, mpsc};

use conformance::{first_change, issuance, new_store};
use meshroot_store::{Lost, Outcome, Query, Recorder, SqliteStore, Store, Transaction};
use support::Mesh;

fn mesh_in(folder: &std::path::Path) -> (Arc<dyn Store>, Mesh) {
    let (store, mesh) = (SqliteStore::create(&folder.join("mesh.db"), &new_store()).unwrap(), Mesh::new("mesh.example"));
    store.commit(&first_change(&mesh, 0)).unwrap();
    (Arc::new(store), mesh)
}

type Done = Box<dyn FnOnce(Result<Outcome, Lost>) + Send>;

/// A ticket is what is called with the outcome.
fn recorder(store: &Arc<dyn Store>, most: usize) -> Recorder<Done> {
    let settle = |transaction: Transaction<Done>| transaction.outcomes.into_iter().for_each(|(done, outcome)| done(outcome));
    Recorder::start(Arc::clone(store), most, settle).unwrap()
}

fn position(outcome: Result<Outcome, Lost>) -> u64 {
    match outcome.unwrap() {
        Outcome::Recorded(recorded) => recorded.position(),
        Outcome::Answered(position) => position,
    }
}

#[test]
fn what_is_answered_is_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mesh) = mesh_in(folder.path());
    let recorder = recorder(&store, 1_000);
    let (send, receive) = mpsc::channel();
    for _ in 0..20 {
        let send = send.clone();
        let reader = Arc::clone(&store);
        let done = move |outcome| {
            let position = position(outcome);
            let rows = reader.issuances(&Query { after: position - 1, limit: 1, ..Query::default() }).unwrap();
            send.send((position, rows.len())).unwrap();
        };
        recorder.submit(recorder.enter(), issuance(&mesh, "/ns/shop/sa/cart").into(), Box::new(done)).unwrap();
    }
    drop(send);
    let mut seen: Vec<_> = receive.iter().collect();
    seen.sort_unstable();
    assert_eq!(seen, (1..=20).map(|position| (position, 1)).collect::<Vec<_>>());
}

#[test]
fn stopping_records_what_was_queued() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mesh) = mesh_in(folder.path());
    let recorder = recorder(&store, 1_000);
    let (send, receive) = mpsc::channel();
    // Somebody who never submits holds up nothing.
    let _forgotten = recorder.enter();
    for _ in 0..50 {
        let send = send.clone();
        recorder
            .submit(recorder.enter(), issuance(&mesh, "/ns/shop/sa/cart").into(), Box::new(move |outcome| send.send(position(outcome)).unwrap()))
            .unwrap();
    }
    drop(send);
    recorder.stop();
    assert_eq!(receive.iter().count(), 50);
    assert_eq!(store.issuances(&Query::default()).unwrap().len(), 50);
}

#[test]
fn a_full_queue_refuses_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mesh) = mesh_in(folder.path());
    let recorder = recorder(&store, 2);
    // The first one's answer holds the writer until the queue behind it is full.
    let (release, held) = mpsc::channel::<()>();
    let (started, start) = mpsc::channel();
    recorder
        .submit(
            recorder.enter(),
            issuance(&mesh, "/a").into(),
            Box::new(move |_| {
                started.send(()).unwrap();
                held.recv().unwrap();
            }),
        )
        .unwrap();
    start.recv().unwrap();
    let (send, receive) = mpsc::channel();
    let mut queued = 0;
    let lost = loop {
        let send = send.clone();
        match recorder.submit(recorder.enter(), issuance(&mesh, "/a").into(), Box::new(move |outcome| send.send(position(outcome)).unwrap())) {
            Ok(()) => queued += 1,
            Err(e) => break e,
        }
    };
    assert!(matches!(lost, Lost::Full) && queued == 2, "{lost} after {queued}");
    release.send(()).unwrap();
    drop(send);
    assert_eq!(receive.iter().count(), 2);
}

#[test]
fn what_queues_up_meanwhile_shares_one_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let (store, mesh) = mesh_in(folder.path());
    let recorder = recorder(&store, 1_000);
    let entered: Vec<_> = (0..8).map(|_| recorder.enter()).collect();
    let (send, receive) = mpsc::channel();
    for request in entered {
        let send = send.clone();
        recorder.submit(request, issuance(&mesh, "/ns/shop/sa/cart").into(), Box::new(move |outcome| send.send(position(outcome)).unwrap())).unwrap();
    }
    drop(send);
    let answers: Vec<_> = receive.iter().collect();
    assert_eq!(answers.len(), 8);
    drop(recorder);
    // Answers of one transaction come one right after the other, in order.
    assert_eq!(answers, (1..=8).collect::<Vec<_>>());
}
