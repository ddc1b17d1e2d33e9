#!/usr/bin/env bash
# Runs every fuzz target for some seconds, seeds first: .ci/fuzz.sh [SECONDS, default 10] [TARGET…, default all]
# Builds cargo-fuzz when it is not there. MESHROOT_SANITIZER=address looks for memory errors of C code, too, and is much
# slower; without a sanitizer more inputs are tried, and our own code has no unsafe in it. MESHROOT_FUZZ_SEED=N tries the same
# inputs every time; without it every run tries others.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-10}
shift || true
tools=${MESHROOT_TOOLS:-target/tools}
.ci/tools/fuzz.sh
PATH=$(cd "$tools" && pwd)/bin:$PATH
sanitizer=${MESHROOT_SANITIZER:-none}
target_dir=${CARGO_TARGET_DIR:-fuzz/target}
# The instrumentation's flags are those of nightly; this lets the stable compiler take them.
export RUSTC_BOOTSTRAP=1 RUSTUP_TOOLCHAIN=${RUSTUP_TOOLCHAIN:-stable}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

if [ $# -eq 0 ]; then
    mapfile -t targets < <(cargo fuzz list)
else
    targets=("$@")
fi
[ ${#targets[@]} -gt 0 ] || { echo "fuzz: no targets were found"; exit 1; }
echo "fuzz: building ${#targets[@]} targets, sanitizer $sanitizer"
cargo fuzz build --sanitizer "$sanitizer" --target-dir "$target_dir"

passed=0
failed=0
for target in "${targets[@]}"; do
    mkdir -p "fuzz/corpus/$target"
    options=(-max_total_time="$seconds" -max_len=8192 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1)
    dictionary=fuzz/dictionaries/$target.dict
    [ -n "${MESHROOT_FUZZ_SEED:-}" ] && options+=(-seed="$MESHROOT_FUZZ_SEED")
    [ -f "$dictionary" ] && options+=(-dict="$dictionary")
    # What is found is kept in the corpus, which belongs to this machine; the seeds belong to everybody.
    if cargo fuzz run --sanitizer "$sanitizer" --target-dir "$target_dir" "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- "${options[@]}" >"$log" 2>&1; then
        passed=$((passed + 1))
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
        echo "fuzz: $target: ${runs:-no} inputs, ${covered:-no} edges covered"
        # A target that runs nothing proves nothing.
        if [ "${runs:-0}" -lt 100 ]; then
            echo "fuzz: $target: fewer than 100 inputs in $seconds seconds"
            passed=$((passed - 1))
            failed=$((failed + 1))
        fi
    else
        failed=$((failed + 1))
        echo "fuzz: $target FAILED:"
        # What was violated, and how to see it again; the input itself is a file.
        grep -A 4 -e "^thread '" -e '^==[0-9]*== *ERROR' "$log" | head -20
        grep -A 1 -e 'Reproduce with' -e 'Test unit written' "$log" | grep -e 'cargo fuzz' -e artifacts || tail -20 "$log"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
