#!/usr/bin/env bash
# camera_root.sh SUITE FOLDER: a Debian tree of SUITE in FOLDER, with what turbonav is built from and
# the libcamera of that suite: 0.4 in trixie, 0.7 in sid. Made once (half a minute to two) and kept.
#
# Exit 0: it is there. 75: it cannot be made on this machine; the reason is the last line of standard
# error.
set -euo pipefail

suite=$1 folder=$2
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/run/tree.sh
source "$here/tree.sh"

packages=$("$here/install.sh" --list build | paste -sd,)

((EUID == 0)) || give_up "a chroot needs root"
lock_tree "$folder"
if [[ ! -e $folder/made ]]; then
    make_tree "$folder" "$suite" "$packages"
    touch "$folder/made"
fi
