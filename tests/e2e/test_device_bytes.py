"""The played car against the packets that vendors print: what it sends is what the real devices send,
byte for byte, and it reads from the host's bytes what is in them. Otherwise turbonav-safety and
its tests might agree on something that no device speaks."""

import pytest

from device_bytes import BoardReader, board_frame, duties, lidar_packet

REPORTS = {
    "battery 7412 mV": (0, "04 F4 1C", "AA 55 00 03 04 F4 1C 8A"),
    "servo 1 stands at 1500": (4, "01 05 DC 05", "AA 55 04 04 01 05 DC 05 53"),
    "key 1 click": (6, "01 20", "AA 55 06 02 01 20 A1"),
}
MOTORS = {
    "all stop": ((0, 0, 0, 0), "00 00 00 00", "00 00 00 00", "00 00 00 00", "00 00 00 00", "69"),
    "forward": ((-50, 50, -50, 50), "00 00 48 C2", "00 00 48 42", "00 00 48 C2", "00 00 48 42", "8E"),
    "back": ((50, -50, 50, -50), "00 00 48 42", "00 00 48 C2", "00 00 48 42", "00 00 48 C2", "CF"),
    "right": ((-50, -50, 50, 50), "00 00 48 C2", "00 00 48 C2", "00 00 48 42", "00 00 48 42", "03"),
    "clockwise": ((-50,) * 4, "00 00 48 C2", "00 00 48 C2", "00 00 48 C2", "00 00 48 C2", "65"),
}
LIDAR = {
    "data sheet": (
        dict(first_cdeg=32427, last_cdeg=33470, stamp_ms=6714, speed_deg_s=2152,
             distances=[224, 220, 217, 213, 211, 208, 205, 202, 199, 197, 194, 192],
             intensities=[228, 226, 229, 227, 228, 233, 228, 226, 233, 229, 229, 229]),
        "54 2C 68 08 AB 7E E0 00 E4 DC 00 E2 D9 00 E5 D5 00 E3 D3 00 E4 D0 00 E9 CD 00 E4"
        "CA 00 E2 C7 00 E9 C5 00 E5 C2 00 E5 C0 00 E5 BE 82 3A 1A 50"),
    "without returns": (
        dict(first_cdeg=0x86B0, last_cdeg=0x8902, stamp_ms=0x091E, speed_deg_s=2164,
             distances=[0] * 12,
             intensities=[0xD4, 0xD4, 0xD4, 0xD4, 0xD4, 0xD5, 0xD5, 0x49, 0x5F, 0xB0, 0xD2, 0xD4]),
        "54 2C 74 08 B0 86 00 00 D4 00 00 D4 00 00 D4 00 00 D4 00 00 D4 00 00 D5 00 00 D5"
        "00 00 49 00 00 5F 00 00 B0 00 00 D2 00 00 D4 02 89 1E 09 1F"),
}


@pytest.mark.parametrize("name", REPORTS)
def test_board_reports_are_the_worked_packets(name):
    function, data, frame = REPORTS[name]
    assert board_frame(function, bytes.fromhex(data)) == bytes.fromhex(frame)


@pytest.mark.parametrize("name", MOTORS)
def test_motor_frames_are_read_as_the_worked_packets(name):
    wanted, *wheels, checksum = MOTORS[name]
    body = "05 04" + "".join(f" {i:02x} {wheel}" for i, wheel in enumerate(wheels))
    frame = bytes.fromhex(f"AA 55 03 16 {body} {checksum}")
    reader = BoardReader()
    reader.push(b"\xaa\x55\x03" + frame, 1.0, 0.0)  # behind a frame that was cut
    assert reader.frames == [(1.0, 3, bytes.fromhex(body))] and reader.garbage == 3
    assert duties(reader.frames[0][2]) == wanted
    assert board_frame(3, bytes.fromhex(body)) == frame


@pytest.mark.parametrize("name", LIDAR)
def test_lidar_packets_are_real_ones(name):
    fields, packet = LIDAR[name]
    assert lidar_packet(**fields) == bytes.fromhex(packet)
