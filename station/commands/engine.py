"""`assay engine`: the process that owns the phones, in the foreground; screens and commands attach to it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from station.errors import EXIT_NO
from station.i18n import _

if TYPE_CHECKING:
    from probes.api import Loaded
    from station.onlookers import Onlookers

__all__ = ["command"]


@click.command("engine", help=_("Run the engine that owns the phones, or ask the one that runs."))
@click.option("--status", is_flag=True, help=_("Say whether an engine runs, and what it does."))
@click.option("--stop", is_flag=True, help=_("End the engine that runs."))
@click.option("--force", is_flag=True, help=_("With --stop: also while checks run; they end as interrupted."))
@click.option(
    "--linger",
    type=float,
    default=60.0,
    show_default=True,
    metavar="S",
    help=_("End after so many quiet seconds; 0: never."),
)
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
@click.pass_context
def command(ctx: click.Context, status: bool, stop: bool, force: bool, linger: float, as_json: bool) -> None:
    """Serve until asked to end, or until there is nothing to do for `linger` seconds (0: never by itself)."""
    if status or stop:
        ctx.exit(asyncio.run(_ask(stop, force, as_json)))
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(_serve(linger if linger > 0 else None))


async def _serve(linger_s: float | None) -> None:
    from station.client import transports_of
    from station.engine import Engine
    from station.heap import collect_seldom
    from station.settings import data_folder, load_settings

    settings = load_settings(data_folder())
    engine = Engine(settings, transports_of(settings), linger_s=linger_s, onlookers=_onlookers())
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, engine.stop)
    await engine.start()
    collect_seldom()
    try:
        await engine.serve()
    finally:
        await engine.close()


def _onlookers() -> Callable[[Loaded], Onlookers] | None:
    """Processes for probes, where the system can bound what they take."""
    if os.name != "posix":
        return None
    from station.onlookers import Onlookers

    return Onlookers


async def _ask(stop: bool, force: bool, as_json: bool) -> int:
    from station.client import Client
    from station.commands.engine_side import print_json
    from station.errors import Trouble
    from station.messages import StatusQuery, StopEngine
    from station.settings import data_folder

    try:
        client = await Client.connect(data_folder())
    except Trouble as trouble:
        if trouble.code != "engine.not-running":
            raise
        if as_json:
            print_json({"running": False})
        else:
            sys.stdout.write(_("No engine runs.") + "\n")
        return EXIT_NO if not stop else 0
    try:
        told: dict[str, Any] = (await client.send(StatusQuery())).data
        if stop:
            await client.send(StopEngine(force=force))
    finally:
        await client.close()
    if as_json:
        print_json({"running": not stop, **told, "runs": told["running"]} | {"running": not stop})
    else:
        line = _("The engine was asked to end.") if stop else _("An engine runs: process {pid}, {n} checks going on.")
        sys.stdout.write(line.format(pid=told["pid"], n=len(told["running"])) + "\n")
    return 0
