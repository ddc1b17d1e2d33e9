# shellcheck shell=bash
# Starting, asking and stopping Envoys. Every wait here has an end.

envoys=() # process ids of all that run

# No proxy from the environment: everything is on this machine.
fetch() { curl -q --noproxy '*' --globoff --silent --max-time 5 "$@"; }

# start NAME FOLDER: runs FOLDER/NAME.yaml and waits until it serves. Its admin address is then in FOLDER/NAME.admin.
start() {
  local stem=$2/$1 pid tries
  (cd "$work" && exec "$ENVOY" -c "$stem.yaml" --disable-hot-restart --concurrency 1 --log-level warning \
    --file-flush-interval-msec 20 --admin-address-path "$stem.admin") >"$stem.log" 2>&1 &
  pid=$!
  envoys+=("$pid")
  for ((tries = 0; tries < 1000; tries++)); do
    if [ -s "$stem.admin" ] && fetch --fail "$(<"$stem.admin")/ready" >/dev/null; then return; fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.02
  done
  tail -n 5 "$stem.log" >&2
  die "the Envoy $1 did not start; its configuration is $stem.yaml, its log $stem.log"
}

# stop FROM-INDEX: ends every Envoy started after the first FROM-INDEX ones.
stop() {
  local pid tries mine=("${envoys[@]:$1}")
  [ ${#mine[@]} -gt 0 ] || return 0
  kill "${mine[@]}" 2>/dev/null || true
  for pid in "${mine[@]}"; do
    for ((tries = 0; tries < 150; tries++)); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.02
    done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  envoys=("${envoys[@]:0:$1}")
}

# The three below take a STEM: FOLDER/NAME as in `start`.
admin_of() { printf '%s' "$(<"$1.admin")"; }

# Every Envoy has its admin page on the address of its listener.
address_of() {
  local admin
  admin=$(admin_of "$1")
  printf '%s' "${admin%:*}"
}

# port_of STEM: the port that the system gave to its only listener.
port_of() {
  local listener
  listener=$(fetch --fail "$(admin_of "$1")/listeners") || die "no answer from the admin port of $1"
  printf '%s' "${listener##*:}"
}

# ssl_counters STEM PREFIX: its plain `ssl.*` counters that are not zero, as 'name=value name=value'. The counters by cipher, curve and version
# are left out: they count successes again.
ssl_counters() {
  local name value all=0 seen=''
  while IFS=': ' read -r name value; do
    all=$((all + 1))
    [ "$value" = 0 ] || seen+="${seen:+ }${name##*.}=$value"
  done < <(fetch --fail "$(admin_of "$1")/stats?filter=^${2//./\\.}\\.ssl\\.[a-z_]%2B$")
  # Silence must not look like zeros: Envoy has at least seven of them from the start.
  if [ "$all" -ge 7 ]; then printf '%s' "$seen"; else printf 'only %s counters found' "$all"; fi
}

# counter STEM NAME: one counter's value, or `absent`.
counter() {
  local name value
  while IFS=': ' read -r name value; do
    if [ "$name" = "$2" ]; then
      printf '%s' "$value"
      return
    fi
  done < <(fetch --fail "$(admin_of "$1")/stats?filter=^${2//./\\.}$")
  printf absent
}

# logged STEM EVENT: the first line that the Envoy wrote for EVENT, without that word; empty when there is none after three seconds.
logged() {
  local line tries
  for ((tries = 0; tries < 150; tries++)); do
    if [ -r "$1.access" ]; then
      while IFS= read -r line; do
        case $line in
          "$2 "*)
            printf '%s' "${line#"$2" }"
            return
            ;;
        esac
      done <"$1.access"
    fi
    sleep 0.02
  done
}
