"""Behind the interactive demo: the phones, the adb server, head office, and hands at every phone, in one process.

    python -m station.demo.backstage DATA SEED PERSONA...

Prints one JSON line when all is set up and goes on until its standard input ends: then the screen is gone, in whatever
way, and the engine is ended before its phones are. The screen and the engine are other processes: simulated phones must
not slow a key press. Hands press what a prompt asks to press and tap "allow"; what has
to be looked at is left to the person at the screen, who finds it in `GLIMPSES`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from drivers.sim.phone import SimulatedPhone
from station import messages as m
from station.client import Client
from station.demo.hands import Hands, digits_on
from station.demo.scenario import Scenario, load_scenarios
from station.demo.stage import Stage, staged
from station.errors import Trouble

__all__ = ["GLIMPSES", "end_engine", "main"]

#: In the data folder: what can be seen on each simulated phone's screen, by its device id.
GLIMPSES = "simulated-screens.json"
#: Seconds between plugging in and tapping "allow": long enough to see the phone ask.
ALLOW_S = 8.0


async def _stay(data: Path, seed: int, scenarios: Sequence[Scenario]) -> None:
    async with staged(data, scenarios, seed) as stage:
        await stage.plug_in()
        sys.stdout.write(json.dumps({"environment": stage.environment}) + "\n")
        sys.stdout.flush()
        ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        work = [asyncio.create_task(_glimpses(stage))]
        work += [asyncio.create_task(_hand(stage, phone)) for phone in stage.phones]
        await ended
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        await end_engine(data)


async def end_engine(data: Path) -> None:
    """End the demo's engine if it runs. Left to itself it would wait for a head office that is never there again."""
    with contextlib.suppress(Trouble):
        client = await Client.connect(data)
        try:
            await client.send(m.StopEngine(force=True))
        finally:
            await client.close()


async def _glimpses(stage: Stage) -> None:
    """Keep the file of what the phones show up to date."""
    path, shown = stage.settings.data / GLIMPSES, None
    while True:
        now = {f"adb:{phone.address}": " ".join(digits_on(phone.page)) for phone in stage.phones}
        if now != shown:
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps(now), encoding="utf-8")
            os.replace(fresh, path)
            shown = now
        await asyncio.sleep(0.2)


async def _hand(stage: Stage, phone: SimulatedPhone) -> None:
    """Tap "allow" once, then press whatever a prompt asks for, for as long as the demo lasts."""
    await asyncio.sleep(ALLOW_S)
    if phone.asking is not None:
        phone.allow()
    while True:
        with contextlib.suppress(Trouble):
            await _press(stage, phone)
        await asyncio.sleep(1.0)


async def _press(stage: Stage, phone: SimulatedPhone) -> None:
    client = await Client.connect(stage.settings.data)
    try:
        slot = await _slot(client, phone)
        await client.send(m.Watch(slot=slot))
        hands, acted = Hands(phone), set()
        async for view in client.session():
            prompt = view.prompt
            if prompt is None or prompt.kind != "wait" or (prompt.attempt, prompt.id) in acted:
                continue
            acted.add((prompt.attempt, prompt.id))
            await asyncio.sleep(1.0)  # a person reads the prompt first
            await hands.act(prompt)
    finally:
        await client.close()


async def _slot(client: Client, phone: SimulatedPhone) -> int:
    async for bench in client.bench():
        for card in bench.cards:
            if card.device == f"adb:{phone.address}":
                return card.slot
    raise AssertionError("the snapshots ended without a trouble")


def main() -> None:
    """Start as the module's text says."""
    data, seed, *personas = sys.argv[1:]
    known = {scenario.persona: scenario for scenario in load_scenarios()}
    asyncio.run(_stay(Path(data), int(seed), [known[persona] for persona in personas]))


if __name__ == "__main__":
    main()
