"""What looking on costs the car: the rate of decisions alone and with a crowd, in turns in one run, how
long an order takes, and what many requests leave in memory.

The crowd is 200 connections with a request a second each, 4 viewers of the camera and 20 readers of the
events, of which every second one never reads. It runs at idle priority: on a small machine it is the
crowd that would take the processor, not those who answer it.
"""

import http.client
import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{HOME}/tests/run")

from safety_bench import percentiles  # noqa: E402
from simcar import SimCar  # noqa: E402

CONNECTIONS, VIEWERS, READERS = 200, 4, 20
PATHS = ("/v1/status", "/v1/scan", "/v1/camera.jpg", "/v1/decisions")
ORDERS = 40


def crowd(place, seconds):
    """A process of its own; prints how many answers it got."""
    host, port = place.split(":")
    address, selector = (host, int(port)), selectors.DefaultSelector()

    def ask(connection, path):
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())

    streams = ["/v1/camera.mjpeg"] * VIEWERS + ["/v1/events"] * READERS
    held = []
    for i, path in enumerate(streams):
        connection = socket.create_connection(address)
        ask(connection, path)
        held.append(connection)
        if i % 2 == 0:  # the others never read
            selector.register(connection, selectors.EVENT_READ, None)
    for i in range(CONNECTIONS):
        connection = socket.create_connection(address)
        selector.register(connection, selectors.EVENT_READ, [i, 0.0])
    begun, answers = time.monotonic(), 0
    while (now := time.monotonic()) < begun + seconds:
        for key, _ in selector.select(0.02):
            if not key.fileobj.recv(1 << 16):
                selector.unregister(key.fileobj)
            elif key.data is not None:
                answers += 1  # or a part of one
        for key in selector.get_map().values():
            if key.data is not None and now - key.data[1] >= 1 + key.data[0] % 7 * 0.01:
                ask(key.fileobj, PATHS[key.data[0] % len(PATHS)])
                key.data[1] = now
    print(answers)


def get(place, path):
    connection = http.client.HTTPConnection(place)
    connection.request("GET", path)
    return json.load(connection.getresponse())


def post(place, path):
    """(status, milliseconds) of an order."""
    connection = http.client.HTTPConnection(place)
    connection.connect()
    begun = time.monotonic()
    connection.request("POST", path, "{}", {"Content-Type": "application/json"})
    status = connection.getresponse().status
    return status, 1e3 * (time.monotonic() - begun)


def rate(place, seconds):
    """(decisions a second, late ticks) of so many seconds."""
    before, begun = get(place, "/v1/status"), time.monotonic()
    time.sleep(seconds)
    after, passed = get(place, "/v1/status"), time.monotonic() - begun
    if after["mission"]["state"] != "exploring":
        raise RuntimeError(f"the mission ended by {after['mission'].get('reason')}: "
                           f"{after['mission'].get('detail')}")
    return ((after["mission"]["decisions"] - before["mission"]["decisions"]) / passed,
            after["safety"]["overruns"] - before["safety"]["overruns"])


def wait_for(place, condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition(get(place, "/v1/status")):
        if time.monotonic() > end:
            raise RuntimeError("the car does not get ready")
        time.sleep(0.05)


def rss_kb(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def many_requests(place, count):
    connection = http.client.HTTPConnection(place)
    for i in range(count):
        connection.request("GET", PATHS[i % len(PATHS)])
        connection.getresponse().read()


def explore(place):
    wait_for(place, lambda status: status["ready"] and status["state"] == "idle")
    post(place, "/v1/missions")
    wait_for(place, lambda status: status["state"] == "exploring")


def time_orders(place):
    times = []
    for _ in range(ORDERS):
        wait_for(place, lambda status: status["ready"] and status["state"] == "idle")
        status, ms = post(place, "/v1/missions")
        if status == 202:
            times.append(ms)
        post(place, "/v1/stop")
    return percentiles(times)


def measure_all(build, seconds, requests):
    with tempfile.TemporaryDirectory() as folder, SimCar(build, folder, room="empty") as car:
        place = car.serve().removeprefix("http://")
        pid = car.processes["agent"].pid
        orders = time_orders(place)
        many_requests(place, 1000)
        memory = [rss_kb(pid)]
        many_requests(place, requests)
        memory.append(rss_kb(pid))
        explore(place)
        turns = []
        for _ in range(3):
            alone, late_alone = rate(place, seconds)
            command = ["chrt", "--idle", "0", sys.executable, __file__, place, str(seconds + 2)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as others:
                time.sleep(1)
                together, late_together = rate(place, seconds)
                answers = int(others.communicate()[0])
            turns.append({"alone_hz": alone, "crowd_hz": together, "late_alone": late_alone,
                          "late_crowd": late_together, "answers": answers})
        car.finish()
    return {"orders_ms": orders, "requests": requests, "rss_kb": memory, "turns": turns}


def report(figures):
    print(f"\nan order to explore, {ORDERS} times: p50 {figures['orders_ms']['p50']:.2f}, p99 "
          f"{figures['orders_ms']['p99']:.2f} ms until 202 (wanted: under 50)")
    print(f"memory of the agent: {figures['rss_kb'][0]} kB, after {figures['requests']} requests more "
          f"{figures['rss_kb'][1]} kB")
    print(f"\ndecisions a second, alone and with {CONNECTIONS} connections, {VIEWERS} viewers and "
          f"{READERS} readers\n{'':14}{'alone':>9}{'crowd':>9}{'ratio':>9}{'late ticks':>12}"
          f"{'answers':>9}")
    for i, turn in enumerate(figures["turns"]):
        print(f"  turn {i + 1:<7}{turn['alone_hz']:9.2f}{turn['crowd_hz']:9.2f}"
              f"{turn['crowd_hz'] / turn['alone_hz']:9.3f}{turn['late_alone']:6d}"
              f"{turn['late_crowd']:6d}{turn['answers']:9d}")
    print("  (wanted: a ratio of 0.97 at least, no more late ticks than alone)")


if __name__ == "__main__":
    crowd(sys.argv[1], float(sys.argv[2]))
