"""What the checks of the radios measure on good phones and bad ones, what they write, and why they keep silent."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import outputs_radio as out
import phone_outputs
import pytest
from probe_bench import Readings, result
from radio_bench import DECLINED, read, writing_bench

import probes.bluetooth
import probes.mobile_data
import probes.nfc
import probes.wifi
import probes.wifi_join
from drivers.api import CommandResult, NoAnswer, Side
from drivers.text import Words
from probes.api import Answer, NotApplicable, NotRun, Prompt
from probes.call import digits_of, may_call
from probes.fetch import fetch_script, fetched
from probes.wifi_join import forget_script, saved

AIR = {"airplane": "1\n"}
FEATURES = {
    "features": "feature:android.hardware.bluetooth\nfeature:android.hardware.nfc\nfeature:android.hardware.wifi\n"
}
NO_FEATURES = {"features": "feature:android.hardware.touchscreen\n"}
SDK = {"getprop": "[ro.build.version.sdk]: [34]\n"}
SILENT = NoAnswer("adb.no-answer", Words("no answer", "无响应"), Side.PHONE, Words("replug", "重新插拔"))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (probes.bluetooth, probes.nfc, probes.wifi_join, probes.mobile_data):
        monkeypatch.setattr(module, "_LOOK_S", 0.0)
    monkeypatch.setattr(probes.wifi, "_SCANNING_S", 0.0)


def bluetooth_in(state: str) -> str:
    return out.BLUETOOTH.replace("state: ON", f"state: {state}")


# bluetooth


async def test_bluetooth_goes_off_and_on_and_comes_back_as_it_was() -> None:
    looks = [bluetooth_in("TURNING_OFF"), bluetooth_in("OFF"), bluetooth_in("BLE_TURNING_ON"), out.BLUETOOTH]
    bench = writing_bench({"bluetooth": out.BLUETOOTH} | SDK, {"dumpsys bluetooth_manager": looks})
    readings = await read("android.bluetooth", bench)
    assert readings.value("switches_on") is True
    assert readings.value("bluetooth_address") is True
    assert readings.value("bluetooth_crashes") == 2
    assert {"on_time", "off_time"} <= readings.measured.keys()
    assert bench.lines == [
        ("cmd bluetooth_manager disable", "cmd bluetooth_manager enable"),
        ("cmd bluetooth_manager enable", "cmd bluetooth_manager enable"),
    ]


async def test_an_older_android_is_switched_by_svc_and_bluetooth_that_was_off_ends_off() -> None:
    looks = [bluetooth_in("OFF"), out.BLUETOOTH]
    reads = {"bluetooth": bluetooth_in("OFF"), "getprop": "[ro.build.version.sdk]: [28]\n"}
    bench = writing_bench(reads, {"dumpsys bluetooth_manager": looks})
    await read("android.bluetooth", bench)
    assert [undo for _, undo in bench.lines] == ["svc bluetooth disable"] * 2


async def test_states_that_an_old_android_prints_as_numbers_are_known() -> None:
    looks = [bluetooth_in("13"), bluetooth_in("10"), bluetooth_in("11"), bluetooth_in("12")]
    reads = {"bluetooth": bluetooth_in("12"), "getprop": "[ro.build.version.sdk]: [23]\n"}
    bench = writing_bench(reads, {"dumpsys bluetooth_manager": looks})
    readings = await read("android.bluetooth", bench)
    assert (readings.value("bluetooth_state"), readings.value("switches_on")) == ("ON", True)
    assert [undo for _, undo in bench.lines] == ["svc bluetooth enable"] * 2  # it was on, and ends on


async def test_bluetooth_that_does_not_come_up_is_measured_as_that() -> None:
    bench = writing_bench(
        {"bluetooth": out.BLUETOOTH} | SDK, {"dumpsys bluetooth_manager": [bluetooth_in("OFF"), bluetooth_in("OFF")]}
    )
    readings = await read("android.bluetooth", bench, wait_s=0.05)
    assert readings.value("switches_on") is False
    assert "on_time" in readings.unread


async def test_bluetooth_that_this_android_can_not_switch_is_not_dead() -> None:
    said = result(stderr="Available commands:\n    help     Show information about the subcommands\n")
    reads = {"bluetooth": bluetooth_in("OFF"), "getprop": "[ro.build.version.sdk]: [23]\n"}
    bench = writing_bench(reads, {"dumpsys bluetooth_manager": [bluetooth_in("OFF")]}, refusal=said)
    readings = await read("android.bluetooth", bench, wait_s=0.05)
    assert "can't switch Bluetooth" in readings.unread["switches_on"].reason.en


async def test_bluetooth_that_never_goes_off_proves_nothing() -> None:
    bench = writing_bench({"bluetooth": out.BLUETOOTH} | SDK, {"dumpsys": [out.BLUETOOTH]})
    readings = await read("android.bluetooth", bench, wait_s=0.05)
    assert "did not go off" in readings.unread["switches_on"].reason.en
    assert not readings.measured.keys() & {"switches_on", "on_time", "off_time"}


async def test_low_energy_alone_counts_as_off() -> None:
    looks = [bluetooth_in("BLE_ON"), out.BLUETOOTH]
    readings = await read("android.bluetooth", writing_bench({"bluetooth": out.BLUETOOTH} | SDK, {"dumpsys": looks}))
    assert "off_time" in readings.measured


async def test_without_consent_bluetooth_is_looked_at_and_not_switched() -> None:
    bench = writing_bench({"bluetooth": out.BLUETOOTH} | SDK, refusal=DECLINED)
    readings = await read("android.bluetooth", bench)
    assert readings.value("bluetooth_crashes") == 2
    assert readings.unread["switches_on"].reason.en == "nobody agreed"


async def test_a_phone_that_refuses_to_switch_bluetooth_says_why() -> None:
    refused = result(
        stderr="java.lang.SecurityException: Neither user 2000 nor current process has BLUETOOTH\n", exit_code=255
    )
    readings = await read("android.bluetooth", writing_bench({"bluetooth": out.BLUETOOTH} | SDK, refusal=refused))
    assert "Security settings" in readings.unread["switches_on"].reason.en
    assert "switches_on" not in readings.measured


async def test_aeroplane_mode_explains_bluetooths_silence_and_nothing_is_written() -> None:
    bench = writing_bench({"bluetooth": bluetooth_in("OFF")} | SDK | AIR)
    readings = await read("android.bluetooth", bench)
    assert "aeroplane mode" in readings.unread["switches_on"].reason.en
    assert not bench.written


async def test_an_address_hidden_while_bluetooth_is_off_is_no_lost_address() -> None:
    readings = await read("android.bluetooth", writing_bench({"bluetooth": out.BLUETOOTH_LIMBO} | SDK), switch=False)
    assert "bluetooth_address" in readings.unread
    lost = out.BLUETOOTH.replace("02:00:5E:00:00:07", "null")
    readings = await read("android.bluetooth", writing_bench({"bluetooth": lost} | SDK), switch=False)
    assert readings.value("bluetooth_address") is False


async def test_the_beacon_is_measured_where_the_dump_names_it() -> None:
    bench = writing_bench({"bluetooth": out.BLUETOOTH} | SDK)
    readings = await read("android.bluetooth", bench, beacon="BenchBeacon", switch=False)
    assert readings.value("beacon_rssi") == -47


async def test_a_link_that_breaks_while_bluetooth_changes_is_a_trouble_of_the_bench() -> None:
    bench = writing_bench({"bluetooth": out.BLUETOOTH} | SDK, {"dumpsys": [result(failure=SILENT)]})
    with pytest.raises(NoAnswer):
        await read("android.bluetooth", bench)


@pytest.mark.parametrize("probe_id", ["android.bluetooth", "android.nfc"])
async def test_a_phone_built_without_the_radio_is_not_asked_for_it(probe_id: str) -> None:
    name = probe_id.removeprefix("android.")
    with pytest.raises(NotApplicable):
        await read(probe_id, writing_bench({name: "Can't find service: x\n"} | NO_FEATURES | SDK | {}))


# nfc


async def test_nfc_that_is_on_is_alive_and_nothing_is_written() -> None:
    bench = writing_bench({"nfc": out.NFC} | FEATURES)
    readings = await read("android.nfc", bench, tag="04:a2:2b:6a:b1:5c:80")
    assert readings.value("nfc_alive") is True
    assert readings.value("tag_read") is True
    assert not bench.written


async def test_another_tag_is_not_the_benchs() -> None:
    readings = await read("android.nfc", writing_bench({"nfc": out.NFC}), tag="04FFFFFFFFFF80")
    assert readings.value("tag_read") is False


async def test_nfc_that_is_off_is_switched_on_and_off_again() -> None:
    bench = writing_bench({"nfc": out.NFC_OFF} | FEATURES, {"dumpsys nfc": ["mState=turning on\n", out.NFC]})
    readings = await read("android.nfc", bench)
    assert readings.value("nfc_alive") is True
    assert bench.lines == [("svc nfc enable", "svc nfc disable")]


async def test_nfc_that_stays_off_is_not_alive() -> None:
    bench = writing_bench({"nfc": out.NFC_OFF} | FEATURES, {"dumpsys nfc": [out.NFC_OFF]})
    assert (await read("android.nfc", bench, wait_s=0.05)).value("nfc_alive") is False


@pytest.mark.parametrize(
    ("reads", "refusal", "words"),
    [
        (AIR, None, "aeroplane"),
        ({}, DECLINED, "NFC is off"),
        ({}, result(stderr="svc: not found", exit_code=127), "no such"),
        (
            {},
            result(stderr="Available commands:\n    help     Show information about the subcommands\n"),
            "can't switch",
        ),
    ],
)
async def test_nfc_that_may_not_be_switched_is_not_judged(
    reads: dict[str, str], refusal: Exception | CommandResult | None, words: str
) -> None:
    bench = writing_bench({"nfc": out.NFC_OFF} | FEATURES | reads, refusal=refusal)
    readings = await read("android.nfc", bench)
    assert words in readings.unread["nfc_alive"].reason.en


async def test_a_refusal_of_nfc_is_told_with_what_to_switch_on() -> None:
    readings = await read("android.nfc", writing_bench({"nfc": "Permission Denial: can't dump nfc from pid=1\n"}))
    assert "Security settings" in readings.unread["nfc_alive"].reason.en


# satellites


async def test_open_sky_is_judged_only_where_the_phone_lies_there() -> None:
    bench = writing_bench({"location": out.LOCATION, "location-mode": "3\n"})
    readings = await read("android.gnss", bench, place="open-sky")
    assert readings.value("cn0_open_sky") == Decimal("41.235")
    assert "cn0_repeater" in readings.unread
    readings = await read("android.gnss", bench)
    assert {"cn0_open_sky", "cn0_repeater"} <= readings.unread.keys()
    assert readings.value("cn0_top4") == Decimal("41.235")


@pytest.mark.parametrize(
    ("dump", "words"),
    [
        (out.LOCATION_OFF, "switched off"),
        (out.LOCATION_OFF.replace("mode: false", "mode: true"), "0 reports"),
        (out.LOCATION_OLD, "Android 8"),
        ("Can't find service: location\n", "no such service"),
    ],
)
async def test_no_figures_are_told_with_their_reason(dump: str, words: str) -> None:
    readings = await read("android.gnss", writing_bench({"location": dump}), place="open-sky")
    assert words in readings.unread["cn0_open_sky"].reason.en


async def test_a_window_forgets_what_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(seconds: float) -> None:
        assert seconds == 30

    monkeypatch.setattr("probes.location.asyncio.sleep", at_once)
    before = out.LOCATION.replace("612", "100").replace("41.23456", "20.0")
    after = out.LOCATION.replace("612", "300").replace("41.23456", "32.0")
    bench = writing_bench({"location": before}, {"dumpsys location": [after]})
    readings = await read("android.gnss", bench, place="open-sky", listen_s=30)
    assert readings.value("cn0_open_sky") == 38


# wifi

JOINED = phone_outputs.WIFI_STATUS
WIFI_ON = "Wi-Fi is enabled\nmWifiInfo SSID: <unknown ssid>, BSSID: <none>, MAC: 02:00:00:00:00:00, Supplicant state: DISCONNECTED, RSSI: -127, Link speed: -1Mbps, Frequency: -1MHz, Net ID: -1\n"  # noqa: E501


async def test_the_benchs_access_point_is_judged_in_each_band() -> None:
    bench = writing_bench({"wifi": WIFI_ON, "wifi-scan": out.WIFI_SCAN, "wifi-scan-start": ""})
    readings = await read("android.wifi", bench, ssid="BenchNet", bands=("2.4 GHz", "5 GHz"))
    assert (readings.value("rssi_2g4"), readings.value("rssi_5g")) == (-44, -51)
    assert readings.value("bench_rssi_2g4") == -44
    assert readings.value("bands_missing") == ()
    assert readings.value("antenna_difference") == 27
    assert "rssi_6g" in readings.unread


async def test_a_band_on_which_the_bench_is_and_that_is_not_heard_is_missing() -> None:
    only_24 = "\n".join(line for line in out.WIFI_SCAN.splitlines() if "5220" not in line)
    bench = writing_bench({"wifi": WIFI_ON, "wifi-scan": only_24})
    readings = await read("android.wifi", bench, ssid="BenchNet", bands=("2.4 GHz", "5 GHz"))
    assert readings.value("bands_missing") == ("5 GHz",)


async def test_neighbours_are_no_measure_of_a_phone() -> None:
    readings = await read("android.wifi", writing_bench({"wifi": WIFI_ON, "wifi-scan": out.WIFI_SCAN}))
    assert "setting “ssid”" in readings.unread["rssi_2g4"].reason.en
    assert readings.value("access_points") == 4


async def test_an_old_scan_is_made_anew() -> None:
    stale = out.WIFI_SCAN.replace("2.619", "912.0").replace("3.300", "912.0").replace("0.710", "912.0")
    stale = stale.replace("12,340", "912,0")
    live: dict[str, list[str]] = {"cmd wifi start-scan": [""], "cmd wifi list-scan-results": [stale, out.WIFI_SCAN]}
    bench = writing_bench({"wifi": WIFI_ON, "wifi-scan-start": "", "wifi-scan": stale}, live)
    readings = await read("android.wifi", bench, ssid="BenchNet")
    assert readings.value("rssi_5g") == -51


async def test_a_phone_that_never_scans_is_not_judged() -> None:
    live: dict[str, list[str]] = {"cmd wifi start-scan": [""], "cmd wifi list-scan-results": ["No scan results\n"]}
    bench = writing_bench({"wifi": WIFI_ON, "wifi-scan-start": "", "wifi-scan": ""}, live)
    readings = await read("android.wifi", bench, ssid="BenchNet", bands=("5 GHz",))
    assert "no fresh scan" in readings.unread["rssi_5g"].reason.en
    assert "bands_missing" in readings.unread


async def test_aeroplane_mode_explains_wifis_silence() -> None:
    off = WIFI_ON.replace("enabled", "disabled")
    readings = await read("android.wifi", writing_bench({"wifi": off, "wifi-scan": ""} | AIR), ssid="BenchNet")
    assert "aeroplane" in readings.unread["rssi_5g"].reason.en


# joining

LISTED = "Network Id      SSID                         Security type\n0            Bench.Test guest             wpa2-psk\n3            Bench.Test                   wpa2-psk\n3            Bench.Test                   wpa3-sae^\n"  # noqa: E501
NOT_JOINED = "Wifi is enabled\nWifi is not connected\n"


async def test_a_link_without_a_scan_misses_no_band() -> None:
    bench = writing_bench({"wifi-status": joined_to("BenchNet"), "wifi": "", "wifi-scan": ""})
    readings = await read("android.wifi", bench, ssid="BenchNet", bands=("2.4 GHz", "5 GHz"))
    assert readings.value("rssi_5g") == -48
    assert "location" in readings.unread["bands_missing"].reason.en


def joined_to(ssid: str) -> str:
    return (
        f'Wifi is enabled\nWifi is connected to "{ssid}"\nWifiInfo: SSID: "{ssid}", BSSID: 02:00:5e:10:20:40, '
        "MAC: 02:00:00:00:00:00, Supplicant state: COMPLETED, RSSI: -48, Link speed: 433Mbps, "
        "Frequency: 5180MHz, Net ID: 3\n"
    )


async def test_the_benchs_network_is_joined_and_forgotten() -> None:
    live: dict[str, list[str]] = {"cmd wifi status": [NOT_JOINED, joined_to("Bench's")]}
    bench = writing_bench({"wifi-status": NOT_JOINED, "wifi-networks": LISTED}, live)
    readings = await read("android.wifi-join", bench, ssid="Bench's", passphrase="se cret")
    assert readings.value("joined") is True
    [(do, undo)] = bench.lines
    assert do == """cmd wifi connect-network 'Bench'"'"'s' wpa2 'se cret'"""
    assert undo == forget_script("Bench's")


async def test_a_network_that_the_owner_has_saved_is_kept() -> None:
    live: dict[str, list[str]] = {"cmd wifi status": [joined_to("Bench.Test")]}
    bench = writing_bench({"wifi-status": NOT_JOINED, "wifi-networks": LISTED}, live)
    await read("android.wifi-join", bench, ssid="Bench.Test", passphrase="x")
    assert [undo for _, undo in bench.lines] == [":"]


async def test_a_phone_that_is_there_already_is_not_written_to() -> None:
    live: dict[str, list[str]] = {"cmd wifi status": [joined_to("Bench.Test")]}
    bench = writing_bench({"wifi-status": joined_to("Bench.Test")}, live)
    assert (await read("android.wifi-join", bench, ssid="Bench.Test")).value("joined") is True
    assert not bench.written


async def test_heard_and_not_joined_is_the_phones_and_unheard_is_the_benchs() -> None:
    live: dict[str, list[str]] = {"cmd wifi status": [NOT_JOINED], "cmd wifi start-scan": [out.WIFI_SCAN]}
    reads = {"wifi-status": NOT_JOINED, "wifi-networks": ""}
    bench = writing_bench(reads, live)
    assert (await read("android.wifi-join", bench, ssid="BenchNet", wait_s=0.05)).value("joined") is False
    with pytest.raises(NotRun, match="does not hear"):
        await read("android.wifi-join", bench, ssid="Elsewhere", wait_s=0.05)


@pytest.mark.parametrize(
    ("settings", "status", "words"),
    [
        ({}, NOT_JOINED, "names no access point"),
        ({"ssid": "X"}, "Wifi is disabled\n", "Wi-Fi is off"),
        ({"ssid": "X"}, "cmd: Can't find service: wifi\n", "no such"),
    ],
)
async def test_joining_that_can_not_be_tried_says_why(settings: dict[str, str], status: str, words: str) -> None:
    with pytest.raises(NotRun, match=words):
        await read("android.wifi-join", writing_bench({"wifi-status": status}), **settings)


@pytest.mark.parametrize("kind", ["wpa2", "wpa2-psk", "wpa2-psk/wpa3-sae^", "owe "])
def test_a_saved_network_is_known_in_whatever_words_its_security_is_told(kind: str) -> None:
    listed = f"Network Id      SSID                         Security type\n{3:<12} {'Bench.Test':<32} {kind}\n"
    assert saved(listed.encode(), "Bench.Test")


def test_only_the_network_of_exactly_that_name_counts_as_saved() -> None:
    assert saved(LISTED.encode(), "Bench.Test")
    assert saved(LISTED.encode(), "Bench.Test guest")
    assert not saved(LISTED.encode(), "Bench")
    assert not saved(LISTED.encode(), "BenchxTest")


# a page


def test_a_page_is_asked_for_in_plain_http_alone() -> None:
    script = fetch_script("http://bench.example:8080/a?b=1")
    assert script is not None
    assert "'/a?b=1' bench.example" in script
    assert "nc -w 20 bench.example 8080" in script
    for url in ("https://bench/", "http://", "http://a b/", "http://x/'; reboot '", "http://x:99999/", "ftp://x/", "x"):
        assert fetch_script(url) is None


def test_the_speed_of_a_page_follows_from_the_phones_own_clock() -> None:
    page = fetched(b"100.00 50.0\nHTTP/1.0 200 OK\r\n1000000\n102.00 51.0\n")
    assert page.ok
    assert page.speed == Decimal("4.00")
    assert fetched(b"100.00 50.0\nHTTP/1.0 200 OK\r\n50\n100.01 51.0\n").speed is None


def test_no_page_another_answer_and_no_tool_are_three_things() -> None:
    assert not fetched(b"100.00 50.0\n\n0\n120.00 51.0\n").ok
    refused = fetched(b"100.00 50.0\nHTTP/1.1 404 Not Found\r\n10\n100.10 51.0\n")
    assert (refused.ok, refused.unable) == (False, False)
    assert refused.why is not None
    assert "404" in refused.why.en
    assert fetched(b"100.00 50.0\n", b"/system/bin/sh: nc: not found\n").unable


# sim and cellular

SIM = phone_outputs.GETPROP


def props(state: str, baseband: str = "g5300i") -> dict[str, str]:
    return {
        "getprop": f"[gsm.sim.state]: [{state}]\n[gsm.version.baseband]: [{baseband}]\n[ro.build.version.sdk]: [34]\n"
    }


@pytest.mark.parametrize(
    ("state", "inserted", "ready", "unread"),
    [
        ("LOADED,ABSENT", 0, 1, None),
        ("LOADED,ABSENT", 2, 1, 1),
        ("LOADED,LOADED", 2, 2, 0),
        ("ABSENT,ABSENT", 0, None, None),
        ("ABSENT,ABSENT", 1, 0, 1),
        ("CARD_IO_ERROR,LOADED", 0, 1, 1),
        ("PIN_REQUIRED,ABSENT", 1, None, 0),
        ("NOT_READY,NOT_READY", 1, None, None),
    ],
)
async def test_an_empty_tray_is_no_fault_until_somebody_says_that_a_sim_is_in(
    state: str, inserted: int, ready: int | None, unread: int | None
) -> None:
    readings = await read("android.sim", writing_bench(props(state)), inserted=inserted)
    assert (readings.value("ready_slots") if ready is not None else None) == ready
    assert ("ready_slots" in readings.unread) is (ready is None)
    assert (readings.value("sims_unread") if unread is not None else None) == unread


async def test_a_slot_says_whether_it_holds_a_card_or_an_esim() -> None:
    bench = writing_bench(props("LOADED,LOADED") | {"subscriptions": out.SUBSCRIPTIONS})
    readings = await read("android.sim", bench)
    assert (readings.value("slot1_kind"), readings.value("slot2_kind")) == ("SIM", "eSIM")


REGISTRY = "last known state:\n  Phone Id=0\n    mServiceState={mVoiceRegState=0(IN_SERVICE), mDataRegState=0(IN_SERVICE)}\n    mSignalStrength=SignalStrength:{mLte=CellSignalStrengthLte: rsrp=-92 rsrq=-9, mNr=CellSignalStrengthNr:{ ssRsrp = 2147483647 }}\n"  # noqa: E501


async def test_a_modem_on_the_network_is_measured_by_its_technologies() -> None:
    bench = writing_bench(props("LOADED") | {"telephony-registry": REGISTRY, "device-id": phone_outputs.PARCEL})
    readings = await read("android.cellular", bench)
    assert readings.value("registered") is True
    assert readings.value("rsrp_lte") == -92
    assert "rsrp_nr" in readings.unread
    assert readings.value("imei_present") is True


async def test_a_modem_without_version_and_imei_is_told() -> None:
    nothing = "Result: Parcel(00000000 ffffffff   '........')\n"
    readings = await read("android.cellular", writing_bench(props("UNKNOWN", "") | {"device-id": nothing}))
    assert readings.value("baseband_present") is False
    assert readings.value("imei_present") is False


async def test_a_modem_that_runs_and_gives_no_imei_to_the_cable_has_not_lost_it() -> None:
    nothing = {"device-id": "Result: Parcel(00000000 ffffffff   '........')\n"}
    readings = await read("android.cellular", writing_bench(props("LOADED") | nothing))
    assert readings.value("baseband_present") is True
    assert "*#06#" in readings.unread["imei_present"].reason.en


@pytest.mark.parametrize("nonsense", ["-1", "0", "92", "-255"])
async def test_a_level_that_no_radio_has_is_not_measured(nonsense: str) -> None:
    registry = REGISTRY.replace("rsrp=-92", f"rsrp={nonsense}")
    readings = await read("android.cellular", writing_bench(props("LOADED") | {"telephony-registry": registry}))
    assert readings.value("registered") is True
    assert "rsrp_lte" in readings.unread


async def test_a_phone_that_has_just_started_is_not_blamed_for_a_modem_that_is_not_up_yet() -> None:
    lost = {"telephony-registry": REGISTRY.replace("0(IN_SERVICE)", "1(OUT_OF_SERVICE)")}
    young, old = {"uptime": "41.20 12.00\n"}, {"uptime": "4100.20 12.00\n"}
    readings = await read("android.cellular", writing_bench(props("LOADED", "") | lost | young))
    assert "41 s ago" in readings.unread["registered"].reason.en
    assert "41 s ago" in readings.unread["baseband_present"].reason.en
    readings = await read("android.cellular", writing_bench(props("LOADED", "") | lost | old))
    assert (readings.value("registered"), readings.value("baseband_present")) == (False, False)


async def test_aeroplane_mode_explains_a_silent_modem() -> None:
    nothing = "Result: Parcel(00000000 ffffffff   '........')\n"
    readings = await read("android.cellular", writing_bench(props("NOT_READY", "") | {"device-id": nothing} | AIR))
    assert {"baseband_present", "imei_present", "registered"} <= readings.unread.keys()
    assert "aeroplane" in readings.unread["registered"].reason.en


async def test_out_of_service_is_measured_and_its_leftover_signal_is_not() -> None:
    lost = REGISTRY.replace("0(IN_SERVICE)", "1(OUT_OF_SERVICE)")
    readings = await read("android.cellular", writing_bench(props("LOADED") | {"telephony-registry": lost}))
    assert readings.value("registered") is False
    assert "rsrp_lte" in readings.unread


async def test_a_refused_registry_leaves_the_registration_open() -> None:
    refused = {"telephony-registry": "Permission Denial: can't dump telephony.registry from pid=1, uid=2000\n"}
    readings = await read("android.cellular", writing_bench(props("LOADED") | refused))
    assert "Security settings" in readings.unread["registered"].reason.en


# mobile data

ONLINE = {"dumpsys connectivity": [out.NETWORKS]}
MOBILE = props("LOADED,ABSENT") | {"networks": out.NETWORKS_OLD, "wifi-on": "1\n", "mobile-data-on": "0\n"}


async def test_mobile_data_is_tried_with_wifi_off_and_all_is_put_back() -> None:
    bench = writing_bench(MOBILE | {"subscriptions": out.SUBSCRIPTIONS}, ONLINE)
    readings = await read("android.mobile-data", bench)
    assert readings.value("mobile_online") is True
    assert readings.value("slot1_online") is True
    assert bench.lines == [("svc wifi disable", "svc wifi enable"), ("svc data enable", "svc data disable")]


async def test_wifi_that_is_off_and_data_that_is_on_are_left_alone() -> None:
    bench = writing_bench(MOBILE | {"wifi-on": "0\n", "mobile-data-on": "1\n"}, ONLINE)
    await read("android.mobile-data", bench)
    assert not bench.written


async def test_the_other_sim_is_left_with_what_to_do() -> None:
    reads = MOBILE | props("LOADED,LOADED") | {"subscriptions": out.SUBSCRIPTIONS}
    readings = await read("android.mobile-data", writing_bench(reads, ONLINE))
    assert readings.value("slot1_online") is True
    assert "choose this one" in readings.unread["slot2_online"].reason.en


async def test_a_network_with_nothing_behind_it_is_not_online() -> None:
    dead = out.NETWORKS.replace("&VALIDATED", "").replace("IS_VALIDATED", "")
    bench = writing_bench(MOBILE, {"dumpsys connectivity": [dead]})
    readings = await read("android.mobile-data", bench, wait_s=0)
    assert readings.value("mobile_online") is False


async def test_a_page_of_the_bench_tells_the_speed() -> None:
    live = ONLINE | {"cat /proc/uptime; printf": ["1.00 1.0\nHTTP/1.0 200 OK\r\n2000000\n5.00 1.0\n"]}
    bench = writing_bench(MOBILE, live)
    readings = await read("android.mobile-data", bench, url="http://192.0.2.1/page")
    assert readings.value("page_fetched") is True
    assert readings.value("mobile_throughput") == 4


@pytest.mark.parametrize(
    ("reads", "words"),
    [
        (AIR, "aeroplane"),
        (props("ABSENT"), "put the test SIM in"),
        ({"networks": "Can't find service: connectivity\n"}, "no such service"),
    ],
)
async def test_mobile_data_that_can_not_be_tried_says_why_and_writes_nothing(reads: dict[str, str], words: str) -> None:
    bench = writing_bench(MOBILE | reads)
    with pytest.raises(NotRun, match=words):
        await read("android.mobile-data", bench)
    assert not bench.written


# a call

CALLING = {"dumpsys telephony.registry": [REGISTRY + "    mCallState=2\n"]}


@dataclass
class Talkers:
    """Two people: what is said and what is understood in each direction."""

    deaf: bool = False
    forgets: bool = False
    line: str = "connected"
    said: str = ""
    asked: list[Prompt] = field(default_factory=list)

    async def ask(self, prompt: Prompt) -> Answer:
        self.asked.append(prompt)
        return Answer(prompt.id, self._word(prompt.id), "tech-1")

    def _word(self, prompt: str) -> str:
        if prompt == "dial":
            return self.line
        direction, _, count = prompt.rpartition("-")
        if direction.startswith("heard"):
            self.said = "479126"[: int(count)]
            return "00000" if self.deaf and direction == "heard-here" else " ".join(self.said)
        return "4" if self.forgets else self.said


async def talk(person: Talkers, reads: dict[str, str] | None = None, **settings: Any) -> Readings:
    live: dict[str, list[str]] = dict(CALLING)
    bench = writing_bench(props("LOADED") | {"telephony-registry": REGISTRY} | (reads or {}), live, person=person)
    return await read("android.call", bench, **settings)


async def test_digits_that_are_understood_both_ways_pass_and_never_stand_on_the_screen() -> None:
    person = Talkers()
    readings = await talk(person)
    assert readings.value("heard_here") is True
    assert readings.value("heard_there") is True
    assert readings.measured["call_stands"].source.endswith("mCallState")
    for prompt in person.asked[1:]:
        shown = " ".join([prompt.title.en, *(step.en for step in prompt.steps)])
        assert "479" not in shown
    order = [prompt.id.rpartition("-")[0] for prompt in person.asked[1:]]
    assert order in (["heard-here", "said-there", "heard-there", "said-here"],
                     ["heard-there", "said-here", "heard-here", "said-there"])  # fmt: skip


async def test_digits_that_are_not_understood_name_the_direction() -> None:
    readings = await talk(Talkers(deaf=True))
    assert readings.value("heard_here") is False
    assert readings.value("heard_there") is True


async def test_a_speaker_who_said_something_else_leaves_it_open() -> None:
    readings = await talk(Talkers(forgets=True))
    assert {"heard_here", "heard_there"} <= readings.unread.keys()


async def test_no_connection_is_measured_and_an_idle_phone_is_not_believed() -> None:
    readings = await talk(Talkers(line="no-connection"))
    assert readings.value("call_stands") is False
    bench = writing_bench(
        props("LOADED") | {"telephony-registry": REGISTRY},
        {"dumpsys telephony.registry": [REGISTRY + "    mCallState=0\n"]},
        person=Talkers(),
    )
    with pytest.raises(NotRun, match="in no call"):
        await read("android.call", bench)


@pytest.mark.parametrize("number", ["112", "911", "110", "+112", "1 1 2", "99999"])
async def test_an_emergency_number_is_never_called(number: str) -> None:
    person = Talkers()
    with pytest.raises(NotRun, match="short one"):
        await talk(person, {"getprop": props("LOADED")["getprop"] + "[ril.ecclist]: [112,911,99999]\n"}, number=number)
    assert not person.asked


def test_what_may_be_called_and_what_people_type() -> None:
    assert may_call("010 1234 5678", "112,911")
    assert not may_call("", "")
    assert digits_of("4-7 １２ 九〇 ½") == "471290"


@pytest.mark.parametrize(
    ("reads", "words"),
    [
        (AIR, "aeroplane"),
        (props("ABSENT"), "put the test SIM in"),
        ({"telephony-registry": REGISTRY.replace("0(IN_SERVICE)", "1(OUT_OF_SERVICE)")}, "on no network"),
    ],
)
async def test_a_phone_that_can_not_call_is_not_asked_to(reads: dict[str, str], words: str) -> None:
    person = Talkers()
    with pytest.raises(NotRun, match=words):
        await talk(person, reads)
    assert not person.asked


# the rare ones


async def test_what_is_built_in_is_told_with_its_service() -> None:
    features = "feature:android.hardware.uwb\nfeature:android.hardware.consumerir\n"
    bench = writing_bench({"features": features, "radio-services": out.RADIO_SERVICES, "uwb": out.UWB})
    readings = await read("android.other-radios", bench)
    assert (readings.value("uwb"), readings.value("uwb_chip")) == (True, "READY")
    assert (readings.value("infrared_service"), readings.value("fm")) == (True, True)


async def test_a_phone_without_any_of_them_has_nothing_to_tell() -> None:
    services = out.RADIO_SERVICES.replace("package:com.caf.fmradio\n", "")
    bench = writing_bench({"radio-services": services} | NO_FEATURES)
    with pytest.raises(NotApplicable):
        await read("android.other-radios", bench)
