# shellcheck shell=bash
# For scripts that make a Debian tree of another suite, because a tool is not to be had in this one.
# Sourced. Needs root, for the chroot; the archive is the one that apt uses.

tree_here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

# Ends the script: the tree cannot be made on this machine, and why.
give_up() {
    echo "$1" >&2
    exit 75
}

# make_tree FOLDER SUITE PACKAGES [OPTION...]: whole or not at all; the options are mmdebstrap's.
make_tree() {
    local folder=$1 suite=$2 packages=$3 mirror half=$1.half
    shift 3
    ((EUID == 0)) || give_up "a chroot needs root"
    command -v mmdebstrap >/dev/null || "$tree_here/install.sh" tree || give_up "no mmdebstrap"
    # shellcheck disable=SC2016  # $(SITE) is apt-get's own
    mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -v security |
        sort -u | head -n 1) || true
    [[ -n $mirror ]] || give_up "apt knows no archive"
    rm -rf --one-file-system -- "$half"
    # A Release file may be past its date where the archive is a copy.
    mmdebstrap --quiet --variant=minbase --format=directory \
        --aptopt='APT::Install-Recommends "false"' \
        --aptopt='Acquire::Check-Valid-Until "false"' \
        --include="$packages" "$@" "$suite" "$half" "$mirror" >"$folder.log" 2>&1 ||
        give_up "mmdebstrap failed, see $folder.log"
    rm -rf --one-file-system -- "$folder"
    mv -- "$half" "$folder"
}

# lock_tree FOLDER: two runs must not make the same tree.
lock_tree() {
    mkdir -p -- "$(dirname -- "$1")"
    exec 9>"$1.lock"
    flock 9
}
