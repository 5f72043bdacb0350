"""What a stage of the tests is made of: commands that can be ended, trees of other Debians, and counts of
what happened."""

import json
import os
import re
import signal
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

IDLE = os.path.join(ROOT, "tests/run/idle.sh")
UNSTEADY_MAX = 4  # so many failures may come of a machine that stalls


class Result:
    """What a stage found: a count, names, reasons, and the log that explains the failures."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []
        self.unsteady = []  # failed, and passed when asked again: a stall of the machine, or worse
        self.again = []  # to be asked again
        self.note = ""
        self.log = ""

    def fail(self, name, log=""):
        self.failed.append(name)
        self.log += log

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.unsteady += other.unsteady
        self.again += other.again
        self.log += other.log


class Running:
    """A command in a process group of its own, so that it can be ended with all its children, and with the
    idle policy, where the thread has it, in a session (idle.sh). Its output goes through a file: a forgotten
    grandchild would keep a pipe open."""

    begun = []  # all of them, so that an interrupted run leaves none behind
    over = False  # none is begun any more

    @classmethod
    def end_all(cls):
        cls.over = True
        for running in cls.begun:
            if running.process.poll() is None:
                end_group(running.process)

    def __init__(self, command, env=None):
        if Running.over:
            raise RuntimeError(f"the run is over: {command[0]}")
        gives_way = os.sched_getscheduler(0) == os.SCHED_IDLE
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [IDLE, *command] if gives_way else command,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=gives_way,
            process_group=None if gives_way else 0,
        )
        Running.begun.append(self)

    def wait(self, seconds):
        """(exit code, output); the exit code of a command that took too long is None."""
        last_words = ""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
            last_words = f"\nended after {seconds} s\n"
        finally:
            end_group(self.process)
        with self.output as output:
            output.seek(0)
            return code, output.read().decode(errors="replace") + last_words


def run(command, seconds, env=None):
    return Running(command, env).wait(seconds)


def end_group(process):
    """INT first: pytest then runs the clean-up of its fixtures."""
    for number, patience in ((signal.SIGINT, 5), (signal.SIGTERM, 3), (signal.SIGKILL, None)):
        if process.poll() is not None:
            number = signal.SIGKILL  # only forgotten children can be left
        try:
            os.killpg(process.pid, number)
            process.wait(patience)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            pass


def cache_folder(name):
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "turbonav", name)


def compiled(folder):
    """The environment of a build that finds in this folder, or leaves there, what was compiled before, also in
    another checkout (but for coverage, whose counters have a place). A tree of another Debian has a compiler
    of the same name and perhaps of the same date."""
    return {"CCACHE_DIR": folder, "CCACHE_COMPILERCHECK": "content", "CCACHE_MAXSIZE": "2G",
            "CCACHE_NOHASHDIR": "1", "CCACHE_DEPEND": "1"}


def compiled_folder():
    """For all builds, where the trees find it at another place."""
    folder = cache_folder("ccache")
    os.makedirs(folder, exist_ok=True)
    return folder


def make_tree(command):
    """Makes a tree of another Debian, or another thing that is kept. Empty, or why that cannot be."""
    code, output = run(command, 1800)
    return "" if code == 0 else (output.strip().splitlines() or [f"exit code {code}"])[-1]


def debian_tree(suite):
    """The command that makes the tree of a Debian; its folder is the last word."""
    return ["tests/run/debian_root.sh", suite, cache_folder(f"debian-{suite}-root")]


def count_cmocka(test, result):
    """Counts one test executable by the lines that cmocka writes for each case."""
    name, output = test["name"], test.get("stdout") or ""
    passed = re.findall(r"\[       OK \] (\S+)", output)
    failed = re.findall(r"\[  FAILED  \] (\S+)", output)
    skipped = re.findall(r"\[  SKIPPED \] (\S+)", output)
    result.passed += len(passed)
    result.failed += [f"{name}: {case}" for case in failed]
    result.skipped += [f"{name}: {case}: cmocka skip()" for case in skipped]
    if test["result"] == "SKIP" and not skipped:
        result.skipped.append(f"{name}: the executable skipped itself")
    elif test["result"] == "OK" and not passed and not skipped:
        result.passed += 1
    elif test["result"] not in ("OK", "SKIP") and not failed:
        result.failed.append(f"{name}: {test['result'].lower()}, exit code {test['returncode']}")
    if test["result"] not in ("OK", "SKIP"):
        result.log += f"--- {name}\n{output}{test.get('stderr') or ''}"


def testlog(folder, base, wrapper=None):
    """Where meson will write it; an older one is gone."""
    name = f"{base}-{os.path.basename(wrapper)}" if wrapper else base
    path = os.path.join(folder, f"meson-logs/{name}.json")
    if os.path.exists(path):
        os.unlink(path)
    return path


def read_testlog(path):
    if not os.path.exists(path):
        return []
    with open(path, errors="replace") as file:
        return [json.loads(line) for line in file if line.strip()]


def count_pytest(report, result):
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            result.failed.append(name)
        elif skip is not None:
            result.skipped.append(f"{name}: {skip.get('message')}")
        else:
            result.passed += 1


def node_of(case):
    return f"{case.get('classname').replace('.', '/')}.py::{case.get('name')}"


def is_failed(case):
    return case.find("failure") is not None or case.find("error") is not None


def failed_nodes(report):
    return [node_of(case) for case in ElementTree.parse(report).getroot().iter("testcase")
            if is_failed(case)]


def count_simulated(name, code, output, result):
    """A line of sim-run is a scenario, or a share of the rooms."""
    lines = output.splitlines()
    result.passed += sum(line.startswith("ok ") for line in lines)
    result.failed += [line[7:] for line in lines if line.startswith("FAILED ")]
    if code not in (0, 1) or not lines:
        result.fail(f"{name}: exit code {code}", output)
