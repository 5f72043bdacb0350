#!/usr/bin/python3
"""Shows the theorems of the gate: one line each, `proved`, `failed` or `skipped`.

    tests/proof/run.py [--seconds N] [--cbmc-root DIR] [--frama-c-root DIR]
                       [--memory DIR [--afresh]] [NAME ...]

CBMC (in Debian 13) follows every path of a small program bit by bit. Frama-C (in Debian 12) has two
ways: WP shows contracts over whole numbers, with the solvers Z3 and CVC4; Eva follows the range of
every value through a whole program. For one that this system lacks a chroot can be named. A missing
prover and a proof that does not end in time are named skips and exit code 0; a failed proof is 1.

With a memory, what was proved of the very same inputs (shown.py) is told and not proved again;
--afresh proves it all the same.
"""

import argparse
import collections
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from shown import Memory, Unlisted

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# tool; what it shows; source files, the first with the proof; options of each run
Proof = collections.namedtuple("Proof", "tool shows sources options")

RINGS = (
    "tick_before,told_lately,told_make,walk,is_behind,span_since,gate_drift_ages,gate_drift_advance,"
    "gate_drift_output"
)

PROOFS = {
    "drift": Proof(
        "wp",
        "6 and 5: the ageing",
        ["tests/proof/drift_proof.c"],
        # Loops over three axes are unrolled, those with an invariant are not.
        [
            [f"-wp-fct={RINGS}"],
            ["-ulevel=4", f"-wp-skip-fct={RINGS},outputs_push,gate_drift_init"],
        ],
    ),
    "gate": Proof(
        "eva",
        "5: gate, world and sonar",
        [
            "tests/proof/gate_proof.c",
            "safety/gate.c",
            "safety/gate_arc.c",
            "safety/gate_confirm.c",
            "safety/gate_model.c",
            "safety/gate_sonar.c",
            "safety/gate_world.c",
            "safety/trig.c",
        ],
        [[]],
    ),
    "confirm": Proof(
        "cbmc",
        "1 and 2: gate_confirm",
        ["tests/proof/confirm_proof.c", "safety/gate_confirm.c"],
        [["--unwind", "66"]],
    ),
    "trig": Proof(
        "cbmc",
        "5: trig",
        ["tests/proof/trig_proof.c", "safety/trig.c"],
        [["--unwind", "6"]],
    ),
    "motion": Proof(
        "wp", "3 and 5: the stopping motion", ["tests/proof/motion_proof.c"], [[]]
    ),
    "model": Proof(
        "wp",
        "4 and 5: the stopping table",
        ["tests/proof/model_proof.c"],
        # Without what reads the configuration.
        [["-wp-skip-fct=gate_model_init,tighten_speed,tighten_room,gate_model_tabulate,greater"]],
    ),
    "slew": Proof("wp", "7 and 5: slew", ["tests/proof/slew_proof.c"], [[]]),
}

CBMC = [
    "--bounds-check",
    "--pointer-check",
    "--div-by-zero-check",
    "--signed-overflow-check",
    "--conversion-check",
    "--undefined-shift-check",
    "--unwinding-assertions",
    "--slice-formula",
]

FRAMA_C = ["frama-c", "-c11", "-machdep=gcc_x86_64", "-pp-annot", "-cpp-extra-args=-I."]

EVA = [
    "-eva",
    "-eva-precision=1",
    "-eva-plevel=3000",
    "-eva-auto-loop-unroll=200",
    "-eva-domains=octagon",
    "-eva-no-print",
]

WP = [
    "-wp",
    "-wp-model=typed+ref",
    "-wp-rte",
    "-wp-prover=z3,cvc4",
    "-wp-timeout=100",
    "-wp-par=2",  # of a goal: both solvers at once
]


def commands(name):
    """Of a proof: all of them have to end well."""
    proof = PROOFS[name]
    if proof.tool == "cbmc":
        return [["cbmc", "-I.", *proof.sources, *CBMC, *options] for options in proof.options]
    if proof.tool == "eva":
        return [[*FRAMA_C, *EVA, *proof.sources, *options] for options in proof.options]
    wp = [*FRAMA_C, *WP, *proof.sources]
    lines = [[*wp, "-wp-prop=-@lemma", *options] for options in proof.options]
    with open(os.path.join(ROOT, proof.sources[0])) as file:
        if "lemma " in file.read():
            # What only a lemma needs would distract the solvers from everything else.
            lines.append([*wp, "-cpp-extra-args=-DLEMMAS", "-wp-prop=@lemma"])
    return lines


def inside(root, line):
    """The command in a chroot that sees the project at /src."""
    script = (
        'mount -t proc proc "$1/proc" && mkdir -p "$1/src" && mount --bind "$2" "$1/src" && '
        'root=$1 && shift 2 && exec chroot "$root" env HOME=/root sh -c \'cd /src && exec "$@"\' sh "$@"'
    )
    return [
        "unshare", "-m", "--propagation", "private", "bash", "-c", script, "bash", root, ROOT, *line
    ]


def has_shown(tool, code, text):
    """True, False or (neither shown nor refuted) None."""
    if tool == "cbmc":
        if code == 0 and "VERIFICATION SUCCESSFUL" in text:
            return True
        return False if code == 10 or "VERIFICATION FAILED" in text else None
    if tool == "eva":
        alarms = re.search(r"(\d+) alarms? generated by the analysis", text)
        share = re.search(r"(\d+)% of the logical properties reached have been proven", text)
        if code != 0 or not alarms or not share:
            return None
        return int(alarms.group(1)) == 0 and int(share.group(1)) == 100
    goals = re.search(r"Proved goals: +(\d+) / (\d+)", text)
    if code != 0 or not goals or "User Error" in text:
        return None
    return goals.group(1) == goals.group(2) and int(goals.group(2)) > 0


def prove(name, root, seconds):
    start = time.monotonic()
    for line in commands(name):
        with tempfile.TemporaryFile() as output:
            try:
                code = subprocess.run(
                    ["timeout", "--foreground", "-k", "5", str(seconds),
                     *(inside(root, line) if root else line)],
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    check=False,
                ).returncode
            except OSError as error:
                return "skipped", str(error), time.monotonic() - start, ""
            output.seek(0)
            text = output.read().decode(errors="replace")
        took = time.monotonic() - start
        shown = has_shown(PROOFS[name].tool, code, text)
        if shown is False:
            return "failed", "", took, text
        if code in (124, 137):
            return "skipped", f"no answer in {seconds} s", took, text
        if shown is None:
            return "skipped", f"{line[0]} ended with {code}", took, text
    return "proved", "", took, text


def recall_or_prove(name, root, seconds, memory, afresh):
    """What was proved is remembered only if no input changed meanwhile."""
    start = time.monotonic()
    lines = commands(name)
    key = None
    if memory:
        recall = Memory(memory, ROOT, lambda line: inside(root, line) if root else line)
        try:
            key = recall.key(lines)
        except Unlisted as error:
            reason = f"not remembered, its inputs are not listed: {error}"
            verdict, why, took, text = prove(name, root, seconds)
            return verdict, why or reason, took, text
        day = None if afresh else recall.recall(name, key)
        if day:
            reason = f"shown before for these very sources, hash {key[:12]}, {day}"
            return "proved", reason, time.monotonic() - start, ""
    verdict, why, took, text = prove(name, root, seconds)
    if key and verdict == "proved":
        try:
            if commands(name) == lines and recall.key(lines) == key:
                recall.remember(name, key)
            else:
                why = "not remembered, its sources changed meanwhile"
        except (Unlisted, OSError) as error:
            why = f"not remembered: {error}"
    return verdict, why, took, text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", choices=[[], *PROOFS], default=[])
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--cbmc-root", default="")
    parser.add_argument("--frama-c-root", default="")
    parser.add_argument("--memory", default="", help="folder of what was proved")
    parser.add_argument("--afresh", action="store_true", help="prove what is remembered as well")
    arguments = parser.parse_args()
    roots = {"cbmc": arguments.cbmc_root, "wp": arguments.frama_c_root, "eva": arguments.frama_c_root}
    programs = {"cbmc": "cbmc", "wp": "frama-c", "eva": "frama-c"}
    failed = False
    names = arguments.names or list(PROOFS)
    able = [n for n in names if roots[PROOFS[n].tool] or shutil.which(programs[PROOFS[n].tool])]
    pool = concurrent.futures.ThreadPoolExecutor(max(1, os.cpu_count() // 2))
    runs = {
        n: pool.submit(recall_or_prove, n, roots[PROOFS[n].tool], arguments.seconds,
                       arguments.memory, arguments.afresh)
        for n in able
    }
    for name in names:
        proof = PROOFS[name]
        if name not in runs:
            print(f"skipped  {name:8} {proof.shows}: no {programs[proof.tool]}", flush=True)
            continue
        verdict, reason, took, text = runs[name].result()
        note = f": {reason}" if reason else ""
        print(f"{verdict:8} {name:8} {proof.shows} ({took:.1f} s){note}", flush=True)
        if verdict != "proved":
            pattern = r"FAILURE|\[Failed\]|alarm\]|[Ee]rror"
            lines = [line for line in text.splitlines() if re.search(pattern, line)]
            print("\n".join("    " + line for line in lines[:10]), flush=True)
        failed = failed or verdict == "failed"
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
