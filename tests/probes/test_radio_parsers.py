"""What each parser of a radio reads from the shapes that phones print."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import outputs_radio as out
import phone_outputs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from probe_bench import LOADED

from probes.bluetooth import beacon_level
from probes.cellular import imei_present
from probes.location import window
from probes.wifi import band, scan_rows


def facts(kind: str, text: str) -> dict[str, Any]:
    return LOADED.parsers[kind].parse(text.encode()).facts


# bluetooth


def test_bluetooth_says_its_state_its_crashes_and_who_is_paired() -> None:
    read = facts("bluetooth_manager", out.BLUETOOTH)
    assert read["enabled"] is True
    assert (read["state"], read["name"], read["crash_count"], read["bonded_devices"]) == ("ON", "Aurora 8", 2, 2)
    assert (read["address"], read["address_present"]) == ("02:00:5E:00:00:07", True)


def test_the_form_with_capitals_hides_the_address_and_still_says_that_there_is_one() -> None:
    read = facts("bluetooth_manager", out.BLUETOOTH_HIDDEN)
    assert (read["state"], read["address_present"], read["crash_count"]) == ("ON", True, 1)
    assert "address" not in read
    assert "enabled" not in read


def test_paired_devices_count_also_where_their_addresses_are_hidden() -> None:
    hidden = (
        out.BLUETOOTH_HIDDEN
        + "\nBonded devices:\n  XX:XX:XX:XX:AA:BB [ DUAL ] Buds\n  XX:XX:XX:XX:AA:BC [BR/EDR] Car\n"
    )
    assert facts("bluetooth_manager", hidden)["bonded_devices"] == 2


def test_an_address_of_nothing_is_none() -> None:
    read = facts("bluetooth_manager", out.BLUETOOTH_LIMBO)
    assert (read["enabled"], read["state"], read["address_present"]) == (False, "BLE_ON", False)
    zero = out.BLUETOOTH_LIMBO.replace("null", "00:00:00:00:00:00")
    assert facts("bluetooth_manager", zero)["address_present"] is False


def test_one_line_is_the_whole_dump_of_some_boards() -> None:
    assert facts("bluetooth_manager", out.BLUETOOTH_LINE) == {"enabled": False, "state": "OFF"}


def test_a_beacon_is_as_strong_as_its_strongest_line_and_nobody_elses() -> None:
    assert beacon_level("benchbeacon", out.BLUETOOTH.encode()) == -47
    unheard = out.BLUETOOTH.replace("-47", "-127").replace("-61", "-127").encode()
    assert beacon_level("BenchBeacon", unheard) is None
    assert beacon_level("Bench gone", out.BLUETOOTH.encode()) is None


# nfc


def test_nfc_says_its_state_and_what_is_on() -> None:
    read = facts("nfc", out.NFC)
    assert (read["state"], read["screen_state"], read["present"]) == ("on", "ON_UNLOCKED", True)
    assert (read["p2p"], read["reader"], read["host_routing"]) == (False, True, False)
    assert (read["nci_version"], read["tag_id"]) == ("2.0", "04A22B6AB15C80")


@pytest.mark.parametrize(("text", "version"), [("0x20", "2.0"), ("0x10", "1.0"), ("2.1", "2.1")])
def test_makers_write_the_nci_version_in_two_ways(text: str, version: str) -> None:
    assert facts("nfc", f"mState=on\nNCI_VERSION={text}\n")["nci_version"] == version


def test_a_flag_in_other_words_is_a_problem_and_no_fact() -> None:
    parsed = LOADED.parsers["nfc"].parse(b"mState=on\nmEnableP2p: sometimes\n")
    assert "p2p" not in parsed.facts
    assert [problem.what for problem in parsed.problems] == ["p2p"]


# location


def test_the_receivers_figures_are_read_unrounded() -> None:
    read = facts("location", out.LOCATION)
    assert read["top4_cn0_mean_dBHz"] == Decimal("41.23456")
    assert (read["cn0_reports"], read["ttff_reports"], read["location_reports"]) == (612, 3, 610)
    assert (read["satellite_records"], read["fix_satellites"], read["location_on"]) == (3, 21, True)
    assert read["constellations"] == ["GPS", "GLONASS", "BEIDOU", "GALILEO"]
    assert read["l5_top4_cn0_mean_dBHz"] == Decimal("37.5")


def test_no_report_is_no_mean() -> None:
    read = facts("location", out.LOCATION_OFF)
    assert (read["cn0_reports"], read["location_on"]) == (0, False)
    assert "top4_cn0_mean_dBHz" not in read


def test_a_fix_without_an_accuracy_is_told_as_an_invented_one() -> None:
    assert facts("location", out.LOCATION_OLD)["gps_zero_fix"] is True
    assert facts("location", out.LOCATION)["gps_zero_fix"] is False


def test_a_window_holds_only_what_came_in_it() -> None:
    before = {"cn0_reports": 100, "top4_cn0_mean_dBHz": Decimal(20), "ttff_reports": 1, "ttff_mean_s": Decimal(60)}
    after = {"cn0_reports": 300, "top4_cn0_mean_dBHz": Decimal(32), "ttff_reports": 1, "ttff_mean_s": Decimal(60)}
    found = window(before, after)
    assert (found["cn0_reports"], found["top4_cn0_mean_dBHz"]) == (200, Decimal(38))
    assert found["ttff_reports"] == 0
    assert "ttff_mean_s" not in found


@given(
    old=st.lists(st.integers(0, 60), min_size=1, max_size=20), new=st.lists(st.integers(0, 60), min_size=1, max_size=20)
)
def test_the_mean_of_a_window_is_that_of_its_own_reports(old: list[int], new: list[int]) -> None:
    def mean(values: list[int]) -> dict[str, object]:
        return {"cn0_reports": len(values), "top4_cn0_mean_dBHz": Decimal(sum(values)) / len(values)}

    found = window(mean(old), mean(old + new))
    assert found["cn0_reports"] == len(new)
    assert abs(found["top4_cn0_mean_dBHz"] - Decimal(sum(new)) / len(new)) < Decimal("1e-20")


def test_figures_that_were_reset_in_between_stand_as_they_are() -> None:
    after = {"cn0_reports": 5, "top4_cn0_mean_dBHz": Decimal(32)}
    assert window({"cn0_reports": 100, "top4_cn0_mean_dBHz": Decimal(20)}, after) == after


# telephony


def test_each_technology_has_its_own_signal() -> None:
    text = (
        "last known state:\n  Phone Id=0\n    mCallState=0\n"
        "    mServiceState={mVoiceRegState=0(IN_SERVICE), mDataRegState=0(IN_SERVICE), "
        "getRilVoiceRadioTechnology=0(Unknown), getRilDataRadioTechnology=20(NR), mIsEmergencyOnly=false}\n"
        "    mSignalStrength=SignalStrength:{mGsm=CellSignalStrengthGsm: rssi=-71 ber=2147483647 mLevel=4,"
        "mWcdma=CellSignalStrengthWcdma: ss=2147483647 rscp=-99 ecno=2147483647 level=2,"
        "mLte=CellSignalStrengthLte: rssi=-61 rsrp=-93 rsrq=-11 rssnr=2147483647 level=3,"
        "mNr=CellSignalStrengthNr:{ csiRsrp = 2147483647 ssRsrp = -88 ssRsrq = -11 },primary=CellSignalStrengthNr}\n"
    )
    read = facts("telephony_registry", text)
    assert read["phone0_gsm_rssi_dBm"] == -71
    assert read["phone0_wcdma_rscp_dBm"] == -99
    assert (read["phone0_lte_rsrp_dBm"], read["phone0_lte_rsrq_dB"], read["phone0_nr_rsrp_dBm"]) == (-93, -11, -88)
    assert read["phone0_data_technology"] == "NR"
    assert "phone0_voice_technology" not in read
    assert read["phone0_emergency_only"] is False
    assert "phone0_gsm_asu" not in read


def test_the_csq_number_becomes_dbm_where_it_measures_something() -> None:
    assert facts("telephony_registry", phone_outputs.TELEPHONY_POSITIONAL.replace("Signal", "Signal"))
    for asu, level in (("12", -89), ("31", -51)):
        text = f"last known state:\n  Phone Id=0\n  mSignalStrength=SignalStrength: {asu} 4 -90\n"
        assert facts("telephony_registry", text)["phone0_gsm_rssi_dBm"] == level
    for asu in ("0", "99", "2147483647", "40"):
        text = f"last known state:\n  Phone Id=0\n  mSignalStrength=SignalStrength: {asu} 4 -90\n"
        assert "phone0_gsm_rssi_dBm" not in facts("telephony_registry", text)


# wifi scans


def test_a_scan_has_levels_of_antennas_ages_in_both_notations_and_names_of_any_kind() -> None:
    rows = {row.bssid[-2:]: row for row in scan_rows(out.WIFI_SCAN.encode())}
    assert rows["30"].chains == (-53, -55)
    assert (rows["2f"].ssid, rows["2f"].rssi_dbm, rows["2f"].age_s) == ("BenchNet", -44, Decimal("3.300"))
    assert (rows["61"].ssid, rows["61"].chains) == ("Next door 6G", ())
    assert (rows["62"].ssid, rows["62"].age_s) == ("Far, [away]", Decimal("1000.0"))
    assert (rows["63"].ssid, rows["63"].age_s) == ("", Decimal("12.340"))
    assert rows["64"].age_s is None


def test_the_old_table_has_its_flags_before_the_name() -> None:
    rows = scan_rows(out.WIFI_SCAN_OLD.encode())
    assert [(row.ssid, row.frequency_mhz, row.rssi_dbm) for row in rows] == [
        ("TestAP2", 2417, -68),
        ("Test AP With Blanks", 2462, -81),
    ]


def test_the_best_of_each_band_is_told() -> None:
    read = facts("wifi_scan", out.WIFI_SCAN)
    assert (read["best_2g4_dBm"], read["best_5g_dBm"], read["best_6g_dBm"]) == (-44, -51, -65)
    assert (read["access_points"], read["bands"]) == (6, ["2.4 GHz", "5 GHz", "6 GHz"])


@pytest.mark.parametrize(
    ("mhz", "name"),
    [
        (2412, "2.4 GHz"),
        (2484, "2.4 GHz"),
        (5180, "5 GHz"),
        (5885, "5 GHz"),
        (5955, "6 GHz"),
        (7115, "6 GHz"),
        (0, None),
    ],
)
def test_a_frequency_has_its_band(mhz: int, name: str | None) -> None:
    assert band(mhz) == name


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=32),
    st.sampled_from([2412, 5220, 6115]),
    st.integers(-120, -1),
)
def test_any_name_of_a_network_leaves_its_row_readable(name: str, mhz: int, level: int) -> None:
    line = (
        f"  02:00:5e:00:00:61       {mhz}    {level}(0:{level}/1:{level})     2.619    {name:<32}  [WPA2-PSK-CCMP][ESS]"
    )
    [row] = scan_rows(line.encode())
    assert (row.frequency_mhz, row.rssi_dbm, row.chains, row.age_s) == (mhz, level, (level, level), Decimal("2.619"))


# subscriptions and networks


def test_only_active_subscriptions_tell_what_is_in_a_slot() -> None:
    read = facts("isub", out.SUBSCRIPTIONS)
    assert read == {"data_sub": 5, "slot1_embedded": True, "slot1_sub": 3, "slot0_embedded": False, "slot0_sub": 5}
    assert facts("isub", out.SUBSCRIPTIONS_WHOLE) == {"data_sub": 9, "slot0_embedded": False, "slot0_sub": 9}


def test_a_network_for_calls_alone_is_not_the_internet() -> None:
    read = facts("connectivity", out.NETWORKS)
    assert (read["cellular_connected"], read["cellular_validated"]) == (True, True)
    assert (read["cellular_sub"], read["default"], read["wifi_connected"]) == (5, "cellular", False)


def test_the_old_form_says_validated_beside_its_score() -> None:
    read = facts("connectivity", out.NETWORKS_OLD)
    assert (read["wifi_validated"], read["cellular_connected"], read["cellular_validated"]) == (True, True, False)
    assert read["default"] == "wifi"


def test_no_network_is_told_as_none() -> None:
    assert facts("connectivity", out.NETWORKS_NONE) == {"cellular_connected": False, "wifi_connected": False}


# imei


@pytest.mark.parametrize(
    ("answer", "present"),
    [
        (phone_outputs.PARCEL, True),
        (phone_outputs.PARCEL_REFUSED, None),
        ("Result: Parcel(00000000 ffffffff   '........')\n", None),  # kept from the cable, or not there yet
        ("Result: Parcel(00000000 00000001 00000030   '........0...')\n", False),
        ("service: Service iphonesubinfo does not exist\n", None),
        ("", None),
    ],
)
def test_an_imei_is_there_or_gone_or_not_told(answer: str, present: bool | None) -> None:
    assert imei_present(answer.encode()) is present


def test_no_id_at_all_of_a_modem_that_does_not_run_is_gone() -> None:
    assert imei_present(b"Result: Parcel(00000000 ffffffff   '........')\n", alive=False) is False


# the rare ones


def test_the_state_of_the_ultra_wideband_chip_has_its_short_name() -> None:
    assert facts("uwb", out.UWB) == {"state": "READY"}
    assert facts("uwb", out.UWB_OLD) == {"state": "OFF"}


def test_a_service_is_found_or_not_and_a_receiver_is_known_by_its_app() -> None:
    read = facts("radio_services", out.RADIO_SERVICES)
    assert (read["consumer_ir_service"], read["uwb_service"]) == (True, False)
    assert read["fm_package"] == "com.caf.fmradio"
