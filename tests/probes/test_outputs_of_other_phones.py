"""Shapes in which other phones, other Androids and other tools print what the parsers read; and outputs that are cut."""

# ruff: noqa: E501 - the lines are as long as phones print them

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from probe_bench import LOADED


def facts(kind: str, text: str) -> dict[str, Any]:
    return LOADED.parsers[kind].parse(text.encode()).facts


def problems(kind: str, text: str) -> dict[str, str]:
    return {one.what: one.why for one in LOADED.parsers[kind].parse(text.encode()).problems}


# the vibrator


def test_settings_on_one_line_are_read_and_an_intensity_in_words_is_no_number() -> None:
    text = (
        "VibratorManagerService:\n  mVibrationSettings:\n"
        "    VibrationSettings{mVibrateInputDevices=false, mLowPowerMode=true, mZenMode=ZEN_MODE_OFF, "
        "mHardwareHapticFeedbackIntensity=HIGH, mHapticFeedbackIntensity=MEDIUM, mRingIntensity=OFF}\n"
        "  Previous vibrations:\n    startTime: 07-01 10:00:00.000, endTime: 07-01 10:00:00.100, status: FINISHED\n"
    )
    read = facts("vibrator", text)
    assert read["low_power"] is True
    assert "haptic_intensity" not in read
    assert "haptic_intensity" in problems("vibrator", text)
    assert read["previous_count"] == 1


def test_the_vibrator_manager_without_anything_played_has_played_nothing() -> None:
    assert (
        facts("vibrator", "VibratorManagerService:\n  Vibrators:\n  CurrentVibration:\n    null\n")["previous_count"]
        == 0
    )


# storage


@pytest.mark.parametrize(
    "text",
    [
        "eol_info = 0x01\nlife_time_estimation_a = 0x0b\nlife_time_estimation_b = 0x02\n",
        "/sys/devices/platform/soc/1d84000.ufshc/health_descriptor/eol_info:0x01\n"
        "/sys/devices/platform/soc/1d84000.ufshc/health_descriptor/life_time_estimation_a:0x0b\n"
        "/sys/devices/platform/soc/1d84000.ufshc/health_descriptor/life_time_estimation_b:0x02\n",
        "==> /sys/x/health_descriptor/eol_info <==\n0x01\n\n==> /sys/x/health_descriptor/life_time_estimation_a <==\n0x0B\n"
        "\n==> /sys/x/health_descriptor/life_time_estimation_b <==\n0x02\n",
        "$ cat health_descriptor/life_time_estimation_a\n0b\n$ cat health_descriptor/life_time_estimation_b\n02\n"
        "$ cat health_descriptor/eol_info\n01\n",
    ],
)
def test_health_files_are_read_however_name_and_value_were_printed(text: str) -> None:
    read = facts("storage_health", text)
    assert (read["type"], read["life_time_a"], read["life_time_b"], read["eol_info"]) == ("UFS", 11, 2, 1)


@pytest.mark.parametrize(
    "text",
    [
        "[269] Device life time estimation type B, device_life_time_est_typ_b: 0x02\n"
        "[268] Device life time estimation type A, device_life_time_est_typ_a: 0x0a\n[267] Pre EOL information, pre_eol_info: 0x02\n",
        "Device life time estimation type B [DEVICE_LIFE_TIME_EST_TYP_B: 0x02]\n i.e. 10% - 20% device life time used\n"
        "Device life time estimation type A [DEVICE_LIFE_TIME_EST_TYP_A: 0x0a]\nPre EOL information [PRE_EOL_INFO: 0x02]\n",
        "eMMC Life Time Estimation A [EXT_CSD_DEVICE_LIFE_TIME_EST_TYP_A]: 0x0a\n"
        "eMMC Life Time Estimation B [EXT_CSD_DEVICE_LIFE_TIME_EST_TYP_B]: 0x02\neMMC Pre EOL information [EXT_CSD_PRE_EOL_INFO]: 0x02\n",
        "DEVICE_LIFE_TIME_EST_TYP_A = 0x0A\nDEVICE_LIFE_TIME_EST_TYP_B = 0x02\nPRE_EOL_INFO = 0x02\n",
    ],
)
def test_the_extended_csd_is_read_in_the_words_of_each_tool(text: str) -> None:
    read = facts("storage_health", text)
    assert (read["type"], read["life_time_a"], read["life_time_b"], read["eol_info"]) == ("eMMC", 10, 2, 2)


def test_a_refused_health_file_states_nothing() -> None:
    text = "$ cat health_descriptor/life_time_estimation_a\ncat: health_descriptor/life_time_estimation_a: Permission denied\n"
    assert facts("storage_health", text) == {}
    assert "life_time_a" in problems("storage_health", text)


# displays


@pytest.mark.parametrize(
    ("printed", "mode"),
    [
        ("DozeSuspend (3)", "doze_suspend"),
        ("DozeSuspend", "doze_suspend"),
        ("DOZE_SUSPEND", "doze_suspend"),
        ("ON", "on"),
    ],
)
def test_power_modes_are_read_in_each_spelling(printed: str, mode: str) -> None:
    assert facts("surfaceflinger", f"Display 4619827677550801152\n    powerMode={printed}\n")["power_mode"] == mode


# location


def test_key_figures_alone_are_read_without_the_head_of_the_dump() -> None:
    text = "      GNSS_KPI_START\n        Number of location reports: 7\n        TTFF mean (sec): 4.032\n      GNSS_KPI_END\n"
    read = facts("location", text)
    assert (read["gnss_kpi_present"], read["location_reports"], read["ttff_mean_s"]) == (True, 7, Decimal("4.032"))
    assert read["gps_zero_fix"] is False


def test_an_accuracy_without_end_is_known_in_scientific_notation_too() -> None:
    text = "Location Manager State:\n  last location=Location[gps 0.000000,0.000000 hAcc=3.4028235E38 et=+1d2h]\n"
    assert facts("location", text)["gps_zero_fix"] is True


# the registry of iPhones

NESTED_FIRST = """\
{
    "BatteryData": {"CycleCount": 7, "Qmax": [1, 2], "Serial": "X\\"}Y"},
    "CycleCount": 425,
    "IsCharging": true,
    "Voltage": 4012
}
"""


def test_the_registry_as_json_gives_the_entrys_own_keys() -> None:
    read = facts("ios_ioreg", NESTED_FIRST)
    assert (read["CycleCount"], read["IsCharging"], read["Voltage_mV"]) == (425, True, 4012)


def test_a_wrapped_answer_and_a_printed_dictionary_are_read_as_well() -> None:
    text = (
        "{'Diagnostics': {'IORegistry': {'BatteryData': {'CycleCount': 3}, 'CycleCount': 99}}, 'Status': 'Success'}\n"
    )
    assert facts("ios_ioreg", text)["CycleCount"] == 99


@pytest.mark.parametrize(
    "text", [NESTED_FIRST[: NESTED_FIRST.index("425") + 2], NESTED_FIRST[:40], "{", '"CycleCount": ']
)
def test_json_that_is_cut_in_a_number_states_no_number(text: str) -> None:
    assert "CycleCount" not in facts("ios_ioreg", text)


def test_ioregs_own_text_is_read_with_and_without_the_bars_of_its_tree() -> None:
    text = (
        "+-o AppleSmartBattery  <class AppleSmartBattery, id 0x100000, registered, matched, active>\n    {\n"
        '      "BatteryData" = {"CycleCount"=3,"Voltage"=1}\n      "CycleCount" = 319\n      "IsCharging" = No\n    }\n'
    )
    for shown in (text, "".join(f"  | |   {line}\n" for line in text.splitlines())):
        read = facts("ios_ioreg", shown)
        assert (read["CycleCount"], read["IsCharging"]) == (319, False)


# sensors

LIST = """\
Total 3 h/w sensors, 3 running 0 disabled clients:
Sensor List:
0000000000) QX-9 Accel                | Quux            | ver: 1 | type: android.sensor.accelerometer(1) | perm: n/a | flags: 0x00000000
\tcontinuous | minRate=5.00Hz | maxRate=142.86Hz | no batching | non-wakeUp |
0x00000002) QX light up               | Quux            | ver: 1 | type:         quux light-up(65537) | perm: n/a | flags: 0x00000000
0x5f000000) app-runtime | app | ver: 104 | type: (65536) | perm: n/a | flags: 0x00000000
"""


def test_types_of_makers_are_types_however_they_are_written() -> None:
    read = facts("sensorservice", f"{LIST}Fusion States:\n9-axis fusion disabled (0 clients)\n")
    assert read["list_count"] == 3
    assert (read["accelerometer"], read["light"], read["gyroscope"]) == ("QX-9 Accel|Quux", "absent", "absent")


def test_a_list_that_somebody_indented_is_the_same_list() -> None:
    text = f"{LIST}Fusion States:\nRecent Sensor events:\nActive sensors:\n"
    indented = "".join(f"    {line}\n" for line in text.splitlines())
    assert facts("sensorservice", indented) == facts("sensorservice", text)


# crashes


@pytest.mark.parametrize(
    "prefix",
    [
        "2023-05-01 12:00:00.123 18994-18994/? A/DEBUG: ",
        "2023-05-01 12:00:00.123  4242-4242  DEBUG                   pid-4242                             A  ",
        "2023-05-01 12:00:00.123  4242-4242  DEBUG                   crash_dump64                         F  ",
        "05-01 12:00:00.123  4242  4242 F crash_dump64: ",
        "05-01 12:00:00.123 10099  4242  4242 F DEBUG   : ",
        "E/CRASH   ( 4242): ",
        "F/DEBUG   ( 4242): ",
    ],
)
def test_a_crash_is_read_behind_every_prefix_of_a_log(prefix: str) -> None:
    lines = (
        "Build fingerprint: 'bench/one/one:14/AB1A.240101.001/1:user/release-keys'",
        "ABI: 'arm64'",
        "pid: 4100, tid: 4177, name: Worker 1  >>> com.example.bench:remote <<<",
        "signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), fault addr 0x0400007a1b2c3d40",
    )
    read = facts("tombstone", "".join(f"{prefix}{line}\n" for line in lines))
    assert (read["pid"], read["tid"], read["process"]) == (4100, 4177, "com.example.bench:remote")
    assert (read["signal"], read["code"], read["code_name"]) == (11, 9, "SEGV_MTESERR")
    assert (read["abi"], read["fingerprint"][:5]) == ("arm64", "bench")


def test_a_signal_that_is_cut_in_its_numbers_is_not_read() -> None:
    head = "pid: 1, tid: 1, name: a  >>> b <<<\n"
    assert "signal" not in facts("tombstone", f"{head}signal 1")
    read = facts("tombstone", f"{head}signal 11 (SIGSEGV), code 1")
    assert read["signal"] == 11
    assert "code" not in read


# memory


def test_memory_that_is_cut_in_a_number_is_not_read() -> None:
    assert facts("meminfo", "MemTotal:        1550592 kB\nMemFree:          2670") == {"MemTotal_kB": 1550592}
    assert facts("meminfo", "MemTotal:        1550592 KB") == {"MemTotal_kB": 1550592}


# Wi-Fi

LINK = (
    'SSID: "Bench AP", BSSID: 02:00:00:00:00:0a, MAC: 02:00:00:00:00:0b, IP: /192.0.2.7, Security type: 4, '
    "Supplicant state: COMPLETED, Wi-Fi standard: 11be, RSSI: -56, Link speed: 2882Mbps, Tx Link speed: 2882Mbps, "
    "Frequency: 6135MHz, Net ID: 3, Metered hint: false, score: 60, MLO Information: , AP MLO Affiliated links: "
    "[MloLink{2.4GHz, channel: 6, id: 0, RSSI: -127}]"
)


@pytest.mark.parametrize(
    "before", ["mWifiInfo ", "mWifiInfo: ", "mWifiInfo=", "WifiInfo: ", "WifiInfo ", "", "  mWifiInfo  ["]
)
def test_the_link_is_read_behind_each_of_its_names(before: str) -> None:
    read = facts("wifi", f"Wi-Fi is enabled\n{before}{LINK}\n")
    assert (read["ssid"], read["rssi_dBm"], read["link_speed_Mbps"], read["frequency_MHz"]) == (
        "Bench AP",
        -56,
        2882,
        6135,
    )


def test_masked_addresses_are_kept_as_printed_and_a_network_may_be_called_null() -> None:
    text = f"mWifiInfo {LINK}\n".replace("02:00:00:00:00:0a", "02:00:*:*:*:0a").replace("Bench AP", "null")
    read = facts("wifi", text)
    assert (read["ssid"], read["bssid"]) == ("null", "02:00:*:*:*:0a")
    assert "ssid" not in facts("wifi", text.replace('"null"', "null"))


@pytest.mark.parametrize(
    ("cut_after", "stated"),
    [
        ("MAC: 02:00:00", {"ssid", "bssid"}),
        ("BSSID: 02:00:00:00:00:0a, MAC: 02:00:00:00:00:0b, IP: /192.0", {"ssid", "bssid", "mac"}),
        ("Supplicant state: COMPL", {"ssid", "bssid", "mac"}),
        ("Supplicant state: COMPLETED", {"ssid", "bssid", "mac", "supplicant_state", "connected"}),
        ("RSSI: -5", {"ssid", "bssid", "mac", "supplicant_state", "connected"}),
        ("Link speed: 288", {"ssid", "bssid", "mac", "supplicant_state", "connected", "rssi_dBm"}),
    ],
)
def test_of_a_link_that_is_cut_the_whole_values_count(cut_after: str, stated: set[str]) -> None:
    text = f"mWifiInfo {LINK}"
    assert facts("wifi", text[: text.index(cut_after) + len(cut_after)]).keys() == stated


# telephony


def test_makers_add_to_the_signal_and_leave_parts_of_it_out() -> None:
    text = (
        "last known state:\n  Phone Id=0\n    mCallState=0\n"
        "    mServiceState={mVoiceRegState=3(POWER_OFF), mDataRegState=1(OUT_OF_SERVICE), mSystemId=*1, VoiceRegType=0}\n"
        "    mSignalStrength=SignalStrength:{mCdma=Invalid,mGsm=Invalid,mWcdma=Invalid,mTdscdma=Invalid,"
        "mLte=CellSignalStrengthLte: rssi=-51 rsrp=-77 rsrq=-9 rssnr=26 level=4 parametersUseForLevel=0,mNr=Invalid,"
        "SignalBarInfo{ lteLevel=5 },rat=14,primary=CellSignalStrengthLte}\n"
        "  Phone Id=1\n    mCallState=2\n    mSignalStrength=SignalStrength:{mLte=Invalid,mNr=Invalid,rat=0}\n"
        "  Phone Id=2\n    mCallState=1\nlocal logs:\n  Phone Id=3\n"
    )
    read = facts("telephony_registry", text)
    assert (read["phone0_voice_reg"], read["phone0_data_reg"], read["phone0_lte_rsrp_dBm"]) == (3, 1, -77)
    assert "phone1_lte_rsrp_dBm" not in read
    assert read["phone1_call_state"] == 2


def test_a_signal_that_is_cut_in_a_number_is_not_read() -> None:
    text = "last known state:\n  Phone Id=0\n    mSignalStrength=SignalStrength:{mLte=CellSignalStrengthLte: rssi=-51 rsrp=-10"
    assert "phone0_lte_rsrp_dBm" not in facts("telephony_registry", text)


# USB


def test_what_stands_once_in_the_usb_dump_is_read_wherever_makers_put_it() -> None:
    text = (
        "USB MANAGER STATE (dumpsys usb):\n{\n  device_manager={\n    vendor_handler=[\n      {\n        connected=true\n"
        "        configured=false\n        kernel_state=CONFIGURED\n        kernel_function_list=mtp,acm,adb\n      }\n    ]\n  }\n"
    )
    read = facts("usb", text)
    assert (read["kernel_state"], read["current_functions"], read["configured"]) == ("CONFIGURED", "mtp,acm,adb", False)


def test_a_part_of_the_usb_dump_without_its_head_is_read() -> None:
    text = (
        "device_manager={\n  handler={\n    connected=true\n    configured=false\n    kernel_state=CONNECTED\n  }\n}\n"
    )
    read = facts("usb", text)
    assert (read["connected"], read["configured"], read["kernel_state"]) == (True, False, "CONNECTED")
    only = "        kernel_state=CONFIGURED\n    kernel_function_list=ptp,adb\n          current_mode=dfp\n"
    assert facts("usb", only) == {"kernel_state": "CONFIGURED", "current_functions": "ptp,adb", "port_status": "dfp"}


# what NFC says


def test_two_flags_of_nfc_that_stand_on_one_line_are_told_apart() -> None:
    text = "mState=on\nmEnableP2p: falsemEnableOtherMenu: true\nmEnableReader: true mEnableThird: false\n"
    read = facts("nfc", text)
    assert (read["p2p"], read["reader"]) == (False, True)


# temperatures


def test_a_list_of_temperatures_with_words_behind_it_is_read() -> None:
    text = "        CPU temperatures: [55.0, NaN, 58.5]  # C\n        GPU temperatures: [30.7, 30.7]\n        Skin temperatures: []\n"
    assert facts("hardware_properties", text) == {
        "cpu_temps_C": [Decimal("55.0"), Decimal("58.5")],
        "gpu_temp_C": Decimal("30.7"),
    }


def test_android_2_tells_the_link_and_its_configuration_on_one_line() -> None:
    text = (
        "USB Manager State:\n  USB Device State:\n    Enabled Functions: adb usb_mass_storage\n"
        "    Default Functions: usb_mass_storage\n    mConnected: 1, mConfiguration: 1\n    mCurrentAccessory: null\n"
    )
    assert facts("usb", text)["connected"] is True
    assert facts("usb", text.replace("mConnected: 1", "mConnected: 0"))["connected"] is False


# lockdown

INFO = """\
ActivationState: Activated
BrickState: false
CarrierBundleInfoArray[1]:
 0:
  CFBundleIdentifier: com.example.Carrier_xx
  DeviceName: not this one
  MCC: 001
  MNC: 01
DeviceName: Bench: iPhone
"""


def test_what_lockdown_says_is_read_from_a_text_that_stands_indented() -> None:
    read = facts("ideviceinfo", INFO)
    assert (read["DeviceName"], read["carrier_bundle"], read["MNC"]) == (
        "Bench: iPhone",
        "com.example.Carrier_xx",
        "01",
    )
    assert facts("ideviceinfo", "".join(f"        {line}\n" for line in INFO.splitlines())) == read
    pasted = "Here it is: see below\n`" + INFO.replace("\n", "\n    ").rstrip() + "`\n"
    assert facts("ideviceinfo", pasted.replace("`ActivationState", "    `ActivationState")) == read


def test_of_two_lines_of_the_link_the_first_counts_also_in_brackets() -> None:
    text = "Wi-Fi is enabled\nmWifiInfo: [" + LINK + "]\n" + f"mWifiInfo {LINK}\n".replace("00:0b", "00:0c")
    assert facts("wifi", text)["mac"] == "02:00:00:00:00:0b"


# outputs of another command


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("nfc", "Display Power Controller:\n  mScreenState=ON\n  mState=ON\n  mBrightness=0.5\n"),
        ("vibrator", "Location Manager state:\n  mLowPowerMode=false\n"),
        ("surfaceflinger", "mSurfaceState=ON\n  width=1080, height=2400\n"),
        (
            "wifi",
            "TransportInfo: <SSID: <unknown ssid>, BSSID: 02:00:00:00:00:00, Supplicant state: COMPLETED, RSSI: -53>\n",
        ),
        ("telephony_registry", "mServiceState={mVoiceRegState=0(IN_SERVICE), mDataRegState=0(IN_SERVICE)}\n"),
    ],
)
def test_the_output_of_another_command_states_nothing(kind: str, text: str) -> None:
    assert facts(kind, text) == {}


# captures that end inside a value


@pytest.mark.parametrize(
    ("kind", "before", "cut", "fact"),
    [
        ("ideviceinfo", "ActivationState: Activated\n", "BuildVersion: 17A8", "BuildVersion"),
        ("ideviceinfo", "ActivationState: Activated\n", "DeviceName: A phone of", "DeviceName"),
        ("iphonesubinfo", "Phone Subscriber Info:\n  Phone Type = GSM\n", "  Device ID = 00440000000013", "device_id"),
        ("location", "Location Manager State:\n", "  Number of CN0 reports: 7", "cn0_reports"),
        ("nfc", "mState=on\n", "mScreenState=ON_UNL", "screen_state"),
        (
            "power_supply",
            "POWER_SUPPLY_NAME=battery\nPOWER_SUPPLY_TYPE=Battery\n",
            "POWER_SUPPLY_CAPACITY=5",
            "capacity_pct",
        ),
        (
            "power_supply",
            "POWER_SUPPLY_NAME=battery\nPOWER_SUPPLY_TYPE=Battery\n",
            "POWER_SUPPLY_STATUS=Not ch",
            "status",
        ),
        ("storage_health", "eol_info: 0x01\n", "life_time_estimation_a: 0x0", "life_time_a"),
        ("surfaceflinger", "Displays (1 entries)\n", "  refresh-rate              : 60.0", "refresh_rate"),
        ("surfaceflinger", "Displays (1 entries)\n", "   {id=0, hwcId=0, resolution=2560x1", "width_height"),
        (
            "telephony_registry",
            "last known state:\n  Phone Id=0\n  mCallState=0\n",
            "  mSignalStrength=SignalStrength: 1",
            "phone0_gsm_asu",
        ),
        (
            "usb",
            "USB MANAGER STATE (dumpsys usb):\n{\n  device_manager={\n    handler={\n",
            "      kernel_state=CON",
            "kernel_state",
        ),
    ],
)
def test_a_value_that_is_cut_at_the_end_is_left_out_and_what_is_whole_stays(
    kind: str, before: str, cut: str, fact: str
) -> None:
    read = facts(kind, before + cut)
    assert fact not in read
    assert read == facts(kind, before)
    assert facts(kind, f"{before}{cut}\n") != read


@pytest.mark.parametrize(
    ("kind", "text", "fact", "value"),
    [
        ("ideviceinfo", "ActivationState: Activated\nDeviceClass: iPhone", "DeviceClass", "iPhone"),
        (
            "iphonesubinfo",
            "Phone Subscriber Info:\n  Phone Type = GSM\n  Device ID = 004400000000131",
            "imei",
            "004400000000131",
        ),
        ("iphonesubinfo", "Phone Subscriber Info:\n  Device ID = A00000000000F1", "device_id_type", "MEID"),
        ("nfc", "mState=turning off", "state", "turning off"),
        ("power_supply", "POWER_SUPPLY_NAME=battery\nPOWER_SUPPLY_HEALTH=Good", "health", "Good"),
        ("power_supply", "POWER_SUPPLY_NAME=usb\nPOWER_SUPPLY_ONLINE=1", "online", True),
        ("storage_health", "eol_info: 0x01", "eol_info", 1),
        (
            "usb",
            "USB MANAGER STATE (dumpsys usb):\n{\n  device_manager={\n    handler={\n      connected=true",
            "connected",
            True,
        ),
    ],
)
def test_a_value_that_is_whole_without_its_line_end_counts(kind: str, text: str, fact: str, value: object) -> None:
    assert facts(kind, text)[fact] == value


# odd forms of single lines

INPUT = """\
Event Hub State:
  BuiltInKeyboardId: 2
  Devices:
    -1: Virtual
      Classes: KEYBOARD | ALPHAKEY
    2: bench-keys (aka device 0 - built-in keyboard)
    3:
    4: bench_ts

Input Reader State (Nums of device: 4):
  Device 0: bench-keys
    IsExternal: false
  Device 3:
    Touch Input Mapper (mode - DIRECT):
      Raw Touch Axes:
        X: min=0, max=1079, flat=0
  Device 4: bench_ts
    Touch Input Mapper (mode - DIRECT):
"""


def test_a_touch_screen_without_a_name_is_not_called_by_its_neighbours() -> None:
    read = facts("input", INPUT)
    assert (read["event_hub_devices"], read["physical_devices"], read["touch_mappers"]) == (
        4,
        ["bench-keys", "bench_ts"],
        2,
    )
    assert "touchscreen" not in read


def test_an_input_dump_that_somebody_indented_is_the_same_dump() -> None:
    named = INPUT.replace("Device 3:", "Device 3: pen")
    assert facts("input", named)["touchscreen"] == "pen"
    assert facts("input", "".join(f"      {line}\n" if line else "\n" for line in named.splitlines())) == facts(
        "input", named
    )


@pytest.mark.parametrize(
    ("kind", "text", "fact", "value"),
    [
        ("media_camera", "Number of camera devices: 4 (1 hidden)\n", "camera_count", 4),
        ("thermalservice", "Thermal Status: 2 (MODERATE)\nHAL Ready: true\n", "thermal_status", 2),
        ("hardware_properties", "Skin temperatures: [NaN, 31.5]\n", "skin_temp_C", Decimal("31.5")),
        (
            "pm_features",
            "    feature:android.hardware.camera\n    feature:reqGlEsVersion=0x30002\n",
            "has_camera",
            True,
        ),
        ("surfaceflinger", "\x1b[1mDisplays (2 entries)\x1b[0m\n", "displays", 2),
        (
            "telephony_registry",
            "last known state:\n  Phone Id=0\n  mSignalStrength=BenchSignalStrength: 99 0 -120 -160 -120 -1 -1 26 -87 -7 262 2147483647 gsm|lte\n",
            "phone0_lte_rsrp_dBm",
            -87,
        ),
        (
            "location",
            "Current Location Manager state:\n  gps Location[ ٠٫٠٠٠٠٠٠,٠٫٠٠٠٠٠٠ acc=٣٤٠٢٨٢٣٤٦٦٣٨٥٢٨٨٦٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠ t=?!? et=?!?]\n",
            "gps_zero_fix",
            True,
        ),
    ],
)
def test_a_line_with_something_more_or_in_other_digits_is_read(kind: str, text: str, fact: str, value: object) -> None:
    assert facts(kind, text)[fact] == value


def test_a_crash_of_a_process_without_a_name_has_no_process() -> None:
    read = facts("tombstone", "pid: 12, tid: 13, name: worker  >>>  <<<\nsignal 6 (SIGABRT), code -1 (SI_QUEUE)\n")
    assert (read["pid"], read["tid"], read["signal"]) == (12, 13, 6)
    assert "process" not in read


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
@pytest.mark.parametrize(
    ("kind", "text", "fact"),
    [
        ("wifi", f"Wi-Fi is enabled\r\nmWifiInfo {LINK}\r\n", "mac"),
        ("meminfo", "MemTotal:        1550592 kB\r\n", "MemTotal_kB"),
        ("tombstone", "pid: 1, tid: 1, name: a  >>> b <<<\r\nsignal 11 (SIGSEGV), code 1\r\n", "code"),
        ("nfc", "mState=on\r\n", "state"),
    ],
)
def test_what_a_windows_console_redirected_is_read(kind: str, text: str, fact: str, encoding: str) -> None:
    assert LOADED.parsers[kind].parse(text.encode(encoding)).facts[fact] == facts(kind, text)[fact]
