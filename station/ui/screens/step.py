"""The form of any step: fields as the engine names them; F8 shows what it would say, F9 writes it and has it signed.

It knows no single step. Enter and Tab go on to the next field and commit nothing. Fields of one group stand under its
heading; a group that nothing is needed of and nothing is given for is folded until it is opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from textual import events
from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input

from drivers.text import Words
from station.i18n import N_, _, words
from station.ui.keys import Act
from station.ui.paint import Line, line, width_of, wrap
from station.ui.screens.page import BACK, LANGUAGE, Page
from station.ui.widgets.drawn import Drawn
from station.ui.widgets.entry import entry, held, is_chosen, label_of
from station.ui.widgets.form import LABEL, Altered, Field, Section
from station.ui.widgets.table import Heading, Row, Table

__all__ = ["Left", "StepForm"]

#: What forms held that were left without writing, by step.
Left = dict[str, dict[str, Any]]

#: Lines that a list of files starts with; another one comes when the last is filled.
_LINES = 2
#: What stands for a picture of the station's first camera where a file is asked for.
_CAMERA = "camera:0"
#: Cells that labels may take at most; longer ones are cut.
_LABEL_MOST = 40
#: Lines below the fields for how to fill them in, and for what the record would say.
_HELP_ROWS, _SAYS_ROWS = 4, 11
#: How a text of a kind is written.
_WRITTEN = {
    "date": Words("a day like 2026-03-31", "日期，例如 2026-03-31"),
    "moment": Words("a time like 2026-03-31 14:30", "时间，例如 2026-03-31 14:30"),
    "money": Words("a sum like 120 or 120.50", "金额，例如 120 或 120.50"),
    "count": Words("a whole number", "整数"),
    "digest": Words("the digest of a record", "记录摘要"),
}


class StepForm(Page):
    """One step's form."""

    CSS_PATH = "steps.tcss"
    ACTS = (
        Act("tab", "app.focus_next", "Tab ↑↓", N_("next field"), short=N_("next")),
        Act("f5", "add_row", "F5", N_("another row"), lambda s: s.table() is not None, N_("add")),
        Act("f6", "take_row_out", "F6", N_("take the row out"), lambda s: s.row() is not None, N_("remove")),
        Act("f4", "camera", "F4", N_("take a picture"), lambda s: s.takes_pictures(), N_("picture")),
        Act("f8", "preview", "F8", N_("show what it says"), lambda s: not s.busy),
        Act("f9", "write", "F9", N_("write and sign"), lambda s: not s.busy),
        BACK,
        LANGUAGE,
    )

    def __init__(
        self, ticket: str, step: dict[str, Any], records: Sequence[tuple[str, Words]] = (), left: Left | None = None
    ) -> None:
        super().__init__()
        self.left: Left = {} if left is None else left
        self.ticket, self.step = ticket, _with_left(step, self.left.get(step["id"], {}))
        self.records = records
        self.says: list[Words] = []
        self._lines: dict[str, int] = {}
        labels = (text for one in step["fields"] for text in one["label"])
        self._wide = min(_LABEL_MOST, max([LABEL, *(width_of(text) + 1 for text in labels)]))

    def where(self) -> str:
        """The step, and the ticket's number."""
        return words(Words(*self.step["title"])) + (f" · {self.ticket}" if self.ticket else "")

    # --- the fields ---

    def body(self) -> Iterable[Widget]:
        """What the step is for, its fields, and what it would say."""
        yield Drawn(self.drawing, id="body")
        with VerticalScroll(id="fields", can_focus=False):
            for n, (group, members) in enumerate(groupby(self.step["fields"], key=lambda one: one.get("group"))):
                yield from self._group(f"group-{n}", group, list(members))
        yield Drawn(self._said, id="rest")

    def _group(self, name: str, group: list[str] | None, fields: list[dict[str, Any]]) -> Iterable[Widget]:
        widgets = [widget for field in fields for widget in self._widgets(field)]
        if group is None:
            yield from widgets
            return
        needed = any(field["required"] for field in fields)
        open_ = needed or any(field["given"] for field in fields)
        label = Words(*group)
        yield Section(name, lambda: words(label), lambda: self._told(fields), open_, folds=not needed)
        below = Vertical(*widgets, id=f"{name}-fields")
        below.display = open_
        yield below

    def _told(self, fields: list[dict[str, Any]]) -> str:
        """What a folded group holds."""
        names = {field["name"] for field in fields}
        filled = len(names & self.typed().keys()) if self.there else 0
        return _("filled in: {n} of {all}").format(n=filled, all=len(names))

    def on_altered(self, event: Altered) -> None:
        """A group was opened or folded, or a choice made: what was shown is of an older form."""
        for section in self.query(Section):
            self.query_one(f"#{section.id}-fields").display = section.open
        if not isinstance(event.row, Section):
            self.says = []
        self.redraw()

    def _widgets(self, field: dict[str, Any]) -> Iterable[Widget]:
        name, wide = field["name"], self._wide
        if field["kind"] == "rows":
            yield Table(field, wide=wide)
        elif field["kind"] == "photos":
            self._lines[name] = min(field["most"], max(_LINES, len(field["given"] or ()) + 1))
            yield from (self._line(field, n) for n in range(self._lines[name]))
        else:
            yield entry(field, name, lambda: label_of(field), field["given"], records=self.records, wide=wide)

    def _line(self, field: dict[str, Any], n: int) -> Field:
        given = (field["given"] or ())[n : n + 1]
        return Field(f"{field['name']}-{n}", lambda: f"{label_of(field)} {n + 1}", "".join(given), wide=self._wide)

    def on_mount(self) -> None:
        """Ready to type, with the form's beginning in sight."""
        self.set_focus(next(iter(self.focus_chain), None), scroll_visible=False)

    def typed(self) -> dict[str, Any]:
        """What the form holds, by field, as the engine takes it."""
        found: dict[str, Any] = {}
        for field in self.step["fields"]:
            name, kind = field["name"], field["kind"]
            if kind == "rows":
                found[name] = self.query_one(f"#{name}", Table).value
            elif kind == "photos":
                lines = (self.query_one(f"#row-{name}-{n}", Field).value for n in range(self._lines[name]))
                found[name] = [text for text in lines if text]
            else:
                typed = kind not in ("tick", "choices") and not is_chosen(field, self.records)
                found[name] = held(self.query_one(f"#row-{name}" if typed else f"#{name}"))
        return {name: value for name, value in found.items() if value not in ("", [], None)}

    # --- drawing ---

    def drawing(self, width: int, height: int) -> Sequence[Line]:
        """What the step does."""
        about = wrap(words(Words(*self.step["about"])), width - 4, "strong", most=2)
        return [line(), *([*line("  "), *row] for row in about)]

    def _said(self, width: int, height: int) -> Sequence[Line]:
        rows: list[Line] = [line()]
        for said in self.says:
            rows += [[*line("  "), *row] for row in wrap(words(said), width - 4, "text", most=3)]
        if not self.says:
            rows += [[*line("  "), *row] for row in wrap(self._help(), width - 4, "dim", most=7)]
        return rows[:height]

    def _help(self) -> str:
        """How the field under the cursor is filled in."""
        told = _("* needed · Enter and Tab go to the next field, Space and arrows choose, F9 writes the record")
        field = self._focused_field()
        if field is None:
            return told
        row = self._row_here()
        column = row.column_of((self.focused.id or "") if self.focused is not None else "") if row else None
        helps = [one["help"] for one in (column, field) if one and one["help"]]
        parts = [words(Words(*one)) for one in helps]
        asked = column or field
        chosen = is_chosen(asked, self.records)
        if asked["kind"] in _WRITTEN and not chosen:
            parts.append(words(_WRITTEN[asked["kind"]]))
        if isinstance(self.focused, Heading):
            ticks = _("Space ticks it") if row and row.ticks else ""
            parts += [text for text in (ticks, _("→ opens the row, F6 takes it out, F5 begins another")) if text]
        elif row is not None and not row.filled:
            parts.append(_("type, scan or choose to begin a row; Tab leaves it out"))
        if asked["kind"] == "choices":
            parts.append(_("arrows go through the list, Space ticks, Enter goes on"))
        elif chosen:
            parts.append(_("Space and arrows choose; in a long list letters find"))
        if asked["kind"] == "photos":
            parts.append(_("one file a line, by its path; F4 takes a picture with the station's camera"))
        return " · ".join(parts) or told

    def _focused_field(self) -> dict[str, Any] | None:
        name = ((self.focused.id or "") if self.focused is not None else "").partition("-")[0]
        return next((one for one in self.step["fields"] if one["name"] == name), None)

    # --- rows of tables, and pictures ---

    def table(self) -> Table | None:
        """The table that the cursor stands in."""
        above = self.focused.ancestors if self.focused is not None else ()
        return next((one for one in above if isinstance(one, Table)), None)

    def row(self) -> Row | None:
        """The row that F6 takes out: the cursor's, if there is anything in it."""
        row = self._row_here()
        return row if row is not None and row.filled else None

    def _row_here(self) -> Row | None:
        table = self.table()
        return table.row_of(self.focused) if table is not None else None

    def takes_pictures(self) -> bool:
        """Whether the cursor stands where a file is asked for."""
        field = self._focused_field()
        return field is not None and field["kind"] == "photos" and isinstance(self.focused, Input)

    def action_add_row(self) -> None:
        """Begin another row."""
        if (table := self.table()) is not None:
            table.add()

    def action_take_row_out(self) -> None:
        """Take the row out that the cursor stands in."""
        table, row = self.table(), self.row()
        if table is not None and row is not None:
            self.run_worker(table.take_out(row), group="rows")

    def action_camera(self) -> None:
        """A picture of the station's first camera, taken when the record is written."""
        if isinstance(self.focused, Input):
            self.focused.value = _CAMERA

    def redraw(self) -> None:
        """The boxes too: what they say follows the language."""
        if self.there:
            self.query_one("#rest").styles.height = _SAYS_ROWS if self.says else _HELP_ROWS
        super().redraw()
        for row in self.query("Tick, Pick, Toggles, Section, Heading"):
            row.refresh()

    def on_key(self, event: events.Key) -> None:
        """Up and down go through the rows; a list that is open takes them first."""
        if event.key in {"up", "down"}:
            event.stop()
            self.focus_previous() if event.key == "up" else self.focus_next()

    def on_input_changed(self, event: Input.Changed) -> None:
        """What was shown is of older text; a list of files whose last line is filled gets another."""
        self.says = []
        name, _dash, number = (event.input.id or "").rpartition("-")
        field = next((one for one in self.step["fields"] if one["name"] == name), None)
        last = name in self._lines and number == str(self._lines[name] - 1)
        if field and event.value and last and self._lines[name] < field["most"]:
            self._lines[name] += 1
            self.mount(self._line(field, self._lines[name] - 1), after=f"#row-{event.input.id}")
        self.redraw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter, and so a scan, goes to the next field."""
        event.stop()
        self.focus_next()

    # --- doing ---

    def action_back(self) -> None:
        """Leave the form; what it holds is there again when it is opened once more from the same list of steps."""
        self.left[self.step["id"]] = self.typed()
        super().action_back()

    def _about(self) -> dict[str, Any] | None:
        person = self.me()
        if not person:
            return None
        return {"step": self.step["id"], "ticket": self.ticket, "person": person, "fields": self.typed()}

    def action_preview(self) -> None:
        """Show what the record would say, and what the customer has to be told."""
        if about := self._about():
            self.run_worker(self._preview(about), group="order", exclusive=True)

    async def _preview(self, about: dict[str, Any]) -> None:
        from station.messages import PreviewStep

        told = await self.order(PreviewStep(**about))
        if told is not None:
            self.says = [Words(*said) for said in told.data["says"]] or [Words("nothing to be told", "无需告知")]
            self.redraw()

    def action_write(self) -> None:
        """Write the record, then have it signed."""
        if about := self._about():
            self.run_worker(self._write(about), group="order", exclusive=True)

    async def _write(self, about: dict[str, Any]) -> None:
        from station.messages import DoStep
        from station.ui.screens.sign import Sign

        done = await self.order(DoStep(**about))
        if done is None:
            return
        self.left.pop(self.step["id"], None)
        ticket = str(done.data.get("ticket") or self.ticket)
        role, meaning = str(done.data.get("role", "")), str(done.data.get("meaning", ""))
        said = [Words(*one) for one in done.data.get("says", ())]
        if "payload" in done.data:
            self.app.push_screen(Sign("", ticket, role, meaning, prepared=done, about=said), self._signed)
        elif "record" in done.data:
            sign = Sign(str(done.data["record"]), ticket, role, meaning, about=said)
            self.app.push_screen(sign, lambda _digest: self.dismiss(ticket))
        else:
            self.dismiss(ticket)

    def _signed(self, digest: str | None) -> None:
        """A record that a person signs is only there once it was signed: unsigned, the form stays."""
        if digest:
            self.dismiss(self.ticket)


def _with_left(step: dict[str, Any], left: dict[str, Any]) -> dict[str, Any]:
    """The step with what its form held when it was left; which record is meant is always what the engine says now."""
    kept = {one["name"]: left[one["name"]] for one in step["fields"] if one["name"] in left and one["kind"] != "digest"}
    return {**step, "fields": [{**one, "given": kept.get(one["name"], one["given"])} for one in step["fields"]]}
