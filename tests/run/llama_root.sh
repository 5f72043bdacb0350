#!/usr/bin/env bash
# llama_root.sh FOLDER: a Debian sid tree with llama.cpp in FOLDER, and in it a random model that fits
# turbonav's words. A real llama-server is not to be had on Debian 12 and 13, and needs a newer libc
# than they have. Made once (about half a minute, 300 MB) and kept.
#
# Exit 0: it is there. 75: it cannot be made on this machine; the reason is the last line of standard
# error. Needs root, for the chroot. The archive is the one that apt uses.
set -euo pipefail

folder=$1
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
model=$here/../e2e/tiny_model.py

give_up() {
    echo "$1" >&2
    exit 75
}

if ((EUID != 0)); then
    give_up "a chroot needs root"
fi

make_tree() {
    local mirror half=$folder.half
    command -v mmdebstrap >/dev/null || "$here/install.sh" llama || give_up "no mmdebstrap"
    # shellcheck disable=SC2016  # $(SITE) is apt-get's own
    mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -v security |
        sort -u | head -n 1)
    [[ -n $mirror ]] || give_up "apt knows no archive"
    rm -rf --one-file-system -- "$half"
    mkdir -p -- "$(dirname -- "$folder")"
    # sid's Release file may be past its date where the archive is a copy.
    mmdebstrap --quiet --variant=minbase --format=directory \
        --aptopt='APT::Install-Recommends "false"' \
        --aptopt='Acquire::Check-Valid-Until "false"' \
        --include=llama.cpp,python3-gguf sid "$half" "$mirror" >"$folder.log" 2>&1 ||
        give_up "mmdebstrap failed, see $folder.log"
    rm -rf --one-file-system -- "$folder"
    mv -- "$half" "$folder"
}

mkdir -p -- "$(dirname -- "$folder")"
exec 9>"$folder.lock"
flock 9
if [[ ! -x $folder/usr/bin/llama-server ]]; then
    make_tree
fi
if ! cmp -s "$model" "$folder/tiny_model.py"; then
    cp -- "$model" "$folder/tiny_model.py.new"
    chroot "$folder" python3 /tiny_model.py.new /model.gguf /projector.gguf >&2 ||
        give_up "the random model could not be written"
    mv -- "$folder/tiny_model.py.new" "$folder/tiny_model.py"
fi
