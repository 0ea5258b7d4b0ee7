"""Simulated phones in a process of their own, as every benchmark that needs many of them takes them.

    python -m benchmarks.sim_process '{"count": 8, "latency_s": 0.002, "work_ms": 5, "quick": true}'

Prints the phones' addresses as JSON, then obeys one JSON document a line on its standard input (see `Phones`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["BATTERY", "LINES", "Phones", "simulated"]

ROOT = Path(__file__).resolve().parent.parent
#: What the phones are asked sixty times, each line with an answer of its own of some 400 bytes.
LINES = tuple(f"dumpsys battery {n}" for n in range(60))
BATTERY = """Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  Dock powered: false
  Max charging current: 500000
  Max charging voltage: 5000000
  Charge counter: {counter}
  status: 2
  health: 2
  present: true
  level: {level}
  scale: 100
  voltage: {voltage}
  temperature: 287
  technology: Li-ion
  batteryMiscEvent: 0
  batteryCurrentEvent: 0
  mSecPlugTypeSummary: 2
  LED Charging: true
  current now: 412
"""


class Phones:
    """The process with the phones, and what it is told.

    Attributes:
        addresses: where adb finds each phone.
    """

    def __init__(self, child: subprocess.Popen[str], addresses: list[str]) -> None:
        self.addresses, self.pid, self._child = addresses, child.pid, child

    def tell(self, **what: Any) -> Any:
        """Set `work_ms` and `quick` of all, a `fault` of one `phone`; gives the `opens` of each since the last time."""
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.write(json.dumps(what) + "\n")
        self._child.stdin.flush()
        return json.loads(self._child.stdout.readline())


@contextlib.contextmanager
def simulated(count: int, **options: Any) -> Iterator[Phones]:
    """That many phones as long as the block lasts; options as in the usage above."""
    asked = json.dumps({"count": count, **options})
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.sim_process", asked],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert child.stdin
    assert child.stdout
    try:
        yield Phones(child, json.loads(child.stdout.readline()))
    finally:
        child.stdin.close()
        child.wait()


def answers() -> dict[str, str]:
    """What each of `LINES` answers."""
    return {
        line: BATTERY.format(counter=2_400_000 + n, level=60 + n % 40, voltage=3900 + n) for n, line in enumerate(LINES)
    }


def kernel_log(size: int) -> str:
    """A kernel log of so many characters, as a phone has it whose touch controller answers now and then."""
    lines = (
        "[{t}] i2c_geni 884000.i2c: i2c error :-107",
        "[{t}] synaptics_tcm tcm.0: failed to read message header, retry",
        "[{t}] healthd: battery l=71 v=4012 t=28.7 h=2 st=2 c=412 fc=2890000 cc=311 chg=u",
        "[{t}] binder: 1203:1203 transaction failed 29201/-28, size 204-8 line 3391",
        "[{t}] wlan: [1402:I:HDD] hdd_get_station_stats: rssi -61 rate 866",
    )
    each = [line.format(t=f"{n / 7:12.6f}") for n in range(size // 60) for line in (lines[n % len(lines)],)]
    return "\n".join(each)[:size] + "\n"


async def _serve(options: dict[str, Any]) -> None:
    from drivers.sim.bench import Fault, FaultKind, SimulatedBench
    from drivers.sim.persona import load_persona

    told = answers() | ({"dmesg": kernel_log(1024 * options["log_kb"])} if "log_kb" in options else {})
    persona = load_persona(options.get("persona", "healthy")).model_copy(update={"answers": told})
    async with SimulatedBench([persona] * options["count"], seed=1, latency_s=options.get("latency_s", 0.0)) as sim:
        for phone in sim.phones:
            phone.work_ms = options.get("work_ms", 0.0)
            phone.quick = options.get("quick", True)
        sys.stdout.write(json.dumps([phone.address for phone in sim.phones]) + "\n")
        sys.stdout.flush()
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            told = json.loads(line)
            for phone in sim.phones:
                phone.work_ms = told.get("work_ms", phone.work_ms)
                phone.quick = told.get("quick", phone.quick)
            if "fault" in told:
                about = told["fault"]
                sim.phones[told["phone"]].fault = Fault(FaultKind(about.pop("kind")), **about) if about else None
            opens = [phone.opens_count for phone in sim.phones]
            for phone in sim.phones:
                phone.opens.clear()
                phone.commands.clear()
            sys.stdout.write(json.dumps({"opens": opens}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.argv[1])))
