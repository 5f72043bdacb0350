#!/usr/bin/env bash
# web.sh FOLDER: Chromium from Debian and playwright-core from the npm registry, the latter in FOLDER.
# Made once and kept.
#
# Exit 0: both are there. 75: not on this machine; the reason is the last line of standard error.
set -euo pipefail

folder=$1
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
if [[ ! -e $folder/made ]]; then
    rm -rf -- "$folder"
    mkdir -- "$folder"
    npm install --silent --prefix "$folder" playwright-core@1 >"$folder.log" 2>&1 ||
        give_up "npm could not install playwright-core, see $folder.log"
    touch "$folder/made"
fi
