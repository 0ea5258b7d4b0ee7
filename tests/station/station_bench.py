"""An enrolled station in a folder, people with keys, and phones in memory that offer a shell.

The phones here are for the rules of runner and engine; what real wires do is tested with the simulated phones behind
the real adb server.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from drivers.api import (
    Command,
    CommandResult,
    Device,
    DeviceGone,
    DriverError,
    Heard,
    Identity,
    Link,
    LinkState,
    NoAnswer,
    Shell,
    Side,
    Unsupported,
)
from drivers.text import Words
from probes.api import (
    Loaded,
    Measurement,
    NotApplicable,
    Origin,
    Probe,
    Prompt,
    PromptKind,
    Unread,
)
from reports.attest import Ed25519PrivateKey, generate_key, sign
from reports.ledger import LEDGER, append
from reports.predicates import Clock, Made, Role, Software
from reports.release import ReleasePolicy
from reports.roster import Roster
from station.client import Client
from station.engine import Engine
from station.enrolment import enrol_person, enrol_station
from station.messages import Command as EngineCommand
from station.messages import CommitRecord, Ok
from station.outbox import OUTBOX, enqueue
from station.people import Cost, PersonKeys
from station.settings import Settings, create_station_key, save_settings
from station.store import Store

IMEI = "356938035643809"
GONE = DeviceGone("test.gone", Words("the phone is gone", "手机已断开"), Side.CABLE, Words("plug it in", "请重新连接"))
SILENT = NoAnswer("test.silent", Words("no answer", "无响应"), Side.PHONE, Words("try again", "请重试"))


# --- phones in memory ------------------------------------------------------------------------------------------------


@dataclass
class Phone:
    """A phone whose shell answers from a table. `faults` maps a script to a failure, or to seconds of silence."""

    serial: str = "SER0001"
    imeis: tuple[str, ...] = (IMEI,)
    model: str = "Phone 1"
    port: str = "usb:1-1"
    answers: dict[str, str] = field(default_factory=dict)
    faults: dict[str, DriverError | float] = field(default_factory=dict)
    present: bool = True
    batches: list[list[str]] = field(default_factory=list)
    key: int = 1
    mute: bool = False
    closed: int = 0

    @property
    def link(self) -> Link:
        return Link("mem", str(self.key), self.serial, self.port, LinkState.DEVICE, self.model, simulated=True)

    async def run(self, script: str, *, deadline_s: float, limit: int = 0) -> CommandResult:
        fault = self.faults.get(script)
        if isinstance(fault, float):
            try:
                async with asyncio.timeout(deadline_s):
                    await asyncio.sleep(fault)
            except TimeoutError:
                fault = SILENT
        if not self.present:
            fault = GONE
        failure = fault if isinstance(fault, DriverError) else None
        answer = "" if failure else self.answers.get(script, "")
        return CommandResult(script, script, answer.encode(), b"", None if failure else 0, 0.0, 0.002, failure)

    async def batch(
        self, commands: Sequence[Command], *, deadline_s: float, heard: Heard | None = None
    ) -> list[CommandResult]:
        self.batches.append([command.script for command in commands])
        loop = asyncio.get_running_loop()
        until = loop.time() + deadline_s
        results = []
        for command in commands:
            left = min(command.timeout_s, until - loop.time())
            result = await self.run(command.script, deadline_s=max(0.0, left))
            results.append(result._replace(name=command.name))
            if heard is not None and result.failure is None:
                heard(len(results) - 1, results[-1])
                await asyncio.sleep(0)
        return results


class PhoneDevice:
    """An opened phone in memory; it offers a shell and nothing else."""

    def __init__(self, phone: Phone) -> None:
        self.phone, self.link = phone, phone.link

    async def identify(self, *, deadline_s: float) -> Identity:
        if self.phone.mute:
            raise SILENT
        return Identity(self.phone.serial, self.phone.imeis, "Maker", self.phone.model, "android", "14", "BUILD")

    def capability(self, kind: type[Any]) -> Any:
        if kind is Shell:
            return self.phone
        raise Unsupported("test.unsupported", Words("no", "无"), Side.BENCH, Words("-", "-"))

    async def close(self) -> None:
        self.phone.closed += 1


class Cabinet:
    """A transport of phones in memory: `put` plugs one in, `pull` unplugs it."""

    name = "mem"
    trouble: DriverError | None = None

    def __init__(self, *phones: Phone) -> None:
        self.phones = list(phones)
        self._changed = asyncio.Event()

    async def watch(self) -> AsyncIterator[tuple[Link, ...]]:
        while True:
            yield tuple(phone.link for phone in self.phones if phone.present)
            await self._changed.wait()
            self._changed.clear()

    def put(self, phone: Phone) -> None:
        phone.present, phone.key = True, phone.key + 1
        if phone not in self.phones:
            self.phones.append(phone)
        self._changed.set()

    def pull(self, phone: Phone) -> None:
        phone.present = False
        self._changed.set()

    async def open(self, link: Link) -> Device:
        for phone in self.phones:
            if phone.present and phone.link == link:
                return PhoneDevice(phone)
        raise GONE

    async def close(self) -> None:
        return None


# --- probes and a checklist of our own -------------------------------------------------------------------------------


async def battery(bench: Any) -> AsyncIterator[Any]:
    """Reads a number."""
    answer = bench.answer("level")
    if answer.failure is not None:
        yield Unread("level", answer.failure.what, "cat level")
    elif answer.text.strip().isdecimal():
        yield Measurement("level", Decimal(answer.text.strip()), "cat level")
    else:
        yield Unread("level", Words("not a number", "不是数字"), "cat level")


async def storage(bench: Any) -> AsyncIterator[Any]:
    """Reads a number from the same command, and a text."""
    yield Measurement("level", Decimal(bench.answer("level").text.strip() or "0"), "cat level")
    yield Measurement("serial", "SER0001", "getprop")


async def question(bench: Any) -> AsyncIterator[Any]:
    """Asks a person."""
    answer = await bench.person.ask(
        Prompt("look", PromptKind.VERDICT, Words("Is it good?", "是否良好？"), timeout_s=20.0)
    )
    if answer.value == "not-applicable":
        raise NotApplicable(Words("a person says there is none", "人员确认无此部件"))
    yield Measurement("good", answer.value == "good", "person")


def declared(id_: str, run: Any, **more: Any) -> Probe:
    about: dict[str, Any] = {
        "needs": (Shell,),
        "reads": (),
        "measures": {},
        "settings": {},
        "asks": False,
        "repeatable": True,
        "writes": "",
        "unverified": False,
    }
    return Probe(id=id_, run=run, **(about | more))


LEVEL = Command("level", "cat level", timeout_s=5.0)


def probes(*more: Probe) -> Loaded:
    """The probes of this module and `more`."""
    ours = (
        declared("test.battery", battery, reads=(LEVEL,), measures={"level": "%"}),
        declared("test.storage", storage, reads=(LEVEL,), measures={"level": "%", "serial": "identity"}),
        declared("test.question", question, needs=(), measures={"good": "flag"}, asks=True),
    )
    every = {probe.id: probe for probe in (*ours, *more)}
    origins = {__name__: Origin(__name__, "tests", "0", "0" * 64)}
    return Loaded(every, {}, origins, {})


CHECK = """
[[check]]
id = "{id}"
layer = "{layer}"
title = {{ en = "{id}", zh = "{id}" }}
probe = {{ android = "{probe}" }}
{more}
"""
LEVEL_LIMIT = """
[[check.limits]]
measure = "level"
unit = "%"
min = 50
source.ref = "test"
source.text = { en = "half", zh = "一半" }
"""
GOOD_LIMIT = """
[[check.limits]]
measure = "good"
unit = "flag"
equals = true
source.ref = "test"
source.text = { en = "good", zh = "良好" }
"""


def check(id_: str, probe: str, more: str = "", layer: str = "soft") -> str:
    """One check as TOML."""
    return CHECK.format(id=id_, layer=layer, probe=probe, more=more)


ORDINARY = (
    check("battery", "test.battery", LEVEL_LIMIT),
    check("shelf", "test.storage", LEVEL_LIMIT),
    check("look", "test.question", "person = true\n" + GOOD_LIMIT, "hard"),
)


def write_checklist(folder: Path, checks: Sequence[str] = ORDINARY, name: str = "bench-test") -> Path:
    """A checklist of these checks, for every stage."""
    (folder / "checks").mkdir(parents=True, exist_ok=True)
    (folder / "checks" / f"{name}-checks.toml").write_text("".join(checks), encoding="utf-8")
    ids = [line.split('"')[1] for text in checks for line in text.splitlines() if line.startswith("id = ")]
    path = folder / f"{name}.toml"
    head = (
        f'format = 1\nid = "{name}"\nversion = 1\ntitle = {{ en = "{name}", zh = "{name}" }}\nplatform = "android"\n'
        'stages = ["intake", "diagnosis", "self-check", "cross-check"]\n'
    )
    path.write_text(head + "".join(f'[[check]]\nid = "{id_}"\n' for id_ in ids), encoding="utf-8")
    return path


# --- a station and its people ----------------------------------------------------------------------------------------

PEOPLE: dict[str, tuple[Role, ...]] = {
    "lead": ("lead", "inspector"),
    "tech": ("technician", "receptionist"),
    "inspector": ("inspector", "technician"),
}


CHEAP = Cost(memory_kib=64, iterations=1, lanes=1)


@dataclass
class Station:
    """An enrolled station: its settings and the private keys of its people."""

    settings: Settings
    keys: dict[str, Ed25519PrivateKey]

    @property
    def data(self) -> Path:
        return self.settings.data


async def enrol(
    data: Path,
    head_office: str = "",
    head_office_key: str = "",
    pin: str = "",
    people: Mapping[str, tuple[Role, ...]] = PEOPLE,
) -> Station:
    """Enrol a demo station with a lead, a technician and an inspector; with a PIN their keys are kept in its folder."""
    settings = Settings(
        data=data,
        station="B-01",
        name="Bench 1",
        shop="S-01",
        simulated=True,
        head_office=head_office,
        head_office_key=head_office_key,
    )
    save_settings(settings)
    station_key = create_station_key(data)
    sealed = PersonKeys(data, cost=CHEAP)
    keys = {person: sealed.create(person, pin) if pin else generate_key() for person in people}
    store = Store(settings.database)
    await store.migrate([LEDGER, OUTBOX])

    def write(db: Any) -> None:
        made = _made(settings)
        envelopes = [enrol_station(made, station_key, settings.name)]
        lead = None
        for person, roles in people.items():
            told = enrol_person(made, person, person.title(), roles, keys[person], lead)
            envelopes.append(told.envelope(station_key))
            lead = lead or ("lead", keys["lead"])
        for envelope in envelopes:
            link = append(db, envelope)
            enqueue(db, link.seq, link.digest)
        assert not Roster.fold(envelopes).problems

    await store.write(write)
    store.close()
    return Station(settings, keys)


def _made(settings: Settings) -> Made:
    return Made(
        shop=settings.shop,
        station=settings.station,
        simulated=True,
        anchor=None,
        clock=Clock(wall_ms=1_700_000_000_000, mono_ms=1, boot_id="boot", state="free-running"),
        software=Software(version="0", sha256="0" * 64),
    )


@contextlib.asynccontextmanager
async def running(
    station: Station, *transports: Any, loaded: Loaded | None = None, **more: Any
) -> AsyncIterator[tuple[Engine, Client]]:
    """An engine of the station in this process, and a client of it."""
    options = {"linger_s": None, "uploads": False, "policy": ReleasePolicy()} | more
    engine = Engine(station.settings, transports, loaded=loaded or probes(), **options)
    await engine.start()
    client = await Client.connect(station.data)
    try:
        yield engine, client
    finally:
        await client.close()
        await engine.close()


async def send(client: Client, command: EngineCommand) -> dict[str, Any]:
    """What the engine answers, as data."""
    reply: Ok = await client.send(command)
    return reply.data


async def signed(
    station: Station, client: Client, person: str, prepare: EngineCommand, *, by: str = "", change: bytes = b""
) -> dict[str, Any]:
    """Prepare a record, sign it as the person (or with the key of `by`), and commit it (with `change` taken out)."""
    prepared = await send(client, prepare)
    payload = base64.b64decode(prepared["payload"])
    if change:
        assert change in payload
        payload = payload.replace(change, b'"inspector"')
    key_id, signature = sign(payload, station.keys[by or person])
    command = CommitRecord(
        payload=base64.b64encode(payload).decode(), key_id=key_id, signature=base64.b64encode(signature).decode()
    )
    return await send(client, command)


async def holds(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something is so that nobody tells of."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - polled on purpose: there is no event to wait for
            await asyncio.sleep(0.005)


async def until(client: Client, holds: Callable[[Any], bool], seconds: float = 10.0) -> Any:
    """The first snapshot of the bench of which something holds."""
    async with asyncio.timeout(seconds):
        async for snapshot in client.bench():
            if holds(snapshot):
                return snapshot
    raise AssertionError("the snapshots ended")


async def until_session(client: Client, holds: Callable[[Any], bool], seconds: float = 10.0) -> Any:
    """The first view of the watched slot of which something holds."""
    async with asyncio.timeout(seconds):
        async for view in client.session():
            if holds(view):
                return view
    raise AssertionError("the views ended")
