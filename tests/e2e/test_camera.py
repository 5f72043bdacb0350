"""turbonav camera as a process, with the camera of a simulator that is played here; what real
libcameras do is in test_libcamera.py."""

import glob
import json
import os
import shutil
import socket
import struct
import subprocess
import threading
import time

import pytest

BUILD = os.environ.get("NAV_TEST_BUILD", "build")
TURBONAV = os.path.join(BUILD, "agent", "cli", "turbonav")
AGENT = os.path.join(BUILD, "agent", "turbonav-agent")


def turbonav(*arguments, **keywords):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NAV_", "TURBONAV_"))}
    # What is read here is what the program says; libcamera 0.4 misses a device aloud.
    return subprocess.run([TURBONAV, *map(str, arguments)], capture_output=True, text=True,
                          env={**kept, "LIBCAMERA_LOG_LEVELS": "*:FATAL"}, timeout=60, **keywords)


class Camera:
    """Sends the same JPEG at 50 Hz to whoever connects (hal/camera/camera_sim.h)."""

    def __init__(self, path, jpeg):
        self.jpeg = jpeg
        self.ended = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(path))
        self.listener.listen(4)
        self.listener.settimeout(0.05)
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        seq, peers = 0, []
        while not self.ended.is_set():
            try:
                peers.append(self.listener.accept()[0])
            except TimeoutError:
                pass
            seq += 1
            for peer in list(peers):
                try:
                    self.send(peer, seq)
                except OSError:
                    peers.remove(peer)
                    peer.close()
            time.sleep(0.02)
        for peer in peers:
            peer.close()

    def send(self, peer, seq):
        memory = os.memfd_create("picture")
        try:
            os.write(memory, self.jpeg)
            message = struct.pack("=IIQqII", 0x434D4954, 1, seq, time.monotonic_ns(),
                                  len(self.jpeg), 0)
            socket.send_fds(peer, [message], [memory])
        finally:
            os.close(memory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.listener.close()


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "turbonav.conf"
    path.write_text(f"[camera]\ndriver = sim\nsocket = {tmp_path}/camera.sock\n")
    return path


@pytest.fixture
def jpeg(frames):
    return (frames / "0001.jpg").read_bytes()


def test_a_machine_without_a_camera_says_so():
    if glob.glob("/dev/video*") or glob.glob("/dev/media*"):
        pytest.skip("this machine has a camera")
    for options in ((), ("--json",)):
        done = turbonav("camera", "list", *options)
        assert done.returncode == 66 and done.stdout == ""
        assert done.stderr.startswith("turbonav: ") and done.stderr.count("\n") == 1
        assert "no camera is there" in done.stderr or "without libcamera" in done.stderr


def test_snap_without_a_camera_ends_and_writes_nothing(tmp_path):
    if glob.glob("/dev/video*") or glob.glob("/dev/media*"):
        pytest.skip("this machine has a camera")
    done = turbonav("camera", "snap", tmp_path / "snap.jpg")
    assert done.returncode == 66 and done.stdout == ""
    assert "no camera is there" in done.stderr or "without libcamera" in done.stderr
    assert os.listdir(tmp_path) == []


def test_snap_writes_the_very_picture_of_a_camera_that_gives_jpeg(tmp_path, config, jpeg):
    with Camera(tmp_path / "camera.sock", jpeg):
        done = turbonav("camera", "snap", "snap.jpg", "--config", config, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "snap.jpg").read_bytes() == jpeg
    assert done.stdout == f"snap.jpg: 640x480, {len(jpeg)} bytes, as it came from the simulator\n"
    assert sorted(os.listdir(tmp_path)) == ["camera.sock", "snap.jpg", "turbonav.conf"]


def test_snap_says_the_same_as_json(tmp_path, config, jpeg):
    with Camera(tmp_path / "camera.sock", jpeg):
        done = turbonav("camera", "snap", "snap.jpg", "--json", "--config", config, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert json.loads(done.stdout) == {"file": "snap.jpg", "width_px": 640, "height_px": 480, "bytes": len(jpeg),
                                       "encoded": False, "camera": "the simulator"}


def test_snap_takes_the_umask(tmp_path, config, jpeg):
    with Camera(tmp_path / "camera.sock", jpeg):
        done = turbonav("camera", "snap", tmp_path / "snap.jpg", "--config", config,
                        preexec_fn=lambda: os.umask(0o027))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "snap.jpg").stat().st_mode & 0o777 == 0o640


def test_snap_leaves_an_older_picture_when_there_is_no_whole_one(tmp_path, config, jpeg):
    (tmp_path / "snap.jpg").write_text("older")
    with Camera(tmp_path / "camera.sock", jpeg[: len(jpeg) // 2]):
        done = turbonav("camera", "snap", tmp_path / "snap.jpg", "--json", "--config", config)
    assert done.returncode == 66 and done.stdout == "" and done.stderr.count("\n") == 1
    assert "the last one is cut off" in done.stderr
    assert (tmp_path / "snap.jpg").read_text() == "older"
    assert sorted(os.listdir(tmp_path)) == ["camera.sock", "snap.jpg", "turbonav.conf"]


def test_snap_names_a_file_that_cannot_be_written(tmp_path, config, jpeg):
    (tmp_path / "folder").mkdir()
    with Camera(tmp_path / "camera.sock", jpeg):
        for name in ("none/snap.jpg", "folder"):
            done = turbonav("camera", "snap", tmp_path / name, "--config", config)
            assert done.returncode == 74 and done.stdout == ""
            assert done.stderr.startswith(f"turbonav: {tmp_path}/{name}: ")
    assert sorted(os.listdir(tmp_path)) == ["camera.sock", "folder", "turbonav.conf"]


@pytest.mark.parametrize("arguments, words", [
    ((), "expected a command after 'turbonav camera'"),
    (("lits",), "did you mean 'turbonav camera list'?"),
    (("list", "all"), 'unexpected argument "all"'),
    (("snap",), "expected 'turbonav camera snap FILE'"),
    (("snap", "--size", "640x480"), "expected 'turbonav camera snap FILE'"),
    (("snap", "a", "b"), 'unexpected argument "b"'),
    (("snap", "a", "--colour"), 'unknown option "--colour"'),
    (("snap", "a", "--camera"), "option --camera needs a value"),
    (("snap", "a", "--size", "640"), 'option --size is "640": expected WIDTHxHEIGHT'),
    (("snap", "a", "--size", "640x31"), "each 32..4096 px"),
    (("snap", "a", "--size", "640x+48"), "expected WIDTHxHEIGHT"),
    (("snap", "a", "--size", "640x480 "), "expected WIDTHxHEIGHT"),
])
def test_a_wrong_command_line_is_refused(tmp_path, arguments, words):
    done = turbonav("camera", *arguments, cwd=tmp_path)
    assert done.returncode == 64 and words in done.stderr
    assert os.listdir(tmp_path) == []


def test_what_the_driver_cannot_do_is_refused(tmp_path, config):
    done = turbonav("camera", "snap", tmp_path / "snap.jpg", "--size", "640x480", "--config", config)
    assert done.returncode == 64 and "need [camera] driver = libcamera" in done.stderr
    config.write_text("[camera]\ndriver = none\n")
    done = turbonav("camera", "snap", tmp_path / "snap.jpg", "--config", config)
    assert done.returncode == 78 and "there is no camera: [camera] driver is none" in done.stderr


def test_a_build_without_libcamera_says_so(tmp_path):
    """Only the two files that are different in it, and what they go into."""
    home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if shutil.which("meson") is None:
        pytest.skip("meson is not installed")
    setup = subprocess.run(["meson", "setup", "-Dlibcamera=disabled", tmp_path / "build", home],
                           capture_output=True, text=True, timeout=120)
    assert setup.returncode == 0, setup.stdout
    assert "camera through libcamera: no: " in setup.stdout
    for name in ("agent/cli/turbonav", "agent/turbonav-agent"):
        made = subprocess.run(["ninja", "-C", tmp_path / "build", name], capture_output=True,
                              text=True, timeout=600)
        assert made.returncode == 0, made.stdout
    for arguments in (("list",), ("snap", tmp_path / "snap.jpg")):
        done = subprocess.run([tmp_path / "build/agent/cli/turbonav", "camera", *arguments],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 66
        assert done.stderr == "turbonav: this turbonav was built without libcamera\n"
    done = subprocess.run([tmp_path / "build/agent/turbonav-agent", "--dry-run", "--vlm",
                           "http://127.0.0.1:9/v1"], capture_output=True, text=True, timeout=60,
                          env={"PATH": os.environ["PATH"],
                               "TURBONAV_QUESTION_ACTION_PROMPT": f"{home}/config/prompts/action.txt"})
    assert done.returncode == 78, done.stderr
    assert "this turbonav was built without it" in done.stderr
