"""`assay identify DEVICE`: who one phone says it is, each value with its source.

Asks with the same probes as a run, judges nothing and writes nothing down.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeVar

import click

from drivers.api import CommandResult, Device, Shell
from drivers.text import Words, safe_text
from probes.api import (
    Answer,
    Bench,
    Measurement,
    NotRun,
    Person,
    Probe,
    Prompt,
    Reading,
    Skipped,
    Unread,
    Write,
    discover,
)
from station.commands.devices import choose, transports
from station.errors import EXIT_OK
from station.i18n import _, words

__all__ = ["command"]

#: The probes that say who a phone is and what locks it; those that are not installed are left out.
_PROBES = ("android.identity", "android.os-integrity")
_DEADLINE_S = 20.0
_ONLY_READS = Words("this command changes nothing on the phone", "此命令不改动手机")

T = TypeVar("T")


class _Nobody:
    """Nobody is asked here."""

    async def ask(self, prompt: Prompt) -> Answer:
        raise NotRun(prompt.title)


class _Answers:
    """The bench of a probe that only reads: the answers to what it declared."""

    def __init__(self, device: Device, answers: Mapping[str, CommandResult]) -> None:
        self.person: Person = _Nobody()
        self.ticket: Mapping[str, str] = MappingProxyType({})
        self._device, self._answers = device, answers

    def answer(self, name: str) -> CommandResult:
        return self._answers[name]

    def capability(self, kind: type[T]) -> T:
        return self._device.capability(kind)

    async def write(self, write: Write, *, deadline_s: float = 15.0) -> CommandResult:
        raise Skipped(_ONLY_READS)

    def away(self) -> AbstractContextManager[None]:
        raise Skipped(_ONLY_READS)

    async def back(self, *, within_s: float) -> None:
        raise Skipped(_ONLY_READS)


async def _readings(device: Device, probes: Sequence[Probe]) -> list[tuple[str, Reading]]:
    """What the probes read, in one script."""
    reads = {read.name: read for probe in probes for read in probe.reads}
    answers = await device.capability(Shell).batch(  # type: ignore[type-abstract]
        list(reads.values()), deadline_s=_DEADLINE_S
    )
    bench: Bench = _Answers(device, dict(zip(reads, answers, strict=True)))
    readings: list[tuple[str, Reading]] = []
    for probe in probes:
        try:
            readings += [(probe.id, reading) async for reading in probe.run(bench)]
        except NotRun as ended:
            readings.append((probe.id, Unread(probe.id, ended.reason)))
    return readings


async def _identify(wanted: str) -> dict[str, Any]:
    async with transports() as bench:
        transport, found = await choose(bench, wanted)
        if found.trouble is not None:
            raise found.trouble
        device = await transport.open(found.link)
        try:
            identity = found.identity or await device.identify(deadline_s=_DEADLINE_S)
            known = discover().probes
            readings = await _readings(device, [known[name] for name in _PROBES if name in known])
        finally:
            await device.close()
    link = found.link
    document: dict[str, Any] = {
        "id": safe_text(link.id),
        "transport": link.transport,
        "state": link.state.value,
        "port": safe_text(link.port),
        "serial": safe_text(identity.serial or link.serial),
        "imeis": [safe_text(imei) for imei in identity.imeis],
        "manufacturer": safe_text(identity.manufacturer),
        "model": safe_text(identity.model),
        "platform": identity.platform,
        "os": safe_text(identity.os_version),
        "build": safe_text(identity.build),
        "ticket": None,
        "simulated": link.simulated,
        "measurements": [
            {"probe": probe, "name": each.name, "value": _plain(each.value), "source": safe_text(each.source)}
            for probe, each in readings
            if isinstance(each, Measurement)
        ],
        "unread": [
            {"probe": probe, "name": each.name, "reason": words(each.reason)}
            for probe, each in readings
            if isinstance(each, Unread)
        ],
    }
    return document


def _plain(value: object) -> object:
    """A measured value as JSON has it: numbers as they are, text made safe."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, tuple):
        return [safe_text(str(each)) for each in value]
    return safe_text(str(value))


@click.command("identify", help=_("Who one phone says it is: identity, part serials, locks."))
@click.argument("device")
@click.option("--json", "as_json", is_flag=True, help=_("One JSON document."))
def command(device: str, as_json: bool) -> int:
    """Ask one phone who it is."""
    document = asyncio.run(_identify(device))
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False))
        return EXIT_OK
    for key in ("id", "state", "port", "serial", "imeis", "manufacturer", "model", "platform", "os", "build"):
        value = document[key]
        click.echo(f"{key:14} {', '.join(value) if isinstance(value, list) else value or '?'}")
    for row in document["measurements"]:
        click.echo(f"{row['name']:22} {row['value']}  ({row['source']})")
    for row in document["unread"]:
        click.echo(f"{row['name']:22} " + _("not read: {reason}").format(reason=row["reason"]))
    return EXIT_OK
