#!/usr/bin/env bash
# modules.sh ROOT FOLDER: the kernel of the Debian tree ROOT, a first file system and the few modules
# that the guest wants, in FOLDER. Kept until the kernel or one of the files that it is made by is
# another one.
#
# Exit 0: it is there. 75: it cannot be made; the reason is the last line of standard error.
set -euo pipefail

root=$1 folder=$2
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/run/tree.sh
source "$here/../run/tree.sh"

version=$(basename -- "$root"/usr/lib/modules/*)
stamp=$(cd -- "$here" && sha256sum modules.sh modules_inside.sh files/init)$version
lock_tree "$folder"
if [[ -e $folder/made && $(<"$folder/made") == "$stamp" ]]; then
    exit 0
fi
rm -rf --one-file-system -- "$folder"
mkdir -p "$folder" "$root/modules"
cp "$here"/{modules_inside.sh,files/init} "$folder"
# Nothing is mounted but what is gone with the command.
# shellcheck disable=SC2016  # for the inner shell
unshare --mount --propagation private sh -c 'mount -t proc proc "$0/proc" &&
    mount --bind "$1" "$0/modules" && exec chroot "$0" sh /modules/modules_inside.sh "$2"' \
    "$root" "$folder" "$version" >"$folder.log" 2>&1 </dev/null ||
    give_up "the kernel's modules could not be made, see $folder.log"
printf '%s' "$stamp" >"$folder/made"
