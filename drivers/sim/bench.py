"""A bench full of simulated phones: each one listens on a TCP port of this machine and is an Android phone to adb.

Stands on everything else in this folder. Only demonstrations and tests use it; what drives real phones reaches a
simulated one as it reaches any other, through an adb server (`adb connect 127.0.0.1:PORT`).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from drivers.sim.adbkey import parse_host_key
from drivers.sim.clock import Clock, SteppedClock, WallClock
from drivers.sim.faults import Fault, FaultKind
from drivers.sim.persona import Persona, load_persona
from drivers.sim.phone import Opened, SimulatedPhone, programs
from drivers.sim.sandbox import Sandbox, ShellKind, find_shell
from drivers.sim.state import PhoneState

__all__ = ["Fault", "FaultKind", "Opened", "SimulatedBench", "SimulatedPhone", "SteppedClock", "WallClock"]

_SETTLE_S = 0.02
"""Lets broken connections run their clean-up before the folders go."""


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
        ports: where the phones would listen, in their order, as far as nobody else does.
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
        ports: Sequence[int] = (),
    ) -> None:
        self.phones: list[SimulatedPhone] = []
        self._personas = [load_persona(entry) if isinstance(entry, str) else entry for entry in personas]
        self._seed, self._latency_s = seed, latency_s
        self._clock = clock or WallClock()
        self._keys = [parse_host_key(text) for text in trusted_keys]
        self._shell = find_shell(shell)
        self._ports = [*ports, *[0] * (len(self._personas) - len(ports))]
        self._folder: Path | None = None

    async def __aenter__(self) -> Self:
        self._folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="sim-")))  # noqa: ASYNC240 - at the start
        for index, persona in enumerate(self._personas):
            phone = self._make(index, persona, self._folder / str(index), self._shell)
            self.phones.append(phone)
            await phone.plug(self._ports[index])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(phone.end() for phone in self.phones))
        await asyncio.sleep(_SETTLE_S)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self, index: int, persona: Persona, folder: Path, shell: ShellKind) -> SimulatedPhone:
        sandbox = Sandbox(
            folder, shell, commands=programs(persona), toolbox=persona.adb.toolbox, rooted=persona.security.su
        )
        state = PhoneState(persona, seed=f"{self._seed}:{index}:{persona.name}", clock=self._clock)
        return SimulatedPhone(state, sandbox, latency_s=self._latency_s, trusted=self._keys)
