"""How much this machine stalls: a process of its own, at the priority of the tests and with nothing
to do, sleeps to points in time a millisecond apart and notes how late it wakes up. What a
real-time test may be late by follows from that.

    with Reference() as reference:
        ...
        reference.worst_s        # of the whole run until now
"""

import mmap
import struct
import subprocess
import sys
import tempfile
import time

STEP_S = 0.001
FIELDS = struct.Struct("<dQ")  # worst lateness, number of sleeps


class Reference:
    def __enter__(self):
        self.file = tempfile.TemporaryFile()
        self.file.write(FIELDS.pack(0.0, 0))
        self.file.flush()
        self.memory = mmap.mmap(self.file.fileno(), FIELDS.size)
        self.process = subprocess.Popen([sys.executable, __file__, str(self.file.fileno())],
                                        pass_fds=[self.file.fileno()])
        while self.sleeps < 10:
            assert self.process.poll() is None
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.memory.close()
        self.file.close()

    @property
    def worst_s(self):
        return FIELDS.unpack_from(self.memory)[0]

    @property
    def sleeps(self):
        return FIELDS.unpack_from(self.memory)[1]


def sleep_for_ever(memory):
    due, worst, count = time.monotonic(), 0.0, 0
    while True:
        due += STEP_S
        time.sleep(max(0.0, due - time.monotonic()))
        late = time.monotonic() - due
        worst, count = max(worst, late), count + 1
        FIELDS.pack_into(memory, 0, worst, count)
        if late > STEP_S:
            due = time.monotonic()


if __name__ == "__main__":
    sleep_for_ever(mmap.mmap(int(sys.argv[1]), FIELDS.size))
