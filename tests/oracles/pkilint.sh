#!/usr/bin/env bash
# Runs pkilint_judge.py in the environment that .ci/tools/oracles.sh made: JSON requests in, one JSON answer a line out.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
tools=${MESHROOT_TOOLS:-target/tools}
case $tools in /*) ;; *) tools=$repository/$tools ;; esac
python=$tools/oracles/venv/bin/python
[ -x "$python" ] || { echo "pkilint is not installed below $tools: run .ci/tools/oracles.sh" >&2; exit 1; }
exec "$python" "$repository/tests/oracles/pkilint_judge.py"
