"""What the probes of battery, heat and trade-in mode measure, name as their source, and leave unread with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import outputs_power as out
import phone_outputs as old
import pytest
from probe_bench import Readings, ScriptedBench, result, run, run_on

from drivers.api import Command, CommandResult, Shell
from drivers.trade_in import read_trade_in_identity
from probes.api import NotApplicable, NotRun

DENIED = result(stderr="cat: /sys/class/power_supply/battery/uevent: Permission denied\n", exit_code=1)


# battery health


async def health(**answers: str) -> Readings:
    given = {name.replace("_", "-"): text for name, text in answers.items()}
    return await run("android.battery-health", {"battery": old.BATTERY} | given)


async def test_androids_own_figure_stands_first_and_every_other_source_beside_it() -> None:
    readings = await health(
        battery_property=out.BATTERY_PROPERTY, battery_nodes=out.BATTERY_NODES, power_supply=old.POWER_SUPPLY
    )
    assert readings.value("state_of_health") == 91
    assert readings.measured["state_of_health"].source == "BatteryManager: STATE_OF_HEALTH"
    assert (readings.value("health_maker"), readings.value("health_maker_ratio")) == (93, Decimal("90.55"))
    assert readings.value("source_spread") == Decimal("2.45")
    assert len(readings.value("sources")) == 4


async def test_sources_that_disagree_are_shown_and_never_averaged() -> None:
    worn = old.POWER_SUPPLY.replace("CHARGE_FULL=4550000", "CHARGE_FULL=3000000")
    readings = await health(battery_property=out.BATTERY_PROPERTY, power_supply=worn)
    assert (readings.value("state_of_health"), readings.value("health_sysfs")) == (91, Decimal("60.00"))
    assert readings.value("source_spread") == Decimal("31.00")


async def test_cycles_name_each_source_where_they_differ() -> None:
    readings = await health(
        battery_property=out.BATTERY_PROPERTY, battery_nodes=out.BATTERY_NODES, power_supply=old.POWER_SUPPLY
    )
    assert readings.value("cycles") == 211
    assert [one.rpartition(": ")[2] for one in readings.value("cycle_sources")] == ["211", "212", "318"]


async def test_part_serial_and_dates_come_from_where_they_are_told() -> None:
    readings = await health(battery_property=out.BATTERY_PROPERTY)
    assert (readings.value("part_status"), readings.value("battery_serial")) == ("replaced", "ABC12534")
    assert (readings.value("manufactured"), readings.value("charging_policy")) == ("2023-11-21", "long life")
    assert "first_use" in readings.unread


async def test_dates_and_serials_of_two_batteries_are_shown_side_by_side_without_the_serials() -> None:
    files = "POWER_SUPPLY_X_manufacturing_date=20210301\nPOWER_SUPPLY_X_serial_number=ZZ99\n"
    readings = await health(battery_property=out.BATTERY_PROPERTY, power_supply=old.POWER_SUPPLY + files)
    made, serial = readings.value("sources_differ")
    assert "manufacturing_date 2021-03-01" in made
    assert "manufactured 2023-11-21" in made
    assert serial == "serial: BatteryManager: serial ≠ sysfs power_supply: serial_file"
    assert readings.value("manufactured") == "2021-03-01"  # the first that speaks, never a mean of both


@pytest.mark.parametrize("serial", ["ABC12534", "abc-12534", "ABC12534  ", "C12534"])
async def test_one_serial_written_in_two_ways_and_a_day_of_rounding_are_no_difference(serial: str) -> None:
    files = f"POWER_SUPPLY_X_manufacturing_date=2023-11-22\nPOWER_SUPPLY_X_serial_number={serial}\n"
    readings = await health(battery_property=out.BATTERY_PROPERTY, power_supply=old.POWER_SUPPLY + files)
    assert readings.value("sources_differ") == ()


async def test_where_one_source_speaks_of_each_there_is_nothing_to_differ() -> None:
    assert "sources_differ" not in (await health(battery_property=out.BATTERY_PROPERTY)).measured


async def test_a_capacity_in_another_unit_is_not_a_thousandth_of_it() -> None:
    milli = old.POWER_SUPPLY.replace("4550000", "4550").replace("5000000", "5000")
    readings = await health(power_supply=milli)
    assert readings.value("health_sysfs") == 91  # the share needs no unit
    assert "4550" in readings.unread["full_capacity"].reason.en
    readings = await health(power_supply=milli, health_hal="level: 5 voltage: 4000 temp: 200\nFull charge: 4500000\n")
    assert readings.value("full_capacity") == 4500  # the next source that fits


async def test_a_counter_that_was_never_set_is_no_count_of_cycles() -> None:
    never = old.POWER_SUPPLY.replace("CYCLE_COUNT=211", "CYCLE_COUNT=65535")
    assert "cycles" in (await health(power_supply=never)).unread


async def test_a_gauge_that_can_not_tell_the_part_says_so() -> None:
    parcel = out.BATTERY_PROPERTY.replace("00000001 00000002", "00000001 00000000")
    assert "can't tell" in (await health(battery_property=parcel)).unread["part_status"].reason.en


async def test_an_older_phone_says_why_it_has_no_such_property() -> None:
    readings = await health(battery_property=out.BATTERY_PROPERTY_OLD)
    assert "Android 14" in readings.unread["health_property"].reason.en


async def test_samsungs_protection_and_authentication_are_told() -> None:
    extra = "  battery IcAuthenticationResults: [true]\n mProtectBatteryMode: 4\n mProtectionThreshold: 80\n"
    readings = await health(battery=old.BATTERY + extra)
    assert readings.value("authenticated") is True
    assert readings.value("charging_policy") == "protected to 80 %"


async def test_the_time_hot_and_full_is_that_of_the_hottest_row() -> None:
    readings = await health(battery_swelling=out.SWELLING)
    assert readings.value("hot_and_full") == Decimal("3.0")
    assert "40 °C" in readings.measured["hot_and_full"].source


# battery, electrical

FROZEN = old.BATTERY.replace("state:\n", "state:\n  (UPDATES STOPPED -- use 'reset' to restart)\n")


async def test_values_that_a_tool_has_frozen_are_not_the_batterys() -> None:
    readings = await run("android.battery-electrical", {"battery": FROZEN})
    for name in ("voltage", "temperature", "level", "health", "status", "present"):
        assert "frozen" in readings.unread[name].reason.en
    readings = await run("android.battery-electrical", {"battery": FROZEN, "power-supply": old.POWER_SUPPLY})
    assert (readings.value("voltage"), readings.value("temperature")) == (Decimal("3987.654"), Decimal("-1.5"))


async def test_a_gauge_whose_values_are_frozen_is_not_called_silent() -> None:
    assert "frozen" in (await run("android.mainboard", {"battery": FROZEN})).unread["silent_chips"].reason.en


async def test_the_resistance_follows_from_the_open_circuit_voltage() -> None:
    text = old.POWER_SUPPLY.replace("CURRENT_NOW=-256000", "CURRENT_NOW=-1000000")
    text = text.replace("VOLTAGE_NOW=3987654", "VOLTAGE_NOW=3900000\nPOWER_SUPPLY_VOLTAGE_OCV=4010000")
    readings = await run("android.battery-electrical", {"battery": old.BATTERY, "power-supply": text})
    assert readings.value("resistance") == 110


@pytest.mark.parametrize(
    ("current", "ocv", "why"),
    [("-1000000", "", "open-circuit"), ("-90000", "4010000", "90 mA"), ("-1000000", "9000000", "no cell's")],
)
async def test_a_resistance_that_can_not_be_told_is_not_guessed(current: str, ocv: str, why: str) -> None:
    text = old.POWER_SUPPLY.replace("CURRENT_NOW=-256000", f"CURRENT_NOW={current}")
    text += f"POWER_SUPPLY_VOLTAGE_OCV={ocv}\n"
    readings = await run("android.battery-electrical", {"battery": old.BATTERY, "power-supply": text})
    assert why in readings.unread["resistance"].reason.en


# heat


async def test_status_hottest_parts_and_silent_sensors_of_the_thermal_service() -> None:
    readings = await run("android.thermal", {"thermalservice": out.THERMALSERVICE})
    assert (readings.value("throttling_level"), readings.value("throttling")) == (1, "light")
    assert (readings.value("skin_temperature"), readings.value("cpu_temperature")) == (Decimal("37.4"), Decimal("48.2"))
    assert readings.value("hot_parts") == ("skin case top: light",)
    assert (readings.value("sensors"), readings.value("silent_sensors")) == (4, ("modem",))
    assert "gpu_temperature" in readings.unread


async def test_before_android_10_the_hardware_properties_stand_in_and_there_is_no_status() -> None:
    answers = {"thermalservice": "\n", "hardware-properties": out.HARDWARE_PROPERTIES}
    readings = await run("android.thermal", answers)
    assert "Android 10" in readings.unread["throttling_level"].reason.en
    assert (readings.value("cpu_temperature"), readings.value("skin_temperature")) == (Decimal("43.0"), Decimal("33.5"))
    assert readings.value("hot_parts") == ("skin: 33.5 °C, throttles at 33.0 °C",)


async def test_a_status_that_was_overridden_by_hand_is_not_the_phones() -> None:
    text = out.THERMALSERVICE.replace("IsStatusOverride: false", "IsStatusOverride: true")
    readings = await run("android.thermal", {"thermalservice": text})
    assert "overridden" in readings.unread["throttling_level"].reason.en


async def test_kernel_zones_add_what_does_not_answer() -> None:
    readings = await run("android.thermal", {"thermalservice": "", "thermal-zones": out.THERMAL_ZONES})
    assert (readings.value("silent_sensors"), readings.value("broken_sensors")) == (("modem-pa",), ("xo-therm",))


# software's use


async def test_consumers_are_named_by_their_packages_and_rates_are_worked_out() -> None:
    answers = {"batterystats": out.DRAIN, "package-uids": out.PACKAGE_UIDS}
    readings = await run("android.battery-drain-software", answers, top=2)
    assert readings.value("top_apps") == ("bench.app +1 (u0a16): 86.4 mAh", "android (1000): 32.1 mAh")
    assert (readings.value("screen_off_current"), readings.value("awake_share")) == (Decimal("25.0"), Decimal("5.8"))


async def test_an_estimate_beyond_what_the_battery_gave_says_so() -> None:
    readings = await run("android.battery-drain-software", {"batterystats": out.DRAIN})
    assert readings.value("top_parts")[0] == "Bluetooth: 10985 mAh, but the battery gave 1500 mAh in all"


async def test_a_phone_just_off_the_charger_has_no_rate() -> None:
    text = "  Time on battery: 5m 0s 0ms (50%) realtime, 5m 0s 0ms (50%) uptime\n"
    readings = await run("android.battery-drain-software", {"batterystats": text})
    assert "too short" in readings.unread["awake_share"].reason.en


# trade-in mode


@dataclass
class OneCommandShell:
    """A shell that gives these answers to one command after the other."""

    answers: list[CommandResult]
    asked: list[str] = field(default_factory=list)

    async def run(self, script: str, *, deadline_s: float, limit: int = 0) -> CommandResult:
        self.asked.append(script)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]

    async def batch(self, commands: Sequence[Command], *, deadline_s: float) -> list[CommandResult]:
        raise AssertionError("trade-in mode lets no script through")


async def look(*answers: CommandResult, tries: int = 2) -> tuple[Readings, OneCommandShell]:
    shell = OneCommandShell(list(answers))
    return await run_on("android.trade-in-status", ScriptedBench({}, capabilities={Shell: shell}), tries=tries), shell


async def test_the_first_look_reads_locks_battery_storage_parts_and_who_it_is() -> None:
    readings, shell = await look(result(out.TRADE_IN))
    assert shell.asked == ["tradeinmode getstatus"]
    assert readings.value("factory_reset_protection") is False
    assert (readings.value("battery_health"), readings.value("cycles")) == (91, 212)
    assert (readings.value("battery_state"), readings.value("battery_part_status")) == ("good", "replaced")
    assert (readings.value("storage_life_left"), readings.value("capacity")) == (88, Decimal("256.0"))
    assert (readings.value("screen_parts"), readings.value("hinge_wear")) == (("original", "replaced"), Decimal("2.5"))
    assert (readings.value("imei1"), readings.value("serial")) == ("004400152020002", "BENCH0001")
    assert "first_use" in readings.unread


async def test_a_phone_that_is_not_ready_yet_is_asked_again() -> None:
    readings, shell = await look(result("", exit_code=1), result(out.TRADE_IN_LOCKED))
    assert len(shell.asked) == 2
    assert readings.value("factory_reset_protection") is True
    assert "battery_health" in readings.unread


async def test_an_android_without_the_mode_is_not_applicable() -> None:
    missing = result(stderr="/system/bin/sh: tradeinmode: inaccessible or not found\n", exit_code=127)
    with pytest.raises(NotApplicable, match="Android 16"):
        await look(missing)


async def test_a_refusal_says_what_the_mode_needs() -> None:
    with pytest.raises(NotRun, match="factory reset"):
        await look(result(stderr="Error: not in trade-in mode\n", exit_code=1), tries=1)


def test_a_phone_in_trade_in_mode_is_identified_by_its_status() -> None:
    identity = read_trade_in_identity(out.TRADE_IN)
    assert identity is not None
    assert (identity.serial, identity.model, identity.imeis) == (
        "BENCH0001",
        "B 1",
        ("004400152020002", "004400152020010"),
    )


@pytest.mark.parametrize("text", ["", "{", "error: closed", '{"a": 1}', "[1]"])
def test_what_is_no_status_identifies_nobody(text: str) -> None:
    assert read_trade_in_identity(text) is None


def test_a_locked_phone_is_known_to_be_there_without_a_name() -> None:
    identity = read_trade_in_identity(out.TRADE_IN_LOCKED)
    assert identity is not None
    assert (identity.serial, identity.imeis) == ("", ())
