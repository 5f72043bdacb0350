"""A kernel that hangs while a wheel turns. The line is watched from outside, the clock too."""

import os
import time

from guest import (AGENT, OUTSIDE, SAFETY, STOP, WATCHDOG_OFF, Drive, Failed, Motor, do, expect,
                   keep_journal, read, show, wait, wait_ready, wait_systemd, write)

HUNG = "/var/lib/turbonav-guest-hung"


def hung_kernel_is_reset_by_the_hardware_watchdog():
    """Does not come back; whether it was reset is what comes after it."""
    wait_ready()
    if os.path.exists(WATCHDOG_OFF):
        os.unlink(WATCHDOG_OFF)
    do("systemctl", "daemon-reexec")
    wait_systemd()
    expect(do("systemctl", "show", "--value", "--property=RuntimeWatchdogUSec") == "10s\n",
           "systemd does not feed the hardware's watchdog")
    keep_journal()
    write("/proc/sys/kernel/panic", "0")
    write("/proc/sys/kernel/sysrq", "1")
    with Drive():
        write(HUNG, str(os.path.getsize(f"{OUTSIDE}/motor")))  # where to read on afterwards
        os.sync()
        write("/proc/sysrq-trigger", "c")
    raise Failed("the kernel did not hang")


def frames_since():
    with Motor() as motor:
        os.lseek(motor.fd, int(read(HUNG)), os.SEEK_SET)
        return motor.news()


def boot_unit_sends_zeros_after_the_reset():
    """The last duty before the silence turned a wheel, the first after it turns none, and the boot unit
    sent it, which was through before the loop started."""
    wait(lambda: show(SAFETY, "ActiveState") == "active", "it runs", 40)
    frames = frames_since()
    silence, last = max((after[0] - before[0], i)
                        for i, (before, after) in enumerate(zip(frames, frames[1:])))
    expect(silence > 5 and any(frames[last][1]), f"{silence:.1f} s after {frames[last]}")
    expect(all(not any(duty) for _, duty in frames[last + 1:]), f"after the reset {frames[last + 1]}")
    expect(show(STOP, "ActiveState", "Result") == ["active", "success"], "the boot unit failed")
    stopped = int(show(STOP, "ExecMainExitTimestampMonotonic"))
    started = int(show(SAFETY, "ExecMainStartTimestampMonotonic"))
    expect(0 < stopped < started, f"{stopped} is not before {started}")


def after_the_reset_the_loop_runs_and_nothing_explores():
    wait_ready()
    expect(show(AGENT, "ActiveState") == "inactive", "the agent runs")
    with Motor() as motor:
        time.sleep(1)
        frames = motor.news()
    expect(frames and all(not any(duty) for _, duty in frames), "not only zeros on the line")


CHECKS_AFTER = [boot_unit_sends_zeros_after_the_reset, after_the_reset_the_loop_runs_and_nothing_explores]
