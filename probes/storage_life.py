"""Whether the phone's storage keeps what is written to it, how fast it is, and how much life it says is left.

A file of random bytes is written to /data/local/tmp, flushed, read back past the cache where the phone can do that, and
compared by its hash; it is removed when the attempt ends. Its size is bounded by the free space. What is too slow or
too worn is judged elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

from drivers.api import CommandResult, Shell
from drivers.text import Words, safe_text
from probes.answers import Heard, hear_apart, hear_second_apart, reading
from probes.apart import apart
from probes.api import Bench, Measurement, NotRun, Reading, Unread, Write, probe
from probes.battery_dump import READ_HEALTH_HAL
from probes.captured import plain_text
from probes.storage import READ_DF, READ_DISKSTATS, df, diskstats
from probes.storage_health import READ_HEALTH_FILES, storage_health
from probes.units import FLAG, TEXT

__all__ = ["storage", "transfer_speed"]

FOLDER = "/data/local/tmp/assay-storage"
_MIB = 1024 * 1024
#: No more than this share of the free space is written, so that the test itself never fills a phone.
_SHARE = 20
_LEAST_MIB = 4

_WRITE_WHAT = Words(
    "a test file of {size} MiB in /data/local/tmp, removed afterwards",
    "在 /data/local/tmp 写入 {size} MiB 测试文件，测后删除",
)
_NO_ROOM = Words("only {free} MiB are free; make room and run this again", "剩余空间仅 {free} MiB；请清理空间后重测")
_NO_SPACE_KNOWN = Words("the free space is not known: {why}", "剩余空间未知：{why}")
_NOT_WRITTEN = Words("the test file could not be written: {why}", "测试文件写入失败：{why}")
_NO_HASH = Words("the phone has no program that makes a hash", "手机没有计算校验值的程序")
_CACHED = Words(
    "this phone can't read past its cache, so what it reads may come from memory",
    "此手机无法绕过缓存读取，读取结果可能来自内存",
)
_NO_RATE = Words("the phone's dd prints no time", "手机的 dd 未输出用时")
_LIFE_CLOSED = Words(
    "this phone keeps the health of its storage closed to the cable", "此手机不通过数据线开放存储健康信息"
)
_NEVER_TOLD = Words("the storage chip does not tell it", "存储芯片未提供该信息")

#: toybox and GNU print `N bytes (..) copied, S s, R`, Android 5's toolbox `N bytes transferred in S secs`.
_RATE = re.compile(r"([0-9]{1,15}) bytes\b.{0,60}(?:copied, |transferred in )([0-9]{1,6}(?:\.[0-9]{1,9})?) s", re.ASCII)
_HASH = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{32})\b", re.ASCII)
#: What cmp(1) ends with: 0 the same, 1 different; more is a trouble of its own.
_CMP = re.compile(r"--cmp ([01])\b", re.ASCII)
#: JEDEC JESD220 table 14.15 and JESD84-B51 7.4.11: bPreEOLInfo / PRE_EOL_INFO.
_EOL = {1: "normal", 2: "warning", 3: "urgent"}
#: What toybox, toolbox and GNU print for EIO: the flash could not be read or written.
_IO_ERRORS = ("I/O error", "Input/output error")
#: JEDEC life estimates: step n is up to n tenths used, 11 is beyond the estimated life.
_SPENT = 11


def transfer_speed(said: str) -> Decimal | None:
    """The speed that `dd` reached, in KiB/s, or None where it prints no time or took none."""
    found = _RATE.search(said)
    if found is None or not (seconds := Decimal(found[2])):
        return None
    return (Decimal(found[1]) / 1024 / seconds).quantize(Decimal(1))


def _size_mib(space: Heard, stats: Heard, wanted: int) -> int:
    """How large the file may be; raises NotRun when there is no room, or none known of."""
    free = space.get("data_avail_1K")
    free = stats.get("data_free_K") if free is None else free  # the df of Android 5 names no unit
    if free is None:
        raise NotRun(_NO_SPACE_KNOWN.fill(why=space.reason("data_avail_1K")))
    size = min(wanted, int(free) // 1024 // _SHARE)
    if size < _LEAST_MIB:
        raise NotRun(_NO_ROOM.fill(free=str(max(int(free), 0) // 1024)))
    return size


def _hash_of(path: str) -> str:
    return f"{{ sha256sum <{path}||md5sum <{path}||md5 {path}; }} 2>/dev/null"


def _script(size_mib: int) -> str:
    """Random bytes in `seed`, copied to `copy` and flushed: urandom itself is slower than good storage."""
    seed, copy = f"{FOLDER}/seed", f"{FOLDER}/copy"
    return (
        f"mkdir -p {FOLDER} && dd if=/dev/urandom of={seed} bs={_MIB} count={size_mib} 2>&1 && echo --made &&"
        f" {{ dd if={seed} of={copy} bs={_MIB} conv=fsync 2>&1 || dd if={seed} of={copy} bs={_MIB} 2>&1; }} &&"
        f" {{ sync; echo --seed; {_hash_of(seed)}; }}"
    )


#: `direct` goes past the cache (O_DIRECT); a dd without it says so and the cache is read instead. Android 5 has no
#: program for a hash, but `cmp`.
_READ_BACK = (
    f"if dd if={FOLDER}/copy of=/dev/null bs={_MIB} iflag=direct 2>&1; then echo --direct;"
    f" dd if={FOLDER}/copy bs={_MIB} iflag=direct 2>/dev/null | {{ sha256sum||md5sum; }} 2>/dev/null;"
    f" else echo --cached; {_hash_of(f'{FOLDER}/copy')}; fi;"
    f" cmp {FOLDER}/seed {FOLDER}/copy >/dev/null 2>&1; echo --cmp $?"
)


async def _whole(result: CommandResult) -> str:
    if result.failure is not None:
        raise result.failure
    return await apart(plain_text, result.stdout) + result.stderr.decode("utf-8", "replace")


def _compared(written: str, read: str) -> Iterator[Reading]:
    """Speeds, and whether what was read is what was written."""
    making, _, rest = written.partition("--made")
    copying, flushed, hashed = rest.partition("--seed")
    if any(word in text for text in (making, copying, read) for word in _IO_ERRORS):
        yield Measurement("read_back_equal", False, "dd: I/O error")
        return
    if not flushed:
        raise NotRun(_NOT_WRITTEN.fill(why=safe_text(" ".join(written.split())[-160:]) or "–"))
    speed = transfer_speed(copying)
    source = f"dd conv=fsync in {FOLDER}"
    yield Unread("write_speed", _NO_RATE, source) if speed is None else Measurement("write_speed", speed, source)
    direct = "--direct" in read
    speed = transfer_speed(read) if direct else None
    source = f"dd iflag=direct in {FOLDER}"
    why = _NO_RATE if direct else _CACHED
    yield Unread("read_speed", why, source) if speed is None else Measurement("read_speed", speed, source)
    wanted, found, compared = _HASH.search(hashed), _HASH.search(read), _CMP.search(read)
    if wanted is not None and found is not None:
        how = "hash of the file" + ("" if direct else ", cached")
        yield Measurement("read_back_equal", wanted[0] == found[0], how)
    elif compared is not None:
        yield Measurement("read_back_equal", compared[1] == "0", "cmp, cached")
    else:
        yield Unread("read_back_equal", _NO_HASH, source)
        return
    yield Measurement("past_cache", direct and found is not None, source)


def _life(files: Heard, hal: Heard) -> Iterator[Reading]:
    """Life that is left by the worse of the two estimates, at the far end of its tenth; and the spare blocks."""
    said, prefix = (files, "") if files.get("life_time_a") or files.get("life_time_b") else (hal, "hal_")
    source = f"{'sysfs' if said is files else said.source}: life_time"
    steps = [said.get(f"{prefix}life_time_{letter}") or 0 for letter in "ab"]
    step = max(steps)
    if 1 <= step <= _SPENT:
        yield Measurement("life_left", Decimal(max(0, 100 - 10 * step)), source)
    elif files.get("life_time_a") == 0:
        yield Unread("life_left", _NEVER_TOLD, source)
    else:
        yield Unread("life_left", _LIFE_CLOSED, source)
    eol = _EOL.get(files.get("eol_info") or hal.get("hal_eol_info") or 0)
    if eol:
        yield Measurement("spare_blocks", eol, source)
    else:
        yield Unread("spare_blocks", _LIFE_CLOSED, source)
    for fact, name in (("type", "storage_type"), ("model", "storage_model")):
        if files.get(fact):
            yield reading(name, files, fact)
    if errors := files.get("errors"):
        worst = {name: count for name, count in errors.items() if "fatal" in name or name in ("dl_err_count",)}
        yield Measurement("storage_errors", Decimal(sum(worst.values())), "sysfs: err_stats")


@probe(
    "android.storage",
    needs=Shell,
    reads=(READ_DF, READ_DISKSTATS, READ_HEALTH_FILES, READ_HEALTH_HAL),
    measures={
        "read_back_equal": FLAG,
        "past_cache": FLAG,
        "write_speed": "KiBy/s",
        "read_speed": "KiBy/s",
        "life_left": "%",
        "spare_blocks": TEXT,
        "storage_errors": "1",
        "storage_type": TEXT,
        "storage_model": TEXT,
    },
    names={
        "read_back_equal": Words("read back equal", "回读一致"),
        "past_cache": Words("read past the cache", "绕过缓存读取"),
        "write_speed": Words("write speed", "写入速度"),
        "read_speed": Words("read speed", "读取速度"),
        "life_left": Words("life left, at least", "剩余寿命（至少）"),
        "spare_blocks": Words("spare blocks", "备用块状态"),
        "storage_errors": Words("storage errors", "存储错误数"),
        "storage_type": Words("storage type", "存储类型"),
        "storage_model": Words("storage chip", "存储芯片"),
    },
    writes=Words("a test file in /data/local/tmp", "在 /data/local/tmp 写入测试文件"),
)
async def storage(bench: Bench, *, size_mib: int = 64) -> AsyncIterator[Reading]:
    """A file written, flushed, read back and compared; its speed; and the life that the storage chip says is left.

    Settings: `size_mib`, how many MiB are written, at most a twentieth of what is free.
    """
    files = await hear_second_apart(bench, READ_HEALTH_FILES, storage_health, "sysfs health_descriptor")
    for found in _life(files, await hear_second_apart(bench, READ_HEALTH_HAL, storage_health)):
        yield found
    space, stats = await hear_apart(bench, READ_DF, df), await hear_second_apart(bench, READ_DISKSTATS, diskstats)
    size = _size_mib(space, stats, size_mib)
    undo = f"rm -rf {FOLDER}"
    written = await bench.write(
        Write("test-file", _WRITE_WHAT.fill(size=str(size)), _script(size), undo), deadline_s=60.0
    )
    shell = bench.capability(Shell)  # type: ignore[type-abstract]  # a protocol names the capability
    read = await shell.run(_READ_BACK, deadline_s=60.0, limit=64 * 1024)
    for found in _compared(await _whole(written), await _whole(read)):
        yield found
