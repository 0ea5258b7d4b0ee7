"""The processes in which probes say what they make of answers (`station.onlooker`), as the engine uses them.

A long log takes a parser seconds, and one that a phone made up may keep it for ever: in a process of its own it holds
up nobody, and one that does not come through is ended and told as the bench's own failure. A process has the looks of
one run at a time and is given the next ones when it is through, so that no phone waits behind another's, and what it
ends with is known. Where there are no such processes the engine lets the probe look itself. Stands on
`station.looking`; it knows no run.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from probes.api import Loaded
from station.looking import Look, ProbeBroke, Told, TookTooLong
from station.onlooker import FRAME, MOST_BYTES, identity_of, packed_look, plain, told_of

__all__ = ["Onlookers"]

_log = logging.getLogger(__name__)

#: More processes than this have nothing to do: what the engine does itself takes longer. As many stand in at most.
MOST = 3
#: Seconds between looks whether a probe is over its time; after which there is one process more.
WATCH_S, STUCK_S = 0.05, 0.3
#: Seconds after the first phone until they are begun; a station that only keeps records has none.
BEGIN_S = 1.0
#: Seconds until a start that failed is tried again; doubled each time, up to the second.
AGAIN_S, SELDOM_S = 0.5, 60.0
#: Seconds that a process gets to load the probes, and one that was told to end to do so.
LOAD_S, END_S = 60.0, 1.0
#: What a process runs: with the engine's own path, so that it finds the same probes.
_CODE = "import sys; sys.path[:] = sys.argv[3:]; from station.onlooker import main; main()"


@dataclass(slots=True, eq=False)
class _Job:
    """Looks of one run, of one kind.

    Attributes:
        told: what was told of each, so far of the first `at`.
        tried: how many processes ended with the next one.
    """

    long: bool
    looks: Sequence[Look]
    limits_s: Sequence[float]
    told: list[Told | None]
    done: asyncio.Future[None]
    at: int = 0
    tried: int = 0

    def tell(self, told: Told) -> None:
        """What was told of the next one."""
        self.told[self.at] = told
        self.at += 1
        self.tried = 0
        if self.at == len(self.looks):
            self.finish()

    def finish(self) -> None:
        """Nothing more comes."""
        if not self.done.done():
            self.done.set_result(None)


class _Onlooker(asyncio.SubprocessProtocol):
    """One process, and the job that it is at.

    Attributes:
        identity: which probes it has, once it says so.
        ended: when it has.
        leaving: it is about to end; nothing that it still says counts.
        stuck: whether it is at one look for long.
    """

    transport: asyncio.SubprocessTransport

    def __init__(self, pool: Onlookers, long: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._pool, self.long = pool, long
        self.identity: asyncio.Future[str] = self._loop.create_future()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self.job: _Job | None = None
        self.stuck = False
        self.leaving = False
        self._serial, self._expected = 0, 0
        self._since: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard = bytearray()
        self._sending: asyncio.Task[None] | None = None

    @property
    def free(self) -> bool:
        """Whether it can be given a job."""
        return self.job is None and not self.leaving

    def give(self, job: _Job) -> None:
        """Let it do a job, from where the job is."""
        self.job, self._expected, self._since = job, self._serial, None
        if job.long:
            self._sending = asyncio.create_task(self._send_long(job))
        else:
            frames = [self._frame(job, at) for at in range(job.at, len(job.looks))]
            self._write(b"".join(frames))
            self._since = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(WATCH_S, self._watch)

    async def _send_long(self, job: _Job) -> None:
        """One after the other, packed where the loop need not wait for it."""
        for at in range(job.at, len(job.looks)):
            frame = await asyncio.to_thread(self._frame, job, at)
            if self.job is not job or self.leaving:
                return
            self._write(frame)
            self._since = self._since or self._loop.time()

    def _frame(self, job: _Job, at: int) -> bytes:
        self._serial += 1
        return packed_look(self._serial, job.looks[at], job.limits_s[at])

    def _write(self, data: bytes) -> None:
        pipe: Any = self.transport.get_pipe_transport(0)
        pipe.write(data)

    def kill(self) -> None:
        """End it, whatever it is at; nothing that it still says counts."""
        self.leaving = True
        with suppress(ProcessLookupError):
            self.transport.kill()

    def retire(self) -> None:
        """Let it end by itself: it is not needed any more."""
        self.leaving = True
        pipe: Any = self.transport.get_pipe_transport(0)
        pipe.close()

    # --- what the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)  # noqa: S101 - a process has no other
        self.transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if self.leaving:
            return
        self._heard += data
        try:
            while len(self._heard) >= FRAME.size:
                size = FRAME.unpack_from(self._heard)[0]
                if size > MOST_BYTES:
                    raise ValueError(f"a frame of {size} bytes")  # noqa: TRY301 - as for what can't be read
                if len(self._heard) < FRAME.size + size:
                    return
                said = plain(bytes(self._heard[FRAME.size : FRAME.size + size]))
                del self._heard[: FRAME.size + size]
                self._take(said)
        except Exception as error:  # it does not speak as agreed
            _log.warning("onlooker: %r", error)
            self.kill()

    def process_exited(self) -> None:
        """What it left behind may hold its pipes."""
        self._loop.call_later(END_S, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended and all that it said is read. A look that two of them ended with in a row has ended them."""
        self.leaving = True
        if self._sending is not None:
            self._sending.cancel()
        if job := self._let_go():
            job.tried += 1
            if job.tried > 1:
                job.tell(Told(error=ProbeBroke(f"its process ended ({_ended_by(self.transport.get_returncode())})")))
            self._pool.take_back(job)
        if not self.identity.done():
            self.identity.set_exception(EOFError("it ended before it said which probes it has"))
            self.identity.exception()  # nobody may be there to hear it
        if not self.ended.done():
            self.ended.set_result(None)
        self._pool.changed(self.long)

    def _take(self, said: Any) -> None:
        if not self.identity.done():
            self.identity.set_result(str(said))
            return
        serial, *told = said
        self._expected += 1
        if self.job is None or serial != self._expected:
            raise ValueError(f"look {serial} is told where {self._expected} was asked")
        self.job.tell(told_of(told))
        self._since, was_stuck, self.stuck = self._loop.time(), self.stuck, False
        if self.job.at == len(self.job.looks):
            self._let_go()
        if was_stuck or self.job is None:
            self._pool.changed(self.long)

    def _let_go(self) -> _Job | None:
        job, self.job, self._since = self.job, None, None
        return job

    def _watch(self) -> None:
        """End the process when a probe is over its time, or nobody waits for it any more."""
        self._timer = None
        if self.job is None or self.leaving:
            return
        spent_s = self._loop.time() - self._since if self._since is not None else 0.0
        over = spent_s > self.job.limits_s[self.job.at]
        if over or (spent_s > STUCK_S and self.job.done.cancelled()):
            job = self._let_go()
            self.kill()
            if job is not None and over:
                job.tell(Told(error=TookTooLong(job.limits_s[job.at])))
                self._pool.take_back(job)
            self._pool.changed(self.long)
            return
        if spent_s > STUCK_S and not self.stuck:
            self.stuck = True
            self._pool.changed(self.long)
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
        self._waiting: dict[bool, deque[_Job]] = {False: deque(), True: deque()}
        self._there: list[_Onlooker] = []
        self._hope = {False: False, True: False}  # by kind: one is there, or begins
        self._news = {False: asyncio.Event(), True: asyncio.Event()}
        self._wanted = asyncio.Event()

    def begin(self) -> None:
        """There is a phone: have them soon, when the bench has seen to what else was plugged in with it."""
        if not self._wanted.is_set():
            asyncio.get_running_loop().call_later(BEGIN_S, self._wanted.set)

    @property
    def ready(self) -> bool:
        """Whether all are there."""
        return len(self.pids) >= sum(self._count.values())

    @property
    def lacking(self) -> bool:
        """Whether probes are to be asked in such a process, and there is none of one kind: then they look where a
        phone's answer can hold up the others."""
        return self._wanted.is_set() and not all(self._hope.values())

    @property
    def pids(self) -> list[int]:
        """The processes that are there."""
        return [one.transport.get_pid() or 0 for one in self._there if not one.leaving]

    async def run(self) -> None:
        """Have the processes from when they are wanted, until cancelled."""
        await self._wanted.wait()
        self._hope = {False: True, True: True}
        try:
            async with asyncio.TaskGroup() as group:
                for long in self._count:
                    group.create_task(self._staff(long))
        finally:
            for long in self._count:
                self._nobody(long)

    async def ask(self, looks: Sequence[Look], limits_s: Sequence[float]) -> list[Told | None]:
        """What the probes say of each look, which has so many seconds; None where there are no such processes."""
        told: list[Told | None] = [None] * len(looks)
        loop = asyncio.get_running_loop()
        jobs: list[tuple[list[int], _Job]] = []
        for long in (True, False):
            places = [at for at, look in enumerate(looks) if look.long is long]
            if places and self._hope[long]:
                each, limits = [looks[at] for at in places], [limits_s[at] for at in places]
                job = _Job(long, each, limits, [None] * len(each), loop.create_future())
                jobs.append((places, job))
                self._waiting[long].append(job)
                self.changed(long)
        await asyncio.gather(*(job.done for _, job in jobs))
        for places, job in jobs:
            for at, said in zip(places, job.told, strict=True):
                told[at] = said
        return told

    # --- what a process tells

    def take_back(self, job: _Job) -> None:
        """A job that is not through, first of all; one that nobody wants or can do is forgotten."""
        if job.done.done():
            return
        self._waiting[job.long].appendleft(job)
        if not self._hope[job.long]:
            self._nobody(job.long)

    def changed(self, long: bool) -> None:
        """One of this kind has become free, is stuck, or has ended, or there is another job for them."""
        self._hand_out(long)
        self._news[long].set()

    def _hand_out(self, long: bool) -> None:
        waiting = self._waiting[long]
        free = deque(one for one in self._there if one.long is long and one.free)
        while waiting and free:
            job = waiting.popleft()
            if not job.done.done():  # whoever asked may be gone
                free.popleft().give(job)

    def _nobody(self, long: bool) -> None:
        """There is none of this kind, and none begins: those who wait look themselves."""
        self._hope[long] = False
        while self._waiting[long]:
            self._waiting[long].popleft().finish()

    # --- having them

    async def _staff(self, long: bool) -> None:
        """Have the processes of one kind; one more for each that is stuck while others wait."""
        tasks: set[asyncio.Task[bool]] = set()
        again_s = AGAIN_S
        try:
            while True:
                self._news[long].clear()
                ended = {task for task in tasks if task.done()}
                tasks -= ended
                mine = [one for one in self._there if one.long is long and not one.leaving]
                leaving = sum(one.long is long and one.leaving for one in self._there)
                stand_in = min(MOST, sum(one.stuck for one in mine)) if self._waiting[long] else 0
                wanted = self._count[long] + stand_in
                if any(not task.result() for task in ended):
                    if not tasks:
                        self._nobody(long)
                    await asyncio.sleep(again_s)
                    again_s = min(2 * again_s, SELDOM_S)
                elif ended:
                    again_s = AGAIN_S
                for _ in range(wanted - len(tasks) + leaving):
                    task = asyncio.create_task(self._serve(long))
                    task.add_done_callback(lambda _: self._news[long].set())
                    tasks.add(task)
                for one in [one for one in mine if one.free][: max(0, len(mine) - wanted)]:
                    one.retire()
                await self._news[long].wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, long: bool) -> bool:
        """Have one process until it ends; whether it got to work."""
        command = [sys.executable, "-P", "-c", _CODE, "long" if long else "short", self._factory, *sys.path]
        onlooker: _Onlooker | None = None
        try:
            _, onlooker = await asyncio.get_running_loop().subprocess_exec(
                lambda: _Onlooker(self, long), *command, stderr=None
            )
            async with asyncio.timeout(LOAD_S):
                identity = await asyncio.shield(onlooker.identity)
            if identity != self._identity:
                raise ValueError("other probes are on the disk than the engine began with")  # noqa: TRY301
            self._there.append(onlooker)
            self._hope[long] = True
            self.changed(long)
            await asyncio.shield(onlooker.ended)
        except Exception as error:
            _log.warning("onlooker: %s", error)
            return False
        finally:
            if onlooker is not None:
                await self._end(onlooker)
        return True

    async def _end(self, onlooker: _Onlooker) -> None:
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
