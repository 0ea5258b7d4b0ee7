"""Reference phones through the engine: what is kept, what a run is judged with, and what its record proves alone."""

from __future__ import annotations

import base64
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from checklists.reference.table import KEY, read_table
from checklists.verdict import Verdict
from reports.attest import assemble_envelope, open_record, sign
from reports.ledger import envelopes_of
from reports.predicates import MeasurementV1, Quantity, RunV1
from reports.replay import contradictions, resolved
from station import messages as m
from station.client import Client
from station.engine import Engine
from station.errors import Trouble
from station.reference import model_key
from tests.reference.reference_bench import (
    RELATIVE,
    add_reference,
    all_ready,
    checklist,
    loaded,
    measure,
    phone,
)
from tests.station.station_bench import Cabinet, Station, enrol, holds, running, send

GOOD = (50, 51, 52, 50, 53, 49)


async def known_good(client: Client, path: Path, phones: int = len(GOOD)) -> list[dict[str, Any]]:
    await all_ready(client, len(GOOD) + 1)
    return [await add_reference(client, slot, path) for slot in range(1, phones + 1)]


def shop(value: object, **more: Any) -> Cabinet:
    """Six good phones in slots 1 to 6 and a customer's in slot 7."""
    return Cabinet(*(phone(n, good) for n, good in enumerate(GOOD, 1)), phone(7, value, **more))


async def sealed(engine: Engine, client: Client, path: Path, slot: int = 7) -> tuple[dict[str, Any], RunV1]:
    """A ticket's run on the phone in the slot, sealed: its document and its record."""
    ticket = (await send(client, m.Intake(slot=slot, person="tech")))["ticket"]
    document = await measure(client, slot, path, ticket)
    await send(client, m.CloseRun(run=document["run"], person="tech"))
    records = [open_record(data) for data in await engine.store.read(lambda db: envelopes_of(db, ticket))]
    predicate = next(record.statement.predicate for record in records if record.kind == "run/v1")
    assert isinstance(predicate, RunV1)
    return document, predicate


def resistance_of(run: RunV1) -> MeasurementV1:
    """The measurement that is compared."""
    return next(one for one in run.attempts[0].measurements if one.name == "resistance")


def with_resistance(run: RunV1, **changes: Any) -> RunV1:
    """The record with that measurement changed."""
    attempt = run.attempts[0]
    changed = tuple(one.model_copy(update=changes) if one.name == "resistance" else one for one in attempt.measurements)
    return run.model_copy(update={"attempts": (attempt.model_copy(update={"measurements": changed}),)})


def said(run: RunV1) -> list[str]:
    found = resolved(run)
    return [code for code, _ in contradictions(run, found, frozenset({run.checklist_sha256}))]


async def test_an_outlier_warns_inside_the_absolute_limit_and_the_record_alone_says_why(tmp_path: Path) -> None:
    station, path = await enrol(tmp_path / "data"), checklist(tmp_path)
    async with running(station, shop(120), loaded=loaded()) as (engine, client):
        taken = await known_good(client, path)
        assert [one["new"] for one in taken] == [2] * len(GOOD)  # the resistance and the temperature
        assert len({one["device"] for one in taken}) == len(GOOD)
        document, run = await sealed(engine, client, path)
    (row,) = document["checks"]
    assert row["verdict"] == "warn"
    assert "6 reference phones" in row["reason"][0]
    table = read_table(run.bench)
    assert [(one.units, one.readings, one.people) for one in table.rows] == [(6, 6, ("tech",))]
    assert str(table.rows[0].centre) == "50.5"
    assert resistance_of(run).verdict is Verdict.WARN
    assert said(run) == []  # judged again from the record, with the checklist as it was allowed


async def test_a_record_that_leaves_the_warning_or_the_reference_out_contradicts_itself(tmp_path: Path) -> None:
    station, path = await enrol(tmp_path / "data"), checklist(tmp_path)
    async with running(station, shop(120), loaded=loaded()) as (engine, client):
        await known_good(client, path)
        _, run = await sealed(engine, client, path)
    bare = run.model_copy(update={"bench": {key: value for key, value in run.bench.items() if key != KEY}})
    assert said(bare) == ["verdict"]
    assert said(with_resistance(run, verdict=Verdict.PASS)) == ["verdict"]
    assert said(run.model_copy(update={"bench": {KEY: 7}})) == ["reference"]


async def test_a_good_phone_passes_beside_the_reference(tmp_path: Path) -> None:
    station, path = await enrol(tmp_path / "data"), checklist(tmp_path)
    async with running(station, shop(54), loaded=loaded()) as (engine, client):
        await known_good(client, path)
        document, run = await sealed(engine, client, path)
    assert document["checks"][0]["verdict"] == "pass"
    assert said(run) == []


@pytest.mark.parametrize(("value", "verdict"), [(81, "pass"), (82, "fail")])
async def test_a_limit_relative_to_the_reference_is_judged_by_its_centre(
    tmp_path: Path, value: int, verdict: str
) -> None:
    station, path = await enrol(tmp_path / "data"), checklist(tmp_path, RELATIVE)
    async with running(station, shop(value), loaded=loaded()) as (engine, client):
        # three phones: enough for a centre (51), too few to know how far good phones lie apart
        plain = checklist(tmp_path / "plain")
        await known_good(client, plain, 3)
        document, run = await sealed(engine, client, path)
    assert document["checks"][0]["verdict"] == verdict
    assert resistance_of(run).baseline == Quantity(v=51, e=0, u="mOhm")
    assert said(run) == []
    assert said(with_resistance(run, baseline=Quantity(v=99, e=0, u="mOhm"))) == ["verdict"]


async def test_two_readings_are_no_baseline_and_another_model_is_none_either(tmp_path: Path) -> None:
    station, path = await enrol(tmp_path / "data"), checklist(tmp_path, RELATIVE)
    async with running(station, shop(50, model="Phone 2"), loaded=loaded()) as (_, client):
        plain = checklist(tmp_path / "plain")
        await known_good(client, plain, 2)
        assert (await measure(client, 3, path))["checks"][0]["verdict"] == "none"
        await add_reference(client, 3, plain)
        assert (await measure(client, 3, path))["checks"][0]["verdict"] == "pass"
        other = (await measure(client, 7, path))["checks"][0]
        assert other["verdict"] == "none"
        assert "reference" in other["reason"][0]


async def test_a_retest_is_judged_by_what_the_run_began_with(tmp_path: Path) -> None:
    station, path = await enrol(tmp_path / "data"), checklist(tmp_path, RELATIVE)
    async with running(station, shop(50), loaded=loaded()) as (engine, client):
        plain = checklist(tmp_path / "plain")
        await known_good(client, plain, 3)
        ticket = (await send(client, m.Intake(slot=7, person="tech")))["ticket"]
        first = await measure(client, 7, path, ticket)
        await send(client, m.DropReference(person="tech", reason="all wrong", model="maker/phone 1"))
        await send(client, m.Retest(run=first["run"], check="battery-electrical", person="tech", confirmed=True))
        await holds(lambda: not engine.work.running)
        again = (await send(client, m.RunQuery(run=first["run"])))["document"]["checks"][0]
        assert (again["attempts"], again["verdict"]) == (2, "pass")


async def test_readings_are_kept_for_ever_and_striking_says_who_and_why(tmp_path: Path) -> None:
    station, path = await enrol(tmp_path / "data"), checklist(tmp_path)
    async with running(station, shop(50), loaded=loaded()) as (_, client):
        taken = await known_good(client, path, 3)
        again = await send(client, m.TakeReference(run=taken[0]["run"], person="tech"))
        assert (again["new"], again["known"]) == (0, 2)
        struck = await send(client, m.DropReference(person="lead", reason="had water", phone=taken[0]["device"]))
        assert struck == {"struck": 2}
        (model,) = (await send(client, m.ReferenceQuery()))["models"]
        assert (model["model"], model["readings"], model["phones"]) == ("maker/phone 1", 4, 2)
        back = await send(client, m.TakeReference(run=taken[0]["run"], person="tech"))
        assert (back["new"], back["again"]) == (0, 2)
        known = await send(client, m.ReferenceQuery(model="Phone 1"))
        row, _ = known["measures"]
        assert row["measure"] == "resistance"
        assert (row["readings"], row["phones"], row["mean"], row["median"]) == (3, 3, 51.0, 51.0)
        assert row["baseline"] is True
        assert row["flag_above"] is None  # three phones do not know their own spread
        changes = (await send(client, m.ReferenceQuery()))["changes"]
        assert [(one["action"], one["person"], one["added"], one["struck"]) for one in changes] == [
            ("add", "tech", 2, 0),
            ("add", "tech", 2, 0),
            ("add", "tech", 2, 0),
            ("add", "tech", 0, 0),
            ("drop", "lead", 0, 2),
            ("add", "tech", 2, 0),
        ]
        assert "had water" in changes[4]["note"]
    database = sqlite3.connect(station.data / "assay.db")
    for table in ("reference_reading", "reference_mark", "reference_change"):
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET seq = seq + 100"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(statement)
    told = " ".join(map(str, database.execute("SELECT * FROM reference_reading").fetchall()))
    database.close()
    assert "SER0001" not in told
    assert "35693803564" not in told


async def refused(client: Client, command: Any) -> str:
    with pytest.raises(Trouble) as why:
        await send(client, command)
    return why.value.code


async def test_a_failed_phone_a_run_that_is_not_sealed_and_a_stranger_give_no_reference(tmp_path: Path) -> None:
    station, path = await enrol(tmp_path / "data"), checklist(tmp_path)
    async with running(station, shop(999), loaded=loaded()) as (_, client):
        await all_ready(client, 7)
        failed = (await measure(client, 7, path))["run"]
        assert await refused(client, m.TakeReference(run=failed, person="tech")) == "reference.nothing"
        good = (await measure(client, 1, path))["run"]
        assert await refused(client, m.TakeReference(run=good, person="nobody")) == "person.unknown"
        ticket = (await send(client, m.Intake(slot=2, person="tech")))["ticket"]
        unsealed = (await measure(client, 2, path, ticket))["run"]
        assert await refused(client, m.TakeReference(run=unsealed, person="tech")) == "reference.not-sealed"
        await send(client, m.CloseRun(run=unsealed, person="tech"))
        assert (await send(client, m.TakeReference(run=unsealed, person="tech")))["new"] == 2
        known = (await send(client, m.ReferenceQuery(model="maker/phone 1")))["readings"]
        assert known[0]["record"]
        nothing = m.DropReference(person="tech", reason=" ", model="maker/phone 1")
        assert await refused(client, nothing) == "reference.drop"
        assert await refused(client, m.DropReference(person="tech", reason="all")) == "reference.drop"
        assert await refused(client, m.ReferenceQuery(model="nokia")) == "reference.model"


async def handed(station: Station, client: Client, by: str = "tech", signer: str = "") -> bytes:
    asked = m.ExportReference(person=by)
    payload = base64.b64decode((await send(client, asked))["payload"])
    return assemble_envelope(payload, [sign(payload, station.keys[signer or by])])


def taking(envelope: bytes) -> m.ImportReference:
    return m.ImportReference(envelope=base64.b64encode(envelope).decode(), person="lead")


async def test_a_file_is_taken_from_whom_the_station_knows_and_once(tmp_path: Path) -> None:
    station, path = await enrol(tmp_path / "data"), checklist(tmp_path)
    async with running(station, shop(50), loaded=loaded()) as (_, client):
        await known_good(client, path, 3)
        envelope = await handed(station, client)
        assert await send(client, taking(envelope)) == {"new": 0, "again": 0, "known": 6, "signer": "tech"}
        assert await refused(client, taking(await handed(station, client, signer="lead"))) == "reference.signer"
        assert await refused(client, taking(envelope.replace(b'"sig":"', b'"sig":"A', 1))) == "reference.file"
        assert await refused(client, taking(b"{}")) == "reference.file"
        bad = m.ImportReference(envelope="%%%", person="lead")
        assert await refused(client, bad) == "reference.file"


async def test_what_head_office_signed_is_compared_with_in_another_shop_where_the_place_means_nothing(
    tmp_path: Path,
) -> None:
    from reports.attest import generate_key, public_raw

    head_office = generate_key()
    first = await enrol(tmp_path / "first")
    path = checklist(tmp_path)
    async with running(first, shop(50), loaded=loaded()) as (_, client):
        await known_good(client, path)
        asked = m.ExportReference(person="")
        payload = base64.b64decode((await send(client, asked))["payload"])
    envelope = assemble_envelope(payload, [sign(payload, head_office)])
    second = await enrol(tmp_path / "second", head_office_key=public_raw(head_office).hex())
    async with running(second, Cabinet(phone(1, 120)), loaded=loaded()) as (_, client):
        await all_ready(client, 1)
        assert (await measure(client, 1, path))["checks"][0]["verdict"] == "pass"
        assert (await send(client, taking(envelope)))["signer"] == "head-office"
        assert (await measure(client, 1, path))["checks"][0]["verdict"] == "warn"
    third = await enrol(tmp_path / "third")
    async with running(third, loaded=loaded()) as (_, client):
        assert await refused(client, taking(envelope)) == "reference.signer"


@pytest.mark.parametrize(
    ("maker", "model", "key"),
    [
        ("samsung", "SM-G991B", "samsung/sm-g991b"),
        ("Google", "Google Pixel 7", "google/pixel 7"),
        ("HUAWEI", "  Mate\u00a040  Pro ", "huawei/mate 40 pro"),
        ("Ｘｉａｏｍｉ", "a/b", "xiaomi/a b"),
        ("", "", "/"),
    ],
)
def test_a_model_is_one_however_it_is_written(maker: str, model: str, key: str) -> None:
    assert model_key(maker, model) == key
