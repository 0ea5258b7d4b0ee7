"""One open question to a person: put, answered, skipped or run out, and journalled at each step.

`Desk` is the `Person` that probes of one run ask; whoever sits at a screen or a terminal answers it by commands. An
answer is on the disk before the probe sees it. It knows no screen.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from drivers.api import Side
from drivers.text import Words, safe_text
from probes.api import Answer, Prompt, PromptKind, PromptTimedOut, Skipped
from station.errors import EXIT_USE, Trouble
from station.events import Answered, Body, Identifying, Prompted

__all__ = ["Desk", "Open"]

Journalled = Callable[[Sequence[Body]], Awaitable[None]]

#: What a person may say to a verdict prompt, by the keys `+`, `-` and `0`.
VERDICTS = ("good", "bad", "not-applicable")
LONGEST = 2000  # characters of an answer or a note, as `PromptV1` holds them

_GONE = Words("This question is not open any more", "该操作提示已结束")
_LOOK_AGAIN = Words("Look at the phone's card again: it shows what is asked now", "请查看该槽位当前的提示")
_NOT_AN_ANSWER = Words("{value} is no answer to this question", "“{value}”不是该提示的有效回答")
_CHOOSE = Words("Choose one of: {choices}", "请选择：{choices}")
_ONLY_SKIP = Words("Do what is asked, or skip it with a reason", "请按提示操作，或填写原因后跳过")
_NO_ONE = Words("nobody answered within {seconds} s", "{seconds} 秒内无人应答")


@dataclass(slots=True)
class Open:
    """The question that is open now.

    `asked`: it is on the disk; `taken`: an answer is being written down, so it can't be answered again or run out;
    `ended`: so is what came of it.
    """

    attempt: str
    check: str
    prompt: Prompt
    ends_ms: int
    asked_ms: int
    future: asyncio.Future[Answer] = field(repr=False)
    asked: bool = False
    taken: bool = False
    ended: bool = False


class Desk:
    """Where the probes of one run ask. At most one question is open at a time."""

    def __init__(self, journalled: Journalled, changed: Callable[[], None]) -> None:
        self._journalled, self._changed = journalled, changed
        self._now: Open | None = None
        self._writing: set[asyncio.Future[None]] = set()

    @property
    def open(self) -> Open | None:
        """The question that may be shown: it is on the disk, and nothing has come of it yet."""
        return self._now if self._now is not None and self._now.asked else None

    async def ask(self, attempt: str, check: str, prompt: Prompt) -> Answer:
        """Put the question and wait.

        Raises:
            Skipped: a person skipped it; PromptTimedOut: nobody answered in time; RuntimeError: one is open already.
        """
        if self._now is not None:
            raise RuntimeError(f"{attempt} asks {prompt.id!r} while {self._now.prompt.id!r} is open")
        now_ms = time.time_ns() // 1_000_000
        ends_ms = now_ms + int(prompt.timeout_s * 1000)
        mine = Open(attempt, check, prompt, ends_ms, now_ms, asyncio.get_running_loop().create_future())
        self._now = mine
        try:
            await self._journalled([_prompted(attempt, prompt, ends_ms)])
            mine.asked = True
            self._changed()
            return await self._answer(mine)
        except asyncio.CancelledError:
            if not mine.ended:  # also when it was cancelled while it was being written down
                await self._end(mine, "withdrawn")
            raise
        finally:
            self._now = None
            self._changed()

    async def withdraw(self, attempt: str) -> None:
        """Take away what the attempt left open: its probe is over, and nobody would hear the answer."""
        mine = self._now
        if mine is not None and mine.attempt == attempt and not mine.ended:
            await self._end(mine, "withdrawn")
            mine.future.cancel()

    async def _answer(self, mine: Open) -> Answer:
        await asyncio.wait({mine.future}, timeout=mine.prompt.timeout_s)
        if not mine.future.done() and not mine.taken:
            await self._end(mine, "timed-out")
            raise PromptTimedOut(_NO_ONE.fill(seconds=f"{mine.prompt.timeout_s:.0f}"))
        return await mine.future

    async def _end(self, mine: Open, outcome: str) -> None:
        mine.taken = mine.ended = True
        body = {"attempt": mine.attempt, "prompt": mine.prompt.id, "outcome": outcome}
        # Whoever waits may be cancelled meanwhile; how the question ended is written down all the same.
        writing = asyncio.ensure_future(self._journalled([Answered.model_validate(body)]))
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)
        await asyncio.shield(writing)

    async def answer(self, attempt: str, prompt: str, value: str, note: str, person: str) -> None:
        """Answer the open question.

        Raises:
            Trouble: another question is open by now, or this is no answer to it; nothing was changed.
        """
        mine = self._mine(attempt, prompt)
        value, note = safe_text(value.strip(), LONGEST), safe_text(note, LONGEST)
        _must_fit(mine.prompt, value)
        free = mine.prompt.kind is PromptKind.TEXT  # typed or scanned: it may be a serial or an IMEI
        kept = Identifying(identity=value) if free else value
        body = {"attempt": attempt, "prompt": prompt, "outcome": "answered", "note": note, "person": person}
        await self._close(mine, Answered(**body, value=kept))
        _settle(mine, Answer(prompt, value, person, note))

    async def skip(self, attempt: str, prompt: str, reason: str, person: str) -> None:
        """Skip the open question's check, with a reason.

        Raises:
            Trouble: another question is open by now; nothing was changed.
        """
        mine = self._mine(attempt, prompt)
        reason = safe_text(reason, LONGEST)
        body = {"attempt": attempt, "prompt": prompt, "outcome": "skipped", "note": reason, "person": person}
        await self._close(mine, Answered.model_validate(body))
        _settle(mine, Skipped(_SKIPPED.fill(reason=reason) if reason else Words("skipped", "已跳过")))

    def _mine(self, attempt: str, prompt: str) -> Open:
        if self.open and not self.open.taken and (self.open.attempt, self.open.prompt.id) == (attempt, prompt):
            return self.open
        raise Trouble("prompt.gone", _GONE, Side.PERSON, _LOOK_AGAIN, EXIT_USE)

    async def _close(self, mine: Open, body: Answered) -> None:
        mine.taken = mine.ended = True
        try:
            await self._journalled([body])
        except BaseException:
            mine.taken = mine.ended = False
            raise


_SKIPPED = Words("skipped: {reason}", "已跳过：{reason}")


def _settle(mine: Open, result: Answer | Skipped) -> None:
    if mine.future.done():  # taken away in the meantime; the journal has both, in order
        return
    if isinstance(result, Answer):
        mine.future.set_result(result)
    else:
        mine.future.set_exception(result)


def _must_fit(prompt: Prompt, value: str) -> None:
    allowed: tuple[str, ...] = ()
    if prompt.kind is PromptKind.CHOICE:
        allowed = tuple(choice.value for choice in prompt.choices)
    elif prompt.kind is PromptKind.VERDICT:
        allowed = VERDICTS
    if value in allowed or (prompt.kind is PromptKind.TEXT and value):
        return
    next_step = _CHOOSE.fill(choices=", ".join(allowed)) if allowed else _ONLY_SKIP
    raise Trouble("prompt.answer", _NOT_AN_ANSWER.fill(value=value), Side.PERSON, next_step, EXIT_USE)


def _prompted(attempt: str, prompt: Prompt, ends_ms: int) -> Prompted:
    return Prompted(
        attempt=attempt,
        prompt=prompt.id,
        asked=prompt.kind.value,
        title=prompt.title,
        steps=prompt.steps,
        choices=tuple((choice.value, choice.label, choice.key) for choice in prompt.choices),
        ends_ms=ends_ms,
    )
