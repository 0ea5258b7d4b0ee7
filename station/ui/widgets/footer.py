"""The one footer of every screen: the keys that work right now, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from station.i18n import _
from station.ui.keys import Act
from station.ui.paint import Line, Span, line, width_of

__all__ = ["footer"]


def footer(acts: Iterable[Act], width: int) -> Sequence[Line]:
    """The rule and the line of keys: with full labels where all fit, else with short ones, left out from the end."""
    known = list(acts)
    parts = [(act.shown, _(act.label)) for act in known]
    if sum(_size(*part) for part in parts) > width:
        parts = [(act.shown, _(act.short or act.label)) for act in known]
    spans: list[Span] = []
    used = 0
    for shown, label in parts:
        used += _size(shown, label)
        if used > width + 1:
            break
        spans += [Span(" "), Span(shown, "key"), Span(f" {label} ")]
    return [line(("─" * width, "frame")), spans]


def _size(shown: str, label: str) -> int:
    return 1 + width_of(shown) + 1 + width_of(label) + 1
