"""Log and runs of one slot, for terminals where the slot's page has no room for them."""

from __future__ import annotations

from collections.abc import Sequence

from station.i18n import N_, _
from station.ui.keys import Act
from station.ui.paint import Line, line
from station.ui.screens.device import history_lines
from station.ui.screens.page import BACK, BACK_B, LANGUAGE, Page
from station.ui.widgets.drawn import Drawn

__all__ = ["History"]


class History(Page):
    """Runs of the ticket, then the log, newest at the end."""

    CSS_PATH = "history.tcss"
    ACTS = (
        Act("up", "scroll(-1)", "↑↓", N_("scroll")),
        Act("down", "scroll(1)", "", N_("scroll")),
        Act("pageup", "scroll(-20)", "", N_("scroll")),
        Act("pagedown", "scroll(20)", "", N_("scroll")),
        BACK,
        BACK_B,
        LANGUAGE,
    )

    def __init__(self, slot: int) -> None:
        super().__init__()
        self.slot = slot

    def where(self) -> str:
        """Slot."""
        return _("Slot {n}").format(n=self.slot) + " · " + _("log, history")

    def drawing(self, width: int, height: int) -> Sequence[Line]:
        """All of it."""
        view = self.feed.session
        if view is None or view.slot != self.slot:
            return []
        rows: list[Line] = [line((" " + _("Runs of this ticket"), "strong"))]
        rows += [[*line("  "), *row] for row in history_lines(view, self.bench_app.names)]
        rows += [line(), line((" " + _("Log (control characters made visible)"), "strong"))]
        return rows + [line(("  " + text, "dim")) for text in view.log]

    def action_scroll(self, by: int) -> None:
        """Scroll."""
        shown = self.query_one("#body", Drawn)
        shown.scroll_to_line(shown.top + by)
