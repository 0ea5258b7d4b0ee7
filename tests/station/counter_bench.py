"""A counter: an enrolled station with a phone, and the steps of registering, taking in and confirming, as people do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.attest import Record, open_record
from reports.ledger import envelopes_of
from station import messages as m
from station.client import Client
from station.engine import Engine
from tests.station.station_bench import IMEI, Cabinet, Phone, Station, enrol, running, send, write_checklist

OWNER, OWNER_PHONE = "王芳", "138 0013 8000"
ASKS: dict[str, Any] = {
    "channel": "walk-in",
    "owner_name": OWNER,
    "owner_phone": OWNER_PHONE,
    "model": "Phone 1",
    "imei": IMEI,
    "complaint": "reboots when it is warm",
}
FACES = ["front", "back", "left", "right", "top", "bottom"]
LOOKS: dict[str, Any] = {"faces": FACES, "liquid": "dry", "screws": "untouched", "powers_on": "yes", "lock": "locked"}
SAYS: dict[str, Any] = {"decision": "confirmed", "by": "owner", "way": "witness", "witness": "lead", "backup": "made"}


@dataclass
class Counter:
    """What people at a counter do, on a real engine."""

    station: Station
    engine: Engine
    client: Client
    folder: Path

    async def act(self, step: str, ticket: str = "", person: str = "tech", **fields: Any) -> dict[str, Any]:
        return await send(self.client, m.DoStep(step=step, ticket=ticket, person=person, fields=fields))

    async def register(self, **fields: Any) -> dict[str, Any]:
        return await self.act("register", **{**ASKS, **fields})

    async def take_in(self, ticket: str = "", plugged: bool = True, **more: Any) -> str:
        slot = (await send(self.client, m.FindDevice(device="mem:SER0001", wait_s=10)))["slot"] if plugged else None
        told = m.Intake(slot=slot, ticket=ticket, data_notice_confirmed=True, test_consent=True, person="tech", **more)
        return str((await send(self.client, told))["ticket"])

    async def start(self, ticket: str) -> str:
        slot = (await send(self.client, m.FindDevice(device="mem:SER0001", wait_s=10)))["slot"]
        path = write_checklist(self.folder)
        about = {"slot": slot, "ticket": ticket, "stage": "intake", "person": "tech"}
        return str((await send(self.client, m.StartRun(checklist=str(path), **about)))["run"])

    async def records(self, ticket: str, kind: str = "") -> list[Record]:
        found = await self.engine.store.read(lambda db: [open_record(one) for one in envelopes_of(db, ticket)])
        return [one for one in found if one.kind.startswith(kind)]

    async def stated(self, ticket: str, kind: str) -> Any:
        """The newest predicate of a kind."""
        return (await self.records(ticket, kind))[-1].statement.predicate

    async def envelopes(self, ticket: str) -> bytes:
        from base64 import b64decode
        from json import loads

        raw = await self.engine.store.read(lambda db: list(envelopes_of(db, ticket)))
        return b"\n".join(b64decode(loads(one)["payload"]) for one in raw)

    def file(self, name: str, data: bytes = b"picture") -> str:
        path = self.folder / name
        path.write_bytes(data)
        return str(path)

    def policy(self, name: str, text: str) -> None:
        folder = self.station.data / "policy"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")


@asynccontextmanager
async def open_counter(folder: Path, *phones: Phone) -> AsyncIterator[Counter]:
    """A counter with these phones plugged in (by default one that tells its IMEI)."""
    station = await enrol(folder / "data")
    async with running(station, Cabinet(*(phones or (Phone(),)))) as (engine, client):
        yield Counter(station, engine, client, folder)
