"""Two engines of one shop on real sockets, and what can go wrong between them: a relay that cuts, slows and counts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reports.attest import generate_key
from station import messages as m
from station.lan_settings import LanSettings, load_lan, save_lan
from tests.station.shop_bench import Desk, desk, enrolled, joined
from tests.station.station_bench import PEOPLE, Phone, Station, send


@dataclass
class Relay:
    """A cable between a caller and a listening station.

    Attributes:
        cuts: after how many bytes towards the listener each next connection is cut; empty: none any more.
        back: the same for bytes towards the caller.
        connections: how many there were.
    """

    host: str
    port: int
    cuts: list[int] = field(default_factory=list)
    back: list[int] = field(default_factory=list)
    connections: int = 0
    carried: int = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        forth = self.cuts.pop(0) if self.cuts else None
        back = self.back.pop(0) if self.back else None
        try:
            there_reader, there_writer = await asyncio.open_connection(self.host, self.port)
        except OSError:
            writer.transport.abort()
            return
        ways = [
            asyncio.create_task(self._pour(reader, there_writer, forth)),
            asyncio.create_task(self._pour(there_reader, writer, back)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for end in (writer, there_writer):
            end.transport.abort()

    async def _pour(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None) -> None:
        poured = 0
        with contextlib.suppress(OSError):
            while data := await reader.read(16384):
                if most is not None and poured + len(data) >= most:
                    return
                poured += len(data)
                self.carried += len(data)
                writer.write(data)
                await writer.drain()


@contextlib.asynccontextmanager
async def relay(address: str) -> AsyncIterator[tuple[Relay, str]]:
    """A cable to `HOST:PORT`, and the address of its near end."""
    host, _, port = address.rpartition(":")
    cable = Relay(host, int(port))
    server = await asyncio.start_server(cable.carry, "127.0.0.1", 0)
    try:
        yield cable, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@dataclass
class Net:
    """The counter and the bench of one shop; both listen, and know each other's address."""

    counter: Desk
    bench: Desk

    async def sends(self, ticket: str, **more: Any) -> dict[str, Any]:
        return await send(self.counter.client, m.SendBundle(ticket=ticket, to="BENCH", **more))

    async def fetches(self, ticket: str, **more: Any) -> dict[str, Any]:
        return await send(self.bench.client, m.FetchBundle(ticket=ticket, sender="COUNTER", person="tech", **more))


def phone() -> Phone:
    return Phone(answers={"cat level": "80\n"})


def say(station: Station, **change: Any) -> None:
    """Change what a station knows of the network."""
    known = load_lan(station.settings.data)
    save_lan(station.settings.data, LanSettings.model_validate({**known.model_dump(), **change}))


async def heard(one: Desk) -> str:
    """Where the engine listens, as soon as it does."""
    lan = one.engine.lan
    async with asyncio.timeout(20):
        while not lan.listening:  # noqa: ASYNC110 - the engine tells nobody
            await asyncio.sleep(0.01)
    return lan.listening


@contextlib.asynccontextmanager
async def network(folder: Path, before: Callable[[Station, Station], None] = joined) -> AsyncIterator[Net]:
    """Args: before: what is done to the two stations before their engines start; as usual they join one shop."""
    keys = {person: generate_key() for person in PEOPLE}
    first = await enrolled(folder / "counter", "COUNTER", keys)
    second = await enrolled(folder / "bench", "BENCH", keys)
    before(first, second)
    for one in (first, second):
        say(one, listen="127.0.0.1:0")
    async with desk(first, phone()) as counter, desk(second, phone()) as bench:
        say(first, peers={"BENCH": await heard(bench)})
        say(second, peers={"COUNTER": await heard(counter)})
        yield Net(counter, bench)
