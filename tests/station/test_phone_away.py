"""A probe that lets the phone leave the cable: the run waits for it, takes no other phone for it, and goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from checklists.cross import keyword_arguments
from checklists.load import load_checklist
from checklists.verdict import Ending
from drivers.api import Identity, Shell
from drivers.text import Words
from probes.api import Measurement, Probe, Skipped
from station.journal import event
from station.runner import Host, Runner, Subject
from station.session import Run
from tests.station.station_bench import Phone, PhoneDevice, check, declared, probes, write_checklist
from tests.station.test_runner import Desk, opened


def leaving(desk: Desk, back_as: Phone | None, after_s: float = 0.1, within_s: float = 5.0) -> Probe:
    """A probe in which the phone leaves, and `back_as` comes back after a while."""

    async def run(bench: Any) -> AsyncIterator[Any]:
        with bench.away():
            before = bench.capability(Shell)
            desk.device = None
            desk.leave()  # type: ignore[attr-defined]

            def come() -> None:
                desk.device = None if back_as is None else PhoneDevice(back_as)

            asyncio.get_running_loop().call_later(after_s, come)
            await bench.back(within_s=within_s)
        assert bench.capability(Shell) is not before
        yield Measurement("level", Decimal((await bench.capability(Shell).run("cat level", deadline_s=1)).text))

    return declared("test.leaving", run, needs=(Shell,), measures={"level": "%"})


async def go(tmp_path: Path, desk: Desk, probe: Probe) -> Run:
    """A run of that probe and of an ordinary one behind it."""
    loaded = probes(probe)
    checks = (check("leaves", "test.leaving"), check("battery", "test.battery"))
    checklist = load_checklist(write_checklist(tmp_path, checks), loaded)
    desk.device = PhoneDevice(Phone(answers={"cat level": "80"}))
    desk.events.append(event(opened(checklist), "T", desk.run))
    subject = Subject(checklist, loaded.probes, lambda one, probe: keyword_arguments(probe, one.settings))
    host = Host(desk.stamp, desk.append, desk.again, desk.number, phone=Identity("SER0001"))
    runner = Runner(desk.run, subject, host)
    desk.leave = runner.lose  # type: ignore[attr-defined]
    async with asyncio.timeout(20):
        await runner.run(checklist.checks)
    return desk.folded


def endings(run: Run) -> dict[str, Ending | None]:
    return {one.check: one.ended.ending if one.ended else None for one in run.attempts}


async def test_a_phone_that_comes_back_is_measured_anew_and_the_run_goes_on(tmp_path: Path) -> None:
    desk = Desk()
    back = Phone(answers={"cat level": "81"}, key=2)
    run = await go(tmp_path, desk, leaving(desk, back))
    assert endings(run) == {"leaves": Ending.COMPLETED, "battery": Ending.COMPLETED}


async def test_a_phone_that_does_not_come_back_is_the_cables_trouble_and_ends_the_run(tmp_path: Path) -> None:
    desk = Desk()
    run = await go(tmp_path, desk, leaving(desk, None, within_s=0.5))
    assert endings(run) == {"leaves": Ending.ERRORED}


async def test_another_phone_at_the_cable_is_never_taken_for_it(tmp_path: Path) -> None:
    desk = Desk()
    other = Phone(serial="SER0002", answers={"cat level": "5"})
    run = await go(tmp_path, desk, leaving(desk, other, within_s=0.5))
    assert endings(run) == {"leaves": Ending.ERRORED}
    assert not other.batches


async def test_a_probe_that_gives_up_while_the_phone_is_away_ends_the_run_too(tmp_path: Path) -> None:
    desk = Desk()

    async def run_(bench: Any) -> AsyncIterator[Any]:
        with bench.away():
            desk.device = None
            desk.leave()  # type: ignore[attr-defined]
            raise Skipped(Words("skipped", "跳过"))
        yield

    run = await go(tmp_path, desk, declared("test.leaving", run_, needs=(Shell,), measures={"level": "%"}))
    assert "battery" not in endings(run)
