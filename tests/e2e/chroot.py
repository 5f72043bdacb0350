"""turbonav built and run in a Debian tree of another suite, for another libcamera.

    tree = Chroot(root, "sid", folder)      # folder: what the tree sees as /test
    tree.build()
    tree.run("/build/agent/cli/turbonav", "camera", "list").stdout

The source is /source there, read-only, and the build is kept in build-debian/SUITE of the checkout; how it
gets there is in tests/run/enter.sh.
"""

import os
import re
import subprocess

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/"}


class Chroot:
    def __init__(self, root, suite, folder):
        self.root = root
        self.build_folder = os.path.join(HOME, "build-debian", suite)
        self.folder = str(folder)
        self.share = os.path.join(self.folder, "share")
        os.makedirs(self.build_folder, exist_ok=True)
        os.makedirs(self.share, exist_ok=True)

    def command(self, words, env):
        """Variables are set inside: a preloaded library is not there for the shell."""
        return [f"{HOME}/tests/run/enter.sh", self.root, f"{self.build_folder}:/build",
                f"{self.folder}:/test", f"{self.share}:/usr/share/libcamera", "--",
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
