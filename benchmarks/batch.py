"""Sixty commands on one phone and on many, four ways, side by side in one run.

    python benchmarks/batch.py [--phones 1 8 32] [--rounds 5]

The phones are simulated behind the real adb server, in a process of their own: 2 ms for each open, 5 ms of work for
each command (`dumpsys battery`, one at a time as on a phone), some 400 bytes of answer. Ways: Assay's batch with its
journal, adbutils one by one, `adb shell` one by one, and the limit: one open by a bare socket + the phone's work + the
bytes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.table import row, spread
from drivers.adb import AdbTransport
from drivers.adb_server import AdbServer, bundled_adb
from drivers.api import Command, CommandResult, Device, Shell
from station.events import Reads
from station.journal import JOURNAL, Journal, event
from station.store import Store
from station.vault import VAULT, Kept

COMMANDS = 60
WORK_MS = 5.0
OPEN_MS = 2.0
LINE = "dumpsys battery"

Keep = Callable[[list[CommandResult]], Awaitable[None]]


@contextlib.contextmanager
def simulated(count: int) -> Iterator[list[str]]:
    """Phones in a process of their own; gives their addresses."""
    code = (
        "import asyncio, json, sys; from drivers.sim.bench import SimulatedBench\n"
        "async def main():\n"
        f"    async with SimulatedBench(['healthy'] * {count}, seed=1, latency_s={OPEN_MS / 1000}) as sim:\n"
        "        for phone in sim.phones:\n"
        f"            phone.work_ms = {WORK_MS}\n"
        "        print(json.dumps([p.address for p in sim.phones]), flush=True)\n"
        "        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)\n"
        "asyncio.run(main())\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
    try:
        yield json.loads(child.stdout.readline())
    finally:
        child.stdin.close()
        child.wait()


@contextlib.asynccontextmanager
async def bench(addresses: list[str], home: Path) -> AsyncIterator[tuple[AdbServer, list[Device]]]:
    """A private adb server that knows the phones, and an opened device for each."""
    server = AdbServer(home=home, environ={})
    await server.start()
    transport = AdbTransport(server, simulated=True)
    try:
        for address in addresses:
            await server.connect(address)
        async for links in transport.watch():
            ready = [link for link in links if link.state.usable]
            if len(ready) == len(addresses):
                break
        devices = [await transport.open(link) for link in ready]
        yield server, devices
        for device in devices:
            await device.close()
    finally:
        await transport.close()
        await server.close()


def bare_open(port: int, serial: str) -> float:
    """Seconds of one open that does nothing, by a bare blocking socket."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for service in (f"host:transport:{serial}", "shell,v2,raw::"):
            wire.sendall(b"%04x" % len(service) + service.encode())
            if wire.recv(4) != b"OKAY":
                raise RuntimeError("the adb server refused")
        while wire.recv(65536):
            pass
    return time.perf_counter() - began


async def ours(devices: list[Device], journals: list[Keep]) -> float:
    """One batch a phone, its answers journalled in one commit."""
    commands = [Command(f"c{n}", LINE) for n in range(COMMANDS)]

    async def one(device: Device, journal: Keep) -> None:
        results = await device.capability(Shell).batch(commands, deadline_s=60)
        bad = [r for r in results if r.failure or r.exit_code]
        if bad:
            raise RuntimeError(f"{len(bad)} of {len(results)} failed: {bad[0]}")
        await journal(results)

    began = time.perf_counter()
    await asyncio.gather(*(one(d, j) for d, j in zip(devices, journals, strict=True)))
    return time.perf_counter() - began


def naive(port: int, serials: list[str]) -> float:
    """adbutils, one command after the other, a thread a phone."""
    import adbutils

    client = adbutils.AdbClient("127.0.0.1", port)

    def one(serial: str) -> None:
        device = client.device(serial)
        for _ in range(COMMANDS):
            device.shell(LINE)

    began = time.perf_counter()
    with ThreadPoolExecutor(len(serials)) as pool:
        list(pool.map(one, serials))
    return time.perf_counter() - began


def by_program(port: int, serials: list[str]) -> float:
    """`adb shell`, one after the other, a thread a phone."""
    adb = str(bundled_adb())

    def one(serial: str) -> None:
        for _ in range(COMMANDS):
            subprocess.run([adb, "-P", str(port), "-s", serial, "shell", LINE], stdout=subprocess.DEVNULL, check=True)

    began = time.perf_counter()
    with ThreadPoolExecutor(len(serials)) as pool:
        list(pool.map(one, serials))
    return time.perf_counter() - began


async def journals(folder: Path, count: int) -> tuple[Store, list[Keep]]:
    """One store, and for each phone the act that keeps the answers of a batch in one commit, as a run does."""
    store = Store(folder / "assay.db")
    await store.migrate([VAULT, JOURNAL])
    journal = Journal(store)

    def of(number: int) -> Keep:
        async def keep(results: list[CommandResult]) -> None:
            kept = [Kept(r.name, "text/plain", r.stdout) for r in results]
            events = [
                event(reads(r, k), ticket=f"T-{number}", run=f"r-{number}") for r, k in zip(results, kept, strict=True)
            ]
            await journal.append(events, kept)

        return keep

    return store, [of(number) for number in range(count)]


def reads(result: CommandResult, kept: Kept) -> Reads:
    """The journal's event for one answer."""
    return Reads(
        attempt="a-1",
        name=result.name,
        sha256=hashlib.sha256(kept.data).hexdigest(),
        bytes=len(kept.data),
        exit_code=result.exit_code,
        started_ms=round(result.started_s * 1000),
        ms=round(result.seconds * 1000),
    )


async def measure(count: int, rounds: int) -> None:
    """The table for that many phones."""
    with simulated(count) as addresses, tempfile.TemporaryDirectory() as folder:
        async with bench(addresses, Path(folder)) as (server, devices):
            store, keep = await journals(Path(folder), count)
            port, serials = server.address.port, [device.link.serial for device in devices]
            times: dict[str, list[float]] = {"limit": [], "ours": [], "adbutils": [], "adb shell": []}
            for turn in range(rounds):
                opens = await asyncio.to_thread(lambda: [bare_open(port, serials[0]) for _ in range(10)])
                times["limit"].append(statistics.median(opens) + COMMANDS * WORK_MS / 1000)
                times["ours"].append(await ours(devices, keep))
                if turn < max(1, rounds // 2):
                    times["adbutils"].append(await asyncio.to_thread(naive, port, serials))
                    times["adb shell"].append(await asyncio.to_thread(by_program, port, serials))
            store.close()
    mid, limit = statistics.median(times["ours"]), statistics.median(times["limit"])
    share = f"{limit / mid:.2f} (best {min(times['limit']) / min(times['ours']):.2f})"
    row(f"{count} phone(s)", "min / median / max", "against ours")
    row("---", "---", "---")
    row("limit: open + work + bytes", spread(times["limit"]), share)
    row("Assay: one batch, journalled", spread(times["ours"]), "1")
    for way in ("adbutils", "adb shell"):
        row(f"{way}, one by one", spread(times[way]), f"{statistics.median(times[way]) / mid:.1f} x")
    print()


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--phones", type=int, nargs="+", default=[1, 8, 32])
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    for count in given.phones:
        asyncio.run(measure(count, given.rounds))


if __name__ == "__main__":
    main()
