#!/usr/bin/env bash
# cbmc_root.sh FOLDER: a Debian 13 tree with CBMC in FOLDER, for Debian 12, which has no CBMC. Made
# once (about half a minute, 400 MB) and kept.
#
# Exit 0: it is there. 75: it cannot be made on this machine; the reason is the last line of standard
# error.
set -euo pipefail

folder=$1
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/run/tree.sh
source "$here/tree.sh"

((EUID == 0)) || give_up "a chroot needs root"
lock_tree "$folder"
if [[ ! -x $folder/usr/bin/cbmc || ! -e $folder/usr/include/stdint.h ]]; then
    make_tree "$folder" trixie cbmc,libc6-dev
fi
