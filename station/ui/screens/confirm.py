"""Asks for a yes to what must not be done blindly. F9 is the yes; Enter is none, because scanners send it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from drivers.text import Words
from station.i18n import N_, words
from station.ui.keys import Act
from station.ui.paint import Line, line, wrap
from station.ui.screens.page import BACK, BACK_B, LANGUAGE, Page

__all__ = ["Confirm"]


class Confirm(Page):
    """Ends with "yes", or with nothing when it was left."""

    CSS_PATH = "confirm.tcss"
    ACTS = (Act("f9", "yes", "F9", N_("yes, do it")), BACK, BACK_B, LANGUAGE)

    def __init__(self, what: Words, then: Words, place: Callable[[], str]) -> None:
        super().__init__()
        self._what, self._then, self._place = what, then, place

    def where(self) -> str:
        """Where the question came up."""
        return self._place()

    def drawing(self, width: int, height: int) -> Sequence[Line]:
        """What would be done."""
        rows: list[Line] = [line()]
        rows += [[*line("  "), *row] for row in wrap(words(self._what), width - 4, "strong")]
        rows += [[*line("  "), *row] for row in wrap("→ " + words(self._then), width - 4, "text")]
        return rows

    def action_yes(self) -> None:
        """Yes."""
        self.dismiss("yes")
