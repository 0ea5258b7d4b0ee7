"""What a storage and a memory test say of a sound part, a failing one, and a phone without the tools."""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal

import outputs_ports as out
import phone_outputs
import pytest
from ports_bench import bench
from probe_bench import LOADED, no_answer, result, run_on

from drivers.api import CommandResult, NoAnswer
from probes.api import NotRun
from probes.memory_pattern import PATTERNS, pattern_hash, pattern_script, sold_size
from probes.storage_life import FOLDER, transfer_speed

GOOD = "a" * 64
OTHER = "b" * 64
RATE = "67108864 bytes (64 M) copied, 0.500 s, 128 M/s\n"
DF = {"df": phone_outputs.DF}


def written(hash_: str = GOOD, making: str = "", copying: str = RATE) -> str:
    return f"{making}64+0 records\n--made\n{copying}--seed\n{hash_}  -\n"


def direct(hash_: str = GOOD) -> str:
    return f"{RATE}--direct\n{hash_}  -\n"


def phone(write: str | CommandResult, read: str) -> object:
    return lambda script: write if script.startswith("mkdir") else read


async def storage(write: str | CommandResult, read: str, **reads: str | CommandResult) -> object:
    given = bench(phone(write, read), {**DF, **{name.replace("_", "-"): one for name, one in reads.items()}})  # type: ignore[arg-type]
    readings = await run_on("android.storage", given)
    assert all(undo == f"rm -rf {FOLDER}" for undo in given.undone)
    return readings


async def test_what_is_written_comes_back_past_the_cache_with_both_speeds() -> None:
    readings = await storage(written(), direct(), storage_health=out.UFS_HEALTH)
    assert readings.value("read_back_equal") is True
    assert readings.value("past_cache") is True
    assert (readings.value("write_speed"), readings.value("read_speed")) == (131072, 131072)
    assert readings.value("life_left") == 70  # the worse of the two estimates, at the far end of its tenth
    assert (readings.value("spare_blocks"), readings.value("storage_errors")) == ("normal", 2)


async def test_bits_that_changed_are_told() -> None:
    assert (await storage(written(), direct(OTHER))).value("read_back_equal") is False


@pytest.mark.parametrize(
    ("write", "read"),
    [
        ("dd: copy: I/O error\n", ""),
        (written(), "dd: /data/local/tmp/assay-storage/copy: Input/output error\n--cached\n" + GOOD),
    ],
)
async def test_an_io_error_is_a_fault_of_the_storage(write: str, read: str) -> None:
    readings = await storage(write, read)
    assert readings.value("read_back_equal") is False
    assert "I/O error" in readings.measured["read_back_equal"].source


async def test_a_phone_that_reads_from_its_cache_says_so_and_has_no_read_speed() -> None:
    readings = await storage(written(), f"dd: iflag=direct: bad\n--cached\n{GOOD}  -\n")
    assert readings.value("read_back_equal") is True
    assert readings.value("past_cache") is False
    assert "cache" in readings.unread["read_speed"].reason.en


@pytest.mark.parametrize(("end", "equal"), [(0, True), (1, False)])
async def test_a_phone_without_a_hash_compares_by_cmp(end: int, equal: bool) -> None:
    readings = await storage("--made\n--seed\n", f"--cached\n--cmp {end}\n")
    assert readings.value("read_back_equal") is equal
    assert readings.value("past_cache") is False


async def test_a_phone_that_can_not_compare_at_all_leaves_it_open() -> None:
    readings = await storage("--made\n--seed\n", "--cached\n--cmp 127\n")
    assert "no program that makes a hash" in readings.unread["read_back_equal"].reason.en


async def test_where_df_names_no_unit_diskstats_says_what_is_free() -> None:
    given = bench(
        phone(written(), direct()),  # type: ignore[arg-type]
        {"df": "Filesystem  Size  Used  Free\n/data  11G  3G  8G\n", "diskstats": phone_outputs.DISKSTATS},
    )
    assert (await run_on("android.storage", given, size_mib=8)).value("read_back_equal") is True


@pytest.mark.parametrize("said", ["dd: No space left on device\n", "mkdir: '/data/local/tmp': Permission denied\n", ""])
async def test_a_file_that_could_not_be_written_is_no_fault_of_the_storage(said: str) -> None:
    with pytest.raises(NotRun, match="could not be written"):
        await storage(said, f"--cached\n{GOOD}")


async def test_a_cable_that_breaks_while_writing_is_the_benchs_trouble() -> None:
    with pytest.raises(NoAnswer):
        await storage(result(failure=no_answer()), direct())


@pytest.mark.parametrize(("df", "size"), [("112386764 40000000 72386764  36%", 64), ("1000000 600000 400000  60%", 19)])
async def test_no_more_than_a_twentieth_of_the_free_space_is_written(df: str, size: int) -> None:
    text = f"Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/block/dm-5 {df} /data\n"
    given = bench(phone(written(), direct()), {"df": text})  # type: ignore[arg-type]
    await run_on("android.storage", given)
    assert f"count={size} " in given.writes[0].do
    assert str(size) in given.writes[0].what.en


async def test_a_full_phone_is_not_written_to() -> None:
    text = "Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/block/dm-5 1000000 960000 40000 96% /data\n"
    given = bench(phone(written(), direct()), {"df": text})  # type: ignore[arg-type]
    with pytest.raises(NotRun, match="39 MiB are free"):
        await run_on("android.storage", given)
    assert not given.writes


async def test_without_a_known_free_space_nothing_is_written() -> None:
    given = bench(phone(written(), direct()), {"df": "df: /data: Permission denied\n"})  # type: ignore[arg-type]
    with pytest.raises(NotRun, match="free space is not known"):
        await run_on("android.storage", given)
    assert not given.writes


@pytest.mark.parametrize(
    ("health", "hal", "left"),
    [
        (out.EMMC_HEALTH, "", 60),
        (out.EXT_CSD, "", 0),
        ("", out.STORAGE_OF_HAL, 70),
    ],
)
async def test_life_is_read_from_every_source_that_tells_it(health: str, hal: str, left: int) -> None:
    assert (await storage(written(), direct(), storage_health=health, health_hal=hal)).value("life_left") == left


async def test_a_closed_health_file_leaves_the_life_unread() -> None:
    closed = "------ (/dev/sys/block/bootdevice/health_descriptor/eol_info) ------\ncat: eol_info: Permission denied\n"
    readings = await storage(written(), direct(), storage_health=closed)
    assert "closed to the cable" in readings.unread["life_left"].reason.en
    assert "spare_blocks" in readings.unread


@pytest.mark.parametrize(
    ("said", "speed"),
    [
        ("67108864 bytes (64 M) copied, 0.035 s, 1.7 G/s", 1872457),
        ("67108864 bytes transferred in 1.234 secs (54383196 bytes/sec)", 53109),
        ("67108864 bytes (67 MB, 64 MiB) copied, 0.0318 s, 2.1 GB/s", 2060881),
        ("1+0 records in", None),
        ("67108864 bytes (64 M) copied, 0.000 s, inf", None),
    ],
)
def test_the_speed_is_read_from_every_dd(said: str, speed: int | None) -> None:
    assert transfer_speed(said) == speed


# memory

MEMINFO = "MemTotal: {total} kB\nMemFree: 900000 kB\nMemAvailable: {free} kB\n"


def memory_answers(script: str, spoil: str = "", short: bool = False) -> str:
    """What a phone with good memory prints for the script; `spoil` changes the hash of the large buffer."""
    pattern = int(re.findall(r"'\\(\d{3})'", script)[1], 8)
    size = int(re.findall(r"count=(\d+)", script)[1])
    count = size * 1048576 // (2 if short else 1)
    return (
        f"1048576 bytes (1.0 M) copied, 0.01 s\n{pattern_hash(pattern, 1)}  -\n"
        f"{count} bytes (8.0 M) copied, 0.1 s\n{spoil or pattern_hash(pattern, size)}  -\n"
    )


async def memory(says: object, total: int = 7_837_044, free: int = 4_000_000, **settings: int) -> object:
    text = MEMINFO.format(total=total, free=free)
    props = "[ro.boot.hardware.ddr]: [8GB,Bench,LPDDR5]\n"
    given = bench(says, {"meminfo": text, "getprop": props})  # type: ignore[arg-type]
    return await run_on("android.memory", given, **{"size_mib": 8} | settings)


async def test_good_memory_holds_every_pattern_and_is_as_large_as_stated() -> None:
    readings = await memory(memory_answers)
    assert readings.value("pattern_errors") == 0
    assert readings.value("memory_tested") == 8 * len(PATTERNS)
    assert (readings.value("memory_sold"), readings.value("as_sold")) == (8, True)


async def test_a_hash_printed_in_the_middle_of_what_dd_prints_is_found() -> None:
    def mixed(script: str) -> str:
        first, second, third, fourth = memory_answers(script).splitlines()
        return f"{first[:30]}{second}\n{first[30:]}\n{third[:30]}{fourth}\n{third[30:]}\n"

    assert (await memory(mixed)).value("pattern_errors") == 0


async def test_every_pattern_that_comes_back_changed_counts() -> None:
    readings = await memory(lambda script: memory_answers(script, spoil=OTHER if "'\\125'" in script else ""))
    assert readings.value("pattern_errors") == 1


async def test_a_phone_with_less_memory_than_stated_is_told() -> None:
    readings = await memory(memory_answers, total=5_600_000)
    assert (readings.value("memory_sold"), readings.value("as_sold")) == (6, False)


@pytest.mark.parametrize(
    "says",
    [
        lambda script: "dd: unknown iflag fullblock\n",
        lambda script: "/system/bin/sh: sha256sum: not found\n",
        lambda script: memory_answers(script).replace(pattern_hash(0, 1), OTHER),
        lambda script: "",
    ],
)
async def test_tools_that_can_not_do_it_are_no_memory_errors(says: object) -> None:
    readings = await memory(says)
    assert "no tools" in readings.unread["pattern_errors"].reason.en


async def test_a_test_that_the_phone_ended_early_is_no_memory_error() -> None:
    readings = await memory(lambda script: memory_answers(script, spoil=OTHER, short=True))
    assert "ended the test" in readings.unread["pattern_errors"].reason.en


async def test_a_phone_short_of_memory_is_not_filled() -> None:
    readings = await memory(memory_answers, free=40_000)
    assert "39 MiB" in readings.unread["pattern_errors"].reason.en


@pytest.mark.parametrize(
    ("total_kb", "sold"),
    [(1_902_180, 2), (3_669_728, 4), (7_837_044, 8), (11_850_652, 12), (4 * 1024 * 1024, 4), (4_194_305, 6)],
)
def test_the_kernels_total_is_rounded_up_to_a_size_that_is_sold(total_kb: int, sold: int) -> None:
    assert sold_size(total_kb) == Decimal(sold)


def test_more_than_any_phone_has_is_no_size() -> None:
    assert sold_size(64 * 1024 * 1024) is None


def test_the_hash_is_that_of_the_pattern() -> None:
    assert pattern_hash(0x55, 2) == hashlib.sha256(b"\x55" * 2 * 1024 * 1024).hexdigest()
    assert "\\125" in pattern_script(0x55, 8)


def test_both_probes_are_there() -> None:
    assert LOADED.probes["android.storage"].writes
    assert not LOADED.probes["android.memory"].writes
