"""Serves `shell:`, `shell,v2:` and `exec:`: one real shell for each, on pipes or on a terminal.

Stands on `process`, `channel` and `sandbox`; the phone gives the answers. What adbd does is kept, also where it hurts:
the stream ends when every holder of standard output is gone, not when the shell is; without the shell protocol both
outputs come mixed and no exit code comes; before Android 7 a terminal stands between, so that LF arrives as CR LF.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import pty
import re
import signal
import struct
import termios
from collections.abc import Callable
from dataclasses import dataclass

from drivers.sim.adbd import Stream, StreamClosed
from drivers.sim.channel import Channel, Handler
from drivers.sim.process import Process, read_some, spawn, write_all
from drivers.sim.sandbox import PathVeil, Sandbox

__all__ = ["EXIT", "STDERR", "STDIN", "STDOUT", "Request", "frame", "parse_request", "serve_shell"]

STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN, WINDOW_SIZE = range(6)
_FRAME = struct.Struct("<BI")
_GRACE_S = 0.3
"""Time for a script's own traps after a hang-up."""
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Request:
    """What an OPEN asked for.

    Attributes:
        script: the command line, empty for an interactive shell.
        protocol: whether outputs and exit code come in frames (shell protocol v2).
        terminal: whether the shell runs on a terminal.
    """

    script: str
    protocol: bool
    terminal: bool


def parse_request(service: str, *, always_terminal: bool) -> Request | None:
    """The request of a service name such as `shell,v2,TERM=dumb,raw:id`, or None when it is no shell.

    `always_terminal` is adbd before Android 7, which knows no arguments either.
    """
    head, colon, script = service.partition(":")
    kind, *options = head.split(",")
    if not colon or kind not in ("shell", "exec") or (options and (always_terminal or kind == "exec")):
        return None
    if kind == "exec":
        return Request(script, protocol=False, terminal=False)
    terminal = "pty" in options or ("raw" not in options and not script) or always_terminal
    return Request(script, protocol="v2" in options, terminal=terminal)


def frame(kind: int, data: bytes) -> bytes:
    """One frame of the shell protocol."""
    return _FRAME.pack(kind, len(data)) + data


async def serve_shell(
    stream: Stream,
    request: Request,
    sandbox: Sandbox,
    handler: Handler,
    *,
    exit_code: Callable[[int], int | None] = lambda code: code,
) -> None:
    """Run the request to its end; `exit_code` may change the code, or keep the exit packet back by giving None."""
    channel = Channel(f"{sandbox.channels}/{next(_numbers)}", handler, lines=sandbox.shell.lines)
    run = _Run(stream, request, sandbox)
    try:
        run.start(channel)
        code = await run.outputs()
        kept = exit_code(code)
        if request.protocol and kept is not None:
            await stream.write(frame(EXIT, bytes([kept & 0xFF])))
    finally:
        await run.close()
        channel.close()


def _hang_up(process: Process, sandbox: Sandbox) -> None:
    """SIGHUP as adbd sends it; and since nothing may outlive the bench, the end a little later."""

    def end() -> None:
        process.signal_group(signal.SIGKILL)
        sandbox.running.discard(process)

    process.signal_group(signal.SIGHUP)
    asyncio.get_running_loop().call_later(_GRACE_S, end)


class _Run:
    """One shell and its descriptors."""

    def __init__(self, stream: Stream, request: Request, sandbox: Sandbox) -> None:
        self._stream, self._request, self._sandbox = stream, request, sandbox
        self._process: Process | None = None
        self._stdin = -1
        self._outputs: list[tuple[int, int]] = []
        self._pumping: list[asyncio.Task[None]] = []
        self._feeding: asyncio.Task[None] | None = None

    def start(self, channel: Channel) -> None:
        """Start the shell."""
        env = self._sandbox.environment(channel.folder)
        shell = self._sandbox.shell.path
        if self._request.script:
            script = self._sandbox.inward(self._request.script)
            argv = ["/system/bin/sh", "-c", f'. "$SIM_PRELUDE"; {script}']
        else:
            argv, env["ENV"] = ["/system/bin/sh", "-i"], str(self._sandbox.prelude)
        if self._request.terminal:
            self._start_on_terminal(shell, argv, env)
        else:
            self._start_on_pipes(shell, argv, env)
        assert self._process is not None  # noqa: S101 - both ways start one
        self._sandbox.running.add(self._process)
        self._feeding = asyncio.get_running_loop().create_task(self._feed())

    async def outputs(self) -> int:
        """Pass on what the shell prints until all is said; its exit code."""
        loop = asyncio.get_running_loop()
        self._pumping = [loop.create_task(self._pass_on(fd, kind)) for fd, kind in self._outputs]
        await asyncio.gather(*self._pumping)
        assert self._process is not None  # noqa: S101 - start() came first
        return await self._process.wait()

    async def close(self) -> None:
        """Hang up: end the shell and whatever it left running."""
        tasks = [*self._pumping, *([self._feeding] if self._feeding is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # before their descriptors are closed
        if self._process is not None:
            _hang_up(self._process, self._sandbox)
        for fd in {self._stdin, *(fd for fd, _ in self._outputs)} - {-1}:
            os.close(fd)

    def _start_on_pipes(self, shell: str, argv: list[str], env: dict[str, str]) -> None:
        theirs_in, self._stdin = os.pipe()
        out, theirs_out = os.pipe()
        self._outputs = [(out, STDOUT)]
        theirs_err = theirs_out
        if self._request.protocol:
            err, theirs_err = os.pipe()
            self._outputs.append((err, STDERR))
        try:
            self._process = spawn(shell, argv, env, stdin=theirs_in, stdout=theirs_out, stderr=theirs_err)
        finally:
            for fd in {theirs_in, theirs_out, theirs_err}:
                os.close(fd)
        for fd in (self._stdin, *(fd for fd, _ in self._outputs)):
            os.set_blocking(fd, False)

    def _start_on_terminal(self, shell: str, argv: list[str], env: dict[str, str]) -> None:
        ours, theirs = pty.openpty()
        self._stdin, self._outputs = ours, [(ours, STDOUT)]
        try:
            self._process = spawn(shell, argv, env, terminal=os.ttyname(theirs))
        finally:
            os.close(theirs)
        os.set_blocking(ours, False)

    async def _pass_on(self, fd: int, kind: int) -> None:
        veil = PathVeil(self._sandbox.root)
        while chunk := await read_some(fd):
            await self._say(kind, veil.pass_on(chunk))
        await self._say(kind, veil.rest())

    async def _say(self, kind: int, data: bytes) -> None:
        if data:
            await self._stream.write(frame(kind, data) if self._request.protocol else data)

    async def _feed(self) -> None:
        """Give the host's bytes to the shell; a stream that the host closes hangs up."""
        buffer = b""
        with contextlib.suppress(StreamClosed, BrokenPipeError):
            while data := await self._stream.read():
                if not self._request.protocol:
                    await self._to_stdin(data)
                    continue
                buffer += data
                while len(buffer) >= _FRAME.size:
                    kind, size = _FRAME.unpack_from(buffer)
                    if len(buffer) < _FRAME.size + size:
                        break
                    await self._on_frame(kind, buffer[_FRAME.size : _FRAME.size + size])
                    buffer = buffer[_FRAME.size + size :]
        if self._stream.closed and self._process is not None:
            _hang_up(self._process, self._sandbox)

    async def _on_frame(self, kind: int, data: bytes) -> None:
        if kind == STDIN:
            await self._to_stdin(data)
        elif kind == CLOSE_STDIN:
            if self._request.terminal:
                await self._to_stdin(b"\x04")
            elif self._stdin >= 0:
                os.close(self._stdin)
                self._stdin = -1
        elif kind == WINDOW_SIZE and self._request.terminal:
            # "ROWSxCOLSxXPIXELSxYPIXELS"
            match = re.fullmatch(rb"(\d+)x(\d+),(\d+)x(\d+)\0?", data)
            if match:
                termios.tcsetwinsize(self._stdin, (int(match[1]), int(match[2])))

    async def _to_stdin(self, data: bytes) -> None:
        if self._stdin >= 0:
            with contextlib.suppress(BrokenPipeError):
                await write_all(self._stdin, data)
