"""turbonav-safety --wheels, the first drive on blocks, with a person at a pty and a car on others."""

import fcntl
import itertools
import json
import os
import pty
import select
import signal
import subprocess
import termios
import time

import pytest

from car import PRESSED, SAFETY, Car

TURBONAV = os.path.join(os.path.dirname(SAFETY), "agent/cli/turbonav")


class WheelsCar(Car):
    """Its safety process is started by the test, on a terminal."""

    def launch(self, *more):
        pass


def take_terminal():
    """So that Ctrl-C reaches the program, as at a person's terminal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Person:
    """Reads and types at a terminal."""

    def __init__(self, car, command=(), stdout=None, **more):
        self.ours, theirs = pty.openpty()
        command = list(command) or [SAFETY, "--wheels", "--config", car.config]
        self.process = subprocess.Popen(command, stdin=theirs, stdout=stdout or theirs, stderr=theirs,
                                        start_new_session=True, preexec_fn=take_terminal,
                                        env={**car.environment(), **more})
        os.close(theirs)
        self.text = ""

    def reads(self, words, seconds=10.0):
        """Until the words stand there, or the program has ended."""
        end = time.monotonic() + seconds
        while words not in self.text and time.monotonic() < end:
            if select.select([self.ours], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.ours, 4096).decode()
                except OSError:
                    break  # its end of the line is closed
        return words in self.text

    def types(self, line):
        os.write(self.ours, line.encode() + b"\n")

    def leaves(self):
        self.reads("\0nothing", 10)
        code = self.process.wait(10)
        os.close(self.ours)
        return code


@pytest.fixture
def car(tmp_path):
    with WheelsCar(tmp_path) as car:
        yield car


def turns(car):
    """Which wheels were driven, in what order, with each a duty and the seconds that it was."""
    moving = [(at, duty) for at, duty in car.motor_frames() if any(duty)]
    runs = itertools.groupby(moving, lambda frame: tuple(i for i in range(4) if frame[1][i]))
    found = []
    for wheels, frames in runs:
        frames = list(frames)
        found.append((wheels, frames[-1][1], frames[-1][0] - frames[0][0]))
    return found


def test_one_wheel_after_the_other_turns_forward_for_half_a_second(car):
    person = Person(car)
    assert person.reads("anything else ends this: "), person.text
    assert not turns(car)
    person.types("wheels")
    assert person.leaves() == 0, person.text
    found = turns(car)
    assert [wheels for wheels, _, _ in found] == [(0,), (1,), (2,), (3,)]
    # The left motors are mirrored; 40 % is the first duty of the default table.
    assert [duty[wheels[0]] for wheels, duty, _ in found] == [-40, 40, -40, 40]
    assert all(0.3 < seconds < 0.8 for _, _, seconds in found), found
    assert not any(car.last())
    assert "[motor] signs = - + - +" in person.text and "table = 200:40 500:100" in person.text


def test_signs_of_the_configuration_are_what_is_tried(car):
    with open(car.config, "a") as file:
        file.write("[motor]\nsigns = + + + +\ntable = 150:55 500:100\n")
    person = Person(car)
    assert person.reads("anything else ends this: "), person.text
    person.types("wheels")
    assert person.leaves() == 0, person.text
    assert [duty[wheels[0]] for wheels, duty, _ in turns(car)] == [55, 55, 55, 55]


@pytest.mark.parametrize("word", ["", "wheels please"])
def test_another_word_turns_nothing(word, car):
    person = Person(car)
    assert person.reads("anything else ends this: "), person.text
    person.types(word)
    assert person.leaves() == 1
    assert "not the word" in person.text
    assert not turns(car)


def press(car):
    car.estop = PRESSED


def latch(car):
    with open(f"{car.folder}/estop", "w"):
        pass


TROUBLES = {
    "e-stop key is pressed": press,
    "e-stop key cannot be read": lambda car: setattr(car, "sim_runs", False),
    "e-stop is latched": latch,
    "battery is too low": lambda car: setattr(car, "battery_mv", 6500),
    "supplied by USB": lambda car: setattr(car, "battery_mv", 4500),
    "does not report its battery": lambda car: setattr(car, "battery_reports", False),
}


@pytest.mark.parametrize("words", TROUBLES)
def test_trouble_is_told_before_anybody_is_asked(words, car):
    with open(car.config, "a") as file:
        file.write("[motor]\ndriver = board5\n")
    TROUBLES[words](car)
    person = Person(car)
    assert person.leaves() == 1, person.text
    assert words in person.text and "to begin" not in person.text
    assert not turns(car)


BREAKS = {
    "e-stop key is pressed": lambda car, person: press(car),
    "battery is too low": lambda car, person: setattr(car, "battery_mv", 6500),
    "told to stop": lambda car, person: os.write(person.ours, b"\x03"),
}


@pytest.mark.parametrize("words", BREAKS)
def test_a_turning_wheel_stops_at_once(words, car):
    person = Person(car)
    assert person.reads("anything else ends this: "), person.text
    person.types("wheels")
    assert car.wait(lambda: any(d[1] for _, d in car.motor_frames()), 5)  # the second wheel
    at = time.monotonic()
    BREAKS[words](car, person)
    assert person.leaves() == 1, person.text
    assert words in person.text
    assert {wheels for wheels, _, _ in turns(car)} <= {(0,), (1,)} or words == "battery is too low"
    car.assert_stopped_for_good(at)


def test_killed_while_a_wheel_turns(car):
    person = Person(car)
    assert person.reads("anything else ends this: "), person.text
    person.types("wheels")
    assert car.wait(car.moving, 5)
    at = time.monotonic()
    person.process.send_signal(signal.SIGKILL)
    assert person.leaves() == -signal.SIGKILL
    car.assert_stopped_for_good(at)


def test_the_line_is_held_by_a_running_safety_process(tmp_path):
    with Car(tmp_path) as car:
        agent = car.agent()
        car.ready(agent)
        person = Person(car)
        assert person.leaves() == 74
        assert "busy" in person.text.lower()
        agent.close()


def test_without_a_terminal_it_is_a_wrong_command_line(car):
    done = subprocess.run([SAFETY, "--wheels", "--config", car.config], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 64 and "no terminal" in done.stderr
    assert not car.motor_frames()


def test_nobody_can_connect_meanwhile(car):
    person = Person(car)
    assert person.reads("anything else ends this: "), person.text
    assert not os.path.exists(car.socket_path)
    person.types("no")
    assert person.leaves() == 1


def at_command(car, *options, stdout=None):
    """A person at the terminal of `turbonav wheels`, which finds turbonav-safety in PATH."""
    folder = os.path.dirname(os.path.abspath(SAFETY))
    return Person(car, [TURBONAV, "wheels", "--config", car.config, *options], stdout,
                  PATH=f"{folder}:{os.environ['PATH']}")


def script(car):
    return at_command(car, "--json", stdout=subprocess.PIPE)


def told(person):
    """The one object that the program reads, when the person has left."""
    output = person.process.stdout.read()
    assert output.count(b"\n") == 1, output
    return json.loads(output)


def test_a_program_is_told_what_each_wheel_did(car):
    person = script(car)
    assert person.reads("anything else ends this: "), person.text
    person.types("wheels")
    assert person.leaves() == 0, person.text
    report = told(person)
    assert (report["done"], report["reason"]) == (True, None)
    assert report["wheels"] == [
        {"motor": motor, "name": name, "duty_percent": duty, "driven_ms": 500, "outcome": "driven",
         "reason": None}
        for motor, name, duty in ((1, "front left", -40), (2, "front right", 40),
                                  (3, "rear left", -40), (4, "rear right", 40))]
    assert len(turns(car)) == 4 and "What to do when" in person.text


def test_a_program_is_told_why_no_wheel_turned(car):
    latch(car)
    person = script(car)
    assert person.leaves() == 1, person.text
    report = told(person)
    assert not report["done"] and "e-stop is latched" in report["reason"]
    assert [(wheel["outcome"], wheel["driven_ms"], wheel["reason"]) for wheel in report["wheels"]] == \
        [("refused", 0, report["reason"])] * 4
    assert "e-stop is latched" in person.text and not turns(car)


def test_a_program_is_told_which_wheel_was_broken_off(car):
    person = script(car)
    assert person.reads("anything else ends this: "), person.text
    person.types("wheels")
    assert car.wait(lambda: any(d[1] for _, d in car.motor_frames()), 5)  # the second wheel
    press(car)
    assert person.leaves() == 1, person.text
    report = told(person)
    assert (report["done"], report["reason"]) == (False, "the e-stop key is pressed")
    assert [wheel["outcome"] for wheel in report["wheels"]] == ["driven", "broken off", "refused", "refused"]
    assert [wheel["reason"] for wheel in report["wheels"]] == [None, *[report["reason"]] * 3]
    assert 0 < report["wheels"][1]["driven_ms"] < 500


def test_a_program_that_does_not_read_is_an_error(car):
    latch(car)
    with open("/dev/full", "wb") as full:
        person = at_command(car, "--json", stdout=full)
        assert person.leaves() == 74
    assert "standard output failed" in person.text


def test_json_is_for_the_wheels_only(car):
    done = subprocess.run([SAFETY, "--json", "--config", car.config], capture_output=True, text=True, timeout=20)
    assert done.returncode == 64 and "--json needs --wheels" in done.stderr and done.stdout == ""


def test_command_becomes_the_process_that_owns_the_wheels(car):
    person = at_command(car)
    assert person.reads("anything else ends this: "), person.text
    person.types("no")
    assert person.leaves() == 1
    wrong = subprocess.run([TURBONAV, "wheels", "now"], capture_output=True, text=True, timeout=20)
    assert wrong.returncode == 64 and "now" in wrong.stderr
