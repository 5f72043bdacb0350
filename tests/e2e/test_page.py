"""The page for the browser, in Debian's Chromium: what a person does, and what the wheels do then.

NAV_TEST_WEB names a folder with playwright-core and axe-core (tests/run/web.sh makes it); NAV_TEST_SHOTS, where
pictures of the page go.
"""

import os
import subprocess
import time

import pytest

from test_http import PATIENCE_S, Served, turns

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WEB = os.environ.get("NAV_TEST_WEB")

pytestmark = pytest.mark.skipif(
    not WEB, reason=os.environ.get("NAV_TEST_WEB_WHY", "no browser was asked for"))

# A car that meets a wall after a metre and stays there.
TO_THE_WALL = {"room": "trap", "standin": ("--fault", "always=forward")}


def browse(client, scenario):
    """Begins a scenario of tests/web/page.js; the car it looks at comes first on the processor."""
    environment = {**os.environ, "NODE_PATH": f"{WEB}/node_modules"}
    command = ["chrt", "--idle", "0", "node", f"{HOME}/tests/web/page.js", f"http://{client.place}",
               scenario, os.environ.get("NAV_TEST_SHOTS", "")]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)


def play(client, scenario):
    browser = browse(client, scenario)
    output, _ = browser.communicate(timeout=180)
    assert browser.returncode == 0, output


def test_explore_stop_and_reload_on_a_phone(tmp_path):
    with Served(tmp_path) as (car, client):
        play(client, "explore")
        assert turns(car)
        begun = time.monotonic()
        time.sleep(0.5)
        assert not turns(car, begun)
        assert client.status()["mission"]["goal"] == "find the door"


def test_emergency_stop_latches_and_is_reset(tmp_path):
    with Served(tmp_path) as (_, client):
        play(client, "estop")


def test_hand_on_the_pad_drives_and_off_it_stops(tmp_path):
    with Served(tmp_path) as (car, client):
        play(client, "drive")
        assert turns(car)
        client.wait(lambda now: not now["safety"]["armed"], "given back")


def test_what_the_gate_holds_back_is_shown(tmp_path):
    with Served(tmp_path, **TO_THE_WALL) as (_, client):
        play(client, "veto")


def test_axe_finds_nothing_in_any_state_size_and_colour(tmp_path):
    with Served(tmp_path, **TO_THE_WALL) as (_, client):
        play(client, "axe")


def test_everything_is_done_by_keyboard_alone(tmp_path):
    with Served(tmp_path) as (car, client):
        play(client, "keyboard")
        assert turns(car)
        assert client.status()["mission"]["reason"] == "stop"


def test_screen_reader_is_told_what_matters_and_no_more(tmp_path):
    with Served(tmp_path, **TO_THE_WALL) as (_, client):
        play(client, "told")


def test_page_tells_when_nobody_answers(tmp_path):
    with Served(tmp_path) as (car, client):
        browser = browse(client, "gone")
        assert browser.stdout.readline() == "ready\n"
        car.end("agent")
        output, _ = browser.communicate(timeout=PATIENCE_S * 2)
        assert browser.returncode == 0, output
