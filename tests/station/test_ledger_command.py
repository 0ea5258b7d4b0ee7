"""`assay ledger`: what it shows, what a later artefact misses, and derived tables that come back as they were."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reports.verify import export_bundle, verify_ledger
from station import messages as m
from station.cli import main
from tests.station.station_bench import Station, enrol, running, send


def assay(station: Station, capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, Any]:
    with pytest.raises(SystemExit) as done:
        main(["--data", str(station.data), *args])
    out = capsys.readouterr().out
    return int(done.value.code or 0), json.loads(out) if out.startswith("{") else out


@pytest.fixture
async def station(tmp_path: Path) -> Station:
    station = await enrol(tmp_path / "data")
    async with running(station) as (_, client):
        for number in range(3):
            await send(client, m.Intake(serial=f"X{number}", complaint="slow", person="tech"))
    return station


def attack(station: Station, *statements: str) -> None:
    """What somebody with write access to the file does; the guards are put back, as that somebody would."""
    with closing(sqlite3.connect(station.settings.database)) as db, db:
        guards = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)
        for _, sql in guards:
            db.execute(sql)


def content(station: Station, table: str) -> list[Any]:
    with closing(sqlite3.connect(station.settings.database)) as db:
        return sorted(db.execute(f"SELECT * FROM {table}").fetchall(), key=str)


def test_show_says_how_far_the_ledger_has_come(station: Station, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = assay(station, capsys, "ledger", "show", "--json")
    assert (code, told["records"], told["head"]) == (0, 7, 7)
    assert told["clock"] == "free-running"
    code, text = assay(station, capsys, "ledger", "show")
    assert told["root"] in text


def test_heads_lists_signed_heads_and_writes_the_newest(
    station: Station, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, told = assay(station, capsys, "ledger", "heads", "--json", "--export", str(tmp_path / "head.json"))
    assert (code, told["heads"][0]["size"]) == (0, 7)
    code, told = assay(station, capsys, "ledger", "show", "--json", "--against", str(tmp_path / "head.json"))
    assert (code, told["missing"]) == (0, [])


@pytest.mark.parametrize("artefact", ["head", "bundle", "record"])
def test_records_cut_off_with_every_trace_in_the_file_are_missed_by_a_later_artefact(
    station: Station, capsys: pytest.CaptureFixture[str], tmp_path: Path, artefact: str
) -> None:
    kept = tmp_path / artefact
    if artefact == "head":
        assay(station, capsys, "ledger", "heads", "--json", "--export", str(kept))
    with closing(sqlite3.connect(station.settings.database)) as db:
        ticket, envelope = db.execute("SELECT ticket, envelope FROM record ORDER BY seq DESC").fetchone()
        if artefact == "bundle":
            kept.write_bytes(export_bundle(db, ticket))
        if artefact == "record":
            kept.write_bytes(envelope)
    cut = [f"DELETE FROM {table} WHERE seq = 7" for table in ("outbox", "signature", "record")]
    attack(station, "DELETE FROM head", *cut)
    assert verify_ledger(station.settings.database).ok, "nothing in the file can tell"
    code, told = assay(station, capsys, "ledger", "show", "--json", "--against", str(kept))
    assert code == 1
    assert told["missing"][0]["what"] == "cut"


def test_a_forged_artefact_accuses_nobody(station: Station, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    forged = tmp_path / "head"
    assay(station, capsys, "ledger", "heads", "--json", "--export", str(forged))
    forged.write_bytes(forged.read_bytes().replace(b'"sig":"A', b'"sig":"B').replace(b'"sig":"', b'"sig":"A', 1)[:-1])
    code, told = assay(station, capsys, "ledger", "show", "--json", "--against", str(forged))
    assert (code, told) == (1, "")


def test_rebuilding_a_good_store_changes_nothing(station: Station, capsys: pytest.CaptureFixture[str]) -> None:
    tables = ("record", "head", "receipt", "signature", "acknowledged", "outbox", "ticket", "journal")
    before = {table: content(station, table) for table in tables}
    code, told = assay(station, capsys, "ledger", "rebuild", "--json")
    assert (code, told["differences"]) == (0, [])
    assert told["rows"]["signature"] == len(before["signature"])
    assert {table: content(station, table) for table in tables} == before


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM signature WHERE seq = 3",
        "UPDATE signature SET key_id = hex(randomblob(32)) WHERE seq = 2",
        "DELETE FROM ticket",
        "UPDATE ticket SET state = 'closed', open = 0",
        "DELETE FROM outbox WHERE seq > 4",
        "UPDATE outbox SET state = 'quarantined'",
    ],
)
def test_a_derived_table_comes_back_from_what_it_follows_from(
    station: Station, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    tables = ("signature", "outbox", "ticket")
    before = {table: content(station, table) for table in tables}
    attack(station, damage)
    code, told = assay(station, capsys, "ledger", "rebuild", "--json")
    assert code == 1
    assert all(one["mended"] for one in told["differences"])
    assert {table: content(station, table) for table in tables} == before
    assert assay(station, capsys, "ledger", "rebuild", "--json")[0] == 0
    assert verify_ledger(station.settings.database).ok


@pytest.mark.parametrize("column", ["digest", "chain", "wall_ms", "kind", "envelope"])
def test_what_is_evidence_is_named_and_never_written_over(
    station: Station, capsys: pytest.CaptureFixture[str], column: str
) -> None:
    to = {"wall_ms": "1", "kind": "'x'", "envelope": "CAST(replace(envelope, 'A', 'B') AS BLOB)"}
    attack(station, f"UPDATE record SET {column} = {to.get(column, 'lower(hex(randomblob(32)))')} WHERE seq = 5")
    before = content(station, "record")
    code, told = assay(station, capsys, "ledger", "rebuild", "--json")
    assert code == 1
    named = [one for one in told["differences"] if one["table"] == "record"]
    assert named[0]["row"] == "5"
    assert not named[0]["mended"]
    assert content(station, "record") == before


async def test_an_engine_that_runs_is_not_disturbed(station: Station, capsys: pytest.CaptureFixture[str]) -> None:
    async with running(station):
        code, told = assay(station, capsys, "ledger", "rebuild", "--json")
    assert (code, told) == (1, "")


def test_backup_and_restore_from_the_command_line(
    station: Station, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "phrase").write_text("correct horse battery\n")
    sealed = ("--keys", "--passphrase-file", str(tmp_path / "phrase"), "--json")
    code, made = assay(station, capsys, "backup", str(tmp_path / "all.zip"), *sealed)
    assert (code, made["keys"], made["problems"]) == (0, True, [])
    again = Station(station.settings.model_copy(update={"data": tmp_path / "back"}), station.keys)
    code, back = assay(again, capsys, "restore", str(tmp_path / "all.zip"), *sealed)
    assert (code, back["head"]) == (0, made["head"])
    assert assay(again, capsys, "ledger", "show", "--json")[1]["root"] == made["head"]["root"]
    assert assay(again, capsys, "restore", str(tmp_path / "all.zip"), *sealed)[0] == 2
