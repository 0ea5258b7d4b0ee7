"""Every check of the catalogue on a phone on which it passes, one on which it doesn't, and one on which it is not run.

A case is `tests/catalogue/<check>.toml`. Its tables are ways: `[pass]`; `[fail]`, `[warn]` or `[info]` for what the
check says of a phone that is not as it should be; and `[not_run]`. In each:

- `persona`: a simulated phone; `change` is laid over its file, table by table (lists are replaced whole).
- `answers`: what a person answers, by prompt id; else hands do what the part says (`drivers.sim.parts`).
  `hands = "none"`: nobody does anything, every prompt is skipped.
- `ticket`: `imei` and `serial` as the ticket has them, where the check compares them (empty: the phone's own).
- `settings`: settings of the check that are different here.
- `reason`, `finding`, `ending`: what the reason must contain, the fault code, and how it ended, where they matter.

The phones stand behind the real adb server and are checked by the real engine. The station has a card of
the model that most simulated phones are, and of no other of theirs.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from checklists.load import load_checklist
from drivers.sim.persona import CARDS, Persona
from probes.api import discover
from station import messages as m
from station.cards import FOLDER
from station.client import Client
from station.demo.hands import Hands
from station.errors import Trouble
from tests.drivers.adb_bench import AdbBench, adb_bench
from tests.station.station_bench import enrol, running, send

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CHECKS = {path.stem: path for path in sorted((ROOT / "checklists" / "checks").glob("*.toml"))}
CASES = {path.stem: path for path in sorted(HERE.glob("*.toml"))}
PERSONAS = ROOT / "drivers" / "sim" / "personas"
CATALOGUE = ROOT / "docs" / "catalogue.toml"
#: What a way asserts unless it says otherwise.
VERDICTS = {"pass": "pass", "fail": "fail", "warn": "warn", "info": "info", "not_run": "none"}


@dataclass(frozen=True)
class Way:
    """One way of a case."""

    name: str
    said: Mapping[str, Any]

    @property
    def verdict(self) -> str:
        return str(self.said.get("verdict", VERDICTS[self.name]))

    def persona(self) -> Persona:
        with (PERSONAS / f"{self.said['persona']}.toml").open("rb") as file:
            return Persona.model_validate(merged(tomllib.load(file), self.said.get("change", {})))


def merged(table: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """`change` laid over `table`, table by table."""
    laid = dict(table)
    for key, value in change.items():
        under = laid.get(key)
        laid[key] = merged(under, value) if isinstance(value, dict) and isinstance(under, dict) else value
    return laid


def ways(check: str) -> list[Way]:
    """The ways of a check's case."""
    found = tomllib.loads(CASES[check].read_text(encoding="utf-8"))
    return [Way(name, said) for name, said in found.items()]


def rows() -> list[dict[str, Any]]:
    """The rows of the catalogue."""
    found: list[dict[str, Any]] = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))["row"]
    return found


def test_every_row_that_a_cable_or_a_person_can_do_on_android_has_a_check_in_a_shipped_checklist() -> None:
    shipped = {
        check.id for path in (ROOT / "checklists").glob("android-*.toml") for check in load_checklist(path).checks
    }
    missing = {row["id"]: set(row["android"]) - shipped for row in rows() if set(row["android"]) - shipped}
    assert not missing


def test_every_row_without_a_check_says_why() -> None:
    assert not [row["id"] for row in rows() if not row["android"] and not row.get("why", "").strip()]


def test_every_check_has_a_phone_that_passes_one_that_does_not_and_one_on_which_it_is_not_run() -> None:
    assert not CHECKS.keys() - CASES.keys()
    assert not CASES.keys() - CHECKS.keys()
    for check in CASES:
        names = {way.name for way in ways(check)}
        assert "not_run" in names, check
        assert names & {"fail", "warn", "info"}, check
        assert "pass" in names or names & {"info"}, check


def test_the_rows_are_those_of_the_catalogue_as_it_was_agreed(shared: Path) -> None:
    agreed = set()
    for line in (shared / "design" / "checks.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("| id |"):
            agreed |= {name.strip() for name in line.split("|")[1].split(",")}
    assert {row["id"] for row in rows()} == agreed


@pytest.mark.parametrize("check", CASES)
async def test_each_way_ends_as_it_says(tmp_path: Path, check: str) -> None:
    all_ways = ways(check)
    async with adb_bench(tmp_path, [way.persona() for way in all_ways]) as bench:
        station = await enrol(tmp_path / "data")
        shutil.copytree(CARDS, station.data / FOLDER)
        async with running(station, bench.transport, loaded=discover()):
            phones = list(enumerate(all_ways))
            alone = [(at, way) for at, way in phones if "ticket" in way.said]
            together = [(at, way) for at, way in phones if "ticket" not in way.said]
            await asyncio.gather(*(judge(bench, station.data, tmp_path, check, way, at) for at, way in together))
            for at, way in alone:
                await judge(bench, station.data, tmp_path, check, way, at)


async def judge(bench: AdbBench, data: Path, folder: Path, check: str, way: Way, number: int) -> None:
    """Run the check on this phone, and hold what came of it against the case."""
    row = await run_check(bench, data, checklist(folder, check, way, number), check, way, number)
    said = f"{check} [{way.name}]: {row.ending} {row.verdict}: {row.reason.en if row.reason else ''}"
    assert (row.verdict or "none") == way.verdict, said
    assert row.ending != "errored", said
    if way.verdict in ("fail", "none", "warn"):
        assert row.reason is not None, said
        assert row.reason.zh.strip(), said
    if reason := way.said.get("reason"):
        assert row.reason is not None, said
        assert reason in row.reason.en, said
    if ending := way.said.get("ending"):
        assert row.ending == ending, said
    if finding := way.said.get("finding"):
        assert row.finding == finding, said


async def run_check(bench: AdbBench, data: Path, path: Path, check: str, way: Way, number: int) -> m.CheckRow:
    """The row of the check when its run is over."""
    phone = bench.sim.phones[number]
    client = await Client.connect(data)
    try:
        slot = (await send(client, m.FindDevice(device=f"adb:{phone.address}", wait_s=30)))["slot"]
        await send(client, m.Watch(slot=slot))
        ticket = await take_in(client, slot, way, bench, number) if "ticket" in way.said else ""
        about = {"ticket": ticket, "checklist": str(path), "stage": "diagnosis", "person": "tech"}
        run = (await send(client, m.StartRun(slot=slot, **about)))["run"]
        async with asyncio.timeout(120):
            view = await to_the_end(client, run, Hands(phone, way.said.get("answers")), way)
        return next(row for row in view.checks if row.id == check)
    finally:
        await client.close()


async def take_in(client: Client, slot: int, way: Way, bench: AdbBench, number: int) -> str:
    identity = bench.sim.phones[number].state.identity
    own = {"imei": identity.imeis[0] if identity.imeis else "", "serial": identity.serial}
    intake = m.Intake(
        slot=slot,
        complaint="-",
        data_notice_confirmed=True,
        test_consent=True,
        person="tech",
        **own | way.said["ticket"],
    )
    return str((await send(client, intake))["ticket"])


async def to_the_end(client: Client, run: str, hands: Hands, way: Way) -> m.RunView:
    """The run when it is over; an answer that the bench refuses ends the wait at once."""
    ended: m.RunView | None = None
    acted: set[tuple[str, str, int]] = set()
    async with asyncio.TaskGroup() as people:
        tasks: list[asyncio.Task[None]] = []
        async for view in client.session():
            if view.run is None or view.run.run != run:
                continue
            if view.run.state != "running":
                ended = view.run
                break
            prompt = view.prompt
            if prompt is not None and (key := (prompt.attempt, prompt.id, prompt.asked_ms)) not in acted:
                acted.add(key)
                tasks.append(people.create_task(act(client, prompt, hands, way)))
        for task in tasks:
            task.cancel()
    assert ended is not None, "the views ended"
    return ended


async def act(client: Client, prompt: m.PromptView, hands: Hands, way: Way) -> None:
    """Do or answer what is asked; an answer that comes too late is no trouble."""
    where: dict[str, Any] = {"slot": prompt.slot, "attempt": prompt.attempt, "prompt": prompt.id, "person": "tech"}
    value = None if way.said.get("hands") == "none" else await hands.act(prompt)
    try:
        if way.said.get("hands") == "none":
            await client.send(m.SkipPrompt(**where, reason="nobody is there"))
        elif value is not None:
            await client.send(m.AnswerPrompt(**where, value=value))
    except Trouble as trouble:
        if trouble.code not in {"prompt.gone", "prompt.other", "prompt.none"}:
            raise


def checklist(folder: Path, check: str, way: Way, number: int) -> Path:
    """A checklist of this check and of those that must come before it."""
    wanted: list[str] = []
    queue = [check]
    while queue:
        name = queue.pop()
        if name not in wanted:
            wanted.insert(0, name)
            queue += tomllib.loads(CHECKS[name].read_text(encoding="utf-8")).get("after", [])
    path = folder / f"case-{number}.toml"
    settings = way.said.get("settings", {})
    own = "".join(f"settings.{key} = {json.dumps(value)}\n" for key, value in settings.items())
    path.write_text(
        f'format = 1\nid = "case-{number}"\nversion = 1\ntitle = {{ en = "case", zh = "例" }}\nplatform = "android"\n'
        'stages = ["diagnosis"]\n'
        + "".join(f'[[check]]\nid = "{name}"\n{own if name == check else ""}' for name in wanted),
        encoding="utf-8",
    )
    return path
