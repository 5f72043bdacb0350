"""A whole simulated car: stand-in, turbonav-sim, turbonav-safety and turbonav-agent, each a process of
its own, in a folder of their own. What ./run demo and the tests of the closed loop share.

    with SimCar(build, folder, room="living", seed=1) as car:
        car.explore()
        ...
        result = car.finish()
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What one question to Gemma 4 E2B takes on the PC in the house, at the median.
SERVICE_MS = "18.4"

PATHS = """[safety]
socket = {folder}/safety.sock
latch = {folder}/estop
group =
[motor]
device = {folder}/motor
[lidar]
device = {folder}/lidar
family = {lidar}
[sonar]
socket = {folder}/sonar.sock
[keys]
socket = {folder}/keys.sock
[camera]
driver = sim
socket = {folder}/camera.sock
"""


class NotStarted(Exception):
    pass


class SimCar:
    def __init__(self, build, folder, room="living", seed=1, lidar="ld06", vlm=None, chaos=False,
                 fps=36, battery=8000, settings="", standin=(), options=()):
        self.build, self.folder = build, folder
        self.room, self.seed, self.lidar = room, seed, lidar
        self.chaos, self.fps, self.battery, self.vlm = chaos, fps, battery, vlm
        self.settings, self.standin_options, self.options = settings, standin, options
        self.processes = {}
        self.readers = []
        self.status, self.result = {}, {}
        self.frame, self.summaries = {}, []
        self.decisions, self.explorations = 0, 0

    # Processes

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, name, command, read=None):
        """In a process group of its own, so that a Ctrl-C is ours to hand on; dies with us."""
        with open(self.path(f"{name}.log"), "ab") as log:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if read else log,
                stderr=log,
                process_group=0,
                env={key: value for key, value in os.environ.items()
                     if not key.startswith(("NAV_", "TURBONAV_"))},
            )
        self.processes[name] = process
        if read:
            reader = threading.Thread(target=self.read, args=(process.stdout, read), daemon=True)
            reader.start()
            self.readers.append(reader)
        return process

    @staticmethod
    def read(stream, take):
        for line in stream:
            try:
                take(json.loads(line))
            except ValueError:
                pass  # cut off at the end

    def log(self, name):
        with open(self.path(f"{name}.log"), errors="replace") as file:
            return file.read()

    def wait_for(self, name, condition, what, seconds=20.0):
        end = time.monotonic() + seconds
        while not condition():
            if self.processes[name].poll() is not None or time.monotonic() > end:
                raise NotStarted(f"{what}\n{self.log(name)}")
            time.sleep(0.02)

    # The parts of the car

    def __enter__(self):
        try:
            self.write_configuration()
            self.start_standin()
            self.start_simulator()
            self.start_safety()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in ("agent", "safety", "sim", "standin"):
            self.end(name, signal.SIGKILL)

    def write_configuration(self):
        shutil.copy(f"{ROOT}/config/sim.conf", self.path("car.conf"))
        os.makedirs(self.path("conf.d"), exist_ok=True)
        prompts = "".join(f"{kind}_prompt = {ROOT}/config/prompts/{kind}.txt\n"
                          for kind in ("action", "percept"))
        with open(self.path("conf.d/paths.conf"), "w") as file:
            file.write(PATHS.format(folder=self.folder, lidar=self.lidar))
            file.write(f"[question]\n{prompts}")
            file.write(self.settings)

    def start_standin(self):
        if self.vlm:
            return
        found = []
        with open(self.path("standin.out"), "wb") as out, open(self.path("standin.log"), "ab") as log:
            self.processes["standin"] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", f"{self.build}/vlm/standin/turbonav-standin",
                 "--listen", "127.0.0.1:0", "--service", SERVICE_MS, *self.standin_options],
                stdin=subprocess.DEVNULL, stdout=out, stderr=log, process_group=0)

        def listens():
            with open(self.path("standin.out")) as file:
                found[:] = [line.split()[-1] for line in file if line.startswith("listening on ")]
            return bool(found)

        self.wait_for("standin", listens, "the stand-in did not start")
        self.vlm = found[0]

    def start_simulator(self):
        room = self.room
        if os.path.exists(f"{ROOT}/hal/sim/rooms/{room}.room"):
            room = f"{ROOT}/hal/sim/rooms/{room}.room"
        command = [f"{self.build}/hal/sim/turbonav-sim", "--dir", self.folder, "--room", room,
                   "--seed", str(self.seed), "--lidar", self.lidar, "--fps", str(self.fps),
                   "--battery", str(self.battery), "--log", self.path("motor.log"),
                   "--picture", self.path("path.png"), "--json"]
        self.start("sim", command + (["--chaos"] if self.chaos else []), self.take_status)
        self.wait_for("sim", lambda: os.path.exists(self.path("camera.sock")),
                      "the simulator did not start")

    def start_safety(self):
        self.start("safety", [f"{self.build}/turbonav-safety", "--config", self.path("car.conf")])
        self.wait_for("safety", lambda: os.path.exists(self.path("safety.sock")),
                      "the safety process did not start")

    def explore(self):
        """One exploration; it ends by itself when permission is lost."""
        self.explorations += 1
        return self.start("agent", [f"{self.build}/agent/turbonav-agent", "--explore", "--config",
                                    self.path("car.conf"), "--vlm", self.vlm, "--json",
                                    *self.options], self.take_frame)

    def serve(self, *options, port=0):
        """The agent as a service; its address."""
        self.start("agent", [f"{self.build}/agent/turbonav-agent", "--serve", "--config",
                             self.path("car.conf"), "--vlm", self.vlm,
                             "--set", f"http.listen=127.0.0.1:{port}", *options, *self.options])
        begin = "listening on "

        def address():
            return [line.split(begin)[1] for line in self.log("agent").splitlines()
                    if begin in line]

        self.wait_for("agent", address, "the agent does not listen")
        return address()[-1]

    def reset(self):
        """What a person does when keys that could not be read have latched the emergency stop."""
        if os.path.exists(self.path("estop")):
            subprocess.run([f"{self.build}/agent/cli/turbonav", "reset", "--config",
                            self.path("car.conf")], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False)

    # What they say

    def take_status(self, line):
        if "result" in line:
            self.result = line["result"]
        else:
            self.status = line

    def take_frame(self, line):
        if "summary" in line:
            self.summaries.append(line["summary"])
        elif line.get("decision"):
            self.frame = line
            self.decisions += 1

    def motor_frames(self):
        """(monotonic seconds, the four duties), all that the board got."""
        with open(self.path("motor.log")) as file:
            for line in file:
                words = line.split()
                if len(words) == 5 and words[0] != "#":
                    yield float(words[0]), tuple(map(int, words[1:]))

    def troubles(self):
        """(begin, end, name) of what the simulator let fail."""
        begun = None
        with open(self.path("motor.log")) as file:
            for line in file:
                words = line.split(maxsplit=2)
                if words and words[0] == "#" and len(words) == 3:
                    if begun:
                        yield (*begun[:1], float(words[1]), begun[1])
                    name = words[2].strip()
                    begun = (float(words[1]), name) if name != "none" else None

    # The end

    def end(self, name, number=signal.SIGTERM, seconds=5.0):
        process = self.processes.get(name)
        if process is None:
            return None
        if process.poll() is None:
            process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return process.returncode

    def finish(self):
        """Ends all of them in the order of a shut-down; returns one object about the run."""
        self.end("agent", signal.SIGINT)
        self.end("safety")
        self.end("sim", signal.SIGINT)
        self.end("standin")
        for reader in self.readers:
            reader.join(5)
        longest = max(self.summaries, key=lambda summary: summary["answered"], default={})
        vetoes = {}
        for summary in self.summaries:
            for reason, count in summary.get("vetoes", {}).items():
                vetoes[reason] = vetoes.get(reason, 0) + count
        return {
            **self.result,
            "decisions": sum(summary["answered"] for summary in self.summaries),
            "failed": sum(summary["failed"] for summary in self.summaries),
            "explorations": self.explorations,
            "words": longest.get("decisions", {}),
            "degenerate": any(summary["degenerate"] for summary in self.summaries),
            "rate_hz": longest.get("rate_hz", 0),
            "vetoes": vetoes,
            "stages_ms": longest.get("stages_ms", {}),
        }


def die_with_words(program, words, code):
    print(f"{program}: {words}", file=sys.stderr)
    sys.exit(code)
