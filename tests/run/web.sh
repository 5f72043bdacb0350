#!/usr/bin/env bash
# web.sh FOLDER: Chromium from Debian, playwright-core and axe-core from the npm registry, the latter two in
# FOLDER. Made once and kept, until other packages are wanted: `made` says which ones are there.
#
# Exit 0: all are there. 75: not on this machine; the reason is the last line of standard error.
set -euo pipefail

folder=$1
packages=(playwright-core@1 axe-core@4)
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
give_up() {
    echo "$1" >&2
    exit 75
}

command -v chromium >/dev/null || "$here/install.sh" browser || give_up "no chromium"
command -v npm >/dev/null || "$here/install.sh" node || give_up "no npm"
mkdir -p -- "$(dirname -- "$folder")"
exec 9>"$folder.lock"
flock 9
if [[ ! -e $folder/made || $(<"$folder/made") != "${packages[*]}" ]]; then
    rm -rf -- "$folder"
    mkdir -- "$folder"
    npm install --silent --prefix "$folder" "${packages[@]}" >"$folder.log" 2>&1 ||
        give_up "npm could not install ${packages[*]}, see $folder.log"
    echo "${packages[*]}" >"$folder/made"
fi
