use std::time::Duration;

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::args::Args;
use crate::client::Connection;
use crate::mesh::{Mesh, TRUST_DOMAIN};
use crate::server::Server;

/// A connection that was used a moment ago is not idle yet, and the allocator gives back what is free a little later: of the start, too.
const SETTLED: Duration = Duration::from_secs(5);

const CONNECTIONS: usize = 1_000;

/// What a connection occupies that was used once and does nothing now.
pub(crate) async fn scene(args: &Args, mesh: &Mesh) -> Value {
    println!("\n{CONNECTIONS} idle connections, after one request each: resident octets a connection");
    let mut all = serde_json::Map::new();
    for (name, http2) in [("http/1.1", false), ("h2", true)] {
        let server = crate::serve(args, mesh, "").await;
        // What is set up once is no connection's.
        drop(open(&server, http2, 50).await);
        tokio::time::sleep(SETTLED).await;
        let before = server.usage().resident;
        let mut connections = open(&server, http2, CONNECTIONS).await;
        tokio::time::sleep(SETTLED).await;
        let after = server.usage().resident;
        for connection in &mut connections {
            assert_eq!(connection.ask(bundle()).await.status, 200, "a connection did not last");
        }
        drop(connections);
        server.stop().await;
        let each = after.saturating_sub(before) as f64 / CONNECTIONS as f64;
        println!("{name:>10} {each:>8.0}");
        all.insert(name.into(), json!(each));
    }
    all.into()
}

async fn open(server: &Server, http2: bool, n: usize) -> Vec<Connection> {
    let mut connections = Vec::new();
    for _ in 0..n {
        let mut connection = if http2 { server.target.http2().await } else { server.target.http1().await };
        assert_eq!(connection.ask(bundle()).await.status, 200);
        connections.push(connection);
    }
    connections
}

fn bundle() -> Request<Full<Bytes>> {
    // A request by its full address serves both versions of HTTP.
    let path = format!("https://localhost/v1/trust-domains/{TRUST_DOMAIN}/bundle");
    Request::get(path).header("host", "localhost").body(Full::default()).unwrap()
}
