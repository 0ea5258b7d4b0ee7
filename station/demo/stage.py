"""Sets the simulated bench up: an enrolled demo station with its people, a head office, an adb server, and the phones.

Everything but the phones is the real thing: the real adb server reaches the phones by `adb connect`, the engine is the
real one in a process of its own and cannot tell them apart, the head office verifies what it receives.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from drivers.adb_server import AdbServer
from drivers.sim.bench import SimulatedBench
from drivers.sim.phone import SimulatedPhone
from reports.attest import generate_key, public_raw
from reports.headoffice.serve import running
from reports.headoffice.shipped import allow_shipped
from reports.headoffice.store import HeadOfficeStore, create_head_office
from reports.ledger import LEDGER, append
from reports.predicates import Made, Role
from station.clock import StationClock
from station.demo.scenario import Scenario
from station.enrolment import enrol_person, enrol_station
from station.head_office import request_enrolment
from station.outbox import OUTBOX, enqueue
from station.people import PersonKeys
from station.settings import Settings, create_station_key, save_settings
from station.signing import software
from station.store import Store

__all__ = ["PEOPLE", "PIN", "Stage", "approve", "staged"]

#: Who works at the simulated bench: printed name and roles.
PEOPLE: dict[str, tuple[str, tuple[Role, ...]]] = {
    "lead": ("Chen Yu", ("lead",)),
    "technician": ("Wang Jianguo", ("technician", "receptionist")),
    "inspector": ("Li Wei", ("inspector", "technician")),
}


#: The PIN of everybody at the simulated bench. It protects nothing: a demo station can enrol at no real head office.
PIN = "demo1234"


@dataclass(frozen=True, slots=True)
class Stage:
    """What was set up.

    Attributes:
        settings: the demo station.
        secrets: the PIN of each person.
        phones: the simulated phones, in the order of their scenarios.
        scenarios: what happens to each.
        adb: the private adb server.
        head_office: the database of head office.
    """

    settings: Settings
    secrets: dict[str, str]
    phones: Sequence[SimulatedPhone]
    scenarios: Sequence[Scenario]
    adb: AdbServer
    head_office: Path

    @property
    def environment(self) -> dict[str, str]:
        """What the engine's process needs to reach the phones as any other."""
        return {"ANDROID_ADB_SERVER_PORT": str(self.adb.address.port), "ASSAY_DATA": str(self.settings.data)}

    async def plug_in(self) -> None:
        """Connect every phone to the adb server."""
        await asyncio.gather(*(self.adb.connect(phone.address) for phone in self.phones))


@asynccontextmanager
async def staged(data: Path, scenarios: Sequence[Scenario], seed: int) -> AsyncIterator[Stage]:
    """A demo station in the new folder `data`, with everything around it, as long as the block lasts.

    Raises:
        Trouble: the folder cannot be used.
        OSError: a port or the folder cannot be had.
    """
    office, office_key = data / "headoffice" / "headoffice.db", generate_key()
    create_head_office(office, "DEMO-HQ", simulated=True)
    allow_shipped(office)
    async with running(office, office_key) as url:
        settings = Settings(
            data=data,
            station="DEMO-01",
            name="Demo bench",
            shop="DEMO",
            simulated=True,
            head_office=url,
            head_office_key=public_raw(office_key).hex(),
        )
        pins = await _enrol(settings)
        approve(office, settings.station)
        server = AdbServer(home=data / "adb")
        await server.start()
        try:
            await server.ready()
            async with SimulatedBench([each.persona for each in scenarios], seed=seed) as sim:
                yield Stage(settings, pins, sim.phones, scenarios, server, office)
        finally:
            await server.close()


async def _enrol(settings: Settings) -> dict[str, str]:
    """The station's key and ledger, its people and their keys, and its place at head office; gives the PINs."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    save_settings(settings)
    station_key = create_station_key(settings.data)
    store = Store(settings.database)
    try:
        await store.migrate([LEDGER, OUTBOX])
        made = Made(
            shop=settings.shop,
            station=settings.station,
            simulated=True,
            anchor=None,
            clock=StationClock().now(None),
            software=software(),
        )
        enrolment = enrol_station(made, station_key, settings.name)
        envelopes, pins, keys = [enrolment], {}, PersonKeys(settings.data)
        lead = None
        for person, (printed, roles) in PEOPLE.items():
            pins[person] = PIN
            key = await asyncio.to_thread(keys.create, person, pins[person])
            envelopes.append(enrol_person(made, person, printed, roles, key, lead).envelope(station_key))
            lead = lead or (person, key)

        def write(db: Database) -> None:
            for envelope in envelopes:
                link = append(db, envelope)
                enqueue(db, link.seq, link.digest)

        await store.write(write)
    finally:
        store.close()
    await request_enrolment(settings.head_office, enrolment)
    return pins


def approve(office: Path, station: str) -> None:
    """Head office admits the station, as its clerk would."""
    store = HeadOfficeStore(office)
    try:
        with store.transaction():
            store.decide(station, "approved", "demo clerk", time.time_ns() // 1_000_000)
    finally:
        store.close()
