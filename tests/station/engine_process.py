"""An engine with two phones in memory as a process of its own, made to be killed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from probes.api import Measurement
from station.engine import Engine
from station.settings import load_settings
from tests.station.station_bench import LEVEL, Cabinet, Phone, declared, probes


async def stepwise(bench: Any) -> AsyncIterator[Any]:
    """Measures in many steps, so that there is always something to interrupt."""
    for n in range(12):
        await asyncio.sleep(0.002)
        yield Measurement("level", Decimal(60 + n))


def slow_probes() -> Any:
    """The probes of the bench and one that takes its time."""
    return probes(
        declared("test.stepwise", stepwise, needs=(), measures={"level": "%"}),
        declared("test.read", _read, reads=(LEVEL,), measures={"level": "%"}),
    )


async def _read(bench: Any) -> AsyncIterator[Any]:
    yield Measurement("level", Decimal(bench.answer("level").text))


async def main(data: Path) -> None:
    phones = [
        Phone(answers={"cat level": "80"}),
        Phone(serial="SER0002", imeis=(), port="usb:1-2", answers={"cat level": "70"}),
    ]
    engine = Engine(load_settings(data), [Cabinet(*phones)], loaded=slow_probes(), uploads=False, linger_s=None)
    await engine.start()
    await engine.serve()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
