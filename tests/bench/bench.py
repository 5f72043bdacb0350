#!/usr/bin/python3
"""What the agent costs over the plainest libcurl loop, what the safety process costs and how fast it
stops, and what the simulator costs with the whole loop around it.

    bench.py --build DIR [--only agent|safety|sim|http] [--frames PATH] [--rounds N] [--questions N]
             [--seconds N] [--stops N] [--json]

The agent's figures are differences or ratios of two things measured in turns against the same
stand-in, so that a busy machine slows both; the safety process's stand beside what a process that
only sleeps is late by. Nothing here passes or fails: the figures are for reading.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

import http_bench
import safety_bench
import sim_bench

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVICE_MS = 18.4  # a question to Gemma 4 E2B on the PC, median, as measured there


class Standin:
    """A stand-in on a port of its own, for the length of a with block."""

    def __init__(self, build, *options):
        self.command = [f"{build}/vlm/standin/turbonav-standin", "--listen", "127.0.0.1:0"]
        self.command += options

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            sys.exit("bench: the stand-in did not start")
        return line.split()[-1]

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)

REQUESTS = 100000  # over HTTP, for what they leave in memory


def run_json(command):
    """The last line of a program's standard output."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def run_agent(build, url, frames, questions):
    command = [f"{build}/agent/turbonav-agent", "--dry-run", "--json", "--loop"]
    command += ["--limit", str(questions), "--frames", frames, "--vlm", url]
    command += ["--config", f"{HOME}/config/demo.conf"]
    return run_json(command)["summary"]


def bench_added(build, frames, questions):
    """One question with either, in turns; the stand-in answers as fast as it can."""
    with Standin(build) as url:
        result = run_json([f"{build}/tests/bench/ask-bench", "pair", url, frames, str(questions)])
    plain, client = result["plain_us"], result["client_us"]
    return {
        "plain_us": plain,
        "client_us": client,
        "added_p50_us": round(client["p50"] - plain["p50"], 1),
        "heap_bytes": result["heap_bytes"],
        "heap_growth_bytes": result["heap_bytes"][-1] - result["heap_bytes"][1],
    }


def bench_rate(build, frames, questions, rounds):
    """The whole agent and the plain loop in turns against a fixed service time."""
    agent, plain, summary = [], [], {}
    with Standin(build, "--service", str(SERVICE_MS)) as url:
        for _ in range(rounds):
            loop = [f"{build}/tests/bench/ask-bench", "plain", url, frames, str(questions)]
            plain.append(run_json(loop)["rate_hz"])
            summary = run_agent(build, url, frames, questions)
            agent.append(summary["rate_hz"])
    ratios = [a / p for a, p in zip(agent, plain)]
    return {
        "service_ms": SERVICE_MS,
        "plain_hz": plain,
        "agent_hz": agent,
        "ratio": {
            "min": round(min(ratios), 4),
            "median": round(statistics.median(ratios), 4),
            "max": round(max(ratios), 4),
        },
        "late_connects": summary["late_connects"],
        "stages_ms": summary["stages_ms"],
    }


def bench_agent(options):
    with tempfile.TemporaryDirectory() as painted:
        frames = options.frames
        if frames is None:
            frames = painted
            subprocess.run([f"{options.build}/tests/unit/render-frames", painted], check=True)
        return {
            "added": bench_added(options.build, frames, 4 * options.questions),
            "rate": bench_rate(options.build, frames, options.questions, options.rounds),
        }


def print_added(added):
    print("time of a question, stand-in without service time, in turns (us)")
    print(f"  {'':14} {'p50':>8} {'p95':>8} {'p99':>8}")
    for name, key in (("plain libcurl", "plain_us"), ("our client", "client_us")):
        row = added[key]
        print(f"  {name:14} {row['p50']:8.0f} {row['p95']:8.0f} {row['p99']:8.0f}")
    print(f"  added at the median: {added['added_p50_us'] / 1000:.3f} ms (wanted: under 0.3 ms)")
    print(f"  heap in use over the run: {' '.join(str(b) for b in added['heap_bytes'])} bytes")
    print(f"  growth after the first eighth: {added['heap_growth_bytes']} bytes (wanted: 0)")


def print_rate(rate):
    print(f"\nrate against a service time of {rate['service_ms']} ms, in turns (Hz)")
    print(f"  plain libcurl, bodies made beforehand  {' '.join(f'{r:7.2f}' for r in rate['plain_hz'])}")
    print(f"  agent, every frame read and encoded    {' '.join(f'{r:7.2f}' for r in rate['agent_hz'])}")
    ratio = rate["ratio"]
    print(
        f"  ratio: median {ratio['median']:.4f}, {ratio['min']:.4f} to {ratio['max']:.4f}"
        " (wanted: at least 0.98)"
    )
    print(f"  questions that waited for a connection: {rate['late_connects']}")
    print("  stages of the agent (ms)   p50      p95      p99")
    for name, row in rate["stages_ms"].items():
        print(f"    {name:18} {row['p50']:8.3f} {row['p95']:8.3f} {row['p99']:8.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, help="build folder")
    parser.add_argument("--frames", help="folder of JPEGs; painted ones without it")
    parser.add_argument("--rounds", type=int, default=5, help="of the rate comparison")
    parser.add_argument("--questions", type=int, default=250, help="per round")
    parser.add_argument("--only", choices=["agent", "safety", "sim", "http"], help="one part of it")
    parser.add_argument("--seconds", type=int, default=20, help="of driving, for the cost of a tick")
    parser.add_argument("--stops", type=int, default=100, help="that are timed")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    options = parser.parse_args()
    if options.rounds < 1 or options.questions < 16:
        parser.error("expected at least 1 round and 16 questions")
    if options.seconds < 1 or options.stops < 1:
        parser.error("expected at least 1 second and 1 stop")
    results = {}
    if options.only in (None, "agent"):
        results.update(bench_agent(options))
    if options.only in (None, "safety"):
        results["gate"] = run_json([f"{options.build}/tests/bench/gate-bench"])
        results["safety"] = safety_bench.measure_all(
            options.build, options.seconds, options.stops
        )
    if options.only in (None, "sim"):
        results["sim"] = sim_bench.bench(options.build, options.seconds, run_json)
    if options.only in (None, "http"):
        results["http"] = http_bench.measure_all(options.build, options.seconds, REQUESTS)
    if options.json:
        print(json.dumps(results))
        return
    if "added" in results:
        print_added(results["added"])
        print_rate(results["rate"])
    if "safety" in results:
        safety_bench.print_all(results["gate"], results["safety"])
    if "sim" in results:
        sim_bench.report(results["sim"])
    if "http" in results:
        http_bench.report(results["http"])


if __name__ == "__main__":
    main()
