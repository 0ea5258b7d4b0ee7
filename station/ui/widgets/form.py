"""Rows of a form: a label and a text field, a box to tick, or a choice to turn through.

Enter goes to the next row and commits nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from drivers.text import Words, safe_text
from station.i18n import words
from station.ui.paint import cells, line, strip
from station.ui.widgets.drawn import Drawn

__all__ = ["Field", "Pick", "Tick"]


class Field(Horizontal):
    """A label and a text field. The label is asked for at each drawing, so that it follows the language."""

    DEFAULT_CSS = """
    Field { height: 1; padding: 0 1; }
    Field > Drawn { width: 26; height: 1; }
    """

    def __init__(
        self, name: str, label: Callable[[], str], value: str = "", password: bool = False, most: int = 400
    ) -> None:
        super().__init__(id=f"row-{name}")
        self._label = label
        self._given = safe_text(value)
        self._password = password
        self._most = most
        self._field = name

    def compose(self) -> ComposeResult:
        """Label, then field."""
        yield Drawn(lambda _w, _h: [line((self._label(), "dim"))])
        field = Input(
            self._given, password=self._password, id=self._field, max_length=self._most, select_on_focus=False
        )
        field.cursor_blink = False
        yield field

    @property
    def input(self) -> Input:
        """The text field."""
        return self.query_one(Input)

    @property
    def value(self) -> str:
        """What was typed, inert."""
        text = self.input.value
        return text if self._password else safe_text(text.strip(), limit=2000)


class Tick(Widget, can_focus=True):
    """A box to tick with Space."""

    DEFAULT_CSS = "Tick { height: 1; padding: 0 1; }"

    class Changed(Message):
        """The box was ticked or unticked."""

    def __init__(self, name: str, label: Callable[[], str], value: bool = False) -> None:
        super().__init__(id=name)
        self._label = label
        self.value = value

    def on_key(self, event: events.Key) -> None:
        """Space turns it over."""
        if event.key == "space":
            event.stop()
            self.value = not self.value
            self.refresh()
            self.post_message(self.Changed())

    def on_focus(self) -> None:
        """Shows that it has the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """Shows that it has not."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The box and what it says."""
        look = "chosen" if self.has_focus else "text"
        return strip(line((f"[{'x' if self.value else ' '}] ", look), (self._label(), look)), self.size.width)


class Pick(Widget, can_focus=True):
    """One of several: Space and Right go to the next, Left to the one before. Nothing is chosen to begin with."""

    DEFAULT_CSS = "Pick { height: 1; padding: 0 1; }"

    def __init__(
        self,
        name: str,
        label: Callable[[], str],
        choices: Sequence[tuple[str, Words]],
        value: str = "",
        *,
        required: bool = False,
    ) -> None:
        super().__init__(id=name)
        self._label = label
        self._choices = choices if required and value else (("", Words("–", "–")), *choices)
        known = [one for one, _shown in self._choices]
        self._at = known.index(value) if value in known else 0

    @property
    def value(self) -> str:
        """The chosen value; empty while nothing is chosen."""
        return self._choices[self._at][0]

    def on_key(self, event: events.Key) -> None:
        """Turn through the choices; Enter goes on, as it does in a text field."""
        if event.key == "enter":
            event.stop()
            self.screen.focus_next()
        elif event.key in ("space", "right", "left"):
            event.stop()
            self._at = (self._at + (-1 if event.key == "left" else 1)) % len(self._choices)
            self.refresh()

    def on_focus(self) -> None:
        """Shows that it has the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """Shows that it has not."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The label and what is chosen."""
        look = "chosen" if self.has_focus else "text"
        label = cells(self._label(), 27)
        return strip(line((label, "dim"), ("◂ " + words(self._choices[self._at][1]) + " ▸", look)), self.size.width)
