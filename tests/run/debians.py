#!/usr/bin/python3
"""debians.py DEBIAN [--all] [--again TEST...]: the tests in the tree of a Debian that this machine is not.

    other    Debian 13 on Debian 12 and the other way round: the other generation of the libraries
    arm64    Debian 13 on the car's processor: compiled here, and run by qemu-user

Makes the tree, builds, runs unit tests, scenarios and process tests: what has no tight bounds in
time, so that it can have what the rest of the tests leaves of the processors. Where they leave little
a few process tests may fail; these are to be asked again alone.

The last line of the output is a Result as JSON; `again` in it are the tests to be asked again. The
builds are kept in build-debian.
"""

import argparse
import glob
import json
import os
import sys

from stage import (ROOT, UNSTEADY_MAX, Result, compiled, compiled_folder, count_cmocka, count_pytest,
                   count_simulated, debian_tree, failed_nodes, make_tree, read_testlog, run, testlog)

SECONDS = 1800  # of a step that gets what others leave
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/", "LANG": "C.UTF-8"}

# Their played devices keep real time, and qemu does not.
REAL_TIME = ("test_safety", "test_explore", "test_sim.", "test_wheels", "test_http", "test_page")
# Not about the libraries, or in a tree of their own.
ELSEWHERE = ("test_lint", "test_libcamera", "test_llama_server", "test_systemd")
# Not about what runs on the car.
NOT_ON_THE_CAR = ("test_standin", "test_device_bytes")


def other_suite():
    with open("/etc/os-release") as file:
        return "bookworm" if "VERSION_CODENAME=trixie" in file.read() else "trixie"


TITLES = {
    "other": {"bookworm": "Debian 12", "trixie": "Debian 13"}[other_suite()],
    "arm64": "Debian 13 for arm64, emulated",
}


class Debian:
    def __init__(self, everything):
        self.everything = everything
        self.suite = other_suite()
        self.options = ["-Dlibcamera=enabled"]
        self.variables = {"NAV_TEST_PATIENCE": "20"}
        self.programs = "/build"
        self.left_out = REAL_TIME + ELSEWHERE
        self.chosen = ["-m", "not real_time"]  # options for pytest

    def impossible(self):
        """Why it cannot be on this machine, or nothing."""
        return ""

    def scenarios(self):
        """All, or those in which something fails: what a scenario asks for hardly depends on the libraries."""
        return "*" if self.everything else "3*"

    def prepare(self):
        pass

    @property
    def root(self):
        return debian_tree(self.suite)[-1]

    @property
    def build_folder(self):
        return os.path.join(ROOT, "build-debian", self.suite)

    def run(self, *words, **variables):
        """The command in the tree, in the source."""
        settings = {**ENVIRONMENT, **compiled("/ccache"), **self.variables, **variables}
        return run(["tests/run/enter.sh", self.root, f"{self.build_folder}:/build",
                    f"{compiled_folder()}:/ccache", "--", "env",
                    "--chdir=/source", *[f"{name}={value}" for name, value in settings.items()],
                    *words], SECONDS)

    def build(self, result):
        os.makedirs(self.build_folder, exist_ok=True)
        code, output = self.run("tests/run/build.sh", "/build", "-Dwerror=true", *self.options)
        if code != 0:
            result.fail("build", output)
            return False
        _, output = self.run("meson", "introspect", "--dependencies", "/build")
        versions = {found["name"]: found["version"] for found in json.loads(output)}
        result.note = ", ".join(f"{name} {versions[name]}" for name in ("libgpiod", "libcamera"))
        return True

    def unit(self, result):
        wrapper = "/source/tests/run/idle.sh"
        log = testlog(self.build_folder, "testlog", wrapper)
        code, output = self.run("meson", "test", "-C", "/build", "--no-rebuild", "--no-suite", "real_time",
                                "--wrapper", wrapper)
        for test in read_testlog(log):
            count_cmocka(test, result)
        if code != 0 and not result.failed or result.passed == 0:
            result.fail(f"meson test: exit code {code}", output)

    def simulation(self, result):
        files = glob.glob(f"{ROOT}/tests/sim/scenarios/{self.scenarios()}.scenario")
        names = [os.path.relpath(path, ROOT) for path in sorted(files)]
        program = f"{self.programs}/tests/sim/sim-run"
        count_simulated("scenarios", *self.run(program, "scenarios", *names), result)

    def process(self, result, tests=()):
        report = os.path.join(self.build_folder, "pytest.xml")
        if os.path.exists(report):
            os.unlink(report)
        code, output = self.run(
            "python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=/build/pytest.xml",
            *(tests or self.process_tests()), *self.chosen,
            NAV_TEST_BUILD=self.programs, PYTHONDONTWRITEBYTECODE="1")
        found = Result()
        if os.path.exists(report):
            count_pytest(report, found)
            found.again = [] if tests else failed_nodes(report)
        if (code != 0 or found.passed == 0) and not found.failed:
            found.fail(f"pytest: exit code {code}")
        if len(found.again) in range(1, UNSTEADY_MAX + 1):
            found.failed = []
        else:
            found.again = []
            result.log += output if found.failed else ""
        result.add(found)

    def process_tests(self):
        paths = sorted(glob.glob(f"{ROOT}/tests/e2e/test_*.py"))
        return [os.path.relpath(path, ROOT) for path in paths
                if not os.path.basename(path).startswith(self.left_out)]

    def test(self, result):
        why = self.impossible() or make_tree(debian_tree(self.suite))
        if why:
            result.skipped.append(why)
        elif self.build(result):
            self.prepare()
            self.unit(result)
            self.simulation(result)
            self.process(result)


class Arm64(Debian):
    """Each program has a wrapper of its name, in a folder beside the build: the kernel does not know
    what to do with the program itself."""

    def __init__(self, everything):
        super().__init__(everything)
        self.suite = "arm64"
        self.options.append("--cross-file=/source/tests/run/arm64.ini")
        self.variables |= {"CC": "aarch64-linux-gnu-gcc", "CXX": "aarch64-linux-gnu-g++"}
        if not everything:
            self.variables["NAV_TEST_SHORT"] = "1"
        self.programs = "/build/emulated"
        self.left_out += NOT_ON_THE_CAR
        # The one of them that compiles does it for the machine that it runs on.
        self.chosen = ["-m", "not real_time and not many_starts",
                       "-k", "not a_build_without_libcamera"]

    def impossible(self):
        return "this machine is an arm64 itself" if os.uname().machine == "aarch64" else ""

    def scenarios(self):
        """All of them take qemu six minutes."""
        return "*" if self.everything else "30[17]*"

    def prepare(self):
        _, output = self.run("meson", "introspect", "--targets", "/build")
        for target in json.loads(output):
            if target["type"] == "executable":
                self.wrap(target["filename"][0])

    def wrap(self, program):
        path = self.build_folder + program.replace("/build/", "/emulated/", 1)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(f'#!/bin/sh\nexec qemu-aarch64 -0 "$0" {program} "$@"\n')
        os.chmod(path, 0o755)


DEBIANS = {"other": Debian, "arm64": Arm64}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("debian", choices=sorted(DEBIANS))
    parser.add_argument("--all", action="store_true", help="also what takes too long for every day")
    parser.add_argument("--again", nargs="+", help="only these process tests, for the last time")
    arguments = parser.parse_args()
    debian = DEBIANS[arguments.debian](arguments.all)
    result = Result()
    if arguments.again:
        debian.process(result, arguments.again)
    else:
        debian.test(result)
    print(json.dumps(vars(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
