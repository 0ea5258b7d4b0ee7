"""From lines of text to what the terminal gets: the only door by which any text reaches a screen.

A screen describes itself as `Line`s of `Span`s: a text and the name of a look. `fit`, `box` and `beside` lay lines out
by terminal cells (a Chinese character is two); `strip` paints one. Every one of them passes text through `safe_text`
first, so a name with escape sequences or markup in it is only ever characters. Knows nothing of phones or tickets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.filter import LineFilter
from textual.strip import Strip

from drivers.text import safe_text
from station.ui.signs import ASCII, BACKGROUND, COLOURS

if TYPE_CHECKING:
    from textual.color import Color

__all__ = [
    "Guard",
    "Line",
    "OldConsole",
    "Span",
    "bar",
    "beside",
    "box",
    "cells",
    "columns",
    "fit",
    "line",
    "plain",
    "strip",
    "style",
    "width_of",
    "wrap",
]


#: Marks that no line may start with, and marks that none may end with.
_CLOSING = "，。；：、！？）”’》」…,.;:!?)]}%"
_OPENING = "（“‘《「([{"


class Span(NamedTuple):
    """A piece of a line: any text, and the name of a look in `signs.COLOURS`."""

    text: str
    look: str = "text"


Line = Sequence[Span]


@lru_cache(256)
def style(look: str) -> Style:
    """The terminal style of a look."""
    colour, background, attributes = COLOURS[look]
    return Style.parse(f"{attributes} {colour} on {background or BACKGROUND}")


@lru_cache(8192)
def _inert(text: str) -> str:
    return text if text.isascii() and text.isprintable() else safe_text(text, limit=1000)


def plain(text: str) -> Content:
    """`text` as content that a Textual widget shows literally: no markup, no control characters."""
    return Content(_inert(text[:4000]))


def width_of(text: str) -> int:
    """How many cells the text takes once it is inert."""
    return cell_len(_inert(text[:4000]))


def _cut(text: str, width: int) -> str:
    """An inert text in at most `width` cells, with an ellipsis where something was cut off."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    return set_cell_size(text, width - 1).rstrip() + "…"


def cells(text: str, width: int, align: Literal["left", "right", "centre"] = "left") -> str:
    """`text` made inert and exactly `width` cells wide."""
    shown = _cut(_inert(text[:4000]), width)
    free = width - cell_len(shown)
    if align == "right":
        return " " * free + shown
    if align == "centre":
        return " " * (free // 2) + shown + " " * (free - free // 2)
    return shown + " " * free


def line(*spans: Span | str | tuple[str, str]) -> Line:
    """A line of spans; a bare string has the look `text`."""
    return tuple(Span(part) if isinstance(part, str) else Span(*part) for part in spans)


def fit(spans: Line, width: int) -> list[Span]:
    """The line made inert and exactly `width` cells wide; what is too long ends in an ellipsis."""
    out: list[Span] = []
    used = 0
    for text, look in spans:
        shown = _inert(text[:4000])
        size = cell_len(shown)
        if used + size > width:
            shown = _cut(shown, width - used)
            size = cell_len(shown)
        if shown:
            out.append(Span(shown, look))
            used += size
        if used >= width:
            break
    if used < width:
        out.append(Span(" " * (width - used)))
    return out


def columns(parts: Iterable[tuple[Line | str, int]]) -> Line:
    """Parts side by side, each in its own number of cells."""
    out: list[Span] = []
    for part, width in parts:
        out += fit(line(part) if isinstance(part, str) else part, width)
    return out


def wrap(text: str, width: int, look: str = "text", most: int = 6) -> list[Line]:
    """The text broken into at most `most` lines of `width` (2 or more) cells, at spaces if there are any."""
    rest = _inert(text[:4000])
    lines: list[Line] = []
    while rest and len(lines) < most:
        if cell_len(rest) <= width:
            lines.append(line((rest, look)))
            return lines
        if len(lines) == most - 1:
            lines.append(line((_cut(rest, width), look)))
            return lines
        head = set_cell_size(rest, width).rstrip(" ") or rest[:1]
        if not rest.startswith(head):
            head = head[:-1]
        head = head[: _line_end(head, rest[len(head) : len(head) + 1])].rstrip(" ") or head
        lines.append(line((head, look)))
        rest = rest[len(head) :].lstrip(" ")
    return lines


def _line_end(head: str, following: str) -> int:
    """How much of a full line stays on it, so that neither a Latin word is torn nor a mark left without its text."""
    end = len(head)
    while end > 1 and not _may_part(head[end - 1], following):
        end, following = end - 1, head[end - 1]
    return end if end > 1 else len(head)


def _may_part(last: str, following: str) -> bool:
    if not following or last == " " or following == " ":
        return True
    return not (last.isascii() and following.isascii()) and following not in _CLOSING and last not in _OPENING


def box(
    title: Line | str,
    inside: Sequence[Line],
    width: int,
    height: int = 0,
    look: str = "frame",
    note: str = "",
    double: bool = False,
) -> list[Line]:
    """A frame `width` cells wide around lines, with a title and a note on its upper edge.

    `height` 0 means as high as the lines need; otherwise lines are cut or blank ones added.
    """
    across, down, corners = ("═", "║", "╔╗╚╝") if double else ("─", "│", "┌┐└┘")
    head = list(line((title, "strong")) if isinstance(title, str) else title)
    note = _cut(_inert(note), width // 2 - 2)
    room = width - 6 - (cell_len(note) + 2 if note else 0)
    size = min(sum(width_of(text) for text, _look in head), max(room, 0))
    top = [Span(corners[0] + across + " ", look), *fit(head, size), Span(" ", look)]
    tail = f" {note} {across}{corners[1]}" if note else across + corners[1]
    top += [Span(across * (width - 4 - size - cell_len(tail)), look), Span(tail, look)]
    body = list(inside)
    if height:
        body = body[: height - 2] + [()] * max(0, height - 2 - len(body))
    lines: list[Line] = [top]
    lines += [[Span(down + " ", look), *fit(row, width - 4), Span(" " + down, look)] for row in body]
    lines.append([Span(corners[2] + across * (width - 2) + corners[3], look)])
    return lines


def beside(left: Sequence[Line], right: Sequence[Line], width: int, gap: int = 1) -> list[Line]:
    """Two blocks side by side; the left one is `width` cells wide."""
    rows = max(len(left), len(right))
    out: list[Line] = []
    for n in range(rows):
        first = fit(left[n], width) if n < len(left) else [Span(" " * width)]
        out.append([*first, Span(" " * gap), *(right[n] if n < len(right) else ())])
    return out


def bar(done: int, total: int, width: int, look: str) -> Line:
    """A progress bar of `width` cells."""
    full = width * min(max(done, 0), total) // total if total > 0 else 0
    return line(("█" * full, look), ("░" * (width - full), "frame"))


def strip(spans: Line, width: int) -> Strip:
    """One line painted, exactly `width` cells wide."""
    return Strip([Segment(text, style(look)) for text, look in fit(spans, width)], width)


def _left_over(char: str) -> str:
    """What stands for a character that must not reach a terminal, as wide as the layout thought it was."""
    return "?" * cell_len(char)


_FORBIDDEN = {
    code: _left_over(chr(code))
    for code in (
        *range(0x20),
        *range(0x7F, 0xA0),
        0x061C,
        *range(0x200B, 0x2010),
        *range(0x2028, 0x202F),
        *range(0x2060, 0x2070),
        0xFEFF,
    )
}


class _Translated(LineFilter):
    """A filter that changes characters and keeps widths."""

    table: dict[int, str]

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments with every character of the table replaced."""
        out: list[Segment] = []
        for segment in segments:
            text, look, control = segment
            out.append(
                segment if control or (text.isascii() and text.isprintable()) else Segment(self.swap(text), look)
            )
        return out

    def swap(self, text: str) -> str:
        """The text with the table applied."""
        return text.translate(self.table)


class Guard(_Translated):
    """The last wall: whatever a widget lets through, no control character and no bidi override leaves the screen."""

    table = _FORBIDDEN


class OldConsole(_Translated):
    """Signs and frames in ASCII, for consoles without them."""

    table = ASCII
