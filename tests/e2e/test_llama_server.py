"""turbonav-agent against a real llama-server with a random model: the protocol is the server's own.

What it answers is noise. That it answers, and that each question costs one decode, keeps the prefix
cache and a connection, is what counts. Runs where tests/run/llama_root.sh could make its tree.
"""

import os
import socket
import subprocess
import time

import pytest

from test_agent import agent, dry_run

ROOT = os.environ.get("NAV_TEST_LLAMA_ROOT")

pytestmark = [
    pytest.mark.real_time,  # a model of any size wants the processors
    pytest.mark.skipif(
        ROOT is None, reason=os.environ.get("NAV_TEST_LLAMA_WHY", "NAV_TEST_LLAMA_ROOT is not set")),
]


class LlamaServer:
    """A llama-server in a chroot whose /proc is in a mount namespace of its own."""

    def __init__(self, *options):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = ["unshare", "--mount", "--propagation", "private", "--kill-child", "--pid",
                   "--fork", "sh", "-c",
                   'mount -t proc proc "$0/proc" && exec chroot "$0" llama-server "$@"', ROOT]
        command += ["-m", "/model.gguf", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["-t", "2", "-c", "8192", "-np", "1", "--swa-full", *options]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            assert self.process.poll() is None, "llama-server ended"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.1)
        raise AssertionError("llama-server does not listen")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(10)


@pytest.fixture(scope="module")
def server():
    with LlamaServer("--mmproj", "/projector.gguf") as llama:
        yield llama


def test_every_frame_gets_a_word_and_its_probability(server, frames):
    run = dry_run(server.url, frames, "--set", "vlm.cli.timeout=10s")
    assert run.code == 0 and run.summary["errors"] == {}
    assert run.summary["answered"] == 60
    assert all(frame["confidence"] >= 0.2 for frame in run.frames)  # the best of five words
    assert all(frame["stages_ms"]["server"] > 0 for frame in run.frames)
    assert "with protocol llama over /completion, with probabilities" in run.stderr


def test_percept_question_gets_its_own_words(server, frames):
    run = dry_run(server.url, frames, "--limit", 5, "--set", "question.kind=percept",
                  "--set", "vlm.cli.timeout=10s")
    assert run.code == 0
    assert set(run.summary["decisions"]) == {"none", "left", "center", "right"}


def test_start_learns_what_there_is(server, frames):
    run = dry_run(server.url, frames, "--limit", 1, "--set", "vlm.cli.timeout=10s")
    assert "sees pictures, 1 slot, context 8192 tokens, thinking off" in run.stderr
    assert "words are tokens stop " in run.stderr
    # The projector makes 4x4 tokens of any picture; all text before it comes from the cache.
    assert "the picture is 16 of them" in run.stderr
    assert "warning" not in run.stderr


def test_connections_last_a_hundred_requests(server, frames):
    run = dry_run(server.url, frames, "--loop", "--limit", 230, "--set", "vlm.cli.timeout=10s")
    assert run.code == 0 and run.summary["answered"] == 230
    assert run.summary["late_connects"] <= 1


def test_server_without_projector_is_refused(frames):
    with LlamaServer() as llama:
        done = agent("--dry-run", "--frames", frames, "--vlm", llama.url)
    assert done.returncode == 69 and "the server has no vision" in done.stderr


def test_template_that_always_thinks_is_refused(frames):
    template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}<|think|>"
    with LlamaServer("--mmproj", "/projector.gguf", "--chat-template", template) as llama:
        done = agent("--dry-run", "--frames", frames, "--vlm", llama.url)
    assert done.returncode == 69 and "thinking cannot be turned off" in done.stderr


def test_prompt_that_does_not_fit_is_refused(frames):
    with LlamaServer("--mmproj", "/projector.gguf", "-c", "512") as llama:
        done = agent("--dry-run", "--frames", frames, "--vlm", llama.url)
    assert done.returncode == 69 and "a test question failed" in done.stderr
    assert "400" in done.stderr


def test_text_protocol_finds_no_words_in_noise(server, frames):
    done = agent("--dry-run", "--frames", frames, "--vlm", server.url, "--set",
                 "vlm.cli.protocol=openai")
    assert done.returncode == 69 and "a test question failed" in done.stderr
