"""How a question ends is written down once, also when whoever asked is cancelled in that very moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from drivers.text import Words
from probes.api import Prompt, PromptKind
from station.asking import Desk
from station.events import Answered, Body

QUESTION = Prompt("look", PromptKind.VERDICT, Words("Good?", "好吗？"), timeout_s=0.01)


async def test_a_question_that_runs_out_while_its_probe_is_cancelled_has_its_end_on_the_disk() -> None:
    kept: list[Body] = []
    writing, may_go_on = asyncio.Event(), asyncio.Event()

    async def journalled(bodies: Sequence[Body]) -> None:
        if any(isinstance(body, Answered) for body in bodies):
            writing.set()
            await may_go_on.wait()
        kept.extend(bodies)

    desk = Desk(journalled, lambda: None)
    asking = asyncio.create_task(desk.ask("run/look/1", "look", QUESTION))
    await writing.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    may_go_on.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [body.outcome for body in kept if isinstance(body, Answered)] == ["timed-out"]
