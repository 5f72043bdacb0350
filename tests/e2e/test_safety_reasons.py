"""Every reason that turbonav-safety may give for not doing what was asked: seen set, for a cause of
the world outside of the process, and seen cleared when the cause is gone.

The reasons come from the header itself, so one that is added there fails here until it has a row.
One car for all of them: each row begins and ends with a car that drives and has no reason not to."""

import re
import signal
import time
from dataclasses import dataclass, field
from typing import Callable

import pytest

from car import DISARM, ESTOP, KIND_BUS, KIND_GOOD, KIND_NO_ECHO, REASONS, RESET, Car
from test_safety_lines import fill_motor_line

FREE_MM = 3000
LATE_S = 0.05


class Stage:
    """The car, its agent, and what the agent heard since the row began."""

    def __init__(self, car):
        self.car = car
        self.agent = None

    def greet(self):
        if self.agent is not None:
            self.agent.close()
        self.agent = self.car.agent()

    def restart(self, *options):
        self.car.end()
        self.car.launch(*options)
        self.greet()

    def drive(self):
        """Whatever the last row left behind: a car that drives and has no reason not to."""
        if self.car.process is None or self.car.process.poll() is not None or self.agent is None:
            self.restart()
        end = time.monotonic() + 10
        while not self.is_free():
            assert time.monotonic() < end, self.agent.verdict["why"]
            if self.agent.verdict is None or self.agent.verdict["mission"] == 0:
                self.car.ready(self.agent)
            self.agent.intent(vx=200)
            time.sleep(0.03)

    def is_free(self):
        self.agent.receive()
        return self.agent.verdict and self.agent.verdict["why"] == set() and self.car.moving()

    def heard(self, reason):
        return any(reason in verdict["why"] for verdict in self.agent.verdicts)


# What provokes a reason and what ends it. Both act on the world; what is asked meanwhile is a row's.


def nothing(stage):
    pass


def world(**values):
    """Sets what the car's devices tell."""
    def act(stage):
        for name, value in values.items():
            setattr(stage.car, name, value)
    return act


def ahead(mm):
    return lambda degrees: mm if min(degrees, 360 - degrees) < 40 else FREE_MM


def everywhere(mm):
    return lambda degrees: mm


def no_packets_from_ahead(packet):
    clockwise = int.from_bytes(packet[4:6], "little") / 100
    return b"" if min(clockwise, 360 - clockwise) < 40 else packet


def renew_one_decision(stage):
    """0.2 m/s for 0.12 m, and its frame stays younger than a second."""
    agent = stage.agent
    frame, capture = agent.frame + 1, time.monotonic_ns()
    while time.monotonic_ns() - capture < 9e8 and not stage.heard("travel"):
        agent.intent(vx=200, frame=frame, capture_ns=capture)
        agent.receive()
        time.sleep(0.03)
    assert stage.car.wait(lambda: not stage.car.moving(), 1)


def wall_that_goes_away(stage):
    stage.car.distance = ahead(130)
    assert stage.car.keep(stage.agent, lambda: not stage.car.moving(), vx=200)
    stage.car.distance = everywhere(FREE_MM)


def echo_from_behind(stage):
    """What the sonar saw is held for seconds, unless there is an echo from behind it."""
    stage.car.sonar = (KIND_GOOD, 1500)
    stage.car.keep(stage.agent, lambda: "sonar_near" not in stage.agent.verdict["why"], vx=200)
    stage.car.sonar = (KIND_NO_ECHO, 0)


def hold_up_the_loop(stage):
    """The only way to make a tick late from outside: the process stands still for longer than a tick
    may be late and shorter than the brake waits. The bit is that of one tick."""
    stage.car.process.send_signal(signal.SIGSTOP)
    time.sleep(LATE_S + 0.03)
    stage.car.process.send_signal(signal.SIGCONT)


def fill_the_motor_line(stage):
    stage.car.board_reads = False
    fill_motor_line(stage.car)


@dataclass
class Row:
    provoke: Callable = nothing
    undo: Callable = nothing
    asked: dict = field(default_factory=lambda: {"vx": 200})  # while the reason is waited for


FREE = world(distance=everywhere(FREE_MM))
ROWS = {
    "not_armed": Row(lambda stage: stage.agent.send(DISARM)),
    "estop": Row(lambda stage: stage.agent.send(ESTOP), lambda stage: stage.agent.send(RESET)),
    "self_test": Row(lambda stage: stage.restart()),
    "no_intent": Row(lambda stage: time.sleep(0.4)),
    "intent_old": Row(asked={"vx": 200, "age_ms": 1500}),
    "intent_bad": Row(asked={"vx": 200, "mission": 1}),
    "travel": Row(renew_one_decision),
    "lidar_stale": Row(world(lidar_runs=False), world(lidar_runs=True)),
    "lidar_blind": Row(world(distance=everywhere(0)), FREE),
    "sonar_fault": Row(world(sonar=(KIND_BUS, 0)), world(sonar=(KIND_NO_ECHO, 0))),
    # By configuration, so what sets and clears it is a restart.
    "sonar_off": Row(lambda stage: stage.restart("--set", "sonar.driver=off"),
                     lambda stage: stage.restart()),
    "obstacle": Row(world(distance=ahead(150)), FREE),
    "unseen": Row(world(lidar_filter=no_packets_from_ahead), world(lidar_filter=lambda p: p)),
    "dark": Row(world(distance=ahead(0)), FREE, {"vx": 300}),
    "sonar_near": Row(world(sonar=(KIND_GOOD, 60)), echo_from_behind),
    "reversal": Row(asked={"vx": -200}),
    "stopping": Row(world(distance=ahead(115)), FREE),
    "too_slow": Row(asked={"vx": 60}),
    "clearing": Row(wall_that_goes_away),
    "ceiling": Row(asked={"vx": 900}),
    "battery_low": Row(world(battery_mv=6500), world(battery_mv=7900)),
    "usb_supply": Row(world(battery_mv=4550), world(battery_mv=7900)),
    "battery_silent": Row(world(battery_reports=False), world(battery_reports=True)),
    "motor_fault": Row(fill_the_motor_line, world(board_reads=True)),
    "overrun": Row(hold_up_the_loop),
}


@pytest.fixture(scope="module")
def shared_stage(tmp_path_factory):
    options = ["--set", "safety.travel=120 mm", "--set", f"safety.late={LATE_S * 1000:.0f} ms",
               "--set", "battery.silence=1200 ms"]
    with Car(tmp_path_factory.mktemp("reasons"), options=options) as car:
        yield Stage(car)


def test_every_row_is_a_reason():
    assert set(ROWS) == set(REASONS)


@pytest.mark.parametrize("reason", REASONS)
def test_reason_is_set_and_cleared(reason, shared_stage):
    stage, row = shared_stage, ROWS[reason]
    stage.drive()
    stage.agent.verdicts.clear()
    row.provoke(stage)
    try:
        assert stage.car.keep(stage.agent, lambda: stage.heard(reason), 5, **row.asked), (
            stage.agent.verdict["why"])
    finally:
        row.undo(stage)
    stage.drive()


def test_one_late_tick_stops_the_wheels_and_keeps_permission(shared_stage):
    stage = shared_stage
    time.sleep(1.0)  # behind the late ticks of other tests
    stage.drive()
    stage.agent.verdicts.clear()
    hold_up_the_loop(stage)
    assert stage.car.keep(stage.agent, lambda: stage.heard("overrun"), 2, vx=200)
    late = [verdict for verdict in stage.agent.verdicts if "overrun" in verdict["why"]]
    assert late[0]["ax"] > 0, [(v["why"], v["ax"], v["gx"]) for v in stage.agent.verdicts[:6]]
    assert all(verdict["gx"] == verdict["gy"] == verdict["gz"] == 0 for verdict in late), late
    assert stage.agent.verdict["mission"] == stage.agent.mission
    assert stage.car.keep(stage.agent, stage.car.moving, vx=200)


def test_three_late_ticks_within_a_second_drop_permission(shared_stage):
    stage = shared_stage
    time.sleep(1.0)  # behind the late ticks of other tests
    stage.drive()
    stage.agent.events.clear()
    for _ in range(3):
        assert stage.agent.verdict["mission"] != 0
        hold_up_the_loop(stage)
        stage.car.drive(stage.agent, 0.1, vx=200)
    assert stage.agent.verdict["mission"] == 0 and not stage.car.moving()
    # Not the only fault when the machine held up the lidar's reader as well.
    assert any(re.search(r"\bfault .*\boverrun\b", text) for _, _, text in stage.agent.events), stage.agent.events
    time.sleep(1.0)  # it is over, and still nothing moves
    assert not stage.car.keep(stage.agent, stage.car.moving, 0.4, vx=200)
    stage.drive()
