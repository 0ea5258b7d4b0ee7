"""`assay undo`: what checks left changed on phones, undone now or struck by a person.

The engine undoes what it owes a phone as soon as it sees it; this shows what is left, and tries again. It knows no
phone itself.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from station.errors import EXIT_NO, EXIT_OK
from station.i18n import _, language

__all__ = ["command"]


@click.command("undo", help=_("Undo what checks left changed on phones; ends 1 while something is left."))
@click.option("--list", "only_list", is_flag=True, help=_("Only show what is left."))
@click.option("--wait", "wait_s", default=20.0, show_default=True, help=_("Seconds to wait for such a phone."))
@click.option("--give-up", metavar="CHANGE", default="", help=_("Strike one that will never be undone from here."))
@click.option("--reason", default="", help=_("Why it is struck: undone by hand, phone gone."))
@click.option("--as", "person", default="", metavar="PERSON", help=_("Who strikes it: a person's id."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def command(only_list: bool, wait_s: float, give_up: str, reason: str, person: str, as_json: bool) -> int:
    """Print what is left."""
    from station.commands.engine_side import print_json, with_engine
    from station.messages import ChangesQuery, Command, GiveUpChange, UndoChanges

    if give_up and not (reason.strip() and person):
        raise click.UsageError(_("--give-up needs --reason and --as PERSON."))
    if give_up:
        struck = GiveUpChange(change=give_up, person=person, reason=reason)
        with_engine(lambda client: client.send(struck))
    look = bool(give_up or only_list)
    asked: Command = ChangesQuery() if look else UndoChanges(wait_s=wait_s)
    left = with_engine(lambda client: client.send(asked), phones=not look).data["changes"]
    if as_json:
        print_json({"changes": left})
    else:
        lines = [line for row in left for line in _lines(row)] or [_("nothing is left changed")]
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    return EXIT_NO if left else EXIT_OK


def _lines(row: dict[str, Any]) -> list[str]:
    where = _("slot {slot}").format(slot=row["slot"]) if row["slot"] is not None else _("not connected")
    about = "  ".join(filter(None, [row["ticket"], row["model"], f"…{row['serial_tail']}", where]))
    lines = [f"{row['change']}  {_word(row['what'])}  ({about})"]
    if row["failed"]:
        lines.append(f"  ! {_word(row['failed'])}")
    return lines


def _word(both: list[str]) -> str:
    return both[1] if language() == "zh" else both[0]
