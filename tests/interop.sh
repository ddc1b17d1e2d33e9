#!/usr/bin/env bash
# Everything that needs more than Rust: real Envoys, OpenSSL, GnuTLS, Go, Java, Istio's own code, zlint, pkilint.
# Installs what it needs below ${MESHROOT_TOOLS:-target/tools}, and fails, never skips, when a part is missing.
#
#   tests/interop.sh            all of it
#   tests/interop.sh oracles    the outside judges alone
#   tests/interop.sh envoy      the two clusters with real proxies alone
#   tests/interop.sh postgres   the PostgreSQL store, and two replicas on one database, alone
#   tests/interop.sh istio      Istio's own agent, client and loader, and a ztunnel-like client, in front of the service, alone
#   tests/interop.sh revocation the service's CRLs, judged by OpenSSL and Envoy, alone
#   tests/interop.sh deploy     the unit for systemd, by systemd's own judgement and by the program's system calls, alone
#   tests/interop.sh scenes     what `doctor` says of whole meshes, beside real handshakes with Envoy, alone
#   tests/interop.sh speed      what the service costs, beside the signatures' floor and nginx, alone: some minutes, best on an idle machine
set -euo pipefail
cd "$(dirname "$0")/.."
export MESHROOT_TOOLS=${MESHROOT_TOOLS:-$PWD/target/tools}
what=${1:-all}
case $what in all | oracles | envoy | istio | postgres | revocation | deploy | scenes | speed) ;; *) echo "usage: tests/interop.sh [oracles|envoy|istio|postgres|revocation|deploy|scenes|speed]" >&2; exit 2 ;; esac
wanted() { [ "$what" = all ] || [ "$what" = "$1" ]; }

need() { # need PROGRAM PACKAGE: installs Debian's package where that is possible
    command -v "$1" >/dev/null && return
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        apt-get install -y --no-install-recommends "$2" >/dev/null || { apt-get update >/dev/null && apt-get install -y --no-install-recommends "$2" >/dev/null; }
    fi
    command -v "$1" >/dev/null || { echo "tests/interop.sh: '$1' is missing: install it (Debian's package: $2)" >&2; exit 2; }
}

need_postgres() { # Debian keeps a server's programs off the path
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || need pg_createcluster postgresql
    need setpriv util-linux
}

need openssl openssl
need curl curl
need python3 python3-venv

# Where cargo puts what it builds.
target=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')

if wanted oracles; then
    need go golang
    need javac default-jdk-headless
    need certtool gnutls-bin
    echo "== outside judges"
    .ci/tools/oracles.sh
    tests/oracles/selftest.sh
    cargo test -p meshroot-tests --features interop --test oracles
    echo "== as others see it"
    cargo test -p meshroot-tests --features interop --test views_real
fi

if wanted postgres; then
    need_postgres
    echo "== the store in PostgreSQL"
    cargo test -p meshroot-store --features interop --test postgres --test postgres_server --test postgres_older_copy
    echo "== two replicas on one database, which die; and on a primary with a standby, which takes over"
    cargo build -p meshroot-cli
    MESHROOT=$target/debug/meshroot cargo test -p meshroot-tests --features interop --test replicas --test failover -- --test-threads 1 --nocapture
fi

if wanted istio; then
    need go golang
    echo "== Istio's clients in front of the service"
    .ci/tools/istio.sh
    .ci/tools/oracles.sh judge
    cargo build -p meshroot-cli
    built=$target/debug/meshroot
    MESHROOT=$built cargo test -p meshroot-tests --features interop --test istio_liar --test istio_cacerts --test istio_citadel --test istio_istiod --test istio_pilot_agent --test istio_ztunnel -- \
        --test-threads=8 # they wait, most of the time
    echo "== two clusters, real proxies, certificates by Istio's agents"
    envoy=$(.ci/tools/envoy.sh)
    MESHROOT=$built ENVOY=$envoy PILOT_AGENT=$MESHROOT_TOOLS/istio/pilot-agent examples/two-clusters/run --agents
fi

if wanted scenes; then
    echo "== doctor's scenes, real handshakes"
    ENVOY=$(.ci/tools/envoy.sh) cargo test -p meshroot-tests --features interop --test scenes_envoy --test scenes_openssl --test doctor_envoy
fi

if wanted envoy; then
    echo "== two clusters, real proxies"
    cargo build --release -p meshroot-cli
    envoy=$(.ci/tools/envoy.sh)
    MESHROOT=$target/release/meshroot ENVOY=$envoy examples/two-clusters/run --all
fi

if wanted revocation; then
    echo "== revocation, as OpenSSL and Envoy see it"
    cargo build -p meshroot-cli
    envoy=$(.ci/tools/envoy.sh)
    MESHROOT=$target/debug/meshroot ENVOY=$envoy tests/revocation.sh
fi

if wanted deploy; then
    need systemd-analyze systemd
    need strace strace
    echo "== the unit for systemd"
    cargo build -p meshroot-cli
    MESHROOT=$target/debug/meshroot examples/deploy/check.sh
fi

if wanted speed; then
    need nginx nginx-light
    need strace strace
    need prlimit util-linux
    need_postgres
    echo "== what the service costs"
    # Both in one build, so that neither is built twice.
    cargo build --release -p meshroot-cli -p meshroot-tests --bin meshroot --bin service_speed
    target=$target/release
    "$target/service_speed" --binary "$target/meshroot" --seconds 4 --rounds 1 --most 20000 --pods 3000 --pods-seconds 15
    "$target/service_speed" --binary "$target/meshroot" --grpc --scenes issuing --seconds 4 --rounds 1 --most 20000
    "$target/service_speed" --binary "$target/meshroot" --postgres --scenes issuing --callers 8,32 --seconds 4 --rounds 1 --most 20000
fi
