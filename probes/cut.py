"""What of a last line counts when the capture ends inside it.

A value at the very end may be half a value: half a number is another number, and a word may go on. It is left out
unless it is known to be whole. Stands on `probes.captured`; knows no phone and no command.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from probes.captured import cut_line

__all__ = ["without_cut_value", "without_cut_word"]

_VALUE = re.compile(r"(?<=[=:])[^=:]{0,65536}$")
_WORD = re.compile(r"[^\s,;:=|(){}\[\]]{1,65536}$")


def _never(_: str) -> bool:
    return False


def _without(lines: list[str], data: bytes, end: re.Pattern[str], whole: Callable[[str], bool]) -> list[str]:
    cut = cut_line(data)
    if not cut or not lines or lines[-1].strip() != cut:
        return lines
    found = end.search(lines[-1])
    if found is None or whole(found[0].strip()):
        return lines
    return [*lines[:-1], lines[-1][: found.start()].rstrip()]


def without_cut_value(lines: list[str], data: bytes, whole: Callable[[str], bool] = _never) -> list[str]:
    """`lines` of `data`, the last without what follows its last `=` or `:`, if it has no end.

    Args:
        whole: whether a value cannot be the beginning of a longer one.
    """
    return _without(lines, data, _VALUE, whole)


def without_cut_word(lines: list[str], data: bytes, whole: Callable[[str], bool] = _never) -> list[str]:
    """`lines` of `data`, the last without its last word, if it has no end; `whole` as above."""
    return _without(lines, data, _WORD, whole)
