"""Phones behind the real adb server go wrong while the engine checks them: each fault is said, and stays where it is.

What is hit ends without a verdict, on the side that is to blame, with words for a person; the other checks of the same
script and the other phones are judged as if nothing had been.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drivers.adb_server import port_owner
from drivers.sim.bench import Fault, FaultKind
from drivers.text import Words
from probes.api import discover
from station import messages as m
from station.client import Client
from station.errors import Trouble
from tests.drivers.adb_bench import AdbBench, adb_bench
from tests.station.station_bench import enrol, holds, running, send, until, until_session

HIT, SPARED = "storage-space", "battery-health"
TWO_CHECKS = """
format = 1
id = "two-checks"
version = 1
title = { en = "two checks", zh = "两项检测" }
platform = "android"
stages = ["intake"]
[[check]]
id = "storage-space"
[[check]]
id = "battery-health"
"""
#: What is done to `df` and `dumpsys diskstats`, the ending and the side that must come of it, and a word of the reason.
FAULTS = {
    "never answers": (Fault(FaultKind.HANG, command="^df"), "timed-out", "phone", "did not finish"),
    "dribbles": (Fault(FaultKind.DRIBBLE, command="^df", seconds=0.5), "timed-out", "phone", "did not finish"),
    "floods 100 MB": (Fault(FaultKind.FLOOD, command="^df"), "errored", "phone", "only the beginning was kept"),
    "answers garbage": (Fault(FaultKind.GARBAGE, command="^df|diskstats"), "completed", None, ""),
}


@dataclass
class Place:
    """An engine on simulated phones, and clients of it."""

    bench: AdbBench
    data: Path
    checklist: str

    async def client(self) -> Client:
        return await Client.connect(self.data)

    async def start(self, client: Client, number: int = 0, checklist: str = "") -> str:
        device = f"adb:{self.bench.sim.phones[number].address}"
        slot = (await send(client, m.FindDevice(device=device, wait_s=20)))["slot"]
        await send(client, m.Watch(slot=slot))
        about = {"ticket": "", "checklist": checklist or self.checklist, "stage": "intake", "person": "tech"}
        return str((await send(client, m.StartRun(slot=slot, **about)))["run"])


@asynccontextmanager
async def place(folder: Path, *personas: str) -> AsyncIterator[Place]:
    station = await enrol(folder / "data")
    checklist = folder / "two-checks.toml"
    checklist.write_text(TWO_CHECKS, encoding="utf-8")
    async with adb_bench(folder, personas) as bench, running(station, bench.transport, loaded=discover()):
        yield Place(bench, station.data, str(checklist))


async def finished(client: Client, run: str, seconds: float = 30) -> dict[str, Any]:
    done = await until_session(
        client, lambda view: view.run and (view.run.run, view.run.state) == (run, "finished"), seconds
    )
    return {row.id: row for row in done.run.checks}


async def test_a_fault_in_one_check_is_said_and_touches_neither_the_other_check_nor_the_other_phone(
    tmp_path: Path,
) -> None:
    async with place(tmp_path, *["healthy"] * (len(FAULTS) + 1)) as at:
        clients = [await at.client() for _ in at.bench.sim.phones]
        for number, client in enumerate(clients):
            await send(client, m.FindDevice(device=f"adb:{at.bench.sim.phones[number].address}", wait_s=20))
        for phone, (fault, *_) in zip(at.bench.sim.phones, FAULTS.values(), strict=False):
            phone.fault = fault
        runs = [await at.start(client, number) for number, client in enumerate(clients)]
        for client, run, (name, (_, ending, side, words)) in zip(clients, runs, FAULTS.items(), strict=False):
            rows = await finished(client, run)
            hit, spared = rows[HIT], rows[SPARED]
            assert (hit.ending, hit.side, hit.verdict, hit.finding) == (ending, side, "none", None), name
            assert hit.reason is not None, name
            assert words in hit.reason.en, name
            assert hit.reason.zh.strip(), name
            assert (spared.ending, spared.verdict) == ("completed", "pass"), name
        well = await finished(clients[-1], runs[-1])
        assert {row.verdict for row in well.values()} == {"pass"}
        for client in clients:
            await client.close()


async def test_an_adb_server_killed_in_the_middle_of_a_check_is_not_the_phones_fault_and_the_bench_recovers(
    tmp_path: Path,
) -> None:
    async with place(tmp_path, "healthy") as at:
        client = await at.client()
        await send(client, m.FindDevice(device=f"adb:{at.bench.phone.address}", wait_s=20))
        before = at.bench.phone.opens_count
        at.bench.phone.fault = Fault(FaultKind.DELAY, command="^df", seconds=3)
        run = await at.start(client)
        await holds(lambda: at.bench.phone.opens_count > before)
        server = port_owner(at.bench.server.address.port)
        assert server is not None
        os.kill(server.pid, signal.SIGKILL)
        rows = await finished(client, run)
        must_blame_no_phone(rows)
        at.bench.phone.fault = None
        async with asyncio.timeout(30):
            while any(row.verdict != "pass" for row in rows.values()):
                rows = await finished(client, await at.start(client))
                if any(row.verdict != "pass" for row in rows.values()):
                    must_blame_no_phone(rows)  # the server is not back yet, or has not found the phone again
        await client.close()


def must_blame_no_phone(rows: dict[str, Any]) -> None:
    hit = [row for row in rows.values() if row.ending is not None]
    assert hit
    for row in hit:
        assert (row.ending, row.verdict, row.finding) == ("errored", "none", None)
        assert row.side in ("bench", "cable")
        assert row.reason is not None


async def test_a_phone_that_does_not_trust_the_bench_says_what_to_do_and_is_not_checked(tmp_path: Path) -> None:
    async with place(tmp_path, "unauthorised") as at:
        client = await at.client()
        shown = await until(client, lambda bench: any(card.status == "blocked" for card in bench.cards), 20)
        card = shown.cards[0]
        assert card.headline == Words("The phone does not trust this bench yet", "手机尚未信任本工位")
        assert card.next_step is not None
        assert card.next_step.en.startswith("Unlock the phone and tap Allow")
        assert card.next_step.zh.startswith("请解锁手机并点“允许”")
        about = {"ticket": "", "checklist": at.checklist, "stage": "intake", "person": "tech"}
        with pytest.raises(Trouble):
            await send(client, m.StartRun(slot=card.slot, **about))
        at.bench.phone.allow()
        rows = await finished(client, await at.start(client))
        assert {row.ending for row in rows.values()} == {"completed"}
        await client.close()
