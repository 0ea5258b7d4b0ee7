"""Probes that look at answers in a process of their own: the same words, and nothing there can harm the bench."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from checklists.verdict import Ending, Verdict
from drivers.api import Command, CommandResult, DeviceGone, DriverError, NoAnswer, Side
from probes.api import Evidence, Loaded, Measurement, NotApplicable, Probe, Skipped, Unread, discover
from station.events import Reads
from station.looking import LONG, MOST, Look, NoReading, ProbeBroke, Told, TookTooLong, look_on
from station.onlooker import FRAME, _framed, plain
from station.onlookers import Onlookers
from tests.station.onlooking_probes import WHY, loaded, other
from tests.station.station_bench import LEVEL_LIMIT, Phone, check, enrol, holds, running
from tests.station.test_runner import Desk, run_checks
from tests.station.test_runner_early import Slow

FACTORY = "tests.station.onlooking_probes:loaded"


@contextlib.asynccontextmanager
async def onlookers(known: Loaded | None = None, factory: str = FACTORY, count: int = 1) -> AsyncIterator[Onlookers]:
    made = Onlookers(known or loaded(), count=count, factory=factory)
    task = asyncio.create_task(made.run())
    made._wanted.set()
    await asyncio.sleep(0)
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.wait({task})


@contextlib.asynccontextmanager
async def ready(known: Loaded | None = None, factory: str = FACTORY, count: int = 1) -> AsyncIterator[Onlookers]:
    async with onlookers(known, factory, count) as made:
        await holds(lambda: made.ready, 30)
        assert not made.lacking
        yield made


def answer(name: str = "level", said: bytes = b"80", failure: DriverError | None = None) -> CommandResult:
    return CommandResult(name, "cat level", said, b"", 0, 0.0, 0.001, failure)


def look(name: str, said: bytes = b"80", **ticket: str) -> Look:
    return Look(f"test.{name}", {}, ticket, (answer(said=said),))


async def told(by: Onlookers, *looks: Look, limit_s: float = 30.0) -> list[Told | None]:
    return await by.ask(looks, [limit_s] * len(looks))


async def sure(by: Onlookers, one: Look) -> Told:
    (said,) = await told(by, one)
    assert said is not None
    return said


def words(one: Told | None) -> tuple[object, ...]:
    """What counts of what was told: an error is the same when it says the same."""
    assert one is not None
    said = [
        repr(each) if isinstance(each, Measurement | Unread | Evidence)  # a NaN is not itself
        else each.what if isinstance(each, NoReading) else type(each).__name__
        for each in one.readings
    ]  # fmt: skip
    return said, str(one.error), one.more


async def test_a_probe_says_there_what_it_says_here() -> None:
    names = (
        "bare", "prints", "refuses", "own_words", "lost", "breaks", "wants_more", "on_and_on", "odd", "speechless",
        "cancels", "leaves",
    )  # fmt: skip
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
        names = ("refuses", "own_words", "lost", "breaks", "wants_more", "on_and_on", "leaves", "too_much")
        refuses, own, lost, breaks, more, endless, leaves, much = [await sure(there, look(name)) for name in names]
    assert isinstance(refuses.error, NotApplicable)
    assert refuses.error.reason == WHY
    assert isinstance(own.error, Skipped)
    assert own.error.reason == ("no", "否")
    assert isinstance(lost.error, DeviceGone)
    assert (lost.error.side, lost.error.what) == (Side.CABLE, WHY)
    assert str(breaks.error) == "KeyError: 'voltage'"
    assert isinstance(breaks.error, ProbeBroke)
    assert "onlooking_probes.py" in breaks.error.told[1]
    assert more == Told(more=True)
    assert len(endless.readings) == MOST
    assert isinstance(endless.error, ProbeBroke)
    assert str(leaves.error) == "SystemExit: 3"
    assert isinstance(much.error, ProbeBroke)
    assert much.readings == ()


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


async def test_many_that_take_their_time_are_each_asked_once(tmp_path: Path) -> None:
    """Twelve phones, each with a look of a tenth of a second, on one process and those that stand in."""
    async with ready() as there:
        slow = [told(there, look("takes_its_time", asked=str(tmp_path / f"{n}"))) for n in range(12)]
        async with asyncio.timeout(60):
            found = await asyncio.gather(*slow)
    assert all(one is not None and one.error is None for [one] in found)
    assert [(tmp_path / f"{n}").read_text() for n in range(12)] == ["x"] * 12


async def test_a_probe_that_takes_its_process_along_is_told_as_its_own_fault() -> None:
    """After a second process ended with it: the first may have been ended by somebody else."""
    async with ready() as there:
        dead, behind = await told(there, look("dies"), look("level"))
        assert dead is not None
        assert isinstance(dead.error, ProbeBroke)
        assert "SIGKILL" in str(dead.error)
        assert behind is not None
        assert behind.error is None


async def test_a_process_that_somebody_ends_takes_nothing_along(tmp_path: Path) -> None:
    enough = tmp_path / "enough"
    async with ready() as there:
        busy = asyncio.create_task(told(there, look("until_told", enough=str(enough))))
        await asyncio.sleep(0.1)
        for one in list(there._there):
            one.transport.kill()
        enough.touch()
        (said,) = await busy
        assert said is not None
        assert said.error is None


async def test_a_probe_gets_nothing_of_what_is_not_meant_for_it_and_may_leave_somebody_behind() -> None:
    async with ready() as there:
        heard, after = await asyncio.gather(told(there, look("listens")), told(there, look("level")))
    assert heard[0] is not None
    assert "SIGKILL" in str(heard[0].error)
    assert after[0] is not None
    assert after[0].error is None


async def test_one_phones_answers_are_never_told_of_another_when_a_process_speaks_nonsense() -> None:
    """What comes after something that can't be read is not read either."""
    async with ready() as there:
        (speaker,) = [one for one in there._there if not one.long]
        asked = asyncio.create_task(told(there, look("level")))
        await asyncio.sleep(0)
        speaker.pipe_data_received(1, FRAME.pack(3) + b"abc")
        speaker.pipe_data_received(1, _framed((speaker._serial, [(1, "level", "99", "x")], None, False)))
        (one,) = await asked
    assert one is not None
    assert one.readings[0] == Measurement("level", Decimal(80), one.readings[0].source)  # type: ignore[attr-defined]


def test_what_a_process_tells_is_made_of_plain_values_alone() -> None:
    assert plain(_framed((1, [(1, "level", "80", "")], None, False))[FRAME.size :])[0] == 1
    with pytest.raises(pickle.UnpicklingError, match="no plain value"):
        plain(pickle.dumps(os.system))


async def test_who_is_not_waited_for_any_more_keeps_no_process_busy(tmp_path: Path) -> None:
    enough = tmp_path / "enough"  # which never comes
    async with ready() as there:
        gone = [asyncio.create_task(told(there, look("until_told", enough=str(enough)))) for _ in range(20)]
        await asyncio.sleep(0.05)
        for each in gone:
            each.cancel()
        assert (await sure(there, look("level"))).error is None


async def test_what_ends_the_engines_group_leaves_the_looks_to_the_engine() -> None:
    """A service manager, a closed terminal and Ctrl+C tell all: the engine says how its runs end."""
    async with ready() as there:
        assert (await sure(there, look("ends_its_group"))).error is None


async def test_nobody_waits_for_processes_that_are_gone() -> None:
    async with ready() as there:
        late = asyncio.create_task(told(there, look("spins")))
        await asyncio.sleep(0.05)
    assert await late == [None]
    assert await told(there, look("level")) == [None]


async def test_processes_that_can_not_be_started_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    async with onlookers() as there:
        assert await told(there, look("level")) == [None]
        assert there.lacking


async def test_a_run_says_that_its_bench_has_no_such_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then a phone's answer may have held up the others."""
    monkeypatch.setattr("station.onlookers.BEGIN_S", 0.01)
    station = await enrol(tmp_path / "data")
    async with running(station, onlookers=Onlookers) as (engine, _):
        assert engine._health() == {"well": True, "lines": []}
        monkeypatch.setattr("sys.executable", "/nowhere/python")
        assert engine.onlookers
        engine.onlookers.begin()
        await holds(lambda: engine._health() == {"well": False, "lines": ["probes.not-apart"]}, 30)


async def test_those_that_stood_in_end_when_they_are_not_needed_any_more(tmp_path: Path) -> None:
    enough = tmp_path / "enough"
    async with ready() as there:
        busy = [asyncio.create_task(told(there, look("until_told", enough=str(enough)))) for _ in range(2)]
        await holds(lambda: len(there.pids) == 3, 30)
        enough.touch()
        await asyncio.gather(*busy)
        await holds(lambda: len(there.pids) == 2, 30)


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
        asked = asyncio.create_task(there.ask([look("spins")], [0.5]))
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


async def test_there_are_none_before_there_is_a_phone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("station.onlookers.BEGIN_S", 0.01)
    made = Onlookers(loaded(), count=1, factory=FACTORY)
    task = asyncio.create_task(made.run())
    assert await told(made, look("level")) == [None]
    assert made.pids == []
    made.begin()
    made.begin()
    await holds(lambda: made.ready, 30)
    task.cancel()
    await asyncio.wait({task})


CHECKS = (check("one", "test.spins", LEVEL_LIMIT), check("two", "test.level", LEVEL_LIMIT))
PHONE = {"cat level": "80"}


async def test_a_run_goes_on_behind_a_probe_that_never_comes_through(tmp_path: Path) -> None:
    """It ends as the bench's error, never as a fail and never as a pass; its answers are kept."""
    async with ready() as there:
        desk = Desk(ask_apart=there.ask)
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
            desk=Desk(ask_apart=there.ask),
            facts={"enough": str(enough)},
            meanwhile=meanwhile,
        )
    assert run.verdicts == {"one": Verdict.PASS}


async def test_answers_that_come_while_a_probe_is_busy_are_on_the_disk_before_it_is_through(tmp_path: Path) -> None:
    enough = tmp_path / "enough"
    first, second = Command("level", "cat first", timeout_s=5.0), Command("level", "cat second", timeout_s=5.0)
    probes = [
        replace(loaded().probes[f"test.{name}"], reads=(read,))
        for name, read in (("until_told", first), ("level", second))
    ]
    checks = check("one", "test.until_told", LEVEL_LIMIT), check("two", "test.level", LEVEL_LIMIT)
    phone = Slow()

    def kept(desk: Desk) -> list[str]:
        return [body.attempt for commit in desk.commits for body in commit if isinstance(body, Reads)]

    async def meanwhile(runner: object, desk: Desk) -> None:
        await holds(lambda: kept(desk) == ["r/one/1"])
        phone.go_on.set()
        await holds(lambda: kept(desk) == ["r/one/1", "r/two/1"])
        enough.touch()

    async with ready() as there:
        run, _ = await run_checks(
            tmp_path,
            checks,
            *probes,
            phone=phone,
            desk=Desk(ask_apart=there.ask),
            facts={"enough": str(enough)},
            meanwhile=meanwhile,
        )
    assert run.verdicts == {"one": Verdict.PASS, "two": Verdict.PASS}


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
            desk=Desk(ask_apart=there.ask),
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
        tmp_path, CHECKS[1:], *loaded().probes.values(), phone=Phone(answers=PHONE), desk=Desk(ask_apart=asks)
    )
    assert run.verdicts == {"two": Verdict.PASS}
