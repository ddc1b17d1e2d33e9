#!/usr/bin/env bash
# Revocation as others see it: the CRLs that a real service makes, judged by OpenSSL and by a real Envoy that reads them from a folder while it
# runs. Called by tests/interop.sh, which installs what is needed.
#
#   MESHROOT=… ENVOY=… tests/revocation.sh
set -euo pipefail
: "${MESHROOT:?the binary}" "${ENVOY:?the binary}"
work=$(mktemp -d)
service='' envoy=''
finish() {
    if [ -n "$envoy" ]; then kill "$envoy" 2>/dev/null && wait "$envoy" 2>/dev/null || true; fi
    if [ -n "$service" ]; then kill "$service" 2>/dev/null && wait "$service" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap finish EXIT
cd "$work"
fail() { echo "tests/revocation.sh: $*" >&2; tail -5 envoy.log service.log >&2 2>/dev/null || true; exit 1; }
m() { "$MESHROOT" --store mesh "$@"; }

m quickstart west east --trust-domain mesh.example --out mesh >/dev/null
mv mesh/root safe # the root goes offline
m serve --listen 127.0.0.1:0 --health-listen 127.0.0.1:0 >served 2>service.log &
service=$!
for _ in $(seq 100); do [ -s served ] && break; sleep 0.1; done
address=$(sed -n 's|^serving https://\([^,]*\),.*|\1|p' served)
[ -n "$address" ] || fail "the service does not start"
ask() { curl -sS --fail-with-body --cacert mesh/root-cert.pem "$@"; }

# svid CLUSTER NAME: a key and a chain of this cluster
svid() {
    local token
    token=$(m token create --cluster "$1" --id "spiffe://mesh.example/ns/shop/sa/$2" --ttl 10m)
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$2.key" -subj / -out "$2.csr" 2>/dev/null
    ask -H "Authorization: Bearer $token" -H 'Accept: application/pem-certificate-chain' --data-binary "@$2.csr" \
        "https://$address/v1/certificates" >"$2.pem"
}
svid west cart; svid west till; svid east desk; svid east server
serial() { openssl x509 -in "$1" -noout -serial | cut -d= -f2; }

mkdir trust
fetch() { ask -o crls.new "https://$address/crls.pem" && mv crls.new trust/crls.pem; }
cp mesh/root-cert.pem trust/
fetch || fail "quickstart leaves no complete set of CRLs"

# OpenSSL, which wants a CRL of every CA of the chain, as Envoy does.
verify() { openssl verify -crl_check_all -CAfile trust/root-cert.pem -untrusted "$1.pem" -CRLfile trust/crls.pem "$1.pem" 2>&1; }
good() { verify "$1" >verdict || fail "OpenSSL refuses $1: $(cat verdict)"; }
revoked() { ! verify "$1" >verdict && grep -q 'certificate revoked' verdict || fail "OpenSSL does not see that $1 is revoked: $(cat verdict)"; }

# Envoy, as Istio configures its sidecars: roots and CRLs by SDS from files, client certificates demanded.
cat >trust/roots.json <<JSON
{"resources": [{"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret", "name": "roots",
  "validation_context": {"trusted_ca": {"filename": "$work/trust/root-cert.pem"}, "crl": {"filename": "$work/trust/crls.pem"},
    "watched_directory": {"path": "$work/trust"}}}]}
JSON
cat >envoy.json <<JSON
{"admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
 "node": {"id": "sidecar", "cluster": "sidecar"},
 "static_resources": {"listeners": [{"name": "in", "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
  "filter_chains": [{"transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", "require_client_certificate": true,
      "common_tls_context": {
        "tls_certificates": [{"certificate_chain": {"filename": "server.pem"}, "private_key": {"filename": "server.key"}}],
        "validation_context_sds_secret_config": {"name": "roots", "sds_config": {"path_config_source": {"path": "$work/trust/roots.json"}, "resource_api_version": "V3"}}}}},
    "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": {
      "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "in",
      "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
      "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}]}]}}}]}]}]}}
JSON
"$ENVOY" --disable-hot-restart --concurrency 1 --log-level warning -c envoy.json --admin-address-path admin 2>envoy.log &
envoy=$!
for _ in $(seq 100); do [ -s admin ] && break; sleep 0.1; done
[ -s admin ] || fail "Envoy does not start"
listener() { curl -sS "http://$(cat admin)/listeners?format=json" | python3 -c 'import json,sys; print(next(l["local_address"]["socket_address"]["port_value"] for l in json.load(sys.stdin)["listener_statuses"] if l["name"] == "in"))'; }
for _ in $(seq 50); do port=$(listener 2>/dev/null) && [ "${port:-0}" != 0 ] && break; sleep 0.1; done
# The name in Envoy's certificate is a SPIFFE ID, which curl does not compare; what is judged here is the client.
calls() { [ "$(curl -sk -o /dev/null -w '%{http_code}' --cert "$1.pem" --key "$1.key" "https://127.0.0.1:$port/" || true)" = 200 ]; }
let_in() { for _ in $(seq 50); do calls "$1" && return; sleep 0.1; done; fail "Envoy refuses $1"; }
kept_out() { for _ in $(seq 100); do calls "$1" || return 0; sleep 0.1; done; fail "Envoy lets $1 in"; }

for workload in cart till desk; do good $workload; let_in $workload; done
echo "nothing is revoked: OpenSSL and Envoy accept everybody"

m revoke "$(serial cart.pem)" --reason keyCompromise >/dev/null
fetch
revoked cart; kept_out cart
for workload in till desk; do good $workload; let_in $workload; done
echo "one certificate is revoked: both refuse it, and nobody else"

m revoke "$(m cluster show east --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["authorities"][0]["serial"])')" --reason cACompromise >/dev/null 2>&1
m root requests --out request.json >/dev/null
"$MESHROOT" root sign request.json --root safe --out answer.json --yes >/dev/null
m root import answer.json >/dev/null
fetch
revoked desk; kept_out desk
good till; let_in till
echo "a cluster CA is revoked by the offline root: both refuse that cluster, and not the other"

# What the guide says of sets that are not complete.
grep -v XXX trust/crls.pem | awk 'BEGIN {n = 0} /BEGIN X509 CRL/ {n++} n != 2' >part.pem # without the second CA's
mv part.pem trust/crls.pem
kept_out till
echo "a set that lacks a CRL makes Envoy refuse everybody of that CA: which is why the service serves none"
