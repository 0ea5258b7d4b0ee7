"""The screen on the real engine with real keys: from plug-in to release by keys alone, and over the engine's death."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import Driven
from ui_script import PIN, ScriptedEngine

import station.ui.app as app_module
from drivers.text import Words
from reports.ledger import envelopes_of, roster_of
from reports.release import ReleasePolicy, verify_release
from station.client import Client
from station.engine import Engine
from station.people import Cost, PersonKeys
from station.settings import Settings
from station.setup import add_person, set_up_station
from station.ui.app import AssayApp
from station.ui.seams import Bench, ChecklistChoice
from station.ui.station import StationSigner
from tests.station.station_bench import Cabinet, Phone, probes, write_checklist

CHEAP = Cost(memory_kib=64, iterations=1, lanes=1)
PEOPLE = (("lead", "Zhou Lei", ["lead"]), ("tech", "Wang J.", ["technician"]), ("insp", "Li Wei", ["inspector"]))


@dataclass
class Place:
    """A real station with people, one phone, and an engine that can be killed and started."""

    settings: Settings
    phone: Phone
    cabinet: Cabinet
    checklist: Path
    engine: Engine | None = None

    async def start(self) -> None:
        self.engine = Engine(
            self.settings, [self.cabinet], loaded=probes(), policy=ReleasePolicy(), linger_s=None, uploads=False
        )
        await self.engine.start()

    async def stop(self) -> None:
        if self.engine is not None:
            await self.engine.close()
            self.engine = None

    def app(self) -> AssayApp:
        choice = ChecklistChoice(
            str(self.checklist), Words("bench test", "工位测试"), ("intake", "self-check", "cross-check")
        )
        return AssayApp(
            Bench(lambda: Client.connect(self.settings.data), StationSigner(self.settings.data), lambda: [choice])
        )


@asynccontextmanager
async def place(folder: Path) -> AsyncIterator[Place]:
    settings = Settings(data=folder / "data", station="B-01", name="Bench 1", shop="S-01", simulated=True)
    settings.data.mkdir(parents=True)
    await set_up_station(settings)
    phone = Phone(answers={"cat level": "80\n"})
    made = Place(settings, phone, Cabinet(phone), write_checklist(folder))
    await made.start()
    client = await Client.connect(settings.data)
    lead: Any = None
    for person, name, roles in PEOPLE:
        await add_person(client, settings, person, name, roles, PIN, lead, CHEAP)
        lead = lead or ("lead", PersonKeys(settings.data).unlock("lead", PIN))
    await client.close()
    try:
        yield made
    finally:
        await made.stop()


class Hands(Driven):
    """Presses keys, and waits for what must come of them."""

    async def see(self, *texts: str) -> None:
        for _ in range(400):
            await self.settle()
            if all(text in self.text for text in texts):
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{texts} never came:\n{self.text}")

    async def sign_on(self, name: str) -> None:
        await self.see("Who works here", name)
        lines = [line for line in self.text.splitlines() if any(one[1] in line for one in PEOPLE)]
        here = next(n for n, line in enumerate(lines) if "▸" in line)
        there = next(n for n, line in enumerate(lines) if name in line)
        await self.press(*(["down"] * (there - here) or ["up"] * (here - there)), "enter")

    async def sign(self) -> None:
        await self.see("What you sign", "SHA-256")
        await self.type(PIN)
        await self.press("f9")

    async def run_the_checklist(self, stage_row: int) -> None:
        await self.see("Checklist and stage", "bench test")
        await self.press(*["down"] * stage_row, "f9")
        await self.see("Is it good?")
        await self.press("+")
        await self.see("┌─ ✔ PASS")


@asynccontextmanager
async def hands(app: AssayApp) -> AsyncIterator[Hands]:
    async with app.run_test(size=(160, 45)) as pilot:
        yield Hands(app, pilot, ScriptedEngine())


async def test_a_phone_goes_from_plug_in_to_release_by_keys_alone(tmp_path: Path) -> None:
    async with place(tmp_path) as bench, hands(bench.app()) as screen:
        await screen.see("Phone 1", "SIMULATED")
        await screen.press("1")
        await screen.see("IMEI", "356938035643809")
        await screen.press("n")
        await screen.sign_on("Wang J.")
        await screen.type("no sound")
        await screen.press("f9")
        await screen.sign()
        await screen.see("Slot 1", "received")

        await screen.press("k")
        await screen.run_the_checklist(1)
        await screen.press("f9")
        await screen.sign()
        await screen.see("signed by Wang J.")
        await screen.press("q")
        await screen.see("self-check Wang J. ✔ signed", "··")

        await screen.press("f3")
        await screen.sign_on("Li Wei")
        await screen.press("f9")
        await screen.see("release refused")
        await screen.press("r")
        await screen.run_the_checklist(0)
        await screen.press("f9")
        await screen.sign()
        await screen.see("signed by Li Wei")
        await screen.press("q")
        await screen.see("Check and compare (3/3)")
        await screen.press("f9")
        await screen.sign()
        await screen.see("released; the phone may be handed back")

        assert bench.engine is not None
        ticket = next(iter(bench.engine.work.sessions))
        decision = await bench.engine.store.read(lambda db: verify_release(envelopes_of(db, ticket), roster_of(db)))
        assert decision.decision == "released"


async def test_the_one_who_made_the_self_check_is_refused_the_cross_check(tmp_path: Path) -> None:
    async with place(tmp_path) as bench, hands(bench.app()) as screen:
        await screen.see("Phone 1")
        await screen.press("1")
        await screen.see("IMEI")
        await screen.press("n")
        await screen.sign_on("Wang J.")
        await screen.type("no sound")
        await screen.press("f9")
        await screen.sign()
        await screen.press("k")
        await screen.run_the_checklist(1)
        await screen.press("f9")
        await screen.sign()
        await screen.see("signed by Wang J.")
        await screen.press("q", "r")
        await screen.see("Checklist and stage", "bench test")
        await screen.press("f9")
        await screen.see("Wang J. made the self-check: the cross-check needs another person")


async def test_the_screen_goes_on_after_its_engine_died_in_the_middle_of_a_prompt(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(app_module, "AGAIN_S", 0.05)
    async with place(tmp_path) as bench, hands(bench.app()) as screen:
        await screen.see("Phone 1")
        await screen.press("1")
        await screen.see("IMEI")
        await screen.press("k")
        await screen.see("bench test")
        await screen.press("f9")
        await screen.sign_on("Wang J.")
        await screen.press("f9")
        await screen.see("Is it good?")
        await bench.stop()
        await screen.see("engine lost")
        await bench.start()
        await screen.see("mem ●")
        assert "engine lost" not in screen.header
