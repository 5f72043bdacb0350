#!/usr/bin/env bash
# build.sh DIR [MESON-OPTION...]: sets DIR up once, later only when the options or the tools are
# others, and builds, through ccache where it is installed. On success one line, and the compiler's warnings if there are any.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
dir=$1
shift
start=$SECONDS

if command -v ccache >/dev/null; then
    export CC="ccache ${CC:-cc}" CXX="ccache ${CXX:-c++}"
fi
mkdir -p -- "$dir"
dir=$(cd -- "$dir" && pwd)
# Two builds in one folder at the same time break each other.
exec 9<"$dir"
flock 9

log=$(mktemp) # not in there, where --wipe would take it
trap 'rm -f -- "$log"' EXIT
# shellcheck disable=SC2086  # CC and CXX may be several words
tools="meson $(meson --version), $(${CC:-cc} --version | head -n 1), $(
    ${CXX:-c++} --version 2>/dev/null | head -n 1 || true)"
options=$(printf '%s\n' "$@")

remembers() { # FILE TEXT
    [[ -e $1 && $(<"$1") == "$2" ]]
}

configure() {
    if [[ ! -e $dir/build.ninja ]]; then
        # What an interrupted set-up leaves behind makes meson think that all is done.
        rm -rf -- "$dir/meson-private"
        meson setup "$dir" "$root" "$@"
    elif ! remembers "$dir/.run-tools" "$tools"; then
        meson setup --wipe "$dir" "$root" "$@"
    elif (($# > 0)) && ! remembers "$dir/.run-options" "$options"; then
        meson configure "$dir" "$@"
    fi || return
    printf '%s\n' "$tools" >"$dir/.run-tools"
    if (($# > 0)); then
        printf '%s\n' "$options" >"$dir/.run-options"
    fi
}

if ! { configure "$@" && ninja -C "$dir"; } >"$log" 2>&1 </dev/null; then
    cat -- "$log" >&2
    echo "build: failed in $dir" >&2
    exit 1
fi
grep -E '^[^ ]+:[0-9]+:[0-9]+: warning: ' -- "$log" >&2 || true
echo "build: $dir is up to date ($((SECONDS - start)) s)"
