"""`assay headoffice`, `upload` and `outbox` as a person uses them: from init to acknowledged, over a real process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.station.command_line import run_assay

LEAD = "a lead's secret"


class Machine:
    """One computer with a station and a head office on it, worked by the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")},
            "ASSAY_DATA": str(folder / "data"),
        }

    def assay(self, *args: str, code: int = 0) -> str:
        with pytest.MonkeyPatch.context() as patch:
            ended, out, err = run_assay(self.folder / "data", patch, *args, pin=LEAD, lead_pin=LEAD)
        assert ended == code, (args, out, err)
        return out if code == 0 else out + err

    def json(self, *args: str, code: int = 0) -> dict[str, object]:
        answer: dict[str, object] = json.loads(self.assay(*args, "--json", code=code))
        return answer


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def served(machine: Machine) -> Iterator[tuple[Machine, str, subprocess.Popen[str]]]:
    machine.assay("headoffice", "init", "--simulated")
    serving = subprocess.Popen(
        [sys.executable, "-m", "station.cli", "headoffice", "serve", "--port", "0"],
        env=machine.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert serving.stdout is not None
    url = serving.stdout.readline().strip()
    yield machine, url, serving
    serving.kill()
    serving.wait()
    serving.stdout.close()


def test_from_init_to_acknowledged(served: tuple[Machine, str, subprocess.Popen[str]]) -> None:
    machine, url, serving = served
    station = ("station", "enrol", "--id", "b-03", "--shop", "s-1", "--simulated")
    assert machine.json(*station, "--head-office", url)["head_office_state"] == "pending"
    machine.assay("person", "add", "zhao", "--name", "Zhao", "--role", "lead")

    assert "waits for head office's approval" in machine.assay("upload", code=3)
    shown = str(machine.json("station", "show")["fingerprint"])
    assert shown in machine.assay("headoffice", "approve")
    assert "another one" in machine.assay("headoffice", "approve", "b-03", "--fingerprint", "0" * 32, code=1)
    machine.assay("headoffice", "approve", "b-03", "--fingerprint", shown)

    view = machine.json("upload")
    assert (view["acknowledged"], view["waiting"]) == (2, 0)
    assert machine.json("outbox")["rows"] == []
    assert machine.json("headoffice", "stats")["records"] == {"key-event/v1": 2}
    rows = [json.loads(line) for line in machine.assay("headoffice", "export", "--envelopes").splitlines()]
    assert [(row["station"], row["seq"], row["kind"]) for row in rows] == [
        ("b-03", 1, "key-event/v1"),
        ("b-03", 2, "key-event/v1"),
    ]
    assert json.loads(rows[0]["envelope"])["payloadType"] == "application/vnd.in-toto+json"
    assert "head office has seen it" in machine.assay("verify", "--ledger")

    serving.send_signal(signal.SIGTERM)
    assert serving.wait(timeout=20) == 0
    machine.assay("person", "rotate", "zhao")
    assert "does not answer" in machine.assay("upload", code=3)
    assert machine.json("outbox")["waiting"] == 1


def test_a_station_that_replaces_its_key_goes_on_sending(served: tuple[Machine, str, subprocess.Popen[str]]) -> None:
    machine, url, serving = served
    station = ("station", "enrol", "--id", "b-03", "--shop", "s-1", "--simulated", "--head-office", url)
    machine.assay(*station)
    machine.assay("person", "add", "zhao", "--name", "Zhao", "--role", "lead")
    machine.assay("station", "rotate")  # while it waits for approval: what is compared is the new key
    shown = str(machine.json("station", "show")["fingerprint"])
    machine.assay("headoffice", "approve", "b-03", "--fingerprint", shown)
    assert machine.json("upload")["acknowledged"] == 3

    machine.assay("station", "rotate")
    assert str(machine.json("station", "show")["fingerprint"]) != shown
    assert machine.json("upload")["waiting"] == 0

    serving.send_signal(signal.SIGTERM)
    assert serving.wait(timeout=20) == 0
    machine.assay("station", "rotate")
    machine.assay("station", "rotate")  # twice while nobody answers
    again = subprocess.Popen(
        [sys.executable, "-m", "station.cli", "headoffice", "serve", "--port", url.rpartition(":")[2]],
        env=machine.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert again.stdout is not None
        assert again.stdout.readline().strip() == url
        assert (machine.json("upload")["acknowledged"], machine.json("outbox")["rows"]) == (6, [])
        assert machine.assay(*station).count("approved") == 1
        assert "head office has seen it" in machine.assay("verify", "--ledger")
    finally:
        again.kill()
        again.wait()
        assert again.stdout is not None
        again.stdout.close()


def test_what_cannot_be_served_is_said(machine: Machine) -> None:
    assert "is not a head office" in machine.assay("headoffice", "stats", code=3)
    machine.assay("headoffice", "init")
    assert "already" in machine.assay("headoffice", "init", code=2)
    assert "loopback" in machine.assay("headoffice", "serve", "--host", "0.0.0.0", code=2)
    assert "has asked" in machine.assay("headoffice", "approve", "b-99", code=2)
    folder = machine.folder / "data" / "headoffice"
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir() if path.is_file()} == {
        "headoffice.db": "0o600",
        "headoffice.key": "0o600",
        "headoffice.token": "0o600",
    }


def test_a_demo_station_does_not_pin_a_real_head_office(machine: Machine) -> None:
    machine.assay("headoffice", "init")
    with subprocess.Popen(
        [sys.executable, "-m", "station.cli", "headoffice", "serve", "--port", "0"],
        env=machine.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as serving:
        assert serving.stdout is not None
        url = serving.stdout.readline().strip()
        station = ("station", "enrol", "--id", "b-03", "--shop", "s-1", "--simulated", "--head-office", url)
        assert "never meet" in machine.assay(*station, code=1)
        assert machine.json("station", "show")["head_office"] == ""
        serving.kill()


def test_a_pinned_key_that_does_not_match_is_an_alarm(served: tuple[Machine, str, subprocess.Popen[str]]) -> None:
    machine, url, _ = served
    station = ("station", "enrol", "--id", "b-03", "--shop", "s-1", "--simulated", "--head-office", url)
    assert "do not go on" in machine.assay(*station, "--head-office-key", "ab" * 32, code=1)
    assert machine.json("station", "show")["head_office"] == ""
    machine.assay(*station)
