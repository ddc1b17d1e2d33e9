#!/usr/bin/env bash
# Plants bugs in a copy of the library and of what the service reads, one at a time, and runs the target that has to find each:
#     fuzz/plants.sh [SECONDS for each, default 60] [PLANT…, default all]
# MESHROOT_EMPTY=1 starts without seeds. A plant is a line of `plants`; the copy is built once with all of them behind a
# switch, MESHROOT_PLANT, and must find nothing while the switch is off. Prints what fuzz/README.md has in its table.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true
tools=${MESHROOT_TOOLS:-target/tools}
.ci/tools/fuzz.sh >/dev/null
PATH=$(cd "$tools" && pwd)/bin:$PATH
export RUSTC_BOOTSTRAP=1 RUSTUP_TOOLCHAIN=${RUSTUP_TOOLCHAIN:-stable}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# name | target | file below crates | text that is there once | text in its place; PLANTED is true for this plant
plants() {
    cat <<'PLANTS'
path-length-ignored | differential_webpki | meshroot/src/verify/search.rs | below > usize::from(*allowed) | !PLANTED && below > usize::from(*allowed)
expired-intermediate-accepted | differential_webpki | meshroot/src/verify/search.rs | in_time(tbs, *now)? | if !PLANTED \|\| anchor { in_time(tbs, *now)? }
excluded-names-ignored | differential_webpki | meshroot/src/verify/names/mod.rs | _ => fit != Fit::Outside, | _ => !PLANTED && fit != Fit::Outside,
permitted-names-widened | differential_webpki | meshroot/src/verify/names/mod.rs | of_this_kind.any(\|fit\| fit == Fit::Inside) | of_this_kind.any(\|fit\| PLANTED \|\| fit == Fit::Inside)
purposes-of-cas-ignored | differential_webpki | meshroot/src/verify/rules.rs | // What a CA may not do itself, it cannot pass on; anyExtendedKeyUsage passes on everything. | let purpose = if PLANTED { Purpose::Any } else { purpose };
signatures-of-cas-unchecked | differential_webpki | meshroot/src/verify/search.rs | if !good { | if !good && !(PLANTED && !path.is_empty()) {
leaf-as-issuer | differential_webpki | meshroot/src/verify/rules.rs | if !constraints.ca { | if !constraints.ca && !PLANTED {
critical-extensions-skipped | differential_webpki | meshroot/src/verify/rules.rs | oid if critical && !ext::UNDERSTOOD.contains(&oid) => | oid if !PLANTED && critical && !ext::UNDERSTOOD.contains(&oid) =>
no-second-path | differential_webpki | meshroot/src/verify/search.rs | self.failed(is_anchor && stage > Stage::Signature, height, stage, rejection); | self.failed(is_anchor && stage > Stage::Signature, height, stage, rejection); if PLANTED { break; }
revoked-accepted | differential_openssl | meshroot/src/verify/revoked.rs | Status::Revoked { at, reason } => Err | Status::Revoked { .. } if PLANTED => Ok(()), Status::Revoked { at, reason } => Err
missing-crl-accepted | differential_openssl | meshroot/src/verify/revoked.rs | Status::Missing => Err | Status::Missing if PLANTED => Ok(()), Status::Missing => Err
stale-crl-accepted | differential_openssl | meshroot/src/verify/revoked.rs | Status::Stale { next_update } => Err | Status::Stale { .. } if PLANTED => Ok(()), Status::Stale { next_update } => Err
crl-signature-unchecked | differential_openssl | meshroot/src/revocation/memo.rs | crl.verify_signature(issuer.public_key(), crypto).map_err(\|_\| CrlProblem::Signature)?; | if !PLANTED { crl.verify_signature(issuer.public_key(), crypto).map_err(\|_\| CrlProblem::Signature)?; }
key-cert-sign-ignored | differential_openssl | meshroot/src/verify/rules.rs | Some(usage) if !usage.contains(KeyUsage::KEY_CERT_SIGN) => | Some(usage) if !PLANTED && !usage.contains(KeyUsage::KEY_CERT_SIGN) =>
uri-constraint-covers-subdomains | differential_openssl | meshroot/src/verify/names/matching.rs | Fit::from(if below { is_below(domain, host) } else { | Fit::from(if below { is_below(domain, host) } else if PLANTED && is_below(domain, host) { true } else {
required-policy-forgotten | differential_openssl | meshroot/src/verify/policy.rs | if counters.explicit == 0 && !reaches(&levels, inputs) { | if !PLANTED && counters.explicit == 0 && !reaches(&levels, inputs) {
self-issued-counted | differential_openssl | meshroot/src/verify/search.rs | count_all \|\| !step.self_issued( | PLANTED \|\| count_all \|\| !step.self_issued(
issuers-unnamed | validate_chain | meshroot/src/verify/search.rs | if !named \|\| is_loop() { | if !named && !PLANTED \|\| is_loop() {
signature-told | service_account_token | meshroot/src/token/issuers.rs | issuer: shown(issuer) })?; | issuer: shown(if PLANTED { compact.rsplit('.').next().unwrap_or_default() } else { issuer }) })?;
secret-told | secret_manifest | meshroot/src/istio/manifest/field.rs | Err(_) => Err("is not valid base64".into()), | Err(_) => Err(if PLANTED { written.into() } else { "is not valid base64".into() }),
key-told | private_key | meshroot/src/pem/parse.rs | Err(e) => Err(PemError::Base64 { line, label: block.label.clone(), | Err(e) => Err(PemError::Base64 { line, label: if PLANTED { String::from_utf8_lossy(&base64).into_owned() } else { block.label.clone() },
denied-identity-granted | policy | meshroot/src/policy/decide.rs | match self.policy.denies(&id) { | match self.policy.denies(&id).filter(\|_\| !PLANTED) {
foreign-identity-granted | policy | meshroot/src/policy/decide.rs | if id.trust_domain() != self.cluster.trust_domain { | if !PLANTED && id.trust_domain() != self.cluster.trust_domain {
any-flag-is-plain | grpc | meshroot-service/src/grpc/frame.rs | if *compressed != 0 { | if *compressed > u8::from(PLANTED) {
no-text-is-nobody | grpc | meshroot-service/src/grpc/message.rs | Some(_) => Err(()), | Some(_) if PLANTED => Ok(None), Some(_) => Err(()),
succeeded-pods-run | pods | meshroot-service/src/pods/list.rs | ended: matches!(status.phase.as_str(), "Failed" \| "Succeeded"), | ended: matches!(status.phase.as_str(), "Failed" \| "Succeeded") && !(PLANTED && status.phase == "Succeeded"),
lists-are-objects | pods | meshroot-service/src/json.rs | deserializer.deserialize_map(Members(PhantomData)) | if PLANTED { T::deserialize(deserializer).map(Object) } else { deserializer.deserialize_map(Members(PhantomData)) }
summary-unread | root_files | meshroot-service/src/root/request.rs | if request.summary != words::of(&request) { | if !PLANTED && request.summary != words::of(&request) {
terminal-obeys | root_files | meshroot-service/src/root/words.rs | text.escape_debug().to_string() | if PLANTED { text.to_owned() } else { text.escape_debug().to_string() }
more-columns | store_export | meshroot-store/src/export/row.rs | if members.len() != table.columns.len() { | if members.len() < table.columns.len() \|\| !PLANTED && members.len() > table.columns.len() {
unbounded-difference | log_difference | meshroot-store/src/sqlite/delta.rs | if out.len().checked_add(octets.len())? > most { | if !PLANTED && out.len().checked_add(octets.len())? > most {
shift-not-added | log_difference | meshroot-store/src/sqlite/delta.rs | shift = shift.checked_add(unsigned(take(&mut encoded)?)?)?; | shift = if PLANTED { 0isize } else { shift }.checked_add(unsigned(take(&mut encoded)?)?)?;
any-table-known | store_header | meshroot-store/src/export/header.rs | find(\|name\| !TABLES.iter() | find(\|name\| !PLANTED && !TABLES.iter()
counts-from-anywhere | store_header | meshroot-store/src/export/header.rs | find(\|number\| !(0..=MOST) | find(\|number\| !PLANTED && !(0..=MOST)
PLANTS
}

git ls-files | tar -cf - -T - | tar -xf - -C "$work"
# Those that are named, or all.
plants | awk -v named=" $* " 'named == "  " || index(named, " " $1 " ")' >"$work/plants"
[ -s "$work/plants" ] || { echo "plants: none is called so"; exit 2; }
python3 - "$work" <<'PY'
import re, sys
work = sys.argv[1]
for line in open(f"{work}/plants"):
    name, _, file, old, new = [part.strip().replace("\\|", "|") for part in re.split(r"(?<!\\)\|(?!\|)", line.rstrip("\n"), maxsplit=4)]
    path = f"{work}/crates/{file}"
    text = open(path).read()
    if text.count(old) != 1:
        sys.exit(f"plants: {name}: the text is {text.count(old)} times in {file}: plant it anew")
    open(path, "w").write(text.replace(old, new.replace("PLANTED", f'crate::planted("{name}")')))
# The service's parsers are compiled as parts of the targets.
for root in ["crates/meshroot/src/lib.rs", "fuzz/src/lib.rs"]:
    with open(f"{work}/{root}", "a") as lib:
        lib.write('''
/// Whether this bug is planted.
pub(crate) fn planted(name: &str) -> bool {
    static PLANT: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| std::env::var("MESHROOT_PLANT").unwrap_or_default());
    *PLANT == name
}
''')
PY
target_dir=${CARGO_TARGET_DIR:-$PWD/fuzz/target}
mapfile -t targets < <(sed 's/|/ /g' "$work/plants" | awk '{ print $2 }' | sort -u)
(cd "$work" && for target in "${targets[@]}"; do cargo fuzz build --sanitizer none --target-dir "$target_dir/planted" $target; done)
binaries=$(dirname "$(find "$target_dir/planted" -name "${targets[0]}" -type f -perm -u+x | head -1)")

# Runs TARGET with PLANT; prints outcome, seconds and executions.
run() {
    local log=$work/log seeds=() start=$EPOCHREALTIME
    mkdir -p "$work/corpus" "$work/artifacts"
    rm -rf "$work/corpus" && mkdir "$work/corpus"
    [ -n "${MESHROOT_EMPTY:-}" ] || seeds=("fuzz/seeds/$1")
    local length=8192 dictionary=fuzz/dictionaries/$1.dict
    [[ $1 != differential_* ]] || length=256
    [ ! -f "$dictionary" ] || seeds+=(-dict="$dictionary")
    if MESHROOT_PLANT=$2 "$binaries/$1" -max_total_time="$seconds" -max_len=$length -seed=1 -print_final_stats=1 \
        -artifact_prefix="$work/artifacts/" "$work/corpus" "${seeds[@]}" >"$log" 2>&1; then
        outcome=nothing
    else
        outcome=found
        grep -q 'panicked at src/' "$log" || { cat "$log" | tail -20; outcome=broken; }
    fi
    took=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
}

failed=0
for target in "${targets[@]}"; do
    run "$target" ""
    echo "plants: $target without a plant: $outcome in $took s, ${executions:-0} inputs"
    [ $outcome = nothing ] || { failed=$((failed + 1)); sed -n '/panicked at/,/^$/p' "$work/log" | cut -c1-300 | head -20; }
done
while read -r name target; do
    run "$target" "$name"
    echo "| \`$name\` | $target | $outcome | $took s | ${executions:-0} |"
    [ $outcome = found ] || failed=$((failed + 1))
done < <(sed 's/|/ /g' "$work/plants" | awk '{ print $1, $2 }')
[ $failed -eq 0 ]
