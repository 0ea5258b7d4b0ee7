"""`assay ticket`: registering tickets and looking at them."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from station.commands.ticket_service import COMMANDS
from station.i18n import _, language, padded, words

if TYPE_CHECKING:
    from station.client import Client

__all__ = ["command"]


@click.group("ticket", help=_("Tickets: new, show, list."))
def command() -> None:
    """Tickets of this station."""


@command.command("new", help=_("Register a request; the phone is taken in with `assay intake`."))
@click.option("--ticket", default="", help=_("A number of your own; else the station gives the next."))
@click.option("--model", default="", help=_("The model."))
@click.option("--complaint", default="", help=_("The customer's words."))
@click.option("--customer", default="", help=_("The customer's name."))
@click.option("--phone", default="", help=_("The customer's telephone number."))
@click.option("--as", "person", required=True, metavar="PERSON", help=_("Who does it: a person's id."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def new(ticket: str, model: str, complaint: str, customer: str, phone: str, person: str, as_json: bool) -> None:
    """Print the new ticket's number."""
    from station.commands.engine_side import print_json, with_engine
    from station.messages import NewTicket

    request = NewTicket(
        ticket=ticket,
        model=model,
        complaint=complaint,
        customer_name=customer,
        customer_phone=phone,
        person=person,
    )
    number = with_engine(lambda client: client.send(request)).data["ticket"]
    if as_json:
        print_json({"ticket": number})
    else:
        sys.stdout.write(f"{number}\n")


@command.command("list", help=_("The newest tickets."))
@click.argument("text", default="")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help=_("At most so many."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def list_(text: str, limit: int, as_json: bool) -> None:
    """Print tickets whose number, model or state contains `text`."""
    from station.commands.engine_side import print_json, with_engine
    from station.messages import TicketsQuery

    found = with_engine(lambda client: client.send(TicketsQuery(text=text, limit=limit))).data["tickets"]
    if as_json:
        print_json({"tickets": found})
        return
    for row in found:
        sys.stdout.write(f"{row['ticket']:<16} {_when(row['opened_ms'])}  {_state(row['state'])}  {row['model']}\n")


@command.command("show", help=_("One ticket: its runs, records and what keeps it from release."))
@click.argument("ticket")
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def show(ticket: str, as_json: bool) -> None:
    """Print a ticket."""
    from station.commands.engine_side import print_json, with_engine
    from station.messages import TicketQuery

    view = with_engine(lambda client: client.send(TicketQuery(ticket=ticket))).data
    if as_json:
        print_json(view)
    else:
        sys.stdout.write("\n".join(_lines(view)) + "\n")


@command.command("next", help=_("What can be done on a ticket now, and what the rest waits for."))
@click.argument("ticket", default="")
@click.option("--as", "person", required=True, metavar="PERSON", help=_("Who does it: a person's id."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def next_(ticket: str, person: str, as_json: bool) -> None:
    """Print the steps, those that can be done first."""
    from drivers.text import Words
    from station.commands.engine_side import print_json, with_engine
    from station.messages import StepsQuery

    async def ask(client: Client) -> dict[str, Any]:
        return (await client.send(StepsQuery(ticket=ticket, person=person))).data

    told = with_engine(ask)
    if as_json:
        print_json(told)
        return
    for step in sorted(told["steps"], key=lambda one: one["why_not"] is not None):
        mark, why = ("–", step["why_not"]) if step["why_not"] else ("▸", step["about"])
        click.echo(f"{mark} {step['id']:<14} {words(Words(*why))}")


def _lines(view: dict[str, Any]) -> list[str]:
    from reports.vocabulary import DECISIONS, DEEDS, ROLES, kind_words, named

    says = {"role": ROLES, "meaning": DEEDS, "decision": DECISIONS}
    lines = [f"{view['ticket']}  {_word(view['state_words'])}  {view['model']}  …{view['imei_tail']}"]
    for what in view["left"]:
        lines.append("  ! " + _("not undone on the phone yet: {what}").format(what=_word(what)))
    if view["complaint"]:
        lines.append(f"  {view['complaint']}")
    for run in view["runs"]:
        lines += _run_lines(run)
    for record in view["records"]:
        said = [words(named(table, record[key])) for key, table in says.items() if record[key]]
        kind = padded(words(kind_words(record["record"])), 12)
        lines.append(f"  {record['seq']:>4}  {kind} {record['digest'][:16]}  {' '.join([record['person'], *said])}")
    if view["release"]:
        lines.append(_("  released: {decision}").format(decision=words(named(DECISIONS, view["release"]))))
    lines += [_("  not released: {reason}").format(reason=_word(reason)) for reason in view["release_reasons"]]
    return lines


def _run_lines(run: dict[str, Any]) -> list[str]:
    from checklists.verdict import Verdict
    from reports.vocabulary import STAGES, named
    from station.views import summary_words

    states = {"running": _("running"), "finished": _("not sealed yet"), "sealed": _("sealed")}
    count = words(summary_words(run["summary"]))
    stage = words(named(STAGES, run["stage"]))
    lines = [f"  {run['run']}  {stage}  {run['person']}  {states[run['state']]}  {count}"]
    for row in run["checks"]:
        reason = f"  {_word(row['reason'])}" if row["reason"] else ""
        called = f"  {_word(row['measure'])} {row['measured']}" if row["measured"] else ""
        verdict = padded(words(Verdict(row["verdict"]).words) if row["verdict"] else "-", 8)
        lines.append(f"    {verdict} {_word(row['title'])}{called}{reason}")
    return lines


def _word(both: list[str]) -> str:
    return both[1] if language() == "zh" else both[0]


def _state(state: str) -> str:
    from station.states import State
    from station.unreadable import STATE

    return words(STATE if state == STATE.en else State(state).words)


def _when(ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(ms / 1000))


for _more in COMMANDS:
    command.add_command(_more)
