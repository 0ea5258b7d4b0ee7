"""The station's commands on simulated phones behind the real adb server: shapes, exit codes, a dying engine."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drivers.adb_server import AdbServer
from drivers.sim.bench import SimulatedBench, SimulatedPhone
from station import messages as m
from station.client import Client
from station.errors import Trouble
from station.people import DELAYS_S
from tests.station.station_bench import Station, enrol, send, until_session

PIN = "correct horse"
QUICK = ("battery-health", "storage-space")


@dataclass
class Shop:
    """A station, its phones, and a way to type commands."""

    station: Station
    server: AdbServer
    phones: list[SimulatedPhone]
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        named = {"ANDROID_ADB_SERVER_PORT": str(self.server.address.port), "ASSAY_DATA": str(self.station.data)}
        return {**os.environ, **named, "ASSAY_LANG": "en"}

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "station.cli",
            *arguments,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    async def type(self, *arguments: str) -> tuple[int, str, str]:
        process = await self.start(*arguments)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, out.decode(), err.decode()

    async def json(self, *arguments: str, code: int = 0) -> Any:
        got, out, err = await self.type(*arguments, "--json")
        assert got == code, err
        return json.loads(out)

    def device(self, n: int = 0) -> str:
        return f"adb:{self.phones[n].address}"

    async def client(self) -> Client:
        async with asyncio.timeout(30):
            while True:
                try:
                    return await Client.connect(self.station.data)
                except Trouble:
                    await asyncio.sleep(0.05)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    station = await enrol(tmp_path / "data", pin=PIN)
    (tmp_path / "pin").write_text(PIN + "\n", encoding="utf-8")
    async with SimulatedBench(["healthy", "worn-battery"]) as sim:
        server = AdbServer(home=tmp_path / "adb")
        await server.start()
        for phone in sim.phones:
            await server.connect(phone.address)
        yield Shop(station, server, sim.phones, tmp_path)
        await server.close()


async def test_a_dry_run_judges_the_phone_and_leaves_no_record(shop: Shop) -> None:
    only = [word for check in QUICK for word in ("--only", check)]
    done = await shop.json("run", "--device", shop.device(), "--checklist", "android-intake", *only)
    assert [(check["id"], check["verdict"]) for check in done["checks"]] == [
        ("storage-space", "pass"),
        ("battery-health", "pass"),
    ]
    assert (done["ticket"], done["record"], done["stage"]) == (None, None, "intake")
    assert set(done) >= {"run", "device", "checklist", "person", "started", "ended", "summary"}
    assert all(
        set(one) >= {"name", "value", "unit", "verdict", "limit", "source"} for one in done["checks"][0]["measurements"]
    )
    assert (await shop.json("ticket", "list"))["tickets"] == []
    worn = await shop.json(
        "run", "--device", shop.device(1), "--checklist", "android-intake", "--only", "battery-health", code=1
    )
    assert worn["checks"][0]["verdict"] == "fail"
    assert worn["checks"][0]["finding"]


async def test_wrong_use_a_missing_phone_and_a_missing_station_end_with_their_codes_and_say_what_to_do(
    shop: Shop, tmp_path: Path
) -> None:
    asked = ("run", "--checklist", "android-intake", "--wait", "0.2", "--device")
    code, out, err = await shop.type(*asked, "nowhere")
    assert (code, out) == (3, "")
    assert "[cable]" in err
    code, _, err = await shop.type(*asked, shop.device(), "--ticket", "T1")
    assert (code, "--as" in err) == (2, True)
    code, _, err = await shop.type("--data", str(tmp_path / "empty"), "run", *asked[1:], "x")
    assert (code, "assay station enrol" in err) == (2, True)
    code, _, err = await shop.type("run", "--device", shop.device(), "--checklist", "no-such")
    assert (code, "no-such" in err) == (2, True)


async def test_an_engine_serves_commands_dies_and_is_started_again_with_everything_kept(shop: Shop) -> None:
    pin = ("--pin-file", str(shop.folder / "pin"))
    assert await shop.json("engine", "--status", code=1) == {"running": False}
    engine = await shop.start("engine")
    client = await shop.client()
    taken = await shop.json("intake", "--device", shop.device(), "--complaint", "slow", "--as", "tech")
    ticket = taken["ticket"]
    code, _, err = await shop.type("sign", ticket, "--as", "tech", "--pin-file", os.devnull)
    assert (code, "[person]" in err) == (1, True)
    await asyncio.sleep(DELAYS_S[0])
    signed = await shop.json("sign", ticket, "--as", "tech", *pin)
    assert [(one["kind"], one["meaning"]) for one in signed["signed"]] == [("intake/v1", "performed")]
    await kill_in_the_middle(shop, client, engine, ticket)
    await client.close()
    engine = await shop.start("engine")
    client = await shop.client()
    view = (await shop.json("ticket", "show", ticket))["runs"][0]
    ends = {row["id"]: row["ending"] for row in view["checks"] if row["attempts"]}
    assert ends["keys"] == "interrupted"
    assert {end for check, end in ends.items() if check != "keys"} <= {"completed", "not-applicable"}
    answers = shop.folder / "answers.toml"
    answers.write_text("", encoding="utf-8")
    go_on = ("run", "--device", shop.device(), "--ticket", ticket, "--as", "tech", "--resume")
    gone_on = await shop.json(*go_on, "--answers", str(answers), code=1)
    rows = {row["id"]: row for row in gone_on["checks"]}
    assert gone_on["record"]
    assert [rows[check]["attempts"] for check in ("identity", "keys")] == [1, 2]
    assert {row["ending"] for row in rows.values()} <= {"completed", "not-applicable", "skipped"}
    code, _, err = await shop.type(*go_on)
    assert (code, f"No run of {ticket} was cut short" in err) == (1, True)
    code, _, err = await shop.type(*go_on, "--only", "keys")
    assert (code, "--resume goes with" in err) == (2, True)
    refused = await shop.json("release", ticket, "--as", "inspector", *pin, code=1)
    assert refused["decision"] == "refused"
    assert {"no-self-check", "no-cross-check"} <= set(refused["codes"])
    status = await shop.json("engine", "--status")
    assert (status["running"], status["pid"]) == (True, engine.pid)
    await shop.json("engine", "--stop")
    await asyncio.wait_for(engine.wait(), 20)
    assert engine.returncode == 0
    await client.close()


async def kill_in_the_middle(shop: Shop, client: Client, engine: asyncio.subprocess.Process, ticket: str) -> None:
    """kill -9 while a person is asked to press a key."""
    slot = (await send(client, m.FindDevice(device=shop.device(), wait_s=20)))["slot"]
    await send(client, m.Watch(slot=slot))
    about: dict[str, Any] = {"ticket": ticket, "checklist": "android-intake", "stage": "intake", "person": "tech"}
    await send(client, m.StartRun(slot=slot, **about))
    await until_session(client, lambda view: view.prompt is not None and "keys" in view.prompt.attempt, 30)
    engine.send_signal(signal.SIGKILL)
    await engine.wait()


async def test_a_cable_pulled_from_a_real_server_ends_the_attempt_on_the_cables_side(shop: Shop) -> None:
    engine = await shop.start("engine")
    client = await shop.client()
    slot = (await send(client, m.FindDevice(device=shop.device(), wait_s=20)))["slot"]
    await send(client, m.Watch(slot=slot))
    about: dict[str, Any] = {"ticket": "", "checklist": "android-intake", "stage": "intake", "person": "tech"}
    await send(client, m.StartRun(slot=slot, **about))
    await until_session(client, lambda view: view.prompt is not None, 30)
    shop.phones[0].unplug()
    done = await until_session(client, lambda view: view.run and view.run.state == "finished", 30)
    rows = {row.id: row for row in done.run.checks}
    assert (rows["keys"].ending, rows["keys"].side) == ("errored", "cable")
    assert rows["battery-health"].verdict == "pass"
    await client.close()
    engine.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(engine.wait(), 20) == 0


async def test_answers_come_from_a_file_and_what_it_lacks_is_skipped(shop: Shop) -> None:
    answers = shop.folder / "answers.toml"
    answers.write_text('[appearance]\nfront = "none"\n', encoding="utf-8")
    assert tomllib.loads(answers.read_text(encoding="utf-8"))
    ask = ("run", "--device", shop.device(), "--checklist", "android-intake", "--only", "appearance")
    done = await shop.json(*ask, "--answers", str(answers), code=1)
    check = done["checks"][0]
    assert (check["ending"], check["verdict"]) == ("skipped", "none")
    assert "answers file" in check["reason"][0]
    code, _, _ = await shop.type(*ask, "--answers", str(shop.folder / "pin"))
    assert code == 2


async def test_ctrl_c_ends_the_open_attempt_as_aborted_and_the_command_with_130(shop: Shop) -> None:
    answers = shop.folder / "answers.toml"
    answers.write_text('[keys]\nvolume-up = "wait"\nvolume-down = "wait"\npower = "wait"\n', encoding="utf-8")
    engine = await shop.start("engine")
    client = await shop.client()
    slot = (await send(client, m.FindDevice(device=shop.device(), wait_s=20)))["slot"]
    await send(client, m.Watch(slot=slot))
    ask = ("run", "--device", shop.device(), "--checklist", "android-intake", "--only", "keys")
    command = await shop.start(*ask, "--answers", str(answers))
    await until_session(client, lambda view: view.prompt is not None, 30)
    command.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(command.wait(), 20) == 130
    done = await until_session(client, lambda view: view.run.state == "finished")
    assert (done.run.checks[0].ending, done.run.checks[0].side) == ("aborted", "person")
    await client.close()
    engine.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(engine.wait(), 20) == 0
