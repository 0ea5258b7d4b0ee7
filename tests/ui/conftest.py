"""What the screen's tests share: English unless a test says otherwise, no animations, and a way to drive a page."""

from __future__ import annotations

import asyncio
import os

os.environ["TEXTUAL_ANIMATIONS"] = "none"

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import Input
from ui_script import WANG, ScriptedEngine, make_app, screen_text

from station.i18n import set_language
from station.ui.app import AssayApp
from station.ui.seams import Signatory


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    set_language("en")
    yield
    set_language("en")


class Driven:
    """An app under a pilot."""

    def __init__(self, app: AssayApp, pilot: Pilot[int], engine: ScriptedEngine) -> None:
        self.app, self.pilot, self.engine = app, pilot, engine

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def type(self, text: str) -> None:
        """The text into the field that has the focus, at once."""
        field = self.app.focused
        assert isinstance(field, Input)
        field.insert_text_at_cursor(text)
        await self.settle()

    async def settle(self) -> None:
        """Until nothing is under way any more: no worker but the attachment runs, and what came of it is painted."""
        for _ in range(400):
            busy = [worker for worker in self.app.workers if not worker.is_finished and worker.group != "attach"]
            if not busy and not getattr(self.app.screen, "busy", False):
                break
            await asyncio.sleep(0.005)
        await self.pilot.pause()

    @property
    def text(self) -> str:
        return screen_text(self.app)

    @property
    def header(self) -> str:
        return self.text.splitlines()[0]

    @property
    def footer(self) -> str:
        return self.text.splitlines()[-1]


@pytest.fixture
def drive():
    """`async with drive(engine) as screen`: the app on that engine, painted and attached."""

    @asynccontextmanager
    async def start(
        engine: ScriptedEngine, size: tuple[int, int] = (160, 45), person: Signatory | None = WANG, **more: bool
    ) -> AsyncIterator[Driven]:
        app = make_app(engine, person, **more)
        async with app.run_test(size=size) as pilot:
            driven = Driven(app, pilot, engine)
            await driven.settle()
            yield driven

    return start
