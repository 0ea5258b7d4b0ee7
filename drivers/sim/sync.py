"""Serves `sync:`: what `adb push`, `adb pull` and `adb ls` speak, in its first and second form.

Stands on the phone's sandbox and living files. Struct layouts: AOSP `file_sync_protocol.h`. Compression is not offered
(no `sendrecv_v2_brotli` and its kind among the features), so flags of the second form are refused.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import AsyncIterator
from pathlib import Path

from drivers.sim.adbd import Stream, StreamClosed
from drivers.sim.files import LIVING, is_protected, living_files, refresh
from drivers.sim.sandbox import Sandbox
from drivers.sim.state import PhoneState

__all__ = ["serve_sync"]

_REQUEST = struct.Struct("<4sI")
_STAT_V1 = struct.Struct("<4sIII")
_STAT_V2 = struct.Struct("<4sIQQIIIIQqqq")
_DATA_MAX = 64 * 1024
_PATH_MAX = 1024
_ENOENT, _EACCES = 2, 13
_WRITABLE = ("/data/local/tmp", "/sdcard", "/storage/emulated/0")
_SHELL_UID = 2000


class _Refused(Exception):
    """Answered with FAIL; the session goes on."""


async def serve_sync(stream: Stream, state: PhoneState, sandbox: Sandbox) -> None:
    """Answer requests until the host quits."""
    await _Session(stream, state, sandbox).run()


class _Session:
    def __init__(self, stream: Stream, state: PhoneState, sandbox: Sandbox) -> None:
        self._stream, self._state, self._sandbox = stream, state, sandbox
        self._buffer = bytearray()
        self._done_s = 0

    async def run(self) -> None:
        handlers = {
            b"STAT": self._stat_v1,
            b"LST2": self._stat_v2,
            b"STA2": self._stat_v2,
            b"LIST": self._list,
            b"LIS2": self._list,
            b"RECV": self._receive,
            b"RCV2": self._receive,
            b"SEND": self._send,
            b"SND2": self._send,
        }
        while True:
            try:
                kind, size = _REQUEST.unpack(await self._exactly(_REQUEST.size))
            except StreamClosed:
                return
            if kind == b"QUIT":
                return
            handler = handlers.get(kind)
            if handler is None or size > _PATH_MAX:
                await self._fail(f"unknown command {kind.hex()}" if handler is None else "path too long")
                return
            name = (await self._exactly(size)).decode("utf-8", "surrogateescape")
            try:
                await handler(kind, name)
            except _Refused as refusal:
                await self._fail(str(refusal))

    # -- requests -----------------------------------------------------------------------------------------------------
    async def _stat_v1(self, kind: bytes, name: str) -> None:
        found = self._found(name, follow=False)
        if isinstance(found, int):
            await self._stream.write(_STAT_V1.pack(kind, 0, 0, 0))
        else:
            size = min(found.st_size, 0xFFFFFFFF)
            await self._stream.write(_STAT_V1.pack(kind, found.st_mode, size, int(found.st_mtime)))

    async def _stat_v2(self, kind: bytes, name: str) -> None:
        await self._stream.write(_packed_v2(kind, self._found(name, follow=kind == b"STA2")))

    async def _list(self, kind: bytes, name: str) -> None:
        second = kind == b"LIS2"
        path = self._sandbox.path(name)
        if not is_protected(self._state, name, _SHELL_UID) and path.is_dir():
            self._refresh_for(name)
            for entry in sorted(os.listdir(path)):
                found = os.lstat(path / entry)
                raw = os.fsencode(entry)
                if second:
                    head = _packed_v2(b"DNT2", found)
                else:
                    size = min(found.st_size, 0xFFFFFFFF)
                    head = _STAT_V1.pack(b"DENT", found.st_mode, size, int(found.st_mtime))
                await self._stream.write(head + struct.pack("<I", len(raw)) + raw)
        blank = _STAT_V2.size if second else _STAT_V1.size
        await self._stream.write(b"DONE" + bytes(blank))  # the length field of the name instead of the four of DONE

    async def _receive(self, kind: bytes, name: str) -> None:
        if kind == b"RCV2":
            await self._flags(b"RCV2")
        data = self._contents(name)
        for start in range(0, len(data), _DATA_MAX):
            chunk = data[start : start + _DATA_MAX]
            await self._stream.write(_REQUEST.pack(b"DATA", len(chunk)) + chunk)
        await self._stream.write(_REQUEST.pack(b"DONE", 0))

    async def _send(self, kind: bytes, name: str) -> None:
        if kind == b"SND2":
            again, mode, flags = struct.unpack("<4sII", await self._exactly(12))
            if again != b"SND2" or flags:
                raise _Refused(f"unsupported flags {flags:#x}")
            path = name
        else:
            path, _, digits = name.rpartition(",")
            mode = int(digits) if digits.isdigit() else 0o644
        trouble = "" if path.startswith(_WRITABLE) else f"couldn't create file: {path}: Permission denied"
        if stat.S_ISLNK(mode):
            trouble = "symbolic links are not supported"
        target = self._sandbox.path(path)
        if target.is_dir():
            trouble = f"couldn't create file: {path}: Is a directory"
        await self._store(target, mode, trouble)
        await self._stream.write(_REQUEST.pack(b"OKAY", 0))

    # -- parts --------------------------------------------------------------------------------------------------------
    async def _store(self, target: Path, mode: int, trouble: str) -> None:
        """Take all DATA, also of a file that is refused, as adbd does; then say what was wrong."""
        parts: list[bytes] = []
        async for chunk in self._chunks():
            parts.append(chunk)
        if trouble:
            raise _Refused(trouble)
        _write(target, b"".join(parts), mode, self._done_s)

    async def _chunks(self) -> AsyncIterator[bytes]:
        while True:
            kind, size = _REQUEST.unpack(await self._exactly(_REQUEST.size))
            if kind == b"DONE":
                self._done_s = size
                return
            if kind != b"DATA" or size > _DATA_MAX:
                raise _Refused("invalid data message")
            yield await self._exactly(size)

    async def _flags(self, kind: bytes) -> None:
        again, flags = struct.unpack("<4sI", await self._exactly(8))
        if again != kind or flags:
            raise _Refused(f"unsupported flags {flags:#x}")

    def _contents(self, name: str) -> bytes:
        if is_protected(self._state, name, _SHELL_UID):
            raise _Refused("open failed: Permission denied")
        living = living_files(self._state).get(name)
        if living is not None:
            return living.encode("utf-8", "surrogateescape")
        try:
            return self._sandbox.path(name).read_bytes()
        except IsADirectoryError:
            raise _Refused("read failed: Is a directory") from None
        except OSError:
            raise _Refused("open failed: No such file or directory") from None

    def _found(self, name: str, *, follow: bool) -> os.stat_result | int:
        """The file's state, or the errno that says why there is none."""
        if is_protected(self._state, name, _SHELL_UID) and name.count("/") > 2:
            return _EACCES
        self._refresh_for(name)
        path = self._sandbox.path(name)
        try:
            return path.stat() if follow else path.lstat()
        except OSError:
            return _ENOENT

    def _refresh_for(self, name: str) -> None:
        if name.startswith(LIVING):
            refresh(self._state, self._sandbox)

    async def _fail(self, message: str) -> None:
        raw = message.encode("utf-8", "surrogateescape")
        await self._stream.write(_REQUEST.pack(b"FAIL", len(raw)) + raw)

    async def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            data = await self._stream.read()
            if not data:
                raise StreamClosed
            self._buffer += data
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data


def _write(target: Path, data: bytes, mode: int, modified_s: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    target.chmod(stat.S_IMODE(mode) & 0o777 or 0o644)
    os.utime(target, (modified_s, modified_s))


def _packed_v2(kind: bytes, found: os.stat_result | int) -> bytes:
    if isinstance(found, int):
        return _STAT_V2.pack(kind, found, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    times = (int(found.st_atime), int(found.st_mtime), int(found.st_ctime))
    owner = (found.st_nlink, _SHELL_UID, _SHELL_UID)
    return _STAT_V2.pack(kind, 0, found.st_dev, found.st_ino, found.st_mode, *owner, found.st_size, *times)
