"""`screencap`: a picture of the screen, of one colour; to standard output or into a file of the sandbox."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from drivers.sim.channel import Reply
from drivers.sim.sandbox import Sandbox
from drivers.sim.state import PhoneState

__all__ = ["screencap"]

_WIDTH, _HEIGHT, _COLOUR = 108, 240, b"\x20\x30\x40"


def screencap(state: PhoneState, sandbox: Sandbox, arguments: Sequence[str], uid: int) -> Reply:
    """Answer `screencap [-p] [FILE]`; always a PNG."""
    files = [word for word in arguments if not word.startswith("-")]
    if not files:
        return Reply(_PNG)
    path = sandbox.path(files[0])
    if not path.parent.is_dir():
        return Reply(stderr=f"Error opening file: {files[0]} (No such file or directory)", code=1)
    path.write_bytes(_PNG)
    return Reply()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, rgb: bytes) -> bytes:
    """A PNG (RFC 2083) of one colour."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + rgb * width) * height
    body = _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


_PNG = _png(_WIDTH, _HEIGHT, _COLOUR)
