"""How soon something is there: `assay --version`, and the first snapshot of the engine on the screen.

    python benchmarks/startup.py [--rounds 15] [--phones 6]

`assay --version` runs beside a bare interpreter. The screen starts in a real pseudo-terminal of 160x45 on a simulated
bench whose engine runs already; the time is from exec to the moment when the terminal has received a phone's name as
the engine's first snapshot says it. Beside it, in turns, an empty Textual app: from exec to its one word. Nothing
answers the terminal's queries, as in most terminals.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import pty
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.engine_process import ROOT, attached, engine
from benchmarks.table import row, spread
from station.demo.scenario import load_scenarios
from station.demo.stage import staged

COLUMNS, ROWS = 160, 45
#: Seconds after which a screen that shows nothing has failed.
PATIENCE_S = 60.0
WORD = "empty-and-ready"
EMPTY_APP = f"""
from textual.app import App
from textual.widgets import Static

class Empty(App):
    def compose(self):
        yield Static({WORD!r})

Empty().run()
"""
#: What steers a terminal and shows nothing.
CONTROL = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|P[^\x1b]*\x1b\\|.)")


def run_time(command: Sequence[str]) -> float:
    """Seconds of one run to its end."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    return time.perf_counter() - began


class Shown(NamedTuple):
    """Seconds from exec until a text was shown: on the wall, and of the processor as far as the program used it."""

    wall: float
    cpu: float


def shows_after(command: Sequence[str], text: str, env: Mapping[str, str]) -> Shown:
    """When a terminal of our size has received the text; the program is ended then."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    began = time.perf_counter()
    child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True)
    os.close(theirs)
    try:
        wall = _received(ours, text.encode(), began + PATIENCE_S) - began
    finally:
        child.kill()
        _pid, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        os.close(ours)
    return Shown(wall, used.ru_utime + used.ru_stime)


def _received(terminal: int, text: bytes, until: float) -> float:
    """When the text had come."""
    seen = b""
    while (left := until - time.perf_counter()) > 0:
        if not select.select([terminal], [], [], left)[0]:
            break
        try:
            seen += os.read(terminal, 65536)
        except OSError:  # the program has ended
            break
        now = time.perf_counter()
        if text in CONTROL.sub(b"", seen):
            return now
    shown = CONTROL.sub(b" ", seen).decode("utf-8", "replace")
    raise RuntimeError(f"{text.decode()!r} was never shown; this was: {shown[-800:]!r}")


def version(rounds: int) -> None:
    """The table of `assay --version`."""
    assay = str(Path(sys.executable).with_name("assay"))
    times: dict[str, list[float]] = {"assay": [], "bare": []}
    for _turn in range(rounds):
        times["bare"].append(run_time([sys.executable, "-c", "pass"]))
        times["assay"].append(run_time([assay, "--version"]))
    print_pair("`assay --version`", times["assay"], "`python -c pass`", times["bare"])


async def overview(rounds: int, phones: int) -> None:
    """The table of the overview's first snapshot."""
    known = [one for one in load_scenarios() if one.repair != "tap-allow"]
    scenarios = [known[at % len(known)] for at in range(phones)]
    with tempfile.TemporaryDirectory(prefix="assay-bench-", ignore_cleanup_errors=True) as folder:
        async with staged(Path(folder) / "data", scenarios, seed=1) as stage, engine(stage):
            await stage.plug_in()
            async with attached(stage) as (_client, bench):
                text = bench.cards[0].model
            env = {**os.environ, **stage.environment, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
            env |= {"COLORTERM": "truecolor", "ASSAY_LANG": "en"}
            screen, empty = [sys.executable, "-m", "station.cli"], [sys.executable, "-c", EMPTY_APP]
            times: dict[str, list[Shown]] = {"screen": [], "empty": []}
            for turn in range(rounds + 1):
                first = await asyncio.to_thread(shows_after, empty, WORD, env)
                second = await asyncio.to_thread(shows_after, screen, text, env)
                if turn:  # the first fills the disk's cache
                    times["empty"].append(first)
                    times["screen"].append(second)
    name, nothing = f"overview with {phones} phones, first snapshot", "empty Textual app"
    for clock in ("wall", "cpu"):
        pair = [[getattr(one, clock) for one in times[way]] for way in ("screen", "empty")]
        print_pair(f"{name}, {clock}", pair[0], f"{nothing}, {clock}", pair[1])


def print_pair(ours: str, mine: Sequence[float], other: str, theirs: Sequence[float]) -> None:
    """Two ways beside each other, and the ratio turn by turn."""
    ratios = [a / b for a, b in zip(mine, theirs, strict=True)]
    row("", "min / median / max", "ratio")
    row("---", "---", "---")
    row(other, spread(theirs), "1")
    ratio = f"{statistics.median(mine) / statistics.median(theirs):.2f}"
    row(ours, spread(mine), f"{ratio} ({min(ratios):.2f}-{max(ratios):.2f})")
    print()


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=15)
    arguments.add_argument("--phones", type=int, default=6)
    given = arguments.parse_args()
    version(given.rounds)
    asyncio.run(overview(given.rounds, given.phones))


if __name__ == "__main__":
    main()
