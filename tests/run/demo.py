#!/usr/bin/python3
"""The closed loop without hardware: a simulated car explores a simulated room.

Stand-in (or a real server), turbonav-sim, turbonav-safety and turbonav-agent run as they would on a
car; this only starts them, orders a mission, shows a live line and adds up what they say. Meanwhile the
agent serves its page and its HTTP interface, where the car can be stopped and sent on again.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time

from missions import Missions
from simcar import ROOT, NotStarted, SimCar, die_with_words

PORT = 8090  # of the page; another one when it is taken
SECONDS = 60  # without a terminal
STAGES = ("read", "encode", "request", "decide", "total", "motor")


def arguments_parse():
    parser = argparse.ArgumentParser(prog="./run demo", allow_abbrev=False)
    parser.add_argument("--seconds", type=float, help="how long; without it until Ctrl-C, and 60 s "
                        "where there is no terminal")
    parser.add_argument("--room", default="living",
                        help="empty, living, corridor, office, trap, glass, random or a plan")
    parser.add_argument("--seed", type=int, default=1, help="of the car and its noise")
    parser.add_argument("--vlm", metavar="URL", help="a real server instead of the stand-in")
    parser.add_argument("--chaos", action="store_true", help="sensors fail now and then")
    parser.add_argument("--lidar", default="ld06", choices=("ld06", "rplidar_c1"))
    parser.add_argument("--json", action="store_true", help="the report as one object")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE",
                        help="a setting of the agent")
    try:
        arguments = parser.parse_args()
    except SystemExit as end:
        sys.exit(64 if end.code else 0)
    if (arguments.seconds is not None and arguments.seconds <= 0) or arguments.seed < 0:
        die_with_words("demo", "--seconds must be above 0, --seed not below 0", 64)
    if arguments.seconds is None and not sys.stderr.isatty():
        arguments.seconds = SECONDS
    return arguments


def free_port():
    try:
        with socket.create_server(("127.0.0.1", PORT)):
            return PORT
    except OSError:
        return 0


def live_line(car, missions, begun):
    if missions.is_over():
        last = missions.last
        return (f"{time.monotonic() - begun:5.1f} s  ended by {last['reason']} {last['detail']}; "
                f"{missions.url} sends it on")
    status, frame = car.status, car.frame
    gate = frame.get("verdict", {})
    reasons = " ".join(gate.get("reasons", []))
    return (f"{time.monotonic() - begun:5.1f} s  {frame.get('decision') or '-':8} "
            f"{gate.get('vx_mm_s', 0):4d} mm/s  front {gate.get('clear_front_mm', 0) / 1000:5.2f} m  "
            f"floor {100 * status.get('floor_seen', 0):3.0f} %  {status.get('distance_m', 0):5.1f} m  "
            f"{car.decisions} decisions  {status.get('contacts', 0)} contacts  {reasons}")


def explore_anew(car, missions, arguments):
    """In chaos a mission that a failed sensor ended is ordered again, as a person would."""
    if car.processes["safety"].poll() is not None:
        car.start_safety()
    car.reset()
    missions.order()


def play(car, missions, arguments):
    """Until the time is over, a process has ended, or a Ctrl-C. Without a time the car may stand and
    wait for somebody who orders the next mission in the browser."""
    begun = time.monotonic()
    width = shutil.get_terminal_size().columns - 1
    problem = missions.wait_ready() or missions.order()
    if problem:
        raise NotStarted(f"the car cannot explore: {problem}\n{car.log('agent')}")
    code = 0
    try:
        while arguments.seconds is None or time.monotonic() - begun < arguments.seconds:
            time.sleep(0.1)
            if sys.stderr.isatty():
                print("\r\033[K" + live_line(car, missions, begun)[:width], end="", file=sys.stderr, flush=True)
            ended = [name for name in ("agent", "safety", "sim")
                     if car.processes[name].poll() is not None]
            if arguments.chaos and (missions.is_over() or ended == ["safety"]):
                explore_anew(car, missions, arguments)
            elif ended:
                code = car.processes[ended[0]].returncode or 71
                break
            elif missions.is_over() and arguments.seconds is not None:
                break
        if not ended:
            missions.stop()
    except KeyboardInterrupt:
        code = 130
        missions.stop()
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    return code


def report(result, picture):
    print(f"{result['room']}, seed {result['seed']}: {result['seconds']:.0f} s, "
          f"{result['distance_m']:.1f} m, {100 * result['floor_seen']:.0f} % of the floor seen, "
          f"{result['contacts']} contacts")
    words = ", ".join(f"{word} {count}" for word, count in result["words"].items() if count)
    print(f"decisions   {result['decisions']} ({result['rate_hz']:.1f} Hz): {words or 'none'}")
    if result["degenerate"]:
        print("warning     nearly all answers were the same; the model may not be looking")
    vetoes = ", ".join(f"{reason} {count}" for reason, count in
                       sorted(result["vetoes"].items(), key=lambda item: -item[1]))
    print(f"gate        {vetoes + ' (decisions that it stood against)' if vetoes else 'never closed'}")
    print(f"{'stages, ms':10} {'p50':>8} {'p95':>8} {'p99':>8}")
    names = {"read": "camera", "total": "to intent", "motor": "to motor"}
    for stage in STAGES:
        figures = result["stages_ms"].get(stage)
        if figures:
            print(f"{names.get(stage, stage):10} {figures['p50']:8.1f} {figures['p95']:8.1f} "
                  f"{figures['p99']:8.1f}")
    print(f"path        {picture}")


def main():
    arguments = arguments_parse()
    build = os.environ.get("NAV_TEST_BUILD") or f"{ROOT}/build"
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    options = [word for setting in arguments.set for word in ("--set", setting)]
    with tempfile.TemporaryDirectory(prefix="turbonav-demo-") as folder:
        car = None
        try:
            with SimCar(build, folder, room=arguments.room, seed=arguments.seed, vlm=arguments.vlm,
                        lidar=arguments.lidar, chaos=arguments.chaos, options=options) as car:
                url = car.serve(port=free_port())
                print(f"demo: a simulated car in the room '{arguments.room}' asks {car.vlm}"
                      f"{'' if arguments.vlm else ': the stand-in looks at the picture, no model'}\n"
                      f"demo: watch it, stop it and send it on at {url}; Ctrl-C ends it",
                      file=sys.stderr)
                missions = Missions(car, url)
                code = play(car, missions, arguments)
                result = car.finish()
                ended_badly = missions.last.get("reason") not in ("stop", "time", "distance")
                words = car.log("agent") + car.log("safety") if ended_badly else ""
        except NotStarted as problem:
            agent = car.processes.get("agent") if car else None
            die_with_words("demo", problem, agent.returncode if agent and agent.returncode else 69)
        except KeyboardInterrupt:
            sys.exit(130)
        if not result.get("room"):
            die_with_words("demo", "the simulator left no result", 71)
        picture = f"{build}/demo/path.png"
        os.makedirs(os.path.dirname(picture), exist_ok=True)
        shutil.copy(car.path("path.png"), picture)
    print(words, end="", file=sys.stderr)
    if code not in (0, 130) and not result["decisions"]:
        sys.exit(code)  # there is nothing to report
    if arguments.json:
        print(json.dumps(result))
    else:
        report(result, os.path.relpath(picture))
    if code == 0 and result["contacts"] > 0:
        code = 1
    sys.exit(0 if code == 130 else code)


if __name__ == "__main__":
    main()
