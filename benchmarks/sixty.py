"""A checklist of twelve checks with sixty reads, their probes, and the station's own engine to run it.

What a check does here is what one of the shipped ones does: its answers are parsed by the parser of `dumpsys battery`,
two readings of each are measured, one of them is judged by a limit; answers are kept as evidence, every step is an
event in the journal, and an attached screen is sent its snapshots.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.screen_process import Screen, screen
from benchmarks.sim_process import LINES
from benchmarks.table import cpu_s
from drivers.adb import AdbTransport
from drivers.adb_server import AdbServer
from drivers.api import Command, Shell
from drivers.text import Words
from probes.api import Bench, Loaded, Measurement, Origin, Probe, Reading, Unread, discover
from probes.battery_dump import battery
from reports.release import ReleasePolicy
from station import messages as m
from station.client import Client
from station.engine import Engine
from station.events import AttemptEnded, Event, RunFinished
from station.heap import collect_seldom
from station.onlookers import Onlookers
from station.settings import Settings, create_station_key, private_folder, save_settings

__all__ = [
    "CHECKS",
    "EACH",
    "HEAD",
    "Station",
    "Took",
    "probes",
    "station",
    "write_check",
    "write_noops",
    "write_sixty",
]

CHECKS, EACH = 12, 5
_CHECK = """
[[check]]
id = "sixty-{n}"
layer = "soft"
title = {{ en = "Sixty {n}", zh = "六十 {n}" }}
probe = {{ android = "benchmark.sixty-{n}" }}
[[check.limits]]
measure = "level_0"
unit = "%"
min = 50
source.ref = "benchmark"
source.text = {{ en = "half", zh = "一半" }}
"""
HEAD = """format = 1
id = "sixty"
version = 1
title = { en = "sixty", zh = "六十" }
platform = "android"
stages = ["intake"]
"""
_PLAIN = """
[[check]]
id = "{id}"
layer = "soft"
title = {{ en = "{id}", zh = "{id}" }}
probe = {{ android = "{probe}" }}
"""
_NOT_SAID = Words("not said", "未提供")


def probes() -> Loaded:
    """The probes that the station has, and those of this checklist."""
    found = discover()
    ours = {f"benchmark.sixty-{n}": _probe(n) for n in range(CHECKS)}
    ours["benchmark.noop"] = Probe("benchmark.noop", _nothing, (), (), {}, {}, False, True, None, False)
    origins = {__name__: Origin(__name__, "benchmarks", "0", "0" * 64)}
    return Loaded({**found.probes, **ours}, found.parsers, {**found.origins, **origins}, found.failed)


async def _nothing(bench: Bench) -> AsyncIterator[Reading]:
    """Does nothing."""
    nothing: tuple[Reading, ...] = ()
    for reading in nothing:
        yield reading


def _probe(n: int) -> Probe:
    lines = LINES[n * EACH : (n + 1) * EACH]
    reads = tuple(Command(f"read-{at}", line, timeout_s=10.0) for at, line in enumerate(lines))

    async def run(bench: Bench) -> AsyncIterator[Reading]:
        for at, read in enumerate(reads):
            facts = battery(bench.answer(read.name).stdout).facts
            for name, fact in ((f"level_{at}", "level"), (f"voltage_{at}", "voltage_mV")):
                value = facts.get(fact)
                yield Unread(name, _NOT_SAID) if value is None else Measurement(name, Decimal(value), read.script)

    units = {f"{name}_{at}": unit for at in range(EACH) for name, unit in (("level", "%"), ("voltage", "mV"))}
    return Probe(f"benchmark.sixty-{n}", run, (Shell,), reads, units, {}, False, True, None, False)


@dataclass(frozen=True)
class Took:
    """Runs at once: seconds until the last end was on the disk, the CPU seconds of the engine and of the processes in
    which its probes look at answers, and their events."""

    seconds: float
    cpu_s: float
    events: tuple[Event, ...]
    began_s: float


@dataclass
class Station:
    """An engine in this process on simulated phones, and a screen: a client here, or a process of its own."""

    engine: Engine
    client: Client
    screen: Screen | None
    server: AdbServer
    checklist: str

    @property
    def slots(self) -> list[int]:
        """Every slot with a phone that can be checked."""
        return [number for number, slot in self.engine.bench.slots.items() if slot.ready]

    @property
    def serials(self) -> list[str]:
        """What the adb server calls the phones."""
        return [slot.link.serial for slot in self.engine.bench.slots.values() if slot.link is not None]

    async def ready(self, phones: int, seconds: float = 60.0) -> None:
        """Wait until so many phones have told the screen who they are."""
        async with asyncio.timeout(seconds):
            async for shown in self.client.bench():
                if (
                    sum(card.status is not m.CardStatus.IDENTIFYING for card in shown.cards)
                    >= phones
                    <= len(self.slots)
                ):
                    return

    async def run(self, slots: Sequence[int], checklist: str = "", *, whole: bool = True) -> Took:
        """Run the checklist on these slots at once, to the last end of a run; `whole`: every check must complete.

        Raises:
            RuntimeError: a check did not complete.
        """
        heard: list[Event] = []
        began, cpu = time.perf_counter(), self._cpu_s()
        left, done = len(slots), asyncio.Event()

        others = {running.run for running in self.engine.work.running.values()}

        def follow(events: Sequence[Event]) -> None:
            nonlocal left
            ours = [each for each in events if each.run not in others]
            heard.extend(ours)
            left -= sum(isinstance(each.body, RunFinished) for each in ours)
            if left <= 0:
                done.set()

        with self._following(follow):
            about = {"ticket": "", "checklist": checklist or self.checklist, "stage": "intake", "person": "tech"}
            if self.screen is not None:
                self.screen.start(slots, **about)
                await self.screen.until(done)
            else:
                await asyncio.gather(*(self.client.send(m.StartRun(slot=slot, **about)) for slot in slots))
                await done.wait()
        took = Took(time.perf_counter() - began, self._cpu_s() - cpu, tuple(heard), began)
        bad = [e.body for e in heard if isinstance(e.body, AttemptEnded) and e.body.ending.value != "completed"]
        if bad and whole:
            raise RuntimeError(f"{len(bad)} checks did not complete: {bad[0]}")
        return took

    def _cpu_s(self) -> float:
        onlookers = self.engine.onlookers.pids if self.engine.onlookers is not None else []
        return time.process_time() + sum(map(cpu_s, onlookers))

    async def shown(self, took: Took) -> float:
        """Seconds from the start of what was just run until a screen has its end: snapshots come 20 times a second."""
        version = self.engine._version
        if self.screen is not None:
            await self.screen.shown(version)
            return time.perf_counter() - took.began_s
        async for snapshot in self.client.bench():
            if snapshot.version > version:
                return time.perf_counter() - took.began_s
        raise AssertionError("the snapshots ended")

    @contextlib.contextmanager
    def _following(self, follower: Callable[[Sequence[Event]], None]) -> Iterator[None]:
        followers = self.engine.journal._followers
        self.engine.journal.follow(follower)
        try:
            yield
        finally:
            followers.remove(follower)


@contextlib.asynccontextmanager
async def station(folder: Path, addresses: Sequence[str], *, apart: bool = True) -> AsyncIterator[Station]:
    """A demo station whose engine sees these phones, with one screen attached that watches the first slot.

    `apart`: the screen is a process of its own, as in the product, and starts the runs.
    """
    data = folder / "data"
    private_folder(data)
    settings = Settings(
        data=data, station="B-01", name="Bench", shop="S-01", simulated=True, head_office="", head_office_key=""
    )
    save_settings(settings)
    create_station_key(data)
    server = AdbServer(home=folder / "adb", environ={})
    await server.start()
    options: dict[str, Any] = {"linger_s": None, "uploads": False, "policy": ReleasePolicy(), "loaded": probes()}
    options["onlookers"] = partial(Onlookers, factory="benchmarks.sixty:probes")
    engine = Engine(settings, [AdbTransport(server, simulated=True)], **options)
    await engine.start()
    client = await Client.connect(data)
    try:
        for address in addresses:
            await server.connect(address)
        made = Station(engine, client, None, server, str(write_sixty(folder)))
        await made.ready(len(addresses))
        while addresses and engine.onlookers is not None and not engine.onlookers.ready:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        if addresses and not apart:
            await client.send(m.Watch(slot=made.slots[0]))
        collect_seldom()  # as the engine's process does
        if not (addresses and apart):
            yield made
            return
        await client.close()
        async with screen(data, made.slots[0]) as made.screen:
            yield made
    finally:
        await client.close()
        await engine.close()
        await server.close()


def write_check(folder: Path, check: str, probe: str, count: int = 1) -> Path:
    """A checklist of so many checks with that probe and no limits."""
    (folder / "checks").mkdir(parents=True)
    names = [check] if count == 1 else [f"{check}-{n}" for n in range(count)]
    text = "".join(_PLAIN.format(id=name, probe=probe) for name in names)
    (folder / "checks" / f"{check}.toml").write_text(text, encoding="utf-8")
    path = folder / f"{check}.toml"
    uses = "".join(f'[[check]]\nid = "{name}"\n' for name in names)
    path.write_text(HEAD.replace("sixty", check) + uses, encoding="utf-8")
    return path


def write_noops(folder: Path, count: int) -> Path:
    """A checklist of so many checks that do nothing."""
    return write_check(folder, "noop", "benchmark.noop", count)


def write_sixty(folder: Path) -> Path:
    """The checklist as a file, with its checks beside it."""
    (folder / "checks").mkdir()
    (folder / "checks" / "sixty.toml").write_text("".join(_CHECK.format(n=n) for n in range(CHECKS)), encoding="utf-8")
    path = folder / "sixty.toml"
    path.write_text(HEAD + "".join(f'[[check]]\nid = "sixty-{n}"\n' for n in range(CHECKS)), encoding="utf-8")
    return path
