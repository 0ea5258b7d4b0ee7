"""A table in a form: each row is a line while it is folded, and a labelled sub-field for each column while it is open.

The last row is always an empty one, of which only the first column is seen: what is typed or scanned there begins one.
A row folds when the focus leaves it. It knows columns as the engine names them, and no single table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from station.i18n import _
from station.ui.paint import Line, cells, line, strip, width_of
from station.ui.widgets.entry import entry, held, label_of
from station.ui.widgets.form import LABEL, Altered, Field, Pick, Tick, into_sight

__all__ = ["Heading", "Row", "Table"]

#: Columns of a table, as the engine names them.
Columns = Sequence[Mapping[str, Any]]


class Heading(Widget, can_focus=True):
    """The line of a row that has something in it. Space ticks it, where it is to be ticked; Right opens, Left folds."""

    DEFAULT_CSS = "Heading { height: 1; padding: 0 1; }"

    def __init__(self, row: Row) -> None:
        super().__init__(id=row.key)
        self._row = row

    def on_focus(self) -> None:
        """Shows that it has the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """Shows that it has not."""
        self.refresh()

    def on_key(self, event: events.Key) -> None:
        """Tick, open, fold; Enter goes on."""
        if event.key == "enter":
            self.screen.focus_next()
        elif event.key == "space" and self._row.ticks:
            self._row.turn()
        elif event.key in ("space", "right"):
            self._row.unfold()
        elif event.key == "left":
            self._row.fold()
        else:
            return
        event.stop()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Number, what is in it, and what it still needs."""
        return strip(self._row.line(self.has_focus), self.size.width)


class Row(Vertical):
    """One row: its line, and its sub-fields.

    Args:
        key: the id of its line; those of its sub-fields are `KEY-COLUMN`.
        given: what is in it already.
        ticks: the column that Space ticks on its line; empty where there is none.
    """

    DEFAULT_CSS = """
    Row { height: auto; }
    Row > Vertical { height: auto; }
    """

    def __init__(self, table: Table, key: str, columns: Columns, given: Mapping[str, Any], ticks: str) -> None:
        super().__init__(id=f"row-{key}")
        self._table = table
        self._columns = columns
        self._given = given
        self._open = False
        self.key, self.ticks = key, ticks
        self._cells = {one["name"]: self._cell(one) for one in columns}
        self._heading, self._body = Heading(self), Vertical(*self._cells.values())

    def _cell(self, column: Mapping[str, Any]) -> Widget:
        first = column is self._columns[0]

        def label() -> str:
            named = label_of(column)
            if first and not self.filled:
                whole = f"{self._title()}: {named}"
                return whole if width_of(whole) <= self._table.wide else f"{self._table.number(self)}: {named}"
            return named if column["kind"] == "tick" else "  " + named

        name = f"{self.key}-{column['name']}"
        return entry(column, name, label, self._given.get(column["name"]), wide=self._table.wide)

    def compose(self) -> ComposeResult:
        """Line, then sub-fields."""
        yield self._heading
        yield self._body

    def on_mount(self) -> None:
        """As folded as it may be."""
        self.show()

    @property
    def filled(self) -> bool:
        """Whether anything is in it."""
        if not self.is_mounted:
            return any(self._given.values())
        return bool(self.values)

    @property
    def values(self) -> dict[str, Any]:
        """What is in it, by column; what is empty is left out."""
        return {name: value for name, cell in self._cells.items() if (value := held(cell)) not in ("", False, [])}

    def column_of(self, name: str) -> Mapping[str, Any] | None:
        """The column of the sub-field with that id."""
        return next((one for one in self._columns if f"{self.key}-{one['name']}" == name), None)

    def _title(self) -> str:
        return f"{self._table.label()} {self._table.number(self)}"

    # --- open and folded ---

    def show(self) -> None:
        """Show what belongs on the screen now."""
        filled = self.filled
        self._heading.display = filled
        self._body.display = self._open or not filled or self._body.has_focus_within
        for n, cell in enumerate(self._cells.values()):
            cell.display = filled or n == 0
        self._heading.refresh()

    def unfold(self) -> None:
        """Show the sub-fields."""
        self._open = True
        self.show()

    def fold(self) -> None:
        """Show the line alone."""
        self._open = False
        self.show()

    def turn(self) -> None:
        """Turn the box on its line over."""
        cell = self._cells[self.ticks]
        assert isinstance(cell, Tick)  # noqa: S101 - `ticks` names a box
        cell.value = not cell.value
        self.post_message(Altered(self))
        cell.refresh()

    def on_descendant_blur(self) -> None:
        """It folds once the focus has gone elsewhere."""
        self.call_after_refresh(self._left)

    def _left(self) -> None:
        if not self.is_attached or self.has_focus_within:  # the form may have been closed meanwhile
            return
        self.fold()
        if (focused := self.screen.focused) is not None:
            focused.call_after_refresh(into_sight, focused)

    def begin(self) -> None:
        """The cursor into its first sub-field."""
        cell = next(iter(self._cells.values()))
        (cell.input if isinstance(cell, Field) else cell).focus()

    # --- its line ---

    def line(self, focused: bool) -> Line:
        """Number, box, what is in it, and what it still needs."""
        look = "chosen" if focused else "text"
        head = line(
            ("▸ " if focused else "  ", "chosen" if focused else "dim"),
            (cells(self._title(), self._table.wide) + " ", "dim"),
        )
        values = self.values
        box = f"[{'x' if self.ticks in values else ' '}] " if self.ticks else ""
        told = " · ".join(text for name in self._cells if name != self.ticks and (text := self._told(name)))
        missing = [label_of(one).rstrip("*") for one in self._columns if one["required"] and one["name"] not in values]
        needs = "   ! " + _("needed") + ": " + _(", ").join(missing) if missing else ""
        return (*head, *line((box + told, look), (needs, "warn")))

    def _told(self, name: str) -> str:
        cell = self._cells[name]
        if isinstance(cell, Pick):
            return cell.shown
        if isinstance(cell, Tick):
            return label_of(self.column_of(f"{self.key}-{name}") or {}) if cell.value else ""
        return str(held(cell))


class Table(Vertical):
    """The rows of a field, and always an empty one after them as long as there may be more.

    Args:
        field: as the engine names it; what is given are the rows that it starts with.
    """

    DEFAULT_CSS = "Table { height: auto; }"

    def __init__(self, field: Mapping[str, Any], *, wide: int = LABEL) -> None:
        super().__init__(id=field["name"])
        self._field = field
        self._made = 0
        self.wide = wide

    def label(self) -> str:
        """What the table is called."""
        return label_of(self._field)

    def number(self, row: Row) -> int:
        """The place of a row, from 1."""
        rows = list(self.query(Row))
        return rows.index(row) + 1 if row in rows else len(rows) + 1

    def compose(self) -> ComposeResult:
        """What is given, and an empty row."""
        given = self._field["given"] or ()
        yield from (self._row(row) for row in given)
        if len(given) < self._field["most"]:
            yield self._row({})

    def _row(self, given: Mapping[str, Any]) -> Row:
        """A row; one of a list that was given is ticked off on its line, where it has a box."""
        boxes = [one["name"] for one in self._field["columns"] if one["kind"] == "tick"]
        ticks = boxes[0] if boxes and given else ""
        row = Row(self, f"{self.id}-{self._made}", self._field["columns"], given, ticks)
        self._made += 1
        return row

    @property
    def value(self) -> list[dict[str, Any]]:
        """The rows that have something in them."""
        return [row.values for row in self.query(Row) if row.filled]

    def row_of(self, widget: Widget | None) -> Row | None:
        """The row that a widget stands in."""
        above = widget.ancestors_with_self if widget is not None else ()
        return next((one for one in above if isinstance(one, Row)), None)

    # --- rows come and go ---

    def on_input_changed(self, event: Input.Changed) -> None:
        """A text was typed."""
        self._changed(event.input)

    def on_altered(self, event: Altered) -> None:
        """A choice was made or a box ticked."""
        self._changed(event.row)

    def _changed(self, widget: Widget) -> None:
        row = self.row_of(widget)
        if row is None:
            return
        row.show()
        rows = list(self.query(Row))
        if rows[-1].filled and len(rows) < self._field["most"]:
            self.mount(self._row({}))
        widget.call_after_refresh(into_sight, widget)

    def add(self) -> None:
        """The cursor into the empty row; there is none where the table is full."""
        last = list(self.query(Row))[-1]
        if not last.filled:
            last.begin()

    async def take_out(self, row: Row) -> None:
        """Take a row out; the cursor goes to the one after it."""
        rows = list(self.query(Row))
        at = rows.index(row)
        await row.remove()
        rest = list(self.query(Row))
        if not rest or rest[-1].filled:
            await self.mount(self._row({}))
            rest = list(self.query(Row))
        then = rest[min(at, len(rest) - 1)]
        then.query_one(Heading).focus() if then.filled else then.begin()
        self.post_message(Altered(self))
