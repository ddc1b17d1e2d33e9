# shellcheck shell=bash
# The three Envoy configurations of one path: a client's sidecar, the east-west gateway of the other cluster, a server's sidecar.
# Paths are relative to $work, where every Envoy runs. What a check may change is in the variables that `passing` sets, and nowhere else;
# each of them ends up in one line of one configuration.

tls=type.googleapis.com/envoy.extensions.transport_sockets.tls.v3
http='"@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
router='{name: envoy.filters.http.router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}'
file_log='"@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog'
inspector='{name: tls_inspector, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector}}'

# passing FROM TO: the configuration that works, for a client in FROM and a server in TO.
passing() {
  client_svid=pki/$1/client client_trusts=pki/$1/client/bundle.pem client_expects=$(id "$2" server)
  server_svid=pki/$2/server server_trusts=pki/$2/server/bundle.pem server_expects=$(id "$1" client)
  client_sni=outbound_.80_._.server.$2.svc.cluster.local
  client_alpn=istio
}

# address CLUSTER ROLE: each cluster is a loopback network of its own, so that nothing meets by accident.
address() {
  local network host
  case $1 in west) network=127.0.1 ;; east) network=127.0.2 ;; esac
  case $2 in gateway) host=1 ;; client) host=2 ;; server) host=3 ;; esac
  printf '%s.%s' "$network" "$host"
}

# The system gives out the ports (port 0): a free port that we looked up could be taken by the time Envoy binds it.
admin() { printf 'admin: {address: {socket_address: {address: %s, port_value: 0}}}' "$1"; }

log_to() { # FILE FORMAT, one line for each event
  printf '{name: file, typed_config: {%s, path: %s, log_format: {text_format_source: {inline_string: "%s\\n"}}}}' "$file_log" "$1" "$2"
}

# own_certificate FOLDER | none
own_certificate() {
  [ "$1" = none ] || printf 'tls_certificates: [{certificate_chain: {filename: %s/svid.pem}, private_key: {filename: %s/svid-key.pem}}]' "$1" "$1"
}

# Roots as PEM go to Envoy's usual validator, a SPIFFE bundle map to its SPIFFE validator.
trusts() {
  case $1 in
    *.pem) printf 'trusted_ca: {filename: %s}' "$1" ;;
    *.json) printf 'custom_validator_config: {name: envoy.tls.cert_validator.spiffe, typed_config: {"@type": %s.SPIFFECertValidatorConfig, trust_bundles: {filename: %s}}}' $tls "$1" ;;
  esac
}

# The exact SPIFFE ID, not a prefix: a prefix would let any neighbour of the peer pass for it.
expects() { printf 'match_typed_subject_alt_names: [{san_type: URI, matcher: {exact: "%s"}}]' "$1"; }

server_config() { # TO LOG-FOLDER
  cat <<YAML
$(admin "$(address "$1" server)")
static_resources:
  listeners:
  - name: in
    stat_prefix: in
    address: {socket_address: {address: $(address "$1" server), port_value: 0}}
    listener_filters: [$inspector]
    access_log: [$(log_to "$2/server.access" 'connection %DOWNSTREAM_TRANSPORT_FAILURE_REASON%')]
    filter_chains:
    - transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": $tls.DownstreamTlsContext
          require_client_certificate: true
          common_tls_context:
            alpn_protocols: [h2, http/1.1]
            $(own_certificate "$server_svid")
            validation_context:
              $(trusts "$server_trusts")
              $(expects "$server_expects")
      filters:
      - name: http
        typed_config:
          $http
          stat_prefix: in
          access_log: [$(log_to "$2/server.access" 'request %DOWNSTREAM_PEER_URI_SAN% from=%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT% issuer=%DOWNSTREAM_PEER_ISSUER%')]
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: "hello from $1"}}}]}]}
          http_filters: [$router]
YAML
}

# As Istio does AUTO_PASSTHROUGH: the gateway reads the SNI and the ALPN of the client's hello and passes the bytes on. It holds no key and
# no certificate, so the mutual TLS is between client and server.
gateway_config() { # TO SERVER-PORT
  local service=outbound_.80_._.server.$1.svc.cluster.local
  cat <<YAML
$(admin "$(address "$1" gateway)")
static_resources:
  listeners:
  - name: eastwest
    stat_prefix: eastwest
    address: {socket_address: {address: $(address "$1" gateway), port_value: 0}}
    listener_filters: [$inspector]
    filter_chains:
    - filter_chain_match: {transport_protocol: tls, application_protocols: [istio], server_names: ["$service"]}
      filters:
      - {name: envoy.filters.network.sni_cluster, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.sni_cluster.v3.SniCluster}}
      - {name: envoy.filters.network.tcp_proxy, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: eastwest, cluster: none}}
  clusters:
  - name: $service
    type: STATIC
    connect_timeout: 5s
    upstream_bind_config: {source_address: {address: $(address "$1" gateway), port_value: 0}}
    load_assignment: {cluster_name: $service, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: $(address "$1" server), port_value: $2}}}}]}]}
YAML
}

client_config() { # FROM TO GATEWAY-PORT LOG-FOLDER
  cat <<YAML
$(admin "$(address "$1" client)")
static_resources:
  listeners:
  - name: out
    address: {socket_address: {address: $(address "$1" client), port_value: 0}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          $http
          stat_prefix: out
          access_log: [$(log_to "$4/client.access" 'request %UPSTREAM_PEER_URI_SAN% issuer=%UPSTREAM_PEER_ISSUER% failure=%UPSTREAM_TRANSPORT_FAILURE_REASON%')]
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: server}}]}]}
          http_filters: [$router]
  clusters:
  - name: server
    type: STATIC
    connect_timeout: 5s
    upstream_bind_config: {source_address: {address: $(address "$1" client), port_value: 0}}
    load_assignment: {cluster_name: server, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: $(address "$2" gateway), port_value: $3}}}}]}]}
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": $tls.UpstreamTlsContext
        sni: $client_sni
        common_tls_context:
          tls_params: {tls_maximum_protocol_version: TLSv1_3}
          alpn_protocols: [$client_alpn]
          $(own_certificate "$client_svid")
          validation_context:
            $(trusts "$client_trusts")
            $(expects "$client_expects")
YAML
}
