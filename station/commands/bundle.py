"""`assay bundle`: a ticket goes from one station of the shop to another, over the network or as a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from station.i18n import _

if TYPE_CHECKING:
    from station.client import Client

__all__ = ["command"]


@click.group("bundle", help=_("Move a ticket between the stations of a shop."))
def command() -> None:
    """Both go through the engine: the sender's records are whole, the receiver's are one commit."""


@command.command("export", help=_("Write a ticket's records, sealed for the shop's stations, into a file."))
@click.argument("ticket")
@click.option("--out", type=click.Path(path_type=Path), help=_("The file; else TICKET.bundle here."))
@click.option("--to", default="", metavar="STATION", help=_("Only this station can take it in."))
@click.option("--evidence", is_flag=True, help=_("With raw evidence, sealed."))
@click.option("--public", is_flag=True, help=_("For anybody to verify: without anything that only the shop may read."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def export(ticket: str, out: Path | None, to: str, evidence: bool, public: bool, as_json: bool) -> None:
    """Prints the digest of the file, to compare it on the other side."""
    from station.commands.engine_side import print_json, with_engine
    from station.messages import ExportBundle

    if public and (to or evidence):
        raise click.UsageError(_("--public goes with neither --to nor --evidence."))
    path = (out or Path(f"{ticket}.bundle")).absolute()
    about = ExportBundle(ticket=ticket, out=str(path), to=to, evidence=evidence, public=public)

    async def write(client: Client) -> dict[str, Any]:
        return (await client.send(about)).data

    told = with_engine(write) | {"ticket": ticket, "file": str(path)}
    if as_json:
        print_json(told)
        return
    sys.stdout.write(_("{file}: {n} records").format(file=path, n=told["records"]) + "\n")
    sys.stdout.write(f"SHA-256 {told['sha256']}\n")


@command.command("import", help=_("Verify a bundle from another station, and go on with its ticket here."))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--as", "person", default="", metavar="PERSON", help=_("Who takes it in."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def import_(file: Path, person: str, as_json: bool) -> None:
    """Taking the same file in again changes nothing."""
    from station.commands.engine_side import print_json, with_engine
    from station.messages import ImportBundle

    path = str(file.absolute())

    async def take(client: Client) -> dict[str, Any]:
        return (await client.send(ImportBundle(path=path, person=person))).data

    told = with_engine(take)
    if as_json:
        print_json(told)
        return
    _taken_in(told)


@command.command("send", help=_("Send a ticket to another station of the shop over the network."))
@click.argument("ticket")
@click.option("--to", required=True, metavar="STATION", help=_("The station, by its id."))
@click.option("--evidence", is_flag=True, help=_("With raw evidence, sealed."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def send(ticket: str, to: str, evidence: bool, as_json: bool) -> None:
    """The other station has taken it in when this ends well; after a cut line the same again goes on."""
    from station.commands.engine_side import print_json, with_engine
    from station.messages import SendBundle

    async def work(client: Client) -> dict[str, Any]:
        return (await client.send(SendBundle(ticket=ticket, to=to, evidence=evidence))).data

    told = with_engine(work)
    if as_json:
        print_json(told)
        return
    text = _("{ticket} to {station}: {n} new records there").format(ticket=ticket, station=to, n=told["new"])
    sys.stdout.write(text + "\n")
    _say_apart(told)


@command.command("fetch", help=_("Fetch a ticket from another station of the shop, and go on with it here."))
@click.argument("ticket")
@click.option("--from", "sender", required=True, metavar="STATION", help=_("The station, by its id."))
@click.option("--as", "person", default="", metavar="PERSON", help=_("Who takes it in."))
@click.option("--evidence", is_flag=True, help=_("With raw evidence, sealed."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def fetch(ticket: str, sender: str, person: str, evidence: bool, as_json: bool) -> None:
    """Fetching it again changes nothing."""
    from station.commands.engine_side import print_json, with_engine
    from station.messages import FetchBundle

    async def work(client: Client) -> dict[str, Any]:
        wanted = FetchBundle(ticket=ticket, sender=sender, person=person, evidence=evidence)
        return (await client.send(wanted)).data

    told = with_engine(work)
    if as_json:
        print_json(told)
        return
    _taken_in(told)


def _taken_in(told: dict[str, Any]) -> None:
    text = _("{ticket} from {sender}: {n} new records").format(
        ticket=told["ticket"], sender=told["sender"], n=told["new"]
    )
    sys.stdout.write(text + "\n")
    _say_apart(told)


def _say_apart(told: dict[str, Any]) -> None:
    from station.commands.engine_side import say

    if told["apart"]:
        say(_("Both stations went on with it apart. A lead decides: assay fork {ticket}").format(ticket=told["ticket"]))
