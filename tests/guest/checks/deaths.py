"""How the service dies, and what is on the motor's line afterwards."""

import contextlib

from guest import SAFETY, Drive, DropIn, Motor, do, expect, main_pid, show, start_safety, wait, wait_ready

# Then nobody but ExecStopPost writes zeros after the death of loop and brake.
FOR_GOOD = "[Service]\nRestart=no\n"


def kill(whom, number):
    do("systemctl", "kill", f"--kill-whom={whom}", f"--signal={number}", SAFETY)


def dies_and_comes_back(whom, number):
    wait_ready()
    pid, restarts = main_pid(), int(show(SAFETY, "NRestarts"))
    with Drive(), Motor() as motor:
        kill(whom, number)
        motor.wait_still()
        wait(lambda: main_pid() not in (0, pid), "another process", 10)
    expect(int(show(SAFETY, "NRestarts")) > restarts, "systemd did not start it again")
    wait_ready()


def loop_that_is_killed_leaves_zeros_and_comes_back():
    dies_and_comes_back("main", "KILL")


def loop_that_hangs_is_killed_by_its_brake_and_comes_back():
    dies_and_comes_back("main", "STOP")


def dies_for_good(number):
    """Loop and brake at once, while a wheel turns."""
    wait_ready()
    with DropIn(FOR_GOOD), contextlib.ExitStack() as stack:
        stack.callback(start_safety)
        start_safety()  # the emulator may have stood still in daemon-reload, and the brake have ended it
        wait_ready()
        with Drive(), Motor() as motor:
            kill("all", number)
            motor.wait_still()
        wait(lambda: show(SAFETY, "ActiveState") == "failed", "failed", 10)
        result = show(SAFETY, "Result")
    wait_ready()
    return result


def zeros_of_execstoppost_follow_the_death_of_loop_and_brake():
    expect(dies_for_good("KILL") == "signal", "systemd did not see the signal")


def watchdog_of_systemd_ends_loop_and_brake_that_hang():
    expect(dies_for_good("STOP") == "watchdog", "it was not systemd's watchdog")


CHECKS = [
    loop_that_is_killed_leaves_zeros_and_comes_back,
    loop_that_hangs_is_killed_by_its_brake_and_comes_back,
    zeros_of_execstoppost_follow_the_death_of_loop_and_brake,
    watchdog_of_systemd_ends_loop_and_brake_that_hang,
]
