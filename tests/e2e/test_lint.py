"""Tests of ./run lint: a small tree that is clean, and the same tree with one sin each."""

import os
import re
import shutil
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

BASE_C = """/* Counts. */
#include "hal/base/base.h"

int base_next(int count)
{
    return count + 1;
}
"""

BASE_H = """/* Counts. */
#ifndef HAL_BASE_BASE_H
#define HAL_BASE_BASE_H

int base_next(int count);

#endif
"""


def header(path):
    guard = re.sub(r"[^A-Z]", "_", path.upper())
    return f"/* A header. */\n#ifndef {guard}\n#define {guard}\n\n#endif\n"


CLEAN = {
    "hal/base/base.c": BASE_C,
    "hal/base/base.h": BASE_H,
    "hal/body/wheel.h": header("hal/body/wheel.h"),
    "vlm/vlm.h": header("vlm/vlm.h"),
    "vlm/vlm_options.h": header("vlm/vlm_options.h"),
    "agent/core/loop.h": header("agent/core/loop.h"),
    "safety/wire.h": header("safety/wire.h"),
    "safety/gate.h": header("safety/gate.h"),
    "config/config.h": header("config/config.h"),
    "config/list.c": '/* The list. */\n#include "vlm/vlm_options.h"\n',
    "agent/main.c": '/* A main. */\n#include "config/config.h"\n#include "safety/wire.h"\n',
    "vlm/client.c": "/* The client. */\n#include <curl/curl.h>\n",
    "tests/run/good.py": "print(1)\n",
    "good.sh": "#!/bin/bash\necho 1\n",
}


def including(header_name):
    return f"/* A file. */\n#include {header_name}\n"


def function(lines):
    head = "/* A file. */\nvoid long_one(void);\nvoid long_one(void)\n{\n"
    return head + "    ;\n" * lines + "}\n"


# name of the sin -> (file, its text, the line of the finding, words of the message)
SINS = {
    "base_includes_upwards": ("hal/base/x.c", including('"vlm/vlm.h"'), 2, "hal/base may not"),
    "agent_includes_body": ("agent/core/x.c", including('"hal/body/wheel.h"'), 2, "agent may not"),
    "agent_includes_gate": ("agent/core/x.c", including('"safety/gate.h"'), 2, "agent may not"),
    "agent_includes_config": ("agent/core/x.c", including('"config/config.h"'), 2, "may not"),
    "vlm_includes_agent": ("vlm/x.c", including('"agent/core/loop.h"'), 2, "vlm may not"),
    "safety_includes_vlm": ("safety/x.c", including('"vlm/vlm.h"'), 2, "safety may not"),
    "config_includes_options": ("config/x.c", including('"vlm/vlm_options.h"'), 2, "may not"),
    "list_includes_more": ("config/list.c", including('"vlm/vlm.h"'), 2, "config may not"),
    "relative_include": ("hal/base/x.c", including('"base.h"'), 2, "no path from the top"),
    "own_header_in_angles": ("vlm/x.c", including("<hal/base/base.h>"), 2, "our own header"),
    "unknown_folder": ("radio/x.c", including('"hal/base/base.h"'), 2, "no row in INCLUDES"),
    "second_curl": ("vlm/second.c", including("<curl/curl.h>"), 2, "vlm/client.c includes it"),
    "curl_in_header": ("vlm/x.h", including("<curl/curl.h>"), 2, "caged"),
    "curl_in_safety": ("safety/x.c", including("<curl/curl.h>"), 2, "caged"),
    "cjson_in_core": ("agent/core/x.c", including("<cjson/cJSON.h>"), 2, "caged"),
    "cjson_by_its_short_name": ("vlm/x.c", including("<cJSON.h>"), 2, "caged"),
    "ini_in_vlm": ("vlm/x.c", including("<ini.h>"), 2, "caged"),
    "gpiod_in_agent": ("agent/core/x.c", including("<gpiod.h>"), 2, "caged"),
    "ifdef_in_function": (
        "vlm/x.c",
        "/* A file. */\nvoid f(void);\nvoid f(void)\n{\n#ifdef X\n    ;\n#endif\n}\n",
        5,
        "#if inside f",
    ),
    "typedef_struct": (
        "vlm/x.c",
        "/* A file. */\ntypedef struct x {\n    int a;\n} x;\n",
        2,
        "typedef",
    ),
    "wrong_guard": ("vlm/x.h", header("vlm/y.h"), 2, "the header guard is not VLM_X_H"),
    "no_guard": ("vlm/x.h", "/* A header. */\nint x(void);\n", 2, "the header guard"),
    "long_file": ("vlm/x.c", "/* A file. */\n" + "extern int x;\n" * 600, 601, "601 lines"),
    "long_function": ("vlm/x.c", function(79), 4, "long_one has 81 lines"),
    "trailing_blank": ("notes.md", "one\ntwo \n", 2, "blanks at the end"),
    "no_last_newline": ("notes.md", "one\ntwo", 2, "no newline at the end"),
    "tab": ("vlm/x.c", "/* A file. */\nint\tx;\n", 2, "tab"),
    "no_comment": ("vlm/x.c", "int x;\n", 1, "starts with a comment"),
    "bad_python": ("tests/run/x.py", "x = 1\nif x\n", 2, "python"),
    "bad_layout": ("vlm/x.c", "/* A file. */\nint  x;\n", 2, "layout"),
    "bad_memory": (
        "vlm/x.c",
        "/* A file. */\nint f(void);\nint f(void)\n{\n    int a[1] = {0};\n    return a[2];\n}\n",
        6,
        "cppcheck",
    ),
    "bad_shell": ("x.sh", "#!/bin/bash\necho $1\n", 2, "shellcheck"),
}

TOOL = {"bad_layout": "clang-format-19", "bad_memory": "cppcheck", "bad_shell": "shellcheck"}


def lint(tree, files):
    for path, text in files.items():
        target = tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    shutil.copy(os.path.join(ROOT, ".clang-format"), tree)
    command = ["/usr/bin/python3", os.path.join(ROOT, "tests/run/lint.py"), "--root", str(tree)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_clean_tree_has_no_findings(tmp_path):
    done = lint(tmp_path, CLEAN)
    assert "no findings" in done.stdout.splitlines()[-1], done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize("sin", SINS)
def test_a_sin_is_named(tmp_path, sin):
    tool = TOOL.get(sin)
    if tool and shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    path, text, line, words = SINS[sin]
    done = lint(tmp_path, {**CLEAN, path: text})
    here = [found for found in done.stdout.splitlines() if found.startswith(f"{path}:{line}: ")]
    assert any(words in found for found in here), done.stdout
    assert done.returncode == 1


def test_tests_may_include_anything(tmp_path):
    text = including('"hal/body/wheel.h"') + "\n#include <curl/curl.h>\n"
    assert lint(tmp_path, {**CLEAN, "tests/unit/x_test.c": text}).returncode == 0


def test_a_function_of_eighty_lines_is_allowed(tmp_path):
    assert lint(tmp_path, {**CLEAN, "vlm/x.c": function(78)}).returncode == 0


def test_words_in_comments_and_strings_are_no_findings(tmp_path):
    text = '/* A file.\ntypedef struct x { */\nconst char *x = "typedef struct x y;";\n'
    done = lint(tmp_path, {**CLEAN, "vlm/x.c": text})
    assert not [found for found in done.stdout.splitlines() if "typedef" in found], done.stdout


def test_an_unknown_option_is_a_usage_error():
    command = ["/usr/bin/python3", os.path.join(ROOT, "tests/run/lint.py"), "--frobnicate"]
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 64
