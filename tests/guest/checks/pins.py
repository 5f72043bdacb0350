"""Keys, lights and the HC-SR04 on gpio-sim: real edges, through the kernel and libgpiod."""

import os
import threading
import time

from guest import (ECHO, ESTOP_KEY, LATCH, LIGHT1, LIGHT2, NO_DISTANCE, SAFETY, START_KEY, TRIGGER,
                   Drive, Motor, Pins, Pressed, Watch, configured, do, expect, is_ready, restart_safety, run, show,
                   wait, wait_ready)


def blinks(line, seconds=3.0):
    end = time.monotonic() + seconds
    seen = set()
    while time.monotonic() < end and len(seen) < 2:
        seen.add(Pins.value(line))
        time.sleep(0.02)
    return seen == {0, 1}


def reset_estop():
    do("turbonav", "reset")
    wait_ready()


def lights_tell_ready_from_driving():
    wait_ready()
    expect(blinks(LIGHT2), "light 2 does not blink")
    expect(Pins.value(LIGHT1) == 0, "light 1 is on")
    with Drive():
        expect(not blinks(LIGHT2, 1.5) and Pins.value(LIGHT2) == 1, "light 2 is not on while driving")


def estop_edge_stops_the_wheels_lights_up_and_latches():
    """A short press: the level is seen once, and holds."""
    wait_ready()
    try:
        with Drive() as drive, Motor() as motor:
            with Pressed(ESTOP_KEY):
                motor.wait(lambda duty: not any(duty), "zeros")
                wait(lambda: Pins.value(LIGHT1) == 1, "light 1 is on")
                refused = run("turbonav", "reset")
                expect(refused.returncode != 0, "it was reset while the key is down")
            motor.wait_still("zeros after the key was released")
            expect("estop" in drive.why() or not drive.thread.is_alive(), f"{drive.why()}")
        expect(os.path.exists(LATCH), "there is no latch")
        expect(Pins.value(LIGHT1) == 1 and Pins.value(LIGHT2) == 0, "the lights do not show it")
    finally:
        reset_estop()
    expect(not os.path.exists(LATCH), "the latch is still there")
    wait(lambda: Pins.value(LIGHT1) == 0, "light 1 is off")


def estop_is_latched_over_the_death_of_the_loop():
    wait_ready()
    try:
        with Pressed(ESTOP_KEY), Watch() as watch:
            watch.wait(lambda verdict: "estop" in verdict["why"], "estop")
        pid = show(SAFETY, "MainPID")
        do("systemctl", "kill", "--kill-whom=main", "--signal=KILL", SAFETY)
        wait(lambda: show(SAFETY, "MainPID") not in ("0", pid) and
             show(SAFETY, "StatusText").startswith("emergency stop"), "emergency stop after a restart")
    finally:
        reset_estop()


def start_key_is_told():
    wait_ready()
    with Watch() as watch:
        watch.wait(bool, "a verdict")
        with Pressed(START_KEY):
            wait(lambda: watch.verdict() and any("start key" in text for *_, text in watch.agent.events),
                 "an event")


def without_the_pins_it_does_not_start_and_with_them_it_does():
    """The chip is gone, as if the kernel had no driver for it."""
    do("systemctl", "stop", SAFETY)
    Pins.plug(False)
    try:
        done = run("systemctl", "start", SAFETY)
        expect(done.returncode != 0, "it started without an e-stop key")
    finally:
        Pins.plug(True)
    wait_ready()


class Echo:
    """An echo of so many ms, again and again, as if something stood there."""

    def __init__(self, ms):
        self.ms, self.on = ms, True
        self.thread = threading.Thread(target=self.play, daemon=True)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.on = False
        self.thread.join(2)

    def play(self):
        path = f"{Pins.path(ECHO)}/pull"
        fd = os.open(path, os.O_WRONLY)
        while self.on:
            for level, ms in ((b"pull-up", self.ms), (b"pull-down", 15)):
                os.pwrite(fd, level, 0)
                time.sleep(ms / 1000)
        os.close(fd)


def triggers_seen(seconds):
    """A trigger is 12 us long; not each is met."""
    fd = os.open(f"{Pins.path(TRIGGER)}/value", os.O_RDONLY)
    end = time.monotonic() + seconds
    seen = 0
    while time.monotonic() < end and seen < 3:
        seen += os.pread(fd, 1, 0) == b"1"
    os.close(fd)
    return seen


def hcsr04_measures_by_edges_and_comes_back_after_silence():
    """10 ms are 1.72 m; the edges here come late rather than early."""
    try:
        with configured("[sonar]\ndriver = hcsr04\n"):
            do("systemctl", "restart", SAFETY)
            for ms, least, most in ((10, 1650, 3000), (4, 650, 1500)):
                with Watch() as watch, Echo(ms):
                    watch.wait(lambda verdict: least <= verdict["sonar"] <= most,
                               f"{least} to {most} mm")
            with Watch() as watch:
                expect(triggers_seen(10) > 0, "no trigger was seen")
                watch.wait(lambda verdict: verdict["sonar"] == NO_DISTANCE, "a fault in silence")
                with Echo(10):
                    watch.wait(lambda verdict: verdict["sonar"] > 0, "a distance")
    finally:
        restart_safety()
    expect(is_ready(), "not ready")


CHECKS = [
    lights_tell_ready_from_driving,
    estop_edge_stops_the_wheels_lights_up_and_latches,
    estop_is_latched_over_the_death_of_the_loop,
    start_key_is_told,
    without_the_pins_it_does_not_start_and_with_them_it_does,
    hcsr04_measures_by_edges_and_comes_back_after_silence,
]
