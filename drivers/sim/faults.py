"""What can go wrong between a phone and the bench, on demand: which stream or command it hits and how.

Data and the stream mutilator; which fault is armed when is the phone's business (`bench`).
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from drivers.sim.channel import Reply

__all__ = ["ArmedFaults", "Cut", "Fault", "FaultKind", "Mutilator", "spoilt"]


class FaultKind(StrEnum):
    """The ways to go wrong."""

    DELAY = "delay"
    """Answers `seconds` late."""
    HANG = "hang"
    """Never answers (`after_bytes` = 0), or stops in the middle."""
    DRIBBLE = "dribble"
    """One byte at a time, `seconds` apart."""
    CUT = "cut"
    """Ends after `after_bytes`: the stream closes without an exit packet unless `exit_code` is given."""
    GARBAGE = "garbage"
    """Random bytes instead of the output from `after_bytes` on; a whole stream's framing breaks, too."""
    FLOOD = "flood"
    """`size` bytes of output that nobody asked for."""
    FLAP = "flap"
    """The connection drops after `after_bytes` and the phone is back after `seconds`."""
    EXIT_CODE = "exit-code"
    """The right output and the exit code `exit_code`."""
    NO_EXIT = "no-exit"
    """The right output, then the stream closes without an exit packet."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and what it hits.

    Attributes:
        kind: what goes wrong.
        service: regular expression searched in the name of an opened service (`shell,v2,raw:getprop`, `sync:`);
            None hits no service as a whole.
        command: regular expression searched in a command line as the phone's shell runs it (`dumpsys battery`);
            None hits no single command. With neither given, every service is hit.
        seconds: for delay, dribble (between bytes) and flap (until it is back).
        after_bytes: bytes that still arrive as they should.
        size: bytes of a flood.
        exit_code: for exit-code; for cut, the code of the exit packet that follows the stump.
        times: how often it strikes; None is always.
    """

    kind: FaultKind
    service: str | None = None
    command: str | None = None
    seconds: float = 0.0
    after_bytes: int = 0
    size: int = 100 * 1024 * 1024
    exit_code: int | None = None
    times: int | None = None

    def hits_service(self, name: str) -> bool:
        """Whether it strikes a stream opened for `name`."""
        if self.service is None:
            return self.command is None
        return re.search(self.service, name) is not None

    def hits_command(self, line: str) -> bool:
        """Whether it strikes the command `line`."""
        return self.command is not None and re.search(self.command, line) is not None


class Cut(Exception):
    """The fault ends the output here."""


class ArmedFaults:
    """The faults that a phone has armed, and how often each may still strike."""

    def __init__(self) -> None:
        self._armed: list[tuple[Fault, int | None]] = []

    def __iter__(self) -> Iterator[Fault]:
        return iter([fault for fault, _ in self._armed])

    def set(self, faults: Sequence[Fault]) -> None:
        """Arm these and no others."""
        self._armed = [(fault, fault.times) for fault in faults]

    def strike_service(self, name: str) -> Fault | None:
        """The first fault that hits an opened service; it counts as having struck."""
        return self._strike(lambda fault: fault.hits_service(name))

    def strike_command(self, line: str) -> Fault | None:
        """The first fault that hits a command; it counts as having struck."""
        return self._strike(lambda fault: fault.hits_command(line))

    def _strike(self, hits: Callable[[Fault], bool]) -> Fault | None:
        for place, (fault, left) in enumerate(self._armed):
            if left != 0 and hits(fault):
                self._armed[place] = (fault, None if left is None else left - 1)
                return fault
        return None


async def spoilt(reply: Reply, fault: Fault, flap: Callable[[float], None]) -> Reply:
    """What a command gives back when `fault` hits it; never returns where it hangs from the start."""
    kind = fault.kind
    if kind is FaultKind.DELAY:
        await asyncio.sleep(fault.seconds)
        return reply
    if kind is FaultKind.HANG and fault.after_bytes == 0:
        await asyncio.Event().wait()
    if kind is FaultKind.FLAP and fault.after_bytes == 0:
        flap(fault.seconds)
    code = reply.code if fault.exit_code is None else fault.exit_code
    if kind is FaultKind.EXIT_CODE:
        return replace(reply, code=code)
    if kind is FaultKind.CUT and isinstance(reply.stdout, bytes):
        return replace(reply, stdout=reply.stdout[: fault.after_bytes], code=code)
    return replace(reply, stdout=_spoilt_stream(reply, fault, flap))


async def _spoilt_stream(reply: Reply, fault: Fault, flap: Callable[[float], None]) -> AsyncIterator[bytes]:
    ready: list[bytes] = []

    async def collect(data: bytes) -> None:
        ready.append(data)

    mutilator = Mutilator(fault, collect, flap)
    if fault.kind is FaultKind.FLOOD:
        for block in _flood(fault.size):
            yield block
        return
    async for chunk in _chunks(reply.stdout):
        for piece in _pieces(chunk, fault):
            try:
                await mutilator.write(piece)
            except Cut:
                return
            while ready:
                yield ready.pop(0)


def _pieces(chunk: bytes, fault: Fault) -> list[bytes]:
    """What arrives before the fault and after it, apart; each byte of a dribble on its own."""
    if fault.kind is FaultKind.DRIBBLE:
        return [chunk[at : at + 1] for at in range(len(chunk))]
    return [piece for piece in (chunk[: fault.after_bytes], chunk[fault.after_bytes :]) if piece]


async def _chunks(stdout: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(stdout, bytes):
        yield stdout
        return
    async for chunk in stdout:
        yield chunk


def _flood(size: int) -> Iterator[bytes]:
    block = b"the quick brown fox jumps over the lazy dog 0123456789 the quick\n" * 1024
    for start in range(0, size, len(block)):
        yield block[: size - start]


class Mutilator:
    """Passes bytes on as one fault lets them through."""

    def __init__(self, fault: Fault, write: Callable[[bytes], Awaitable[None]], flap: Callable[[float], None]) -> None:
        self._fault, self._write, self._flap = fault, write, flap
        self._passed = 0
        self._chance = random.Random(0)  # noqa: S311 - the same garbage each time
        self._turn = asyncio.Lock()

    async def write(self, data: bytes) -> None:
        """Pass `data` on; raises `Cut` where the output ends, and never returns where it hangs.

        Frames of two outputs that are written side by side do not mix, however slowly one of them passes.
        """
        async with self._turn:
            await self._write_in_turn(data)

    async def _write_in_turn(self, data: bytes) -> None:
        room = max(self._fault.after_bytes - self._passed, 0)
        whole, rest = data[:room], data[room:]
        self._passed += len(data)
        if whole:
            await self._write(whole)
        if rest:
            await self._spoil(rest)

    async def _spoil(self, data: bytes) -> None:
        kind = self._fault.kind
        if kind is FaultKind.HANG:
            await asyncio.Event().wait()
        elif kind is FaultKind.CUT:
            raise Cut
        elif kind is FaultKind.FLAP:
            self._flap(self._fault.seconds)
            raise Cut
        elif kind is FaultKind.DRIBBLE:
            for byte in data:
                await self._write(bytes([byte]))
                await asyncio.sleep(self._fault.seconds)
        elif kind is FaultKind.GARBAGE:
            await self._write(self._chance.randbytes(len(data)))
        else:
            await self._write(data)

    async def flood(self) -> None:
        """Pour `size` bytes."""
        for block in _flood(self._fault.size):
            await self._write(block)
