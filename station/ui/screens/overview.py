"""The bench: every slot, what waits for me, and what the bench itself is troubled by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.timer import Timer
from textual.widget import Widget

from station.i18n import N_, _, words
from station.ui.keys import Act
from station.ui.paint import Line, Span, beside, columns, fit, line, width_of, wrap
from station.ui.screens.page import HELP, LANGUAGE, Page
from station.ui.signs import STATUSES
from station.ui.widgets.drawn import Drawn
from station.ui.widgets.wall import Wall, ago, layout

if TYPE_CHECKING:
    from station.messages import BenchSnapshot, TodoRow

__all__ = ["Overview"]

#: Seconds that a digit waits for a second one, where both `1` and `10` are slots.
SECOND_DIGIT_S = 0.7


class Overview(Page):
    """The first page."""

    CSS_PATH = "overview.tcss"
    ACTS = (
        Act("enter", "open_typed", "", N_("open slot"), lambda s: bool(s.typed)),
        Act("g", "longest", "g", N_("next for me"), lambda s: s.next_slot() is not None, N_("next")),
        Act("n", "intake", "n", N_("intake"), lambda s: s.feed.bench is not None),
        Act("t", "tickets", "t", N_("tickets"), lambda s: s.feed.bench is not None),
        Act("q", "cross_check", "q", N_("cross-check"), lambda s: s.feed.bench is not None, N_("QC")),
        Act("o", "outbox", "o", N_("outbox"), lambda s: s.feed.bench is not None),
        Act("left_square_bracket", "page(-1)", "[ ]", N_("page"), lambda s: s.wall().pages > 1),
        Act("right_square_bracket", "page(1)", "", N_("page"), lambda s: s.wall().pages > 1),
        Act("f3", "person", "F3", N_("who I am"), short=N_("who")),
        LANGUAGE,
        HELP,
        Act("ctrl+q", "app.quit", "^Q", N_("leave")),
    )

    def __init__(self) -> None:
        super().__init__()
        self.typed = ""
        self._digit_timer: Timer | None = None

    def where(self) -> str:
        """The name of the place."""
        return _("Overview")

    def body(self) -> Iterable[Widget]:
        """Counts, wall, and below it what waits and what is wrong."""
        yield Drawn(self._counts, id="counts")
        yield Wall(self.feed, id="wall")
        yield Drawn(self._below, id="below")

    def wall(self) -> Wall:
        """The wall of slots."""
        return self.query_one("#wall", Wall)

    def follow(self) -> None:
        """Newer things from the engine."""
        if not self.there:
            return
        made = layout(self.size.width, self.size.height, self.wall().slots)
        self.wall().styles.height = made.height if made.columns else min(made.page, max(1, self.wall().slots))
        self.wall().follow()
        self.redraw()

    def on_second(self) -> None:
        """Waiting times move."""
        if self.is_current:
            self.follow()

    def on_resize(self) -> None:
        """Another size is another layout."""
        self.follow()

    def shown_acts(self) -> Iterable[Act]:
        """Digits first, as long as there is a slot to open."""
        if self.feed.bench is not None and self.feed.bench.cards:
            yield Act("", "", _("digits"), N_("open slot"), short=N_("slot"))
        yield from super().shown_acts()

    # --- drawing ---

    def _counts(self, width: int, _height: int) -> Sequence[Line]:
        bench = self.feed.bench
        if bench is None:
            return [line((" " + self._waiting_for_engine(), "dim"))]
        counted = Counter(str(card.status) for card in bench.cards)
        spans = [Span(" ")]
        for status in ("running", "your-turn", "blocked", "fail", "warn", "pass", "not-run", "lost"):
            if counted[status] and not (status == "blocked" and counted["your-turn"]):
                number = counted[status] + (counted["blocked"] if status == "your-turn" else 0)
                look = STATUSES[status]
                spans += [Span(" · ", "frame")] if len(spans) > 1 else []
                spans.append(Span(f"{look.sign} {words(look.words)} {number}", look.colour))
        right = self._right_of_counts(width)
        return [[*fit(spans, width - width_of(right) - 1), Span(right, "dim"), Span(" ")]]

    def _waiting_for_engine(self) -> str:
        lost = self.feed.lost
        if lost is None:
            return _("attaching to the engine …")
        return _("no engine") + f": {words(lost.what)} → {words(lost.next_step)}"

    def _right_of_counts(self, width: int) -> str:
        if self.typed:
            return _("slot {n}").format(n=self.typed) + "_"
        if not layout(width, self.size.height, self.wall().slots).columns:
            return _("a larger window (100x30) shows cards")
        wall = self.wall()
        return _("page {n} of {all}").format(n=wall.page + 1, all=wall.pages) if wall.pages > 1 else ""

    def _below(self, width: int, height: int) -> Sequence[Line]:
        bench = self.feed.bench
        if bench is None:
            return []
        left = self._todo(bench, width // 2 - 2 if width >= 140 else width, height)
        right = self._troubles(bench, width - width // 2 if width >= 140 else width)
        if width >= 140:
            return [line(), *beside(left, right, width // 2 - 1)]
        return [line(), *left[: max(2, height - 1 - len(right))], *right]

    def _todo(self, bench: BenchSnapshot, width: int, height: int) -> list[Line]:
        rows: list[Line] = []
        if self.bench_app.stand.notice:
            rows += [*wrap(self.bench_app.stand.notice, width - 2, "strong"), line()]
        rows.append(line((" " + _("WAITING FOR YOU (longest first)"), "dim")))
        if not bench.todo:
            rows.append(line(("  " + _("nothing"), "dim")))
        first = self.next_slot()
        for todo in sorted(bench.todo, key=lambda row: row.since_ms)[: max(1, height - 2)]:
            rows.append(self._todo_line(todo, width, arrow=todo.slot is not None and todo.slot == first))
        return rows

    def _todo_line(self, todo: TodoRow, width: int, arrow: bool) -> Line:
        slot = str(todo.slot) if todo.slot is not None else "–"
        tail = _("← press {slot} or g").format(slot=slot) if arrow else ""
        name = max(10, width // 4)
        what = max(10, width - name - 5 - 9 - 18)
        waiting = ago(self.feed.now_ms() - todo.since_ms)
        return columns(
            [
                (line((f"{slot:>3}  ", "strong")), 5),
                (todo.model or todo.ticket, name),
                (line((" " + words(todo.what), "turn")), what),
                (f" {waiting}", 9),
                (line((tail, "dim")), 18),
            ]
        )

    def _troubles(self, bench: BenchSnapshot, width: int) -> list[Line]:
        if not bench.troubles:
            return []
        rows: list[Line] = [line(("  " + _("TROUBLES OF THE BENCH"), "dim"))]
        for trouble in bench.troubles[:4]:
            for n, part in enumerate(wrap(words(trouble), width - 6, "lost", most=2)):
                rows.append([Span("  ? " if not n else "    ", "lost"), *part])
        return rows

    # --- slots by digits ---

    def on_key(self, event: events.Key) -> None:
        """Digits collect to a slot number; where no slot goes on like that it opens at once."""
        digit = event.character or ""
        if not (digit.isascii() and digit.isdigit()) or self.feed.bench is None:
            return
        event.stop()
        slots = {str(card.slot) for card in self.feed.bench.cards}
        self.typed = (self.typed + digit).lstrip("0")
        if not any(slot.startswith(self.typed) for slot in slots):
            self.typed = ""
        elif any(slot != self.typed and slot.startswith(self.typed) for slot in slots):
            self._wait_for_digit()
        else:
            self.action_open_typed()
        self.redraw()

    def _wait_for_digit(self) -> None:
        if self._digit_timer is not None:
            self._digit_timer.stop()
        self._digit_timer = self.set_timer(SECOND_DIGIT_S, self.action_open_typed)

    def action_open_typed(self) -> None:
        """Open the slot whose number was typed."""
        if self._digit_timer is not None:
            self._digit_timer.stop()
            self._digit_timer = None
        slot, self.typed = self.typed, ""
        if slot and self.feed.card(int(slot)) is not None:
            self.open_slot(int(slot))

    def open_slot(self, slot: int) -> None:
        """Show one slot in detail."""
        from station.ui.screens.device import Device

        self.wall().show_slot(slot)
        self.app.push_screen(Device(slot))

    def next_slot(self) -> int | None:
        """The slot that has waited longest for a person."""
        if self.feed.bench is None:
            return None
        waiting = [row for row in self.feed.bench.todo if row.slot is not None]
        return min(waiting, key=lambda row: row.since_ms).slot if waiting else None

    # --- keys ---

    def action_longest(self) -> None:
        """Go to what has waited longest."""
        slot = self.next_slot()
        if slot is not None:
            self.open_slot(slot)

    def action_page(self, by: int) -> None:
        """Another page of slots."""
        self.wall().turn(by)
        self.redraw()

    def action_intake(self) -> None:
        """A new ticket."""
        from station.ui.screens.intake import IntakeForm

        self.app.push_screen(IntakeForm(None))

    def action_tickets(self) -> None:
        """The list of tickets."""
        from station.ui.screens.tickets import Tickets

        self.app.push_screen(Tickets())

    def action_cross_check(self) -> None:
        """The tickets that wait for a cross-check."""
        from station.ui.screens.tickets import Tickets

        self.app.push_screen(Tickets(only="cross-check due"))

    def action_outbox(self) -> None:
        """What head office has not acknowledged."""
        from station.ui.screens.outbox import Outbox

        self.app.push_screen(Outbox())

    def action_person(self) -> None:
        """Say who works here."""
        from station.ui.screens.person import WhoAmI

        self.app.push_screen(WhoAmI())
