"""`assay devices`: every phone that any transport sees, what blocks it, and what to do about it.

Asks the transports itself, beside an engine that may be running: an adb server that is already there is shared, not
taken over. Also the place where the other commands of this folder find the phone that a person named.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

import click

from drivers.api import Change, LinkState, Side, Transport
from drivers.discovery import Discovery, Found, matching, meet, survey
from drivers.text import Words, safe_text
from station.errors import EXIT_OK, EXIT_USE, Trouble
from station.i18n import _, words

__all__ = ["choose", "command", "transports"]

_IDENTIFY_S = 5.0


@contextlib.asynccontextmanager
async def transports() -> AsyncIterator[list[Transport]]:
    """The transports of this bench, let go of at the end; raises Trouble when the station's settings are broken."""
    bench = _bench()
    try:
        yield bench
    finally:
        for transport in bench:
            await transport.close()


def _bench() -> list[Transport]:
    """The ways to phones that the station's engine would take; a bench that is not enrolled yet has real phones."""
    from station.settings import data_folder, load_settings

    try:
        settings = load_settings(data_folder())
    except Trouble as trouble:
        if trouble.code != "station.not-enrolled":
            raise
    else:
        from station.client import transports_of

        return transports_of(settings)
    from drivers.adb import AdbServer, AdbTransport
    from drivers.outside import outside_transports

    adb = AdbTransport(AdbServer())
    return [adb, *outside_transports([adb.name], simulated=False).transports]


async def choose(bench: Sequence[Transport], wanted: str) -> tuple[Transport, Found]:
    """The one phone that `wanted` means, and its transport; asks on a terminal when there are several.

    Raises:
        Trouble: `device.none` or `device.ambiguous`.
        DriverError: a transport that cannot see phones, when none was found.
    """
    found = await survey(bench, identify_s=_IDENTIFY_S)
    meant = matching(wanted, found)
    if not meant:
        for transport in bench:
            if transport.trouble is not None:
                raise transport.trouble
        raise _none(wanted, found)
    chosen = meant[0] if len(meant) == 1 else _ask(wanted, meant)
    return next(each for each in bench if each.name == chosen.link.transport), chosen


def _none(wanted: str, found: Sequence[Found]) -> Trouble:
    there = ", ".join(each.link.id for each in found) or "-"
    return Trouble(
        "device.none",
        Words("No phone here is called {wanted}; seen: {there}", "没有名为 {wanted} 的手机；已发现：{there}").fill(
            wanted=wanted, there=there
        ),
        Side.CABLE,
        Words(
            "Plug the phone in, allow USB debugging, and look with `assay devices`.",
            "请插好手机并允许 USB 调试，然后用 `assay devices` 查看。",
        ),
    )


def _ask(wanted: str, meant: Sequence[Found]) -> Found:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        names = ", ".join(f"{each.link.id} ({each.link.port})" for each in meant)
        raise Trouble(
            "device.ambiguous",
            Words("{wanted} may be any of: {names}", "{wanted} 可能是以下任一台：{names}").fill(
                wanted=wanted, names=names
            ),
            Side.PERSON,
            Words("Name more of the serial, or the IMEI.", "请给出更完整的序列号或 IMEI。"),
            EXIT_USE,
        )
    for number, each in enumerate(meant, 1):
        click.echo(f"{number}. {_line(_row(each))}", err=True)
    number = click.prompt(_("Which phone"), type=click.IntRange(1, len(meant)), err=True)
    return meant[int(number) - 1]


def _row(found: Found) -> dict[str, Any]:
    """One phone in the shape of `--json`; text from the phone is made safe to show."""
    link, identity, trouble = found.link, found.identity, found.trouble
    return {
        "id": safe_text(link.id),
        "transport": link.transport,
        "state": link.state.value,
        "serial": safe_text((identity.serial if identity else "") or link.serial),
        "imeis": [safe_text(imei) for imei in identity.imeis] if identity else [],
        "model": safe_text((identity.model if identity else "") or link.model),
        "platform": identity.platform if identity else "",
        "os": safe_text(identity.os_version) if identity else "",
        "port": safe_text(link.port),
        "ticket": None,
        "blocked_by": words(trouble.what) if trouble else None,
        "blocked_code": trouble.code if trouble else None,
        "next_step": words(trouble.next_step) if trouble else None,
        "simulated": link.simulated,
    } | _guidance(found)


def _guidance(found: Found) -> dict[str, Any]:
    """For a phone that does not trust the bench: whose menus it has, as far as its USB descriptor tells, and what to
    tap there."""
    if found.link.state not in (LinkState.UNAUTHORIZED, LinkState.AUTHORIZING):
        return {"maker": None, "steps": []}
    from drivers.usb_host import port_names
    from probes.vendors import ANY, by_usb, steps_to_debugging, vendors

    seen = port_names(found.link.port)
    maker = by_usb(seen.vendor, f"{seen.name} {found.link.model}") if seen else by_usb("", found.link.model)
    steps = steps_to_debugging(maker or vendors()[ANY])
    return {"maker": words(maker.name) if maker else None, "steps": [words(step) for step in steps]}


def _silent() -> list[dict[str, Any]]:
    """Phones on this computer's ports whose USB debugging is off, and how their makers have it turned on."""
    from drivers.usb_host import without_debugging
    from probes.vendors import ANY, by_usb, steps_to_debugging, vendors

    every = {number for one in vendors().values() for number in one.usb}
    rows = []
    for seen in without_debugging(every):
        maker = by_usb(seen.vendor, seen.name) or vendors()[ANY]
        steps = [words(step) for step in steps_to_debugging(maker)]
        rows.append({"port": seen.port, "name": seen.name, "maker": words(maker.name), "steps": steps})
    return rows


def _line(row: dict[str, Any]) -> str:
    signs = [row["id"], row["state"], row["model"] or "?", f"{row['platform']} {row['os']}".strip() or "?", row["port"]]
    if row["simulated"]:
        signs.append(_("simulated"))
    return "  ".join(signs)


def _say_row(row: dict[str, Any]) -> None:
    click.echo(_line(row))
    if row["blocked_by"]:
        click.echo(f"  {row['blocked_by']}\n  → {row['next_step']}")
    if row["steps"]:
        click.echo(_("  If it does not ask ({maker}):").format(maker=row["maker"] or _("any maker")))
        _say_steps(row["steps"])
    if row["steps"] and row["maker"] is None:
        click.echo(_("  `assay vendors` has each maker's own menus"))


def _say_steps(steps: Sequence[str]) -> None:
    for number, step in enumerate(steps, 1):
        click.echo(f"  {number}. {step}")


def _say_silent(row: dict[str, Any]) -> None:
    click.echo(_("{port}  {name}: plugged in, USB debugging is off").format(port=row["port"], name=row["name"] or "?"))
    _say_steps(row["steps"])


async def _list(as_json: bool) -> int:
    async with transports() as bench:
        rows = [_row(found) for found in await survey(bench, identify_s=_IDENTIFY_S)]
        troubles = [transport.trouble for transport in bench if transport.trouble is not None]
    silent = _silent()
    if as_json:
        click.echo(json.dumps({"devices": rows, "without_debugging": silent}, ensure_ascii=False))
    for row in () if as_json else rows:
        _say_row(row)
    for row in () if as_json else silent:
        _say_silent(row)
    if troubles:
        raise troubles[0]
    if not rows and not silent:
        click.echo(_("No phone is plugged in."), err=True)
    return EXIT_OK


async def _watch(as_json: bool) -> None:
    """Print each change until the person stops it; phones are asked who they are beside each other."""
    async with transports() as bench, asyncio.TaskGroup() as tasks:
        tasks.create_task(_say_troubles(bench))
        async for change in Discovery(bench).changes():
            tasks.create_task(_say_change(bench, change, as_json))


async def _say_change(bench: Sequence[Transport], change: Change, as_json: bool) -> None:
    found = Found(change.link)
    if change.kind != "gone":
        transport = next(each for each in bench if each.name == change.link.transport)
        found = await meet(transport, change.link, _IDENTIFY_S)
    row = _row(found)
    if as_json:
        click.echo(json.dumps({"change": change.kind, "flaps": change.flaps, **row}, ensure_ascii=False))
        return
    kinds = {"appeared": _("appeared"), "changed": _("changed"), "gone": _("gone")}
    click.echo(f"{kinds[change.kind]}: ", nl=False)
    _say_row(row)


async def _say_troubles(bench: Sequence[Transport]) -> None:
    """What keeps a transport from seeing phones, each time it changes."""
    said: dict[str, str] = {}
    while True:
        for transport in bench:
            trouble = transport.trouble
            if trouble is not None and said.get(transport.name) != trouble.code:
                click.echo(f"{words(trouble.what)}\n  → {words(trouble.next_step)}", err=True)
            said[transport.name] = trouble.code if trouble else ""
        await asyncio.sleep(1.0)


@click.command("devices", help=_("Every phone that is seen, what blocks it and what to do."))
@click.option("--json", "as_json", is_flag=True, help=_("One JSON document; with --watch one object a line."))
@click.option("--watch", is_flag=True, help=_("Go on and print each change until you stop it."))
def command(as_json: bool, watch: bool) -> int:
    """List or follow the phones of this bench."""
    if watch:
        asyncio.run(_watch(as_json))
        return EXIT_OK
    return asyncio.run(_list(as_json))
