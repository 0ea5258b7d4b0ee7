"""How full the phone's storage is: `df` and `dumpsys diskstats`.

The parsers keep kilobytes as printed; the probe gives the share and the size that is free on /data.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from decimal import Decimal

from drivers.api import Command, Shell
from drivers.text import Words
from probes.answers import Heard, hear, hear_second, reading
from probes.api import Bench, Measurement, Parsed, Problem, Reading, Unread, parser, probe
from probes.captured import cut_line, flag, integer, note, raw_lines, stripped_lines

__all__ = ["READ_DF", "READ_DISKSTATS", "df", "diskstats", "storage_space"]

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
            in_blocks = len(words) > 1 and words[1].lower().startswith(("1k-", "1024-"))
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
    cut = cut_line(data)
    for line in stripped_lines(data):
        if found := _LATENCY.match(line):
            parsed.facts.setdefault("latency_ms", int(found[1]))
        elif (found := _SPEED.match(line)) and line != cut:
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


READ_DISKSTATS = Command("diskstats", "dumpsys diskstats", timeout_s=15.0, limit=256 * 1024)
_MIB = 1024 * 1024
_EMPTY = Words("the phone says that /data has no blocks", "手机报告 /data 分区大小为 0")


def _space(disk: Heard, free: str, total: str) -> tuple[Decimal, Decimal] | None:
    """Free and total KiB of /data by that source, if it gives both."""
    parts = disk.get(free), disk.get(total)
    if parts[0] is None or not parts[1] or not 0 <= parts[0] <= parts[1]:
        return None
    return Decimal(parts[0]), Decimal(parts[1])


@probe(
    "android.storage-space",
    needs=Shell,
    reads=(READ_DF, READ_DISKSTATS),
    measures={
        "data_free_share": "%",
        "data_free": "GiBy",
        "data_total": "GiBy",
        "diskstats_free_share": "%",
        "write_latency": "ms",
    },
)
async def storage_space(bench: Bench) -> AsyncIterator[Reading]:
    """How much of the /data partition is free, by df, else by diskstats; both are shown."""
    disk = hear(bench, READ_DF, df)
    stats = hear_second(bench, READ_DISKSTATS, diskstats)
    by_df, by_stats = _space(disk, "data_avail_1K", "data_blocks_1K"), _space(stats, "data_free_K", "data_total_K")
    space, source = (by_df, disk.source) if by_df else (by_stats, stats.source)
    if space is None:
        why = _EMPTY if disk.get("data_blocks_1K") == 0 else disk.reason("data_blocks_1K")
        for name in ("data_free_share", "data_free", "data_total"):
            yield Unread(name, why, disk.source)
    else:
        free, total = space
        yield Measurement("data_free_share", (100 * free / total).quantize(Decimal("0.1")), f"{source}: /data")
        yield Measurement("data_free", (free / _MIB).quantize(Decimal("0.01")), f"{source}: /data")
        yield Measurement("data_total", (total / _MIB).quantize(Decimal("0.01")), f"{source}: /data")
    if by_stats:
        share = (100 * by_stats[0] / by_stats[1]).quantize(Decimal("0.1"))
        yield Measurement("diskstats_free_share", share, f"{stats.source}: Data-Free")
    yield reading("write_latency", stats, "latency_ms", words="Latency")
