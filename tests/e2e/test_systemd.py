"""Tests of the units that are installed, by systemd's own tools and without running systemd.

The tools read files and start nothing. Nothing here shows that a unit works: that takes a machine
whose first process is systemd.
"""

import os
import re
import shutil
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNITS = os.path.join(os.environ.get("NAV_TEST_BUILD", os.path.join(ROOT, "build")), "systemd")

# unit -> its exposure at most, in tenths, as --threshold takes it
EXPOSURE = {"turbonav-agent.service": 20, "turbonav-safety.service": 10, "turbonav-stop.service": 10}


def need(tool, reason="not installed"):
    if shutil.which(tool) is None:
        pytest.skip(f"{tool}: {reason}")


def unit_text(name):
    with open(os.path.join(UNITS, name)) as file:
        return file.read()


def write_unit(folder, name, text):
    """The unit with its program replaced by one that exists; verify looks whether it does."""
    text = re.sub(r"^(Exec\w+=)\S*/turbonav-\w+", rf"\1{shutil.which('true')}", text, flags=re.M)
    path = folder / name
    path.write_text(text)
    return path


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def verify(folder, texts):
    """What systemd says against these units; they see each other, and systemd's own ones."""
    need("systemd-analyze")
    paths = [write_unit(folder, name, text) for name, text in texts.items()]
    tool = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *paths)
    words = [line for line in tool.stderr.splitlines() if "turbonav" in line]
    return tool.returncode, words


def security(path, threshold):
    need("systemd-analyze")
    tool = run(
        "systemd-analyze", "security", "--offline=yes", f"--threshold={threshold}", "--no-pager", path
    )
    return tool.returncode, tool.stdout + tool.stderr


def test_units_are_clean(tmp_path):
    assert verify(tmp_path, {name: unit_text(name) for name in EXPOSURE}) == (0, [])


def test_a_misspelt_key_is_seen(tmp_path):
    name = "turbonav-safety.service"
    text = unit_text(name).replace("WatchdogSec=", "WatchDogSec=")
    _, words = verify(tmp_path, {name: text})
    assert any("WatchDogSec" in line for line in words)


def test_a_missing_program_is_seen(tmp_path):
    need("systemd-analyze")
    name = "turbonav-safety.service"
    path = tmp_path / name
    path.write_text(re.sub(r"^ExecStart=.*$", f"ExecStart={tmp_path}/none", unit_text(name), flags=re.M))
    tool = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", path)
    assert tool.returncode != 0 and "none" in tool.stderr


@pytest.mark.parametrize("name", EXPOSURE)
def test_exposure_is_small(name):
    code, words = security(os.path.join(UNITS, name), EXPOSURE[name])
    assert code == 0, words
    assert f"Overall exposure level for {name}" in words


def test_a_capability_too_many_is_seen(tmp_path):
    name = "turbonav-safety.service"
    text = unit_text(name).replace("CapabilityBoundingSet=\n", "")
    code, _ = security(write_unit(tmp_path, name, text), EXPOSURE[name])
    assert code != 0


@pytest.mark.parametrize("name", EXPOSURE)
def test_programs_are_where_meson_installs_them(name):
    programs = re.findall(r"^Exec\w+=(\S+)", unit_text(name), flags=re.M)
    assert programs and not re.search(r"@\w+@", unit_text(name))
    assert all(re.fullmatch(r"/.*/turbonav-(agent|safety)", program) for program in programs)


def test_the_brake_may_take_one_more_than_its_parent():
    """The one place where the unit and safety/realtime.h have to agree."""
    with open(os.path.join(ROOT, "safety/realtime.h")) as file:
        priority = int(re.search(r"REALTIME_PRIORITY (\d+)", file.read()).group(1))
    text = unit_text("turbonav-safety.service")
    assert f"\nCPUSchedulingPriority={priority}\n" in text
    assert f"\nLimitRTPRIO={priority + 1}\n" in text


def test_no_exploration_begins_by_itself():
    """A start, also after a crash or of the machine, only waits for an order."""
    text = unit_text("turbonav-agent.service")
    starts = re.findall(r"^ExecStart=.*turbonav-agent (.*)$", text, flags=re.M)
    assert starts == ["--serve"]
    assert "\nRestart=on-failure\n" in text and "\nRestartPreventExitStatus=64 78\n" in text
    for name in ("turbonav-safety.service", "turbonav-stop.service"):
        assert "turbonav-agent" not in unit_text(name)


def test_users_and_groups_are_made(tmp_path):
    need("systemd-sysusers")
    (tmp_path / "etc").mkdir()
    tool = run(
        "systemd-sysusers", "--dry-run", f"--root={tmp_path}", f"{ROOT}/systemd/sysusers.conf"
    )
    if "unrecognized option '--dry-run'" in tool.stderr:
        pytest.skip("systemd-sysusers: --dry-run came with systemd 250")
    assert tool.returncode == 0, tool.stderr
    for words in ("group 'turbonav'", "user 'turbonav-safety'", "user 'turbonav-agent'"):
        assert words in tool.stderr
    assert not os.listdir(tmp_path / "etc")


def test_folder_is_the_same_before_the_first_start_of_the_service():
    """Made by tmpfiles, then by RuntimeDirectory: whoever comes first makes it as the other one would."""
    with open(f"{ROOT}/systemd/tmpfiles.conf") as file:
        lines = [line.split() for line in file if not line.startswith("#")]
    text = unit_text("turbonav-safety.service")
    value = {key: re.search(rf"^{key}=(.*)$", text, flags=re.M).group(1)
             for key in ("RuntimeDirectory", "RuntimeDirectoryMode", "User", "Group")}
    assert lines == [["d", f"/run/{value['RuntimeDirectory']}", value["RuntimeDirectoryMode"],
                      value["User"], value["Group"]]]


def test_udev_understands_the_rules():
    need("udevadm")
    tool = run("udevadm", "verify", f"{ROOT}/systemd/60-turbonav.rules")
    if "Unknown command verb" in tool.stderr:
        pytest.skip("udevadm: verify came with systemd 254")
    assert tool.returncode == 0, tool.stdout + tool.stderr
