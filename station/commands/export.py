"""`assay export`: a ticket's records in the formats of others; what a format leaves out is said on stderr."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drivers.api import Side
from drivers.text import Words
from station.errors import EXIT_BENCH, EXIT_USE, Trouble
from station.i18n import _, words
from station.settings import data_folder, load_settings

if TYPE_CHECKING:
    from reports.export import Exported

__all__ = ["command"]

#: As `reports.export.FORMATS` has them; named here so that help loads none of them.
NAMES = ("json", "csv", "xml", "junit", "ocptv", "in-toto", "r2v3", "ebay")


@click.command("export", help=_("A ticket's records in the formats of others."))
@click.argument("ticket")
@click.option("--format", "name", required=True, type=click.Choice(NAMES), help=_("The format."))
@click.option("--run", default="", metavar="RUN", help=_("The run, by its name or record; for formats of one run."))
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help=_("Write to a new file, not to stdout."))
def command(ticket: str, name: str, run: str, out: Path | None) -> None:
    """Reads the ledger; needs no engine."""
    exported = _exported(ticket, name, run)
    if out is None:
        sys.stdout.buffer.write(exported.data)
        sys.stdout.flush()
    else:
        try:
            with out.open("xb") as file:
                file.write(exported.data)
        except OSError as error:
            what = _UNWRITABLE.fill(path=out, why=error.strerror or error)
            raise Trouble("export.write", what, Side.BENCH, _OTHER_FILE, EXIT_BENCH) from error
    sys.stderr.write(_("Left out:") + "\n" + "".join(f"  - {words(one)}\n" for one in exported.leaves_out))


def _exported(ticket: str, name: str, run: str) -> Exported:
    from reports.export import export
    from reports.ledger import envelopes_of
    from reports.record import RecordError
    from station.setup import look

    settings = load_settings(data_folder())
    look(settings)
    with closing(sqlite3.connect(f"{settings.database.as_uri()}?mode=ro", uri=True)) as raw:
        from sqlite_utils import Database

        envelopes = envelopes_of(Database(raw), ticket)
    if not envelopes:
        raise Trouble("export.ticket", _NO_TICKET.fill(ticket=ticket), Side.PERSON, _LIST, EXIT_USE)
    try:
        return export(envelopes, name, run)
    except RecordError as error:
        raise Trouble("export.records", error.words, Side.PERSON, _SHOW, EXIT_USE) from error


_NO_TICKET = Words("There is no record of ticket {ticket} here", "此处没有工单 {ticket} 的记录")
_LIST = Words("`assay ticket list` shows the tickets", "请用 `assay ticket list` 查看工单")
_SHOW = Words("`assay ticket show` lists runs and records", "请用 `assay ticket show` 查看检测与记录")
_UNWRITABLE = Words("{path} cannot be written: {why}", "无法写入 {path}：{why}")
_OTHER_FILE = Words("Name a new file in a folder that can be written", "请指定可写目录中的新文件")
