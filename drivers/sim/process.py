"""Starts the phones' shells cheaply and waits for them, without asyncio's own subprocess layer.

`os.posix_spawn` forks in 0.3 ms where `asyncio.create_subprocess_exec` takes 2-4 ms and, before Python 3.12, a thread
for each child; on two cores with 32 phones that is the difference between measuring the bench and measuring us.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping

__all__ = ["Process", "read_some", "spawn", "write_all"]


class Process:
    """A started shell: its own process group, so that whatever it left behind can be ended with it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._status: int | None = None
        self._exit = asyncio.get_running_loop().create_task(self._reap())

    async def wait(self) -> int:
        """The exit code as a shell reports it: 128 + N for a process ended by signal N."""
        return await asyncio.shield(self._exit)

    def signal_group(self, number: int) -> None:
        """Send a signal to the shell and everything it started; gone ones are no error."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    async def _reap(self) -> int:
        try:
            fd = os.pidfd_open(self.pid)
        except (AttributeError, OSError):  # no Linux, or a sandbox that forbids it
            _, status = await asyncio.to_thread(os.waitpid, self.pid, 0)
        else:
            try:
                await _readable(fd)
            finally:
                os.close(fd)
            _, status = os.waitpid(self.pid, 0)  # noqa: ASYNC222 - it has ended
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code


def spawn(
    program: str,
    argv: list[str],
    env: Mapping[str, str],
    *,
    stdin: int = -1,
    stdout: int = -1,
    stderr: int = -1,
    terminal: str = "",
) -> Process:
    """Start a program on the given descriptors; `terminal` names a tty that becomes its controlling terminal."""
    actions: list[tuple[int, int, int] | tuple[int, int, str, int, int]] = []
    if terminal:
        actions.append((os.POSIX_SPAWN_OPEN, 0, terminal, os.O_RDWR, 0))
        actions += [(os.POSIX_SPAWN_DUP2, 0, 1), (os.POSIX_SPAWN_DUP2, 0, 2)]
    else:
        actions += [(os.POSIX_SPAWN_DUP2, fd, target) for target, fd in enumerate((stdin, stdout, stderr))]
    # Python ignores SIGPIPE and children inherit that; a phone's shell dies of it as any shell does.
    reset = [signal.SIGPIPE, signal.SIGXFSZ]
    if terminal:
        pid = os.posix_spawn(program, argv, env, file_actions=actions, setsid=True, setsigdef=reset)
    else:
        pid = os.posix_spawn(program, argv, env, file_actions=actions, setpgroup=0, setsigdef=reset)
    return Process(pid)


async def read_some(fd: int, size: int = 65536) -> bytes:
    """The next bytes of a non-blocking descriptor; b"" at its end (a hung-up terminal is one, too)."""
    while True:
        try:
            return os.read(fd, size)
        except BlockingIOError:
            await _readable(fd)
        except OSError:
            return b""


async def write_all(fd: int, data: bytes) -> None:
    """Write to a non-blocking descriptor; raises BrokenPipeError when the reader has gone."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            await _writable(fd)


async def _readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(fd, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_reader(fd)


async def _writable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_writer(fd, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_writer(fd)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
