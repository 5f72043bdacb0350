"""What several files of process tests need."""

import os
import subprocess

import pytest

from car import Car
from reference import Reference


def pytest_configure(config):
    config.addinivalue_line("markers", "real_time: its bounds are tight ones of the clock, so it runs alone, "
                            "and in no tree of another Debian; all of the files with a played car are like that")
    config.addinivalue_line("markers", "many_starts: too slow where the start of a program is")


@pytest.fixture(scope="session")
def frames(tmp_path_factory):
    """Sixty painted frames of a drive, in a folder whose name has blanks."""
    folder = tmp_path_factory.mktemp("frames with blanks")
    build = os.environ.get("NAV_TEST_BUILD", "build")
    subprocess.run([f"{build}/tests/unit/render-frames", folder, "60"], check=True)
    return folder


@pytest.fixture
def car(tmp_path):
    with Car(tmp_path) as running:
        yield running


@pytest.fixture
def driving(car):
    """A car that drives ahead, and its agent."""
    agent = car.agent()
    car.ready(agent)
    assert car.keep(agent, lambda: car.moving() and agent.verdict["gx"] == 250, vx=250), (
        agent.verdict, agent.events)
    yield car, agent
    agent.close()


@pytest.fixture(scope="session")
def reference():
    """What this machine stalls, in the whole run."""
    with Reference() as running:
        yield running
