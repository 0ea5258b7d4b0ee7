"""Commands take the time that they are charged, and those of the system server wait for each other."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Coroutine
from typing import Any

import pytest
from sim_host import Host

from drivers.sim.bench import SimulatedBench, SimulatedPhone
from drivers.sim.commands import cost_s


async def timed(work: Coroutine[Any, Any, object]) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


async def test_the_longest_match_of_the_personas_own_table_gives_the_time() -> None:
    own = {"dumpsys": 1.0, "dumpsys wifi": 2.0}
    assert cost_s(["dumpsys", "wifi", "x"], own) == 0.002
    assert cost_s(["dumpsys", "battery"], own) == 0.001
    assert cost_s(["dumpsys", "media.camera"], {}) == 0.035


async def both(phone: SimulatedPhone, script: str) -> float:
    hosts = [await Host.connect(phone) for _ in range(2)]
    try:
        return await timed(asyncio.gather(*(host.shell(script) for host in hosts)))
    finally:
        for host in hosts:
            host.close()


async def test_calls_into_the_system_server_wait_for_each_other_and_others_do_not() -> None:
    async with SimulatedBench(["healthy"]) as sim:
        phone = sim.phones[0]
        phone.work_ms = 100
        assert await both(phone, "dumpsys battery; dumpsys battery") >= 0.4
        assert await both(phone, "getprop ro.serialno; getprop ro.serialno") < 0.39


async def test_an_open_takes_its_latency() -> None:
    async with SimulatedBench(["healthy"], latency_s=0.2) as sim:
        host = await Host.connect(sim.phones[0])
        assert await timed(host.shell("true")) >= 0.2
        host.close()


async def test_sixty_commands_take_little_more_than_what_they_are_charged() -> None:
    async with SimulatedBench(["healthy"]) as sim:
        phone = sim.phones[0]
        phone.work_ms = 5
        host = await Host.connect(phone)
        script = "dumpsys battery;" * 60
        spent = min([await timed(host.shell(script)) for _ in range(3)])
        host.close()
    assert 0.28 <= spent < 0.6  # 0.32 s on an idle machine of two cores


async def test_the_module_starts_phones_by_hand_and_says_where_they_are() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "drivers.sim", "--json", "--seed", "2", "healthy", "rooted"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    async with asyncio.timeout(30):
        assert process.stdin is not None
        out, _ = await process.communicate(b"press 0 power\nnonsense\n")
    first, second, *_ = out.decode().splitlines()
    assert '"persona": "rooted"' in first
    assert second.startswith("not done")
    assert process.returncode == 0


@pytest.mark.parametrize("count", [1, 8])
async def test_phones_do_not_wait_for_each_other(count: int) -> None:
    async with SimulatedBench(["healthy"] * count) as sim:
        hosts = [await Host.connect(phone) for phone in sim.phones]
        for phone in sim.phones:
            phone.work_ms = 50
        spent = await timed(asyncio.gather(*(host.shell("dumpsys battery;" * 4) for host in hosts)))
        for host in hosts:
            host.close()
    assert spent < 0.2 * count + 0.5 if count == 1 else spent < 0.2 * count
