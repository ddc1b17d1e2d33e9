//! Envoy's configuration for a list of scenes. JSON, since that is YAML too.

use std::path::Path;

use meshroot::key::Crypto;
use serde_json::{Value, json};

use crate::der::pem;
use crate::mint::{certificates_pem, crls_pem};
use crate::scene::{Cluster, Scene};

const HTTP: &str = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const ROUTER: &str = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
const FILE_LOG: &str = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";
const TLS: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";

/// What the upstreams do with the certificates that they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clients {
    /// They judge, as Istio's do.
    Judge,
    /// They take any.
    Believe,
}

/// The listener of a column, and the prefix of its counters.
pub(super) fn column_name(scene: &Scene, column: &Cluster) -> String {
    format!("{}_{}", scene.name, column.name)
}

/// The upstream through which the column calls the row.
pub(super) fn pair_name(scene: &Scene, row: &Cluster, column: &Cluster) -> String {
    format!("{}_{}_calls_{}", scene.name, column.name, row.name)
}

/// The whole of it. `ports` are those of the rows' servers, scene by scene.
pub(super) fn bootstrap(scenes: &[Scene], ports: &[u16], clients: Clients, folder: &Path, crypto: &Crypto) -> Value {
    let (mut listeners, mut clusters, mut routes) = (Vec::new(), Vec::new(), Vec::new());
    let mut ports = ports.iter();
    for scene in scenes {
        for row in &scene.clusters {
            let port = ports.next().unwrap();
            for column in &scene.clusters {
                let name = pair_name(scene, row, column);
                routes.push(json!({"match": {"path": format!("/{name}")}, "route": {"cluster": name}}));
                clusters.push(upstream(scene, row, column, *port, clients, crypto));
            }
        }
        listeners.extend(scene.clusters.iter().map(|column| inbound(scene, column, folder, crypto)));
    }
    let log = access_log(&folder.join("out.access"), "%UPSTREAM_TRANSPORT_FAILURE_REASON%");
    listeners.push(json!({"name": "out", "address": anywhere(), "filter_chains": [{"filters": [http(&json!(routes), &log)]}]}));
    json!({"admin": {"address": anywhere()}, "static_resources": {"listeners": listeners, "clusters": clusters}})
}

fn inbound(scene: &Scene, column: &Cluster, folder: &Path, crypto: &Crypto) -> Value {
    let name = column_name(scene, column);
    let domains = std::iter::once(column.trust_domain.as_str()).chain(column.lets_in.iter().map(String::as_str));
    let expected: Vec<Value> = domains.map(|domain| san(&json!({"prefix": format!("spiffe://{domain}/")}))).collect();
    let log = access_log(&folder.join(format!("{name}.access")), "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%");
    let routes = json!([{"match": {"prefix": "/"}, "direct_response": {"status": 200}}]);
    json!({
        "name": name, "stat_prefix": name, "address": anywhere(),
        "access_log": log,
        "filter_chains": [{
            "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {
                "@type": format!("{TLS}.DownstreamTlsContext"),
                "require_client_certificate": true,
                "common_tls_context": common(scene, column, &expected, crypto),
            }},
            "filters": [http(&routes, &json!([]))],
        }],
    })
}

fn upstream(scene: &Scene, row: &Cluster, column: &Cluster, port: u16, clients: Clients, crypto: &Crypto) -> Value {
    let name = pair_name(scene, row, column);
    // Istio's clients know the identity of the service that they call.
    let expected = [san(&json!({"exact": row.identity()}))];
    let mut tls = common(scene, column, &expected, crypto);
    if clients == Clients::Believe {
        tls["validation_context"] = json!({});
    }
    tls["tls_params"] = json!({"tls_maximum_protocol_version": "TLSv1_3"});
    let address = json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
    json!({
        "name": name, "type": "STATIC", "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]},
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {
            "@type": format!("{TLS}.UpstreamTlsContext"), "common_tls_context": tls,
        }},
    })
}

/// The column's own certificate, and what it trusts.
fn common(scene: &Scene, column: &Cluster, expected: &[Value], crypto: &Crypto) -> Value {
    let own = super::presented(scene, column, crypto);
    let mut validation = json!({"match_typed_subject_alt_names": expected});
    match &column.bundle_map {
        Some(map) => {
            let bundles = json!({"inline_string": map.to_envoy_json().unwrap()});
            let config = json!({"@type": format!("{TLS}.SPIFFECertValidatorConfig"), "trust_bundles": bundles});
            validation["custom_validator_config"] = json!({"name": "envoy.tls.cert_validator.spiffe", "typed_config": config});
        }
        None => {
            validation["trusted_ca"] = json!({"inline_string": certificates_pem(&column.roots)});
            if !column.crls.is_empty() {
                validation["crl"] = json!({"inline_string": crls_pem(&column.crls)});
            }
        }
    }
    let certificate = json!({
        "certificate_chain": {"inline_string": certificates_pem(&own.chain)},
        "private_key": {"inline_string": pem("PRIVATE KEY", &own.key)},
    });
    json!({"tls_certificates": [certificate], "validation_context": validation})
}

fn san(matcher: &Value) -> Value {
    json!({"san_type": "URI", "matcher": matcher})
}

fn http(routes: &Value, access_log: &Value) -> Value {
    let hosts = json!([{"name": "all", "domains": ["*"], "routes": routes}]);
    let router = json!([{"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}]);
    // Without a delay: our client has no more to say, and every handshake would cost a second.
    let config = json!({"@type": HTTP, "stat_prefix": "http", "delayed_close_timeout": "0s", "access_log": access_log, "route_config": {"virtual_hosts": hosts}, "http_filters": router});
    json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": config})
}

fn access_log(path: &Path, format: &str) -> Value {
    let format = json!({"text_format_source": {"inline_string": format!("{format}\n")}});
    json!([{"name": "file", "typed_config": {"@type": FILE_LOG, "path": path, "log_format": format}}])
}

/// Loopback, on a port that the system gives out.
fn anywhere() -> Value {
    json!({"socket_address": {"address": "127.0.0.1", "port_value": 0}})
}
