#!/usr/bin/env bash
# Runs every fuzz target for some seconds, seeds first: .ci/fuzz.sh [SECONDS, default 10] [TARGET…, default all]
# Builds cargo-fuzz when it is not there. MESHROOT_SANITIZER=address looks for memory errors of C code, too, and is much
# slower; without a sanitizer more inputs are tried, and our own code has no unsafe in it.
#
# Without MESHROOT_FUZZ_SEED every run tries other inputs, and keeps what it finds useful in fuzz/corpus. MESHROOT_FUZZ_SEED=N starts
# from the seeds alone, in one order, draws the same numbers, and ends after as many inputs as fuzz/rates has for the seconds: a faster
# machine goes no further than somebody has looked. What a target draws itself (keys, the order of hash maps) still makes runs differ.
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

if [ $# -eq 0 ]; then
    mapfile -t targets < <(cargo fuzz list)
else
    targets=("$@")
fi
[ ${#targets[@]} -gt 0 ] || { echo "fuzz: no targets were found"; exit 1; }
echo "fuzz: building ${#targets[@]} targets, sanitizer $sanitizer"
cargo fuzz build --sanitizer "$sanitizer" --target-dir "$target_dir"

work=$(mktemp -d)
log=$work/log
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
for target in "${targets[@]}"; do
    # A machine that stands still for a moment is no finding: so a single input has a minute.
    options=(-max_total_time="$seconds" -max_len=8192 -timeout=60 -rss_limit_mb=2048 -print_final_stats=1)
    dictionary=fuzz/dictionaries/$target.dict
    [ -f "$dictionary" ] && options+=(-dict="$dictionary")
    least=100
    if [ -n "${MESHROOT_FUZZ_SEED:-}" ]; then
        rate=$(awk -v target="$target" '$1 == target { print $2 }' fuzz/rates)
        [ -n "$rate" ] || { echo "fuzz: $target: fuzz/rates does not know it"; failed=$((failed + 1)); continue; }
        # In the order of their names: a file system has its own.
        find "$PWD/fuzz/seeds/$target" -type f | LC_ALL=C sort | paste -sd, | tr -d '\n' >"$work/seeds"
        mkdir "$work/$target"
        options+=(-seed="$MESHROOT_FUZZ_SEED" -runs=$((rate * seconds)) -seed_inputs="@$work/seeds")
        inputs=("$work/$target")
        # A fiftieth of that: slower than any machine, unless something hangs.
        [ $((rate * seconds / 50)) -le $least ] || least=$((rate * seconds / 50))
    else
        # What is found is kept in the corpus, which belongs to this machine; the seeds belong to everybody.
        mkdir -p "fuzz/corpus/$target"
        inputs=("fuzz/corpus/$target" "fuzz/seeds/$target")
    fi
    if cargo fuzz run --sanitizer "$sanitizer" --target-dir "$target_dir" "$target" "${inputs[@]}" -- "${options[@]}" >"$log" 2>&1; then
        passed=$((passed + 1))
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
        echo "fuzz: $target: ${runs:-no} inputs, ${covered:-no} edges covered"
        # A target that runs nothing proves nothing.
        if [ "${runs:-0}" -lt "$least" ]; then
            echo "fuzz: $target: fewer than $least inputs in $seconds seconds"
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
