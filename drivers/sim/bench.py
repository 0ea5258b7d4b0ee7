"""A bench full of simulated phones: each one listens on a TCP port of this machine and is an Android phone to adb.

Stands on everything else in this folder. Only demonstrations and tests use it; what drives real phones reaches a
simulated one as it reaches any other, through an adb server (`adb connect 127.0.0.1:PORT`).
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from drivers.sim.adbd import Connection, Stream
from drivers.sim.adbkey import HostKey, parse_host_key
from drivers.sim.channel import Reply
from drivers.sim.clock import Clock, WallClock, Workload
from drivers.sim.commands import COMMANDS, IN_SERVER, cost_s
from drivers.sim.files import FILE_COMMANDS
from drivers.sim.persona import Authorisation, Persona, load_persona
from drivers.sim.sandbox import Sandbox, ShellKind, find_shell
from drivers.sim.shell import parse_request, serve_shell
from drivers.sim.state import PhoneState

__all__ = ["Opened", "SimulatedBench", "SimulatedPhone"]


@dataclass(frozen=True, slots=True)
class Opened:
    """One service that a host has opened, and when (monotonic seconds)."""

    service: str
    at_s: float


class SimulatedPhone:
    """One phone. `state` is its living state, `persona` what it is made of.

    Attributes:
        opens: every service that was opened, in order.
        commands: every command that its shell ran, in order, with its arguments.
        work_ms: a fixed time for every command, instead of the persona's own.
        latency_s: time that each OPEN takes before the phone says OKAY.
    """

    def __init__(self, state: PhoneState, sandbox: Sandbox, *, latency_s: float, trusted: Sequence[HostKey]) -> None:
        self.state, self.sandbox = state, sandbox
        self.latency_s = latency_s
        self.work_ms: float | None = None
        self.opens: list[Opened] = []
        self.commands: list[str] = []
        self.offered: list[HostKey] = []
        self._trusted = list(trusted)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._connections: set[Connection] = set()
        self._work = Workload()

    # -- for the bench ------------------------------------------------------------------------------------------------
    @property
    def persona(self) -> Persona:
        """What it is made of now."""
        return self.state.persona

    @property
    def address(self) -> str:
        """Where adb finds it; stays the same while it is unplugged."""
        return f"127.0.0.1:{self._port}"

    @property
    def serial(self) -> str:
        """Its own serial (not adb's, which is its address)."""
        return self.state.identity.serial

    @property
    def opens_count(self) -> int:
        """How many services were opened."""
        return len(self.opens)

    async def plug(self) -> None:
        """Plug it in: it listens (again), on the same port as before."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(
                lambda: Connection(self), "127.0.0.1", self._port, reuse_address=True
            )
            self._port = self._server.sockets[0].getsockname()[1]

    def unplug(self) -> None:
        """Pull the cable: connections break at once, nothing listens."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in list(self._connections):
            connection.abort()

    # -- adbd.Host ----------------------------------------------------------------------------------------------------
    @property
    def version(self) -> int:
        """The newest protocol version it speaks."""
        return self.persona.adb.version

    @property
    def max_payload(self) -> int:
        """The largest payload it takes."""
        return self.persona.adb.max_payload

    @property
    def banner(self) -> str:
        """What it says of itself in CNXN."""
        model, adb = self.persona.model, self.persona.adb
        props = {
            "ro.product.name": model.product,
            "ro.product.model": model.model,
            "ro.product.device": model.device,
        }
        if adb.features:
            props["features"] = ",".join(adb.features)
        return f"{adb.state}::" + ";".join(f"{name}={value}" for name, value in props.items())

    @property
    def demands_authorisation(self) -> bool:
        """Whether the host must prove a trusted key."""
        return self.persona.adb.authorisation is Authorisation.ASK or bool(self._trusted)

    def trusts(self, token: bytes, signature: bytes) -> bool:
        """Whether a trusted key has signed the token."""
        return any(key.signed(token, signature) for key in self._trusted)

    async def offered_key(self, key: HostKey) -> bool:
        """The dialog."""
        self.offered.append(key)
        return False

    def service(self, stream: Stream, name: str) -> Coroutine[Any, Any, None] | None:
        """Serve what a host opens."""
        self.opens.append(Opened(name, time.monotonic()))
        request = parse_request(name, always_terminal=self.persona.android.sdk < 24)
        if request is not None:
            return self._late(stream, serve_shell(stream, request, self.sandbox, self._run))
        return None

    def connected(self, connection: Connection) -> None:
        """A host has connected."""
        self._connections.add(connection)

    def disconnected(self, connection: Connection) -> None:
        """A connection has ended."""
        self._connections.discard(connection)

    async def _late(self, stream: Stream, serving: Coroutine[Any, Any, None]) -> None:
        if self.latency_s > 0:
            await asyncio.sleep(self.latency_s)
        stream.accept()
        await serving

    async def _run(self, argv: list[str], at_s: float) -> Reply:
        uid, name, *arguments = (self.sandbox.outward(word) for word in argv)
        words = [name, *arguments]
        self.commands.append(" ".join(words))
        cost = self.work_ms / 1000.0 if self.work_ms is not None else cost_s(words, self.persona.cost_ms)
        await self._work.spend(cost, since_s=at_s, in_server=name in IN_SERVER)
        if name in FILE_COMMANDS:
            return FILE_COMMANDS[name](self.state, self.sandbox, arguments, int(uid))
        return COMMANDS[name](self.state, arguments, int(uid))


class SimulatedBench:
    """Phones that are plugged in for the time of an `async with` block.

    Args:
        personas: names of the personas that come with the project, or personas.
        seed: gives every phone its serials, IMEIs and noise; the same seed gives the same phones.
        latency_s: time that each OPEN takes.
        clock: the phones' time; follows real time unless given (`SteppedClock` for readings that do not move).
        trusted_keys: contents of `adbkey.pub` files that the phones have allowed before. With none given, phones that
            trust the bench ask for no proof, as phones with `ro.adb.secure=0` do.
        shell: the shell's name, for tests of the fallback; else mksh where there is one.
    """

    def __init__(
        self,
        personas: Sequence[str] | Sequence[Persona],
        seed: int = 0,
        latency_s: float = 0.0,
        *,
        clock: Clock | None = None,
        trusted_keys: Sequence[str] = (),
        shell: str | None = None,
    ) -> None:
        self.phones: list[SimulatedPhone] = []
        self._personas = [load_persona(entry) if isinstance(entry, str) else entry for entry in personas]
        self._seed, self._latency_s = seed, latency_s
        self._clock = clock or WallClock()
        self._keys = [parse_host_key(text) for text in trusted_keys]
        self._shell = find_shell(shell)
        self._folder: Path | None = None

    async def __aenter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="sim-")).resolve()
        for index, persona in enumerate(self._personas):
            phone = self._make(index, persona, self._folder / str(index), self._shell)
            self.phones.append(phone)
            await phone.plug()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for phone in self.phones:
            phone.unplug()
        await asyncio.sleep(0)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self, index: int, persona: Persona, folder: Path, shell: ShellKind) -> SimulatedPhone:
        sandbox = Sandbox(folder, shell, commands=COMMANDS, toolbox=persona.adb.toolbox, rooted=persona.security.su)
        state = PhoneState(persona, seed=f"{self._seed}:{index}", clock=self._clock)
        return SimulatedPhone(state, sandbox, latency_s=self._latency_s, trusted=self._keys)
