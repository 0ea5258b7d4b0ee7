"""What can happen to a bench's one history: two processes that write it, a clock that steps, an old copy put back."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import shutil
import sqlite3
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reports.attest import open_record
from station import messages as m
from station.client import Client
from station.clock import DRIFT_MS
from station.settings import private_folder
from tests.crash.audit import audit, dishonest
from tests.crash.clerk import Bench, Clerk, engine_process
from tests.crash.faults import Faults
from tests.crash.kills import ROOT, Enrolled, bench_with_head_office, differs, serve_one, work_until_gone
from tests.crash.tally import Tally
from tests.station.station_bench import enrol, send

__all__ = ["restore_an_old_copy", "step_the_clock", "write_from_two_processes"]

#: Where a clock is put, in ms from the right time: a person's slip, a summer time, a dead battery, a wrong year.
STEPS = (-DRIFT_MS - 1000, DRIFT_MS + 1000, -3_600_000, 3_600_000, -40 * 86_400_000, 40 * 86_400_000)


# --- two processes ---------------------------------------------------------------------------------------------------


async def write_from_two_processes(folder: Path, seconds: float, seed: int) -> Tally:
    """Screens, counter, technician and uploader in one process, and another that writes the same file."""
    chance, tally = random.Random(seed), Tally("two processes write")
    async with bench_with_head_office(folder) as bench:
        stop = folder / "stop"
        async with engine_process(bench) as engine:
            await serve_one(bench, engine, chance, "first")
            other = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.crash.second_process", bench.data, stop, stdout=asyncio.subprocess.PIPE
            )
            assert other.stdout is not None
            assert await asyncio.wait_for(other.stdout.readline(), 60) == b"begins\n"
            working = [
                asyncio.create_task(work_until_gone(bench, engine, chance, f"w{n}", asyncio.Event(), runs=n == 0))
                for n in range(2)
            ]
            await asyncio.wait(working, timeout=seconds)
            stop.touch()
            out, _ = await asyncio.wait_for(other.communicate(), 120)
            engine.kill()
            await engine.process.wait()
            await asyncio.gather(*working)
        told = json.loads(out)
        tally.rounds = sum(told["done"].values())
        tally.hit = tally.rounds
        tally.notes.append(", ".join(f"{name} {count}" for name, count in sorted(told["done"].items())))
        tally.wrong += told["wrong"]
        tally.wrong += [f"{mark} refused: {trouble}" for mark, trouble in bench.book.refused]
        tally.found(audit(bench.data, bench.book, ROOT))
        tally.wrong += differs(bench)
        tally.close(bench.book)
    return tally


# --- clocks ----------------------------------------------------------------------------------------------------------


async def step_the_clock(folder: Path, steps: int, seed: int) -> Tally:
    """Put the clock wrong and right again under a bench at work, and over starts of its engine."""
    chance, tally = random.Random(seed), Tally("clock steps")
    station = await enrol(folder / "data")
    private_folder(folder)
    bench = Bench(station, folder)
    faults = Faults(folder / "faults", bench.data)
    offsets: dict[str, int] = {}
    async with engine_process(bench, env=faults.env) as engine:
        await serve_one(bench, engine, chance, "first")
    while tally.rounds < steps:
        async with engine_process(bench, env=faults.env) as engine:  # also begins with a wrong clock
            client = await engine.client()
            clerk = Clerk(bench, client, chance, f"t{tally.rounds}")
            for _ in range(min(4, steps - tally.rounds)):
                tally.rounds += 1
                before = set(bench.book.told.values())
                await clerk.counter()
                wrong_by = faults.clock_ms
                offsets |= {digest: wrong_by for digest in bench.book.told.values() if digest not in before}
                tally.hit += wrong_by != 0
                faults.step_clock(chance.choice((0, 0, *STEPS)))
            await client.close()
    tally.found(audit(bench.data, bench.book))
    with contextlib.closing(sqlite3.connect(f"file:{bench.data / 'assay.db'}?mode=ro", uri=True)) as db:
        tally.wrong += list(_misjudged(db, offsets)) + _out_of_order(db)
    tally.wrong += await dishonest(bench.data)
    tally.close(bench.book)
    if bench.book.refused:
        tally.wrong.append(f"refused because of the clock: {bench.book.refused[0][1]}")
    return tally


def _misjudged(db: sqlite3.Connection, offsets: dict[str, int]) -> list[str]:
    """Records whose clock was wrong and that do not say so, or the reverse; times that somebody mended."""
    found, changes, last = [], 0, ""
    now_ms = time.time_ns() // 1_000_000
    for digest, envelope in db.execute("SELECT digest, envelope FROM record ORDER BY seq"):
        clock = getattr(open_record(bytes(envelope)).statement.predicate, "clock")  # noqa: B009 - of `Made`
        changes += bool(last) and (clock.state == "suspect") != (last == "suspect")
        last = clock.state
        wrong_by = offsets.get(digest)
        if wrong_by is None:
            continue
        if (clock.state == "suspect") != (wrong_by != 0):
            found.append(f"a clock wrong by {wrong_by} ms says {clock.state}")
        if not -60_000 < now_ms + wrong_by - clock.wall_ms < 600_000:
            found.append(f"a time of a clock wrong by {wrong_by} ms was changed")
    ((told,),) = db.execute("SELECT count(*) FROM journal WHERE kind = 'clock-judged'")
    return found + ([f"{changes} changes of mind, {told} told in the journal"] if told != changes else [])


def _out_of_order(db: sqlite3.Connection) -> list[str]:
    """Places where the order of the ledger or the journal is not the one in which things happened."""

    def falls(sql: str) -> int:
        values = [row[0] for row in db.execute(sql)]
        return sum(later < earlier for earlier, later in itertools.pairwise(values))

    where = {
        "ledger": "SELECT mono_ms FROM record WHERE boot_id = (SELECT max(boot_id) FROM journal) ORDER BY seq",
        "journal": "SELECT mono_ns FROM journal ORDER BY seq",
    }
    return [f"{name}: {n} out of order" for name, sql in where.items() if (n := falls(sql))]


# --- an old copy -----------------------------------------------------------------------------------------------------


async def restore_an_old_copy(folder: Path, rounds: int, seed: int) -> Tally:
    """Put an old copy of the data folder back: head office notices, keeps both, and the bench says it in words."""
    chance, tally = random.Random(seed), Tally("old copy put back")
    for n in range(rounds):
        tally.rounds += 1
        async with bench_with_head_office(folder / f"copy-{n}") as bench:
            await _go_back(bench, chance, tally, work_after=bool(n % 2))
    return tally


async def _go_back(bench: Enrolled, chance: random.Random, tally: Tally, *, work_after: bool) -> None:
    copy, gone = bench.folder / "copy", bench.folder / "gone"
    async with engine_process(bench) as engine:
        await serve_one(bench, engine, chance, "before")
        client = await engine.client()
        await _empty(client)
        await Clerk(bench, client, chance, "waits").counter()  # may or may not have left when the copy is taken
        await client.close()
        engine.kill()
        await engine.process.wait()
    shutil.copytree(bench.data, copy, ignore=shutil.ignore_patterns("*.sock", "engine.lock"))
    async with engine_process(bench) as engine:
        client = await engine.client()
        clerk = Clerk(bench, client, chance, "after")
        for _ in range(chance.randrange(1, 4)):
            await clerk.counter()
        await _empty(client)
        await client.close()
    tally.found(audit(bench.data, bench.book, ROOT), "before it is put back: ")
    acknowledged = set(bench.office.rows())
    bench.data.rename(gone)
    copy.rename(bench.data)
    await _notice(bench, chance, tally, work_after=work_after)
    tally.wrong += ["head office let go of a record"] if acknowledged - set(bench.office.rows()) else []
    shutil.rmtree(gone)


async def _notice(bench: Enrolled, chance: random.Random, tally: Tally, *, work_after: bool) -> None:
    """Work on the old copy, and wait until the bench says that something is wrong."""
    async with engine_process(bench) as engine:
        client = await engine.client()
        clerk = Clerk(bench, client, chance, "again")
        for _ in range(1 + 3 * work_after):  # a shorter, and a longer ledger than the one that was there
            await clerk.counter()
        view: dict[str, Any] = {}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(30):
                while not (view.get("trouble") or view.get("rejected")):
                    await send(client, m.FlushOutbox())
                    await asyncio.sleep(0.05)
                    view = await send(client, m.OutboxQuery())
        await client.close()
    said: Sequence[str] = [*(view.get("trouble") or ()), *(view.get("next_step") or ())]
    noticed = bool(view.get("rejected")) or (len(said) == 4 and all(said))
    tally.hit += noticed
    tally.wrong += [] if noticed else ["nobody noticed that an old copy was put back"]
    tally.wrong += [each for each in differs(bench) if "is said to be" in each]
    tally.acknowledged += len(bench.book.told)
    tally.notes.append(f"said: {said[0] if said else view.get('rejected')}")


async def _empty(client: Client) -> None:
    """Wait until head office has everything."""
    async with asyncio.timeout(60):
        while (await send(client, m.OutboxQuery()))["waiting"]:
            await send(client, m.FlushOutbox())
            await asyncio.sleep(0.05)
