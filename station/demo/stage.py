"""Sets the simulated bench up: an enrolled demo station with its people, a head office, an adb server, and the phones.

Everything but the phones is the real thing: the real adb server reaches the phones by `adb connect`, the engine is the
real one in a process of its own and cannot tell them apart, the head office verifies what it receives. A folder that
was kept is set up again as it was: the same phones, the same head office at another port.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from drivers.adb_server import AdbServer
from drivers.sim.bench import SimulatedBench
from drivers.sim.persona import CARDS
from drivers.sim.phone import SimulatedPhone
from reports.attest import Ed25519PrivateKey, public_raw
from reports.headoffice.serve import running
from reports.headoffice.shipped import allow_shipped
from reports.headoffice.store import HeadOfficeStore, create_head_office
from reports.predicates import Role
from station.cards import FOLDER
from station.client import attach_or_host
from station.demo.cast import Cast, keep_cast, kept_cast
from station.demo.scenario import Scenario
from station.head_office import request_enrolment
from station.people import PersonKeys
from station.settings import Settings, create_key, load_key, load_settings, private_folder, save_settings
from station.setup import add_person, set_up_station

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
    """A demo station in `data` with everything around it, as long as the block lasts.

    The folder is new, or one that was kept: then scenarios and seed are those that it was made with (`kept_cast`).

    Raises:
        Trouble: the folder cannot be used.
        OSError: a port or the folder cannot be had.
    """
    private_folder(data)
    office, cast = data / "headoffice" / "headoffice.db", kept_cast(data)
    personas = [each.persona for each in scenarios]
    key = load_key(_key_of(office)) if cast else _make_office(office)
    async with running(office, key) as url:
        settings = _moved(data, url) if cast else await _make_station(data, office, url, key)
        server = AdbServer(home=data / "adb")
        await server.start()
        try:
            await server.ready()
            async with SimulatedBench(personas, seed=seed, ports=cast.ports if cast else ()) as sim:
                if cast is None:
                    keep_cast(data, Cast(seed=seed, personas=personas, ports=[phone.port for phone in sim.phones]))
                yield Stage(settings, dict.fromkeys(PEOPLE, PIN), sim.phones, scenarios, server, office)
        finally:
            await server.close()


def _key_of(office: Path) -> Path:
    """Where `assay headoffice` looks for the key of that database."""
    return office.with_suffix(".key")


def _make_office(office: Path) -> Ed25519PrivateKey:
    key = create_key(_key_of(office))
    create_head_office(office, "DEMO-HQ", simulated=True)
    allow_shipped(office)
    return key


def _moved(data: Path, url: str) -> Settings:
    """The kept station, told where its head office is now: the port may be another one's by this time."""
    settings = load_settings(data).model_copy(update={"head_office": url})
    save_settings(settings)
    return settings


async def _make_station(data: Path, office: Path, url: str, key: Ed25519PrivateKey) -> Settings:
    shutil.copytree(CARDS, data / FOLDER)
    settings = Settings(
        data=data,
        station="DEMO-01",
        name="Demo bench",
        shop="DEMO",
        simulated=True,
        head_office=url,
        head_office_key=public_raw(key).hex(),
    )
    await _enrol(settings, office)
    return settings


async def _enrol(settings: Settings, office: Path) -> None:
    """The station, its place at head office and its people, as the commands make them."""
    await request_enrolment(settings.head_office, await set_up_station(settings))
    approve(office, settings.station)
    keys, lead = PersonKeys(settings.data), None
    client = await attach_or_host(settings.data, transports=())
    try:
        for person, (printed, roles) in PEOPLE.items():
            await add_person(client, settings, person, printed, roles, PIN, lead)
            lead = lead or (person, await asyncio.to_thread(keys.unlock, person, PIN))
    finally:
        await client.close()


def approve(office: Path, station: str) -> None:
    """Head office admits the station, as its clerk would."""
    store = HeadOfficeStore(office)
    try:
        with store.transaction():
            store.decide(station, "approved", "demo clerk", time.time_ns() // 1_000_000)
    finally:
        store.close()
