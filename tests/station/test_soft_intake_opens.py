"""The soft part of an intake costs a phone a handful of opens, however many checks it has: an open is the dear part."""

from __future__ import annotations

from pathlib import Path

from checklists.load import load_checklist
from checklists.schema import Check
from probes.api import Loaded, discover
from station import messages as m
from tests.drivers.adb_bench import adb_bench
from tests.station.station_bench import enrol, holds, running, send, until_session

#: Opens from the plug to the last verdict, the question who it is among them.
MOST_OPENS = 4


async def test_the_soft_intake_of_a_phone_needs_at_most_four_opens(tmp_path: Path) -> None:
    loaded = discover()
    soft = [check.id for check in load_checklist("android-intake", loaded).checks if automatic(check, loaded)]
    assert len(soft) >= 6
    station = await enrol(tmp_path / "data")
    async with (
        adb_bench(tmp_path, ["healthy"]) as bench,
        running(station, bench.transport, loaded=loaded) as (_, client),
    ):
        about = {"ticket": "", "checklist": "android-intake", "stage": "intake", "person": "tech"}
        slot = (await send(client, m.FindDevice(device=f"adb:{bench.phone.address}", wait_s=20)))["slot"]
        await holds(lambda: bench.phone.opens_count > 0)
        await send(client, m.Watch(slot=slot))
        run = (await send(client, m.StartRun(slot=slot, **about, only=soft)))["run"]
        done = await until_session(client, lambda view: view.run and view.run.run == run and view.run.ended_ms, 60)
        ended = {row.id: row.ending for row in done.run.checks if row.id in soft}
        assert set(ended.values()) <= {"completed", "not-applicable", "skipped"}, ended
        assert bench.phone.opens_count <= MOST_OPENS, [opened.service[:60] for opened in bench.phone.opens]


def automatic(check: Check, loaded: Loaded) -> bool:
    """Whether it needs nobody and only reads."""
    probe = loaded.probes[check.probe["android"]]
    return bool(probe.reads) and not probe.asks and not probe.writes
