"""The demo plays to its end through the real engine, adb server and head office, and leaves a real data folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Healthy, worn battery (repaired), dead proximity sensor (refused).
PHONES = "3"


def assay(*arguments: str, expect: int = 0) -> str:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("ASSAY_", "ANDROID_", "ADB_"))}
    done = subprocess.run(
        [sys.executable, "-m", "station.cli", *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == expect, done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=[1, 2], ids=["seed 1", "seed 2"])
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    data = tmp_path_factory.mktemp("demo") / "kept"
    arguments = ("demo", "--headless", "--json", "--phones", PHONES, "--seed", str(request.param), "--keep", str(data))
    document: dict[str, Any] = json.loads(assay(*arguments))
    return document


def test_every_ticket_ends_as_its_scenario_says(played: dict[str, Any]) -> None:
    assert [(t["persona"], t["decision"]) for t in played["tickets"]] == [
        ("healthy", "released"),
        ("worn-battery", "released"),
        ("dead-proximity", "refused"),
    ]
    assert played["tickets"][1]["verdicts"]["intake"]["battery-health"] == "fail"
    assert played["tickets"][1]["verdicts"]["self-check"]["battery-health"] == "pass"
    assert played["tickets"][2]["why"]


def test_every_record_is_verified_acknowledged_and_equal_at_head_office(played: dict[str, Any]) -> None:
    assert played["problems"] == []
    assert played["records"] == played["acknowledged"] > 0
    assert played["head_office_equal"] is True


def test_our_verifier_and_the_one_of_the_docs_agree_on_the_ledger(played: dict[str, Any]) -> None:
    data = Path(played["data"])
    ours = json.loads(assay("verify", "--ledger", "--json", "--data", str(data)))
    settings = (data / "station.toml").read_text(encoding="utf-8")
    root = next(line.split('"')[1] for line in settings.splitlines() if line.startswith("head_office_key"))
    theirs = subprocess.run(
        [sys.executable, "-I", str(ROOT / "docs" / "verify.py"), str(data / "assay.db"), root],
        capture_output=True,
        text=True,
    )
    answer = json.loads(theirs.stdout)
    assert theirs.returncode == 0, theirs.stdout
    assert (ours["ok"], ours["records"], ours["signatures"]) == (answer["ok"], answer["records"], answer["signatures"])


def test_the_kept_folder_is_a_real_one_for_the_other_commands(played: dict[str, Any]) -> None:
    ticket = played["tickets"][0]["ticket"]
    shown = json.loads(assay("ticket", "show", ticket, "--json", "--data", played["data"]))
    assert shown["ticket"] == ticket
    assert shown["release"] == "released"


def test_every_record_of_the_demo_says_that_it_is_simulated(played: dict[str, Any]) -> None:
    import base64
    import sqlite3

    db = sqlite3.connect(Path(played["data"]) / "assay.db")
    for (envelope,) in db.execute("SELECT envelope FROM record"):
        statement = json.loads(base64.b64decode(json.loads(envelope)["payload"]))
        assert statement["predicate"]["simulated"] is True


def test_a_folder_with_something_in_it_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    assay("demo", "--headless", "--keep", str(tmp_path), expect=2)
    assert (tmp_path / "mine.txt").read_text() == "keep me"
