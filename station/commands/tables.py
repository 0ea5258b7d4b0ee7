"""Rows as aligned columns on a terminal, Chinese included; a bare number stays exact enough to read and no more."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterable, Sequence

from station.i18n import padded

__all__ = ["aligned", "day", "figure"]

#: Significant digits of a figure that was calculated: nobody measures better at a bench.
DIGITS = 4


def aligned(rows: Iterable[Sequence[str]]) -> str:
    """The rows with each column as wide as its widest cell."""
    every = [list(row) for row in rows]
    widths = [max(map(_cells, column)) for column in zip(*every, strict=True)] if every else []
    lines = ("  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True)) for row in every)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def figure(number: float | None, after: str = "") -> str:
    """A calculated number for people; a dash where there is none."""
    return "–" if number is None else f"{number:.{DIGITS}g}{after}"


def day(at_ms: int) -> str:
    """The local day of a moment."""
    return time.strftime("%Y-%m-%d", time.localtime(at_ms / 1000))


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
