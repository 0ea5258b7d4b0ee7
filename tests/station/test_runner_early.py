"""Checks that are judged while their phone is still answering for others: sooner, and with nothing done twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from checklists.verdict import Verdict
from drivers.api import Command, CommandResult, Heard, Shell
from probes.api import Evidence, Measurement
from station.events import Attached, AttemptEnded, Measured
from station.runner import Runner
from tests.station.station_bench import LEVEL_LIMIT, Phone, PhoneDevice, check, declared, holds
from tests.station.test_runner import Desk, run_checks

FIRST, SECOND = Command("level", "cat first", timeout_s=5.0), Command("level", "cat second", timeout_s=5.0)
CHECKS = (check("one", "test.one", LEVEL_LIMIT), check("two", "test.two", LEVEL_LIMIT))


class Slow(Phone):
    """A phone that keeps its last answer back until it is let go."""

    def __init__(self) -> None:
        super().__init__(answers={"cat first": "80", "cat second": "70", "cat more": "60"})
        self.go_on = asyncio.Event()

    async def batch(
        self, commands: Sequence[Command], *, deadline_s: float, heard: Heard | None = None
    ) -> list[CommandResult]:
        first = await super().batch(commands[:-1], deadline_s=deadline_s, heard=heard)
        await self.go_on.wait()
        return first + await super().batch(commands[-1:], deadline_s=deadline_s)


def read(bench: Any) -> Measurement:
    return Measurement("level", Decimal(bench.answer("level").text))


async def level(bench: Any) -> AsyncIterator[Any]:
    """Reads what was answered, and waits for nothing."""
    yield read(bench)


def about(command: Command) -> dict[str, Any]:
    return {"reads": (command,), "measures": {"level": "%", "more": "%"}}


def ended(desk: Desk) -> list[str]:
    return [each.body.attempt for each in desk.events if isinstance(each.body, AttemptEnded)]


async def test_a_check_is_judged_while_its_phone_answers_for_the_next_one_and_its_answers_are_kept_before(
    tmp_path: Path,
) -> None:
    phone, desk, seen = Slow(), Desk(), []

    async def judged(bench: Any) -> AsyncIterator[Any]:
        seen.append([body.kind for commit in desk.commits for body in commit])
        yield read(bench)

    async def meanwhile(runner: Runner, desk: Desk) -> None:
        await holds(lambda: bool(seen))
        assert not phone.go_on.is_set()
        assert "reads" in seen[0]
        phone.go_on.set()

    probes = declared("test.one", judged, **about(FIRST)), declared("test.two", level, **about(SECOND))
    run, desk = await run_checks(tmp_path, CHECKS, *probes, phone=phone, desk=desk, meanwhile=meanwhile)
    assert run.verdicts == {"one": Verdict.PASS, "two": Verdict.PASS}
    assert ended(desk) == ["r/one/1", "r/two/1"]
    assert len(seen) == 1


async def test_a_probe_that_may_wait_begins_once_and_when_the_batch_is_through(tmp_path: Path) -> None:
    phone, begun = Slow(), []

    async def wants_more(bench: Any) -> AsyncIterator[Any]:
        begun.append(phone.go_on.is_set())
        yield read(bench)
        yield Evidence("raw", b"x")
        answer = await bench.capability(Shell).run("cat more", deadline_s=1)
        yield Measurement("more", Decimal(answer.text))

    async def meanwhile(runner: Runner, desk: Desk) -> None:
        await holds(lambda: any(body.kind == "reads" for commit in desk.commits for body in commit))
        assert ended(desk) == []
        phone.go_on.set()

    probes = declared("test.one", wants_more, **about(FIRST)), declared("test.two", level, **about(SECOND))
    run, desk = await run_checks(tmp_path, CHECKS, *probes, phone=phone, meanwhile=meanwhile)
    one = run.latest("one")
    assert begun == [True]
    assert one is not None
    assert [measured.name for measured in one.measured] == ["level", "more"]
    assert [kept.name for kept in one.attached] == ["level", "raw"]
    assert sorted(ended(desk)) == ["r/one/1", "r/two/1"]


@pytest.mark.parametrize("wants", ["capability", "away"])
async def test_a_probe_that_wants_the_phone_without_waiting_begins_again_and_is_heard_once(
    tmp_path: Path, wants: str
) -> None:
    begun = []

    async def wants_more(bench: Any) -> AsyncIterator[Any]:
        begun.append(True)
        yield Evidence("raw", b"x")
        if wants == "capability":
            bench.capability(Shell)
            yield read(bench)
        else:
            with bench.away():
                yield read(bench)

    probes = declared("test.one", wants_more, **about(FIRST)), declared("test.two", level, **about(SECOND))
    answers = {"cat first": "80", "cat second": "70"}
    run, desk = await run_checks(tmp_path, CHECKS, *probes, phone=Phone(answers=answers))
    assert run.verdicts == {"one": Verdict.PASS, "two": Verdict.PASS}
    told = [each.body.name for each in desk.events if isinstance(each.body, Measured | Attached)]
    assert (len(begun), sorted(told)) == (2, ["level", "level", "raw"])


async def test_what_was_judged_early_stays_when_the_phone_is_lost_in_the_middle_of_the_batch(tmp_path: Path) -> None:
    phone, judged = Slow(), []

    async def first(bench: Any) -> AsyncIterator[Any]:
        judged.append(True)
        yield read(bench)

    async def meanwhile(runner: Runner, desk: Desk) -> None:
        await holds(lambda: bool(judged))
        runner.abort("tech", "enough")

    probes = declared("test.one", first, **about(FIRST)), declared("test.two", level, **about(SECOND))
    desk = Desk(device=PhoneDevice(phone))
    run, desk = await run_checks(tmp_path, CHECKS, *probes, desk=desk, meanwhile=meanwhile)
    assert len(ended(desk)) == 2
    two = run.latest("two")
    assert two is not None
    assert two.ended is not None
    assert two.ended.verdict is Verdict.NONE


async def test_runs_that_are_judged_at_the_same_time_are_judged_one_after_the_other(tmp_path: Path) -> None:
    """So that the first is stored while the next is judged, and not all at the same late moment."""
    seen: list[str] = []
    judging = asyncio.Lock()

    def probe(name: str) -> Any:
        async def busy(bench: Any) -> AsyncIterator[Any]:
            seen.append(name)
            time.sleep(0.003)  # noqa: ASYNC251 - a slice and more of work: everything else has its turn
            yield read(bench)

        return busy

    async def one(name: str) -> None:
        checks = tuple(check(f"{name}{n}", f"test.{name}", LEVEL_LIMIT) for n in range(4))
        probes = (declared(f"test.{name}", probe(name), **about(FIRST)),)
        desk = Desk(judging=judging)
        run, _ = await run_checks(tmp_path / name, checks, *probes, phone=Phone(answers={"cat first": "80"}), desk=desk)
        assert set(run.verdicts.values()) == {Verdict.PASS}

    await asyncio.gather(one("a"), one("b"))
    assert "".join(seen) in ("aaaabbbb", "bbbbaaaa")
