"""`assay release`: the inspector lets a phone go, or hears every reason why not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from station.commands.engine_side import pin_option
from station.errors import EXIT_NO
from station.i18n import _, language

if TYPE_CHECKING:
    from station.client import Client

__all__ = ["command"]


@click.command("release", help=_("Let a phone go: checks every rule, then signs the release."))
@click.argument("ticket")
@click.option("--as", "person", required=True, metavar="PERSON", help=_("Who does it: a person's id."))
@click.option("--check", is_flag=True, help=_("Only say what a release would say; nothing is signed."))
@pin_option
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
@click.pass_context
def command(ctx: click.Context, ticket: str, person: str, check: bool, pin_file: Path | None, as_json: bool) -> None:
    """Print the decision and all reasons; ends 1 when the release is refused."""
    from station.commands.engine_side import Signer, print_json, with_engine
    from station.messages import PrepareRelease
    from station.settings import data_folder

    async def decide(client: Client) -> dict[str, Any]:
        prepared = (await client.send(PrepareRelease(ticket=ticket, person=person))).data
        done: dict[str, Any] = {"record": None}
        if "payload" in prepared and not check:
            done = await Signer(client, data_folder(), person, pin_file).sign_prepared(prepared)
        said = {key: value for key, value in prepared.items() if key not in ("payload", "statement")}
        return {"ticket": ticket, **said, "record": done["record"]}

    decided = with_engine(decide)
    if as_json:
        print_json(decided)
    else:
        sys.stdout.write("\n".join(_lines(decided)) + "\n")
    ctx.exit(EXIT_NO if decided["decision"] == "refused" else 0)


def _lines(decided: dict[str, Any]) -> list[str]:
    at = 1 if language() == "zh" else 0
    lines = [f"{decided['ticket']}  {_decision(decided['decision'])}"]
    if not decided["cross_checked"]:
        lines.append(_("  not cross-checked"))
    lines += [f"  - {reason[at]}" for reason in decided["reasons"]]
    lines += [_("  waiver: {reason}").format(reason=reason) for reason in decided["waivers"]]
    lines += [f"  · {note[at]}" for note in decided["notes"]]
    return lines


def _decision(decision: str) -> str:
    return {
        "released": _("released"),
        "released-with-waiver": _("released with waiver"),
        "refused": _("refused"),
    }[decision]
