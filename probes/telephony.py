"""What the phone's telephony services say of its slots: registration, calls, signal.

Pure parsers of `dumpsys telephony.registry` and of the list of features; identity and SIM states are read elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from drivers.api import Command
from probes.api import Parsed, Problem, parser
from probes.captured import integer, raw_lines
from probes.cut import without_cut_word

__all__ = ["READ_FEATURES", "features_of", "pm_features", "telephony_registry"]

READ_FEATURES = Command("features", "pm list features", timeout_s=15.0, limit=256 * 1024)

#: CellInfo.UNAVAILABLE, the marker of a value that the modem does not give.
_UNAVAILABLE = 2_147_483_647
#: 3GPP TS 27.007 +CSQ: 99 means "not known or not detectable".
_ASU_UNKNOWN = 99
#: What +CSQ measures: 1 to 31 are -111 to -51 dBm; 0 says only that it is weaker.
_ASU = range(1, 32)

_REG = re.compile(r"\b(mVoiceRegState|mDataRegState)=(-?[0-9]{1,9})\b", re.ASCII)
_OPERATOR = re.compile(r"\b(mVoiceOperatorAlphaLong|mOperatorAlphaLong)=([^=]{0,200}?)(?:, \w{1,60}(?:\(\))?=|\})")
#: Voice and data radio technology, in the forms of Android 8 (`mRil...=14(LTE)`) and 10 (`getRil...=14(LTE)`).
_TECHNOLOGY = re.compile(r"\b(?:m|get)Ril(Voice|Data)RadioTechnology=-?[0-9]{1,3}\(([A-Za-z][\w +-]{0,20})\)", re.ASCII)
_EMERGENCY = re.compile(r"\bmIsEmergencyOnly=(true|false)\b", re.ASCII)
#: Section of the form with names, its field, the fact, and the values that 3GPP TS 27.007 and 36/38.133 allow, in dBm.
_NAMED_SIGNALS = (
    ("Lte", re.compile(r"\brsrp ?= ?(-?[0-9]{1,10})(?=[ ,}])", re.ASCII), "lte_rsrp_dBm", None),
    ("Lte", re.compile(r"\brsrq ?= ?(-?[0-9]{1,10})(?=[ ,}])", re.ASCII), "lte_rsrq_dB", range(-34, 4)),
    ("Nr", re.compile(r"\bssRsrp ?= ?(-?[0-9]{1,10})(?=[ ,}])", re.ASCII), "nr_rsrp_dBm", range(-156, -30)),
    ("Wcdma", re.compile(r"\brscp ?= ?(-?[0-9]{1,10})(?=[ ,}])", re.ASCII), "wcdma_rscp_dBm", range(-120, -23)),
    ("Gsm", re.compile(r"\brssi ?= ?(-?[0-9]{1,10})(?=[ ,}])", re.ASCII), "gsm_rssi_dBm", range(-113, -50)),
)
#: The class of the signal before its numbers; makers have their own.
_CLASS = re.compile(r"^[A-Za-z]{1,60}: ?", re.ASCII)
#: Phones that are looked at: no phone has more than a few slots, a dump that is printed twice has each again.
_MOST_BLOCKS = 64
_BLOCK_ENDS = ("registrations:", "local logs:", "listen logs:")


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Each phone's number and the lines that belong to it."""
    number = -1
    block: list[str] = []
    for line in lines:
        found = integer(line.removeprefix("Phone Id=")) if line.startswith("Phone Id=") else None
        if found is not None:
            if number >= 0:
                yield number, block
            number, block = found, []
        elif line.startswith(_BLOCK_ENDS):
            break
        else:
            block.append(line)
    if number >= 0:
        yield number, block


def _first_value(block: list[str], name: str) -> str | None:
    return next((line[len(name) + 1 :] for line in block if line.startswith(f"{name}=")), None)


def _leading_numbers(text: str) -> list[int]:
    numbers: list[int] = []
    for word in text.split():
        value = integer(word)
        if value is None:
            break
        numbers.append(value)
    return numbers


def _registration(text: str, old: bool) -> dict[str, object]:
    named = {name: int(number) for name, number in reversed(_REG.findall(text))}
    if named:
        facts: dict[str, object] = {}
        for name, fact in (("mVoiceRegState", "voice_reg"), ("mDataRegState", "data_reg")):
            if name in named:
                facts[fact] = named[name]
        for name, operator in reversed(_OPERATOR.findall(text)):
            if operator.strip() not in ("", "null"):
                facts["operator" if name == "mVoiceOperatorAlphaLong" else "operator_any"] = operator.strip()
        for kind, technology in reversed(_TECHNOLOGY.findall(text)):
            if technology != "Unknown":
                facts[f"{kind.lower()}_technology"] = technology
        if emergency := _EMERGENCY.search(text):
            facts["emergency_only"] = emergency[1] == "true"
        return facts
    return dict(zip(("voice_reg",) if old else ("voice_reg", "data_reg"), _leading_numbers(text), strict=False))


def _signal(text: str) -> dict[str, object]:
    if "CellSignalStrength" in text:
        return _named_signal(text)
    facts: dict[str, object] = {}
    numbers = _leading_numbers(_CLASS.sub("", text))
    if numbers and numbers[0] not in (_ASU_UNKNOWN, _UNAVAILABLE):
        facts["gsm_asu"] = numbers[0]
        if numbers[0] in _ASU:
            facts["gsm_rssi_dBm"] = -113 + 2 * numbers[0]
    if len(numbers) >= 12 and numbers[8] not in (_UNAVAILABLE, -1, 0):
        facts["lte_rsrp_dBm"] = numbers[8]
    return facts


def _named_signal(text: str) -> dict[str, object]:
    facts: dict[str, object] = {}
    for section, field, fact, allowed in _NAMED_SIGNALS:
        said = text.partition(f"CellSignalStrength{section}:")[2].partition("CellSignalStrength")[0]
        found = field.search(said)
        value = int(found[1]) if found else _UNAVAILABLE
        if value != _UNAVAILABLE and (allowed is None or value in allowed):
            facts[fact] = value
    return facts


def _phone(block: list[str], old: bool) -> dict[str, object]:
    facts: dict[str, object] = {}
    if (call := integer(_first_value(block, "mCallState") or "")) is not None:
        facts["call_state"] = call
    if state := _first_value(block, "mServiceState"):
        facts |= _registration(state, old)
    if signal := _first_value(block, "mSignalStrength"):
        facts |= _signal(signal)
    return facts


@parser("telephony_registry")
def telephony_registry(data: bytes) -> Parsed:
    """`dumpsys telephony.registry`; the form before Android 5 has one phone and no `Phone Id`."""
    parsed = Parsed()
    lines = [line.strip() for line in without_cut_word(raw_lines(data), data)]
    count = sum(line.startswith("Phone Id=") for line in lines)
    old = not count and "last known state:" in lines
    if not count and not old:
        return parsed
    parsed.facts["phones"] = count or 1
    blocks = [(0, lines[lines.index("last known state:") + 1 :])] if old else islice(_blocks(lines), _MOST_BLOCKS)
    for number, block in blocks:
        for name, value in _phone(block, old).items():
            parsed.facts.setdefault(f"phone{number}_{name}", value)
    if not any(name.startswith("phone0_") for name in parsed.facts):
        parsed.problems.append(Problem("phone0", "its block says nothing that is known"))
    return parsed


#: Fact -> feature (android.content.pm.PackageManager.FEATURE_*).
_FEATURES = {
    "has_camera": "android.hardware.camera",
    "has_telephony": "android.hardware.telephony",
    "has_gps": "android.hardware.location.gps",
    "has_nfc": "android.hardware.nfc",
    "has_gyroscope": "android.hardware.sensor.gyroscope",
    "has_proximity": "android.hardware.sensor.proximity",
    "has_accelerometer": "android.hardware.sensor.accelerometer",
    "has_magnetometer": "android.hardware.sensor.compass",
    "has_light": "android.hardware.sensor.light",
    "has_pressure": "android.hardware.sensor.barometer",
    "has_step_counter": "android.hardware.sensor.stepcounter",
    "has_wifi": "android.hardware.wifi",
    "has_camera_any": "android.hardware.camera.any",
    "has_bluetooth": "android.hardware.bluetooth",
    "has_uwb": "android.hardware.uwb",
    "has_infrared": "android.hardware.consumerir",
    "has_broadcast_radio": "android.hardware.broadcastradio",
    "has_esim": "android.hardware.telephony.euicc",
    "has_thread": "android.hardware.thread_network",
    "has_satellite": "android.hardware.telephony.satellite",
}


def features_of(data: bytes) -> list[str]:
    """The features that `pm list features` names, with their versions where they have one."""
    lines = (line.strip() for line in raw_lines(data))
    return [line[len("feature:") :] for line in lines if line.startswith("feature:")]


@parser("pm_features")
def pm_features(data: bytes) -> Parsed:
    """`pm list features`: what the phone says it is built with."""
    parsed = Parsed()
    listed = features_of(data)
    if not listed:
        return parsed
    parsed.facts["feature_count"] = len(listed)
    names = frozenset(name.partition("=")[0] for name in listed)  # some have a version: `name=2`
    parsed.facts |= {fact: feature in names for fact, feature in _FEATURES.items()}
    for name in listed:
        if name.startswith("reqGlEsVersion=") and (version := integer(name.partition("=")[2])) is not None:
            parsed.facts.setdefault("gl_es", version)
    return parsed
