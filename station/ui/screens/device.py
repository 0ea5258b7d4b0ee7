"""One slot in detail: the running checklist, the phone, what happens now, and the panel when a person is asked.

Everything shown is the engine's session of the slot; the page's own are the cursor and which check was answered last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.widget import Widget
from textual.widgets import Input

from drivers.text import Words, safe_text
from reports.vocabulary import STAGES, named
from station.i18n import N_, _, words
from station.ui.keys import Act
from station.ui.paint import Line, beside, box, cells, line, wrap
from station.ui.screens.page import BACK, BACK_B, HELP, LANGUAGE, Page
from station.ui.signs import STATUSES, TICKET_STATES, UNKNOWN
from station.ui.widgets.checklist import checklist_box, row_details
from station.ui.widgets.drawn import Drawn
from station.ui.widgets.form import Field
from station.ui.widgets.prompt import answers, prompt_lines, time_is_up

if TYPE_CHECKING:
    from station.messages import CheckRow, PromptView, RunView, SessionView

__all__ = ["Device"]

#: Names of what identifies a phone, in the order in which they are shown.
IDENTITY: dict[str, Words] = {
    "imei1": Words("IMEI", "IMEI"),
    "imei2": Words("IMEI 2", "IMEI 2"),
    "serial": Words("serial", "序列号"),
    "manufacturer": Words("maker", "厂商"),
    "model": Words("model", "机型"),
    "platform": Words("platform", "平台"),
    "os": Words("system", "系统"),
    "build": Words("build", "版本号"),
    "port": Words("port", "端口"),
}

#: States of a ticket whose phone is still to be taken in.
_REGISTERED = frozenset({"registered", "appointed"})


class Device(Page):
    """The page of one slot."""

    CSS_PATH = "device.tcss"
    ACTS = (
        Act("up", "move(-1)", "↑↓", N_("select"), lambda s: s.run_view() is not None and s.asked() is None),
        Act("down", "move(1)", "", N_("select"), lambda s: s.run_view() is not None and s.asked() is None),
        Act("f9", "commit", "F9", N_("submit"), lambda s: s.wants_text()),
        Act("f9", "result", "F9", N_("result, sign"), lambda s: s.ended() and not s.wants_text()),
        Act("k", "start", "k", N_("start checklist"), lambda s: s.may_start(), N_("start")),
        Act("n", "intake", "n", N_("intake"), lambda s: s.may_take_in()),
        Act("n", "steps", "n", N_("what to do next"), lambda s: s.may_go_on(), N_("next")),
        Act("r", "retest", "r", N_("retest"), lambda s: s.may_retest()),
        Act("plus", "answer('+')", "", N_("pass"), lambda s: s.may_judge()),
        Act("minus", "answer('-')", "", N_("fail"), lambda s: s.may_judge()),
        Act("0", "answer('0')", "", N_("n/a"), lambda s: s.may_judge()),
        Act("m", "note", "m", N_("note"), lambda s: s.may_note()),
        Act("asterisk", "replay", "*", N_("retest"), lambda s: s.open_prompt() is not None),
        Act("u", "undo", "u", N_("undo"), lambda s: s.may_undo()),
        Act("c", "resume", "c", N_("go on with the run"), lambda s: s.may_resume(), N_("go on")),
        Act("s", "skip", "s", N_("skip (reason)"), lambda s: s.open_prompt() is not None, N_("skip")),
        Act("ctrl+s", "skip", "^S", N_("skip (reason)"), lambda s: s.wants_text(), N_("skip")),
        Act("x", "stop", "x", N_("stop"), lambda s: s.running()),
        Act("v", "evidence", "v", N_("evidence"), lambda s: s.run_view() is not None),
        Act("h", "history", "h", N_("log, history"), lambda s: s.session() is not None, N_("log")),
        Act("q", "cross_check", "q", N_("cross-check"), lambda s: bool(s.ticket()), N_("QC")),
        BACK,
        BACK_B,
        LANGUAGE,
        HELP,
    )

    def __init__(self, slot: int) -> None:
        super().__init__()
        self.slot = slot
        self.cursor: int | None = None
        self._answered: tuple[str, str] | None = None  # the run and the check that `u` takes back
        self._result_shown = ""
        self._note = ("", "", "")  # attempt, prompt, and what goes with the answer to it
        self._prompt_shown = ("", "")

    # --- what the engine says of this slot ---

    def session(self) -> SessionView | None:
        """The session of this slot."""
        view = self.feed.session
        return view if view is not None and view.slot == self.slot else None

    def run_view(self) -> RunView | None:
        """The run of this slot."""
        view = self.session()
        return view.run if view is not None else None

    def open_prompt(self) -> PromptView | None:
        """The prompt that can still be answered."""
        prompt = self.asked()
        return prompt if prompt is not None and not time_is_up(prompt, self.feed.now_ms()) else None

    def asked(self) -> PromptView | None:
        """The prompt that is on the screen, in time or not."""
        view = self.session()
        return view.prompt if view is not None else None

    def may_judge(self) -> bool:
        """Whether `+ - 0` mean something now."""
        prompt = self.open_prompt()
        return prompt is not None and prompt.kind == "verdict" and not self.busy

    def may_note(self) -> bool:
        """Whether an answer is open that a note can go with."""
        prompt = self.open_prompt()
        return prompt is not None and prompt.kind in ("choice", "verdict") and not self.busy

    def wants_text(self) -> bool:
        """Whether a text is asked for."""
        prompt = self.open_prompt()
        return prompt is not None and prompt.kind == "text"

    def ended(self) -> bool:
        """Whether there is a result to look at."""
        run = self.run_view()
        return run is not None and run.state != "running"

    def running(self) -> bool:
        """Whether something runs that could be stopped."""
        run = self.run_view()
        return run is not None and run.state == "running"

    def may_start(self) -> bool:
        """Whether a run could be started."""
        view = self.session()
        return view is not None and not self.running() and view.card.status not in {"empty", "identifying", "lost"}

    def may_take_in(self) -> bool:
        """Whether the phone has no ticket yet, or one for which it was only registered."""
        view = self.session()
        if view is None or view.card.status == "empty" or self.running():
            return False
        return not view.card.ticket or (view.ticket is not None and view.ticket.state in _REGISTERED)

    def may_go_on(self) -> bool:
        """Whether there is a ticket whose next step could be done: nothing runs and nothing is asked."""
        return bool(self.ticket()) and not self.may_take_in() and not self.running() and self.asked() is None

    def may_retest(self) -> bool:
        """Whether the chosen check can be tried again."""
        run, row = self.run_view(), self.chosen()
        return run is not None and run.state != "sealed" and row is not None and row.state == "ended"

    def may_resume(self) -> bool:
        """Whether checks are left of a run that was interrupted, stopped, or lost its phone."""
        run = self.run_view()
        return run is not None and bool(run.resumable) and not self.busy

    def may_undo(self) -> bool:
        """Whether the last answer can be taken back: its check is tried again, what was said stays on record."""
        run = self.run_view()
        return run is not None and run.state != "sealed" and self._answered is not None and self._answered[0] == run.run

    def ticket(self) -> str:
        """The ticket of the phone in the slot."""
        view = self.session()
        return view.card.ticket if view is not None else ""

    def chosen(self) -> CheckRow | None:
        """The check that keys act on: the one chosen, else the one that runs."""
        run = self.run_view()
        if run is None or not run.checks:
            return None
        return run.checks[min(self._line(run), len(run.checks) - 1)]

    def _line(self, run: RunView) -> int:
        if self.cursor is not None:
            return max(0, min(self.cursor, len(run.checks) - 1))
        going = [n for n, row in enumerate(run.checks) if row.state in {"running", "your-turn"}]
        ended = [n for n, row in enumerate(run.checks) if row.state == "ended"]
        return going[0] if going else ended[-1] if ended else 0

    # --- drawing ---

    def where(self) -> str:
        """Slot, phone and ticket."""
        card = self.feed.card(self.slot)
        parts = [_("Slot {n}").format(n=self.slot)]
        if card is not None:
            parts += [part for part in (card.model, card.ticket) if part]
        return " · ".join(parts)

    def body(self) -> Iterable[Widget]:
        """The drawing, and a text field that shows while a text is asked for."""
        yield Drawn(self.drawing, id="body")
        yield Field("answer", lambda: _("answer"), most=2000)

    def on_mount(self) -> None:
        """Follow this slot."""
        self.run_worker(self.bench_app.follow_slot(self.slot))

    def on_unmount(self) -> None:
        """Nobody looks at the slot any more."""
        self.app.run_worker(self.bench_app.follow_slot(None))

    def follow(self) -> None:
        """Show what is new; a text field opens with its prompt, and a run that ended shows its result once."""
        if not self.there:
            return
        self._offer_field()
        self.redraw()
        run = self.run_view()
        if run is not None and run.state == "finished" and self._result_shown != run.run and self.is_current:
            self._result_shown = run.run
            self.action_result()
        if run is not None and run.state == "running":
            self._result_shown = ""

    def _offer_field(self) -> None:
        row = self.query_one("#row-answer", Field)
        wanted = self.wants_text()
        row.display = wanted
        prompt = self.asked()
        key = (prompt.attempt, prompt.id) if prompt is not None else ("", "")
        if key != self._prompt_shown:
            self._prompt_shown = key
            row.input.value = ""
        if wanted and self.focused is None:
            row.input.focus()
        elif not wanted and self.focused is not None:
            self.set_focus(None)

    def on_second(self) -> None:
        """Countdowns move, and end."""
        if self.is_current:
            self._offer_field()
            self.redraw()

    def drawing(self, width: int, height: int) -> Sequence[Line]:
        """Panel, or checklist and phone."""
        view = self.session()
        if view is None:
            return [line(), line(("  " + _("asking the engine for this slot …"), "dim"))]
        if view.prompt is not None:
            seen = self.bench_app.stand.glimpse(view.card.device)
            return prompt_lines(
                view, view.prompt, self.feed.now_ms(), width, self._last_answered(view), seen, self.note()
            )
        below = 12 if height >= 38 else 0
        left_width = width * 63 // 100 if width < 140 else width * 60 // 100
        left = self._left(view, left_width, height - below)
        right = self._right(view, width - left_width - 1, height - below)
        rows = beside(left, right, left_width)
        if below:
            rows += log_box(view, width, below // 2 + 1) + history_box(
                view, width, below - below // 2 - 1, self.bench_app.names
            )
        return rows

    def _left(self, view: SessionView, width: int, height: int) -> list[Line]:
        if view.run is not None:
            return checklist_box(view.run, width, height, self._line(view.run), self.bench_app.names)
        look = STATUSES.get(view.card.status, UNKNOWN)
        rows: list[Line] = [line((f"{look.sign} {words(look.words)}", look.colour)), line()]
        rows += wrap(words(view.card.headline), width - 4)
        if view.card.next_step is not None:
            rows += [line(), *wrap("→ " + words(view.card.next_step), width - 4, "strong")]
        if self.may_start():
            rows += [line(), line(("k ", "key"), _("start a checklist"))]
            if self.may_take_in():
                rows.append(line(("n ", "key"), _("intake: open a ticket for this phone")))
            elif self.may_go_on():
                rows.append(line(("n ", "key"), _("what to do next")))
        return box(_("No run yet"), rows, width, height)

    def _right(self, view: SessionView, width: int, height: int) -> list[Line]:
        device = device_box(view, width)
        row = self.chosen()
        if row is None or height - len(device) < 4:
            return device
        return device + row_details(row, self.run_view(), width, height - len(device))

    def _last_answered(self, view: SessionView) -> str:
        if view.run is None or self._answered is None or self._answered[0] != view.run.run:
            return ""
        return next((words(row.title) for row in view.run.checks if row.id == self._answered[1]), "")

    # --- answering ---

    def on_key(self, event: events.Key) -> None:
        """The keys of a choice; Enter and space are never among them."""
        prompt = self.open_prompt()
        if prompt is None or prompt.kind != "choice" or self.busy or not event.character:
            return
        for key, value, _label in answers(prompt):
            if key and key == event.character and key.isprintable() and not key.isspace():
                event.stop()
                self._answer(prompt, value)
                return

    def shown_acts(self) -> Iterable[Act]:
        """The answers come first."""
        if self.may_judge():
            yield Act("", "", "+ - 0", N_("judge"))
        yield from super().shown_acts()

    def action_answer(self, key: str) -> None:
        """A verdict by its key. Not applicable asks for the reason."""
        prompt = self.open_prompt()
        if prompt is None or prompt.kind != "verdict" or not self.me():
            return
        value = next(value for known, value, _label in answers(prompt) if known == key)
        if value != "not-applicable":
            self._answer(prompt, value)
            return

        def with_reason(reason: str | None) -> None:
            if reason:
                self._answer(prompt, value, reason)

        self._ask_reason(N_("Not applicable"), with_reason)

    def note(self) -> str:
        """What was written down for the open prompt."""
        prompt, (attempt, asked, text) = self.open_prompt(), self._note
        return text if prompt is not None and (prompt.attempt, prompt.id) == (attempt, asked) else ""

    def action_note(self) -> None:
        """Write something that goes with the answer."""
        prompt = self.open_prompt()
        if prompt is None:
            return

        def keep(text: str | None) -> None:
            if text:
                self._note = (prompt.attempt, prompt.id, text)
                self.redraw()

        self._ask_reason(N_("A note that goes with the answer"), keep)

    def action_commit(self) -> None:
        """Submit the text."""
        prompt = self.open_prompt()
        text = self.query_one("#row-answer", Field).value
        if prompt is not None and prompt.kind == "text" and text and not self.busy:
            self._answer(prompt, text)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter submits a text, and only that."""
        event.stop()
        self.action_commit()

    def _answer(self, prompt: PromptView, value: str, note: str = "") -> None:
        from station.messages import AnswerPrompt

        me = self.me()
        if not me:
            return
        check, run = self._check_of(prompt), self.run_view()
        command = AnswerPrompt(
            slot=self.slot,
            attempt=prompt.attempt,
            prompt=prompt.id,
            value=value,
            note=note or self.note(),
            person=me,
        )

        async def answer() -> None:
            if await self.order(command) is not None and run is not None and check:
                self._answered = (run.run, check)
                self.redraw()

        self.run_worker(answer(), group="order")

    def _check_of(self, prompt: PromptView) -> str:
        run = self.run_view()
        asking = [row.id for row in run.checks if row.state == "your-turn"] if run is not None else []
        return asking[0] if asking else ""

    def _ask_reason(self, title: str, then: Callable[[str | None], None]) -> None:
        from station.ui.screens.reason import Reason

        self.app.push_screen(Reason(title, self.where), then)

    # --- keys ---

    def action_move(self, by: int) -> None:
        """Choose another check."""
        run = self.run_view()
        if run is not None and run.checks:
            self.cursor = max(0, min(self._line(run) + by, len(run.checks) - 1))
            self.redraw()

    def action_retest(self) -> None:
        """Try the chosen check again; the attempts before it stay."""
        run, row = self.run_view(), self.chosen()
        if run is not None and row is not None:
            self._retest(run.run, row.id)

    def action_replay(self) -> None:
        """Try the check that asks again from its start."""
        prompt, run = self.open_prompt(), self.run_view()
        if prompt is not None and run is not None:
            self._retest(run.run, self._check_of(prompt))

    def action_undo(self) -> None:
        """Take back the last answer: its check is tried again."""
        if self._answered is not None:
            self._retest(*self._answered)

    def _retest(self, run: str, check: str, confirmed: bool = False) -> None:
        if me := self.me():
            self.run_worker(self._try_again(run, check, me, confirmed), group="order", exclusive=True)

    async def _try_again(self, run: str, check: str, me: str, confirmed: bool) -> None:
        from station.errors import Trouble
        from station.messages import Retest
        from station.ui.screens.confirm import Confirm

        try:
            await self.bench_app.send(Retest(run=run, check=check, person=me, confirmed=confirmed))
        except Trouble as trouble:
            if trouble.code != "run.confirm":
                self.tell(trouble)
                return

            def again(answer: str | None) -> None:
                if answer:
                    self._retest(run, check, confirmed=True)

            self.app.push_screen(Confirm(trouble.what, trouble.next_step, self.where), again)
        else:
            self.hush()

    def action_resume(self) -> None:
        """Go on with what is left of the run; nothing is done twice."""
        from station.messages import ResumeRun

        run, me = self.run_view(), self.me()
        if run is not None and me:
            self.submit(ResumeRun(run=run.run, person=me))

    def action_skip(self) -> None:
        """Skip what is asked, with a reason; it is recorded as not run."""
        from station.messages import SkipPrompt

        prompt, me = self.open_prompt(), self.me()
        if prompt is None or not me:
            return

        def skip(reason: str | None) -> None:
            if reason:
                self.submit(
                    SkipPrompt(slot=self.slot, attempt=prompt.attempt, prompt=prompt.id, reason=reason, person=me)
                )

        self._ask_reason(N_("Skip this check: it will be recorded as not run"), skip)

    def action_stop(self) -> None:
        """Stop the run, with a reason."""
        from station.messages import AbortRun

        run, me = self.run_view(), self.me()
        if run is None or not me:
            return

        def stop(reason: str | None) -> None:
            if reason:
                self.submit(AbortRun(run=run.run, person=me, reason=reason))

        self._ask_reason(N_("Stop this run: what has not run stays not run"), stop)

    def action_start(self) -> None:
        """Choose a checklist."""
        from station.ui.screens.start import Start, due_stage

        view = self.session()
        self.app.push_screen(Start(self.slot, self.ticket(), due_stage(view.ticket if view is not None else None)))

    def action_intake(self) -> None:
        """Open a ticket for this phone."""
        from station.ui.screens.intake import IntakeForm

        self.app.push_screen(IntakeForm(self.slot))

    def action_steps(self) -> None:
        """What can be done on the ticket now."""
        from station.ui.screens.steps import Steps

        self.app.push_screen(Steps(self.ticket()))

    def action_result(self) -> None:
        """The verdict, large."""
        from station.ui.screens.result import Result

        self.app.push_screen(Result(self.slot))

    def action_evidence(self) -> None:
        """The raw bytes of the chosen check."""
        from station.ui.screens.evidence import Evidence

        row = self.chosen()
        if row is not None:
            self.app.push_screen(Evidence(row.title, row.evidence))

    def action_history(self) -> None:
        """Log and history."""
        from station.ui.screens.history import History

        self.app.push_screen(History(self.slot))

    def action_cross_check(self) -> None:
        """The cross-check of this phone's ticket."""
        from station.ui.screens.release import Release

        self.app.push_screen(Release(self.ticket()))


def device_box(view: SessionView, width: int) -> list[Line]:
    """What is known of the phone."""
    known = dict(view.identity)
    rows: list[Line] = []
    for key in [*[name for name in IDENTITY if name in known], *[name for name in known if name not in IDENTITY]]:
        label = words(IDENTITY.get(key, Words(safe_text(key), safe_text(key))))
        rows.append(line((cells(label, 9) + " ", "dim"), known[key]))
    if view.ticket is not None:
        state = words(view.ticket.state_words) or words(named(TICKET_STATES, view.ticket.state))
        rows.append(line((cells(_("ticket"), 9) + " ", "dim"), f"{view.ticket.ticket} · {state}"))
        if view.ticket.complaint:
            rows.append(line((cells(_("complaint"), 9) + " ", "dim"), view.ticket.complaint))
    return box(_("Device"), rows[:9], width)


def log_box(view: SessionView, width: int, height: int) -> list[Line]:
    """The end of the log."""
    rows = [line((text, "dim")) for text in view.log[-(height - 2) :]]
    return box(_("Log (control characters made visible)"), rows, width, height)


def history_box(view: SessionView, width: int, height: int, names: Mapping[str, str]) -> list[Line]:
    """The runs of the ticket."""
    return box(_("Runs of this ticket"), history_lines(view, names)[: height - 2], width, height)


def history_lines(view: SessionView, names: Mapping[str, str]) -> list[Line]:
    """One line for each run of the ticket, newest first."""
    runs = view.ticket.runs if view.ticket is not None else ()
    return [run_line(run, names) for run in reversed(runs)]


def run_line(run: RunView, names: Mapping[str, str]) -> Line:
    """One run as a line: stage, checklist, counts, who signed (by what `names` has for their ids) or why it stopped."""
    counts = " · ".join(
        f"{words(look)} {run.summary.get(key, 0)}"
        for key, look in (
            ("pass", Words("pass", "合格")),
            ("warn", Words("warn", "预警")),
            ("fail", Words("fail", "不合格")),
            ("not_run", Words("not run", "未检")),
        )
        if run.summary.get(key, 0)
    )
    signed = _("not signed")
    if run.signed_by:
        signed = _("signed by {name}").format(name=names.get(run.signed_by, run.signed_by))
    stage = cells(words(named(STAGES, run.stage)), 12)
    if run.state == "running":
        return line((stage, "strong"), f" {words(run.checklist_title)} ", (" ▸ " + _("running"), "run"))
    ended = ("! " + words(run.stopped), "warn") if run.stopped is not None and run.record is None else (signed, "dim")
    return line((stage, "strong"), f" {words(run.checklist_title)} ", (f" {counts} ", "text"), ended)
