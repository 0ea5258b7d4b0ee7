"""adbutils takes simulated phones for phones, too."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import adbutils
import pytest
from sim_host import AdbServer

from drivers.sim.bench import SimulatedBench, SimulatedPhone

T = TypeVar("T")


@pytest.fixture
async def phone(adb: AdbServer) -> AsyncIterator[SimulatedPhone]:
    async with SimulatedBench(["worn-battery"], seed=11) as sim:
        await adb("connect", sim.phones[0].address)
        yield sim.phones[0]


async def with_device(adb: AdbServer, phone: SimulatedPhone, work: Callable[[adbutils.AdbDevice], T]) -> T:
    """Run something that blocks in a thread of its own."""

    def run() -> T:
        client = adbutils.AdbClient(host="127.0.0.1", port=adb.port, socket_timeout=20)
        return work(client.device(phone.address))

    async with asyncio.timeout(30):
        return await asyncio.to_thread(run)


async def test_it_lists_the_phone(adb: AdbServer, phone: SimulatedPhone) -> None:
    client = adbutils.AdbClient(host="127.0.0.1", port=adb.port, socket_timeout=20)
    listed = await asyncio.to_thread(client.list)
    assert [(info.serial, info.state) for info in listed] == [(phone.address, "device")]


async def test_its_shell_reads_properties_and_exit_codes(adb: AdbServer, phone: SimulatedPhone) -> None:
    assert await with_device(adb, phone, lambda device: device.shell("getprop ro.serialno")) == phone.serial
    ran = await with_device(adb, phone, lambda device: device.shell2("echo out; echo err >&2; exit 4", v2=True))
    assert (ran.stdout, ran.stderr, ran.returncode) == ("out\n", "err\n", 4)
    assert await with_device(adb, phone, lambda device: device.prop.model) == "HB-S921K"


async def test_its_sync_pushes_lists_and_pulls(adb: AdbServer, phone: SimulatedPhone, tmp_path: Path) -> None:
    data = random.Random(3).randbytes(300_000)
    (tmp_path / "x").write_bytes(data)

    def work(device: adbutils.AdbDevice) -> tuple[int, list[str], bytes]:
        device.sync.push(tmp_path / "x", "/data/local/tmp/x", mode=0o600)
        size = device.sync.stat("/data/local/tmp/x").size
        return (
            size,
            [entry.path for entry in device.sync.list("/data/local/tmp")],
            device.sync.read_bytes("/data/local/tmp/x"),
        )

    assert await with_device(adb, phone, work) == (300_000, ["x"], data)


async def test_its_reverse_is_listed_and_removed(adb: AdbServer, phone: SimulatedPhone) -> None:
    def work(device: adbutils.AdbDevice) -> list[tuple[str, str]]:
        device.reverse("tcp:7001", "tcp:7002")
        return [(item.remote, item.local) for item in device.reverse_list()]

    assert await with_device(adb, phone, work) == [("tcp:7001", "tcp:7002")]
    assert phone.ports.names == ["tcp:7001"]


async def test_its_stream_of_a_long_command_can_be_cut(adb: AdbServer, phone: SimulatedPhone) -> None:
    def work(device: adbutils.AdbDevice) -> str:
        with device.shell("logcat", stream=True) as stream:
            return stream.read_string(len("--------- beginning of main"))

    assert await with_device(adb, phone, work) == "--------- beginning of main"
