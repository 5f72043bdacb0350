"""turbonav-safety as a process, with everything that it reads and writes played by car.py: permission,
veto, staleness, e-stop, battery, unplugging, wrong bytes, and what every kind of death leaves behind.

Wall-clock bounds here are wide, because the machine stalls; the exact ones are in the unit tests."""

import os
import random
import signal
import struct
import subprocess
import time

import pytest

from car import (DISARM, ESTOP, HELLO, KIND_BUS, KIND_GOOD, LOOK, PRESSED, RELEASED, RESET, SAFETY,
                 Car)

LONG = os.environ.get("NAV_TEST_LONG") == "1"
BRAKE_S = 0.2  # as car.py configures it
INFO, WARNING, ERROR = 0, 1, 2


@pytest.fixture
def car(tmp_path):
    with Car(tmp_path) as running:
        yield running


@pytest.fixture
def driving(car):
    """A car that drives ahead, and its agent."""
    agent = car.agent()
    car.ready(agent)
    car.drive(agent, 0.8, vx=250)
    assert car.moving(), (agent.verdict, agent.events)
    yield car, agent
    agent.close()


def keep(car, agent, condition, seconds=3.0, **twist):
    """Goes on asking for the same motion until something is so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        agent.intent(**twist)
        agent.receive()
        if condition():
            return True
        time.sleep(0.03)
    return False


def assert_stopped_for_good(car, since, seconds=0.5):
    """Four zeros in one frame, and nothing else afterwards."""
    time.sleep(seconds)
    frames = car.motor_frames(since)
    stops = [i for i, (_, duty) in enumerate(frames) if not any(duty)]
    assert stops, "no stop frame"
    assert all(not any(duty) for _, duty in frames[stops[0]:])


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
    assert keep(car, agent, lambda: car.last() == (50.0, 50.0, 50.0, 50.0), wz=1500) or car.moving()


def test_silence_stops_and_keeps_permission(driving):
    car, agent = driving
    assert car.wait(lambda: not car.moving(), 2, [agent])
    assert agent.verdict["mission"] == agent.mission and "no_intent" in agent.verdict["why"]
    assert keep(car, agent, car.moving, vx=250)


def test_long_silence_disarms(driving):
    car, agent = driving
    assert car.wait(lambda: agent.verdict["mission"] == 0, 6, [agent])
    assert not keep(car, agent, car.moving, 0.5, vx=250)
    assert any("disarmed" in text for _, _, text in agent.events)


def test_disarm_message_is_immediate_and_final(driving):
    car, agent = driving
    agent.send(DISARM)
    sent = time.monotonic()
    assert not keep(car, agent, lambda: time.monotonic() - sent > 0.3 and car.moving(), 1, vx=250)
    assert agent.verdict["mission"] == 0


def test_closed_connection_disarms(driving):
    car, agent = driving
    agent.close()
    closed = time.monotonic()
    assert_stopped_for_good(car, closed)
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
    assert keep(car, agent, lambda: "intent_old" in agent.verdict["why"] and not car.moving(),
                vx=250, age_ms=1500)
    assert keep(car, agent, car.moving, vx=250)


def test_one_decision_carries_only_so_far(driving):
    car, agent = driving
    frame, capture = agent.frame + 1, time.monotonic_ns()
    moved = time.monotonic()
    while time.monotonic() - moved < 2.5 and "travel" not in agent.verdict["why"]:
        agent.intent(vx=300, frame=frame, capture_ns=capture + 0 * frame)
        agent.receive()
        time.sleep(0.03)
        if time.monotonic_ns() - capture > 9e8:
            break
    # 0.3 m at 0.3 m/s is a second; whichever comes first, the car stands.
    assert car.wait(lambda: not car.moving(), 2, [agent])


def test_only_one_agent_has_permission(driving):
    car, agent = driving
    other = car.agent()
    agent.receive()
    # A second HELLO disarms; the first agent's wishes are void from then on.
    assert keep(car, agent, lambda: agent.verdict["mission"] == 0 or car.moving(), vx=250)
    other.arm()
    other.receive()
    other.close()


# Veto


def test_wall_ahead_stops_in_front_of_it(driving):
    car, agent = driving
    car.distance = lambda degrees: 150 if min(degrees, 360 - degrees) < 40 else 3000
    assert keep(car, agent, lambda: not car.moving() and agent.verdict["why"] & {
        "obstacle", "stopping", "clearing", "too_slow"}, vx=250)
    assert agent.verdict["mission"] == agent.mission  # a veto is no fault
    assert agent.verdict["front"] < 150
    assert keep(car, agent, car.moving, vx=-150)  # the way back is open


def test_veto_ends_when_the_way_is_clear(driving):
    car, agent = driving
    car.distance = lambda degrees: 150 if min(degrees, 360 - degrees) < 40 else 3000
    assert keep(car, agent, lambda: not car.moving(), vx=250)
    car.distance = lambda degrees: 3000
    assert keep(car, agent, car.moving, vx=250)


def test_sonar_closes_what_the_lidar_leaves_open(driving):
    car, agent = driving
    car.sonar = (KIND_GOOD, 60)
    assert keep(car, agent, lambda: not car.moving() and "sonar_near" in agent.verdict["why"],
                vx=250)


def test_sonar_that_fails_only_slows_down(driving):
    car, agent = driving
    car.sonar = (KIND_BUS, 0)
    assert keep(car, agent, lambda: "sonar_fault" in agent.verdict["why"]
                and 0 < agent.verdict["gx"] <= 150, vx=250), agent.verdict
    assert agent.verdict["mission"] == agent.mission


# Faults drop permission, and their end does not give it back


def assert_fault(car, agent, reason, cause, undo):
    cause()
    assert keep(car, agent, lambda: reason in agent.verdict["why"] and agent.verdict["mission"] == 0,
                4, vx=250), agent.verdict
    at = time.monotonic()
    undo()
    assert car.wait(lambda: reason not in agent.verdict["why"], 5, [agent]), agent.verdict
    assert not keep(car, agent, lambda: any(any(d) for _, d in car.motor_frames(at + 0.1)), 0.6,
                    vx=250)
    car.ready(agent)
    assert keep(car, agent, car.moving, vx=250)


def test_silent_lidar(driving):
    car, agent = driving
    assert_fault(car, agent, "lidar_stale", lambda: setattr(car, "lidar_runs", False),
                 lambda: setattr(car, "lidar_runs", True))


def test_lidar_without_returns_is_not_believed(driving):
    car, agent = driving
    far = car.distance
    assert_fault(car, agent, "lidar_blind", lambda: setattr(car, "distance", lambda degrees: 0),
                 lambda: setattr(car, "distance", far))


def test_empty_battery(driving):
    car, agent = driving
    assert_fault(car, agent, "battery_low", lambda: setattr(car, "battery_mv", 6500),
                 lambda: setattr(car, "battery_mv", 7900))


def test_usb_supply(driving):
    car, agent = driving
    assert_fault(car, agent, "usb_supply", lambda: setattr(car, "battery_mv", 4550),
                 lambda: setattr(car, "battery_mv", 7900))


def test_battery_that_falls_silent_caps_the_speed(driving):
    car, agent = driving
    car.battery_reports = False
    assert keep(car, agent, lambda: "battery_silent" in agent.verdict["why"]
                and 0 < agent.verdict["gx"] <= 200, 5, vx=250), agent.verdict


@pytest.mark.skipif(not LONG, reason="it takes half a minute to fill the queue of a pty; the unit "
                                     "test of the brake fills one at once")
def test_full_motor_queue_is_a_fault(driving):
    car, agent = driving
    car.board_reads = False
    assert keep(car, agent, lambda: "motor_fault" in agent.verdict["why"], 60, vx=250)
    car.board_reads = True
    assert car.wait(lambda: "motor_fault" not in agent.verdict["why"], 5, [agent])
    assert agent.verdict["mission"] == 0


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
    assert keep(car, agent, lambda: not car.moving() and "estop" in agent.verdict["why"], vx=250)
    if how == "key":
        agent.send(RESET)  # while it is pressed
        assert car.wait(lambda: any(code == 6 for code, _, _ in agent.events), 2, [agent])
    car.estop, car.sim_runs = RELEASED, True
    time.sleep(0.3)
    assert not keep(car, agent, car.moving, 0.4, vx=250)
    agent.send(RESET)
    assert car.wait(lambda: "estop" not in agent.verdict["why"], 2, [agent])
    assert not keep(car, agent, car.moving, 0.4, vx=250)  # a reset never arms
    car.ready(agent)
    assert keep(car, agent, car.moving, vx=250)


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


# Wrong bytes


def test_malformed_messages_are_silence_and_told(driving):
    car, agent = driving
    for size in (0, 1, 23, 25, 100, 3000):
        agent.socket.send(os.urandom(size) if size else b"x")
    agent.send(99)
    agent.send(HELLO, version=9)
    assert car.wait(lambda: any(code == 9 for code, _, _ in agent.events), 2, [agent])
    assert car.process.poll() is None
    assert keep(car, agent, car.moving, vx=250)


def test_huge_wish_stops_instead_of_being_clamped(driving):
    car, agent = driving
    end = time.monotonic() + 1
    while time.monotonic() < end:
        agent.intent(vx=2**31 - 1)
        agent.receive()
        time.sleep(0.03)
    assert not car.moving()


def test_garbage_on_the_lidar_line_is_survived(driving):
    car, agent = driving
    noise = random.Random(5)
    car.lidar_filter = lambda packet: (noise.randbytes(9) + packet) if noise.random() < 0.2 else packet
    car.drive(agent, 1.5, vx=250)
    assert car.moving() and agent.verdict["mission"] == agent.mission


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


# Deaths. Four different wheel speeds first, then one frame of four zeros, and nothing after it.


def start_for_death(car):
    agent = car.agent()
    car.ready(agent)
    assert keep(car, agent, lambda: car.last() and len(set(car.last())) == 4, 4, vx=200, vy=60,
                wz=250), car.last()
    return agent


def brake_pid(car):
    children = subprocess.run(["pgrep", "-P", str(car.process.pid)], capture_output=True, text=True)
    return int(children.stdout.split()[0])


def bound(car, seconds):
    """The promised time, 20 ms, and the worst stall that the player's own thread has seen."""
    return seconds + 0.02 + max(car.stalls) + 0.01


def assert_death_stops(car, at, seconds):
    assert car.wait(lambda: any(not any(duty) for t, duty in car.motor_frames(at)), 3)
    first = next(t for t, duty in car.motor_frames(at) if not any(duty))
    assert first - at <= bound(car, seconds), (first - at, max(car.stalls))
    assert_stopped_for_good(car, at)
    assert car.board.garbage == 0 or car.motor_frames(at)


KILLS = {
    "safety killed": (lambda car: os.kill(car.process.pid, signal.SIGKILL), 0.0),
    "safety crashed": (lambda car: os.kill(car.process.pid, signal.SIGSEGV), 0.0),
    "safety hung": (lambda car: os.kill(car.process.pid, signal.SIGSTOP), BRAKE_S),
    "brake killed": (lambda car: os.kill(brake_pid(car), signal.SIGKILL), 0.01),
    "group told to end": (lambda car: os.killpg(car.process.pid, signal.SIGTERM), 0.01),
    "safety told to end": (lambda car: car.process.send_signal(signal.SIGTERM), 0.01),
}


@pytest.mark.parametrize("kill", KILLS)
def test_death_stops_the_wheels(kill, tmp_path):
    action, seconds = KILLS[kill]
    dice = random.Random(kill)
    for round_ in range(50 if LONG else 3):
        folder = tmp_path / str(round_)
        folder.mkdir()
        with Car(folder) as car:
            agent = start_for_death(car)
            end = time.monotonic() + dice.uniform(0, 0.05)
            while time.monotonic() < end:
                agent.intent(vx=200, vy=60, wz=250)
                time.sleep(0.005)
            at = time.monotonic()
            action(car)
            assert_death_stops(car, at, seconds)
            agent.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_death_of_the_agent_stops_the_wheels(number, tmp_path):
    """A process of its own holds the connection, so that it can die or stand still."""
    with Car(tmp_path) as car:
        agent = start_for_death(car)
        child = os.fork()
        if child == 0:
            while True:
                agent.intent(vx=200, vy=60, wz=250)
                time.sleep(0.02)
        agent.socket.close()
        time.sleep(0.4)
        at = time.monotonic()
        os.kill(child, number)
        assert_death_stops(car, at, 0.01 if number == signal.SIGKILL else 0.33)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


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


def test_lost_motor_line_ends_the_process(driving):
    car, agent = driving
    os.close(car.slaves[0])
    os.close(car.motor)
    car.motor = os.open("/dev/null", os.O_RDWR)
    car.slaves[0] = os.open("/dev/null", os.O_RDWR)
    assert car.wait(lambda: car.process.poll() is not None, 3)
    assert car.process.returncode == 74


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
