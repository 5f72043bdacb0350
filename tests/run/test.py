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
from concurrent.futures import ThreadPoolExecutor

import debians
from stage import (IDLE, ROOT, UNSTEADY_MAX, Result, Running, cache_folder, compiled, compiled_folder,
                   count_cmocka, count_pytest, count_simulated, debian_tree, failed_nodes, make_tree,
                   read_testlog, run, testlog)

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
TITLES = {GCC: "gcc", CLANG: "clang, address and undefined-behaviour sanitizers"}
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
FUZZ_SECONDS = {DEFAULT: 5, LONG: 600}  # on a processor, each
FUZZ_HANG_SECONDS = 30  # of the clock, one input
PROOF_SECONDS = {DEFAULT: 900, LONG: 3600}  # each; more than a slow machine needs
CHAOS_RUNS = {DEFAULT: 10, LONG: 200}
ROOMS = {DEFAULT: 1000, LONG: 10000}
UNIT_REPEATS = {QUICK: 1, DEFAULT: 1, LONG: 20}
PROCESS_REPEATS = {QUICK: 1, DEFAULT: 1, LONG: 5}
# Tests with wall-clock bounds, which a stall of a shared machine breaks: a failed one is asked once
# more, by itself, and told as UNSTEADY. No other test has a second try, and of these no more than a
# few (UNSTEADY_MAX): many failures are no stall.
REAL_TIME_UNITS = {"brake", "brake_line", "lidar", "sonar_i2c", "motor"}
SECOND_TRY_FILES = ("test_explore", "test_http", "test_page", "test_safety", "test_sim.")
REAL_TIME_FILES = (*SECOND_TRY_FILES, "test_wheels")
# Beside a browser there is no processor left for sanitizers, or for what computes. The others ask nothing of what
# the compilers made: they are about the sources, or build in a tree of their own.
GCC_FILES = ("test_page", "test_device_bytes", "test_libcamera", "test_lint")
GUEST_SECONDS = 900  # to run it
# A stage that takes longer is stuck.
STAGE_SECONDS = {QUICK: 300, DEFAULT: 900, LONG: 7200}
BESIDE_SECONDS = {QUICK: 300, DEFAULT: 2400, LONG: 14400}  # one that gets what the others leave
PROCESSORS = os.cpu_count() or 1
NONE_SELECTED = 5  # an exit code of pytest


PROVERS = [name for name in ("cbmc", "frama-c") if shutil.which(name) is None]


def made_once():
    """What is made in minutes, and kept: the command that makes each, or sees that it is there. But for the
    guest, whose build goes into the checkout, the last word is its folder."""
    commands = {
        "web": ["tests/run/web.sh", cache_folder("web")],
        "llama": ["tests/run/llama_root.sh", cache_folder("llama-root")],
        "sid": debian_tree("sid"),
    }
    for name, debian in debians.DEBIANS.items():
        if not debian(False).impossible():
            commands[name] = debian_tree(debian(False).suite)
    commands["guest"] = ["tests/guest/run.py", "prepare"]
    for name in PROVERS:
        commands[name] = ["tests/run/prover_root.sh", name, cache_folder(f"{name}-root")]
    return commands


MADE_ONCE = made_once()


class Interrupted(Exception):
    def __init__(self, number):
        super().__init__(number)
        self.number = number


def build(mode, folder):
    result = Result()
    command = ["tests/run/build.sh", folder, *BUILD_OPTIONS[folder]]
    compilers = {"CC": COMPILER[folder], "CXX": CPP_COMPILER[folder]}
    code, output = run(command, STAGE_SECONDS[mode], {**compilers, **compiled(compiled_folder())})
    result.note = "no warnings"
    if code != 0:
        result.fail(f"build with {COMPILER[folder]}", output)
    for path in glob.glob(f"{folder}/**/*.gcda", recursive=True):  # what earlier tests ran
        os.unlink(path)
    return result


def sanitizer_env(folder, stage):
    """Findings abort, so that no exit code of the contract hides them, and go to files, so that a
    test that does not look at its child's last words cannot lose them."""
    if folder != CLANG:
        return {}
    options = f"abort_on_error=1:log_path='{folder}/findings/{stage}/log'"
    return {
        "ASAN_OPTIONS": options + ":detect_stack_use_after_return=1",
        "UBSAN_OPTIONS": options + ":halt_on_error=1:print_stacktrace=1",
    }


def forget_findings(folder, stage):
    os.makedirs(os.path.join(folder, "findings", stage), exist_ok=True)
    for path in glob.glob(f"{folder}/findings/{stage}/*"):
        os.unlink(path)


def collect_findings(folder, stage, result):
    for path in sorted(glob.glob(f"{folder}/findings/{stage}/*")):
        with open(path, errors="replace") as file:
            result.fail("sanitizer finding", file.read())


def folder_of(name):
    return MADE_ONCE[name][-1]


def make(name):
    """Empty, or why it cannot be."""
    return make_tree(MADE_ONCE[name])


def make_all(futures):
    """Waits. What cannot be made is asked for again where it is needed, and its reason is told there."""
    result = Result()
    result.note = "all there" if all(not future.result() for future in futures) else "not all can be made"
    return result


def unit(mode, folder, stage, *suite, wrapper=None):
    """Unit tests. When nothing failed but some in real time, those have a second try."""
    result = Result()
    forget_findings(folder, stage)
    command = ["meson", "test", "-C", folder, "--no-rebuild", "--logbase", stage]
    if wrapper:
        command += ["--wrapper", wrapper]
    log = testlog(folder, stage, wrapper)
    env = sanitizer_env(folder, stage)
    code, output = run([*command, "--repeat", str(UNIT_REPEATS[mode]), *suite], BESIDE_SECONDS[mode], env)
    tests = read_testlog(log)
    failed = {test["name"] for test in tests if test["result"] not in ("OK", "SKIP")}
    names = {name.split(" / ")[-1].split(":")[-1] for name in failed}
    if failed and names <= REAL_TIME_UNITS and mode != LONG:
        code, output = run([*command, "--num-processes", "1", *sorted(names)], STAGE_SECONDS[mode], env)
        tests = [test for test in tests if test["name"] not in failed] + read_testlog(log)
        result.unsteady += [f"{test['name']}: failed, and passed at the second try"
                            for test in tests if test["name"] in failed and test["result"] == "OK"]
    for test in tests:
        count_cmocka(test, result)
    collect_findings(folder, stage, result)
    if (code != 0 or not tests) and not result.failed:
        result.fail(f"meson test: exit code {code}, {len(tests)} tests", output)
    return result


def llama_env(mode):
    """Where the tests find a real llama-server, or why there is none. A quick run makes none."""
    if mode == QUICK and not os.path.exists(f"{folder_of('llama')}/tiny_model.py"):
        return {"NAV_TEST_LLAMA_WHY": "a quick run does not make the tree of llama-server"}
    why = make("llama")
    return {"NAV_TEST_LLAMA_WHY": f"no llama-server: {why}"} if why else {"NAV_TEST_LLAMA_ROOT": folder_of("llama")}


def camera_env(mode):
    """The same for a tree with the newest libcamera, and a compiler."""
    if mode == QUICK and not os.path.exists(f"{folder_of('sid')}/made"):
        return {"NAV_TEST_SID_WHY": "a quick run does not make the tree of another libcamera"}
    why = make("sid")
    return {"NAV_TEST_SID_WHY": f"no libcamera of sid: {why}"} if why else {"NAV_TEST_SID_ROOT": folder_of("sid")}


def web_env(mode):
    """The same for a browser."""
    if mode == QUICK and not os.path.exists(f"{folder_of('web')}/made"):
        return {"NAV_TEST_WEB_WHY": "a quick run does not install a browser"}
    why = make("web")
    return {"NAV_TEST_WEB_WHY": f"no browser: {why}"} if why else {"NAV_TEST_WEB": folder_of("web")}


def file_of(test):
    return os.path.basename(test.split("::")[0])


def is_in_real_time(path):
    return file_of(path).startswith(REAL_TIME_FILES)


def has_second_try(test):
    return file_of(test).startswith(SECOND_TRY_FILES)


def has_marks(path):
    """Single tests of the file are in real time (conftest.py)."""
    with open(os.path.join(ROOT, path)) as file:
        return "pytest.mark.real_time" in file.read()


def simulates(path):
    """A whole car, with its pictures; that takes half a processor."""
    with open(os.path.join(ROOT, path)) as file:
        return "simcar" in file.read()


def process_files():
    """The files of process tests: the page's, which take longest, then the big ones first."""
    paths = sorted(glob.glob(f"{ROOT}/tests/e2e/test_*.py"), key=lambda path: (
        not file_of(path).startswith(GCC_FILES), -os.path.getsize(path)))
    return [os.path.relpath(path, ROOT) for path in paths]


# What a file of process tests needs to be made.
MADE_FOR = {"test_llama_server.py": llama_env, "test_libcamera.py": camera_env, "test_page.py": web_env}


def process_file(mode, folder, stage, tests, options):
    """One file of process tests, or single ones. A failed one is in `again` too."""
    result = Result()
    name = file_of(tests[0])
    report = os.path.join(folder, f"{stage}-{name}.xml")
    env = {
        "NAV_TEST_BUILD": folder,
        "PYTHONDONTWRITEBYTECODE": "1",
        "NAV_TEST_LONG": "1" if mode == LONG else "0",
        **sanitizer_env(folder, stage),
    }
    for test in set(map(file_of, tests)) & set(MADE_FOR):
        env.update(MADE_FOR[test](mode))
    command = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += [f"--junitxml={report}", *tests, *options]
    for _ in range(PROCESS_REPEATS[mode]):
        if os.path.exists(report):
            os.unlink(report)
        code, output = run(command, BESIDE_SECONDS[mode], env)
        before = len(result.failed)
        if os.path.exists(report):
            count_pytest(report, result)
            result.again += failed_nodes(report)
        if code not in (0, NONE_SELECTED):
            result.log += output
            if len(result.failed) == before:
                result.failed.append(f"{name}: pytest: exit code {code}")
    return result


class Process:
    """Process tests, as many files at a time as the pool has threads. A job is a list of files and one of
    options. `again`: which of them have a second try."""

    def __init__(self, mode, folder, stage, jobs, pool, again=has_second_try):
        self.mode, self.folder, self.stage, self.again = mode, folder, stage, again
        forget_findings(folder, stage)
        self.futures = [pool.submit(process_file, mode, folder, stage, *job) for job in jobs]

    def wait(self):
        result = Result()
        for future in self.futures:
            result.add(future.result())
        again = result.again
        if 0 < len(again) <= UNSTEADY_MAX and len(again) == len(result.failed) and self.mode != LONG and all(
                map(self.again, again)):
            second = process_file(self.mode, self.folder, self.stage, again, [])
            result.unsteady += [f"{name}: failed, and passed at the second try" for name in result.failed
                                if name not in second.failed]
            result.failed = []
            result.add(second)
        collect_findings(self.folder, self.stage, result)
        if result.passed == 0 and not result.failed:
            result.skipped.append("process tests: none was selected")
        return result


def simulation(mode, folder):
    """Scenarios and random rooms in virtual time, a share for each processor. A scenario counts as
    one, and so does a share of the rooms; a room that fails names its seed."""
    result = Result()
    program = os.path.join(folder, "tests/sim/sim-run")
    scenarios = sorted(glob.glob(f"{ROOT}/tests/sim/scenarios/*.scenario"))
    shares = PROCESSORS
    commands = [[program, "scenarios", *scenarios[i::shares]] for i in range(shares)]
    if mode != QUICK:
        count = ROOMS[mode] // shares
        commands += [[program, "rooms", str(1 + i * count), str(count)] for i in range(shares)]
    for i in range(0, len(commands), shares):
        running = [Running(command) for command in commands[i : i + shares]]
        for command, process in zip(commands[i : i + shares], running):
            code, output = process.wait(BESIDE_SECONDS[mode])
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


def fuzz_start(name):
    """The target at work, or None: it was not built."""
    target = os.path.join(CLANG, f"tests/fuzz/{name}_fuzz")
    if not os.path.exists(target):
        return None
    work = os.path.join(CLANG, "fuzz", name)
    os.makedirs(os.path.join(work, "corpus"), exist_ok=True)
    command = [target, "-print_final_stats=1", f"-timeout={FUZZ_HANG_SECONDS}", "-rss_limit_mb=1024",
               f"-artifact_prefix={work}/"]
    dictionary = os.path.join(ROOT, "tests/fuzz", f"{name}.dict")
    if os.path.exists(dictionary):
        command.append(f"-dict={dictionary}")
    command.append(os.path.join(work, "corpus"))
    seeds = os.path.join(ROOT, "tests/fuzz/corpus", name)
    if os.path.isdir(seeds):
        command.append(seeds)
    return Running(command, {"UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"})


def ran_seconds(pid):
    """On a processor: what comes last on them gets little in a second of the clock."""
    with open(f"/proc/{pid}/schedstat") as file:
        return int(file.read().split()[0]) / 1e9


def fuzz_count(mode, name, running, result):
    if running is None:
        result.fail(f"{name}: was not built")
        return
    end = time.monotonic() + BESIDE_SECONDS[mode]
    while running.process.poll() is None and time.monotonic() < end:
        if ran_seconds(running.process.pid) >= FUZZ_SECONDS[mode]:
            os.kill(running.process.pid, signal.SIGUSR1)  # it ends by itself then, and counts
        time.sleep(0.2)
    code, output = running.wait(0)
    executions = re.search(r"number_of_executed_units: (\d+)", output)
    result.note += f"\n   {name:24} {executions.group(1) if executions else 'no':>10} executions"
    if code == 0 and executions:
        result.passed += 1
    else:
        result.fail(f"{name}: exit code {code}", output[-20000:])


def fuzz(mode):
    """All targets, as many at once as there are processors."""
    result = Result()
    names = sorted(os.path.basename(path)[: -len("_fuzz.c")]
                   for path in glob.glob(f"{ROOT}/tests/fuzz/*_fuzz.c"))
    for i in range(0, len(names), PROCESSORS):
        started = [(name, fuzz_start(name)) for name in names[i : i + PROCESSORS]]
        for name, running in started:
            fuzz_count(mode, name, running, result)
    return result


def proofs(mode):
    """Theorems about the gate. What a prover that is missing, or has no answer, does not show is skipped
    by its name."""
    result = Result()
    command = ["tests/proof/run.py", "--seconds", str(PROOF_SECONDS[mode])]
    command += ["--memory", cache_folder("proofs")] + (["--afresh"] if mode == LONG else [])
    for prover in PROVERS:
        why = make(prover)
        if why:
            result.skipped.append(f"proofs: no {prover}: {why}")
        else:
            command += [f"--{prover}-root", folder_of(prover)]
    return count_proofs(result, *run(command, BESIDE_SECONDS[mode]))


def guest():
    """The installed units in an emulated machine. An emulator that gets no processor trips the watchdogs
    that it emulates."""
    return count_guest(Result(), *run(["tests/guest/run.py", "boot"], GUEST_SECONDS))


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


def debian(mode, name, *options):
    """The tests in the tree of another Debian (debians.py)."""
    command = ["tests/run/debians.py", name] + (["--all"] if mode == LONG else []) + list(options)
    code, output = run(command, BESIDE_SECONDS[mode])
    result = Result()
    try:
        vars(result).update(json.loads(output.splitlines()[-1]))
    except (IndexError, ValueError):
        result.fail(f"debians.py: exit code {code}", output)
    return result


def debian_again(mode, name, first):
    """A process test that failed there, where others took the processors, has a second try."""
    result = first.result()
    if result.again:
        second = debian(mode, name, "--again", *result.again)
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


def quick_stages(report, options, pool):
    if report.stage("build: gcc, warnings are errors", build, QUICK, GCC):
        report.stage("unit tests: gcc", unit, QUICK, GCC, "unit")
        report.stage("the loop in virtual time", simulation, QUICK, GCC)
        jobs = [([path], options) for path in process_files() if not is_in_real_time(path)]
        tests = Process(QUICK, GCC, "process", jobs, pool)
        report.stage("process tests: gcc", tests.wait)
        report.skipped.append("process tests in real time: they take minutes")


def build_all(report, mode, pool, beside):
    """And what is made once, which must not disturb what comes then."""
    made = [beside.submit(make, name) for name in MADE_ONCE]
    builds = {folder: pool.submit(build, mode, folder) for folder in TITLES}
    folders = [folder for folder in TITLES
               if report.stage(f"build: {TITLES[folder]}, warnings are errors", builds[folder].result)]
    report.stage("trees of other Debians, kept", make_all, made)
    return folders


def tight_stages(report, mode, options, folders, pool):
    """What has bounds of the clock that are short: nothing else runs beside it."""
    marked = [path for path in process_files() if not is_in_real_time(path) and has_marks(path)]
    waits = [(f"unit tests in real time: {TITLES[folder]}",
              pool.submit(unit, mode, folder, "unit-real-time", "--suite", "real_time").result) for folder in folders]
    waits += [(f"process tests, tight bounds in time: {TITLES[folder]}",
               Process(mode, folder, "tight", [(marked, ["-m", "real_time", *options])], pool, lambda _: True).wait)
              for folder in folders]
    for wait in waits:
        report.stage(*wait)


def begin_computing(mode, folders, beside):
    """What only computes, on what the stages that mostly sleep leave of the processors, and the guest: the longest
    first. The stages that count it, the longest last."""
    proved = beside.submit(proofs, mode)
    foreign = [(title, debian_again, mode, name, beside.submit(debian, mode, name))
               for name, title in reversed(debians.TITLES.items())]  # the emulated one takes longer
    computed = [(f"unit tests: {TITLES[folder]}",
                 beside.submit(unit, mode, folder, "unit", "--no-suite", "real_time", wrapper=IDLE).result)
                for folder in folders]
    if GCC in folders:
        computed.append(("the loop in virtual time", beside.submit(simulation, mode, GCC).result))
    if CLANG in folders:
        computed.append((f"fuzz, {FUZZ_SECONDS[mode]} s of a processor each", beside.submit(fuzz, mode).result))
    return computed + foreign + [("proofs of the gate", proved.result)]


def page_stages(report, mode, options, folders, pool):
    """A browser, with played cars for company. Nothing computes beside it: it is behind the car on the processors,
    and would be slow."""
    paths = [path for path in process_files() if is_in_real_time(path) and not simulates(path)]
    process_stages(report, mode, options, {GCC: paths} if GCC in folders else {}, pool, "page and played cars")


def stages_in_time(report, mode, options, folders, pool, pair):
    """What mostly sleeps: fewer at a time of those that have bounds of the clock, since they have company that
    computes."""
    files = {GCC: process_files(),
             CLANG: [path for path in process_files() if not file_of(path).startswith(GCC_FILES)]}
    in_time = {folder: [path for path in files[folder] if is_in_real_time(path) and (
        folder == CLANG or simulates(path))] for folder in folders}
    others = {folder: [path for path in files[folder] if not is_in_real_time(path)] for folder in folders}
    process_stages(report, mode, options, in_time, pair, "in real time")
    process_stages(report, mode, ["-m", "not real_time", *options], others, pool, "the rest")
    if GCC in folders:
        report.stage("chaos in real time", chaos, mode, GCC)


def process_stages(report, mode, options, paths, pool, kind):
    """`paths` for each folder."""
    running = []
    for folder in paths:
        jobs = [([path], options) for path in paths[folder]]
        running.append((folder, Process(mode, folder, kind.replace(" ", "-"), jobs, pool)))
    for folder, tests in running:
        report.stage(f"process tests, {kind}: {TITLES[folder]}", tests.wait)


def take_what_is_left():
    """Of the processors, for this thread and the commands that it begins."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def stages(report, mode, options):
    with ThreadPoolExecutor(PROCESSORS + 1) as pool, \
            ThreadPoolExecutor(PROCESSORS) as pair, \
            ThreadPoolExecutor(PROCESSORS + 1, initializer=take_what_is_left) as beside:
        try:
            if mode == QUICK:
                quick_stages(report, options, pool)
            else:
                folders = build_all(report, mode, pool, beside)
                tight_stages(report, mode, options, folders, pool)
                page_stages(report, mode, options, folders, pool)
                computed = begin_computing(mode, folders, beside)
                stages_in_time(report, mode, options, folders, pool, pair)
                report.stage("units and drivers in an emulated machine", guest)
                for stage in computed:
                    report.stage(*stage)
                if GCC in folders:
                    report.stage("coverage of the pure cores", coverage, mode, GCC)
        except Interrupted:
            Running.end_all()
            raise


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
        stages(report, arguments.mode, arguments.pytest)
    except Interrupted as end:
        report.failed.append("the run itself: interrupted")
        report.summary()
        return 128 + end.number
    return report.summary()


if __name__ == "__main__":
    sys.exit(main())
