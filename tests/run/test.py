#!/usr/bin/python3
"""Runs the tests in stages and counts them.

A stage prints a heading, what went well or badly, and its seconds; its full log only when something
failed. A failed stage does not stop the later ones; a failed build stops the stages that need it.
The last line is `N passed, N failed, N skipped`, over all stages: a cmocka test case, a pytest test,
a scenario, a proof, a fuzz target and a check in the guest count as one each, so does a build that
failed and a file of sanitizer findings.
"""

import argparse
import glob
import json
import os
import re
import shutil
import signal
import sys
import time
import xml.etree.ElementTree as ElementTree

import debians
from stage import (ROOT, UNSTEADY_MAX, Result, Running, cache_folder, count_cmocka, count_pytest,
                   count_simulated, end_session, failed_nodes, is_failed, make_tree, node_of, read_testlog,
                   run)

GCC = os.path.join(ROOT, "build-gcc")
CLANG = os.path.join(ROOT, "build-clang")

# A warning fails both builds. Coverage needs gcc's own counters, and a branch of an inlined function
# counts once for each place that it is inlined in.
BUILD_OPTIONS = {
    GCC: ["-Dwerror=true", "-Db_coverage=true", "-Dc_args=-fno-inline"],
    CLANG: [
        "-Dwerror=true",
        "-Db_sanitize=address,undefined",
        "-Db_lundef=false",
        "-Dfuzz=true",
    ],
}
COMPILER = {GCC: "gcc", CLANG: "clang"}
CPP_COMPILER = {GCC: "g++", CLANG: "clang++"}

# The pure cores (STYLE rule 15): the files whose every branch the tests should take.
PURE_CORES = [
    "safety/gate.c",
    "safety/gate_arc.c",
    "safety/gate_confirm.c",
    "safety/gate_drift.c",
    "safety/gate_model.c",
    "safety/gate_motion.c",
    "safety/gate_sonar.c",
    "safety/gate_world.c",
    "safety/permit.c",
    "safety/slew.c",
    "safety/trig.c",
    "safety/wire.c",
    "hal/body/battery.c",
    "hal/body/board5.c",
    "hal/body/ld06.c",
    "hal/body/mecanum.c",
    "hal/body/rplidar.c",
    "hal/body/rplidar_start.c",
    "hal/camera/pixels.c",
    "agent/core/answers.c",
    "agent/core/escape.c",
    "agent/core/explorer.c",
    "agent/core/mission.c",
    "agent/core/note.c",
    "vlm/jfif.c",
    "vlm/json.c",
    "vlm/renewal.c",
    "vlm/reply.c",
    "vlm/word.c",
]

QUICK, DEFAULT, LONG = "quick", "default", "long"
FUZZ_SECONDS = {DEFAULT: 10, LONG: 600}
PROOF_SECONDS = {DEFAULT: 900, LONG: 3600}  # each; more than a slow machine needs
CHAOS_RUNS = {DEFAULT: 10, LONG: 200}
ROOMS = {DEFAULT: 1000, LONG: 10000}
UNIT_REPEATS = {QUICK: 1, DEFAULT: 1, LONG: 20}
PROCESS_REPEATS = {QUICK: 1, DEFAULT: 1, LONG: 5}
# Tests with wall-clock bounds, which a stall of a shared machine breaks: a failed one is asked once
# more, by itself, and told as UNSTEADY. No other test has a second try, and of these no more than a
# few (UNSTEADY_MAX): many failures are no stall.
REAL_TIME_UNITS = {"brake", "brake_line", "lidar", "sonar_i2c", "motor"}
REAL_TIME_FILES = ("tests/e2e/test_safety", "tests/e2e/test_explore.py::", "tests/e2e/test_sim.py::",
                   "tests/e2e/test_http.py::", "tests/e2e/test_page.py::")
GUEST_SECONDS = 900  # to make it, and to run it
# A stage that takes longer is stuck.
STAGE_SECONDS = {QUICK: 300, DEFAULT: 900, LONG: 7200}


class Interrupted(Exception):
    def __init__(self, number):
        super().__init__(number)
        self.number = number


def build(mode, folder):
    result = Result()
    command = ["tests/run/build.sh", folder, *BUILD_OPTIONS[folder]]
    compilers = {"CC": COMPILER[folder], "CXX": CPP_COMPILER[folder]}
    code, output = run(command, STAGE_SECONDS[mode], compilers)
    result.note = "no warnings"
    if code != 0:
        result.fail(f"build with {COMPILER[folder]}", output)
    return result


def sanitizer_env(folder):
    """Findings abort, so that no exit code of the contract hides them, and go to files, so that a
    test that does not look at its child's last words cannot lose them."""
    if folder != CLANG:
        return {}
    options = f"abort_on_error=1:log_path='{folder}/findings/log'"
    return {
        "ASAN_OPTIONS": options + ":detect_stack_use_after_return=1",
        "UBSAN_OPTIONS": options + ":halt_on_error=1:print_stacktrace=1",
    }


def forget_findings(folder):
    os.makedirs(os.path.join(folder, "findings"), exist_ok=True)
    for path in glob.glob(f"{folder}/findings/*"):
        os.unlink(path)


def collect_findings(folder, result):
    for path in sorted(glob.glob(f"{folder}/findings/*")):
        with open(path, errors="replace") as file:
            result.fail("sanitizer finding", file.read())


def unit(mode, folder):
    result = Result()
    forget_findings(folder)
    for path in glob.glob(f"{folder}/**/*.gcda", recursive=True):
        os.unlink(path)
    log = os.path.join(folder, "meson-logs/testlog.json")
    if os.path.exists(log):
        os.unlink(log)
    command = ["meson", "test", "-C", folder, "--no-rebuild", "--repeat", str(UNIT_REPEATS[mode])]
    code, output = run(command, STAGE_SECONDS[mode], sanitizer_env(folder))
    tests = read_testlog(log)
    failed = {test["name"] for test in tests if test["result"] not in ("OK", "SKIP")}
    names = {name.split(" / ")[-1].split(":")[-1] for name in failed}
    if failed and names <= REAL_TIME_UNITS and mode != LONG:
        again = ["meson", "test", "-C", folder, "--no-rebuild", "--num-processes", "1"]
        code, output = run(again + sorted(names), STAGE_SECONDS[mode], sanitizer_env(folder))
        tests = [test for test in tests if test["name"] not in failed] + read_testlog(log)
        result.unsteady += [f"{test['name']}: failed, and passed at the second try"
                            for test in tests if test["name"] in failed and test["result"] == "OK"]
    for test in tests:
        count_cmocka(test, result)
    collect_findings(folder, result)
    if not tests and code == 0:
        result.skipped.append("unit tests: the build has none")
    elif code != 0 and not result.failed:
        result.fail(f"meson test: exit code {code}", output)
    return result


def llama_env(mode):
    """Where the tests find a real llama-server, or why there is none. A quick run makes none."""
    folder = cache_folder("llama-root")
    if mode == QUICK and not os.path.exists(f"{folder}/tiny_model.py"):
        return {"NAV_TEST_LLAMA_WHY": "a quick run does not make the tree of llama-server"}
    why = make_tree("tests/run/llama_root.sh", folder)
    if why:
        return {"NAV_TEST_LLAMA_WHY": f"no llama-server: {why}"}
    return {"NAV_TEST_LLAMA_ROOT": folder}


def camera_env(mode):
    """The same for a tree with the newest libcamera, and a compiler."""
    folder = cache_folder("debian-sid-root")
    if mode == QUICK and not os.path.exists(f"{folder}/made"):
        return {"NAV_TEST_SID_WHY": "a quick run does not make the tree of another libcamera"}
    why = make_tree("tests/run/debian_root.sh", "sid", folder)
    return {"NAV_TEST_SID_WHY": f"no libcamera of sid: {why}"} if why else {"NAV_TEST_SID_ROOT": folder}


def web_env(mode, build_folder):
    """The same for a browser. Beside one and sanitizers there is no processor left for a car in real
    time."""
    folder = cache_folder("web")
    if build_folder == CLANG:
        return {"NAV_TEST_WEB_WHY": "the page is opened with the build of gcc"}
    if mode == QUICK and not os.path.exists(f"{folder}/made"):
        return {"NAV_TEST_WEB_WHY": "a quick run does not install a browser"}
    why = make_tree("tests/run/web.sh", folder)
    return {"NAV_TEST_WEB_WHY": f"no browser: {why}"} if why else {"NAV_TEST_WEB": folder}


def count_again(first, report, result):
    """Real-time tests on a machine that stalls: what failed was asked a second time, by itself. The
    second answer counts, and what it changed is told."""
    root = first.getroot()
    second = {node_of(case): case for case in ElementTree.parse(report).getroot().iter("testcase")}
    for suite in root.iter("testsuite"):
        for case in list(suite):
            if case.tag == "testcase" and is_failed(case) and node_of(case) in second:
                suite.remove(case)
                suite.append(second[node_of(case)])
                if not is_failed(second[node_of(case)]):
                    result.unsteady.append(f"{node_of(case)}: failed, and passed at the second try")
    first.write(report)
    count_pytest(report, result)


def process(mode, folder, options):
    result = Result()
    forget_findings(folder)
    if not glob.glob(f"{ROOT}/tests/e2e/test_*.py"):
        result.skipped.append("process tests: there are none in tests/e2e")
        return result
    report = os.path.join(folder, "pytest.xml")
    env = {
        "NAV_TEST_BUILD": folder,
        "PYTHONDONTWRITEBYTECODE": "1",
        "NAV_TEST_LONG": "1" if mode == LONG else "0",
        **sanitizer_env(folder),
        **llama_env(mode),
        **camera_env(mode),
        **web_env(mode, folder),
    }
    command = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += [f"--junitxml={report}", "tests/e2e", *options]
    if mode == QUICK:
        command.append("--ignore-glob=*/test_safety*.py")
        result.skipped.append("test_safety*.py: what is in real time takes three minutes")
    for _ in range(PROCESS_REPEATS[mode]):
        if os.path.exists(report):
            os.unlink(report)
        code, output = run(command, STAGE_SECONDS[mode], env)
        before = len(result.failed)
        if os.path.exists(report):
            again = failed_nodes(report)
            in_real_time = all(node.startswith(REAL_TIME_FILES) for node in again)
            if again and in_real_time and len(again) <= UNSTEADY_MAX and mode != LONG:
                second = [part for part in command if part not in ("tests/e2e", *options)] + again
                first = ElementTree.parse(report)
                code, more = run(second, STAGE_SECONDS[mode], env)
                output += more
                count_again(first, report, result)
            else:
                count_pytest(report, result)
        if code != 0:
            result.log += output
        if code not in (0, 5) and len(result.failed) == before:
            result.failed.append(f"pytest: exit code {code}")
        if code == 5:
            result.skipped.append("process tests: none was selected")
    collect_findings(folder, result)
    return result


def simulation(mode, folder):
    """Scenarios and random rooms in virtual time, a share for each processor. A scenario counts as
    one, and so does a share of the rooms; a room that fails names its seed."""
    result = Result()
    program = os.path.join(folder, "tests/sim/sim-run")
    scenarios = sorted(glob.glob(f"{ROOT}/tests/sim/scenarios/*.scenario"))
    shares = os.cpu_count() or 1
    commands = [[program, "scenarios", *scenarios[i::shares]] for i in range(shares)]
    if mode != QUICK:
        count = ROOMS[mode] // shares
        commands += [[program, "rooms", str(1 + i * count), str(count)] for i in range(shares)]
    for i in range(0, len(commands), shares):
        running = [Running(command) for command in commands[i : i + shares]]
        for command, process in zip(commands[i : i + shares], running):
            code, output = process.wait(STAGE_SECONDS[mode])
            lines = output.splitlines()
            count_simulated(" ".join(command[1:3]), code, output, result)
            if command[1] == "rooms" and lines:
                result.note += (", " if result.note else "") + lines[-1].split(": ", 1)[-1]
    return result


def chaos_lines(folder, mode, *options):
    code, output = run(["tests/sim/chaos.py", "--build", folder, *options], STAGE_SECONDS[mode])
    lines = [line for line in output.splitlines() if line.startswith(("ok seed", "FAILED seed"))]
    if code not in (0, 1) or not lines:
        lines.append(f"FAILED chaos: exit code {code}")
    return lines, output


def chaos(mode, folder):
    """The real programs around a simulated car, in real time, while they die and sensors fail. Bounds
    are wall-clock ones: a run that fails is asked once more, by itself, as REAL_TIME_FILES are."""
    result = Result()
    lines, output = chaos_lines(folder, mode, "--runs", str(CHAOS_RUNS[mode]))
    result.passed = sum(line.startswith("ok ") for line in lines)
    failed = [line for line in lines if line.startswith("FAILED ")]
    result.note = next((line for line in output.splitlines() if line.startswith("worst stall")), "")
    for line in failed:
        seed = re.match(r"FAILED seed (\d+)", line)
        if seed and len(failed) <= UNSTEADY_MAX and mode != LONG:
            again, more = chaos_lines(folder, mode, "--first", seed[1], "--runs", "1")
            if again[0].startswith("ok "):
                result.passed += 1
                result.unsteady.append(f"{line[7:]}; passed at the second try")
                continue
            output += more
        result.fail(line[7:])
    result.log = output if result.failed else ""
    return result


def fuzz_start(mode, name):
    """The target at work, or None: it was not built."""
    target = os.path.join(CLANG, f"tests/fuzz/{name}_fuzz")
    if not os.path.exists(target):
        return None
    work = os.path.join(CLANG, "fuzz", name)
    os.makedirs(os.path.join(work, "corpus"), exist_ok=True)
    command = [target, f"-max_total_time={FUZZ_SECONDS[mode]}", "-print_final_stats=1"]
    command += ["-timeout=5", "-rss_limit_mb=1024", f"-artifact_prefix={work}/"]
    dictionary = os.path.join(ROOT, "tests/fuzz", f"{name}.dict")
    if os.path.exists(dictionary):
        command.append(f"-dict={dictionary}")
    command.append(os.path.join(work, "corpus"))
    seeds = os.path.join(ROOT, "tests/fuzz/corpus", name)
    if os.path.isdir(seeds):
        command.append(seeds)
    return Running(command, {"UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"})


def fuzz_count(mode, name, running, result):
    if running is None:
        result.fail(f"{name}: was not built")
        return
    code, output = running.wait(FUZZ_SECONDS[mode] + 120)
    executions = re.search(r"number_of_executed_units: (\d+)", output)
    print(f"   {name:24} {executions.group(1) if executions else 'no':>10} executions", flush=True)
    if code == 0 and executions:
        result.passed += 1
    else:
        result.fail(f"{name}: exit code {code}", output[-20000:])


def fuzz(mode):
    """All targets, as many at once as there are processors."""
    result = Result()
    names = sorted(os.path.basename(path)[: -len("_fuzz.c")]
                   for path in glob.glob(f"{ROOT}/tests/fuzz/*_fuzz.c"))
    at_once = os.cpu_count() or 1
    for i in range(0, len(names), at_once):
        started = [(name, fuzz_start(mode, name)) for name in names[i : i + at_once]]
        for name, running in started:
            fuzz_count(mode, name, running, result)
    return result


class Proofs:
    """Theorems about the gate. They take minutes of a processor and no time of the clock: they get
    what the other tests leave."""

    def __init__(self, mode):
        self.mode = mode
        self.result = Result()
        command = ["chrt", "--idle", "0"]
        command += ["tests/proof/run.py", "--seconds", str(PROOF_SECONDS[mode])]
        command += ["--memory", cache_folder("proofs")] + (["--afresh"] if mode == LONG else [])
        for prover in ("cbmc", "frama-c"):
            if shutil.which(prover) is None:
                folder = cache_folder(f"{prover}-root")
                why = make_tree("tests/run/prover_root.sh", prover, folder)
                if why:
                    self.result.skipped.append(f"proofs: no {prover}: {why}")
                else:
                    command += [f"--{prover}-root", folder]
        self.running = Running(command)

    def wait(self):
        """What a prover that is missing, or has no answer, does not show is skipped by its name."""
        return count_proofs(self.result, *self.running.wait(STAGE_SECONDS[self.mode]))


class Guest:
    """The installed units in an emulated machine. What it is made of is made at idle priority beside the
    other tests; it boots when they are through, because an emulator that gets no processor trips the
    watchdogs that it emulates."""

    def __init__(self):
        self.running = Running(["chrt", "--idle", "0", "tests/guest/run.py", "prepare"])

    def wait(self):
        result = Result()
        code, output = self.running.wait(GUEST_SECONDS)
        if code == 0:
            code, output = run(["tests/guest/run.py", "boot"], GUEST_SECONDS)
        return count_guest(result, code, output)


def count_guest(result, code, output):
    for line in output.splitlines():
        verdict, _, rest = line.partition(" ")
        if verdict in ("passed", "unsteady"):
            result.passed += 1
        if verdict == "unsteady":
            result.unsteady.append(rest)
        elif verdict == "failed":
            result.failed.append(rest)
        elif verdict == "skipped":
            result.skipped.append(rest)
    if code == 75:
        result.skipped.append((output.strip().splitlines() or ["no guest"])[-1])
    elif code != 0 or result.passed == 0:
        result.log = output
        result.failed += [] if result.failed else [f"the guest: exit code {code}"]
    return result


def count_proofs(result, code, output):
    for line in output.splitlines():
        verdict, _, rest = line.partition(" ")
        if verdict == "proved":
            result.passed += 1
            result.note += f"\n   {line}"
        elif verdict == "failed":
            result.failed.append(rest.strip())
        elif verdict == "skipped":
            result.skipped.append(rest.strip())
    if code != 0 or result.passed == 0:
        result.fail(f"proofs: exit code {code}", output)
    return result


class Debian:
    """The tests in the tree of another Debian (debians.py), at idle priority as the proofs; a process
    test that failed is asked again when nothing else runs."""

    def __init__(self, mode, name):
        self.mode = mode
        self.command = ["tests/run/debians.py", name] + (["--all"] if mode == LONG else [])
        self.running = Running(["chrt", "--idle", "0", *self.command])

    def read(self, running):
        code, output = running.wait(STAGE_SECONDS[self.mode])
        result = Result()
        try:
            vars(result).update(json.loads(output.splitlines()[-1]))
        except (IndexError, ValueError):
            result.fail(f"debians.py: exit code {code}", output)
        return result

    def wait(self):
        result = self.read(self.running)
        if result.again:
            second = self.read(Running([*self.command, "--again", *result.again]))
            second.unsteady += [f"{name}: failed, and passed at the second try" for name in result.again
                                if not second.failed]
            result.add(second)
        return result


def source_coverage(path, counters):
    """(lines run, lines, branches taken, branches) of one source file, from gcov's JSON."""
    command = ["gcov", "--json-format", "--stdout", "--branch-probabilities", counters]
    _, output = run(command, 60)
    lines, branches = {}, {}
    for text in output.splitlines():
        if not text.startswith("{"):
            continue
        for file in json.loads(text)["files"]:
            if not os.path.normpath(file["file"]).endswith(path):
                continue
            for line in file["lines"]:
                number = line["line_number"]
                lines[number] = max(lines.get(number, 0), line["count"])
                for index, branch in enumerate(line["branches"]):
                    key = (number, index)
                    branches[key] = max(branches.get(key, 0), branch["count"])
    ran = sum(1 for count in lines.values() if count > 0)
    taken = sum(1 for count in branches.values() if count > 0)
    return ran, len(lines), taken, len(branches)


def percent(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "-"


def coverage(_mode, folder):
    """A figure, not a verdict: it fails nothing."""
    result = Result()
    total = [0, 0, 0, 0]
    for path in PURE_CORES:
        if not os.path.exists(os.path.join(ROOT, path)):
            continue
        part = os.path.join(folder, os.path.dirname(path))
        found = glob.glob(f"{part}/**/{os.path.basename(path)}.gcda", recursive=True)
        figures = source_coverage(path, found[0]) if found else (0, 0, 0, 0)
        total = [a + b for a, b in zip(total, figures)]
        ran, lines, taken, branches = figures
        line, branch = percent(ran, lines), percent(taken, branches)
        print(f"   {path:24} lines {line:>7}  branches {branch:>7}")
    result.note = f"lines {percent(total[0], total[1])}, branches {percent(total[2], total[3])}"
    return result


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def stage(self, title, work, *arguments):
        """Runs one stage and prints it. True when nothing failed."""
        print(f"== {title}", flush=True)
        start = time.monotonic()
        result = work(*arguments)
        seconds = time.monotonic() - start
        if result.log:
            print(result.log.rstrip("\n"))
        for name in result.failed:
            print(f"   FAILED {name}")
        for name in result.skipped:
            print(f"   skipped {name}")
        for name in result.unsteady:
            print(f"   UNSTEADY {name}")
        words = [f"{result.passed} passed"] if result.passed else []
        words += [f"{len(result.failed)} failed"] if result.failed else []
        words += [f"{len(result.skipped)} skipped"] if result.skipped else []
        words += [result.note] if result.note and not result.failed else []
        print(f"   {', '.join(words) or 'ok'} ({seconds:.1f} s)", flush=True)
        self.passed += result.passed
        self.failed += [f"{title}: {name}" for name in result.failed]
        self.skipped += result.skipped
        return not result.failed

    def summary(self):
        if self.failed:
            print("== failed")
            for name in self.failed:
                print(f"   {name}")
        counts = f"{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped"
        print(counts, flush=True)
        return 1 if self.failed else 0


def all_stages(report, mode, options):
    if mode == QUICK:
        build_and_test(report, mode, options)
        return
    proofs = Proofs(mode)
    guest = Guest()
    others = {title: Debian(mode, name) for name, title in debians.TITLES.items()}
    build_and_test(report, mode, options)
    for title, debian in others.items():
        report.stage(title, debian.wait)
    report.stage("proofs of the gate", proofs.wait)
    report.stage("units and drivers in an emulated machine", guest.wait)


def build_and_test(report, mode, options):
    if report.stage("build: gcc, warnings are errors", build, mode, GCC):
        report.stage("unit tests: gcc", unit, mode, GCC)
        report.stage("the loop in virtual time", simulation, mode, GCC)
        report.stage("process tests: gcc", process, mode, GCC, options)
        if mode != QUICK:
            report.stage("chaos in real time", chaos, mode, GCC)
            report.stage("coverage of the pure cores", coverage, mode, GCC)
    if mode == QUICK:
        return
    title = "build: clang, warnings are errors, address and undefined-behaviour sanitizers"
    if report.stage(title, build, mode, CLANG):
        report.stage("unit tests: clang, sanitizers", unit, mode, CLANG)
        report.stage("process tests: clang, sanitizers", process, mode, CLANG, options)
        report.stage(f"fuzz, {FUZZ_SECONDS[mode]} s each", fuzz, mode)


def main():
    parser = argparse.ArgumentParser(prog="./run test")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", dest="mode", action="store_const", const=QUICK, default=DEFAULT)
    which.add_argument("--long", dest="mode", action="store_const", const=LONG)
    parser.add_argument("pytest", nargs="*", help="options for pytest, behind a --")
    try:
        arguments = parser.parse_args()
    except SystemExit as end:
        return 64 if end.code else 0

    def on_signal(number, _frame):
        raise Interrupted(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    report = Report()
    try:
        all_stages(report, arguments.mode, arguments.pytest)
    except Interrupted as end:
        for running in Running.begun:
            if running.process.poll() is None:
                end_session(running.process)
        report.failed.append("the run itself: interrupted")
        report.summary()
        return 128 + end.number
    return report.summary()


if __name__ == "__main__":
    sys.exit(main())
