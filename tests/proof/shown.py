"""Remembers what was proved, so that a theorem is not shown again while nothing that it rests on is
another: a proof that ended well is a fact about its inputs.

The name of a memory is a hash of all inputs: the command lines; the bytes of every file that the
prover's own preprocessor reads for them, which the compiler lists (-M), system headers included; the
versions of the prover, its solvers and every package beside them; and these scripts. Only `proved` is
remembered. What cannot be listed is proved.
"""

import glob
import hashlib
import os
import re
import shlex
import subprocess
import time

VERSIONS = """
for tool in cbmc frama-c why3 z3 cvc4 gcc; do
    case $tool in frama-c) option=-version ;; *) option=--version ;; esac
    if command -v $tool; then $tool $option || exit; fi
done
dpkg-query -W
if [ -e ~/.why3.conf ]; then cat ~/.why3.conf; fi
"""


class Unlisted(Exception):
    pass


def output_of(line, folder):
    try:
        done = subprocess.run(line, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unlisted(str(error)) from error
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise Unlisted(words[-1] if words else f"{line[0]} ended with {done.returncode}")
    return done.stdout.decode(errors="replace")


def preprocessors(line, ask):
    """The compiler's command lines that list what the prover reads."""
    if line[0] == "cbmc":
        sources = [word for word in line if word.endswith(".c")]
        return [["gcc", "-M", "-D__CPROVER__", "-I.", *sources]]
    printed = ask([*line, "-print-cpp-commands"])
    found = []
    for text in re.findall(r"^ +(gcc -E .*)$", printed, re.MULTILINE):
        words = shlex.split(text)
        if "-o" in words:
            at = words.index("-o")
            del words[at : at + 2]
        words[words.index("-E")] = "-M"
        found.append(words)
    sources = sum(word.endswith(".c") for word in line)
    if len(found) != sources:
        raise Unlisted(f"{len(found)} preprocessor commands for {sources} sources")
    return found


def files_of(rules):
    """The files behind the colons of make's rules."""
    text = rules.replace("\\\n", " ")
    files = set()
    for rule in text.splitlines():
        target, colon, rest = rule.partition(": ")
        if not colon or " " in target:
            raise Unlisted(f"no rule of make: {rule[:80]!r}")
        files.update(name.replace("\\ ", " ") for name in re.split(r"(?<!\\)\s+", rest) if name)
    return sorted(files)


class Memory:
    """`inside` makes of a command line one that runs where the prover runs."""

    def __init__(self, folder, home, inside):
        self.folder, self.home, self.inside = folder, home, inside
        self.asked = {}

    def ask(self, line):
        """Each question once; what is asked here does not depend on the sources."""
        key = tuple(line)
        if key not in self.asked:
            self.asked[key] = output_of(self.inside(line), self.home)
        return self.asked[key]

    def key(self, lines):
        """A hash of all that the command lines read. Raises Unlisted."""
        parts = [self.ask(["sh", "-c", VERSIONS])]
        listed = set()
        for line in lines:
            parts.append(shlex.join(line))
            for command in preprocessors(line, self.ask):
                listed.update(files_of(output_of(self.inside(command), self.home)))
        if not listed:
            raise Unlisted("no files")
        parts.append(output_of(self.inside(["sha256sum", "--", *sorted(listed)]), self.home))
        for path in sorted(glob.glob(os.path.join(glob.escape(os.path.dirname(__file__)), "*.py"))):
            with open(path, "rb") as file:
                parts.append(hashlib.sha256(file.read()).hexdigest())
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def recall(self, name, key):
        """The day on which it was shown, or None."""
        try:
            with open(os.path.join(self.folder, f"{name}-{key}")) as file:
                return file.read().strip() or None
        except OSError:
            return None

    def remember(self, name, key):
        path = os.path.join(self.folder, f"{name}-{key}")
        os.makedirs(self.folder, exist_ok=True)
        with open(f"{path}.{os.getpid()}", "w") as file:
            file.write(time.strftime("%Y-%m-%d %H:%M\n"))
        os.rename(file.name, path)
