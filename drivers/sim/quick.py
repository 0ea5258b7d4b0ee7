"""Plays a batch script of the station, or one plain command, without a shell: for benches whose host must stay free.

A real phone brings its own processor. A simulated one takes this machine's: a shell, and a fork for each command, cost
more than the adb server and the station together, so that a benchmark with many phones would measure the phones. Here
only scripts of the shape that `drivers.adb_script` composes are understood, and of these only commands that the phone
answers by itself, if need be under a condition on one property; everything else still runs in the phone's own shell.
Stands on `channel` for replies.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace

from drivers.sim.adbd import Stream
from drivers.sim.channel import Handler, Reply
from drivers.sim.shell import EXIT, STDERR, STDOUT, Request, frame

__all__ = ["Script", "Step", "play", "understood"]

_BATCH = re.compile(r"exec </dev/null\na_K=(?P<key>\w+)\n(?P<frame>.*?)\na_n (?P<header>\w+)\n(?P<lines>.*)", re.DOTALL)
_LINE = re.compile(r"a_s (?P<s>[\d.]+);\( (?P<command>.*) \) 3>&-;a_e=\$\?;a_q;a_n (?P<token>\w+)")
_REDIRECTED = re.compile(r"(?P<command>.*?)(?: +(?P<stderr>2> ?/dev/null|2>&1))?", re.DOTALL)
_EVAL = re.compile(r"eval '(?P<command>[^']*)'")
_BRANCH = r'if \[ "\$\(getprop (?P<name>[\w.]+)\)" -ge (?P<least>\d+) \]; then (?P<command>[^;]*);'
_GUARDED = re.compile(f"{_BRANCH}(?P<more>(?: el{_BRANCH.replace('?P<', '?P<e')})?) fi")
_ELSE = re.compile(f" el{_BRANCH}")
_PLAIN = re.compile(r"[\w./:=,@%+^ '\"-]+", re.ASCII)
_KILLED = 137
_SHELL_USER = "2000"


@dataclass(frozen=True, slots=True)
class Step:
    """One command.

    Attributes:
        words: the program and its arguments.
        timeout_s: seconds that it may take; None is for ever.
        mark: its end mark.
        errors: where its errors go: empty, `drop` or `merge`.
        least: a property and the number that it must at least have for the command to run.
        other: what is run where it has less.
    """

    words: tuple[str, ...]
    timeout_s: float | None = None
    mark: str = ""
    errors: str = ""
    least: tuple[str, int] | None = None
    other: Step | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """What is played: `header` comes before the first command, `marks_errors` puts each mark on both outputs."""

    steps: tuple[Step, ...]
    header: str = ""
    marks_errors: bool = False


def understood(text: str, programs: Collection[str]) -> Script | None:
    """The script, if all of it can be played here; None: it takes a shell.

    Args:
        text: what a host asked the phone's shell to do.
        programs: what the phone answers by itself.
    """
    batch = _BATCH.fullmatch(text)
    if batch is None:
        step = _step(text, programs)
        return None if step is None else Script((step,))
    steps = []
    for line in batch["lines"].splitlines():
        found = _LINE.fullmatch(line)
        step = found and _step(found["command"], programs, float(found["s"]), batch["key"] + found["token"])
        if not step:
            return None
        steps.append(step)
    return Script(tuple(steps), batch["key"] + batch["header"], marks_errors=">&2" in batch["frame"])


def _step(text: str, programs: Collection[str], timeout_s: float | None = None, mark: str = "") -> Step | None:
    evaluated = _EVAL.fullmatch(text)
    text = evaluated["command"] if evaluated else text
    if guarded := _GUARDED.fullmatch(text):
        return _guarded(guarded, programs, timeout_s, mark)
    found = _REDIRECTED.fullmatch(text)
    if found is None or not _PLAIN.fullmatch(found["command"]):
        return None
    with suppress(ValueError):
        words = tuple(shlex.split(found["command"]))
        if words and words[0] in programs:
            errors = {None: "", "2>&1": "merge"}.get(found["stderr"], "drop")
            return Step(words, timeout_s, mark, errors)
    return None


def _guarded(
    found: re.Match[str], programs: Collection[str], timeout_s: float | None = None, mark: str = ""
) -> Step | None:
    """A command under a condition, and the other under its own where there is one."""
    step, more = _step(found["command"], programs, timeout_s, mark), found.groupdict().get("more")
    other = _ELSE.fullmatch(more) if more else None
    under = _guarded(other, programs) if other else None
    if step is None or (more and under is None):
        return None
    return replace(step, least=(found["name"], int(found["least"])), other=under)


async def play(
    stream: Stream, request: Request, script: Script, handler: Handler, exit_code: Callable[[int], int | None]
) -> None:
    """Answer the script's commands one after the other; `exit_code` as for `shell.serve_shell`."""
    said = _Outputs(stream, framed=request.protocol)
    if script.header:
        await said.mark(script.header, 0, both=script.marks_errors)
    code, loop = 0, asyncio.get_running_loop()
    for step in script.steps:
        began_s = loop.time()
        try:
            async with asyncio.timeout(step.timeout_s):
                code = await _run(step, handler, began_s, said)
        except TimeoutError:
            code = _KILLED
        if step.mark:
            await said.mark(step.mark, code, both=script.marks_errors)
    await said.flush()
    kept = exit_code(0 if script.header else code)
    if request.protocol and kept is not None:
        await stream.write(frame(EXIT, bytes([kept & 0xFF])))


async def _run(step: Step, handler: Handler, began_s: float, said: _Outputs) -> int:
    if step.least is not None and not await _has(*step.least, handler, began_s):
        return 0 if step.other is None else await _run(step.other, handler, began_s, said)
    reply: Reply = await handler([_SHELL_USER, *step.words], began_s)
    errors = f"{reply.stderr.rstrip()}\n".encode() if reply.stderr and step.errors != "drop" else b""
    if errors:
        said.add(STDOUT if step.errors == "merge" else STDERR, errors)
    if isinstance(reply.stdout, bytes):
        said.add(STDOUT, reply.stdout)
    else:
        await _follow(reply.stdout, said)
    return reply.code


async def _has(name: str, least: int, handler: Handler, began_s: float) -> bool:
    said = (await handler([_SHELL_USER, "getprop", name], began_s)).stdout
    return isinstance(said, bytes) and said.strip().isdigit() and int(said) >= least


async def _follow(chunks: AsyncIterator[bytes], said: _Outputs) -> None:
    async for chunk in chunks:
        said.add(STDOUT, chunk)
        await said.flush()


class _Outputs:
    """Both outputs of the script; what is said between two waits of the phone leaves in one piece, as adbd sends it."""

    def __init__(self, stream: Stream, *, framed: bool) -> None:
        self._write: Callable[[bytes], Awaitable[None]] = stream.write
        self._framed = framed
        self._out, self._err = bytearray(), bytearray()
        self._flushed_s = time.monotonic()

    def add(self, kind: int, data: bytes) -> None:
        """Say something."""
        (self._err if kind == STDERR and self._framed else self._out).extend(data)

    async def mark(self, mark: str, code: int, *, both: bool) -> None:
        """Say an end mark. The phone's commands that take no time leave together."""
        self.add(STDOUT, f"{mark} {code} {time.time():.6f}\n".encode())
        if both:
            self.add(STDERR, f"{mark}\n".encode())
        if time.monotonic() - self._flushed_s > _TOGETHER_S or len(self._out) > _MOST_TOGETHER:
            await self.flush()

    async def flush(self) -> None:
        """Send what was said."""
        pieces = [(STDOUT, self._out), (STDERR, self._err)]
        data = b"".join(frame(kind, bytes(said)) if self._framed else bytes(said) for kind, said in pieces if said)
        self._out.clear()
        self._err.clear()
        self._flushed_s = time.monotonic()
        if data:
            await self._write(data)


_TOGETHER_S = 0.001
"""What comes within a millisecond is in the pipe together when adbd's thread gets to read it."""
_MOST_TOGETHER = 64 * 1024
"""Bytes that wait in a pipe at most (Linux, pipe(7)): a shell that has written so much waits until adbd has read it."""
