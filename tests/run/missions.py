"""Missions of an agent that serves (SimCar.serve), followed from the outside: every decision is taken as
if the agent had printed it, and the end as its summary."""

import json
import threading
import time
import urllib.error
import urllib.request

PATIENCE_S = 10


def ask(url, path, order=None):
    request = urllib.request.Request(url + path, headers={"Content-Type": "application/json"},
                                     data=None if order is None else json.dumps(order).encode())
    return urllib.request.urlopen(request, timeout=PATIENCE_S)


def percentiles(values):
    values = sorted(values)
    place = lambda part: values[min(len(values) - 1, int(part * len(values)))]
    return {"p50": place(0.5), "p95": place(0.95), "p99": place(0.99)} if values else {}


class Missions:
    """Follows all of them, whoever orders one."""

    def __init__(self, car, url):
        self.car, self.url = car, url
        self.words, self.stages = {}, {}
        self.last = {}  # the mission that was told last
        self.degenerate = False
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def wait_ready(self, seconds=20.0):
        """Empty, or what is still missing."""
        end = time.monotonic() + seconds
        while True:
            status = json.load(ask(self.url, "/v1/status"))
            if status["ready"] or time.monotonic() > end:
                return "; ".join(status["not_ready"])
            time.sleep(0.05)

    def order(self, **order):
        """A mission begins; or why not."""
        try:
            self.last = json.load(ask(self.url, "/v1/missions", order))
            self.car.explorations += 1
            return ""
        except urllib.error.HTTPError as refusal:
            problem = json.load(refusal)
            return "; ".join(problem.get("not_ready", [problem["title"]]))

    def is_over(self):
        return self.last.get("state") == "ended"

    def stop(self):
        """Ends what is under way, and waits for its summary."""
        ask(self.url, "/v1/stop", {}).close()
        end = time.monotonic() + PATIENCE_S
        while self.last and not self.is_over() and time.monotonic() < end:
            time.sleep(0.02)

    def follow(self):
        kind = ""
        try:
            for line in ask(self.url, "/v1/events"):
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    self.take(kind, json.loads(value))
        except (OSError, ValueError):
            pass  # the agent has ended

    def take(self, kind, data):
        if kind == "decision":
            self.car.take_frame(data)
            if data["decision"]:
                self.words[data["decision"]] = self.words.get(data["decision"], 0) + 1
            for stage, ms in data["stages_ms"].items():
                self.stages.setdefault(stage, []).append(ms)
        elif kind in ("state", "ended"):
            self.last = data
        if kind == "ended":
            self.car.summaries.append(self.summary(data))

    def summary(self, mission):
        """As the agent prints it at the end of an exploration."""
        status = json.load(ask(self.url, "/v1/status"))
        stages = {stage: percentiles(values) for stage, values in self.stages.items()}
        stages["motor"] = mission["stages_ms"]["motor"]
        self.degenerate |= status["model"]["degenerate"]
        return {
            "answered": mission["decisions"],
            "failed": mission["failed"],
            "vetoes": mission["vetoes"],
            "decisions": dict(self.words),
            "degenerate": self.degenerate,
            "rate_hz": mission["decisions"] / mission["duration_s"] if mission["duration_s"] else 0,
            "stages_ms": {stage: figures for stage, figures in stages.items() if figures},
        }
