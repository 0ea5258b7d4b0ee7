"""A station with a real ledger, a real head office on a loopback port, and faults that can be put between the two."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlite_utils import Database
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from checklists.verdict import Stage
from reports.attest import Ed25519PrivateKey, generate_key, public_raw
from reports.headoffice.app import create_app
from reports.headoffice.batch import Sent, write_line
from reports.headoffice.ingest import HeadOffice
from reports.headoffice.serve import serving
from reports.headoffice.store import HeadOfficeStore, create_head_office
from reports.ledger import LEDGER, append
from station.outbox import OUTBOX, Pace, Uploader, enqueue
from station.settings import Settings
from station.store import Store
from tests.reports.records_builder import Case, Shop

QUICK = Pace(shortest_s=0.001, longest_s=0.02)
HQ_KEY = generate_key()


@dataclass
class Bench:
    """One station: its shop of people, its store, its uploader."""

    data: Path
    shop: Shop
    store: Store
    settings: Settings
    sent: list[bytes] = field(default_factory=list)

    @classmethod
    async def open(cls, data: Path, url: str, shop: Shop | None = None, hq: Ed25519PrivateKey = HQ_KEY) -> Bench:
        shop = shop or Shop()
        settings = Settings(
            data=data,
            station=shop.station,
            name="Bench 1",
            shop=shop.shop,
            simulated=shop.simulated,
            head_office=url,
            head_office_key=public_raw(hq).hex(),
        )
        store = Store(settings.database)
        await store.migrate([LEDGER, OUTBOX])
        return cls(data, shop, store, settings)

    @property
    def enrolment(self) -> bytes:
        return self.shop.events[0]

    async def add(self, *envelopes: bytes) -> None:
        """Append records, each with its outbox row, in one commit."""

        def work(db: Database) -> None:
            for envelope in envelopes:
                link = append(db, envelope)
                enqueue(db, link.seq, link.digest)

        await self.store.write(work)
        self.sent += envelopes

    async def add_people(self) -> None:
        await self.add(*self.shop.events)

    async def add_intakes(self, count: int) -> None:
        records = []
        for number in range(count):
            self.shop.ticket = f"T-{number:04}"
            records.append(self.shop.intake())
        await self.add(*records)

    async def add_ticket(self) -> Case:
        """The people and a whole good ticket, intake to release."""
        await self.add_people()
        case = Case(self.shop)
        case.intake()
        case.add(self.shop.run(Stage.INTAKE, "wang"))
        case.cross_check(case.self_check())
        case.release()
        await self.add(*case.envelopes)
        return case

    def uploader(self, **changes: Any) -> Uploader:
        given = {
            "store": self.store,
            "settings": self.settings,
            "key": self.shop.keys[self.shop.station],
            "pace": QUICK,
            "chance": random.Random(7),
            **changes,
        }
        return Uploader(**given)

    async def states(self) -> dict[int, str]:
        return await self.store.read(lambda db: dict(db.execute("SELECT seq, state FROM outbox ORDER BY seq")))

    async def receipts(self) -> int:
        return await self.store.read(lambda db: db.table("receipt").count)

    def close(self) -> None:
        self.store.close()


class Faults:
    """Stands before the real application: the next requests meet these faults, in order, then all is well again."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.coming: list[str | Callable[[bytes], bytes]] = []
        self.requests = 0
        self.most_bytes = 0
        self.sizes: list[int] = []
        self.arrived = asyncio.Event()
        self.chance: Callable[[], str] = lambda: ""
        self.headers: list[tuple[bytes, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.requests += 1
        self.arrived.set()
        fault = self.coming.pop(0) if self.coming else self.chance()
        if self.most_bytes:  # a proxy with a limit of its own; `sizes` is how many records came at once
            body = await _read(receive)
            self.sizes.append(body.count(b"\n"))
            fault, receive = "413" if len(body) > self.most_bytes else fault, _again(body)
        await self._meet(fault, scope, receive, send)

    async def _meet(self, fault: str | Callable[[bytes], bytes], scope: Scope, receive: Receive, send: Send) -> None:
        match fault:
            case "":
                await self.app(scope, receive, send)
            case "500" | "503" | "504" | "429" | "408" | "413" | "302" | "401" | "404":
                await self._plain(int(fault), b"<html>no</html>", send)
            case "lost-ack":  # committed there, never heard of here: the web server makes a 500 of it
                await self.app(scope, receive, _nowhere)
                raise ConnectionResetError
            case "cut":  # the answer's first half
                body = await self._answer(scope, receive)
                await send(
                    {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}
                )
                await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
                raise ConnectionResetError
            case "slow":
                await asyncio.sleep(0.3)
                await self.app(scope, receive, send)
            case "double":  # a proxy that repeats a request
                body = await _read(receive)
                await self.app(scope, _again(body), _nowhere)
                await self.app(scope, _again(body), send)
            case "garbage":
                await self._plain(200, bytes(range(256)), send)
            case "flood":
                await send({"type": "http.response.start", "status": 200, "headers": []})
                for _ in range(300):
                    await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
            case change if callable(change):
                await self._plain(200, change(await self._answer(scope, receive)), send)
            case other:
                raise ValueError(other)

    async def _plain(self, status: int, body: bytes, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": self.headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> bytes:
        parts: list[bytes] = []

        async def keep(message: Message) -> None:
            parts.append(message.get("body", b""))

        await self.app(scope, receive, keep)
        return b"".join(parts)


def batch_of(records: Iterable[Sent]) -> bytes:
    """The body of a batch."""
    return b"".join(write_line(record) for record in records)


async def _nowhere(message: Message) -> None:
    """An answer that nobody hears."""


async def _read(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    return receive


@dataclass
class Office:
    """A running head office with faults in front of it."""

    url: str
    database: Path
    faults: Faults

    @property
    def db(self) -> Database:
        return Database(self.database)

    def rows(self) -> list[tuple[int, str]]:
        db = self.db
        try:
            return list(db.execute("SELECT seq, digest FROM record ORDER BY station, seq"))
        finally:
            db.close()

    def one(self, sql: str) -> Any:
        db = self.db
        try:
            return db.execute(sql).fetchone()[0]
        finally:
            db.close()


@asynccontextmanager
async def office(folder: Path, *, simulated: bool = True, key: Ed25519PrivateKey = HQ_KEY) -> AsyncIterator[Office]:
    """A head office over a file in `folder`, made when it is not there yet."""
    database = folder / "hq.db"
    if not database.exists():
        create_head_office(database, "hq", simulated=simulated)
    faults = Faults(create_app(database, key, read_token="a-token"))
    async with serving(faults) as url:
        yield Office(url, database, faults)


def approve(database: Path, enrolment: bytes) -> None:
    """Enrol and approve a station, as a person at head office does."""
    store = HeadOfficeStore(database)
    try:
        station = HeadOffice(store, HQ_KEY).enrol(enrolment)
        with store.transaction():
            store.decide(station.station, "approved", "test", 1)
    finally:
        store.close()


@asynccontextmanager
async def bench_and_office(folder: Path, shop: Shop | None = None) -> AsyncIterator[tuple[Bench, Office]]:
    """An approved station and its head office."""
    async with office(folder) as hq:
        bench = await Bench.open(folder / "station", hq.url, shop)
        approve(hq.database, bench.enrolment)
        try:
            yield bench, hq
        finally:
            bench.close()


def envelopes_at(hq: Office) -> list[bytes]:
    db = hq.db
    try:
        return [bytes(envelope) for (envelope,) in db.execute("SELECT envelope FROM record ORDER BY seq")]
    finally:
        db.close()


def acknowledged(states: dict[int, str]) -> bool:
    return bool(states) and set(states.values()) == {"acknowledged"}


def seqs(states: dict[int, str], state: str) -> list[int]:
    return [seq for seq, is_ in states.items() if is_ == state]
