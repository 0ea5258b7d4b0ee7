"""`assay remedy`: one remedy by software on a ticket's phone, then exactly the checks that had failed, once more.

Two runs of the ticket, both journalled and sealed: the remedy with its consent, and the checks again. What a remedy
does is in `probes.soft_remedy`, what its outcome means in `station.remedies`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drivers.api import Side
from drivers.text import Words
from station.errors import EXIT_BENCH, EXIT_NO, EXIT_OK, EXIT_USE, Trouble
from station.i18n import _, padded, words

if TYPE_CHECKING:
    from station.client import Client
    from station.commands.answers import Reply, Source
    from station.messages import PromptView
    from station.remedies import Before, Outcome

__all__ = ["command"]

_NO_RUN = Words("No run of {ticket} found the phone yet", "工单 {ticket} 尚无检测")
_RUN_FIRST = Words("Run a checklist first, so that it is known what fails", "请先执行检测清单，以确定不合格项")


@click.command("remedy", help=_("Do one remedy by software, then repeat the checks that failed."))
@click.argument("ticket")
@click.argument("remedy", type=click.Choice(["restart", "safe-mode", "reset-network", "factory-reset"]))
@click.option("--as", "person", required=True, metavar="PERSON", help=_("Who does it: a person's id."))
@click.option(
    "--answers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help=_("Answers to the prompts, instead of asking."),
)
@click.option("--wait", "wait_s", default=20.0, show_default=True, help=_("Seconds to wait for the phone."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def command(ticket: str, remedy: str, person: str, answers: Path | None, wait_s: float, as_json: bool) -> int:
    """Ends 0 when every fault is gone, 1 when one is still there or the remedy was not done, 3 when it is not known."""
    from station.commands.answers import FromFile, FromTerminal
    from station.commands.engine_side import print_json, with_engine

    source = _Chosen(remedy, FromFile.read(answers) if answers else FromTerminal())
    told = with_engine(lambda client: _Flow(client, ticket, person, source, wait_s).go(), phones=True)
    if as_json:
        print_json(told.document(remedy))
    else:
        _print(told, remedy)
    return told.code


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Answers which remedy by itself; everything else, consent above all, is the person's."""

    remedy: str
    others: Source

    async def reply(self, check: str, prompt: PromptView) -> Reply:
        from station.commands.answers import Reply

        return Reply(self.remedy) if prompt.id == "remedy" else await self.others.reply(check, prompt)


@dataclass(frozen=True, slots=True)
class _Told:
    """What came of it: the remedy's run, and of each failed check; `again` is None where nothing was repeated."""

    done: bool
    run: dict[str, Any]
    before: Before | None
    again: dict[str, Any] | None
    outcomes: tuple[Outcome, ...]

    @property
    def code(self) -> int:
        from station.commands.run import verdict_code

        if not self.done:
            return verdict_code(self.run) or EXIT_NO
        if any(one.after == "still-there" for one in self.outcomes):
            return EXIT_NO
        return EXIT_BENCH if any(one.after == "not-told" for one in self.outcomes) else EXIT_OK

    def document(self, remedy: str) -> dict[str, Any]:
        return {
            "ticket": self.run["ticket"],
            "remedy": remedy,
            "done": self.done,
            "run": self.run["run"],
            "before": self.before.run if self.before else None,
            "again": self.again["run"] if self.again else None,
            "checks": [
                {
                    "id": one.check,
                    "title": list(one.title),
                    "after": one.after,
                    "reason": list(one.reason) if one.reason else None,
                }
                for one in self.outcomes
            ],
        }


class _Flow:
    """The remedy and the second look, one after the other."""

    def __init__(self, client: Client, ticket: str, person: str, source: Source, wait_s: float) -> None:
        self._client, self._ticket, self._person = client, ticket, person
        self._source, self._wait_s = source, wait_s

    async def go(self) -> _Told:
        """Raises Trouble when the ticket has no run yet, or its phone is not here."""
        from station.remedies import CHECK, CHECKLIST, failed_before, outcomes

        runs = await self._runs()
        if not runs:
            raise Trouble("remedy.no-run", _NO_RUN.fill(ticket=self._ticket), Side.PERSON, _RUN_FIRST, EXIT_USE)
        before = failed_before(runs)
        device = str(runs[-1]["device"]["serial"] or runs[-1]["device"]["id"])
        run = await self._run(device, CHECKLIST, ())
        row = next(one for one in run["checks"] if one["id"] == CHECK)
        done = any(one["name"] == "remedy_done" and one["value"] is True for one in row["measurements"])
        if not done or before is None:
            return _Told(done, run, before, None, ())
        again = await self._run(device, before.checklist, before.checks)
        return _Told(done, run, before, again, tuple(outcomes(before.checks, again)))

    async def _runs(self) -> list[dict[str, Any]]:
        """The documents of the ticket's runs, oldest first."""
        from station.messages import RunQuery, TicketQuery

        view = (await self._client.send(TicketQuery(ticket=self._ticket))).data
        return [(await self._client.send(RunQuery(run=run["run"]))).data["document"] for run in view["runs"]]

    async def _run(self, device: str, checklist: str, only: tuple[str, ...]) -> dict[str, Any]:
        """One run to its end, sealed; of the stage in which a look before the repair belongs."""
        from station.commands.run import Attended
        from station.messages import FindDevice, StartRun

        slot = (await self._client.send(FindDevice(device=device, wait_s=self._wait_s))).data["slot"]
        start = StartRun(
            slot=slot, ticket=self._ticket, checklist=checklist, stage="diagnosis", person=self._person, only=only
        )
        return await Attended(self._client, self._source, start).to_the_end()


def _print(told: _Told, remedy: str) -> None:
    from probes.soft_remedy import REMEDIES
    from station.remedies import after_words

    name = next(words(label) for known, label in REMEDIES.items() if known == remedy)
    if not told.done:
        row = told.run["checks"][0]
        why = words(Words(*row["reason"])) if row["reason"] else "–"
        click.echo(_("{remedy}: not done ({why})").format(remedy=name, why=why))
        return
    click.echo(_("{remedy}: done").format(remedy=name))
    if told.before is None:
        click.echo(_("No check had failed: nothing to repeat."))
    for one in told.outcomes:
        reason = f"  ({words(one.reason)})" if one.reason else ""
        click.echo(f"{padded(words(after_words(one.after)), 12)} {words(one.title)}{reason}")
    if remedy == "safe-mode":
        gone = any(one.after == "gone" for one in told.outcomes)
        click.echo(_("What is gone in safe mode comes from an installed app.") if gone else "", nl=gone)
        click.echo(_("Restart the phone to leave safe mode: `assay remedy TICKET restart`."))
