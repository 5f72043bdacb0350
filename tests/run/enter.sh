#!/usr/bin/env bash
# enter.sh TREE [FOLDER:PLACE...] -- COMMAND...: runs COMMAND in a Debian tree that debian_root.sh made.
# The checkout is /source there, read-only, and each FOLDER is where PLACE says. All mounts are in a
# namespace that ends with the command, and so do the processes that it leaves behind.
set -euo pipefail

tree=$1
shift
if [[ $$ != 1 ]]; then
    # It takes no signals while it waits: it has to go with whoever called it.
    exec setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork --kill-child \
        "${BASH_SOURCE[0]}" "$tree" "$@"
fi

place() { # FOLDER PLACE
    mkdir -p -- "$tree$2"
    mount --bind -- "$1" "$tree$2"
}

mount -t proc proc "$tree/proc"
mount -t tmpfs tmpfs "$tree/tmp"
mount -t tmpfs tmpfs "$tree/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,gid=5 devpts "$tree/dev/pts"
place "$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)" /source
mount -o remount,bind,ro "$tree/source"
while [[ $1 != -- ]]; do
    place "${1%%:*}" "${1#*:}"
    shift
done
shift
# The first process of a namespace takes no signals that it does not wait for, and reaps.
exec chroot "$tree" sh -c '"$@"; exit' sh "$@"
