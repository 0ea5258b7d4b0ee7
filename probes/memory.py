"""The phone's working memory as the kernel counts it: /proc/meminfo. Pure parser; kilobytes as printed."""

from __future__ import annotations

import re

from drivers.api import Command
from probes.api import Parsed, parser
from probes.captured import cut_line, note, stripped_lines

__all__ = ["READ", "meminfo"]

READ = Command("meminfo", "cat /proc/meminfo", timeout_s=5.0, limit=64 * 1024)

_NAMES = ("MemTotal", "MemFree", "MemAvailable", "SwapTotal", "SwapFree")
#: The kernel always prints the unit: a number without it at the very end of the text may lack digits.
_SIZE = re.compile(r"([0-9]{1,18})(\s{0,4}kB)?", re.ASCII | re.IGNORECASE)


@parser("meminfo")
def meminfo(data: bytes) -> Parsed:
    """Total, free and available memory and swap."""
    parsed = Parsed()
    for line in stripped_lines(data):
        name, colon, value = line.partition(":")
        if not colon or name not in _NAMES or f"{name}_kB" in parsed.facts:
            continue
        size = _SIZE.fullmatch(value.strip())
        if size and not (size[2] is None and cut_line(data) == line):
            parsed.facts[f"{name}_kB"] = int(size[1])
        else:
            note(parsed, f"{name}_kB", value.strip(), "a number of kB")
    return parsed
