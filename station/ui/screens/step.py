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
from station.ui.widgets.form import LABEL, Altered, Field, Pick, Section, Tick, Toggles

__all__ = ["StepForm"]

#: Lines that a table or a list of files starts with; another one comes when the last is filled.
_LINES = 2
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
        Act("f8", "preview", "F8", N_("show what it says"), lambda s: not s.busy),
        Act("f9", "write", "F9", N_("write and sign"), lambda s: not s.busy),
        BACK,
        LANGUAGE,
    )

    def __init__(self, ticket: str, step: dict[str, Any], records: Sequence[tuple[str, Words]] = ()) -> None:
        super().__init__()
        self.ticket, self.step = ticket, step
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
        filled = len(names & self.typed().keys()) if self.is_mounted else 0
        return _("filled in: {n} of {all}").format(n=filled, all=len(names))

    def on_altered(self, event: Altered) -> None:
        """A group was opened or folded, or a choice made: what was shown is of an older form."""
        for section in self.query(Section):
            self.query_one(f"#{section.id}-fields").display = section.open
        if not isinstance(event.row, Section):
            self.says = []
        self.redraw()

    def _widgets(self, field: dict[str, Any]) -> Iterable[Widget]:
        name, label, wide = field["name"], Words(*field["label"]), self._wide
        given = field["given"]
        if field["kind"] == "tick":
            yield Tick(name, lambda: _marked(label, field), value=bool(given))
        elif self._of_choices(field):
            choices = self._choices(field)
            yield Pick(
                name, lambda: _marked(label, field), choices, str(given or ""), required=field["required"], wide=wide
            )
        elif field["kind"] == "choices":
            ticked = given.split(",") if isinstance(given, str) else [str(one) for one in given or ()]
            yield Toggles(name, lambda: _marked(label, field), self._choices(field), ticked, wide=wide)
        elif field["kind"] in ("rows", "photos"):
            rows = [given] if isinstance(given, str) else [_row(field, row) for row in given or ()]
            self._lines[name] = min(field["most"], max(_LINES, len(rows) + 1))
            for n in range(self._lines[name]):
                yield self._line(field, n, rows[n] if n < len(rows) else "")
        else:
            yield Field(name, lambda: _marked(label, field), str(given or ""), most=field["most"], wide=wide)

    def _of_choices(self, field: dict[str, Any]) -> bool:
        """Whether it is chosen and not typed: a choice, or a record where the ticket's records are known."""
        return field["kind"] == "choice" or (field["kind"] == "digest" and bool(self.records))

    def _choices(self, field: dict[str, Any]) -> Sequence[tuple[str, Words]]:
        if field["kind"] == "digest":
            return self.records
        return tuple((value, Words(*shown)) for value, shown in field["choices"])

    def _line(self, field: dict[str, Any], n: int, value: str) -> Field:
        label = Words(*field["label"])
        return Field(f"{field['name']}-{n}", lambda: f"{_marked(label, field)} {n + 1}", value, wide=self._wide)

    def on_mount(self) -> None:
        """Ready to type, with the form's beginning in sight."""
        self.set_focus(next(iter(self.focus_chain), None), scroll_visible=False)

    def typed(self) -> dict[str, Any]:
        """What the form holds, by field, as the engine takes it."""
        found: dict[str, Any] = {}
        for field in self.step["fields"]:
            name, kind = field["name"], field["kind"]
            if kind == "tick":
                found[name] = self.query_one(f"#{name}", Tick).value
            elif self._of_choices(field):
                found[name] = self.query_one(f"#{name}", Pick).value
            elif kind == "choices":
                found[name] = self.query_one(f"#{name}", Toggles).value
            elif kind in ("rows", "photos"):
                lines = (self.query_one(f"#row-{name}-{n}", Field).value for n in range(self._lines[name]))
                found[name] = [text for text in lines if text]
            else:
                found[name] = self.query_one(f"#row-{name}", Field).value
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
        parts = [words(Words(*field["help"]))] if field["help"] else []
        if field["kind"] in _WRITTEN and not self._of_choices(field):
            parts.append(words(_WRITTEN[field["kind"]]))
        if field["columns"]:
            columns = "; ".join(_column(column) for column in field["columns"])
            parts.append(_("one a line, cells parted by ;") + f"  {columns}")
        if field["kind"] == "choices":
            parts.append(_("arrows go through the list, Space ticks, Enter goes on"))
        if field["kind"] == "photos":
            parts.append(_("one file a line, by its path"))
        return " · ".join(parts) or told

    def _focused_field(self) -> dict[str, Any] | None:
        name = (self.focused.id or "") if self.focused is not None else ""
        names = (name, name.rpartition("-")[0])
        return next((one for one in self.step["fields"] if one["name"] in names), None)

    def redraw(self) -> None:
        """The boxes too: what they say follows the language."""
        if self.is_mounted:
            self.query_one("#rest").styles.height = _SAYS_ROWS if self.says else _HELP_ROWS
        super().redraw()
        for row in self.query("Tick, Pick, Toggles, Section"):
            row.refresh()

    def on_key(self, event: events.Key) -> None:
        """Up and down go through the rows; a list that is open takes them first."""
        if event.key in {"up", "down"}:
            event.stop()
            self.focus_previous() if event.key == "up" else self.focus_next()

    def on_input_changed(self, event: Input.Changed) -> None:
        """What was shown is of older text; a table whose last line is filled gets another."""
        self.says = []
        name, _dash, number = (event.input.id or "").rpartition("-")
        field = next((one for one in self.step["fields"] if one["name"] == name), None)
        if field and event.value and number == str(self._lines[name] - 1) and self._lines[name] < field["most"]:
            self._lines[name] += 1
            self.mount(self._line(field, self._lines[name] - 1, ""), after=f"#row-{event.input.id}")
        self.redraw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter, and so a scan, goes to the next field."""
        event.stop()
        self.focus_next()

    # --- doing ---

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


def _marked(label: Words, field: dict[str, Any]) -> str:
    return words(label) + ("*" if field["required"] else "")


def _column(column: dict[str, Any]) -> str:
    """A column's name, with the words that may stand in it."""
    label = words(Words(*column["label"]))
    codes = " | ".join(value for value, _shown in column["choices"])
    return f"{label} ({codes})" if codes else label


def _row(field: dict[str, Any], row: dict[str, Any]) -> str:
    return "; ".join(str(row.get(column["name"], "")) for column in field["columns"])
