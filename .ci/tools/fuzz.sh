#!/usr/bin/env bash
# Builds cargo-fuzz into ${MESHROOT_TOOLS:-target/tools}/bin. A second run changes nothing and takes a moment.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=0.13.1
tools=${MESHROOT_TOOLS:-target/tools}
if [ "$("$tools/bin/cargo-fuzz" --version 2>/dev/null)" = "cargo-fuzz $version" ]; then
    echo "fuzz: cargo-fuzz $version is there"
else
    echo "fuzz: building cargo-fuzz $version (a minute the first time)"
    cargo install cargo-fuzz --locked --version "$version" --root "$tools"
fi
