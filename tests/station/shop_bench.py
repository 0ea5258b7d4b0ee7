"""A shop of several stations, each a real engine in its own folder, with the same people and one shop key."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.attest import Ed25519PrivateKey
from reports.ledger import LEDGER, append
from reports.predicates import Clock, Made, Software
from station import messages as m
from station.enrolment import enrol_person, enrol_station
from station.outbox import OUTBOX, enqueue
from station.settings import Settings, create_station_key, save_settings
from station.shop_key import invite, join
from station.store import Store
from tests.station.delivery_bench import Counter
from tests.station.station_bench import PEOPLE, Cabinet, Phone, Station, running, send, write_checklist

PHRASE = "a phrase for the way"


@dataclass
class Desk(Counter):
    """One station of the shop, with what its people do there."""

    folder: Path

    async def hand(self, ticket: str, name: str = "", **more: Any) -> Path:
        """Export the ticket into a new file."""
        path = self.folder / f"{name or ticket}-{len(list(self.folder.glob('*.bundle')))}.bundle"
        await send(self.client, m.ExportBundle(ticket=ticket, out=str(path), **more))
        return path

    async def take(self, path: Path) -> dict[str, Any]:
        return await send(self.client, m.ImportBundle(path=str(path), person="tech"))

    async def asked(self, ticket: str, person: str = "inspector") -> dict[str, Any]:
        return await send(self.client, m.PrepareRelease(ticket=ticket, person=person))


async def enrolled(
    folder: Path, station: str, keys: dict[str, Ed25519PrivateKey], shop: str = "S-01", head_office_key: str = ""
) -> Station:
    """A station with everybody of the shop on its roster, each with the one key that they have."""
    settings = Settings(
        data=folder, station=station, name=station, shop=shop, simulated=True, head_office_key=head_office_key
    )
    save_settings(settings)
    key = create_station_key(folder)
    store = Store(settings.database)
    await store.migrate([LEDGER, OUTBOX])

    def write(db: Any) -> None:
        made = Made(
            shop=shop,
            station=station,
            simulated=True,
            anchor=None,
            clock=Clock(wall_ms=1_700_000_000_000, mono_ms=1, boot_id="boot", state="free-running"),
            software=Software(version="0", sha256="0" * 64),
        )
        envelopes, lead = [enrol_station(made, key, station)], None
        for person, roles in PEOPLE.items():
            envelopes.append(enrol_person(made, person, person.title(), roles, keys[person], lead).envelope(key))
            lead = lead or ("lead", keys["lead"])
        for envelope in envelopes:
            link = append(db, envelope)
            enqueue(db, link.seq, link.digest)

    await store.write(write)
    store.close()
    return Station(settings, keys)


def joined(first: Station, *others: Station) -> None:
    """Let the other stations join the first one's shop."""
    data = invite(first.settings, PHRASE)
    for other in others:
        join(other.settings, data, PHRASE)


@contextlib.asynccontextmanager
async def desk(station: Station, phone: Phone | None) -> AsyncIterator[Desk]:
    """The running engine of a station, with the phone on its bench (or none)."""
    folder = station.data.parent / f"{station.settings.station}-files"
    folder.mkdir(exist_ok=True)
    (station.data / "policy").mkdir(exist_ok=True)
    (station.data / "policy" / "counter.toml").write_text('confirmation = "off"\n', encoding="utf-8")
    cabinet = Cabinet(*([phone] if phone else []))
    async with running(station, cabinet) as (engine, client):
        if phone is not None:
            await send(client, m.FindDevice(device=phone.serial, wait_s=20))
        yield Desk(station, engine, client, cabinet, phone or Phone(), write_checklist(folder), folder)
