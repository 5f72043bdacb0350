"""turbonav-safety and the lines to its devices: full, unplugged and plugged in again, and with bytes
on them that no device sends."""

import os
import random
import struct
import time

from device_bytes import board_frame


def fill_motor_line(car):
    """With frames that nobody reads, as a board that hangs leaves them; a pty moves some on for a
    moment, so it is filled more than once."""
    stop = board_frame(3, b"\x05\x04" + b"".join(struct.pack("<Bf", i, 0.0) for i in range(4)))
    os.set_blocking(car.motor_slave, False)
    for _ in range(3):
        try:
            while True:
                os.write(car.motor_slave, stop)
        except BlockingIOError:
            time.sleep(0.005)


def test_full_motor_queue_is_a_fault(driving):
    """The wheels get their stop all the same: it goes in front of what nobody has read."""
    car, agent = driving
    car.board_reads = False
    fill_motor_line(car)
    assert car.keep(agent, lambda: any("motor_fault" in v["why"] for v in agent.verdicts), vx=250)
    assert car.keep(agent, lambda: agent.verdict["mission"] == 0, vx=250)
    car.board_reads = True
    assert car.wait(lambda: "motor_fault" not in agent.verdict["why"], 5, [agent])
    time.sleep(0.2)
    assert not car.moving()
    car.ready(agent)
    assert car.keep(agent, car.moving, vx=250)


# Unplugging. What comes back is another device under the same name.


def test_lidar_that_is_unplugged_and_plugged_in_again(driving):
    car, agent = driving
    car.unplug_lidar()
    assert car.keep(agent, lambda: "lidar_stale" in agent.verdict["why"], 4, vx=250), agent.verdict
    assert car.keep(agent, lambda: not car.moving() and agent.verdict["mission"] == 0, vx=250)
    at = time.monotonic()
    assert not car.keep(agent, lambda: "lidar_stale" not in agent.verdict["why"], 0.7, vx=250)
    car.plug_lidar()
    assert car.keep(agent, lambda: "lidar_stale" not in agent.verdict["why"], 5, vx=250)
    # It is well again and is asked to drive, but nobody has armed it.
    assert not car.keep(agent, lambda: any(any(d) for _, d in car.motor_frames(at)), 0.6, vx=250)
    car.ready(agent)
    assert car.keep(agent, car.moving, vx=250)


def test_sonar_that_is_unplugged_and_plugged_in_again(driving):
    car, agent = driving
    car.sim_names = ("keys",)
    assert car.keep(agent, lambda: "sonar_fault" in agent.verdict["why"]
                    and 0 < agent.verdict["gx"] <= 150, vx=250), agent.verdict
    car.sim_names = ("sonar", "keys")
    assert car.keep(agent, lambda: "sonar_fault" not in agent.verdict["why"]
                    and agent.verdict["gx"] == 250, 5, vx=250), agent.verdict
    assert agent.verdict["mission"] == agent.mission  # it is no fault: it only slows


def test_motor_line_that_is_unplugged_ends_the_process(driving):
    """And what systemd starts then finds another pty under the name, stops it first, and waits to
    be armed."""
    car, agent = driving
    car.unplug_motor()
    assert car.wait(lambda: car.process.poll() is not None, 3)
    code, error = car.end()
    assert code == 74 and "the motor board was lost: " in error
    at = time.monotonic()
    car.plug_motor()
    car.launch()
    again = car.agent()
    assert car.wait(lambda: again.verdict and again.verdict["why"] == {"not_armed"}, 10, [again])
    again.mission = agent.mission
    assert not car.keep(again, car.moving, 0.5, vx=250)
    assert len(car.motor_frames(at)) > 20
    assert all(not any(duty) for _, duty in car.motor_frames(at))
    car.ready(again)
    assert car.keep(again, car.moving, vx=250)


# Wrong bytes


def test_garbage_on_the_lidar_line_is_survived(driving):
    car, agent = driving
    noise = random.Random(5)
    car.lidar_filter = lambda packet: (noise.randbytes(9) + packet) if noise.random() < 0.2 else packet
    car.drive(agent, 1.5, vx=250)
    assert car.moving() and agent.verdict["mission"] == agent.mission


def test_lidar_of_wrong_bytes_only_is_stale(driving):
    """Every packet has one wrong bit, a different one each time: none of them is believed."""
    car, agent = driving
    noise = random.Random(6)

    def spoil(packet):
        bit = noise.randrange(8 * len(packet))
        return (int.from_bytes(packet, "little") ^ 1 << bit).to_bytes(len(packet), "little")

    car.assert_fault(agent, "lidar_stale", lambda: setattr(car, "lidar_filter", spoil),
                 lambda: setattr(car, "lidar_filter", lambda packet: packet))


def test_garbage_from_the_motor_board_is_survived(driving):
    """A battery that is full is still read behind it, and none is made of it."""
    car, agent = driving
    noise = random.Random(7)
    agent.verdicts.clear()
    car.battery_mv = 8100
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        car.write("motor", noise.randbytes(noise.randrange(1, 30)))
        agent.intent(vx=250)
        agent.receive()
        time.sleep(0.03)
    assert car.moving() and agent.verdict["mission"] == agent.mission
    assert {verdict["battery"] for verdict in agent.verdicts} == {7800, 8100}
