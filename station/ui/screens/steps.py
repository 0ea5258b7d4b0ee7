"""What can be done on a ticket now, and why the rest can't; Enter opens the form of the chosen step.

The list comes from the engine and is drawn as it is: no step is known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drivers.text import Words
from reports.vocabulary import kind_words
from station.i18n import N_, _, words
from station.ui.keys import Act
from station.ui.paint import Line, box, cells, line, width_of, wrap
from station.ui.screens.page import BACK, BACK_B, LANGUAGE, Page

__all__ = ["Steps"]


class Steps(Page):
    """The steps of one ticket, those that can be done first; without a ticket: those that open one."""

    CSS_PATH = "steps.tcss"
    ACTS = (
        Act("up", "move(-1)", "↑↓", N_("select"), lambda s: len(s.steps) > 1),
        Act("down", "move(1)", "", N_("select"), lambda s: len(s.steps) > 1),
        Act("enter", "open", "Enter", N_("fill in"), lambda s: s.may_open()),
        BACK,
        BACK_B,
        LANGUAGE,
    )

    def __init__(self, ticket: str) -> None:
        super().__init__()
        self.ticket = ticket
        self.steps: list[dict[str, Any]] = []
        self.records: list[tuple[str, Words]] = []
        self.cursor = 0
        self._left: dict[str, dict[str, Any]] = {}

    def where(self) -> str:
        """The ticket's number."""
        return _("What to do next") + (f" · {self.ticket}" if self.ticket else "")

    def on_screen_resume(self) -> None:
        """A step may have been done."""
        super().on_screen_resume()
        person = self.bench_app.person
        if person is not None:
            self.run_worker(self._ask(person.person), group="ask", exclusive=True)

    def on_mount(self) -> None:
        """What can be done depends on who does it: without a person there is nothing to show."""
        if self.bench_app.person is None:
            from station.ui.screens.person import WhoAmI

            self.app.push_screen(WhoAmI(), self._known)

    def _known(self, person: str | None) -> None:
        if not person:
            self.dismiss()

    async def _ask(self, person: str) -> None:
        from station.messages import StepsQuery

        found = await self.order(StepsQuery(ticket=self.ticket, person=person))
        if found is not None:
            self.steps = sorted(found.data.get("steps", ()), key=lambda step: step["why_not"] is not None)
            self.cursor = min(self.cursor, max(0, len(self.steps) - 1))
            names_a_record = any(field["kind"] == "digest" for step in self.steps for field in step["fields"])
            if self.ticket and names_a_record:
                await self._ask_records()
        self.redraw()

    async def _ask_records(self) -> None:
        from station.messages import TicketQuery

        found = await self.order(TicketQuery(ticket=self.ticket))
        told = found.data.get("records", ()) if found is not None else ()
        self.records = [(str(one["digest"]), self._record_words(one)) for one in reversed(told) if one.get("digest")]

    def chosen(self) -> dict[str, Any] | None:
        """The step under the cursor."""
        return self.steps[self.cursor] if self.steps else None

    def may_open(self) -> bool:
        """Whether the chosen step can be done now."""
        step = self.chosen()
        return step is not None and step["why_not"] is None

    def drawing(self, width: int, height: int) -> Sequence[Line]:
        """The steps, with what each one does or what it waits for."""
        rows: list[Line] = []
        top = max(0, self.cursor - max(1, height - 8))
        wide = max([26, *(width_of(words(Words(*step["title"]))) for step in self.steps)])
        for n, step in list(enumerate(self.steps))[top : top + max(1, height - 6)]:
            why = step["why_not"]
            look = "chosen" if n == self.cursor else "none" if why else "text"
            mark = " ▸ " if n == self.cursor else " – " if why else "   "
            title = cells(words(Words(*step["title"])), wide)
            rows.append(line((mark + title, look), ("  " + words(Words(*(why or step["about"]))), "dim")))
        rows = rows or [line((" " + _("asking the engine …"), "dim"))]
        here = self.chosen()
        if here is not None and here["why_not"] is not None:
            rows += [line(), *wrap(" → " + words(Words(*here["why_not"])), width - 4, "warn", most=2)]
        return box(_("Steps"), rows, width)

    def action_move(self, by: int) -> None:
        """Choose another."""
        self.cursor = max(0, min(self.cursor + by, len(self.steps) - 1))
        self.redraw()

    def action_open(self) -> None:
        """Fill the chosen step's form in."""
        from station.ui.screens.step import StepForm

        step = self.chosen()
        if step is not None and step["why_not"] is None:
            self.app.push_screen(StepForm(self.ticket, step, self.records, self._left))

    def _record_words(self, record: dict[str, Any]) -> Words:
        """A record as it is chosen from a list: its number, its kind, who made it, and how its digest begins."""
        kind = kind_words(str(record.get("record", "")))
        who = self.name_of(record["person"]) + "  " if record.get("person") else ""
        return Words("{n}  {kind}  {who}{digest}", "{n}  {kind}  {who}{digest}").fill(
            n=record.get("seq", ""), kind=kind, who=who, digest=str(record["digest"])[:12]
        )
