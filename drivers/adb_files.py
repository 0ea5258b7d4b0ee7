"""adb's sync protocol for one file at a time, on a wire that somebody else bounds and breaks.

Requests are four letters and a length or a number (little endian): version 1 of the protocol, which every adbd speaks.
adbutils' own `sync` is not used: it opens without any timeout and takes changed bytes for good (adbutils 2.12.0,
measured). Blocking; must not know devices.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import stat
import struct
import time

from drivers import adb_errors
from drivers.adb_wire import Wire

__all__ = ["hash_script", "pull_file", "push_file", "same_hash"]

_CHUNK = 64 * 1024  # SYNC_DATA_MAX of adb: both sides refuse more in one DATA
_MESSAGE = 4096
_PATH = 1024  # adbd refuses longer paths
#: Files that the kernel makes while they are read: their size says nothing.
_MADE_WHILE_READ = ("/proc/", "/sys/")


def pull_file(wire: Wire, path: str, limit: int) -> bytes:
    """The bytes of a file over a wire that is connected to `sync:`.

    Raises:
        Refused: there is no such file, or it may not be read.
        TooMuchOutput: it is longer than `limit` bytes.
        Garbled: its size or the protocol does not hold.
    """
    name = _name(path)
    wire.send(b"STAT" + struct.pack("<I", len(name)) + name)
    kind, mode, size, _ = struct.unpack("<4sIII", wire.exactly(16))
    if kind != b"STAT":
        raise adb_errors.garbled("stat")
    if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
        raise adb_errors.no_such_file(path)
    sized = stat.S_ISREG(mode) and not path.startswith(_MADE_WHILE_READ)
    if sized and size > limit:
        raise adb_errors.too_much(limit)
    wire.send(b"RECV" + struct.pack("<I", len(name)) + name)
    data = _received(wire, limit)
    if sized and len(data) & 0xFFFFFFFF != size:
        raise adb_errors.changed_on_the_way(path)
    return data


def _received(wire: Wire, limit: int) -> bytes:
    data = bytearray()
    while True:
        kind, size = struct.unpack("<4sI", wire.exactly(8))
        if kind == b"DONE":
            return bytes(data)
        if kind == b"FAIL":
            raise adb_errors.sync_refused(_message(wire, size))
        if kind != b"DATA" or size > _CHUNK:
            raise adb_errors.garbled("sync data")
        if len(data) + size > limit:
            raise adb_errors.too_much(limit)
        data += wire.exactly(size)


def push_file(wire: Wire, path: str, data: bytes, mode: int) -> None:
    """Write a file over a wire that is connected to `sync:`; raises Refused when the phone does not take it."""
    name = _name(path) + b",%d" % (stat.S_IFREG | mode)
    wire.send(b"SEND" + struct.pack("<I", len(name)) + name)
    for at in range(0, len(data), _CHUNK):
        piece = data[at : at + _CHUNK]
        wire.send(b"DATA" + struct.pack("<I", len(piece)) + piece)
    wire.send(b"DONE" + struct.pack("<I", int(time.time())))
    kind, size = struct.unpack("<4sI", wire.exactly(8))
    if kind == b"FAIL":
        raise adb_errors.sync_refused(_message(wire, size))
    if kind != b"OKAY":
        raise adb_errors.garbled("sync answer")


def hash_script(path: str) -> str:
    """A shell line that prints the file's SHA-256, or its MD5 where the phone has only that, or nothing."""
    quoted = shlex.quote(path)
    return f"sha256sum <{quoted} 2>/dev/null||md5sum <{quoted} 2>/dev/null||md5 {quoted} 2>/dev/null||:"


def same_hash(said: str, data: bytes) -> bool:
    """Whether the hash that the phone printed is the data's; a phone that can print none is believed."""
    found = re.search(r"\b(?:[0-9a-f]{64}|[0-9a-f]{32})\b", said)
    if found is None:
        return True
    maker = hashlib.sha256 if len(found[0]) == 64 else hashlib.md5
    return maker(data).hexdigest() == found[0]


def _name(path: str) -> bytes:
    name = path.encode("utf-8", "replace")
    if not path.startswith("/") or b"\0" in name or len(name) > _PATH:
        raise adb_errors.no_such_file(path)
    return name


def _message(wire: Wire, size: int) -> str:
    if size > _MESSAGE:
        raise adb_errors.garbled("sync message")
    return wire.exactly(size).decode("utf-8", "replace")
