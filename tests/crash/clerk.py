"""The people at a bench who work through a real engine process, and the book in which they write down what they asked
for and what they were told.

What was told (the digest of a record came back) must be there after whatever happens; what is there must have been
asked for. It knows the engine's messages and nothing of how the bench is made to fail.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drivers.api import Side
from drivers.text import Words
from reports.attest import sign
from station import messages as m
from station.client import Client
from station.errors import Trouble
from tests.crash.nursery import Born, born
from tests.station.station_bench import GOOD_LIMIT, LEVEL_LIMIT, Station, check, send, write_checklist

__all__ = ["GONE", "PATIENCE_S", "Bench", "Book", "Clerk", "Engine", "checklist", "engine_process"]

#: What a client is told when its engine is no more: nobody knows whether the last wish was granted.
GONE = "engine.gone"
#: Seconds after which an engine that does not answer hangs; a busy machine may take a tenth of it to start one.
PATIENCE_S = 180
_ENDED = Words("the engine ended at its start", "引擎启动时退出")


@dataclass
class Book:
    """What was asked for, by its mark, and what was told of it.

    Attributes:
        asked: kind of record by mark. A mark stands in the record itself, so that each can be told from the others.
        told: digest by mark: the engine said that the record is there.
        refused: marks with the trouble that the engine named.
    """

    asked: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    refused: list[tuple[str, Trouble]] = field(default_factory=list)
    runs: set[str] = field(default_factory=set)


@dataclass
class Bench:
    """A station, its people's book, and a folder beside it that nothing is made to happen to."""

    station: Station
    folder: Path
    book: Book = field(default_factory=Book)
    ticket: str = ""

    @property
    def data(self) -> Path:
        return self.station.data


def checklist(folder: Path) -> Path:
    """A checklist of quick automatic checks, one in many steps and one that a person answers."""
    checks = (
        check("auto", "test.read", LEVEL_LIMIT),
        check("steps", "test.stepwise", LEVEL_LIMIT),
        check("look", "test.question", "person = true\n" + GOOD_LIMIT, "hard"),
    )
    return write_checklist(folder, checks, name="crash")


@dataclass
class Engine:
    """A running engine process and how to end it."""

    process: Born
    data: Path

    def kill(self) -> None:
        """SIGKILL, whatever it does at this moment."""
        self.process.send_signal(signal.SIGKILL)

    async def client(self) -> Client:
        """A client of it, as soon as it answers.

        Raises:
            Trouble: it ended instead (`engine.gone`).
        """
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with contextlib.suppress(Trouble):
                    client = await Client.connect(self.data)
                    if client.engine is not None and client.engine.pid == self.process.pid:
                        return client
                    await client.close()
                if self.process.returncode is not None:
                    raise Trouble(GONE, _ENDED, Side.BENCH, _ENDED)
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def engine_process(bench: Bench, *options: str, env: Mapping[str, str] | None = None) -> AsyncIterator[Engine]:
    """An engine of the bench as a process; killed at the latest when this ends."""
    log = bench.folder / "bench.log"
    process = born(bench.data, options, log, env or {})
    engine = Engine(process, bench.data)
    try:
        yield engine
    except TimeoutError:
        process.send_signal(signal.SIGUSR1)
        await asyncio.sleep(0.5)
        sys.stderr.write(log.read_text(errors="replace")[-6000:])
        raise
    finally:
        engine.kill()
        await process.wait()


class Clerk:
    """One person after the other at the bench: takes phones in, signs, runs checks, seals them, waives."""

    def __init__(self, bench: Bench, client: Client, chance: random.Random, name: str) -> None:
        self._station, self.book, self._client = bench.station, bench.book, client
        self._chance, self._name = chance, name
        self._list = str(checklist(bench.folder))
        self._number = 0

    def _mark(self) -> str:
        self._number += 1
        return f"{self._name}-{self._number}"

    async def _ask(self, mark: str, kind: str, wish: Awaitable[dict[str, Any]]) -> str:
        """The digest of the record that was asked for, empty when it was refused.

        Raises:
            Trouble: the engine is gone.
        """
        self.book.asked[mark] = kind
        try:
            done = await wish
        except Trouble as trouble:
            if trouble.code == GONE:
                raise
            self.book.refused.append((mark, trouble))
            return ""
        digest = str(done["record"])
        assert self.book.told.setdefault(mark, digest) == digest, "told of two records for one wish"
        return digest

    async def _signed(self, person: str, prepare: m.Command) -> dict[str, Any]:
        prepared = await send(self._client, prepare)
        payload = base64.b64decode(prepared["payload"])
        key_id, signature = sign(payload, self._station.keys[person])
        signed = base64.b64encode(signature).decode()
        return await send(self._client, m.CommitRecord(payload=prepared["payload"], key_id=key_id, signature=signed))

    # --- what is done at a bench

    async def intake(self, slot: int | None = None) -> tuple[str, str]:
        """A phone is taken in; its ticket and record."""
        mark = self._mark()
        ticket = f"T-{mark}"
        told = m.Intake(
            ticket=ticket,
            slot=slot,
            serial="" if slot else f"SER-{mark}",
            model="Phone 1",
            complaint=mark,
            data_notice_confirmed=True,
            test_consent=True,
            person="tech",
        )
        return ticket, await self._ask(mark, "intake/v1", send(self._client, told))

    async def sign(self, target: str) -> str:
        """The technician signs a record off."""
        mark = self._mark()
        about = {"target": target, "person": "tech", "role": "technician", "note": mark}
        return await self._ask(mark, "signoff/v1", self._signed("tech", m.PrepareSignoff(**about, meaning="performed")))

    async def waive(self, ticket: str) -> str:
        """A lead goes on without a check."""
        mark = self._mark()
        fields = {"waiver": "not-run", "checks": "look", "reason": mark}
        step = m.DoStep(step="waive", ticket=ticket, person="lead", fields=fields)
        return await self._ask(mark, "waiver/v1", self._signed("lead", step))

    async def amend(self, ticket: str, target: str) -> str:
        """A lead takes a record out."""
        mark = self._mark()
        step = m.DoStep(step="amend", ticket=ticket, person="lead", fields={"target": target, "reason": mark})
        return await self._ask(mark, "amend/v1", self._signed("lead", step))

    async def counter(self) -> bool:
        """One ticket at the counter: taken in, signed, and a signature taken back. False when one was refused."""
        ticket, record = await self.intake()
        signature = await self.sign(record) if record else ""
        return bool(signature and await self.amend(ticket, signature))

    async def find(self, device: str) -> int:
        """The slot of a phone, as soon as it told who it is."""
        return int((await send(self._client, m.FindDevice(device=device, wait_s=20)))["slot"])

    async def check(self, slot: int, ticket: str) -> str:
        """One run over all checks, sealed and signed; the digest of its record, empty when something was refused."""
        about = {"checklist": self._list, "stage": "self-check", "person": "tech"}
        try:
            run = str((await send(self._client, m.StartRun(slot=slot, ticket=ticket, **about)))["run"])
        except Trouble as trouble:
            if trouble.code == GONE:
                raise
            self.book.refused.append((f"run of {ticket}", trouble))
            return ""
        self.book.runs.add(run)
        await self._watch(slot, run)
        digest = ""
        for _ in range(2):  # asked for twice: a refusal may have been too late, and it must not become two records
            digest = digest or await self._ask(run, "run/v1", send(self._client, m.CloseRun(run=run, person="tech")))
        if digest and await self.sign(digest):
            await self.waive(ticket)
        return digest

    async def _watch(self, slot: int, run: str) -> None:
        """Answer what is asked, until the run is over."""
        await send(self._client, m.Watch(slot=slot))
        answered: set[str] = set()
        async with asyncio.timeout(PATIENCE_S):
            async for view in self._client.session():
                if view.prompt and view.prompt.attempt not in answered and view.run and view.run.run == run:
                    answered.add(view.prompt.attempt)
                    await self._answer(slot, view.prompt)
                if view.run and view.run.run == run and view.run.state != "running":
                    return

    async def _answer(self, slot: int, prompt: m.PromptView) -> None:
        value = self._chance.choice(("good", "bad"))
        about = {"slot": slot, "attempt": prompt.attempt, "prompt": prompt.id, "person": "tech"}
        try:
            await send(self._client, m.AnswerPrompt(**about, value=value))
        except Trouble as trouble:
            if trouble.code == GONE:
                raise
            self.book.refused.append((f"answer {prompt.attempt}", trouble))
