"""`assay ticket clocks / follow-ups / grievances`: what the shop owes its customers in time."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from drivers.text import Words
from station.errors import EXIT_NO
from station.i18n import _, language

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS"]

#: Of a clock; a run that is running has another word in Chinese.
_GOES_ON = Words("running", "计时中")


@click.command("clocks", help=_("The service clocks of a ticket: what counts, what was paused, which limit is passed."))
@click.argument("ticket")
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
@click.pass_context
def clocks(ctx: click.Context, ticket: str, as_json: bool) -> None:
    """Print the clocks; ends 1 when a limit is passed."""
    from station.commands.engine_side import print_json, with_engine
    from station.messages import ClocksQuery

    told = with_engine(lambda client: client.send(ClocksQuery(ticket=ticket))).data
    if as_json:
        print_json(told)
    else:
        for one in told["clocks"]:
            sys.stdout.write("\n".join(_lines(one)) + "\n")
        sys.stdout.write(f"  ({_word(told['source'])})\n")
    if any(one["breached"] for one in told["clocks"]):
        ctx.exit(EXIT_NO)


def _lines(one: dict[str, Any]) -> list[str]:
    until = _when(one["ended_ms"]) if one["ended_ms"] else _word(_GOES_ON)
    lines = [f"{_word(one['words'])}  {_when(one['started_ms'])} - {until}"]
    said = _("counts: {elapsed} (all hours {clock}, working hours {working})")
    lines.append(
        "  "
        + said.format(elapsed=_span(one["elapsed_ms"]), clock=_span(one["clock_ms"]), working=_span(one["working_ms"]))
    )
    for each in one["paused"]:
        lines.append(f"  – {_when(each['from_ms'])} - {_when(each['to_ms'])}  {_word(each['words'])}")
    for each in one["limits"]:
        left = _("passed by {span}") if each["breached"] else _("{span} left")
        sign = "!" if each["breached"] else " "
        lines.append(f"  {sign} {each['hours']} h: {left.format(span=_span(abs(each['left_ms'])))}")
    return lines


@click.command("follow-ups", help=_("Customers to be called after the hand-back, the earliest first."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def follow_ups(as_json: bool) -> None:
    """Print the follow-ups by the day they are due."""
    from station.commands.engine_side import print_json, with_engine
    from station.messages import DueQuery

    rows = with_engine(lambda client: client.send(DueQuery(what="follow-ups"))).data["due"]
    if as_json:
        print_json({"follow_ups": rows})
        return
    for row in rows:
        sign = "!" if row["overdue"] else "»" if row["due"] else " "
        tries = _("not reached {n} times").format(n=row["tries"]) if row["tries"] else ""
        sys.stdout.write(f"{sign} {row['day']}  {row['ticket']:<16} {tries}\n".rstrip(" "))


@click.command("grievances", help=_("Open grievances, the most urgent first; ends 1 when one is overdue."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
@click.pass_context
def grievances(ctx: click.Context, as_json: bool) -> None:
    """Print the open cases and what is late."""
    from station.commands.engine_side import print_json, with_engine
    from station.messages import DueQuery

    rows = with_engine(lambda client: client.send(DueQuery(what="grievances"))).data["due"]
    if as_json:
        print_json({"grievances": rows})
    late = {"answer": _("answer overdue"), "close": _("closing overdue"), "": ""}
    for row in rows if not as_json else ():
        until = _("answer by {answer}, close by {close}").format(
            answer=_when(row["answer_by_ms"]), close=row["close_by"]
        )
        sign = "!" if row["overdue"] else " "
        line = f"{sign} {row['ticket']:<16} {row['level']}  {row['owner']:<12} {until}  {late[row['overdue']]}"
        sys.stdout.write(line.rstrip() + "\n")
    if any(row["overdue"] for row in rows):
        ctx.exit(EXIT_NO)


def _word(both: Sequence[str]) -> str:
    return both[1] if language() == "zh" else both[0]


def _when(ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(ms / 1000))


def _span(ms: int) -> str:
    minutes = ms // 60_000
    return f"{minutes // 60}:{minutes % 60:02d}"


COMMANDS = (clocks, follow_ups, grievances)
