#!/usr/bin/python3
"""What a bot has to do to let the car explore. Here the chat is the terminal; in a bot, call `command` for
each message that comes in, and let `say` and `show` send text and pictures.

    bot_client.py [URL [TOKEN_FILE]]          /explore GOAL, /stop, /photo, /status"""
import json
import sys
import threading
import urllib.error
import urllib.request

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8090"
TOKEN = open(sys.argv[2], encoding="ascii").read().strip() if len(sys.argv) > 2 else ""


def say(text):
    print(text, flush=True)


def show(jpeg):
    say(f"[a photo of {len(jpeg)} bytes]")


def ask(path, order=None, timeout=5):
    """GET, or POST of an order. Raises HTTPError, whose body says why."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    body = None if order is None else json.dumps(order).encode()
    return urllib.request.urlopen(urllib.request.Request(URL + path, body, headers), timeout=timeout)


def tell(kind, data):
    if kind == "state":
        say(f"The car is {data['state']}.")
    elif kind == "photo":
        show(ask(data["url"]).read())
    elif kind == "ended":
        say(f"It ended by {data['reason']} after {data['duration_s']:.0f} s and {data['distance_m']:.1f} m.")


def follow(mission):
    """Progress until the end. A thread of its own, so that /stop never waits for it."""
    for line in ask(mission["events_url"], timeout=30):  # a comment comes every 5 s at least
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            tell(kind, json.loads(value))


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
            show(ask("/v1/camera.jpg").read())
        elif word == "/status":
            say(f"The car is {json.load(ask('/v1/status'))['state']}.")
    except urllib.error.HTTPError as refusal:  # busy, latched, not ready: told in plain words
        problem = json.load(refusal)
        say(f"No: {problem['title']}. " + "; ".join(problem.get("not_ready", [problem["detail"]])))


if __name__ == "__main__":
    for message in sys.stdin:
        command(message)
