"""Whether the phone's memory is as large as sold, and holds patterns that are written to it.

The kernel's count is rounded up to a size that is sold and compared with what the phone's maker states. For the
patterns the phone's own shell fills one buffer in memory at a time and makes a hash of what it reads back; the bench
knows what the hash must be. Nothing is written to storage. It reaches a part of the memory only, and says how much.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

from drivers.api import CommandResult, Shell
from drivers.text import Words
from probes import getprop, memory
from probes.answers import Heard, hear_apart, reading, why_nothing
from probes.apart import apart
from probes.api import Bench, Measurement, Reading, Unread, probe
from probes.units import FLAG

__all__ = ["PATTERNS", "memory_size_and_patterns", "pattern_hash", "pattern_script", "sold_size"]

_MIB = 1024 * 1024
#: Sizes that phones are sold with, in GiB: LPDDR packages of JEDEC JESD209 and their sums.
SOLD_GIB = (
    Decimal("0.5"), Decimal("0.75"), Decimal(1), Decimal("1.5"), Decimal(2), Decimal(3), Decimal(4), Decimal(6),
    Decimal(8), Decimal(10), Decimal(12), Decimal(16), Decimal(18), Decimal(20), Decimal(24), Decimal(32),
)  # fmt: skip
#: Properties in which makers state the size: Google and others with their boot programs.
_STATED = ("ro.boot.hardware.ddr", "ro.boot.ddr_size", "ro.vendor.ddr.size", "ro.boot.ram", "ro.ramsize")
_SIZE = re.compile(r"\b([0-9]{1,2}(?:\.[0-9])?) ?(GB|G|GiB)\b", re.ASCII | re.IGNORECASE)
#: All low, all high, and each bit beside its opposite, both ways: the classic patterns for stuck and coupled cells.
PATTERNS = (0x00, 0xFF, 0x55, 0xAA)
#: No more than this share of what is free is filled: Android ends apps when memory is short.
_SHARE = 8
_LEAST_MIB = 8
_COUNT = re.compile(r"^([0-9]{1,12}) bytes\b", re.ASCII | re.MULTILINE)
#: dd and sha256sum end at the same time: the hash may stand in the middle of what dd prints of itself.
_HASH = re.compile(r"[0-9a-f]{64}(?=[ \t]{1,4}-|[ \t]{0,4}$)", re.ASCII | re.MULTILINE)

_NO_STATED = Words("the phone's maker does not state the size in a property", "厂商未在系统属性中标明内存容量")
_NO_TOOL = Words(
    "this phone's shell has no tools that can fill memory with a pattern ({why})",
    "此手机的命令行没有可用数据图样填充内存的工具（{why}）",
)
_OTHER_BYTES = Words("tr or dd makes other bytes than asked", "tr 或 dd 输出的字节与要求不符")
_CUT_SHORT = Words(
    "the phone ended the test before the memory was full; close its apps and run this again",
    "手机在内存填满前终止了测试；请关闭应用后重测",
)
_SHORT = Words(
    "only {free} MiB of memory are free; close apps and run this again", "可用内存仅 {free} MiB；请关闭应用后重测"
)


def sold_size(total_kb: int) -> Decimal | None:
    """The smallest size sold, in GiB, that holds the kernel's total; None for sizes beyond the list.

    The kernel never has all: boot programs, modem and secure world keep 3 to 15 % on real phones.
    """
    total = Decimal(total_kb) / _MIB
    return next((size for size in SOLD_GIB if total <= size), None)


def pattern_script(pattern: int, size_mib: int) -> str:
    """A line for the phone's shell that fills a buffer with `pattern`; prints dd's count and the hash of what it holds.

    First in one MiB: what goes wrong already there is the tools' way, not the memory.
    """
    return "; ".join(
        f"dd if=/dev/zero bs={_MIB} count={size} 2>/dev/null | tr '\\000' '\\{pattern:03o}' |"
        f" {{ dd bs={size * _MIB} iflag=fullblock | sha256sum; }} 2>&1"
        for size in (1, size_mib)
    )


def pattern_hash(pattern: int, size_mib: int) -> str:
    """What the phone must print for it."""
    digest = hashlib.sha256()
    block = bytes([pattern]) * _MIB
    for _ in range(size_mib):
        digest.update(block)
    return digest.hexdigest()


def _sizes(said: Heard, props: dict[str, str]) -> Iterator[Reading]:
    total = said.get("MemTotal_kB")
    if not total:
        for name in ("memory_total", "memory_sold", "as_sold"):
            yield Unread(name, said.reason("MemTotal_kB"), said.source)
        return
    yield reading("memory_total", said, "MemTotal_kB", lambda kb: (Decimal(kb) / 1024).quantize(Decimal(1)))
    sold = sold_size(int(total))
    source = f"{said.source}: the size sold that MemTotal fits into"
    if sold is None:
        yield Unread("memory_sold", said.reason("sold"), source)
    else:
        yield Measurement("memory_sold", sold, source)
    stated = next(((name, size[1]) for name in _STATED if (size := _SIZE.search(props.get(name, "")))), None)
    if stated is None or sold is None:
        yield Unread("as_sold", _NO_STATED, "getprop")
    else:
        yield Measurement("as_sold", Decimal(stated[1]) == sold, f"getprop {stated[0]}: {stated[1]} GiB")


async def _patterns(shell: Shell, size_mib: int) -> AsyncIterator[Reading]:
    """Each pattern once. What can't be told from the tools' own troubles ends the test with its reason."""
    wrong = 0
    source = "dd, tr, sha256sum"
    for pattern in PATTERNS:
        told = await shell.run(pattern_script(pattern, size_mib), deadline_s=60.0, limit=4096)
        if told.failure is not None:
            raise told.failure
        held = await asyncio.to_thread(_held, told, pattern, size_mib)  # a tenth of a second that no other phone waits
        if isinstance(held, Words):
            yield Unread("pattern_errors", held, source)
            return
        wrong += not held
    yield Measurement("pattern_errors", Decimal(wrong), f"{source}: 0x00, 0xFF, 0x55, 0xAA")
    yield Measurement("memory_tested", Decimal(size_mib * len(PATTERNS)), f"{len(PATTERNS)} × {size_mib} MiB")


def _held(told: CommandResult, pattern: int, size_mib: int) -> bool | Words:
    """Whether the memory held the pattern, or why that can't be said."""
    hashes, counts = _HASH.findall(told.text), [int(count) for count in _COUNT.findall(told.text)]
    if len(hashes) != 2 or len(counts) != 2:
        return _NO_TOOL.fill(why=why_nothing(told))
    if hashes[0] != pattern_hash(pattern, 1):
        return _NO_TOOL.fill(why=_OTHER_BYTES)
    if counts != [_MIB, size_mib * _MIB]:
        return _CUT_SHORT
    return bool(hashes[1] == pattern_hash(pattern, size_mib))


@probe(
    "android.memory",
    needs=Shell,
    reads=(memory.READ, getprop.READ),
    measures={
        "memory_total": "MiBy",
        "memory_sold": "GiBy",
        "as_sold": FLAG,
        "pattern_errors": "1",
        "memory_tested": "MiBy",
    },
    names={
        "memory_total": Words("memory, kernel", "内存（内核）"),
        "memory_sold": Words("memory, as sold", "内存（标称）"),
        "as_sold": Words("as the maker states", "与厂商标称一致"),
        "pattern_errors": Words("pattern errors", "读写错误数"),
        "memory_tested": Words("memory tested", "已测内存"),
    },
)
async def memory_size_and_patterns(bench: Bench, *, size_mib: int = 64) -> AsyncIterator[Reading]:
    """The size of memory as sold, and four patterns written to a part of it and read back.

    Settings: `size_mib`, how many MiB each pattern fills, at most an eighth of what is free.
    """
    said = await hear_apart(bench, memory.READ, memory.meminfo, "/proc/meminfo")
    props, _, _ = await apart(getprop.properties, bench.answer(getprop.READ.name).stdout)
    for found in _sizes(said, props):
        yield found
    free = said.get("MemAvailable_kB") or said.get("MemFree_kB")
    size = min(size_mib, int(free or 0) // 1024 // _SHARE)
    if size < _LEAST_MIB:
        why = said.reason("MemFree_kB") if free is None else _SHORT.fill(free=str(int(free) // 1024))
        yield Unread("pattern_errors", why, said.source)
        return
    shell = bench.capability(Shell)  # type: ignore[type-abstract]  # a protocol names the capability
    async for reading_ in _patterns(shell, size):
        yield reading_
