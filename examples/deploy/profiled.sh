#!/bin/sh
# Builds the command by a profile of what it does all day: a build that counts, a minute of certificates over HTTP and gRPC and of bundles
# by the benchmark, and a build that uses the counts. The second is what to install where every core counts:
#
#     examples/deploy/profiled.sh            # target/profiled/meshroot
#
# It wants llvm-profdata, as new as the compiler's LLVM: `rustup component add llvm-tools`, or a distribution's, named by LLVM_PROFDATA.
set -eu
cd "$(dirname "$0")/../.."
host=$(rustc -vV | sed -n 's/^host: //p')
profdata=${LLVM_PROFDATA:-$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata}
"$profdata" --version >/dev/null 2>&1 || {
    echo "no llvm-profdata: rustup component add llvm-tools, or LLVM_PROFDATA=/usr/bin/llvm-profdata-NN" >&2
    exit 1
}
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/profiled"
out=$(cd "$target/profiled" && pwd)

# The target is named so that build scripts and macros are not counted.
build() { CARGO_TARGET_DIR="$out/$1" RUSTFLAGS="$2" cargo build --locked --profile dist --target "$host" -p meshroot-cli; }

rm -rf "$out/counts"
build counting "-Cprofile-generate=$out/counts"
cargo build --locked --release -p meshroot-tests --bin service_speed
work() { "$target/release/service_speed" --binary "$out/counting/$host/dist/meshroot" --rounds 1 --seconds 5 --most 20000 "$@"; }
work --scenes issuing --callers 1,8,32
work --scenes issuing --callers 1,8,32 --grpc
work --scenes bundles --without-nginx
"$profdata" merge -o "$out/counts.profdata" "$out/counts"
build built "-Cprofile-use=$out/counts.profdata"
cp "$out/built/$host/dist/meshroot" "$out/meshroot"
echo "$out/meshroot"
