"""What of a last line counts when the capture ends inside it.

A value at the very end may be half a value: half a number is another number, and a word may go on. It is left out
unless it is known to be whole. Stands on `probes.captured`; knows no phone and no command.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from probes.captured import cut_line

__all__ = ["without_cut_value", "without_cut_word"]

#: What a value and a word begin behind.
_BEFORE_VALUE = re.compile(r"[=:]")
_BEFORE_WORD = re.compile(r"[\s,;:=|(){}\[\]]")


def _never(_: str) -> bool:
    return False


def _cut_here(lines: list[str], data: bytes) -> bool:
    cut = cut_line(data)
    return bool(cut and lines and lines[-1].strip() == cut)


def _behind_last(text: str, before: re.Pattern[str]) -> int:
    """Where it begins that stands behind the last such character; 0 where there is none."""
    return max((found.end() for found in before.finditer(text)), default=0)


def _without(lines: list[str], at: int, whole: Callable[[str], bool]) -> list[str]:
    last = lines[-1]
    return lines if whole(last[at:].strip()) else [*lines[:-1], last[:at].rstrip()]


def without_cut_value(lines: list[str], data: bytes, whole: Callable[[str], bool] = _never) -> list[str]:
    """`lines` of `data`, the last without what follows its last `=` or `:`, if it has no end.

    Args:
        whole: whether a value cannot be the beginning of a longer one.
    """
    at = _behind_last(lines[-1], _BEFORE_VALUE) if _cut_here(lines, data) else 0
    return _without(lines, at, whole) if at else lines


def without_cut_word(lines: list[str], data: bytes, whole: Callable[[str], bool] = _never) -> list[str]:
    """`lines` of `data`, the last without its last word, if it has no end; `whole` as above."""
    if not _cut_here(lines, data) or (at := _behind_last(lines[-1], _BEFORE_WORD)) == len(lines[-1]):
        return lines
    return _without(lines, at, whole)
