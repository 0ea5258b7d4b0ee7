"""A ticket diagnosed from a bug report: what it holds is judged, all else is not run, the record says what it was."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from drivers.bugreport import BugreportTransport, put_report, take_report
from drivers.bugreport_file import Report, read_report
from probes.api import discover
from reports.attest import open_record
from reports.ledger import envelope_of
from reports.predicates import Quantity, RunV1
from station import messages as m
from station.bug_reports import report_folder
from station.client import Client
from station.engine import Engine
from station.errors import Trouble
from tests.station.command_line import run_assay
from tests.station.station_bench import Cabinet, Phone, Station, enrol, running, send, until, until_session

TEXT = """\
========================================================
== dumpstate: 2023-11-14 22:24:00
========================================================

------ SYSTEM PROPERTIES (getprop) ------
[ro.serialno]: [SER0001]
[ro.product.model]: [Phone 1]
[ro.build.version.sdk]: [34]
[ro.build.version.security_patch]: [2023-10-05]
[ro.boot.bootreason]: [reboot]
[persist.sys.timezone]: [Europe/London]
------ SYSTEM LOG (logcat -v threadtime -v printable -v uid -d *:v) ------
11-14 21:00:00.400  1000  1200  1200 F DEBUG   : pid: 898, tid: 901, name: p  >>> \
/vendor/bin/hw/android.hardware.camera.provider@2.7-service <<<
------ DUMPSYS (/system/bin/dumpsys) ------
DUMP OF SERVICE battery:
Current Battery Service state:
  USB powered: false
  status: 3
  health: 2
  present: true
  level: 54
  scale: 100
  voltage: 3870
  temperature: 287
DUMP OF SERVICE dropbox:
Drop box contents: 0 entries
========================================================
== dumpstate: done
========================================================
"""
CHECKS = ("crashes", "storage-space", "update", "battery-electrical", "keys", "appearance")


def checklist(folder: Path, stages: str = '"diagnosis", "self-check"') -> Path:
    path = folder / "from-a-report.toml"
    path.write_text(
        'format = 1\nid = "from-a-report"\nversion = 1\ntitle = { en = "report", zh = "报告" }\nplatform = "android"\n'
        f"stages = [{stages}]\n" + "".join(f'[[check]]\nid = "{name}"\n' for name in CHECKS),
        encoding="utf-8",
    )
    return path


@contextlib.asynccontextmanager
async def bench(tmp_path: Path) -> AsyncIterator[tuple[Station, Engine, Client, Report]]:
    """A station whose engine was shown a bug report, and a phone beside it."""
    station = await enrol(tmp_path / "data")
    path = tmp_path / "report.txt"
    path.write_text(TEXT, encoding="utf-8")
    report = read_report(path)
    transport = BugreportTransport(report_folder(station.data), simulated=True)
    async with running(station, transport, Cabinet(Phone()), loaded=discover()) as (engine, client):
        yield station, engine, client, report


async def slot_of(client: Client, device: str) -> int:
    return int((await send(client, m.FindDevice(device=device, wait_s=30)))["slot"])


async def ended(client: Client, slot: int, **about: Any) -> dict[str, Any]:
    await send(client, m.Watch(slot=slot))
    run = (await send(client, m.StartRun(slot=slot, person="tech", **about)))["run"]
    await until_session(client, lambda view: view.run and view.run.run == run and view.run.state == "finished", 60)
    return dict((await send(client, m.RunQuery(run=run)))["document"])


async def test_a_ticket_is_diagnosed_from_a_report_and_the_record_names_it(tmp_path: Path) -> None:
    async with bench(tmp_path) as (station, engine, client, report):
        phone = await slot_of(client, "SER0001")
        ticket = (await send(client, m.Intake(slot=phone, complaint="camera", person="tech")))["ticket"]
        slot = await slot_of(client, put_report(report_folder(station.data), tmp_path / "report.txt", report))
        document = await ended(client, slot, ticket=ticket, checklist=str(checklist(tmp_path)), stage="diagnosis")
        record = (await send(client, m.CloseRun(run=document["run"], person="tech")))["record"]
        envelope = await engine.store.read(lambda db: envelope_of(db, record))
    checks = {check["id"]: check for check in document["checks"]}
    assert (checks["crashes"]["verdict"], checks["crashes"]["finding"]) == ("fail", "CRASHES-HAL")
    assert checks["battery-electrical"]["verdict"] == "pass"
    for name in ("storage-space", "keys", "appearance"):
        assert (checks[name]["verdict"], checks[name]["ending"]) == ("none", "skipped"), name
    assert "bug report does not hold" in checks["storage-space"]["reason"][0]
    assert "only its bug report of 2023-11-14 22:24:00" in checks["keys"]["reason"][0]
    assert envelope is not None
    run = open_record(envelope).statement.predicate
    assert isinstance(run, RunV1)
    patch = next(one for each in run.attempts for one in each.measurements if one.name == "patch_age")
    assert isinstance(patch.value, Quantity)
    assert (patch.value.v, patch.value.u) == (40, "d"), "as old as it was when the report was taken"
    assert patch.source.endswith("the bug report's date, 2023-11-14")
    assert run.device.transport == "bugreport"
    assert run.device.port == f"bugreport-1: 2023-11-14 22:24:00, sha256:{report.sha256}"


async def test_a_report_stands_for_no_phone_after_the_repair(tmp_path: Path) -> None:
    async with bench(tmp_path) as (station, _, client, report):
        slot = await slot_of(client, put_report(report_folder(station.data), tmp_path / "report.txt", report))
        with pytest.raises(Trouble) as refused:
            await ended(client, slot, ticket="", checklist=str(checklist(tmp_path)), stage="self-check")
    assert refused.value.code == "run.recorded"


async def test_a_run_of_a_report_is_not_gone_on_with_on_the_phone(tmp_path: Path) -> None:
    async with bench(tmp_path) as (station, _, client, report):
        phone = await slot_of(client, "SER0001")
        ticket = (await send(client, m.Intake(slot=phone, complaint="-", person="tech")))["ticket"]
        slot = await slot_of(client, put_report(report_folder(station.data), tmp_path / "report.txt", report))
        document = await ended(client, slot, ticket=ticket, checklist=str(checklist(tmp_path)), stage="diagnosis")
        take_report(report_folder(station.data), report)
        await until(client, lambda b: all(c.status == "empty" for c in b.cards if c.slot == slot), 20)
        again = m.Retest(run=document["run"], check="battery-electrical", person="tech", confirmed=True)
        with pytest.raises(Trouble) as refused:
            await send(client, again)
    assert refused.value.code == "run.no-phone"


def test_the_command_runs_a_report_and_takes_it_away_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    station = asyncio.run(enrol(tmp_path / "data"))
    path = tmp_path / "report.txt"
    path.write_text(TEXT, encoding="utf-8")
    listed = str(checklist(tmp_path))
    code, out, err = run_assay(
        station.data, monkeypatch, "run", "--bugreport", str(path), "--checklist", listed, "--json"
    )
    document = json.loads(out)
    assert document["device"]["transport"] == "bugreport", err
    assert "2023-11-14 22:24:00" in document["device"]["port"]
    assert code == 1  # a camera service died
    assert list(report_folder(station.data).glob("*.report")) == []


@pytest.mark.parametrize("about", [["--device", "x", "--bugreport", __file__], []])
def test_the_command_wants_a_phone_or_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, about: list[str]
) -> None:
    code, _, err = run_assay(tmp_path, monkeypatch, "run", *about, "--checklist", "android-intake")
    assert code == 2
    assert "--bugreport" in err


def test_the_command_refuses_what_is_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    station = asyncio.run(enrol(tmp_path / "data"))
    path = tmp_path / "letter.txt"
    path.write_text("Dear shop,\n", encoding="utf-8")
    about = ("--bugreport", str(path), "--checklist", "android-intake")
    code, _, err = run_assay(station.data, monkeypatch, "run", *about)
    assert code == 2
    assert "no bug report" in err
