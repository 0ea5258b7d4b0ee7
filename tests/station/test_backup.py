"""Backups: consistent, read back, without keys unless sealed; put back only where nothing is; old copies noticed."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from reports.verify import verify_ledger
from station import messages as m
from station import vault
from station.backup import back_up, restore
from station.errors import Trouble
from station.settings import create_station_key, load_settings
from station.stepping import Stepping
from station.witness import Witness
from tests.station.station_bench import Station, enrol, running, send

PHRASE = "correct horse battery"
NAME = "Zhang Xiaofang"


async def worked(data: Path, tickets: int = 3) -> Station:
    station = await enrol(data, pin="12345678")
    (data / "policy").mkdir()
    (data / "policy" / "counter.toml").write_text("x = 1\n")
    async with running(station) as (_, client):
        for number in range(tickets):
            told = m.Intake(serial=f"X{number}", complaint="slow", customer_name=NAME, person="tech")
            await send(client, told)
    return station


async def test_a_backup_is_whole_and_holds_no_private_key(tmp_path: Path) -> None:
    station = await worked(tmp_path / "data")
    report = back_up(station.settings, tmp_path / "all.zip")
    assert (report.problems, report.keys, report.size) == ((), False, report.records)
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.testzip() is None
        whole = b"".join(archive.read(name) for name in archive.namelist())
    assert {"assay.db", "station.toml", "policy/counter.toml"} == set(report.files)
    assert b"PRIVATE KEY" not in whole
    assert b"assay-person-key" not in whole
    assert (tmp_path / "all.zip").stat().st_mode & 0o077 == 0


async def test_a_backup_beside_a_running_engine_verifies(tmp_path: Path) -> None:
    station = await worked(tmp_path / "data")
    async with running(station) as (_, client):
        await send(client, m.Intake(serial="Y1", complaint="slow", person="tech"))
        report = await asyncio.to_thread(back_up, station.settings, tmp_path / "all.zip")
        await send(client, m.Intake(serial="Y2", complaint="slow", person="tech"))
    assert report.problems == ()
    assert verify_ledger(station.settings.database).ok


async def test_what_was_erased_is_in_no_backup(tmp_path: Path) -> None:
    station = await worked(tmp_path / "data", 1)
    async with running(station) as (engine, client):
        told = m.Intake(serial="SECRET-77", complaint="zebra stripes", customer_name="Quagga", person="tech")
        ticket = (await send(client, told))["ticket"]
        await engine.store.write(lambda db: vault.erase(db, ticket))
    back_up(station.settings, tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        data = archive.read("assay.db")
    assert b"Quagga" not in data
    assert b"SECRET-77" not in data


async def test_a_station_comes_back_whole_with_its_keys_and_goes_on(tmp_path: Path) -> None:
    station = await worked(tmp_path / "data")
    made = back_up(station.settings, tmp_path / "all.zip", PHRASE)
    assert made.keys
    report = restore(tmp_path / "all.zip", tmp_path / "back", PHRASE)
    assert (report.root, report.records) == (made.root, made.records)
    for name in ("station.key", "station.toml", "policy/counter.toml"):
        assert (tmp_path / "back" / name).read_bytes() == (station.data / name).read_bytes()
    again = Station(load_settings(tmp_path / "back"), station.keys)
    async with running(again) as (_, client):
        listed = (await send(client, m.TicketsQuery()))["tickets"]
        await send(client, m.Intake(serial="Z9", complaint="slow", person="tech"))
    assert len(listed) == 3
    assert verify_ledger(again.settings.database).ok


async def test_without_the_passphrase_history_comes_back_and_no_key(tmp_path: Path) -> None:
    station = await worked(tmp_path / "data")
    back_up(station.settings, tmp_path / "all.zip", PHRASE)
    restore(tmp_path / "all.zip", tmp_path / "back")
    assert not (tmp_path / "back" / "station.key").exists()
    assert verify_ledger(tmp_path / "back" / "assay.db").ok
    with pytest.raises(Trouble) as refused:
        restore(tmp_path / "all.zip", tmp_path / "other", "correct horse stapler")
    assert refused.value.code == "backup.passphrase"
    assert not (tmp_path / "other" / "assay.db").exists()


async def test_nothing_is_ever_written_over(tmp_path: Path) -> None:
    station = await worked(tmp_path / "data")
    back_up(station.settings, tmp_path / "all.zip")
    before = (tmp_path / "all.zip").read_bytes()
    with pytest.raises(Trouble, match="exists already"):
        back_up(station.settings, tmp_path / "all.zip")
    assert (tmp_path / "all.zip").read_bytes() == before
    with pytest.raises(Trouble, match="already holds"):
        restore(tmp_path / "all.zip", station.data)
    (tmp_path / "half").mkdir()
    create_station_key(tmp_path / "half")
    with pytest.raises(Trouble, match=r"station\.key"):
        restore(tmp_path / "all.zip", tmp_path / "half")


async def test_a_short_passphrase_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    station = await worked(tmp_path / "data", 1)
    with pytest.raises(Trouble, match="too short"):
        back_up(station.settings, tmp_path / "all.zip", "short")
    assert not (tmp_path / "all.zip").exists()


def rewritten(source: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    with zipfile.ZipFile(source) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return target


def _bit(entries: dict[str, bytes]) -> None:
    data = bytearray(entries["assay.db"])
    data[len(data) // 2] ^= 1
    entries["assay.db"] = bytes(data)


def _outside(entries: dict[str, bytes]) -> None:
    manifest = json.loads(entries["manifest.json"])
    manifest["files"]["policy/../../evil"] = "0" * 64
    entries["policy/../../evil"] = b"x"
    entries["manifest.json"] = json.dumps(manifest).encode()


def _more(entries: dict[str, bytes]) -> None:
    entries["station.key"] = b"planted"


def _fewer(entries: dict[str, bytes]) -> None:
    del entries["station.toml"]


def _no_json(entries: dict[str, bytes]) -> None:
    entries["manifest.json"] = b"["


@pytest.mark.parametrize("change", [_bit, _outside, _more, _fewer, _no_json])
async def test_a_changed_backup_is_refused_and_leaves_nothing(
    tmp_path: Path, change: Callable[[dict[str, bytes]], None]
) -> None:
    station = await worked(tmp_path / "data", 1)
    back_up(station.settings, tmp_path / "all.zip")
    bad = rewritten(tmp_path / "all.zip", tmp_path / "bad.zip", change)
    with pytest.raises(Trouble) as refused:
        restore(bad, tmp_path / "back")
    assert refused.value.code == "backup.broken"
    assert [path.name for path in (tmp_path / "back").iterdir()] == []
    assert not (tmp_path / "evil").exists()


async def test_a_file_cut_short_is_no_backup(tmp_path: Path) -> None:
    station = await worked(tmp_path / "data", 1)
    back_up(station.settings, tmp_path / "all.zip")
    data = (tmp_path / "all.zip").read_bytes()
    for size in (0, 10, len(data) // 2, len(data) - 1):
        (tmp_path / "cut.zip").write_bytes(data[:size])
        with pytest.raises(Trouble, match="not a whole backup"):
            restore(tmp_path / "cut.zip", tmp_path / "back")


async def test_a_backup_that_can_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    station = await worked(tmp_path / "data", 1)
    with pytest.raises(Trouble, match="cannot be written"):
        back_up(station.settings, tmp_path / "no such folder" / "all.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]  # noqa: ASYNC240 - a test


# --- an old copy that goes on ---


async def test_an_old_copy_of_the_ledger_is_noticed_by_what_was_seen_on_this_computer(tmp_path: Path) -> None:
    station = await worked(tmp_path / "data", 1)
    witness_folder = tmp_path / "state"
    shutil.copy(station.settings.database, tmp_path / "old.db")
    async with running(station) as (engine, client):
        await send(client, m.Intake(serial="N1", complaint="slow", person="tech"))
        await send(client, m.Intake(serial="N2", complaint="slow", person="tech"))
        await engine.store.read(Witness("f" * 64, witness_folder).see)
        assert await engine.store.read(Witness("f" * 64, witness_folder).lost) == 0
    for left in station.data.glob("assay.db*"):
        left.unlink()
    shutil.copy(tmp_path / "old.db", station.settings.database)
    async with running(station) as (engine, client):
        assert await engine.store.read(Witness("f" * 64, witness_folder).lost) == 2
        for number in range(5):  # gone on beyond where it was: longer, and still another history
            await send(client, m.Intake(serial=f"O{number}", complaint="slow", person="tech"))
        assert await engine.store.read(Witness("f" * 64, witness_folder).lost) == 1
        assert await engine.store.read(Witness("e" * 64, witness_folder).lost) == 0


async def test_the_engine_says_in_every_run_that_it_works_on_an_old_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = await worked(tmp_path / "data", 1)
    shutil.copy(station.settings.database, tmp_path / "old.db")
    monkeypatch.setattr("station.engine.Witness", lambda key_id: Witness(key_id, tmp_path / "state"))
    # The records are a demo station's; only the engine's own switch is that of a real one.
    real = Station(station.settings.model_copy(update={"simulated": False}), station.keys)
    monkeypatch.setattr("station.signing.Signing.seal_head", _nothing)
    async with running(station) as (_, client):
        await send(client, m.Intake(serial="N1", complaint="slow", person="tech"))
    async with running(real) as (engine, _):
        assert engine._health()["lines"] == []
    for left in station.data.glob("assay.db*"):
        left.unlink()
    shutil.copy(tmp_path / "old.db", station.settings.database)
    for _again in range(2):  # a new start forgets nothing
        async with running(real) as (engine, _):
            assert engine._health()["lines"] == ["ledger.older"]


async def test_an_engine_does_not_work_on_a_ledger_that_lost_a_guard(tmp_path: Path) -> None:
    station = await worked(tmp_path / "data", 1)
    raw = sqlite3.connect(station.settings.database)
    raw.execute("DROP TRIGGER record_no_update")
    raw.close()
    with pytest.raises(Trouble) as caught:
        async with running(station):
            pass
    assert caught.value.code == "ledger.changed"


async def _nothing(self: Stepping) -> None:
    return None
