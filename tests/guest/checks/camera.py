"""A camera of the kernel (vimc) through libcamera, JPEG and the stand-in to the wheels."""

import json
import os
import subprocess
import urllib.request

from guest import AGENT, Motor, do, expect, run, wait, wait_ready, write

USER = ["setpriv", "--reuid=turbonav-agent", "--regid=turbonav", "--init-groups"]
VIMC = "/sys/bus/platform/drivers/vimc"


def plug(there):
    write(f"{VIMC}/{'bind' if there else 'unbind'}", "vimc.0")
    do("udevadm", "settle")


def ask(path, order=None):
    request = urllib.request.Request(f"http://127.0.0.1:8090{path}",
                                     None if order is None else json.dumps(order).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def load():
    do("modprobe", "vimc")
    do("udevadm", "settle")


def explore():
    """A mission of the agent that serves; it may take a while until model and camera are there."""
    def begun():
        try:
            return ask("/v1/missions", {})
        except OSError:
            return None  # 503 until it is ready, and before that nobody listens

    return wait(begun, lambda: f"a mission; {run('systemctl', 'status', AGENT).stdout}", 60)


def running(first):
    """The mission, or one in its place: a stall may end two."""
    mission = ask("/v1/status")["mission"]
    expect(int(mission["id"]) <= int(first["id"]) + 2, f"one mission ends after the other: {mission}")
    return explore() if mission["state"] == "ended" else mission


def drive_off(motor):
    first = explore()
    wait(lambda: running(first) and any(any(duty) for _, duty in motor.news()), "a wheel turns", 60)
    return running(first)


def decided(mission):
    return running(mission) and ask("/v1/decisions")["decisions"]


def stand_in():
    """It says forward, whatever it sees: what the picture shows is vimc's affair."""
    if run("pidof", "turbonav-standin").returncode == 0:
        return
    subprocess.Popen(["turbonav-standin", "--listen", "127.0.0.1:8080", "--fault", "always=forward",
                      "--log"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                     start_new_session=True)


def camera_of_the_kernel_is_listed():
    load()
    listed = run(*USER, "turbonav", "camera", "list")
    expect("vimc" in listed.stdout, f"{listed.stdout}{listed.stderr}")


def camera_gives_a_jpeg():
    load()
    path = "/tmp/look.jpg"
    if os.path.exists(path):
        os.unlink(path)
    done = run(*USER, "turbonav", "camera", "snap", path)
    expect(done.returncode == 0, f"{done.stdout}{done.stderr}")
    with open(path, "rb") as file:
        data = file.read()
    expect(data[:3] == b"\xff\xd8\xff" and data[-2:] == b"\xff\xd9" and len(data) > 3000,
           f"{len(data)} bytes are no picture")


def pictures_become_decisions_and_motion():
    load()
    wait_ready()
    stand_in()
    do("systemctl", "start", AGENT)
    with Motor() as motor:
        mission = drive_off(motor)
        wait(lambda: len(decided(mission)) > 5, "decisions", 40)
        ask("/v1/stop", {})
        motor.wait_still()
    words = {decision["decision"] for decision in ask("/v1/decisions")["decisions"]}
    expect("forward" in words and words <= {"forward", None}, f"{words}")


def camera_that_is_unplugged_stops_the_car_and_drives_it_again_when_it_is_back():
    load()
    wait_ready()
    stand_in()
    do("systemctl", "start", AGENT)
    try:
        with Motor() as motor:
            mission = drive_off(motor)
            plug(False)
            motor.wait_still("zeros without pictures")
            wait(lambda: ask(f"/v1/missions/{mission['id']}")["state"] == "ended", "the mission has ended")
            end = ask(f"/v1/missions/{mission['id']}")
            expect(end["reason"] == "fault", f"{end}")
            plug(True)
            drive_off(motor)
            ask("/v1/stop", {})
            motor.wait_still()
    finally:
        do("systemctl", "stop", AGENT)


CHECKS = [
    camera_of_the_kernel_is_listed,
    camera_gives_a_jpeg,
    pictures_become_decisions_and_motion,
    camera_that_is_unplugged_stops_the_car_and_drives_it_again_when_it_is_back,
]
