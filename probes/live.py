"""Waiting for what a person does to a phone, as the phone itself sees it.

A prompt stands while the phone is watched; it goes away by itself when the phone has seen what was asked for. All that
a person can say is that it was done and nothing happened, which is never a pass. Stands on `probes.api` alone; what is
watched is the caller's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from drivers.api import InputEvent
from drivers.text import Words
from probes.api import Choice, NotRun, Person, Prompt, PromptKind, PromptTimedOut

__all__ = ["BY_ITSELF", "NOTHING_HAPPENED", "EventQueue", "seen_by_the_phone"]

T = TypeVar("T")

BY_ITSELF = Words("This goes on by itself as soon as the phone sees it.", "手机检测到后会自动继续。")
#: What a person answers when the phone did not see what was done.
NOTHING_HAPPENED = "no-reaction"

_DONE = Words("Done, and nothing happens", "已完成操作，但没有反应")
_OVER = Words("the time for this check was over; run this again", "此项检测的总时间已到；请重测")


async def seen_by_the_phone(
    person: Person,
    prompt_id: str,
    title: Words,
    watching: Awaitable[T],
    *,
    steps: tuple[Words, ...] = (),
    timeout_s: float = 60.0,
) -> T | None:
    """Ask for something and watch the phone until it has seen it; None when the person says that nothing happens.

    Raises what `watching` raises, `Skipped` and `PromptTimedOut`. Neither prompt nor watching outlives the call.
    """
    choices = (Choice(NOTHING_HAPPENED, _DONE, "-"),)
    prompt = Prompt(prompt_id, PromptKind.CHOICE, title, (*steps, BY_ITSELF), choices, timeout_s)
    asking: asyncio.Future[object] = asyncio.ensure_future(person.ask(prompt))
    seeing = asyncio.ensure_future(watching)
    try:
        await asyncio.wait((asking, seeing), return_when=asyncio.FIRST_COMPLETED)
        if seeing.done():
            return seeing.result()
        asking.result()
        return None
    finally:
        for task in (asking, seeing):
            task.cancel()
        await asyncio.gather(asking, seeing, return_exceptions=True)


class EventQueue:
    """The phone's input events in a queue, so that waiting for one can be given up without breaking the stream.

    A trouble of the link comes out of `next` where the events before it were taken. `wanted` says which are kept.
    """

    def __init__(
        self,
        events: AsyncIterator[InputEvent],
        wanted: Callable[[InputEvent], bool],
        over: NotRun | None = None,
    ) -> None:
        self._queue: asyncio.Queue[InputEvent | Exception] = asyncio.Queue()
        self._wanted, self._over = wanted, over or PromptTimedOut(_OVER)
        self._pump = asyncio.create_task(self._run(events))

    async def _run(self, events: AsyncIterator[InputEvent]) -> None:
        try:
            async for event in events:
                if self._wanted(event):
                    self._queue.put_nowait(event)
            self._queue.put_nowait(self._over)
        except Exception as trouble:
            self._queue.put_nowait(trouble)

    async def next(self) -> InputEvent:
        """The next event; raises what ended the stream."""
        event = await self._queue.get()
        if isinstance(event, Exception):
            self._queue.put_nowait(event)
            raise event
        return event

    def waiting(self) -> list[InputEvent]:
        """The events that have arrived and were not taken yet, taken; what ended the stream stays."""
        found: list[InputEvent] = []
        while not self._queue.empty():
            event = self._queue.get_nowait()
            if isinstance(event, Exception):
                self._queue.put_nowait(event)
                break
            found.append(event)
        return found

    async def close(self) -> None:
        """Stop reading."""
        self._pump.cancel()
        await asyncio.gather(self._pump, return_exceptions=True)
