"""turbonav-agent --explore with the real turbonav-safety in a played car, and the stand-in: from a
picture to bytes on the motor line, and back to what a person reads."""

import json
import os
import signal
import subprocess
import time

import pytest

from car import PRESSED, Car
from standin import Standin
from test_agent import AGENT, HOME, environment


class Exploration:
    """The agent under way in a car that is ready to be armed."""

    def __init__(self, car, url, frames, *options):
        probe = car.agent()
        assert car.wait(lambda: probe.verdict and probe.verdict["why"] == {"not_armed"}, 10, [probe])
        probe.close()
        time.sleep(0.7)  # a closed connection disarms; an ARM is refused so soon after a fault
        with open(car.config, "a") as file:
            file.write(f"[question]\naction_prompt = {HOME}/config/prompts/action.txt\n")
        self.process = subprocess.Popen(
            [AGENT, "--explore", "--json", "--loop", "--fps", "30", "--frames", frames, "--config",
             car.config, "--vlm", url, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=environment())

    def finish(self, number=None):
        if number is not None:
            self.process.send_signal(number)
        out, error = self.process.communicate(timeout=20)
        lines = [json.loads(line) for line in out.splitlines()]
        return self.process.returncode, lines, error


@pytest.fixture
def world(tmp_path):
    with Car(tmp_path) as car, Standin("--fault", "always=forward", "--service", "10") as server:
        yield car, server


def test_answers_become_motion_and_ctrl_c_stops_it(world, frames):
    car, server = world
    run = Exploration(car, server.url, frames)
    assert car.wait(car.moving, 8)
    assert car.last()[0] < 0 < car.last()[1]  # the left motors are mirrored
    time.sleep(0.5)
    at = time.monotonic()
    code, lines, error = run.finish(signal.SIGINT)
    assert code == 130, error
    assert car.wait(lambda: not car.moving(), 1)
    assert all(not any(duty) for _, duty in car.motor_frames(at + 0.5))
    driven = [frame for frame in lines[:-1] if frame["verdict"]["vx_mm_s"] > 0]
    assert driven and all(frame["intent"]["vx_mm_s"] > 0 for frame in driven)
    assert "safety: armed" in error


def test_wall_is_reported_as_a_veto_and_nothing_is_hit(world, frames):
    car, server = world
    run = Exploration(car, server.url, frames)
    assert car.wait(car.moving, 8)
    car.distance = lambda degrees: 150 if min(degrees, 360 - degrees) < 40 else 3000
    assert car.wait(lambda: not car.moving(), 2)
    time.sleep(0.3)
    code, lines, _ = run.finish(signal.SIGTERM)
    assert code == 143
    assert "obstacle" in lines[-3]["verdict"]["reasons"]
    assert lines[-3]["verdict"]["vx_mm_s"] == 0


def test_emergency_stop_ends_the_exploration(world, frames):
    car, server = world
    run = Exploration(car, server.url, frames)
    assert car.wait(car.moving, 8)
    pressed = time.monotonic()
    car.estop = PRESSED
    code, _, error = run.finish()
    assert code == 75
    assert "emergency stop" in error and "the exploration is over" in error
    car.assert_stopped_for_good(pressed, 0.3)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_agent_that_dies_or_hangs_leaves_the_wheels_still(number, world, frames):
    car, server = world
    run = Exploration(car, server.url, frames)
    assert car.wait(car.moving, 8)
    at = time.monotonic()
    run.process.send_signal(number)
    assert car.wait(lambda: not car.moving(), 2)
    time.sleep(0.4)
    stops = [i for i, (_, duty) in enumerate(car.motor_frames(at)) if not any(duty)]
    assert all(not any(duty) for _, duty in car.motor_frames(at)[stops[0]:])
    run.process.kill()
    run.process.communicate()


def test_safety_that_dies_ends_the_exploration(world, frames):
    car, server = world
    run = Exploration(car, server.url, frames)
    assert car.wait(car.moving, 8)
    killed = time.monotonic()
    os.kill(car.process.pid, signal.SIGKILL)
    code, _, error = run.finish()
    assert code == 75 and "the exploration is over" in error
    car.assert_stopped_for_good(killed, 0.3)


def test_server_that_dies_stops_the_car(world, frames):
    car, server = world
    run = Exploration(car, server.url, frames)
    assert car.wait(car.moving, 8)
    server.process.kill()
    server.process.wait()
    assert car.wait(lambda: not car.moving(), 3)
    code, _, _ = run.finish(signal.SIGINT)
    server.process.returncode = 0
    assert code == 130


def test_without_a_safety_process_nothing_is_explored(frames, tmp_path):
    config = tmp_path / "car.conf"
    config.write_text(f"[safety]\nsocket = {tmp_path}/none\n"
                      f"[question]\naction_prompt = {HOME}/config/prompts/action.txt\n")
    with Standin() as server:
        done = subprocess.run([AGENT, "--explore", "--frames", frames, "--config", config, "--vlm",
                               server.url], capture_output=True, text=True, env=environment(),
                              timeout=30)
    assert done.returncode == 75
    assert "the safety process cannot be reached: No such file" in done.stderr
