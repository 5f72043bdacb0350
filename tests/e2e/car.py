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

BUILD = os.environ.get("NAV_TEST_BUILD", "build")
SAFETY = os.path.join(BUILD, "turbonav-safety")

SIM_MAGIC, SIM_VERSION = 0x49534E54, 1
KIND_GOOD, KIND_NO_ECHO, KIND_BUS, KIND_TIMEOUT = 1, 2, 6, 7
RELEASED, PRESSED = 1, 2

HELLO, ARM, INTENT, DISARM, ESTOP, RESET, LOOK = range(1, 8)
VERDICT, SCAN, EVENT = 64, 65, 66
HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


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


def crc(data, polynomial, reflected):
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            if reflected:
                value = value >> 1 ^ (polynomial if value & 1 else 0)
            else:
                value = (value << 1 ^ (polynomial if value & 0x80 else 0)) & 0xFF
    return value


LIDAR_TABLE = [crc([byte], 0x4D, False) for byte in range(256)]


def lidar_packet(first_cdeg, step_cdeg, distances, stamp_ms):
    """12 points clockwise from first_cdeg, as an LD06 sends them."""
    last = (first_cdeg + 11 * step_cdeg) % 36000
    data = struct.pack("<BBHH", 0x54, 0x2C, 3600, first_cdeg % 36000)
    for distance in distances:
        data += struct.pack("<HB", distance, 200 if distance else 0)
    data += struct.pack("<HH", last, stamp_ms % 30000)
    value = 0
    for byte in data:
        value = LIDAR_TABLE[value ^ byte]
    return data + bytes([value])


def board_frame(function, data):
    body = bytes([function, len(data)]) + data
    return b"\xaa\x55" + body + bytes([crc(body, 0x8C, True)])


class BoardReader:
    """Takes the host's bytes apart into (time, function, data); garbage is counted. `unread` tells for
    the time of a frame since when nobody had looked at the line: it came between the two."""

    def __init__(self):
        self.buffer = b""
        self.frames = []
        self.unread = {}
        self.garbage = 0

    def push(self, data, now, unread):
        self.buffer += data
        while len(self.buffer) >= 5:
            size = self.buffer[3] + 5
            if self.buffer[:2] != b"\xaa\x55":
                self.buffer = self.buffer[1:]
                self.garbage += 1
            elif len(self.buffer) < size:
                return
            elif crc(self.buffer[2 : size - 1], 0x8C, True) != self.buffer[size - 1]:
                self.buffer = self.buffer[1:]
                self.garbage += 1
            else:
                self.unread[now] = unread
                self.frames.append((now, self.buffer[2], self.buffer[4 : size - 1]))
                self.buffer = self.buffer[size:]


def duties(data):
    """The four duties of a motor frame, in motor order; None for another one."""
    if data[:2] != b"\x05\x04":
        return None
    pairs = struct.unpack("<" + "Bf" * 4, data[2:])
    return tuple(round(pairs[2 * i + 1], 3) for i in range(4))


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
            stderr=subprocess.PIPE, text=True, start_new_session=True, env=self.environment())

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
        fds, self.motor, self.motor_slave = (self.motor, self.motor_slave), None, None
        self.unplug(fds)

    def unplug_lidar(self):
        fds, self.lidar, self.lidar_slave = (self.lidar, self.lidar_slave), None, None
        self.unplug(fds)

    def unplug(self, fds):
        if None in fds:
            return
        with self.in_use:  # the player must not write into a number that is used again
            for fd in fds:
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
        if self.motor is None or not self.board_reads:
            return
        try:
            while True:
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
        packet = self.lidar_filter(lidar_packet(first, step, points, int(number / 375 * 1000)))
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
        assert self.wait(lambda: agent.verdict and not agent.verdict["why"] - {
            "not_armed", "no_intent", "too_slow"}, 10, [agent]), agent.verdict
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
