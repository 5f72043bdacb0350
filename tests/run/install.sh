#!/usr/bin/env bash
# install.sh PURPOSE...: makes sure that the Debian packages for each purpose are there. Debian 12
# and 13 and Raspberry Pi OS name all of them alike. Writes to standard error only.
#
# install.sh --list PURPOSE...: writes their names to standard output instead, one a line.
#
# Exit 0: everything is there, or this is no Debian and the person was told what is needed. 69:
# apt-get failed. 77: something is missing and there is neither root nor sudo.
set -euo pipefail

declare -A packages=(
    # cmocka is here because the unit tests are part of the build.
    # g++ is there for the one file that talks to libcamera.
    [build]='meson ninja-build gcc g++ libc6-dev pkgconf python3 libcurl4-openssl-dev libcjson-dev
        libturbojpeg0-dev libmicrohttpd-dev libinih-dev libgpiod-dev libpng-dev libcmocka-dev
        libcamera-dev'
    [process]='python3-pytest groff-base udev' # the process tests, of manual pages and rules too
    # Compiles for arm64 on another machine, and runs what comes of it.
    [cross]='gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user'
    # libclang-rt-dev: sanitizers and libFuzzer; llvm: llvm-symbolizer, which names the lines in
    # their reports. The rest is what the tests of the lint run.
    [test]='clang libclang-rt-dev llvm clang-format-19 cppcheck'
    [lint]='python3 git clang-format-19 cppcheck shellcheck'
    [cache]='ccache' # of what was compiled
    [bench]='python3'
    [tree]='mmdebstrap'
    [browser]='chromium'
    [node]='nodejs npm'
    # e2fsprogs: its disk.
    [guest]='qemu-system-x86 e2fsprogs'
)

only_list=false
if [[ ${1-} == --list ]]; then
    only_list=true
    shift
fi

wanted=()
for purpose in "$@"; do
    # shellcheck disable=SC2206  # split into words on purpose
    wanted+=(${packages[$purpose]})
done
if $only_list; then
    printf '%s\n' "${wanted[@]}"
    exit 0
fi

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    echo "run: this is no Debian, so nothing is installed; needed are (by their Debian names):" \
        "${wanted[*]}" >&2
    exit 0
fi

declare -A installed=()
while read -r package status; do
    if [[ $status == installed ]]; then
        installed[$package]=yes
    fi
done < <(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null)

missing=()
for package in "${wanted[@]}"; do
    if [[ -z ${installed[$package]-} ]]; then
        missing+=("$package")
        installed[$package]=asked
    fi
done
if ((${#missing[@]} == 0)); then
    exit 0
fi

options=(-qq -y --no-install-recommends -o DPkg::Lock::Timeout=600)
if ((EUID == 0)); then
    as_root=()
elif ! command -v sudo >/dev/null; then
    as_root=(false)
elif [[ -t 0 ]]; then
    as_root=(sudo) # may ask for the password
else
    as_root=(sudo -n)
fi
# Everything that sudo has to allow is `env ... apt-get ...`.
as_root+=(env DEBIAN_FRONTEND=noninteractive)

if ((EUID != 0)) && ! "${as_root[@]}" true 2>/dev/null; then
    echo "run: missing packages; please run: sudo apt-get update &&" \
        "sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 77
fi

echo "run: installing ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f -- "$log"' EXIT
apt_get() {
    "${as_root[@]}" apt-get "${options[@]}" "$@" >>"$log" 2>&1 </dev/null
}
# One unreachable archive of many fails the update, but not an install that works without it.
apt_get update || echo "apt-get update failed" >>"$log"
if ! apt_get install "${missing[@]}"; then
    cat "$log" >&2
    echo "run: apt-get could not install ${missing[*]}" >&2
    exit 69
fi
