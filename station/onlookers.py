"""The processes in which probes say what they make of answers (`station.onlooker`), as the engine uses them.

A long log takes a parser seconds, and one that a phone made up may keep it for ever: in a process of its own it holds
up nobody, and one that does not come through is ended and told as the bench's own failure. Where there is no such
process the engine lets the probe look itself. Stands on `station.looking`; it knows no run.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from probes.api import Loaded
from station.looking import Look, ProbeBroke, Told, TookTooLong
from station.onlooker import FRAME, identity_of, packed

__all__ = ["Onlookers"]

_log = logging.getLogger(__name__)

#: More processes than this have nothing to do: what the engine does itself takes longer.
MOST = 3
_ROOT = Path(__file__).resolve().parent.parent
#: Seconds between looks whether a probe is over its time.
WATCH_S = 0.1
#: Seconds until a process that ended begins again; doubled each time that it did not get to work, up to the second.
AGAIN_S, SELDOM_S = 0.5, 60.0
#: Seconds that a process whose output has ended gets to end itself.
END_S = 1.0
#: Seconds that a process gets to load the probes.
LOAD_S = 60.0


@dataclass(slots=True)
class _Asked:
    limit_s: float
    told: asyncio.Future[Told | None]


@dataclass(slots=True, eq=False)
class _Onlooker:
    """One process: what it was asked, in order, and since when it is at the first of it."""

    process: asyncio.subprocess.Process
    asked: deque[_Asked] = field(default_factory=deque)
    since: float = 0.0
    late: bool = False

    def ask(self, frame: bytes, limit_s: float) -> asyncio.Future[Told | None]:
        loop = asyncio.get_running_loop()
        if not self.asked:
            self.since = loop.time()
        one = _Asked(limit_s, loop.create_future())
        self.asked.append(one)
        assert self.process.stdin is not None  # noqa: S101 - it was asked for
        self.process.stdin.write(frame)
        return one.told

    def hear(self, told: Told | None) -> None:
        one = self.asked.popleft()
        self.since = asyncio.get_running_loop().time()
        if not one.told.done():  # whoever asked may be gone
            one.told.set_result(told)

    async def watch(self) -> None:
        """End the process when a probe is over its time."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(WATCH_S)
            if self.asked and loop.time() - self.since > self.asked[0].limit_s:
                self.late = True
                self.kill()
                return

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()


class Onlookers:
    """As many processes as help, each begun again when it ends.

    Args:
        loaded: the engine's probes: a process with other ones is not asked.
        count: how many processes; by default one less than the computer has processors, one at least.
        factory: `module:function` that gives the probes where `discover` does not.
    """

    def __init__(self, loaded: Loaded, count: int | None = None, factory: str = "") -> None:
        self._identity, self._factory = identity_of(loaded.origins), factory
        self._count = count if count is not None else max(1, min(MOST, (os.cpu_count() or 1) - 1))
        self._ready: list[_Onlooker] = []

    @property
    def ready(self) -> bool:
        """Whether one can be asked."""
        return bool(self._ready)

    async def run(self) -> None:
        """Have the processes, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._count):
                group.create_task(self._keep())

    async def tell(self, looks: Sequence[Look], limits_s: Sequence[float]) -> list[Told | None]:
        """What the probes say of each look, which has so many seconds; None where nobody could be asked."""
        if not self._ready:
            return [None] * len(looks)
        onlooker = min(self._ready, key=lambda each: len(each.asked))
        return await asyncio.gather(
            *(onlooker.ask(packed((look, limit_s)), limit_s) for look, limit_s in zip(looks, limits_s, strict=True))
        )

    async def _keep(self) -> None:
        again_s = AGAIN_S
        while True:
            try:
                worked = await self._serve()
            except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
                _log.warning("onlooker: %r", error)
                worked = False
            again_s = AGAIN_S if worked else min(2 * again_s, SELDOM_S)
            await asyncio.sleep(again_s)

    async def _serve(self) -> bool:
        """Have one process until it ends; whether it got to work."""
        command = [sys.executable, "-m", "station.onlooker", *([self._factory] if self._factory else [])]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=_ROOT,
        )
        onlooker = _Onlooker(process)
        watching: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(LOAD_S):
                identity = await _frame(process)
            if identity != self._identity:
                raise ValueError("other probes are on the disk than the engine began with")
            self._ready.append(onlooker)
            watching = asyncio.create_task(onlooker.watch())
            with suppress(asyncio.IncompleteReadError):
                while True:
                    onlooker.hear(await _frame(process))
            self._ready.remove(onlooker)
            with suppress(TimeoutError):  # its end is on the way; to kill it now would hide how it ended
                async with asyncio.timeout(END_S):
                    await process.wait()
            return True
        finally:
            if onlooker in self._ready:
                self._ready.remove(onlooker)
            if watching is not None:
                watching.cancel()
            if process.returncode is None:
                onlooker.kill()
            self._give_back(onlooker, await process.wait())

    def _give_back(self, onlooker: _Onlooker, code: int) -> None:
        """The look that its process ended with is told as that; what it did not come to is nobody's."""
        first = True
        while onlooker.asked:
            limit_s = onlooker.asked[0].limit_s
            broke = ProbeBroke(f"its process ended ({_ended_by(code)})")
            error = TookTooLong(limit_s) if onlooker.late else broke
            onlooker.hear(Told(error=error) if first else None)
            first = False


async def _frame(process: asyncio.subprocess.Process) -> Any:
    """The next thing that a process tells."""
    assert process.stdout is not None  # noqa: S101 - it was asked for
    head = await process.stdout.readexactly(FRAME.size)
    return pickle.loads(await process.stdout.readexactly(FRAME.unpack(head)[0]))  # noqa: S301 - our own process


def _ended_by(code: int) -> str:
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"exit code {code}"
