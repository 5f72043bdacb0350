"""turbonav-sim, and the closed loop of the real programs around it."""

import json
import os
import subprocess
import sys

import pytest

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{HOME}/tests/run")

from simcar import SimCar  # noqa: E402

BUILD = os.path.abspath(os.environ.get("NAV_TEST_BUILD", "build"))
SIM = f"{BUILD}/hal/sim/turbonav-sim"


def explore(tmp_path, seconds=20.0, enough=None, **options):
    """An exploration until `enough` says so; the car afterwards, and the result."""
    with SimCar(BUILD, str(tmp_path), **options) as car:
        agent = car.explore()
        car.wait_for("agent", lambda: enough(car), "not enough within the time", seconds)
        assert agent.poll() is None, car.log("agent")
        return car, car.finish()


def has_driven(car):
    return car.status.get("distance_m", 0) > 0.5 and car.decisions > 30


def test_the_loop_is_closed_over_real_bytes(tmp_path):
    car, result = explore(tmp_path, enough=has_driven)
    assert result["contacts"] == 0
    assert result["decisions"] > 30 and result["failed"] == 0
    assert result["motor_frames"] > 100
    assert result["floor_seen"] > 0.3
    assert "ceiling" in result["vetoes"] or "obstacle" in result["vetoes"] or result["vetoes"]
    # What is measured last includes all before.
    stages = result["stages_ms"]
    assert stages["motor"]["p50"] > stages["total"]["p50"] > stages["request"]["p50"] > 18
    # The end of an exploration is zeros.
    assert not any(list(car.motor_frames())[-1][1])
    with open(tmp_path / "path.png", "rb") as file:
        assert file.read(8) == b"\x89PNG\r\n\x1a\n"


def test_the_other_lidar_starts_on_request(tmp_path):
    _, result = explore(tmp_path, enough=has_driven, lidar="rplidar_c1", room="empty", seed=3)
    assert result["contacts"] == 0


def test_same_answers_change_the_question_when_so_configured(tmp_path):
    car, result = explore(
        tmp_path, room="empty", enough=lambda car: car.frame.get("decision") == "center",
        settings="on_degenerate = percept\n[explorer]\ndegenerate_time = 1 s\n")
    assert result["degenerate"]
    assert "degenerate answers" in car.log("agent")
    assert "from now on the question is where the most open floor is" in car.log("agent")


def test_note_behind_the_picture_is_understood(tmp_path):
    _, result = explore(tmp_path, enough=has_driven, room="office",
                        settings="tell_clearances = yes\ntell_decisions = yes\n")
    assert result["contacts"] == 0 and result["failed"] == 0


def test_without_pictures_the_car_stands_and_says_so(tmp_path):
    with SimCar(BUILD, str(tmp_path), options=("--set", f"camera.socket={tmp_path}/none")) as car:
        car.explore()
        car.wait_for("agent", lambda: "no picture for a second" in car.log("agent"), "said nothing")
        result = car.finish()
        assert not any(any(duty) for _, duty in car.motor_frames())
        assert result["decisions"] == 0 and result["distance_m"] == 0


def run_sim(*arguments):
    return subprocess.run([SIM, *arguments], capture_output=True, text=True, timeout=30, check=False)


def test_help_and_version():
    result = run_sim("--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Usage: turbonav-sim --dir DIR")
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert run_sim("--version").stdout.startswith("turbonav-sim ")


@pytest.mark.parametrize("arguments, words", [
    ((), "--dir DIR is missing"),
    (("--dir", "/tmp", "x"), "unexpected argument x"),
    (("--fast",), "unknown option --fast"),
    (("--dir",), "a value is missing after --dir"),
    (("--dir", "/tmp", "--fps", "0"), "--fps 0: expected a whole number from 1 to 60"),
    (("--dir", "/tmp", "--view", "wide"), "--view wide: expected a whole number from 55 to 130"),
    (("--dir", "/tmp", "--lidar", "x4"), "--lidar x4: expected ld06 or rplidar_c1"),
    (("--dir", "/tmp", "--seed", "-1"), "--seed -1: expected a whole number from 0"),
])
def test_wrong_command_line_is_one_clear_error(arguments, words):
    result = run_sim(*arguments)
    assert result.returncode == 64
    assert result.stderr.splitlines()[0] == f"turbonav-sim: {words}"


def test_room_that_is_not_there_or_is_wrong(tmp_path):
    result = run_sim("--dir", str(tmp_path), "--room", "attic")
    assert result.returncode == 65
    assert "--room attic: No such file or directory: expected empty, living" in result.stderr
    plan = tmp_path / "my.room"
    plan.write_text("room 0 0 1000 1000\nbox 1 2 3\n")
    result = run_sim("--dir", str(tmp_path), "--room", str(plan))
    assert result.returncode == 65
    assert result.stderr == f"turbonav-sim: error: {plan}:2: box has 3 numbers: expected x y width " \
                            "depth\n"
    assert sorted(os.listdir(tmp_path)) == ["my.room"]


def test_folder_that_is_not_there():
    result = run_sim("--dir", "/nowhere/at/all", "--room", f"{HOME}/hal/sim/rooms/empty.room")
    assert result.returncode == 71
    assert "/nowhere/at/all: No such file or directory" in result.stderr


def test_two_simulators_do_not_share_a_folder(tmp_path):
    room = f"{HOME}/hal/sim/rooms/empty.room"
    with subprocess.Popen([SIM, "--dir", str(tmp_path), "--room", room], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as first:
        assert "the car's devices are in" in first.stderr.readline()
        result = run_sim("--dir", str(tmp_path), "--room", room)
        assert result.returncode == 71
        assert "another simulator has its car there" in result.stderr
        assert os.path.exists(tmp_path / "camera.sock")
        first.terminate()
        output, _ = first.communicate(timeout=10)
        assert output.startswith("empty room: ") and first.returncode == 0
    # What it made is gone with it.
    assert os.listdir(tmp_path) == []


def demo(*arguments):
    return subprocess.run(
        [sys.executable, f"{HOME}/tests/run/demo.py", *arguments], capture_output=True, text=True,
        timeout=60, check=False, env={**os.environ, "NAV_TEST_BUILD": BUILD})


def test_demo_ends_with_one_object():
    result = demo("--seconds", "8", "--json", "--room", "empty")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout.splitlines()[-1])
    assert report["contacts"] == 0
    assert report["decisions"] > 20
    assert report["distance_m"] > 0
    assert 0 < report["floor_seen"] <= 1
    assert isinstance(report["vetoes"], dict)
    assert report["stages_ms"]["motor"]["p50"] > 0


def test_demo_refuses_what_it_does_not_know():
    assert demo("--fast").returncode == 64
    assert demo("--seconds", "0").returncode == 64
    result = demo("--seconds", "5", "--set", "explorer.forward=fast")
    assert (result.returncode, result.stdout) == (78, "")
    assert "[explorer] forward = fast: expected a number of mm/s" in result.stderr
    result = demo("--room", "attic")
    assert result.returncode == 69
    assert "--room attic" in result.stderr
