"""The hand-back's steps from the command line: options as the form has them, two signatures, lists to act on."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from station import messages as m
from tests.station.command_line import run_assay
from tests.station.station_bench import IMEI, Station, enrol, running, send

PIN = "correct horse 7"
ERASED = {
    "media": "internal-storage",
    "method": "clear",
    "how": "factory-reset",
    "tool": "settings",
    "tool-version": "14",
    "verifier": "inspector",
    "verification": "setup-screen",
    "result": "erased",
    "before": "personal",
    "after": "none",
    "backup": "declined",
    "destination": "customer",
}


def options(fields: dict[str, str]) -> list[str]:
    return [word for name, value in fields.items() for word in (f"--{name}", value)]


async def taken_in(folder: Path) -> tuple[Station, str]:
    station = await enrol(folder / "data", pin=PIN)
    async with running(station) as (_, client):
        told = m.Intake(imei=IMEI, model="Phone 1", complaint="slow", customer_name="王小芳", person="tech")
        return station, str((await send(client, told))["ticket"])


def test_two_people_sign_an_erasure_and_what_is_owed_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    station, ticket = asyncio.run(taken_in(tmp_path))
    (pin := tmp_path / "pin").write_text(PIN + "\n", encoding="utf-8")

    def assay(*args: str) -> tuple[int, str, str]:
        return run_assay(station.data, monkeypatch, *args)

    signing = ("--pin-file", str(pin), "--json")
    code, out, err = assay("erase", ticket, *options(ERASED), "--as", "tech", *signing)
    assert code == 0, err
    digest = json.loads(out)["record"]
    verified = ("--record", digest[:16], "--meaning", "verified", "--role", "inspector")
    code, out, err = assay("sign", ticket, "--as", "inspector", *verified, *signing)
    assert (code, [one["kind"] for one in json.loads(out)["signed"]]) == (0, ["erasure/v1"]), err
    code, out, err = assay("deliver", ticket, "--collector", "owner", "--way", "paper", "--as", "tech")
    assert (code, "the customer was shown" in err or "no release" in err) == (1, True), err
    complaint = {"act": "open", "channel": "12315", "words": "slow"}
    code, out, err = assay("grievance", ticket, *options(complaint), "--as", "tech", *signing)
    assert code == 0, err
    code, out, err = assay("ticket", "grievances", "--json")
    assert (code, [one["ticket"] for one in json.loads(out)["grievances"]]) == (0, [ticket])
    code, out, err = assay("ticket", "grievances")
    assert out.startswith(f"  {ticket}")
    code, out, err = assay("ticket", "clocks", ticket)
    assert (code, "24 h" in out, "48 h" in out) == (0, True, True)
    code, out, err = assay("ticket", "follow-ups", "--json")
    assert json.loads(out) == {"follow_ups": []}
