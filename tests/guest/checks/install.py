"""What README.md says, done: it installs the units and starts them, and all devices are found."""

import os
import re
import stat

from guest import (AGENT, SAFETY, SOCKET, STOP, Bus, Motor, configured, do, expect, follow,
                   restart_safety, run, show, start_safety, wait, wait_ready)


def steps_of_readme_install_users_and_units():
    script = follow("Install") + follow("On the Pi 5")
    expect("systemd-sysusers" in script and "udevadm" in script, f"no steps were found: {script}")
    do("id", "turbonav-safety")
    groups = do("id", "-nG", "turbonav-safety").split()
    expect({"turbonav", "dialout", "i2c", "gpio"} <= set(groups), f"groups {groups}")
    expect("video" in do("id", "-nG", "turbonav-agent").split(), "the agent is not in group video")
    Bus.make()
    restart_safety()  # a class of devices that came after its start stays closed to it


def udev_gives_the_pins_to_their_group():
    chip = next(name for name in os.listdir("/dev") if name.startswith("gpiochip"))
    expect(do("stat", "-c", "%G %a", f"/dev/{chip}") == "gpio 660\n", "not gpio 660")


def check_finds_every_device():
    """The table that a person sees before anything moves; a late tick is this machine's affair."""
    do("systemctl", "stop", SAFETY)
    table = run("turbonav-safety", "--check").stdout
    restart_safety()
    for words in (r"board +board5 on /dev/ttyUSB0", r"battery +7\.80 V", r"lidar +ld06 on /dev/ttyUSB1",
                  r"sonar +i2c: 15\d\d mm", r"keys +gpio: e-stop released", r"priority +SCHED_FIFO",
                  r"memory +locked", r"self-test +passed"):
        expect(re.search(rf"^ok +{words}", table, re.M), f"no {words} in {table}")


def units_are_enabled_and_start_is_over_when_it_is_ready():
    """Type=notify: systemctl comes back when READY=1 has come, so the socket is there by then."""
    do("systemctl", "stop", SAFETY)
    do("systemctl", "start", SAFETY)
    mode = os.stat(SOCKET)
    expect(stat.S_IMODE(mode.st_mode) == 0o660, f"mode {mode.st_mode:o}")
    expect(do("stat", "-c", "%U:%G", SOCKET) == "turbonav-safety:turbonav\n", "not its own socket")
    expect(show(SAFETY, "Type", "NotifyAccess") == ["notify", "main"], "it is not asked for READY")
    wait_ready()
    for unit, wanted in ((SAFETY, "enabled"), (STOP, "enabled"), (AGENT, "disabled")):
        expect(run("systemctl", "is-enabled", unit).stdout.strip() == wanted, f"{unit} is not {wanted}")


def a_start_without_a_motor_board_is_none_and_mends_itself():
    do("systemctl", "stop", SAFETY)
    with configured("[motor]\ndevice = /dev/ttyUSB7\n"):
        done = run("systemctl", "start", SAFETY)
        expect(done.returncode != 0, "it said READY without a motor board")
    wait_ready()


def a_mistake_in_the_configuration_is_not_tried_again():
    """The wheels are stopped nevertheless."""
    wait_ready()
    try:
        with configured("[motor]\nslew = much\n"), Motor() as motor:
            run("systemctl", "restart", SAFETY)
            wait(lambda: show(SAFETY, "ActiveState") == "failed", "failed")
            expect(show(SAFETY, "ExecMainStatus") == "78", "not the exit code of a mistake")
            motor.wait_still()
    finally:  # whatever comes next needs it
        start_safety()
    wait_ready()


CHECKS = [
    steps_of_readme_install_users_and_units,
    udev_gives_the_pins_to_their_group,
    check_finds_every_device,
    units_are_enabled_and_start_is_over_when_it_is_ready,
    a_start_without_a_motor_board_is_none_and_mends_itself,
    a_mistake_in_the_configuration_is_not_tried_again,
]
