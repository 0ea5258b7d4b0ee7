"""An engine with two phones in memory as a process of its own, which crashes, disks and clocks are tried on.

python -m tests.crash.bench_process DATA [--synchronous-normal]
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from station import runner, store
from station.engine import Engine
from station.errors import Trouble
from station.settings import load_settings
from tests.station.engine_process import slow_probes
from tests.station.station_bench import Cabinet, Phone


async def main(data: Path) -> int:
    phones = [
        Phone(answers={"cat level": "80"}),
        Phone(serial="SER0002", imeis=(), port="usb:1-2", answers={"cat level": "70"}),
    ]
    engine = Engine(load_settings(data), [Cabinet(*phones)], loaded=slow_probes(), linger_s=None)
    try:
        await engine.start()
    except Trouble as trouble:
        print(f"{trouble.code}: {trouble.what.en} / {trouble.what.zh}", file=sys.stderr)
        return trouble.exit_code
    await engine.serve()
    await engine.close()
    return 0


def serve(data: Path, options: Sequence[str]) -> int:
    """Be the engine until asked to end; `--synchronous-normal` makes it one that does not sync its commits."""
    logging.basicConfig(stream=sys.stderr)
    faulthandler.register(signal.SIGUSR1)  # an engine that does not answer shows where it stands
    if "--synchronous-normal" in options:
        store.PRAGMAS["synchronous"] = 1
    runner.RETRY_S = 0.05  # an end that could not be written down is tried again at once
    return asyncio.run(main(data))
