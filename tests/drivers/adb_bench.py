"""A small real bench for tests: simulated phones behind a private adb server, and the driver that we test on top."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from drivers.adb import AdbDevice, AdbServer, AdbTransport
from drivers.api import Link, LinkState
from drivers.sim.bench import SimulatedBench, SimulatedPhone
from drivers.sim.persona import Persona


class AdbBench:
    """The server, the transport and the phones."""

    def __init__(self, sim: SimulatedBench, server: AdbServer, transport: AdbTransport) -> None:
        self.sim, self.server, self.transport = sim, server, transport

    @property
    def phone(self) -> SimulatedPhone:
        return self.sim.phones[0]

    async def link(self, number: int = 0, state: LinkState = LinkState.DEVICE, *, seconds: float = 10.0) -> Link:
        """The link of a phone once it is in `state`."""
        address = self.sim.phones[number].address
        async with asyncio.timeout(seconds), contextlib.aclosing(self.transport.watch()) as lists:  # type: ignore[type-var]
            async for links in lists:
                for link in links:
                    if link.serial == address and link.state is state:
                        return link
        raise AssertionError("unreachable")

    async def open(self, number: int = 0) -> AdbDevice:
        device = await self.transport.open(await self.link(number))
        assert isinstance(device, AdbDevice)
        return device


@contextlib.asynccontextmanager
async def adb_bench(
    home: Path, personas: Sequence[str] | Sequence[Persona] = ("healthy",), *, connect: bool = True
) -> AsyncIterator[AdbBench]:
    """Simulated phones of these personas, plugged in and known to a private adb server."""
    async with SimulatedBench(personas) as sim:
        server = AdbServer(home=home / "adb")
        transport = AdbTransport(server, simulated=True)
        try:
            await server.start()
            for phone in sim.phones if connect else ():
                await server.connect(phone.address)
            yield AdbBench(sim, server, transport)
        finally:
            await transport.close()
