"""A run that changes the phone: agreed to once, written down before, undone after, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from checklists.cross import keyword_arguments
from checklists.load import load_checklist
from checklists.verdict import Ending, Verdict
from drivers.api import CommandResult, Device, Identity
from drivers.text import Words
from probes.api import NotRun, Probe
from station.events import Body, PhoneRestored, PhoneWriting, RestoreFailed
from station.journal import event
from station.runner import Host, Runner, Subject
from station.session import Run
from station.writes import AGREED, CONSENT, fold_changes
from tests.station.station_bench import GONE, SILENT, PhoneDevice, holds, probes, write_checklist
from tests.station.test_runner import Desk, ended, opened
from tests.station.writing_bench import LIGHT, RADIO, Switches, writing, writing_check

ONE = (writing_check("one", "test.one", "deadline_s = 2\n"),)
TWO = (writing_check("one", "test.one"), writing_check("two", "test.two"))


async def run_checks(
    tmp_path: Path,
    checks: Sequence[str],
    *loaded: Probe,
    phone: Switches,
    consented: bool | None = True,
    desk: Desk | None = None,
    meanwhile: Callable[[Runner, Desk], Awaitable[None]] | None = None,
) -> tuple[Run, Desk]:
    known = probes(*loaded)
    checklist = load_checklist(write_checklist(tmp_path, checks), known)
    desk = desk or Desk()
    desk.device = PhoneDevice(phone)
    desk.events.append(event(opened(checklist), "T", desk.run))
    subject = Subject(
        checklist, known.probes, lambda check, probe: keyword_arguments(probe, check.settings), consented=consented
    )
    host = Host(desk.stamp, desk.append, desk.again, desk.number, phone=Identity("SER0001", phone.imeis))
    runner = Runner(desk.run, subject, host)
    task = asyncio.create_task(runner.run(checklist.checks))
    if meanwhile is not None:
        await meanwhile(runner, desk)
    await task
    return desk.folded, desk


def says(value: str) -> Any:
    async def say(runner: Runner, desk: Desk) -> None:
        await holds(lambda: runner.desk.open is not None)
        assert runner.desk.open is not None
        assert runner.desk.open.prompt.id == CONSENT
        await runner.desk.answer(runner.desk.open.attempt, CONSENT, value, "", "tech")

    return say


def kinds(desk: Desk) -> list[str]:
    return [each.body.kind for each in desk.events]


# --- written down before, undone after -------------------------------------------------------------------------------


async def test_the_undo_is_on_the_disk_before_the_change_is_made_and_done_when_the_attempt_ends(tmp_path: Path) -> None:
    desk_at: dict[str, list[str]] = {}
    phone = Switches()
    desk: Desk | None = None

    def look(line: str) -> None:
        assert desk is not None
        desk_at[line] = kinds(desk)

    async def meanwhile(runner: Runner, made: Desk) -> None:
        nonlocal desk
        desk = made
        phone.before = look

    run, desk = await run_checks(tmp_path, ONE, writing("test.one", RADIO), phone=phone, meanwhile=meanwhile)
    assert phone.ran == ["radio off", "radio on"]
    assert desk_at["radio off"][-1] == "phone-writing"
    assert desk_at["radio on"][-1] == "attempt-ended"
    assert kinds(desk)[-2:] == ["phone-restored", "run-finished"]
    assert ended(run, "one").verdict is Verdict.INFO
    told = next(each.body for each in desk.events if isinstance(each.body, PhoneWriting))
    assert (told.do, told.undo, told.serial.identity) == ("radio off", "radio on", "SER0001")
    assert fold_changes(desk.events) == {}


async def test_changes_are_undone_the_newest_first_and_in_one_script(tmp_path: Path) -> None:
    phone = Switches()
    await run_checks(tmp_path, ONE, writing("test.one", RADIO, LIGHT), phone=phone)
    assert phone.ran == ["radio off", "light off", "light on", "radio on"]
    assert phone.batches[-1] == ["light on", "radio on"]


async def _bug(bench: Any) -> None:
    raise ZeroDivisionError


async def _no_verdict(bench: Any) -> None:
    raise NotRun(Words("no", "无"))


async def _hang(bench: Any) -> None:
    await asyncio.sleep(60)


@pytest.mark.parametrize(
    ("then", "ending"),
    [(_bug, Ending.ERRORED), (_no_verdict, Ending.SKIPPED), (_hang, Ending.TIMED_OUT)],
    ids=["bug", "not-run", "deadline"],
)
async def test_a_change_is_undone_however_its_attempt_ends(tmp_path: Path, then: Any, ending: Ending) -> None:
    phone = Switches()
    run, desk = await run_checks(
        tmp_path,
        (writing_check("one", "test.one", "deadline_s = 1\n"),),
        writing("test.one", RADIO, then=then),
        phone=phone,
    )
    assert ended(run, "one").ending is ending
    assert phone.off == []
    assert fold_changes(desk.events) == {}


async def test_a_run_that_is_stopped_undoes_its_changes_before_it_says_that_it_ended(tmp_path: Path) -> None:
    phone = Switches()

    async def stop(runner: Runner, desk: Desk) -> None:
        await holds(lambda: phone.off == ["radio"])
        runner.abort("tech", "lunch")

    run, desk = await run_checks(tmp_path, ONE, writing("test.one", RADIO, then=_hang), phone=phone, meanwhile=stop)
    assert ended(run, "one").ending is Ending.ABORTED
    assert phone.off == []
    assert kinds(desk)[-4:] == ["attempt-ended", "phone-restored", "run-aborted", "run-finished"]


async def test_an_undo_does_not_overtake_a_change_that_is_still_being_made(tmp_path: Path) -> None:
    phone = Switches(slow_s={"radio off": 0.4})
    begun = asyncio.Event()
    phone.before = lambda line: begun.set()

    async def stop(runner: Runner, desk: Desk) -> None:
        await begun.wait()
        runner.abort("tech", "lunch")

    await run_checks(tmp_path, ONE, writing("test.one", RADIO), phone=phone, meanwhile=stop)
    assert phone.ran == ["radio off", "radio on"]
    assert phone.off == []


class GoesOn(Switches):
    """A phone that ends a line that it has begun, also when nobody listens any more."""

    async def run(self, script: str, *, deadline_s: float, limit: int = 0) -> CommandResult:
        return await asyncio.shield(asyncio.ensure_future(super().run(script, deadline_s=deadline_s, limit=limit)))


async def test_an_undo_waits_for_a_change_that_takes_long_since_it_can_not_be_cut_off(tmp_path: Path) -> None:
    phone = GoesOn(slow_s={"radio off": 2.8})
    begun = asyncio.Event()
    phone.before = lambda line: begun.set()

    async def stop(runner: Runner, desk: Desk) -> None:
        await begun.wait()
        runner.abort("tech", "lunch")

    await run_checks(tmp_path, ONE, writing("test.one", RADIO), phone=phone, meanwhile=stop)
    await holds(lambda: "radio off" in phone.ran)
    assert phone.ran == ["radio off", "radio on"]
    assert phone.off == []


async def test_an_engine_that_ends_in_order_undoes_what_its_runs_changed(tmp_path: Path) -> None:
    phone = Switches()
    known = probes(writing("test.one", RADIO, then=_hang))
    checklist = load_checklist(write_checklist(tmp_path, ONE), known)
    desk = Desk()
    desk.device = PhoneDevice(phone)
    desk.events.append(event(opened(checklist), "T", desk.run))
    subject = Subject(checklist, known.probes, lambda check, probe: {}, consented=True)
    runner = Runner(desk.run, subject, Host(desk.stamp, desk.append, desk.again, desk.number))
    task = asyncio.create_task(runner.run(checklist.checks))
    await holds(lambda: phone.off == ["radio"])
    task.cancel()
    await asyncio.wait({task})
    assert phone.off == []
    assert kinds(desk)[-1] == "phone-restored"
    assert [attempt.ended for attempt in desk.folded.of_check("one")] == [None]


async def test_what_is_left_of_one_check_is_undone_before_the_next_begins(tmp_path: Path) -> None:
    phone = Switches()
    seen: list[list[str]] = []

    async def look(bench: Any) -> None:
        seen.append(list(phone.off))

    await run_checks(tmp_path, TWO, writing("test.one", RADIO), writing("test.two", LIGHT, then=look), phone=phone)
    assert seen == [["light"]]
    assert phone.off == []


# --- what could not be undone ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [("", 1), ("java.lang.SecurityException: not allowed\n", 0), ("Error: no such switch\n", 0)],
    ids=["exit-code", "exception", "error"],
)
async def test_an_undo_that_fails_is_said_with_the_phones_words_and_stays_owed(
    tmp_path: Path, answer: tuple[str, int]
) -> None:
    phone = Switches(refuses={"radio on": answer})
    run, desk = await run_checks(tmp_path, ONE, writing("test.one", LIGHT, RADIO), phone=phone)
    [left] = fold_changes(desk.events).values()
    assert left.name == "radio"
    assert left.failed is not None
    assert (answer[0].strip() or "exit 1") in left.failed.en
    assert phone.off == ["radio"], "one that can't be undone does not keep the others"
    assert ended(run, "one").verdict is Verdict.INFO


async def test_a_phone_that_says_nothing_to_an_undo_leaves_it_owed(tmp_path: Path) -> None:
    phone = Switches(faults={"radio on": SILENT})
    _, desk = await run_checks(tmp_path, ONE, writing("test.one", RADIO), phone=phone)
    [failed] = [each.body for each in desk.events if isinstance(each.body, RestoreFailed)]
    assert (failed.reason, failed.side) == (SILENT.what, "phone")


@dataclass
class Flapping(Desk):
    """Opens the phone anew when its link broke, and then it takes everything."""

    async def again(self, failed: Device | None) -> Device | None:
        if failed is not None:
            assert isinstance(failed, PhoneDevice)
            failed.phone.faults.clear()
            self.device = PhoneDevice(failed.phone)
        return self.device


async def test_a_phone_that_came_back_in_the_middle_of_the_run_is_put_right_before_the_next_check(
    tmp_path: Path,
) -> None:
    phone = Switches()
    seen: list[list[str]] = []

    async def cut(bench: Any) -> None:
        phone.faults["radio on"] = GONE

    async def look(bench: Any) -> None:
        seen.append(list(phone.off))

    first, second = writing("test.one", RADIO, then=cut), writing("test.two", LIGHT, then=look)
    _, desk = await run_checks(tmp_path, TWO, first, second, phone=phone, desk=Flapping())
    assert "restore-failed" in kinds(desk)
    assert fold_changes(desk.events) == {}
    assert (seen, phone.off) == ([["light"]], [])


async def test_a_failing_undo_is_not_tried_at_the_same_phone_again_and_again(tmp_path: Path) -> None:
    phone = Switches(refuses={"radio on": ("", 1)})
    await run_checks(tmp_path, TWO, writing("test.one", RADIO), writing("test.two", LIGHT), phone=phone)
    assert phone.ran.count("radio on") == 1


# --- consent ---------------------------------------------------------------------------------------------------------


async def test_it_is_asked_once_in_a_run_with_everything_that_will_be_changed(tmp_path: Path) -> None:
    phone = Switches()
    run, desk = await run_checks(
        tmp_path,
        TWO,
        writing("test.one", RADIO),
        writing("test.two", LIGHT, says="the lamp"),
        phone=phone,
        consented=None,
        meanwhile=says(AGREED),
    )
    [asked] = [each.body for each in desk.events if each.body.kind == "prompted"]
    assert asked.prompt == CONSENT
    assert asked.steps[0] == Words("one: the radio is switched off", "one：关闭无线")
    assert asked.steps[1].en == "two: the lamp"
    assert len(asked.steps) == 3
    assert phone.ran == ["radio off", "radio on", "light off", "light on"]
    assert kinds(desk).index("answered") < kinds(desk).index("phone-writing")
    assert set(run.verdicts.values()) == {Verdict.INFO}


async def test_without_consent_nothing_is_changed_and_every_check_that_would_is_skipped(tmp_path: Path) -> None:
    phone = Switches()
    probes_ = (writing("test.one", RADIO), writing("test.two", LIGHT))
    run, desk = await run_checks(tmp_path, TWO, *probes_, phone=phone, consented=None, meanwhile=says("refuse"))
    assert phone.ran == []
    assert [ended(run, name).ending for name in ("one", "two")] == [Ending.SKIPPED, Ending.SKIPPED]
    assert set(run.verdicts.values()) == {Verdict.NONE}
    assert kinds(desk).count("prompted") == 1
    assert "phone-writing" not in kinds(desk)


async def test_a_skipped_question_is_no_consent_and_is_not_put_again(tmp_path: Path) -> None:
    phone = Switches()

    async def skip(runner: Runner, desk: Desk) -> None:
        await holds(lambda: runner.desk.open is not None)
        assert runner.desk.open is not None
        await runner.desk.skip(runner.desk.open.attempt, CONSENT, "nobody here", "tech")

    probes_ = (writing("test.one", RADIO), writing("test.two", LIGHT))
    run, desk = await run_checks(tmp_path, TWO, *probes_, phone=phone, consented=None, meanwhile=skip)
    assert phone.ran == []
    assert [ended(run, name).ending for name in ("one", "two")] == [Ending.SKIPPED, Ending.SKIPPED]
    assert kinds(desk).count("prompted") == 1


async def test_consent_that_was_given_before_is_not_asked_for(tmp_path: Path) -> None:
    phone = Switches()
    _, desk = await run_checks(tmp_path, ONE, writing("test.one", RADIO), phone=phone, consented=True)
    assert phone.ran == ["radio off", "radio on"]
    assert "prompted" not in kinds(desk)


async def test_the_deadline_of_the_check_waits_while_the_person_thinks(tmp_path: Path) -> None:
    phone = Switches()
    checks = (writing_check("one", "test.one", "deadline_s = 1\n"),)

    async def think(runner: Runner, desk: Desk) -> None:
        await holds(lambda: runner.desk.open is not None)
        await asyncio.sleep(1.2)
        await says(AGREED)(runner, desk)

    run, _ = await run_checks(
        tmp_path, checks, writing("test.one", RADIO), phone=phone, consented=None, meanwhile=think
    )
    assert ended(run, "one").ending is Ending.COMPLETED


async def test_a_run_that_is_stopped_while_it_is_asked_changes_nothing(tmp_path: Path) -> None:
    phone = Switches()

    async def stop(runner: Runner, desk: Desk) -> None:
        await holds(lambda: runner.desk.open is not None)
        runner.abort("tech", "lunch")

    run, _ = await run_checks(tmp_path, ONE, writing("test.one", RADIO), phone=phone, consented=None, meanwhile=stop)
    assert ended(run, "one").ending is Ending.ABORTED
    assert phone.ran == []


async def test_a_probe_that_outlived_its_attempt_changes_nothing_any_more(tmp_path: Path) -> None:
    phone = Switches()
    let_go, done = asyncio.Event(), asyncio.Event()

    async def stubborn(bench: Any) -> None:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue
        try:
            await bench.write(LIGHT)
        finally:
            done.set()

    checks = (writing_check("one", "test.one", "deadline_s = 1\n"),)
    run, _ = await run_checks(tmp_path, checks, writing("test.one", RADIO, then=stubborn), phone=phone)
    let_go.set()
    await asyncio.wait_for(done.wait(), 5)
    assert ended(run, "one").ending is Ending.TIMED_OUT
    assert phone.ran == ["radio off", "radio on"]


def test_changes_that_are_told_in_any_order_leave_what_was_never_undone() -> None:
    def written(n: int) -> PhoneWriting:
        about = {"attempt": "r/c/1", "change": f"r/c/1/{n}", "name": "n", "what": ("a", "b"), "do": "", "undo": "x"}
        return PhoneWriting.model_validate(about | {"serial": {"identity": "S"}})

    told: list[Body] = [written(1), written(2), PhoneRestored(attempt="r/c/1", change="r/c/1/1")]
    told += [PhoneRestored(attempt="r/c/1", change="never-made"), written(2)]
    told += [RestoreFailed(attempt="r/c/1", change="r/c/1/2", reason=Words("no", "否"), side="phone")]
    left = fold_changes(event(body, "T", "r") for body in told)
    assert list(left) == ["r/c/1/2"]
    assert (left["r/c/1/2"].ticket, left["r/c/1/2"].failed) == ("T", Words("no", "否"))
