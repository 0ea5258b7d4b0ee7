"""A new ticket: what is brought in, in what state, and what its bringer agreed to. F9 writes the intake record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.widget import Widget
from textual.widgets import Input

from drivers.text import Words
from station.i18n import N_, _
from station.ui.keys import Act
from station.ui.paint import Line, line
from station.ui.screens.page import BACK, LANGUAGE, Page
from station.ui.widgets.drawn import Drawn
from station.ui.widgets.form import Field, Tick

if TYPE_CHECKING:
    from station.messages import Intake

__all__ = ["IntakeForm"]

_FIELDS = (
    "ticket",
    "imei",
    "serial",
    "model",
    "complaint",
    "appearance",
    "accessories",
    "customer_name",
    "customer_phone",
)


class IntakeForm(Page):
    """The form; with a slot it starts from what the phone there says of itself."""

    CSS_PATH = "intake.tcss"
    ACTS = (
        Act("tab", "app.focus_next", "Tab", N_("next field")),
        Act("f9", "write", "F9", N_("write intake"), lambda s: s.complete() and not s.busy),
        BACK,
        LANGUAGE,
    )

    def __init__(self, slot: int | None) -> None:
        super().__init__()
        self.slot = slot

    def where(self) -> str:
        """The name of the place."""
        place = _("Intake")
        return place + " · " + _("Slot {n}").format(n=self.slot) if self.slot is not None else place

    def body(self) -> Iterable[Widget]:
        """The fields."""
        known = self._known()
        yield Drawn(self.drawing, id="body")
        yield Field("ticket", lambda: _("ticket"), known.get("ticket", ""), most=60)
        yield Field("imei", lambda: _("IMEI"), known.get("imei1", ""), most=40)
        yield Field("serial", lambda: _("serial"), known.get("serial", ""), most=100)
        yield Field("model", lambda: _("model"), known.get("model", ""), most=100)
        yield Field("complaint", lambda: _("complaint"), known.get("complaint", ""), most=500)
        yield Field("appearance", lambda: _("appearance"), most=500)
        yield Field("accessories", lambda: _("accessories"), most=300)
        yield Field("customer_name", lambda: _("customer"), most=100)
        yield Field("customer_phone", lambda: _("telephone"), most=40)
        yield Tick("data_notice", lambda: _("the data notice was given and confirmed"))
        yield Tick("test_consent", lambda: _("the customer consents to testing"))
        yield Drawn(self._rest, id="rest")

    def _known(self) -> dict[str, str]:
        view = self.feed.session
        if self.slot is None or view is None or view.slot != self.slot:
            return {}
        asked = {"complaint": view.ticket.complaint} if view.ticket is not None else {}
        return {"model": view.card.model, "ticket": view.card.ticket, **asked, **view.identity}

    def on_mount(self) -> None:
        """Ready to type."""
        self.query_one("#complaint" if self.slot is not None else "#ticket", Input).focus()
        if self.bench_app.person is None:  # asked now, so that F9 is pressed once
            self.me()

    def redraw(self) -> None:
        """The boxes too: what they say follows the language."""
        super().redraw()
        for tick in self.query(Tick):
            tick.refresh()

    def value(self, name: str) -> str:
        """What a field holds."""
        return self.query_one(f"#row-{name}", Field).value

    def complete(self) -> bool:
        """Whether there is enough to write: a phone that can be told from others, and what is wrong with it."""
        if not self.there:
            return False
        named = self.slot is not None or bool(self.value("imei") or self.value("serial"))
        return named and bool(self.value("complaint"))

    def drawing(self, width: int, height: int) -> Sequence[Line]:
        """What the form is for."""
        return [line(), line(("  " + _("What is brought in"), "strong"))]

    def _rest(self, width: int, height: int) -> Sequence[Line]:
        rows: list[Line] = [line()]
        if not self.complete():
            missing = _("still needed: IMEI or serial, and the complaint")
            rows.append(line(("  " + missing, "warn")))
        if not self.value("ticket"):
            rows.append(line(("  " + _("without a ticket number it gets the next one"), "dim")))
        rows.append(line(("  " + _("Enter and Tab go to the next field, Space ticks, F9 writes the record"), "dim")))
        return rows

    def on_input_changed(self) -> None:
        """F9 works as soon as there is enough."""
        self.redraw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter, and so a scan, goes to the next field."""
        event.stop()
        self.focus_next()

    def action_write(self) -> None:
        """Write the intake, then have it signed."""
        me = self.me()
        if me and self.complete():
            self.run_worker(self._write(self._command(me)), group="order", exclusive=True)

    def _command(self, me: str) -> Intake:
        from station.messages import Intake

        return Intake(
            slot=self.slot,
            person=me,
            data_notice_confirmed=self.query_one("#data_notice", Tick).value,
            test_consent=self.query_one("#test_consent", Tick).value,
            **{name: self.value(name) for name in _FIELDS},
        )

    async def _write(self, command: Intake) -> None:
        from station.ui.screens.sign import Sign

        written = await self.order(command)
        if written is None:
            return
        ticket = str(written.data.get("ticket") or command.ticket)
        record = str(written.data.get("record") or written.data.get("digest") or "")
        if record:
            also, about = ("receptionist", "lead"), _about(command)
            sign = Sign(record, ticket, "technician", "performed", about=about, or_as=also)
            self.app.push_screen(sign, lambda _digest: self.dismiss(ticket))
        else:
            self.say(Words(f"ticket {ticket} opened", f"工单 {ticket} 已建立"))
            self.dismiss(ticket)


def _about(told: Intake) -> list[Words]:
    """What was taken down, for whoever signs it."""
    rows = [
        (Words("complaint: {text}", "客户描述：{text}"), told.complaint),
        (Words("appearance: {text}", "外观：{text}"), told.appearance),
        (Words("accessories: {text}", "附件：{text}"), told.accessories),
    ]
    return [row.fill(text=text) for row, text in rows if text]
