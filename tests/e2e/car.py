"""A car for turbonav-safety: motor board and lidar on ptys, sonar and keys over sockets, and the
agent's end of the safety socket. One thread plays everything at its real rate and keeps every motor
frame with the time at which it came.

    with Car(tmp_path) as car:
        car.distance = lambda degrees: 2000      # mm, counter-clockwise from ahead
        agent = car.agent()
        car.ready(agent)
        car.keep(agent, car.moving, vx=200)

The devices' names are symbolic links, so that a line can be unplugged and come back as another pty.
"""

import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import threading
import time
import tty

from device_bytes import BoardReader, board_frame, duties, lidar_packet

BUILD = os.environ.get("NAV_TEST_BUILD", "build")
SAFETY = os.path.join(BUILD, "turbonav-safety")

SIM_MAGIC, SIM_VERSION = 0x49534E54, 1
KIND_GOOD, KIND_NO_ECHO, KIND_BUS, KIND_TIMEOUT = 1, 2, 6, 7
RELEASED, PRESSED = 1, 2

HELLO, ARM, INTENT, DISARM, ESTOP, RESET, LOOK = range(1, 8)
VERDICT, SCAN, EVENT = 64, 65, 66
HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def brake_of(pid):
    """The brake child of the safety process."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return int(file.read().split()[0])


def reasons_of_the_wire():
    """The names of enum wire_reason in the order of their bits, from the header itself."""
    with open(f"{HOME}/safety/wire.h") as file:
        text = file.read()
    bits = {int(bit): name.lower()
            for name, bit in re.findall(r"\bREASON_([A-Z_]+) = 1 << (\d+),", text)}
    count = int(re.search(r"#define WIRE_REASON_COUNT (\d+)", text)[1])
    assert sorted(bits) == list(range(count)), "enum wire_reason is not what this expects"
    return [bits[bit] for bit in range(count)]


REASONS = reasons_of_the_wire()


class Agent:
    """The agent's end of the safety socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(path)
        self.seq = 0
        self.frame = 0
        self.mission = 0
        self.verdict = None
        self.events = []
        self.verdicts = []

    def send(self, kind, body=b"", **fields):
        self.seq = fields.get("seq", self.seq + 1)
        now = fields.get("time_ns", time.monotonic_ns())
        header = struct.pack("<IBBHQq", fields.get("magic", 0x56414E54), fields.get("version", 1),
                             kind, fields.get("size", 24 + len(body)), self.seq, now)
        self.socket.send(header + body)

    def arm(self, mission=None, **fields):
        self.mission = mission or time.time_ns() // 1000
        self.send(ARM, struct.pack("<Q", self.mission), **fields)

    def intent(self, vx=0, vy=0, wz=0, age_ms=0, **fields):
        self.frame = fields.pop("frame", self.frame + 1)
        capture = fields.pop("capture_ns", time.monotonic_ns() - int(age_ms * 1e6))
        body = struct.pack("<QQqiiiI", fields.pop("mission", self.mission), self.frame, capture,
                           vx, vy, wz, fields.pop("source", 1))
        self.send(INTENT, body, **fields)

    def receive(self):
        """Takes what has arrived; False when the connection ended."""
        while select.select([self.socket], [], [], 0)[0]:
            data = self.socket.recv(4096)
            if not data:
                return False
            kind = data[5]
            if kind == VERDICT:
                self.take_verdict(data)
            elif kind == EVENT:
                code, severity = struct.unpack_from("<II", data, 24)
                self.events.append((code, severity, data[32:].split(b"\0")[0].decode()))
        return True

    def take_verdict(self, data):
        names = ("tick mission frame_seq reasons changed ax ay az gx gy gz front left rear right "
                 "bearing sonar battery overruns").split()
        values = struct.unpack_from("<QQQIIiiiiiiiiiiiiiI", data, 24)
        self.verdict = dict(zip(names, values))
        bits = self.verdict["reasons"]
        self.verdict["why"] = {name for i, name in enumerate(REASONS) if bits >> i & 1}
        self.verdicts.append(self.verdict)

    def close(self):
        self.socket.close()


class Car:
    def __init__(self, folder, settings="", options=()):
        self.folder = str(folder)
        self.settings = settings
        self.options = options
        self.board = BoardReader()
        self.distance = lambda degrees: 3000
        self.sonar = (KIND_NO_ECHO, 0)
        self.estop = self.start = RELEASED
        self.battery_mv = 7800
        self.lidar_runs = self.sim_runs = self.board_reads = self.battery_reports = True
        self.lidar_filter = lambda packet: packet
        self.sim_names = ("sonar", "keys")
        self.process = None
        self.running = True
        self.in_use = threading.Lock()

    # The life of it

    def __enter__(self):
        self.motor_path, self.lidar_path = f"{self.folder}/motor", f"{self.folder}/lidar"
        self.motor = self.motor_slave = self.lidar = self.lidar_slave = None
        self.read_at = time.monotonic()
        self.plug_motor()
        self.plug_lidar()
        self.socket_path = f"{self.folder}/safety.sock"
        self.config = f"{self.folder}/car.conf"
        with open(self.config, "w") as file:
            file.write(f"""
[safety]
socket = {self.socket_path}
latch = {self.folder}/estop
group =
brake = 200 ms
late = 150 ms
[motor]
device = {self.motor_path}
[lidar]
family = ld06
device = {self.lidar_path}
[sonar]
driver = sim
socket = {self.folder}/sonar.sock
stale = 500 ms
[keys]
driver = sim
socket = {self.folder}/keys.sock
""" + self.settings)
        self.sim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sim.setblocking(False)
        self.thread = threading.Thread(target=self.play, daemon=True)
        self.thread.start()
        self.launch()
        return self

    def __exit__(self, *_):
        self.end()
        self.running = False
        self.thread.join(5)
        self.sim.close()
        self.unplug_motor()
        self.unplug_lidar()

    def launch(self, *more):
        self.process = subprocess.Popen(
            [SAFETY, "--config", self.config, *self.options, *more], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, process_group=0, env=self.environment())

    @staticmethod
    def environment():
        """A sanitizer would catch a SIGSEGV that a test sends, and write a report before it dies."""
        options = os.environ.get("ASAN_OPTIONS", "")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("NAV_", "TURBONAV_"))}
        return {**kept, "ASAN_OPTIONS": (options + ":" if options else "") + "handle_segv=0"}

    def end(self, number=signal.SIGTERM):
        if self.process is None:
            return None, ""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            _, error = self.process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, error = self.process.communicate()
        code, self.process = self.process.returncode, None
        return code, error

    # Plugs. The slave side is kept open as well, so that a restart finds the line.

    def plug(self, path):
        master, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        os.symlink(os.ttyname(slave), path + ".new")
        os.rename(path + ".new", path)
        return master, slave

    def plug_motor(self):
        self.motor, self.motor_slave = self.plug(self.motor_path)

    def plug_lidar(self):
        self.lidar, self.lidar_slave = self.plug(self.lidar_path)

    def unplug_motor(self):
        self.unplug("motor", "motor_slave")

    def unplug_lidar(self):
        self.unplug("lidar", "lidar_slave")

    def unplug(self, *names):
        with self.in_use:  # the player must not use a number that may be another file's by then
            for name in names:
                fd = getattr(self, name)
                setattr(self, name, None)
                if fd is not None:
                    os.close(fd)

    # What plays the devices

    def play(self):
        begun = time.monotonic()
        sent_packets, next_sim, next_battery = 0, 0.0, 0.0
        while self.running:
            with self.in_use:
                self.read_motor()
            now = time.monotonic()
            due = int((now - begun) * 375)
            if due - sent_packets > 40:
                sent_packets = due - 40  # a stall; a lidar does not catch up either
            while sent_packets < due:
                self.send_lidar(sent_packets)
                sent_packets += 1
            if now >= next_sim:
                next_sim = now + 0.02
                self.send_sim()
            if now >= next_battery:
                next_battery = now + 0.3
                self.send_battery()
            self.rest()

    def rest(self):
        """Until the next packet is due, or something comes from the safety process."""
        motor = self.motor
        if motor is None or not self.board_reads:
            time.sleep(0.002)
            return
        try:
            select.select([motor], [], [], 0.002)
        except (OSError, ValueError):
            pass  # unplugged meanwhile

    def read_motor(self):
        if self.motor is None:
            return
        try:
            while self.board_reads:
                data = os.read(self.motor, 65536)
                self.board.push(data, time.monotonic(), self.read_at)
        except OSError:
            self.read_at = time.monotonic()  # empty: whatever comes, comes later

    def send_lidar(self, number):
        if not self.lidar_runs:
            return
        step = 80
        first = number * 12 * step % 36000
        points = []
        for i in range(12):
            clockwise = (first + i * step) % 36000 / 100
            points.append(max(0, min(12000, int(self.distance((360 - clockwise) % 360)))))
        packet = self.lidar_filter(
            lidar_packet(first, first + 11 * step, points, int(number / 375 * 1000)))
        if packet:
            self.write("lidar", packet)

    def send_sim(self):
        if not self.sim_runs:
            return
        kind, mm = self.sonar
        message = struct.pack("<IBBBBiIq", SIM_MAGIC, SIM_VERSION, kind, self.estop, self.start, mm,
                              0, time.monotonic_ns())
        for name in self.sim_names:
            try:
                self.sim.sendto(message, f"{self.folder}/{name}.sock")
            except OSError:
                pass  # nobody listens yet, or any more

    def send_battery(self):
        if self.battery_reports:
            self.write("motor", board_frame(0, b"\x04" + struct.pack("<H", self.battery_mv)))

    def write(self, name, data):
        with self.in_use:
            fd = getattr(self, name)
            if fd is None:
                return
            try:
                os.write(fd, data)
            except OSError:
                pass  # full: nobody reads

    # What a test asks

    def wait(self, condition, seconds=10.0, agents=()):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for agent in agents:
                agent.receive()
            if condition():
                return True
            time.sleep(0.005)
        return False

    def agent(self):
        assert self.wait(lambda: os.path.exists(self.socket_path), 10)
        end = time.monotonic() + 5
        while True:
            try:
                agent = Agent(self.socket_path)
                break
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.02)
        agent.send(HELLO)
        return agent

    def ready(self, agent):
        """Waits until arming is possible, and arms: again and again, because that is refused for
        half a second after the last fault."""
        assert self.wait(lambda: self.process.poll() is not None or agent.verdict and not agent.verdict["why"] - {
            "not_armed", "no_intent", "too_slow"}, 10, [agent]), agent.verdict
        if self.process.poll() is not None:
            raise AssertionError(("the safety process ended", *self.end()))
        end = time.monotonic() + 5
        agent.arm()
        while not self.wait(lambda: agent.verdict["mission"] == agent.mission, 0.06, [agent]):
            assert time.monotonic() < end, agent.events
            agent.arm()

    def keep(self, agent, condition, seconds=3.0, **twist):
        """Goes on asking for the same motion until something is so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            agent.intent(**twist)
            agent.receive()
            if condition():
                return True
            time.sleep(0.03)
        return False

    def drive(self, agent, seconds, **twist):
        """Renews an intent of fresh frames at 20 Hz."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            agent.intent(**twist)
            agent.receive()
            time.sleep(0.05)

    def motor_frames(self, since=0.0):
        return [(at, duties(data)) for at, function, data in list(self.board.frames)
                if function == 3 and at >= since and duties(data) is not None]

    def last(self):
        frames = self.motor_frames()
        return frames[-1][1] if frames else None

    def moving(self):
        return self.last() is not None and any(self.last())

    def assert_stopped_for_good(self, since, seconds=0.5):
        """Four zeros in one frame, and nothing else afterwards."""
        time.sleep(seconds)
        frames = self.motor_frames(since)
        stops = [i for i, (_, duty) in enumerate(frames) if not any(duty)]
        assert stops, "no stop frame"
        assert all(not any(duty) for _, duty in frames[stops[0]:])

    def assert_fault(self, agent, reason, cause, undo):
        """It drops permission, and its end does not give it back."""
        cause()
        assert self.keep(agent, lambda: reason in agent.verdict["why"]
                         and agent.verdict["mission"] == 0, 4, vx=250), agent.verdict
        at = time.monotonic()
        undo()
        assert self.wait(lambda: reason not in agent.verdict["why"], 5, [agent]), agent.verdict
        assert not self.keep(agent, lambda: any(any(d) for _, d in self.motor_frames(at + 0.1)),
                             0.6, vx=250)
        self.ready(agent)
        assert self.keep(agent, self.moving, vx=250)
