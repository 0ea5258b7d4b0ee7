"""Probes for the processes that look at answers: they are loaded there by name (`loaded`)."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from drivers.api import Command, DeviceGone, Shell, Side
from drivers.text import Words
from probes.api import Evidence, Loaded, Measurement, NotApplicable, Origin, Probe, Skipped, Unread

READ = Command("level", "cat level", timeout_s=5.0)
WHY = Words("not said", "未提供")


def _there(path: str) -> bool:
    return Path(path).exists()


async def level(bench: Any) -> AsyncIterator[Any]:
    """Says what was answered, where it was, and what it knows of the ticket."""
    yield Measurement("level", Decimal(bench.answer("level").text), str(os.getpid()))
    yield Unread("more", WHY)
    yield Evidence("raw", bench.answer("level").stdout + bench.ticket.get("model", "").encode())


async def spins(bench: Any) -> AsyncIterator[Any]:
    """Never comes through."""
    yield Measurement("level", Decimal(1))
    while True:
        pass


async def until_told(bench: Any) -> AsyncIterator[Any]:
    """Is busy until somebody outside says that it is enough."""
    while not _there(bench.ticket["enough"]):
        pass
    yield Measurement("level", Decimal(bench.answer("level").text))


async def dies(bench: Any) -> AsyncIterator[Any]:
    """Takes its process along."""
    yield Measurement("level", Decimal(1))
    os.kill(os.getpid(), signal.SIGKILL)


async def grows(bench: Any) -> AsyncIterator[Any]:
    """Takes more memory than anything needs."""
    yield Measurement("level", Decimal(len(bytearray(64 * 1024**3))))


async def prints(bench: Any) -> AsyncIterator[Any]:
    """Writes where the frames go."""
    print("x" * 100_000)
    os.write(1, b"\0" * 100)
    sys.stdout.flush()
    yield Measurement("level", Decimal(bench.answer("level").text))


async def refuses(bench: Any) -> AsyncIterator[Any]:
    """Says that the phone has no such part."""
    yield Unread("level", WHY)
    raise NotApplicable(WHY)


async def lost(bench: Any) -> AsyncIterator[Any]:
    """Passes on what the driver said."""
    yield Unread("level", WHY)
    raise DeviceGone("test.gone", WHY, Side.CABLE, WHY)


async def breaks(bench: Any) -> AsyncIterator[Any]:
    """Has a fault."""
    yield Unread("level", WHY)
    raise KeyError("voltage")


async def wants_more(bench: Any) -> AsyncIterator[Any]:
    """Wants the phone after all."""
    yield Unread("level", WHY)
    bench.capability(Shell)


async def odd(bench: Any) -> AsyncIterator[Any]:
    """Says what nobody can send."""
    yield lambda: None


async def bare(bench: Any) -> AsyncIterator[Any]:
    """Says what only looks like a measurement."""
    yield "level", "80", "cat level"
    yield Measurement("level", Decimal("NaN"))
    yield Measurement("level", Decimal("-0.50"), "cat level")


class OwnReason(Skipped):
    """A refusal that a plug-in made."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(Words(first, second))


async def own_words(bench: Any) -> AsyncIterator[Any]:
    """Refuses in a class of its own."""
    yield Unread("level", WHY)
    raise OwnReason("no", "否")


class Speechless(Exception):
    """An error that can't even be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


async def speechless(bench: Any) -> AsyncIterator[Any]:
    """Has a fault that has no words."""
    yield Unread("level", WHY)
    raise Speechless


async def cancels(bench: Any) -> AsyncIterator[Any]:
    """Takes itself for a task."""
    yield Unread("level", WHY)
    raise asyncio.CancelledError


async def takes_its_time(bench: Any) -> AsyncIterator[Any]:
    """A tenth of a second of work, once; says in a file that it was asked."""
    with open(bench.ticket["asked"], "a") as asked:  # noqa: ASYNC230
        asked.write("x")
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    yield Measurement("level", Decimal(1))


async def listens(bench: Any) -> AsyncIterator[Any]:
    """Reads what is not meant for it, and leaves somebody behind who has its pipes."""
    yield Evidence("heard", sys.stdin.buffer.read() if not sys.stdin.closed else b"")
    if not os.fork():
        time.sleep(20)  # noqa: ASYNC251
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


async def ends_its_group(bench: Any) -> AsyncIterator[Any]:
    """Is there when a service manager tells everybody to end."""
    for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        os.kill(os.getpid(), each)
    yield Measurement("level", Decimal(1))


async def too_much(bench: Any) -> AsyncIterator[Any]:
    """Gives more evidence than anybody can keep."""
    yield Evidence("raw", bytes(80 * 1024 * 1024))


async def on_and_on(bench: Any) -> AsyncIterator[Any]:
    """Has no end, though it says something all the time."""
    while True:
        yield Unread("level", WHY)


async def leaves(bench: Any) -> AsyncIterator[Any]:
    """Ends the program."""
    yield Unread("level", WHY)
    sys.exit(3)


def loaded() -> Loaded:
    """They and nothing else."""
    functions = [
        *(bare, own_words, speechless, cancels, takes_its_time, listens, ends_its_group, too_much, level, spins),
        *(until_told, dies, grows, prints, refuses, lost, breaks, wants_more, odd, on_and_on, leaves),
    ]
    measures = {"level": "%", "more": "%"}
    found = {
        f"test.{run.__name__}": Probe(
            f"test.{run.__name__}", run, (Shell,), (READ,), measures, {}, False, True, None, False
        )
        for run in functions
    }
    return Loaded(found, {}, {__name__: Origin(__name__, "tests", "0", "0" * 64)}, {})


def other() -> Loaded:
    """The same from another version of the code."""
    return Loaded(loaded().probes, {}, {__name__: Origin(__name__, "tests", "1", "1" * 64)}, {})
