"""Sessions: the same events give the same session, in one go or in pieces, and a cut journal concludes nothing."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from functools import cache, reduce
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checklists.canonical import checklist_sha256, dump
from checklists.load import load_checklist
from checklists.verdict import Ending, Verdict
from drivers.api import Identity
from drivers.text import Words
from station.bench import Slot
from station.events import Attached, AttemptEnded, Event, Measured, Reads, RunFinished, Sealed
from station.journal import event
from station.messages import CardStatus
from station.recovery import INTERRUPTED, ends_of
from station.session import Session, apply, fold
from station.views import card, todo
from tests.station.station_bench import Phone, PhoneDevice, probes
from tests.station.test_runner import Runner, answered, run_checks


@cache
def journal() -> tuple[Event, ...]:
    """The events of an ordinary run."""

    async def good(runner: Runner, desk: object) -> None:
        await answered(runner)

    async def run() -> tuple[Event, ...]:
        with tempfile.TemporaryDirectory() as folder:
            _, desk = await run_checks(Path(folder), meanwhile=good)
            return tuple(desk.events)

    return asyncio.run(run())


@given(st.integers(0, 40))
def test_folding_in_pieces_is_folding_at_once(cut: int) -> None:
    events = journal()
    assert fold(events[cut:], fold(events[:cut])) == fold(events)


@given(st.integers(0, 40))
def test_a_cut_journal_has_no_verdict_that_was_not_written_and_recovery_closes_it(cut: int) -> None:
    events = journal()[: cut + 1]
    run = fold(events).runs["r"]
    written = {e.body.attempt: e.body.verdict for e in events if isinstance(e.body, AttemptEnded)}
    assert {a.id: a.ended.verdict for a in run.attempts if a.ended} == written
    closed = fold([event(body, "T", "r") for body in ends_of(run)], fold(events)).runs["r"]
    assert not closed.open_attempts
    assert not closed.active
    for attempt in closed.attempts:
        if attempt.id not in written:
            assert (attempt.ended.ending, attempt.ended.verdict) == (Ending.INTERRUPTED, Verdict.NONE)
        assert all(question.answer is not None for question in attempt.questions)


def test_a_run_that_was_cut_short_waits_for_a_person_as_one_to_go_on_with() -> None:
    begun = fold(e for e in journal()[:-1] if e.ticket and not isinstance(e.body, RunFinished))
    assert [row.what.en for row in todo({}, {"T": replace(begun, ticket="T")}, {})] == []  # it is running
    cut = fold([event(body, "T", "r") for body in ends_of(begun.runs["r"])], replace(begun, ticket="T"))
    assert [row.what.en.partition(",")[0] for row in todo({}, {"T": cut}, {})] == ["go on with what is left"]
    done = replace(fold(journal()), ticket="T")
    assert [row.what.en for row in todo({}, {"T": done}, {})] == ["look through the run and sign"]


@pytest.mark.parametrize(("level", "status"), [("80", CardStatus.NOT_RUN), ("5", CardStatus.FAIL)])
async def test_a_card_blames_the_phone_for_what_failed_and_not_for_what_stopped_the_run(
    tmp_path: Path, level: str, status: CardStatus
) -> None:
    async def good(runner: Runner, desk: object) -> None:
        await answered(runner)

    phone = Phone(answers={"cat level": level})
    whole, _ = await run_checks(tmp_path, phone=phone, meanwhile=good)
    checklist = dump(load_checklist(tmp_path / "bench-test.toml", probes()))
    opened = whole.opened.model_copy(update={"checklist": checklist, "checklist_sha256": checklist_sha256(checklist)})
    stopped = replace(whole, opened=opened, stopped=INTERRUPTED)
    slot = Slot(1, "usb:1", phone.link, PhoneDevice(phone), Identity(serial="S1"))
    shown = card(slot, "T", stopped, None, None)
    assert shown.status is status
    assert shown.headline.en == ("2 failed; " if status is CardStatus.FAIL else "") + INTERRUPTED.en
    assert shown.next_step is not None
    assert "go on with what is left" in shown.next_step.en


@given(st.permutations(range(len(journal()))))
def test_events_in_any_order_give_the_same_at_once_and_one_by_one(order: list[int]) -> None:
    events = [journal()[at] for at in order]
    assert fold(events) == reduce(apply, events, Session())


@given(st.permutations(range(len(journal()))))
def test_events_in_any_order_never_raise(order: list[int]) -> None:
    fold([journal()[i] for i in order])


def test_answers_that_an_earlier_version_attached_by_events_of_their_own_are_evidence_once() -> None:
    def as_told_before(told: Event) -> list[Event]:
        read = told.body
        if not isinstance(read, Reads):
            return [told]
        about = {"attempt": read.attempt, "name": read.name, "sha256": read.sha256, "bytes": read.bytes}
        attached = Attached(**about, media_type=read.media_type)
        return [told._replace(body=replace(read, media_type="")), told._replace(body=attached)]

    def evidence(events: Iterable[Event]) -> list[tuple[str, str, int, str]]:
        every = [one for attempt in fold(events).runs["r"].attempts for one in attempt.attached]
        return [(one.name, one.sha256, one.bytes, one.media_type) for one in every]

    assert any(isinstance(told.body, Reads) for told in journal())
    assert evidence(journal())
    assert evidence(old for told in journal() for old in as_told_before(told)) == evidence(journal())


def test_an_attempt_that_ended_can_not_be_changed_by_a_later_event() -> None:
    events = journal()
    session = fold(events)
    first = session.runs["r"].attempts[0]
    late = [
        AttemptEnded(attempt=first.id, ending=Ending.COMPLETED, verdict=Verdict.FAIL, reason=Words("x", "x")),
        Measured(
            attempt=first.id,
            name="level",
            value=True,
            unit="flag",
            source="",
            verdict=Verdict.FAIL,
            reason=None,
            limit=None,
            baseline=None,
        ),
    ]
    after = fold([event(body, "T", "r") for body in late], session)
    assert after.runs["r"].attempts[0] == first


def test_what_is_left_of_a_run_is_what_never_concluded() -> None:
    run = fold(journal()).runs["r"]
    assert run.left(["battery", "shelf", "look", "later"]) == ("later",)
    until_prompt = [e for e in journal() if not (isinstance(e.body, AttemptEnded) and "look" in e.body.attempt)]
    open_run = fold(until_prompt).runs["r"]
    ended = fold([event(body, "T", "r") for body in ends_of(open_run)], fold(until_prompt)).runs["r"]
    assert ended.left(["battery", "shelf", "look"]) == ("look",)


def test_a_sign_off_belongs_to_the_run_whose_record_it_names() -> None:
    def sealed(record: str, digest: str, **more: str) -> Event:
        return event(Sealed(record=record, digest=digest, seq=1, person="tech", **more), "T")

    session = fold([*journal(), sealed("run/v1", "d1", run="r"), sealed("signoff/v1", "d2", target="d1")])
    run = session.runs["r"]
    assert run.record.digest == "d1"
    assert [one.digest for one in run.signed] == ["d2"]
    stranger = fold([sealed("signoff/v1", "d3", target="other")], session)
    assert stranger.runs["r"].signed == run.signed


def test_an_event_of_a_run_that_nobody_opened_changes_nothing() -> None:
    assert apply(Session(), event(RunFinished(), "T", "nowhere")).runs == {}
