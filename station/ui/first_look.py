"""The engine's first snapshot, read with the standard library alone, so that it is on the screen while pydantic loads.

Loading the real client and its models takes as long as half of the first paint; this reads the same lines of the same
socket, once, and gives something with the same names. It decides nothing and sends nothing; everything after the first
snapshot comes from `station.client`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from drivers.text import Words

if TYPE_CHECKING:
    from station.messages import BenchSnapshot

__all__ = ["first_look", "read_bench"]

#: Seconds after which the real client is tried without a first look.
PATIENCE_S = 1.0


async def first_look(data: Path) -> BenchSnapshot | None:
    """The bench as a running engine says it right now, or None where there is none or its lines are unknown."""
    from station.local_socket import dial

    with contextlib.suppress(OSError, ValueError, TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await dial(data)
            try:
                while line := await reader.readline():
                    if (bench := read_bench(line)) is not None:
                        return bench
            finally:
                writer.close()
    return None


def read_bench(line: bytes) -> BenchSnapshot | None:
    """The snapshot of a line, or None where the line is another message or not what is known."""
    try:
        told = json.loads(line)
        if told["type"] != "bench":
            return None
        told["cards"] = tuple(_with_words(card, "headline", "next_step") for card in told["cards"])
        told["todo"] = tuple(_with_words(row, "what") for row in told["todo"])
        told["links"] = {str(name): Words(*state) for name, state in told["links"].items()}
        told["troubles"] = tuple(Words(*trouble) for trouble in told["troubles"])
        return cast("BenchSnapshot", SimpleNamespace(**told))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _with_words(told: dict[str, Any], *names: str) -> SimpleNamespace:
    for name in names:
        if told[name] is not None:
            told[name] = Words(*told[name])
    return SimpleNamespace(**told)
