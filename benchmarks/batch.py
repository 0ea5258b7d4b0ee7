"""Sixty commands on one phone and on many, by the whole station and by others, side by side in one run.

    python benchmarks/batch.py [--phones 1 8 32] [--free 1 8 64] [--rounds 5] [--shell]

Assay here is the real engine with a screen attached: twelve checks with sixty reads in one script, every answer parsed
and kept as evidence, 120 readings, 206 events in the journal, snapshots for the screen. It is set against the limit
(one open by a bare socket, the phone's own work, the bytes), adbutils one by one, and `adb shell` one by one, and
against what this machine can do at all: the same scripts sent by bare sockets whose answers nobody looks at, and the
steps of those runs alone, without phones and without an engine (`benchmarks/floor.py`). The phones are simulated behind
the real adb server, in a process of their own: 2 ms for each open, and 5 ms (or nothing) for each command, one at a
time as on a phone. They play scripts without a shell, since a phone brings its own processor; `--shell` gives them a
real shell, as the tests have it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.floor import Floor, floor
from benchmarks.sim_process import LINES, Phones, simulated
from benchmarks.sixty import Station, station
from benchmarks.table import bar, cpu_s, ratio, row, spread
from drivers.adb_script import compose
from drivers.adb_server import bundled_adb, port_owner
from drivers.adb_wire import request
from drivers.api import Command

OPEN_MS, WORK_MS = 2.0, 5.0
WIDTHS = (44, 34, 24, 18)
#: Least share of the limit by number of phones, with work; least times as fast as adbutils, with free commands.
EFFICIENCY = {1: 0.80, 8: 0.75, 32: 0.5}
TIMES = {1: 40.0, 8: 12.0, 64: 6.0}
#: `adb shell` starts a process for each command: with more phones it is minutes.
MOST_PROGRAMS = 8


def bare_open(port: int, serial: str, script: str = "getprop") -> float:
    """Seconds of one open by a bare blocking socket; the script does next to nothing if none is given."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for service in (f"host:transport:{serial}", f"shell,v2,raw:{script}"):
            wire.sendall(request(service))
            if wire.recv(4) != b"OKAY":
                raise RuntimeError("the adb server refused")
        while wire.recv(65536):
            pass
    return time.perf_counter() - began


def by_bare_sockets(port: int, serials: list[str]) -> float:
    """The station's own script on every phone at once, a thread a phone; what comes is thrown away."""
    script = compose([Command(f"c{at}", line) for at, line in enumerate(LINES)], stderr=True).text
    began = time.perf_counter()
    with ThreadPoolExecutor(len(serials)) as pool:
        list(pool.map(lambda serial: bare_open(port, serial, script), serials))
    return time.perf_counter() - began


def limit(port: int, serial: str, work_ms: float) -> float:
    """Seconds that sixty commands take at the very least: one open (with an answer's bytes) and the phone's work."""
    opens = [bare_open(port, serial) for _ in range(20)]
    return statistics.median(opens) + (len(LINES) - 1) * work_ms / 1000


def by_adbutils(port: int, serials: list[str]) -> float:
    """adbutils, one command after the other, a thread a phone."""
    import adbutils

    client = adbutils.AdbClient("127.0.0.1", port)

    def one(serial: str) -> None:
        device = client.device(serial)
        for line in LINES:
            device.shell(line)

    began = time.perf_counter()
    with ThreadPoolExecutor(len(serials)) as pool:
        list(pool.map(one, serials))
    return time.perf_counter() - began


def by_program(port: int, serials: list[str]) -> float:
    """`adb shell`, one after the other, a thread a phone."""
    adb = str(bundled_adb())

    def one(serial: str) -> None:
        for line in LINES:
            subprocess.run([adb, "-P", str(port), "-s", serial, "shell", line], stdout=subprocess.DEVNULL, check=True)

    began = time.perf_counter()
    with ThreadPoolExecutor(len(serials)) as pool:
        list(pool.map(one, serials))
    return time.perf_counter() - began


class Measured:
    """What one number of phones was measured by, round by round."""

    def __init__(self, at: Station, phones: Phones, work_ms: float, steps: Floor) -> None:
        self.at, self.phones, self.work_ms, self._steps = at, phones, work_ms, steps
        self.port = at.server.address.port
        owner = port_owner(self.port)
        self.server_pid = owner.pid if owner else os.getpid()
        self.limits: list[float] = []
        self.bare: list[float] = []
        self.steps: list[float] = []
        self.ours: list[float] = []
        self.shown: list[float] = []
        self.adbutils: list[float] = []
        self.programs: list[float] = []
        self.cpu: dict[str, list[float]] = {"station": [], "adb server": [], "phones": []}

    async def round(self, *, others: bool) -> None:
        """One round of every way, `others` too if that is asked."""
        serials = self.at.serials
        self.limits.append(await asyncio.to_thread(limit, self.port, serials[0], self.work_ms))
        self.bare.append(await asyncio.to_thread(by_bare_sockets, self.port, serials))
        self.steps.append(await asyncio.to_thread(self._steps.seconds, len(serials)))
        pids = {"adb server": self.server_pid, "phones": self.phones.pid}
        before = {name: cpu_s(pid) for name, pid in pids.items()}
        took = await self.at.run(self.at.slots)
        self.shown.append(await self.at.shown(took))
        self.ours.append(took.seconds)
        self.cpu["station"].append(took.cpu_s)
        for name, pid in pids.items():
            self.cpu[name].append(cpu_s(pid) - before[name])
        if others:
            self.adbutils.append(await asyncio.to_thread(by_adbutils, self.port, serials))
        if others and len(serials) <= MOST_PROGRAMS:
            self.programs.append(await asyncio.to_thread(by_program, self.port, serials))

    def print(self) -> None:
        """The table."""
        count = len(self.at.slots)
        row(
            f"{count} phone(s), {self.work_ms:g} ms a command", "min / median / max", "limit/ours", "bar", widths=WIDTHS
        )
        row(*["---"] * 4, widths=WIDTHS)
        bound = EFFICIENCY.get(count) if self.work_ms else None
        share = [a / b for a, b in zip(self.limits, self.ours, strict=True)]
        row("limit: open + work + bytes", spread(self.limits), "1", "", widths=WIDTHS)
        row(
            "this machine: bare sockets, same scripts",
            spread(self.bare),
            ratio(self.limits, self.bare),
            "",
            widths=WIDTHS,
        )
        row("this machine: the steps alone", spread(self.steps), ratio(self.limits, self.steps), "", widths=WIDTHS)
        named = "Assay: parsed, judged, journalled"
        met = bar(share, bound, least=True) if bound else ""
        row(named, spread(self.ours), ratio(self.limits, self.ours), met, widths=WIDTHS)
        row(
            "Assay: until the screen has the end", spread(self.shown), ratio(self.limits, self.shown), "", widths=WIDTHS
        )
        for name, seconds in self.cpu.items():
            row(f"  processor time of the {name}", spread(seconds), "", "", widths=WIDTHS)
        row("", "", "as long as ours", "", widths=WIDTHS)
        bound = None if self.work_ms else TIMES.get(count)
        times = [statistics.median(self.adbutils) / ours for ours in self.ours]
        row("bare sockets, same scripts", spread(self.bare), ratio(self.bare, self.ours, " x"), "", widths=WIDTHS)
        for name, seconds in (("adbutils", self.adbutils), ("adb shell", self.programs)):
            met = bar(times, bound, least=True, unit="x") if bound and name == "adbutils" else ""
            if seconds:
                row(f"{name}, one by one", spread(seconds), ratio(seconds, self.ours, " x"), met, widths=WIDTHS)
        print(flush=True)


async def measure(count: int, work_ms: float, rounds: int, *, shell: bool) -> None:
    """The table for that many phones."""
    options = {"latency_s": OPEN_MS / 1000, "work_ms": work_ms, "quick": not shell}
    with simulated(count, **options) as phones, tempfile.TemporaryDirectory() as folder:
        async with station(Path(folder), phones.addresses) as at:
            await at.run(at.slots)  # warms everybody up
            with floor(Path(folder) / "floor") as steps:
                steps.seconds(1)
                measured = Measured(at, phones, work_ms, steps)
                for turn in range(rounds):
                    await measured.round(others=turn < max(1, rounds // 2))
                measured.print()


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--phones", type=int, nargs="*", default=[1, 8, 32], help="with 5 ms of work a command")
    arguments.add_argument("--free", type=int, nargs="*", default=[1, 8, 64], help="with commands that take no time")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--shell", action="store_true", help="phones with a real shell")
    given = arguments.parse_args()
    for counts, work_ms in ((given.phones, WORK_MS), (given.free, 0.0)):
        for count in counts:
            asyncio.run(measure(count, work_ms, given.rounds, shell=given.shell))


if __name__ == "__main__":
    main()
