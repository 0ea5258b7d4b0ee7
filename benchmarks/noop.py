"""A check that does nothing, in Assay with its journal, against a phase that does nothing in OpenHTF.

    python benchmarks/noop.py [--openhtf PYTHON] [--checks 60] [--rounds 5] [--delay-ms 0 5]

Assay runs a checklist of sixty checks without reads on a simulated phone through the real engine: each has its attempt,
its verdict and two events in the journal, and a screen is attached. What a run without checks' worth of work costs
(one check) is taken off, for both. OpenHTF runs sixty phases the same way in the interpreter given (an own environment
with `benchmarks/requirements.txt`), with its records in memory, since it keeps them nowhere else. With a C compiler on
Linux, both also run with that many milliseconds added to each fsync.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.fsync import compiled
from benchmarks.sim_process import simulated
from benchmarks.sixty import station, write_noops
from benchmarks.table import bar, ratio, row, spread

WIDTHS = (52, 34, 22, 16)
SHARE = 1 / 3
Costs = list[tuple[float, float]]


async def ours(checks: int, rounds: int) -> Costs:
    """Seconds and processor seconds of one check, each round."""
    costs: Costs = []
    with simulated(1) as phones, tempfile.TemporaryDirectory() as folder:
        one, many = (str(write_noops(Path(folder) / str(count), count)) for count in (1, checks))
        async with station(Path(folder), phones.addresses) as at:
            for _ in range(rounds + 2):
                few = await at.run(at.slots, one)
                full = await at.run(at.slots, many)
                costs.append(
                    ((full.seconds - few.seconds) / (checks - 1), (full.cpu_s - few.cpu_s) / (checks - 1)),
                )
    return costs[2:]


def ours_delayed(delay_ms: float, library: Path | None, checks: int, rounds: int) -> Costs:
    """The same in a process of its own, with so much added to each fsync."""
    env = dict(os.environ)
    if delay_ms and library:
        env |= {"LD_PRELOAD": str(library), "ASSAY_FSYNC_DELAY_US": str(int(1000 * delay_ms))}
    arguments = [sys.executable, __file__, "--child", "--checks", str(checks), "--rounds", str(rounds)]
    said = subprocess.run(arguments, env=env, capture_output=True, text=True, check=True)
    return [(wall, cpu) for wall, cpu in json.loads(said.stdout)]


def theirs(python: str, checks: int, rounds: int) -> Costs:
    """Seconds and processor seconds of one OpenHTF phase, each round."""
    script = str(Path(__file__).with_name("openhtf_noop.py"))
    said = subprocess.run([python, script, str(checks), str(rounds)], capture_output=True, text=True, check=True)
    return [(wall, cpu) for wall, cpu in json.loads(said.stdout.splitlines()[-1])]


def has_openhtf(python: str) -> bool:
    """Whether that interpreter has OpenHTF."""
    if python == sys.executable:
        return importlib.util.find_spec("openhtf") is not None
    return subprocess.run([python, "-c", "import openhtf"], capture_output=True, check=False).returncode == 0


def table(delay_ms: float, mine: Costs, other: Costs) -> None:
    """The table for that delay."""
    row(
        f"one that does nothing; each fsync + {delay_ms:g} ms",
        "min / median / max",
        "against OpenHTF",
        "bar",
        widths=WIDTHS,
    )
    row(*["---"] * 4, widths=WIDTHS)
    for at, what in enumerate(("wall", "processor")):
        own, its = ([cost[at] for cost in costs] for costs in (mine, other))
        if its:
            row(f"OpenHTF phase, {what}", spread(its), "1", "", widths=WIDTHS)
            each = [a / b for a, b in zip(own, its, strict=True)]
            row(
                f"Assay check, journalled, {what}",
                spread(own),
                ratio(own, its),
                bar(each, SHARE, least=False),
                widths=WIDTHS,
            )
        else:
            row(f"Assay check, journalled, {what}", spread(own), "not installed", "", widths=WIDTHS)
    print(flush=True)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--openhtf", default=sys.executable, metavar="PYTHON", help="an interpreter with openhtf")
    arguments.add_argument("--checks", type=int, default=60)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--delay-ms", type=float, nargs="+", default=[0.0, 5.0])
    arguments.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.child:
        sys.stdout.write(json.dumps(asyncio.run(ours(given.checks, given.rounds))) + "\n")
        return
    there = has_openhtf(given.openhtf)
    if not there:
        sys.stdout.write(f"OpenHTF is not installed in {given.openhtf}: see benchmarks/README.md. Ours alone:\n\n")
    with tempfile.TemporaryDirectory() as folder:
        library = compiled(Path(folder)) if any(given.delay_ms) else None
        for delay_ms in given.delay_ms:
            other = theirs(given.openhtf, given.checks, given.rounds) if there else []
            table(delay_ms, ours_delayed(delay_ms, library, given.checks, given.rounds), other)


if __name__ == "__main__":
    main()
