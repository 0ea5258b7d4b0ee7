"""A whole shop for scripted tickets: simulated phones behind a real adb server, a real engine, people who type `assay`.

A branch of a ticket's life is data: lines of who types what, and the state of the ticket after it. One shop serves many
branches; each takes a phone of its own.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from drivers.adb_server import AdbServer
from drivers.sim.bench import SimulatedBench, SimulatedPhone
from tests.station.command_line import run_assay

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
PIN = "correct horse 7"
#: Who works here, and as what; the first approves the others.
PEOPLE = {
    "chen": ("lead",),
    "front": ("receptionist",),
    "tech": ("technician",),
    "qc": ("inspector",),
    "store": ("parts-keeper",),
}
#: A short checklist for every stage, of shipped checks on the simulated phone.
CHECKLIST = """
format = 1
id = "life"
version = 1
title = { en = "A short look", zh = "快速检测" }
platform = "android"
stages = ["intake", "diagnosis", "self-check", "cross-check"]
[[check]]
id = "storage-space"
[[check]]
id = "battery-health"
"""


@dataclass(frozen=True)
class Line:
    """One command of a branch: who types it, what, and what must come of it.

    `{ticket}`, `{imei}`, `{device}` ... are filled in, and `{plan}` is the digest of the newest record of `assay plan`.
    `state` is the ticket's afterwards; `code` the exit code; `says` stands in what the command prints; the first group
    of the pattern `learn` in it is kept as `{learnt}`.
    """

    by: str
    words: str
    state: str = ""
    code: int = 0
    says: tuple[str, ...] = ()
    learn: str = ""


@dataclass(frozen=True)
class Hand:
    """What a hand does at the bench between two commands."""

    act: Callable[[SimulatedPhone], None]


@dataclass
class Told:
    """What a command ended with."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@dataclass
class Walk:
    """One ticket on its way through a branch."""

    shop: Shop
    phone: SimulatedPhone
    names: dict[str, str]
    ticket: str = ""

    def go(self, lines: Sequence[Line | Hand]) -> None:
        for line in lines:
            if isinstance(line, Hand):
                line.act(self.phone)
            else:
                self.type(line)

    def type(self, line: Line) -> Told:
        words = shlex.split(line.words.format(ticket=self.ticket, **self.names))
        told = self.shop.assay(*words, "--as", line.by, *self._pin(words[0]), "--json")
        about = f"{line.by}: {line.words}\n{told.err}{told.out}"
        assert told.code == line.code, about
        assert all(part.format(ticket=self.ticket) in told.out + told.err for part in line.says), about
        if line.learn:
            found = re.search(line.learn, told.out + told.err)
            assert found, about
            self.names["learnt"] = found.group(1)
        if told.code == 0:
            self._remember(words[0], told.document)
        if line.state:
            assert self.state == line.state, about
        return told

    def _pin(self, command: str) -> tuple[str, ...]:
        """Commands that write nothing signed take no PIN."""
        return () if command in ("intake", "run", "stock") else ("--pin-file", self.names["pin"])

    def _remember(self, command: str, document: Any) -> None:
        if isinstance(document, dict):
            self.ticket = self.ticket or str(document.get("ticket") or "")
            self.names[command.replace("-", "_")] = str(document.get("record") or "")

    @property
    def shown(self) -> Any:
        return self.shop.assay("ticket", "show", self.ticket, "--json").document

    @property
    def state(self) -> str:
        return str(self.shown["state"])


@dataclass
class Shop:
    """The data folder, the phones, the adb server and the engine's process."""

    folder: Path
    phones: list[SimulatedPhone]
    server: AdbServer
    loop: asyncio.AbstractEventLoop

    @property
    def spare(self) -> SimulatedPhone:
        """A phone that belongs to no ticket, and is plugged in all the time."""
        return self.phones[0]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Work of the bench's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def assay(self, *words: str) -> Told:
        with pytest.MonkeyPatch.context() as patch:
            return Told(*run_assay(self.data, patch, *words))

    def file(self, name: str, data: bytes) -> str:
        path = self.folder / name
        path.write_bytes(data)
        return str(path)

    @contextmanager
    def walk(self, persona: str) -> Iterator[Walk]:
        """A ticket of a phone that nobody had yet; it is plugged in as long as the block lasts."""
        phone = next(one for one in self.phones[1:] if one.state.persona.name == persona)
        self.phones.remove(phone)
        self.run(self.server.connect(phone.address))
        identity, today = phone.state.identity, datetime.date.today()
        names = {
            "imei": identity.imeis[0],
            "device": f"adb:{phone.address}",
            "model": shlex.quote(phone.state.persona.model.model),
            "picture": self.file("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(64)),
            "call": self.file("call.mp3", b"ID3" + bytes(64)),
            "pin": self.file("pin", f"{PIN}\n".encode()),
            "checklist": str(self.folder / "checklists" / "life.toml"),
            "other": self.spare.state.identity.imeis[0],
            "other_device": f"adb:{self.spare.address}",
            "later": "'2099-01-01 10:00'",
            "lately": str(today - datetime.timedelta(days=10)),
            "bought": str(today - datetime.timedelta(days=60)),
            "now": f"'{datetime.datetime.now():%Y-%m-%d %H:%M}'",
        }
        try:
            yield Walk(self, phone, names)
        finally:
            phone.unplug()


@contextmanager
def open_shop(folder: Path, personas: Sequence[str]) -> Iterator[Shop]:
    """A shop with its people enrolled, its engine running, and these phones in the drawer."""
    with _loop() as loop:
        ended = asyncio.Event()
        made: dict[str, Any] = {}
        ready = threading.Event()

        async def bench() -> None:
            async with SimulatedBench(list(personas), seed=4) as sim:
                server = AdbServer(home=folder / "adb")
                await server.start()
                try:
                    await server.ready()
                    made.update(phones=list(sim.phones), server=server)
                    ready.set()
                    await ended.wait()
                finally:
                    ready.set()
                    await server.close()

        standing = asyncio.run_coroutine_threadsafe(bench(), loop)
        try:
            ready.wait(60)
            if standing.done():
                standing.result()
            shop = Shop(folder, made["phones"], made["server"], loop)
            _enrol(shop)
            with _engine(shop):
                _hire(shop)
                shop.run(shop.server.connect(shop.spare.address))
                yield shop
        finally:
            loop.call_soon_threadsafe(ended.set)
            standing.result(60)


@contextmanager
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def _enrol(shop: Shop) -> None:
    (shop.folder / "checklists").mkdir()
    (shop.folder / "checklists" / "life.toml").write_text(CHECKLIST, encoding="utf-8")
    (shop.data / "checklists").mkdir(parents=True)
    (shop.data / "checklists" / "life.toml").write_text(CHECKLIST, encoding="utf-8")
    told = shop.assay("station", "enrol", "--id", "B-01", "--shop", "S-01", "--simulated")
    assert told.code == 0, told.err


def _hire(shop: Shop) -> None:
    for person, roles in PEOPLE.items():
        named = [word for role in roles for word in ("--role", role)]
        lead = () if person == "chen" else ("--lead", "chen")
        with pytest.MonkeyPatch.context() as patch:
            words = ("person", "add", person, "--name", person.title(), *named, *lead)
            code, _, err = run_assay(shop.data, patch, *words, pin=PIN, lead_pin=PIN)
        assert code == 0, err


@contextmanager
def _engine(shop: Shop) -> Iterator[None]:
    """`assay engine` in a process of its own."""
    named = {"ANDROID_ADB_SERVER_PORT": str(shop.server.address.port), "ASSAY_DATA": str(shop.data)}
    with (shop.folder / "engine.log").open("wb") as log:
        command = [sys.executable, "-m", "station.cli", "engine", "--linger", "0"]
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **named}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            until = time.monotonic() + 240
            while shop.assay("engine", "--status").code != 0:
                assert process.poll() is None, (shop.folder / "engine.log").read_text(encoding="utf-8")
                assert time.monotonic() < until
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(30)
