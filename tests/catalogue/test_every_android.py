"""A sound phone of any Android, 5 to 16, fails no automatic check of the diagnosis: what an Android lacks is not run.

The phones stand behind the real adb server and are checked by the real engine, as those of the catalogue.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from checklists.load import load_checklist
from checklists.schema import Check
from drivers.sim.persona import Persona, load_persona
from probes.api import Loaded, discover
from station import messages as m
from station.client import Client
from station.demo.hands import Hands
from tests.catalogue.test_catalogue import Way, to_the_end
from tests.drivers.adb_bench import adb_bench
from tests.station.station_bench import enrol, running, send

#: API level -> release; the phone of 2015 has a persona of its own.
RELEASES = {26: "8.0.0", 28: "9", 30: "11", 33: "13", 36: "16"}
#: Minutes of work, and the same commands as in the other checks.
SLOW = ("load", "usage-scenario")


def sound(sdk: int) -> Persona:
    """A phone on which everything works."""
    if sdk not in RELEASES:
        return load_persona("android5")
    healthy = load_persona("healthy")
    android = healthy.android.model_copy(update={"sdk": sdk, "release": RELEASES[sdk]})
    return healthy.model_copy(update={"android": android})


def automatic(loaded: Loaded) -> list[Check]:
    """The checks of the diagnosis that ask nobody."""
    checks = load_checklist("android-diagnosis", loaded).checks
    return [one for one in checks if not loaded.probes[one.probe["android"]].asks and one.id not in SLOW]


@pytest.mark.parametrize("sdk", [22, *RELEASES])
async def test_a_sound_phone_fails_no_automatic_check_whatever_its_android(tmp_path: Path, sdk: int) -> None:
    loaded = discover()
    path = tmp_path / "automatic.toml"
    head = 'format = 1\nid = "automatic"\nversion = 1\nplatform = "android"\nstages = ["diagnosis"]\n'
    rows = "".join(f'[[check]]\nid = "{one.id}"\n' for one in automatic(loaded))
    path.write_text(f'{head}title = {{ en = "automatic", zh = "自动" }}\n{rows}', encoding="utf-8")
    async with adb_bench(tmp_path, [sound(sdk)]) as bench:
        station = await enrol(tmp_path / "data")
        async with running(station, bench.transport, loaded=loaded):
            client = await Client.connect(station.data)
            try:
                slot = (await send(client, m.FindDevice(device=f"adb:{bench.phone.address}", wait_s=30)))["slot"]
                await send(client, m.Watch(slot=slot))
                start = m.StartRun(slot=slot, ticket="", checklist=str(path), stage="diagnosis", person="tech")
                run = (await send(client, start))["run"]
                hands = Hands(bench.phone, {"consent-to-write": "agree"})
                async with asyncio.timeout(200):
                    view = await to_the_end(client, run, hands, Way("pass", {}))
            finally:
                await client.close()
    said = {row.id: (row.ending, row.verdict, row.reason.en if row.reason else "") for row in view.checks}
    assert not {check: row for check, row in said.items() if row[1] in ("fail", "warn")}
    assert not {check: row for check, row in said.items() if row[0] in ("errored", "timed-out", "interrupted")}
    silent = [check for check, row in said.items() if row[1] not in ("pass", "info") and not row[2].strip()]
    assert not silent
