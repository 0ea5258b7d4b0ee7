"""The verdict of a run in letters that can be read from across the bench: half blocks, two pixels to a cell.

The letters are rasterised from Noto Sans CJK (SIL Open Font License 1.1). `outcome` says which word a run deserves; it
can only be worse than what the engine says, never better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from station.i18n import language
from station.ui.paint import Line, line

if TYPE_CHECKING:
    from station.messages import CheckRow, RunView

__all__ = ["big_word", "outcome"]

_WORDS = {
    "pass": ("PASS", "合格"),
    "warn": ("WARN", "预警"),
    "fail": ("FAIL", "不合格"),
    "none": ("NOT RUN", "未检"),
}


def outcome(run: RunView) -> str:
    """The verdict word of a whole run: one fail fails it; a required check without a verdict leaves it not run."""
    verdicts = [row.verdict for row in run.checks]
    if "fail" in verdicts:
        return "fail"
    required = [row for row in run.checks if row.required]
    if any(not _satisfied(row) for row in required):
        return "none"
    if "warn" in verdicts:
        return "warn"
    return "pass" if "pass" in verdicts else "none"


def _satisfied(row: CheckRow) -> bool:
    """Judged and not failed, or shown not to apply; a release looks at who said that it does not apply."""
    return row.state == "ended" and (row.verdict in {"pass", "warn", "info"} or row.ending == "not-applicable")


def big_word(verdict: str, look: str, width: int) -> list[Line]:
    """The word of a verdict in the language in use, centred in `width` cells."""
    word = _WORDS[verdict][language() == "zh"]
    gap = "  "
    rows = len(_GLYPHS[word[0]])
    out: list[Line] = []
    for n in range(rows):
        drawn = gap.join(_GLYPHS[letter][n] if letter in _GLYPHS else "   " for letter in word)
        out.append(line((" " * max(0, (width - len(drawn)) // 2) + drawn, look)))
    return out


_GLYPHS: dict[str, tuple[str, ...]] = {
    "合": (
        "        ▄▄      ",
        "      ▄█▀█▄▄    ",
        "   ▄██▀    ▀█▄▄ ",
        " █▀▀▀▀▀▀▀▀▀▀▀▀▀█",
        "    ▄▄▄▄▄▄▄▄▄   ",
        "   ██▀▀▀▀▀▀▀██  ",
        "   ██       ██  ",
        "   ███████████  ",
        "   ▀▀        ▀  ",
    ),
    "格": (
        "   ██    ▄█     ",
        "   ██   ▄█▀▀▀██ ",
        " ▀▀██▀██▀█▄ ▄█  ",
        "   ██▄    ███   ",
        "  ███▀█▄▄█▀ ▀█▄▄",
        " █▀██ ▀▀█▀▀▀▀██▀",
        " ▀ ██   █     █ ",
        "   ██   █▄▄▄▄▄█ ",
        "   ▀▀   ▀     ▀ ",
    ),
    "不": (
        "  ▄▄▄▄▄▄▄▄▄▄▄▄▄ ",
        " ▀▀▀▀▀▀▀██▀▀▀▀▀▀",
        "       ▄█▀      ",
        "     ▄█▀█ █▄▄   ",
        "   ▄█▀  █   ▀█▄ ",
        " █▀▀    █     ▀▀",
        "        █       ",
        "        █       ",
        "        ▀       ",
    ),
    "未": (
        "        █       ",
        "  ▄▄▄▄▄▄█▄▄▄▄▄▄ ",
        "   ▀▀▀▀▀█▀▀▀▀▀▀ ",
        "       ▄█▄      ",
        " ▀▀▀▀▀▀███▀▀▀▀▀▀",
        "     ▄█▀█▀█▄    ",
        "  ▄▄█▀  █  ▀█▄▄ ",
        " █▀▀    █    ▀▀█",
        "        ▀       ",
    ),
    "检": (
        "   █      █▄    ",
        "   █▄   ▄█▀▀▄   ",
        " ▀▀█▀▀▄██    ██▄",
        "  ███▀▀ ▀▀▀▀▀▀ ▀",
        " ▄██▀█ ▄  █   █ ",
        " █ █   █▄ ██ █▀ ",
        "   █    ▀  ▀▄▀  ",
        "   █  ▄▄▄▄▄██▄▄▄",
        "   ▀            ",
    ),
    "预": (
        " ▄▄▄▄▄▄ ▄▄▄▄▄▄▄▄",
        "     █▀    ██   ",
        "  ▀██   ██▀▀▀▀██",
        " ▄▄▄██▄▄██ ▄▄ ██",
        "   ██ █▀██ ██ ██",
        "   ██ ▀ ██ ██ ██",
        "   ██     ▄█ ▄  ",
        "  ▄██  ▄▄█▀  ▀█▄",
        "  ▀▀           ▀",
    ),
    "警": (
        " ▄▄█▄▄█▄▄ ▄█    ",
        "  ▄█▄▄█▄ ▄█▀▀██▀",
        " ██▀▀█ █   ███  ",
        "  █▀▀█▄█▄▄▀▀▀▀█▄",
        "  █████████████ ",
        "   ▀▀▀▀▀▀▀▀▀▀▀  ",
        "   ███████████  ",
        "   ██▄▄▄▄▄▄▄██  ",
        "   ▀▀       ▀▀  ",
    ),
    "P": (
        "▄█████▄▄▄ ",
        "███▀▀▀▀██▄",
        "███    ███",
        "████████▀ ",
        "███▀▀▀    ",
        "███       ",
        "▀▀▀       ",
    ),
    "A": (
        "    ▄███▄   ",
        "    ██▀██   ",
        "   ▄██ ██▄  ",
        "   ██   ██  ",
        "  █████████ ",
        " ▄██     ██▄",
        " ▀▀▀     ▀▀▀",
    ),
    "S": (
        "  ▄▄████▄ ",
        " ▄██▀▀▀▀▀ ",
        " ▀███▄▄   ",
        "   ▀█████▄",
        "      ▀███",
        " ███▄▄███▀",
        "  ▀▀▀▀▀▀  ",
    ),
    "F": (
        "▄███████",
        "███▀▀▀▀▀",
        "███     ",
        "████████",
        "███     ",
        "███     ",
        "▀▀▀     ",
    ),
    "I": (
        "▄██",
        "███",
        "███",
        "███",
        "███",
        "███",
        "▀▀▀",
    ),
    "L": (
        "▄██     ",
        "███     ",
        "███     ",
        "███     ",
        "███     ",
        "████▄▄▄▄",
        "▀▀▀▀▀▀▀▀",
    ),
    "W": (
        "▄██   ▄██    ██",
        " ██▄  ████  ███",
        " ███  ████  ███",
        " ▀██ ██ ███ ██ ",
        "  ██▄██  ██▄██ ",
        "  ████▀  ████▀ ",
        "   ▀▀▀    ▀▀▀  ",
    ),
    "R": (
        "▄█████▄▄▄ ",
        "███▀▀▀▀██▄",
        "███    ███",
        "████████▀ ",
        "███▀▀███  ",
        "███   ▀██▄",
        "▀▀▀    ▀▀▀",
    ),
    "N": (
        "▄██▄    ██",
        "████▄   ██",
        "███▀██  ██",
        "███ ▀██ ██",
        "███  ▀████",
        "███   ▀███",
        "▀▀▀    ▀▀▀",
    ),
    "O": (
        "   ▄▄████▄  ",
        "  ███▀▀▀███▄",
        " ███     ███",
        " ███     ███",
        " ███     ███",
        "  ▀███▄▄███ ",
        "    ▀▀▀▀▀   ",
    ),
    "T": (
        "▄█████████",
        " ▀▀▀███▀▀▀",
        "    ███   ",
        "    ███   ",
        "    ███   ",
        "    ███   ",
        "    ▀▀▀   ",
    ),
    "U": (
        "▄██     ██",
        "███     ██",
        "███     ██",
        "███     ██",
        " ██▄   ▄██",
        " ▀██▄▄▄██▀",
        "   ▀▀▀▀▀  ",
    ),
}
