"""`python -m drivers.sim [PERSONA ...]`: phones for trying things by hand, until Ctrl-C.

Prints one line for each phone (or one JSON object with `--json`), then takes simple commands on standard input:
`press PHONE KEY`, `unplug PHONE`, `plug PHONE`, `allow PHONE`, where PHONE is its number in the list.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import threading
from collections.abc import Sequence

from drivers.sim.bench import SimulatedBench, SimulatedPhone
from drivers.sim.persona import persona_names


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; 0 after Ctrl-C or the end of standard input."""
    parser = argparse.ArgumentParser(prog="python -m drivers.sim", description="simulated Android phones for adb")
    parser.add_argument("personas", nargs="*", metavar="PERSONA", help=f"of {', '.join(persona_names())}; all of them")
    parser.add_argument("--seed", type=int, default=0, help="gives serials, IMEIs and noise (0)")
    parser.add_argument("--count", type=int, default=1, help="how many of each (1)")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="time that each open takes (0)")
    parser.add_argument("--work-ms", type=float, help="a fixed time for each command instead of the persona's")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(_run(options))
    except KeyboardInterrupt:
        return 0
    return 0


async def _run(options: argparse.Namespace) -> None:
    names = [name for name in options.personas or persona_names() for _ in range(options.count)]
    async with SimulatedBench(names, options.seed, options.latency_ms / 1000.0) as bench:
        for phone in bench.phones:
            phone.work_ms = options.work_ms
        _say(_listed(bench.phones, as_json=options.json))
        lines: asyncio.Queue[str] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        # A daemon thread, so that Ctrl-C need not wait for a line that nobody types.
        threading.Thread(target=_read_lines, args=(loop, lines), daemon=True).start()
        while line := await lines.get():
            await _obey(bench.phones, line.split())


def _read_lines(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[str]) -> None:
    line = " "
    while line:
        line = sys.stdin.readline()
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(lines.put_nowait, line)


def _listed(phones: Sequence[SimulatedPhone], *, as_json: bool) -> str:
    rows = [(phone.address, phone.persona.name, phone.serial) for phone in phones]
    if as_json:
        keys = ("address", "persona", "serial")
        return json.dumps({"phones": [dict(zip(keys, row, strict=True)) for row in rows]})
    lines = [
        f"{number:3d}  {address:<16} {persona:<18} {serial}" for number, (address, persona, serial) in enumerate(rows)
    ]
    return "\n".join(lines)


async def _obey(phones: Sequence[SimulatedPhone], words: list[str]) -> None:
    try:
        phone = phones[int(words[1])]
        if words[0] == "press":
            phone.press(words[2])
        elif words[0] == "unplug":
            phone.unplug()
        elif words[0] == "plug":
            await phone.plug()
        elif words[0] == "allow":
            phone.allow()
        else:
            _say("press PHONE KEY | unplug PHONE | plug PHONE | allow PHONE")
    except (IndexError, ValueError, KeyError, RuntimeError) as trouble:
        _say(f"not done: {trouble}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
