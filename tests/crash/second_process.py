"""Another process on a bench's data folder, writing and reading as hard as it can until a file appears.

    python -m tests.crash.second_process DATA STOP

It tries to be an engine, uploads with an uploader of its own, writes with plain `sqlite3`, checkpoints, and verifies
the whole ledger; what it did and what went wrong comes out as JSON.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from reports.verify import verify_ledger
from station.engine import Engine
from station.errors import Trouble
from station.outbox import Uploader
from station.settings import load_settings, load_station_key
from station.store import BUSY_S, Store

done: collections.Counter[str] = collections.Counter()
wrong: list[str] = []


def again_and_again(name: str, stop: Path, pause_s: float, work: Callable[[], None]) -> threading.Thread:
    """A thread that does it until the file is there, once at least."""

    def loop() -> None:
        while not (stop.exists() and done[name]):
            try:
                work()
            except Exception as error:
                wrong.append(f"{name}: {error!r}")
            done[name] += 1
            time.sleep(pause_s)

    thread = threading.Thread(target=loop, name=name)
    thread.start()
    return thread


def write(data: Path) -> None:
    """A small transaction of a program that knows SQLite and not us."""
    with contextlib.closing(sqlite3.connect(data / "assay.db", timeout=BUSY_S, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous=FULL")
        for _ in range(20):
            db.execute("BEGIN IMMEDIATE")
            db.execute("UPDATE outbox SET tries = tries + 1 WHERE seq = (SELECT max(seq) FROM outbox)")
            db.execute("COMMIT")


def checkpoint(data: Path) -> None:
    """What a backup program does; a busy answer is its own affair and comes as a row."""
    with contextlib.closing(sqlite3.connect(data / "assay.db", timeout=5.0, isolation_level=None)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def verify(data: Path) -> None:
    """A reader of everything, in one snapshot."""
    wrong.extend(f"verify: {problem.why.en}" for problem in verify_ledger(data / "assay.db").problems)


def upload(data: Path) -> None:
    """An uploader on a store of its own; its receipt may be overtaken by one of the engine's."""

    async def once() -> None:
        settings, store = load_settings(data), Store(data / "assay.db")
        try:
            await Uploader(store, settings, load_station_key(data)).once()
        except Trouble as trouble:
            if trouble.code != "upload.receipt-order":
                raise
        finally:
            store.close()

    asyncio.run(once())


def be_an_engine(data: Path) -> None:
    """Refused in words, for as long as the first one runs."""

    async def start() -> None:
        engine = Engine(load_settings(data), uploads=False)
        try:
            await engine.start()
        except Trouble as trouble:
            if trouble.code != "engine.running":
                raise
        else:
            wrong.append("two engines on one folder")
            await engine.close()

    asyncio.run(start())


def main(data: Path, stop: Path) -> None:
    """Do all of it at once."""
    print("begins", flush=True)
    threads = [
        again_and_again("write", stop, 0.005, lambda: write(data)),
        again_and_again("checkpoint", stop, 0.05, lambda: checkpoint(data)),
        again_and_again("verify", stop, 0.05, lambda: verify(data)),
        again_and_again("upload", stop, 0.02, lambda: upload(data)),
        again_and_again("engine", stop, 0.2, lambda: be_an_engine(data)),
    ]
    for thread in threads:
        thread.join()
    print(json.dumps({"done": done, "wrong": wrong}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
