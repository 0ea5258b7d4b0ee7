"""`assay sign`: a person signs off what they did on a ticket."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from station.commands.engine_side import pin_option
from station.errors import EXIT_NO
from station.i18n import _

if TYPE_CHECKING:
    from station.client import Client

__all__ = ["command"]

#: What a person signs a record as, where nothing else is said: roles that may be tried in turn, and the meaning.
_OWN = (("technician", "receptionist", "inspector", "lead"), "performed")
_CROSS = (("inspector",), "verified")


def _signed_by_person() -> frozenset[str]:
    """Kinds of records that the station seals and the person then signs off."""
    from station.steps import steps

    return frozenset({"intake/v1", "run/v1", *(step.kind for step in steps().values() if step.signs == "after")})


@click.command("sign", help=_("Sign off what you did on a ticket; a finished run is sealed first."))
@click.argument("ticket")
@click.option("--as", "person", required=True, metavar="PERSON", help=_("Who does it: a person's id."))
@click.option("--record", default="", metavar="DIGEST", help=_("Only this record (the start of its digest)."))
@click.option("--role", default="", help=_("Sign as this role; else as what the record asks for."))
@click.option("--meaning", default="", help=_("performed or verified; else as the record asks for."))
@click.option("--note", default="", help=_("A note to the signature."))
@pin_option
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
@click.pass_context
def command(
    ctx: click.Context,
    ticket: str,
    person: str,
    record: str,
    role: str,
    meaning: str,
    note: str,
    pin_file: Path | None,
    as_json: bool,
) -> None:
    """Print what was signed; ends 1 when there is nothing of this person to sign."""
    from station.commands.engine_side import Signer, print_json, say, with_engine
    from station.settings import data_folder

    async def sign_all(client: Client) -> list[dict[str, Any]]:
        signer = Signer(client, data_folder(), person, pin_file)
        done = []
        for target in await _unsigned(client, ticket, person, record):
            done.append(await _sign(client, signer, target, person, role, meaning, note))
        return done

    done = with_engine(sign_all)
    if as_json:
        print_json({"ticket": ticket, "signed": done})
    for one in done:
        if not as_json:
            sys.stdout.write(f"{one['kind']}  {one['target'][:16]}  {one['role']}  {one['meaning']}\n")
    if not done:
        say(_("{person} has nothing to sign on {ticket}.").format(person=person, ticket=ticket))
        ctx.exit(EXIT_NO)


async def _unsigned(client: Client, ticket: str, person: str, only: str) -> list[dict[str, Any]]:
    """The person's records that the person has not signed; finished runs are sealed for it.

    A record that is named may be anybody's: who verified an erasure signs the record of who erased.
    """
    from station.messages import CloseRun, TicketQuery

    view = (await client.send(TicketQuery(ticket=ticket))).data
    for run in view["runs"]:
        if run["person"] == person and run["state"] == "finished":
            await client.send(CloseRun(run=run["run"], person=person))
    records = (await client.send(TicketQuery(ticket=ticket))).data["records"]
    signed = {one["target"] for one in records if one["record"] == "signoff/v1" and one["person"] == person}
    unsigned = [one for one in records if one["digest"] not in signed and one["record"] != "signoff/v1"]
    if only:
        return [one for one in unsigned if one["digest"].startswith(only)]
    kinds = _signed_by_person()
    return [one for one in unsigned if one["record"] in kinds and one["person"] == person]


async def _sign(
    client: Client, signer: Any, target: dict[str, Any], person: str, role: str, meaning: str, note: str
) -> dict[str, Any]:
    from reports.vocabulary import MEANINGS, kind_words, named
    from station.commands.engine_side import say
    from station.errors import Trouble
    from station.i18n import words
    from station.messages import PrepareSignoff

    roles, usual = _CROSS if target["stage"] == "cross-check" else _OWN
    says = meaning or usual
    refused: Trouble | None = None
    for one in (role,) if role else roles:
        about = PrepareSignoff(target=target["digest"], person=person, role=one, meaning=says, note=note)
        try:
            prepared = (await client.send(about)).data
        except Trouble as trouble:
            if trouble.code != "person.role":
                raise
            refused = refused or trouble
            continue
        say(f"{words(kind_words(target['record']))}  {target['digest'][:16]}  {words(named(MEANINGS, says))}")
        stored = await signer.sign_prepared(prepared)
        told = {"kind": target["record"], "target": target["digest"], "role": one, "meaning": says}
        return told | {"record": stored["record"]}
    assert refused is not None  # noqa: S101 - at least one role was tried
    raise refused
