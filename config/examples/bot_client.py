#!/usr/bin/python3
"""What a bot has to do to let the car explore: the whole contract, with the standard library alone.

Here the chat is the terminal: type /explore GOAL, /stop, /photo or /status. In a bot, call `command` for
each message that comes in, and let `say` and `show` send text and pictures.

    bot_client.py [URL [TOKEN_FILE]]
"""

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
    request = urllib.request.Request(URL + path, headers={"Content-Type": "application/json"},
                                     data=None if order is None else json.dumps(order).encode())
    if TOKEN:
        request.add_header("Authorization", f"Bearer {TOKEN}")
    return urllib.request.urlopen(request, timeout=timeout)


def follow(mission):
    """Progress until the end. A thread of its own, so that /stop never waits for it."""
    kind = ""
    for line in ask(mission["events_url"], timeout=30):  # a comment comes every 5 s at least
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name == "event":
            kind = value
        elif name == "data" and kind == "state":
            say(f"The car is {json.loads(value)['state']}.")
        elif name == "data" and kind == "photo":
            show(ask(json.loads(value)["url"]).read())
        elif name == "data" and kind == "ended":
            end = json.loads(value)
            say(f"It ended by {end['reason']} after {end['duration_s']:.0f} s and "
                f"{end['distance_m']:.1f} m, with {end['decisions']} decisions.")


def command(text):
    word, _, rest = text.strip().partition(" ")
    try:
        if word == "/explore":
            mission = json.load(ask("/v1/missions", {"goal": rest, "limits": {"duration_s": 180},
                                                     "notify": {"photo_every_s": 15}}))
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
    except OSError as problem:
        say(f"The car does not answer: {problem}")


if __name__ == "__main__":
    for message in sys.stdin:
        command(message)
