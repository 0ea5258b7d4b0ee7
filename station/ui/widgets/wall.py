"""The wall of phones: one widget that paints every slot of the bench itself.

Composed cards of little widgets saturate a core at eight phones; one line-painting widget with cached strips for each
card shows 64 at a quarter of a core. New cards are painted at most eight neighbours a tick, 40 ticks a second, so that
no frame takes long and a key is never kept waiting. What a card says is `card_lines`, a pure function.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from textual.geometry import Region, Size
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from station.i18n import _, language, words
from station.ui.paint import Line, Span, bar, box, fit, line, strip, width_of
from station.ui.signs import STATUSES, UNKNOWN, VERDICTS

if TYPE_CHECKING:
    from station.messages import Card
    from station.ui.seams import Feed

__all__ = ["Layout", "Wall", "ago", "card_lines", "layout", "row_line"]

#: Cards painted in one tick, and ticks a second: 2.2 ms a frame for eight neighbours, measured with 64 on screen.
CARDS_A_TICK = 8
TICKS_A_SECOND = 40


class Layout(NamedTuple):
    """How the wall divides its space. `columns` 0: a list, one line a slot."""

    columns: int
    card_width: int
    card_height: int
    page: int

    @property
    def height(self) -> int:
        """Rows that a full page takes."""
        return self.card_height * (-(-self.page // self.columns) if self.columns else self.page)


class Unused(NamedTuple):
    """A place of the wall that the engine knows no slot for (yet); it looks like an empty one."""

    slot: int
    status: str = "empty"
    since_ms: int = 0


def layout(width: int, height: int, slots: int) -> Layout:
    """The layout for a terminal of `width` x `height` and this many slots."""
    if slots > 16 and width >= 200 and height >= 60:
        return Layout(8, width // 8, 5, 64)
    if width >= 160 and height >= 45:
        return Layout(4, width // 4, 7, 16)
    if width >= 100 and height >= 30:
        return Layout(4, width // 4, 7, 8)
    return Layout(0, width, 1, max(1, height - 9))


def ago(ms: int) -> str:
    """A span of time as minutes and seconds."""
    seconds = max(0, ms) // 1000
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def marks(card: Card, width: int) -> Line:
    """The signs of the checks, one cell each; verdict words from the engine, nothing else is trusted."""
    spans: list[Span] = []
    for mark in card.marks[:width]:
        if not mark:
            spans.append(Span("·", "dim"))
        elif mark == ">":
            turn = card.status == "your-turn"
            spans.append(Span("»" if turn else "▸", "turn" if turn else "run"))
        else:
            look = VERDICTS.get(mark, UNKNOWN)
            spans.append(Span(look.sign, look.colour))
    return spans


def _last_line(card: Card, now_ms: int, width: int) -> Line:
    if card.status in {"your-turn", "blocked"}:
        waiting = _("waiting {time}").format(time=ago(now_ms - card.since_ms))
        if card.next_step is not None and card.status == "blocked":
            return line((ago(now_ms - card.since_ms) + " · ", "dim"), words(card.next_step))
        press = _("press {slot}").format(slot=card.slot) + " · " if width >= 32 else ""
        return line((press + waiting, "turn"))
    if card.notice is not None:
        return line((words(card.notice), "warn"))
    parts = [card.ticket] if card.ticket else []
    if card.next_step is not None:
        parts.append(words(card.next_step))
    return line(" · ".join(parts))


def _empty(card: Card | Unused, width: int, height: int) -> list[Line]:
    rows = [line(), line((words(STATUSES["empty"].words), "empty")), line((_("plug in a phone"), "empty"))]
    return box(line((str(card.slot), "dim")), rows[: height - 2], width, height, "frame")


def card_lines(card: Card | Unused, width: int, height: int, now_ms: int) -> list[Line]:
    """One card of the wall, framed."""
    look = STATUSES.get(card.status, UNKNOWN)
    if isinstance(card, Unused) or card.status == "empty":
        return _empty(card, width, height)
    inner = width - 4
    turn = card.status in {"your-turn", "blocked"}
    tail = f"…{card.serial_tail}" if card.serial_tail else "……"
    name = card.model or _("unknown")
    first = [*fit(line((name, "strong")), max(1, inner - width_of(tail) - 1)), Span(" "), Span(tail, "dim")]
    word = words(look.words)
    head = words(card.headline)
    named = word in head or head.lower().startswith(word.lower())
    said = f"{word}: {head}" if head and not named else head or word
    if card.status == "blocked" or (card.status in {"running", "identifying"} and width < 38):
        said = head or word  # the sign in the title says the state; the room is for what is wrong or measured
    percent = 100 * card.done // card.total if card.total > 0 else 0
    progress = [*bar(card.done, card.total, max(1, inner - 6), look.colour), Span(f"{percent:>4}% ")]
    rows = [first, line((said, look.colour)), progress, marks(card, inner), _last_line(card, now_ms, inner)]
    if height < 7:
        rows = [first, line((said, look.colour)), marks(card, inner)]
    title = line((f"{card.slot} ", "strong"), (look.sign, look.colour))
    note = _("simulated") if card.simulated and width >= 38 else ""
    return box(title, rows, width, height, look.colour if turn else "frame", note=note, double=turn)


def row_line(card: Card | Unused, width: int, now_ms: int) -> Line:
    """One slot as one line, for terminals too small for cards."""
    look = STATUSES.get(card.status, UNKNOWN)
    spans = [Span(f" {card.slot:>2} ", "strong"), Span(f"{look.sign} ", look.colour)]
    if isinstance(card, Unused) or card.status == "empty":
        return fit([*spans, Span(words(look.words), "empty")], width)
    spans += fit(line((card.model or _("unknown"), "strong")), min(18, width // 4))
    spans += [Span(f" …{card.serial_tail} ", "dim"), Span(words(look.words) + " ", look.colour)]
    spans += [Span(words(card.headline)), Span(f" {card.done}/{card.total} ", "dim"), *_last_line(card, now_ms, width)]
    return fit(spans, width)


class Wall(Widget):
    """All slots of the bench, a page at a time."""

    DEFAULT_CSS = "Wall { width: 1fr; height: 1fr; }"

    def __init__(self, feed: Feed, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._feed = feed
        self._layout = layout(0, 0, 0)
        self._laid_for = Size(0, 0)
        self.page = 0
        self._shown: list[Card | Unused] = []
        self._painted: list[list[Strip]] = []
        self._keys: list[tuple[object, ...]] = []
        self._due: set[int] = set()
        self._tick: Timer | None = None

    def on_mount(self) -> None:
        """The flush ticks only while something is due."""
        self._tick = self.set_interval(1 / TICKS_A_SECOND, self._flush, pause=True)

    # --- pages ---

    @property
    def pages(self) -> int:
        """How many pages the slots take."""
        return max(1, -(-self.slots // self._layout.page))

    @property
    def slots(self) -> int:
        """The highest slot number in use."""
        bench = self._feed.bench
        return max((card.slot for card in bench.cards), default=0) if bench else 0

    def turn(self, by: int) -> None:
        """Show another page."""
        self.page = (self.page + by) % self.pages
        self.follow(whole=True)

    def show_slot(self, slot: int) -> None:
        """Show the page that has this slot."""
        self.page = min(max(0, (slot - 1) // self._layout.page), self.pages - 1)

    # --- following ---

    def follow(self, whole: bool = False) -> None:
        """Take over what is new; `whole` paints everything at once (another page, language or size)."""
        if not self.size.width:
            return
        made = layout(self.size.width, self.app.size.height, self.slots)
        self.page = min(self.page, max(0, -(-self.slots // made.page) - 1))
        cards = self._page_cards(made)
        whole = whole or made != self._layout or self.size != self._laid_for or len(cards) != len(self._shown)
        keys = [self._key(card) for card in cards]
        self._layout, self._laid_for, self._shown = made, self.size, cards
        if whole:
            self._keys, self._due = keys, set()
            self._painted = [self._paint(card) for card in cards]
            self.refresh()
            return
        self._due |= {n for n, key in enumerate(keys) if key != self._keys[n]}
        self._keys = keys
        if self._due and self._tick is not None:
            self._tick.resume()

    def _page_cards(self, made: Layout) -> list[Card | Unused]:
        bench = self._feed.bench
        if bench is None:
            return []
        known = {card.slot: card for card in bench.cards}
        first = self.page * made.page + 1
        last = first + made.page if made.columns else min(first + made.page, self.slots + 1)
        return [known.get(slot) or Unused(slot) for slot in range(first, last)]

    def _key(self, card: Card | Unused) -> tuple[object, ...]:
        """What decides how a card looks; waiting cards change with each second."""
        waiting = card.status in {"your-turn", "blocked"}
        return card, language(), (self._feed.now_ms() - card.since_ms) // 1000 if waiting else 0

    def _paint(self, card: Card | Unused) -> list[Strip]:
        now = self._feed.now_ms()
        if not self._layout.columns:
            return [strip(row_line(card, self._layout.card_width, now), self._layout.card_width)]
        rows = card_lines(card, self._layout.card_width, self._layout.card_height, now)
        return [strip(row, self._layout.card_width) for row in rows]

    def _flush(self) -> None:
        """Paint some of what is due: neighbours first, since a frame is the box around what changed."""
        for n in sorted(self._due)[:CARDS_A_TICK]:
            self._due.discard(n)
            self._painted[n] = self._paint(self._shown[n])
            self.refresh(self._region(n))
        if not self._due and self._tick is not None:
            self._tick.pause()

    def _region(self, n: int) -> Region:
        made = self._layout
        if not made.columns:
            return Region(0, n, made.card_width, 1)
        row, column = divmod(n, made.columns)
        return Region(column * made.card_width, row * made.card_height, made.card_width, made.card_height)

    # --- painting ---

    def on_resize(self) -> None:
        """Another size is another layout."""
        self.follow(whole=True)

    def render_line(self, y: int) -> Strip:
        """One line of the wall, joined from the cards that cross it."""
        width, made = self.size.width, self._layout
        if not self._painted:
            return strip((), width)
        if not made.columns:
            return self._painted[y][0] if y < len(self._painted) else strip((), width)
        row, inside = divmod(y, made.card_height)
        crossing: Sequence[list[Strip]] = self._painted[row * made.columns : (row + 1) * made.columns]
        if not crossing:
            return strip((), width)
        return Strip.join(card[inside] for card in crossing).adjust_cell_length(width)
