"""What the units' hardening grants and refuses in a running system. Who is asked is a program of ours
in the unit's place: the same unit with another ExecStart."""

import json
import os
import re
import socket
import threading

from guest import AGENT, SAFETY, do, expect, main_pid, read, run, show, wait_ready, write

PROBE = "turbonav-probe"
PROBE_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "probe.py")


def probe(unit, more, *questions):
    """The answers of the unit's twin: 'ok' or the name of the error, for each."""
    text = read(f"/usr/lib/systemd/system/{unit}.service")
    text = re.sub(r"^(Requires|PartOf|After|ExecStart|ExecStopPost|Restart|Type|WatchdogSec)=.*\n", "",
                  text, flags=re.M)
    # Neither the folder of the running unit, which would be gone with its twin, nor the priority: an
    # interpreter takes longer than LimitRTTIME.
    text = re.sub(r"^(Runtime|State)Directory.*\n|^CPUScheduling.*\n", "", text, flags=re.M)
    write(f"/run/{PROBE}.py", read(PROBE_FILE))  # where every user may read it
    start = f"ExecStart=/usr/bin/python3 -B /run/{PROBE}.py {' '.join(questions)}\n"
    text = text.replace("[Service]\n", f"[Service]\nType=oneshot\n{start}{more}")
    write(f"/run/systemd/system/{PROBE}.service", text)
    do("systemctl", "daemon-reload")
    do("systemctl", "start", PROBE)
    lines = run("journalctl", "-u", PROBE, "-o", "cat", "--no-pager", "-n", "20").stdout.splitlines()
    answers = [line for line in lines if line.startswith("{")]
    expect(answers, f"the probe said nothing: {lines}")
    return json.loads(answers[-1])


def the_loop_has_fifo_priority_the_brake_one_more_and_memory_is_locked():
    wait_ready()
    pid = main_pid()
    children = read(f"/proc/{pid}/task/{pid}/children").split()
    expect(len(children) == 1, f"children {children}")
    for process, priority in ((pid, 50), (int(children[0]), 51)):
        policy = os.sched_getscheduler(process), os.sched_getparam(process).sched_priority
        expect(policy == (os.SCHED_FIFO, priority), f"policy and priority {policy}, not {priority}")
        locked = int(re.search(r"VmLck:\s+(\d+)", read(f"/proc/{process}/status"))[1])
        expect(locked > 1000, f"{locked} kB are locked")


def what_reads_the_lines_has_fifo_priority_below_the_loop():
    wait_ready()
    tasks = [int(task) for task in os.listdir(f"/proc/{main_pid()}/task")]
    found = sorted((os.sched_getparam(task).sched_priority for task in tasks), reverse=True)
    expect(found[:4] == [50, 49, 49, 0], f"priorities {found}")


def the_loop_has_no_privileges():
    wait_ready()
    status = read(f"/proc/{main_pid()}/status")
    for words in (r"CapEff:\s+0+$", r"CapBnd:\s+0+$", r"NoNewPrivs:\s+1$", r"Seccomp:\s+2$"):
        expect(re.search(f"^{words}", status, re.M), f"no {words}")
    expect(os.stat(f"/proc/{main_pid()}").st_uid != 0, "it is root's")


def safety_has_no_network():
    """What answers here does not answer in its namespace, in which there is nothing but a line to
    itself that is down; and it may not even ask for a socket."""
    wait_ready()
    server = socket.create_server(("127.0.0.1", 0))
    socket.create_connection(server.getsockname(), 2).close()
    seen = {}

    def from_inside():
        try:
            os.setns(os.pidfd_open(main_pid()), os.CLONE_NEWNET)
            seen["lines"] = [line.split(":")[0].strip()
                             for line in read("/proc/thread-self/net/dev").splitlines()[2:]]
            socket.create_connection(server.getsockname(), 2).close()
            seen["answer"] = "connected"
        except OSError as error:
            seen["answer"] = str(error)

    thread = threading.Thread(target=from_inside)
    thread.start()
    thread.join(10)
    expect(seen.get("lines") == ["lo"], f"{seen}")
    expect(seen["answer"] != "connected", f"{seen}")
    answers = probe(SAFETY, "", "inet", "unix")
    expect(answers == {"inet": "EAFNOSUPPORT", "unix": "ok"}, f"{answers}")


def safety_may_open_its_devices_and_no_others():
    chip = next(f"/dev/{name}" for name in os.listdir("/dev") if name.startswith("gpiochip"))
    do("chmod", "666", "/dev/vda")  # so that nothing but the policy says no
    answers = probe(SAFETY, "", "/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/i2c", chip, "/dev/vda")
    do("chmod", "660", "/dev/vda")
    expect(answers == {"/dev/ttyUSB0": "ok", "/dev/ttyUSB1": "ok", "/dev/i2c": "ok", chip: "ok",
                       "/dev/vda": "EPERM"}, f"{answers}")


def device_policy_keeps_the_agent_from_the_wheels():
    """Also if it were in the groups: then the mode of the nodes allows it, and the policy alone is
    left. Without its policy it could."""
    groups = "SupplementaryGroups=dialout i2c gpio\n"
    devices = ("/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/i2c")
    answers = probe(AGENT, groups, *devices)
    expect(set(answers.values()) == {"EPERM"}, f"{answers}")
    answers = probe(AGENT, groups + "DeviceAllow=char-ttyUSB rw\n", *devices)
    expect(list(answers.values()) == ["ok", "ok", "EPERM"], f"{answers}")


def the_agent_does_not_start_unless_somebody_enables_it():
    expect(show(AGENT, "ActiveState") == "inactive", "it is active")
    expect(show(AGENT, "WantedBy") == "" and show(AGENT, "RequiredBy") == "", "something wants it")


CHECKS = [
    the_loop_has_fifo_priority_the_brake_one_more_and_memory_is_locked,
    what_reads_the_lines_has_fifo_priority_below_the_loop,
    the_loop_has_no_privileges,
    safety_has_no_network,
    safety_may_open_its_devices_and_no_others,
    device_policy_keeps_the_agent_from_the_wheels,
    the_agent_does_not_start_unless_somebody_enables_it,
]
