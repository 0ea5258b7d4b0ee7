"""What head office has not acknowledged yet, how the tries went, and what needs a decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from drivers.text import Words
from reports.vocabulary import kind_words
from station.i18n import N_, _, words
from station.ui.keys import Act
from station.ui.paint import Line, bar, box, columns, line, wrap
from station.ui.screens.page import BACK, BACK_B, LANGUAGE, Page
from station.ui.signs import OUTBOX_STATES, UNKNOWN
from station.ui.widgets.wall import ago

if TYPE_CHECKING:
    from station.messages import OutboxRow, OutboxView

__all__ = ["Outbox"]


class Outbox(Page):
    """The outbox."""

    CSS_PATH = "outbox.tcss"
    ACTS = (
        Act("up", "move(-1)", "↑↓", N_("select"), lambda s: s.view is not None and len(s.view.rows) > 1),
        Act("down", "move(1)", "", N_("select"), lambda s: s.view is not None and len(s.view.rows) > 1),
        Act("r", "flush", "r", N_("try now"), lambda s: s.view is not None and not s.busy),
        BACK,
        BACK_B,
        LANGUAGE,
        Act("question_mark", "help", "?", N_("help")),
    )

    def __init__(self) -> None:
        super().__init__()
        self.view: OutboxView | None = None
        self.cursor = 0
        self._counted = (-1, -1)

    def where(self) -> str:
        """The name of the place."""
        return _("Outbox")

    def follow(self) -> None:
        """Ask again when the bench says that something moved."""
        super().follow()
        bench = self.feed.bench
        now = (bench.outbox, bench.rejected) if bench is not None else (-1, -1)
        if now != self._counted:
            self._counted = now
            self.run_worker(self._ask(), group="ask", exclusive=True)

    async def _ask(self) -> None:
        from station.messages import OutboxQuery, OutboxView

        found = await self.order(OutboxQuery())
        if found is not None:
            self.view = OutboxView.model_validate(found.data)
            self.cursor = max(0, min(self.cursor, len(self.view.rows) - 1))
        self.redraw()

    def drawing(self, width: int, height: int) -> Sequence[Line]:
        """State, rows, and why the chosen one waits."""
        view = self.view
        if view is None:
            return [line(), line(("  " + _("asking the engine for the outbox …"), "dim"))]
        state = self._state(view, width)
        why = self._why(view, width)
        return [*state, *self._rows(view, width, max(5, height - len(state) - len(why))), *why]

    def _state(self, view: OutboxView, width: int) -> list[Line]:
        if view.trouble is None:
            rows: list[Line] = [line(("✔ ", "pass"), (view.head_office or _("head office"), "text"))]
        else:
            rows = [line(("? ", "lost"), (view.head_office or _("head office"), "text"))]
            rows += wrap(words(view.trouble), width - 4, "lost", most=2)
            if view.next_step is not None:
                rows += wrap("→ " + words(view.next_step), width - 4, "strong", most=2)
            rows.append(line((_("work goes on, everything is on the disk") + self._next_try(view), "dim")))
        waiting = max(view.waiting, len(view.rows))
        all_ = view.acknowledged + waiting
        acknowledged = _("acknowledged {n}").format(n=view.acknowledged)
        rows.append(line(_("waiting {n}").format(n=waiting) + " · " + acknowledged))
        rows.append([*bar(view.acknowledged, all_, width - 20, "pass"), *line(f"  {view.acknowledged}/{all_}")])
        return box(_("State"), rows, width)

    def _next_try(self, view: OutboxView) -> str:
        left = view.next_ms - self.feed.now_ms()
        return " · " + _("next try {time}").format(time=ago(left)) if view.next_ms and left > 0 else ""

    def _rows(self, view: OutboxView, width: int, height: int) -> list[Line]:
        inner = width - 4
        sizes = (3, 7, 18, 22, 12, 7, max(8, inner - 69))
        heads = ("", "#", _("ticket"), _("what"), _("state"), _("tries"), _("why"))
        rows: list[Line] = [
            columns([(line((text, "dim")), size) for text, size in zip(heads, sizes, strict=True)]),
            line(("─" * inner, "frame")),
        ]
        room = max(1, height - 4)
        first = max(0, min(self.cursor - room // 2, len(view.rows) - room))
        for n, row in enumerate(view.rows[first : first + room], first):
            rows.append(self._row(row, sizes, n == self.cursor))
        if not view.rows:
            rows.append(line(("✔ " + _("nothing waits: head office has acknowledged everything"), "pass")))
        return box(_("Waiting"), rows, width, height)

    def _row(self, row: OutboxRow, sizes: tuple[int, ...], chosen: bool) -> Line:
        look = OUTBOX_STATES.get(row.state, UNKNOWN)
        name = "chosen" if chosen else "text"
        texts = (
            (look.sign, look.colour),
            (str(row.seq), "dim"),
            (row.ticket, name),
            (words(kind_words(row.kind)), name),
            (words(look.words), look.colour),
            (str(row.tries), "dim"),
            (self._reason(row), look.colour if row.state != "waiting" else "dim"),
        )
        return columns([(line(text), size) for text, size in zip(texts, sizes, strict=True)])

    def _reason(self, row: OutboxRow) -> str:
        if row.reason is not None:
            return words(row.reason)
        left = row.next_ms - self.feed.now_ms()
        return _("next try {time}").format(time=ago(left)) if row.tries and left > 0 else ""

    def _why(self, view: OutboxView, width: int) -> list[Line]:
        if not view.rows:
            return []
        row = view.rows[min(self.cursor, len(view.rows) - 1)]
        rows: list[Line] = [line((row.digest, "dim"))]
        if row.reason is not None:
            rows += wrap(words(row.reason), width - 4, most=3)
        if row.state != "waiting":
            rows.append(line(("! " + _("head office did not take it; it stays here and blocks nothing else"), "warn")))
        rows.append(line((_("signed records are never deleted"), "dim")))
        return box(f"# {row.seq}", rows, width)

    def action_move(self, by: int) -> None:
        """Choose another row."""
        if self.view is not None:
            self.cursor = max(0, min(self.cursor + by, len(self.view.rows) - 1))
            self.redraw()

    def action_flush(self) -> None:
        """Try to upload now."""
        self.run_worker(self._flush(), group="order", exclusive=True)

    async def _flush(self) -> None:
        from station.messages import FlushOutbox

        if await self.order(FlushOutbox()) is not None:
            await self._ask()
            self.say(Words("asked for an upload now", "已请求立即上传"))
