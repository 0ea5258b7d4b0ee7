"""`assay devices`, `assay identify` and `assay doctor` as a person or a script runs them."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from adb_bench import AdbBench, adb_bench

from drivers.api import LinkState
from drivers.sim.bench import Fault, FaultKind
from station import i18n
from station.cli import main
from station.commands import doctor
from station.errors import EXIT_BENCH, EXIT_NO, EXIT_OK, EXIT_USE


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(folder: Path, bench: AdbBench | None) -> dict[str, str]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("ADB_", "ANDROID_", "ASSAY_"))}
    environ |= {"ASSAY_DATA": str(folder / "data"), "ASSAY_LANG": "en"}
    if bench is not None:
        environ["ANDROID_ADB_SERVER_PORT"] = str(bench.server.address.port)
    return environ


def in_this_process(words: tuple[str, ...], environ: dict[str, str]) -> Ended:
    """One command with streams and an environment of its own; the simulated phones go on in the test's own thread."""
    out, err, language = io.StringIO(), io.StringIO(), i18n.language()
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environ)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main(list(words))
    finally:
        os.environ.clear()
        os.environ.update(before)
        i18n.set_language(language)
    return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())


async def assay(folder: Path, bench: AdbBench | None, *words: str, **more: str) -> Ended:
    async with asyncio.timeout(60):
        return await asyncio.to_thread(in_this_process, words, environment(folder, bench) | more)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[AdbBench]:
    async with adb_bench(tmp_path, ["healthy", "unauthorised", "android5"]) as bench:
        await bench.link(0)
        await bench.link(1, LinkState.UNAUTHORIZED)
        await bench.link(2)
        yield bench


async def test_devices_lists_every_phone_with_what_blocks_it(tmp_path: Path, bench: AdbBench) -> None:
    well, asking, old = bench.sim.phones
    ended = await assay(tmp_path, bench, "devices", "--json")
    assert (ended.code, ended.err) == (EXIT_OK, "")
    rows = {row["id"]: row for row in ended.json["devices"]}
    keys = {"id", "transport", "state", "serial", "model", "platform", "os", "port", "ticket", "blocked_by"}
    assert keys | {"next_step", "simulated"} <= set(rows[f"adb:{well.address}"])
    assert rows[f"adb:{well.address}"]["serial"] == well.serial
    assert rows[f"adb:{well.address}"]["os"] == well.persona.android.release
    assert rows[f"adb:{well.address}"]["blocked_by"] is None
    assert rows[f"adb:{old.address}"]["serial"] == old.serial
    blocked = rows[f"adb:{asking.address}"]
    assert (blocked["state"], blocked["blocked_code"]) == ("unauthorized", "adb.unauthorized")
    assert "Allow" in blocked["next_step"]
    chinese = await assay(tmp_path, bench, "--lang", "zh", "devices")
    assert re.search(r"解锁手机", chinese.out)


async def test_a_mute_phone_is_listed_and_holds_the_others_up_no_longer_than_its_time(
    tmp_path: Path, bench: AdbBench
) -> None:
    bench.phone.fault = Fault(FaultKind.HANG)
    ended = await assay(tmp_path, bench, "devices", "--json")
    rows = {row["id"]: row for row in ended.json["devices"]}
    assert rows[f"adb:{bench.phone.address}"]["blocked_code"] == "adb.no-answer"
    assert rows[f"adb:{bench.sim.phones[2].address}"]["blocked_by"] is None


async def test_devices_watch_prints_each_change_until_stopped(tmp_path: Path, bench: AdbBench) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "station.cli", "devices", "--watch", "--json"),
        env=environment(tmp_path, bench),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(40):
        first = [json.loads(await process.stdout.readline()) for _ in range(3)]
        assert {row["change"] for row in first} == {"appeared"}
        bench.phone.unplug()
        gone = json.loads(await process.stdout.readline())
        assert (gone["change"], gone["id"]) == ("gone", f"adb:{bench.phone.address}")
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in err


async def test_identify_tells_who_a_phone_is_and_where_each_value_came_from(tmp_path: Path, bench: AdbBench) -> None:
    phone = bench.phone
    ended = await assay(tmp_path, bench, "identify", phone.serial[3:].lower(), "--json")
    assert ended.code == EXIT_OK, ended.err
    document = ended.json
    assert (document["serial"], document["model"]) == (phone.serial, phone.persona.model.model)
    measured = {row["name"]: row for row in document["measurements"]}
    assert measured["serial"]["value"] == phone.serial
    assert measured["serial"]["source"]
    assert all(row["reason"] for row in document["unread"])
    shown = await assay(tmp_path, bench, "identify", phone.serial)
    assert phone.serial in shown.out


async def test_a_name_that_fits_several_phones_is_asked_back_and_a_script_gets_the_candidates(
    tmp_path: Path, bench: AdbBench
) -> None:
    ended = await assay(tmp_path, bench, "identify", "127.0.0.1", "--json")
    assert (ended.code, ended.out) == (EXIT_USE, "")
    assert all(phone.address in ended.err for phone in bench.sim.phones)


async def test_a_name_that_fits_no_phone_says_what_was_seen(tmp_path: Path, bench: AdbBench) -> None:
    ended = await assay(tmp_path, bench, "identify", "nobody")
    assert ended.code == EXIT_BENCH
    assert bench.phone.address in ended.err
    assert "→" in ended.err


async def test_an_unauthorised_phone_cannot_be_identified_and_says_what_to_tap(tmp_path: Path, bench: AdbBench) -> None:
    ended = await assay(tmp_path, bench, "identify", bench.sim.phones[1].address)
    assert ended.code == EXIT_BENCH
    assert "Allow" in ended.err


async def test_without_a_server_devices_says_so_and_is_no_success(tmp_path: Path) -> None:
    ended = await assay(tmp_path, None, "devices", "--json", ANDROID_ADB_SERVER_PORT="1")
    assert (ended.code, ended.json) == (EXIT_BENCH, {"devices": [], "without_debugging": []})
    assert "127.0.0.1:1" in ended.err
    wrong = await assay(tmp_path, None, "devices", ADB_SERVER_SOCKET="nonsense")
    assert wrong.code == EXIT_BENCH
    assert "ADB_SERVER_SOCKET" in wrong.err


# -- doctor ------------------------------------------------------------------------------------------------------------


async def test_doctor_finds_a_well_bench_well_and_mends_what_is_not(tmp_path: Path, bench: AdbBench) -> None:
    ended = await assay(tmp_path, bench, "doctor", "--json")
    checks = {row["id"]: row for row in ended.json["checks"]}
    assert {"adb", "adb-clash", "adb-server", "usb", "disk", "data", "clock"} <= set(checks)
    assert checks["adb-server"]["status"] == "ok"
    assert f":{bench.server.address.port}" in checks["adb-server"]["what"]
    assert all(row["mend"] for row in checks.values() if row["status"] != "ok")
    assert ended.json["ok"] == (ended.code == EXIT_OK)


async def test_doctor_says_no_when_the_bench_cannot_work(tmp_path: Path) -> None:
    ended = await assay(tmp_path, None, "doctor", "--json", ANDROID_ADB_SERVER_PORT="1")
    assert (ended.code, ended.json["ok"]) == (EXIT_NO, False)
    shown = await assay(tmp_path, None, "--lang", "zh", "doctor", ANDROID_ADB_SERVER_PORT="1")
    assert "→" in shown.out
    assert "adb 服务" in shown.out


async def test_doctor_names_an_adb_server_of_another_version() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        writer.write(b"OKAY00040020")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    finding = await doctor.adb_server({"ANDROID_ADB_SERVER_PORT": str(port)})
    server.close()
    assert (finding.status, finding.mend is not None) == ("fail", True)
    assert f"pid {os.getpid()}" in finding.what.en
    assert ", 32" in finding.what.en


def test_doctor_warns_of_another_adb_on_the_path(tmp_path: Path) -> None:
    other = tmp_path / "adb"
    other.write_text("#!/bin/sh\necho 'Android Debug Bridge version 1.0.32'\n")
    other.chmod(0o755)
    assert doctor.other_adb(str(tmp_path)).status == "warn"
    assert "1.0.32" in doctor.other_adb(str(tmp_path)).what.en
    other.write_text("#!/bin/sh\necho 'Android Debug Bridge version 1.0.41'\necho 'Version 34.0.4-debian'\n")
    assert doctor.other_adb(str(tmp_path)).status == "ok"
    other.write_text("#!/bin/sh\nexit 1\n")
    assert doctor.other_adb(str(tmp_path)).status == "warn"
    assert doctor.other_adb(str(tmp_path / "none")).status == "ok"


@pytest.mark.parametrize(("free", "status"), [(10**12, "ok"), (500 * 2**20, "warn"), (10 * 2**20, "fail")])
def test_doctor_looks_at_the_room_on_the_disk(tmp_path: Path, free: int, status: str) -> None:
    finding = doctor.disk(tmp_path / "not" / "there" / "yet", free)
    assert (finding.status, finding.mend is None) == (status, status == "ok")


def test_doctor_really_writes_into_the_data_folder(tmp_path: Path) -> None:
    assert doctor.data_folder_writable(tmp_path).status == "ok"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("not a folder")
    assert doctor.data_folder_writable(tmp_path / "file").status == "fail"


def test_doctor_doubts_a_clock_before_its_own_time() -> None:
    assert doctor.clock(0.0, None).status == "fail"
    assert doctor.clock(1_900_000_000.0, False).status == "warn"
    assert doctor.clock(1_900_000_000.0, None).status == "ok"
    assert doctor.clock(1_900_000_000.0, True).status == "ok"


def test_doctor_names_whoever_else_claims_our_import_names() -> None:
    here = {name: f"/opt/assay/{name}" for name in ("drivers", "probes", "checklists", "reports", "station")}
    mine = {name: ["assay"] for name in here}
    assert [finding.status for finding in doctor.import_names(mine, here)] == ["ok"]
    assert [finding.status for finding in doctor.import_names({}, here)] == ["ok"]
    (claimed,) = doctor.import_names({**mine, "drivers": ["assay", "gpu-drivers"]}, here)
    assert (claimed.id, claimed.status) == ("import-drivers", "fail")
    assert "gpu-drivers" in claimed.what.zh
    astray = doctor.import_names(mine, {**here, "reports": "/usr/lib/reports"})
    assert all(finding.status == "fail" for finding in astray)
    assert doctor.import_names(mine, {name: here[name] for name in list(here)[:4]})[0].id == "import-station"


def test_doctor_knows_a_phone_rule_when_it_sees_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getgroups", list)
    assert doctor.usb_rights("darwin", [], tmp_path).status == "ok"
    assert doctor.usb_rights("linux", [tmp_path], tmp_path / "no-bus").status == "warn"
    assert doctor.usb_rights("linux", [tmp_path], tmp_path).status == "warn"
    (tmp_path / "51-android.rules").write_text('SUBSYSTEM=="usb", TAG+="uaccess"\n')
    assert doctor.usb_rights("linux", [tmp_path], tmp_path).status == "ok"
