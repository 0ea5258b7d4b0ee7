"""A demo whose processes are killed: kept, it is opened again where it was, also in the middle of a question."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from reports.verify import verify_ledger
from station import messages as m
from station.client import Client, attach_or_host
from station.recovery import INTERRUPTED
from station.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
SLOW_S = 60.0


@dataclass
class Demo:
    """The processes of a demo but for its screen, whose place the client takes."""

    data: Path
    backstage: subprocess.Popen[bytes]
    client: Client

    def kill(self) -> None:
        """Kill engine, phones, head office and adb server at once."""
        assert self.client.engine is not None
        mine = str(self.backstage.pid)
        found = subprocess.run(["pgrep", "-P", mine], capture_output=True, text=True, check=True)
        for pid in (self.client.engine.pid, self.backstage.pid, *map(int, found.stdout.split())):
            os.kill(pid, signal.SIGKILL)
        self.backstage.wait(20)

    async def ready(self) -> m.Card:
        async with asyncio.timeout(SLOW_S):
            async for bench in self.client.bench():
                for card in bench.cards:
                    if card.device and card.status not in (m.CardStatus.IDENTIFYING, m.CardStatus.BLOCKED):
                        await self.client.send(m.Watch(slot=card.slot))
                        return card
        raise AssertionError("the snapshots ended")

    async def question(self, before: str = "") -> m.SessionView:
        """The next question to a person but for `before`."""
        async with asyncio.timeout(SLOW_S):
            async for view in self.client.session():
                if view.prompt is not None and view.prompt.id != before:
                    return view
        raise AssertionError("the views ended")

    async def acknowledged(self) -> None:
        """Wait until head office has everything."""
        async with asyncio.timeout(SLOW_S):
            async for _bench in self.client.bench():  # a new snapshot comes with each change of the outbox
                if not (await self.client.send(m.OutboxQuery())).data["rows"]:
                    return


@asynccontextmanager
async def demo(data: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Demo]:
    backstage = subprocess.Popen(  # noqa: ASYNC220 - at the start
        [sys.executable, "-m", "station.demo.backstage", str(data), "5", "healthy"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert backstage.stdin is not None
    assert backstage.stdout is not None
    try:
        line = await asyncio.to_thread(backstage.stdout.readline)
        for name, value in json.loads(line)["environment"].items():
            monkeypatch.setenv(name, value)
        client = await attach_or_host(data, spawn=True)
        try:
            yield Demo(data, backstage, client)
        finally:
            if backstage.poll() is None:
                await client.send(m.StopEngine(force=True))
            await client.close()
    finally:
        backstage.stdin.close()
        await asyncio.to_thread(backstage.wait, 20)


async def test_a_demo_killed_as_a_whole_in_the_middle_of_a_question_goes_on_in_its_kept_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, tech = tmp_path / "kept", "technician"
    async with demo(data, monkeypatch) as first:
        card = await first.ready()
        taken = await first.client.send(
            m.Intake(slot=card.slot, complaint="x", data_notice_confirmed=True, test_consent=True, person=tech)
        )
        ticket = taken.data["ticket"]
        about = {"slot": card.slot, "ticket": ticket, "checklist": "android-intake", "stage": "intake"}
        start = m.StartRun(**about, person=tech, only=("identity", "appearance"))
        run = (await first.client.send(start)).data["run"]
        asked = (await first.question()).prompt
        assert asked is not None
        answer = {"slot": card.slot, "attempt": asked.attempt, "prompt": asked.id, "value": asked.choices[0][0]}
        await first.client.send(m.AnswerPrompt(**answer, person=tech))
        before = await first.question(asked.id)
        first.kill()
    assert load_settings(data).simulated
    async with demo(data, monkeypatch) as again:
        card = await again.ready()
        assert (card.ticket, card.serial_tail) == (ticket, before.card.serial_tail)
        assert card.slot == before.slot
        assert card.headline == INTERRUPTED
        async with asyncio.timeout(SLOW_S):
            view = await anext(view async for view in again.client.session() if view.run is not None)
        assert view.run is not None
        assert before.run is not None
        assert (view.prompt, view.run.run, view.run.state, view.run.resumable) == (
            None,
            run,
            "finished",
            ("appearance",),
        )
        rows = {row.id: row for row in view.run.checks}
        assert rows["identity"] == next(row for row in before.run.checks if row.id == "identity")
        look = rows["appearance"]
        assert (look.state, look.ending, look.verdict, look.reason) == ("ended", "interrupted", "none", INTERRUPTED)
        await again.client.send(m.ResumeRun(run=run, person=tech))
        resumed = (await again.question()).prompt
        assert resumed is not None
        assert resumed.id == asked.id  # from the first question on: half an attempt is no answer
        await again.client.send(m.AbortRun(run=run, person=tech, reason="the shop closes"))
        await again.client.send(m.CloseRun(run=run, person=tech))
        await again.acknowledged()
    found = verify_ledger(data / "assay.db")
    assert found.problems == ()


async def test_a_screen_that_is_gone_leaves_no_engine_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with demo(tmp_path / "kept", monkeypatch) as left:
        await left.ready()
        assert left.backstage.stdin is not None
        left.backstage.stdin.close()  # as the system does when the screen's process ends
        async with asyncio.timeout(SLOW_S):
            await left.client.ended()
        await asyncio.to_thread(left.backstage.wait, 20)
