"""The processes in which probes say what they make of answers (`station.onlooker`), as the engine uses them.

A long log takes a parser seconds, and one that a phone made up may keep it for ever: in a process of its own it holds
up nobody, and one that does not come through is ended and told as the bench's own failure. Where there are no such
processes the engine lets the probe look itself. Stands on `station.looking`; it knows no run.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from probes.api import Loaded
from station.looking import Look, ProbeBroke, Told, TookTooLong
from station.onlooker import FRAME, identity_of, packed_look, told_of

__all__ = ["Onlookers"]

_log = logging.getLogger(__name__)

#: More processes than this have nothing to do: what the engine does itself takes longer.
MOST = 3
_ROOT = Path(__file__).resolve().parent.parent
#: Seconds between looks whether a probe is over its time; after which no other waits behind one; after which there is
#: one process more.
WATCH_S, HELD_S, STUCK_S = 0.02, 0.04, 0.5
#: Seconds until a process that ended begins again; doubled each time that it did not get to work, up to the second.
AGAIN_S, SELDOM_S = 0.5, 60.0
#: Seconds that a process gets to load the probes, and one whose output has ended to end itself.
LOAD_S, END_S = 60.0, 1.0


class _Asked(NamedTuple):
    limit_s: float
    told: asyncio.Future[Told | None]


class _Onlooker(asyncio.SubprocessProtocol):
    """One process: what it was asked, in order, and since when it is at the first of it.

    Args:
        long: it is asked about long answers, behind which others may wait, and nothing else.
        free: called when it was held up and is not any more, or has ended.
        stuck: called when it is held up for so long that another one should be there instead.

    Attributes:
        identity: which probes it has, once it says so.
        ended: when it has; nothing is left that it was asked.
        held: whether it is at something that others must not wait for.
    """

    transport: asyncio.SubprocessTransport

    def __init__(self, long: bool, free: Callable[[], None], stuck: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self.long, self._free, self._stuck = long, free, stuck
        self.identity: asyncio.Future[str] = self._loop.create_future()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self.asked: deque[_Asked] = deque()
        self.held = False
        self._since, self._told_stuck, self._late = 0.0, False, False
        self._timer: asyncio.TimerHandle | None = None
        self._heard = bytearray()

    def ask(self, frame: bytes, limit_s: float) -> asyncio.Future[Told | None]:
        """What is told of a look; None when it can't wait here."""
        if not self.asked:
            self._since = self._loop.time()
        one = _Asked(limit_s, self._loop.create_future())
        self.asked.append(one)
        pipe: Any = self.transport.get_pipe_transport(0)
        pipe.write(frame)
        if self._timer is None:
            self._timer = self._loop.call_later(WATCH_S, self._watch)
        return one.told

    def kill(self) -> None:
        """End it, whatever it is at."""
        with suppress(ProcessLookupError):
            self.transport.kill()

    # --- what the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)  # noqa: S101 - a process has no other
        self.transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._heard += data
        try:
            while len(self._heard) >= FRAME.size:
                end = FRAME.size + FRAME.unpack_from(self._heard)[0]
                if len(self._heard) < end:
                    return
                said = pickle.loads(bytes(self._heard[FRAME.size : end]))  # noqa: S301 - our own process
                del self._heard[:end]
                self._take(said)
        except Exception as error:  # it does not speak as agreed: nothing more of it counts
            _log.warning("onlooker: %r", error)
            self._heard.clear()
            self.kill()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended and all that it said is read: the look that it ended with is told as that; what it did not come
        to is for others."""
        broke = ProbeBroke(f"its process ended ({_ended_by(self.transport.get_returncode())})")
        if self.asked:
            self._tell(Told(error=TookTooLong(self.asked[0].limit_s) if self._late else broke))
        while self.asked:
            self._tell(None)
        if not self.identity.done():
            self.identity.set_exception(EOFError("it ended before it said which probes it has"))
            self.identity.exception()  # nobody may be there to hear it
        self.ended.set_result(None)
        self._free()

    def _take(self, said: object) -> None:
        if not self.identity.done():
            self.identity.set_result(str(said))
        else:
            self._tell(told_of(said))

    def _tell(self, told: Told | None) -> None:
        one = self.asked.popleft()
        self._since = self._loop.time()
        if not one.told.done():  # whoever asked may be gone, or have been sent away
            one.told.set_result(told)
        if self.held:
            self.held = False
            self._free()

    def _watch(self) -> None:
        """End the process when a probe is over its time; long before that send those away that wait behind one."""
        self._timer = None
        if not self.asked or self.ended.done():
            return
        spent_s = self._loop.time() - self._since
        if spent_s > self.asked[0].limit_s:
            self._late = True
            self.kill()
            return
        if spent_s > HELD_S and not self.long:
            self.held = True
            for one in islice(self.asked, 1, None):
                if not one.told.done():
                    one.told.set_result(None)
        if spent_s > STUCK_S and not self._told_stuck:
            self._told_stuck = True
            self._stuck()
        self._timer = self._loop.call_later(WATCH_S, self._watch)


class Onlookers:
    """As many processes as help, each begun again when it ends: some for short answers, some for long ones.

    Args:
        loaded: the engine's probes: a process with other ones is not asked.
        count: how many of each; by default by the processors that the computer has, and two at least for short answers,
            since one may be held up.
        factory: `module:function` that gives the probes where `discover` does not.
    """

    def __init__(self, loaded: Loaded, count: int | None = None, factory: str = "") -> None:
        self._identity, self._factory = identity_of(loaded.origins), factory
        processors = os.cpu_count() or 1
        self._count = {
            False: count or max(2, min(MOST, processors - 1)),
            True: count or max(1, min(MOST, processors // 2)),
        }
        self._there: list[_Onlooker] = []
        self._hope = {False: False, True: False}  # by kind: one was there, and will be again
        self._more: set[asyncio.Task[bool]] = set()
        self._news = asyncio.Event()

    @property
    def ready(self) -> bool:
        """Whether all are there."""
        return len(self.pids) >= sum(self._count.values())

    @property
    def pids(self) -> list[int]:
        """The processes that can be asked."""
        return [one.transport.get_pid() or 0 for one in self._there if not one.ended.done()]

    async def run(self) -> None:
        """Have the processes, until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for long, count in self._count.items():
                    for _ in range(count):
                        group.create_task(self._keep(long))
        finally:
            for task in self._more:
                task.cancel()
            await asyncio.gather(*self._more, return_exceptions=True)

    async def tell(self, looks: Sequence[Look], limits_s: Sequence[float]) -> list[Told | None]:
        """What the probes say of each look, which has so many seconds; None where there are no such processes."""
        told: list[Told | None] = [None] * len(looks)
        left = list(range(len(looks)))
        frames = [
            await asyncio.to_thread(packed_look, *about) if about[0].long else packed_look(*about)
            for about in zip(looks, limits_s, strict=True)
        ]
        while left:
            news = self._news
            asked = [(at, one.ask(frames[at], limits_s[at])) for at, one in self._able(looks, left)]
            if asked:
                await asyncio.gather(*(said for _, said in asked))
            elif any(self._hope[looks[at].long] for at in left):
                await news.wait()
            else:
                break
            for at, said in asked:
                told[at] = said.result()
            left = [at for at in left if told[at] is None]
        return told

    def _able(self, looks: Sequence[Look], left: Sequence[int]) -> Iterator[tuple[int, _Onlooker]]:
        """Who can be asked now, with the one of its kind that has least to do."""
        for at in left:
            free = [one for one in self._there if one.long is looks[at].long and not (one.held or one.ended.done())]
            if free:
                yield at, min(free, key=lambda each: len(each.asked))

    def _tell_news(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _stand_in(self) -> None:
        """Have one more, since one is held up."""
        if len(self._more) < MOST:
            task = asyncio.create_task(self._try(False))
            self._more.add(task)
            task.add_done_callback(self._more.discard)

    async def _keep(self, long: bool) -> None:
        again_s = AGAIN_S
        while True:
            worked = await self._try(long)
            again_s = AGAIN_S if worked else min(2 * again_s, SELDOM_S)
            await asyncio.sleep(again_s)

    async def _try(self, long: bool) -> bool:
        """Have one process until it ends; whether it got to work."""
        try:
            await self._serve(long)
        except (OSError, EOFError, ValueError) as error:
            _log.warning("onlooker: %s", error)
            self._hope[long] = any(one.long is long for one in self._there)
            self._tell_news()
            return False
        return True

    async def _serve(self, long: bool) -> None:
        command = [sys.executable, "-m", "station.onlooker", "long" if long else "short", self._factory]
        _, onlooker = await asyncio.get_running_loop().subprocess_exec(
            lambda: _Onlooker(long, self._tell_news, self._stand_in), *command, stderr=None, cwd=_ROOT
        )
        try:
            async with asyncio.timeout(LOAD_S):
                identity = await asyncio.shield(onlooker.identity)
            if identity != self._identity:
                raise ValueError("other probes are on the disk than the engine began with")
            self._there.append(onlooker)
            self._hope[long] = True
            self._tell_news()
            await asyncio.shield(onlooker.ended)
        finally:
            if onlooker in self._there:
                self._there.remove(onlooker)
            if not onlooker.ended.done():
                onlooker.kill()
                with suppress(TimeoutError):
                    async with asyncio.timeout(END_S):
                        await asyncio.shield(onlooker.ended)
            onlooker.transport.close()


def _ended_by(code: int | None) -> str:
    with suppress(ValueError):
        return signal.Signals(-(code or 0)).name
    return f"exit code {code}"
