"""An engine that is asked to end, ends: a driver that does not let go is named in the log and left behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers.api import Link
from tests.station.station_bench import Cabinet, Phone, enrol, running, until


class Clinging(Cabinet):
    """A transport whose watch does not end when it is cancelled, until it is let."""

    def __init__(self, *phones: Phone) -> None:
        super().__init__(*phones)
        self.let = asyncio.Event()

    async def watch(self) -> AsyncIterator[tuple[Link, ...]]:
        yield tuple(phone.link for phone in self.phones)
        while not self.let.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.let.wait()


async def test_a_driver_that_does_not_let_go_does_not_keep_the_engine_from_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("station.engine.END_S", 0.2)
    station = await enrol(tmp_path / "data")
    cabinet = Clinging(Phone())
    async with running(station, cabinet) as (engine, client):
        await until(client, lambda bench: bench.cards and bench.cards[0].status == "ready")
        with caplog.at_level(logging.ERROR):
            async with asyncio.timeout(10):
                await engine.close()
        cabinet.let.set()
    assert "bench" in caplog.text
    async with running(station, Cabinet(Phone())):  # the folder is free again
        pass
