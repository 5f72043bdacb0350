"""turbonav built and run in a Debian tree of another suite, for another libcamera.

    tree = Chroot(root, "sid", folder)      # folder: what the tree sees as /test
    tree.build()
    tree.run("/build/agent/cli/turbonav", "camera", "list").stdout

The source is /source there, read-only, and the build is kept in build-camera/SUITE of the checkout.
All mounts are in a namespace that ends with the command.
"""

import os
import re
import subprocess

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/"}

# $0 is the tree; then come the folders for /source, /build, /test and /usr/share/libcamera.
INSIDE = """
set -e
mkdir -p "$0/source" "$0/build" "$0/test" "$0/usr/share/libcamera"
mount -t proc proc "$0/proc"
mount --bind "$1" "$0/source"
mount -o remount,bind,ro "$0/source"
mount --bind "$2" "$0/build"
mount --bind "$3" "$0/test"
mount --bind "$4" "$0/usr/share/libcamera"
root=$0
shift 4
exec chroot "$root" "$@"
"""


class Chroot:
    def __init__(self, root, suite, folder):
        self.root = root
        self.build_folder = os.path.join(HOME, "build-camera", suite)
        self.folder = str(folder)
        self.share = os.path.join(self.folder, "share")
        os.makedirs(self.build_folder, exist_ok=True)
        os.makedirs(self.share, exist_ok=True)

    def command(self, words, env):
        """Variables are set inside: a preloaded library is not there for the shell."""
        return ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child",
                "sh", "-c", INSIDE, self.root, HOME, self.build_folder, self.folder, self.share,
                "env", *[f"{name}={value}" for name, value in (env or {}).items()],
                *map(str, words)]

    def run(self, *words, env=None, timeout=60):
        return subprocess.run(
            self.command(words, env), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            env=ENVIRONMENT, timeout=timeout)

    def start(self, *words, env=None):
        return subprocess.Popen(
            self.command(words, env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)

    def build(self, *targets):
        """A warning about what is compiled differently there fails; the rest of the source is
        another test's, and a newer compiler of sid finds what this one does not."""
        if not os.path.exists(os.path.join(self.build_folder, "build.ninja")):
            done = self.run("meson", "setup", "-Dlibcamera=enabled", "/build",
                            "/source", timeout=120)
            assert done.returncode == 0, done.stdout + done.stderr
        done = self.run("ninja", "-j1", "-C", "/build", *targets, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r"hal/camera/\S+: warning: ", done.stdout) is None, done.stdout
