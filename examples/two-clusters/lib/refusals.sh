# shellcheck shell=bash
# What must be refused, by whom, with which counter and for which reason.

# Two other configurations that work: both sides trust the roots of two meshes; both sides read the SPIFFE bundle document instead of PEM.
federated() {
  passing "$1" "$2"
  client_trusts=pki/roots-of-both.pem server_trusts=pki/roots-of-both.pem
}
by_bundle_map() {
  passing "$1" "$2"
  client_trusts=pki/bundle-map.json server_trusts=pki/bundle-map.json
}

# The other half of each proof: the peers that are refused are not broken in some second way. Only an expired leaf has no such half.
accepted_elsewhere() {
  local from=$1 to=$2
  federated "$from" "$to"
  succeeds "$from" "$to" 'both sides trust a second root as well'
  by_bundle_map "$from" "$to"
  succeeds "$from" "$to" 'both sides read the SPIFFE bundle document (bundle map)'

  passing "$from" "$to"
  client_svid=pki/$from/client-namesake client_trusts=pki/$from/client-namesake/bundle.pem
  server_svid=pki/$to/server-namesake server_trusts=pki/$to/server-namesake/bundle.pem
  succeeds "$from" "$to" 'the namesakes, among themselves'
  passing "$from" "$to"
  client_svid=pki/$from/client-stranger server_expects=$(id "$from" stranger)
  server_svid=pki/$to/server-stranger client_expects=$(id "$to" stranger)
  succeeds "$from" "$to" 'the strangers, where strangers are expected'
  federated "$from" "$to"
  client_svid=pki/$from/client-other-domain server_expects=$(id "$from" client other.example)
  server_svid=pki/$to/server-other-domain client_expects=$(id "$to" server other.example)
  succeeds "$from" "$to" 'the peers of other.example, where other.example is trusted and expected'
  passing "$from" "$to"
  client_svid=pki/$from/client-without-intermediate server_trusts=pki/root-and-cluster-cas.pem
  server_svid=pki/$to/server-without-intermediate client_trusts=pki/root-and-cluster-cas.pem
  succeeds "$from" "$to" 'leaves without their intermediate, where the cluster CAs are known already'
}

# The alerts that tell a server why the client hung up (RFC 8446 §6.2), as Envoy names them.
told_unknown_ca=TLSV1_ALERT_UNKNOWN_CA
told_certificate_unknown=SSLV3_ALERT_CERTIFICATE_UNKNOWN
told_expired=SSLV3_ALERT_CERTIFICATE_EXPIRED

all_refused() {
  local from=$1 to=$2
  # Depth 1 is the cluster CA: its issuer is the root that is not trusted. Depth 0 is the leaf: its issuer, the cluster CA, is missing.
  local no_root='CERTIFICATE_VERIFY_FAILED*at_depth_1:_unable_to_get_local_issuer_certificate'
  local no_intermediate='CERTIFICATE_VERIFY_FAILED*at_depth_0:_unable_to_get_local_issuer_certificate'
  local expired='CERTIFICATE_VERIFY_FAILED*at_depth_0:_certificate_has_expired'
  local no_bundle='CERTIFICATE_VERIFY_FAILED*no_trust_bundle_store'
  local no_certificate='PEER_DID_NOT_RETURN_A_CERTIFICATE'

  by_server 'a client of an unrelated root with the same names' passing client_svid=pki/$from/client-namesake fail_verify_error "$no_root"
  by_client 'a server of an unrelated root with the same names' passing server_svid=pki/$to/server-namesake fail_verify_error "$no_root" $told_unknown_ca

  by_server 'a client that is another workload' passing client_svid=pki/$from/client-stranger fail_verify_san "$(wrong_id "$from" stranger)"
  by_client 'a server that is another workload' passing server_svid=pki/$to/server-stranger fail_verify_san "$(wrong_id "$to" stranger)" $told_certificate_unknown
  by_server 'the client, where the server expects another' passing server_expects="$(id "$from" stranger)" fail_verify_san "$(wrong_id "$from" client)"
  by_client 'the server, where the client expects another' passing client_expects="$(id "$to" stranger)" fail_verify_san "$(wrong_id "$to" server)" $told_certificate_unknown

  by_server 'a client of another trust domain, its root trusted' federated client_svid=pki/$from/client-other-domain fail_verify_san "$(wrong_id "$from" client other.example)"
  by_client 'a server of another trust domain, its root trusted' federated server_svid=pki/$to/server-other-domain fail_verify_san "$(wrong_id "$to" server other.example)" $told_certificate_unknown
  by_server 'a client of a trust domain that the bundle map does not have' by_bundle_map client_svid=pki/$from/client-other-domain fail_verify_error "$no_bundle"
  by_client 'a server of a trust domain that the bundle map does not have' by_bundle_map server_svid=pki/$to/server-other-domain fail_verify_error "$no_bundle" $told_certificate_unknown

  by_server 'a client with an expired leaf' passing client_svid=pki/$from/client-expired fail_verify_error "$expired"
  by_client 'a server with an expired leaf' passing server_svid=pki/$to/server-expired fail_verify_error "$expired" $told_expired

  by_server 'a client that sends its leaf without the intermediate' passing client_svid=pki/$from/client-without-intermediate fail_verify_error "$no_intermediate"
  by_client 'a server that sends its leaf without the intermediate' passing server_svid=pki/$to/server-without-intermediate fail_verify_error "$no_intermediate" $told_unknown_ca

  by_server 'a client without a certificate' passing client_svid=none fail_verify_no_cert "$no_certificate"

  by_gateway 'a client that does not offer the ALPN istio' client_alpn=h2
  by_gateway 'a client that asks for a service the gateway does not have' client_sni="outbound_.80_._.nowhere.$to.svc.cluster.local"
}

# The reason for a wrong SPIFFE ID names the one that was presented.
wrong_id() { printf 'CERTIFICATE_VERIFY_FAILED*SAN_matcher*\\[%s\\]' "$(id "$@")"; }

# attempt BASELINE CHANGE: the baseline with one variable set to something else; one request, which must fail.
attempt() {
  begin_check
  $1 "$from" "$to"
  printf -v "${2%%=*}" '%s' "${2#*=}"
  bring_up "$from" "$to"
  expect_one_change "$from" "$to" "$1"
  ask "$from"
  expect status "$status" 503
}

# by_server TITLE BASELINE CHANGE COUNTER REASON: the server refuses the client. In TLS 1.3 the client has finished its handshake by then, so
# it counts one; whether it still reads the server's alert before the connection is gone (`connection_error`) is a race, and not judged.
by_server() {
  local running=${#envoys[@]}
  attempt "$2" "$3"
  expect_reason server "$(logged "$scene/server" connection)" "$5"
  expect_gateway 1
  expect_counters server "$4=1"
  expect_counters client 'handshake=1' 'connection_error=1 handshake=1'
  end_check "$from -> $to: the server refuses $1"
  stop "$running"
}

# by_client TITLE BASELINE CHANGE COUNTER REASON TOLD: the client refuses the server, and tells it so with an alert.
by_client() {
  local running=${#envoys[@]} seen
  attempt "$2" "$3"
  seen=$(logged "$scene/client" request)
  expect_reason client "${seen#* failure=}" "$5"
  expect_reason server "$(logged "$scene/server" connection)" "$6"
  expect_gateway 1
  expect_counters client "$4=1"
  expect_counters server 'connection_error=1'
  end_check "$from -> $to: the client refuses $1"
  stop "$running"
}

# by_gateway TITLE CHANGE: the gateway has no filter chain for this hello and closes the connection; the server never hears of it.
by_gateway() {
  local running=${#envoys[@]} unmatched
  attempt passing "$2"
  unmatched=$(counter "$scene/gateway" listener.eastwest.no_filter_chain_match)
  note gateway "listener.eastwest.no_filter_chain_match: $unmatched"
  expect 'gateway listener.eastwest.no_filter_chain_match' "$unmatched" 1
  expect_gateway 0
  expect_counters client ''
  expect_counters server ''
  end_check "$from -> $to: the gateway refuses $1"
  stop "$running"
}

# expect_reason ROLE SEEN PATTERN: the reason in Envoy's words (it writes _ for a space), matched between the parts that are the same for all.
expect_reason() {
  local reason=${2#TLS_error:*:OPENSSL_internal:}
  reason=${reason%:TLS_error_end}
  note "$1" "says $reason"
  # shellcheck disable=SC2254
  case $reason in
    $3 | $3:*) ;;
    *) complain "$1: expected the reason '$3', saw '$2'" ;;
  esac
}
