"""The verdict of a run, large: sign, word and colour, then what is not a pass. F9 seals the run, then signs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from drivers.text import Words
from reports.vocabulary import STAGES, named
from station.i18n import N_, _, words
from station.ui.keys import Act
from station.ui.paint import Line, Span, box, columns, line, wrap
from station.ui.screens.page import BACK, BACK_B, HELP, LANGUAGE, Page
from station.ui.signs import STATUSES, VERDICTS
from station.ui.widgets.checklist import look_of
from station.ui.widgets.verdict import big_word, outcome
from station.ui.widgets.wall import ago

if TYPE_CHECKING:
    from station.messages import CheckRow, RunView, SessionView

__all__ = ["SIGNING", "Result", "run_words"]

_COMPLAINT = Words("complaint: {text}", "客户描述：{text}")
_RUN = Words("{stage} · {checklist}: {counts}", "{stage} · {checklist}：{counts}")

#: As what, and meaning what, a run of a stage is signed off.
SIGNING: dict[str, tuple[str, str]] = {
    "intake": ("technician", "performed"),
    "diagnosis": ("technician", "performed"),
    "self-check": ("technician", "performed"),
    "cross-check": ("inspector", "verified"),
    "delivery": ("technician", "performed"),
}


class Result(Page):
    """How the run of a slot ended."""

    CSS_PATH = "result.tcss"
    ACTS = (
        Act("f9", "sign", "F9", N_("seal and sign"), lambda s: s.may_sign(), N_("sign")),
        Act("c", "resume", "c", N_("go on with the run"), lambda s: s.may_resume(), N_("go on")),
        Act("q", "cross_check", "q", N_("cross-check"), lambda s: bool(s.ticket())),
        Act("space", "back", "Space", N_("close")),
        BACK,
        BACK_B,
        LANGUAGE,
        HELP,
    )

    def __init__(self, slot: int) -> None:
        super().__init__()
        self.slot = slot
        self._run: RunView | None = None

    def session(self) -> SessionView | None:
        """The session of the slot."""
        view = self.feed.session
        return view if view is not None and view.slot == self.slot else None

    def run_view(self) -> RunView | None:
        """The run whose result is shown: the slot's, also when the phone was pulled in the meantime."""
        view = self.session()
        if view is not None and view.run is not None and (self._run is None or view.run.run == self._run.run):
            self._run = view.run
        return self._run

    def ticket(self) -> str:
        """The ticket of the run."""
        run = self.run_view()
        return run.ticket if run is not None else ""

    def may_sign(self) -> bool:
        """Whether the run waits for a signature; a dry run (without a ticket) is never signed."""
        run = self.run_view()
        return run is not None and bool(run.ticket) and run.state != "running" and not run.signed_by and not self.busy

    def may_resume(self) -> bool:
        """Whether checks are left of a run that was interrupted, stopped, or lost its phone."""
        run = self.run_view()
        return run is not None and bool(run.resumable) and run.state == "finished" and not self.busy

    def where(self) -> str:
        """Slot and stage."""
        run = self.run_view()
        place = _("Slot {n}").format(n=self.slot)
        parts = [place, *([words(named(STAGES, run.stage)), run.ticket] if run is not None else [])]
        return " · ".join(part for part in parts if part)

    def drawing(self, width: int, height: int) -> Sequence[Line]:
        """The word, the counts, and what is not a pass."""
        run = self.run_view()
        if run is None:
            return [line(), line(("  " + _("no run"), "dim"))]
        verdict = outcome(run)
        look = VERDICTS[verdict]
        rows: list[Line] = [line(), *big_word(verdict, look.colour, width - 4), line(), self._counts(run)]
        rows += [self._state(run)]
        title = line((f"{look.sign} {words(look.words)}", look.colour))
        large = box(title, rows, width, look=look.colour, note=self._phone())
        return [*large, line(), *self._not_passed(run, width, height - len(large) - 1)]

    def _phone(self) -> str:
        view = self.session()
        return f"{view.card.model} …{view.card.serial_tail}" if view is not None and view.card.model else ""

    def _counts(self, run: RunView) -> Line:
        counted = _counted(run)
        spans: list[Span] = []
        for key, look in VERDICTS.items():
            if counted[key] or key in {"pass", "fail", "none"}:
                spans += [Span(" · ", "frame")] if spans else [Span(" ")]
                spans.append(Span(f"{look.sign} {words(look.words)} {counted[key]}", look.colour))
        if run.ended_ms is not None:
            spans.append(Span("    " + _("took {time}").format(time=ago(run.ended_ms - run.started_ms)), "dim"))
        return spans

    def _state(self, run: RunView) -> Line:
        if not run.ticket:
            return line((" " + _("dry run: nothing was written, nothing to sign"), "dim"))
        if run.signed_by:
            return line((" ✔ " + _("sealed, and signed by {name}").format(name=self.name_of(run.signed_by)), "pass"))
        if run.state == "sealed":
            return line((" ! " + _("sealed; it does not count before it is signed"), "warn"))
        if run.stopped is not None:
            left = len(run.resumable)
            go_on = " · " + _("c goes on with the {n} that are left").format(n=left) if left else ""
            return line((f" ! {words(run.stopped)}{go_on}", "warn"))
        return line((" ! " + _("nothing counts unsigned: F9 seals and signs"), "warn"))

    def _not_passed(self, run: RunView, width: int, height: int) -> list[Line]:
        rows: list[Line] = []
        for row in run.checks:
            if row.verdict in {"pass", "info"}:
                continue
            look = look_of(row, run)
            first = columns(
                [
                    (line((f" {look.sign} {words(look.words)}", look.colour)), 11),
                    (line((words(row.title), "strong")), 26),
                    (" " + _measured(row), max(10, width - 37)),
                ]
            )
            rows.append(first)
            if row.reason is not None:
                rows += [[Span(" " * 12), *part] for part in wrap(words(row.reason), width - 14, "none", most=2)]
        if len(rows) > height > 0:
            rows = [*rows[: height - 1], line(("   … " + _("the rest is on the slot's page"), "dim"))]
        return rows

    # --- keys ---

    def action_sign(self) -> None:
        """Seal the run if it is not, then sign its record."""
        run, me = self.run_view(), self.me()
        if run is not None and me:
            self.run_worker(self._seal_and_sign(run, me), group="order", exclusive=True)

    async def _seal_and_sign(self, run: RunView, me: str) -> None:
        from station.messages import CloseRun
        from station.ui.screens.sign import Sign

        record = run.record
        if record is None:
            sealed = await self.order(CloseRun(run=run.run, person=me))
            if sealed is None:
                return
            record = str(sealed.data.get("record") or sealed.data.get("digest") or "")
        role, meaning = SIGNING.get(run.stage, ("technician", "performed"))
        self.app.push_screen(Sign(record, run.ticket, role, meaning, about=self._about(run)), self._signed)

    def _about(self, run: RunView) -> list[Words]:
        """What was complained of, and how the checks ended."""
        view = self.session()
        complaint = view.ticket.complaint if view is not None and view.ticket is not None else ""
        return [*([_COMPLAINT.fill(text=complaint)] if complaint else []), run_words(run)]

    def _signed(self, digest: str | None) -> None:
        if digest:
            self.say(Words("signed, stored, and waiting for head office", "已签字并保存，等待上传总部"))
        else:
            self.say(Words("not signed: nothing counts yet", "未签字：结果不生效"), STATUSES["warn"].colour)

    def action_resume(self) -> None:
        """Go on with what is left of the run, on the slot's page; nothing is done twice."""
        run = self.run_view()
        if run is not None and (me := self.me()):
            self.run_worker(self._go_on(run, me), group="order", exclusive=True)

    async def _go_on(self, run: RunView, me: str) -> None:
        from station.messages import ResumeRun

        if await self.order(ResumeRun(run=run.run, person=me)) is not None:
            self.dismiss()

    def action_cross_check(self) -> None:
        """The cross-check of the ticket."""
        from station.ui.screens.release import Release

        self.app.push_screen(Release(self.ticket()))


def _counted(run: RunView) -> dict[str, int]:
    """How many checks ended how; what did not end is not run."""
    counted = dict.fromkeys(VERDICTS, 0)
    for row in run.checks:
        counted[row.verdict if row.verdict in VERDICTS else "none"] += 1
    return counted


def run_words(run: RunView) -> Words:
    """A run in one sentence: its stage, its checklist, and how many checks ended how."""
    counts = [(VERDICTS[key].words, n) for key, n in _counted(run).items() if n]
    shown = Words(" · ".join(f"{one.en} {n}" for one, n in counts), " · ".join(f"{one.zh} {n}" for one, n in counts))
    return _RUN.fill(stage=named(STAGES, run.stage), checklist=run.checklist_title, counts=shown)


def _measured(row: CheckRow) -> str:
    """What was measured and what was demanded, as `temperature 52 °C  (0 … 45)`."""
    called = words(row.measure) + " " if row.measure is not None and row.measured else ""
    return called + row.measured + (f"  ({words(row.limit)})" if row.limit else "")
