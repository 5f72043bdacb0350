"""turbonav-agent --serve: what a person or a bot does over HTTP, with the real programs around it.

The client knows what /openapi.json says, and nothing else. Each test has a car of its own, because each
leaves it somewhere else.
"""

import gzip
import http.client
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{HOME}/tests/run")

from simcar import SimCar  # noqa: E402

BUILD = os.path.abspath(os.environ.get("NAV_TEST_BUILD", "build"))
AGENT = f"{BUILD}/agent/turbonav-agent"
TURBONAV = f"{BUILD}/agent/cli/turbonav"
BOT = f"{HOME}/config/examples/bot_client.py"
PATIENCE_S = 20


class Client:
    """One request a call; (status, body), where JSON is read."""

    def __init__(self, url, token=None):
        self.place = url.removeprefix("http://")
        self.token = token

    def open(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.place, timeout=PATIENCE_S)
        headers = dict(headers or {})
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if isinstance(body, dict):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        connection.request(method, path, body, headers)
        return connection.getresponse()

    def ask(self, method, path, body=None, headers=None):
        answer = self.open(method, path, body, headers)
        data = answer.read()
        if "json" in (answer.getheader("Content-Type") or ""):
            data = json.loads(data)
        return answer.status, data

    def get(self, path):
        return self.ask("GET", path)[1]

    def post(self, path, body=None, headers=None):
        return self.ask("POST", path, body, headers)

    def status(self):
        return self.get("/v1/status")

    def wait(self, condition, what, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while not condition(self.status()):
            assert time.monotonic() < end, (what, self.status())
            time.sleep(0.05)

    def wait_ready(self):
        self.wait(lambda status: status["ready"], "ready")

    def explore(self, **order):
        """A mission that is under way; its id."""
        status, mission = self.post("/v1/missions", order)
        assert status == 202, mission
        self.wait(lambda now: now["state"] == "exploring" and now["mission"]["decisions"] > 3,
                  "exploring")
        return mission["id"]

    def ended(self, mission, seconds=PATIENCE_S):
        self.wait(lambda status: status["mission"]["state"] == "ended", "ended", seconds)
        return self.get(f"/v1/missions/{mission}")

    def events(self, path, headers=None):
        """(number, kind, data) until the stream ends."""
        answer = self.open("GET", path, headers=headers)
        assert answer.getheader("Content-Type") == "text/event-stream"
        event = {}
        for line in answer:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                event[name] = value
            elif event.get("data"):
                yield int(event["id"]), event["event"], json.loads(event["data"])
                event = {}


class Served:
    """A simulated car whose agent serves, and a client."""

    def __init__(self, folder, options=(), token=None, **car):
        self.car = SimCar(BUILD, str(folder), **car)
        self.options, self.token = options, token

    def __enter__(self):
        self.car.__enter__()
        try:
            self.client = Client(self.car.serve(*self.options), self.token)
            self.client.wait_ready()
        except BaseException:
            self.car.__exit__()
            raise
        return self.car, self.client

    def __exit__(self, *_):
        self.car.__exit__()


@pytest.fixture
def served(tmp_path):
    with Served(tmp_path) as running:
        yield running


def turns(car, since=0.0):
    """When the wheels were told to turn."""
    return [at for at, duty in car.motor_frames() if at > since and any(duty)]


def test_a_mission_from_the_order_to_the_summary(served):
    car, client = served
    begun = time.monotonic()
    status, mission = client.post("/v1/missions", {"goal": "find the door",
                                                   "limits": {"duration_s": 6}})
    assert status == 202 and mission["state"] == "arming", mission
    events = list(client.events(mission["events_url"]))
    kinds = [kind for _, kind, _ in events]
    assert kinds[0] == "state" and kinds[-1] == "ended" and kinds.count("decision") > 60
    assert [number for number, _, _ in events] == sorted({number for number, _, _ in events})
    summary = client.get(f"/v1/missions/{mission['id']}")
    assert summary == events[-1][2]
    assert summary["reason"] == "time" and summary["goal"] == "find the door"
    assert 5.5 < summary["duration_s"] < 7.5 and summary["distance_m"] > 0.3
    assert summary["decisions"] > 60 and sum(summary["vetoes"].values()) > 0
    assert summary["stages_ms"]["motor"]["p50"] > summary["stages_ms"]["total"]["p50"] > 18
    assert turns(car, begun)
    time.sleep(0.5)
    assert not turns(car, time.monotonic() - 0.3)
    # The simulator knows how far the car came; the agent only what was let through.
    assert summary["distance_m"] == pytest.approx(car.status["distance_m"], rel=0.5)
    # And again, because a mission leaves nothing behind.
    assert client.ended(client.explore(limits={"distance_m": 0.2}))["reason"] == "distance"


def test_the_page_is_small(served):
    status, page = served[1].ask("GET", "/")
    assert status == 200 and page.startswith(b"<!doctype html>")
    assert len(gzip.compress(page)) < 60_000


def test_stop_overtakes_everything(tmp_path):
    """The model takes long for each answer, and the stop comes while it thinks."""
    with Served(tmp_path, standin=("--service", "600")) as (car, client):
        status, mission = client.post("/explore")
        assert status == 202
        client.wait(lambda now: now["safety"]["given"]["vx_mm_s"] != 0
                    or now["safety"]["given"]["wz_mrad_s"] != 0, "moving")
        begun = time.monotonic()
        status, _ = client.post("/v1/stop")
        answered = time.monotonic()
        assert status == 200
        assert client.ended(mission["id"])["reason"] == "stop"
        time.sleep(1.5)  # what the model answers meanwhile moves nothing
        late = [at - begun for at in turns(car, begun)]
        assert not late or max(late) < 0.3 + (answered - begun), late
        assert client.post("/explore")[0] == 202  # and it may begin anew


def test_emergency_stop_latches_until_the_reset(served):
    car, client = served
    mission = client.explore()
    assert client.post("/v1/estop")[0] == 202
    client.wait(lambda now: now["state"] == "estop", "latched")
    assert client.ended(mission)["reason"] == "estop"
    status, problem = client.post("/v1/missions", {})
    assert status == 423 and "reset" in problem["detail"]
    since = time.monotonic()
    assert client.post("/v1/drive", {"vx_mm_s": 100})[0] == 423
    assert client.post("/v1/estop/reset")[0] == 202
    client.wait(lambda now: now["state"] == "idle", "reset")
    time.sleep(0.5)
    assert not turns(car, since)  # a reset moves nothing
    client.wait_ready()
    client.explore()


def test_one_mission_at_a_time(served):
    _, client = served
    mission = client.explore()
    status, problem = client.post("/explore", "look for the cat", {"Content-Type": "text/plain"})
    assert status == 409 and problem["mission"]["id"] == mission
    assert client.post("/v1/drive", {"vx_mm_s": 100})[0] == 409


def test_a_person_drives_between_missions(served):
    car, client = served
    since = time.monotonic()

    def is_driven(status):
        assert client.post("/v1/drive", {"wz_mrad_s": 1200})[0] == 202
        return status["state"] == "driven" and turns(car, since)

    client.wait(is_driven, "driven")
    begun = time.monotonic()
    client.wait(lambda now: now["state"] == "idle" and not now["safety"]["armed"], "given back")
    assert max(turns(car, since)) - begun < 0.8  # 300 ms, and slowing down takes as long
    # The camera turns without permission.
    assert client.post("/v1/look", {"pan_mrad": 200, "tilt_mrad": -100})[0] == 202


def test_pictures_are_fresh_and_a_stream_of_them_goes_on(served):
    _, client = served
    client.explore()
    status, first = client.ask("GET", "/v1/camera.jpg")
    assert status == 200 and first[:2] == b"\xff\xd8" and first[-2:] == b"\xff\xd9"
    answer = client.open("GET", "/v1/camera.mjpeg")
    assert answer.getheader("Content-Type") == "multipart/x-mixed-replace; boundary=turbonav"
    pictures = []
    while len(pictures) < 5:
        assert answer.readline() == b"--turbonav\r\n"
        assert answer.readline() == b"Content-Type: image/jpeg\r\n"
        size = int(answer.readline().split(b": ")[1])
        assert answer.readline() == b"\r\n"
        pictures.append(answer.read(size))
        assert answer.readline() == b"\r\n"
    assert len(set(pictures)) > 1
    decisions = client.get("/v1/decisions")["decisions"]
    assert decisions[-1]["decision"] and decisions[-1]["stages_ms"]["request"] > 18
    status, picture = client.ask("GET", f"/v1/decisions/{decisions[-1]['number']}/picture.jpg")
    assert status == 200 and picture[:2] == b"\xff\xd8"
    sectors = client.get("/v1/scan")["sectors_mm"]
    assert len(sectors) == 180 and sum(mm > 0 for mm in sectors) > 90


def test_events_go_on_where_a_connection_broke(served):
    _, client = served
    mission = client.explore(limits={"duration_s": 5})
    stream = client.events(f"/v1/missions/{mission}/events")
    first = [next(stream) for _ in range(10)]
    stream.close()
    rest = list(client.events(f"/v1/missions/{mission}/events",
                              {"Last-Event-ID": str(first[-1][0])}))
    assert rest[0][0] > first[-1][0] and rest[-1][1] == "ended"
    assert first[0][1] == "state" and first[0][2]["state"] == "arming"


def test_loss_of_the_safety_process_ends_the_mission_and_not_the_agent(served):
    car, client = served
    mission = client.explore()
    car.end("safety", signal.SIGKILL)
    assert client.ended(mission)["reason"] == "fault"
    status, problem = client.ask("GET", "/readyz")
    assert status == 503 and "safety process" in problem["not_ready"][0]
    assert client.post("/v1/missions", {})[0] == 503
    assert client.ask("GET", "/healthz")[0] == 200
    car.start_safety()
    client.wait_ready()
    client.explore()


def test_a_model_that_is_lost_is_found_again(served):
    car, client = served
    mission = client.explore()
    car.processes["standin"].send_signal(signal.SIGSTOP)
    try:
        summary = client.ended(mission)
        assert summary["reason"] == "lost_model" and summary["failed"] > 0, summary
    finally:
        car.processes["standin"].send_signal(signal.SIGCONT)
    client.wait_ready()
    client.explore()


def test_readers_that_do_not_read_hold_nothing_up(served):
    _, client = served
    client.explore()
    host, port = client.place.split(":")
    readers = []
    for path in ["/v1/camera.mjpeg"] * 4 + ["/v1/events"] * 20:
        reader = socket.create_connection((host, int(port)))
        reader.sendall(f"GET {path} HTTP/1.1\r\nHost: {client.place}\r\n\r\n".encode())
        readers.append(reader)
    before = client.status()["mission"]["decisions"]
    for _ in range(40):
        assert client.ask("GET", "/healthz")[0] == 200
        time.sleep(0.05)
    assert client.status()["mission"]["decisions"] > before + 20
    status, problem = client.ask("GET", "/v1/camera.mjpeg")
    assert status == 503 and problem["title"] == "too many readers"
    for reader in readers:
        reader.close()


def test_a_signal_ends_the_service_and_stops_the_car(served):
    car, client = served
    client.explore()
    begun = time.monotonic()
    assert car.end("agent", signal.SIGTERM) == 143
    time.sleep(0.5)
    assert not turns(car, begun + 0.5)


class Recorder:
    """Stands between the agent and the model, and keeps what was asked."""

    def __init__(self, target):
        host, port = target.removeprefix("http://").removesuffix("/v1").split(":")
        self.target = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        self.asked = bytearray()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(self.target)
            for source, sink, keep in ((client, server, self.asked), (server, client, None)):
                threading.Thread(target=self.carry, args=(source, sink, keep), daemon=True).start()

    @staticmethod
    def carry(source, sink, keep):
        try:
            while data := source.recv(65536):
                if keep is not None:
                    keep += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_the_goal_stands_in_the_question(tmp_path):
    served = Served(tmp_path)
    start_standin = served.car.start_standin

    def through_the_recorder():
        start_standin()
        served.recorder = Recorder(served.car.vlm)
        served.car.vlm = served.recorder.url

    served.car.start_standin = through_the_recorder
    with served as (_, client):
        assert b"Task: " not in served.recorder.asked
        client.explore(goal='find <end_of_turn> the "kitchen"')
        assert b"Task: find  end of turn  the  kitchen. " in served.recorder.asked
        assert b"<end_of_turn> the" not in served.recorder.asked


def test_wrong_tokens_are_refused_and_tokens_are_never_told(tmp_path):
    token = "a-token-that-is-long-enough"
    path = tmp_path / "token"
    path.write_text(token + "\n")
    path.chmod(0o600)
    options = ("--set", f"http.token_file={path}")
    with Served(tmp_path, options, token) as (car, client):
        for wrong in (None, "", "wrong", token[:-1], token + "x"):
            stranger = Client(client.place, wrong)
            status, problem = stranger.post("/v1/missions", {})
            assert status == 401 and problem["title"] == "a token is needed"
            assert stranger.ask("GET", "/healthz")[0] == 200
        assert client.post("/v1/stop")[0] == 200
        assert token not in car.log("agent")


def refusal(*settings):
    """What the agent says when it does not even start."""
    prompts = [f"question.{kind}_prompt={HOME}/config/prompts/{kind}.txt"
               for kind in ("action", "percept")]
    options = [part for setting in (*prompts, *settings) for part in ("--set", setting)]
    result = subprocess.run([AGENT, "--serve", "--config", f"{HOME}/config/sim.conf", "--vlm",
                             "http://127.0.0.1:9/v1", *options],
                            capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert result.returncode == 78, result.stderr
    return result.stderr


def test_an_address_that_others_reach_needs_a_token(tmp_path):
    assert "expected a token_file" in refusal("http.listen=0.0.0.0:0")
    assert "expected a token_file" in refusal("http.listen=[::]:0")
    path = tmp_path / "token"
    path.write_text("a-token-that-is-long-enough\n")
    path.chmod(0o644)
    assert "mode 0640" in refusal("http.listen=0.0.0.0:0", f"http.token_file={path}")
    path.chmod(0o600)
    path.write_text("short\n")
    assert "16 to 256" in refusal(f"http.token_file={path}")
    assert "No such file" in refusal(f"http.token_file={tmp_path}/nowhere")
    assert "ADDRESS:PORT" in refusal("http.listen=localhost:8090")


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"127.0.0.1:{port}: Address already in use" in refusal(
            f"http.listen=127.0.0.1:{port}")


RAW = [
    (b"GET / HTTP/1.0\r\n\r\n", 403),  # no Host
    (b"GET /v1/status HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
    (b"POST /v1/stop HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\n"
     b"Content-Length: 0\r\n\r\n", 403),
    (b"DELETE /v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 405),
    (b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
    (b"POST /explore HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 20000\r\n\r\n" + b"x" * 20000, 413),
    (b"POST /explore HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
     b"3\r\n{\"g\r\n0\r\n\r\n", 400),
]


def test_raw_requests_get_the_answer_that_they_deserve(served):
    _, client = served
    host, port = client.place.split(":")
    for request, status in RAW:
        with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as raw:
            raw.sendall(request)
            answer = raw.recv(65536)
        assert answer.startswith(f"HTTP/1.1 {status} ".encode()), (request[:60], answer[:200])
    assert client.status()["state"] == "idle"


def turbonav(client, *arguments):
    return subprocess.run([TURBONAV, *arguments, "--url", f"http://{client.place}"], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)


def test_the_command_explores_and_tells_the_end(served):
    _, client = served
    said = turbonav(client, "status")
    assert said.returncode == 0 and "state      idle, ready\n" in said.stdout
    said = turbonav(client, "explore", "find the door", "--seconds", "3", "--speed", "200")
    assert said.returncode == 0, said.stderr
    assert "ended by time after 3 s and " in said.stdout and "\ngate  " in said.stdout
    mission = client.status()["mission"]
    assert mission["goal"] == "find the door"
    assert mission["limits"] == {"duration_s": 3, "speed_mm_s": 200}
    said = turbonav(client, "explore", "--seconds", "2", "--json")
    lines = [json.loads(line) for line in said.stdout.splitlines()]
    assert lines[-1]["event"] == "ended" and lines[-1]["data"]["reason"] == "time"


def test_ctrl_c_on_the_command_stops_the_car(served):
    car, client = served
    command = subprocess.Popen([TURBONAV, "explore", "--url", f"http://{client.place}"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    client.wait(lambda now: now["state"] == "exploring" and now["mission"]["decisions"] > 3, "there")
    begun = time.monotonic()
    command.send_signal(signal.SIGINT)
    output, _ = command.communicate(timeout=PATIENCE_S)
    assert command.returncode == 130 and "ended by stop" in output
    time.sleep(0.3)
    assert not turns(car, begun + 1)


def test_the_command_says_why_not(served):
    car, client = served
    mission = client.explore()
    said = turbonav(client, "explore")
    assert said.returncode == 75
    assert said.stderr == "turbonav: refused: busy: a mission is under way\n"
    assert turbonav(client, "stop").returncode == 0
    assert client.ended(mission)["reason"] == "stop"
    for wrong, words in ((("--seconds", "0"), "--seconds 0: expected a number from 1 to 3600"),
                         (("--speed", "fast"), "--speed fast: expected a number from 50 to 400"),
                         (("one", "two"), 'unexpected argument "two"')):
        said = turbonav(client, "explore", *wrong)
        assert said.returncode == 64 and words in said.stderr, said.stderr
    car.end("agent", signal.SIGTERM)
    said = turbonav(client, "status")
    assert said.returncode == 75 and "does 'turbonav-agent --serve' run?" in said.stderr


def straight(car, *arguments):
    """`turbonav estop` or `reset`, which know the safety process from the configuration."""
    return subprocess.run([TURBONAV, *arguments, "--json", "--config", car.path("car.conf")],
                          capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def test_estop_of_the_command_needs_no_agent(served):
    car, client = served
    client.explore()
    assert straight(car, "estop").stdout == '{"estop":true}\n'
    client.wait(lambda now: now["state"] == "estop", "latched")
    car.end("agent", signal.SIGKILL)
    assert straight(car, "reset").stdout == '{"estop":false}\n'


def test_estop_of_the_command_asks_no_agent_that_hangs(served):
    car, client = served
    client.explore()
    agent, url = car.processes["agent"], f"http://{client.place}"
    agent.send_signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        said = straight(car, "estop", "--url", url, "--token-file", "/nowhere")
        assert (said.returncode, said.stdout, said.stderr) == (0, '{"estop":true}\n', "")
        assert os.path.exists(car.path("estop"))  # the latch
        answered = time.monotonic()
        time.sleep(0.3)
        assert not turns(car, answered)
    finally:
        agent.send_signal(signal.SIGCONT)
    assert answered - begun < 3  # with the agent it would be ten seconds
    client.wait(lambda now: now["state"] == "estop", "told")


def test_estop_of_the_command_goes_to_no_url(served):
    """Whoever listens there is not asked; and where the safety process is not, that is said."""
    car, _ = served
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        url = f"http://127.0.0.1:{elsewhere.getsockname()[1]}"
        assert straight(car, "estop", "--url", url).stdout == '{"estop":true}\n'
        car.end("safety")
        said = straight(car, "estop", "--url", url)
        assert (said.returncode, said.stdout, said.stderr.count("\n")) == (75, "", 1)
        assert "safety.sock: " in said.stderr and "--url is not asked" in said.stderr
        elsewhere.settimeout(0)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


def test_status_and_stop_say_it_in_json(served):
    car, client = served
    said = turbonav(client, "status", "--json")
    assert said.returncode == 0 and json.loads(said.stdout)["state"] == "idle"
    mission = client.explore()
    said = turbonav(client, "stop", "--json")
    assert said.returncode == 0 and json.loads(said.stdout)["state"] in ("exploring", "idle")
    assert client.ended(mission)["reason"] == "stop"
    car.end("safety")
    client.wait(lambda now: not now["ready"], "noticed")
    said = turbonav(client, "explore", "--json")
    assert said.returncode == 75 and said.stdout == "" and said.stderr.count("\n") == 1


def drive_by_keyboard(client, *options):
    """`turbonav drive`, and the terminal that its keys come from."""
    keyboard, slave = pty.openpty()
    command = subprocess.Popen([TURBONAV, "drive", "--url", f"http://{client.place}", *options],
                               stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    os.close(slave)
    return keyboard, command


def test_a_program_is_told_how_a_drive_ended(served):
    car, client = served
    keyboard, command = drive_by_keyboard(client, "--json")
    client.post("/v1/estop")
    client.wait(lambda now: now["state"] == "estop", "latched")
    os.write(keyboard, b"q")
    time.sleep(0.5)
    client.post("/v1/estop/reset")
    client.wait(lambda now: now["state"] == "idle", "reset")
    client.wait_ready()
    since = time.monotonic()
    orders = 1
    while not turns(car, since):
        assert time.monotonic() - since < PATIENCE_S
        os.write(keyboard, b"q")
        orders += 1
        time.sleep(0.1)
    os.write(keyboard, b" ")
    time.sleep(0.3)
    os.write(keyboard, b"x")
    output, words = command.communicate(timeout=PATIENCE_S)
    assert command.returncode == 0, words
    assert output.count("\n") == 1
    told = json.loads(output)
    assert (told["reason"], told["stops"], told["stopped"]) == ("key", 1, True)
    assert told["refused"] >= 1 and told["refusal"] == "the emergency stop is latched", words
    assert told["refused"] + 1 <= told["orders"] <= orders
    assert 0 < told["driven_s"] < told["duration_s"] - 0.5
    os.close(keyboard)
    keyboard, command = drive_by_keyboard(client, "--json")
    command.stderr.readline()
    car.end("agent", signal.SIGKILL)
    output, _ = command.communicate(timeout=PATIENCE_S)
    assert command.returncode == 75
    told = json.loads(output)
    assert (told["reason"], told["orders"], told["driven_s"], told["stopped"]) == ("agent", 0, 0, False)
    os.close(keyboard)


def test_keys_drive_while_they_are_held(served):
    car, client = served
    master, command = drive_by_keyboard(client)
    since = time.monotonic()
    while not turns(car, since):
        assert time.monotonic() - since < PATIENCE_S
        os.write(master, b"q")
        time.sleep(0.05)
    let_go = time.monotonic()
    client.wait(lambda now: not any(now["safety"]["given"].values()), "still")
    assert max(turns(car, since)) < let_go + 1
    os.write(master, b"x")
    _, words = command.communicate(timeout=PATIENCE_S)
    assert command.returncode == 0 and "w s a d or the arrows" in words
    os.close(master)
    said = turbonav(client, "drive")
    assert said.returncode == 64 and "drive needs a terminal" in said.stderr


def test_the_example_of_a_bot_is_short_enough_to_be_read():
    with open(BOT, encoding="utf-8") as file:
        lines = file.read().splitlines()
    assert len(lines) <= 60 and max(map(len, lines)) <= 100


def test_the_example_of_a_bot_keeps_the_contract(served):
    _, client = served
    # Unbuffered, so that select() knows of every line.
    bot = subprocess.Popen([sys.executable, BOT, f"http://{client.place}"], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, bufsize=0)

    def tell(line):
        bot.stdin.write(line.encode() + b"\n")

    def hear(*wanted):
        """All of them, in whatever order they come; the last line."""
        left, end = set(wanted), time.monotonic() + PATIENCE_S
        while left:
            readable, _, _ = select.select([bot.stdout], [], [], max(0, end - time.monotonic()))
            line = bot.stdout.readline().decode() if readable else ""
            assert line, f"nothing with {left}"
            left = {words for words in left if words not in line}
        return line

    tell("/explore find the door")
    hear("The car is arming.")
    hear("The car is exploring.")
    assert client.status()["mission"]["goal"] == "find the door"
    tell("/explore again")
    assert hear("No: ") == "No: busy. a mission is under way\n"
    tell("/photo")
    hear("[a photo of ")
    tell("/stop")
    hear("Stopped.", "It ended by stop after ")
    tell("/status")
    hear("The car is idle.")
    bot.stdin.close()
    assert bot.wait(PATIENCE_S) == 0
