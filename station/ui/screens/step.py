"""The form of any step: fields as the engine names them; F8 shows what it would say, F9 writes it and has it signed.

It knows no single step. Enter and Tab go on to the next field and commit nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input

from drivers.text import Words
from station.i18n import N_, _, words
from station.ui.keys import Act
from station.ui.paint import Line, line, wrap
from station.ui.screens.page import BACK, LANGUAGE, Page
from station.ui.widgets.drawn import Drawn
from station.ui.widgets.form import Field, Pick, Tick

__all__ = ["StepForm"]

#: Lines that a table or a list of files starts with; another one comes when the last is filled.
_LINES = 2


class StepForm(Page):
    """One step's form."""

    CSS_PATH = "steps.tcss"
    ACTS = (
        Act("tab", "app.focus_next", "Tab", N_("next field")),
        Act("f8", "preview", "F8", N_("show what it says"), lambda s: not s.busy),
        Act("f9", "write", "F9", N_("write and sign"), lambda s: not s.busy),
        BACK,
        LANGUAGE,
    )

    def __init__(self, ticket: str, step: dict[str, Any]) -> None:
        super().__init__()
        self.ticket, self.step = ticket, step
        self.says: list[Words] = []
        self._lines: dict[str, int] = {}

    def where(self) -> str:
        """The step, and the ticket's number."""
        return words(Words(*self.step["title"])) + (f" · {self.ticket}" if self.ticket else "")

    # --- the fields ---

    def body(self) -> Iterable[Widget]:
        """What the step is for, its fields, and what it would say."""
        yield Drawn(self.drawing, id="body")
        with VerticalScroll(id="fields", can_focus=False):
            for field in self.step["fields"]:
                yield from self._widgets(field)
        yield Drawn(self._said, id="rest")

    def _widgets(self, field: dict[str, Any]) -> Iterable[Widget]:
        name, label = field["name"], Words(*field["label"])
        given = field["given"]
        if field["kind"] == "tick":
            yield Tick(name, lambda: _marked(label, field), value=bool(given))
        elif field["kind"] == "choice":
            choices = tuple((value, Words(*shown)) for value, shown in field["choices"])
            yield Pick(name, lambda: _marked(label, field), choices, str(given or ""), required=field["required"])
        elif field["kind"] in ("rows", "photos"):
            rows = [given] if isinstance(given, str) else [_row(field, row) for row in given or ()]
            self._lines[name] = min(field["most"], max(_LINES, len(rows) + 1))
            for n in range(self._lines[name]):
                yield self._line(field, n, rows[n] if n < len(rows) else "")
        else:
            yield Field(name, lambda: _marked(label, field), str(given or ""), most=field["most"])

    def _line(self, field: dict[str, Any], n: int, value: str) -> Field:
        label = Words(*field["label"])
        return Field(f"{field['name']}-{n}", lambda: f"{_marked(label, field)} {n + 1}", value, most=400)

    def on_mount(self) -> None:
        """Ready to type."""
        first = next(iter(self.query(Input)), None)
        if first is not None:
            first.focus()

    def typed(self) -> dict[str, Any]:
        """What the form holds, by field, as the engine takes it."""
        found: dict[str, Any] = {}
        for field in self.step["fields"]:
            name, kind = field["name"], field["kind"]
            if kind == "tick":
                found[name] = self.query_one(f"#{name}", Tick).value
            elif kind == "choice":
                found[name] = self.query_one(f"#{name}", Pick).value
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
        focused = self.focused
        name = (focused.id or "").rpartition("-")[0] or (focused.id or "") if focused is not None else ""
        field = next((one for one in self.step["fields"] if one["name"] in (name, focused and focused.id)), None)
        told = _("* needed · Enter and Tab go to the next field, Space and arrows choose, F9 writes the record")
        if field is None:
            return told
        more = words(Words(*field["help"])) if field["help"] else ""
        if field["columns"]:
            columns = "; ".join(words(Words(*column["label"])) for column in field["columns"])
            more = (more + "  " if more else "") + _("one a line, cells parted by ;") + f"  {columns}"
        if field["kind"] == "choices":
            listed = ", ".join(f"{value} {words(Words(*shown))}" for value, shown in field["choices"])
            more = (more + "  " if more else "") + _("any of, parted by commas:") + f" {listed}"
        if field["kind"] == "photos":
            more = (more + "  " if more else "") + _("one file a line, by its path")
        return more or told

    def redraw(self) -> None:
        """The boxes too: what they say follows the language."""
        super().redraw()
        for tick in [*self.query(Tick), *self.query(Pick)]:
            tick.refresh()

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
        if "payload" in done.data:
            self.app.push_screen(Sign("", ticket, role, meaning, prepared=done), self._signed)
        elif "record" in done.data:
            self.app.push_screen(Sign(str(done.data["record"]), ticket, role, meaning), lambda _d: self.dismiss(ticket))
        else:
            self.dismiss(ticket)

    def _signed(self, digest: str | None) -> None:
        """A record that a person signs is only there once it was signed: unsigned, the form stays."""
        if digest:
            self.dismiss(self.ticket)


def _marked(label: Words, field: dict[str, Any]) -> str:
    return words(label) + ("*" if field["required"] else "")


def _row(field: dict[str, Any], row: dict[str, Any]) -> str:
    return "; ".join(str(row.get(column["name"], "")) for column in field["columns"])
