"""What the parsers of battery, charging and heat read, on outputs of the shapes that phones print."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import outputs_power as out
import phone_outputs as old
import pytest
from probe_bench import LOADED

from probes.battery_dates import day


def parsed(kind: str, text: str) -> Any:
    return LOADED.parsers[kind].parse(text.encode())


def facts(kind: str, text: str) -> dict[str, Any]:
    return dict(parsed(kind, text).facts)


def test_the_thermal_service_gives_status_counts_and_the_sensors_as_they_are_now() -> None:
    read = facts("thermalservice", out.THERMALSERVICE)
    assert (read["thermal_status"], read["hal_ready"], read["status_override"]) == (1, True, False)
    assert (read["cached_count"], read["current_count"]) == (2, 5)
    assert read["sensors"][0] == {"name": "case top", "type": 3, "status": 1, "value": Decimal("37.4")}
    assert read["cooling"] == [{"name": "thermal-cpufreq-0", "type": 2, "value": 1}]


def test_a_sensor_that_gives_no_number_has_no_value() -> None:
    modem = facts("thermalservice", out.THERMALSERVICE)["sensors"][2]
    assert modem == {"name": "modem", "type": 12, "status": 0}


def test_without_the_heading_there_is_no_count_and_not_a_count_of_zero() -> None:
    assert facts("thermalservice", "Thermal Status: 0\n") == {"thermal_status": 0}


def test_marks_for_not_available_are_no_temperatures() -> None:
    read = facts("hardware_properties", out.HARDWARE_PROPERTIES)
    assert read["cpu_temps_C"] == [Decimal("41.5"), Decimal("43.0")]
    assert (read["gpu_temp_C"], read["skin_temp_C"], read["skin_throttling_C"]) == (
        Decimal("39.1"),
        Decimal("33.5"),
        Decimal("33.0"),
    )
    assert "battery_temp_C" not in read


def test_an_empty_list_of_temperatures_states_nothing() -> None:
    assert facts("hardware_properties", "Skin temperatures: []\nCPU temperatures: []\n") == {}


def test_something_else_in_a_list_of_temperatures_is_a_problem() -> None:
    read = parsed("hardware_properties", "GPU temperatures: [warm]\n")
    assert not read.facts
    assert read.problems[0].what == "gpu_temp_C"


@pytest.mark.parametrize(
    ("text", "silent", "broken"),
    [(out.THERMAL_ZONES, "modem-pa", "xo-therm"), (out.THERMAL_DUMP, "rf_therm", "xo_therm")],
)
def test_zones_are_told_apart_by_what_they_say(text: str, silent: str, broken: str) -> None:
    read = facts("thermal_zones", text)
    assert read["temperatures_C"] == {"battery": Decimal("31.4")}
    assert (read["silent_zones"], read["open_zones"], read["unclear_zones"]) == ([silent], [broken], ["soc"])
    assert read["zones"] == 4


def test_the_trade_in_status_is_read_with_parts_hinge_and_dates() -> None:
    read = facts("trade_in", out.TRADE_IN)
    assert (read["battery_cycles"], read["battery_health_pct"], read["battery_manufactured"]) == (212, 91, "2023-08-01")
    assert "battery_first_use" not in read  # 0: never set
    assert read["screens"] == ["original", "replaced"]
    assert read["hinges"] == [{"folded": 5000, "rated": 200000}]
    assert (read["storage_bytes"], read["moisture_intrusion"]) == (256_000_000_000, False)
    assert read["other_keys"] == ["uiccs"]


def test_a_locked_phone_tells_its_lock_and_nothing_else() -> None:
    assert facts("trade_in", out.TRADE_IN_LOCKED) == {"factory_reset_protection": True}


@pytest.mark.parametrize(
    "text",
    [
        "{" * 50_000,
        '{"locks":' * 20_000,
        '{"locks": {"factory_reset_protection": NaN}}',
        '{"locks": {"factory_reset_protection": false}',
        '["locks"]',
        '{"serial": 7, "imeis": {"a": 1}, "locks": [], "battery": "full", "screen": {"screens": [3]}}',
        '{"battery": {"cycle_count": true, "health": 1e400, "state": "2x"}}',
    ],
)
def test_hostile_json_states_nothing(text: str) -> None:
    assert facts("trade_in", text) == {}


def test_battery_properties_are_read_from_their_parcels() -> None:
    read = facts("battery_property", out.BATTERY_PROPERTY)
    assert (read["manufactured"], read["charging_policy"]) == ("2023-11-21", "long life")
    assert (read["state_of_health_pct"], read["part_status"], read["cycle_count"]) == (91, "replaced", 212)
    assert read["serial"] == "ABC12534"
    assert "first_use" not in read


def test_a_refused_property_says_so_and_an_unsupported_one_is_left_out() -> None:
    read = parsed("battery_property", out.BATTERY_PROPERTY_REFUSED)
    assert not read.facts
    assert [problem.what for problem in read.problems] == ["state_of_health_pct"]


def test_before_android_14_every_property_is_unread_for_that_reason() -> None:
    read = parsed("battery_property", out.BATTERY_PROPERTY_OLD)
    assert not read.facts
    assert {"part_status", "serial"} <= {problem.what for problem in read.problems}


def test_of_the_makers_files_the_first_that_speaks_counts_and_is_named() -> None:
    read = facts("battery_nodes", out.BATTERY_NODES)
    assert (read["soh_pct"], read["node_soh_pct"]) == (93, "/sys/class/oplus_chg/battery/battery_soh")
    assert (read["cycle_count"], read["full_mAh"], read["design_mAh"]) == (318, 4410, 4870)
    assert read["manufactured"] == "2023-03-15"


def test_googles_files_give_time_warm_and_full_and_the_last_charger() -> None:
    rows = facts("battery_health", out.SWELLING)["swelling"]
    assert rows[1] == {"temperature_C": 40, "charge_pct": 95, "charging_s": 3600, "discharging_s": 7200}
    assert facts("battery_health", out.CHARGE_DETAILS) == {"adapter": "USB_PD_PPS"}
    assert facts("battery_health", out.HEALTH_INDEX) == {"index_rows": 2}


def test_the_health_hal_of_android_15_tells_part_dates_and_serial() -> None:
    text = (
        "getHealthInfo -> HealthInfo{batteryCycleCount: 7, batteryHealthData: BatteryHealthData{"
        "batteryManufacturingDateSeconds: 1690848000, batteryFirstUsageSeconds: 0, batteryStateOfHealth: 97, "
        "batterySerialNumber: SN 12-3, batteryPartStatus: ORIGINAL}}\n"
    )
    assert facts("batteryproperties", text) == {
        "hal_cycle_count": 7,
        "hal_manufactured": "2023-08-01",
        "hal_state_of_health_pct": 97,
        "hal_serial": "SN 12-3",
        "hal_part_status": "original",
    }


def test_a_hal_without_health_data_states_none_of_it() -> None:
    text = "getHealthInfo -> HealthInfo{batteryCycleCount: 60, batteryHealthData: (null)}\n"
    assert facts("batteryproperties", text) == {"hal_cycle_count": 60}


def test_consumers_times_and_wake_locks_of_the_older_form() -> None:
    read = facts("battery_drain", out.DRAIN)
    assert (read["on_battery_s"], read["awake_s"]) == (93600, Decimal("10800.5"))
    assert (read["discharged_mAh"], read["screen_off_mAh"], read["wakelock_s"]) == (1500, 600, Decimal("7200.02"))
    assert [one["who"] for one in read["apps"]] == ["u0a16", "1000", "u11a106"]
    assert read["apps"][2]["mAh"] == Decimal("0.5")
    assert read["parts"][0] == {"who": "Bluetooth", "mAh": 10985}
    assert read["kernel_locks"][0] == {"name": "PowerManagerService.WakeLocks", "s": Decimal("3723.004"), "times": 51}
    assert read["kernel_locks"][1]["name"] == "ipc: alarm"
    assert read["locks"] == [{"name": "u0a16 *job*/bench.app/.Sync", "s": 720, "times": 9}]


def test_consumers_of_android_12_and_later() -> None:
    read = facts("battery_drain", out.DRAIN_NEW)
    assert [(one["who"], one["mAh"]) for one in read["apps"]] == [("u0a123", Decimal("50.5")), ("1000", 25)]
    assert [one["who"] for one in read["parts"]] == ["mobile_radio", "screen"]


@pytest.mark.parametrize(
    ("text", "discharged", "used"),
    [(out.DRAIN_ARABIC, "123.5", "0.79"), (out.DRAIN_COMMA, "30.1", "0.79")],
)
def test_numbers_in_the_phones_own_language_are_read(text: str, discharged: str, used: str) -> None:
    read = facts("battery_drain", text)
    assert (read["discharged_mAh"], read["apps"][0]["mAh"]) == (Decimal(discharged), Decimal(used))


def test_packages_that_share_a_user_id_stand_together() -> None:
    assert facts("package_uids", out.PACKAGE_UIDS)["uids"]["10016"] == ["bench.app", "bench.two"]


FROZEN = old.BATTERY.replace("state:\n", "state:\n  (UPDATES STOPPED -- use 'reset' to restart)\n")


def test_battery_values_that_a_tool_has_frozen_are_as_printed_and_said_to_be_frozen() -> None:
    read = parsed("battery", FROZEN)
    assert (read.facts["updates_stopped"], read.facts["level"]) == (True, 54)
    assert "frozen" in read.problems[0].why
    assert "updates_stopped" not in facts("battery", old.BATTERY)


@pytest.mark.parametrize("mark", ["-2147483648", "2147483647"])
def test_a_temperature_that_no_driver_has_set_is_none(mark: str) -> None:
    read = parsed("battery", old.BATTERY.replace("temperature: 287", f"temperature: {mark}"))
    assert "temperature_C" not in read.facts
    assert read.problems[0].what == "temperature_C"


def test_supplies_are_told_apart_and_a_repeated_key_counts_once() -> None:
    read = facts("charge_supplies", out.CHARGE_SUPPLIES)
    assert [one["name"] for one in read["supplies"]] == ["battery", "usb"]
    assert read["supplies"][1]["type"] == "USB"
    assert (read["orientation"], read["operation_mode"]) == ("reverse", "usb_power_delivery")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (1690848000, "2023-08-01"),
        ("20230801", "2023-08-01"),
        ("2023-08-01", "2023-08-01"),
        (0, None),
        ("00000000", None),
        ("99999999", None),
        ("20231301", None),
        (True, None),
        (-5, None),
        (10**30, None),
        ("", None),
        (None, None),
    ],
)
def test_a_batterys_date_is_a_date_or_nothing(value: object, found: str | None) -> None:
    assert day(value) == found
