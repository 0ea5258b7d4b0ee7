"""`assay diff`: the phone as it came against the phone as it is after the repair; regressions first."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drivers.api import Side
from drivers.text import Words
from station.errors import EXIT_NO, EXIT_OK, EXIT_USE, Trouble
from station.i18n import _, words

if TYPE_CHECKING:
    from reports.attest import Record
    from reports.diff import DiffRow, RunDiff

__all__ = ["command"]

_CHANGES = {
    "regression": Words("WORSE: fails now", "劣化：现不合格"),
    "part-changed": Words("PART CHANGED outside the plan", "方案之外更换部件"),
    "worse": Words("worse", "变差"),
    "not-run-now": Words("not run now", "此次未检"),
    "better": Words("better", "改善"),
    "new": Words("first seen now", "此次新检"),
    "gone": Words("only before", "仅维修前"),
    "same": Words("same", "相同"),
}
_NOTHING = Words(
    "{ticket} has no run from before the repair and after it to compare", "工单 {ticket} 没有可对比的维修前、后检测"
)
_RUN_FIRST = Words("Run and sign an intake run and a self-check first", "请先完成并封存接件检测与自检")


@click.command("diff", help=_("Compare the phone as it came with the phone after the repair; regressions first."))
@click.argument("ticket")
@click.option("--all", "everything", is_flag=True, help=_("Also the checks that did not change."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
@click.pass_context
def command(ctx: click.Context, ticket: str, everything: bool, as_json: bool) -> None:
    """Print the comparison; ends 1 when something got worse or a part is another outside the plan."""
    from reports.diff import before_and_after, compare, planned_changes
    from station.commands.engine_side import print_json

    records = _records(ticket)
    both = before_and_after(records)
    if both is None:
        raise Trouble("diff.nothing", _NOTHING.fill(ticket=ticket), Side.PERSON, _RUN_FIRST, EXIT_USE)
    found = compare(*both, planned_changes(records))
    if as_json:
        print_json(_document(ticket, found))
    else:
        sys.stdout.write("".join(f"{line}\n" for row in found.rows for line in _lines(row, everything)))
    ctx.exit(EXIT_NO if found.regressions or found.unplanned else EXIT_OK)


def _records(ticket: str) -> list[Record]:
    from sqlite_utils import Database

    from reports.attest import open_record
    from reports.ledger import envelopes_of
    from station.settings import DATABASE_FILE, data_folder

    path: Path = data_folder() / DATABASE_FILE
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            return [open_record(envelope) for envelope in envelopes_of(Database(connection), ticket)]
        finally:
            connection.close()
    except sqlite3.Error as error:
        what = Words("the ledger can't be read: {why}", "台账无法读取：{why}").fill(why=error)
        raise Trouble("diff.ledger", what, Side.BENCH, _RUN_FIRST) from error


def _document(ticket: str, found: RunDiff) -> dict[str, Any]:
    return {
        "ticket": ticket,
        "before": found.before,
        "after": found.after,
        "regressions": [row.check for row in found.regressions],
        "unplanned_parts": [f"{check}:{value.name}" for check, value in found.unplanned],
        "rows": [
            {
                "id": row.check,
                "title": list(row.title),
                "before": row.before.value,
                "after": row.after.value,
                "change": row.change,
                "reason": list(row.reason) if row.reason else None,
                "values": [
                    {
                        "name": value.name,
                        "before": value.before,
                        "after": value.after,
                        "unit": value.unit,
                        "by": None if value.by is None else f"{value.by:f}",
                        "identity_changed": value.changed,
                        "planned": value.planned,
                    }
                    for value in row.values
                ],
            }
            for row in found.rows
        ],
    }


def _lines(row: DiffRow, everything: bool) -> list[str]:
    from probes.names import name_words
    from probes.units import symbol

    if row.change == "same" and not everything:
        return []
    reason = f"  ({words(row.reason)})" if row.reason else ""
    verdicts = f"{words(row.before.words)} → {words(row.after.words)}"
    lines = [f"{words(row.title)}: {verdicts}  {words(_CHANGES[row.change])}{reason}"]
    for value in row.values:
        if value.changed:
            told = _("planned") if value.planned else _("not in the plan")
            lines.append(f"    {words(name_words(value.name))}: " + _("another part") + f" ({told})")
        elif value.by:
            unit = symbol(value.unit)
            lines.append(f"    {words(name_words(value.name))}: {value.before} → {value.after} {unit} ({value.by:+f})")
    return lines
