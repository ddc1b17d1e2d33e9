# shellcheck shell=bash
# What the proxies hold and trust. All of it comes from the `meshroot` command; this file only arranges it below $work/pki.

# id CLUSTER WORKLOAD [TRUST-DOMAIN]
id() { printf 'spiffe://%s/ns/%s/sa/%s' "${3:-mesh.example}" "$1" "$2"; }

# meshroot ARGUMENTS...: the command, quiet unless it fails.
meshroot() {
  "$MESHROOT" "$@" >"$work/meshroot.log" 2>&1 || {
    cat "$work/meshroot.log" >&2
    die "this command failed: meshroot $*"
  }
}

# svid STORE CLUSTER ID FOLDER [LIFETIME]
svid() { meshroot svid --store "$1" --cluster "$2" --id "$3" --lifetime "${5:-1h}" --out "$work/pki/$4"; }

# The mesh itself: one root, a cluster CA for west and one for east.
make_mesh() {
  printf '%s$ meshroot quickstart west east --trust-domain mesh.example --out mesh%s\n' "$dim" "$plain"
  (cd "$work" && "$MESHROOT" quickstart west east --trust-domain mesh.example --out mesh) || die "quickstart failed"
}

# A client and a server workload in each cluster.
certificates_by_command() {
  local cluster workload
  for cluster in west east; do
    mkdir -p "$work/pki/$cluster"
    for workload in client server; do
      svid "$work/mesh" $cluster "$(id $cluster $workload)" $cluster/$workload
    done
  done
}

# What Istio would be given, and that the workloads' certificates really come from it.
check_mesh() {
  local cluster workload cacerts=$work/mesh/clusters
  begin_check
  expect 'roots given to east' "$(<"$cacerts/east/cacerts/root-cert.pem")" "$(<"$cacerts/west/cacerts/root-cert.pem")"
  [ "$(<"$cacerts/east/cacerts/ca-cert.pem")" != "$(<"$cacerts/west/cacerts/ca-cert.pem")" ] || complain 'both clusters have the same CA'
  for cluster in west east; do
    for workload in client server; do
      # Istio's agents put the roots behind it.
      case $(<"$work/pki/$cluster/$workload/svid.pem") in
        *"$(<"$cacerts/$cluster/cacerts/ca-cert.pem")" | *"$(<"$cacerts/$cluster/cacerts/ca-cert.pem")"$'\n'"$(<"$work/mesh/root-cert.pem")") ;;
        *) complain "the chain of $cluster/$workload does not end in the ca-cert.pem of $cluster" ;;
      esac
    done
  done
  end_check 'one root for both clusters, a CA for each, and every leaf issued by the CA that istiod of its cluster gets'
}

# The peers that must be refused. Each differs in one respect only from the mesh's own client or server of that cluster.
make_wrong_peers() {
  local cluster workload ours wrong
  # A second mesh of the same names, and one of another trust domain; neither has anything to do with the first.
  meshroot quickstart west east --trust-domain mesh.example --out "$work/namesake"
  meshroot quickstart west east --trust-domain other.example --out "$work/other"
  cat "$work/mesh/root-cert.pem" "$work/other/root-cert.pem" >"$work/pki/roots-of-both.pem"
  cat "$work/mesh/root-cert.pem" "$work"/mesh/clusters/{west,east}/cacerts/ca-cert.pem >"$work/pki/root-and-cluster-cas.pem"
  # The SPIFFE bundle map, which Envoy's SPIFFE validator reads: a trust domain's roots vouch for that trust domain only.
  printf '{"trust_domains": {"mesh.example": %s}}\n' "$(<"$work/mesh/bundle.json")" >"$work/pki/bundle-map.json"

  for cluster in west east; do
    for workload in client server; do
      ours=$(id $cluster $workload) wrong=$cluster/$workload
      svid "$work/mesh" $cluster "$ours" "$wrong-expired" 2s
      svid "$work/mesh" $cluster "$(id $cluster stranger)" "$wrong-stranger"
      svid "$work/namesake" $cluster "$ours" "$wrong-namesake"
      svid "$work/other" $cluster "$(id $cluster $workload other.example)" "$wrong-other-domain"
      without_intermediate "$work/pki/$wrong" "$work/pki/$wrong-without-intermediate"
    done
  done
  # A lifetime may be rounded up to the next second, and the last second is still valid.
  all_expired_at=$((EPOCHSECONDS + 4))
}

wait_until_expired() {
  while [ "$EPOCHSECONDS" -lt "$all_expired_at" ]; do sleep 0.2; done
}

# without_intermediate FROM TO: the same SVID, its chain cut to the leaf.
without_intermediate() {
  local line
  mkdir -p "$2"
  cp "$1/svid-key.pem" "$2/svid-key.pem"
  while IFS= read -r line; do
    printf '%s\n' "$line"
    [ "$line" != '-----END CERTIFICATE-----' ] || break
  done <"$1/svid.pem" >"$2/svid.pem"
  [ "$(grep -c BEGIN "$1/svid.pem")" -ge 2 ] || die "$1/svid.pem does not hold a leaf and its cluster CA"
}
