"""The command `turbonav`: what a person sees, and the exit codes that scripts rely on."""
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from standin import PATIENCE

SOURCE = Path(__file__).resolve().parents[2]
SHIPPED = SOURCE / "config" / "turbonav.conf"
BINARY = Path(os.environ.get("NAV_TEST_BUILD", "build")).resolve() / "agent" / "cli" / "turbonav"


def turbonav(*arguments, cwd=None, stdout=subprocess.PIPE, **environment):
    """Runs the command with nothing in its environment but what the test gives."""
    sanitizers = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
    return subprocess.run([BINARY, *map(str, arguments)], cwd=cwd, env=sanitizers | environment,
                          stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=10 * PATIENCE, check=False)


def refused(result, code=78):
    """The one error line of a refused configuration."""
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1 and result.stderr.endswith("\n")
    return result.stderr[:-1]


def values(shown):
    """`config show` without origins: the lines that mean something."""
    lines = (line.split("  ;")[0].rstrip() for line in shown.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


@pytest.fixture(name="conf")
def conf_fixture(tmp_path):
    path = tmp_path / "car.conf"
    path.write_text('[vlm "panda"]\nurl = http://panda:11435/v1\n')
    return path


# The front door


def test_version_is_the_first_line():
    for argument in ("version", "--version"):
        result = turbonav(argument)
        assert result.returncode == 0
        assert re.fullmatch(r"turbonav \d+\.\d+\.\d+", result.stdout.splitlines()[0])


def test_help_goes_to_standard_output():
    for arguments in (["help"], ["--help"], ["config", "--help"], ["config", "show", "--help"],
                      ["config", "check", "--help"], ["config", "keys", "--help"]):
        result = turbonav(*arguments)
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith("Usage: turbonav ")
        for word in ("config show", "config check", "config keys", "NAV_VLLM_URL", "78"):
            assert word in result.stdout
        assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize("arguments, expected", [
    ([], "expected a command after 'turbonav'"),
    (["confg"], "unknown command \"confg\"; did you mean 'turbonav config'?"),
    (["fly"], 'unknown command "fly"'),
    (["--fly"], 'unknown option "--fly"'),
    (["a\nb"], 'unknown command "a\\x0ab"'),
    (["config"], "expected a command after 'turbonav config'"),
    (["config", "sohw"], "unknown command \"sohw\"; did you mean 'turbonav config show'?"),
    (["config", "show", "x"], 'unexpected argument "x"'),
    (["config", "show", "--conf", "x"], 'unknown option "--conf"'),
    (["config", "show", "--config"], "option --config FILE needs a value"),
    (["config", "show", "--set"], "option --set SECTION.KEY=VALUE needs a value"),
    (["config", "check"], "expected 'turbonav config check FILE'"),
    (["config", "check", "-x"], 'unknown option "-x"'),
    (["config", "check", "a", "b"], 'unexpected argument "b"'),
    (["config", "keys", "x"], 'unexpected argument "x"'),
    (["version", "x"], 'unexpected argument "x"'),
])
def test_a_wrong_command_line_is_named_and_exits_64(arguments, expected):
    result = turbonav(*arguments)
    assert result.returncode == 64
    assert result.stdout == ""
    assert result.stderr == f"turbonav: {expected}\nTry 'turbonav --help'.\n"


@pytest.mark.parametrize("arguments", [["config", "keys"], ["config", "show"], ["--help"],
                                       ["--version"], ["config", "check", str(SHIPPED)]])
def test_output_that_cannot_be_written_is_not_silent(arguments, conf):
    if arguments[-1] == "show":
        arguments = [*arguments, "--config", conf]
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = turbonav(*arguments, stdout=full)
    assert result.returncode == 74
    assert result.stderr == "turbonav: cannot write to standard output: No space left on device\n"


def test_a_reader_that_went_away_is_not_silent():
    read_end, write_end = os.pipe()
    os.close(read_end)
    result = turbonav("config", "keys", stdout=write_end)
    os.close(write_end)
    assert result.returncode == 74
    assert result.stderr == "turbonav: cannot write to standard output: Broken pipe\n"


# config check


def test_the_shipped_file_is_right():
    result = turbonav("config", "check", SHIPPED)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{SHIPPED}: ok\n", "")


def test_what_the_shipped_file_comments_out_is_the_default(tmp_path):
    everything = tmp_path / "everything.conf"
    text = re.sub(r"(?m)^#(?=[a-z\[])", "", SHIPPED.read_text())
    everything.write_text(text)
    result = turbonav("config", "show", "--config", everything)
    assert result.returncode == 0, result.stderr
    # The second endpoint and the two prompts are examples.
    shown = [line for line in values(re.sub(r'(?s)\[vlm "titan"\].*?\n\n', "", result.stdout))
             if "_prompt" not in line]
    default = [line for line in values(turbonav("config", "show", "--config", SHIPPED).stdout)
               if "_prompt" not in line]
    assert [re.sub(" +", " ", line) for line in shown] == [re.sub(" +", " ", line)
                                                           for line in default]
    keys = re.findall(r"(?m)^  ([a-z_]+)  ", turbonav("config", "keys").stdout)
    assert len(keys) > 10
    for key in keys:
        assert re.search(rf"(?m)^#?{key} =", SHIPPED.read_text()), key


def test_a_mistake_names_place_value_and_expectation(tmp_path):
    path = tmp_path / "car.conf"
    path.write_text("# a car\n[explorer]\nforwrad = 1\n")
    assert refused(turbonav("config", "check", path)) == \
        f'{path}:3: [explorer] forwrad: unknown key; did you mean "forward"?'
    path.write_text("[explorer]\nforward = 99 km\n")
    assert refused(turbonav("config", "check", path)) == \
        f"{path}:2: [explorer] forward = 99 km: expected a number of mm/s from 0 to 1000"
    path.write_text('[vlm "x"]\n')
    assert refused(turbonav("config", "check", path)) == \
        f'{path}:1: [vlm "x"] url: missing, but required: base URL of the server, with /v1'


def test_check_looks_at_this_file_alone(conf):
    (conf.parent / "conf.d").mkdir()
    (conf.parent / "conf.d" / "a.conf").write_text("wrong")
    result = turbonav("config", "check", conf, TURBONAV_WRONG="1", NAV_VLLM_URL="wrong")
    assert result.returncode == 0
    assert "conf.d/a.conf:1: wrong: expected key = value" in \
        refused(turbonav("config", "check", conf.parent / "conf.d" / "a.conf"))


def test_files_that_cannot_be_read_are_named(tmp_path):
    assert refused(turbonav("config", "check", tmp_path)) == \
        f"{tmp_path}: this is a folder; expected a file"
    assert refused(turbonav("config", "check", tmp_path / "none")) == \
        f"{tmp_path}/none: No such file or directory"
    (tmp_path / "large").write_text("\n" * 65537)
    assert refused(turbonav("config", "check", tmp_path / "large")) == \
        f"{tmp_path}/large: larger than 64 kB"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_permission_is_named(conf):
    conf.chmod(0)
    assert refused(turbonav("config", "check", conf)) == f"{conf}: Permission denied"


# config show


def test_show_names_the_origin_of_every_value(conf):
    (conf.parent / "conf.d").mkdir()
    drop_in = conf.parent / "conf.d" / "speed.conf"
    drop_in.write_text("[explorer]\nforward = 0.2 m/s\n")
    result = turbonav("config", "show", "--config", conf, "--set", "vlm.panda.timeout=0.5s",
                      "--set=explorer.hold=40", TURBONAV_PICTURE_WIDTH="960",
                      NAV_VLLM_MODEL="gemma")
    assert (result.returncode, result.stderr) == (0, "")
    for expected in (rf"(?m)^url +=.* http://panda:11435/v1 +; {conf}:2$",
                     r"(?m)^model +=.* gemma +; environment NAV_VLLM_MODEL$",
                     r"(?m)^timeout +=.* 500 ms +; command line$",
                     r"(?m)^width +=.* 960 px +; environment TURBONAV_PICTURE_WIDTH$",
                     rf"(?m)^forward +=.* 200 mm/s +; {drop_in}:2$",
                     r"(?m)^hold +=.* 40 % +; command line$",
                     r"(?m)^turn +=.* 1200 mrad/s +; default$"):
        assert re.search(expected, result.stdout), expected


def test_what_show_prints_is_a_file_with_the_same_meaning(conf, tmp_path):
    first = turbonav("config", "show", "--config", conf, "--set", "vlm.b.url=https://b/v1/",
                     "--set", "question.action_prompt=here.txt", cwd=tmp_path).stdout
    assert f"{tmp_path}/here.txt" in first
    (tmp_path / "other").mkdir()
    copy = tmp_path / "other" / "copy.conf"
    copy.write_text(first)
    second = turbonav("config", "show", "--config", copy).stdout
    assert values(first) == values(second)
    assert turbonav("config", "check", copy).returncode == 0


def test_two_variables_move_the_car_to_another_server(conf):
    result = turbonav("config", "show", "--config", conf, NAV_VLLM_URL="http://titan:8003/v1/",
                      NAV_VLLM_MODEL="gemma-26b")
    assert '[vlm "panda"]\nurl      = http://titan:8003/v1/  ; environment' in result.stdout
    assert result.stdout.count("[vlm ") == 1


def test_variables_alone_are_enough(tmp_path):
    empty = tmp_path / "empty.conf"
    empty.write_text("")
    result = turbonav("config", "show", "--config", empty, NAV_VLLM_URL="http://titan:8003/v1")
    assert '[vlm "env"]\nurl      = http://titan:8003/v1  ; environment' in result.stdout
    assert "[vlm " not in turbonav("config", "show", "--config", empty, NAV_VLLM_URL="").stdout


def test_wrong_variables_and_assignments_are_refused(conf):
    show = ["config", "show", "--config", conf]
    assert refused(turbonav(*show, TURBONAV_EXPLORER_FORWRAD="1")) == \
        "environment TURBONAV_EXPLORER_FORWRAD: unknown variable; " \
        "did you mean TURBONAV_EXPLORER_FORWARD?"
    assert refused(turbonav(*show, NAV_VLLM_URL="panda:11435")) == \
        'environment NAV_VLLM_URL: [vlm "panda"] url = panda:11435: ' \
        "expected a base URL such as http://192.168.68.57:11435/v1"
    assert refused(turbonav(*show, "--set", "explorer.turn=9 rad/s")) == \
        "command line: [explorer] turn = 9 rad/s: expected a number of mrad/s from 0 to 3000"
    assert refused(turbonav(*show, "--set", "explorer")) == \
        "command line: explorer: expected section.key=value or section.name.key=value"


# config keys


def test_keys_explains_every_key():
    result = turbonav("config", "keys")
    assert (result.returncode, result.stderr) == (0, "")
    for word in ('[vlm "NAME"], up to 8', "NAV_VLLM_URL", "TURBONAV_EXPLORER_FORWARD",
                 "number of mm/s from 0 to 1000; default 300 mm/s", "auto, llama or openai"):
        assert word in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


@pytest.mark.many_starts
def test_every_variable_that_keys_names_is_accepted(conf):
    for name in re.findall(r"TURBONAV_[A-Z0-9_]+", turbonav("config", "keys").stdout):
        result = turbonav("config", "show", "--config", conf, **{name: "\x7f"})
        assert refused(result).startswith(f"environment {name}: [")


def test_keys_says_the_same_as_json():
    text = turbonav("config", "keys").stdout
    said = turbonav("config", "keys", "--json")
    assert (said.returncode, said.stderr) == (0, "")
    entries = [json.loads(line) for line in said.stdout.splitlines()]
    assert [entry["key"] for entry in entries] == re.findall(r"(?m)^  ([a-z0-9_]+)  ", text)
    assert {name for entry in entries if (name := entry["variable"])} == \
        set(re.findall(r"\b(?:TURBONAV|NAV)_[A-Z0-9_]+", text))
    for entry in entries:
        assert entry["help"] in text
        assert entry["default"] is None or f"; default {entry['default'] or 'empty'}\n" in text
    forward = next(entry for entry in entries if entry["key"] == "forward")
    assert (forward["section"], forward["instances"], forward["type"]) == ("explorer", 0, "number")
    assert (forward["unit"], forward["min"], forward["max"]) == ("mm/s", 0, 1000)
    assert forward["default"] == "300 mm/s"
    protocol = next(entry for entry in entries if entry["key"] == "protocol")
    assert protocol["choices"] == ["auto", "llama", "openai"] and protocol["instances"] == 8


def test_every_command_of_the_help_takes_json():
    commands = re.findall(r"(?m)^  ([a-z]+(?: [a-z]+)?) ", turbonav("help").stdout.split("Exit status")[0])
    commands.remove("help")
    assert len(commands) == 13
    for command in commands:
        said = turbonav(*command.split(), "--json", "--no-such-option")
        assert said.returncode == 64 and 'unknown option "--no-such-option"' in said.stderr, command


def test_version_says_the_same_as_json():
    said = turbonav("version", "--json")
    assert f"turbonav {json.loads(said.stdout)['version']}\n" == turbonav("version").stdout


def test_show_says_the_same_as_json(conf):
    text = turbonav("config", "show", "--config", conf)
    entries = [json.loads(line)
               for line in turbonav("config", "show", "--json", "--config", conf).stdout.splitlines()]
    lines = [f"{entry['key']} = {entry['value']}" for entry in entries]
    shown = [" ".join(line.split()) for line in values(text.stdout) if not line.startswith("[")]
    assert [" ".join(line.split()) for line in lines if not line.endswith("= None")] == shown
    url = next(entry for entry in entries if entry["key"] == "url")
    assert (url["section"], url["name"]) == ("vlm", "panda") and url["origin"].startswith(str(conf))


def test_check_says_the_same_as_json(conf, tmp_path):
    said = turbonav("config", "check", "--json", conf)
    assert said.returncode == 0 and json.loads(said.stdout) == {"file": str(conf), "ok": True, "error": None}
    wrong = tmp_path / "wrong.conf"
    wrong.write_text("[explorer]\nforward = fast\n")
    said = turbonav("config", "check", wrong, "--json")
    assert said.returncode == 78 and said.stderr == ""
    assert json.loads(said.stdout)["error"] == refused(turbonav("config", "check", wrong))
