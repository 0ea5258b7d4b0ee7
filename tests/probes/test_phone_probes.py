"""What each probe measures on a good phone and on a bad one, and what it says when it may not look."""

from __future__ import annotations

from decimal import Decimal

import phone_outputs as out
import pytest
from probe_bench import LOADED, Readings, ScriptedBench, no_answer, result, run, run_on

from drivers.api import NoAnswer
from probes.api import NotApplicable, NotRun

MAIN_READS = {
    "android.identity": "getprop",
    "android.os-integrity": "getprop",
    "android.battery-health": "battery",
    "android.battery-electrical": "battery",
    "android.crashes": "getprop",
    "android.storage-space": "df",
    "android.sensors": "sensorservice",
    "android.cameras": "media-camera",
    "android.wifi": "wifi",
    "android.sim": "getprop",
}
GETPROP = {"getprop": out.GETPROP}

REFUSALS = [
    result("Permission Denial: can't dump Xyz from from pid=1, uid=2000\n"),
    result(stderr="java.lang.SecurityException: Neither user 2000 nor current process has android.permission.DUMP.\n"),
]


def prop(name: str, value: str) -> str:
    """The properties with one of them changed."""
    lines = [line for line in out.GETPROP.splitlines() if not line.startswith(f"[{name}]")]
    return "\n".join([*lines, f"[{name}]: [{value}]", ""])


# What holds for all of them


@pytest.mark.parametrize("probe_id", MAIN_READS)
async def test_a_main_read_that_is_not_whole_is_a_trouble_of_the_bench(probe_id: str) -> None:
    cut = result(out.GETPROP, failure=no_answer())
    with pytest.raises(NoAnswer):
        await run(probe_id, {MAIN_READS[probe_id]: cut})


@pytest.mark.parametrize("probe_id", MAIN_READS)
@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_refusal_is_told_with_what_to_switch_on_and_measures_nothing(probe_id: str, refusal: object) -> None:
    reads = LOADED.probes[probe_id].reads
    readings = await run(probe_id, {read.name: refusal for read in reads})  # type: ignore[misc]
    assert not readings.measured
    told = [one.reason for one in readings.unread.values() if "Security settings" in one.reason.en]
    assert told
    assert "USB 调试（安全设置）" in told[0].zh


@pytest.mark.parametrize("probe_id", MAIN_READS)
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (result(stderr="Can't find service: xyz\n"), "no such service"),
        (result(""), "printed nothing"),
        (result("*** SERVICE 'xyz' DUMP TIMEOUT (10000ms) EXPIRED ***\n"), "did not answer its own dump"),
        (result("bonjour\n"), "no known format"),
    ],
)
async def test_silence_a_missing_service_and_nonsense_measure_nothing(
    probe_id: str, answer: object, words: str
) -> None:
    reads = [read.name for read in LOADED.probes[probe_id].reads if read.name != "crash-log"]
    readings = await run(probe_id, dict.fromkeys(reads, answer))  # type: ignore[misc]
    assert not readings.measured
    assert any(words in one.reason.en for one in readings.unread.values())


@pytest.mark.parametrize("probe_id", MAIN_READS)
async def test_every_secondary_source_may_fail_alone(probe_id: str) -> None:
    good = {"getprop": out.GETPROP, "battery": out.BATTERY, "df": out.DF, "sensorservice": out.SENSORS}
    good |= {"media-camera": out.CAMERA, "wifi": out.WIFI}
    answers: dict[str, object] = {read.name: result(failure=no_answer()) for read in LOADED.probes[probe_id].reads}
    answers[MAIN_READS[probe_id]] = good[MAIN_READS[probe_id]]
    readings = await run(probe_id, answers)  # type: ignore[arg-type]
    assert readings.measured
    assert all("no answer → replug" in one.reason.en or one.reason for one in readings.unread.values())


async def test_a_phone_full_of_escape_sequences_and_markup_gives_safe_texts() -> None:
    text = prop("ro.product.model", "\x1b[31m[/oops]\u202e")
    assert (await run("android.identity", {"getprop": text})).value("model") == "␛[31m[/oops]"


HOSTILE_ANSWERS = {
    "getprop": prop("init.svc.camera\x1b", "restarting").replace("]: [", "]: [\x1b\u202e"),
    "battery": out.BATTERY.replace("Li-ion", "\x1bLi"),
    "sensorservice": out.SENSORS.replace("Sense", "\x1b\u202e"),
    "media-camera": out.CAMERA.replace("legacy/0", "\x1blegacy/0"),
    "wifi": out.WIFI.replace("COMPLETED", "COM\x1b"),
    "telephony-registry": out.TELEPHONY.replace("Bench Mobile", "\x1bBench"),
    "crash-log": out.CRASH_LOG.replace("/vendor", "\x1b/vendor"),
    "clock": out.CLOCK,
    "dropbox": "\x1b]0;Permission denied\x07\n",
    "df": "\x1b[2Jbonjour\n",
}


@pytest.mark.parametrize("probe_id", MAIN_READS)
async def test_nothing_that_a_phone_prints_reaches_a_reader_as_a_control_character(probe_id: str) -> None:
    names = {read.name for read in LOADED.probes[probe_id].reads}
    readings = await run(probe_id, {name: text for name, text in HOSTILE_ANSWERS.items() if name in names})
    shown = [text for one in readings.unread.values() for text in (*one.reason, one.source)]
    for one in readings.measured.values():
        shown += [*one.value, one.source] if isinstance(one.value, tuple) else [str(one.value), one.source]
    assert shown
    assert not [text for text in shown if not text.isprintable() or "\u202e" in text]


# identity

IDENTITY = {
    "getprop": out.GETPROP,
    "phone-imei-1": "Device IMEI: Permission denied.\n",
    "iphonesubinfo": out.PARCEL,
    "df": out.DF,
    "meminfo": out.MEMINFO,
}


async def test_a_phone_that_calls_by_its_second_slot_is_not_taken_for_another() -> None:
    second = out.PARCEL.replace("00390038 00000035", "00390039 00000033").replace("8.9.5", "9.9.3")
    both = {"iphonesubinfo": second, "iphonesubinfo-1": out.PARCEL, "iphonesubinfo-2": second}
    readings = await run("android.identity", IDENTITY | both)
    assert readings.value("imei1") == out.PARCEL_IMEI
    assert readings.value("imei2") != out.PARCEL_IMEI
    assert "disagreements" not in readings.measured
    readings = await run("android.identity", IDENTITY | both | {"iphonesubinfo-1": out.PARCEL_REFUSED})
    assert "imei1" in readings.unread


async def test_identity_names_the_phone_with_its_sources() -> None:
    readings = await run("android.identity", IDENTITY)
    assert readings.value("serial") == "BENCH0001"
    assert readings.value("imei1") == out.PARCEL_IMEI
    assert readings.measured["imei1"].source.startswith("service call iphonesubinfo")
    assert readings.value("imei_check_digit") is True
    assert readings.value("sources_agree") is True
    assert (readings.value("capacity"), readings.value("memory")) == (Decimal(128), Decimal(7667))
    assert (readings.value("os_version"), readings.value("security_patch")) == ("14", "2024-01-05")
    assert "imei2" in readings.unread


async def test_an_imei_with_a_wrong_check_digit_is_measured_as_wrong() -> None:
    wrong = out.PARCEL.replace("00390038 00000035", "00390038 00000036")
    assert (await run("android.identity", IDENTITY | {"iphonesubinfo": wrong})).value("imei_check_digit") is False


async def test_sources_that_disagree_are_named_and_their_values_are_not() -> None:
    text = prop("ro.boot.serialno", "OTHER9999") + "[persist.radio.imei]: [490154203237518]\n"
    readings = await run("android.identity", IDENTITY | {"getprop": text})
    assert readings.value("sources_agree") is False
    said = " ".join(readings.value("disagreements"))
    assert "getprop ro.serialno ≠ getprop ro.boot.serialno" in said
    assert "iphonesubinfo" in said
    assert not any(value in said for value in ("OTHER9999", "BENCH0001", "490154203237518", out.PARCEL_IMEI))


async def test_a_second_imei_is_read_from_its_own_slot() -> None:
    answers = IDENTITY | {"phone-imei-1": f"Device IMEI: {out.PARCEL_IMEI}\n", "phone-imei-2": "490154203237518\n"}
    readings = await run("android.identity", answers)
    assert (readings.value("imei1"), readings.value("imei2")) == (out.PARCEL_IMEI, "490154203237518")
    assert readings.measured["imei1"].source == "cmd phone get-imei 0"


async def test_a_cdma_phone_has_a_meid_instead() -> None:
    readings = await run("android.identity", {"getprop": out.GETPROP, "iphonesubinfo-dump": out.IPHONESUBINFO})
    assert readings.value("meid") == "A10000123456FE"
    assert "*#06#" in readings.unread["imei1"].reason.en


async def test_without_a_stated_size_the_capacity_is_the_size_sold_that_data_fits_into() -> None:
    readings = await run("android.identity", IDENTITY | {"getprop": prop("ro.boot.hardware.ufs", "")})
    assert readings.value("capacity") == 128
    assert "fits into" in readings.measured["capacity"].source


@pytest.mark.parametrize(
    ("ticket", "same"),
    [
        ({"imei": out.PARCEL_IMEI}, True),
        ({"imei": "490154203237518", "serial": "BENCH0001"}, False),
        ({"serial": "BENCH0001"}, True),
        ({"serial": "OTHER9999"}, False),
    ],
)
async def test_the_phone_is_the_one_on_the_ticket_or_is_not(ticket: dict[str, str], same: bool) -> None:
    answers = {name: result(text, name=name) for name, text in IDENTITY.items()}
    readings = await run_on("android.identity", ScriptedBench(answers, ticket=ticket))
    assert readings.value("on_ticket") is same


async def test_a_phone_that_tells_nothing_that_the_ticket_names_is_not_compared() -> None:
    bench = ScriptedBench({"getprop": result(out.GETPROP)}, ticket={"imei": out.PARCEL_IMEI})
    with pytest.raises(NotRun, match="can't be said"):
        await run_on("android.identity", bench)


# os-integrity


async def test_a_locked_phone_is_whole() -> None:
    readings = await run("android.os-integrity", GETPROP | {"su": out.SU_NONE})
    assert readings.value("verified_boot") == "green"
    assert readings.value("bootloader_locked") is True
    assert readings.value("su_present") is False
    assert (readings.value("debuggable"), readings.value("build_tags")) == (False, "release-keys")
    assert readings.value("warranty_bit_tripped") is False


async def test_a_rooted_phone_shows_in_every_sign() -> None:
    text = prop("ro.boot.verifiedbootstate", "orange").replace("[ro.boot.flash.locked]: [1]\n", "")
    text = text.replace("[locked]", "[unlocked]").replace("release-keys", "test-keys")
    text = text.replace("[ro.boot.warranty_bit]: [0]", "[ro.boot.warranty_bit]: [1]")
    readings = await run("android.os-integrity", {"getprop": text, "su": out.SU_FOUND})
    assert readings.value("verified_boot") == "orange"
    assert readings.value("bootloader_locked") is False
    assert readings.value("build_tags") == "test-keys"
    assert readings.value("su_places") == ("/system/xbin/su",)
    assert readings.value("warranty_bit_tripped") is True


async def test_a_search_for_su_that_did_not_end_is_not_a_clean_phone() -> None:
    readings = await run("android.os-integrity", GETPROP | {"su": ""})
    assert "su_present" in readings.unread


# battery


async def health(**answers: str) -> Readings:
    given = {name.replace("_", "-"): text for name, text in answers.items()}
    return await run("android.battery-health", {"battery": out.BATTERY} | given)


async def test_the_gauge_gives_the_state_of_health_against_its_design() -> None:
    readings = await health(power_supply=out.POWER_SUPPLY)
    assert readings.value("state_of_health") == Decimal("91.00")
    assert readings.measured["state_of_health"].source == "sysfs power_supply: CHARGE_FULL / DESIGN"
    assert (readings.value("cycles"), readings.value("full_capacity")) == (211, 4550)
    assert readings.value("design_capacity") == 5000


async def test_samsungs_own_figure_stands_before_the_gauge_and_the_spread_is_shown() -> None:
    readings = await health(battery=out.SAMSUNG_BATTERY, power_supply=out.POWER_SUPPLY.replace("CYCLE_COUNT", "X"))
    assert readings.value("state_of_health") == 93
    assert readings.value("health_sysfs") == Decimal("91.00")
    assert readings.value("source_spread") == Decimal("2.00")
    assert readings.value("cycles") == 412
    assert readings.value("first_use") == "2024-03-10"


async def test_a_worn_battery_is_measured_as_worn_by_every_source_and_nothing_is_averaged() -> None:
    worn = out.POWER_SUPPLY.replace("CHARGE_FULL=4550000", "CHARGE_FULL=3550000")
    readings = await health(power_supply=worn, health_hal=out.HEALTH_HAL, batterystats=out.BATTERYSTATS)
    assert readings.value("health_sysfs") == Decimal("71.00")
    assert readings.value("health_hal") == Decimal("91.00")
    assert readings.value("health_learned") == Decimal("82.00")
    assert readings.value("state_of_health") in (Decimal("91.00"), Decimal("71.00"))
    assert readings.value("source_spread") == Decimal("20.00")
    assert len(readings.value("sources")) == 3


async def test_the_health_file_of_android_14_stands_before_all_others() -> None:
    stated = out.POWER_SUPPLY + "POWER_SUPPLY_X_state_of_health=84\nPOWER_SUPPLY_X_first_usage_date=1710000000\n"
    assert (await health(power_supply=stated)).value("state_of_health") == 84


async def test_two_numbers_in_different_units_are_no_state_of_health() -> None:
    text = out.POWER_SUPPLY.replace("CHARGE_FULL_DESIGN=5000000", "CHARGE_FULL_DESIGN=5000")
    readings = await health(power_supply=text)
    assert "another unit" in readings.unread["state_of_health"].reason.en


async def test_a_gauge_that_says_zero_does_not_count_cycles() -> None:
    readings = await health(power_supply=out.POWER_SUPPLY.replace("CYCLE_COUNT=211", "CYCLE_COUNT=0"))
    assert "does not count" in readings.unread["cycles"].reason.en


async def test_a_small_samsung_usage_is_not_turned_into_cycles() -> None:
    readings = await health(battery=out.SAMSUNG_BATTERY.replace("[41250]", "132"))
    assert "unit is in doubt" in readings.unread["cycles"].reason.en


async def test_a_phone_that_hides_its_gauge_has_no_state_of_health_and_says_why() -> None:
    denied = result(stderr="cat: /sys/class/power_supply/battery/uevent: Permission denied\n", exit_code=1)
    readings = await run("android.battery-health", {"battery": out.BATTERY, "power-supply": denied})
    assert "state_of_health" in readings.unread
    assert "Permission denied" in readings.unread["health_sysfs"].reason.en
    assert "no setting opens it" in readings.unread["health_sysfs"].reason.en


async def test_electrical_values_are_exact_and_in_their_units() -> None:
    answers = {"battery": out.BATTERY, "power-supply": out.POWER_SUPPLY}
    readings = await run("android.battery-electrical", answers)
    assert (readings.value("voltage"), readings.value("temperature")) == (3870, Decimal("28.7"))
    assert (readings.value("current"), readings.value("level")) == (-256, 54)
    assert (readings.value("health"), readings.value("status")) == ("good", "charging")


async def test_an_overheated_battery_says_so() -> None:
    text = out.BATTERY.replace("health: 2", "health: 3").replace("temperature: 287", "temperature: 612")
    readings = await run("android.battery-electrical", {"battery": text})
    assert (readings.value("health"), readings.value("temperature")) == ("overheat", Decimal("61.2"))


async def test_a_current_printed_twice_has_a_sure_unit() -> None:
    answers = {"battery": out.BATTERY, "batteryproperties": out.BATTERYPROPERTIES}
    assert (await run("android.battery-electrical", answers)).value("current") == Decimal("-412.345")


async def test_a_current_too_small_for_microamperes_is_not_measured() -> None:
    supply = out.POWER_SUPPLY.replace("CURRENT_NOW=-256000", "CURRENT_NOW=-256")
    readings = await run("android.battery-electrical", {"battery": out.BATTERY, "power-supply": supply})
    assert "unit is in doubt" in readings.unread["current"].reason.en


async def test_zero_millivolts_are_no_voltage() -> None:
    readings = await run("android.battery-electrical", {"battery": out.BATTERY.replace("3870", "0")})
    assert "0 mV" in readings.unread["voltage"].reason.en


# crashes

CRASHES = {"getprop": out.GETPROP, "clock": out.CLOCK, "dropbox": out.DROPBOX, "crash-log": out.CRASH_LOG}


async def test_crashes_of_the_last_hours_are_counted_and_point_to_a_part() -> None:
    readings = await run("android.crashes", CRASHES)
    assert readings.value("hal_deaths") == 1
    assert readings.value("suspects") == ("camera: /vendor/bin/hw/android.hardware.camera.provider@2.7-service",)
    assert readings.value("kernel_panics") == 1
    assert readings.value("new_crashes") == 3  # one tombstone, one watchdog, one kernel panic
    assert readings.value("app_crashes") == 1


async def test_older_crashes_are_not_new() -> None:
    later = CRASHES | {"clock": "1700600640 2023-11-21 21:04:00\n"}
    readings = await run("android.crashes", later)
    assert (readings.value("new_crashes"), readings.value("hal_deaths")) == (0, 0)
    assert (await run("android.crashes", later, window_h=24 * 14)).value("new_crashes") > 0


async def test_panics_of_which_nobody_kept_a_record_are_unread_and_not_none() -> None:
    refused = "Permission Denial: can't dump DropBox from from pid=1, uid=2000\n"
    answers = CRASHES | {"getprop": "[ro.build.version.sdk]: [28]\n", "dropbox": refused}
    readings = await run("android.crashes", answers)
    assert "refused" in readings.unread["kernel_panics"].reason.en
    assert "hal_deaths" in readings.measured  # the crash log speaks for itself
    kept = CRASHES | {"getprop": "[ro.build.version.sdk]: [28]\n", "dropbox": "Drop box contents: 0 entries\n"}
    assert (await run("android.crashes", kept)).value("kernel_panics") == 0


async def test_a_quiet_phone_has_no_crashes() -> None:
    quiet = prop("persist.sys.boot.reason.history", "reboot,userrequested,1700000300")
    answers = {"getprop": quiet, "clock": out.CLOCK, "dropbox": "Drop box contents: 0 entries\n", "crash-log": ""}
    readings = await run("android.crashes", answers)
    assert (readings.value("new_crashes"), readings.value("kernel_panics")) == (0, 0)
    assert readings.value("abnormal_boot") is False
    assert "suspects" not in readings.measured


async def test_the_larger_of_two_counts_stands_and_both_are_named() -> None:
    readings = await run("android.crashes", CRASHES | {"dropbox": "Drop box contents: 0 entries\n"})
    assert readings.value("new_crashes") == 2
    assert "dumpsys dropbox: 0, logcat -b crash: 1" in readings.measured["new_crashes"].source


async def test_without_the_phones_clock_nothing_is_new_or_old() -> None:
    readings = await run("android.crashes", CRASHES | {"clock": "illegal time format\n"})
    assert "clock" in readings.unread["new_crashes"].reason.en


async def test_a_start_after_a_panic_is_abnormal() -> None:
    text = prop("ro.boot.bootreason", "kernel_panic,null_dereference")
    readings = await run("android.crashes", CRASHES | {"getprop": text})
    assert readings.value("abnormal_boot") is True


# storage


async def test_free_space_is_told_by_df_with_diskstats_beside_it() -> None:
    readings = await run("android.storage-space", {"df": out.DF, "diskstats": out.DISKSTATS})
    assert readings.value("data_free_share") == Decimal("20.0")
    assert readings.value("data_total") == Decimal("108.05")
    assert readings.value("diskstats_free_share") == Decimal("20.0")
    assert readings.value("write_latency") == 3


async def test_a_full_phone_is_measured_as_full() -> None:
    full = "Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/block/dm-5 1000000 990000 10000 99% /data\n"
    assert (await run("android.storage-space", {"df": full})).value("data_free_share") == Decimal("1.0")


async def test_where_df_has_another_form_diskstats_stands_in() -> None:
    toolbox = "Filesystem   Size Used Free Blksize\n/data 56G 1G 55G 4096\n"
    readings = await run("android.storage-space", {"df": toolbox, "diskstats": out.DISKSTATS})
    assert readings.measured["data_free"].source == "dumpsys diskstats: /data"


# sensors


async def test_all_expected_sensors_are_present() -> None:
    readings = await run("android.sensors", {"sensorservice": out.SENSORS})
    assert readings.value("all_expected_present") is True
    assert readings.value("pressure_present") is False
    assert "missing" not in readings.measured


async def test_a_dead_proximity_sensor_is_missing() -> None:
    dead = "".join(line for line in out.SENSORS.splitlines(keepends=True) if "Proximity" not in line)
    readings = await run("android.sensors", {"sensorservice": dead})
    assert readings.value("all_expected_present") is False
    assert readings.value("missing") == ("proximity",)


async def test_a_sensor_that_the_phone_was_built_without_is_not_missing() -> None:
    dead = "".join(line for line in out.SENSORS.splitlines(keepends=True) if "Proximity" not in line)
    others = "".join(f"feature:android.hardware.sensor.{one}\n" for one in ("accelerometer", "gyroscope", "light"))
    readings = await run("android.sensors", {"sensorservice": dead, "features": others})
    assert readings.value("all_expected_present") is True
    assert readings.value("not_built_in") == ("proximity",)
    declared = others + "feature:android.hardware.sensor.proximity\n"
    readings = await run("android.sensors", {"sensorservice": dead, "features": declared})
    assert readings.value("missing") == ("proximity",)
    readings = await run("android.sensors", {"sensorservice": out.NO_SENSORS, "features": "feature:android.x\n"})
    assert "built without" in readings.unread["all_expected_present"].reason.en


async def test_a_cut_list_makes_no_sensor_missing() -> None:
    cut = out.SENSORS.partition("0x00000004)")[0]
    readings = await run("android.sensors", {"sensorservice": cut})
    assert "cut" in readings.unread["all_expected_present"].reason.en
    assert readings.value("gyroscope_present") is True
    assert "proximity_present" in readings.unread


async def test_a_phone_without_sensors_misses_what_is_expected_of_it() -> None:
    readings = await run("android.sensors", {"sensorservice": out.NO_SENSORS}, expected=("accelerometer",))
    assert readings.value("missing") == ("accelerometer",)


# cameras


async def test_cameras_and_their_hal_are_alive() -> None:
    readings = await run("android.cameras", {"media-camera": out.CAMERA, "getprop": out.GETPROP})
    assert (readings.value("cameras"), readings.value("died_clients")) == (2, 1)
    assert readings.value("hal_alive") is True
    assert (readings.value("front_present"), readings.value("back_present")) == (True, True)


async def test_a_camera_hal_that_is_gone_is_dead_and_counts_no_cameras() -> None:
    readings = await run("android.cameras", {"media-camera": out.NO_CAMERA_HAL, "getprop": out.GETPROP})
    assert readings.value("hal_alive") is False
    assert "cameras" in readings.unread


async def test_a_camera_service_that_starts_again_and_again_is_dead() -> None:
    props = prop("init.svc.vendor.camera-provider-2-7", "restarting")
    readings = await run("android.cameras", {"media-camera": out.CAMERA, "getprop": props})
    assert readings.value("hal_alive") is False
    assert "restarting" in readings.measured["hal_alive"].source


async def test_a_lost_front_camera_shows_only_in_a_whole_dump() -> None:
    lost = out.CAMERA.replace("    Facing: Front\n", "")
    assert (await run("android.cameras", {"media-camera": lost})).value("front_present") is False
    cut = lost.partition("== Camera error traces")[0]
    assert "front_present" in (await run("android.cameras", {"media-camera": cut})).unread


@pytest.mark.parametrize(
    ("probe_id", "feature", "answers"),
    [
        ("android.cameras", "camera", {"media-camera": "Number of camera devices: 0\n"}),
        ("android.wifi", "wifi", {"wifi": "Can't find service: wifi\n"}),
        ("android.sim", "telephony", {"getprop": out.GETPROP}),
    ],
)
async def test_what_the_phone_is_built_without_does_not_apply(
    probe_id: str, feature: str, answers: dict[str, str]
) -> None:
    lines = out.FEATURES.splitlines(keepends=True)
    without = "".join(line for line in lines if f"android.hardware.{feature}" not in line)
    with pytest.raises(NotApplicable):
        await run(probe_id, answers | {"features": without})


# wifi


async def test_a_joined_phone_has_signal_band_and_speed() -> None:
    readings = await run("android.wifi", {"wifi": out.WIFI_MODERN})
    assert (readings.value("enabled"), readings.value("connected")) == (True, True)
    assert (readings.value("rssi"), readings.value("frequency"), readings.value("band")) == (-61, 6135, "6 GHz")
    assert readings.value("link_speed") == 1201


async def test_wifi_that_is_off_has_no_signal_to_judge() -> None:
    readings = await run("android.wifi", {"wifi": out.WIFI_OFF})
    assert readings.value("enabled") is False
    assert "turn it on" in readings.unread["rssi"].reason.en


async def test_the_short_status_stands_in_for_a_refused_dump() -> None:
    readings = await run("android.wifi", {"wifi": REFUSALS[0], "wifi-status": out.WIFI_STATUS})
    assert (readings.value("enabled"), readings.value("rssi"), readings.value("band")) == (True, -55, "2.4 GHz")


# sim


async def test_each_slot_says_its_state_operator_and_signal() -> None:
    readings = await run("android.sim", GETPROP | {"telephony-registry": out.TELEPHONY})
    assert (readings.value("slots"), readings.value("ready_slots")) == (2, 1)
    assert (readings.value("slot1_state"), readings.value("slot2_state")) == ("LOADED", "ABSENT")
    assert (readings.value("slot1_operator"), readings.value("slot1_rsrp")) == ("Bench Mobile", -93)
    assert (readings.value("slot1_service"), readings.value("slot2_service")) == ("in_service", "out_of_service")


async def test_a_card_that_is_not_read_is_not_ready() -> None:
    readings = await run("android.sim", {"getprop": prop("gsm.sim.state", "CARD_IO_ERROR,ABSENT")})
    assert readings.value("ready_slots") == 0
    assert readings.value("slot1_state") == "CARD_IO_ERROR"


async def test_a_phone_that_has_not_decided_about_its_card_is_not_judged() -> None:
    readings = await run("android.sim", {"getprop": prop("gsm.sim.state", "UNKNOWN")})
    assert "aeroplane" in readings.unread["ready_slots"].reason.en


@pytest.mark.parametrize(
    ("printed", "millivolts"),
    [("3870", Decimal(3870)), ("3870000", Decimal(3870)), ("7742", Decimal(7742)), ("4205731", Decimal("4205.731"))],
    ids=["millivolts", "microvolts", "two cells", "microvolts to the last"],
)
async def test_a_voltage_is_the_cells_whichever_unit_its_phone_prints(printed: str, millivolts: Decimal) -> None:
    readings = await run("android.battery-electrical", {"battery": out.BATTERY.replace("3870", printed)})
    assert readings.value("voltage") == millivolts


@pytest.mark.parametrize("printed", ["38700", "870000000"])
async def test_a_voltage_that_no_cell_has_in_any_unit_is_not_read(printed: str) -> None:
    readings = await run("android.battery-electrical", {"battery": out.BATTERY.replace("3870", printed)})
    assert printed in readings.unread["voltage"].reason.en


@pytest.mark.parametrize("printed", ["3870000", "3870"], ids=["as the kernel says", "as some makers say"])
async def test_the_kernels_voltage_stands_in_whichever_unit_it_has(printed: str) -> None:
    supply = f"POWER_SUPPLY_NAME=battery\nPOWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_VOLTAGE_NOW={printed}\n"
    answers = {"battery": out.BATTERY.replace("3870", "0"), "power-supply": supply}
    readings = await run("android.battery-electrical", answers)
    assert readings.value("voltage") == 3870
    assert "VOLTAGE_NOW" in readings.measured["voltage"].source
