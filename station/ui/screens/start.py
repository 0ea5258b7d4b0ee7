"""Start a run: which checklist, at which stage, on which ticket."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from station.i18n import N_, _, words
from station.ui.keys import Act
from station.ui.paint import Line, box, columns, line
from station.ui.screens.page import BACK, BACK_B, LANGUAGE, Page
from station.ui.seams import ChecklistChoice
from station.ui.signs import STAGES, named

__all__ = ["Start"]


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
        if self._wanted:
            self.rows.sort(key=lambda row: row[1] != self._wanted)
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
