"""turbonav-safety as a process, with everything that it reads and writes played by car.py: permission,
veto, staleness, e-stop, battery, messages. Every reason is in test_safety_reasons.py, every kind of
death in test_safety_deaths.py, what happens on the devices' lines in test_safety_lines.py.

Wall-clock bounds here are wide, because the machine stalls; the exact ones are in the unit tests."""

import os
import signal
import struct
import subprocess
import time
import tty

import pytest

from car import (DISARM, ESTOP, HELLO, KIND_BUS, KIND_GOOD, LOOK, PRESSED, RELEASED, RESET, SAFETY,
                 Car)
from device_bytes import BoardReader, duties


# Permission


def test_zeros_are_the_first_thing_on_the_line(car):
    assert car.wait(lambda: len(car.motor_frames()) > 20)
    assert all(duty == (0, 0, 0, 0) for _, duty in car.motor_frames())
    assert car.board.garbage == 0


def test_nothing_moves_without_arming(car):
    agent = car.agent()
    assert car.wait(lambda: agent.verdict and agent.verdict["why"] == {"not_armed"}, 10, [agent])
    agent.mission = 7
    car.drive(agent, 0.5, vx=250)
    assert not car.moving() and agent.verdict["mission"] == 0


def test_armed_car_drives_what_was_asked(driving):
    car, agent = driving
    assert car.last() == (-50.0, 50.0, -50.0, 50.0)
    assert agent.verdict["gx"] == 250 and agent.verdict["why"] == set()
    # Counter-clockwise: the right wheels ahead, the left ones back, and those are mirrored.
    assert car.keep(agent, lambda: len(set(car.last())) == 1 and car.last()[0] > 0, wz=1500)


def test_silence_stops_and_keeps_permission(driving):
    car, agent = driving
    assert car.wait(lambda: not car.moving(), 2, [agent])
    assert agent.verdict["mission"] == agent.mission and "no_intent" in agent.verdict["why"]
    assert car.keep(agent, car.moving, vx=250)


def test_no_message_comes_from_the_future(driving):
    """However it meets a tick: a message may be sent after the tick began and be read in it."""
    car, agent = driving
    agent.verdicts.clear()
    end = time.monotonic() + 2
    while time.monotonic() < end:
        agent.intent(vx=250)
        agent.receive()
        time.sleep(0.0007)
    assert len(agent.verdicts) > 10
    assert not any("intent_bad" in verdict["why"] for verdict in agent.verdicts)


def test_long_silence_disarms(driving):
    car, agent = driving
    assert car.wait(lambda: agent.verdict["mission"] == 0, 6, [agent])
    assert not car.keep(agent, car.moving, 0.5, vx=250)
    assert any("disarmed" in text for _, _, text in agent.events)


def test_disarm_message_is_immediate_and_final(driving):
    car, agent = driving
    agent.send(DISARM)
    sent = time.monotonic()
    assert not car.keep(agent, lambda: time.monotonic() - sent > 0.3 and car.moving(), 1, vx=250)
    assert agent.verdict["mission"] == 0


def test_closed_connection_disarms(driving):
    car, agent = driving
    agent.close()
    closed = time.monotonic()
    car.assert_stopped_for_good(closed)
    other = car.agent()
    assert car.wait(lambda: other.verdict and other.verdict["mission"] == 0, 3, [other])


def test_used_mission_is_refused(driving):
    car, agent = driving
    agent.send(DISARM)
    time.sleep(0.6)
    agent.events.clear()
    agent.arm(agent.mission)
    assert car.wait(lambda: any(code == 2 for code, _, _ in agent.events), 2, [agent])
    assert agent.verdict["mission"] == 0


def test_old_frame_is_void(driving):
    car, agent = driving
    assert car.keep(agent, lambda: "intent_old" in agent.verdict["why"] and not car.moving(),
                vx=250, age_ms=1500)
    assert car.keep(agent, car.moving, vx=250)


def test_only_one_agent_has_permission(driving):
    car, agent = driving
    other = car.agent()  # its HELLO disarms
    assert car.keep(agent, lambda: agent.verdict["mission"] == 0 and not car.moving(), vx=250)
    car.ready(other)
    assert not car.keep(agent, car.moving, 0.4, vx=250)
    agent.mission = other.mission  # and knowing what is armed does not help
    assert not car.keep(agent, car.moving, 0.4, vx=250)
    assert car.keep(other, car.moving, vx=250)
    other.close()


# Veto


def test_wall_ahead_stops_in_front_of_it(driving):
    car, agent = driving
    car.distance = lambda degrees: 150 if min(degrees, 360 - degrees) < 40 else 3000
    assert car.keep(agent, lambda: not car.moving() and agent.verdict["why"] & {
        "obstacle", "stopping", "clearing", "too_slow"} and agent.verdict["front"] < 150, vx=250)
    assert agent.verdict["mission"] == agent.mission  # a veto is no fault
    assert car.keep(agent, car.moving, vx=-150)  # the way back is open


def test_veto_ends_when_the_way_is_clear(driving):
    car, agent = driving
    car.distance = lambda degrees: 150 if min(degrees, 360 - degrees) < 40 else 3000
    assert car.keep(agent, lambda: not car.moving(), vx=250)
    car.distance = lambda degrees: 3000
    assert car.keep(agent, car.moving, vx=250)


def test_sonar_closes_what_the_lidar_leaves_open(driving):
    car, agent = driving
    car.sonar = (KIND_GOOD, 60)
    assert car.keep(agent, lambda: not car.moving() and "sonar_near" in agent.verdict["why"],
                vx=250)


def test_sonar_that_fails_only_slows_down(driving):
    car, agent = driving
    car.sonar = (KIND_BUS, 0)
    assert car.keep(agent, lambda: "sonar_fault" in agent.verdict["why"]
                and 0 < agent.verdict["gx"] <= 150, vx=250), agent.verdict
    assert agent.verdict["mission"] == agent.mission


# Faults drop permission, and their end does not give it back


def test_silent_lidar(driving):
    car, agent = driving
    car.assert_fault(agent, "lidar_stale", lambda: setattr(car, "lidar_runs", False),
                 lambda: setattr(car, "lidar_runs", True))


def test_lidar_without_returns_is_not_believed(driving):
    car, agent = driving
    far = car.distance
    car.assert_fault(agent, "lidar_blind", lambda: setattr(car, "distance", lambda degrees: 0),
                 lambda: setattr(car, "distance", far))


def test_empty_battery(driving):
    car, agent = driving
    car.assert_fault(agent, "battery_low", lambda: setattr(car, "battery_mv", 6500),
                 lambda: setattr(car, "battery_mv", 7900))


def test_usb_supply(driving):
    car, agent = driving
    car.assert_fault(agent, "usb_supply", lambda: setattr(car, "battery_mv", 4550),
                 lambda: setattr(car, "battery_mv", 7900))


def test_battery_that_falls_silent_caps_the_speed(driving):
    car, agent = driving
    car.battery_reports = False
    assert car.keep(agent, lambda: "battery_silent" in agent.verdict["why"]
                and 0 < agent.verdict["gx"] <= 200, 5, vx=250), agent.verdict


# The emergency stop


@pytest.mark.parametrize("how", ["key", "message", "silent keys"])
def test_estop_latches_until_it_is_reset(how, driving):
    car, agent = driving
    if how == "key":
        car.estop = PRESSED
    elif how == "message":
        agent.send(ESTOP)
    else:
        car.sim_runs = False
    assert car.keep(agent, lambda: not car.moving() and "estop" in agent.verdict["why"], vx=250)
    if how == "key":
        agent.send(RESET)  # while it is pressed
        assert car.wait(lambda: any(code == 6 for code, _, _ in agent.events), 2, [agent])
    car.estop, car.sim_runs = RELEASED, True
    time.sleep(0.3)
    assert not car.keep(agent, car.moving, 0.4, vx=250)
    agent.send(RESET)
    assert car.wait(lambda: "estop" not in agent.verdict["why"], 2, [agent])
    assert not car.keep(agent, car.moving, 0.4, vx=250)  # a reset never arms
    car.ready(agent)
    assert car.keep(agent, car.moving, vx=250)


def test_estop_outlives_a_restart(driving):
    car, agent = driving
    agent.send(ESTOP)
    assert car.wait(lambda: os.path.exists(f"{car.folder}/estop"), 2)
    car.end(signal.SIGKILL)
    car.launch()
    again = car.agent()
    assert car.wait(lambda: again.verdict and "estop" in again.verdict["why"], 5, [again])
    again.send(RESET)
    assert car.wait(lambda: "estop" not in again.verdict["why"], 3, [again])
    assert car.wait(lambda: not os.path.exists(f"{car.folder}/estop"), 2)


def test_person_stops_and_resets_without_the_agent(driving):
    car, agent = driving
    turbonav = os.path.join(os.path.dirname(SAFETY), "agent", "cli", "turbonav")

    def say(word):
        return subprocess.run([turbonav, word, "--config", car.config], capture_output=True,
                              text=True, timeout=10)

    done = say("estop")
    assert done.returncode == 0 and "latched" in done.stdout, done.stderr
    assert car.wait(lambda: not car.moving(), 1)
    car.estop = PRESSED
    time.sleep(0.2)
    refused = say("reset")
    assert refused.returncode == 1 and "refused" in refused.stderr
    car.estop = RELEASED
    time.sleep(0.2)
    assert say("reset").returncode == 0
    car.end()
    gone = say("estop")
    assert gone.returncode == 75 and car.socket_path in gone.stderr


# Wrong messages


def test_malformed_messages_are_silence_and_told(driving):
    car, agent = driving
    for size in (0, 1, 23, 25, 100, 3000):
        agent.socket.send(os.urandom(size) if size else b"x")
    agent.send(99)
    agent.send(HELLO, version=9)
    assert car.wait(lambda: any(code == 9 for code, _, _ in agent.events), 2, [agent])
    assert car.process.poll() is None
    assert car.keep(agent, car.moving, vx=250)


def test_huge_wish_stops_instead_of_being_clamped(driving):
    car, agent = driving
    end = time.monotonic() + 1
    while time.monotonic() < end:
        agent.intent(vx=2**31 - 1)
        agent.receive()
        time.sleep(0.03)
    assert not car.moving()


# Pan and tilt


def test_look_moves_the_servos_and_not_the_wheels(car):
    agent = car.agent()
    assert car.wait(lambda: agent.verdict is not None, 5, [agent])
    agent.send(LOOK, struct.pack("<ii", 300, -100))
    moves = lambda: [data for _, function, data in list(car.board.frames)  # noqa: E731
                     if function == 4 and data[0] == 1]  # 5 is the probe's question
    assert car.wait(moves, 2)
    assert moves()[0][3] == 2
    assert not car.moving()


# Restart


def test_restart_finds_wheels_still_and_disarmed(driving):
    car, agent = driving
    car.end(signal.SIGKILL)
    time.sleep(0.3)
    at = time.monotonic()
    car.launch()
    again = car.agent()
    assert car.wait(lambda: again.verdict is not None, 5, [again])
    assert again.verdict["mission"] == 0
    assert all(not any(duty) for _, duty in car.motor_frames(at))


# --stop-motors, --check, command line


def test_stop_motors_writes_zeros_whoever_holds_the_line(driving):
    car, agent = driving
    at = time.monotonic()
    done = subprocess.run([SAFETY, "--stop-motors", "--config", car.config], capture_output=True,
                          text=True, timeout=10)
    assert done.returncode == 0, done.stderr
    assert any(not any(duty) for _, duty in car.motor_frames(at))


def test_stop_motors_with_a_bad_configuration_tries_all_the_same(tmp_path):
    config = tmp_path / "bad.conf"
    config.write_text("[motor]\ndevcie = x\n")
    done = subprocess.run([SAFETY, "--stop-motors", "--config", config], capture_output=True,
                          text=True, timeout=10)
    assert done.returncode == 74
    assert "did you mean" in done.stderr and "/dev/ttyAMA0" in done.stderr


def test_stop_motors_finds_the_device_behind_a_mistake(tmp_path):
    """Also when the mistake is in the same section, and another in the environment."""
    board, line = os.openpty()
    tty.setraw(line)
    config = tmp_path / "bad.conf"
    config.write_text(f"[lidar]\nfoward = 1\n[motor]\nslew = much\ndevice = {os.ttyname(line)}\n")
    done = subprocess.run([SAFETY, "--stop-motors", "--config", config], capture_output=True, timeout=10,
                          text=True, env={**os.environ, "TURBONAV_GATE_MISTAKE": "1"})
    assert done.returncode == 0, done.stderr
    reader = BoardReader()
    reader.push(os.read(board, 4096), 0, 0)
    os.close(board)
    os.close(line)
    assert f"{config}:2: [lidar] foward: unknown key" in done.stderr and done.stderr.count("\n") == 1
    assert {duties(data) for _, _, data in reader.frames} == {(0, 0, 0, 0)} and reader.garbage == 0


def test_check_prints_a_table_with_the_wheels_still(tmp_path):
    with Car(tmp_path, options=["--check"]) as car:
        out, error = car.process.communicate(timeout=20)
        code, car.process = car.process.returncode, None
        for thing in ("board", "battery", "lidar", "sonar", "keys", "self-test"):
            assert f"ok    {thing}" in out, (out, error)
        assert "375 packets/s" in out or "packets/s" in out
        assert code in (0, 1)  # privileges are the machine's
        assert all(not any(duty) for _, duty in car.motor_frames())


def test_sim_drivers_are_refused_with_real_motors(tmp_path):
    config = tmp_path / "c.conf"
    config.write_text("[motor]\ndriver = null\n[sonar]\ndriver = sim\n"
                      f"[keys]\ndriver = off\n[safety]\nlatch = {tmp_path}/e\n"
                      f"socket = {tmp_path}/s\n")
    done = subprocess.run([SAFETY, "--config", config], capture_output=True, text=True, timeout=10)
    assert done.returncode == 78 and "pty" in done.stderr


@pytest.mark.parametrize("arguments, words", [
    (["--fly"], "--fly"),
    (["more"], "unexpected argument: more"),
])
def test_wrong_command_lines_are_refused(arguments, words):
    done = subprocess.run([SAFETY, *arguments], capture_output=True, text=True, timeout=10)
    assert done.returncode == 64 and words in done.stderr
