"""How full the phone's storage is: `df` and `dumpsys diskstats`.

The parsers keep kilobytes as printed; the probe gives the share and the size that is free on /data.
"""

from __future__ import annotations

import re

from drivers.api import Command
from probes.api import Parsed, Problem, parser
from probes.captured import flag, integer, note, raw_lines, stripped_lines

__all__ = ["READ_DF", "df", "diskstats"]

READ_DF = Command("df", "df", timeout_s=10.0, limit=64 * 1024)

_PERCENT = re.compile(r"([0-9]{1,3})%", re.ASCII)


@parser("df")
def df(data: bytes) -> Parsed:
    """The row of /data in the form with 1K blocks; other forms of `df` give no facts, because their unit is unsure."""
    parsed = Parsed()
    in_blocks = False
    device = ""
    for line in raw_lines(data):
        words = line.split()
        if words[:1] == ["Filesystem"]:
            in_blocks = len(words) > 1 and words[1] in ("1K-blocks", "1024-blocks")
            if not in_blocks:
                parsed.problems.append(Problem("df", f"sizes are not in 1K blocks: {line[:80]!r}"))
            continue
        # BusyBox breaks the line after a long device name (coreutils/df.c).
        row = [device, *words] if device and line[:1].isspace() and len(words) == 5 else words
        device = words[0] if len(words) == 1 else ""
        if in_blocks and len(row) == 6 and row[5] == "/data":
            _data_row(row, parsed)
            break
    return parsed


def _data_row(row: list[str], parsed: Parsed) -> None:
    numbers = [integer(word) for word in row[1:4]]
    percent = _PERCENT.fullmatch(row[4])
    if None in numbers or not percent:
        note(parsed, "/data", " ".join(row), "device, three sizes in 1K blocks, per cent, /data")
        return
    names = ("data_blocks_1K", "data_used_1K", "data_avail_1K")
    parsed.facts.update(zip(names, numbers, strict=True), data_device=row[0], data_use_pct=int(percent[1]))


_LATENCY = re.compile(r"Latency: ([0-9]{1,18})ms\b", re.ASCII)
_SPEED = re.compile(r"Recent Disk Write Speed \(kB/s\) = ([0-9]{1,18})", re.ASCII)
_FREE = re.compile(
    r"(Data|Cache|System)-Free: (-?[0-9]{1,18})K / (-?[0-9]{1,18})K total = (-?[0-9]{1,4})% free", re.ASCII
)


@parser("diskstats")
def diskstats(data: bytes) -> Parsed:
    """`dumpsys diskstats`: write latency, free and total sizes of the partitions."""
    parsed = Parsed()
    for line in stripped_lines(data):
        if found := _LATENCY.match(line):
            parsed.facts.setdefault("latency_ms", int(found[1]))
        elif found := _SPEED.match(line):
            parsed.facts.setdefault("recent_write_kBps", int(found[1]))
        elif found := _FREE.match(line):
            part = found[1].lower()
            for name, text in zip(("free_K", "total_K", "free_pct"), found.groups()[1:], strict=True):
                parsed.facts.setdefault(f"{part}_{name}", int(text))
        elif line.startswith("File-based Encryption:"):
            if (value := flag(line.partition(":")[2])) is not None:
                parsed.facts.setdefault("file_based_encryption", value)
        elif line.startswith(("Test-Error:", "Error")):
            parsed.problems.append(Problem("diskstats", line[:120]))
    return parsed
