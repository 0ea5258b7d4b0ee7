"""How full the phone's storage is: `df` and `dumpsys diskstats`.

The parsers keep kilobytes as printed; the probe gives the share and the size that is free on /data.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from drivers.api import Command, Shell
from drivers.text import Words
from probes.answers import Heard, as_value, hear, hear_second, reading
from probes.api import Bench, Measurement, Parsed, Problem, Reading, Unread, parser, probe
from probes.captured import cut_line, flag, integer, note, raw_lines, stripped_lines
from probes.units import LIST

__all__ = ["READ_DF", "READ_DISKSTATS", "df", "diskstats", "partitions", "storage_space"]

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


#: What is no storage: memory shown as files, images inside files, /data seen once more.
_NO_STORAGE = ("tmpfs", "/dev/block/loop", "/data/media", "/dev/fuse", "overlay")
#: Mount points of the table of Android 4 and 5, which names no device, and places of cards in all of them.
_OLD_MOUNTS = ("/system", "/data", "/cache", "/persist", "/vendor")
_CARD = re.compile(r"/(?:storage|mnt/media_rw)/[0-9A-F]{4}-[0-9A-F]{4}", re.ASCII)
_OLD_SIZE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,2})?)([KMG])", re.ASCII)
_KIB = {"K": 1, "M": 1024, "G": 1024 * 1024}
_MOST_PARTITIONS = 40


@parser("partitions")
def partitions(data: bytes) -> Parsed:
    """`df`: every partition and memory card with its size and free space in KiB, in the two forms of Android's `df`."""
    parsed = Parsed()
    found: dict[str, dict[str, object]] = {}
    row_of, cut = _no_row, cut_line(data)
    for line in raw_lines(data):
        words = line.split()
        if words[:1] == ["Filesystem"]:
            blocks = len(words) > 1 and words[1].lower().startswith(("1k-", "1024-"))
            row_of = _blocks_row if blocks else _old_row if words[-1:] == ["Blksize"] else _no_row
        elif line.strip() != cut and (row := row_of(words)) is not None and len(found) < _MOST_PARTITIONS:
            mount, total, free = row
            found.setdefault(mount, {"mount": mount, "total_K": total, "free_K": free})
    if found:
        parsed.facts["partitions"] = list(found.values())
    return parsed


_Row = tuple[str, int, int]


def _no_row(words: Sequence[str]) -> _Row | None:
    """Nothing: the unit of the sizes is not known."""
    return None


def _blocks_row(words: Sequence[str]) -> _Row | None:
    """Device, three sizes in KiB, per cent, mount point: of a partition or a card, each once."""
    if len(words) != 6 or not _is_storage(words[0], words[5]):
        return None
    return _row(words[5], integer(words[1]), integer(words[3]))


def _old_row(words: Sequence[str]) -> _Row | None:
    """Mount point, three sizes with their unit, block size (toolbox, up to Android 5)."""
    if len(words) != 5 or not (words[0] in _OLD_MOUNTS or _CARD.fullmatch(words[0])):
        return None
    return _row(words[0], _old_size(words[1]), _old_size(words[3]))


def _row(mount: str, total: int | None, free: int | None) -> _Row | None:
    return (mount, total, free) if total and free is not None and 0 <= free <= total else None


def _is_storage(device: str, mount: str) -> bool:
    """Whether a row of the form with 1K blocks is a partition or a card, each once."""
    if device.startswith(_NO_STORAGE) or mount.startswith(("/apex/", "/bootstrap-apex")):
        return False
    return bool(device.startswith(("/dev/", "rootfs")) or _CARD.fullmatch(mount))


def _old_size(text: str) -> int | None:
    """`503M`, `5.7G`: KiB."""
    found = _OLD_SIZE.fullmatch(text)
    return int(Decimal(found[1]) * _KIB[found[2]]) if found else None


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
        "partitions": LIST,
    },
    names={"partitions": Words("partitions and cards", "分区与存储卡")},
)
async def storage_space(bench: Bench) -> AsyncIterator[Reading]:
    """How much of /data is free, by df, else by diskstats; both are shown, and every partition and card."""
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
    rows = hear_second(bench, READ_DF, partitions)
    if rows.get("partitions"):
        yield Measurement("partitions", as_value([_in_words(row) for row in rows.get("partitions")]), rows.source)
    else:
        yield Unread("partitions", rows.reason("partitions"), rows.source)


def _in_words(row: Mapping[str, Any]) -> str:
    """`/data: 76.1 of 107.2 GiB free`."""
    free, total = (f"{Decimal(row[name]) / _MIB:.1f}" for name in ("free_K", "total_K"))
    return f"{row['mount']}: {free} of {total} GiB free"
