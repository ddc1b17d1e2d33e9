#!/usr/bin/env bash
# Builds Istio's programs that tests/istio tries the service with: the real pilot-agent, and `citadel`, Istio's own client behind a line of JSON.
# They end in ${MESHROOT_TOOLS:-target/tools}/istio. A second run changes nothing and takes a moment. Needs Go; what it fetches is pinned in go.sum.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
cd "$repository"
tools=${MESHROOT_TOOLS:-target/tools}/istio
sources=tests/istio/go
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)
say() { echo "istio: $*"; }
stamp_is() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }
command -v go >/dev/null || { say "needs go, which is not on the path"; exit 1; }

# build PROGRAM PACKAGE STAMP
build() {
    if [ -x "$tools/$1" ] && stamp_is "$tools/$1.stamp" "$3"; then
        say "$1 is up to date"
        return
    fi
    say "building $1 (a minute or two the first time)"
    # Without cgo: nothing here resolves names or users, and a C compiler is then not needed.
    (cd "$sources" && CGO_ENABLED=0 GOFLAGS='-mod=readonly -trimpath -buildvcs=false' go build -ldflags='-s -w' -o "$tools/$1.new" "$2")
    mv "$tools/$1.new" "$tools/$1"
    echo "$3" >"$tools/$1.stamp"
    say "$1 is built"
}

pinned=$( (go env GOVERSION; cat "$sources"/go.mod "$sources"/go.sum) | sha256sum)
build pilot-agent istio.io/istio/pilot/cmd/pilot-agent "$pinned"
build citadel . "$( (echo "$pinned"; cat "$sources"/*.go tests/lines/*) | sha256sum)"
