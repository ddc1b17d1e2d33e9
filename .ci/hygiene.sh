#!/usr/bin/env bash
# What must not be in the repository: paths of a machine, stubs, switched-off tests, private addresses in lock files.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0
say() { echo "hygiene: $1"; shift; printf '%s\n' "$@"; failed=1; }

found=$(git grep -nIE '(^|[^A-Za-z0-9_.])/(work|farm|root|home)/[A-Za-z.]' -- . ':!*.lock' ':!.ci/hygiene.sh' | cut -c1-160) && say "paths of a machine" "$found"
found=$(git grep -nE '\b(todo!|unimplemented!)\(|#\[ignore' -- '*.rs' | cut -c1-160) && say "unfinished or switched-off code" "$found"
found=$(git grep -nE '^source = "registry\+' -- '*Cargo.lock' | grep -v 'registry+https://github.com/rust-lang/crates.io-index"' | head -3) && say "a lock file names another registry" "$found"
found=$(git ls-files '*.rs' | xargs wc -l | awk '$2 != "total" && $1 > 600 {print "  " $1 " " $2}') && [ -n "$found" ] && say "files over 600 lines" "$found"
found=$(git ls-files | grep -vE '/|^\.' | grep -vE '^(Cargo\.(toml|lock)|README\.md|LICENSE-(APACHE|MIT))$') && say "strangers at the top level" "$found"
exit $failed
