#!/usr/bin/env bash
# llama_root.sh FOLDER: a Debian sid tree with llama.cpp in FOLDER, and in it a random model that fits
# turbonav's words. A real llama-server is not to be had on Debian 12 and 13, and needs a newer libc
# than they have. Made once (about half a minute, 300 MB) and kept.
#
# Exit 0: it is there. 75: it cannot be made on this machine; the reason is the last line of standard
# error.
set -euo pipefail

folder=$1
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
model=$here/../e2e/tiny_model.py
# shellcheck source=tests/run/tree.sh
source "$here/tree.sh"

((EUID == 0)) || give_up "a chroot needs root"
lock_tree "$folder"
if [[ ! -x $folder/usr/bin/llama-server ]]; then
    make_tree "$folder" sid llama.cpp,python3-gguf
fi
if ! cmp -s "$model" "$folder/tiny_model.py"; then
    cp -- "$model" "$folder/tiny_model.py.new"
    chroot "$folder" python3 /tiny_model.py.new /model.gguf /projector.gguf >&2 ||
        give_up "the random model could not be written"
    mv -- "$folder/tiny_model.py.new" "$folder/tiny_model.py"
fi
