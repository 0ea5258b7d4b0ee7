"""Whether Wi-Fi is on and joined, how strong the access point is heard, and on which band.

One parser for the dump of the Wi-Fi service; what a good signal is, is judged elsewhere.
"""

from __future__ import annotations

import re

from probes.api import Parsed, parser
from probes.captured import integer, note, stripped_lines, unquoted

__all__ = ["wifi"]

_BSSID = re.compile(r", BSSID: (?:[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}|<\w{1,20}>|null|any)(?=,|$)", re.ASCII)
_UNKNOWN = ("", "<none>", "<unknown ssid>", "null", "<NONE>")
#: android.net.wifi.WifiInfo.INVALID_RSSI; vendors print lower values for the same thing.
INVALID_RSSI = -127


def _wifi_info(lines: list[str]) -> dict[str, str]:
    """The fields of the first line that describes the link; the network's name may hold anything, also commas."""
    for line in lines:
        rest = line.removeprefix("mWifiInfo").lstrip()
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
    parsed = Parsed()
    facts = parsed.facts
    lines = stripped_lines(data)
    for line in lines:
        if line.startswith(("Wi-Fi is enabled", "Wi-Fi is disabled")):
            facts["enabled"] = line.startswith("Wi-Fi is enabled")
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
