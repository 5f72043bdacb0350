"""The bytes of the real motor board and lidar, as a played car speaks and reads them."""

import struct


def crc(data, polynomial, reflected):
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            if reflected:
                value = value >> 1 ^ (polynomial if value & 1 else 0)
            else:
                value = (value << 1 ^ (polynomial if value & 0x80 else 0)) & 0xFF
    return value


LIDAR_TABLE = [crc([byte], 0x4D, False) for byte in range(256)]


def lidar_packet(first_cdeg, last_cdeg, distances, stamp_ms, speed_deg_s=3600, intensities=None):
    """12 points clockwise from first_cdeg, as an LD06 sends them."""
    data = struct.pack("<BBHH", 0x54, 0x2C, speed_deg_s, first_cdeg % 36000)
    for i, distance in enumerate(distances):
        intensity = intensities[i] if intensities else 200 if distance else 0
        data += struct.pack("<HB", distance, intensity)
    data += struct.pack("<HH", last_cdeg % 36000, stamp_ms % 30000)
    value = 0
    for byte in data:
        value = LIDAR_TABLE[value ^ byte]
    return data + bytes([value])


def board_frame(function, data):
    body = bytes([function, len(data)]) + data
    return b"\xaa\x55" + body + bytes([crc(body, 0x8C, True)])


class BoardReader:
    """Takes the host's bytes apart into (time, function, data); garbage is counted. `unread` tells for
    the time of a frame since when nobody had looked at the line: it came between the two."""

    def __init__(self):
        self.buffer = b""
        self.frames = []
        self.unread = {}
        self.garbage = 0

    def push(self, data, now, unread):
        self.buffer += data
        while len(self.buffer) >= 5:
            size = self.buffer[3] + 5
            # A header that cannot be is no reason to wait for its frame.
            if self.buffer[:2] != b"\xaa\x55" or self.buffer[2] >= 12 or self.buffer[3] > 36:
                self.buffer = self.buffer[1:]
                self.garbage += 1
            elif len(self.buffer) < size:
                return
            elif crc(self.buffer[2 : size - 1], 0x8C, True) != self.buffer[size - 1]:
                self.buffer = self.buffer[1:]
                self.garbage += 1
            else:
                self.unread[now] = unread
                self.frames.append((now, self.buffer[2], self.buffer[4 : size - 1]))
                self.buffer = self.buffer[size:]


def duties(data):
    """The four duties of a motor frame, in motor order; None for another one."""
    if data[:2] != b"\x05\x04":
        return None
    pairs = struct.unpack("<" + "Bf" * 4, data[2:])
    return tuple(round(pairs[2 * i + 1], 3) for i in range(4))
