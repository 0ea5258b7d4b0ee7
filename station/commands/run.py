"""`assay run`: one checklist on one phone, with the answers of a file or of the person at the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drivers.api import Side
from drivers.text import Words
from station.errors import EXIT_BENCH, EXIT_NO, EXIT_OK, Trouble
from station.i18n import _, language, padded

if TYPE_CHECKING:
    from station.client import Client
    from station.commands.answers import Source
    from station.messages import CheckRow, PromptView, RunView, SessionView

__all__ = ["Attended", "command", "verdict_code"]

#: Endings that blame the bench, the cable or a phone that fell silent: no answer about the phone was had.
_BROKEN = ("errored", "timed-out", "aborted", "interrupted")


@click.command("run", help=_("Run a checklist on a phone. Without --ticket it is a dry run that leaves no record."))
@click.option("--device", default="", metavar="DEVICE", help=_("adb:SERIAL, or part of a serial or IMEI."))
@click.option(
    "--bugreport",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help=_("A bug report that stands for the phone in a diagnosis: only what it holds is judged."),
)
@click.option("--checklist", default="", metavar="ID", help=_("A checklist's id, or a file."))
@click.option("--ticket", default="", metavar="T", help=_("The ticket that the run belongs to."))
@click.option("--stage", default="", help=_("Else the checklist's first stage."))
@click.option("--as", "person", default="", metavar="PERSON", help=_("Who does it: a person's id."))
@click.option(
    "--answers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help=_("Answers to the prompts, instead of asking."),
)
@click.option(
    "--consented", is_flag=True, help=_("The customer agreed to changes that are undone: do not ask before the first.")
)
@click.option("--only", multiple=True, metavar="CHECK", help=_("Only this check; may be given again."))
@click.option(
    "--resume", is_flag=True, help=_("Go on with what is left of the ticket's run that was cut short; no --checklist.")
)
@click.option("--wait", "wait_s", default=20.0, show_default=True, help=_("Seconds to wait for the phone."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
@click.pass_context
def command(
    ctx: click.Context,
    device: str,
    bugreport: Path | None,
    checklist: str,
    ticket: str,
    stage: str,
    person: str,
    answers: Path | None,
    consented: bool,
    only: tuple[str, ...],
    resume: bool,
    wait_s: float,
    as_json: bool,
) -> None:
    """Ends 0 when all is good, 1 when something failed or a required check was not run, 3 when the bench failed."""
    from station.commands.answers import FromFile, FromTerminal
    from station.commands.engine_side import print_json, with_engine
    from station.messages import FindDevice, ResumeRun, StartRun

    if bool(device) == (bugreport is not None):
        raise click.UsageError(_("Name a phone with --device, or a bug report with --bugreport."))
    if ticket and not person:
        raise click.UsageError(_("A run of a ticket needs --as PERSON."))
    if resume and (not ticket or bugreport or checklist or stage or only or consented):
        raise click.UsageError(_("--resume goes with --device, --ticket and --as: the rest is as the run began."))
    if not (resume or checklist):
        raise click.UsageError(_("Name a checklist with --checklist."))
    source = FromFile.read(answers) if answers else FromTerminal()
    if checklist.endswith(".toml"):
        checklist = str(Path(checklist).absolute())  # the engine has another working folder
    stage = stage or ("diagnosis" if bugreport or resume else first_stage(checklist))

    async def go_on(client: Client) -> dict[str, Any]:
        slot = (await client.send(FindDevice(device=device, wait_s=wait_s))).data["slot"]
        left = await _cut_short(client, ticket)
        start = ResumeRun(run=left.run, person=person)
        return await Attended(client, source, start, slot, left.ended_ms).to_the_end()

    async def run(client: Client, device: str = device, wait_s: float = wait_s) -> dict[str, Any]:
        slot = (await client.send(FindDevice(device=device, wait_s=wait_s))).data["slot"]
        start = StartRun(
            slot=slot,
            ticket=ticket,
            checklist=checklist,
            stage=stage,
            person=person or getpass.getuser(),
            only=only,
            consented=consented,
        )
        return await Attended(client, source, start).to_the_end()

    if resume:
        document = with_engine(go_on, phones=True)
    elif bugreport is None:
        document = with_engine(run, phones=True)
    else:
        from station.bug_reports import READ_S, shown_report

        with shown_report(bugreport) as link:
            document = with_engine(lambda client: run(client, link, wait_s + READ_S), phones=True)
    if as_json:
        print_json(document)
    else:
        _print(document)
    ctx.exit(verdict_code(document))


async def _cut_short(client: Client, ticket: str) -> RunView:
    """The newest run of the ticket with something left; raises Trouble where nothing is."""
    from station.messages import TicketQuery, TicketView

    runs = TicketView.model_validate((await client.send(TicketQuery(ticket=ticket))).data).runs
    for run in reversed(runs):
        if run.resumable and run.state == "finished":
            return run
    raise Trouble("run.nothing-left", _NOTHING_LEFT.fill(ticket=ticket), Side.PERSON, _START_ONE, EXIT_NO)


def first_stage(checklist: str) -> str:
    """The first stage that the checklist is for; `diagnosis` where it can't be read."""
    from checklists.load import load_checklist
    from checklists.problems import ChecklistErrors

    with contextlib.suppress(ChecklistErrors):  # the engine says what is wrong with it
        return load_checklist(checklist).stages[0].value
    return "diagnosis"


def verdict_code(document: dict[str, Any]) -> int:
    """The exit code of a run's document: a fail is the answer "no"; a broken attempt is the bench's failure."""
    if document["summary"]["fail"]:
        return EXIT_NO
    if document["stopped"] or any(check["ending"] in _BROKEN for check in document["checks"]):
        return EXIT_BENCH
    missing = [
        check
        for check in document["checks"]
        if check["required"] and check["verdict"] == "none" and check["ending"] != "not-applicable"
    ]
    return EXIT_NO if missing else EXIT_OK


class Attended:
    """A run with somebody (or a file) at its prompts.

    Args:
        start: `StartRun`; or `ResumeRun`, which says neither of these:
        slot: where the phone is.
        ended_ms: when the run ended before.
    """

    def __init__(
        self, client: Client, source: Source, start: Any, slot: int | None = None, ended_ms: int | None = None
    ) -> None:
        self._client, self._source, self._start = client, source, start
        self._slot, self._ended_before = start.slot if slot is None else slot, ended_ms
        self._told: dict[str, int] = {}
        self._answering: asyncio.Task[None] | None = None
        self._asked = ("", "", 0)

    async def to_the_end(self) -> dict[str, Any]:
        """Start the run or go on with it, answer what it asks, seal it, and give its document."""
        from station.messages import CloseRun, ResumeRun, RunQuery, Watch

        resumed = isinstance(self._start, ResumeRun)
        await self._client.send(Watch(slot=self._slot))
        told = (await self._client.send(self._start)).data
        run = str(self._start.run if resumed else told["run"])
        view = await self._attend(run)
        if (resumed or self._start.ticket) and view.stopped is None:
            await self._client.send(CloseRun(run=run, person=self._start.person))
        document: dict[str, Any] = (await self._client.send(RunQuery(run=run))).data["document"]
        return document

    async def _attend(self, run: str) -> RunView:
        from station.messages import AbortRun

        try:
            async for view in self._client.session():
                if view.run is not None and view.run.run == run:
                    self._tell(view.run.checks)
                    self._prompt(view)
                    # A view from before a run went on shows it as it ended then.
                    if view.run.state != "running" and view.run.ended_ms != self._ended_before:
                        return view.run
        except asyncio.CancelledError:  # Ctrl+C: what is open ends as aborted, in order, before we go
            with contextlib.suppress(Trouble):
                await self._client.send(AbortRun(run=run, person=self._start.person, reason="Ctrl+C"))
            raise
        finally:
            self._stop_answering()
        raise AssertionError("the engine's views end only with a Trouble")

    def _tell(self, rows: tuple[CheckRow, ...]) -> None:
        from station.commands.engine_side import say
        from station.i18n import words

        for row in rows:
            if row.state == "ended" and self._told.get(row.id, 0) < row.attempts:
                self._told[row.id] = row.attempts
                reason = f"  ({words(row.reason)})" if row.reason else ""
                called = f"  {words(row.measure)} {row.measured}" if row.measure and row.measured else ""
                say(f"  {_word(row.verdict or 'none')}  {words(row.title)}{called}{reason}")

    def _prompt(self, view: SessionView) -> None:
        """Have the open prompt answered once; one that was taken away is not answered any more."""
        prompt = view.prompt
        asked = (prompt.attempt, prompt.id, prompt.asked_ms) if prompt else ("", "", 0)
        if asked == self._asked:
            return
        self._asked = asked
        self._stop_answering()
        if prompt is not None:
            self._answering = asyncio.create_task(self._answer(prompt))

    def _stop_answering(self) -> None:
        if self._answering is not None:
            self._answering.cancel()
            self._answering = None

    async def _answer(self, prompt: PromptView) -> None:
        from station.commands.answers import Unanswered
        from station.commands.engine_side import say
        from station.i18n import words
        from station.messages import AnswerPrompt, SkipPrompt

        where: dict[str, Any] = {"slot": prompt.slot, "attempt": prompt.attempt, "prompt": prompt.id}
        while True:
            try:
                reply = await self._source.reply(prompt.attempt.split("/")[1], prompt)
                if not reply.wait:
                    about = {"value": reply.value, "note": reply.note, "person": self._start.person}
                    await self._client.send(AnswerPrompt(**where, **about))
            except Unanswered as why:
                with contextlib.suppress(Trouble):  # answered by somebody else, or taken away
                    await self._client.send(SkipPrompt(**where, reason=str(why), person=self._start.person))
            except Trouble as trouble:
                if trouble.code == "prompt.answer":  # no answer to this question: ask again
                    say(f"  {words(trouble.what)}: {words(trouble.next_step)}")
                    continue
            return


def _print(document: dict[str, Any]) -> None:
    at = 1 if language() == "zh" else 0
    checklist, device = document["checklist"], document["device"]
    click.echo(f"{document['run']}  {checklist['id']} v{checklist['version']}  {device['model']}  {device['id']}")
    for check in document["checks"]:
        reason = f"  ({check['reason'][at]})" if check["reason"] else ""
        finding = f"  {check['finding']}" if check["finding"] else ""
        click.echo(f"{padded(_word(check['verdict']), 8)} {check['title'][at]}{finding}{reason}")
    count = document["summary"]
    click.echo(
        _("pass {p}  warn {w}  fail {f}  info {i}  not run {n}").format(
            p=count["pass"], w=count["warn"], f=count["fail"], i=count["info"], n=count["not_run"]
        )
    )
    if document["stopped"]:
        click.echo(_("stopped: {reason}").format(reason=document["stopped"][at]))
    click.echo(_("record {digest}").format(digest=document["record"]) if document["record"] else _("no record"))


_NOTHING_LEFT = Words("No run of {ticket} was cut short", "工单 {ticket} 没有中断的检测")
_START_ONE = Words(
    "`assay ticket show` tells of its runs; start one with --checklist",
    "请用 `assay ticket show` 查看，或用 --checklist 开始检测",
)


def _word(verdict: str) -> str:
    from checklists.verdict import Verdict
    from station.i18n import words

    return words(Verdict(verdict).words)
