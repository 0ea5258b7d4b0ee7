"""SIGKILL at random moments of a bench at work, with a screen attached and head office taking records meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from reports.attest import public_raw
from station import messages as m
from station.client import Client
from station.errors import Trouble
from station.settings import private_folder
from tests.crash.audit import audit, dishonest
from tests.crash.clerk import GONE, PATIENCE_S, Bench, Book, Clerk, Engine, engine_process
from tests.crash.tally import Tally
from tests.headoffice.head_office_bench import HQ_KEY, Office, approve, office
from tests.station.station_bench import enrol, send

__all__ = ["Enrolled", "bench_with_head_office", "differs", "kill_at_random", "serve_one", "work_until_gone"]

#: Kills that one station lives through before the next begins with an empty ledger: audits stay quick.
LIFE = 25
#: Seconds after the first signature of a round within which the engine is killed.
WITHIN_S = 1.0
ROOT = public_raw(HQ_KEY)


@dataclass
class Enrolled(Bench):
    """A bench whose records go to a head office."""

    office: Office = field(kw_only=True)


@contextlib.asynccontextmanager
async def bench_with_head_office(folder: Path) -> AsyncIterator[Enrolled]:
    """A new station, approved at a new head office."""
    private_folder(folder)
    async with office(folder) as hq:
        station = await enrol(folder / "data", hq.url, ROOT.hex())
        with contextlib.closing(sqlite3.connect(station.data / "assay.db")) as db:
            (enrolment,) = db.execute("SELECT envelope FROM record WHERE seq = 1").fetchone()
        approve(hq.database, bytes(enrolment))
        yield Enrolled(station, folder, office=hq)


async def serve_one(bench: Bench, engine: Engine, chance: random.Random, name: str) -> None:
    """Everything that a bench does, once, with nothing going wrong."""
    client = await engine.client()
    try:
        clerk = Clerk(bench, client, chance, name)
        slot = await clerk.find("SER0001")
        if not bench.ticket:
            bench.ticket, _ = await clerk.intake(slot)
        await clerk.counter()
        assert await clerk.check(slot, bench.ticket)
    finally:
        await client.close()


async def work_until_gone(
    bench: Bench, engine: Engine, chance: random.Random, name: str, begun: asyncio.Event, *, runs: bool = True
) -> None:
    """Counter, technician and screen at the same time until the engine is gone; `begun` when a ticket is signed."""
    clients = [await engine.client() for _ in range(3)]
    at_counter, at_phone = (
        Clerk(bench, client, chance, f"{name}{kind}") for client, kind in zip(clients, "cp", strict=False)
    )

    async def take_in() -> None:
        while True:
            await at_counter.counter()
            begun.set()

    async def check() -> None:
        slot = await at_phone.find("SER0001")
        while runs:
            await at_phone.check(slot, bench.ticket)

    await asyncio.gather(_until_gone(take_in), _until_gone(check), _until_gone(lambda: _look(clients[2], bench.book)))
    for client in clients:
        await client.close()


async def _look(client: Client, book: Book) -> None:
    """A screen: the newest snapshot, and the lists beside it."""
    async for _ in client.bench():
        for query in (m.TicketsQuery(), m.OutboxQuery()):
            try:
                await send(client, query)
            except Trouble as trouble:
                if trouble.code == GONE:
                    raise
                book.refused.append((query.command, trouble))


async def _until_gone(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except Trouble as trouble:
        if trouble.code != GONE:
            raise


def differs(bench: Enrolled) -> list[str]:
    """What head office has and the station has not, or the station believes to be there and is not."""
    with contextlib.closing(sqlite3.connect(f"file:{bench.data / 'assay.db'}?mode=ro", uri=True)) as db:
        ours = set(db.execute("SELECT seq, digest FROM record"))
        believed = set(db.execute("SELECT seq, digest FROM outbox WHERE state = 'acknowledged'"))
        stuck = list(db.execute("SELECT seq FROM outbox WHERE state IN ('rejected', 'quarantined')"))
    theirs = {(seq, digest) for seq, digest in bench.office.rows()}
    return [
        *(f"record {seq} only at head office" for seq, _ in theirs - ours),
        *(f"record {seq} is said to be at head office" for seq, _ in believed - theirs),
        *(f"head office refused record {seq}" for (seq,) in stuck),
    ]


async def kill_at_random(folder: Path, rounds: int, seed: int) -> Tally:
    """Kill the engine `rounds` times, each time at another moment, and look at what is left."""
    chance, tally = random.Random(seed), Tally("SIGKILL at random")
    while tally.rounds < rounds:
        async with bench_with_head_office(folder / f"life-{tally.rounds}") as bench:
            async with engine_process(bench) as engine:
                await serve_one(bench, engine, chance, "first")
            for _ in range(min(LIFE, rounds - tally.rounds)):
                tally.rounds += 1
                await _one_kill(bench, chance, f"k{tally.rounds}", tally)
                tally.found(audit(bench.data, bench.book, ROOT), f"kill {tally.rounds}: ")
                tally.wrong += [f"kill {tally.rounds}: {each}" for each in differs(bench)]
            async with engine_process(bench) as engine:
                await serve_one(bench, engine, chance, "last")
            tally.found(audit(bench.data, bench.book, ROOT), "at last: ")
            tally.wrong += await dishonest(bench.data)
            tally.close(bench.book)
            print(
                f"{tally.rounds} of {rounds} kills, {tally.acknowledged} acknowledged, bar met: {tally.met}",
                file=sys.stderr,
            )
            if bench.book.refused:
                tally.wrong += [f"refused without a fault: {trouble}" for _, trouble in bench.book.refused]
    return tally


async def _one_kill(bench: Enrolled, chance: random.Random, name: str, tally: Tally) -> None:
    async with engine_process(bench) as engine:
        if chance.random() < 0.1:  # in the middle of its start
            await asyncio.sleep(chance.uniform(0.3, 1.5))
            engine.kill()
            await engine.process.wait()
            tally.hit += 1
            return
        begun = asyncio.Event()
        working = asyncio.create_task(work_until_gone(bench, engine, chance, name, begun))
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait({working, waiting := asyncio.create_task(begun.wait())}, return_when="FIRST_COMPLETED")
        waiting.cancel()
        await asyncio.sleep(chance.uniform(0.0, WITHIN_S))
        tally.hit += engine.process.returncode is None
        engine.kill()
        await engine.process.wait()
        await asyncio.wait_for(working, 30)
