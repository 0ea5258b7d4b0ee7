"""A bench whose phones tell a resistance, and ways to measure them through the engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from drivers.api import Command
from drivers.text import Words
from probes.api import Loaded, Measurement, Unread
from station import messages as m
from station.client import Client
from tests.station.station_bench import Phone, declared, probes, send, until_session

RESISTANCE = Command("resistance", "cat resistance", timeout_s=5.0)

#: What a checklist demands of the resistance in place of the shipped check's limit.
ABSOLUTE = """
[[check.limits]]
measure = "resistance"
unit = "mOhm"
min = 10
max = 250
source.ref = "test"
source.text = { en = "at most", zh = "至多" }
"""
RELATIVE = """
[[check.limits]]
measure = "resistance"
unit = "mOhm"
relative_to = "reference"
mode = "ratio"
max = 1.6
source.ref = "test"
source.text = { en = "1.6 times", zh = "1.6 倍" }
"""


async def electrical(bench: Any) -> AsyncIterator[Any]:
    """Reads a resistance; all else of the battery is well."""
    yield Measurement("temperature", Decimal(25), "test")
    try:
        yield Measurement("resistance", Decimal(bench.answer("resistance").text.strip()), "cat resistance")
    except InvalidOperation:
        yield Unread("resistance", Words("not a number", "不是数字"), "cat resistance")


def loaded() -> Loaded:
    """The bench's probes, and the shipped check's played by one that reads a resistance."""
    measures = {"temperature": "Cel", "health": "text", "present": "flag", "resistance": "mOhm"}
    return probes(declared("android.battery-electrical", electrical, reads=(RESISTANCE,), measures=measures))


def checklist(folder: Path, limits: str = ABSOLUTE, name: str = "reference-test") -> Path:
    """The shipped check of the battery with these limits of the resistance, for every stage."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.toml"
    head = (
        f'format = 1\nid = "{name}"\nversion = 1\ntitle = {{ en = "{name}", zh = "{name}" }}\nplatform = "android"\n'
        'stages = ["intake", "diagnosis", "self-check", "cross-check"]\n'
    )
    path.write_text(f'{head}[[check]]\nid = "battery-electrical"\n{limits}', encoding="utf-8")
    return path


def phone(n: int, value: object, **more: Any) -> Phone:
    """The nth phone, in the nth slot."""
    imei = f"35693803564{n:04d}"
    return Phone(
        serial=f"SER{n:04d}", imeis=(imei,), port=f"usb:1-{n}", answers={"cat resistance": f"{value}\n"}, **more
    )


async def measure(client: Client, slot: int, path: Path, ticket: str = "", person: str = "tech") -> dict[str, Any]:
    """The document of one finished run."""
    await send(client, m.Watch(slot=slot))
    stage = "intake" if ticket else "diagnosis"
    start = m.StartRun(slot=slot, ticket=ticket, checklist=str(path), stage=stage, person=person)
    run = (await send(client, start))["run"]
    await until_session(client, lambda view: view.run and view.run.run == run and view.run.state == "finished")
    document: dict[str, Any] = (await send(client, m.RunQuery(run=run)))["document"]
    return document


async def add_reference(client: Client, slot: int, path: Path, **more: Any) -> dict[str, Any]:
    """Measure a phone and keep it as a reference phone."""
    run = (await measure(client, slot, path))["run"]
    return {"run": run} | await send(client, m.TakeReference(run=run, person="tech", **more))


async def all_ready(client: Client, phones: int) -> None:
    """Wait until every phone told who it is."""
    async for snapshot in client.bench():
        if sum(card.status == "ready" for card in snapshot.cards) == phones:
            return
