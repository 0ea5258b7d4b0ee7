"""A simulated bench with the real engine in a process of its own, as the benchmarks of the station need it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from station import messages as m
from station.client import Client
from station.demo.stage import Stage
from station.errors import Trouble

__all__ = ["ROOT", "attached", "engine"]

ROOT = Path(__file__).resolve().parent.parent
#: Seconds in which an engine must answer, and phones must be ready, on a slow machine.
START_S, READY_S = 60.0, 60.0


@asynccontextmanager
async def engine(stage: Stage, extra: Mapping[str, str] | None = None) -> AsyncIterator[int]:
    """The stage's engine as a child process with these additions to its environment; gives its process id.

    Raises:
        RuntimeError: it ended before its time, with what it said.
    """
    path = stage.settings.data / "engine.log"
    with path.open("ab") as log:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "station.cli", "engine", "--linger", "0"),
            env={**os.environ, **stage.environment, **(extra or {})},
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield child.pid
    finally:
        early = child.returncode is not None
        if not early:
            child.terminate()
        await child.wait()
        if early:
            raise RuntimeError(f"the engine ended: {path.read_text(errors='replace')[-800:]}")


@asynccontextmanager
async def attached(stage: Stage) -> AsyncIterator[tuple[Client, m.BenchSnapshot]]:
    """A client of the stage's engine, once every phone of the stage is ready, with the snapshot that says so."""
    async with asyncio.timeout(START_S):
        client = await _answering(stage.settings.data)
    try:
        async with asyncio.timeout(READY_S):
            bench = await _ready(client, len(stage.phones))
        yield client, bench
    finally:
        await client.close()


async def _answering(data: Path) -> Client:
    while True:
        try:
            return await Client.connect(data)
        except Trouble as trouble:
            if trouble.code != "engine.not-running":
                raise
        await asyncio.sleep(0.05)


async def _ready(client: Client, phones: int) -> m.BenchSnapshot:
    async for bench in client.bench():
        if sum(card.status is m.CardStatus.READY for card in bench.cards) == phones:
            return bench
    raise AssertionError("the snapshots ended without a trouble")
