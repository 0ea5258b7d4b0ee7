"""Rows of a form: a label and a text field, a box to tick, a choice to turn through, a list of which any are ticked.

The row that keys act on starts with `▸`, so that it is seen without colour. Enter goes to the next row and commits
nothing.
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
from station.i18n import _, words
from station.ui.paint import Line, cells, line, strip
from station.ui.widgets.drawn import Drawn

__all__ = ["Altered", "Field", "Pick", "Section", "Tick", "Toggles"]

#: Cells of a label, where the form does not say otherwise.
LABEL = 26
#: Choices of a list that are seen at once; the others are found by typing or by going on.
SEEN = 8


class Altered(Message):
    """What a row holds was changed by a key."""

    def __init__(self, row: Widget) -> None:
        super().__init__()
        self.row = row


def _head(label: str, wide: int, focused: bool) -> Line:
    """A row's mark and label."""
    return line(("▸ " if focused else "  ", "chosen" if focused else "dim"), (cells(label, wide) + " ", "dim"))


class Field(Horizontal):
    """A label and a text field. The label is asked for at each drawing, so that it follows the language."""

    DEFAULT_CSS = """
    Field { height: 1; padding: 0 1; }
    Field > Drawn { height: 1; }
    """

    def __init__(
        self,
        name: str,
        label: Callable[[], str],
        value: str = "",
        password: bool = False,
        most: int = 400,
        wide: int = LABEL,
    ) -> None:
        super().__init__(id=f"row-{name}")
        self._label = label
        self._given = safe_text(value)
        self._password = password
        self._most = most
        self._wide = wide
        self._field = name

    def compose(self) -> ComposeResult:
        """Label, then field."""
        label = Drawn(lambda _w, _h: [_head(self._label(), self._wide, self.has_focus_within)])
        label.styles.width = self._wide + 3
        yield label
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


class _Row(Widget, can_focus=True):
    """A row that is drawn and takes keys itself."""

    DEFAULT_CSS = "_Row { height: 1; padding: 0 1; }"

    def on_focus(self) -> None:
        """Shows that it has the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """Shows that it has not."""
        self.refresh()

    def on_key(self, event: events.Key) -> None:
        """Enter goes on, as it does in a text field; what else the row takes is its own."""
        if event.key == "enter":
            event.stop()
            self.screen.focus_next()
        elif self.take(event):
            event.stop()
            self.refresh()

    def take(self, event: events.Key) -> bool:
        """Whether the key was for this row."""
        raise NotImplementedError


class Tick(_Row):
    """A box to tick with Space."""

    def __init__(self, name: str, label: Callable[[], str], value: bool = False) -> None:
        super().__init__(id=name)
        self._label = label
        self.value = value

    def take(self, event: events.Key) -> bool:
        """Space turns it over."""
        if event.key != "space":
            return False
        self.value = not self.value
        self.post_message(Altered(self))
        return True

    def render_line(self, y: int) -> Strip:
        """The box and what it says."""
        look = "chosen" if self.has_focus else "text"
        mark = "▸ " if self.has_focus else "  "
        return strip(line((f"{mark}[{'x' if self.value else ' '}] ", look), (self._label(), look)), self.size.width)


class Pick(_Row):
    """One of several: Space and Right go to the next, Left to the one before. Nothing is chosen to begin with."""

    def __init__(
        self,
        name: str,
        label: Callable[[], str],
        choices: Sequence[tuple[str, Words]],
        value: str = "",
        *,
        required: bool = False,
        wide: int = LABEL,
    ) -> None:
        super().__init__(id=name)
        self._label = label
        self._wide = wide
        self._choices = choices if required and value else (("", Words("–", "–")), *choices)
        known = [one for one, _shown in self._choices]
        self._at = known.index(value) if value in known else 0

    @property
    def value(self) -> str:
        """The chosen value; empty while nothing is chosen."""
        return self._choices[self._at][0]

    def take(self, event: events.Key) -> bool:
        """Turn through the choices."""
        if event.key not in ("space", "right", "left"):
            return False
        self._at = (self._at + (-1 if event.key == "left" else 1)) % len(self._choices)
        self.post_message(Altered(self))
        return True

    def render_line(self, y: int) -> Strip:
        """The label and what is chosen, as one of how many."""
        look = "chosen" if self.has_focus else "text"
        count = len(self._choices) - (not self._choices[0][0])
        place = self._at + bool(self._choices[0][0])
        tail = f"  {place}/{count}" if self.has_focus else ""
        shown = ("◂ " + words(self._choices[self._at][1]) + " ▸", look)
        return strip((*_head(self._label(), self._wide, self.has_focus), *line(shown, (tail, "dim"))), self.size.width)


class Toggles(_Row):
    """Any of several: it opens while it has the focus. Arrows go through the list, Space ticks, letters find."""

    DEFAULT_CSS = "Toggles { height: auto; padding: 0 1; }"

    def __init__(
        self,
        name: str,
        label: Callable[[], str],
        choices: Sequence[tuple[str, Words]],
        value: Sequence[str] = (),
        *,
        wide: int = LABEL,
    ) -> None:
        super().__init__(id=name)
        self._label = label
        self._wide = wide
        self._choices = choices
        self._ticked = set(value)
        self._at = 0
        self._sought = ""

    @property
    def value(self) -> list[str]:
        """What is ticked, in the order of the choices."""
        return [value for value, _shown in self._choices if value in self._ticked]

    def _found(self) -> list[tuple[str, Words]]:
        """The choices that have what was typed in their code or in either language."""
        sought = self._sought.lower()
        return [one for one in self._choices if any(sought in text.lower() for text in (one[0], *one[1]))]

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """One line, and the list while it is open."""
        if not self.has_focus:
            return 1
        return 1 + min(SEEN, max(1, len(self._found()))) + (len(self._choices) > SEEN)

    def on_focus(self) -> None:
        """The list opens."""
        self.refresh(layout=True)
        self.call_after_refresh(self.scroll_visible, animate=False)

    def on_blur(self) -> None:
        """The list closes."""
        self._sought, self._at = "", 0
        self.refresh(layout=True)

    def take(self, event: events.Key) -> bool:
        """Go through the list, tick, or narrow it; past either end the arrows leave it."""
        found = self._found()
        if event.key in ("up", "down"):
            to = self._at + (1 if event.key == "down" else -1)
            if not 0 <= to < len(found):
                return False
            self._at = to
        elif event.key == "space":
            if found:
                self._ticked ^= {found[self._at][0]}
                self.post_message(Altered(self))
        elif event.key == "backspace" and self._sought:
            self._seek(self._sought[:-1])
        elif event.character and event.character.isprintable() and len(self._choices) > SEEN:
            self._seek(self._sought + event.character)
        else:
            return False
        return True

    def _seek(self, text: str) -> None:
        self._sought, self._at = safe_text(text, 40), 0
        self.refresh(layout=True)

    def render_line(self, y: int) -> Strip:
        """The label and what is ticked; below it the list, while it is open."""
        rows = [self._summary(), *(self._list() if self.has_focus else ())]
        return strip(rows[y] if y < len(rows) else (), self.size.width)

    def _summary(self) -> Line:
        named = _(", ").join(words(shown) for value, shown in self._choices if value in self._ticked)
        count = f"{len(self._ticked)}/{len(self._choices)}  "
        shown = line((count, "dim"), (named or "–", "chosen" if self.has_focus else "text"))
        return (*_head(self._label(), self._wide, self.has_focus), *shown)

    def _list(self) -> list[Line]:
        found = self._found()
        first = max(0, min(self._at - SEEN // 2, len(found) - SEEN))
        rows: list[Line] = []
        for n, (value, shown) in list(enumerate(found))[first : first + SEEN]:
            look = "chosen" if n == self._at else "text"
            box = f"{'▸' if n == self._at else ' '} [{'x' if value in self._ticked else ' '}] "
            rows.append(line("    ", (box, look), (words(shown), look)))
        rows = rows or [line("    ", (_("none has that in its name"), "warn"))]
        if len(self._choices) > SEEN:
            place = f"{min(self._at + 1, len(found))}/{len(found)}"
            rows.append(line("      ", (_("type to find") + ": ", "dim"), (self._sought + "_", "strong"), f"  {place}"))
        return rows


class Section(_Row):
    """The heading of some fields. Space opens and folds them, where they may be folded.

    Args:
        told: what is in it, for its line (how many fields, how many are filled in).
    """

    def __init__(self, name: str, label: Callable[[], str], told: Callable[[], str], open_: bool, folds: bool) -> None:
        super().__init__(id=name)
        self._label, self._told = label, told
        self.open = open_
        self.can_focus = folds

    def take(self, event: events.Key) -> bool:
        """Open or fold."""
        wanted = {"space": not self.open, "right": True, "left": False}.get(event.key)
        if wanted is None:
            return False
        self.open = wanted
        self.post_message(Altered(self))
        return True

    def render_line(self, y: int) -> Strip:
        """The heading; folded it says how it is opened."""
        look = "chosen" if self.has_focus else "strong"
        mark = "▸ " if self.has_focus else "  "
        sign = "─ " if self.open else "+ "
        told = "" if self.open else "   " + self._told() + ("   " + _("Space opens") if self.has_focus else "")
        return strip(line((mark, look), (sign + self._label(), look), (told, "dim")), self.size.width)
