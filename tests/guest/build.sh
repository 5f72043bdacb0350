#!/usr/bin/env bash
# build.sh ROOT BUILD STAGE COMPILED: builds turbonav in the Debian tree ROOT, keeps the build in BUILD
# and for ccache in COMPILED, and installs it, as README.md says, below STAGE. The simulated I2C bus is
# installed beside it.
set -euo pipefail

root=$1 build=$2 stage=$3 compiled=$4
source=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)

# The tests are not built: these are the programs that are installed.
programs='turbonav-safety agent/turbonav-agent agent/cli/turbonav'
programs+=' vlm/standin/turbonav-standin hal/sim/turbonav-sim'
inside="set -e
export CCACHE_DIR=/ccache CCACHE_COMPILERCHECK=content CCACHE_MAXSIZE=2G CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1
[ -e /build/build.ninja ] ||
    meson setup -Dbuildtype=release -Dwerror=true -Dprefix=/usr -Dlibcamera=enabled /build /source
ninja -C /build $programs
DESTDIR=/stage meson install -C /build --no-rebuild
gcc -O2 -Wall -Wextra -o /stage/usr/lib/turbonav-i2cbus /source/tests/guest/i2cbus.c \
    \$(pkg-config --cflags --libs fuse3)"

mkdir -p "$build" "$stage" "$compiled" "$root"/{source,build,stage,ccache}
# Nothing is mounted but what is gone with the command.
# shellcheck disable=SC2016  # for the inner shell
exec unshare --mount --propagation private sh -ec 'mount -t proc proc "$0/proc"
    mount --bind "$1" "$0/source"
    mount -o remount,bind,ro "$0/source"
    mount --bind "$2" "$0/build"
    mount --bind "$3" "$0/stage"
    mount --bind "$4" "$0/ccache"
    exec chroot "$0" sh -c "$5"' "$root" "$source" "$build" "$stage" "$compiled" "$inside"
