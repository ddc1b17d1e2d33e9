# shellcheck shell=bash
# Certificates as a mesh gets them: `meshroot serve`, and Istio's own pilot-agent beside every proxy, each with the token of its pod.
#
# The tokens are made with OpenSSL as a Kubernetes API server makes them. Both clusters' API servers call themselves the same, which is
# Kubernetes' default; they have a key each.

issuer=https://kubernetes.default.svc.cluster.local
service_address=

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

uuid() {
  local hex
  hex=$(openssl rand -hex 16)
  printf '%s-%s-4%s-a%s-%s' "${hex:0:8}" "${hex:8:4}" "${hex:13:3}" "${hex:17:3}" "${hex:20:12}"
}

# api_server NAME: a signing key, and what `kubectl get --raw /openid/v1/jwks` prints of it.
api_server() {
  local key=$work/pki/$1-api-server.pem modulus
  openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$key" || die "openssl made no key"
  modulus=$(openssl rsa -in "$key" -noout -modulus)
  printf '{"keys":[{"use":"sig","kty":"RSA","kid":"%s","alg":"RS256","n":"%s","e":"AQAB"}]}\n' "$(kid "$key")" \
    "$(printf '%b' "$(sed 's/../\\x&/g' <<<"${modulus#Modulus=}")" | base64url)" >"$work/pki/$1-jwks.json"
}

kid() { openssl pkey -in "$1" -pubout -outform DER | openssl dgst -sha256 -binary | base64url; }

# token API-SERVER NAMESPACE SERVICE-ACCOUNT: what the kubelet mounts into a pod for Istio's agent.
token() {
  local key=$work/pki/$1-api-server.pem now=$EPOCHSECONDS message
  message=$(printf '{"alg":"RS256","kid":"%s"}' "$(kid "$key")" | base64url).$(
    printf '{"aud":["istio-ca"],"exp":%d,"iat":%d,"iss":"%s","jti":"%s","kubernetes.io":{"namespace":"%s","node":{"name":"%s-node","uid":"%s"},"pod":{"name":"%s-0","uid":"%s"},"serviceaccount":{"name":"%s","uid":"%s"}},"nbf":%d,"sub":"system:serviceaccount:%s:%s"}' \
      $((now + 43200)) "$now" "$issuer" "$(uuid)" "$2" "$1" "$(uuid)" "$3" "$(uuid)" "$3" "$(uuid)" "$now" "$2" "$3" | base64url
  )
  printf '%s.%s' "$message" "$(printf %s "$message" | openssl dgst -sha256 -sign "$key" -binary | base64url)"
}

# The service for both clusters, at an address that the system gives out.
start_service() {
  local cluster tries line
  for cluster in west east nowhere; do api_server $cluster; done
  {
    printf '[defaults]\nlifetime = "24h"\n'
    for cluster in west east; do
      # Each cluster may speak for the namespace that is called like it, and for no other.
      printf '\n[clusters.%s]\ntrust_domain = "mesh.example"\ncallers.kubernetes = { issuers = ["%s"], audiences = ["meshroot"] }\n' $cluster $issuer
      printf '[[clusters.%s.workloads]]\nname = "own"\ncallers = ["kubernetes"]\nnamespaces = ["%s"]\n' $cluster $cluster
    done
  } >"$work/policy.toml"
  {
    printf '[names]\ndns = ["istiod.istio-system.svc"]\n[policy]\nfile = "%s/policy.toml"\n[policy.jwks]\n' "$work"
    for cluster in west east; do printf '%s = "%s/pki/%s-jwks.json"\n' $cluster "$work" $cluster; done
  } >"$work/service.toml"
  printf '%s$ meshroot serve --store mesh --config service.toml%s\n' "$dim" "$plain"
  : >"$work/service.out"
  "$MESHROOT" serve --store "$work/mesh" --config "$work/service.toml" --listen 127.0.0.1:0 --health-listen 127.0.0.1:0 >"$work/service.out" 2>"$work/service.log" &
  envoys+=("$!")
  for ((tries = 0; tries < 500; tries++)); do
    if read -r line <"$work/service.out" && [ "${line#serving https://}" != "$line" ]; then
      line=${line#serving https://} service_address=${line%%,*}
      return
    fi
    kill -0 "${envoys[-1]}" 2>/dev/null || break
    sleep 0.02
  done
  tail -n 5 "$work/service.log" >&2
  die "the service did not start; its settings are $work/service.toml"
}

# agent CLUSTER WORKLOAD TOKEN FOLDER: starts the pilot-agent of a workload of that cluster. Its certificates go to FOLDER.
agent() {
  local home=$4.agent port=$((20000 + RANDOM % 30000))
  mkdir -p "$4" "$home/var/run/secrets/tokens" "$home/var/run/secrets/istio" "$home/etc"
  printf %s "$3" >"$home/var/run/secrets/tokens/istio-token"
  cp "$work/mesh/root-cert.pem" "$home/var/run/secrets/istio/root-cert.pem"
  # An agent that dials localhost wants the CA's certificate to be for istiod.istio-system.svc. There is no istiod: nobody listens on port 1.
  (cd "$home" && exec env -i CA_ADDR="localhost:${service_address##*:}" OUTPUT_CERTS="$4" \
    CA_ROOT_CA=./var/run/secrets/istio/root-cert.pem XDS_ROOT_CA=./var/run/secrets/istio/root-cert.pem \
    POD_NAME="$2-0" POD_NAMESPACE="$1" SERVICE_ACCOUNT="$2" INSTANCE_IP=127.0.0.1 TRUST_DOMAIN=mesh.example ISTIO_META_CLUSTER_ID="$1" \
    DISABLE_ENVOY=true CA_PROVIDER=Citadel JWT_POLICY=third-party-jwt PILOT_CERT_PROVIDER=istiod CLOUD_PLATFORM=none \
    GRPC_XDS_BOOTSTRAP=./etc/bootstrap.json \
    PROXY_CONFIG='{"configPath": "./etc", "statusPort": '$port', "discoveryAddress": "127.0.0.1:1"}' \
    "$PILOT_AGENT" proxy sidecar --domain "$1.svc.cluster.local") >"$4.log" 2>&1 &
  envoys+=("$!")
}

# The names that `meshroot svid` gives to the files.
certificates_by_agents() {
  local cluster workload folder tries
  for cluster in west east; do
    for workload in client server; do
      agent $cluster $workload "$(token $cluster $cluster $workload)" "$work/pki/$cluster/$workload"
    done
  done
  for folder in "$work"/pki/{west,east}/{client,server}; do
    for ((tries = 0; tries < 1000; tries++)); do
      [ -s "$folder/cert-chain.pem" ] && [ -s "$folder/key.pem" ] && [ -s "$folder/root-cert.pem" ] && break
      sleep 0.02
    done
    [ -s "$folder/root-cert.pem" ] || {
      tail -n 5 "$folder.log" >&2
      die "an agent got no certificate; its log is $folder.log"
    }
    ln -s cert-chain.pem "$folder/svid.pem"
    ln -s key.pem "$folder/svid-key.pem"
    ln -s root-cert.pem "$folder/bundle.pem"
  done
}

# crossed_tokens_get_nothing CLUSTER OTHER: an agent of CLUSTER that says so and presents another's token, for its own names.
crossed_tokens_get_nothing() {
  gets_nothing "$1" "$2" PermissionDenied "an agent of $1 with a token of $2's API server gets nothing"
  gets_nothing "$1" nowhere Unauthenticated "an agent of $1 with a token of nobody's API server gets nothing"
}

gets_nothing() { # CLUSTER API-SERVER CODE TITLE
  local running=${#envoys[@]} folder=$work/pki/$1/client-by-$2 tries said=
  begin_check
  agent "$1" client "$(token "$2" "$1" client)" "$folder"
  for ((tries = 0; tries < 1000; tries++)); do
    said=$(grep -m 1 -o 'rpc error: code = .*' "$folder.log") && break
    sleep 0.02
  done
  note agent "is told ${said:-nothing}"
  expect_text 'what the agent is told' "$said" "code = $3 "
  [ ! -e "$folder/cert-chain.pem" ] || complain "it has a certificate"
  end_check "$4"
  stop "$running"
}
