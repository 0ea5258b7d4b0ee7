"""`assay demo`: the simulated bench, to be used by hand or played to its end by a script."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drivers.api import Side
from drivers.text import Words
from station.errors import EXIT_NO, EXIT_OK, EXIT_USE, Trouble
from station.i18n import _, words

if TYPE_CHECKING:
    from station.client import Client
    from station.demo.scenario import Scenario
    from station.demo.summary import Summary

__all__ = ["command"]

#: Seconds in which head office must have acknowledged everything, on a slow machine.
ACKNOWLEDGED_S = 120.0


@click.command("demo", help=_("Show the whole way on a simulated bench"))
@click.option(
    "--phones", type=click.IntRange(1, 64), metavar="N", help=_("how many phones (default: one of each kind)")
)
@click.option("--headless", is_flag=True, help=_("a script plays technician, inspector and customer"))
@click.option("--json", "as_json", is_flag=True, help=_("with --headless: one JSON document on standard output"))
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=_("keep the data folder; one that was kept is opened again"),
)
@click.option("--seed", type=int, metavar="S", help=_("other serials, IMEIs and readings"))
@click.pass_context
def command(
    ctx: click.Context, phones: int | None, headless: bool, as_json: bool, keep: Path | None, seed: int | None
) -> None:
    """Show the whole way on a simulated bench."""
    from station.demo.cast import kept_cast
    from station.demo.live import open_again, open_live
    from station.demo.scenario import load_scenarios

    cast = kept_cast(keep) if keep is not None else None
    if keep is not None and cast is not None:
        if headless or phones is not None or seed is not None:
            raise Trouble("demo.kept", _KEPT.fill(path=keep), Side.PERSON, _AS_IT_WAS.fill(path=keep), EXIT_USE)
        ctx.exit(open_again(keep.resolve(), cast))
    known = load_scenarios()
    scenarios = [known[at % len(known)] for at in range(phones or len(known))]
    with _folder(keep) as data:
        if headless:
            ctx.exit(_play(data, scenarios, seed or 0, as_json))
        ctx.exit(open_live(data, [scenario.persona for scenario in scenarios], seed or 0))


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """A new or empty folder; a passing one when none is to be kept."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="assay-demo-", ignore_cleanup_errors=True) as made:
            yield Path(made) / "data"
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise Trouble("demo.folder", _NOT_EMPTY.fill(path=keep), Side.PERSON, _ANOTHER, EXIT_USE)
    yield keep.resolve()


def _play(data: Path, scenarios: Sequence[Scenario], seed: int, as_json: bool) -> int:
    summary = asyncio.run(_played(data, scenarios, seed))
    if as_json:
        click.echo(json.dumps(summary.as_json(), ensure_ascii=False))
    else:
        _print(summary)
    return EXIT_OK if summary.good else EXIT_NO


async def _played(data: Path, scenarios: Sequence[Scenario], seed: int) -> Summary:
    from station.client import attach_or_host
    from station.demo.play import play
    from station.demo.stage import staged
    from station.demo.summary import summarise
    from station.messages import StopEngine

    async with staged(data, scenarios, seed) as stage:
        os.environ.update(stage.environment)
        client = await attach_or_host(data, spawn=True)
        try:
            ended = await play(stage, lambda line: click.echo(line, err=True))
            await _acknowledged(client)
        finally:
            with contextlib.suppress(Trouble):
                await client.send(StopEngine(force=True))
            await client.close()
        return summarise(stage.settings, stage.head_office, ended)


async def _acknowledged(client: Client) -> None:
    """Wait until head office has acknowledged everything; what is late is for the summary to say."""
    from station.messages import FlushOutbox, OutboxQuery

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ACKNOWLEDGED_S):
            await client.send(FlushOutbox())
            async for _bench in client.bench():  # a new snapshot comes with each change of the outbox
                if not (await client.send(OutboxQuery())).data["rows"]:
                    return


def _print(summary: Summary) -> None:
    from reports.vocabulary import DECISIONS, named

    click.echo(_("Simulated phones and people; engine, adb server, records and head office are real."))
    for each in summary.ended:
        sign = "✔" if each.as_expected else "✘"
        click.echo(f"{sign} {each.ticket}  {each.scenario.persona:18} {words(named(DECISIONS, each.decision))}")
        for reason in each.why[:4]:
            click.echo(f"      {words(reason)}")
    click.echo(
        _("{records} records, {signatures} signatures verified, {acknowledged} acknowledged by head office").format(
            records=summary.records, signatures=summary.signatures_verified, acknowledged=summary.acknowledged
        )
    )
    for problem in summary.problems:
        click.echo(str(problem))
    if not summary.equal:
        click.echo(_("head office holds other records than the station"), file=sys.stdout)


_NOT_EMPTY = Words(
    "{path} is neither an empty folder nor one that a demo was kept in", "{path} 既不是空文件夹，也不是保留的演示数据"
)
_ANOTHER = Words("name a new folder: assay demo --keep DIR", "请指定一个新文件夹：assay demo --keep DIR")
_KEPT = Words("{path} holds a demo with its phones already", "{path} 中已有一次演示及其手机")
_AS_IT_WAS = Words(
    "open it as it was: assay demo --keep {path}; or name a new folder",
    "按原样打开：assay demo --keep {path}；或指定一个新文件夹",
)
