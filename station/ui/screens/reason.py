"""Asks for a reason in words. F9 commits it; Enter does not, because scanners send Enter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual.widget import Widget
from textual.widgets import Input

from station.i18n import N_, _
from station.ui.keys import Act
from station.ui.paint import Line, line
from station.ui.screens.page import BACK, LANGUAGE, Page
from station.ui.widgets.drawn import Drawn
from station.ui.widgets.form import Field

__all__ = ["Reason"]


class Reason(Page):
    """Ends with the reason, or with nothing when it was left."""

    CSS_PATH = "reason.tcss"
    ACTS = (
        Act("f9", "commit", "F9", N_("commit"), lambda s: bool(s.text())),
        BACK,
        LANGUAGE,
    )

    def __init__(self, title: str, place: Callable[[], str]) -> None:
        """`title` is a text of the catalogue, `place` where the question came up: both follow the language."""
        super().__init__()
        self._title, self._place = title, place

    def where(self) -> str:
        """Where the question came up."""
        return self._place()

    def body(self) -> Iterable[Widget]:
        """The question and the field."""
        yield Drawn(self.drawing, id="body")
        yield Field("reason", lambda: _("reason"), most=500)
        yield Drawn(self._rest, id="rest")

    def on_mount(self) -> None:
        """Ready to type."""
        self.query_one("#reason", Input).focus()

    def text(self) -> str:
        """What was typed so far."""
        return self.query_one("#row-reason", Field).value if self.there else ""

    def drawing(self, width: int, height: int) -> Sequence[Line]:
        """What the reason is for."""
        return [line(), line(("  " + _(self._title), "strong")), line()]

    def _rest(self, _width: int, _height: int) -> Sequence[Line]:
        return [line(), line(("  " + _("a reason is needed; F9 commits, Esc leaves everything as it is"), "dim"))]

    def on_input_changed(self) -> None:
        """F9 works as soon as there is a reason."""
        self.redraw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter commits nothing."""
        event.stop()

    def action_commit(self) -> None:
        """Give the reason."""
        self.dismiss(self.text())
