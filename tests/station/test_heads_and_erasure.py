"""Heads that the engine signs by itself, a clock that is never mended in silence, and data that is gone once erased."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from reports.verify import verify_ledger
from station import messages as m
from station import signing, vault
from station.clock import StationClock
from station.events import Answered, Attached, ClockJudged, Measured, RunAborted, TicketOpened
from station.journal import JOURNAL, event, insert, load
from station.store import Store
from station.vault import VAULT
from tests.station.station_bench import IMEI, Cabinet, Phone, Station, enrol, running, send

NAME, NUMBER, WORDS, NOTE = "Zhang Xiaofang 张小芳", "13912345678", "my photos of Bali are slow", "ask for her sister"
SERIAL = "SER0001"


def heads(station: Station) -> list[int]:
    with closing(sqlite3.connect(station.settings.database)) as db:
        return [size for (size,) in db.execute("SELECT size FROM head ORDER BY size")]


def records(station: Station) -> int:
    with closing(sqlite3.connect(station.settings.database)) as db:
        return int(db.execute("SELECT count(*) FROM record").fetchone()[0])


async def take_in(client: Any, number: int) -> str:
    told = m.Intake(serial=f"X{number:06}", complaint=WORDS, customer_name=NAME, customer_phone=NUMBER, person="tech")
    return str((await send(client, told))["ticket"])


async def test_a_head_is_signed_after_so_many_records_and_when_the_engine_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "HEAD_EVERY", 4)
    station = await enrol(tmp_path / "data")
    before = records(station)
    async with running(station) as (_, client):
        for number in range(9):
            await take_in(client, number)
        while_working = heads(station)
    assert all(later - earlier == 4 for earlier, later in pairwise(while_working))
    assert records(station) == before + 9
    assert heads(station)[-1] == before + 9, "the end of the shift is sealed"
    assert verify_ledger(station.settings.database).ok


async def test_records_cut_off_after_the_shift_are_missed(tmp_path: Path) -> None:
    station = await enrol(tmp_path / "data")
    async with running(station) as (_, client):
        await take_in(client, 1)
    with closing(sqlite3.connect(station.settings.database)) as db, db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        newest = db.execute("SELECT max(seq) FROM record").fetchone()
        for table in ("outbox", "signature", "record"):
            db.execute(f"DELETE FROM {table} WHERE seq = ?", newest)
    assert [problem.what for problem in verify_ledger(station.settings.database).problems] == ["cut"]


async def test_a_clock_that_goes_back_and_comes_again_is_told_both_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = await enrol(tmp_path / "data")
    async with running(station) as (engine, client):
        await take_in(client, 1)
        believed = engine.signing.clock
        stepped = StationClock()
        stepped._contradicted = True
        engine.signing.clock = stepped
        await take_in(client, 2)
        await take_in(client, 3)
        engine.signing.clock = believed
        await take_in(client, 4)
        events = await engine.store.read(load)
        told = [(one.body.before, one.body.now) for one in events if isinstance(one.body, ClockJudged)]
    assert told == [("free-running", "suspect"), ("suspect", "free-running")]


# --- what was erased ---


def on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")))


async def test_after_erasing_no_byte_of_the_customer_is_left_and_every_link_holds(tmp_path: Path) -> None:
    station = await enrol(tmp_path / "data")
    async with running(station, Cabinet(Phone())) as (engine, client):
        slot = (await send(client, m.FindDevice(device=f"mem:{SERIAL}", wait_s=10)))["slot"]
        told = m.Intake(
            slot=slot, complaint=WORDS, appearance=NOTE, customer_name=NAME, customer_phone=NUMBER, person="tech"
        )
        ticket = (await send(client, told))["ticket"]
        kept = vault.Kept("logcat.txt", "text/plain", f"imei {IMEI} of {NAME}".encode())
        stamp = event(Attached(attempt="a", name=kept.name, sha256="f" * 64, bytes=1, media_type="text/plain"), ticket)
        await engine.journal.append([stamp, event(RunAborted(person="tech", reason=NOTE), ticket)], [kept])
        before = await engine.store.read(lambda db: load(db, ticket=ticket))
        await engine.store.write(lambda db: vault.erase(db, ticket))
        assert vault.scrub(station.settings.database)
        after = await engine.store.read(lambda db: load(db, ticket=ticket))
        left = on_disk(station.settings.database)
        for secret in (NAME, "张小芳", NUMBER, WORDS, NOTE, IMEI, SERIAL, "f" * 64):
            assert secret.encode() not in left, secret
            assert json.dumps(secret).strip('"').encode() not in left, secret
    assert [one.body.kind for one in after] == [one.body.kind for one in before], "what happened is still told"
    assert next(one.body.complaint for one in before if isinstance(one.body, TicketOpened)) == WORDS
    assert next(one.body.complaint for one in after if isinstance(one.body, TicketOpened)) == ""
    report = verify_ledger(station.settings.database)
    assert (report.problems, report.records) == ((), records(station))


async def test_telling_of_an_erased_ticket_gives_it_no_new_key(tmp_path: Path) -> None:
    store = Store(tmp_path / "assay.db")
    await store.migrate([VAULT, JOURNAL])
    await store.write(lambda db: insert(db, [event(RunAborted(person="tech", reason=NOTE), "T1")]))
    await store.write(lambda db: vault.erase(db, "T1"))
    await store.write(
        lambda db: insert(db, [event(signing.Sealed(record="erasure/v1", digest="0" * 64, seq=1, person="lead"), "T1")])
    )
    assert await store.read(lambda db: vault.open_scope(db, "T1")) is None
    store.close()


async def test_what_was_answered_and_measured_comes_back_whole_while_it_is_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "assay.db")
    await store.migrate([VAULT, JOURNAL])
    told = [
        Answered(attempt="a", prompt="p", outcome="answered", value=NAME, note=NOTE),
        Measured(
            attempt="a",
            name="n",
            value=("x", NAME),
            unit="",
            source="s",
            verdict="info",
            reason=(NOTE, "备注"),
            limit=None,
            baseline=None,
        ),
    ]
    await store.write(lambda db: insert(db, [event(body, "T1") for body in told]))
    assert [one.body for one in await store.read(lambda db: load(db, ticket="T1"))] == told
    assert NAME.encode() not in on_disk(store.path)
    await store.write(lambda db: vault.erase(db, "T1"))
    answered, measured = (one.body for one in await store.read(lambda db: load(db, ticket="T1")))
    assert (answered.value, answered.note) == ("", "")
    assert (measured.value, tuple(measured.reason)) == (("", ""), ("", ""))
    store.close()


def test_a_journal_of_an_earlier_version_is_sealed_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "assay.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = wal")
        raw.execute("PRAGMA secure_delete = ON")
        db = Database(raw)
        VAULT.apply(db)
        JOURNAL.apply(db, stop_before="m003_sealed_texts")
        vault.open_scope(db, "T1", make=True)
        old = {"kind": "ticket-registered", "person": "tech", "model": "One", "complaint": WORDS}
        for place, ticket in enumerate(("T1", "T2"), 1):  # T2 was erased before the update
            row = (ticket, "", place, place, "boot", old["kind"], json.dumps(old))
            raw.execute(
                "INSERT INTO journal (ticket, run, wall_ms, mono_ns, boot_id, kind, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        JOURNAL.apply(db)
        assert [one.body.complaint for one in load(db)] == [WORDS, ""]
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw.execute("UPDATE journal SET body = '{}'")
    assert vault.scrub(path)
    assert WORDS.encode() not in on_disk(path)
