"""Changes on simulated phones behind the real adb server: undone at the end, after a pulled cable, and in order.

What drivers put on a phone for a while (pages, ports, files) is written down and taken back like any other change.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from drivers.api import Files, Reverse, SelfTestPage, Shell
from drivers.text import Words
from probes.api import Loaded, Measurement, Write
from station import messages as m
from station.client import Client
from station.events import PhoneRestored, PhoneWriting
from station.journal import load
from tests.drivers.adb_bench import AdbBench, adb_bench
from tests.station.station_bench import (
    check,
    declared,
    enrol,
    holds,
    probes,
    running,
    send,
    until_session,
    write_checklist,
)

WIFI = Write("wifi", Words("Wi-Fi is off", "关闭 Wi-Fi"), "svc wifi disable", "svc wifi enable")
SLEEP = Write(
    "sleep",
    Words("the screen stays on", "保持亮屏"),
    "settings put system screen_off_timeout 1800000",
    "settings put system screen_off_timeout 30000",
)
FILE = "/data/local/tmp/assay-test.bin"


def changing(act: Callable[[Any], Any], *needs: type) -> Loaded:
    async def probe(bench: Any) -> AsyncIterator[Any]:
        await act(bench)
        yield Measurement("level", Decimal(80))

    about: dict[str, Any] = {"needs": needs or (Shell,), "measures": {"level": "%"}, "writes": "things"}
    return probes(declared("test.changes", probe, **about))


class Place:
    """An engine on one simulated phone, and a client of it."""

    def __init__(self, bench: AdbBench, client: Client, store: Any, checklist: Path) -> None:
        self.bench, self.client, self.store, self.checklist = bench, client, store, checklist

    @property
    def state(self) -> Any:
        return self.bench.phone.state

    async def start(self) -> str:
        slot = (await send(self.client, m.FindDevice(device=f"adb:{self.bench.phone.address}", wait_s=20)))["slot"]
        await send(self.client, m.Watch(slot=slot))
        about = {"ticket": "", "checklist": str(self.checklist), "stage": "intake", "person": "tech"}
        return str((await send(self.client, m.StartRun(slot=slot, consented=True, **about)))["run"])

    async def finished(self, run: str) -> Any:
        view = await until_session(
            self.client, lambda view: view.run and (view.run.run, view.run.state) == (run, "finished"), 30
        )
        return view.run.checks[0]

    async def told(self) -> list[tuple[str, str]]:
        events = await self.store.read(lambda db: load(db, writes=True))
        bodies = [each.body for each in events]
        names = {body.change: body.name for body in bodies if isinstance(body, PhoneWriting)}
        return [
            ("back" if isinstance(body, PhoneRestored) else "out", names[body.change])
            for body in bodies
            if isinstance(body, PhoneWriting | PhoneRestored)
        ]


@asynccontextmanager
async def place(folder: Path, loaded: Loaded) -> AsyncIterator[Place]:
    station = await enrol(folder / "data")
    checklist = write_checklist(folder, (check("one", "test.changes", "writes = true\ndeadline_s = 60\n"),))
    async with adb_bench(folder) as bench, running(station, bench.transport, loaded=loaded) as (engine, client):
        yield Place(bench, client, engine.store, checklist)


async def test_settings_of_a_phone_are_changed_and_put_back_the_newest_first(tmp_path: Path) -> None:
    seen: list[tuple[bool, str]] = []

    async def act(bench: Any) -> None:
        for write in (WIFI, SLEEP):
            answer = await bench.write(write)
            assert (answer.exit_code, answer.failure, answer.name) == (0, None, write.name)
        seen.append((at.state.wifi_enabled, at.state.settings[("system", "screen_off_timeout")]))

    async with place(tmp_path, changing(act)) as at:
        row = await at.finished(await at.start())
        assert (row.ending, row.verdict) == ("completed", "info"), row.reason
        assert seen == [(False, "1800000")]
        assert (at.state.wifi_enabled, at.state.settings[("system", "screen_off_timeout")]) == (True, "30000")
        assert await at.told() == [("out", "wifi"), ("out", "sleep"), ("back", "sleep"), ("back", "wifi")]


async def test_a_cable_pulled_in_between_leaves_it_owed_until_the_phone_is_plugged_in_again(tmp_path: Path) -> None:
    async def act(bench: Any) -> None:
        await bench.write(WIFI)
        await asyncio.sleep(3600)

    async with place(tmp_path, changing(act)) as at:
        run = await at.start()
        await holds(lambda: at.state.wifi_enabled is False, 20)
        at.bench.phone.unplug()
        row = await at.finished(run)
        assert (row.ending, row.side, row.verdict) == ("errored", "cable", "none")
        [left] = (await send(at.client, m.ChangesQuery()))["changes"]
        assert (left["what"], left["slot"]) == (list(WIFI.what), None)
        assert at.state.wifi_enabled is False
        await at.bench.phone.plug()
        await at.bench.server.connect(at.bench.phone.address)
        assert (await send(at.client, m.UndoChanges(wait_s=30)))["changes"] == []
        assert at.state.wifi_enabled is True


async def test_pages_ports_and_files_are_written_down_and_taken_back(tmp_path: Path) -> None:
    during: list[list[tuple[str, str]]] = []

    async def act(bench: Any) -> None:
        async with bench.capability(SelfTestPage).show(b"<!doctype html><title>-</title>", deadline_s=20):
            during.append(await at.told())
        async with bench.capability(Reverse).reverse(50123, 9, deadline_s=5):
            during.append(await at.told())
        await bench.capability(Files).push(FILE, b"1234", deadline_s=10)
        during.append(await at.told())
        assert await bench.capability(Files).pull(FILE, deadline_s=10, limit=100) == b"1234"

    async with place(tmp_path, changing(act, Shell, Files, Reverse, SelfTestPage)) as at:
        row = await at.finished(await at.start())
        assert row.ending == "completed", row.reason
        assert [told[-1] for told in during] == [
            ("out", "self-test-page"),
            ("out", "port-50123"),
            ("out", "pushed-file"),
        ]
        assert sorted(await at.told()) == sorted(
            (way, name) for name in ("self-test-page", "port-50123", "pushed-file") for way in ("out", "back")
        )
        assert (await send(at.client, m.ChangesQuery()))["changes"] == []
        device = await at.bench.open()
        listed = await device.capability(Shell).run(f"ls {FILE}", deadline_s=10)  # type: ignore[type-abstract]
        assert listed.exit_code != 0
        await device.close()


async def test_a_page_whose_phone_was_pulled_just_before_it_was_to_be_closed_is_closed_later(tmp_path: Path) -> None:
    closing = asyncio.Event()

    async def act(bench: Any) -> None:
        async with bench.capability(SelfTestPage).show(b"<!doctype html><title>-</title>", deadline_s=20):
            closing.set()
            at.bench.phone.unplug()

    async with place(tmp_path, changing(act, Shell, SelfTestPage)) as at:
        await at.finished(await at.start())
        assert closing.is_set()
        [left] = (await send(at.client, m.ChangesQuery()))["changes"]
        assert left["change"].endswith("self-test-page")
        await at.bench.phone.plug()
        await at.bench.server.connect(at.bench.phone.address)
        async with asyncio.timeout(30):
            while (await send(at.client, m.ChangesQuery()))["changes"]:  # noqa: ASYNC110 - the engine has no event for it
                await asyncio.sleep(0.05)


async def test_a_port_that_was_left_open_is_closed_and_a_file_that_was_left_is_removed(tmp_path: Path) -> None:
    opened = asyncio.Event()

    async def act(bench: Any) -> None:
        await bench.capability(Files).push(FILE, b"1234", deadline_s=10)
        async with bench.capability(Reverse).reverse(50124, 9, deadline_s=5):
            opened.set()
            await asyncio.sleep(3600)

    async with place(tmp_path, changing(act, Shell, Files, Reverse)) as at:
        run = await at.start()
        await asyncio.wait_for(opened.wait(), 20)
        at.bench.phone.unplug()
        await at.finished(run)
        names = [row["change"].rsplit("-", 1)[0] for row in (await send(at.client, m.ChangesQuery()))["changes"]]
        assert len(names) == 2
        await at.bench.phone.plug()
        await at.bench.server.connect(at.bench.phone.address)
        assert (await send(at.client, m.UndoChanges(wait_s=30)))["changes"] == []
