"""What the checks have in common: the units, the motor's line, pins, the bus, and somebody who drives."""

import os
import re
import struct
import subprocess
import sys
import threading
import time

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
sys.path.insert(0, f"{SOURCE}/tests/e2e")

from car import HELLO, Agent  # noqa: E402  (lies in that folder)

OUTSIDE = "/outside"
SAFETY, AGENT, STOP = "turbonav-safety", "turbonav-agent", "turbonav-stop"
SOCKET = "/run/turbonav/safety.sock"
LATCH = "/run/turbonav/estop"
ESTOP_KEY, START_KEY, LIGHT1, LIGHT2, TRIGGER, ECHO = 13, 23, 16, 26, 22, 24
WATCHDOG_OFF = "/etc/systemd/system.conf.d/zz-watchdog-off.conf"
NO_DISTANCE = -1  # of the sonar in a verdict: a fault


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def expect(condition, words):
    if not condition:
        raise Failed(words)


def wait(condition, words, seconds=20.0):
    """Until it is so; what it was then."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        expect(time.monotonic() < end, f"not within {seconds:g} s: {words() if callable(words) else words}")
        time.sleep(0.05)


def run(*command, seconds=30):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=seconds)


def do(*command, seconds=30):
    done = run(*command, seconds=seconds)
    expect(done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}".strip())
    return done.stdout


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def read(path):
    with open(path) as file:
        return file.read()


def keep_journal():
    """It is lost with a reset."""
    with open(f"{OUTSIDE}/journal", "a") as file:
        file.write(run("journalctl", "--no-pager", "-o", "short-monotonic").stdout)


# Units


def show(unit, *names):
    out = do("systemctl", "show", unit, *[f"--property={name}" for name in names])
    values = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
    return values[names[0]] if len(names) == 1 else [values[name] for name in names]


def wait_systemd():
    """It hears nobody for a while when it was told to execute itself again."""
    wait(lambda: run("systemctl", "show", "--property=Version").returncode == 0, "systemd answers")


def main_pid():
    return int(show(SAFETY, "MainPID"))


def is_ready():
    state, text = show(SAFETY, "ActiveState", "StatusText")
    return state == "active" and text.startswith("ready")


def wait_ready():
    wait(is_ready, lambda: f"ready; {show(SAFETY, 'ActiveState', 'StatusText')}", 40)


def start_safety():
    """Also when it has died for good, and when it runs."""
    run("systemctl", "reset-failed", SAFETY)
    do("systemctl", "start", SAFETY)


def restart_safety():
    do("systemctl", "restart", SAFETY)
    wait_ready()


class Setting:
    """A file of configuration for a while, for the program or for the unit."""

    def __init__(self, path, text):
        self.path, self.text = path, text

    def __enter__(self):
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        write(self.path, self.text)
        return self

    def __exit__(self, *_):
        os.unlink(self.path)


def configured(text):
    return Setting("/etc/turbonav/conf.d/zz-check.conf", text)


class DropIn(Setting):
    def __init__(self, text):
        super().__init__(f"/run/systemd/system/{SAFETY}.service.d/check.conf", text)

    def __enter__(self):
        super().__enter__()
        do("systemctl", "daemon-reload")
        return self

    def __exit__(self, *_):
        super().__exit__()
        do("systemctl", "daemon-reload")


# The motor's line, as the board outside saw it


class Motor:
    """The duties that came since this was made. The clock is the one outside."""

    def __init__(self):
        self.fd = os.open(f"{OUTSIDE}/motor", os.O_RDONLY)
        os.lseek(self.fd, 0, os.SEEK_END)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def news(self):
        while True:
            data = os.read(self.fd, 65536)
            if not data:
                break
            self.rest += data
        *lines, self.rest = self.rest.split(b"\n")
        rows = [line.split() for line in lines]
        return [(float(row[0]), tuple(map(float, row[1:]))) for row in rows if len(row) == 5]

    def wait(self, condition, words, seconds=10.0):
        wait(lambda: any(condition(duty) for _, duty in self.news()), words, seconds)

    def wait_moving(self, seconds=20.0):
        self.wait(any, "a wheel turns", seconds)

    def wait_still(self, words="zeros", seconds=5.0):
        """Zeros, and nothing but zeros for half a second."""
        self.wait(lambda duty: not any(duty), words, seconds)
        time.sleep(0.5)
        expect(all(not any(duty) for _, duty in self.news()), f"{words}: the wheels turned again")


def connect():
    """The agent's end of the socket. An emulated machine may stall for so long that the brake ends the loop;
    then another one is there soon."""
    end = time.monotonic() + 20
    while True:
        try:
            agent = Agent(SOCKET)
            agent.send(HELLO)
            return agent
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


class Drive:
    """The agent's end of the socket in a thread of its own: arms once, and goes on asking for the way
    ahead, whatever happens."""

    def __init__(self):
        self.agent = connect()
        self.on = True
        self.thread = threading.Thread(target=self.play, daemon=True)

    def __enter__(self):
        with Motor() as motor:
            self.thread.start()
            motor.wait_moving()
        return self

    def __exit__(self, *_):
        self.on = False
        self.thread.join(2)
        self.agent.close()

    def play(self):
        given = []
        try:
            while self.on and self.agent.receive():
                # All of them: what was given may be gone when this thread comes to read about it.
                given = given or [each["mission"] for each in self.agent.verdicts if each["mission"]]
                if given:
                    self.agent.mission = given[-1]
                else:
                    self.agent.arm()
                    time.sleep(0.03)
                    self.agent.receive()
                self.agent.intent(vx=250)
                time.sleep(0.04)
        except OSError:
            pass  # the other end has died, as it should

    def why(self):
        return self.agent.verdict["why"] if self.agent.verdict else set()


class Watch:
    """Somebody who is connected and only reads verdicts."""

    def __enter__(self):
        self.agent = connect()
        return self

    def __exit__(self, *_):
        self.agent.close()

    def verdict(self):
        expect(self.agent.receive(), "the safety process closed the connection")
        return self.agent.verdict

    def wait(self, condition, words, seconds=15.0):
        def found():
            verdict = self.verdict()
            return verdict if verdict and condition(verdict) else None

        return wait(found, lambda: f"{words}; {self.agent.verdict}", seconds)


# Pins: the label and the number of lines are those of the Pi 5


class Pins:
    FOLDER = "/sys/kernel/config/gpio-sim/pi"

    @classmethod
    def make(cls):
        do("modprobe", "gpio-sim")
        if not os.path.exists("/sys/kernel/config/gpio-sim"):
            do("mount", "-t", "configfs", "configfs", "/sys/kernel/config")
        os.makedirs(f"{cls.FOLDER}/bank")
        write(f"{cls.FOLDER}/bank/num_lines", "54")
        write(f"{cls.FOLDER}/bank/label", "pinctrl-rp1")
        cls.plug(True)

    @classmethod
    def plug(cls, there):
        write(f"{cls.FOLDER}/live", "1" if there else "0")
        do("udevadm", "settle")

    @classmethod
    def path(cls, line):
        device = read(f"{cls.FOLDER}/dev_name").strip()
        chip = read(f"{cls.FOLDER}/bank/chip_name").strip()
        return f"/sys/devices/platform/{device}/{chip}/sim_gpio{line}"

    @classmethod
    def pull(cls, line, up):
        write(f"{cls.path(line)}/pull", "pull-up" if up else "pull-down")

    @classmethod
    def value(cls, line):
        return int(read(f"{cls.path(line)}/value"))


class Pressed:
    """A key to ground is held down."""

    def __init__(self, line):
        self.line = line

    def __enter__(self):
        Pins.pull(self.line, False)

    def __exit__(self, *_):
        Pins.pull(self.line, True)


# The I2C bus


class Bus:
    FILE = "/run/i2cbus"

    @classmethod
    def make(cls):
        if os.path.exists("/dev/i2c"):
            return
        do("modprobe", "cuse")
        cls.set()
        subprocess.Popen(["/usr/lib/turbonav-i2cbus", cls.FILE], start_new_session=True)
        wait(lambda: os.path.exists("/dev/i2c"), "/dev/i2c")
        do("udevadm", "settle")
        # No rule of udev knows it: it is none of the kernel's own.
        do("chgrp", "i2c", "/dev/i2c")
        do("chmod", "660", "/dev/i2c")

    @classmethod
    def set(cls, mode="g", measure_ms=10, mm=1500):
        with open(cls.FILE, "r+b" if os.path.exists(cls.FILE) else "wb") as file:
            file.write(struct.pack("<cBH", mode.encode(), measure_ms, mm))


# README.md


def steps(heading):
    """The commands of a section that need root, without what was done outside."""
    section = re.search(rf"^## {heading}\n(.*?)^## ", read(f"{SOURCE}/README.md"), re.M | re.S)[1]
    blocks = re.findall(r"(?:^    .*\n)+", section, re.M)
    lines = [line[4:] for block in blocks if "sudo " in block for line in block.splitlines()]
    return [line for line in lines if not line.startswith("./run") and "meson install" not in line]


def follow(heading):
    script = "\n".join(["set -e", "USER=root", 'sudo() { "$@"; }', *steps(heading)])
    done = run("sh", "-c", script, seconds=100)
    wait_systemd()
    expect(done.returncode == 0, f"{done.stdout}{done.stderr}")
    return script


# USB


class Unplugged:
    """A USB adapter that is gone, as far as the kernel's driver knows."""

    def __init__(self, port):
        found = [name for name in os.listdir("/sys/bus/usb/devices") if name.endswith(f"-{port}")]
        self.path = f"/sys/bus/usb/devices/{found[0]}/authorized"

    def __enter__(self):
        write(self.path, "0")

    def __exit__(self, *_):
        write(self.path, "1")
