#!/usr/bin/python3
"""What a bot does to let the car explore: bot_client.py [URL [TOKEN_FILE]]. Here the chat is the
terminal, with /explore GOAL, /stop, /photo and /status; in a bot, call `command` for each message
that comes in, and let `say` send text and pictures."""
import json
import sys
import threading
from urllib import error, request

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8090"
TOKEN = open(sys.argv[2], encoding="ascii").read().strip() if len(sys.argv) > 2 else ""
WORDS = {"state": "The car is {state}.",
         "ended": "It ended by {reason} after {duration_s:.0f} s and {distance_m:.1f} m."}


def say(text, photo=None):
    print(text if photo is None else f"[a photo of {len(photo)} bytes] {text}", flush=True)


def ask(path, order=None, timeout=5):
    """GET, or POST of an order. Raises HTTPError, whose body says why."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    body = None if order is None else json.dumps(order).encode()
    return request.urlopen(request.Request(URL + path, body, headers), timeout=timeout)


def follow(mission):
    """Progress until the end. A thread of its own, so that /stop never waits for it."""
    for line in ask(mission["events_url"], timeout=30):  # a comment comes every 5 s at least
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name == "event":
            kind = value
        elif name == "data" and kind == "photo":
            say("On the way.", ask(json.loads(value)["url"]).read())
        elif name == "data" and kind in WORDS:
            say(WORDS[kind].format(**json.loads(value)))


def command(text):
    word, _, rest = text.strip().partition(" ")
    try:
        if word == "/explore":
            order = {"goal": rest, "limits": {"duration_s": 180}, "notify": {"photo_every_s": 15}}
            mission = json.load(ask("/v1/missions", order))
            threading.Thread(target=follow, args=(mission,), daemon=True).start()
        elif word == "/stop":
            ask("/v1/stop", {})
            say("Stopped.")
        elif word == "/photo":
            say("Just now.", ask("/v1/camera.jpg").read())
        elif word == "/status":
            say(WORDS["state"].format(**json.load(ask("/v1/status"))))
    except error.HTTPError as refusal:  # busy, latched, not ready: told in plain words
        problem = json.load(refusal)
        say(f"No: {problem['title']}. " + "; ".join(problem.get("not_ready", [problem["detail"]])))


if __name__ == "__main__":
    for message in sys.stdin:
        command(message)
