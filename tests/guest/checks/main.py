"""Runs the checks in the guest, and tells the machine outside about each in a line. A check that fails
is asked once more: what emulates this machine stalls now and then. The last one lets the hardware's
watchdog reset the machine; the second half of it runs after that."""

import os
import re
import signal
import time
import traceback

import bus
import camera
import deaths
import install
import lines
import pins
import policy
import reset
from guest import OUTSIDE, SAFETY, Bus, Failed, Pins, Skipped, keep_journal, read, show, wait

SECONDS = 120  # a check that takes longer hangs
BOOTED = "/var/lib/turbonav-guest-booted"

FIRST = [
    *install.CHECKS, *policy.CHECKS, *pins.CHECKS, *bus.CHECKS, *lines.CHECKS, *deaths.CHECKS,
    *camera.CHECKS,
]
HANG = reset.hung_kernel_is_reset_by_the_hardware_watchdog


def say(line):
    with open(f"{OUTSIDE}/results", "a") as file:
        file.write(line.replace("\n", " ") + "\n")
        os.fsync(file.fileno())


def on_alarm(*_):
    raise Failed(f"not within {SECONDS} s")


def shortened(why):
    """The beginning says what was missed, the end what a journal or a traceback said last."""
    return why if len(why) < 700 else f"{why[:200]} [...] {why[-450:]}"


def attempt(check):
    """None, or why not."""
    signal.alarm(SECONDS)
    try:
        check()
    except Skipped:
        raise
    except Failed as reason:
        return shortened(str(reason))
    except Exception:
        return shortened(traceback.format_exc(limit=-3))
    finally:
        signal.alarm(0)
    return None


def judge(check):
    name = check.__name__
    begun = time.monotonic()
    try:
        why = attempt(check)
        if why is None:
            say(f"passed {name} ({time.monotonic() - begun:.1f} s)")
        elif (again := attempt(check)) is None:
            say(f"unsteady {name}: {why}")
        else:
            say(f"failed {name}: {again}; the first time: {why}")
    except Skipped as reason:
        say(f"skipped {name}: {reason}")


def wait_next_start():
    """What this start of the loop may open was settled when it began, perhaps before the bus was there."""
    before = int(show(SAFETY, "NRestarts"))
    wait(lambda: int(show(SAFETY, "NRestarts")) > before, "the loop is started again", 40)


def main():
    signal.signal(signal.SIGALRM, on_alarm)
    first, hung = not os.path.exists(BOOTED), os.path.exists(reset.HUNG)
    if first:
        os.makedirs(os.path.dirname(BOOTED), exist_ok=True)
        with open(BOOTED, "w"):
            pass
        os.sync()
    else:
        Bus.make()  # at first what README.md says makes its group, and then it
        wait_next_start()
    Pins.make()  # without them no start of the loop succeeds
    only = re.compile(read(f"{OUTSIDE}/only"))
    # Neither: the watchdog was on and a stall of the machine outside came before the hang; once more.
    for check in reset.CHECKS_AFTER if hung else [*FIRST, HANG] if first else [HANG]:
        if check is FIRST[0] or only.search(check.__name__):
            judge(check)
    keep_journal()
    say("end")


if __name__ == "__main__":
    main()
