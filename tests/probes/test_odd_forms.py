"""Forms of output that phones of other makers and versions print, and what a capture loses on its way to a file."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from probe_bench import LOADED


def facts(kind: str, text: str | bytes) -> dict[str, Any]:
    return LOADED.parsers[kind].parse(text.encode() if isinstance(text, str) else text).facts


# what a console does to a file

BATTERY = "Current Battery Service state:\n  USB powered: true\n  status: 3\n  level: 61\n  voltage: 3911\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_that_a_console_wrote_in_its_own_encoding_is_read(encoding: str) -> None:
    mark = {"utf-16-le": "\ufeff", "utf-16-be": "\ufeff"}.get(encoding, "")
    data = (mark + "[ro.build.version.sdk]: [34]\n[ro.product.model]: [Bench 屏]\n").encode(encoding)
    read = facts("getprop", data)
    assert (read["prop_count"], read["sdk"], read["model"]) == (2, 34, "Bench 屏")


def test_properties_that_were_moved_to_the_right_are_read() -> None:
    read = facts("getprop", "      [ro.product.brand]: [bench]\n      [ro.build.version.sdk]: [35]\n")
    assert (read["prop_count"], read["brand"], read["sdk"]) == (2, "bench", 35)


# pm_features


def test_a_feature_with_a_version_is_there() -> None:
    read = facts("pm_features", "feature:android.hardware.uwb=2\nfeature:android.hardware.nfc\n")
    assert (read["has_uwb"], read["has_nfc"], read["has_wifi"], read["feature_count"]) == (True, True, False, 2)


# tombstone


def test_a_thread_that_is_called_like_the_marks_of_a_process_is_not_the_process() -> None:
    read = facts("tombstone", "pid: 41, tid: 52, name: a >>> b  >>> /vendor/bin/hw/bench.service <<<\n")
    assert (read["pid"], read["tid"], read["process"]) == (41, 52, "/vendor/bin/hw/bench.service")


# power_supply


def test_the_battery_of_a_pen_or_a_keyboard_is_not_the_phones() -> None:
    pen = "POWER_SUPPLY_NAME=hid-pen\nPOWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_SCOPE=Device\nPOWER_SUPPLY_CAPACITY=7\n"
    own = "POWER_SUPPLY_NAME=gauge\nPOWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_CAPACITY=64\n"
    assert facts("power_supply", pen + own)["capacity_pct"] == 64
    assert facts("power_supply", pen)["capacity_pct"] == 7  # as printed, where nothing else is


# at_commands


def test_a_report_that_came_by_itself_is_not_the_answer() -> None:
    text = '+CREG: 1,"1234","00AB"\nAT+CREG?\n+CREG: 2,5,"0x1A2B",,7\n+CMS ERROR: 500\nOK\n'
    read = facts("at_commands", text)
    assert (read["n"], read["stat"], read["lac"], read["act"], read["result"]) == (2, 5, 0x1A2B, 7, "OK")
    assert "ci" not in read


def test_numbers_too_large_for_a_state_are_none() -> None:
    assert "stat" not in facts("at_commands", "+CREG: 1,1234,5678\nOK\n")


@pytest.mark.parametrize("end", ["<CR><LF>", "<cr><ln>"])
def test_a_log_that_shows_its_line_ends_is_taken_apart(end: str) -> None:
    text = f"[12ms] AT TX: AT+CREG?{end}\n[14ms] AT RX: {end}+CREG: 0,3{end}{end}+CME ERROR: 100{end}\n"
    read = facts("at_commands", text)
    assert (read["stat"], read["result"]) == (3, "+CME ERROR: 100")


# audio

ALIASED = """\
Stream volumes (device: index)
- STREAM_MUSIC:
   Muted: false
   Muted Internally: false
   Min: 0 w/o perm:1
   Max: 30
   streamVolume:11
   Current: 2 (speaker): 11, 40000000 (default): 10
   Devices: speaker(2)
   Volume Group: AUDIO_STREAM_MUSIC

- STREAM_DTMF (aliased to: STREAM_RING):
   Muted: true
   Min: 3
   Max: 7
   Devices: earpiece(1)

Ringer mode:
mode (internal) = VIBRATE
"""


def test_a_stream_that_follows_another_is_a_block_of_its_own() -> None:
    read = facts("audio", ALIASED)
    assert (read["music_min"], read["music_max"], read["music_muted"]) == (0, 30, False)
    assert (read["music_devices"], read["dtmf_max"], read["ringer_mode"]) == ("speaker(2)", 7, "VIBRATE")


def test_what_a_block_lacks_is_not_taken_from_the_next_one() -> None:
    text = (
        "- STREAM_MUSIC:\n   Mute count: 0\n   Max: 15\n- VOLUME GROUP AUDIO_STREAM_RING:\n   Muted: true\n   Min: 1\n"
    )
    read = facts("audio", text)
    assert read["music_max"] == 15
    assert "music_muted" not in read
    assert "music_min" not in read


# audio_flinger


def test_the_list_of_devices_of_android_11_is_a_fact_of_its_own() -> None:
    text = (
        "Hardware status: 0\nOutput thread 0x7a10, name AudioOut_D:\n  Output devices: 0x2 (AUDIO_DEVICE_OUT_SPEAKER)\n"
    )
    read = facts("audio_flinger", text)
    assert read["first_output_devices"] == "0x2 (AUDIO_DEVICE_OUT_SPEAKER)"
    assert "first_output_device" not in read


# battery and batterystats


@pytest.mark.parametrize(
    ("printed", "code"), [("2", 2), ("Charging", 2), ("Not charging", 4), ("NOT_CHARGING", 4), ("5 (full)", 5)]
)
def test_a_status_is_a_number_or_its_word(printed: str, code: int) -> None:
    assert facts("battery", BATTERY.replace("status: 3", f"status: {printed}"))["status"] == code


def test_the_battery_services_dump_is_not_that_of_its_properties() -> None:
    assert facts("batteryproperties", BATTERY + "  current now: 12\n  charge counter: 5000\n") == {}
    cut = facts("batteryproperties", "status: 3 health: 2 present: 1\nlevel: 55 voltage: 3800 temp: 251\n")
    assert (cut["status"], cut["level"], cut["voltage_mV"]) == (3, 55, 3800)


def test_half_a_number_at_the_end_of_a_cut_capture_is_none() -> None:
    cut = LOADED.parsers["battery"].parse(BATTERY[:-3].encode())
    assert "voltage_mV" not in cut.facts
    assert "voltage_raw" not in cut.facts
    assert (cut.facts["level"], [one.what for one in cut.problems]) == (61, ["battery"])
    assert facts("battery", BATTERY + "  technology: Li-ion")["technology"] == "Li-ion"


def test_a_temperature_with_a_decimal_point_is_in_tenths_as_well() -> None:
    assert facts("battery", BATTERY + "  temperature: 285.0\n")["temperature_C"] == Decimal("28.5")


def test_a_word_that_is_no_status_states_none() -> None:
    parsed = LOADED.parsers["battery"].parse(BATTERY.replace("status: 3", "status: resting").encode())
    assert "status" not in parsed.facts
    assert [one.what for one in parsed.problems] == ["status"]


@pytest.mark.parametrize(
    ("line", "capacity", "drain"),
    [
        ("Capacity: 4700, Computed drain: 61,5, actual drain: 58-70", 4700, Decimal("61.5")),
        ("Capacity: ٤٧٠٠, Computed drain: ٦١٫٥, actual drain: ٥٨", 4700, Decimal("61.5")),
        ("Capacity: 4700, Comp", 4700, None),
    ],
)
def test_power_use_in_the_phones_own_digits_and_cut_behind_the_capacity(
    line: str, capacity: int, drain: Decimal | None
) -> None:
    read = facts("batterystats", f"  Estimated power use (mAh):\n\r\n    {line}\n")
    assert read["power_use_capacity_mAh"] == capacity
    assert read.get("computed_drain_mAh") == drain


def test_an_estimated_capacity_in_the_phones_own_digits_is_read() -> None:
    read = facts("batterystats", "  Estimated battery capacity: ٤٥١٠ mAh\n  Min learned battery capacity: 4400.0 mAh\n")
    assert (read["estimated_capacity_mAh"], read["min_learned_mAh"]) == (4510, 4400)


# bluetooth_manager


def test_android_5_prints_the_number_of_the_state() -> None:
    text = "Bluetooth Status\n  enabled: true\n  state: 12\n  name: Bench\n\nBonded devices:\n"
    read = facts("bluetooth_manager", text)
    assert (read["enabled"], read["state"], read["name"], read["bonded_devices"]) == (True, "12", "Bench", 0)


def test_a_block_without_its_heading_states_what_no_profile_could_have_said() -> None:
    text = "  enabled: false\n  state: OFF\n  address: 02:00:5E:00:00:07\n  name: Bench\n\nProfile: A2dp\n  state: ON\n"
    read = facts("bluetooth_manager", text)
    assert (read["enabled"], read["address"], read["name"]) == (False, "02:00:5E:00:00:07", "Bench")
    assert "state" not in read


def test_a_name_of_nothing_is_none() -> None:
    assert "name" not in facts("bluetooth_manager", "Bluetooth Status\n  enabled: false\n  state: OFF\n  name: null\n")


def test_a_block_that_lost_its_indent_is_read_and_ends_where_it_ends() -> None:
    text = "> Bluetooth Status\nenabled: true\n\nstate: ON\n\nname: Bench\n\nEnable log:\naddress: 02:00:5E:00:00:09\n"
    read = facts("bluetooth_manager", text)
    assert (read["enabled"], read["state"], read["name"]) == (True, "ON", "Bench")
    assert "address" not in read


# device_policy


def test_a_policy_dump_without_its_first_line_is_one_all_the_same() -> None:
    text = "  Enabled Device Admins (User 0, provisioningState: 3):\n    com.bench.mdm/.Admin:\n      uid=10111\n"
    assert facts("device_policy", text) == {
        "device_owner": False,
        "active_admins": 1,
        "admins": ["com.bench.mdm/.Admin"],
    }


def test_a_policy_dump_that_was_moved_to_the_right_keeps_its_columns() -> None:
    text = (
        "    Current Device Policy Manager state:\n      Enabled Device Admins (User 0):\n"
        "        com.bench.mdm/.Admin:\n          uid=10111\n    com.bench.other/.NoAdmin:\n"
    )
    assert facts("device_policy", text)["active_admins"] == 1


# df and diskstats


def test_a_speed_in_which_the_capture_ends_is_not_stated() -> None:
    assert facts("diskstats", "Latency: 2ms [512B Data Write]\nRecent Disk Write Speed (kB/s) = 51") == {
        "latency_ms": 2
    }


def test_df_in_the_language_of_its_reader_still_counts_in_blocks_of_1k() -> None:
    text = "Filesystem 1K-Blöcke Benutzt Verfügbar Verw% Eingehängt auf\n/dev/block/dm-7 1000 250 750 25% /data\n"
    assert facts("df", text)["data_avail_1K"] == 750


# display

WIDE = "".join(
    f"{{id={number}, width=1440, height=3120, fps=60.0, vsync=60.0, "
    f"alternativeRefreshRates=[{', '.join(['24.0'] * 40)}], supportedHdrTypes=[2, 3]}}, "
    for number in range(1, 61)
)
DISPLAY = (
    'Display Devices: size=1\n  mInfo=DisplayDeviceInfo{"Built-in Screen": uniqueId="local:0", 1440 x 3120, modeId 1, '
    f"supportedModes [{WIDE}], density 560, 512.5 x 513.0 dpi, touch INTERNAL, rotation 0, type INTERNAL, state ON\n"
)


def test_what_stands_behind_a_long_list_of_modes_is_read() -> None:
    read = facts("display", DISPLAY)
    assert len(DISPLAY) > 16_384
    assert (read["width"], read["density"], read["state"]) == (1440, 560, "ON")


def test_a_rate_without_its_name_is_kept_apart() -> None:
    text = '  DisplayDeviceInfo{"Panel": uniqueId="local:0", 720 x 1280, 59.5 fps, density 320, 320.0 x 320.0 dpi\n'
    read = facts("display", text)
    assert "fps" not in read
    assert read["panels"][0]["bare_fps"] == Decimal("59.5")


@pytest.mark.parametrize(
    ("end", "lost"),
    [(", 1440 x 31", "height"), (", density 56", "density"), (", touch INT", "touch"), (", state O", "state")],
)
def test_a_line_that_was_cut_inside_a_value_does_not_state_it(end: str, lost: str) -> None:
    line = DISPLAY[DISPLAY.index("  mInfo") :]
    read = facts("display", line[: line.index(end) + len(end)])
    assert read["name"] == "Built-in Screen"
    assert lost not in read


def test_a_brightness_with_something_behind_it_is_a_number() -> None:
    read = facts("display", "  mGlobalDisplayState=OFF  (forced)\n  mScreenBrightness=0.25, mAllowed=true\n")
    assert (read["global_state"], read["screen_brightness"]) == ("OFF", Decimal("0.25"))
    assert "screen_brightness" not in facts("display", "  mScreenBrightness=NaN\n")


# fastboot


def test_the_first_variable_is_read_behind_the_name_of_the_program() -> None:
    text = "fastboot.exe : (bootloader) unlocked:yes\n    + CategoryInfo : NotSpecified\n(bootloader) product:bench\n"
    assert facts("fastboot", text.encode("utf-16")) == {"unlocked": True, "product": "bench"}


def test_a_value_in_which_the_capture_ends_is_not_half_a_value() -> None:
    whole = "(bootloader) product: bench\n(bootloader) unlocked: no\n(bootloader) serialno: AB12CD34\n"
    assert facts("fastboot", whole)["serialno"] == "AB12CD34"
    cut = LOADED.parsers["fastboot"].parse(whole[:-4].encode())
    assert cut.facts == {"product": "bench", "unlocked": False}
    assert [one.what for one in cut.problems] == ["fastboot"]
    assert facts("fastboot", whole[: whole.index("\n(bootloader) serialno")])["unlocked"] is False
    assert facts("fastboot", whole + "(bootloader) product: bench")["serialno"] == "AB12CD34"


@pytest.mark.parametrize("printed", ["3903", "3903mV", "3903 mv"])
def test_a_bootloader_may_print_the_unit(printed: str) -> None:
    assert facts("fastboot", f"(bootloader) battery-voltage: {printed}\n")["battery_voltage_mV"] == 3903


# fingerprint

CUT = '{"service":"Fingerprint Manager","prints":[{"id":0,"count":2,"accept":31,"reject":4,"acquire":40,"lockout":1}'


def test_of_a_line_that_was_cut_the_first_user_is_read_and_the_others_are_not_counted() -> None:
    read = facts("fingerprint", CUT + ',{"id":10,"cou')
    assert (read["enrolled_user0"], read["accept_user0"], read["lockout_user0"]) == (2, 31, 1)
    assert "users" not in read
    assert facts("fingerprint", CUT[:-20]) == {}


def test_deaths_since_the_start_are_not_those_since_the_last_look() -> None:
    read = facts("fingerprint", f"{CUT}]}}\nHAL deaths since last reboot: 3\n")
    assert (read["hal_deaths_since_start"], read["users"]) == (3, 1)
    assert "hal_deaths" not in read


# getevent

OLD = """\
add device 1: /dev/input/event4
  name:     "bench-panel"
  events:
    KEY (0001): 008b  00e5
    ABS (0003): 0030  value 0, min 0, max 255, fuzz 0 flat 0
                0035  value 0, min 0, max 719, fuzz 0 flat 0
"""


def test_axes_of_android_2_stand_without_a_colon() -> None:
    assert facts("getevent", OLD)["touch_device"] == "/dev/input/event4"


def test_columns_of_an_event_may_stand_further_apart() -> None:
    read = facts("getevent", "/dev/input/event7: 0003  0039  0000000A\n/dev/input/event7: 0003  0035  000001F0\n")
    assert (read["touch_device"], read["tracking_id"]) == ("/dev/input/event7", 10)
