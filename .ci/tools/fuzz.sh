#!/usr/bin/env bash
# Builds cargo-fuzz into ${MESHROOT_TOOLS:-target/tools}/bin, and installs OpenSSL's headers, which differential_openssl
# links with, where they are missing (Debian and Ubuntu; as root or with sudo). A second run changes nothing and takes a moment.
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

if pkg-config --exists openssl 2>/dev/null; then
    echo "fuzz: OpenSSL's headers are there ($(pkg-config --modversion openssl))"
else
    echo "fuzz: installing libssl-dev and pkg-config"
    command -v apt-get >/dev/null || { echo "fuzz: install OpenSSL 3's headers and pkg-config, then run this again"; exit 1; }
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq libssl-dev pkg-config >/dev/null
fi
