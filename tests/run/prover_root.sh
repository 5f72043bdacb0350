#!/usr/bin/env bash
# prover_root.sh NAME FOLDER: a Debian tree with a prover in FOLDER. Made once (half a minute to
# two) and kept.
#
#   cbmc     CBMC, from Debian 13; Debian 12 has none
#   frama-c  Frama-C with the solvers Z3 and CVC4, from Debian 12; Debian 13 has none
#
# Exit 0: it is there. 75: it cannot be made on this machine; the reason is the last line of standard
# error.
set -euo pipefail

name=$1 folder=$2
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/run/tree.sh
source "$here/tree.sh"

((EUID == 0)) || give_up "a chroot needs root"
lock_tree "$folder"
if [[ -e $folder/made ]]; then
    exit 0
fi
case $name in
cbmc) make_tree "$folder" trixie cbmc,libc6-dev ;;
frama-c) make_tree "$folder" bookworm frama-c-base,why3,z3,cvc4,libc6-dev ;;
*) give_up "no prover is called $name" ;;
esac
if [[ $name == frama-c ]]; then
    chroot "$folder" env HOME=/root why3 config detect >>"$folder.log" 2>&1 ||
        give_up "why3 finds no solver, see $folder.log"
fi
touch "$folder/made"
