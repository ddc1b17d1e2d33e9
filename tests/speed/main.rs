//! What the service costs: the real binary, driven from this process over TLS on kept connections.
//!
//! `cargo run --release -p meshroot-tests --bin service_speed`; `--help` tells the rest. What it measures, and what was measured, is
//! in `crates/meshroot-service/docs/speed.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "a benchmark measures time, and stops at what it did not expect"
)]

mod args;
mod bundles;
mod client;
mod cold_start;
mod floor;
mod idle;
mod issuing;
mod latency;
mod mesh;
mod nginx;
mod process;
mod requests;
mod server;
mod syncs;
mod tokens;
mod wire;

use clap::Parser;
use serde_json::{Value, json};

use args::{Args, Scene};
use mesh::Mesh;
use server::Server;

fn main() {
    let args = Args::parse();
    // One thread for the clients: the server has the other core for itself.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = runtime.block_on(run(&args));
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report).unwrap());
    }
}

async fn run(args: &Args) -> Value {
    let mesh = Mesh::make(args);
    let mut report = json!({ "binary": args.binary().display().to_string(), "processors": std::thread::available_parallelism().unwrap().get() });
    if args.has(Scene::Issuing) {
        report["issuing"] = issuing::scene(args, &mesh).await;
    }
    if args.has(Scene::Syncs) {
        report["syncs"] = syncs::scene(args, &mesh).await;
    }
    if args.has(Scene::Overload) {
        report["overload"] = issuing::overload(args, &mesh).await;
    }
    if args.has(Scene::Idle) {
        report["idle"] = idle::scene(args, &mesh).await;
    }
    if args.has(Scene::Bundles) {
        report["bundles"] = bundles::scene(args, &mesh).await;
    }
    if args.has(Scene::ColdStart) {
        report["cold_start"] = cold_start::scene(args, &mesh).await;
    }
    report
}

/// A server for one scene.
async fn serve(args: &Args, mesh: &Mesh, settings: &str) -> Server {
    Server::start(args, mesh, settings, None).await
}
