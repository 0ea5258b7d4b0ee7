"""The adb wire protocol as data: packets in, packets out, and nothing else.

Stands on the protocol's own description (AOSP `packages/modules/adb`, `protocol.txt` and `adb.h`). It knows neither
sockets nor phones, so that both ends of a test may use it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = [
    "AUTH",
    "AUTH_PUBLIC_KEY",
    "AUTH_SIGNATURE",
    "AUTH_TOKEN",
    "CLSE",
    "CNXN",
    "MAX_PAYLOAD",
    "MAX_PAYLOAD_V1",
    "OKAY",
    "OPEN",
    "VERSION_CHECKSUM",
    "VERSION_NO_CHECKSUM",
    "WRTE",
    "Packet",
    "PacketReader",
    "WireError",
    "pack",
]

CNXN = int.from_bytes(b"CNXN", "little")
AUTH = int.from_bytes(b"AUTH", "little")
OPEN = int.from_bytes(b"OPEN", "little")
OKAY = int.from_bytes(b"OKAY", "little")
WRTE = int.from_bytes(b"WRTE", "little")
CLSE = int.from_bytes(b"CLSE", "little")

AUTH_TOKEN, AUTH_SIGNATURE, AUTH_PUBLIC_KEY = 1, 2, 3

VERSION_CHECKSUM = 0x01000000
"""Up to Android 8.1: every packet carries the byte sum of its payload and the receiver checks it."""
VERSION_NO_CHECKSUM = 0x01000001
"""From Android 9: the sum is not checked any more once both sides have said so."""
MAX_PAYLOAD_V1 = 4096
"""The largest payload of adbd before Android 7."""
MAX_PAYLOAD = 1024 * 1024
"""The largest payload of adbd from Android 9 (and of the adb server that asks)."""

_HEADER = struct.Struct("<6I")


class WireError(Exception):
    """What arrived is not the adb protocol."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet: `arg0` and `arg1` mean what the command says they mean."""

    command: int
    arg0: int
    arg1: int
    payload: bytes = b""


def pack(command: int, arg0: int, arg1: int, payload: bytes = b"", *, checksum: bool) -> bytes:
    """The bytes of one packet; `checksum` fills the sum that old peers demand."""
    total = sum(payload) & 0xFFFFFFFF if checksum else 0
    return _HEADER.pack(command, arg0, arg1, len(payload), total, command ^ 0xFFFFFFFF) + payload


class PacketReader:
    """Cuts a byte stream into packets.

    Set `checksum` to False once both sides have agreed on a version that does without.
    """

    def __init__(self, limit: int = MAX_PAYLOAD) -> None:
        self.checksum = True
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take bytes as they came from the socket."""
        self._buffer += data

    def next(self) -> Packet | None:
        """The next whole packet, or None until more bytes come; raises `WireError` on a broken header or sum."""
        buffer = self._buffer
        if len(buffer) < _HEADER.size:
            return None
        command, arg0, arg1, length, total, magic = _HEADER.unpack_from(buffer)
        if magic != command ^ 0xFFFFFFFF:
            raise WireError(f"bad magic {magic:#x} for command {command:#x}")
        if length > self._limit:
            raise WireError(f"payload of {length} bytes is over the limit of {self._limit}")
        end = _HEADER.size + length
        if len(buffer) < end:
            return None
        payload = bytes(buffer[_HEADER.size : end])
        del buffer[:end]
        # A server that meets a phone again sends even its CNXN without a sum; the version inside says that it may.
        newer = command == CNXN and arg0 >= VERSION_NO_CHECKSUM
        if self.checksum and not newer and sum(payload) & 0xFFFFFFFF != total:
            raise WireError(f"bad checksum of a packet of {length} bytes")
        return Packet(command, arg0, arg1, payload)
