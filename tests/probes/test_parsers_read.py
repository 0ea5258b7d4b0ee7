"""What each parser reads from the shapes that phones print."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import outputs_screen as screen
import phone_outputs as out
import pytest
from probe_bench import LOADED


def facts(kind: str, text: str) -> dict[str, Any]:
    return LOADED.parsers[kind].parse(text.encode()).facts


def problems(kind: str, text: str) -> dict[str, str]:
    return {one.what: one.why for one in LOADED.parsers[kind].parse(text.encode()).problems}


# getprop


def test_a_property_of_several_lines_is_one_property() -> None:
    read = facts("getprop", out.GETPROP)
    assert read["prop_count"] == out.GETPROP.count("]: [")
    assert read["platform"] == "zx80"


def test_properties_become_texts_flags_and_numbers() -> None:
    read = facts("getprop", out.GETPROP)
    assert read["sdk"] == 34
    assert read["flash_locked"] is True
    assert read["debuggable"] is False
    assert read["bootloader"] == "unknown"
    assert read["security_patch"] == "2024-01-05"


def test_the_first_name_with_a_value_counts() -> None:
    text = "[ro.product.model]: []\n[ro.product.vendor.model]: [Vendor One]\n[ro.boot.serialno]: [00012]\n"
    assert facts("getprop", text)["model"] == "Vendor One"
    assert facts("getprop", text)["serialno"] == "00012"


def test_a_property_that_was_cut_is_a_problem_and_no_fact() -> None:
    read = LOADED.parsers["getprop"].parse(b"[ro.build.type]: [user]\n[ro.product.model]: [Bench O")
    assert "model" not in read.facts
    assert read.facts["prop_count"] == 2
    assert [problem.what for problem in read.problems] == ["ro.product.model"]


def test_a_cut_property_does_not_swallow_the_next_one() -> None:
    assert facts("getprop", "[ro.serialno]: [AB\n[ro.build.type]: [eng]\n")["build_type"] == "eng"


def test_a_flag_in_unknown_words_is_a_problem() -> None:
    assert "flash_locked" in problems("getprop", "[ro.boot.flash.locked]: [maybe]\n")


# batteries


def test_the_battery_dump_gives_numbers_flags_and_tenths() -> None:
    read = facts("battery", out.BATTERY)
    assert (read["ac"], read["usb"], read["dock"]) == (False, True, False)
    assert (read["level"], read["status"], read["health"], read["voltage_mV"]) == (54, 2, 2, 3870)
    assert read["temperature_C"] == Decimal("28.7")
    assert read["charge_counter_uAh"] == 2155000


def test_samsung_fields_are_read_and_older_values_in_event_logs_are_not() -> None:
    read = facts("battery", out.SAMSUNG_BATTERY)
    assert (read["samsung_asoc_pct"], read["samsung_usage_raw"]) == (93, 41250)
    assert (read["samsung_llb_cal"], read["samsung_first_use"]) == ("2024-02-29", "2024-03-10")
    assert (read["voltage_mV"], read["charge_counter_uAh"], read["level"]) == (4330, 2967000, 100)


@pytest.mark.parametrize(("printed", "percent"), [("91", 91), ("100.00", 100), ("[95.32]", Decimal("95.32"))])
def test_samsungs_second_health_figure_is_read_whole_and_with_hundredths(printed: str, percent: Decimal) -> None:
    assert facts("battery", f"  level: 80\n  mSavedBatteryBsoh: {printed}\n")["samsung_bsoh_pct"] == percent


def test_motors_are_read_from_every_form_of_the_vibrator_managers_dump() -> None:
    assert facts("vibrator", screen.VIBRATOR_MANAGER)["motors"] == [0, 1]
    assert facts("vibrator", screen.VIBRATOR_BLOCKS)["motors"] == [0, 1]


def test_the_order_of_keys_and_blanks_in_a_biometric_count_do_not_matter() -> None:
    turned = '{ "prints": [{"accept":3,"count":2,"id":0}], "service": "Fingerprint Manager" }\n'
    read = facts("fingerprint", turned)
    assert (read["enrolled_user0"], read["accept_user0"], read["services"]) == (2, 3, ["Fingerprint Manager"])


def test_a_battery_log_alone_states_nothing() -> None:
    assert facts("battery", "[EventLogBuffer]\n  level: 3\n  voltage: 3300\n") == {}


@pytest.mark.parametrize("volts", ["4", "999"])
def test_a_voltage_in_a_doubtful_unit_is_left_out_with_the_temperature(volts: str) -> None:
    text = out.BATTERY.replace("voltage: 3870", f"voltage: {volts}")
    assert not {"voltage_mV", "temperature_C"} & set(facts("battery", text))
    assert "unit is in doubt" in problems("battery", text)["voltage_mV"]


def test_a_voltage_of_zero_stays_zero() -> None:
    assert facts("battery", "voltage: 0\ntemperature: 0\n") == {"voltage_mV": 0, "temperature_C": Decimal(0)}


def test_names_without_a_blank_after_the_colon_and_in_another_case_are_told_apart() -> None:
    assert facts("battery", "voltage:4177\ncharge counter: 5\nCharge counter: 6\n") == {
        "voltage_mV": 4177,
        "charge_counter_uAh": 6,
    }


def test_words_where_a_number_belongs_are_a_problem() -> None:
    assert facts("battery", "level: acht\n") == {}
    assert "'acht'" in problems("battery", "level: acht\n")["level"]


def test_a_number_too_long_to_be_one_is_a_problem() -> None:
    assert facts("battery", f"level: {'9' * 5000}\n") == {}


def test_two_lines_of_current_are_two_facts() -> None:
    read = facts("batteryproperties", out.BATTERYPROPERTIES)
    assert (read["current_now_first"], read["current_now_second"]) == (-412345, -412)
    assert (read["temperature_C"], read["full_charge_uAh"], read["usb"]) == (Decimal("26.8"), 2950000, True)


def test_the_health_hal_states_full_and_design_charge() -> None:
    read = facts("batteryproperties", out.HEALTH_HAL)
    assert (read["hal_full_charge_uAh"], read["hal_full_design_uAh"]) == (4550000, 5000000)
    assert (read["hal_cycle_count"], read["cycle_count"]) == (211, 211)
    assert "current_now_second" not in read


def test_learned_capacities_are_whole_numbers() -> None:
    read = facts("batterystats", out.BATTERYSTATS)
    assert (read["estimated_capacity_mAh"], read["min_learned_mAh"], read["max_learned_mAh"]) == (4380, 3999, 4100)
    assert (read["power_use_capacity_mAh"], read["computed_drain_mAh"]) == (5000, Decimal("61.5"))
    assert read["discharge_amount_pct"] == 12


def test_the_check_in_form_states_its_version_only() -> None:
    assert facts("batterystats", out.BATTERYSTATS_CHECKIN) == {"checkin_version": 36}


def test_a_supply_keeps_its_sign_and_an_empty_value_states_nothing() -> None:
    read = facts("power_supply", out.POWER_SUPPLY)
    assert (read["current_now_uA"], read["temperature_C"], read["present"]) == (-256000, Decimal("-1.5"), True)
    assert "serial_number" not in read


def test_of_several_supplies_the_battery_counts_and_of_a_repeated_key_the_first() -> None:
    read = facts("power_supply", out.POWER_SUPPLIES)
    assert (read["name"], read["capacity_pct"], read["present"]) == ("battery", 50, True)
    assert "current_now_uA" not in read
    assert "online" not in read


def test_supplies_printed_with_their_paths_are_read() -> None:
    text = "".join(f"/sys/class/power_supply/x/uevent:{line}" for line in out.POWER_SUPPLIES.splitlines(keepends=True))
    assert facts("power_supply", text) == facts("power_supply", out.POWER_SUPPLIES)


# sensors and cameras


def test_listed_sensors_are_named_and_missing_ones_are_absent_when_the_list_is_whole() -> None:
    read = facts("sensorservice", out.SENSORS)
    assert read["accelerometer"] == "ACC-7 Accelerometer|BenchSense"
    assert read["pressure"] == "absent"
    assert (read["hw_total"], read["list_count"]) == (5, 6)


def test_a_software_sensor_of_android_itself_does_not_count_as_a_part() -> None:
    assert facts("sensorservice", out.SENSORS)["step_counter"] == "absent"


def test_a_cut_list_says_nothing_of_sensors_that_were_not_reached() -> None:
    read = facts("sensorservice", out.SENSORS.partition("0x00000004)")[0] + "0x00000004) ALS-7 Li")
    assert "light" not in read
    assert "pressure" not in read
    assert read["list_count"] == 4
    assert read["accelerometer"].startswith("ACC-7")


def test_an_entry_that_lost_its_type_is_not_called_absent() -> None:
    text = out.SENSORS.replace(" | type: android.sensor.light(5)", "")
    assert "light" not in facts("sensorservice", text)


def test_a_phone_without_sensors_says_so() -> None:
    read = facts("sensorservice", out.NO_SENSORS)
    assert read["sensor_service_ok"] is False
    assert (read["hw_total"], read["list_count"], read["gyroscope"]) == (0, 0, "absent")


def test_the_old_table_goes_by_names() -> None:
    read = facts("sensorservice", out.OLD_SENSORS)
    assert read["magnetometer"] == "MAG-1 Magnetic field sensor|BenchMag"
    assert (read["proximity"], read["gyroscope"]) == ("ALS-1 Proximity sensor|BenchLight", "absent")
    assert (read["hw_total"], read["list_count"]) == (3, 3)


def test_the_table_of_android_5_goes_by_types() -> None:
    read = facts("sensorservice", out.LOLLIPOP_SENSORS)
    assert read["proximity"] == "PRX-5 Cover|BenchLight"
    assert read["light"] == "absent"


def test_cameras_died_clients_and_traces_are_counted() -> None:
    read = facts("media_camera", out.CAMERA)
    assert (read["camera_count"], read["died_client_events"], read["error_traces"]) == (2, 1, 0)
    assert read["facings"] == ["back", "front"]
    assert read["providers"] == ["legacy/0 (2)"]


def test_a_camera_service_without_a_hal_says_so_and_counts_nothing() -> None:
    read = facts("media_camera", out.NO_CAMERA_HAL)
    assert read["no_hal"] is True
    assert "died_client_events" not in read


# radio


def test_a_network_name_with_commas_and_field_names_is_read_whole() -> None:
    read = facts("wifi", out.WIFI)
    assert (read["ssid"], read["bssid"]) == ("Bench, BSSID: 02:aa, AP", "02:00:00:00:00:06")
    assert (read["rssi_dBm"], read["link_speed_Mbps"], read["frequency_MHz"]) == (-47, 433, 5180)


def test_fields_between_the_known_ones_do_not_matter_and_quotes_are_taken_off() -> None:
    read = facts("wifi", out.WIFI_MODERN)
    assert (read["ssid"], read["rssi_dBm"], read["frequency_MHz"]) == ("Bench AP", -61, 6135)


def test_wifi_that_is_off_has_no_signal_and_no_speed() -> None:
    assert facts("wifi", out.WIFI_OFF) == {
        "enabled": False,
        "mac": "02:00:00:00:00:00",
        "supplicant_state": "UNINITIALIZED",
        "connected": False,
    }


def test_named_and_positional_signal_give_the_same_kind_of_fact() -> None:
    named, positional = (
        facts("telephony_registry", out.TELEPHONY),
        facts("telephony_registry", out.TELEPHONY_POSITIONAL),
    )
    assert (named["phones"], named["phone0_lte_rsrp_dBm"], named["phone0_operator"]) == (2, -93, "Bench Mobile")
    assert (positional["phone0_lte_rsrp_dBm"], positional["phone0_gsm_asu"]) == (-101, 12)
    assert (positional["phone0_voice_reg"], positional["phone0_data_reg"]) == (0, 1)
    assert "phone0_gsm_asu" not in named


def test_markers_of_unknown_signal_and_empty_operators_state_nothing() -> None:
    read = facts("telephony_registry", out.TELEPHONY)
    assert (read["phone1_call_state"], read["phone1_voice_reg"]) == (2, 1)
    assert not {"phone1_gsm_asu", "phone1_lte_rsrp_dBm", "phone1_operator"} & set(read)


def test_the_form_without_phone_id_is_one_phone_whose_second_number_is_not_read() -> None:
    read = facts("telephony_registry", out.TELEPHONY_OLD)
    assert (read["phones"], read["phone0_voice_reg"], read["phone0_gsm_asu"]) == (1, 0, 17)
    assert "phone0_data_reg" not in read


def test_features_are_there_or_not() -> None:
    read = facts("pm_features", out.FEATURES)
    assert (read["has_telephony"], read["has_nfc"], read["feature_count"]) == (True, False, 6)
    assert read["gl_es"] == 0x30002


# storage and memory


def test_df_reads_the_row_of_data_only_in_blocks() -> None:
    read = facts("df", out.DF)
    assert (read["data_blocks_1K"], read["data_use_pct"], read["data_device"]) == (113300000, 80, "/dev/block/dm-5")
    assert facts("df", "Filesystem  Size Used Free Blksize\n/data 56G 1G 55G 4096\n") == {}
    assert facts("df", out.DF.replace("1K-blocks", "512-blocks")) == {}


def test_df_reads_a_row_that_was_broken_after_the_device() -> None:
    assert facts("df", out.DF_WRAPPED)["data_avail_1K"] == 9000000


def test_df_without_its_heading_is_not_guessed_at() -> None:
    assert facts("df", out.DF.split("\n", 1)[1]) == {}


def test_diskstats_reads_each_partition() -> None:
    read = facts("diskstats", out.DISKSTATS)
    assert (read["latency_ms"], read["recent_write_kBps"]) == (3, 51234)
    assert (read["data_free_K"], read["data_free_pct"], read["system_total_K"]) == (22660000, 20, 2000000)
    assert read["file_based_encryption"] is True


def test_meminfo_takes_the_first_of_a_name() -> None:
    assert facts("meminfo", out.MEMINFO)["MemTotal_kB"] == 7850652


# input


def test_keys_of_each_device_are_listed_over_several_lines() -> None:
    devices = facts("getevent", out.GETEVENT_NUMERIC)["device_list"]
    assert devices[0]["keys"] == ["0035", "0072", "0073", "0160", "0161", "0162", "0163", "0164"]
    assert devices[0]["held"] == ["0073"]


def test_the_touch_device_is_the_one_with_contacts_not_the_one_called_touch() -> None:
    read = facts("getevent", out.GETEVENT_LIVE)
    assert (read["touch_device"], read["touch_name"], read["tracking_id"]) == ("/dev/input/event5", "panel", 42)


def test_without_events_the_axes_decide_and_a_key_code_is_no_axis() -> None:
    assert facts("getevent", out.GETEVENT_LISTING)["touch_device"] == "/dev/input/event2"
    assert facts("getevent", out.GETEVENT_NUMERIC)["touch_device"] == "/dev/input/event2"


def test_events_of_android_2_carry_their_time_with_a_dash() -> None:
    assert (
        facts("getevent", "1234-567890: /dev/input/event1: 0003 0035 00000100\n")["touch_device"] == "/dev/input/event1"
    )


# crashes


def test_the_first_crash_of_a_tombstone_counts_and_its_message_is_not_a_signal() -> None:
    read = facts("tombstone", out.TOMBSTONE)
    assert (read["pid"], read["tid"], read["signal"], read["code"]) == (898, 901, 6, -1)
    assert read["process"] == "/vendor/bin/hw/android.hardware.camera.provider@2.7-service"
    assert read["abi"] == "arm64"


def test_a_tombstone_inside_a_log_is_read_and_the_lines_around_it_are_not() -> None:
    read = facts("tombstone", out.TOMBSTONE_IN_LOG)
    assert (read["abi"], read["signal"], read["code"]) == ("arm", 11, 2)
    assert read["fingerprint"] == "bench/one/one:13/X/1:user/release-keys"


def test_a_signal_with_a_name_in_brackets_keeps_its_code() -> None:
    read = facts("tombstone", "signal 35 (<debuggerd signal>), code -1 (SI_QUEUE from pid 1, uid 0), fault addr 0\n")
    assert (read["signal"], read["code"]) == (35, -1)


def test_an_old_tombstone_has_no_code() -> None:
    read = facts("tombstone", out.TOMBSTONE_OLD)
    assert (read["process"], read["signal"]) == ("/system/bin/mediaserver", 11)
    assert "code" not in read


def test_the_drop_box_lists_time_and_tag() -> None:
    entries = facts("dropbox", out.DROPBOX)["entries"]
    assert len(entries) == 6
    assert entries[0] == {"time": "2023-11-13 10:00:00", "tag": "SYSTEM_TOMBSTONE"}


def test_the_crash_log_names_processes() -> None:
    events = facts("crash_log", out.CRASH_LOG)["events"]
    assert [event["kind"] for event in events] == ["java", "native", "native"]
    assert events[0]["process"] == "com.bench.app"
    assert facts("crash_log", "--------- beginning of crash\n") == {"events": []}


# identity


def test_an_imei_in_a_parcel_is_read_and_the_print_beside_it_is_not() -> None:
    assert facts("iphonesubinfo", out.PARCEL) == {
        "device_id": out.PARCEL_IMEI,
        "imei": out.PARCEL_IMEI,
        "device_id_type": "IMEI",
    }


def test_an_exception_or_a_cut_parcel_is_no_device_id() -> None:
    assert facts("iphonesubinfo", out.PARCEL_REFUSED) == {}
    assert "0xffffffff" in problems("iphonesubinfo", out.PARCEL_REFUSED)["device_id"]
    assert facts("iphonesubinfo", out.PARCEL.rsplit("  0x00000020", 1)[0]) == {}


def test_a_parcel_on_one_line_is_read_too() -> None:
    assert facts("iphonesubinfo", "Result: Parcel(00000000 00000002 00350034 'x5.4.5')\n")["device_id"] == "45"


def test_a_meid_is_told_from_an_imei() -> None:
    read = facts("iphonesubinfo", out.IPHONESUBINFO)
    assert (read["phone_type"], read["device_id_type"]) == ("CDMA", "MEID")
    assert "imei" not in read


def test_a_refused_imei_is_a_problem() -> None:
    assert facts("phone_imei", f"Device IMEI: {out.PARCEL_IMEI}\n") == {"imei": out.PARCEL_IMEI}
    assert "Permission denied" in problems("phone_imei", "Device IMEI: Permission denied.\n")["imei"]


def test_a_search_for_su_that_was_cut_does_not_say_that_there_is_none() -> None:
    assert facts("su_search", "searched\n") == {"su_present": False, "su_places": []}
    assert facts("su_search", "") == {}
    assert facts("su_search", "found /sbin/su\n")["su_present"] is True
