"""What a modem answers on its AT port: registration (3GPP TS 27.007, 7.2 `+CREG`), result codes, Samsung's DEVCONINFO.

Pure parser of a captured exchange; it sends nothing and knows no port.
"""

from __future__ import annotations

import re

from probes.api import Parsed, parser
from probes.captured import integer, note, raw_lines

__all__ = ["ACCESS_WORDS", "REGISTRATION_WORDS", "at_commands"]

#: <stat> of +CREG (3GPP TS 27.007, 7.2).
REGISTRATION_WORDS = {
    0: "not_registered",
    1: "registered_home",
    2: "searching",
    3: "denied",
    4: "unknown",
    5: "registered_roaming",
}
#: <AcT> of +CREG (3GPP TS 27.007, 7.2).
ACCESS_WORDS = {
    0: "GSM",
    1: "GSM Compact",
    2: "UTRAN",
    3: "GSM w/EGPRS",
    4: "UTRAN w/HSDPA",
    5: "UTRAN w/HSUPA",
    6: "UTRAN w/HSDPA and HSUPA",
    7: "E-UTRAN",
    8: "EC-GSM-IoT",
    9: "E-UTRAN NB-S1",
    10: "E-UTRA 5GCN",
    11: "NR 5GCN",
    12: "NG-RAN",
    13: "E-UTRA-NR",
}

_HEX = re.compile(r"(?:0[xX])?[0-9A-Fa-f]{1,16}", re.ASCII)
#: <n> and <stat> are small numbers without quotes; a report that came by itself has only <stat>, then a quoted area.
_SMALL = re.compile(r"[0-9]{1,2}", re.ASCII)
_SHOWN_ENDS = re.compile(r"<(?:CR|LF|LN)>", re.IGNORECASE)
_FINAL = re.compile(r"OK|ERROR|\+CM[ES] ERROR:.{0,200}")
_DEVCON = re.compile(r"([A-Z]{2,20})\(([^()]{0,400})\)")
_DEVCON_FACTS = {
    "MN": "model",
    "SN": "serial",
    "IMEI": "imei",
    "VER": "firmware",
    "PRD": "sales_code",
    "CC": "country",
    "CON": "connection",
    "LOCK": "lock",
    "LIMIT": "limit",
}


def _lines(data: bytes) -> list[str]:
    """Lines, also of a log that shows carriage return and line feed as `<CR><LF>` or `<cr><ln>`."""
    return [part.strip() for line in raw_lines(data) for part in _SHOWN_ENDS.split(line)]


@parser("at_commands")
def at_commands(data: bytes) -> Parsed:
    """The first `+CREG` answer, the last final result code, and the fields of `+DEVCONINFO`."""
    parsed = Parsed()
    for line in _lines(data):
        if _FINAL.fullmatch(line):
            parsed.facts["result"] = line
        elif line.startswith("+CREG:") and "n" not in parsed.facts:
            _registration(line[len("+CREG:") :], parsed)
        elif line.startswith("+DEVCONINFO:"):
            for name, value in _DEVCON.findall(line):
                if name in _DEVCON_FACTS and value:
                    parsed.facts.setdefault(_DEVCON_FACTS[name], value)
    return parsed


def _registration(text: str, parsed: Parsed) -> None:
    printed = [field.strip() for field in text.split(",")]
    if len(printed) < 2 or not all(map(_SMALL.fullmatch, printed[:2])):  # a test command's answer, a report by itself
        note(parsed, "stat", text.strip(), "+CREG: n,stat")
        return
    fields = [field.strip('"').strip() for field in printed]
    parsed.facts |= {"n": int(fields[0]), "stat": int(fields[1])}
    for fact, field in zip(("lac", "ci"), fields[2:4], strict=False):
        if _HEX.fullmatch(field):
            parsed.facts[fact] = int(field, 16)
        elif field:
            note(parsed, fact, field, "hexadecimal digits")
    if len(fields) > 4 and fields[4]:
        access = integer(fields[4])
        if access is None:
            note(parsed, "act", fields[4], "a number")
        else:
            parsed.facts["act"] = access
