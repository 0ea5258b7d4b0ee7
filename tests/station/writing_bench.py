"""Phones in memory that can be changed, and probes that change them: what the tests of writes share.

The switches of a phone lie in a file when it has one, so that they outlive the process that pulled them.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from drivers.api import CommandResult, Shell
from drivers.text import Words
from probes.api import Loaded, Measurement, Probe, Write
from station.engine import Engine
from station.settings import load_settings
from tests.station.station_bench import GONE, Cabinet, Phone, check, declared, probes

RADIO = Write("radio", Words("the radio is switched off", "关闭无线"), "radio off", "radio on")
LIGHT = Write("light", Words("the light is switched off", "关闭照明"), "light off", "light on")


@dataclass
class Switches(Phone):
    """A phone with a radio and a light; `ran` is what its shell was told, in order.

    `before` is called with each line before it is done, `slow_s` is how long a line takes, and `refuses` are lines that
    the phone does not do, with what it says instead and its exit code.
    """

    on: dict[str, bool] = field(default_factory=lambda: {"radio": True, "light": True})
    ran: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda line: None
    slow_s: dict[str, float] = field(default_factory=dict)
    refuses: dict[str, tuple[str, int]] = field(default_factory=dict)
    file: Path | None = None

    async def run(self, script: str, *, deadline_s: float, limit: int = 0) -> CommandResult:
        words = script.split()
        if len(words) != 2 or words[0] not in self.on or script in self.faults:
            return await super().run(script, deadline_s=deadline_s, limit=limit)
        self.before(script)
        if not self.present:
            return CommandResult(script, script, b"", b"", None, 0.0, 0.0, GONE)
        await asyncio.sleep(self.slow_s.get(script, 0.0))
        self.ran.append(script)
        said, code = self.refuses.get(script, ("", 0))
        if not said and not code:
            self.on[words[0]] = words[1] == "on"
            if self.file is not None:
                self.file.write_text(" ".join(name for name, on in self.on.items() if not on), encoding="utf-8")
        return CommandResult(script, script, said.encode(), b"", code, 0.0, 0.001)

    @property
    def off(self) -> list[str]:
        return [name for name, on in self.on.items() if not on]


def writing(
    id_: str, *writes: Write, then: Callable[[Any], Any] | None = None, says: Words | str = "", **more: Any
) -> Probe:
    """A probe that makes these changes, does `then`, and measures 80."""

    async def change(bench: Any) -> AsyncIterator[Any]:
        for write in writes:
            await bench.write(write)
        if then is not None:
            await then(bench)
        yield Measurement("level", Decimal(80))

    about: dict[str, Any] = {"needs": (Shell,), "measures": {"level": "%"}, "writes": says or writes[0].what}
    return declared(id_, change, **(about | more))


def writing_check(id_: str, probe: str, more: str = "") -> str:
    return check(id_, probe, "writes = true\n" + more)


async def _for_ever(bench: Any) -> None:
    """Says that it is there by a file, for whoever wants to kill it then."""
    Path(sys.argv[1], "changed").touch()  # noqa: ASYNC240 - a test's own process
    await asyncio.sleep(3600)


def hanging_probes() -> Loaded:
    return probes(writing("test.hangs", RADIO, LIGHT, then=_for_ever))


async def main(data: Path) -> None:
    """An engine with one such phone, as a process that is made to be killed."""
    phone = Switches(file=data / "switches-off")
    engine = Engine(load_settings(data), [Cabinet(phone)], loaded=hanging_probes(), uploads=False, linger_s=None)
    await engine.start()
    await engine.serve()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
