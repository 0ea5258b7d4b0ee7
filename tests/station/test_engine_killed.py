"""kill -9 of the engine at random moments: nothing seen is lost, nothing is invented, the rest is interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from checklists.verdict import Ending, Verdict
from reports.ledger import check_schema
from station import messages as m
from station.client import Client
from station.errors import Trouble
from station.journal import load
from station.session import Session, fold
from station.store import Store
from tests.station.station_bench import LEVEL_LIMIT, Station, check, enrol, send, signed, until, write_checklist

CHECKS = tuple(
    check(f"{name}-{n}", f"test.{probe}", LEVEL_LIMIT)
    for n in range(3)
    for name, probe in (("auto", "read"), ("also", "storage"), ("steps", "stepwise"))
)


@contextlib.asynccontextmanager
async def engine_process(data: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, Client]]:
    """An engine as a process, and a client of it; both are gone afterwards."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.station.engine_process", str(data))
    client = None
    try:
        async with asyncio.timeout(30):
            while client is None:
                with contextlib.suppress(Trouble):
                    client = await Client.connect(data)
                assert process.returncode is None
                await asyncio.sleep(0.02)
        yield process, client
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()
        if client is not None:
            await client.close()


async def phones_ready(client: Client) -> None:
    await until(client, lambda bench: sum(card.model != "" for card in bench.cards) == 2, 20)
    for serial in ("SER0001", "SER0002"):
        await send(client, m.FindDevice(device=serial, wait_s=10))


class Witness:
    """What was shown of each attempt while the engine lived: shown means journalled."""

    def __init__(self) -> None:
        self.verdicts: dict[tuple[str, str, int], str] = {}
        self.records: set[str] = set()

    async def watch(self, client: Client) -> None:
        with contextlib.suppress(Trouble):
            async for view in client.session():
                self.saw(view.run)

    def saw(self, run: Any) -> None:
        for row in run.checks if run else ():
            if row.state == "ended":
                key = (run.run, row.id, row.attempts)
                assert self.verdicts.setdefault(key, f"{row.ending} {row.verdict}") == f"{row.ending} {row.verdict}"


async def sessions(data: Path) -> list[Session]:
    store = Store(data / "assay.db")
    try:
        await store.write(check_schema)
        events = await store.read(load)
    finally:
        store.close()
    scopes = {each.ticket or each.run for each in events} - {""}
    return [fold(each for each in events if (each.ticket or each.run) == scope) for scope in scopes]


def must_be_kept(seen: Witness, found: list[Session]) -> None:
    attempts = {
        (run.id, attempt.check, attempt.n): f"{attempt.ended.ending} {attempt.ended.verdict}"
        for session in found
        for run in session.runs.values()
        for attempt in run.attempts
        if attempt.ended
    }
    assert {key: attempts.get(key) for key in seen.verdicts} == seen.verdicts
    assert seen.records <= {record.digest for session in found for record in session.records}


def must_be_honest(found: list[Session]) -> None:
    """After recovery every attempt has an end, and a verdict only where its measurements are all there."""
    for session in found:
        for run in session.runs.values():
            assert not run.active
            for attempt in run.attempts:
                assert attempt.ended is not None
                complete = attempt.ended.ending is Ending.COMPLETED
                assert complete or attempt.ended.verdict is Verdict.NONE
                wanted = 12 if attempt.check.startswith("steps") else 1
                assert not complete or len([one for one in attempt.measured if one.name == "level"]) == wanted


async def one_round(station: Station, checklist: Path, chance: random.Random, seen: Witness, ticket: str) -> str:
    async with engine_process(station.data) as (process, client):
        await phones_ready(client)
        slot = (await send(client, m.FindDevice(device="SER0001")))["slot"]
        other = (await send(client, m.FindDevice(device="SER0002")))["slot"]
        if not ticket:
            opened = await send(client, m.Intake(slot=slot, person="tech"))
            seen.records.add(opened["record"])
            ticket = str(opened["ticket"])
        await send(client, m.Watch(slot=slot))
        watching = asyncio.create_task(seen.watch(client))
        about: dict[str, Any] = {"checklist": str(checklist), "stage": "self-check", "person": "tech"}
        await send(client, m.StartRun(slot=slot, ticket=ticket, **about))
        await send(client, m.StartRun(slot=other, ticket="", **about))
        await asyncio.sleep(chance.uniform(0.0, 0.25))
        process.send_signal(signal.SIGKILL)
        await process.wait()
        await asyncio.wait_for(watching, 10)
    return ticket


@pytest.mark.parametrize("seed", [1, 2])  # two tests, so that two workers share the rounds
async def test_a_killed_engine_loses_nothing_that_was_shown_and_invents_nothing(tmp_path: Path, seed: int) -> None:
    station = await enrol(tmp_path / "data")
    checklist = write_checklist(tmp_path, CHECKS)
    chance, seen, ticket = random.Random(seed), Witness(), ""
    for _ in range(5):
        ticket = await one_round(station, checklist, chance, seen, ticket)
        must_be_kept(seen, await sessions(station.data))
    async with engine_process(station.data) as (_, client):
        view = await send(client, m.TicketQuery(ticket=ticket))
        for run in view["runs"]:
            assert run["state"] == "finished"
    found = await sessions(station.data)
    must_be_kept(seen, found)
    must_be_honest(found)
    assert any(
        attempt.ended.ending is Ending.INTERRUPTED
        for session in found
        for run in session.runs.values()
        for attempt in run.attempts
    ), "no round hit an open attempt: the test proves nothing"
    with sqlite3.connect(station.data / "assay.db") as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_record_a_link_an_outbox_row_and_its_event_are_all_there_or_none(tmp_path: Path) -> None:
    station = await enrol(tmp_path / "data")
    chance = random.Random(7)
    for n in range(3):
        async with engine_process(station.data) as (process, client):
            await phones_ready(client)

            async def many(client: Client = client, n: int = n) -> None:
                for i in range(200):
                    with contextlib.suppress(Trouble):
                        opened = await send(client, m.Intake(serial=f"S-{n}-{i}", person="tech"))
                        about = {"target": opened["record"], "person": "tech", "role": "technician"}
                        await signed(station, client, "tech", m.PrepareSignoff(**about, meaning="performed"))

            writing = asyncio.create_task(many())
            await asyncio.sleep(chance.uniform(0.05, 0.4))
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        with sqlite3.connect(station.data / "assay.db") as raw:
            records = {row[0] for row in raw.execute("SELECT digest FROM record WHERE ticket IS NOT NULL")}
            waiting = {row[0] for row in raw.execute("SELECT digest FROM outbox")}
            told = {
                row[0] for row in raw.execute("SELECT json_extract(body, '$.digest') FROM journal WHERE kind='sealed'")
            }
            listed = {row[0] for row in raw.execute("SELECT ticket FROM ticket")}
            taken = {row[0] for row in raw.execute("SELECT ticket FROM record WHERE kind = 'intake/v1'")}
        assert records == told
        assert records <= waiting
        assert listed == taken
    assert records
