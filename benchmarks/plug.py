"""Many phones at once: how soon all are on the screen, what each further one takes, and what a bad one does to others.

    python benchmarks/plug.py [--phones 64] [--neighbours 7] [--rounds 5]

Plugged: simulated phones in a process of their own are connected to the real adb server at the same moment; the time
ends when an attached screen was sent a snapshot in which every one has told who it is. Memory: resident size of this
process (the engine, and the screen's client) with all phones against one. Bad neighbours: some phones run sixty
commands of 5 ms beside one more phone, which is well in one half of the rounds and hangs, dribbles, floods, answers
garbage, falls off the cable or has its whole kernel log looked through in the other half. What counts is how much
longer the others took, the median of the rounds against the median; the least against the least stands beside it, since
what else the machine does only ever adds. A real phone brings its own processor, so the bad one's simulator is a
process of its own that takes what the others leave of this machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sim_process import LINES, simulated
from benchmarks.sixty import Station, station, write_check
from benchmarks.table import bar, row, spread
from station import messages as m
from station.errors import Trouble

WIDTHS = (52, 34, 20)
ALL_S, MEMORY_MB, DELAY_S = 0.6, 0.3, 0.05
AWAY_S = 20.0
#: What a real phone's full kernel log is at most, and how the check that reads it is named below.
LOG_KB, LONG_LOG = 2048, "has a full kernel log (2 MB)"
LAST = 19  # the lowest priority there is, setpriority(2)
#: What the bad phone does, as `drivers.sim.faults` has it: to one of its sixty commands, or to the stream as a whole.
BAD: dict[str, dict[str, Any]] = {
    "hangs": {"kind": "hang", "command": f"^{LINES[5]}$"},
    "answers no open": {"kind": "hang", "service": "^shell"},
    "dribbles, a byte each 5 ms": {"kind": "dribble", "service": "^shell", "seconds": 0.005},
    "floods 100 MB": {"kind": "flood", "service": "^shell"},
    "answers garbage": {"kind": "garbage", "service": "^shell", "after_bytes": 200},
    "falls off and comes back": {"kind": "flap", "service": "^shell", "after_bytes": 200, "seconds": 0.2},
}


def resident_mb() -> float:
    """Resident size of this process in MB (Linux, proc(5))."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def plugged(at: Station, addresses: list[str]) -> tuple[float, float]:
    """Seconds from the plugging until the first and until the last phone is on the screen with its name."""
    began = time.perf_counter()
    connecting = asyncio.gather(*(at.server.connect(address) for address in addresses))
    first = 0.0
    async with asyncio.timeout(60):
        async for shown in at.client.bench():
            ready = sum(card.status is m.CardStatus.READY for card in shown.cards)
            if ready and not first:
                first = time.perf_counter() - began
            if ready == len(addresses):
                break
    last = time.perf_counter() - began
    await connecting
    return first, last


async def unplugged(at: Station, addresses: list[str]) -> None:
    """Take every phone away and wait until the bench says so."""
    await asyncio.gather(*(at.server.disconnect(address) for address in addresses))
    async with asyncio.timeout(AWAY_S):
        while any(slot.link is not None for slot in at.engine.bench.slots.values()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # nothing tells of it


async def plugging(count: int, rounds: int) -> None:
    """The table of plugging, and the memory of a further phone."""
    firsts, lasts, alone = [], [], []
    with simulated(count, latency_s=0.002) as phones, tempfile.TemporaryDirectory() as folder:
        async with station(Path(folder), [], apart=False) as at:
            for turn in range(rounds):
                _, one = await plugged(at, phones.addresses[:1])
                alone.append(one)
                with_one = resident_mb()
                await unplugged(at, phones.addresses[:1])
                first, last = await plugged(at, phones.addresses)
                firsts.append(first)
                lasts.append(last)
                if turn == 0:
                    memory = (resident_mb() - with_one) / (count - 1)
                await unplugged(at, phones.addresses)
    row(f"{count} phones plugged at once", "min / median / max", "bar", widths=WIDTHS)
    row("---", "---", "---", widths=WIDTHS)
    row("one phone alone on the screen", spread(alone), "", widths=WIDTHS)
    row("the first of them", spread(firsts), "", widths=WIDTHS)
    row("the last of them", spread(lasts), bar(lasts, ALL_S, least=False, unit=" s"), widths=WIDTHS)
    row("memory of each further phone", f"{memory:8.3f} MB", bar([memory], MEMORY_MB, least=False), widths=WIDTHS)
    print(flush=True)


async def beside(at: Station, bad: int, others: list[int], checklist: str = "") -> float:
    """Seconds that the others took while the bad phone was running, from the first start to the last end of theirs."""
    about = {"ticket": "", "checklist": checklist or at.checklist, "stage": "intake", "person": "tech"}
    run = str((await at.client.send(m.StartRun(slot=bad, **about))).data["run"])
    took = await at.run(others)
    with contextlib.suppress(Trouble):  # it may have ended by itself
        await at.client.send(m.AbortRun(run=run, person="tech", reason="benchmark"))
    return took.seconds


async def neighbours(count: int, rounds: int) -> None:
    """The table of bad neighbours."""
    widths = (32, 34, 14, 12, WIDTHS[2])
    row(f"{count} phones beside one that", "added in a round", "by the medians", "by the least", "bar", widths=widths)
    row(*["---"] * 5, widths=widths)
    options = {"latency_s": 0.002, "work_ms": 5.0}
    its_own = options | {"log_kb": LOG_KB}
    with simulated(count, **options) as good, simulated(1, **its_own) as bad, tempfile.TemporaryDirectory() as folder:
        os.setpriority(os.PRIO_PROCESS, bad.pid, LAST)
        async with station(Path(folder), [*good.addresses, *bad.addresses], apart=False) as at:
            slot_of = {slot.port: number for number, slot in at.engine.bench.slots.items()}
            others = [slot_of[address] for address in good.addresses]
            its = slot_of[bad.addresses[0]]
            await beside(at, its, others)
            logs = write_check(Path(folder) / "logs", "whole-log", "android.crashes")
            for name, fault in {**BAD, LONG_LOG: {}}.items():
                wells, ills = [], []
                for _ in range(rounds):
                    await settled(at, its)
                    wells.append(await beside(at, its, others))
                    await settled(at, its)
                    bad.tell(phone=0, fault=dict(fault))
                    ills.append(await beside(at, its, others, "" if fault else str(logs)))
                    bad.tell(phone=0, fault={})
                added = [ill - well for ill, well in zip(ills, wells, strict=True)]
                median = 1000 * (statistics.median(ills) - statistics.median(wells))
                least = 1000 * (min(ills) - min(wells))
                met = bar([median], 1000 * DELAY_S, least=False, unit=" ms")
                row(name, spread(added), f"{median:.1f} ms", f"{least:.1f} ms", met, widths=widths)
    print(flush=True)


async def settled(at: Station, slot: int) -> None:
    """Wait until the slot's phone can be run again after what was done to it."""
    async with asyncio.timeout(AWAY_S):
        while not at.engine.bench.slots[slot].ready or slot in at.engine.work.running:  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # nothing tells of it


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--phones", type=int, default=64)
    arguments.add_argument("--neighbours", type=int, default=7)
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    asyncio.run(plugging(given.phones, given.rounds))
    asyncio.run(neighbours(given.neighbours, given.rounds))


if __name__ == "__main__":
    main()
