#!/usr/bin/python3
"""Checks what the house rules (STYLE, DESIGN) let a script check. One finding a line:

    file:line: what is wrong

`--root DIR` checks another tree (the tests of this script do), `--fix` formats first. What is
allowed stands in the tables at the top; a new folder or library needs a row there.
"""

import argparse
import fnmatch
import os
import re
import shutil
import subprocess
import sys
import time

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 80

# Longer on purpose. "file" or "file:function" -> the reason.
LENGTH_EXCEPTIONS = {
    "hal/camera/libcamera.cpp": "no other file may be C++, or see a type of libcamera",
}

# Which folders (or single headers) the files of a folder may include, besides their own. The
# longest folder that a path lies in counts. tests/ may include anything and is not listed.
INCLUDES = {
    "hal/base": [],
    "hal/camera": ["hal/base"],
    "hal/body": ["hal/base"],
    "hal/sim": ["hal/base", "hal/camera", "hal/body"],
    "vlm": ["hal/base"],
    "vlm/standin": ["vlm", "hal/base"],
    "agent": ["vlm", "hal/base", "hal/camera", "safety/wire.h", "safety/limits.h"],
    "safety": ["hal/base", "hal/body"],
    "config": ["hal/base"],
}

# More than the folder's row, for files that tie others together.
INCLUDES_MORE = [
    ("main.c", ["config"]),
    ("*/main.c", ["config"]),
    ("agent/cli/*", ["config"]),
    ("agent/cli/*", ["config", "safety/safety_options.h"]),
    ("agent/main.c", ["safety/safety_options.h"]),  # where the socket is
    ("config/list.c", ["*_options.h"]),
]

# Caged libraries: the headers (a regular expression) -> the programs that use them, each as (its
# files, how many of them may include one of these headers). Only .c and .cpp files, so that a
# header of ours never leaks a library. tests/ may include anything.
AGENT = ["vlm/*.c", "agent/core/*.c", "agent/http/*.c"]
ANY_NUMBER = 99
CAGES = {
    r"curl/.*|curl\.h": [(AGENT, 1), (["agent/cli/*.c"], 1)],
    r"microhttpd.*\.h": [(["agent/http/*.c"], 1), (["vlm/standin/*.c"], 1)],
    r"turbojpeg\.h|jpeglib\.h": [(AGENT, 1), (["vlm/standin/*.c"], 1), (["hal/sim/*.c"], 1)],
    r"png\.h": [(["hal/sim/*.c"], 1)],
    r"(cjson/)?cJSON.*\.h": [
        (["vlm/protocol.c", "vlm/llama.c", "vlm/openai.c"], ANY_NUMBER),  # the protocols
        (["vlm/standin/*.c", "vlm/standin/*.h"], ANY_NUMBER),
        (["agent/http/*.c"], ANY_NUMBER),
        (["agent/cli/*.c"], ANY_NUMBER),
        (["agent/core/report.c"], ANY_NUMBER),  # what a dry run prints with --json
    ],
    r"ini\.h": [(["config/*.c"], 1)],
    r"gpiod\.h": [(["hal/body/gpio*.c"], 2)],  # one per generation of libgpiod
    r"libcamera/.*": [(["hal/camera/libcamera*.cpp"], 1)],
    r"systemd/.*": [],  # the notify protocol is twenty lines of our own
}

# Not a typedef of a function that returns a struct.
TYPEDEF = r"\btypedef\s+(?:struct|union)\b\s*\w*\s*(?:\{|\**\s*\w+\s*;)"

CPPCHECK = [
    "cppcheck",
    "--enable=warning,performance,portability",
    "--inline-suppr",
    "--std=c11",
    "-I.",
    "-D__linux__",
    "--suppress=missingIncludeSystem",
    "--suppress=normalCheckLevelMaxBranches",
    "--quiet",
    "--template={file}:{line}: cppcheck: {message} [{id}]",
]


# Findings that are wrong, as "id:file".
CPPCHECK_EXCEPTIONS = [
    "uninitvar:vlm/standin/picture.c",  # sorts an array as far as the loop before it was filled
    "uninitvar:tests/proof/*",  # what a proof leaves open is its input
    "uninitStructMember:tests/proof/*",
    "nullPointerOutOfMemory:tests/*",  # a test that is out of memory may well crash
    "nullPointerArithmeticOutOfMemory:tests/*",
]


class Lint:
    def __init__(self, root):
        self.root = root
        self.findings = []
        self.skipped = []
        self.files = list_files(root)
        self.c_files = [path for path in self.files if path.endswith((".c", ".h", ".cpp"))]

    def report(self, path, line, message):
        self.findings.append((path, line, message))

    def read(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
            return file.read()

    def run(self, command):
        """Runs a tool in the tree; None, and a named skip, when it is not installed."""
        if shutil.which(command[0]) is None:
            self.skipped.append(f"{command[0]} is not installed")
            return None
        return subprocess.run(
            command,
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )


def list_files(root):
    """What git tracks or would track; without git, everything but build folders."""
    git = ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if os.path.exists(os.path.join(root, ".git")):
        # A checkout of another user counts as well: we only list it.
        git[1:1] = ["-c", f"safe.directory={root}"]
        listed = subprocess.run(git, stdout=subprocess.PIPE, check=False)
        if listed.returncode == 0:
            paths = set(listed.stdout.decode(errors="replace").split("\0"))
            return sorted(path for path in paths if os.path.isfile(os.path.join(root, path)))
    paths = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not re.match(r"build|\.git$|__pycache__", name)]
        paths += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(paths)


def blank_comments(text):
    """The text with comments and the insides of strings blanked, lines and columns kept."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|' + r"'(?:\\.|[^'\\\n])*'"

    def blank(match):
        word = match.group(0)
        if word[0] in "\"'":
            return word[0] + " " * (len(word) - 2) + word[0]
        return re.sub(r"[^\n]", " ", word)

    return re.sub(pattern, blank, text, flags=re.DOTALL)


def functions(lines):
    """(name, first line, last line) of each function, counted from 1: the house layout puts the
    braces of a function, and of nothing else, into the first column."""
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{") and start is None:
            start = number
        elif line.startswith("}") and start is not None:
            yield function_name(lines, start), start, number
            start = None


def function_name(lines, brace):
    head = ""
    for line in reversed(lines[: brace - 1]):
        if not line.strip() or line.startswith(("}", "#")) or line.rstrip().endswith(";"):
            break
        head = line + " " + head
    match = re.search(r"(\w+)\s*\(", head)
    return match.group(1) if match else "?"


def includes(text):
    """(line, header, is quoted) of each include."""
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match.group(2), match.group(1) == '"'


def folder_of(path):
    """The folder of INCLUDES that a file lies in, or its top folder."""
    found = [folder for folder in INCLUDES if path.startswith(folder + "/")]
    return max(found, key=len) if found else path.split("/")[0]


def may_include(path, header):
    folder = folder_of(path)
    allowed = [folder, *INCLUDES.get(folder, [])]
    for pattern, more in INCLUDES_MORE:
        if fnmatch.fnmatch(path, pattern):
            allowed += more
    return folder_of(header) in allowed or any(fnmatch.fnmatch(header, name) for name in allowed)


def check_include_directions(lint):
    for path in lint.c_files:
        if path.startswith("tests/"):
            continue
        for line, header, quoted in includes(lint.read(path)):
            if not quoted:
                if os.path.exists(os.path.join(lint.root, header)) and "/" in header:
                    lint.report(path, line, f'our own header: write "{header}"')
                continue
            if not os.path.exists(os.path.join(lint.root, header)):
                lint.report(path, line, f'"{header}" is no path from the top of the tree')
            elif folder_of(path) not in INCLUDES:
                lint.report(path, line, f"{folder_of(path)}/ has no row in INCLUDES of lint.py")
            elif not may_include(path, header):
                lint.report(path, line, f'{folder_of(path)} may not include "{header}"')


def check_cages(lint):
    users = {}  # (library, program) -> files
    for path in lint.c_files:
        if path.startswith("tests/"):
            continue
        for line, header, quoted in includes(lint.read(path)):
            library = next((name for name in CAGES if re.fullmatch(name, header)), None)
            if quoted or library is None:
                continue
            program = find_program(library, path)
            if program is None:
                lint.report(path, line, f"<{header}> is caged and this is none of its files")
                continue
            files = users.setdefault((library, program), [])
            if path not in files:
                files.append(path)
            most = CAGES[library][program][1]
            if len(files) > most:
                others = ", ".join(files[:most])
                lint.report(path, line, f"<{header}> is caged and {others} includes it already")


def find_program(library, path):
    """Index into the library's row of CAGES. A star does not reach into a folder below."""
    for index, (patterns, _) in enumerate(CAGES[library]):
        for pattern in patterns:
            if os.path.dirname(pattern) == os.path.dirname(path) and fnmatch.fnmatch(path, pattern):
                return index
    return None


def check_functions(lint):
    for path in lint.c_files:
        lines = blank_comments(lint.read(path)).splitlines()
        for name, first, last in functions(lines):
            length = last - first + 1
            if length > FUNCTION_LINES_MAX and f"{path}:{name}" not in LENGTH_EXCEPTIONS:
                message = f"{name} has {length} lines, the limit is {FUNCTION_LINES_MAX}"
                lint.report(path, first, message)
            for number in range(first, last):
                if re.match(r"\s*#\s*(if|ifdef|ifndef|elif|else)\b", lines[number - 1]):
                    lint.report(path, number, f"#if inside {name}: let meson choose the file")


def check_text(lint):
    for path in lint.c_files:
        text = lint.read(path)
        lines = text.splitlines()
        if len(lines) > FILE_LINES_MAX and path not in LENGTH_EXCEPTIONS:
            message = f"the file has {len(lines)} lines, the limit is {FILE_LINES_MAX}"
            lint.report(path, FILE_LINES_MAX + 1, message)
        if not text.startswith(("/*", "//")):
            lint.report(path, 1, "a file starts with a comment that says what it is")
        for number, line in enumerate(lines, 1):
            if "\t" in line:
                lint.report(path, number, "tab")
        code = blank_comments(text)
        for match in re.finditer(TYPEDEF, code):
            line = code.count("\n", 0, match.start()) + 1
            lint.report(path, line, "typedef of a struct: write struct where it is used")


def check_blanks(lint):
    for path in lint.files:
        with open(os.path.join(lint.root, path), "rb") as file:
            data = file.read()
        if b"\0" in data or path.endswith((".jpg", ".jpeg", ".png")) or "/corpus/" in path:
            continue
        for number, line in enumerate(data.split(b"\n"), 1):
            if line != line.rstrip():
                lint.report(path, number, "blanks at the end of the line")
        if data and not data.endswith(b"\n"):
            lint.report(path, data.count(b"\n") + 1, "no newline at the end of the file")


def check_guards(lint):
    for path in lint.c_files:
        if not path.endswith(".h"):
            continue
        guard = re.sub(r"[^A-Za-z0-9]", "_", path).upper()
        lines = blank_comments(lint.read(path)).splitlines()
        code = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
        wanted = [f"#ifndef {guard}", f"#define {guard}"]
        if [line for _, line in code[:2]] != wanted or code[-1][1] != "#endif":
            lint.report(path, code[0][0] if code else 1, f"the header guard is not {guard}")


def check_python(lint):
    for path in lint.files:
        if path.endswith(".py"):
            try:
                compile(lint.read(path), path, "exec", dont_inherit=True)
            except (SyntaxError, ValueError) as error:
                lint.report(path, getattr(error, "lineno", 1) or 1, f"python: {error}")


def check_format(lint):
    tool = lint.c_files and lint.run(["clang-format-19", "--dry-run", "-Werror", *lint.c_files])
    if not tool:
        return
    places = {}
    for match in re.finditer(r"^(.+?):(\d+):\d+: error: .*clang-format", tool.stdout, re.MULTILINE):
        places.setdefault(match.group(1), []).append(int(match.group(2)))
    for path, lines in places.items():
        message = f"layout: {len(lines)} places (./run lint --fix puts them right)"
        lint.report(path, lines[0], message)
    if tool.returncode != 0 and not places:
        lint.report(".clang-format", 1, tool.stdout.strip())


def check_cppcheck(lint):
    sources = [path for path in lint.c_files if not path.endswith(".h")]
    jobs = f"-j{os.cpu_count() or 1}"
    options = [f"--suppress={exception}" for exception in CPPCHECK_EXCEPTIONS]
    options += [f'-D{name}="x"' for name in meson_defines(lint)]
    tool = sources and lint.run([*CPPCHECK, *options, jobs, "--error-exitcode=1", *sources])
    if not tool:
        return
    before = len(lint.findings)
    for match in re.finditer(r"^(\S.*?):(\d+): (cppcheck: .*)$", tool.stdout, re.MULTILINE):
        lint.report(match.group(1), int(match.group(2)), match.group(3))
    if tool.returncode != 0 and len(lint.findings) == before:
        lint.report("cppcheck", 0, tool.stdout.strip())


def meson_defines(lint):
    """The macros that the build defines as strings."""
    builds = [path for path in lint.files if os.path.basename(path) == "meson.build"]
    return sorted({name for path in builds for name in re.findall(r"-D(\w+)=", lint.read(path))})


def check_shell(lint):
    scripts = [path for path in lint.files if is_shell(lint, path)]
    tool = scripts and lint.run(["shellcheck", "--format=gcc", *scripts])
    if not tool:
        return
    for match in re.finditer(r"^(.+?):(\d+):\d+: (.*)$", tool.stdout, re.MULTILINE):
        lint.report(match.group(1), int(match.group(2)), f"shellcheck: {match.group(3)}")


def is_shell(lint, path):
    if path.endswith(".sh"):
        return True
    with open(os.path.join(lint.root, path), "rb") as file:
        return re.match(rb"#!\S*(/|env )(ba|da)?sh\b", file.readline(100)) is not None


CHECKS = [
    check_include_directions,
    check_cages,
    check_functions,
    check_text,
    check_blanks,
    check_guards,
    check_python,
    check_format,
    check_cppcheck,
    check_shell,
]


def main():
    parser = argparse.ArgumentParser(prog="./run lint")
    parser.add_argument("--root", default=HOME)
    parser.add_argument("--fix", action="store_true", help="let clang-format rewrite the layout")
    try:
        arguments = parser.parse_args()
    except SystemExit as end:
        return 64 if end.code else 0
    start = time.monotonic()
    lint = Lint(os.path.abspath(arguments.root))
    if arguments.fix and lint.c_files:
        lint.run(["clang-format-19", "-i", *lint.c_files])
    for check in CHECKS:
        check(lint)
    for path, line, message in sorted(set(lint.findings)):
        print(f"{path}:{line}: {message}")
    for reason in sorted(set(lint.skipped)):
        print(f"lint: skipped: {reason}")
    count = len(set(lint.findings))
    found = f"{count} finding{'s' if count > 1 else ''}" if count else "no findings"
    print(f"lint: {len(lint.files)} files, {found} ({time.monotonic() - start:.1f} s)")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
