"""Another phone in the socket of a run's phone: nothing of it is measured, changed or undone under the run's name; the
phone itself, when it flaps, is waited for."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from station import messages as m
from station.client import Client
from station.errors import Trouble
from tests.station.station_bench import (
    GOOD_LIMIT,
    Cabinet,
    Phone,
    Station,
    check,
    enrol,
    holds,
    probes,
    running,
    send,
    until,
    until_session,
    write_checklist,
)
from tests.station.writing_bench import RADIO, Switches, writing, writing_check

OTHER_IMEI = "490154203237518"
QUESTIONS = tuple(check(name, "test.question", "person = true\n" + GOOD_LIMIT, "hard") for name in ("look", "feel"))
CHECKS = (writing_check("one", "test.hangs", "deadline_s = 100\n"),)


@pytest.fixture
async def station(tmp_path: Path) -> Station:
    return await enrol(tmp_path / "data")


async def _hang(bench: Any) -> None:
    await asyncio.sleep(3600)


def another(kind: type[Any] = Switches, serial: str = "SER0002", **more: Any) -> Any:
    """A phone that is put where the first one is; with that one's serial it is its clone."""
    return kind(serial=serial, imeis=(OTHER_IMEI,), key=50, **more)


async def started(client: Client, checklist: Path, **more: Any) -> str:
    await until(client, lambda bench: bench.cards and bench.cards[0].status == "ready")
    await send(client, m.Watch(slot=1))
    about: dict[str, Any] = {"ticket": "", "checklist": str(checklist), "stage": "self-check", "person": "tech"}
    return str((await send(client, m.StartRun(slot=1, consented=True, **about | more)))["run"])


async def finished(client: Client, run: str) -> Any:
    about = (run, "finished")
    return (await until_session(client, lambda view: view.run and (view.run.run, view.run.state) == about, 15)).run


async def is_known(client: Client, phone: Phone) -> int:
    return int((await send(client, m.FindDevice(device=phone.imeis[0], wait_s=10)))["slot"])


async def test_a_phone_put_where_another_was_a_moment_ago_stays_on_the_bench(station: Station) -> None:
    phone, other = Phone(), another(Phone)
    cabinet = Cabinet(phone)
    async with running(station, cabinet) as (_, client):
        await is_known(client, phone)
        cabinet.pull(phone)
        cabinet.put(other)
        assert await is_known(client, other) == 1
        await asyncio.sleep(2.5)  # the first one is not waited for any more
        bench = await until(client, lambda bench: True)
        assert bench.cards[0].status == "ready"
        assert await is_known(client, other) == 1


async def test_a_run_ends_when_another_phone_is_put_in_its_place(station: Station, tmp_path: Path) -> None:
    phone, other = Switches(), another()
    cabinet, checklist = Cabinet(phone), write_checklist(tmp_path, CHECKS)
    async with running(station, cabinet, loaded=probes(writing("test.hangs", RADIO, then=_hang))) as (_, client):
        run = await started(client, checklist)
        await holds(lambda: phone.off == ["radio"])
        cabinet.pull(phone)
        cabinet.put(other)
        row = (await finished(client, run)).checks[0]
        assert (row.ending, row.side, row.verdict) == ("errored", "cable", "none")
        await is_known(client, other)
        assert other.ran == []
        assert len((await send(client, m.UndoChanges()))["changes"]) == 1
        assert other.ran == []


async def test_what_was_being_changed_when_the_phone_went_is_not_undone_on_the_one_that_came(
    station: Station, tmp_path: Path
) -> None:
    """The change is waited for before it is undone: time enough to plug in another phone."""
    phone, other = Switches(slow_s={"radio off": 30.0}), another()
    cabinet, checklist = Cabinet(phone), write_checklist(tmp_path, CHECKS)
    begun: list[str] = []
    phone.before = begun.append
    async with running(station, cabinet, loaded=probes(writing("test.hangs", RADIO))) as (_, client):
        run = await started(client, checklist)
        await holds(lambda: begun == ["radio off"])
        cabinet.pull(phone)
        cabinet.put(other)
        await finished(client, run)
        assert other.ran == []
        assert len((await send(client, m.ChangesQuery()))["changes"]) == 1


@pytest.mark.parametrize("serial", ["SER0001", "SER0002"])
async def test_an_answer_that_a_person_gives_with_another_phone_in_hand_is_of_no_run(
    station: Station, tmp_path: Path, serial: str
) -> None:
    """A clone that comes quickly enough is taken for the same phone by its socket and serial, but not by its IMEI."""
    phone, clone = Phone(), another(Phone, serial)
    cabinet, checklist = Cabinet(phone), write_checklist(tmp_path, QUESTIONS)
    async with running(station, cabinet) as (_, client):
        run = await started(client, checklist)
        view = await until_session(client, lambda view: view.prompt is not None)
        cabinet.pull(phone)
        cabinet.put(clone)
        done = await finished(client, run)
        tried = [(row.id, row.ending, row.side, row.verdict) for row in done.checks if row.attempts]
        assert tried == [("look", "errored", "cable", "none")]
        about = {"attempt": view.prompt.attempt, "prompt": view.prompt.id, "value": "good", "person": "tech"}
        with pytest.raises(Trouble, match=r"prompt\.gone"):
            await send(client, m.AnswerPrompt(slot=1, **about))
        assert clone.batches == []


async def test_what_was_changed_is_not_undone_on_a_clone_that_came_in_between(station: Station, tmp_path: Path) -> None:
    phone, clone = Switches(), another(serial="SER0001")
    cabinet, checklist = Cabinet(phone), write_checklist(tmp_path, CHECKS)
    async with running(station, cabinet, loaded=probes(writing("test.hangs", RADIO, then=_hang))) as (_, client):
        run = await started(client, checklist)
        await holds(lambda: phone.off == ["radio"])
        cabinet.pull(phone)
        cabinet.put(clone)
        row = (await finished(client, run)).checks[0]
        assert (row.ending, row.verdict) == ("errored", "none")
        await is_known(client, clone)
        assert (clone.ran, len((await send(client, m.UndoChanges()))["changes"])) == ([], 1)
        cabinet.pull(clone)
        cabinet.put(phone)
        await holds(lambda: phone.off == [])


async def test_a_run_is_gone_on_with_on_its_own_phone_and_not_on_a_clone_of_it(
    station: Station, tmp_path: Path
) -> None:
    phone, clone = Phone(), another(Phone, "SER0001", port="usb:1-2")
    cabinet, checklist = Cabinet(phone), write_checklist(tmp_path, QUESTIONS)
    async with running(station, cabinet) as (_, client):
        run = await started(client, checklist)
        await until_session(client, lambda view: view.prompt is not None)
        await send(client, m.AbortRun(run=run, person="tech", reason="lunch"))
        cabinet.pull(phone)
        cabinet.put(clone)
        assert await is_known(client, clone) == 2
        await until(client, lambda bench: bench.cards[0].device == "")
        with pytest.raises(Trouble, match=r"run\.no-phone"):
            await send(client, m.ResumeRun(run=run, person="tech"))


async def test_a_phone_that_is_changed_for_another_while_its_run_is_prepared_is_not_run(
    station: Station, tmp_path: Path
) -> None:
    phone, other = Phone(), another(Phone)
    cabinet, checklist = Cabinet(phone), write_checklist(tmp_path, QUESTIONS)
    async with running(station, cabinet) as (engine, client):
        await until(client, lambda bench: bench.cards and bench.cards[0].status == "ready")
        ticket = (await send(client, m.Intake(slot=1, person="tech")))["ticket"]
        begun, may_go_on = threading.Event(), threading.Event()

        def slowly(seen: Any) -> dict[str, Any]:
            begun.set()
            may_go_on.wait(20)
            return {}

        engine.work.card = slowly
        starting = asyncio.create_task(started(client, checklist, ticket=ticket))
        await asyncio.to_thread(begun.wait, 20)
        cabinet.pull(phone)
        cabinet.put(other)
        await holds(lambda: (identity := engine.bench.slots[1].identity) is not None and identity.serial == "SER0002")
        may_go_on.set()
        with pytest.raises(Trouble, match=r"slot\.not-ready"):
            await starting


async def test_a_phone_that_flaps_while_a_person_is_asked_is_waited_for_until_it_has_said_who_it_is(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("station.bench.TRY_AGAIN_S", 0.1)
    phone = Phone()
    cabinet, checklist = Cabinet(phone), write_checklist(tmp_path, QUESTIONS)
    async with running(station, cabinet) as (engine, client):
        run = await started(client, checklist)
        view = await until_session(client, lambda view: view.prompt is not None)
        phone.mute = True
        cabinet.pull(phone)
        cabinet.put(phone)
        await holds(lambda: not engine.bench.slots[1].ready)
        about = {"prompt": view.prompt.id, "value": "good", "person": "tech"}
        await send(client, m.AnswerPrompt(slot=1, attempt=view.prompt.attempt, **about))
        await until_session(client, lambda view: view.run and view.run.checks[0].verdict == "pass")
        phone.mute = False
        view = await until_session(client, lambda view: view.prompt is not None)
        await send(client, m.AnswerPrompt(slot=1, attempt=view.prompt.attempt, **about))
        done = await finished(client, run)
        assert [row.verdict for row in done.checks] == ["pass", "pass"]
