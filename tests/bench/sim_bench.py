"""What the simulator costs, and the whole loop from the simulated picture to the motor frame."""

import os
import sys
import tempfile
import time

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{HOME}/tests/run")

from safety_bench import Sleeper, percentiles  # noqa: E402
from simcar import SimCar  # noqa: E402

STAGES = ("read", "encode", "request", "total", "motor")


def bench_loop(build, seconds):
    """The real programs in real time, beside a process that only sleeps."""
    with tempfile.TemporaryDirectory() as folder, Sleeper() as sleeper:
        with SimCar(build, folder) as car:
            car.explore()
            time.sleep(seconds)
            result = car.finish()
    return {"seconds": seconds, "rate_hz": result["rate_hz"], "contacts": result["contacts"],
            "distance_m": result["distance_m"], "floor_seen": result["floor_seen"],
            "stages_ms": {name: result["stages_ms"][name] for name in STAGES},
            "sleeper_late_ms": percentiles(sleeper.late_ms)}


def bench(build, seconds, run_json):
    costs = run_json([f"{build}/tests/sim/sim-bench", f"{HOME}/hal/sim/rooms/living.room"])
    return {"costs": costs, "loop": bench_loop(build, seconds)}


def report(figures):
    costs, loop = figures["costs"], figures["loop"]
    print(f"\nsimulator, a room of {costs['faces']} faces (us)       p50       p99")
    for name in ("picture_640x480", "turn_of_450_beams", "step_of_the_car"):
        print(f"  {name.replace('_', ' '):32} {costs[name]['p50_us']:9.1f} {costs[name]['p99_us']:9.1f}")
    print(f"  the loop in virtual time: {costs['times_real_time']:.0f} times real time on one core")
    print(f"\nwhole loop, {loop['seconds']:.0f} s in the living room: {loop['rate_hz']:.1f} decisions a "
          f"second, {loop['distance_m']:.1f} m, {loop['contacts']} contacts")
    print("  from the picture, ms              p50       p95       p99       max")
    for name, words in (("read", "camera"), ("total", "to intent"), ("motor", "to motor frame")):
        stage = loop["stages_ms"][name]
        print(f"  {words:28} {stage['p50']:9.2f} {stage['p95']:9.2f} {stage['p99']:9.2f} "
              f"{stage['max']:9.2f}")
    late = loop["sleeper_late_ms"]
    print(f"  a 100 Hz sleeper beside it was late by {late['p50']} (p50), {late['p99']} (p99) ms")
