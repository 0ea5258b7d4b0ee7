"""Everything that can go wrong under a bench at work, one campaign after the other, and a table of what came of it.

    python -m tests.crash.campaign --full              # some 45 minutes on two cores
    python -m tests.crash.campaign                     # the small size that the tests run
    python -m tests.crash.campaign --full --only kills power

Ends 0 when every bar is met: no acknowledged record lost, none invented, none that was refused turns up, no busy error,
and the power cut's own check (`synchronous=NORMAL` must lose records, or the cuts prove nothing) holds.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.crash import disks, histories, kills
from tests.crash.faults import no_compiler
from tests.crash.mounts import no_cuttable, no_tmpfs
from tests.crash.tally import Tally, table

__all__ = ["CAMPAIGNS", "Campaign", "normal_must_lose", "run"]

Small = int | None


@dataclass(frozen=True)
class Campaign:
    """One kind of trouble.

    Attributes:
        needs: what it can't do without: a compiler, a file system that fills up, one whose power is cut.
        small, full: its size in the tests and in full: rounds, points (None: every one), or seconds.
    """

    run: Callable[[Path, Small, int], Awaitable[Tally]]
    small: int
    full: int | None
    needs: Callable[[Path], str] = lambda folder: ""


def _rounds(work: Callable[[Path, int, int], Awaitable[Tally]]) -> Callable[[Path, Small, int], Awaitable[Tally]]:
    async def run(folder: Path, size: Small, seed: int) -> Tally:
        assert size is not None
        return await work(folder, size, seed)

    return run


async def normal_must_lose(folder: Path, rounds: int, seed: int) -> Tally:
    """The power cut on a bench that does not sync each commit: the same harness must catch it losing records."""
    tally = await disks.cut_power(folder, rounds, seed, ["--synchronous-normal"])
    caught = len(tally.lost)
    tally.notes = [f"synchronous=NORMAL: {caught} acknowledged records lost by cut {tally.rounds}, as it must be"]
    tally.lost, tally.invented, tally.unwanted, tally.wrong = [], [], [], []
    if not caught:
        tally.wrong.append("synchronous=NORMAL lost nothing: these cuts prove nothing")
    tally.name, tally.acknowledged, tally.refused = "power cut, must lose", 0, 0
    return tally


def _compiler(folder: Path) -> str:
    return no_compiler()


CAMPAIGNS = {
    "kills": Campaign(_rounds(kills.kill_at_random), 5, 200),
    "dies": Campaign(disks.die_in_a_write, 2, 60, _compiler),
    "fails": Campaign(disks.fail_at_work, 12, None, _compiler),
    "refused": Campaign(disks.fail_and_kill, 3, 60, _compiler),
    "starts": Campaign(disks.fail_at_start, 2, 60, _compiler),
    "full-disk": Campaign(_rounds(disks.fill_up), 3, 40, no_tmpfs),
    "power": Campaign(_rounds(disks.cut_power), 2, 25, no_cuttable),
    "power-normal": Campaign(_rounds(normal_must_lose), 5, 25, no_cuttable),
    "writers": Campaign(_rounds(histories.write_from_two_processes), 2, 60),
    "clock": Campaign(_rounds(histories.step_the_clock), 10, 80, _compiler),
    "old-copy": Campaign(_rounds(histories.restore_an_old_copy), 1, 10),
}


async def run(name: str, folder: Path, *, full: bool, seed: int) -> Tally:
    """One campaign, in a folder of its own; skipped where what it needs is not here."""
    campaign = CAMPAIGNS[name]
    if why := campaign.needs(folder):
        return Tally(name, skipped=why)
    return await campaign.run(folder / name, campaign.full if full else campaign.small, seed)


def main() -> int:
    """Run what was asked for and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.campaign", description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="the full size")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=sorted(CAMPAIGNS), default=list(CAMPAIGNS), metavar="NAME")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))  # file systems that are mounted must not stay
    tallies = []
    with tempfile.TemporaryDirectory(prefix="assay-crash-") as folder:
        for name in asked.only:
            start = time.monotonic()
            tallies.append(asyncio.run(run(name, Path(folder), full=asked.full, seed=asked.seed)))
            print(f"{time.monotonic() - start:.0f} s\n{table(tallies[-1:])}", file=sys.stderr)
    print(f"seed {asked.seed}\n{table(tallies)}", end="")
    return 0 if all(tally.met for tally in tallies) else 1


if __name__ == "__main__":
    sys.exit(main())
