"""Probes that look at answers in a process of their own: the same words, and nothing there can harm the bench."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from checklists.verdict import Ending, Verdict
from drivers.api import CommandResult, DeviceGone, DriverError, NoAnswer, Side
from probes.api import Loaded, Measurement, NotApplicable, Probe, Unread, discover
from station.looking import LONG, MOST, Look, ProbeBroke, Told, TookTooLong, look_on
from station.onlookers import Onlookers
from tests.station.onlooking_probes import WHY, loaded, other
from tests.station.station_bench import LEVEL_LIMIT, Phone, check, holds
from tests.station.test_runner import Desk, run_checks

FACTORY = "tests.station.onlooking_probes:loaded"


@contextlib.asynccontextmanager
async def onlookers(known: Loaded | None = None, factory: str = FACTORY, count: int = 1) -> AsyncIterator[Onlookers]:
    made = Onlookers(known or loaded(), count=count, factory=factory)
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.wait({task})


@contextlib.asynccontextmanager
async def ready(known: Loaded | None = None, factory: str = FACTORY, count: int = 1) -> AsyncIterator[Onlookers]:
    async with onlookers(known, factory, count) as made:
        await holds(lambda: made.ready, 30)
        yield made


def answer(name: str = "level", said: bytes = b"80", failure: DriverError | None = None) -> CommandResult:
    return CommandResult(name, "cat level", said, b"", 0, 0.0, 0.001, failure)


def look(name: str, said: bytes = b"80", **ticket: str) -> Look:
    return Look(f"test.{name}", {}, ticket, (answer(said=said),))


async def told(by: Onlookers, *looks: Look, limit_s: float = 30.0) -> list[Told | None]:
    return await by.tell(looks, [limit_s] * len(looks))


async def sure(by: Onlookers, one: Look) -> Told:
    (said,) = await told(by, one)
    assert said is not None
    return said


def words(one: Told | None) -> tuple[object, ...]:
    """What counts of what was told: an error is the same when it says the same."""
    assert one is not None
    said = [repr(each) for each in one.readings]  # a NaN is not itself
    return said, type(one.error), str(one.error), one.more


async def test_a_probe_says_there_what_it_says_here() -> None:
    names = ("bare", "prints", "refuses", "lost", "breaks", "wants_more", "on_and_on")
    probes = loaded().probes
    async with ready() as there:
        for name in names:
            assert words(await sure(there, look(name))) == words(look_on(look(name), probes[f"test.{name}"].run)), name
        one = await sure(there, look("level", model="K1"))
    assert [each.name for each in one.readings if isinstance(each, Measurement | Unread)] == ["level", "more"]
    assert (one.readings[0].value, one.readings[2].data) == (Decimal(80), b"80K1")  # type: ignore[attr-defined]
    assert one.readings[0].source != str(os.getpid())  # type: ignore[attr-defined]


@pytest.mark.parametrize("said", [b"", b"\xff\x00\x1b[2J" * 50, b"Can't find service: x\n", b"1\n" * 2000])
async def test_every_probe_that_waits_for_nothing_says_there_what_it_says_here(said: bytes) -> None:
    known = discover()
    able = [probe for probe in known.probes.values() if not probe.waits]
    assert len(able) >= 20
    gone = NoAnswer("test.late", WHY, Side.PHONE, WHY)

    def given(probe: Probe) -> Look:
        answers = [answer(read.name, said, None if at % 3 else gone) for at, read in enumerate(probe.reads)]
        ticket = {"model": "K1", "serial": "A1"}
        settings = {each.name: each.default for each in probe.settings.values() if isinstance(each.default, str | int)}
        return Look(probe.id, settings, ticket, tuple(answers))

    looks = [given(probe) for probe in able]
    async with ready(known, factory="") as there:
        for probe, asked in zip(able, looks, strict=True):
            assert words(await sure(there, asked)) == words(look_on(asked, probe.run)), probe.id


async def test_how_a_probe_ended_keeps_its_kind_and_its_words_on_the_way() -> None:
    async with ready() as there:
        names = ("refuses", "lost", "breaks", "wants_more", "on_and_on", "odd", "leaves")
        refuses, lost, breaks, more, endless, odd, leaves = [await sure(there, look(name)) for name in names]
    assert isinstance(refuses.error, NotApplicable)
    assert refuses.error.reason == WHY
    assert isinstance(lost.error, DeviceGone)
    assert (lost.error.side, lost.error.what) == (Side.CABLE, WHY)
    assert str(breaks.error) == "KeyError: 'voltage'"
    assert isinstance(breaks.error, ProbeBroke)
    assert "onlooking_probes.py" in breaks.error.trace
    assert more == Told(more=True)
    assert len(endless.readings) == MOST
    assert isinstance(endless.error, ProbeBroke)
    assert isinstance(odd.error, ProbeBroke)
    assert str(leaves.error) == "SystemExit: 3"


async def test_a_probe_that_never_comes_through_is_ended_and_the_next_ones_are_asked_elsewhere() -> None:
    async with ready() as there:
        slow, behind = await told(there, look("spins"), look("level"), limit_s=0.3)
        assert slow is not None
        assert isinstance(slow.error, TookTooLong)
        assert slow.readings == ()
        assert behind is not None
        assert behind.error is None
        assert (await sure(there, look("level"))).error is None


async def test_nobody_waits_behind_a_probe_that_is_held_up(tmp_path: Path) -> None:
    """Another process takes its place, and it goes on; long answers are looked at elsewhere."""
    enough = tmp_path / "enough"
    async with ready() as there:
        busy = asyncio.create_task(told(there, look("until_told", enough=str(enough))))
        await asyncio.sleep(0)
        behind, long = await told(there, look("level"), look("level", b"80" + b" " * LONG))
        assert behind is not None
        assert behind.error is None
        assert long is not None
        assert long.error is None
        assert not busy.done()
        enough.touch()
        (one,) = await busy
        assert one is not None
        assert one.error is None
        assert (await sure(there, look("level"))).error is None


async def test_long_answers_wait_for_each_other() -> None:
    async with ready() as there:
        found = await told(there, *(look("level", b"80" + b" " * LONG) for _ in range(5)))
    assert all(one is not None and one.error is None for one in found)


async def test_a_probe_that_takes_its_process_along_is_told_as_its_own_fault() -> None:
    async with ready() as there:
        dead, behind = await told(there, look("dies"), look("level"))
        assert dead is not None
        assert isinstance(dead.error, ProbeBroke)
        assert "SIGKILL" in str(dead.error)
        assert behind is not None
        assert behind.error is None


async def test_a_probe_can_not_take_the_computers_memory() -> None:
    async with ready() as there:
        grown, after = await sure(there, look("grows")), await sure(there, look("level"))
    assert str(grown.error).startswith("MemoryError")
    assert after.error is None


async def test_a_process_with_other_probes_than_the_engine_is_not_asked() -> None:
    async with onlookers(other()) as there:
        for _ in range(40):
            await asyncio.sleep(0.05)
            assert not there.ready
        assert await told(there, look("level")) == [None]


async def test_the_processes_end_with_the_engine() -> None:
    async with ready(count=2) as there:
        processes = [each.transport for each in there._there]
        asked = asyncio.create_task(told(there, look("spins"), limit_s=60))
        await asyncio.sleep(0)
    assert len(processes) == 4
    assert all(each.get_returncode() is not None for each in processes)
    await asyncio.wait({asked})


KILLED = """
import asyncio, sys
from station.looking import Look
from tests.station.test_onlookers import ready, look

async def main():
    async with ready() as there:
        asked = asyncio.create_task(there.tell([look("spins")], [0.5]))
        await asyncio.sleep(0)
        print(*there.pids, flush=True)
        sys.stdin.read()

asyncio.run(main())
"""


async def test_the_processes_end_by_themselves_when_the_engine_is_killed() -> None:
    """Those that have nothing to do at once, one that does not come through after its time."""
    engine = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert engine.stdout is not None
    pids = [int(pid) for pid in (await engine.stdout.readline()).split()]
    assert len(pids) == 2
    assert all(map(lives, pids))
    engine.kill()
    await engine.wait()
    await holds(lambda: not any(map(lives, pids)), 30)


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


CHECKS = (check("one", "test.spins", LEVEL_LIMIT), check("two", "test.level", LEVEL_LIMIT))
PHONE = {"cat level": "80"}


async def test_a_run_goes_on_behind_a_probe_that_never_comes_through(tmp_path: Path) -> None:
    """It ends as the bench's error, never as a fail and never as a pass; its answers are kept."""
    async with ready() as there:
        desk = Desk(tell=there.tell)
        slow = check("one", "test.spins", "deadline_s = 1\n" + LEVEL_LIMIT)
        run, desk = await run_checks(
            tmp_path, (slow, CHECKS[1]), *loaded().probes.values(), phone=Phone(answers=PHONE), desk=desk
        )
    one, two = run.latest("one"), run.latest("two")
    assert one is not None
    assert one.ended is not None
    assert (one.ended.ending, one.ended.verdict, one.ended.side) == (Ending.ERRORED, Verdict.NONE, "bench")
    assert one.ended.reason is not None
    assert "test.spins" in one.ended.reason.zh
    assert [kept.name for kept in one.attached] == ["level"]
    assert two is not None
    assert run.verdicts["two"] is Verdict.PASS


async def test_the_engine_goes_on_while_a_probe_is_busy(tmp_path: Path) -> None:
    enough = tmp_path / "enough"

    async def meanwhile(runner: object, desk: Desk) -> None:
        await holds(lambda: any(body.kind == "reads" for commit in desk.commits for body in commit))
        for _ in range(100):  # turns that the loop would not have if the probe were in it
            await asyncio.sleep(0)
        enough.touch()

    async with ready() as there:
        run, _ = await run_checks(
            tmp_path,
            (check("one", "test.until_told", LEVEL_LIMIT),),
            *loaded().probes.values(),
            phone=Phone(answers=PHONE),
            desk=Desk(tell=there.tell),
            facts={"enough": str(enough)},
            meanwhile=meanwhile,
        )
    assert run.verdicts == {"one": Verdict.PASS}


async def test_a_run_that_is_stopped_while_a_probe_is_busy_does_not_wait_for_it(tmp_path: Path) -> None:
    async def meanwhile(runner: object, desk: Desk) -> None:
        await holds(lambda: any(body.kind == "reads" for commit in desk.commits for body in commit))
        runner.abort("tech", "enough")  # type: ignore[attr-defined]

    async with ready() as there:
        run, _ = await run_checks(
            tmp_path,
            CHECKS,
            *loaded().probes.values(),
            phone=Phone(answers=PHONE),
            desk=Desk(tell=there.tell),
            meanwhile=meanwhile,
        )
    one = run.latest("one")
    assert one is not None
    assert one.ended is not None
    assert one.ended.ending is Ending.ABORTED


async def asks(looks: Sequence[Look], limits_s: Sequence[float]) -> list[Told | None]:
    return [None for _ in looks]


async def test_a_run_without_processes_has_the_same_verdicts(tmp_path: Path) -> None:
    run, _ = await run_checks(
        tmp_path, CHECKS[1:], *loaded().probes.values(), phone=Phone(answers=PHONE), desk=Desk(tell=asks)
    )
    assert run.verdicts == {"two": Verdict.PASS}
