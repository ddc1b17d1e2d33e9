use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::args::Args;
use crate::issuing::run;
use crate::mesh::Mesh;
use crate::requests::Requests;
use crate::server::Server;

/// Long enough for thousands of certificates; a tracer slows every sync down.
const TIME: Duration = Duration::from_secs(4);

/// How many synchronous writes a certificate costs: strace counts them, and with its filter in the kernel nothing else is traced.
pub(crate) async fn scene(args: &Args, mesh: &Mesh) -> Value {
    println!("\n{:>7} {:>12} {:>22}", "callers", "certificates", "syncs a certificate");
    let mut all = Vec::new();
    for callers in args.callers.iter().copied().filter(|callers| *callers <= 32) {
        let counts = mesh.path("strace.txt");
        let mut strace = Command::new("strace");
        strace.args(["--seccomp-bpf", "-f", "-c", "-U", "calls,name", "-e", "trace=fsync,fdatasync,sync_file_range,msync", "-o"]).arg(&counts);
        let server = Server::start(args, mesh, "", Some(&mut strace)).await;
        let result = run(&server, &Requests::make(args, mesh, args.most, callers), callers, TIME).await;
        server.stop().await;
        let syncs = syncs(&fs::read_to_string(&counts).unwrap());
        let each = syncs as f64 / result.certificates as f64;
        println!("{callers:>7} {:>12} {each:>22.3}", result.certificates);
        all.push(json!({ "callers": callers, "certificates": result.certificates, "syncs": syncs, "syncs_each": each }));
    }
    all.into()
}

/// The total in strace's table, whose last line it is.
fn syncs(table: &str) -> u64 {
    let total = table.lines().find(|line| line.trim_end().ends_with(" total")).unwrap_or_else(|| panic!("strace counted nothing: {table}"));
    total.split_whitespace().next().unwrap().parse().unwrap()
}
