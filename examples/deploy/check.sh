#!/usr/bin/env bash
# Holds the unit to what systemd itself says of it, to how little it may be exposed, and to the system calls that the program
# makes: MESHROOT names it. Needs systemd-analyze and strace (Debian's packages systemd and strace).
set -euo pipefail
cd "$(dirname "$0")"
: "${MESHROOT:?name the program, as an absolute path}"
work=$(mktemp -d)
running=
trap '[ -z "$running" ] || kill "$running"; rm -rf "$work"' EXIT

# The program need not be installed where the unit will find it.
sed "s|^ExecStart=/usr/bin/meshroot|ExecStart=$MESHROOT|; /^Documentation=/d" meshroot.service >"$work/meshroot.service"
said=$(systemd-analyze verify --man=no "$work/meshroot.service" 2>&1 | grep -F meshroot.service || true)
[ -z "$said" ] || { echo "$said" >&2; exit 1; }

# 0 is as safe as it gets, 10 is not safe at all; units without any of these settings have 9.6.
exposure=$(systemd-analyze security --offline=true --threshold=15 --no-pager "$work/meshroot.service" | tail -1)
echo "$exposure"

# What the unit forbids answers EPERM; the program must not need any of it, from its start over a request to its end.
calls() { systemd-analyze syscall-filter "$1" | grep -oE '^    [a-z0-9_]+' | tr -d ' ' || true; }
sets() { # The calls of a set, and of the sets in it.
    calls "$1"
    for inner in $(systemd-analyze syscall-filter "$1" | grep -oE '^    @[a-z-]+' | tr -d ' '); do sets "$inner"; done
}
sets @system-service | sort -u >"$work/allowed"
{ sets @privileged; sets @resources; } | sort -u >"$work/forbidden"
# As somebody without privileges, as under the unit: SQLite calls more as root.
install -m 755 "$MESHROOT" "$work/meshroot"
as=()
if [ "$(id -u)" = 0 ]; then chown -R nobody "$work"; as=(setpriv --reuid nobody --regid nogroup --clear-groups --); fi
meshroot() { "${as[@]}" "$work/meshroot" "$@"; }
meshroot quickstart west --trust-domain mesh.example --out "$work/mesh" >"$work/made"
MESHROOT_SERVE_LISTEN_ADDRESS=127.0.0.1:0 MESHROOT_SERVE_HEALTH_ADDRESS=127.0.0.1:0 \
    "${as[@]}" strace -f -qq -o "$work/trace" "$work/meshroot" serve --store "$work/mesh" >"$work/serving" 2>"$work/log" &
tracer=$!
for _ in $(seq 300); do grep -q '^serving ' "$work/serving" && break; sleep 0.1; done
meshroot token create --store "$work/mesh" --cluster west --id spiffe://mesh.example/ns/shop/sa/cart >"$work/token"
# The traced process is strace's child.
running=$(ps -o pid= --ppid "$tracer" | head -1)
server=$(sed -E 's|serving (https://[^,]*),.*|\1|' "$work/serving")
meshroot agent --once --server "$server" --ca "$work/mesh/root-cert.pem" --token-file "$work/token" --out "$work/cart" >"$work/agent"
kill -TERM "$running"
wait "$tracer"
running=
grep -oE '^[0-9]+ +[a-z0-9_]+\(' "$work/trace" | sed -E 's/^[0-9]+ +//; s/\($//' | sort -u >"$work/made-calls"
[ "$(wc -l <"$work/made-calls")" -gt 20 ] || { echo "hardly any system call was seen" >&2; exit 1; }
# execve is systemd's own, before the filter holds.
bad=$({ comm -23 "$work/made-calls" "$work/allowed"; comm -12 "$work/made-calls" "$work/forbidden"; } | sort -u | grep -vx execve || true)
[ -z "$bad" ] || { echo "the unit forbids system calls that the program makes: $bad" >&2; exit 1; }
echo "all $(wc -l <"$work/made-calls") system calls that the program makes are allowed"
