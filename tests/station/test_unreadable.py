"""One damaged ticket: set aside alone, with its reason and what to do, never handed out, nothing of it changed.

The damage is done to the data file while no engine is at work: a disk that gives other bits back than it was given, or
an older program that meets a newer one's journal.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from reports import ledger
from reports.attest import sign
from reports.record import digest_of
from reports.verify import VerifyReport, verify_ledger
from station import messages as m
from station import vault
from station.client import Client
from station.commands import doctor
from station.errors import Trouble
from station.events import ChangeGivenUp, DeviceSeen, Identifying, RunOpened, Sealed
from station.journal import JOURNAL, Journal, event, load
from station.rebuilding import rebuild
from station.recovery import close_what_is_open
from station.session import fold
from station.settings import load_settings
from station.store import Store
from station.unreadable import Unreadable
from station.vault import VAULT
from tests.station.command_line import run_assay
from tests.station.delivery_bench import USUAL, counter
from tests.station.station_bench import (
    Cabinet,
    Phone,
    Station,
    enrol,
    holds,
    probes,
    running,
    send,
    signed,
    until,
    write_checklist,
)
from tests.station.test_engine_faults import start
from tests.station.test_journal import opened
from tests.station.writing_bench import RADIO, Switches, writing, writing_check

Change = Callable[[sqlite3.Connection, str], None]


@contextlib.contextmanager
def opened_file(data: Path) -> Iterator[sqlite3.Connection]:
    """The data file without its guards, as a failing disk has it."""
    with contextlib.closing(sqlite3.connect(data / "assay.db")) as db:
        guards = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            db.execute(f"DROP TRIGGER {name}")
        yield db
        for _, sql in guards:
            db.execute(sql)
        db.commit()


def first(db: sqlite3.Connection, ticket: str, kind: str) -> tuple[int, str]:
    query = "SELECT seq, body FROM journal WHERE ticket = ? AND kind = ? ORDER BY seq LIMIT 1"
    seq, body = db.execute(query, (ticket, kind)).fetchone()
    return int(seq), str(body)


def put(db: sqlite3.Connection, seq: int, body: str | bytes) -> None:
    db.execute("UPDATE journal SET body = CAST(? AS TEXT) WHERE seq = ?", (body, seq))


def cut(db: sqlite3.Connection, ticket: str) -> None:
    seq, body = first(db, ticket, "ticket-opened")
    put(db, seq, body[: len(body) // 2])


def cut_pack(db: sqlite3.Connection, ticket: str) -> None:
    seq, body = first(db, ticket, "attempt-parts")
    told = json.loads(body)
    put(db, seq, json.dumps(told | {"fields": {}}))


def no_text(db: sqlite3.Connection, ticket: str) -> None:
    seq, body = first(db, ticket, "sealed")
    put(db, seq, body.encode().replace(b"intake", b"int\xffke"))


def cipher(db: sqlite3.Connection, ticket: str) -> None:
    seq, body = first(db, ticket, "ticket-opened")
    told = json.loads(body)
    sealed = told["serial"]["sealed"]
    told["serial"]["sealed"] = ("B" if sealed[0] != "B" else "C") + sealed[1:]
    put(db, seq, json.dumps(told))


def other_key(db: sqlite3.Connection, ticket: str) -> None:
    db.execute("UPDATE erasable SET key = ? WHERE scope = ?", (bytes(32), ticket))


def short_key(db: sqlite3.Connection, ticket: str) -> None:
    db.execute("UPDATE erasable SET key = ? WHERE scope = ?", (bytes(3), ticket))


def newer_kind(db: sqlite3.Connection, ticket: str) -> None:
    seq, body = first(db, ticket, "sealed")
    put(db, seq, json.dumps(json.loads(body) | {"kind": "weighed"}))


def newer_field(db: sqlite3.Connection, ticket: str) -> None:
    seq, body = first(db, ticket, "run-finished")
    put(db, seq, json.dumps(json.loads(body) | {"weight_g": 180}))


DAMAGE: dict[str, tuple[Change, str]] = {
    "cut": (cut, "is damaged"),
    "cut-pack": (cut_pack, "is damaged"),
    "no-text": (no_text, "is damaged"),
    "cipher": (cipher, "does not open with its key"),
    "other-key": (other_key, "does not open with its key"),
    "short-key": (short_key, "is damaged"),
    "newer-kind": (newer_kind, "only a newer Assay knows"),
    "newer-field": (newer_field, "only a newer Assay knows"),
}


def journal_of(data: Path, ticket: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(data / "assay.db")) as db:
        db.text_factory = bytes
        return db.execute("SELECT * FROM journal WHERE ticket = ? ORDER BY seq", (ticket,)).fetchall()


async def taken_in(station: Station, client: Client, slot: int, **more: Any) -> str:
    done = await send(client, m.Intake(slot=slot, person="tech", data_notice_confirmed=True, **more))
    about = {"target": done["record"], "person": "tech", "role": "technician", "meaning": "performed"}
    await signed(station, client, "tech", m.PrepareSignoff(**about))
    return str(done["ticket"])


@dataclass
class Two:
    """A station at rest with a ticket that is released, and one whose phone was only taken in."""

    station: Station
    folder: Path
    released: str
    other: str

    def phones(self) -> tuple[Phone, Phone]:
        says = {"cat level": "80\n"}
        return Phone(answers=says), Phone("SER0002", (), "Phone 2", "usb:1-2", says)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Two:
    folder = tmp_path_factory.mktemp("two")

    async def work() -> Two:
        async with counter(folder) as shop:
            released = await shop.released()
            shop.cabinet.put(Phone("SER0002", (), "Phone 2", "usb:1-2"))
            slot = (await send(shop.client, m.FindDevice(device="mem:SER0002", wait_s=10)))["slot"]
            other = await taken_in(shop.station, shop.client, slot)
            return Two(shop.station, folder, released, other)

    return asyncio.run(work())


@pytest.fixture
def two(made_once: Two, tmp_path: Path) -> Two:
    shutil.copytree(made_once.folder, tmp_path / "two")
    data = tmp_path / "two" / "data"
    return replace(made_once, folder=tmp_path / "two", station=Station(load_settings(data), made_once.station.keys))


# --- a station with one damaged ticket -------------------------------------------------------------------------------


def refusals(two: Two) -> list[m.Command]:
    """Whatever would conclude something from the ticket, or hand its phone out."""
    about: dict[str, Any] = {"ticket": two.released, "person": "inspector"}
    with contextlib.closing(sqlite3.connect(two.station.data / "assay.db")) as db:
        (run,) = db.execute("SELECT min(run) FROM journal WHERE kind = 'run-opened'").fetchone()
    return [
        m.TicketQuery(ticket=two.released),
        m.ClocksQuery(ticket=two.released),
        m.StartRun(slot=1, checklist=str(two.folder / "bench-test.toml"), stage="diagnosis", **about),
        m.Intake(slot=1, **about),
        m.PrepareRelease(**about),
        m.DoStep(step="deliver", fields=USUAL, **{**about, "person": "tech"}),
        m.PreviewStep(step="deliver", fields=USUAL, **{**about, "person": "tech"}),
        m.DoStep(step="close", fields={}, **about),
        m.ExportBundle(ticket=two.released, out=str(two.folder / "out.bundle"), public=True),
        m.RunQuery(run=run),
        m.CloseRun(run=run, person="tech"),
        m.ResumeRun(run=run, person="tech"),
    ]


async def codes(client: Client, commands: Sequence[m.Command]) -> list[str]:
    found = []
    for command in commands:
        try:
            await send(client, command)
        except Trouble as trouble:
            found.append(trouble.code)
        else:
            found.append("done")
    return found


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_ticket_that_can_not_be_read_is_set_aside_alone_with_its_reason(two: Two, damage: str) -> None:
    change, why = DAMAGE[damage]
    with opened_file(two.station.data) as db:
        change(db, two.released)
    lain = journal_of(two.station.data, two.released)
    one, other = two.phones()
    async with running(two.station, Cabinet(one, other)) as (engine, client):
        bench = await until(client, lambda b: [card.status for card in b.cards] == ["ready", "ready"])
        assert [words.en for words in bench.troubles] == [engine.work.aside[two.released].what.en]
        assert two.released in bench.troubles[0].en
        assert why in bench.troubles[0].en
        assert "hand the phone out" in engine.work.aside[two.released].next_step.en
        assert [card.ticket for card in bench.cards] == ["", two.other]
        rows = (await send(client, m.TicketsQuery()))["tickets"]
        assert {row["ticket"]: row["state"] for row in rows} == {two.released: "unreadable", two.other: "received"}
        told = await codes(client, refusals(two))
        assert told == ["ticket.unreadable"] * len(told)
        begin = m.StartRun(
            slot=2,
            ticket=two.other,
            checklist=str(two.folder / "bench-test.toml"),
            stage="diagnosis",
            person="tech",
            only=("battery",),
        )
        run = (await send(client, begin))["run"]
        await holds(lambda: not engine.work.running)
        assert (await send(client, m.RunQuery(run=run)))["view"]["summary"]["pass"] == 1
        new = await send(client, m.Intake(slot=1, person="tech"))
        assert new["ticket"] not in (two.released, two.other)
    assert journal_of(two.station.data, two.released) == lain


async def test_a_release_that_was_prepared_elsewhere_is_not_stored_on_a_ticket_that_is_set_aside(two: Two) -> None:
    one, _ = two.phones()
    async with running(two.station, Cabinet(one)) as (engine, client):
        records = await engine.store.read(lambda db: ledger.envelopes_of(db, two.released))
        about = {"target": digest_of(records[0]), "person": "lead", "role": "inspector", "meaning": "verified"}
        prepared = await send(client, m.PrepareSignoff(**about))
        with opened_file(two.station.data) as db:
            cut(db, two.released)
        engine.work.sessions.pop(two.released)
        key_id, signature = sign(base64.b64decode(prepared["payload"]), two.station.keys["lead"])
        signed = m.CommitRecord(
            payload=prepared["payload"], key_id=key_id, signature=base64.b64encode(signature).decode()
        )
        assert await codes(client, [signed]) == ["ticket.unreadable"]
        assert await engine.store.read(lambda db: ledger.envelopes_of(db, two.released)) == records


async def test_verify_still_sees_every_record_of_a_ticket_that_is_set_aside(two: Two) -> None:
    def seen() -> VerifyReport:
        return verify_ledger(two.station.data / "assay.db")

    before = seen()
    with opened_file(two.station.data) as db:
        cut(db, two.released)
    assert seen() == before
    async with running(two.station):
        pass
    assert (seen().records, seen().problems) == (before.records, ())


async def test_doctor_names_the_ticket_the_reason_and_what_to_do(two: Two) -> None:
    file = two.station.data / "assay.db"
    assert [(one.status, one.what.en) for one in doctor.tickets(file)] == [("ok", "every open ticket can be read")]
    with opened_file(two.station.data) as db:
        cut(db, two.released)
    (found,) = doctor.tickets(file)
    assert (found.status, two.released in found.what.en) == ("warn", True)
    assert found.mend is not None
    assert "under a new ticket" in found.mend.en
    assert doctor.tickets(two.folder / "nothing.db")[0].what.en == "no tickets yet"


async def test_rebuilt_lists_keep_a_ticket_that_can_not_be_read(two: Two) -> None:
    def listed() -> list[Any]:
        with contextlib.closing(sqlite3.connect(two.station.data / "assay.db")) as db:
            return db.execute("SELECT * FROM ticket ORDER BY ticket").fetchall()

    before = listed()
    with opened_file(two.station.data) as db:
        cut(db, two.released)
    store = Store(two.station.data / "assay.db")
    done = await store.write(rebuild)
    assert [(one.table, one.row, one.mended) for one in done.differences] == [("journal", two.released, False)]
    assert listed() == before
    await store.write(lambda db: db.execute("DELETE FROM ticket WHERE ticket = ?", [two.released]))
    await store.write(rebuild)
    assert [(number, bool(is_open)) for number, *_, is_open in listed()] == [(two.released, True), (two.other, True)]
    store.close()


async def test_commands_list_the_ticket_as_unreadable_and_say_why_it_is_not_shown(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened_file(two.station.data) as db:
        cut(db, two.released)
    async with running(two.station):
        code, out, err = await asyncio.to_thread(run_assay, two.station.data, monkeypatch, "ticket", "list")
        assert (code, err) == (0, "")
        assert [row.split()[3] for row in out.splitlines() if two.released in row] == ["unreadable"]
        code, out, err = await asyncio.to_thread(
            run_assay, two.station.data, monkeypatch, "ticket", "show", two.released
        )
        assert (code, out) == (3, "")
        assert "is set aside, it can't be read" in err
        assert "under a new ticket" in err


async def test_several_that_can_not_be_read_are_one_line_of_the_bench(two: Two) -> None:
    with opened_file(two.station.data) as db:
        cut(db, two.released)
        cut(db, two.other)
    async with running(two.station) as (_, client):
        (words,) = (await until(client, lambda b: b.troubles)).troubles
        assert words.en.startswith("2 tickets are set aside")
        assert two.released in words.zh
        assert two.other in words.zh


async def test_what_an_older_engine_allowed_still_holds_beside_a_row_of_its_start_that_is_damaged(two: Two) -> None:
    with opened_file(two.station.data) as db:
        seq, body = first(db, "", "engine-started")
        put(db, seq, body[:20])
    async with running(two.station, policy=None) as (engine, _):
        assert await engine.store.read(ledger.last_link) is not None


# --- a run that was open, a change that is owed ----------------------------------------------------------------------


async def test_what_is_owed_to_phones_is_undone_although_a_row_about_another_change_is_damaged(tmp_path: Path) -> None:
    hangs = probes(writing("test.radio", RADIO, then=lambda bench: asyncio.sleep(60)))
    checklist = write_checklist(tmp_path, (writing_check("radio", "test.radio"),))
    station = await enrol(tmp_path / "data")
    one, two = Switches(), Switches("SER0002", (), "Phone 2", "usb:1-2")
    cabinet = Cabinet(one, two)
    async with running(station, cabinet, loaded=hangs) as (engine, client):
        bench = await until(client, lambda b: [card.status for card in b.cards] == ["ready", "ready"])
        slots = {card.serial_tail: card.slot for card in bench.cards}
        tickets = [await taken_in(station, client, slot, test_consent=True) for slot in (slots["0001"], slots["0002"])]
        for slot, ticket in zip((slots["0001"], slots["0002"]), tickets, strict=True):
            await send(client, start(checklist, ticket, "diagnosis", slot=slot))
        await holds(lambda: (one.off, two.off) == (["radio"], ["radio"]))
        cabinet.pull(one)
        cabinet.pull(two)
        await holds(lambda: len(engine.work.changes) == 2 and not engine.work.running)
    with opened_file(station.data) as db:
        cut(db, tickets[0])
        seq, body = first(db, tickets[1], "phone-writing")
        put(db, seq, body.replace('"undo"', '"odnu"'))
    one.present = two.present = True
    async with running(station, Cabinet(one, two), loaded=hangs) as (engine, client):
        await holds(lambda: not one.off)
        await holds(lambda: not engine.work.changes)
        assert set(engine.work.aside) == set(tickets)
        assert not set(tickets) & set(engine.work.sessions)  # what was just told of them makes no session by itself
        told = await codes(client, [m.TicketQuery(ticket=ticket) for ticket in tickets])
        assert told == ["ticket.unreadable"] * 2


async def test_a_run_that_was_open_in_a_damaged_ticket_is_left_as_it_is_and_the_others_are_ended(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "assay.db")
    await store.migrate([VAULT, JOURNAL])
    journal = Journal(store)
    about = {"stage": "diagnosis", "person": "tech", "checklist": {}, "checklist_sha256": "0", "probes": {}}
    seen = DeviceSeen(slot=1, transport="mem", port="usb:1", serial=Identifying(identity="SER"))
    for ticket in ("T1", "T2"):
        run = f"{ticket}/run/1"
        await journal.append([event(RunOpened(device=seen, **about), ticket, run)])
    with opened_file(tmp_path) as db:
        seq, body = first(db, "T1", "run-opened")
        put(db, seq, body[:-1])
    lain = journal_of(tmp_path, "T1")
    ended = await store.write(close_what_is_open)
    assert [(each.ticket, each.body.kind) for each in ended] == [("T2", "run-finished")]
    assert journal_of(tmp_path, "T1") == lain
    store.close()


# --- the journal alone -----------------------------------------------------------------------------------------------


async def test_an_erased_ticket_is_readable_although_something_told_later_made_a_new_key(tmp_path: Path) -> None:
    store = Store(tmp_path / "assay.db")
    await store.migrate([VAULT, JOURNAL])
    journal = Journal(store)
    erasure = Sealed(record="erasure/v1", digest="0" * 64, seq=1, person="tech", decision="records-erased")
    await journal.append([event(opened(), "T1"), event(erasure, "T1")])
    await store.write(lambda db: vault.erase(db, "T1"))
    given_up = ChangeGivenUp(attempt="T1/run/1/battery/1", change="c", person="tech", reason="never came back")
    await journal.append([event(given_up, "T1")])
    told = await store.read(lambda db: load(db, ticket="T1"))
    session = fold(told)
    assert session.opened is not None
    assert session.opened.serial.identity is None
    assert isinstance(told[-1].body, ChangeGivenUp)
    assert told[-1].body.reason == "never came back"
    store.close()


@pytest.fixture(scope="module")
def a_journal(made_once: Two) -> Path:
    return made_once.station.data / "assay.db"


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_byte_of_a_row_is_changed_either_it_is_read_or_it_is_named(
    a_journal: Path, data: st.DataObject
) -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as copy:
        with contextlib.closing(sqlite3.connect(a_journal)) as file:
            file.backup(copy)
        for name in ("no_update", "no_delete", "no_replace"):
            copy.execute(f"DROP TRIGGER journal_{name}")
        db = Database(copy)
        (ticket,) = copy.execute("SELECT min(ticket) FROM journal WHERE ticket != ''").fetchone()
        rows = copy.execute(
            "SELECT seq, CAST(body AS BLOB) FROM journal WHERE ticket = ? ORDER BY seq", [ticket]
        ).fetchall()
        seq, body = data.draw(st.sampled_from(rows))
        at = data.draw(st.integers(0, len(body) - 1))
        byte = data.draw(st.integers(0, 255))
        copy.execute(
            "UPDATE journal SET body = CAST(? AS TEXT) WHERE seq = ?", (body[:at] + bytes([byte]) + body[at + 1 :], seq)
        )
        aside: dict[str, Unreadable] = {}
        told = load(db, ticket=ticket, aside=aside)
        assert fold(told) is not None
        missing = {row[0] for row in rows} - {each.seq for each in told}
        assert missing == {trouble.seq for trouble in aside.values()} <= {seq}
        if aside:
            with pytest.raises(Unreadable, match=ticket):
                load(db, ticket=ticket)
        assert copy.text_factory is str


# --- tickets that are not in memory ----------------------------------------------------------------------------------


async def test_a_step_on_a_ticket_that_was_closed_before_the_engine_began_shows_all_of_it(tmp_path: Path) -> None:
    async with counter(tmp_path) as shop:
        ticket = await shop.delivered()
        count = len(shop.engine.work.sessions[ticket].records)
        station = shop.station
    async with running(station) as (engine, client):
        assert ticket not in engine.work.sessions
        fields = {"act": "open", "channel": "counter", "words": "rude", "owner": "lead"}
        await send(client, m.DoStep(step="grievance", ticket=ticket, person="lead", fields=fields))
        view = await send(client, m.TicketQuery(ticket=ticket))
        assert (view["ticket"], view["state"], len(view["records"])) == (ticket, "grievance open", count + 1)
        assert (await send(client, m.TicketsQuery()))["tickets"][0]["ticket"] == ticket
