"""A ticket on a bench that can go from diagnosis to repair: what people fill in, the runs between, the shelf."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from drivers.api import Command
from drivers.text import Words
from probes.api import Loaded, Measurement, Unread
from reports.attest import Record, open_record
from reports.ledger import envelopes_of
from station import messages as m
from station.client import Client
from station.engine import Engine
from tests.station.station_bench import (
    LEVEL,
    LEVEL_LIMIT,
    Cabinet,
    Phone,
    Station,
    check,
    declared,
    enrol,
    probes,
    running,
    send,
    signed,
    write_checklist,
)

LATER = "2099-12-31 18:00"
REPAIR = {"repair": "replace-battery", "part": "BAT-EX-1"}
RISKS = ["water-seal", "warranty"]
STEPS = [{"step": n, "done": True} for n in range(1, 7)]
#: The bench's own check tells the battery's serial.
POLICY = """
[changes]
battery = ["told:battery_serial"]
mainboard = ["told:board_serial"]
[serials]
battery = ["told:battery_serial"]
"""
BOOT, LOCK, PART = (Command(name, f"cat {name}", timeout_s=5.0) for name in ("boot", "lock", "serial"))


async def system(bench: Any) -> AsyncIterator[Any]:
    """What the phone says of its system; an empty answer is not read."""
    said = bench.answer("boot").text.strip()
    yield Measurement("verified_boot", said, "boot") if said else Unread("verified_boot", Words("none", "无"), "boot")
    if lock := bench.answer("lock").text.strip():
        yield Measurement("bootloader_locked", lock == "1", "lock")


async def parts(bench: Any) -> AsyncIterator[Any]:
    """The serial of the battery."""
    said = bench.answer("serial").text.strip()
    yield (
        Measurement("battery_serial", said, "serial")
        if said
        else Unread("battery_serial", Words("none", "无"), "serial")
    )
    yield Measurement("parts_told", Decimal(1), "serial")


CHECKS = (
    check("battery", "test.battery", LEVEL_LIMIT),
    check("system", "test.system"),
    check("told", "test.parts"),
)


def loaded() -> Loaded:
    """The bench's own probes and those of system and parts."""
    seen = {"verified_boot": "text", "bootloader_locked": "flag"}
    return probes(
        declared("test.system", system, reads=(BOOT, LOCK), measures=seen),
        declared("test.parts", parts, reads=(PART,), measures={"battery_serial": "identity", "parts_told": "1"}),
    )


@dataclass
class Desk:
    """A station with one phone and one ticket of it."""

    station: Station
    engine: Engine
    client: Client
    phone: Phone
    folder: Path
    ticket: str = ""
    slot: int = 0

    async def take_in(self, **about: Any) -> str:
        """Take the phone in."""
        self.slot = (await send(self.client, m.FindDevice(device="mem:SER0001", wait_s=10)))["slot"]
        told = {"complaint": "battery empties fast", "data_notice_confirmed": True, "test_consent": True, **about}
        taken = await send(self.client, m.Intake(slot=self.slot, person="tech", **told))
        self.ticket = str(taken["ticket"])
        about = {"person": "tech", "role": "technician", "meaning": "performed"}
        await signed(self.station, self.client, "tech", m.PrepareSignoff(target=taken["record"], **about))
        return self.ticket

    async def run(self, stage: str = "diagnosis") -> str:
        """A whole sealed run; back comes its record's digest."""
        path = write_checklist(self.folder, CHECKS)
        about = {"slot": self.slot, "ticket": self.ticket, "stage": stage, "person": "tech"}
        run = (await send(self.client, m.StartRun(checklist=str(path), **about)))["run"]
        await send(self.client, m.Watch(slot=self.slot))
        async for view in self.client.session():
            if view.run and view.run.run == run and view.run.state == "finished":
                break
        return str((await send(self.client, m.CloseRun(run=run, person="tech")))["record"])

    async def act(self, step: str, person: str = "tech", **fields: Any) -> dict[str, Any]:
        """Do a step and have the person sign it off."""
        done = await send(self.client, m.DoStep(step=step, ticket=self.ticket, person=person, fields=fields))
        if "record" in done:
            about = {"person": person, "role": done["role"], "meaning": done["meaning"]}
            await signed(self.station, self.client, person, m.PrepareSignoff(target=done["record"], **about))
        return done

    async def diagnosed(self, **fields: Any) -> dict[str, Any]:
        """Intake, a run, a cause."""
        await self.take_in()
        await self.run()
        told = {"decision": "cause-found", "cause": "battery-worn", "why": "capacity measured", **fields}
        return await self.act("diagnosis", **told)

    async def planned(self, *repairs: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """A plan of these repairs."""
        return await self.act("plan", repairs=list(repairs or (REPAIR,)), promised=LATER, **fields)

    async def agreed(self, **fields: Any) -> dict[str, Any]:
        """The customer's yes, in person."""
        told = {"decision": "agreed", "way": "in-person", "witness": "lead", "confirmed": RISKS, **fields}
        return await self.act("consent", **told)

    async def stocked(self, number: str = "BAT-EX-1", **about: Any) -> dict[str, Any]:
        """Parts booked in by the lead."""
        told = {"kind": "in", "number": number, "part": "battery", "person": "lead", **about}
        return await send(self.client, m.MoveStock(**told))

    async def fitted(self, **fields: Any) -> dict[str, Any]:
        """The planned battery fitted."""
        told = {"number": "BAT-EX-1", "genuine": "maker", "proof": "label", "old_part": "shop", "issued_by": "lead"}
        return await self.act("part", **told | fields)

    async def repaired(self, **fields: Any) -> dict[str, Any]:
        """The repair by the book."""
        told = {"remedies": "replace-battery", "steps": STEPS, "esd": "1.2", "screws_out": 8, "screws_in": 8}
        return await self.act("repair", **told | {"sealed": ["tape"]} | fields)

    async def state(self) -> str:
        """What is with the ticket."""
        rows = (await send(self.client, m.TicketsQuery(text=self.ticket)))["tickets"]
        return str(next(row["state"] for row in rows if row["ticket"] == self.ticket))

    async def level(self, number: str = "BAT-EX-1") -> dict[str, Any]:
        """What is on the shelf."""
        found = (await send(self.client, m.StockQuery(number=number)))["parts"]
        return dict(found[0]) if found else {}

    async def records(self) -> list[Record]:
        """The ticket's records."""
        envelopes = await self.engine.store.read(lambda db: list(envelopes_of(db, self.ticket)))
        return [open_record(envelope) for envelope in envelopes]

    async def newest(self, kind: str) -> Any:
        """The predicate of the newest record of a kind."""
        return [one for one in await self.records() if one.kind == kind][-1].statement.predicate

    def policy(self, name: str, text: str) -> None:
        """Write a policy file of the shop."""
        folder = self.station.data / "policy"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")


@contextlib.asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Desk]:
    """A bench with one phone that is well."""
    station = await enrol(folder / "data")
    answers = {LEVEL.script: "90", BOOT.script: "green", LOCK.script: "1", PART.script: "OLD-1"}
    phone = Phone(answers=answers)
    async with running(station, Cabinet(phone), loaded=loaded()) as (engine, client):
        made = Desk(station, engine, client, phone, folder)
        made.policy("plan", POLICY)
        yield made
