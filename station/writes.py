"""What checks change on phones: agreed to, written down before it is done, and undone, however the attempt ends.

A change belongs to a phone, not to a ticket, a cable or an engine: as long as the journal has no word of its undoing,
it is owed, and whoever sees that phone again undoes it. Stands on events, and on the capabilities of a device. It knows
no checklist, no database and no screen.
"""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from drivers.api import (
    Command,
    CommandResult,
    Device,
    DriverError,
    Files,
    Identity,
    Reverse,
    SelfTestPage,
    Shell,
    Side,
)
from drivers.text import Words, safe_text
from probes.api import Choice, Prompt, PromptKind, Write
from station.events import Body, ChangeGivenUp, Event, Identifying, PhoneRestored, PhoneWriting, RestoreFailed

__all__ = [
    "AGREED",
    "CONSENT",
    "Change",
    "NotedFiles",
    "NotedPage",
    "NotedReverse",
    "Writer",
    "consent_prompt",
    "fold_changes",
    "left_on",
    "undo",
]

#: The prompt that asks for consent, and the answer that gives it: what an answers file names.
CONSENT, AGREED = "consent-to-write", "agree"
#: Seconds that one undo may take on the phone, and all of an attempt's together; over the wire a little more.
UNDO_S, ALL_UNDO_S, WIRE_S = 5.0, 12.0, 1.0
#: Seconds that a change which was interrupted gets to come to its end before it is undone, and where its phone is gone.
#: It can't be cut off: of a closed stream adbd tells the outer shell alone, and what that has begun goes on (AOSP
#: shell_service.cpp, PassDataStreams).
SETTLE_S, GONE_S = 20.0, 2.0
#: Seconds that a phone which has just started may take until it can undo something, and between two tries.
STARTING_S, AGAIN_S = 90.0, 2.0
#: Bytes of a changing command's answer that are kept.
ANSWER = 64 * 1024

Said = Callable[[Sequence[Body]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Change:
    """Something on a phone that is to be undone.

    Attributes:
        id: names it for good.
        attempt, ticket, run: for whom it was made.
        name, what: as its `Write` said.
        undo: the line for the phone's shell that takes it back; empty when only `port` is to be closed.
        serial, imeis, model: the phone; empty once the ticket's personal data was erased.
        failed: why the last try to undo it was in vain.
    """

    id: str
    attempt: str
    ticket: str
    run: str
    name: str
    what: Words
    undo: str
    serial: str = ""
    imeis: tuple[str, ...] = ()
    model: str = ""
    port: int = 0
    made_ms: int = 0
    failed: Words | None = None

    def is_on(self, phone: Identity) -> bool:
        """Whether it is this phone: by IMEIs where both have some, else by the serial that the phone itself tells, with
        its model: many a maker gives all of its phones one serial."""
        if self.imeis and phone.imeis:
            return bool(set(self.imeis) & set(phone.imeis))
        return bool(self.serial) and (self.serial, self.model) == (phone.serial, safe_text(phone.model, 200))


def fold_changes(events: Iterable[Event], known: Mapping[str, Change] | None = None) -> dict[str, Change]:
    """The changes that are not undone after these events, oldest first; going on from `known`."""
    left = dict(known or {})
    for each in events:
        match each.body:
            case PhoneWriting() as told:
                left[told.change] = _change(told, each.ticket, each.run, each.wall_ms)
            case PhoneRestored() | ChangeGivenUp() as told:
                left.pop(told.change, None)
            case RestoreFailed() as told if told.change in left:
                left[told.change] = replace(left[told.change], failed=told.reason)
    return left


def _change(told: PhoneWriting, ticket: str, run: str, made_ms: int) -> Change:
    return Change(
        id=told.change,
        attempt=told.attempt,
        ticket=ticket,
        run=run,
        name=told.name,
        what=told.what,
        undo=told.undo,
        serial=told.serial.identity or "",
        imeis=tuple(imei.identity for imei in told.imeis if imei.identity),
        model=told.model,
        port=told.port,
        made_ms=made_ms,
    )


def left_on(phone: Identity | None, changes: Iterable[Change]) -> list[Change]:
    """Those of the changes that are on this phone."""
    return [] if phone is None else [change for change in changes if change.is_on(phone)]


# --- undoing ---------------------------------------------------------------------------------------------------------


async def undo(device: Device, changes: Sequence[Change], *, later: bool) -> list[PhoneRestored | RestoreFailed]:
    """Undo the changes, the newest first, and say of each what came of it. Bounded in time; never raises a DriverError.

    One that can't be undone does not keep the others. `later`: the attempt that made them is long over; a phone that
    was restarted meanwhile is seen long before its services are there, and is waited for.
    """
    newest = list(reversed(changes))
    failed = await _run_undos(device, [change for change in newest if change.undo])
    loop = asyncio.get_running_loop()
    until = loop.time() + (STARTING_S if later else 0.0)
    while (early := [change for change in newest if _too_early(failed.get(change.id))]) and loop.time() < until:
        await asyncio.sleep(AGAIN_S)
        failed |= await _run_undos(device, early)
    for change in newest:
        if change.port and failed.get(change.id) is None:
            failed[change.id] = await _close_port(device, change.port)
    return [_told(change, failed.get(change.id), later=later) for change in newest]


async def _run_undos(device: Device, changes: Sequence[Change]) -> dict[str, _Failure | None]:
    if not changes:
        return {}
    commands = [Command(f"undo-{n}", change.undo, UNDO_S, ANSWER) for n, change in enumerate(changes, 1)]
    deadline_s = min(ALL_UNDO_S, UNDO_S * len(commands)) + WIRE_S
    try:
        async with asyncio.timeout(deadline_s + WIRE_S):
            results = await device.capability(Shell).batch(  # type: ignore[type-abstract]
                commands, deadline_s=deadline_s
            )
    except DriverError as error:
        return {change.id: _Failure(error.what, error.side) for change in changes}
    except TimeoutError:
        late = _Failure(_LATE.fill(seconds=f"{deadline_s:g}"), Side.PHONE)
        return {change.id: late for change in changes}
    return {change.id: _failure(result) for change, result in zip(changes, results, strict=True)}


async def _close_port(device: Device, port: int) -> _Failure | None:
    """Lead the port to nowhere and take the way down: what is not there can't be taken down without a refusal."""
    try:
        reverse = device.capability(Reverse)  # type: ignore[type-abstract]
        async with asyncio.timeout(UNDO_S), reverse.reverse(port, port, deadline_s=UNDO_S):
            pass
    except DriverError as error:
        return _Failure(error.what, error.side)
    except TimeoutError:
        return _Failure(_LATE.fill(seconds=f"{UNDO_S:g}"), Side.PHONE)
    return None


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: Words
    side: Side
    early: bool = False


def _too_early(failure: _Failure | None) -> bool:
    return failure is not None and failure.early


def _failure(result: CommandResult) -> _Failure | None:
    """Why an undo did not work, as far as the phone's answer shows; many of Android's commands end 0 and complain."""
    if result.failure is not None:
        return _Failure(result.failure.what, result.failure.side)
    said = result.text + "\n" + result.stderr.decode("utf-8", "replace")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    early = next((line for line in lines if any(words in line for words in _EARLY)), "")
    complaint = early or next((line for line in lines if _COMPLAINT.search(line)), "")
    if not complaint and not result.exit_code:
        return None
    last = complaint or (lines[-1] if lines else f"exit {result.exit_code}")
    return _Failure(_REFUSED.fill(answer=safe_text(last, 160)), Side.PHONE, early=bool(early))


#: What `svc`, `input`, `am` and `cmd` say while the service that they need is not there (AOSP: WifiCommand,
#: BluetoothCommand, NfcCommand, Input, Am, cmd.cpp); the older of them end 0 all the same.
_EARLY = ("service is not ready", "Can't find service", "s the system ready", "s the system running")
#: Other complaints, some of which end 0 too: exceptions, `settings` and `am` ("Error"), `svc` ("operation failed").
_COMPLAINT = re.compile(r"Exception|^Error|operation failed")


def _told(change: Change, failed: _Failure | None, *, later: bool) -> PhoneRestored | RestoreFailed:
    if failed is None:
        return PhoneRestored(attempt=change.attempt, change=change.id, at="later" if later else "attempt")
    return RestoreFailed(attempt=change.attempt, change=change.id, reason=failed.reason, side=failed.side.value)


# --- changing --------------------------------------------------------------------------------------------------------


class Writer:
    """The changes of one run on one phone, from the first to the last undo.

    Args:
        phone: who the phone is, so that it is known again.
        said: puts events on the disk; back when they are there.
        device: the phone as it can be reached now, None when it is gone.
    """

    def __init__(self, phone: Identity, said: Said, device: Callable[[], Awaitable[Device | None]]) -> None:
        self._phone, self._said, self._device = phone, said, device
        self._made = 0
        self._doing: asyncio.Future[list[CommandResult]] | None = None
        self._tried: dict[str, Device] = {}
        self.owed: list[Change] = []

    async def write(self, attempt: str, device: Device, write: Write, deadline_s: float) -> CommandResult:
        """Change something; its undo is on the disk before.

        A probe that is cancelled leaves the command to itself: `restore` waits for it, for an undo that overtakes its
        change undoes nothing.

        Raises:
            Unsupported: the phone has no shell; Trouble: the undo could not be written down. Nothing was changed.
        """
        shell = device.capability(Shell)  # type: ignore[type-abstract]
        await self.note(attempt, write)
        command = Command("do", write.do, max(0.5, deadline_s - WIRE_S), ANSWER)
        self._doing = asyncio.ensure_future(shell.batch([command], deadline_s=deadline_s))
        [result] = await asyncio.shield(self._doing)
        return result._replace(name=write.name)

    async def note(self, attempt: str, write: Write, port: int = 0) -> Change:
        """Write down what is about to be changed, and how it is undone."""
        self._made += 1
        told = PhoneWriting(
            attempt=attempt,
            change=f"{attempt}/{self._made}-{write.name}",
            name=write.name,
            what=write.what,
            do=write.do,
            undo=write.undo,
            serial=Identifying(identity=safe_text(self._phone.serial, 200)),
            imeis=tuple(Identifying(identity=safe_text(imei, 32)) for imei in self._phone.imeis),
            model=safe_text(self._phone.model, 200),
            port=port,
        )
        change = _change(told, "", "", 0)
        self.owed.append(change)  # before it is on the disk: it may be there although nobody says so any more
        await self._said([told])
        return change

    @asynccontextmanager
    async def noted(self, attempt: str, write: Write, port: int = 0) -> AsyncIterator[None]:
        """Something that is there for the length of a block and that the block itself takes back.

        What ends by an error may not have been taken back: then it stays owed, and is undone with the rest.
        """
        change = await self.note(attempt, write, port)
        yield
        await self._said([PhoneRestored(attempt=attempt, change=change.id)])
        self.owed.remove(change)

    async def restore(self) -> list[Body]:
        """Undo what is owed, newest first, as far as the phone can be reached; what came of it is to be written down.

        Bounded in time. What could not be undone stays owed, and is tried again when the phone was opened anew.
        """
        if not self.owed:
            return []
        await self._settle()
        device = await self._device()
        due = [change for change in self.owed if self._tried.get(change.id) is not device]
        if device is None or not due:
            return []
        told = await undo(device, due, later=False)
        self._tried |= {change.id: device for change in due}  # what was stopped in the middle is not tried
        restored = {each.change for each in told if isinstance(each, PhoneRestored)}
        self.owed = [change for change in self.owed if change.id not in restored]
        return list(told)

    async def _settle(self) -> None:
        doing = self._doing
        if doing is None:
            return
        await asyncio.wait({doing}, timeout=GONE_S if await self._device() is None else SETTLE_S)
        if not doing.done():
            doing.cancel()
            await asyncio.wait({doing}, timeout=WIRE_S)
        self._doing = None


# --- what drivers put on a phone for a while -------------------------------------------------------------------------


class Noted(Protocol):
    """Notes a change that a block takes back by itself."""

    def __call__(self, write: Write, port: int = 0) -> AbstractAsyncContextManager[None]:
        """For the length of the block."""
        ...


class NotedPage:
    """`SelfTestPage` whose page is sent away once more when the attempt ends: that it went the first time is nowhere
    said, and the cable may have been out by then."""

    def __init__(self, page: SelfTestPage, showing: Callable[[Write], Awaitable[object]]) -> None:
        self._page, self._showing = page, showing

    @asynccontextmanager
    async def show(self, html: bytes, *, deadline_s: float) -> AsyncIterator[None]:
        """As `SelfTestPage.show`."""
        await self._showing(_PAGE)
        async with self._page.show(html, deadline_s=deadline_s):
            yield


class NotedReverse:
    """`Reverse` whose open ports are known as long as they are open."""

    def __init__(self, reverse: Reverse, noted: Noted) -> None:
        self._reverse, self._noted = reverse, noted

    @asynccontextmanager
    async def reverse(self, phone_port: int, bench_port: int, *, deadline_s: float) -> AsyncIterator[None]:
        """As `Reverse.reverse`."""
        write = Write(f"port-{phone_port}", _PORT.fill(port=phone_port), "", "")
        async with self._noted(write, phone_port), self._reverse.reverse(phone_port, bench_port, deadline_s=deadline_s):
            yield


class NotedFiles:
    """`Files` whose pushed files are removed when the attempt ends; `pushing` agrees and notes before each."""

    def __init__(self, files: Files, pushing: Callable[[Write], Awaitable[None]]) -> None:
        self._files, self._pushing = files, pushing

    async def pull(self, path: str, *, deadline_s: float, limit: int) -> bytes:
        """As `Files.pull`."""
        return await self._files.pull(path, deadline_s=deadline_s, limit=limit)

    async def push(self, path: str, data: bytes, *, deadline_s: float, mode: int = 0o644) -> None:
        """As `Files.push`; raises `Skipped` when nobody agrees."""
        await self._pushing(Write("pushed-file", _FILE.fill(path=path), "", f"rm -f {shlex.quote(path)}"))
        await self._files.push(path, data, deadline_s=deadline_s, mode=mode)


# --- consent ---------------------------------------------------------------------------------------------------------


def consent_prompt(changes: Sequence[Words]) -> Prompt:
    """The one question of a run, with every change in words."""
    choices = (Choice(AGREED, _AGREE, "y"), Choice("refuse", _REFUSE, "n"))
    return Prompt(CONSENT, PromptKind.CHOICE, _MAY_WE, (*changes, _UNDONE), choices)


_MAY_WE = Words(
    "May the checks of this run change these things on the phone for a moment?", "本次检测可否临时改动手机的以下设置？"
)
_UNDONE = Words(
    "Each is put back when its check ends; after a pulled cable as soon as the phone is seen again",
    "每项检测结束即恢复原状；如中途断线，手机再次接入时立即恢复",
)
_AGREE = Words("yes, the customer agrees", "可以，客户已同意")
_REFUSE = Words("no: leave the phone as it is", "不可以，保持手机原状")
_LATE = Words("not undone within {seconds} s", "{seconds} 秒内未能恢复")
_REFUSED = Words("the phone did not take it back: {answer}", "手机未能恢复：{answer}")
_PAGE = Write(
    "self-test-page",
    Words("a page of the bench is open in the browser", "浏览器打开了工位的检测页面"),
    "",
    "input keyevent KEYCODE_HOME",
)
_PORT = Words("the phone's port {port} leads to the bench", "手机端口 {port} 已转接到工位")
_FILE = Words("the file {path} was put on the phone", "已向手机写入文件 {path}")
