#!/usr/bin/env bash
# root.sh FOLDER: a Debian 13 tree in FOLDER. turbonav is built in it and boots from it: it has what
# turbonav is built from, systemd, a kernel, and what the modules that Debian does not build are
# built from. Made once (two minutes) and kept until it should have other packages.
#
# Exit 0: it is there. 75: it cannot be made on this machine; the reason is the last line of standard
# error.
set -euo pipefail

folder=$1
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/run/tree.sh
source "$here/../run/tree.sh"

packages=$("$here/../run/install.sh" --list build cache | paste -sd,)
packages+=,systemd-sysv,udev,kmod,python3,libcamera-ipa,libfuse3-dev,busybox-static,cpio
packages+=,linux-image-amd64,linux-headers-amd64,linux-source,make,xz-utils

((EUID == 0)) || give_up "a chroot needs root"
[[ $(dpkg --print-architecture) == amd64 ]] || give_up "the guest is made for amd64"
lock_tree "$folder"
if [[ ! -e $folder/made || $(<"$folder/made") != "$packages" ]]; then
    make_tree "$folder" trixie "$packages"
    printf '%s' "$packages" >"$folder/made"
fi
