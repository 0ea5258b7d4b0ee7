"""A touch controller's own test, as a bug report holds it: firmware, grid of electrodes, raw values, dead lines.

Pure parser of Synaptics' TouchComm dump (`dump_syna`, in the bug reports of Pixel phones): a row or column of
electrodes whose raw values are all zero, or all far from the rest, is an open or shorted line. Only a bug report
holds it; the shell may not start the test.
"""

from __future__ import annotations

import re
from statistics import median
from typing import Any

from probes.api import Parsed, parser
from probes.captured import note, stripped_lines

__all__ = ["dead_lines", "touch_selftest"]

_FIELDS = {
    "Driver version:": "driver",
    "Core lib version:": "core_lib",
    "TouchComm version:": "touchcomm",
    "Firmware mode:": "firmware_mode",
    "Part number:": "part_number",
    "Packrat number:": "packrat",
    "Num of objects:": "objects",
}
_NUMBERS = frozenset({"touchcomm", "packrat", "objects"})
_PAIR = re.compile(r"([0-9]{1,6}), ([0-9]{1,6})", re.ASCII)
_ROW = re.compile(r"-?[0-9]{1,7}(?: -?[0-9]{1,7})+", re.ASCII)
_SECTION = re.compile(r"Get Raw Data - (\w{1,20})", re.ASCII)
_MOST = 512
#: A line of electrodes whose typical raw value is under half or over twice the panel's is not connected as its
#: neighbours are. Electrodes of one panel differ by a few per cent; no standard names a bound.
_FAR = 2


def dead_lines(grid: list[list[int]]) -> list[str]:
    """Rows (`row 3`) and columns (`column 17`), counted from 0, whose typical raw value is far from the panel's."""
    typical = median([value for row in grid for value in row])
    lines = [(f"row {at}", row) for at, row in enumerate(grid)]
    lines += [(f"column {at}", list(column)) for at, column in enumerate(zip(*grid, strict=True))]
    return [name for name, line in lines if _far(median(line), typical)]


def _far(value: float, typical: float) -> bool:
    return typical > 0 and not typical / _FAR <= value <= typical * _FAR


@parser("touch_selftest")
def touch_selftest(data: bytes) -> Parsed:
    """Firmware facts, the electrode grid's size, and `dead_lines` where raw values of the whole grid were printed."""
    parsed = Parsed()
    facts: dict[str, Any] = parsed.facts
    section, mutual = "", False
    grids: dict[str, list[list[int]]] = {}
    for line in stripped_lines(data):
        if found := _SECTION.match(line):
            section, mutual = found[1].lower(), False
        elif line in ("Mutual", "Self"):
            mutual = line == "Mutual"
        elif section and mutual and _ROW.fullmatch(line[: 8 * _MOST]):
            rows = grids.setdefault(section, [])
            if len(rows) < _MOST:
                rows.append([int(word) for word in line.split()])
        else:
            _field(parsed, line)
    cols, rows_said = facts.get("cols"), facts.get("rows")
    for name, rows in grids.items():
        facts[f"{name}_mutual_rows"] = len(rows)
    raw = grids.get("raw", [])
    if raw and len(raw) == rows_said and all(len(row) == cols for row in raw):
        facts["dead_lines"] = dead_lines(raw)
    elif raw:
        note(parsed, "dead_lines", f"{len(raw)} rows", f"{rows_said} rows of {cols} values")
    return parsed


def _field(parsed: Parsed, line: str) -> None:
    for label, name in _FIELDS.items():
        if line.startswith(label) and name not in parsed.facts:
            value = " ".join(line[len(label) :].replace("\0", " ").split())[:120].replace(", ", " ")
            parsed.facts[name] = int(value) if name in _NUMBERS and value.isascii() and value.isdigit() else value
            return
    for label, first, second in (
        ("Max X & Y:", "max_x", "max_y"),
        ("Num of cols & rows:", "cols", "rows"),
    ):
        if line.startswith(label) and (pair := _PAIR.match(line[len(label) :].strip())):
            parsed.facts.setdefault(first, int(pair[1]))
            parsed.facts.setdefault(second, int(pair[2]))
