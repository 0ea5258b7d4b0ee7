"""What a phone's bootloader says of itself: the output of `fastboot getvar all`.

Stands on the rules of `probes.captured` and the field tables of `probes.fields`. Whether a phone may be unlocked or a
voltage is too low is judged elsewhere; nothing is derived from another variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from probes.api import Parsed, Problem, parser
from probes.captured import cut_line, flag, raw_lines
from probes.fields import FLAG_FIELD, NUMBER_FIELD, TEXT_FIELD, Field, read_fields

__all__ = ["fastboot", "variables"]

_PREFIX = "(bootloader)"
#: One piece of a value that was too long for one answer (64 bytes, fastboot protocol): `name[0]`, `name[1]`, ...
_PIECE = re.compile(r"(.{1,80})\[([0-9]{1,3})\]", re.ASCII)
_MILLIVOLTS = re.compile(r"([0-9]{1,6})(?:\s?mV)?", re.ASCII | re.IGNORECASE)


def _millivolts(text: str) -> int | None:
    found = _MILLIVOLTS.fullmatch(text)
    return int(found[1]) if found else None


_TEXTS = {
    "product": "product",
    "securestate": "securestate",
    "serialno": "serialno",
    "imei": "imei",
    "imei2": "imei2",
    "version-bootloader": "version_bootloader",
    "version-baseband": "version_baseband",
    "variant": "variant",
    "sku": "sku",
    "hwrev": "hw_revision",
    "hw-revision": "hw_revision",
    "ufs": "ufs",
    "emmc": "emmc",
    "ram": "ram",
    "verity-state": "verity_state",
    "ro.carrier": "carrier",
    "ro.build.fingerprint": "fingerprint",
    "current-slot": "current_slot",
}
_FLAGS = {
    "unlocked": "unlocked",
    "secure": "secure",
    "iswarrantyvoid": "iswarrantyvoid",
    "battery-soc-ok": "battery_soc_ok",
    "is-userspace": "fastbootd",
}
_FIELDS: Mapping[str, tuple[str, Field]] = {
    **{name: TEXT_FIELD.named(fact) for name, fact in _TEXTS.items()},
    **{name: FLAG_FIELD.named(fact) for name, fact in _FLAGS.items()},
    "battery-voltage": Field(_millivolts, "a whole number of millivolts").named("battery_voltage_mV"),
    "anti": NUMBER_FIELD.named("anti_rollback"),
}


def variables(data: bytes, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    """Name and value of each variable, in order; a value that was printed in pieces is joined.

    A capture that ends inside a line or behind a piece may have cut its last value: that becomes a problem, unless it
    is a flag.
    """
    name, pieces = "", list[str]()
    lines = raw_lines(data)
    last = len(lines) - 1 if cut_line(data) else len(lines)
    for at, line in enumerate(lines):
        # PowerShell puts the program's name before the first line that went to standard error.
        _, prefix, said = line.partition(_PREFIX)
        text = f"{prefix}{said}".strip() or line.strip()
        if prefix and at == last and flag(text.rpartition(":")[2]) is None:
            problems.append(Problem("fastboot", f"the capture ends inside a line: {text[:80]!a}"))
            return
        if not text.startswith(_PREFIX):
            if pieces and text:  # the summary that fastboot prints at the end
                yield name, "".join(pieces)
                pieces = []
            continue
        label, _, value = text[len(_PREFIX) :].strip().partition(":")
        piece = _PIECE.fullmatch(label)
        if pieces and (piece is None or piece[1] != name or int(piece[2]) != len(pieces)):
            yield name, "".join(pieces)
            pieces = []
        if piece is None:
            yield label.strip(), "" if value.strip() == "N/A" else value.strip()
        elif int(piece[2]) == len(pieces):
            name = piece[1]
            pieces.append(value.strip())
        else:
            problems.append(Problem(piece[1], f"piece {piece[2]} of the value has none before it"))
    if pieces:
        problems.append(Problem(name, "the capture ends in a value of several pieces"))


@parser("fastboot")
def fastboot(data: bytes) -> Parsed:
    """`fastboot getvar all`: lock state, bootloader, board and battery voltage as the bootloader prints them."""
    parsed = Parsed()
    read_fields(list(variables(data, parsed.problems)), _FIELDS, parsed)
    return parsed
