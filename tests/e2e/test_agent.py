"""turbonav-agent --dry-run as a process, against turbonav-standin: what it prints, what it asks, and
how it ends when the server, the frames or the command line are not as they should be."""

import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from standin import PATIENCE, Standin

BUILD = os.environ.get("NAV_TEST_BUILD", "build")
AGENT = os.path.join(BUILD, "agent", "turbonav-agent")
HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONFIG = os.path.join(HOME, "config", "demo.conf")
TIMEOUT_MS = 400 * PATIENCE
# What a stalling machine may add to a deadline before a test calls it missed.
SLACK_MS = 1500


def environment(**more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NAV_", "TURBONAV_"))}
    return {**kept, **more}


def agent(*arguments, config=CONFIG, env=None, **keywords):
    patience = ["--set", f"vlm.cli.timeout={1000 * PATIENCE}ms"] if "--vlm" in arguments else []
    return subprocess.run(
        [AGENT, *(["--config", config] if config else []), *patience, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment(**(env or {})),
        timeout=60 * PATIENCE,
        **keywords,
    )


class Run:
    """A dry run with --json, taken apart."""

    def __init__(self, done):
        self.code = done.returncode
        self.stderr = done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.frames = lines[:-1]
        self.summary = lines[-1]["summary"] if lines else None

    def errors(self):
        return {frame["seq"]: frame["error"] for frame in self.frames if "error" in frame}


def dry_run(url, frames, *arguments, **keywords):
    return Run(agent("--dry-run", "--json", "--frames", frames, "--vlm", url, *arguments, **keywords))


@pytest.fixture
def few(frames, tmp_path):
    """Six frames in a folder that the test may spoil."""
    folder = tmp_path / "few"
    folder.mkdir()
    for name in sorted(os.listdir(frames))[:6]:
        shutil.copy(frames / name, folder)
    return folder


@pytest.fixture
def server():
    with Standin("--seed", "1") as standin:
        yield standin


# What it prints


def test_json_has_one_object_per_frame_and_a_summary(server, frames):
    run = dry_run(server.url, frames)
    assert run.code == 0
    assert [frame["seq"] for frame in run.frames] == list(range(1, 61))
    assert [frame["file"] for frame in run.frames] == sorted(os.listdir(frames))
    for frame in run.frames:
        assert frame["decision"] in ("stop", "forward", "left", "right", "backward")
        assert 0 <= frame["confidence"] <= 1
        assert set(frame["intent"]) == {"vx_mm_s", "vy_mm_s", "wz_mrad_s", "reason"}
        assert set(frame["stages_ms"]) == {
            "read", "encode", "load", "wait", "request", "server", "parse", "decide", "total",
        }
        stages = frame["stages_ms"]
        assert stages["total"] >= stages["request"] >= stages["server"] >= 0
    summary = run.summary
    assert summary["frames"] == summary["answered"] == 60
    assert sum(summary["decisions"].values()) == 60
    assert summary["errors"] == {} and summary["unreadable"] == 0
    assert summary["rate_hz"] > 0
    assert set(summary["stages_ms"]["request"]) == {"p50", "p95", "p99", "max"}


def test_decisions_follow_the_floor_in_the_picture(server, frames):
    run = dry_run(server.url, frames)
    by_seq = {frame["seq"]: frame for frame in run.frames}
    # The painted drive stands at these points in frames 1, 16, 41 and 56 (render_frames.c).
    assert by_seq[1]["decision"] == "forward" and by_seq[1]["intent"]["vx_mm_s"] > 0
    assert by_seq[16]["decision"] == "left" and by_seq[16]["intent"]["wz_mrad_s"] > 0
    assert by_seq[41]["decision"] == "right" and by_seq[41]["intent"]["wz_mrad_s"] < 0
    assert by_seq[56]["decision"] not in ("forward",)


def test_percept_question_is_steered_from(server, frames):
    run = dry_run(server.url, frames, "--set", "question.kind=percept")
    assert run.code == 0
    assert set(run.summary["decisions"]) == {"none", "left", "center", "right"}
    center = next(frame for frame in run.frames if frame["decision"] == "center")
    assert center["intent"]["vx_mm_s"] > 0 and center["intent"]["wz_mrad_s"] == 0
    left = next(frame for frame in run.frames if frame["decision"] == "left")
    assert left["intent"]["wz_mrad_s"] >= 0


def test_text_in_a_pipe_is_plain_lines(server, frames):
    done = agent("--dry-run", "--frames", frames, "--vlm", server.url)
    assert done.returncode == 0
    assert "\033" not in done.stdout + done.stderr and "\r" not in done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if re.match(r" +\d+  \d{4}\.jpg ", line)]
    assert len(lines) == 60
    assert "60 frames in " in done.stdout and "entropy" in done.stdout and "p99" in done.stdout
    assert re.search(r"errors +none", done.stdout)


def test_terminal_shows_progress(server, frames):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [AGENT, "--config", CONFIG, "--dry-run", "--json", "--frames", frames, "--vlm", server.url],
        stdout=subprocess.DEVNULL, stderr=theirs, env=environment(),
    )
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:
        pass  # the other side is closed
    assert process.wait(10) == 0
    os.close(ours)
    assert b"60 of 60 frames" in shown and b"\r\033[K" in shown


def test_start_says_what_the_server_is(server, frames):
    done = agent("--dry-run", "--frames", frames, "--vlm", server.url, "--limit", 1)
    assert re.search(r"llama-server .* sees pictures, 1 slot, context 4096 tokens, thinking off",
                     done.stderr)
    assert re.search(r"protocol llama over /completion, with probabilities", done.stderr)
    assert re.search(r"words are tokens stop \d+, forward \d+, left \d+, right \d+, backward \d+",
                     done.stderr)
    match = re.search(r"a question has (\d+) tokens, the picture is 70 of them; (\d+) reused",
                      done.stderr)
    assert match and int(match[1]) > int(match[2]) > int(match[1]) / 2


# What it asks


def test_each_frame_is_asked_exactly_once(frames):
    with Standin("--log") as server:
        run = dry_run(server.url, frames)
        _, _, log = server.stop()
    tests = 2  # questions of the start
    assert run.code == 0
    assert len(log.splitlines()) == 60 + tests


@pytest.mark.real_time
def test_connections_are_renewed_off_the_critical_path(frames):
    # As slow as the real one: what the next connection has to be opened in, and what a stall has to outlast.
    with Standin("--service", "18") as server:
        run = dry_run(server.url, frames, "--loop", "--limit", 310)
    assert run.code == 0 and run.summary["answered"] == 310
    # The server closes after 100 requests each; a stall may cost one of the three.
    assert run.summary["late_connects"] <= 1


def test_limit_loop_and_rate(server, few):
    run = dry_run(server.url, few, "--loop", "--limit", 15, "--fps", 50)
    assert run.code == 0
    assert [frame["seq"] for frame in run.frames] == list(range(1, 16))
    assert run.frames[6]["file"] == run.frames[0]["file"]
    assert run.summary["seconds"] >= 14 / 50 - 0.001
    assert len(dry_run(server.url, few, "--limit", 4).frames) == 4


def test_one_file_is_a_folder_of_one(server, few):
    run = dry_run(server.url, few / "0002.jpg")
    assert run.code == 0 and [frame["file"] for frame in run.frames] == ["0002.jpg"]


# When the server misbehaves. The start asks two questions, so question 4 is the second frame.

FAULTS = {
    "http-500": ("http", "500"),
    "http-503": ("loading", "503"),
    "hang": ("deadline", ""),
    "slow-body": ("deadline", ""),
    "cut": ("cut", ""),
    "garbage": ("not_json", ""),
    "truncated": ("truncated", ""),
    "unknown-word": ("unknown_word", ""),
    "empty": ("no_word", ""),
    "several-words": ("several_words", ""),
    "huge": ("too_large", ""),
    "deep": ("depth", ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_costs_its_frame_and_nothing_else(fault, few):
    error, detail = FAULTS[fault]
    with Standin("--fault", f"{fault}@4") as server:
        run = dry_run(server.url, few, "--set", f"vlm.cli.timeout={TIMEOUT_MS}ms")
    assert run.code == 0
    assert run.errors() == {2: error}
    failed = run.frames[1]
    assert failed["decision"] is None and failed["confidence"] is None
    assert failed["intent"] == {"vx_mm_s": 0, "vy_mm_s": 0, "wz_mrad_s": 0, "reason": "failed"}
    assert detail in failed["detail"]
    assert failed["stages_ms"]["request"] <= TIMEOUT_MS + SLACK_MS
    assert run.summary["errors"] == {error: 1}
    assert run.summary["answered"] == 5 and run.summary["failed"] == 1


def test_reasoning_instead_of_an_answer_is_named(few):
    options = ("--flavour", "openai", "--fault", "reasoning@5")
    with Standin(*options) as server:
        run = dry_run(server.url, few)
    assert run.errors() == {2: "reasoning"}


def test_faults_read_well(few):
    with Standin("--fault", "unknown-word@4", "--fault", "hang@5") as server:
        done = agent("--dry-run", "--frames", few, "--vlm", server.url,
                     "--set", f"vlm.cli.timeout={TIMEOUT_MS // 2}")
    assert done.returncode == 0
    assert re.search(r"2  0002.jpg +no decision: unknown word: \w+", done.stdout)
    assert re.search(r"3  0003.jpg +no decision: no answer in time", done.stdout)
    assert re.search(r"errors +deadline 1 +unknown_word 1", done.stdout)


@pytest.mark.parametrize("fault, words", {
    "http-500": "a test question failed: server refused the question: 500",
    "garbage": "a test question failed: reply is not JSON",
    "unknown-word": "a test question failed: unknown word",
    "empty": "a test question failed: empty answer",
}.items())
def test_server_that_always_fails_is_unusable(fault, words, few):
    with Standin("--fault", fault) as server:
        done = agent("--dry-run", "--json", "--frames", few, "--vlm", server.url)
    assert done.returncode == 69
    assert words in done.stderr and "no model server can be used" in done.stderr
    assert done.stdout == ""


def test_server_that_dies_leaves_the_rest_undecided(frames):
    with Standin("--service", "20") as server:
        process = subprocess.Popen(
            [AGENT, "--config", CONFIG, "--dry-run", "--json", "--frames", frames,
             "--vlm", server.url, "--limit", "20"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment())
        first = json.loads(process.stdout.readline())
        server.process.kill()
        server.process.wait()
        rest = [json.loads(line) for line in process.stdout]
        assert process.wait(30) == 0
        server.process.returncode = 0
    summary = rest[-1]["summary"]
    assert first["decision"] is not None
    assert summary["frames"] == 20 and summary["failed"] > 0
    assert set(summary["errors"]) <= {"connect", "cut"}
    assert rest[-2]["intent"] == {"vx_mm_s": 0, "vy_mm_s": 0, "wz_mrad_s": 0, "reason": "failed"}


def test_one_word_for_everything_raises_the_alarm(frames):
    with Standin("--fault", "always=forward") as server:
        run = dry_run(server.url, frames)
        short = agent("--dry-run", "--frames", frames, "--vlm", server.url, "--limit", 12)
    assert run.code == 0 and run.summary["degenerate"] is True
    assert run.stderr.count("degenerate answers") == 1
    assert run.summary["entropy_bits"] == 0
    # A run that is shorter than the window is judged at its end.
    assert 'degenerate answers: nearly always "forward"' in short.stdout


# What it learns at the start


@pytest.mark.real_time
def test_loading_server_is_waited_for(few):
    with Standin("--loading", "700") as server:
        run = dry_run(server.url, few)
    assert run.code == 0 and run.summary["answered"] == 6
    assert run.stderr.count("is loading its model; waiting") == 1


def test_loading_server_is_given_up_in_time(few):
    with Standin("--loading", "60000") as server:
        begun = time.monotonic()
        run = agent("--dry-run", "--frames", few, "--vlm", server.url, "--set", "vlm.cli.startup=500ms")
    assert run.returncode == 69 and "still loading its model" in run.stderr
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("options, words", [
    (("--no-vision",), "the server has no vision"),
    (("--thinking", "always"), "thinking cannot be turned off"),
    (("--flavour", "openai", "--thinking", "always"), "thinking cannot be turned off"),
    (("--context", "256"), "exceed"),
])
def test_unusable_server_is_named(options, words, few):
    with Standin(*options) as server:
        done = agent("--dry-run", "--frames", few, "--vlm", server.url)
    assert done.returncode == 69
    assert words in done.stderr


def test_word_of_several_tokens_falls_back_by_name(few):
    with Standin("--split", "backward") as server:
        run = dry_run(server.url, few)
        forced = agent("--dry-run", "--frames", few, "--vlm", server.url,
                       "--set", "vlm.cli.protocol=llama")
    assert run.code == 0 and run.summary["answered"] == 6
    assert 'the word "backward" is 2 tokens' in run.stderr
    assert "falling back to protocol openai" in run.stderr
    assert forced.returncode == 69 and 'the word "backward" is 2 tokens' in forced.stderr


def test_openai_server_is_recognised(few):
    with Standin("--flavour", "openai", "--model", "titan-26b") as server:
        run = dry_run(server.url, few)
        wrong = agent("--dry-run", "--frames", few, "--vlm", server.url, "--set", "vlm.cli.model=other")
    assert run.code == 0 and run.summary["answered"] == 6
    assert "asking with protocol openai over /v1/chat/completions, with probabilities" in run.stderr
    assert "serves titan-26b" in run.stderr
    assert all(frame["confidence"] is not None for frame in run.frames)
    assert wrong.returncode == 69
    assert "does not serve the model other, only: titan-26b" in wrong.stderr


def test_model_of_a_llama_server_is_only_warned_about(server, few):
    run = dry_run(server.url, few, "--set", "vlm.cli.model=other")
    assert run.code == 0 and "not other" in run.stderr


def test_dead_server_is_an_error_of_one_line(few):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        done = agent("--dry-run", "--frames", few, "--vlm", url)
    assert done.returncode == 69
    assert "cannot connect" in done.stderr and url in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_second_endpoint_serves_when_the_first_is_dead(server, few, tmp_path):
    config = tmp_path / "two.conf"
    config.write_text('[vlm "panda"]\nurl = http://127.0.0.1:1/v1\n'
                      f'[vlm "titan"]\nurl = {server.url}/\n'
                      f"[question]\naction_prompt = {HOME}/config/prompts/action.txt\n")
    done = agent("--dry-run", "--json", "--frames", few, config=config)
    assert done.returncode == 0
    assert "error: vlm panda: http://127.0.0.1:1/v1: " in done.stderr
    assert "vlm titan: llama-server" in done.stderr


def test_environment_moves_the_car_to_another_server(server, few, tmp_path):
    config = tmp_path / "one.conf"
    config.write_text('[vlm "panda"]\nurl = http://127.0.0.1:1/v1\n'
                      f"[question]\naction_prompt = {HOME}/config/prompts/action.txt\n")
    moved = {"NAV_VLLM_URL": server.url + "/", "NAV_VLLM_MODEL": "gemma-4-standin"}
    done = agent("--dry-run", "--json", "--frames", few, config=config, env=moved)
    assert done.returncode == 0 and "vlm panda: llama-server" in done.stderr
    assert "warning" not in done.stderr


def test_proxy_of_the_environment_is_not_used(server, few):
    run = dry_run(server.url, few, env={"http_proxy": "http://127.0.0.1:1", "ALL_PROXY": "x://"})
    assert run.code == 0 and run.summary["answered"] == 6


# Frames that are none


def test_unreadable_frames_are_named_counted_and_skipped(few):
    whole = (few / "0001.jpg").read_bytes()
    (few / "0002.jpg").write_bytes(whole[: len(whole) // 2])
    (few / "0003.jpg").write_bytes(b"")
    (few / "0004.jpg").write_bytes(b"this is text")
    (few / "0005.jpg").unlink()
    (few / "0005.jpg").mkdir()
    (few / "notes.txt").write_text("left out")
    with Standin("--log") as server:
        run = dry_run(server.url, few)
        _, _, log = server.stop()
    assert run.code == 65
    assert [frame["seq"] for frame in run.frames] == [1, 6]
    assert run.summary["unreadable"] == 4
    assert run.summary["unreadable_files"] == ["0002.jpg", "0003.jpg", "0004.jpg", "0005.jpg"]
    for name in run.summary["unreadable_files"]:
        assert len(re.findall(rf"skipped: {name}: \w+", run.stderr)) == 1
    assert "cut off" in run.stderr
    assert len(log.splitlines()) == 2 + 2  # not one of them was sent


def test_folder_of_nothing_but_bad_frames_ends(server, few):
    for name in os.listdir(few):
        (few / name).write_bytes(b"\xff\xd8")
    run = dry_run(server.url, few, "--loop")
    assert run.code == 65 and run.frames == [] and run.summary["unreadable"] == 6


def test_name_of_a_frame_cannot_write_to_the_terminal(server, few):
    os.rename(few / "0001.jpg", few / "\033[2Jevil\n.jpg")
    os.rename(few / "0002.jpg", few / "K\u00fcche.jpg")
    done = agent("--dry-run", "--frames", few, "--vlm", server.url)
    assert done.returncode == 0 and "\033" not in done.stdout
    assert "\\x1b[2Jevil\\x0a.jpg" in done.stdout and "K\u00fcche.jpg" in done.stdout
    files = {frame["file"] for frame in dry_run(server.url, few).frames}
    assert {"\033[2Jevil\n.jpg", "K\u00fcche.jpg"} <= files  # JSON has the names as they are


@pytest.mark.parametrize("path, words", [
    ("missing", "No such file or directory"),
    ("empty", "no JPEG file in this folder"),
])
def test_frames_that_are_not_there(path, words, server, tmp_path):
    (tmp_path / "empty").mkdir()
    done = agent("--dry-run", "--frames", tmp_path / path, "--vlm", server.url)
    assert done.returncode == 65
    assert len(done.stderr.splitlines()) == 1
    assert words in done.stderr and str(tmp_path / path) in done.stderr


# Command line, configuration, ends


@pytest.mark.parametrize("arguments, words", [
    ((), "nothing to do: --dry-run, --explore or --serve is missing"),
    (("--dry-run", "--loop"), "--loop needs --frames PATH"),
    (("--serve", "--explore"), "--dry-run, --explore and --serve exclude each other"),
    (("--serve", "--json"), "--serve takes no --loop, --limit or --json"),
    (("--dry-run", "--frames"), "a value is missing after '--frames'"),
    (("--dry-run", "--frames", ".", "--fps", "fast"), "--fps fast: expected a rate from"),
    (("--dry-run", "--frames", ".", "--fps", "0"), "--fps 0: expected a rate from"),
    (("--dry-run", "--frames", ".", "--fps", "nan"), "--fps nan: expected a rate from"),
    (("--dry-run", "--frames", ".", "--limit", "0"), "--limit 0: expected a number"),
    (("--dry-run", "--frames", ".", "--limit", "5x"), "--limit 5x: expected a number"),
    (("--dry-run", "--frames", ".", "more"), "more: unexpected argument"),
    (("--turbo",), "unknown option '--turbo'"),
])
def test_wrong_command_lines_are_refused(arguments, words):
    done = agent(*arguments, config=None)
    assert done.returncode == 64 and done.stdout == ""
    assert words in done.stderr
    assert done.stderr.endswith("Try 'turbonav-agent --help'.\n")


def test_help_and_version_answer():
    shown = agent("--help", config=None)
    assert shown.returncode == 0 and shown.stderr == ""
    for option in ("--dry-run", "--frames", "--fps", "--loop", "--limit", "--json", "--vlm",
                   "--config", "--set"):
        assert option in shown.stdout
    assert re.fullmatch(r"turbonav-agent \d+\.\d+\.\d+\n", agent("--version", config=None).stdout)


@pytest.mark.parametrize("text, words", [
    ("[explorer]\nforwrad = 1\n", r'bad.conf:2: .*forwrad: unknown key; did you mean "forward"'),
    ("[picture]\nwidth = 500\n", r"bad.conf:2: .*500.*multiple of 48"),
    ("[question]\naction_prompt = none.txt\n", r"none.txt: No such file"),
])
def test_bad_configuration_starts_nothing(text, words, few, tmp_path):
    (tmp_path / "bad.conf").write_text(text)
    with Standin("--log") as server:
        done = agent("--dry-run", "--frames", few, "--vlm", server.url,
                     config=tmp_path / "bad.conf")
        _, _, log = server.stop()
    assert done.returncode == 78 and done.stdout == ""
    assert re.search(words, done.stderr)
    assert len(done.stderr.splitlines()) == 1
    assert log == ""


def test_no_endpoint_is_a_configuration_error(few):
    done = agent("--dry-run", "--frames", few)
    assert done.returncode == 78 and "no model server is configured" in done.stderr


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_ends_with_a_summary(number, code, frames):
    with Standin("--service", "30") as server:
        process = subprocess.Popen(
            [AGENT, "--config", CONFIG, "--dry-run", "--json", "--loop", "--frames", frames,
             "--vlm", server.url],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
        process.stdout.readline()
        process.send_signal(number)
        out, error = process.communicate(timeout=10 * PATIENCE)
    assert process.returncode == code, error
    assert json.loads(out.splitlines()[-1])["summary"]["answered"] >= 1


def test_output_that_fails_is_told(server, few):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [AGENT, "--config", CONFIG, "--dry-run", "--frames", few, "--vlm", server.url],
            stdout=full, stderr=subprocess.PIPE, text=True, env=environment(), timeout=30 * PATIENCE)
    assert done.returncode == 74 and "standard output failed" in done.stderr
