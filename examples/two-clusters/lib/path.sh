# shellcheck shell=bash
# One path through the mesh, client -> gateway -> server, and what is seen on it.
#
# Every check gets three Envoys of its own, so that all counters begin at zero and nothing is left from the check before.

declare -i scenes=0

# bring_up FROM TO: starts the path with the configuration that the variables say. Sets `scene` to its folder.
bring_up() {
  local server_port gateway_port
  scenes+=1
  scene=$work/$(printf '%02d' "$scenes")-$1-to-$2
  mkdir "$scene"
  server_config "$2" "${scene##*/}" >"$scene/server.yaml"
  start server "$scene"
  server_port=$(port_of "$scene/server")
  gateway_config "$2" "$server_port" >"$scene/gateway.yaml"
  start gateway "$scene"
  gateway_port=$(port_of "$scene/gateway")
  client_config "$1" "$2" "$gateway_port" "${scene##*/}" >"$scene/client.yaml"
  start client "$scene"

  # Nothing has happened yet, and the counters are there to be read.
  expect 'client ssl counters before the request' "$(ssl_counters "$scene/client" cluster.server)" ''
  expect 'server ssl counters before the request' "$(ssl_counters "$scene/server" listener.in)" ''
}

# expect_one_change FROM TO BASELINE: the scene's three configurations are those of BASELINE but for one line of one of them.
expect_one_change() {
  local role mark line was=() is=()
  mkdir "$scene/baseline"
  (
    $3 "$1" "$2"
    server_config "$2" "${scene##*/}" >"$scene/baseline/server.yaml"
    gateway_config "$2" "$(port_of "$scene/server")" >"$scene/baseline/gateway.yaml"
    client_config "$1" "$2" "$(port_of "$scene/gateway")" "${scene##*/}" >"$scene/baseline/client.yaml"
  )
  for role in server gateway client; do
    while read -r mark line; do
      case $mark in
        '<') was+=("$role") && note "$role" "- $line" ;;
        '>') is+=("$role") && note '' "+ ${line:-(nothing)}" ;;
      esac
    done < <(diff "$scene/baseline/$role.yaml" "$scene/$role.yaml")
  done
  expect 'lines changed from the working configuration' "${#was[@]} to ${#is[@]}" '1 to 1'
}

# ask FROM: one request to the client's Envoy, as its application would make it. Sets `status` and `body`.
ask() {
  status=$(fetch --max-time 10 --output "$scene/body" --write-out '%{http_code}' "http://$(address "$1" client):$(port_of "$scene/client")/") || true
  body=$(cat "$scene/body" 2>/dev/null) || true
  note answer "$status $body"
}

# succeeds FROM TO TITLE: a path that must work, with everything seen on it. Leaves its Envoys running when `keep_path` is set.
succeeds() {
  local from=$1 to=$2 running=${#envoys[@]}
  begin_check
  bring_up "$from" "$to"
  ask "$from"
  expect status "$status" 200
  expect body "$body" "hello from $to"
  expect_identities "$to"
  expect_gateway 1
  expect_counters client 'handshake=1'
  expect_counters server 'handshake=1'
  end_check "$from -> $to: $3"
  [ -n "${keep_path:-}" ] || stop "$running"
}

# Each side names the peer that it verified: the SPIFFE ID expected of it, issued by that peer's own cluster CA.
expect_identities() { # TO
  local seen issuer_of_server issuer_of_client
  seen=$(logged "$scene/client" request)
  issuer_of_server=${seen#* issuer=} issuer_of_server=${issuer_of_server% failure=*}
  note client "saw ${seen%% issuer=*}, issued by $issuer_of_server"
  expect 'server identity that the client saw' "${seen%% issuer=*}" "$client_expects"

  seen=$(logged "$scene/server" request)
  issuer_of_client=${seen#* issuer=}
  note server "saw ${seen%% from=*}, issued by $issuer_of_client"
  expect 'client identity that the server saw' "${seen%% from=*}" "$server_expects"
  [ "$issuer_of_client" != "$issuer_of_server" ] || complain "both leaves have the issuer '$issuer_of_client': not a cluster CA each"
  seen=${seen#* from=}
  expect 'address that the server was reached from' "${seen%% issuer=*}" "$(address "$1" gateway)"
}

# expect_gateway N: connections that the gateway forwarded, by SNI and ALPN alone.
expect_gateway() {
  local connections certificates
  connections=$(counter "$scene/gateway" tcp.eastwest.downstream_cx_total)
  certificates=$(fetch "$(admin_of "$scene/gateway")/certs") || true
  certificates=${certificates//[[:space:]]/}
  expect 'connections that the gateway passed on' "$connections" "$1"
  expect 'certificates that the gateway holds' "$certificates" '{"certificates":[]}'
  note gateway "connections passed on: $connections; its /certs: $certificates"
}

# expect_counters client|server EXACTLY [OR]: these `ssl.*` counters, and all the others zero.
expect_counters() {
  local seen prefix
  case $1 in client) prefix=cluster.server ;; server) prefix=listener.in ;; esac
  seen=$(ssl_counters "$scene/$1" "$prefix")
  note "$1" "$prefix.ssl: all zero before; now ${seen:-still}"
  [ "$seen" = "${3-$2}" ] || expect "$1 $prefix.ssl" "$seen" "$2"
}
