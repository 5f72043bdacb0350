"""Lidar and motor board on USB adapters that go and come back."""

from guest import SAFETY, Drive, Motor, Unplugged, expect, main_pid, show, wait, wait_ready

MOTOR_PORT, LIDAR_PORT = 1, 2


def lidar_that_is_unplugged_stops_the_wheels_and_comes_back():
    wait_ready()
    pid = main_pid()
    with Drive() as drive, Motor() as motor:
        with Unplugged(LIDAR_PORT):
            motor.wait_still("zeros without a lidar")
            wait(lambda: "lidar_stale" in drive.why(), lambda: f"lidar_stale; {drive.why()}")
        wait(lambda: "lidar_stale" not in drive.why(), lambda: f"a lidar; {drive.why()}")
        motor.wait_still("no motion without a new permission")
    wait_ready()
    expect(main_pid() == pid, "it was another process that drove on")


def motor_board_that_is_unplugged_ends_the_loop_and_comes_back():
    wait_ready()
    pid = main_pid()
    with Motor() as motor:
        with Drive(), Unplugged(MOTOR_PORT):
            wait(lambda: main_pid() != pid, "the loop has ended")
            wait(lambda: not show(SAFETY, "StatusText").startswith("ready"), "not ready")
        motor.wait(lambda duty: not any(duty), "zeros when it is back", 20)
    wait_ready()


CHECKS = [
    lidar_that_is_unplugged_stops_the_wheels_and_comes_back,
    motor_board_that_is_unplugged_ends_the_loop_and_comes_back,
]
