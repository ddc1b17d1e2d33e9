#!/usr/bin/env bash
# Builds the outside judges of tests/oracles: the Go program `judge`, the Java one, and a Python environment with pkilint.
# They end in ${MESHROOT_TOOLS:-target/tools}/oracles. A second run changes nothing and takes a moment. `oracles.sh judge` builds the first alone.
# Needs Go, a JDK of 17 or later, and Python 3.10 or later with venv; what each asks for is pinned in go.sum and requirements.txt.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
cd "$repository"
tools=${MESHROOT_TOOLS:-target/tools}/oracles
sources=tests/oracles
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)
say() { echo "oracles: $*"; }
need() { command -v "$1" >/dev/null || { say "needs $1, which is not on the path"; exit 1; }; }
stamp_is() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

need go
want=$( (go env GOVERSION; cat "$sources"/go/*.go "$sources"/go/go.mod "$sources"/go/go.sum tests/lines/*) | sha256sum)
if [ -x "$tools/judge" ] && stamp_is "$tools/judge.stamp" "$want"; then
    say "judge is up to date"
else
    say "building judge (half a minute the first time)"
    # Without cgo: nothing here resolves names or users, and a C compiler is then not needed.
    (cd "$sources/go" && CGO_ENABLED=0 GOFLAGS='-mod=readonly -trimpath -buildvcs=false' go build -ldflags='-s -w' -o "$tools/judge.new" .)
    mv "$tools/judge.new" "$tools/judge"
    echo "$want" >"$tools/judge.stamp"
    say "judge is built"
fi

[ "${1:-all}" = all ] || exit 0

need javac
want=$( (javac -version; cat "$sources/java/Judge.java") 2>&1 | sha256sum)
if [ -f "$tools/java/Judge.class" ] && stamp_is "$tools/java.stamp" "$want"; then
    say "the Java judge is up to date"
else
    say "building the Java judge"
    javac -d "$tools/java" "$sources/java/Judge.java"
    echo "$want" >"$tools/java.stamp"
fi

need python3
want=$( (python3 --version; cat "$sources/requirements.txt"; echo "$tools") | sha256sum)
if [ -x "$tools/venv/bin/python" ] && stamp_is "$tools/venv.stamp" "$want"; then
    say "pkilint is up to date"
else
    say "installing pkilint"
    rm -rf "$tools/venv"
    python3 -m venv "$tools/venv"
    "$tools/venv/bin/pip" install --quiet --disable-pip-version-check -r "$sources/requirements.txt"
    echo "$want" >"$tools/venv.stamp"
    say "pkilint is installed"
fi
