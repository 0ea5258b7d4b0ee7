"""`assay outbox`: what head office has not acknowledged yet, and why."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from contextlib import closing

import click

from drivers.text import safe_text
from station.i18n import _, words
from station.messages import OutboxQuery, OutboxRow, OutboxView
from station.settings import Settings, data_folder, load_settings

__all__ = ["command", "current_view", "show_view"]


@click.command("outbox", help=_("What head office has not acknowledged yet."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def command(as_json: bool) -> None:
    """Asks the engine where one runs, else reads the store."""
    settings = load_settings(data_folder())
    view = asyncio.run(current_view(settings))
    if as_json:
        sys.stdout.write(view.model_dump_json() + "\n")
    else:
        show_view(view)


async def current_view(settings: Settings) -> OutboxView:
    """The outbox as the running engine shows it (with the last trouble), else as the store has it.

    Raises:
        Trouble: the engine does not answer, or there is no ledger.
    """
    from station.client import Client
    from station.errors import Trouble

    try:
        client = await Client.connect(settings.data)
    except Trouble as trouble:
        if trouble.code != "engine.not-running":
            raise
        return _stored_view(settings)
    try:
        return OutboxView.model_validate((await client.send(OutboxQuery())).data)
    finally:
        await client.close()


def _stored_view(settings: Settings) -> OutboxView:
    from sqlite_utils import Database

    from station.outbox import outbox_view
    from station.setup import look

    look(settings)
    with closing(sqlite3.connect(f"{settings.database.as_uri()}?mode=ro", uri=True)) as connection:
        return outbox_view(Database(connection), settings.head_office)


def show_view(view: OutboxView) -> None:
    """Print it for a person: the state first, then what waits."""
    counts = _("waiting {w} · acknowledged {a} · needs a person {r}")
    sys.stdout.write(counts.format(w=view.waiting, a=view.acknowledged, r=view.rejected) + "\n")
    if not view.head_office:
        sys.stdout.write(_("This station has no head office.") + "\n")
    if view.trouble and view.head_office:
        sys.stdout.write(words(view.trouble) + "\n")
        if view.next_step:
            sys.stdout.write(f"  → {words(view.next_step)}\n")
    if view.next_ms:
        seconds = max(0, view.next_ms - time.time_ns() // 1_000_000) // 1000
        sys.stdout.write(_("Next try in {s} s.").format(s=seconds) + "\n")
    for row in view.rows:
        sys.stdout.write(_line(row) + "\n")


def _line(row: OutboxRow) -> str:
    states = {
        "waiting": _("waits"),
        "rejected": _("refused by head office"),
        "quarantined": _("contradicts what head office has"),
    }
    tries = _("tries: {n}").format(n=row.tries)
    why = f"  {safe_text(words(row.reason))}" if row.reason else ""
    ticket = safe_text(row.ticket) or "-"
    return f"{row.seq:>6}  {safe_text(row.kind)}  {ticket}  {states.get(row.state, row.state)}  {tries}{why}"
