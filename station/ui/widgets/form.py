"""Lines of a form: a label and a text field, a box to tick, a choice to turn through, a list of which any are ticked.

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

__all__ = ["LABEL", "Altered", "Field", "Pick", "Section", "Tick", "Toggles", "into_sight"]

#: Cells of a label, where the form does not say otherwise.
LABEL = 26
#: Choices of a list that are seen at once; the others are found by typing or by going on.
SEEN = 8


class Altered(Message):
    """What a row holds was changed by a key."""

    def __init__(self, row: Widget) -> None:
        super().__init__()
        self.row = row


def into_sight(widget: Widget) -> None:
    """Scroll to a widget, if it is still there."""
    if widget.is_attached:
        widget.scroll_visible(animate=False)


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
        self._password = password
        self._wide = wide
        # Made here: what was typed can be asked for at any time, also while the form is being taken away.
        self.input = Input(safe_text(value), password=password, id=name, max_length=most, select_on_focus=False)
        self.input.cursor_blink = False

    def compose(self) -> ComposeResult:
        """Label, then field."""
        label = Drawn(lambda _w, _h: [_head(self._label(), self._wide, self.has_focus_within)])
        label.styles.width = self._wide + 3
        yield label
        yield self.input

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


class Listing:
    """The choices of a list that is open: where the cursor stands, and what was typed to find one."""

    def __init__(self, choices: Sequence[tuple[str, Words]]) -> None:
        self.choices = tuple(choices)
        self.at = 0
        self.sought = ""

    @property
    def long(self) -> bool:
        """Whether there are more than can be seen at once, so that one is found by typing."""
        return len(self.choices) > SEEN

    def found(self) -> list[tuple[str, Words]]:
        """The choices that have what was typed in their code or in either language."""
        sought = self.sought.lower()
        return [one for one in self.choices if any(sought in text.lower() for text in (one[0], *one[1]))]

    def move(self, by: int) -> bool:
        """Whether there is another one that way."""
        to = self.at + by
        if not 0 <= to < len(self.found()):
            return False
        self.at = to
        return True

    def seek(self, event: events.Key) -> bool:
        """Narrow a long list by a letter, or widen it again; False when the key is none for it."""
        if event.key == "backspace" and self.sought:
            text = self.sought[:-1]
        elif event.character and event.character.isprintable() and self.long:
            text = self.sought + event.character
        else:
            return False
        self.sought, self.at = safe_text(text, 40), 0
        return True

    @property
    def height(self) -> int:
        """Lines that it takes."""
        return min(SEEN, max(1, len(self.found()))) + self.long

    def rows(self, box: Callable[[str], str]) -> list[Line]:
        """What is seen of it; `box` says what stands before a choice."""
        found = self.found()
        first = max(0, min(self.at - SEEN // 2, len(found) - SEEN))
        rows: list[Line] = []
        for n, (value, shown) in list(enumerate(found))[first : first + SEEN]:
            look = "chosen" if n == self.at else "text"
            rows.append(line("    ", (f"{'▸' if n == self.at else ' '} {box(value)}", look), (words(shown), look)))
        rows = rows or [line("    ", (_("none has that in its name"), "warn"))]
        if self.long:
            place = f"{min(self.at + 1, len(found))}/{len(found)}"
            rows.append(line("      ", (_("type to find") + ": ", "dim"), (self.sought + "_", "strong"), f"  {place}"))
        return rows


class Pick(_Row):
    """One of several: Space and Right go to the next, Left to the one before. Nothing is chosen to begin with.

    Where there are more than can be seen at once it opens while it has the focus: the one under the cursor is chosen.
    """

    DEFAULT_CSS = "Pick { height: auto; padding: 0 1; }"

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
        self._list = Listing(choices if required and value else (("", Words("–", "–")), *choices))
        known = [one for one, _shown in self._list.choices]
        self._value = value if value in known else known[0]
        self._list.at = known.index(self._value)

    @property
    def value(self) -> str:
        """The chosen value; empty while nothing is chosen."""
        return self._value

    @property
    def shown(self) -> str:
        """The chosen one in words; empty while nothing is chosen."""
        return next((words(shown) for value, shown in self._list.choices if value == self._value and value), "")

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """One line, and the list where it is long and open."""
        return 1 + (self._list.height if self._open else 0)

    @property
    def _open(self) -> bool:
        return self._list.long and self.has_focus

    def on_focus(self) -> None:
        """A long list opens."""
        if self._list.long:
            self.refresh(layout=True)
            self.call_after_refresh(into_sight, self)

    def on_blur(self) -> None:
        """The list closes, and shows all again the next time."""
        if self._list.long:
            self._list.sought = ""
            self._list.at = [one for one, _shown in self._list.choices].index(self._value)
            self.refresh(layout=True)

    def take(self, event: events.Key) -> bool:
        """Turn through the choices; a long list is gone through with the arrows and narrowed by letters."""
        if event.key in ("space", "right", "left"):
            found = max(1, len(self._list.found()))
            self._list.at = (self._list.at + (-1 if event.key == "left" else 1)) % found
        elif event.key in ("up", "down") and self._open:
            if not self._list.move(1 if event.key == "down" else -1):
                return False
        elif not self._list.seek(event):
            return False
        else:
            self.refresh(layout=True)
        if found_now := self._list.found():
            self._value = found_now[self._list.at][0]
            self.post_message(Altered(self))
        return True

    def render_line(self, y: int) -> Strip:
        """The label and what is chosen, as one of how many; below it the list, where it is open."""
        rows = [self._summary(), *(self._list.rows(lambda _value: "") if self._open else ())]
        return strip(rows[y] if y < len(rows) else (), self.size.width)

    def _summary(self) -> Line:
        look = "chosen" if self.has_focus else "text"
        known = [one for one, _shown in self._list.choices if one]
        place = known.index(self._value) + 1 if self._value else 0
        tail = f"  {place}/{len(known)}" if self.has_focus else ""
        shown = ("◂ " + (self.shown or "–") + " ▸", look)
        return (*_head(self._label(), self._wide, self.has_focus), *line(shown, (tail, "dim")))


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
        self._list = Listing(choices)
        self._ticked = set(value)

    @property
    def value(self) -> list[str]:
        """What is ticked, in the order of the choices."""
        return [value for value, _shown in self._list.choices if value in self._ticked]

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """One line, and the list while it is open."""
        return 1 + (self._list.height if self.has_focus else 0)

    def on_focus(self) -> None:
        """The list opens."""
        self.refresh(layout=True)
        self.call_after_refresh(into_sight, self)

    def on_blur(self) -> None:
        """The list closes."""
        self._list.sought, self._list.at = "", 0
        self.refresh(layout=True)

    def take(self, event: events.Key) -> bool:
        """Go through the list, tick, or narrow it; past either end the arrows leave it."""
        if event.key in ("up", "down"):
            return self._list.move(1 if event.key == "down" else -1)
        if event.key == "space":
            if found := self._list.found():
                self._ticked ^= {found[self._list.at][0]}
                self.post_message(Altered(self))
            return True
        if not self._list.seek(event):
            return False
        self.refresh(layout=True)
        return True

    def render_line(self, y: int) -> Strip:
        """The label and what is ticked; below it the list, while it is open."""
        rows = [self._summary(), *(self._list.rows(self._box) if self.has_focus else ())]
        return strip(rows[y] if y < len(rows) else (), self.size.width)

    def _box(self, value: str) -> str:
        return f"[{'x' if value in self._ticked else ' '}] "

    def _summary(self) -> Line:
        named = _(", ").join(words(shown) for value, shown in self._list.choices if value in self._ticked)
        count = f"{len(self._ticked)}/{len(self._list.choices)}  "
        shown = line((count, "dim"), (named or "–", "chosen" if self.has_focus else "text"))
        return (*_head(self._label(), self._wide, self.has_focus), *shown)


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
