#!/usr/bin/python3
"""Shows the theorems of the gate with CBMC: one line each, `proved`, `failed` or `skipped`.

    tests/proof/run.py [--all] [--seconds N] [--chroot DIR] [NAME ...]

CBMC is in Debian 13; on Debian 12 a chroot with it can be named. A missing tool and a proof that does
not end in time are named skips, which the exit code (0) does not hide: only a failed proof is 1.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

CHECKS = [
    "--bounds-check",
    "--pointer-check",
    "--div-by-zero-check",
    "--signed-overflow-check",
    "--conversion-check",
    "--undefined-shift-check",
    "--unwinding-assertions",
]

# Asked for by --all or by name only: CBMC has not been seen to end on them.
ENDLESS = ("motion", "slew")

# Name -> (what it shows, sources, unwinding).
PROOFS = {
    "confirm": (
        "1 and 2: gate_confirm",
        ["tests/proof/confirm_proof.c", "safety/gate_confirm.c"],
        66,
    ),
    "trig": ("5: trig", ["tests/proof/trig_proof.c", "safety/trig.c"], 6),
    "motion": (
        "3 and 5: gate_motion_hits of translations",
        [
            "tests/proof/motion_proof.c",
            "safety/gate_motion.c",
            "safety/gate_model.c",
            "safety/trig.c",
        ],
        6,
    ),
    "slew": (
        "7: slew",
        ["tests/proof/slew_proof.c", "safety/slew.c", "safety/gate_model.c"],
        4,
    ),
}


def command(name, chroot):
    _, sources, unwind = PROOFS[name]
    line = ["cbmc", "-I.", *sources, *CHECKS, "--unwind", str(unwind), "--slice-formula"]
    if not chroot:
        return line
    inside = f"cd /src && exec {' '.join(line)}"
    script = (
        f"mount -t proc proc {chroot}/proc && mkdir -p {chroot}/src && "
        f"mount --bind {ROOT} {chroot}/src && exec chroot {chroot} bash -c '{inside}'"
    )
    return ["unshare", "-m", "--propagation", "private", "bash", "-c", script]


def prove(name, chroot, seconds):
    start = time.monotonic()
    with tempfile.TemporaryFile() as output:
        try:
            code = subprocess.run(
                ["timeout", "-k", "5", str(seconds), *command(name, chroot)],
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
    if code == 0 and "VERIFICATION SUCCESSFUL" in text:
        return "proved", "", took, text
    if code in (124, 137):
        return "skipped", f"no answer in {seconds} s", took, text
    if code == 10 or "VERIFICATION FAILED" in text:
        return "failed", "", took, text
    return "skipped", f"cbmc ended with {code}", took, text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", choices=[[], *PROOFS], default=[])
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--chroot", default="")
    arguments = parser.parse_args()
    failed = False
    for name in arguments.names or PROOFS:
        if name in ENDLESS and not arguments.names and not arguments.all:
            print(f"skipped  {name:8} {PROOFS[name][0]}: not seen to end; --all tries it")
            continue
        if not arguments.chroot and shutil.which("cbmc") is None:
            print(f"skipped  {name:8} {PROOFS[name][0]}: cbmc is not installed")
            continue
        verdict, reason, took, text = prove(name, arguments.chroot, arguments.seconds)
        note = f": {reason}" if reason else ""
        print(f"{verdict:8} {name:8} {PROOFS[name][0]} ({took:.1f} s){note}", flush=True)
        if verdict != "proved":
            lines = [line for line in text.splitlines() if "FAILURE" in line or "error" in line]
            print("\n".join("    " + line for line in lines[:10]), flush=True)
        failed = failed or verdict == "failed"
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
