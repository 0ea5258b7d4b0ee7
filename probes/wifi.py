"""Whether Wi-Fi is on and joined, how strong the access point is heard, and on which band.

One parser for the dump of the Wi-Fi service; what a good signal is, is judged elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from decimal import Decimal

from drivers.api import Command, Shell
from drivers.text import Words
from probes.answers import NOT_SAID, Heard, hear, hear_second, reading
from probes.api import Bench, Measurement, NotApplicable, Parsed, Reading, Unread, parser, probe
from probes.captured import integer, note, stripped_lines, unquoted
from probes.telephony import READ_FEATURES, pm_features
from probes.units import FLAG, TEXT

__all__ = ["band", "wifi", "wifi_link", "wifi_status"]

_BSSID = re.compile(r", BSSID: (?:[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}|<\w{1,20}>|null|any)(?=,|$)", re.ASCII)
_UNKNOWN = ("", "<none>", "<unknown ssid>", "null", "<NONE>")
#: android.net.wifi.WifiInfo.INVALID_RSSI; vendors print lower values for the same thing.
INVALID_RSSI = -127


def _wifi_info(lines: list[str]) -> dict[str, str]:
    """The fields of the first line that describes the link; the network's name may hold anything, also commas."""
    for line in lines:
        rest = line.removeprefix("mWifiInfo").removeprefix("WifiInfo:").lstrip()
        if not rest.startswith("SSID: ") or ", Supplicant state: " not in rest:
            continue
        head = rest[: rest.rindex(", Supplicant state: ")]
        printed = [found.start() for found in _BSSID.finditer(head)]
        cut = printed[-1] if printed else head.find(", BSSID: ")
        if cut < 0:
            continue
        fields = {"SSID": rest[len("SSID: ") : cut]}
        for item in rest[cut + 2 :].split(", "):
            name, colon, value = item.partition(": ")
            if colon:
                fields.setdefault(name, value.strip())
        return fields
    return {}


def _measured(text: str, unit: str) -> int | None:
    return integer(text.removesuffix(unit))


@parser("wifi")
def wifi(data: bytes) -> Parsed:
    """`dumpsys wifi`: on or off, and the current link."""
    return _link(stripped_lines(data), "Wi-Fi")


@parser("wifi_status")
def wifi_status(data: bytes) -> Parsed:
    """`cmd wifi status` (Android 11): the same in fewer lines."""
    return _link(stripped_lines(data), "Wifi")


def _link(lines: list[str], name: str) -> Parsed:
    parsed = Parsed()
    facts = parsed.facts
    for line in lines:
        if line.startswith((f"{name} is enabled", f"{name} is disabled")):
            facts["enabled"] = line.startswith(f"{name} is enabled")
            break
    fields = _wifi_info(lines)
    for name, fact in (("SSID", "ssid"), ("BSSID", "bssid"), ("MAC", "mac")):
        if (text := unquoted(fields.get(name, ""))) not in _UNKNOWN:
            facts[fact] = text
    if state := fields.get("Supplicant state"):
        facts["supplicant_state"] = state
        facts["connected"] = state == "COMPLETED"
    for name, unit, fact, least in (
        ("RSSI", "dBm", "rssi_dBm", INVALID_RSSI + 1),
        ("Link speed", "Mbps", "link_speed_Mbps", 0),
        ("Frequency", "MHz", "frequency_MHz", 0),
    ):
        if not (text := fields.get(name, "")):
            continue
        if (value := _measured(text, unit)) is None:
            note(parsed, fact, text, f"a number of {unit}")
        elif value >= least:
            facts[fact] = value
    return parsed


# On a phone in use the whole dump is many megabytes of history; the phone itself picks the lines that count.
_READ = Command(
    "wifi",
    "dumpsys wifi | grep -E '^Wi-Fi is |WifiInfo SSID: |^ *SSID: |Permission|find service|Exception' || dumpsys wifi",
    timeout_s=20.0,
    limit=4 * 1024 * 1024,
)
_STATUS = Command("wifi-status", "cmd wifi status", timeout_s=10.0, limit=256 * 1024)
_NO_WIFI = Words("the phone says that it is built without Wi-Fi", "手机声明其出厂不带 Wi-Fi")
_NOT_JOINED = Words(
    "the phone is not joined to an access point; join the bench's and run this again",
    "手机未连接接入点；请连接工位的接入点后重测",
)
_OFF = Words("Wi-Fi is off; turn it on and run this again", "Wi-Fi 已关闭；请打开后重测")

#: Bands by centre frequency in MHz (IEEE 802.11-2024 annex E; 6 GHz begins above channel 177 of the 5 GHz band).
_BANDS = (("2.4 GHz", 2400, 2500), ("5 GHz", 4900, 5900), ("6 GHz", 5925, 7125))


def band(frequency_mhz: int) -> str | None:
    """The Wi-Fi band of a centre frequency, None for a frequency of none."""
    return next((name for name, low, high in _BANDS if low <= frequency_mhz <= high), None)


def _of_link(name: str, said: Heard, fact: str) -> Reading:
    """A value of the link, or why there is none: off, not joined, or not said."""
    if said.get("connected"):
        return reading(name, said, fact)
    if not said.facts:
        return Unread(name, said.reason(fact), said.source)
    why = _OFF if said.get("enabled") is False else _NOT_JOINED
    return Unread(name, why if said.get("connected") is False or why is _OFF else NOT_SAID, said.source)


@probe(
    "android.wifi",
    needs=Shell,
    reads=(_READ, _STATUS, READ_FEATURES),
    measures={
        "enabled": FLAG,
        "connected": FLAG,
        "supplicant_state": TEXT,
        "rssi": "dB[m]",
        "frequency": "MHz",
        "band": TEXT,
        "link_speed": "Mbit/s",
    },
)
async def wifi_link(bench: Bench) -> AsyncIterator[Reading]:
    """Whether Wi-Fi is on and joined, with signal, band and speed of the link."""
    dump = hear(bench, _READ, wifi, "dumpsys wifi")
    status = hear_second(bench, _STATUS, wifi_status)
    if hear_second(bench, READ_FEATURES, pm_features).get("has_wifi") is False and not dump.facts:
        raise NotApplicable(_NO_WIFI)
    said = dump if "connected" in dump.facts or not status.facts else status
    yield reading("enabled", dump if "enabled" in dump.facts else said, "enabled")
    yield reading("connected", said, "connected")
    yield reading("supplicant_state", said, "supplicant_state")
    yield _of_link("rssi", said, "rssi_dBm")
    yield _of_link("frequency", said, "frequency_MHz")
    name = band(said.get("frequency_MHz") or 0)
    if said.get("connected") and name:
        yield Measurement("band", name, f"{said.source}: Frequency {Decimal(said.get('frequency_MHz'))} MHz")
    else:
        yield _of_link("band", said, "band")
    yield _of_link("link_speed", said, "link_speed_Mbps")
