"""How much this machine stalls: on each of its processors (on four of them at most) a process of its
own, at the priority of the tests and with nothing to do, sleeps to points in time a millisecond
apart and notes how late it wakes up. What a real-time test may be late by follows from that.

    with Reference() as reference:
        ...
        reference.worst_s        # of the whole run until now
"""

import mmap
import os
import struct
import subprocess
import sys
import tempfile
import time

STEP_S = 0.001
PROCESSORS_MAX = 4
FIELDS = struct.Struct("<dQ")  # of each process: worst lateness, number of sleeps


class Reference:
    def __enter__(self):
        processors = sorted(os.sched_getaffinity(0))[:PROCESSORS_MAX]
        self.file = tempfile.TemporaryFile()
        self.file.truncate(FIELDS.size * len(processors))
        self.memory = mmap.mmap(self.file.fileno(), FIELDS.size * len(processors))
        self.processes = [
            subprocess.Popen([sys.executable, __file__, str(self.file.fileno()), str(place),
                              str(processor)], pass_fds=[self.file.fileno()])
            for place, processor in enumerate(processors)]
        while any(sleeps < 10 for _, sleeps in FIELDS.iter_unpack(self.memory)):
            assert all(process.poll() is None for process in self.processes)
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
        self.memory.close()
        self.file.close()

    @property
    def worst_s(self):
        return max(worst for worst, _ in FIELDS.iter_unpack(self.memory))


def sleep_on(memory, place):
    """For as long as the tests live."""
    due, worst, count, parent = time.monotonic(), 0.0, 0, os.getppid()
    while os.getppid() == parent:
        due += STEP_S
        time.sleep(max(0.0, due - time.monotonic()))
        late = time.monotonic() - due
        worst, count = max(worst, late), count + 1
        FIELDS.pack_into(memory, place * FIELDS.size, worst, count)
        if late > STEP_S:
            due = time.monotonic()


if __name__ == "__main__":
    fd, number, where = map(int, sys.argv[1:])
    os.sched_setaffinity(0, {where})
    sleep_on(mmap.mmap(fd, 0), number)
