"""Disks that fail, fill up or lose their power under a bench at work.

Every write and fsync fails in turn, at work and at the start; the process dies in the middle of one; a small file
system fills up; the power of another is cut. A client is refused in words or was told the truth.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from station.client import Client
from station.errors import Trouble
from station.settings import private_folder
from tests.crash.audit import audit, dishonest
from tests.crash.clerk import PATIENCE_S, Bench, Book, Clerk, Engine, engine_process
from tests.crash.faults import Faults, How
from tests.crash.kills import serve_one, work_until_gone
from tests.crash.mounts import cuttable, tmpfs
from tests.crash.tally import Tally
from tests.station.station_bench import enrol

__all__ = ["cut_power", "die_in_a_write", "fail_and_kill", "fail_at_start", "fail_at_work", "fill_up"]

T = TypeVar("T")

#: Ways in which one call fails and the bench goes on.
WAYS = (How.EIO, How.ENOSPC, How.TORN, How.SHORT)
#: Faults that one engine process lives through before it is killed and looked at.
LIFE = 20


def _some(every: Iterable[T], most: int | None, chance: random.Random) -> list[T]:
    points = list(every)
    return points if most is None or most >= len(points) else chance.sample(points, most)


async def _bench(folder: Path, data: Path | None = None) -> Bench:
    station = await enrol(data or folder / "data")
    private_folder(folder)
    return Bench(station, folder)


@contextlib.asynccontextmanager
async def _at_work(
    bench: Bench, faults: Faults, chance: random.Random, name: str
) -> AsyncIterator[tuple[Engine, Client, Clerk]]:
    """An engine with the faults in it, and a clerk."""
    async with engine_process(bench, env=faults.env) as engine:
        client = await engine.client()
        try:
            yield engine, client, Clerk(bench, client, chance, name)
        finally:
            await client.close()


async def _calls_of_a_unit(bench: Bench, faults: Faults, chance: random.Random) -> tuple[int, int]:
    """Calls that a ticket at the counter makes, and those that a run with its seal and signatures makes."""
    async with _at_work(bench, faults, chance, "count") as (_, _client, clerk):
        slot = await clerk.find("SER0001")
        bench.ticket, _ = await clerk.intake(slot)
        await clerk.counter()
        await clerk.check(slot, bench.ticket)
        start = faults.calls
        await clerk.counter()
        middle = faults.calls
        assert await clerk.check(slot, bench.ticket)
        return middle - start, faults.calls - middle


async def fail_at_work(folder: Path, most: int | None, seed: int) -> Tally:
    """Let each call of a ticket at the counter and of a run with its signatures fail, one after the other."""
    chance, tally = random.Random(seed), Tally("a write or fsync fails, at work")
    bench = await _bench(folder)
    faults = Faults(folder / "faults", bench.data)
    at_counter, at_phone = await _calls_of_a_unit(bench, faults, chance)
    every = [
        (how, n, slot) for slot, calls in ((0, at_counter), (1, at_phone)) for how in WAYS for n in range(1, calls + 1)
    ]
    points = _some(every, most, chance)
    tally.notes.append(f"{at_counter} calls for a ticket at the counter, {at_phone} for a run")
    for start in range(0, len(points), LIFE):
        async with _at_work(bench, faults, chance, f"w{start}") as (engine, client, clerk):
            slot = await clerk.find("SER0001")
            for how, n, run in points[start : start + LIFE]:
                tally.rounds += 1
                await _meet(bench, clerk, faults, how, n, slot if run else 0, tally)
            del client
            engine.kill()
            await engine.process.wait()
        tally.found(audit(bench.data, bench.book), f"after {start + LIFE}: ")
        sys.stderr.write(f"{tally.rounds} of {len(points)} faults, bar met: {tally.met}\n")
    async with engine_process(bench) as engine:
        await serve_one(bench, engine, chance, "last")
    tally.found(audit(bench.data, bench.book), "at last: ")
    tally.wrong += await dishonest(bench.data)
    tally.close(bench.book)
    return tally


async def _meet(bench: Bench, clerk: Clerk, faults: Faults, how: How, n: int, slot: int, tally: Tally) -> None:
    """Work at the counter, or in the slot, while the fault is met; then work once more without it."""
    before = faults.failed
    faults.arm(how, n, 1 if how is not How.ENOSPC or n % 2 else 40)
    await (clerk.check(slot, bench.ticket) if slot else clerk.counter())
    faults.disarm()
    tally.hit += faults.failed > before
    refused = len(bench.book.refused)
    await clerk.counter()
    tally.wrong += [f"{how.name} {n}: refused after it: {trouble}" for _, trouble in bench.book.refused[refused:]]


async def fail_and_kill(folder: Path, most: int | None, seed: int) -> Tally:
    """Let a call fail, and kill the engine at once when it has said so: what was refused must not turn up later."""
    chance, tally = random.Random(seed), Tally("a write fails, then SIGKILL")
    bench = await _bench(folder)
    faults = Faults(folder / "faults", bench.data)
    at_counter, _ = await _calls_of_a_unit(bench, faults, chance)
    for how, n in _some(((how, n) for how in WAYS for n in range(1, at_counter + 1)), most, chance):
        tally.rounds += 1
        async with _at_work(bench, faults, chance, f"f{tally.rounds}") as (engine, _, clerk):
            refused, before = len(bench.book.refused), faults.failed
            faults.arm(how, n)
            await clerk.counter()
            tally.hit += faults.failed > before
            engine.kill()
            await engine.process.wait()
            faults.disarm()
            said = len(bench.book.refused) - refused
        tally.found(audit(bench.data, bench.book), f"{how.name} {n}, {said} refused: ")
    tally.close(bench.book)
    return tally


async def die_in_a_write(folder: Path, most: int | None, seed: int) -> Tally:
    """Kill the engine in the middle of each call in turn: half of a write is on the disk."""
    chance, tally = random.Random(seed), Tally("SIGKILL inside a write")
    bench = await _bench(folder)
    faults = Faults(folder / "faults", bench.data)
    calls = sum(await _calls_of_a_unit(bench, faults, chance))
    for how, n in _some(((How.DIES, n) for n in range(1, calls + 1)), most, chance):
        tally.rounds += 1
        async with _at_work(bench, faults, chance, f"d{tally.rounds}") as (engine, _, clerk):
            slot = await clerk.find("SER0001")
            faults.arm(how, n)
            with contextlib.suppress(Trouble):
                await clerk.counter()
                await clerk.check(slot, bench.ticket)
            faults.disarm()
            tally.hit += engine.process.returncode is not None or faults.failed >= tally.rounds
        tally.found(audit(bench.data, bench.book), f"call {n}: ")
    async with engine_process(bench) as engine:
        await serve_one(bench, engine, chance, "last")
    tally.found(audit(bench.data, bench.book), "at last: ")
    tally.wrong += await dishonest(bench.data)
    tally.close(bench.book)
    return tally


async def fail_at_start(folder: Path, most: int | None, seed: int) -> Tally:
    """Let each call of an engine's start fail: it starts all the same or says why not, and the next one starts."""
    chance, tally = random.Random(seed), Tally("a write or fsync fails, at the start")
    bench = await _bench(folder)
    faults = Faults(folder / "faults", bench.data)
    calls = await _calls_of_a_start(bench, faults, chance)
    tally.notes.append(f"{calls} calls for a start after a kill")
    log = folder / "bench.log"
    for how, n in _some(((how, n) for how in (*WAYS, How.DIES) for n in range(1, calls + 1)), most, chance):
        tally.rounds += 1
        said, before = log.stat().st_size, faults.failed
        faults.arm(how, n)
        async with engine_process(bench, env=faults.env) as engine:
            try:
                client = await engine.client()
            except Trouble:
                code = await engine.process.wait()
            else:
                code = 0
                await client.close()
            faults.disarm()
            tally.hit += faults.failed > before
        words = log.read_bytes()[said:].decode()
        tally.refused += code > 0
        if "Traceback" in words or (code > 0 and "store." not in words):
            tally.wrong.append(f"{how.name} {n}: {words.strip().splitlines()[-1:]}")
        tally.found(audit(bench.data, bench.book), f"{how.name} {n}: ")
        if tally.rounds % 10 == 0:
            await _leave_open(bench, chance, f"s{tally.rounds}")
    async with engine_process(bench) as engine:
        await serve_one(bench, engine, chance, "last")
    tally.found(audit(bench.data, bench.book), "at last: ")
    tally.close(bench.book)
    return tally


async def _leave_open(bench: Bench, chance: random.Random, name: str) -> None:
    """Kill an engine in the middle of work, so that the next one has something to recover."""
    async with engine_process(bench) as engine:
        begun = asyncio.Event()
        working = asyncio.create_task(work_until_gone(bench, engine, chance, name, begun))
        async with asyncio.timeout(PATIENCE_S):
            await begun.wait()
        await asyncio.sleep(0.2)
        engine.kill()
        await asyncio.wait_for(working, 30)


async def _calls_of_a_start(bench: Bench, faults: Faults, chance: random.Random) -> int:
    async with engine_process(bench) as engine:
        await serve_one(bench, engine, chance, "first")
    await _leave_open(bench, chance, "open")
    before = faults.calls
    async with engine_process(bench, env=faults.env) as engine:
        await (await engine.client()).close()
        return faults.calls - before


async def fill_up(folder: Path, rounds: int, seed: int) -> Tally:
    """Work on a file system with some bytes left, less and less of them; then there is space again."""
    chance, tally = random.Random(seed), Tally("disk full")
    with tmpfs(folder / "small", 24 << 20) as small:
        bench = await _bench(folder, small / "data")
        for start in range(0, rounds, LIFE):
            async with engine_process(bench) as engine:
                if not bench.ticket:
                    await serve_one(bench, engine, chance, "first")
                client = await engine.client()
                clerk = Clerk(bench, client, chance, f"u{start}")
                slot = await clerk.find("SER0001")
                for _ in range(min(LIFE, rounds - start)):
                    tally.rounds += 1
                    await _one_filling(bench, clerk, small, chance, slot, tally)
                await client.close()
                engine.kill()
                await engine.process.wait()
            tally.found(audit(bench.data, bench.book), f"after {tally.rounds}: ")
        tally.wrong += await dishonest(bench.data)
        tally.close(bench.book)
    return tally


async def _one_filling(bench: Bench, clerk: Clerk, small: Path, chance: random.Random, slot: int, tally: Tally) -> None:
    before = len(bench.book.refused)
    with contextlib.closing(sqlite3.connect(bench.data / "assay.db")) as db:  # so that the next commit needs space
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    _fill(small / "ballast", chance.choice((0, 4096, chance.randrange(1, 300_000))))
    await clerk.counter()
    checking = asyncio.create_task(clerk.check(slot, bench.ticket))  # a run that can't write its end down waits
    await asyncio.wait({checking}, timeout=chance.uniform(0.1, 0.5))
    (small / "ballast").unlink()
    await checking
    after = len(bench.book.refused)
    tally.hit += after > before
    await clerk.counter()
    await clerk.check(slot, bench.ticket)
    tally.wrong += [f"refused though there is space: {trouble}" for _, trouble in bench.book.refused[after:]]


def _fill(ballast: Path, leave: int) -> None:
    with ballast.open("wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass
        file.truncate(max(0, file.tell() - leave))


async def cut_power(folder: Path, rounds: int, seed: int, options: Sequence[str] = ()) -> Tally:
    """Cut the power of the data folder's file system while the bench works; everything told must be there again."""
    chance, tally = random.Random(seed), Tally("power cut" + "".join(options).replace("--", " "))
    died_with_it = told_after = 0
    with cuttable(folder / "power") as disk:
        bench = await _bench(folder / "papers", disk.at / "data")
        async with engine_process(bench, *options) as engine:
            await serve_one(bench, engine, chance, "first")
        for _ in range(rounds):
            tally.rounds += 1
            async with engine_process(bench, *options) as engine:
                begun = asyncio.Event()
                working = asyncio.create_task(work_until_gone(bench, engine, chance, f"p{tally.rounds}", begun))
                async with asyncio.timeout(PATIENCE_S):
                    await begun.wait()
                await asyncio.sleep(chance.uniform(0.0, 1.0))
                before = set(bench.book.told)
                disk.cut()
                tally.hit += 1
                await asyncio.sleep(0.1)  # whoever asks now must not be told that it is done
                engine.kill()
                await engine.process.wait()
                await asyncio.wait_for(working, 30)
                told_after += _forget_what_came_later(bench.book, before)
            disk.again()
            found = audit(bench.data, bench.book)
            # The disk may have taken a commit in the moment of its death and said no: only here somebody is left to
            # hear the no, and nothing can be written over any more.
            died_with_it += len(found.unwanted)
            found.unwanted.clear()
            tally.found(found, f"cut {tally.rounds}: ")
            if not tally.met:
                break  # what is lost stays lost: the rounds after it would only say so again
        tally.notes.append(f"{died_with_it} found that were refused after the cut, {told_after} told after it")
        tally.close(bench.book)
    return tally


def _forget_what_came_later(book: Book, before: set[str]) -> int:
    """Nobody is told anything by a bench without power, while the processes here live on for a moment.

    What they say then counts for nothing either way: an fsync that is under way in the moment of ext4's shutdown may
    come back as good without its data being there (seen with a bare `write` and `fsync` on this file system).
    """
    later = book.told.keys() - before
    for mark in later:
        del book.told[mark]
    return len(later)
