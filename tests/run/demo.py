#!/usr/bin/python3
"""The closed loop without hardware: a simulated car explores a simulated room.

Stand-in (or a real server), turbonav-sim, turbonav-safety and turbonav-agent run as they would on a
car; this only starts them, shows a live line and adds up what they say.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time

from simcar import ROOT, NotStarted, SimCar, die_with_words

STAGES = ("read", "encode", "request", "decide", "total", "motor")


def arguments_parse():
    parser = argparse.ArgumentParser(prog="./run demo", allow_abbrev=False)
    parser.add_argument("--seconds", type=float, default=60, help="how long; 60 without it")
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
    if arguments.seconds <= 0 or arguments.seed < 0:
        die_with_words("demo", "--seconds must be above 0, --seed not below 0", 64)
    return arguments


def live_line(car, begun):
    status, frame = car.status, car.frame
    gate = frame.get("verdict", {})
    reasons = " ".join(gate.get("reasons", []))
    return (f"{time.monotonic() - begun:5.1f} s  {frame.get('decision') or '-':8} "
            f"{gate.get('vx_mm_s', 0):4d} mm/s  front {gate.get('clear_front_mm', 0) / 1000:5.2f} m  "
            f"floor {100 * status.get('floor_seen', 0):3.0f} %  {status.get('distance_m', 0):5.1f} m  "
            f"{car.decisions} decisions  {status.get('contacts', 0)} contacts  {reasons}")


def play(car, arguments):
    """Until the time is over, or a Ctrl-C. An exploration that ended because a sensor failed is
    begun anew in chaos, as a person would; otherwise that is the end."""
    begun = time.monotonic()
    width = shutil.get_terminal_size().columns - 1
    agent = car.explore()
    code = 0
    try:
        while time.monotonic() - begun < arguments.seconds:
            time.sleep(0.1)
            if sys.stderr.isatty():
                print("\r\033[K" + live_line(car, begun)[:width], end="", file=sys.stderr, flush=True)
            if agent.poll() is not None:
                if not (arguments.chaos and agent.returncode == 75):
                    code = agent.returncode
                    break
                car.reset()
                agent = car.explore()
            if car.processes["safety"].poll() is not None:
                if not arguments.chaos:
                    code = car.processes["safety"].returncode
                    break
                car.start_safety()
    except KeyboardInterrupt:
        code = 130
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
        try:
            with SimCar(build, folder, room=arguments.room, seed=arguments.seed, vlm=arguments.vlm,
                        lidar=arguments.lidar, chaos=arguments.chaos, options=options) as car:
                print(f"demo: a simulated car in the room '{arguments.room}' asks {car.vlm}"
                      f"{'' if arguments.vlm else ': the stand-in looks at the picture, no model'};"
                      f" Ctrl-C ends it", file=sys.stderr)
                code = play(car, arguments)
                result = car.finish()
                words = "" if code in (0, 130) else car.log("agent") + car.log("safety")
        except NotStarted as problem:
            die_with_words("demo", problem, 69)
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
