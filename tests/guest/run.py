#!/usr/bin/python3
"""Runs turbonav in an emulated machine with Debian 13, against the kernel's own interfaces.

    run.py prepare                         makes and builds what is missing
    run.py [--only NAMES] boot             boots it and lets it check itself

NAMES is a regular expression for the names of checks; the first check, which installs, always runs.

`boot` prepares as well. It writes one line for each check in checks/, as the guest does:

    passed NAME
    unsteady NAME: why it failed the first time; it passed when asked again
    failed NAME: why
    skipped NAME: why

Motor board and lidar are played here, outside, on the lines that the guest has as USB adapters: what
comes on the motor's line is seen also while the guest is reset. The guest reads about it in the folder
that both share.

Exit 0: nothing failed. 1: something did. 75: this machine cannot do it, and the last line says why.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
HOME = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HOME, "tests/e2e"))

from car import Car  # noqa: E402  (lies in that folder)
from device_bytes import duties  # noqa: E402

QEMU = "qemu-system-x86_64"
# KVM is not asked for even where it is: what a machine calls so may be another emulator.
MACHINE = ["-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "1024",
           "-nodefaults", "-display", "none", "-device", "virtio-rng-pci", "-device", "i6300esb",
           "-device", "qemu-xhci,id=usb"]
# panic: now and then the emulator runs the breakpoint of a kernel that rewrites itself while it starts
# ("Oops: int3"), before there is a watchdog; it may try again.
# norandmaps: QEMU keeps what it has translated by address. With every process at addresses of its own its buffer
# of 1 GB is full within 65 s, and while it is emptied nothing runs for as long as the brake gives the loop.
KERNEL_OPTIONS = "console=ttyS0 quiet norandmaps panic=1 systemd.firstboot=no systemd.getty_auto=no"


class Impossible(Exception):
    """This machine cannot do it."""


class Hardware(Car):
    """Motor board and lidar, without the safety process: that one is in the guest."""

    def __init__(self, folder, log):
        super().__init__(folder)
        self.log = log
        self.told = 0

    def launch(self):
        pass

    def read_motor(self):
        super().read_motor()
        frames = self.board.frames
        while self.told < len(frames):
            at, function, data = frames[self.told]
            self.told += 1
            if function == 3 and duties(data) is not None:
                self.log.write(f"{at:.3f} {' '.join(f'{duty:g}' for duty in duties(data))}\n")
        self.log.flush()


def run(*command):
    """What ends with 75 cannot be done here; anything else that fails is a failure."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    words = done.stdout.strip().splitlines() or [f"exit code {done.returncode}"]
    if done.returncode == 75:
        raise Impossible(words[-1])
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}")


def need_qemu():
    if shutil.which(QEMU) is None:
        try:
            run(f"{HOME}/tests/run/install.sh", "guest")
        except RuntimeError as error:
            raise Impossible(f"no {QEMU}") from error


def add_settings(stage):
    """What the guest has beside what is installed: its checks, its devices' names, its patience."""
    units = "etc/systemd/system"
    for name, folder in (("guest-checks.service", units),
                         ("patience.conf", f"{units}/turbonav-stop.service.d"),
                         ("zz-watchdog-off.conf", "etc/systemd/system.conf.d"),
                         ("guest.conf", "etc/turbonav/conf.d")):
        os.makedirs(f"{stage}/{folder}", exist_ok=True)
        shutil.copy(f"{HERE}/files/{name}", f"{stage}/{folder}")
    os.mkdir(f"{stage}/{units}/multi-user.target.wants")
    os.symlink("../guest-checks.service", f"{stage}/{units}/multi-user.target.wants/guest-checks.service")
    with open(f"{stage}/etc/machine-id", "w") as file:
        file.write("0123456789abcdef0123456789abcdef\n")  # without, it asks what one asks at a first boot
    os.makedirs(f"{stage}/var", exist_ok=True)
    for folder in ("etc", "var"):  # nothing to update after an installation, which takes a while
        with open(f"{stage}/{folder}/.updated", "w"):
            pass


def prepare(cache, work):
    """The layers of the guest's root: Debian's tree, kernel and modules, what is installed."""
    if os.geteuid() != 0:
        raise Impossible("it is built in a chroot, which needs root")
    need_qemu()
    os.makedirs(work, exist_ok=True)
    root, kernel, stage = f"{cache}/guest-root", f"{cache}/guest-kernel", f"{work}/stage"
    run(f"{HERE}/root.sh", root)
    run(f"{HERE}/modules.sh", root, kernel)
    shutil.rmtree(stage, ignore_errors=True)
    run(f"{HERE}/build.sh", root, f"{work}/build", stage, f"{cache}/ccache")
    add_settings(stage)
    return root, kernel, stage


def machine(layers, folder):
    root, kernel, stage = layers
    shares = {"tree": root, "modules": f"{kernel}/root", "stage": stage, "source": HOME,
              "outside": f"{folder}/outside"}
    command = [QEMU, *MACHINE]
    for tag, path in shares.items():
        writable = "" if tag == "outside" else ",readonly=on"
        command += ["-virtfs", f"local,path={path},mount_tag={tag},security_model=none,"
                               f"multidevs=remap{writable}"]
    command += ["-drive", f"if=none,id=disk,format=raw,cache=unsafe,file={folder}/disk",
                "-device", "virtio-blk-pci,drive=disk"]
    for port, line in ((1, "motor"), (2, "lidar")):
        command += ["-chardev", f"serial,id={line},path={folder}/{line}",
                    "-device", f"usb-serial,bus=usb.0,port={port},chardev={line}"]
    return command + ["-serial", f"file:{folder}/console", "-kernel", f"{kernel}/vmlinuz",
                      "-initrd", f"{kernel}/initrd", "-append", KERNEL_OPTIONS]


def follow(path, process, seconds):
    """Prints what the guest says until it says that it is through. False: it did not."""
    end = time.monotonic() + seconds
    position = 0
    while time.monotonic() < end:
        ended = process.poll() is not None
        with open(path) as file:
            file.seek(position)
            text = file.read()
        for line in text.splitlines(keepends=True):
            if not line.endswith("\n"):
                break
            position += len(line.encode())
            if line == "end\n":
                return True
            print(line, end="", flush=True)
        if ended:
            return False
        time.sleep(0.2)
    return False


def boot(layers, work, seconds, only):
    with tempfile.TemporaryDirectory(prefix="turbonav-guest-") as folder:
        outside = f"{folder}/outside"
        os.mkdir(outside)
        with open(f"{outside}/results", "w"), open(f"{folder}/disk", "wb") as disk:
            disk.truncate(256 << 20)
        with open(f"{outside}/only", "w") as file:
            file.write(only)
        run("/usr/sbin/mkfs.ext4", "-q", f"{folder}/disk")
        with open(f"{outside}/motor", "w") as log, Hardware(folder, log):
            process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *machine(layers, folder)],
                                       stdin=subprocess.DEVNULL)
            try:
                through = follow(f"{outside}/results", process, seconds)
            finally:
                process.kill()
                process.wait()
        for name in ("outside/results", "outside/motor", "outside/journal", "console"):
            if os.path.exists(f"{folder}/{name}"):
                shutil.copy(f"{folder}/{name}", work)
    with open(f"{work}/results") as file:
        failed = any(line.startswith("failed") for line in file)
    if not through:
        print(f"failed the guest: it did not come to its end within {seconds} s", flush=True)
    if failed or not through:
        print_log(work)
    return 1 if failed or not through else 0


def print_log(work):
    for name in ("console", "journal"):
        if os.path.exists(f"{work}/{name}"):
            with open(f"{work}/{name}", errors="replace") as file:
                print(f"--- {name}", *file.read().splitlines()[-150:], sep="\n", flush=True)


def main():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", default=f"{HOME}/build-guest")
    parser.add_argument("--cache", default=os.path.join(cache, "turbonav"))
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--only", default="")
    parser.add_argument("what", choices=("prepare", "boot"))
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        layers = prepare(arguments.cache, arguments.work)
        if arguments.what == "prepare":
            return 0
        return boot(layers, arguments.work, arguments.seconds, arguments.only)
    except Impossible as reason:
        print(f"no guest: {reason}")
        return 75


if __name__ == "__main__":
    sys.exit(main())
