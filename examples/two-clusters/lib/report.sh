# shellcheck shell=bash
# What a person sees: colours on a terminal, plain text in a pipe, and the count of checks.

passed=0
failed=0

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
  bold='' dim='' red='' green='' plain=''
fi

heading() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
detail() { printf '       %s%-10s%s %s\n' "$dim" "$1" "$plain" "$2"; }

# A check is a title, the details seen on the way, and the complaints: facts that were not as expected. No complaint, it passed.
complaints=()
details=()

begin_check() { complaints=() details=(); }
note() { details+=("$1|$2"); }
complain() { complaints+=("$1"); }

# expect WHAT SEEN EXPECTED: the two must be equal.
expect() {
  [ "$2" = "$3" ] || complain "$1: expected '$3', saw '$2'"
}

# expect_text WHAT SEEN PART: the part must occur in what was seen.
expect_text() {
  case $2 in
    *"$3"*) ;;
    *) complain "$1: expected a text with '$3', saw '$2'" ;;
  esac
}

end_check() { # TITLE
  local line
  if [ ${#complaints[@]} -eq 0 ]; then
    passed=$((passed + 1))
    printf '  %sok%s   %s\n' "$green" "$plain" "$1"
  else
    failed=$((failed + 1))
    printf '  %sFAIL%s %s\n' "$red$bold" "$plain" "$1"
  fi
  for line in ${details[@]+"${details[@]}"}; do
    detail "${line%%|*}" "${line#*|}"
  done
  for line in ${complaints[@]+"${complaints[@]}"}; do
    printf '       %s%s%s\n' "$red" "$line" "$plain"
  done
}

# die MESSAGE: what makes going on pointless.
die() {
  printf '%srun: %s%s\n' "$red" "$1" "$plain" >&2
  exit 2
}
