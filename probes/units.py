"""The closed list of units: UCUM codes (https://ucum.org) that a measurement may carry.

Four kinds of values have no unit and are named in their place, so that a declaration always says what to expect:
`text`, `flag`, `list`, and `identity`: text that identifies the phone or a person (serial, IMEI). Records hold an
identity only as a salted commitment, so that it can be erased.
"""

from __future__ import annotations

__all__ = ["FLAG", "IDENTITY", "KINDS", "LIST", "TEXT", "UNITS", "is_number", "symbol"]

TEXT = "text"
FLAG = "flag"
LIST = "list"
IDENTITY = "identity"

#: Kinds of values that have no unit.
KINDS = (TEXT, FLAG, LIST, IDENTITY)

#: UCUM case-sensitive codes in use, with what they mean.
UNITS: dict[str, str] = {
    "1": "a bare number or count",
    "%": "per cent",
    "mV": "millivolt",
    "V": "volt",
    "mA": "milliampere",
    "mOhm": "milliohm",
    "uA": "microampere",
    "mA.h": "milliampere hour",
    "uA.h": "microampere hour",
    "Cel": "degree Celsius",
    "dB[m]": "decibel milliwatt (AOSP prints dBm)",
    "dB": "decibel",
    "dB[Hz]": "decibel hertz, carrier to noise density (AOSP prints dB-Hz)",
    "MHz": "megahertz",
    "m": "metre",
    "Mbit/s": "megabit per second",
    "KiBy": "kibibyte",
    "MiBy": "mebibyte",
    "GiBy": "gibibyte",
    "GBy": "gigabyte of 10^9 bytes, as storage is sold",
    "KiBy/s": "kibibyte per second",
    "ms": "millisecond",
    "s": "second",
    "h": "hour",
    "d": "day",
    "Hz": "hertz",
    "mm": "millimetre",
    "m/s2": "metre per second squared",
    "rad/s": "radian per second",
    "uT": "microtesla",
    "hPa": "hectopascal",
    "lx": "lux",
}


def is_number(unit: str) -> bool:
    """Whether values of that unit are numbers."""
    return unit in UNITS


#: How a unit is written for people where that differs from its UCUM code.
_SYMBOLS = {
    "1": "",
    "mA.h": "mAh",
    "mOhm": "mΩ",
    "uA.h": "µAh",
    "uA": "µA",
    "Cel": "°C",
    "dB[m]": "dBm",
    "dB[Hz]": "dB-Hz",
    "KiBy": "KiB",
    "MiBy": "MiB",
    "GiBy": "GiB",
    "GBy": "GB",
    "KiBy/s": "KiB/s",
    "m/s2": "m/s²",
    "uT": "µT",
}


def symbol(unit: str) -> str:
    """The unit as people write it (`Cel` as `°C`); empty for bare numbers and for values that have no unit."""
    return "" if unit in KINDS else _SYMBOLS.get(unit, unit)
