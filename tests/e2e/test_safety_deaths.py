"""Deaths of turbonav-safety, of its brake, of the agent and of what they hang on, at random phases
of a drive with four different wheel speeds. Each is followed by one frame with four zeros in time,
and by nothing else until somebody arms again: over the restart that systemd would make, up to the
next arming.

In time is what the kind promises (`promise_s`), 20 ms, and what processes that only sleep were late
at worst in the same run: no constant that a slower machine would break. That the logic itself needs
nothing more is shown in virtual time by the unit tests of permit, gate and brake.

Six rides of each of the ten kinds, thirty with --long. NAV_TEST_SEED repeats the phases of a run."""

import os
import random
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import Callable

import pytest

from car import SAFETY, Car, brake_of

LONG = os.environ.get("NAV_TEST_LONG") == "1"
RIDES = 30 if LONG else 6
SEED = int(os.environ.get("NAV_TEST_SEED") or random.SystemRandom().randrange(10**9))
BRAKE_S, TICK_S = 0.2, 0.01  # the brake's silence as car.py configures it
INTENT_S, LIDAR_S = 0.3, 0.1  # how long an intent, and the last beam, hold
SLACK_S = 0.02
STALLED_MAX = 5
TWIST = {"vx": 200, "vy": 60, "wz": 250}


class Driver:
    """A process that holds the agent's connection and drives, so that it can die or stand still."""

    def __init__(self, agent):
        self.pid = os.fork()
        if self.pid == 0:
            self.run(agent)
        agent.socket.close()

    @staticmethod
    def run(agent):
        """Never returns into pytest, of which this process is a copy."""
        try:
            socket_fd = agent.socket.fileno()  # and nothing else: a line that it held would not end
            os.closerange(3, socket_fd)
            os.closerange(socket_fd + 1, 4096)
            while True:
                agent.intent(**TWIST)
                time.sleep(0.02)
        finally:
            os._exit(0)

    def signal(self, number):
        os.kill(self.pid, number)

    def end(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0


def restart(car):
    """As systemd does. Returns when."""
    car.end()
    at = time.monotonic()
    car.launch()
    return at


def kill_both(car, _):
    """Nobody is left to stop the wheels, until systemd runs --stop-motors: the time counts from
    there. Each of them sees the death of the other, so both must stand still first, and before all
    the brake, which stops the wheels when it hears nothing for a moment."""
    both = (brake_of(car.process.pid), car.process.pid)
    for pid in both:
        os.kill(pid, signal.SIGSTOP)
    os.waitid(os.P_PID, car.process.pid, os.WSTOPPED | os.WNOWAIT)
    for pid in both:
        os.kill(pid, signal.SIGKILL)
    car.process.wait()
    assert car.moving(), "somebody stopped the wheels"
    at = time.monotonic()
    done = subprocess.run([SAFETY, "--stop-motors", "--config", car.config], capture_output=True,
                          text=True, timeout=10, env=car.environment())
    assert done.returncode == 0, done.stderr
    return at


def lose_motor_line(car, _):
    """What was closed cannot be stopped any more, by nobody. Another line comes back in its place,
    and what systemd starts then stops that one first: the time counts from there."""
    car.unplug_motor()
    assert car.wait(lambda: car.process.poll() is not None, 3)
    assert car.process.returncode == 74
    car.plug_motor()
    return restart(car)


def signal_brake(car, number):
    pid = brake_of(car.process.pid)
    at = time.monotonic()
    os.kill(pid, number)
    return at


def lidar_falls_silent(car, _):
    car.lidar_runs = False


def lidar_speaks(car):
    car.lidar_runs = True


@dataclass
class Kind:
    """`strike` may tell from when on the time counts, if not from its call."""
    strike: Callable
    promise_s: float
    survives: bool = False  # a safety process is there afterwards
    undo: Callable = lambda car: None


def safety(number):
    return lambda car, _: os.kill(car.process.pid, number)


def agent(number):
    return lambda _, driver: driver.signal(number)


KINDS = {
    "agent killed": Kind(agent(signal.SIGKILL), TICK_S, survives=True),
    # Its last intent was received in a tick, and is found to be over in one.
    "agent hung": Kind(agent(signal.SIGSTOP), INTENT_S + 2 * TICK_S, survives=True),
    "safety killed": Kind(safety(signal.SIGKILL), 0),
    "safety hung": Kind(safety(signal.SIGSTOP), BRAKE_S),
    "safety crashed": Kind(safety(signal.SIGSEGV), 0),
    "brake killed": Kind(lambda car, _: signal_brake(car, signal.SIGKILL), TICK_S),
    "both killed": Kind(kill_both, BRAKE_S),
    "lidar silent": Kind(lidar_falls_silent, LIDAR_S + TICK_S, survives=True, undo=lidar_speaks),
    "motor line lost": Kind(lose_motor_line, BRAKE_S, survives=True),
    "group told to end": Kind(lambda car, _: os.killpg(car.process.pid, signal.SIGTERM), TICK_S),
}


def has_four_speeds(car):
    last = car.last()
    return last is not None and all(last) and len({abs(duty) for duty in last}) == 4


def arm_and_drive(car, since):
    """Up to four different speeds, unless something ends the permission; nothing moves before the arming,
    whatever was before."""
    agent = car.agent()
    assert car.wait(lambda: agent.verdict is not None, 5, [agent])
    assert agent.verdict["mission"] == 0
    assert not moved(car, since), "moved without being armed"
    car.ready(agent)
    assert car.keep(agent, lambda: has_four_speeds(car) or agent.verdict["mission"] == 0, 4, **TWIST), (
        car.last(), agent.verdict)
    return agent


def moved(car, since):
    return any(any(duty) for _, duty in car.motor_frames()[since:])


def first_stop(car, since):
    """The first motor frame of zeros: its number, and between which times it came: in between this
    test's own thread did not look. None: there is none."""
    for number, (at, duty) in enumerate(car.motor_frames()[since:], since):
        if not any(duty):
            return number, car.board.unread[at], at
    return None


def drive_off(car, phase_s, since):
    """An agent's process that drives, after a random time. A stall of the machine makes a sensor
    stale or the loop silent, and the car does what it must: then it drives off once more."""
    for _ in range(STALLED_MAX):
        agent = arm_and_drive(car, since)
        driver = Driver(agent)
        time.sleep(phase_s)
        if has_four_speeds(car):
            return driver
        driver.end()
        if car.process.poll() is not None:
            restart(car)
        assert car.wait(lambda: not car.moving(), 2)
        since = len(car.motor_frames())
    pytest.fail(f"this machine stalls all the time: {agent.events}")


def ride(car, kind, phase_s, since):
    """`since`: the number of the first motor frame that must not move anything before the arming.
    Returns that of the next ride, and (earliest, latest) delay of the stop."""
    driver = drive_off(car, phase_s, since)
    try:
        driven, called = len(car.motor_frames()), time.monotonic()
        at = kind.strike(car, driver) or called
        if not kind.survives:
            assert car.wait(lambda: car.process.poll() is not None, 5)
        assert car.wait(lambda: first_stop(car, driven), 5), "no stop frame"
        number, earliest, latest = first_stop(car, driven)
        assert not moved(car, number), "moved behind the stop"
    finally:
        driver.end()
    kind.undo(car)
    if car.process.poll() is not None:
        restart(car)
    return number, (max(0.0, earliest - at), latest - at)


@pytest.mark.parametrize("name", KINDS)
def test_death_stops_the_wheels(name, tmp_path, reference):
    kind, dice, took = KINDS[name], random.Random(f"{SEED} {name}"), []
    print(f"NAV_TEST_SEED={SEED}")
    with Car(tmp_path) as car:
        since = 0
        for _ in range(RIDES):
            since, delay = ride(car, kind, dice.uniform(0.03, 0.08), since)
            took.append(delay)
        last = car.agent()  # the last ride's restart was not armed either
        assert car.wait(lambda: last.verdict is not None, 5, [last])
        assert not moved(car, since)
    worst = max(earliest for earliest, _ in took)
    print(f"{name}: {len(took)} rides, stop after {1000 * min(delay[1] for delay in took):.1f} to "
          f"{1000 * max(delay[1] for delay in took):.1f} ms; reference {1000 * reference.worst_s:.1f} ms")
    assert worst <= kind.promise_s + SLACK_S + reference.worst_s
