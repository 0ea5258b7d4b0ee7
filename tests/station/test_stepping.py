"""Steps of a ticket's life: possible or not and why, filled in, sealed, signed; wrong entries are all named at once."""

from __future__ import annotations

import contextlib
import datetime
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import checklists.diagnosis.load
import checklists.load
import station.steps.diagnosis
from drivers.text import Words
from station import messages as m
from station.client import Client
from station.errors import Trouble
from station.steps import steps
from station.steps.api import Choice, Field, Photo
from station.steps.form import fill
from tests.station.station_bench import IMEI, Cabinet, Phone, Station, enrol, running, send, signed, write_checklist

LABEL = Words("field", "字段")
EVERY = (
    Field("name", LABEL, required=True, most=10),
    Field("kind", LABEL, "choice", choices=(Choice("a", LABEL), Choice("b", LABEL))),
    Field("told", LABEL, "tick", required=True),
    Field("price", LABEL, "money"),
    Field("days", LABEL, "count"),
    Field("bought", LABEL, "date"),
    Field(
        "parts", LABEL, "rows", most=2, columns=(Field("part", LABEL, required=True), Field("price", LABEL, "money"))
    ),
    Field("photos", LABEL, "photos", most=2),
)
GOOD = {"name": "x", "told": "yes"}


LANES = ("assay-writer", "assay-reader")


def no_photo(path: str) -> Photo:
    return Photo(path, "image/png", b"png")


@dataclass
class Bench:
    station: Station
    client: Client
    folder: Path

    async def act(self, step: str, ticket: str, person: str, **fields: Any) -> dict[str, Any]:
        """Do a step and sign what it made."""
        done = await send(self.client, m.DoStep(step=step, ticket=ticket, person=person, fields=fields))
        if "payload" in done:
            return await signed(
                self.station, self.client, person, m.DoStep(step=step, ticket=ticket, person=person, fields=fields)
            )
        return done


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    station = await enrol(tmp_path / "data")
    async with running(station, Cabinet(Phone())) as (_, client):
        yield Bench(station, client, tmp_path)


async def with_self_check(bench: Bench) -> str:
    slot = (await send(bench.client, m.FindDevice(device="mem:SER0001", wait_s=10)))["slot"]
    told = m.Intake(slot=slot, complaint="slow", data_notice_confirmed=True, test_consent=True, person="tech")
    ticket = str((await send(bench.client, told))["ticket"])
    about = {"slot": slot, "ticket": ticket, "stage": "self-check", "person": "tech"}
    path = write_checklist(bench.folder)
    run = (await send(bench.client, m.StartRun(checklist=str(path), **about)))["run"]
    await send(bench.client, m.Watch(slot=slot))
    async for view in bench.client.session():
        if view.prompt:
            where = {"slot": slot, "attempt": view.prompt.attempt, "prompt": view.prompt.id, "person": "tech"}
            await send(bench.client, m.SkipPrompt(**where, reason="nobody"))
        if view.run and view.run.state == "finished":
            break
    await send(bench.client, m.CloseRun(run=run, person="tech"))
    return ticket


async def test_a_step_says_why_it_can_not_be_done_yet(bench: Bench) -> None:
    slot = (await send(bench.client, m.FindDevice(device="mem:SER0001", wait_s=10)))["slot"]
    ticket = (await send(bench.client, m.Intake(slot=slot, complaint="slow", person="tech")))["ticket"]
    told = await send(bench.client, m.StepsQuery(ticket=ticket, person="lead"))
    waive = next(one for one in told["steps"] if one["id"] == "waive")
    assert "no sealed" in waive["why_not"][0]
    with pytest.raises(Trouble, match="no sealed"):
        await bench.act("waive", ticket, "lead", waiver="not-run", checks="look", reason="-")


async def test_a_waiver_is_signed_by_a_lead_and_stored_with_the_ticket(bench: Bench) -> None:
    ticket = await with_self_check(bench)
    done = await bench.act("waive", ticket, "lead", waiver="not-run", checks="look", reason="the customer waits")
    assert (done["kind"], done["ticket"]) == ("waiver/v1", ticket)
    view = await send(bench.client, m.TicketQuery(ticket=ticket))
    assert [one["person"] for one in view["records"] if one["record"] == "waiver/v1"] == ["lead"]


async def test_who_has_not_the_role_can_not_do_the_step(bench: Bench) -> None:
    ticket = await with_self_check(bench)
    with pytest.raises(Trouble) as refused:
        await bench.act("waive", ticket, "tech", waiver="not-run", checks="look", reason="-")
    assert refused.value.code == "person.role"


async def test_a_preview_stores_nothing(bench: Bench) -> None:
    ticket = await with_self_check(bench)
    before = await send(bench.client, m.TicketQuery(ticket=ticket))
    fields = {"waiver": "not-run", "checks": "look", "reason": "why"}
    told = await send(bench.client, m.PreviewStep(step="waive", ticket=ticket, person="lead", fields=fields))
    assert told["says"] == [["check not run look: why", "特批免检：有检测项未检 look：why"]]
    assert await send(bench.client, m.TicketQuery(ticket=ticket)) == before


async def test_a_step_of_a_ticket_that_is_not_here_is_refused(bench: Bench) -> None:
    with pytest.raises(Trouble, match="no ticket"):
        await bench.act("waive", "T-404", "lead", waiver="not-run", checks="look", reason="-")


def test_every_step_has_words_in_both_languages_and_a_known_kind() -> None:
    from reports.kinds import PREDICATES

    for step in steps().values():
        texts = [step.title, step.about, *(field.label for field in step.fields)]
        assert all(text.en.strip() and text.zh.strip() for text in texts), step.id
        assert step.kind in PREDICATES, step.id
        assert step.roles, step.id


def test_what_was_typed_becomes_values() -> None:
    typed = GOOD | {"price": "120.50", "days": "7", "bought": "2024-02-29", "kind": "a", "parts": ["screen; 300"]}
    filled = fill(EVERY, typed, no_photo)
    assert (filled["price"], filled["days"], filled["bought"]) == (12050, 7, datetime.date(2024, 2, 29))
    assert filled["parts"] == ({"part": "screen", "price": 30000},)
    assert filled["photos"] == ()


def test_everything_that_is_wrong_is_said_at_once() -> None:
    typed = {"price": "12.345", "days": "-1", "bought": "2023-02-29", "kind": "c", "told": "no", "what": "1"}
    with pytest.raises(Trouble) as refused:
        fill(EVERY, typed, no_photo)
    assert refused.value.what.en.count("; ") == 6
    assert refused.value.what.zh.count("；") == 6


@given(st.dictionaries(st.sampled_from([field.name for field in EVERY]), st.text() | st.integers() | st.booleans()))
def test_a_form_is_filled_or_refused_and_never_breaks(typed: dict[str, Any]) -> None:
    try:
        filled = fill(EVERY, GOOD | typed, no_photo)
    except Trouble as refused:
        filled = {field.name: None for field in EVERY} if refused.code == "form.wrong" else {}
    assert filled.keys() == {field.name for field in EVERY}


@pytest.mark.parametrize("asked", ["the form", "the step"])
async def test_what_a_step_reads_of_the_programs_files_is_read_before_the_store_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    """Loading the policy of diagnoses takes most of a second, and every phone's journal waits for the store."""
    where: dict[str, list[str]] = {"load_policy": [], "load_checks": []}

    def watched(module: Any, name: str) -> None:
        real = getattr(module, name)

        def load(*given: Any) -> Any:
            where[name].append(threading.current_thread().name)
            return real(*given)

        monkeypatch.setattr(module, name, load)

    watched(checklists.diagnosis.load, "load_policy")
    watched(checklists.load, "load_checks")
    checklists.diagnosis.load.shipped_policy.cache_clear()
    station.steps.diagnosis._checks.cache_clear()
    bench = await enrol(tmp_path)
    async with running(bench, Cabinet()) as (_, client):
        intake = m.Intake(imei=IMEI, model="Phone 1", data_notice_confirmed=True, person="tech")
        ticket = (await send(client, intake))["ticket"]
        if asked == "the form":
            await send(client, m.StepsQuery(ticket=ticket, person="tech"))
        else:
            fields = {"decision": "observation", "words": "w"}
            with contextlib.suppress(Trouble):
                await send(client, m.DoStep(step="diagnosis", ticket=ticket, person="tech", fields=fields))
        assert where["load_policy"]
        assert where["load_checks"]
        assert not {name for names in where.values() for name in names} & set(LANES)
