"""What an iPhone's power source says in the I/O registry: property list, JSON, as Foundation or as `ioreg` prints it.

Only the entry's own keys count: the dictionary inside it repeats some of them with other values. A capture that is cut
is read as far as it goes. Pure parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from probes.api import Parsed, parser
from probes.captured import LINE_LIMIT, integer, raw_lines
from probes.fields import FLAG_FIELD, TEXT_FIELD, Field, read_fields

__all__ = ["ios_ioreg"]

_UINT64 = re.compile(r"[0-9]{1,20}", re.ASCII)


def _signed(text: str) -> int | None:
    """A number that the registry keeps in 64 bits without a sign: a current out of the battery is huge there."""
    if _UINT64.fullmatch(text):
        value = int(text)
        return None if value >= 2**64 else value - 2**64 if value >= 2**63 else value
    return integer(text)


def _hundredths(text: str) -> Decimal | None:
    value = integer(text)
    return None if value is None else Decimal(value) / 100


_NUMBER = Field(_signed, "a whole number")
#: Keys of AppleSmartBattery and of the power sources before it; capacities in mAh, currents in mA.
_FIELDS: Mapping[str, tuple[str, Field]] = {
    "CycleCount": _NUMBER.named("CycleCount"),
    "DesignCapacity": _NUMBER.named("DesignCapacity_mAh"),
    "AppleRawMaxCapacity": _NUMBER.named("AppleRawMaxCapacity_mAh"),
    "AppleRawCurrentCapacity": _NUMBER.named("AppleRawCurrentCapacity_mAh"),
    "NominalChargeCapacity": _NUMBER.named("NominalChargeCapacity_mAh"),
    "MaxCapacity": _NUMBER.named("MaxCapacity_raw"),  # mAh before iOS 10 or so, per cent after
    "Voltage": _NUMBER.named("Voltage_mV"),
    "InstantAmperage": _NUMBER.named("InstantAmperage_mA"),
    "Temperature": Field(_hundredths, "hundredths of a degree").named("Temperature_C"),
    "IsCharging": FLAG_FIELD.named("IsCharging"),
    "FullyCharged": FLAG_FIELD.named("FullyCharged"),
    "ExternalConnected": FLAG_FIELD.named("ExternalConnected"),
    "Serial": TEXT_FIELD.named("Serial"),
}

_TOKEN = re.compile(
    r"<(/?)(?:dict|array)(/?)>|<key>([^<]{1,200})</key>\s{0,40}<(integer|real|string|true|false)\s?/?>([^<]{0,4096})"
    r"|<key>([^<]{1,200})</key>"
)
_PAIR = re.compile(r'"?(\w{1,80})"? = "?([^";]{0,4096})"?;', re.ASCII)
#: `ioreg` puts bars before the lines of an entry that stands deeper in the tree, and nests dictionaries on one line.
_IOREG_PAIR = re.compile(r'[|+\s]{0,80}"(\w{1,80})" ?= ?"?([^"{}<>()]{1,4096}?)"?', re.ASCII)
_IOREG_ENTRY = re.compile(r"[|\s]{0,80}\+-o ")
#: Strings, brackets and plain values of JSON, and of a Python dictionary, as tools for iPhones print either.
_JSON = re.compile(r"""["'][A-Za-z]\w{1,80}["']\s{0,9}:""", re.ASCII)
_JSON_TOKEN = re.compile(
    r""""((?:[^"\\\n]|\\.){0,4096})"|'((?:[^'\\\n]|\\.){0,4096})'|([\[\]{}:,])|([\w.+-]{1,80})""", re.ASCII
)


def _xml(text: str) -> Iterator[tuple[int, str, str]]:
    """Depth, key and value of each simple entry; the entry of the registry itself has depth 1."""
    depth = 0
    for token in _TOKEN.finditer(text):
        closes, empty, key, kind, value, holder = token.groups()
        if holder == "IORegistry":
            depth = 0  # the answer of the diagnostics service wraps the entry in a dictionary of its own
        elif key:
            yield depth, key, kind if kind in ("true", "false") else value.strip()
        elif holder is None and not empty:
            depth += -1 if closes else 1


def _foundation(lines: list[str]) -> Iterator[tuple[int, str, str]]:
    depth = 0
    for raw in lines:
        line = raw.strip()
        if line.startswith(("}", ")")):
            depth -= 1
        elif line.endswith(("{", "(")):
            depth += 1
        elif pair := _PAIR.match(line):
            yield depth, pair[1], pair[2].strip()


def _ioreg(lines: list[str]) -> Iterator[tuple[int, str, str]]:
    """`ioreg`'s own text: everything that has a line of its own belongs to the entry; the first entry counts."""
    entries = 0
    for line in lines:
        entries += bool(_IOREG_ENTRY.match(line))
        if entries > 1:
            return
        if pair := _IOREG_PAIR.fullmatch(line):
            yield 1, pair[1], pair[2].strip()


def _json(text: str) -> Iterator[tuple[int, str, str]]:
    """Depth, key and simple value; the dictionary of the entry itself has depth 1. A cut text is read to its end."""
    depth, key, ready = 0, "", False
    last = ""
    for token in _JSON_TOKEN.finditer(text):
        double, single, sign, plain = token.groups()
        if sign == ":":
            key, ready = last, True
        elif sign in ("{", "["):
            depth = 1 if sign == "{" and ready and key == "IORegistry" else depth + 1
            ready = False
        elif sign in ("}", "]"):
            depth, ready = depth - 1, False
        elif sign == ",":
            ready = False
        else:
            word = next((one for one in (double, single, plain) if one is not None), "")
            # A number at the very end of the text may lack digits.
            if ready and not (plain and token.end() == len(text)):
                yield depth, key, word
            last, ready = word, False


def _entries(lines: list[str]) -> Iterator[tuple[int, str, str]]:
    text = "\n".join(lines)
    if "<key>" in text:
        return _xml(text)
    if any(_PAIR.match(line.strip()) for line in lines):
        return _foundation(lines)
    return _json(text) if _JSON.search(text) else _ioreg(lines)


@parser("ios_ioreg")
def ios_ioreg(data: bytes) -> Parsed:
    """The battery's registry entry: cycles, capacities, voltage, current and temperature."""
    parsed = Parsed()
    entries = _entries(raw_lines(data))
    read_fields([(key, value[:LINE_LIMIT]) for depth, key, value in entries if depth == 1], _FIELDS, parsed)
    return parsed
