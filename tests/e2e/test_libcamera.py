"""The driver with a libcamera that has cameras without any hardware: 0.7 of sid, in a tree of its own.

libcamera's "virtual" pipeline makes the pictures, of a pattern or of JPEG files. It works in sid's
version (0.4's does not say how much of a buffer it filled), without any device: what it wants of the
kernel is played by udmabuf_shim.c. It gives NV12 and says that its range is limited.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

from chroot import Chroot
from standin import Standin

BUILD = os.environ.get("NAV_TEST_BUILD", "build")
TURBONAV = "/build/agent/cli/turbonav"
AGENT = "/build/agent/turbonav-agent"
PERIOD_MS = 20

BARS = """
"%s":
  supported_formats:
  - { width: 640, height: 480, frame_rates: [ 30 ] }
  - { width: 320, height: 240, frame_rates: [ 30 ] }
  test_pattern: "bars"
  location: "CameraLocationFront"
  model: "Played camera"
"""

FRAMES = """
"Frames":
  supported_formats:
  - { width: 640, height: 480, frame_rates: [ 30 ] }
  frames: { path: "/test/frames/" }
  location: "CameraLocationBack"
  model: "Played camera"
"""

# The bars of the pattern, from the left; they move to the left, from picture to picture.
COLOURS = [(255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0),
           (255, 0, 255), (255, 0, 0), (0, 0, 255), (0, 0, 0)]


@pytest.fixture(scope="module")
def sid(tmp_path_factory):
    root = os.environ.get("NAV_TEST_SID_ROOT")
    if root is None:
        pytest.skip(os.environ.get("NAV_TEST_SID_WHY", "NAV_TEST_SID_ROOT is not set"))
    tree = Chroot(root, "sid", tmp_path_factory.mktemp("sid"))
    tree.build("agent/turbonav-agent", "agent/cli/turbonav")
    done = tree.run("gcc", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o",
                    "/test/shim.so", "/source/tests/e2e/udmabuf_shim.c")
    assert done.returncode == 0, done.stderr
    return tree


def cameras(tree, text):
    folder = os.path.join(tree.share, "pipeline", "virtual")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "virtual.yaml"), "w") as file:
        file.write(text)


def shim(**more):
    return {"LD_PRELOAD": "/test/shim.so", "UDMABUF_SHIM_PERIOD_MS": str(PERIOD_MS), **more}


def means(path, columns, rows):
    """(width, height) and the mean colour of each cell."""
    tool = subprocess.run([f"{BUILD}/tests/unit/picture-means", path, str(columns), str(rows)],
                          capture_output=True, text=True, check=True)
    lines = [tuple(map(int, line.split())) for line in tool.stdout.splitlines()]
    return lines[0], lines[1:]


def far(a, b):
    return max(abs(x - y) for x, y in zip(a, b))


def bars_of(cells):
    """Which bars are seen from the left; a cell between two of them is none."""
    bars = []
    for cell in cells:
        near = [i for i, colour in enumerate(COLOURS) if far(cell, colour) <= 12]
        if near and bars[-1:] != near:
            bars += near
    return bars


def snap(tree, *arguments, env=None):
    done = tree.run(TURBONAV, "camera", "snap", "/test/snap.jpg", *arguments, env=shim(**(env or {})))
    return done, os.path.join(tree.folder, "snap.jpg")


@pytest.fixture
def config(sid):
    """A file of the tree that a test may add to."""
    path = os.path.join(sid.folder, "turbonav.conf")
    with open(path, "w") as file:
        file.write("[question]\naction_prompt = /source/config/prompts/action.txt\n")
    return path


def test_list_tells_what_a_camera_is(sid):
    cameras(sid, BARS % "Bars")
    done = sid.run(TURBONAV, "camera", "list", env=shim())
    assert done.returncode == 0 and done.stderr == "", done.stderr
    lines = done.stdout.splitlines()
    assert re.fullmatch(r'Bars  "Played camera"  front  NV12( \d+x\d+)+', lines[0])
    assert " 320x240 " in lines[0] and lines[0].endswith(" 640x480")
    told = json.loads(sid.run(TURBONAV, "camera", "list", "--json", env=shim()).stdout)
    assert (told["id"], told["model"], told["location"]) == ("Bars", "Played camera", "front")
    assert (told["modes"][0]["format"], told["modes"][0]["usable"]) == ("NV12", True)
    assert [320, 240] in told["modes"][0]["sizes"] and told["modes"][0]["sizes"][-1] == [640, 480]


@pytest.mark.parametrize("size, arguments", [
    ((640, 480), ()),
    ((320, 240), ("--size", "320x240")),
    ((640, 480), ("--size", "600x400")),  # the next larger one
    ((640, 480), ("--size", "4000x3000", "--camera", "Bars")),  # the largest
])
def test_snap_is_a_jpeg_of_what_the_camera_sees(sid, size, arguments):
    cameras(sid, BARS % "Bars")
    done, path = snap(sid, *arguments)
    assert done.returncode == 0, done.stderr
    found, cells = means(path, 80, 1)
    bars = bars_of(cells)
    assert found == size
    # In their order, from wherever they begin: any two beside each other are so in the pattern.
    assert set(bars) == set(range(8)), cells
    assert all(b == (a + 1) % 8 for a, b in zip(bars, bars[1:])), bars
    assert done.stdout == (f"/test/snap.jpg: {size[0]}x{size[1]}, {os.path.getsize(path)} bytes, "
                           f"encoded from NV12 {size[0]}x{size[1]}\n")
    assert [name for name in os.listdir(sid.folder) if name.startswith("snap.jpg.")] == []


def test_one_of_several_cameras_has_to_be_named(sid):
    cameras(sid, BARS % "One" + BARS % "Two")
    done, _ = snap(sid)
    assert done.returncode == 66 and "there are several cameras: One, Two" in done.stderr
    done, _ = snap(sid, "--camera", "Three")
    assert done.returncode == 66 and "camera Three is not there, but One, Two" in done.stderr
    done, _ = snap(sid, "--camera", "Two")
    assert done.returncode == 0, done.stderr


def put_frames(tree, frames, numbers):
    folder = os.path.join(tree.folder, "frames")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for place, number in enumerate(numbers):
        shutil.copy(frames / f"{number:04}.jpg", os.path.join(folder, f"{place}.jpg"))
    cameras(tree, FRAMES)


def test_snap_shows_the_picture_and_no_other(sid, frames):
    for number in (1, 16, 41):
        put_frames(sid, frames, [number])
        done, path = snap(sid)
        assert done.returncode == 0, done.stderr
        _, seen = means(path, 6, 4)
        distances = {}
        for other in (1, 16, 41):
            _, painted = means(frames / f"{other:04}.jpg", 6, 4)
            # The files' range is full, the camera says that it is limited: what is spread is more
            # vivid than it was.
            vivid = [[min(255, max(0, (v - 16) * 255 / 219)) for v in cell] for cell in painted]
            distances[other] = max(far(a, b) for a, b in zip(seen, vivid))
        assert min(distances, key=distances.get) == number and distances[number] < 25, distances


class Agent:
    """A dry run with the camera of the tree; its lines of JSON as they come."""

    def __init__(self, tree, server, config, *arguments, env=None):
        self.frames, self.summary = [], None
        self.process = tree.start(AGENT, "--dry-run", "--json", "--vlm", server.url, "--config",
                                  "/test/" + os.path.basename(config), *arguments, env=shim(**(env or {})))
        self.errors = []
        self.threads = [threading.Thread(target=self.read),
                        threading.Thread(target=lambda: self.errors.extend(self.process.stderr))]
        for thread in self.threads:
            thread.start()

    def read(self):
        for line in self.process.stdout:
            found = json.loads(line)
            if "summary" in found:
                self.summary = found["summary"]
            else:
                self.frames.append(found)

    def wait_for(self, condition, seconds=20):
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            assert self.process.poll() is None or condition(), self.errors
            time.sleep(0.02)
        assert condition(), (self.errors, len(self.frames))

    def said(self, words):
        return any(words in line for line in self.errors)

    def end(self, seconds=30):
        code = self.process.wait(seconds)
        for thread in self.threads:
            thread.join(seconds)
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.end()


def test_the_agent_decides_from_the_camera(sid, frames, config):
    # The painted drive stands at these points in frames 1, 16 and 41 (render_frames.c).
    for number, word in ((1, "forward"), (16, "left"), (41, "right")):
        put_frames(sid, frames, [number])
        with Standin("--seed", "1") as server, Agent(sid, server, config, "--limit", "20") as agent:
            assert agent.end() == 0, agent.errors
            assert len(agent.frames) == 20
            assert {frame["decision"] for frame in agent.frames} == {word}
            numbers = [frame["seq"] for frame in agent.frames]
            assert numbers == sorted(set(numbers))
            # From the camera's own time of the picture, which it takes before it makes it: never
            # in the future, and not long ago.
            ages = sorted(frame["stages_ms"]["read"] for frame in agent.frames)
            assert ages[0] >= 0 and ages[len(ages) // 2] < 500, ages
            assert agent.summary["errors"] == {} and agent.summary["unreadable"] == 0


def test_a_slow_model_gets_the_newest_picture(sid, frames, config):
    """Pictures come every 20 ms and questions take 200: one in ten is asked about, none is late."""
    put_frames(sid, frames, [1])
    with Standin("--seed", "1", "--service", "200") as server:
        with Agent(sid, server, config, "--limit", "10") as agent:
            assert agent.end() == 0, agent.errors
    numbers = [frame["seq"] for frame in agent.frames]
    assert numbers[-1] - numbers[0] >= 9 * 4  # most were skipped, also on a machine that stalls
    waits = sorted(frame["stages_ms"]["wait"] for frame in agent.frames)
    assert waits[len(waits) // 2] < 150, waits


def test_a_camera_that_hangs_is_opened_again(sid, frames, config):
    put_frames(sid, frames, [1])
    stall = os.path.join(sid.folder, "stall")
    env = {"UDMABUF_SHIM_STALL": "/test/stall"}
    with Standin("--seed", "1") as server:
        with Agent(sid, server, config, "--fps", "20", "--limit", "1000000",
                   "--set", "camera.timeout=500ms", env=env) as agent:
            try:
                agent.wait_for(lambda: len(agent.frames) >= 5)
                with open(stall, "w"):
                    pass
                agent.wait_for(lambda: agent.said("no picture for a second"))
                assert agent.said("no picture came for 500 ms")
                before = len(agent.frames)
                time.sleep(1)
                assert len(agent.frames) - before <= 1  # it waits, and the loop lives
            finally:
                os.unlink(stall)
            agent.wait_for(lambda: len(agent.frames) >= before + 5)
            assert agent.said("there are pictures: NV12 640x480")
            numbers = [frame["seq"] for frame in agent.frames]
            assert numbers == sorted(set(numbers))
