"""`assay upload`: send what waits in the outbox, once or for as long as it runs.

Where an engine runs it does the sending and this command watches it; else the command sends by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

import click

from station.commands.outbox import show_view
from station.errors import EXIT_BENCH, EXIT_NO, EXIT_OK, Trouble
from station.i18n import _
from station.messages import FlushOutbox, OutboxQuery, OutboxView
from station.settings import Settings, data_folder, load_settings, load_station_key

if TYPE_CHECKING:
    from station.client import Client

__all__ = ["command"]

#: Seconds to wait for the engine's try: its whole request has 90.
TRY_S = 100.0


@click.command("upload", help=_("Send records to head office."))
@click.option("--once", "mode", flag_value="once", default="once", help=_("One try (default)."))
@click.option("--watch", "mode", flag_value="watch", help=_("Go on until stopped."))
@click.option("--again", is_flag=True, help=_("Also send again what head office has refused."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document at the end."))
def command(mode: str, again: bool, as_json: bool) -> None:
    """Ends 0 when everything is acknowledged, 1 when head office refused something, 3 when it did not answer."""
    settings = load_settings(data_folder())
    view = asyncio.run(_upload(settings, again=again, watch=mode == "watch"))
    if as_json:
        sys.stdout.write(view.model_dump_json() + "\n")
    else:
        show_view(view)
    sys.exit(EXIT_BENCH if view.waiting else EXIT_NO if view.rejected else EXIT_OK)


async def _upload(settings: Settings, *, again: bool, watch: bool) -> OutboxView:
    from station.client import Client
    from station.head_office import no_head_office

    if not (settings.head_office and settings.head_office_key):
        raise no_head_office()
    if again:
        await _send_refused_again(settings)
    try:
        client = await Client.connect(settings.data)
    except Trouble as trouble:
        if trouble.code != "engine.not-running":
            raise
        return await _by_ourselves(settings, watch=watch)
    try:
        return await _by_the_engine(client, watch=watch)
    finally:
        await client.close()


async def _by_the_engine(client: Client, *, watch: bool) -> OutboxView:
    before = await _view(client)
    await client.send(FlushOutbox())
    while watch:
        await asyncio.sleep(1)
        before = _told(before, await _view(client))
    view = before
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(TRY_S):
            while view.waiting and (not view.next_ms or view.next_ms == before.next_ms):
                await asyncio.sleep(0.1)
                view = await _view(client)
    return view


async def _view(client: Client) -> OutboxView:
    return OutboxView.model_validate((await client.send(OutboxQuery())).data)


def _told(before: OutboxView, now: OutboxView) -> OutboxView:
    """Say on stderr what changed."""
    if (now.waiting, now.acknowledged, now.rejected, now.trouble) != (
        before.waiting,
        before.acknowledged,
        before.rejected,
        before.trouble,
    ):
        line = _("waiting {w} · acknowledged {a} · needs a person {r}")
        sys.stderr.write(line.format(w=now.waiting, a=now.acknowledged, r=now.rejected) + "\n")
    return now


async def _by_ourselves(settings: Settings, *, watch: bool) -> OutboxView:
    from station.outbox import Uploader
    from station.setup import look
    from station.store import Store

    look(settings)
    store = Store(settings.database)
    try:
        uploader = Uploader(store, settings, load_station_key(settings.data))
        if watch:
            sending = asyncio.create_task(uploader.run())
            view = await uploader.view()
            while not sending.done():
                await asyncio.wait({sending}, timeout=1)
                view = _told(view, await uploader.view())
        with contextlib.suppress(Trouble):  # the view says it
            await uploader.once()
        return await uploader.view()
    finally:
        store.close()


async def _send_refused_again(settings: Settings) -> None:
    from station.outbox import wait_again
    from station.setup import look
    from station.store import Store

    look(settings)
    store = Store(settings.database)
    try:
        await store.write(wait_again)
    finally:
        store.close()
