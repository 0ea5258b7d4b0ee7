"""The runner: endings and verdicts for whatever probes, phones, persons and disks do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checklists.cross import keyword_arguments
from checklists.load import load_checklist
from checklists.verdict import Ending, Verdict, is_legal
from drivers.api import Device, InputEvents, Side
from drivers.text import Words
from probes.api import (
    Evidence,
    Measurement,
    NotApplicable,
    Probe,
    Prompt,
    PromptKind,
    PromptTimedOut,
    Skipped,
    Unread,
)
from station.errors import Trouble
from station.events import AttemptStarted, Body, Event, RunOpened
from station.journal import event
from station.runner import AskApart, Host, Runner, Subject, lanes, nobody
from station.session import Attempt, Run, fold
from station.vault import Kept
from tests.station.station_bench import (
    GONE,
    LEVEL,
    LEVEL_LIMIT,
    ORDINARY,
    SILENT,
    Phone,
    PhoneDevice,
    check,
    declared,
    holds,
    probes,
    write_checklist,
)

FULL = Trouble("store.full", Words("full", "满"), Side.BENCH, Words("free space", "清理"))
A_PROMPT = Prompt("look", PromptKind.VERDICT, Words("Good?", "好吗？"), timeout_s=5.0)


@dataclass
class Desk:
    """A journal in memory and a run on it; `commits` are the bodies of each append."""

    run: str = "r"
    commits: list[list[Body]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    evidence: list[Kept] = field(default_factory=list)
    full: Callable[[Body], bool] = lambda body: False
    device: Device | None = None
    refused: int = 0
    judging: asyncio.Lock = field(default_factory=asyncio.Lock)
    ask_apart: AskApart = nobody

    def stamp(self, body: Body) -> Event:
        return event(body, "T", self.run)

    async def append(self, events: Sequence[Event], kept: Sequence[Kept]) -> None:
        await asyncio.sleep(0)
        if any(self.full(each.body) for each in events):
            self.refused += 1
            raise FULL
        self.commits.append([each.body for each in events])
        self.events += [each for each in events if each not in self.events]
        self.evidence += kept

    async def again(self, failed: Device | None) -> Device | None:
        return self.device

    @property
    def folded(self) -> Run:
        return fold(self.events).runs[self.run]

    def number(self, check_id: str) -> int:
        return len(self.folded.of_check(check_id))


def opened(checklist: Any) -> RunOpened:
    seen = {"slot": 1, "transport": "mem", "port": "usb:1", "serial": {"identity": "S"}}
    about = {
        "stage": "self-check",
        "person": "tech",
        "device": seen,
        "checklist": {},
        "checklist_sha256": "",
        "probes": {},
    }
    return RunOpened.model_validate(about)


async def run_checks(
    tmp_path: Path,
    checks: Sequence[str] = ORDINARY,
    *more: Probe,
    phone: Phone | None = None,
    desk: Desk | None = None,
    meanwhile: Callable[[Runner, Desk], Awaitable[None]] | None = None,
    facts: Mapping[str, str] | None = None,
) -> tuple[Run, Desk]:
    loaded = probes(*more)
    checklist = load_checklist(write_checklist(tmp_path, checks), loaded)
    desk = desk or Desk()
    desk.device = desk.device or PhoneDevice(phone or Phone(answers={"cat level": "80"}))
    desk.events.append(event(opened(checklist), "T", desk.run))
    settings = lambda check, probe: keyword_arguments(probe, check.settings)  # noqa: E731
    subject = Subject(checklist, loaded.probes, settings, facts or {})
    host = Host(desk.stamp, desk.append, desk.again, desk.number, judging=desk.judging, ask_apart=desk.ask_apart)
    runner = Runner(desk.run, subject, host)
    task = asyncio.create_task(runner.run(checklist.checks))
    if meanwhile is not None:
        await meanwhile(runner, desk)
    await task
    return desk.folded, desk


async def answered(runner: Runner, value: str = "good") -> None:
    await holds(lambda: runner.desk.open is not None)
    await runner.desk.answer(runner.desk.open.attempt, runner.desk.open.prompt.id, value, "", "tech")


async def say_good(runner: Runner, desk: Desk) -> None:
    await answered(runner)


def ended(run: Run, check_id: str) -> Any:
    attempt = run.latest(check_id)
    assert attempt is not None
    assert attempt.ended is not None
    return attempt.ended


def only(probe: Callable[..., AsyncIterator[Any]], *, more: str = "deadline_s = 1\n", **about: Any) -> tuple[Any, ...]:
    """A checklist of one check with this probe, which measures `level`."""
    defaults = {"needs": (), "measures": {"level": "%", "name": "text"}}
    return (check("one", "test.one", more + LEVEL_LIMIT),), declared("test.one", probe, **(defaults | about))


# --- batches ---------------------------------------------------------------------------------------------------------


async def test_adjacent_automatic_checks_are_read_in_one_script_and_a_command_of_both_runs_once(tmp_path: Path) -> None:
    phone = Phone(answers={"cat level": "80"})
    run, _ = await run_checks(tmp_path, phone=phone, meanwhile=say_good)
    assert phone.batches == [["cat level"]]
    assert run.verdicts == {"battery": Verdict.PASS, "shelf": Verdict.PASS, "look": Verdict.PASS}


async def test_answers_are_on_the_disk_in_one_commit_before_anything_is_judged(tmp_path: Path) -> None:
    _, desk = await run_checks(tmp_path, meanwhile=say_good)
    kinds = [[body.kind for body in commit] for commit in desk.commits]
    assert kinds[0] == ["attempt-started", "attempt-started"]
    assert kinds[1] == ["reads", "reads"]
    assert kinds[2] == ["measured", "attempt-ended", "measured", "measured", "attempt-ended"]


async def test_an_interactive_probe_is_journalled_step_by_step(tmp_path: Path) -> None:
    _, desk = await run_checks(tmp_path, meanwhile=say_good)
    assert [[body.kind for body in commit] for commit in desk.commits][3:] == [
        ["attempt-started"],
        ["prompted"],
        ["answered"],
        ["measured"],
        ["attempt-ended"],
        ["run-finished"],
    ]


async def test_the_raw_answer_is_kept_with_exit_code_and_time(tmp_path: Path) -> None:
    run, desk = await run_checks(tmp_path, meanwhile=say_good)
    attempt = run.latest("battery")
    assert (attempt.reads[0].name, attempt.reads[0].exit_code, attempt.reads[0].ms) == ("level", 0, 2)
    assert desk.evidence[0] == Kept("level", "text/plain", b"80")


def test_what_asks_writes_or_stops_is_not_read_together_with_what_follows() -> None:
    reads, asks = declared("a", None, reads=(LEVEL,)), declared("b", None, reads=(LEVEL,), asks=True)
    writes = declared("c", None, reads=(LEVEL,), writes=Words("a setting", "一项设置"))
    known = {"a": reads, "b": asks, "c": writes}

    class Line:
        def __init__(self, probe: str, on_fail: str = "continue") -> None:
            self.probe, self.on_fail, self.id = probe, on_fail, probe

    checks = [Line("a"), Line("a"), Line("b"), Line("a"), Line("a", "stop"), Line("a"), Line("c"), Line("a")]
    found = lanes(checks, lambda line: known[line.probe])  # type: ignore[arg-type,attr-defined]
    assert [len(lane) for lane in found] == [2, 1, 2, 1, 1, 1]


# --- how attempts end ------------------------------------------------------------------------------------------------


async def test_a_phone_that_never_answers_is_timed_out_within_half_a_second_of_the_deadline(tmp_path: Path) -> None:
    phone = Phone(faults={"cat level": 60.0})
    checks = (check("battery", "test.battery", "deadline_s = 1\n" + LEVEL_LIMIT),)
    before = time.monotonic()
    run, _ = await run_checks(tmp_path, checks, phone=phone)
    assert 0.9 < time.monotonic() - before < 1.5 + 0.5  # the half second, and a busy machine
    assert (ended(run, "battery").ending, ended(run, "battery").verdict) == (Ending.TIMED_OUT, Verdict.NONE)


@pytest.mark.parametrize("stubborn", [False, True])
async def test_a_probe_that_overruns_its_deadline_is_timed_out_even_when_it_does_not_let_go(
    tmp_path: Path, stubborn: bool
) -> None:
    released = asyncio.Event()

    async def slow(bench: Any) -> AsyncIterator[Any]:
        yield Measurement("level", Decimal(80))
        while not released.is_set():
            try:
                await asyncio.wait_for(released.wait(), 30)
            except asyncio.CancelledError:
                if not stubborn:
                    raise
        yield Measurement("level", Decimal(10))

    before = time.monotonic()
    checks, probe = only(slow)
    run, _ = await run_checks(tmp_path, checks, probe)
    assert time.monotonic() - before < 2.5
    assert (ended(run, "one").ending, ended(run, "one").side) == (Ending.TIMED_OUT, "phone")
    released.set()
    await asyncio.sleep(0.05)
    assert [m.value.v for m in run.latest("one").measured] == [80]


@dataclass
class Stopped(Desk):
    """Stores the start of an attempt, and has the run stopped before it says so."""

    runner: Runner | None = None

    async def append(self, events: Sequence[Event], kept: Sequence[Kept]) -> None:
        await super().append(events, kept)
        if self.runner and isinstance(events[0].body, AttemptStarted):
            self.runner.abort("tech", "lunch")
            await asyncio.sleep(0)


async def test_a_run_stopped_while_an_attempt_is_written_down_ends_that_attempt(tmp_path: Path) -> None:
    desk = Stopped()

    async def stop(runner: Runner, _desk: Desk) -> None:
        desk.runner = runner

    run, _ = await run_checks(tmp_path, desk=desk, meanwhile=stop)
    assert [attempt.n for attempt in run.attempts] == [1, 1]
    assert [ended(run, check_id).ending for check_id in ("battery", "shelf")] == [Ending.ABORTED, Ending.ABORTED]
    assert not run.open_attempts


async def test_a_cable_pulled_in_the_middle_keeps_what_was_measured_and_blames_the_cable(tmp_path: Path) -> None:
    async def cut(bench: Any) -> AsyncIterator[Any]:
        yield Measurement("level", Decimal(10))
        raise GONE

    checks, probe = only(cut)
    run, _ = await run_checks(tmp_path, checks, probe)
    attempt = run.latest("one")
    assert [m.verdict for m in attempt.measured] == [Verdict.FAIL]
    assert (attempt.ended.ending, attempt.ended.verdict, attempt.ended.side) == (Ending.ERRORED, Verdict.NONE, "cable")


async def test_of_a_batch_that_is_cut_the_whole_answers_count(tmp_path: Path) -> None:
    later = declared(
        "test.later", _level_of("cat later"), reads=(LEVEL.__class__("later", "cat later"),), measures={"level": "%"}
    )
    phone = Phone(answers={"cat level": "80"}, faults={"cat later": GONE})
    checks = (check("battery", "test.battery", LEVEL_LIMIT), check("later", "test.later", LEVEL_LIMIT))
    run, _ = await run_checks(tmp_path, checks, later, phone=phone)
    assert ended(run, "battery").verdict is Verdict.PASS
    assert (ended(run, "later").ending, ended(run, "later").side) == (Ending.ERRORED, "cable")


def _level_of(script: str) -> Callable[..., AsyncIterator[Any]]:
    async def level(bench: Any) -> AsyncIterator[Any]:
        answer = bench.answer(script.split()[1])
        if answer.failure:
            yield Unread("level", answer.failure.what)
        else:
            yield Measurement("level", Decimal(answer.text))

    return level


async def test_a_phone_unplugged_while_a_person_is_asked_ends_the_attempt_and_the_run(tmp_path: Path) -> None:
    async def pull(runner: Runner, desk: Desk) -> None:
        await holds(lambda: runner.desk.open is not None)
        desk.device = None
        runner.lose()

    run, _ = await run_checks(tmp_path, meanwhile=pull)
    attempt = run.latest("look")
    assert (attempt.ended.ending, attempt.ended.side) == (Ending.ERRORED, "cable")
    assert attempt.questions[0].answer.outcome == "withdrawn"
    assert run.stopped is not None
    assert not run.active


async def bug(bench: Any) -> AsyncIterator[Any]:
    yield Measurement("level", Decimal(80))
    raise KeyError("oops")


async def undeclared(bench: Any) -> AsyncIterator[Any]:
    yield Measurement("surprise", Decimal(80))


async def wrong_type(bench: Any) -> AsyncIterator[Any]:
    yield Measurement("level", "eighty")


async def wrong_reading(bench: Any) -> AsyncIterator[Any]:
    yield 80


async def infinite(bench: Any) -> AsyncIterator[Any]:
    yield Measurement("level", Decimal("Infinity"))


async def no_generator(bench: Any) -> AsyncIterator[Any]:
    raise TypeError("broken before anything")
    yield


@pytest.mark.parametrize("probe", [bug, undeclared, wrong_type, wrong_reading, infinite, no_generator])
async def test_a_bug_in_a_probe_is_the_benchs_error_and_names_the_probe(tmp_path: Path, probe: Any) -> None:
    checks, made = only(probe)
    run, _ = await run_checks(tmp_path, checks, made)
    end = ended(run, "one")
    assert (end.ending, end.verdict, end.side) == (Ending.ERRORED, Verdict.NONE, "bench")
    assert "test.one" in end.reason.en


@pytest.mark.parametrize(
    ("raised", "ending"),
    [
        (NotApplicable(Words("has none", "没有")), Ending.NOT_APPLICABLE),
        (Skipped(Words("no time", "没时间")), Ending.SKIPPED),
        (PromptTimedOut(Words("nobody", "无人")), Ending.TIMED_OUT),
        (SILENT, Ending.TIMED_OUT),
        (GONE, Ending.ERRORED),
    ],
)
async def test_what_a_probe_raises_is_the_ending_and_never_a_verdict(
    tmp_path: Path, raised: Any, ending: Ending
) -> None:
    async def probe(bench: Any) -> AsyncIterator[Any]:
        yield Measurement("level", Decimal(10))
        raise raised

    checks, made = only(probe)
    run, _ = await run_checks(tmp_path, checks, made)
    assert (ended(run, "one").ending, ended(run, "one").verdict) == (ending, Verdict.NONE)


async def test_what_the_connection_does_not_offer_is_skipped_and_says_so(tmp_path: Path) -> None:
    checks, made = only(bug, needs=(InputEvents,))
    run, _ = await run_checks(tmp_path, checks, made)
    assert ended(run, "one").ending is Ending.SKIPPED
    assert "InputEvents" in ended(run, "one").reason.en


async def test_nobody_answering_is_timed_out_and_never_passed(tmp_path: Path) -> None:
    async def asks(bench: Any) -> AsyncIterator[Any]:
        await bench.person.ask(Prompt("look", PromptKind.VERDICT, Words("Good?", "好？"), timeout_s=0.05))
        yield Measurement("level", Decimal(80))

    checks, made = only(asks, more="person = true\ndeadline_s = 5\n", asks=True)
    run, _ = await run_checks(tmp_path, checks, made)
    assert ended(run, "one").ending is Ending.TIMED_OUT
    assert run.latest("one").questions[0].answer.outcome == "timed-out"


async def test_a_fail_that_stops_the_run_leaves_the_rest_not_run_and_unread(tmp_path: Path) -> None:
    phone = Phone(answers={"cat level": "10"})
    checks = (
        check("battery", "test.battery", 'on_fail = "stop"\n' + LEVEL_LIMIT),
        check("shelf", "test.storage", LEVEL_LIMIT),
    )
    run, _ = await run_checks(tmp_path, checks, phone=phone)
    assert run.verdicts == {"battery": Verdict.FAIL}
    assert phone.batches == [["cat level"]]
    assert "battery" in run.stopped.en


async def test_a_person_stops_a_run_and_the_open_attempt_ends_as_aborted(tmp_path: Path) -> None:
    async def stop(runner: Runner, desk: Desk) -> None:
        await holds(lambda: runner.desk.open is not None)
        runner.abort("tech", "wrong phone")

    run, _ = await run_checks(tmp_path, meanwhile=stop)
    assert (ended(run, "look").ending, ended(run, "look").side) == (Ending.ABORTED, "person")
    assert run.aborted.person == "tech"
    assert run.verdicts["battery"] is Verdict.PASS


async def test_a_run_that_is_stopped_before_it_has_begun_begins_nothing(tmp_path: Path) -> None:
    """A person who goes on with a run and stops it at once, while a slow disk still writes that it goes on."""

    async def stopped(runner: Runner, desk: Desk) -> None:
        runner.abort("tech", "wrong phone")

    run, _ = await run_checks(tmp_path, meanwhile=stopped)
    assert (run.attempts, run.active) == ((), False)
    assert run.aborted is not None
    assert run.aborted.reason == "wrong phone"


async def test_evidence_of_a_probe_is_kept_with_its_attempt(tmp_path: Path) -> None:
    async def shows(bench: Any) -> AsyncIterator[Any]:
        yield Evidence("picture", b"\x89PNG", "image/png")
        yield Measurement("level", Decimal(80))

    checks, made = only(shows)
    run, desk = await run_checks(tmp_path, checks, made)
    assert [one.name for one in run.latest("one").attached] == ["picture"]
    assert desk.evidence == [Kept("picture", "image/png", b"\x89PNG")]


# --- prompts ---------------------------------------------------------------------------------------------------------


async def test_what_is_no_answer_is_refused_and_the_question_stays_open(tmp_path: Path) -> None:
    async def wrong_then_right(runner: Runner, desk: Desk) -> None:
        with pytest.raises(Trouble, match=r"prompt\.answer"):
            await answered(runner, "perhaps")
        with pytest.raises(Trouble, match=r"prompt\.gone"):
            await runner.desk.answer("r/look/9", "look", "good", "", "tech")
        await answered(runner, "bad")

    run, _ = await run_checks(tmp_path, meanwhile=wrong_then_right)
    assert ended(run, "look").verdict is Verdict.FAIL
    assert len(run.latest("look").questions) == 1


async def test_a_question_that_a_probe_left_behind_is_taken_away_with_its_attempt(tmp_path: Path) -> None:
    left: list[asyncio.Task[Any]] = []

    async def leaves(bench: Any) -> AsyncIterator[Any]:
        left.append(asyncio.create_task(bench.person.ask(A_PROMPT)))
        await asyncio.sleep(0.1)
        yield Measurement("level", Decimal(80))

    checks, made = only(leaves, more="person = true\ndeadline_s = 5\n", asks=True)
    run, _ = await run_checks(tmp_path, checks, made)
    assert run.latest("one").questions[0].answer.outcome == "withdrawn"
    await asyncio.wait(left)


async def test_a_question_is_answered_once_however_many_answer(tmp_path: Path) -> None:
    async def both(runner: Runner, desk: Desk) -> None:
        await holds(lambda: runner.desk.open is not None)
        attempt = runner.desk.open.attempt
        done = await asyncio.gather(
            runner.desk.answer(attempt, "look", "good", "", "one"),
            runner.desk.answer(attempt, "look", "bad", "", "two"),
            return_exceptions=True,
        )
        assert [type(one) for one in done] == [type(None), Trouble]

    run, _ = await run_checks(tmp_path, meanwhile=both)
    assert run.latest("look").questions[0].answer.person == "one"


# --- the disk --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["attempt-started", "reads", "measured", "prompted", "answered", "attempt-ended"])
async def test_a_full_disk_stops_the_run_and_says_so_when_there_is_space_again(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("station.runner.RETRY_S", 0.02)
    desk = Desk(full=lambda body: body.kind == kind)

    async def make_space(runner: Runner, desk: Desk) -> None:
        while desk.refused == 0:
            await asyncio.sleep(0.005)
            if runner.desk.open and not runner.desk.open.taken:
                try:
                    await answered(runner)
                except Trouble:  # the answer could not be written down: the question stays open
                    assert kind == "answered"
        await asyncio.sleep(0.05)
        desk.full = lambda body: False
        if kind == "answered":
            await answered(runner)

    run, _ = await run_checks(tmp_path, desk=desk, meanwhile=make_space)
    assert not run.open_attempts
    assert not run.active
    for attempt in run.attempts:
        assert is_legal(attempt.ended.ending, attempt.ended.verdict)
    if kind == "answered":
        assert run.verdicts["look"] is Verdict.PASS
    else:
        assert run.stopped == FULL.what
    ids = [(each.mono_ns, each.body.kind) for each in desk.events]
    assert len(ids) == len(set(ids))


# --- whatever happens ------------------------------------------------------------------------------------------------

ACTIONS = st.sampled_from(["good", "bad", "unread", "evidence", "ask", "hang", "gone", "bug", "skip", "na", "swallow"])


@settings(max_examples=40, deadline=None)
@given(st.lists(ACTIONS, max_size=5), st.sampled_from([None, "abort", "lose"]), st.integers(0, 3))
def test_whatever_a_probe_does_its_attempt_ends_once_with_a_legal_pair(
    actions: list[str], interrupt: str | None, after: int
) -> None:
    async def probe(bench: Any) -> AsyncIterator[Any]:
        for action in actions:
            match action:
                case "good":
                    yield Measurement("level", Decimal(80))
                case "bad":
                    yield Measurement("level", Decimal(10))
                case "unread":
                    yield Unread("level", Words("no", "无"))
                case "evidence":
                    yield Evidence("e", b"x")
                case "ask":
                    await bench.person.ask(Prompt("p", PromptKind.VERDICT, Words("?", "？"), timeout_s=0.02))
                case "hang":
                    await asyncio.sleep(30)
                case "gone":
                    raise GONE
                case "bug":
                    raise ZeroDivisionError
                case "skip":
                    raise Skipped(Words("s", "跳"))
                case "na":
                    raise NotApplicable(Words("n", "无"))
                case "swallow":
                    try:
                        await asyncio.sleep(0.01)
                    except asyncio.CancelledError:
                        await asyncio.sleep(0.01)

    async def meanwhile(runner: Runner, desk: Desk) -> None:
        for _ in range(after):
            await asyncio.sleep(0.01)
        if interrupt == "abort":
            runner.abort("tech", "enough")
        elif interrupt == "lose":
            runner.lose()

    async def scenario() -> Run:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            checks, made = only(probe, more="person = true\ndeadline_s = 0.2\n", asks=True)
            run, _ = await run_checks(Path(folder), checks, made, meanwhile=meanwhile)
            return run

    run = asyncio.run(scenario())
    assert not run.active
    for attempt in run.attempts:
        _must_be_sound(attempt)


def _must_be_sound(attempt: Attempt) -> None:
    assert attempt.ended is not None
    assert is_legal(attempt.ended.ending, attempt.ended.verdict)
    assert attempt.ended.verdict is Verdict.PASS or attempt.ended.reason is not None or attempt.measured
    assert all(question.answer is not None for question in attempt.questions)
    if attempt.ended.verdict is Verdict.PASS:
        assert attempt.measured
        assert all(one.verdict is Verdict.PASS for one in attempt.measured)
