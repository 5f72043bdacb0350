#!/usr/bin/env bash
# bench.sh [OPTION...]: measures a build at -O2, as Debian builds its packages; the options go to
# tests/bench/bench.py.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build-bench

"$root/tests/run/build.sh" "$build" --buildtype=release --optimization=2 >&2
exec /usr/bin/python3 "$root/tests/bench/bench.py" --build "$build" "$@"
