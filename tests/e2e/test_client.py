"""The client's promises against servers with odd manners: one question in flight, never sent twice,
no answer after its deadline, no reply taken for another question's."""

import json
import os
import signal
import subprocess
import time

import pytest

from oddserver import OddServer, response, word
from standin import PATIENCE
from test_agent import AGENT, CONFIG, agent, dry_run, environment

START = 2  # questions before the first frame


def good(connection, _number):
    connection.sendall(response(word("forward")))
    return True


def test_connection_that_closes_without_a_byte_is_not_asked_again(frames):
    with OddServer(lambda c, n: n != START + 3 and good(c, n)) as server:
        run = dry_run(server.url, frames, "--limit", 10)
    assert run.code == 0 and run.errors() == {3: "cut"}
    assert run.frames[2]["detail"] == "closed without an answer"
    assert server.questions == START + 10


def test_answer_after_the_deadline_is_thrown_away(frames):
    def slow(connection, number):
        if number == START + 2:
            time.sleep(0.5)
        return good(connection, number)

    with OddServer(slow) as server:
        process = subprocess.Popen(
            [AGENT, "--config", CONFIG, "--dry-run", "--json", "--frames", frames, "--limit", "4",
             "--fps", "20", "--vlm", server.url, "--set", "vlm.cli.timeout=300ms"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
        first = json.loads(process.stdout.readline())
        while server.questions < START + 2:
            time.sleep(0.005)
        # The answer arrives while the agent stands still, and is old when it looks again.
        process.send_signal(signal.SIGSTOP)
        time.sleep(1)
        process.send_signal(signal.SIGCONT)
        out, error = process.communicate(timeout=20 * PATIENCE)
    rest = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 0, error
    assert first["decision"] == "forward"
    assert rest[0]["seq"] == 2 and rest[0]["error"] == "deadline"
    assert [frame["decision"] for frame in rest[1:3]] == ["forward", "forward"]


@pytest.mark.real_time
def test_stray_answer_is_not_taken_for_the_next_questions(frames):
    def chatty(connection, number):
        connection.sendall(response(word("forward")))
        time.sleep(0.003)
        connection.sendall(response(word("left")))
        return True

    with OddServer(chatty) as server:
        run = dry_run(server.url, frames, "--limit", 20, "--fps", 40)
    assert run.code == 0
    # A stray that comes before the next question costs the connection, not the decision.
    assert run.summary["decisions"]["left"] <= 1
    assert run.summary["decisions"]["forward"] >= 19


@pytest.mark.parametrize("refusal", ["502 Bad Gateway", "503 Service Unavailable", "hang up"])
def test_server_that_refuses_at_once_is_not_hammered(refusal, frames):
    def refuse(connection, number):
        if number <= START:
            return good(connection, number)
        if refusal == "hang up":
            return False
        connection.sendall(response(b"<html>", refusal))
        return True

    with OddServer(refuse) as server:
        run = dry_run(server.url, frames, "--limit", 8)
    assert run.code == 69 and run.summary["failed"] == 8
    # The first failure is followed at once, the others each after a tenth of a second.
    assert run.summary["seconds"] >= 0.6


@pytest.mark.real_time
def test_http_1_0_is_spoken_to(frames):
    def old(connection, _number):
        connection.sendall(response(word("forward"), version="HTTP/1.0"))
        return False

    with OddServer(old) as server:
        run = dry_run(server.url, frames, "--limit", 10, "--fps", 50)
    assert run.code == 0 and run.summary["answered"] == 10
    assert run.summary["late_connects"] <= 2  # each next connection is opened before it is needed


def test_what_a_server_says_of_itself_cannot_drive_the_terminal(frames):
    with OddServer(good, alias="\033[31mred\nturbonav-agent: error: forged") as server:
        run = dry_run(server.url, frames, "--limit", 1)
    assert run.code == 0
    assert "\033" not in run.stderr
    assert not any(line.startswith("turbonav-agent: error") for line in run.stderr.splitlines())


def test_base_url_is_understood_with_and_without_v1(frames):
    with OddServer(good) as server:
        root = server.url.removesuffix("/v1")
        for url in (root, root + "/", root + "/v1", root + "/v1/"):
            assert dry_run(url, frames, "--limit", 1).code == 0


@pytest.mark.real_time
def test_idle_connection_is_kept_by_refreshing_it(frames):
    with OddServer(good) as server:
        run = dry_run(server.url, frames, "--limit", 3, "--fps", "0.2")
    assert run.code == 0 and run.summary["late_connects"] == 0
    # One for the start-up conversation, one for the questions; one more is a stall's.
    assert server.connections <= 3


@pytest.mark.real_time
def test_reader_that_stands_still_does_not_hold_up_a_signal(frames):
    with OddServer(good) as server:
        process = subprocess.Popen(
            [AGENT, "--config", CONFIG, "--dry-run", "--json", "--loop", "--frames", frames,
             "--vlm", server.url],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment())
        before, now = -1, 0
        while before != now:  # until the pipe is full and the agent waits in write()
            before = now
            time.sleep(0.5)
            now = server.questions
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 130
        process.stdout.close()


def test_output_that_fails_ends_the_run(frames):
    with OddServer(good) as server, open("/dev/full", "w") as full:
        done = subprocess.run(
            [AGENT, "--config", CONFIG, "--dry-run", "--loop", "--frames", frames,
             "--vlm", server.url],
            stdout=full, stderr=subprocess.PIPE, text=True, env=environment(), timeout=20 * PATIENCE)
    assert done.returncode == 74 and "standard output failed" in done.stderr
    assert server.questions <= START + 3


def test_own_endpoint_has_nothing_of_a_configured_one(frames, tmp_path):
    config = tmp_path / "car.conf"
    config.write_text('[vlm "panda"]\nurl = http://127.0.0.1:1/v1\nmodel = gemma\nprotocol = openai\n'
                      f"[question]\naction_prompt = {os.path.dirname(CONFIG)}/prompts/action.txt\n")
    with OddServer(good) as server:
        done = agent("--dry-run", "--frames", frames, "--limit", 1, "--vlm", server.url,
                     config=config)
    assert done.returncode == 0
    assert "vlm cli: llama-server" in done.stderr and "panda" not in done.stderr


def test_closed_standard_descriptors_are_not_written_into(frames):
    with OddServer(good) as server:
        done = subprocess.run(
            ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", AGENT, "--config", CONFIG, "--dry-run",
             "--frames", str(frames), "--limit", "3", "--vlm", server.url],
            env=environment(), timeout=20 * PATIENCE)
    assert done.returncode == 0
    assert server.questions == START + 3
