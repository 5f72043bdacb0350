#!/usr/bin/env bash
# debian_root.sh SUITE FOLDER: a Debian tree of SUITE in FOLDER, with what turbonav is built from and
# what runs its process tests, for another generation of its libraries. SUITE may also be
#
#   arm64    Debian 13 with a compiler for arm64, the libraries of arm64, and qemu-user, which runs
#            what was compiled. Everything else in it is of this machine's architecture.
#
# Made once (half a minute to two), kept, and made again when other packages are wanted.
#
# Exit 0: it is there. 75: it cannot be made on this machine; the reason is the last line of standard
# error.
set -euo pipefail

suite=$1 folder=$2
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/run/tree.sh
source "$here/tree.sh"

((EUID == 0)) || give_up "a chroot needs root"
unshare --mount --propagation private --pid --fork true 2>/dev/null ||
    give_up "this machine has no namespaces for root"
packages=$("$here/install.sh" --list build process cache | paste -sd,)
options=()
if [[ $suite == arm64 ]]; then
    suite=trixie
    packages=$("$here/install.sh" --list build process cache cross | sed -E '
        /^(gcc|g\+\+)$/d
        s/^lib.*-dev$/&:arm64/' | paste -sd,)
    # Some packages of two architectures do not agree about a compressed manual page.
    options=(--architectures="$(dpkg --print-architecture),arm64"
        --dpkgopt='path-exclude=/usr/share/man/*')
fi

lock_tree "$folder"
if [[ ! -e $folder/made ]] || [[ $(<"$folder/made") != "$packages" ]]; then
    make_tree "$folder" "$suite" "$packages" "${options[@]}"
    echo "$packages" >"$folder/made"
fi
