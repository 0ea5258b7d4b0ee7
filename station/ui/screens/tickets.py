"""The list of tickets, found as one types; only as many rows are asked for as can be seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from textual import events
from textual.widget import Widget
from textual.widgets import Input

from reports.vocabulary import named
from station.i18n import N_, _, words
from station.ui.keys import Act
from station.ui.paint import Line, columns, line
from station.ui.screens.page import BACK, LANGUAGE, Page
from station.ui.signs import TICKET_STATES
from station.ui.widgets.drawn import Drawn
from station.ui.widgets.form import Field

__all__ = ["Tickets"]

#: Rows asked for at most; a longer list is found by typing, not by scrolling.
MOST = 100


class Tickets(Page):
    """Tickets, newest first; `only` shows those in one state."""

    CSS_PATH = "tickets.tcss"
    ACTS = (
        Act("up", "move(-1)", "↑↓", N_("select"), lambda s: bool(s.rows)),
        Act("down", "move(1)", "", N_("select"), lambda s: bool(s.rows)),
        Act("enter", "open", "Enter", N_("open"), lambda s: bool(s.rows)),
        Act("f7", "register", "F7", N_("new ticket")),
        BACK,
        LANGUAGE,
    )

    def __init__(self, only: str = "") -> None:
        super().__init__()
        self.only = only
        self.rows: list[dict[str, Any]] = []
        self.cursor = 0
        self.asked = False

    def where(self) -> str:
        """The name of the place."""
        return _("Tickets") + (f" · {words(named(TICKET_STATES, self.only))}" if self.only else "")

    def body(self) -> Iterable[Widget]:
        """The search field and the list."""
        yield Field("find", lambda: _("find (ticket, IMEI, model)"), most=100)
        yield Drawn(self.drawing, id="body")

    def on_mount(self) -> None:
        """Ready to type."""
        self.query_one("#find", Input).focus()

    def on_screen_resume(self) -> None:
        """A ticket may have changed."""
        self._find()

    def on_input_changed(self) -> None:
        """Find as one types."""
        self._find()

    def _find(self) -> None:
        if self.there:
            self.run_worker(self._ask(self.query_one("#row-find", Field).value), group="find", exclusive=True)

    async def _ask(self, text: str) -> None:
        from station.messages import TicketsQuery

        found = await self.order(TicketsQuery(text=text, limit=MOST))
        if found is not None:
            rows = found.data.get("tickets")
            self.rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
            if self.only:
                self.rows = [row for row in self.rows if row.get("state") == self.only]
            self.cursor = max(0, min(self.cursor, len(self.rows) - 1))
            self.asked = True
        self.redraw()

    def drawing(self, width: int, height: int) -> Sequence[Line]:
        """One line a ticket."""
        sizes = (18, max(16, width - 18 - 24 - 18 - 2), 24, 18)
        head = columns(
            [
                (line(("  " + _("ticket"), "dim")), sizes[0]),
                (line((_("model"), "dim")), sizes[1]),
                (line((_("state"), "dim")), sizes[2]),
                (line((_("opened"), "dim")), sizes[3]),
            ]
        )
        rows: list[Line] = [head, line(("─" * width, "frame"))]
        room = max(1, height - 3)
        first = max(0, min(self.cursor - room // 2, len(self.rows) - room))
        for n, row in enumerate(self.rows[first : first + room], first):
            rows.append(self._row(row, sizes, n == self.cursor))
        if self.asked and not self.rows:
            rows.append(line(("  " + _("no ticket"), "dim")))
        return rows

    def _row(self, row: dict[str, Any], sizes: tuple[int, ...], chosen: bool) -> Line:
        look = "chosen" if chosen else "text"
        opened = row.get("opened_ms")
        when = self.feed.clock.local(opened).strftime("%Y-%m-%d %H:%M") if isinstance(opened, int) else ""
        return columns(
            [
                (line(("▸ " if chosen else "  ", look), (str(row.get("ticket", "")), look)), sizes[0]),
                (line((str(row.get("model", "")), look)), sizes[1]),
                (line((words(named(TICKET_STATES, str(row.get("state", "")))), look)), sizes[2]),
                (line((when, "dim")), sizes[3]),
            ]
        )

    def on_key(self, event: events.Key) -> None:
        """Up and down move the list also while one types."""
        if event.key in {"up", "down"}:
            event.stop()
            self.action_move(-1 if event.key == "up" else 1)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter opens."""
        event.stop()
        self.action_open()

    def action_move(self, by: int) -> None:
        """Choose another."""
        self.cursor = max(0, min(self.cursor + by, len(self.rows) - 1))
        self.redraw()

    def action_open(self) -> None:
        """Open the chosen ticket."""
        from station.ui.screens.release import Release
        from station.ui.screens.ticket import Ticket

        if self.rows:
            ticket = str(self.rows[self.cursor].get("ticket", ""))
            self.app.push_screen(Release(ticket) if self.only == "cross-check due" else Ticket(ticket))

    def action_register(self) -> None:
        """The steps that open a ticket."""
        from station.ui.screens.steps import Steps

        self.app.push_screen(Steps(""))
