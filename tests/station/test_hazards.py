"""A dangerous battery seen in a run keeps later load checks of that run from starting, and of later runs too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from probes.api import Loaded, Measurement, discover
from probes.battery_dump import READ_BATTERY
from station import messages as m
from station.cli import main
from tests.station.station_bench import Cabinet, Phone, declared, enrol, running, send, until, until_session

CHECKLIST = """format = 1
id = "bench-hazards"
version = 1
title = { en = "hazards", zh = "安全" }
platform = "android"
stages = ["intake", "self-check"]
"""


def battery(tenths: int) -> str:
    return (
        "Current Battery Service state:\n  AC powered: false\n  USB powered: true\n  status: 2\n  health: 2\n"
        f"  present: true\n  level: 80\n  scale: 100\n  voltage: 4100\n  temperature: {tenths}\n  technology: Li-ion\n"
    )


def loaded(started: list[str]) -> Loaded:
    """The real probes, and a day of use that only says that it was begun."""

    async def usage(bench: Any, **settings: object) -> AsyncIterator[Measurement]:
        started.append("usage-scenario")
        yield Measurement("usage_events", Decimal(0), "test")

    real = discover()
    about = real.probes["android.usage-scenario"]
    # Automatic, harmless and with a declared read: such a check shares a script with its neighbours if nothing forbids.
    fake = declared(about.id, usage, reads=(READ_BATTERY,), measures=about.measures, settings=about.settings)
    return replace(real, probes={**real.probes, about.id: fake})


def checklist(folder: Path, *checks: str) -> Path:
    path = folder / "hazards.toml"
    path.write_text(CHECKLIST + "".join(f'[[check]]\nid = "{one}"\n' for one in checks), encoding="utf-8")
    return path


async def document(client: Any, ticket: str, path: Path, stage: str, answer: str = "") -> dict[str, Any]:
    await send(client, m.Watch(slot=1))
    start = m.StartRun(slot=1, ticket=ticket, checklist=str(path), stage=stage, person="tech")
    run = (await send(client, start))["run"]
    view = await until_session(client, lambda v: v.run and v.run.run == run and (v.prompt or v.run.state == "finished"))
    if view.prompt:
        told = m.AnswerPrompt(slot=1, attempt=view.prompt.attempt, prompt=view.prompt.id, value=answer, person="tech")
        await send(client, told)
        await until_session(client, lambda v: v.run and v.run.run == run and v.run.state == "finished")
    found: dict[str, Any] = (await send(client, m.RunQuery(run=run)))["document"]
    return found


def row(found: dict[str, Any], check: str) -> dict[str, Any]:
    return next(one for one in found["checks"] if one["id"] == check)


@pytest.mark.parametrize(("tenths", "starts"), [(310, True), (449, True), (450, False), (520, False)])
async def test_a_hot_battery_read_by_an_earlier_check_keeps_load_from_starting(
    tmp_path: Path, tenths: int, starts: bool
) -> None:
    started: list[str] = []
    path = checklist(tmp_path, "battery-electrical", "usage-scenario")
    phone = Phone(answers={READ_BATTERY.script: battery(tenths)})
    station = await enrol(tmp_path / "data")
    async with running(station, Cabinet(phone), loaded=loaded(started)) as (_, client):
        await until(client, lambda b: b.cards and b.cards[0].status == "ready")
        found = await document(client, "", path, "intake")
    assert row(found, "battery-electrical")["verdict"] == ("pass" if tenths <= 450 else "fail")
    used = row(found, "usage-scenario")
    assert started == (["usage-scenario"] if starts else [])
    assert used["verdict"] == ("pass" if starts else "none")
    if not starts:
        assert used["ending"] == "skipped"
        assert "battery hot" in used["reason"][0]
        assert "电池过热" in used["reason"][1]


async def test_a_swollen_battery_seen_by_a_person_forbids_load_now_and_in_the_next_run_until_repaired(
    tmp_path: Path,
) -> None:
    started: list[str] = []
    shape, use = checklist(tmp_path, "battery-shape"), tmp_path / "use.toml"
    use.write_text(CHECKLIST + '[[check]]\nid = "usage-scenario"\n', encoding="utf-8")
    station = await enrol(tmp_path / "data")
    async with running(station, Cabinet(Phone()), loaded=loaded(started)) as (_, client):
        await until(client, lambda b: b.cards and b.cards[0].status == "ready")
        ticket = (await send(client, m.Intake(slot=1, complaint="thick", person="tech")))["ticket"]
        assert row(await document(client, ticket, shape, "intake", "lifted"), "battery-shape")["verdict"] == "fail"
        again = row(await document(client, ticket, use, "intake"), "usage-scenario")
        assert (again["ending"], started) == ("skipped", [])
        assert "battery swollen" in again["reason"][0]
        repaired = row(await document(client, ticket, use, "self-check"), "usage-scenario")
        assert (repaired["verdict"], started) == ("pass", ["usage-scenario"])


async def test_a_ticket_is_diagnosed_from_its_runs_and_its_complaint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    station = await enrol(tmp_path / "data")
    monkeypatch.setenv("ASSAY_DATA", str(tmp_path / "data"))
    path = checklist(tmp_path, "battery-shape")
    async with running(station, Cabinet(Phone()), loaded=loaded([])) as (_, client):
        await until(client, lambda b: b.cards and b.cards[0].status == "ready")
        ticket = (await send(client, m.Intake(slot=1, complaint="手机发热，后盖翘起", person="tech")))["ticket"]
        await document(client, ticket, path, "intake", "lifted")

        def diagnosed() -> int:
            with pytest.raises(SystemExit) as ended:
                main(["diagnose", ticket, "--json"])
            return int(ended.value.code or 0)

        code = await asyncio.to_thread(diagnosed)
    answer = json.loads(capsys.readouterr().out)
    assert (code, answer["ticket"], answer["causes"]) == (0, ticket, ["battery-swollen"])
    assert answer["plan"][0]["repair"] == "make-safe"
    assert [one["id"] for one in answer["hazards"]] == ["battery-swollen"]
    assert [one["symptom"] for one in answer["suggested"]] == ["phone-hot", "swollen"]
