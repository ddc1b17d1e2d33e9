#!/usr/bin/env bash
# Plants bugs in a copy of the validator, one at a time, and runs the differential target that has to find each:
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

# name | target | file below crates/meshroot/src | text that is there once | text in its place; PLANTED is true for this plant
plants() {
    cat <<'PLANTS'
path-length-ignored | webpki | verify/search.rs | below > usize::from(*allowed) | !PLANTED && below > usize::from(*allowed)
expired-intermediate-accepted | webpki | verify/search.rs | in_time(tbs, *now)? | if !PLANTED \|\| anchor { in_time(tbs, *now)? }
excluded-names-ignored | webpki | verify/names/mod.rs | _ => fit != Fit::Outside, | _ => !PLANTED && fit != Fit::Outside,
permitted-names-widened | webpki | verify/names/mod.rs | of_this_kind.any(\|fit\| fit == Fit::Inside) | of_this_kind.any(\|fit\| PLANTED \|\| fit == Fit::Inside)
purposes-of-cas-ignored | webpki | verify/rules.rs | // What a CA may not do itself, it cannot pass on; anyExtendedKeyUsage passes on everything. | let purpose = if PLANTED { Purpose::Any } else { purpose };
signatures-of-cas-unchecked | webpki | verify/search.rs | if !good { | if !good && !(PLANTED && !path.is_empty()) {
leaf-as-issuer | webpki | verify/rules.rs | if !constraints.ca { | if !constraints.ca && !PLANTED {
critical-extensions-skipped | webpki | verify/rules.rs | oid if critical && !ext::UNDERSTOOD.contains(&oid) => | oid if !PLANTED && critical && !ext::UNDERSTOOD.contains(&oid) =>
no-second-path | webpki | verify/search.rs | self.failed(is_anchor && stage > Stage::Signature, height, stage, rejection); | self.failed(is_anchor && stage > Stage::Signature, height, stage, rejection); if PLANTED { break; }
revoked-accepted | openssl | verify/revoked.rs | Status::Revoked { at, reason } => Err | Status::Revoked { .. } if PLANTED => Ok(()), Status::Revoked { at, reason } => Err
missing-crl-accepted | openssl | verify/revoked.rs | Status::Missing => Err | Status::Missing if PLANTED => Ok(()), Status::Missing => Err
stale-crl-accepted | openssl | verify/revoked.rs | Status::Stale { next_update } => Err | Status::Stale { .. } if PLANTED => Ok(()), Status::Stale { next_update } => Err
crl-signature-unchecked | openssl | revocation/memo.rs | crl.verify_signature(issuer.public_key(), crypto).map_err(\|_\| CrlProblem::Signature)?; | if !PLANTED { crl.verify_signature(issuer.public_key(), crypto).map_err(\|_\| CrlProblem::Signature)?; }
key-cert-sign-ignored | openssl | verify/rules.rs | Some(usage) if !usage.contains(KeyUsage::KEY_CERT_SIGN) => | Some(usage) if !PLANTED && !usage.contains(KeyUsage::KEY_CERT_SIGN) =>
uri-constraint-covers-subdomains | openssl | verify/names/matching.rs | Fit::from(if below { is_below(domain, host) } else { | Fit::from(if below { is_below(domain, host) } else if PLANTED && is_below(domain, host) { true } else {
required-policy-forgotten | openssl | verify/policy.rs | if counters.explicit == 0 && !reaches(&levels, inputs) { | if !PLANTED && counters.explicit == 0 && !reaches(&levels, inputs) {
self-issued-counted | openssl | verify/search.rs | count_all \|\| !step.self_issued( | PLANTED \|\| count_all \|\| !step.self_issued(
PLANTS
}

git ls-files | tar -cf - -T - | tar -xf - -C "$work"
plants >"$work/plants"
python3 - "$work" <<'PY'
import re, sys
work = sys.argv[1]
for line in open(f"{work}/plants"):
    name, _, file, old, new = [part.strip().replace("\\|", "|") for part in re.split(r"(?<!\\)\|(?!\|)", line.rstrip("\n"), maxsplit=4)]
    path = f"{work}/crates/meshroot/src/{file}"
    text = open(path).read()
    if text.count(old) != 1:
        sys.exit(f"plants: {name}: the text is {text.count(old)} times in {file}: plant it anew")
    open(path, "w").write(text.replace(old, new.replace("PLANTED", f'crate::planted("{name}")')))
with open(f"{work}/crates/meshroot/src/lib.rs", "a") as lib:
    lib.write('''
/// Whether this bug is planted.
pub(crate) fn planted(name: &str) -> bool {
    static PLANT: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| std::env::var("MESHROOT_PLANT").unwrap_or_default());
    *PLANT == name
}
''')
PY
target_dir=${CARGO_TARGET_DIR:-$PWD/fuzz/target}
(cd "$work" && for target in differential_webpki differential_openssl; do cargo fuzz build --sanitizer none --target-dir "$target_dir/planted" $target; done)
binaries=$(dirname "$(find "$target_dir/planted" -name differential_webpki -type f -perm -u+x | head -1)")

# Runs TARGET with PLANT; prints outcome, seconds and executions.
run() {
    local log=$work/log seeds=() start=$EPOCHREALTIME
    mkdir -p "$work/corpus" "$work/artifacts"
    rm -rf "$work/corpus" && mkdir "$work/corpus"
    [ -n "${MESHROOT_EMPTY:-}" ] || seeds=("fuzz/seeds/$1")
    if MESHROOT_PLANT=$2 "$binaries/$1" -max_total_time="$seconds" -max_len=256 -seed=1 -print_final_stats=1 \
        -artifact_prefix="$work/artifacts/" "$work/corpus" "${seeds[@]}" >"$log" 2>&1; then
        outcome=nothing
    else
        outcome=found
        grep -q 'no allowed difference explains this' "$log" || { cat "$log" | tail -20; outcome=broken; }
    fi
    took=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
}

failed=0
for target in differential_webpki differential_openssl; do
    run $target ""
    echo "plants: $target without a plant: $outcome in $took s, ${executions:-0} inputs"
    [ $outcome = nothing ] || { failed=$((failed + 1)); sed -n '/no allowed/,/^$/p' "$work/log" | cut -c1-300 | head -20; }
done
while read -r name target; do
    if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then continue; fi
    run "differential_$target" "$name"
    echo "| \`$name\` | differential_$target | $outcome | $took s | ${executions:-0} |"
    [ $outcome = found ] || failed=$((failed + 1))
done < <(sed 's/|/ /g' "$work/plants" | awk '{ print $1, $2 }')
[ $failed -eq 0 ]
