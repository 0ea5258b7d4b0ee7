"""Start a run: which checklist, at which stage, on which ticket."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.vocabulary import STAGES, named
from station.i18n import N_, _, words
from station.ui.keys import Act
from station.ui.paint import Line, box, columns, line
from station.ui.screens.page import BACK, BACK_B, LANGUAGE, Page
from station.ui.seams import ChecklistChoice

if TYPE_CHECKING:
    from station.messages import TicketView

__all__ = ["Start", "due_stage"]


def due_stage(ticket: TicketView | None) -> str:
    """The stage whose run a ticket waits for: the first of intake, self-check and cross-check without a sealed run."""
    sealed = {run.stage for run in ticket.runs if run.state == "sealed"} if ticket is not None else set()
    return next((stage for stage in ("intake", "self-check", "cross-check") if stage not in sealed), "")


def _meant_for(choice: ChecklistChoice, stage: str) -> bool:
    """Whether it is the whole checklist of the stage, as `android-intake` of `intake`, and not one for a part of it."""
    return choice.id.endswith(f"-{stage}")


class Start(Page):
    """The choice of checklist and stage; F9 starts."""

    CSS_PATH = "start.tcss"
    ACTS = (
        Act("up", "move(-1)", "↑↓", N_("select"), lambda s: len(s.rows) > 1),
        Act("down", "move(1)", "", N_("select"), lambda s: len(s.rows) > 1),
        Act("f9", "start", "F9", N_("start"), lambda s: bool(s.rows) and not s.busy),
        BACK,
        BACK_B,
        LANGUAGE,
    )

    def __init__(self, slot: int, ticket: str, stage: str = "") -> None:
        super().__init__()
        self.slot, self.ticket, self._wanted = slot, ticket, stage
        self.rows: list[tuple[ChecklistChoice, str]] = []
        self.cursor = 0
        self.asked = False

    def where(self) -> str:
        """Slot and ticket."""
        return " · ".join(part for part in (_("Slot {n}").format(n=self.slot), _("Start a run"), self.ticket) if part)

    def on_mount(self) -> None:
        """Read the checklists in the background."""
        self.run_worker(self._read())

    async def _read(self) -> None:
        choices = await asyncio.to_thread(self.bench_app.stand.checklists)
        self.rows = [(choice, stage) for choice in choices for stage in choice.stages]
        order = [*STAGES, *[stage for _choice, stage in self.rows if stage not in STAGES]]
        self.rows.sort(key=lambda row: (row[1] != self._wanted, order.index(row[1]), not _meant_for(*row)))
        self.asked = True
        self.redraw()

    def drawing(self, width: int, height: int) -> Sequence[Line]:
        """One line for each checklist and stage."""
        rows: list[Line] = [line()]
        for n, (choice, stage) in enumerate(self.rows):
            look = "chosen" if n == self.cursor else "text"
            rows.append(
                columns(
                    [
                        (line((" ▸ " if n == self.cursor else "   ", look)), 3),
                        (line((words(named(STAGES, stage)), look)), 14),
                        (line((words(choice.title), look)), 40),
                        (line((" " + choice.id, "dim")), max(10, width - 62)),
                    ]
                )
            )
        if self.asked and not self.rows:
            rows.append(line((" " + _("there is no checklist for this phone"), "warn")))
        rows.append(line())
        told = _("on ticket {ticket}").format(ticket=self.ticket) if self.ticket else ""
        rows.append(line((" " + (told or _("no ticket: a dry run that writes nothing and cannot be signed")), "dim")))
        return box(_("Checklist and stage"), rows, width)

    def action_move(self, by: int) -> None:
        """Choose another."""
        self.cursor = max(0, min(self.cursor + by, len(self.rows) - 1))
        self.redraw()

    def action_start(self) -> None:
        """Start it; the page closes when the engine has."""
        from station.messages import StartRun

        me = self.me()
        if not me or not self.rows:
            return
        choice, stage = self.rows[self.cursor]
        command = StartRun(slot=self.slot, ticket=self.ticket, checklist=choice.id, stage=stage, person=me)

        async def start() -> None:
            if await self.order(command) is not None:
                self.dismiss(stage)

        self.run_worker(start(), group="order", exclusive=True)
