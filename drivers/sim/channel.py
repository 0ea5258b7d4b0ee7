"""How a command inside a phone's shell reaches the phone, in about a tenth of a millisecond and without a process.

Starting a program for each `dumpsys` costs more than a real phone's answer. So the commands are shell functions (see
`prelude.mksh`, `prelude.sh`) that talk over named pipes with nothing but builtins:

1. The function takes a *slot* (one printable byte) out of the pipe `slots`; slots are handed out to one taker each.
2. It opens the slot's own pipe for reading - we hold the other end, so that the open does not wait - and writes its
   arguments into the shared pipe `requests`: slot, length, `.` or `+` (more follows), netstrings. Pieces stay under
   512 bytes, so that the writes of two commands running at once never mix.
3. We answer into the slot's pipe: a line `code mode stderr` (mode `t`: text that the builtin `read` may take; `c`: let
   `cat` copy it; stderr with backslash escapes), then standard output, then end of file.

A slot's pipe is made anew after each use, so a killed command can never be answered twice or hold up another.
It stands on `process` for pipes that do not block; what the answers are it does not know.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from drivers.sim.process import write_all

__all__ = ["Channel", "Reply"]

_SLOTS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_HEAD = re.compile(rb"([0-9A-Za-z])([0-9]+)([.+])")
_SPARE = 3
"""Slots that lie ready in the pipe; a new one is added for each one that is taken."""
_START_S = 0.001
"""A command's time on a phone begins with the start of its process. Here the shell's fork stands for that, which is
over when the request arrives; so up to a millisecond before the arrival, and not before the command before it was
answered, already counts as the command's own. Measured inside a script, a command then takes what it was charged."""
_BUILTIN_LIMIT = 24 * 1024
"""Bytes up to which the shell's own `read` and `print` beat the start of a `cat` (measured: 0.6 ms at 20 kB)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What one command gives back.

    Attributes:
        stdout: standard output, or a stream of it that the command follows until it is killed.
        stderr: standard error.
        code: exit code.
    """

    stdout: bytes | AsyncIterator[bytes] = b""
    stderr: str = ""
    code: int = 0


Handler = Callable[[list[str], float], Awaitable[Reply]]
"""Answers the words of a command (the first is the user id) that arrived at a time of the event loop's clock."""


class Channel:
    """The named pipes of one running script; `folder` is its own and goes away with it."""

    def __init__(self, folder: str, handler: Handler, *, lines: bool) -> None:
        """`lines`: the shell has no `read -N`, so slots travel as lines, under the pipe `mutex`."""
        self.folder = folder
        self._handler, self._lines = handler, lines
        self._closed = False
        self._answered_s = asyncio.get_running_loop().time()
        self._free = list(_SLOTS)
        self._open: dict[str, int] = {}
        self._partial: dict[str, str] = {}
        self._buffer = b""
        self._tasks: set[asyncio.Task[None]] = set()
        os.mkdir(folder)
        self._tokens = self._pipe("slots")
        self._requests = self._pipe("requests")
        self._mutex = self._pipe("mutex") if lines else -1
        if lines:
            os.write(self._mutex, b"\n")
        for _ in range(_SPARE):
            self._hand_out()
        asyncio.get_running_loop().add_reader(self._requests, self._readable)

    def close(self) -> None:
        """Stop answering and take the pipes away."""
        self._closed = True
        asyncio.get_running_loop().remove_reader(self._requests)
        for task in self._tasks:
            task.cancel()
        for fd in (self._tokens, self._requests, self._mutex, *self._open.values()):
            if fd >= 0:
                os.close(fd)
        self._open.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _pipe(self, name: str) -> int:
        path = f"{self.folder}/{name}"
        os.mkfifo(path, 0o600)
        return os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def _hand_out(self) -> None:
        if self._free:
            slot = self._free.pop(0)
            self._open[slot] = self._pipe(slot)
            os.write(self._tokens, f"{slot}\n".encode() if self._lines else slot.encode())

    def _readable(self) -> None:
        at_s = max(self._answered_s, asyncio.get_running_loop().time() - _START_S)
        try:
            self._buffer += os.read(self._requests, 65536)
        except BlockingIOError:
            return
        while (frame := self._frame()) is not None:
            slot, piece, more = frame
            text = self._partial.pop(slot, "") + piece
            if more:
                self._partial[slot] = text
            else:
                self._take(slot, text, at_s)

    def _frame(self) -> tuple[str, str, bool] | None:
        """Cut `SLOT LENGTH . PIECE` off the buffer (no blanks in between)."""
        match = _HEAD.match(self._buffer)
        if match is None or len(self._buffer) < match.end() + int(match[2]):
            return None
        end = match.end() + int(match[2])
        # Bytes that are no UTF-8 come back as they went: an answer may quote them.
        piece = self._buffer[match.end() : end].decode("latin-1")
        self._buffer = self._buffer[end:]
        return match[1].decode(), piece, match[3] == b"+"

    def _take(self, slot: str, text: str, at_s: float) -> None:
        loop, path = asyncio.get_running_loop(), f"{self.folder}/{slot}"
        try:
            # The command has its end open already. From here on a killed command is seen as a broken pipe.
            fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            fd = -1
        os.close(self._open.pop(slot))
        if fd >= 0:
            task = loop.create_task(self._answer(fd, _netstrings(text), at_s))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        loop.call_soon(self._renew, slot)  # after the command has begun: that is what the phone is waiting for

    def _renew(self, slot: str) -> None:
        if not self._closed:
            os.unlink(f"{self.folder}/{slot}")
            self._free.append(slot)
            self._hand_out()

    async def _answer(self, fd: int, argv: list[str], at_s: float) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 - we are one

        def taker_gone() -> None:
            loop.remove_reader(fd)
            task.cancel()

        loop.add_reader(fd, taker_gone)  # the writing end of a pipe "reads" only the news that nobody reads it
        try:
            await _send(fd, await self._handler(argv, at_s))
            self._answered_s = loop.time()
        except BrokenPipeError:
            return
        finally:
            loop.remove_reader(fd)
            os.close(fd)


async def _send(fd: int, reply: Reply) -> None:
    stderr = reply.stderr.rstrip("\n").replace("\\", "\\\\").replace("\n", "\\n")
    whole = isinstance(reply.stdout, bytes) and len(reply.stdout) <= _BUILTIN_LIMIT and b"\0" not in reply.stdout
    head = f"{reply.code} {'t' if whole else 'c'} {stderr}\n".encode("utf-8", "surrogateescape")
    if isinstance(reply.stdout, bytes):
        await write_all(fd, head + reply.stdout)
        return
    await write_all(fd, head)
    async for chunk in reply.stdout:
        await write_all(fd, chunk)


def _netstrings(text: str) -> list[str]:
    parts: list[str] = []
    while text:
        size, _, rest = text.partition(":")
        parts.append(rest[: int(size)].encode("latin-1").decode("utf-8", "surrogateescape"))
        text = rest[int(size) :]
    return parts
