"""One checklist on one device: attempts, deadlines, verdicts, and every step in the journal before the next.

Adjacent automatic checks are read in one batch: their attempts begin in one commit, and each is judged when its answers
are in, while the phone is at work for the next ones. A probe that asks or works live comes after the batch and
is journalled measurement by measurement. A trouble of the bench, the cable or a probe is an ending, never a verdict.
Stands on capabilities; it knows no transport, ticket or screen.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import takewhile
from typing import Any, TypeVar, cast

from checklists.canonical import dump_model
from checklists.judge import Baselines, Judged, judge_check, judge_measurement
from checklists.reference.table import ReferenceTable
from checklists.schema import Check, Checklist, Limit
from checklists.verdict import Ending, Verdict
from drivers.api import (
    Command,
    CommandResult,
    Device,
    DeviceGone,
    DriverError,
    Files,
    Garbled,
    Heard,
    Identity,
    NoAnswer,
    OutputCut,
    Reverse,
    SelfTestPage,
    ServerDown,
    Shell,
    Side,
    TooMuchOutput,
    Unsupported,
)
from drivers.text import Words
from probes.api import (
    Answer,
    Evidence,
    Measurement,
    NotApplicable,
    NotRun,
    Probe,
    Prompt,
    PromptTimedOut,
    Skipped,
    Unread,
    Write,
)
from probes.units import LIST, TEXT
from probes.vendors import in_words_of, recognise
from station.asking import Desk
from station.errors import Trouble
from station.events import (
    Attached,
    AttemptEnded,
    AttemptStarted,
    Body,
    Event,
    Measured,
    NotRead,
    Reads,
    RestoreFailed,
    RunAborted,
    RunFinished,
)
from station.looking import Look, NoReading, ProbeBroke, Told, TookTooLong, look_on
from station.values import WrongValue, as_value, held, is_words, require_texts
from station.vault import Kept
from station.writes import AGREED, CONSENT, NotedFiles, NotedPage, NotedReverse, Writer, consent_prompt

__all__ = ["Aborted", "AskApart", "Host", "Runner", "Subject", "lanes", "nobody"]

_log = logging.getLogger(__name__)
T = TypeVar("T")
#: A limit and its dump; of what has none, none.
_Limited = tuple[Limit | None, dict[str, Any] | None]
_UNLIMITED: _Limited = (None, None)
#: How many checklists' limits are kept by digest: dumping one takes as long as judging all that it is for.
LISTS = 64
_LIMITS: OrderedDict[str, Mapping[tuple[str, str], _Limited]] = OrderedDict()

#: Seconds that a cancelled probe gets to take back what it opened; then its attempt ends without it.
GRACE_S = 0.4
#: Seconds that a probe gets at least, however long its answers took.
LEAST_S = 0.5
#: Seconds for each million bytes that it gets beside that: logs take the slowest parser one (measured), on a busy bench
#: some more.
MEGABYTE_S = 8.0
#: Seconds over its commands' own watchdogs that a batch gets for the wire.
WIRE_S = 2.0
#: Seconds in which a driver must say how far a batch came after its phone is gone.
CUT_S = 2.0
#: Seconds between looks for a phone that is expected back, and for it to say who it is.
BACK_LOOK_S, BACK_ASK_S = 0.2, 5.0
#: Seconds between two looks at what has been answered while a batch is under way. All runs look at the same moments, so
#: that they share a commit.
EARLY_S = 0.05
#: Seconds that checks are judged in a row before the engine looks after everything else.
SLICE_S = 0.002
#: Readings of one attempt after which the same is done.
MANY = 100
#: Seconds between tries to write down how a run ended when the disk could not take it.
RETRY_S = 2.0

_CANT = Words("this connection can't do that: {what}", "当前连接不支持：{what}")
_RECORDED = Words(
    "the phone is not here, only its bug report of {recorded}: this check needs the phone",
    "手机不在现场，仅有 {recorded} 的错误报告：此项检测需要手机",
)
_NO_PROBE = Words("the probe {probe} is not loaded on this bench", "本工位未加载采集程序 {probe}")
_BUG = Words("the probe {probe} failed: {error}", "采集程序 {probe} 出错：{error}")
_SLOW = Words(
    "the probe {probe} was not through with the phone's answers after {seconds} s",
    "采集程序 {probe} 未能在 {seconds} 秒内处理完手机的输出",
)
_LATE = Words("not done within {seconds} s", "{seconds} 秒内未完成")
_ABORTED = Words("stopped by {person}: {reason}", "由 {person} 停止：{reason}")
_STOPPED = Words("stopped after {check} failed", "{check} 不合格，检测已停止")
_NO_DEVICE = Words("the phone is not connected any more", "手机已断开连接")
_PLUG_IN = Words("Plug it in again, then go on with the run", "请重新连接手机，然后继续检测")
_NOT_BACK = Words("the phone did not come back to the cable", "手机未重新连接")
_BENCH_FAILED = Words("the bench failed: {error}", "工位出错：{error}")
_NOT_AGREED = Words("changing the phone was not agreed to", "未同意改动手机")
_WHAT = Words("{check}: {what}", "{check}：{what}")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a run is about, beside its device.

    Attributes:
        checklist: the resolved checklist.
        probes: every loaded probe by id.
        settings: makes a check's keyword arguments for a probe.
        facts: what the ticket says of the phone.
        baselines: what a check's relative limits stand on, by check id.
        reference: what the reference phones of the model gave when the run began.
        consented: whether changes on the phone were agreed to or refused before; None: whoever is there is asked.
        forbidden: why a check must not start for safety, None when it may; asked each time one is about to.
        guarded: checks that safety can forbid; none shares a script, so that all before it is known when it starts.
    """

    checklist: Checklist
    probes: Mapping[str, Probe]
    settings: Callable[[Check, Probe], Mapping[str, object]]
    facts: Mapping[str, str] = field(default_factory=dict)
    baselines: Callable[[str], Baselines] = field(default=lambda check: {})
    reference: ReferenceTable = field(default_factory=ReferenceTable)
    consented: bool | None = None
    forbidden: Callable[[Check], Words | None] = field(default=lambda check: None)
    guarded: frozenset[str] = frozenset()


#: What probes say of each look, which has so many seconds.
AskApart = Callable[[Sequence[Look], Sequence[float]], Awaitable[Sequence[Told | None]]]


async def nobody(looks: Sequence[Look], limits_s: Sequence[float]) -> Sequence[None]:
    """Where there are no processes for probes."""
    return [None] * len(looks)


@dataclass(frozen=True, slots=True)
class Host:
    """What the engine does for a run.

    Attributes:
        stamp: an event of this run, happening now.
        append: stores stamped events (and evidence) in one commit; what is awaited is that they are on the disk. The
            same again changes nothing.
        device: the phone; given the device whose link broke, the phone as opened again; None when it is gone.
        number: how many attempts a check has had in this run.
        changed: something that is shown has changed without an event.
        phone: who the phone is; what is changed on it is owed to it.
        told: what a probe may know beside the ticket's facts, as it is right now.
        judging: held by the run whose answers are being judged; one for all runs of a bench.
        ask_apart: has probes say what they make of answers in a process of their own, each in so many seconds; None
            for those that nobody could be asked about.
    """

    stamp: Callable[[Body], Event]
    append: Callable[[Sequence[Event], Sequence[Kept]], Awaitable[object]]
    device: Callable[[Device | None], Awaitable[Device | None]]
    number: Callable[[str], int]
    changed: Callable[[], None] = lambda: None
    phone: Identity = field(default_factory=Identity)
    told: Callable[[], Mapping[str, str]] = dict
    judging: asyncio.Lock = field(default_factory=asyncio.Lock)
    ask_apart: AskApart = nobody


@dataclass(frozen=True, slots=True)
class Aborted:
    """Who stopped a run, and why."""

    person: str
    reason: str


@dataclass(slots=True)
class _Try:
    """An open attempt.

    Attributes:
        live: it touched a person or the phone by itself: from then each reading is committed.
    """

    check: Check
    probe: Probe
    id: str
    answers: dict[str, CommandResult] = field(default_factory=dict)
    judged: list[Judged] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    waiting: list[Event] = field(default_factory=list)
    evidence: list[Kept] = field(default_factory=list)
    live: bool = False
    over: bool = False
    clock: asyncio.Timeout | None = None

    @property
    def deadline_s(self) -> float:
        return float(self.check.deadline_s)

    @property
    def budget_s(self) -> float:
        """Seconds that the check's reads may take of a batch."""
        return min(self.deadline_s, sum(command.timeout_s for command in self.probe.reads) + WIRE_S)

    @property
    def look_s(self) -> float:
        """Seconds that its probe gets to look at the answers: some for each MB, also where the phone took long."""
        return max(self.left_s, LEAST_S + MEGABYTE_S * sum(len(each.stdout) for each in self.answers.values()) / 1e6)

    @property
    def left_s(self) -> float:
        """Seconds of its deadline that are left after what the phone took for its answers."""
        return max(LEAST_S, self.deadline_s - sum(answer.seconds for answer in self.answers.values()))


#: What makes two commands the same.
_Asked = tuple[str, float, int]


def _asked(command: Command) -> _Asked:
    return command.script, command.timeout_s, command.limit


class _Answers:
    """The answers of one batch as they come."""

    def __init__(self, asked: Sequence[_Asked]) -> None:
        self._asked = asked
        self._known: dict[_Asked, CommandResult] = {}
        self._through = asyncio.Event()

    @property
    def complete(self) -> bool:
        """Whether the batch is through."""
        return self._through.is_set()

    def take(self, at: int, result: CommandResult) -> None:
        """An answer that is whole while the phone goes on."""
        self._known[self._asked[at]] = result

    def finish(self, results: Sequence[CommandResult]) -> None:
        """All results, when the batch is through; what was taken before stays as it was taken."""
        self._known = dict(zip(self._asked, results, strict=True)) | self._known
        self._through.set()

    def to(self, command: Command) -> CommandResult:
        """The answer to a command that has one."""
        return self._known[_asked(command)]

    def has(self, commands: Sequence[Command]) -> bool:
        """Whether all of these have their answers."""
        return all(_asked(command) in self._known for command in commands)

    async def through(self, seconds: float | None) -> bool:
        """Wait until the batch is through, for at most so long; whether it is."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._through.wait()
        return self.complete


class _Asker:
    """The `Person` of one attempt."""

    def __init__(self, runner: Runner, attempt: _Try) -> None:
        self._runner, self._attempt = runner, attempt

    async def ask(self, prompt: Prompt) -> Answer:
        return await self._runner.ask(self._attempt, prompt)


class _Bench:
    """The `Bench` of one attempt."""

    def __init__(self, runner: Runner, attempt: _Try, device: Device) -> None:
        self.person = _Asker(runner, attempt)
        self._runner, self._attempt, self._device = runner, attempt, device

    @cached_property
    def ticket(self) -> Mapping[str, str]:
        return {**self._runner.subject.facts, **self._runner.host.told()}

    def answer(self, name: str) -> CommandResult:
        return self._attempt.answers[name]

    def capability(self, kind: type[T]) -> T:
        self._attempt.live = True
        found: Any = self._device.capability(kind)
        if kind is SelfTestPage:
            found = NotedPage(found, partial(self._runner.writer.note, self._attempt.id))
        elif kind is Reverse:
            found = NotedReverse(found, self._noted)
        elif kind is Files:
            found = NotedFiles(found, self._pushing)
        return cast(T, found)

    async def write(self, write: Write, *, deadline_s: float = 15.0) -> CommandResult:
        await self._runner.may_write(self._attempt)
        return await self._runner.writer.write(self._attempt.id, self._device, write, deadline_s)

    def away(self) -> AbstractContextManager[None]:
        self._attempt.live = True
        return self._runner.unwatched()

    async def back(self, *, within_s: float) -> None:
        self._device = await self._runner.back(within_s)

    def _noted(self, write: Write, port: int = 0) -> AbstractAsyncContextManager[None]:
        return self._runner.writer.noted(self._attempt.id, write, port)

    async def _pushing(self, write: Write) -> None:
        await self._runner.may_write(self._attempt)
        await self._runner.writer.note(self._attempt.id, write)


def lanes(
    checks: Iterable[Check], probe_of: Callable[[Check], Probe | None], guarded: Collection[str] = ()
) -> list[tuple[Check, ...]]:
    """The checks in order, with neighbours that can share one script together.

    Only automatic, read-only probes share, whose reads are declared or that want nothing of the phone; a check that
    stops the run on a fail ends its lane, so that nothing behind it is read in vain. A guarded one stands alone:
    whether it may start is only known when those before it are judged.
    """
    found: list[list[Check]] = []
    open_lane = False
    for check in checks:
        probe = probe_of(check)
        alone = probe is None or probe.asks or bool(probe.writes) or check.id in guarded
        shares = probe is not None and not alone and _declared(probe)
        if shares and open_lane:
            found[-1].append(check)
        else:
            found.append([check])
        open_lane = shares and check.on_fail != "stop"
    return [tuple(lane) for lane in found]


def _declared(probe: Probe) -> bool:
    """Whether all that it wants of the phone is known before it starts: its reads, or nothing at all."""
    return bool(probe.reads) or not probe.needs


class Runner:
    """Runs checks of one run on one device; made anew for each go (start, retest, resume)."""

    def __init__(self, run: str, subject: Subject, host: Host) -> None:
        self.run_id, self.subject, self.host = run, subject, host
        self.desk = Desk(self._say, host.changed)
        self._cause: Aborted | DriverError | None = None
        self._task: asyncio.Task[None] | None = None
        self._open: dict[str, _Try] = {}
        self._strays: set[asyncio.Future[None]] = set()
        self._failed: Device | None = None
        self._planned: Sequence[Check] = ()
        self._limits = _limits(subject.checklist)
        self._consent = subject.consented
        self.writer = Writer(host.phone, self._say, lambda: host.device(None))
        self._reading = 0  # number of the batch that is going on, 0 between batches
        self._batches = 0
        self._away = 0  # how many probes let the phone leave the cable right now
        self._left: DriverError | None = None  # it did, and is not back
        self.trouble: Trouble | None = None

    # --- from outside

    def abort(self, person: str, reason: str) -> None:
        """Stop: what is open ends as `aborted`, what has not started stays not run."""
        self._interrupt(Aborted(person, reason))

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """Inside it a phone that goes is expected to come back; one that is not back at its end is lost after all."""
        self._away += 1
        try:
            yield
        finally:
            self._away -= 1
            if self._left is not None and not self._away:
                self._interrupt(self._left)

    async def back(self, within_s: float) -> Device:
        """The run's phone as soon as it answers again; raises DeviceGone when it does not, or another one does."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while True:
                    device = await self.host.device(None)
                    if device is not None and await self._is_the_phone(device):
                        self._left = None
                        return device
                    await asyncio.sleep(BACK_LOOK_S)
        raise DeviceGone("run.not-back", _NOT_BACK, Side.CABLE, _PLUG_IN)

    async def _is_the_phone(self, device: Device) -> bool:
        try:
            identity = await device.identify(deadline_s=BACK_ASK_S)
        except DriverError:  # the connection from before, or one that is still settling
            return False
        return identity.serial == self.host.phone.serial

    def lose(self, gone: DriverError | None = None) -> None:
        """The phone is gone: what is open ends as `errored`, on the cable's side, and the run stops."""
        cause = gone or DeviceGone("run.device-gone", _NO_DEVICE, Side.CABLE, _PLUG_IN)
        if self._away:
            self._left = cause
            return
        if self._reading:  # the driver is about to say how far it came: what was answered is kept
            asyncio.get_running_loop().call_later(CUT_S, self._interrupt_reading, self._reading, cause)
        else:
            self._interrupt(cause)

    def _interrupt_reading(self, batch: int, cause: DriverError) -> None:
        if self._reading == batch:
            self._interrupt(cause)

    def _interrupt(self, cause: Aborted | DriverError) -> None:
        if self._cause is not None or (self._task is not None and self._task.done()):
            return
        self._cause = cause
        if self._task is not None:  # else it is stopped as soon as it begins
            self._task.cancel()

    async def run(self, checks: Sequence[Check]) -> None:
        """Run the checks in order, to the end or until something stops them.

        Returns when everything is journalled. When the disk can't take it, tries again until it can; a kill before that
        leaves open attempts, which the next start ends as `interrupted`.
        """
        self._planned = checks
        self._task = asyncio.ensure_future(self._all(checks))
        if self._cause is not None:
            self._task.cancel()
        ends: list[Event] = []
        last: list[Body] = [RunFinished()]
        try:
            await self._join(self._task)
            ends = [each for attempt in self._open.values() for each in attempt.waiting]  # in one commit with the end
        except _Stop as stop:
            last = [RunFinished(reason=stop.reason)]
        except Trouble as trouble:
            self.trouble = trouble
            ends = self._endings(Ending.ERRORED, trouble.what, trouble.side)
            last = [RunFinished(reason=trouble.what)]
        except asyncio.CancelledError:
            if self._cause is None:  # the engine itself ends: the attempts stay open, and the next start says so
                with suppress(Trouble):
                    await self._say(await self.writer.restore())
                raise
            ends, last = self._interrupted(self._cause)
        except Exception as error:
            _log.exception("run %s", self.run_id)
            reason = _BENCH_FAILED.fill(error=f"{type(error).__name__}: {error}")
            ends, last = self._endings(Ending.ERRORED, reason, Side.BENCH), [RunFinished(reason=reason)]
        restored = await self.writer.restore()
        await self._write_down([*ends, *self._stamped(*restored, *last)])

    async def _join(self, task: asyncio.Task[None]) -> None:
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.done():  # we are cancelled, not the work: take it along
                task.cancel()
                await asyncio.wait({task})
            raise

    def _stamped(self, *bodies: Body) -> list[Event]:
        return [self.host.stamp(body) for body in bodies]

    def _interrupted(self, cause: Aborted | DriverError) -> tuple[list[Event], list[Body]]:
        """What ends the open attempts, and what ends the run."""
        if isinstance(cause, Aborted):
            words = _ABORTED.fill(person=cause.person, reason=cause.reason)
            aborted = RunAborted(person=cause.person, reason=cause.reason)
            return self._endings(Ending.ABORTED, words, Side.PERSON), [aborted, RunFinished(reason=words)]
        return self._endings(Ending.ERRORED, cause.what, cause.side), [RunFinished(reason=cause.what)]

    def _endings(self, ending: Ending, reason: Words, side: Side) -> list[Event]:
        """What is measured and not stored yet, then the end, of every open attempt that has none."""
        events: list[Event] = []
        for attempt in self._open.values():
            attempt.over = True
            events += attempt.waiting
            if not any(isinstance(each.body, AttemptEnded) for each in attempt.waiting):
                events.append(self.host.stamp(_ended(attempt, ending, Verdict.NONE, reason, side=side)))
        return events

    async def _write_down(self, events: Sequence[Event]) -> None:
        evidence = [kept for attempt in self._open.values() for kept in attempt.evidence]
        bare = False
        while True:
            try:
                await self.host.append(events, evidence)
                break
            except Trouble as trouble:
                self.trouble = trouble
                self.host.changed()
                await asyncio.sleep(RETRY_S)
            except Exception as error:
                if bare:
                    raise
                _log.exception("run %s can't be written down as it is", self.run_id)
                bare, events, evidence = True, self._bare_end(error), []
        self._open.clear()
        self.trouble = None

    def _bare_end(self, error: Exception) -> list[Event]:
        """The end of the run and of its open attempts, when what they told can't be stored for a fault of our own: the
        run must not stay open, and nothing of it pass."""
        reason = _BENCH_FAILED.fill(error=f"{type(error).__name__}: {error}")
        none, side = Verdict.NONE, Side.BENCH
        ends = [_ended(attempt, Ending.ERRORED, none, reason, side=side) for attempt in self._open.values()]
        return self._stamped(*ends, RunFinished(reason=reason))

    async def _say(self, bodies: Sequence[Body]) -> None:
        await self.host.append([self.host.stamp(body) for body in bodies], ())

    # --- lanes

    async def _all(self, checks: Sequence[Check]) -> None:
        self._failed = None
        for lane in lanes(checks, self._probe, self.subject.guarded):
            await self._store([*self._open.values()])  # what was judged last: the next may depend on it
            device = await self.host.device(self._failed)
            if device is None:
                raise _Stop(_NO_DEVICE)
            self._failed = None
            await self._restore(device)  # what a cable kept from being undone
            await self._lane(lane, device)

    def _probe(self, check: Check) -> Probe | None:
        return self.subject.probes.get(check.probe.get(self.subject.checklist.platform, ""))

    async def _lane(self, lane: Sequence[Check], device: Device) -> None:
        attempts = await self._begin(lane, device)
        early = await self._read(attempts, device)
        for attempt in attempts:
            ended = early.get(attempt.id)
            if ended is None:
                ended = await self._judge(attempt, device)
                self._wait(attempt, ended)
            if attempt.live or len(attempts) == 1:
                await self._store([attempt])
            await self._restore(device)
            if ended.verdict is Verdict.FAIL and attempt.check.on_fail == "stop":
                await self._store(attempts)
                raise _Stop(_STOPPED.fill(check=attempt.check.title.words))

    async def _begin(self, lane: Sequence[Check], device: Device) -> list[_Try]:
        """Open an attempt for each check, in one commit; those that can't even start are ended in the same one.

        A start waits like a reading until it is known to be stored: a run that is stopped in between ends it too.
        """
        events: list[Event] = []
        attempts: list[_Try] = []
        for check in lane:
            n = self.host.number(check.id) + 1
            attempt_id = f"{self.run_id}/{check.id}/{n}"
            started = self.host.stamp(AttemptStarted(attempt=attempt_id, check=check.id, n=n))
            events.append(started)
            probe = self._probe(check)
            unfit = self._unfit(check, probe, attempt_id, device)
            if unfit is not None or probe is None:
                events += [self.host.stamp(unfit)] if unfit else []
            else:
                live = probe.asks or not _declared(probe)
                attempts.append(_Try(check, probe, attempt_id, waiting=[started], live=live))
        self._open = {attempt.id: attempt for attempt in attempts}
        await self.host.append(events, ())
        for attempt in attempts:
            attempt.waiting.clear()
        return attempts

    def _unfit(self, check: Check, probe: Probe | None, attempt: str, device: Device) -> AttemptEnded | None:
        """The end of an attempt that can't start: safety forbids it, no such probe (bench), or this connection lacks
        what it needs.

        The latter is `skipped`, not `not-applicable`: it says nothing about the phone, and a release that requires the
        check stays closed.
        """
        none = Verdict.NONE
        if danger := self.subject.forbidden(check):
            return AttemptEnded(attempt=attempt, ending=Ending.SKIPPED, verdict=none, reason=danger, side=Side.PHONE)
        if probe is None:
            reason = _NO_PROBE.fill(probe=check.probe.get(self.subject.checklist.platform, "?"))
            return AttemptEnded(attempt=attempt, ending=Ending.ERRORED, verdict=none, reason=reason, side=Side.BENCH)
        if device.link.recorded and (probe.asks or probe.writes or not _declared(probe)):
            reason = _RECORDED.fill(recorded=device.link.recorded.partition(",")[0])
            return AttemptEnded(attempt=attempt, ending=Ending.SKIPPED, verdict=none, reason=reason, side=Side.BENCH)
        lacking = [need.__name__ for need in probe.needs if not _offers(device, need)]
        if lacking:
            reason = _CANT.fill(what=", ".join(lacking))
            return AttemptEnded(attempt=attempt, ending=Ending.SKIPPED, verdict=none, reason=reason, side=Side.BENCH)
        return None

    async def _read(self, attempts: Sequence[_Try], device: Device) -> dict[str, AttemptEnded]:
        """Get the declared answers of all attempts in one script, and keep them; gives the ends that came meanwhile.

        Commands that are the same for two checks run once; both checks refer to the one answer.
        """
        commands: dict[_Asked, Command] = {}
        for attempt in attempts:
            for command in attempt.probe.reads:
                name = f"{attempt.check.id}-{command.name}"
                commands.setdefault(_asked(command), Command(name, command.script, command.timeout_s, command.limit))
        if not commands:
            return {}
        deadline_s = sum(attempt.budget_s for attempt in attempts)
        self._batches += 1
        self._reading = self._batches
        answers = _Answers(list(commands))
        early = asyncio.ensure_future(self._as_answered(attempts, answers, device))
        early.add_done_callback(_swallow)
        try:
            answers.finish(await _batch(device, list(commands.values()), deadline_s, answers.take))
            self._reading = 0
            ended = await early
        finally:
            self._reading = 0
            early.cancel()
            await asyncio.wait({early})
        storing = asyncio.ensure_future(self._storing(attempts))
        storing.add_done_callback(_swallow)
        try:
            left = [attempt for attempt in attempts if attempt.id not in ended]
            ended |= await self._judge_all_at_once(left, device)
            await storing
        finally:
            storing.cancel()
            await asyncio.wait({storing})
        return ended

    async def _as_answered(
        self, attempts: Sequence[_Try], answers: _Answers, device: Device
    ) -> dict[str, AttemptEnded]:
        """Keep answers and judge attempts while the phone is at work for the next ones; what is left is only taken.

        What is judged meanwhile costs the bench no time. Answers are on the disk before anything that was judged by
        them is stored; a quick batch is through before this begins. A probe that takes long keeps no answer waiting.
        """
        left = list(attempts)
        judging: list[asyncio.Task[dict[str, AttemptEnded]]] = []
        loop = asyncio.get_running_loop()
        try:
            while left and not await answers.through(EARLY_S - loop.time() % EARLY_S):
                ready = list(takewhile(lambda attempt: answers.has(attempt.probe.reads), left))
                left = left[len(ready) :]
                if ready:
                    await self._take_answers(ready, answers)
                    await self._store(ready)
                    judging.append(asyncio.ensure_future(self._judge_all_at_once(ready, device)))
            await answers.through(None)
            await self._take_answers(left, answers)
            if any(not each.done() for each in judging):
                await self._store(left)
            return {name: end for each in judging for name, end in (await each).items()}
        finally:
            for each in judging:
                each.cancel()
            await asyncio.gather(*judging, return_exceptions=True)

    async def _take_answers(self, attempts: Sequence[_Try], answers: _Answers) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + SLICE_S
        for attempt in attempts:
            for command in attempt.probe.reads:
                self._keep_answer(attempt, _called(command.name, answers.to(command)))
                if loop.time() > until:  # long answers: their digests take a while
                    await asyncio.sleep(0)
                    until = loop.time() + SLICE_S

    async def _judge_all_at_once(self, attempts: Sequence[_Try], device: Device) -> dict[str, AttemptEnded]:
        """Judge those attempts that can be from their answers alone; gives their ends.

        They are told when they are stored, which is after their answers. One run is judged after the other, so that the
        first is being written while the next is judged; in between the bench looks after everything else.
        """
        ended: dict[str, AttemptEnded] = {}
        loop = asyncio.get_running_loop()
        able = [attempt for attempt in attempts if not attempt.live and not attempt.probe.waits]
        told = await self._told(able)
        async with self.host.judging:
            until = loop.time() + SLICE_S
            for attempt, (look, said) in zip(able, told, strict=True):
                end = await self._hear(attempt, said or look_on(look, attempt.probe.run), device)
                if end is not None:
                    self._wait(attempt, end)
                    ended[attempt.id] = end
                if loop.time() > until:
                    await asyncio.sleep(0)
                    until = loop.time() + SLICE_S
        return ended

    async def _told(self, attempts: Sequence[_Try]) -> list[tuple[Look, Told | None]]:
        """What the probes of these attempts are given, and what they said of it; None: they are still to be asked."""
        if not attempts:
            return []
        ticket = {**self.subject.facts, **self.host.told()}
        looks = [
            Look(
                attempt.probe.id,
                self.subject.settings(attempt.check, attempt.probe),
                ticket,
                tuple(attempt.answers.values()),
            )
            for attempt in attempts
        ]
        told = await self.host.ask_apart(looks, [attempt.look_s for attempt in attempts])
        found: list[tuple[Look, Told | None]] = []
        for attempt, look, said in zip(attempts, looks, told, strict=True):
            if said is None and look.long:  # in a thread, so that other phones do not wait for the whole
                found.append((look, await asyncio.to_thread(look_on, look, attempt.probe.run)))
            else:
                found.append((look, said))
        return found

    async def _hear(self, attempt: _Try, told: Told, device: Device) -> AttemptEnded | None:
        """Take what a probe said of its answers; None where it has to begin again with the phone."""
        if told.more:
            return None
        try:
            for number, reading in enumerate(told.readings, 1):
                self._take(attempt, reading)
                if not number % MANY:
                    await asyncio.sleep(0)
        except Exception as error:
            ended = self._ended_by(error, attempt, device)
        else:
            said = told.error
            ended = self._concluded(attempt, device) if said is None else self._ended_by(said, attempt, device)
        attempt.over = True
        return ended

    def _keep_answer(self, attempt: _Try, result: CommandResult) -> None:
        """The raw answer as evidence, and where it is; what a command complained about is kept beside it."""
        attempt.answers[result.name] = result
        kept = Kept(result.name, "text/plain", result.stdout)
        attempt.evidence.append(kept)
        read = Reads(
            attempt=attempt.id,
            name=result.name,
            sha256=hashlib.sha256(result.stdout).hexdigest(),
            bytes=len(result.stdout),
            exit_code=result.exit_code,
            started_ms=max(0, round(result.started_s * 1000)),
            ms=max(0, round(result.seconds * 1000)),
            failure=result.failure.code if result.failure else "",
            media_type=kept.media_type,
        )
        self._wait(attempt, read)
        if result.stderr:
            errors = f"{result.name}.stderr"
            attempt.evidence.append(Kept(errors, "text/plain", result.stderr))
            self._wait(attempt, _attached(attempt.id, errors, "text/plain", result.stderr))

    def _wait(self, attempt: _Try, body: Body) -> None:
        attempt.waiting.append(self.host.stamp(body))

    async def _store(self, attempts: Sequence[_Try]) -> None:
        await self._storing(attempts)

    def _storing(self, attempts: Sequence[_Try]) -> Coroutine[Any, Any, None]:
        """Have what waits in these attempts stored, and give what waits for that."""
        stored = [(attempt, list(attempt.waiting), list(attempt.evidence)) for attempt in attempts]
        events = [each for _, waiting, _ in stored for each in waiting]
        appending = (
            self.host.append(events, [kept for _, _, evidence in stored for kept in evidence]) if events else None
        )

        if isinstance(appending, asyncio.Future):
            appending.add_done_callback(_swallow)  # whoever should wait for it may be stopped before that

        async def wait() -> None:
            if appending is not None:
                await appending
            for attempt, waiting, evidence in stored:
                del attempt.waiting[: len(waiting)], attempt.evidence[: len(evidence)]
                if attempt.over and not attempt.waiting:  # it may have been judged meanwhile
                    self._open.pop(attempt.id, None)

        return wait()

    # --- one attempt

    async def go_live(self, attempt: _Try) -> None:
        """From now on each reading of this attempt is on the disk before the probe goes on."""
        attempt.live = True
        await self._store([attempt])

    async def ask(self, attempt: _Try, prompt: Prompt) -> Answer:
        """Put a question of this attempt; raises what `Desk.ask` raises. A probe may ask for consent by itself."""
        await self.go_live(attempt)
        answer = await self.desk.ask(attempt.id, attempt.check.id, prompt)
        if prompt.id == CONSENT:
            self._consent = answer.value == AGREED
        return answer

    async def may_write(self, attempt: _Try) -> None:
        """Ask, once in a run, whether the phone may be changed; the check's deadline waits for the answer.

        Raises:
            Skipped: it may not, or the attempt is over; PromptTimedOut: nobody said.
        """
        await self.go_live(attempt)
        if self._consent is None:
            with _unhurried(attempt):
                try:
                    await self.ask(attempt, consent_prompt(self._changes()))
                except Skipped:
                    self._consent = False
                    raise
        if not self._consent or attempt.over:
            raise Skipped(_NOT_AGREED)

    def _changes(self) -> list[Words]:
        """What the checks of this run change, each in words."""
        found = []
        for check in self._planned:
            probe = self._probe(check)
            if probe is not None and probe.writes:
                found.append(_WHAT.fill(check=check.title.words, what=probe.writes))
        return found

    async def _restore(self, device: Device) -> None:
        """Undo what is owed, and write down what came of it; what can't be undone now stays owed."""
        if told := await self.writer.restore():
            await self._say(told)
            cut = any(isinstance(each, RestoreFailed) and each.side == Side.CABLE.value for each in told)
            self._failed = device if cut else self._failed

    async def _judge(self, attempt: _Try, device: Device) -> AttemptEnded:
        """Let the probe speak, and say how the attempt ended. Never raises for what a probe or a phone did."""
        try:
            await self._within(attempt, self._readings(attempt, device), attempt.left_s)
        except Exception as error:
            ended = self._ended_by(error, attempt, device)
        else:
            ended = self._concluded(attempt, device)
        attempt.over = True
        await self.desk.withdraw(attempt.id)
        return ended

    def _ended_by(self, error: Exception, attempt: _Try, device: Device) -> AttemptEnded:
        """How an attempt ends whose probe did not run through; raises Trouble, which is the bench's own."""
        none = Verdict.NONE
        if isinstance(error, Trouble):
            raise error
        if isinstance(error, TimeoutError):
            seconds = f"{attempt.deadline_s:g}"
            side = Side.PERSON if attempt.probe.asks else Side.PHONE
            return _ended(attempt, Ending.TIMED_OUT, none, _LATE.fill(seconds=seconds), side=side)
        if isinstance(error, NotRun) and is_words(error.reason):
            return _ended(attempt, _ending_of(error), none, self._in_its_words(error.reason))
        if isinstance(error, DriverError) and is_words(error.what):
            self._failed = device if isinstance(error, _BREAKS) else self._failed
            return _driver_ended(attempt, error)
        if isinstance(error, TookTooLong):
            reason = _SLOW.fill(probe=attempt.probe.id, seconds=f"{error.seconds:g}")
        elif isinstance(error, ProbeBroke):
            _log.warning("probe %s: %s\n%s", attempt.probe.id, *error.told)
            reason = _BUG.fill(probe=attempt.probe.id, error=error)
        else:
            _log.warning("probe %s", attempt.probe.id, exc_info=error)
            reason = _BUG.fill(probe=attempt.probe.id, error=f"{type(error).__name__}: {error}")
        return _ended(attempt, Ending.ERRORED, none, reason, side=Side.BENCH)

    def _concluded(self, attempt: _Try, device: Device) -> AttemptEnded:
        """How an attempt ends whose probe ran through."""
        verdict, reason, finding = judge_check(attempt.check, attempt.judged, attempt.unread)
        self._failed = device if any(map(_broke, attempt.answers.values())) else self._failed
        return _completed(attempt, verdict, reason, finding)

    async def _within(self, attempt: _Try, work: Awaitable[None], seconds: float) -> None:
        """Run `work` for at most `seconds` by the attempt's clock, and `GRACE_S` more when it does not let go.

        Raises:
            TimeoutError: it did not end in time; what it still says is not heard any more.
        """
        task = asyncio.ensure_future(work)
        try:
            async with asyncio.timeout(seconds) as attempt.clock:
                await asyncio.sleep(0)  # most only look at what was answered, and are through with that
                if not task.done():
                    await asyncio.wait({task})
        except TimeoutError:
            if not task.done():
                await self._dismiss(task)
                raise
        except asyncio.CancelledError:
            await self._dismiss(task)
            raise
        return task.result()

    async def _dismiss(self, task: asyncio.Future[None]) -> None:
        task.cancel()
        await asyncio.wait({task}, timeout=GRACE_S)
        if not task.done():
            _log.warning("a probe of run %s does not let go", self.run_id)
            self._strays.add(task)
            task.add_done_callback(self._strays.discard)
        task.add_done_callback(_swallow)

    async def _readings(self, attempt: _Try, device: Device) -> None:
        settings = self.subject.settings(attempt.check, attempt.probe)
        readings = attempt.probe.run(_Bench(self, attempt, device), **settings)
        try:
            async for reading in readings:
                if attempt.over:
                    return
                self._take(attempt, reading)
                if attempt.live:
                    await self._store([attempt])
        finally:
            close = getattr(readings, "aclose", None)
            if close is not None:
                with suppress(RuntimeError):  # already running: it is being cancelled
                    await close()

    def _take(self, attempt: _Try, reading: object) -> None:
        """Judge one reading and have it ready to be stored.

        Raises:
            WrongValue: it is not what its probe declares, or no reading at all.
        """
        if isinstance(reading, Evidence):
            require_texts(reading.name, reading.media_type)
            if not isinstance(reading.data, bytes):
                raise WrongValue(f"{type(reading.data).__name__} is no evidence")
            self._wait(attempt, _attached(attempt.id, reading.name, reading.media_type, reading.data))
            attempt.evidence.append(Kept(reading.name, reading.media_type, reading.data))
            return
        if not isinstance(reading, (Measurement, Unread)):
            what = reading.what if isinstance(reading, NoReading) else type(reading).__name__
            raise WrongValue(f"{what} is no reading")
        unit = attempt.probe.measures.get(reading.name)
        if unit is None:
            raise WrongValue(f"{reading.name!r} is not among its measures")
        require_texts(reading.source)
        if isinstance(reading, Unread):
            if not is_words(reading.reason):
                raise WrongValue(f"{str(reading.reason)[:80]!a} is no reason in both languages")
            reading = reading._replace(reason=self._in_its_words(reading.reason))
            attempt.unread.append(reading)
            self._wait(
                attempt, NotRead(attempt=attempt.id, name=reading.name, reason=reading.reason, source=reading.source)
            )
        else:
            self._measured(attempt, reading, unit)

    def _in_its_words(self, reason: Words) -> Words:
        """A refusal with the switch to flip as this phone's own menus call it."""
        phone = self.host.phone
        return in_words_of(recognise(phone.manufacturer, phone.brand, phone.marks), reason)

    def _measured(self, attempt: _Try, reading: Measurement, unit: str) -> None:
        value = held(reading.value, unit)
        check = attempt.check.id
        limit, dumped = self._limits.get((check, reading.name), _UNLIMITED)
        plain = as_value(value)
        # Judged is what is kept, so that anyone can judge it again.
        kept = reading if plain is None else Measurement(reading.name, plain, reading.source)
        spread = self.subject.reference.spread(check, reading.name, unit)
        judged = judge_measurement(limit, kept, unit, self.subject.baselines(check) if limit else {}, spread)
        attempt.judged.append(judged)
        baseline = None if judged.baseline is None else held(judged.baseline, _unit_of(judged.baseline, unit))
        measured = Measured(
            attempt=attempt.id,
            name=reading.name,
            value=value,
            unit=unit,
            source=reading.source,
            verdict=judged.verdict,
            reason=judged.reason,
            limit=dumped,
            baseline=baseline,
        )
        self._wait(attempt, measured)


@contextmanager
def _unhurried(attempt: _Try) -> Iterator[None]:
    """Stop the attempt's clock: how long somebody thinks is not the phone's time."""
    clock = attempt.clock
    ends = clock.when() if clock is not None else None
    if clock is None or ends is None:
        yield
        return
    loop = asyncio.get_running_loop()
    began = loop.time()
    clock.reschedule(None)
    try:
        yield
    finally:
        with suppress(RuntimeError):  # the attempt is being ended from outside
            clock.reschedule(ends + loop.time() - began)


class _Stop(Exception):
    """The run ends early, in order."""

    def __init__(self, reason: Words) -> None:
        super().__init__(reason.en)
        self.reason = reason


# --- endings ---------------------------------------------------------------------------------------------------------


def _ended(
    attempt: _Try,
    ending: Ending,
    verdict: Verdict,
    reason: Words | None,
    *,
    finding: str | None = None,
    side: Side | None = None,
) -> AttemptEnded:
    return AttemptEnded(
        attempt=attempt.id, ending=ending, verdict=verdict, reason=reason, finding=finding, side=side and side.value
    )


def _ending_of(not_run: NotRun) -> Ending:
    if isinstance(not_run, NotApplicable):
        return Ending.NOT_APPLICABLE
    return Ending.TIMED_OUT if isinstance(not_run, PromptTimedOut) else Ending.SKIPPED


def _driver_ended(attempt: _Try, error: DriverError) -> AttemptEnded:
    if isinstance(error, Unsupported):
        return _ended(attempt, Ending.SKIPPED, Verdict.NONE, error.what, side=error.side)
    ending = Ending.TIMED_OUT if isinstance(error, NoAnswer) else Ending.ERRORED
    return _ended(attempt, ending, Verdict.NONE, error.what, side=error.side)


def _completed(attempt: _Try, verdict: Verdict, reason: Words | None, finding: str | None) -> AttemptEnded:
    """The end of a probe that ran through. A lost link under its answers is an error all the same; an answer that was
    not whole names the ending when it left nothing to judge."""
    failures = [answer.failure for answer in attempt.answers.values() if answer.failure is not None]
    lost = [failure for failure in failures if isinstance(failure, DeviceGone | ServerDown)]
    if lost:
        return _driver_ended(attempt, lost[0])
    broken = [one for one in failures if isinstance(one, NoAnswer | OutputCut | Garbled | TooMuchOutput)]
    if broken and verdict is Verdict.NONE:
        return _driver_ended(attempt, broken[0])
    return _ended(attempt, Ending.COMPLETED, verdict, reason, finding=finding)


#: Failures after which the link itself is suspect.
_BREAKS = (DeviceGone, ServerDown, OutputCut)


def _broke(answer: CommandResult) -> bool:
    return isinstance(answer.failure, _BREAKS)


def _swallow(task: asyncio.Future[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.debug("what nobody waits for any more ended with %r", error)


# --- small parts -----------------------------------------------------------------------------------------------------


def _offers(device: Device, need: type) -> bool:
    try:
        device.capability(need)
    except Unsupported:
        return False
    return True


def _limits(checklist: Checklist) -> Mapping[tuple[str, str], _Limited]:
    """The limits by check and measure, each with its dump; the first of a measure is the one that counts."""
    known = _LIMITS.get(checklist.sha256 or "")
    if known is None:
        known = {
            (check.id, limit.measure): (limit, dump_model(limit))
            for check in reversed(checklist.checks)
            for limit in reversed(check.limits)
        }
        if checklist.sha256:
            _LIMITS[checklist.sha256] = known
            while len(_LIMITS) > LISTS:
                _LIMITS.popitem(last=False)
    return known


def _unit_of(baseline: object, unit: str) -> str:
    """A list may be compared with one text, an identity with several; all else is compared with its own kind."""
    if isinstance(baseline, tuple):
        return LIST
    return TEXT if unit == LIST else unit


async def _batch(device: Device, commands: Sequence[Command], deadline_s: float, heard: Heard) -> list[CommandResult]:
    """The commands' results, one for each whatever happens."""
    try:
        async with asyncio.timeout(deadline_s + GRACE_S):
            return await device.capability(Shell).batch(  # type: ignore[type-abstract]
                commands, deadline_s=deadline_s, heard=heard
            )
    except TimeoutError:
        seconds = f"{deadline_s:g}"
        silent = NoAnswer("run.no-answer", _LATE.fill(seconds=seconds), Side.PHONE, _PLUG_IN)
        return [_unanswered(command, silent) for command in commands]
    except DriverError as error:
        return [_unanswered(command, error) for command in commands]


def _called(name: str, given: CommandResult) -> CommandResult:
    """The result under another name. Spelt out, since each answer needs it: `_replace` takes three times as long."""
    _, script, stdout, stderr, exit_code, started_s, seconds, failure = given
    return CommandResult(name, script, stdout, stderr, exit_code, started_s, seconds, failure)


def _unanswered(command: Command, failure: DriverError) -> CommandResult:
    return CommandResult(command.name, command.script, b"", b"", None, 0.0, 0.0, failure)


def _attached(attempt: str, name: str, media_type: str, data: bytes) -> Attached:
    digest = hashlib.sha256(data).hexdigest()
    return Attached(attempt=attempt, name=name, sha256=digest, bytes=len(data), media_type=media_type)
