"""How far any deadline is overrun: every fault that a simulated phone can have, and the adb server's own, one by one.

    python benchmarks/overrun.py [--rounds 1]

Each operation of the driver is given a second and made to fail; what is printed is how much later than its deadline it
came back (it may come back sooner), and what it said. The phones have their own shell (mksh where there is one) and are
reached through the real adb server; the last rows are checks in the real engine, whose deadline includes the stop of
their commands and the end in the journal.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sim_process import Phones, simulated
from benchmarks.sixty import HEAD, Took, station
from benchmarks.table import row
from drivers.adb import AdbServer, AdbTransport
from drivers.adb_server import port_owner
from drivers.api import Command, Device, DriverError, Files, InputEvents, Reverse, Shell
from drivers.sim.faults import FaultKind
from station.events import AttemptEnded, AttemptStarted

WIDTHS = (46, 22, 26, 30, 14)
GRANTED_S, BOUND_S = 1.0, 0.5
BIG = "/data/local/tmp/overrun"

Operation = Callable[[Device], Awaitable[str]]


async def run(device: Device) -> str:
    """One command."""
    result = await device.capability(Shell).run("dumpsys battery", deadline_s=GRANTED_S)
    return result.failure.code if result.failure else f"exit code {result.exit_code}"


async def batch(device: Device) -> str:
    """Three commands in one script."""
    commands = [Command(f"c{n}", "dumpsys battery", timeout_s=60.0) for n in range(3)]
    results = await device.capability(Shell).batch(commands, deadline_s=GRANTED_S)
    return results[-1].failure.code if results[-1].failure else f"exit code {results[-1].exit_code}"


async def watchdog(device: Device) -> str:
    """One command with a watchdog of its own in a script that has time."""
    commands = [Command("c", "dumpsys battery", timeout_s=GRANTED_S)]
    result = (await device.capability(Shell).batch(commands, deadline_s=10.0))[0]
    return result.failure.code if result.failure else f"exit code {result.exit_code}"


async def pull(device: Device) -> str:
    """A file."""
    data = await device.capability(Files).pull(BIG, deadline_s=GRANTED_S, limit=1 << 20)
    return f"{len(data)} bytes"


async def push(device: Device) -> str:
    """A file the other way."""
    await device.capability(Files).push(BIG, b"x" * 200_000, deadline_s=GRANTED_S)
    return "written"


async def identify(device: Device) -> str:
    """Who it is."""
    return (await device.identify(deadline_s=GRANTED_S)).model


async def events(device: Device) -> str:
    """Its keys."""
    async with device.capability(InputEvents).events(deadline_s=GRANTED_S) as stream:
        async for _event in stream:
            pass
    return "ended"


async def reverse(device: Device) -> str:
    """A port."""
    async with device.capability(Reverse).reverse(8123, 8123, deadline_s=GRANTED_S):
        return "open"


OPERATIONS: dict[str, tuple[Operation, str]] = {
    "run": (run, "^shell"),
    "batch": (batch, "^shell"),
    "command's own time in a batch": (watchdog, ""),
    "pull": (pull, "^sync"),
    "push": (push, "^sync"),
    "identify": (identify, "^shell"),
    "input events": (events, "^shell"),
    "reverse": (reverse, "^reverse"),
}
#: Each kind of fault, from the start of a stream and in the middle of it.
FAULTS: dict[str, dict[str, Any]] = {
    "delay": {"seconds": 30.0},
    "hang": {},
    "hang in the middle": {"after_bytes": 100},
    "dribble": {"seconds": 0.2},
    "cut": {},
    "cut in the middle": {"after_bytes": 60},
    "garbage": {},
    "garbage in the middle": {"after_bytes": 60},
    "flood": {"size": 2_000_000_000},
    "flap": {"seconds": 1.0, "times": 1},
    "flap in the middle": {"after_bytes": 60, "seconds": 1.0, "times": 1},
    "exit-code": {"exit_code": 7},
    "no-exit": {},
}


@dataclass
class Bench:
    """A phone behind a private adb server, opened again for each try."""

    phones: Phones
    server: AdbServer
    transport: AdbTransport

    async def device(self) -> Device:
        """The phone, once it can be used."""
        async with asyncio.timeout(30):
            while True:
                async for links in self.transport.watch():
                    for link in links:
                        if link.state.usable:
                            try:
                                return await self.transport.open(link)
                            except DriverError:
                                break
                await asyncio.sleep(0.1)

    async def overrun(self, operation: Operation, harm: Callable[[], None]) -> tuple[float, str]:
        """Seconds over the deadline (negative: sooner), and what was said."""
        device = await self.device()
        harm()
        began = time.monotonic()
        try:
            said = await asyncio.wait_for(operation(device), 20.0)
        except DriverError as error:
            said = error.code
        except TimeoutError:
            said = "NEVER CAME BACK"
        over = time.monotonic() - began - GRANTED_S
        await device.close()
        return over, said


def told(kind: str) -> str:
    """The kind of a fault by its name in the table."""
    return kind.removesuffix(" in the middle")


async def phone_faults(bench: Bench, rounds: int) -> list[tuple[str, str, float, str]]:
    """Every fault in every operation that it can hit."""
    rows = []
    for name, about in FAULTS.items():
        for what, (operation, service) in OPERATIONS.items():
            hit = {"service": service} if service else {"command": "dumpsys battery"}
            worst, last = -GRANTED_S, ""
            for _ in range(rounds):
                fault = {"kind": told(name), **about, **hit}
                over, said = await bench.overrun(operation, lambda fault=fault: bench.phones.tell(phone=0, fault=fault))  # type: ignore[misc]
                bench.phones.tell(phone=0, fault={})
                if over >= worst:
                    worst, last = over, said
            rows.append((name, what, worst, last))
            print_row(*rows[-1])
    return rows


async def check_faults(rounds: int) -> list[tuple[str, str, float, str]]:
    """Every fault under a check of the real engine: from its start to its end in the journal."""
    rows = []
    with simulated(1, quick=False) as phones, tempfile.TemporaryDirectory() as folder:
        async with station(Path(folder), phones.addresses) as at:
            checklist = Path(folder) / "deadline.toml"
            checklist.write_text(f'{HEAD}[[check]]\nid = "sixty-0"\ndeadline_s = {GRANTED_S:g}\n', "utf-8")
            for name, about in FAULTS.items():
                for what, hit in (("check", {"command": "dumpsys"}), ("check, its stream", {"service": "^shell"})):
                    worst, last = -GRANTED_S, ""
                    for _ in range(rounds):
                        async with asyncio.timeout(30):
                            while not at.slots:  # noqa: ASYNC110 - nothing tells of it
                                await asyncio.sleep(0.05)
                        phones.tell(phone=0, fault={"kind": told(name), **about, **hit})
                        took = await at.run(at.slots, str(checklist), whole=False)
                        phones.tell(phone=0, fault={})
                        over, said = _took(took)
                        await asyncio.sleep(
                            1.5 * about.get("seconds", 0.0) if told(name) == "flap" else 0.0
                        )  # it is away
                        if over >= worst:
                            worst, last = over, said
                    rows.append((name, what, worst, last))
                    print_row(*rows[-1])
    return rows


def _took(took: Took) -> tuple[float, str]:
    """Seconds over the deadline of the check in these events, and how it ended."""
    began = next(each.mono_ns for each in took.events if isinstance(each.body, AttemptStarted))
    end = next(each for each in took.events if isinstance(each.body, AttemptEnded))
    said = f"{end.body.ending.value}, {end.body.verdict.value}" if isinstance(end.body, AttemptEnded) else ""
    return (end.mono_ns - began) / 1e9 - GRANTED_S, said


async def server_faults(bench: Bench, rounds: int) -> list[tuple[str, str, float, str]]:
    """The adb server itself: stopped (it takes connections and says nothing), and killed."""
    rows = []
    for name, number in (("adb server stopped", signal.SIGSTOP), ("adb server killed", signal.SIGKILL)):
        for what, (operation, _) in OPERATIONS.items():
            if operation is watchdog:
                continue  # it is the phone that stops a command: behind a dead server the batch's own deadline counts
            worst, last = -GRANTED_S, ""
            for _ in range(rounds):
                await bench.device()  # it is up
                owner = port_owner(bench.server.address.port)
                assert owner is not None
                over, said = await bench.overrun(operation, lambda: os.kill(owner.pid, number))  # noqa: B023
                if number == signal.SIGSTOP:
                    os.kill(owner.pid, signal.SIGCONT)
                if over >= worst:
                    worst, last = over, said
            rows.append((name, what, worst, last))
            print_row(*rows[-1])
    return rows


def print_row(fault: str, what: str, over: float, said: str) -> None:
    """One line: how far over, and whether that is within the bar."""
    text = f"{over * 1000:+8.0f} ms" if over > 0 else f"{over * 1000:+8.0f} ms (sooner)"
    row(f"{what}", fault, text, said, "met" if over <= BOUND_S else "NOT MET", widths=WIDTHS)


async def measure(rounds: int) -> bool:
    """Print the table; whether every deadline was kept."""
    assert {told(name) for name in FAULTS} == {kind.value for kind in FaultKind}
    row("operation, 1 s granted", "fault", "came back, to its deadline", "and said", "<= 500 ms", widths=WIDTHS)
    row(*["---"] * 5, widths=WIDTHS)
    with simulated(1, quick=False) as phones, tempfile.TemporaryDirectory() as folder:
        server = AdbServer(home=Path(folder) / "adb", environ={})
        await server.start()
        transport = AdbTransport(server, simulated=True)
        try:
            await server.connect(phones.addresses[0])
            bench = Bench(phones, server, transport)
            await (await bench.device()).capability(Files).push(BIG, b"x" * 200_000, deadline_s=20)
            rows = [*await phone_faults(bench, rounds), *await server_faults(bench, rounds)]
        finally:
            await transport.close()
    rows += await check_faults(rounds)
    late = [one for one in rows if one[2] > BOUND_S]
    worst = max(rows, key=lambda one: one[2])
    print(f"\n{len(rows)} rows, worst {worst[2] * 1000:+.0f} ms ({worst[1]}, {worst[0]}); over the bar: {len(late)}")
    return not late


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=1)
    asyncio.run(measure(arguments.parse_args().rounds))


if __name__ == "__main__":
    main()
