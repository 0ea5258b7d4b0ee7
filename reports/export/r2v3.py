"""The function code of R2v3 (SERI REC v1.2, table 4) that a run supports, and what a higher one would want.

F3: the primary functions verified working, the battery tested. F4: all hardware tested and working. F5: all functions
tested with diagnostic software, and the system as its maker released it. F6 (like new, original parts) and F1, F2
(collectible, pulled from work untested) say what no test can, so they are never given here; nor is the cosmetic code.
"""

from __future__ import annotations

import json

from drivers.text import Words
from reports.export.left_out import EVIDENCE, LIMITS, OTHER_RECORDS, OTHER_RUNS, PROMPTS, SIGNATURES, as_lists
from reports.export.points import Answer, Point, answer
from reports.export.view import Exported, Ticket, the_run

__all__ = ["HARDWARE", "PRIMARY", "SOFTWARE", "export"]

_COSMETIC = Words(
    "the cosmetic code (C0 to C9) and the codes F1, F2 and F6: a person gives them",
    "未含外观代码（C0 至 C9）及 F1、F2、F6：须由人员评定",
)
_LEFT = (SIGNATURES, EVIDENCE, OTHER_RECORDS, OTHER_RUNS, PROMPTS, LIMITS, _COSMETIC)


def _points(*checks: str) -> tuple[Point, ...]:
    return tuple(Point(check, Words(check, check), (check,)) for check in checks)


PRIMARY = _points(
    "display-pixels", "touch", "keys", "battery-health", "charging", "cellular", "sim", "wifi", "call", "storage"
)
HARDWARE = _points(
    "bluetooth",
    "nfc",
    "gnss",
    "cameras",
    "camera-each",
    "flash",
    "speaker",
    "vibration",
    "proximity",
    "light",
    "accelerometer",
    "gyroscope",
    "magnetometer",
    "biometrics",
    "usb-port",
    "memory",
    "battery-electrical",
    "liquid",
    "parts",
)
SOFTWARE = _points("os-integrity", "locks", "update", "identity", "data-state")


def export(ticket: Ticket, run: str = "") -> Exported:
    """The code of one run; null where not even the primary functions were verified."""
    one = the_run(ticket, run)
    levels = [(code, [answer(point, one) for point in points]) for code, points in _LEVELS]
    code, open_at = None, {}
    reached = True
    for name, answers in levels:
        open_at[name] = [{"check": told.point.id, "outcome": told.outcome} for told in answers if not _good(told)]
        reached = reached and not open_at[name]
        code = name if reached else code
    document = {
        "format": "assay-r2v3/v1",
        "ticket": ticket.ticket,
        "simulated": ticket.simulated,
        "run": one.run.run,
        "record": one.digest,
        "function": code,
        "cosmetic": None,
        "open": open_at,
        "leaves_out": as_lists(_LEFT),
    }
    return Exported(json.dumps(document, indent=1).encode("ascii") + b"\n", "application/json", "r2v3.json", _LEFT)


_LEVELS = (("F3", PRIMARY), ("F4", HARDWARE), ("F5", SOFTWARE))


def _good(told: Answer) -> bool:
    return told.outcome in ("pass", "warn", "not-applicable")
