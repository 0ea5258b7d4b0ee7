"""A study through the engine and on the command line: planned, measured at the bench, taken from runs, and shown."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from station import messages as m
from station.client import Client
from station.errors import Trouble
from tests.reference.reference_bench import all_ready, checklist, loaded, measure, phone
from tests.station.command_line import run_assay
from tests.station.station_bench import Cabinet, enrol, running, send

PLAN: dict[str, Any] = {"study": "resistance", "checks": ("battery-electrical",), "person": "lead"}


async def planned(client: Client, path: Path, **more: Any) -> dict[str, Any]:
    about: dict[str, Any] = PLAN | {"people": ("tech", "inspector"), "units": 2, "repeats": 2} | more
    return await send(client, m.NewStudy(checklist=str(path), **about))


async def refused(client: Client, command: Any) -> Trouble:
    with pytest.raises(Trouble) as why:
        await send(client, command)
    return why.value


async def test_a_study_from_runs_says_its_figures_once_every_reading_is_there(tmp_path: Path) -> None:
    station, path = await enrol(tmp_path / "data"), checklist(tmp_path)
    cabinet = Cabinet(phone(1, 50), phone(2, 60))
    async with running(station, cabinet, loaded=loaded()) as (_, client):
        await all_ready(client, 2)
        await planned(client, path)
        readings = {
            ("tech", 1): (50, 52),
            ("tech", 2): (60, 62),
            ("inspector", 1): (54, 56),
            ("inspector", 2): (64, 66),
        }
        for (person, slot), values in readings.items():
            for value in values:
                cabinet.phones[slot - 1].answers["cat resistance"] = f"{value}\n"
                run = (await measure(client, slot, path, person=person))["run"]
                before = await send(client, m.StudyQuery(study="resistance"))
                add = m.AddToStudy(study="resistance", run=run, person="lead", unit=f"unit {slot}")
                assert (await send(client, add))["added"]
                assert not (await send(client, add))["added"]  # once is enough
            assert len(before["runs"]) < 8
            for check in before["checks"]:
                assert all(one["why"] and one["repeatability_sd"] is None for one in check["measures"])
        known = await send(client, m.StudyQuery(study="resistance"))
    (check,) = known["checks"]
    found = next(one for one in check["measures"] if one["measure"] == "resistance")
    # within each cell 2 apart: s_r^2 = 2; pooled with an interaction of 0 over 5 degrees: 8/5; persons 4 apart, 4 each
    assert found["why"] is None
    assert found["pooled"] is True
    assert found["repeatability_sd"] == pytest.approx((8 / 5) ** 0.5)
    assert found["reproducibility_sd"] == pytest.approx(((32 - 8 / 5) / 4) ** 0.5)
    assert found["of_limit_percent"] == pytest.approx(100 * 6 * found["combined_sd"] / 240)
    assert check["verdicts"]["counts"] == {"pass": 8}
    assert check["verdicts"]["between"] == 1
    assert check["verdicts"]["fleiss"] is None
    assert "one verdict" in check["verdicts"]["why"][0]


async def test_missing_readings_are_named_and_give_no_figure(tmp_path: Path) -> None:
    station, path = await enrol(tmp_path / "data"), checklist(tmp_path)
    async with running(station, Cabinet(phone(1, "broken")), loaded=loaded()) as (_, client):
        await all_ready(client, 1)
        await planned(client, path, units=1, people=("tech",))
        for _n in range(2):
            run = (await measure(client, 1, path))["run"]
            await send(client, m.AddToStudy(study="resistance", run=run, person="tech", unit="A"))
        known = await send(client, m.StudyQuery(study="resistance"))
    (check,) = known["checks"]
    assert [one["measure"] for one in check["measures"]] == ["temperature"]  # what was never read has no line
    assert check["measures"][0]["repeatability_sd"] == 0
    # a check that was not run agrees with nobody, however often it was not run
    assert check["verdicts"]["counts"] == {"none": 2}
    assert check["verdicts"]["within"] is check["verdicts"]["between"] is check["verdicts"]["fleiss"] is None
    assert "A × tech: 0/2" in check["verdicts"]["why"][0]


async def test_what_does_not_fit_the_plan_is_refused_with_the_reason(tmp_path: Path) -> None:
    station, path = await enrol(tmp_path / "data"), checklist(tmp_path)
    async with running(station, Cabinet(phone(1, 50), phone(2, 50)), loaded=loaded()) as (_, client):
        await all_ready(client, 2)
        await planned(client, path, units=1, people=("tech",))
        new = m.NewStudy(checklist=str(path), people=("tech",), units=1, repeats=2, **PLAN)
        assert "taken" in (await refused(client, new)).what.en
        assert (await refused(client, new.model_copy(update={"study": "Big Name"}))).code == "study.refused"
        assert (await refused(client, new.model_copy(update={"study": "b", "repeats": 1}))).code == "study.refused"
        assert (await refused(client, new.model_copy(update={"study": "b", "people": ("x",)}))).code == "person.unknown"
        mine, other = (await measure(client, 1, path))["run"], (await measure(client, 2, path))["run"]
        theirs = (await measure(client, 1, path, person="inspector"))["run"]
        add = m.AddToStudy(study="resistance", run=mine, person="tech")
        assert (await refused(client, add.model_copy(update={"study": "none"}))).code == "study.unknown"
        assert (await refused(client, add.model_copy(update={"run": "none"}))).code == "run.unknown"
        await send(client, add)
        assert "1 phones" in (await refused(client, add.model_copy(update={"run": other}))).what.en
        assert "inspector" in (await refused(client, add.model_copy(update={"run": theirs}))).what.en
    database = sqlite3.connect(station.data / "assay.db")
    for table in ("study", "study_run", "study_reading"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            database.execute(f"DELETE FROM {table}")
    database.close()


async def test_the_commands_show_plan_and_figures_in_both_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio
    import json

    station, path = await enrol(tmp_path / "data"), checklist(tmp_path)

    def typed(*arguments: str) -> tuple[int, str, str]:
        return run_assay(station.data, monkeypatch, *arguments)

    async def assay(*arguments: str) -> tuple[int, str, str]:
        return await asyncio.to_thread(typed, *arguments)

    cabinet = Cabinet(phone(1, 50))
    async with running(station, cabinet, loaded=loaded()) as (_, client):
        await all_ready(client, 1)
        about = ("--checklist", str(path), "--check", "battery-electrical", "--person", "tech", "--as", "lead")
        code, out, err = await assay("study", "new", "again", *about, "--repeats", "2")
        assert (code, err) == (0, "")
        assert "battery-electrical: tech" in out
        assert (await assay("study", "new", "x", *about, "--check", "nothing"))[0] == 2
        assert (await assay("study", "run", "again", "--as", "tech"))[0] == 2
        code, out, _err = await assay("study", "show", "again")
        assert code == 1
        taken = ("study", "run", "again", "--device", "SER0001", "--as", "tech", "--repeats", "2", "--phone", "A")
        code, out, err = await assay(*taken)
        assert code == 0, err
        assert out.count("phone A") == 2
        code, out, _err = await assay("study", "show", "again")
        assert code == 0
        assert "resistance" in out
        assert "agree with themselves: tech 100 %" in out
        code, out, _err = await assay("study", "show", "again", "--json")
        document = json.loads(out)
        assert {row["person"] for row in document["runs"]} == {"tech"}
        assert document["checks"][0]["measures"][0]["why"] is None
        code, out, _err = await assay("study", "show")
        assert "again" in out

        # the same phone as a reference phone, on the command line
        more = ("--device", "SER0001", "--checklist", str(path), "--as", "tech", "--repeats", "3")
        code, out, err = await assay("reference", "add", *more)
        assert code == 0, err
        assert out.count("2 readings new") == 3
        code, out, _err = await assay("reference", "take", document["runs"][0]["run"], "--as", "tech")
        assert code == 0
        code, out, _err = await assay("reference", "list", "--log")
        assert "maker/phone 1" in out
        assert "+2 -0" in out
        code, out, _err = await assay("reference", "show", "phone 1")
        assert "resistance" in out
        assert (await assay("reference", "show", "nokia"))[0] == 2
        code, out, _err = await assay(
            "reference", "drop", "--as", "tech", "--reason", "test", "--measure", "temperature"
        )
        assert (code, out) == (0, "4 readings do not count any more\n")
        assert (await assay("reference", "export", str(tmp_path / "file")))[0] == 2
        key = station.settings.key_file
        code, out, err = await assay("reference", "export", str(tmp_path / "file"), "--key", str(key))
        assert code == 0, err
        assert (await assay("reference", "export", str(tmp_path / "file"), "--key", str(key)))[0] == 2  # it exists
        code, _out, err = await assay("reference", "import", str(tmp_path / "file"), "--as", "tech")
        assert code == 1
        assert "signed by nobody" in err
