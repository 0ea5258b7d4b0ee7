"""What is said of a main board and of the parts that a phone tells of, and of a phone that tells nothing."""

from __future__ import annotations

from decimal import Decimal

import outputs_ports as out
import phone_outputs
import pytest
from probe_bench import no_answer, result, run

from drivers.api import NoAnswer
from probes.mainboard import boot_history

NOW = 1_700_000_640
CLOCK = f"{NOW} 2023-11-14 22:24:00\n"
ZONES = "\n".join(
    f"/sys/class/thermal/thermal_zone{n}/{leaf}:{value}"
    for n, name, temp in ((0, "cpu-0", "41000"), (1, "battery", "-40000"), (2, "skin", ""))
    for leaf, value in (("temp", temp), ("type", name))
    if value
)


def started(*starts: tuple[str, int]) -> str:
    history = "\n".join(f"{reason},{NOW - ago}" for reason, ago in starts)
    return f"[persist.sys.boot.reason.history]: [{history}]\n[ro.boot.bootreason]: [reboot]\n"


BOARD = {
    "battery": phone_outputs.BATTERY,
    "getprop": started(("reboot,userrequested", 3600)),
    "clock": CLOCK,
    "uptime": "7200.00 9000.00\n",
}


async def test_a_rail_that_the_kernel_calls_faulty_is_named_and_a_closed_folder_says_nothing() -> None:
    readings = await run("android.mainboard", BOARD | {"power-rails": out.RAILS})
    assert (readings.value("power_rails"), readings.value("failed_rails")) == (3, ("vcc_touch",))
    closed = await run("android.mainboard", BOARD | {"power-rails": ""})
    assert {"power_rails", "failed_rails"} <= closed.unread.keys()
    numbers = "\n".join(line for line in out.RAILS.splitlines() if "/status:" not in line) + "\n"
    silent = await run("android.mainboard", BOARD | {"power-rails": numbers})
    assert silent.value("power_rails") == 3
    assert "failed_rails" in silent.unread


async def test_a_sound_board_answers_and_has_not_reset_itself() -> None:
    readings = await run("android.mainboard", BOARD)
    assert readings.value("silent_chips") == ()
    assert (readings.value("hardware_resets"), readings.value("starts")) == (0, 1)
    assert readings.value("uptime") == Decimal("2.0")


@pytest.mark.parametrize(
    ("change", "silent"),
    [
        (("voltage: 3870", "voltage: 0"), ("battery voltage",)),
        (("temperature: 287", "temperature: -400"), ("battery temperature",)),
        (("present: true", "present: false"), ("battery",)),
    ],
)
async def test_a_gauge_that_does_not_answer_is_named(change: tuple[str, str], silent: tuple[str, ...]) -> None:
    text = phone_outputs.BATTERY.replace(*change)
    assert text != phone_outputs.BATTERY
    assert (await run("android.mainboard", BOARD | {"battery": text})).value("silent_chips") == silent


async def test_a_gauge_whose_unit_is_in_doubt_is_not_called_silent() -> None:
    text = phone_outputs.BATTERY.replace("voltage: 3870", "voltage: 4")
    assert (await run("android.mainboard", BOARD | {"battery": text})).value("silent_chips") == ()


async def test_a_thermal_service_that_is_not_ready_is_named() -> None:
    text = "IsStatusOverride: false\nThermal Status: 0\nHAL Ready: false\n"
    readings = await run("android.mainboard", BOARD | {"thermalservice": text})
    assert readings.value("silent_chips") == ("thermal HAL",)


async def test_zones_without_a_reading_and_broken_ones_are_named() -> None:
    readings = await run("android.mainboard", BOARD | {"thermal-zones": ZONES})
    assert set(readings.value("silent_zones")) == {"battery", "skin"}


@pytest.mark.parametrize(
    ("starts", "count"),
    [
        ((("watchdog,apps", 60), ("reboot,undervoltage", 7200), ("reboot", 9000)), 2),
        ((("watchdog", 3600 * 24 * 30),), 0),
        ((("kernel_panic,sysrq", 60), ("shutdown,battery", 90)), 0),
    ],
)
async def test_resets_by_the_hardware_count_within_the_window(starts: tuple[tuple[str, int], ...], count: int) -> None:
    readings = await run("android.mainboard", BOARD | {"getprop": started(*starts)})
    assert readings.value("hardware_resets") == count


async def test_without_a_history_only_the_last_start_speaks_and_only_when_it_was_bad() -> None:
    bad = await run("android.mainboard", BOARD | {"getprop": "[sys.boot.reason]: [reboot,thermal]\n"})
    assert bad.value("hardware_resets") == 1
    none = await run("android.mainboard", BOARD | {"getprop": "[sys.boot.reason]: [reboot]\n"})
    assert "keeps no list" in none.unread["hardware_resets"].reason.en


@pytest.mark.parametrize("text", ["", "reboot", ",1", "a,b,c", "x," + "9" * 40, "\n\n,,,\n"])
def test_a_broken_history_is_no_start(text: str) -> None:
    assert all(reason and isinstance(moment, int) for reason, moment in boot_history(text))


# parts

PARTS = {"getprop": "[ro.serialno]: [BENCH0001]\n[ro.boot.hardware.ufs]: [128GB,Bench]\n", "part-files": out.PART_FILES}


def status(code: int) -> str:
    words = f"00000000 00000000 00000001 {code:08x}"
    return f"property 12\nResult: Parcel(\n  0x00000000: {words} '................'\n  0x00000010: 00000000 '....')\n"


async def test_every_part_that_tells_something_is_named_with_its_source() -> None:
    readings = await run("android.parts", PARTS | {"media-camera": phone_outputs.CAMERA})
    assert readings.value("display_serial") == "4C1F00A2B7"
    assert readings.measured["display_serial"].source == "sysfs"
    assert readings.value("board_serial") == "BENCH0001"
    assert readings.value("storage_chip") == "BNCH64"  # the chip's own file is nearer than the property
    assert readings.value("parts_told") >= 5
    assert "reported_replaced" in readings.unread  # who calls no part original calls none replaced


async def test_a_battery_that_the_phone_calls_replaced_is_told_and_an_unsupported_one_is_not() -> None:
    replaced = await run("android.parts", PARTS | {"battery-property": status(2)})
    assert replaced.value("reported_replaced") == ("battery",)
    unsupported = await run("android.parts", PARTS | {"battery-property": status(0)})
    assert "can't tell" in unsupported.unread["battery_status"].reason.en
    assert "can't tell" in unsupported.unread["reported_replaced"].reason.en
    original = await run("android.parts", PARTS | {"battery-property": status(1)})
    assert original.value("reported_replaced") == ()


async def test_a_part_that_tells_nothing_is_silent_not_original() -> None:
    readings = await run("android.parts", {"getprop": "[ro.serialno]: [unknown]\n[ro.boot.cpuid]: [0000000]\n"})
    assert not readings.measured
    assert {"board_serial", "chip_serial", "reported_replaced"} <= readings.unread.keys()


async def test_a_refused_main_read_is_the_benchs_trouble() -> None:
    with pytest.raises(NoAnswer):
        await run("android.parts", {"getprop": result(failure=no_answer())})
