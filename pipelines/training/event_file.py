"""A TensorBoard event file, written by ourselves: no TensorBoard needed, and the same bytes each time.

TensorBoard's own writer puts the hour, the process and the machine's name into the file. Knows no training.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

Steps = Iterable[tuple[int, Mapping[str, float]]]
"""Step and the figures taken at it, by tag; steps ascend."""


def write_events(path: Path, steps: Steps) -> None:
    """Write figures as TensorBoard reads them: a TFRecord file of Event messages (tensorflow/core/util).

    The step also stands where the hour would.
    """
    with path.open("wb") as file:
        file.write(_record(_double(1, 0.0) + _bytes(3, b"brain.Event:2")))
        for step, figures in steps:
            values = (_bytes(1, tag.encode()) + _float(2, figure) for tag, figure in figures.items())
            summary = b"".join(_bytes(1, value) for value in values)
            event = _double(1, float(step)) + _key(2, 0) + _varint(step) + _bytes(5, summary)
            file.write(_record(event))


def _record(message: bytes) -> bytes:
    length = struct.pack("<Q", len(message))
    return length + _checksum(length) + message + _checksum(message)


def _checksum(content: bytes) -> bytes:
    """CRC-32C, turned and shifted, since a checksum of checksums would tell little."""
    table, crc = _table(), 0xFFFFFFFF
    for octet in content:
        crc = table[(crc ^ octet) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


@cache
def _table() -> tuple[int, ...]:
    """CRC-32C of each octet, by Castagnoli's polynomial."""
    table = []
    for octet in range(256):
        for _ in range(8):
            octet = octet >> 1 ^ (0x82F63B78 if octet & 1 else 0)
        table.append(octet)
    return tuple(table)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _key(field: int, kind: int) -> bytes:
    """What stands before a field: its number, and its kind (0 varint, 1 double, 2 octets, 5 float)."""
    return _varint(field << 3 | kind)


def _bytes(field: int, content: bytes) -> bytes:
    return _key(field, 2) + _varint(len(content)) + content


def _double(field: int, value: float) -> bytes:
    return _key(field, 1) + struct.pack("<d", value)


def _float(field: int, value: float) -> bytes:
    return _key(field, 5) + struct.pack("<f", value)
