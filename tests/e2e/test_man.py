"""The manual pages say what the programs' own help says, and can be read."""

import os
import re
import shutil
import subprocess

import pytest

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("NAV_TEST_BUILD", "build"))
PAGES = [("agent/cli/turbonav", "agent/cli/turbonav.1"), ("agent/turbonav-agent", "agent/turbonav-agent.8"),
         ("turbonav-safety", "safety/turbonav-safety.8")]


@pytest.mark.parametrize("program, page", PAGES)
def test_options_of_help_and_page_are_the_same(program, page):
    said = subprocess.run([f"{BUILD}/{program}", "--help"], capture_output=True, text=True, check=True)
    with open(f"{HOME}/{page}") as file:
        text = file.read()
    written = {"--" + name for name in re.findall(r"\\\\-([a-z-]+)", text.replace("\\-", "\\\\-"))}
    of_another_program = {"--serve"} if program.endswith("/turbonav") else set()
    helped = set(re.findall(r"(--[a-z-]+)", said.stdout)) - of_another_program
    assert written | {"--version", "--help"} == helped | {"--version", "--help"}


def test_commands_of_help_are_on_the_page():
    said = subprocess.run([f"{BUILD}/agent/cli/turbonav", "help"], capture_output=True, text=True, check=True)
    with open(f"{HOME}/agent/cli/turbonav.1") as file:
        page = file.read()
    commands = re.findall(r"^  ([a-z]+(?: [a-z]+)?)", said.stdout.split("Exit status")[0], re.M)
    assert len(commands) > 10
    for command in commands:
        assert re.search(rf"\.It Cm .*\b{command.split()[-1]}\b", page), command


@pytest.mark.parametrize("page", [page for _, page in PAGES])
def test_page_has_no_mistake_of_layout(page):
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    done = subprocess.run(["groff", "-mandoc", "-ww", "-z", f"{HOME}/{page}"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
