"""`assay stock`: parts on the shelf, booked in, counted and moved by hand; what a repair takes goes with its record."""

from __future__ import annotations

import sys
from typing import Any

import click

from station.i18n import _, padded

__all__ = ["command"]

_KINDS = ("in", "reserved", "used", "defective", "returned", "count")


@click.group("stock", help=_("The parts of this shop: what is on the shelf, held, used, bad."))
def command() -> None:
    """Parts on the shelf."""


_person = click.option("--as", "person", required=True, metavar="PERSON", help=_("Who does it: a person's id."))
_json = click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
_serial = click.option("--serial", "serials", multiple=True, help=_("Of one piece; may be given again."))
_batch = click.option("--batch", default="", help=_("Of the delivery."))
_note = click.option("--note", default="", help=_("Why."))


@command.command("add", help=_("Book parts in."))
@click.argument("number")
@click.option("--part", default="", help=_("What it is, e.g. battery; needed for a new number."))
@click.option("--quantity", type=click.IntRange(min=1), default=1, show_default=True, help=_("How many."))
@_serial
@_batch
@click.option("--proof", default="", help=_("What shows that it is the maker's part."))
@_note
@_person
@_json
def add(number: str, **given: Any) -> None:
    """Book parts in."""
    _send({"kind": "in", "number": number, **given})


@command.command("move", help=_("Count, set aside, give back or hold parts."))
@click.argument("number")
@click.argument("kind", type=click.Choice(_KINDS))
@click.option("--quantity", type=int, default=1, show_default=True, help=_("How many; below 0 takes a move back."))
@_serial
@_batch
@click.option("--ticket", default="", help=_("For which ticket."))
@_note
@_person
@_json
def move(number: str, kind: str, **given: Any) -> None:
    """Move parts by hand."""
    _send({"kind": kind, "number": number, **given})


@command.command("list", help=_("What is on the shelf."))
@click.argument("number", default="")
@_json
def list_(number: str, as_json: bool) -> None:
    """What is there."""
    from station.commands.engine_side import print_json, with_engine
    from station.messages import StockQuery

    parts = with_engine(lambda client: client.send(StockQuery(number=number))).data["parts"]
    if as_json:
        print_json({"parts": parts})
    else:
        sys.stdout.write("".join(f"{_line(part)}\n" for part in parts))


def _send(given: dict[str, Any]) -> None:
    from station.commands.engine_side import print_json, with_engine
    from station.messages import MoveStock

    as_json = given.pop("as_json")
    part = with_engine(lambda client: client.send(MoveStock(**given))).data
    if as_json:
        print_json(part)
    else:
        sys.stdout.write(f"{_line(part)}\n")


def _line(part: dict[str, Any]) -> str:
    figures = _("shelf {shelf}  free {free}  used {used}  defective {defective}  returned {returned}").format(**part)
    held = "  ".join(f"{ticket}: {pieces}" for ticket, pieces in part["reserved"].items())
    return f"{padded(part['number'], 24)} {padded(part['part'], 14)} {figures}" + (f"  [{held}]" if held else "")
