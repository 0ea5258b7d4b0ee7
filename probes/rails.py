"""The power rails of a main board as the kernel tells them: files of /sys/class/regulator.

Pure. Names, status and microvolts are those of the kernel's ABI (Documentation/ABI/testing/sysfs-class-regulator); most
phones keep the folder closed to the cable, then nothing is said. What a rail ought to have is not known here.
"""

from __future__ import annotations

import re

from drivers.api import Command
from probes.api import Parsed, parser
from probes.captured import cut_line, integer, raw_lines

__all__ = ["READ_RAILS", "power_rails"]

_FOLDER = "/sys/class/regulator"
READ_RAILS = Command(
    "power-rails",
    f"grep -s . {_FOLDER}/regulator.*/name {_FOLDER}/regulator.*/status {_FOLDER}/regulator.*/microvolts",
    timeout_s=8.0,
    limit=128 * 1024,
)
_FILE = re.compile(_FOLDER + r"/(regulator\.[0-9]{1,4})/(name|status|microvolts):(.{1,120})", re.ASCII)
#: The kernel's words; anything else is no status.
_STATUS = frozenset(("off", "on", "error", "fast", "normal", "idle", "standby", "bypass", "undefined"))
_MOST = 400


@parser("power_rails")
def power_rails(data: bytes) -> Parsed:
    """`path:value` of each regulator's files: `rails`, each with its name, and status and microvolts where told."""
    parsed = Parsed()
    found: dict[str, dict[str, object]] = {}
    cut = cut_line(data)
    for line in raw_lines(data):
        entry = None if line.strip() == cut else _FILE.fullmatch(line.strip())
        if entry is None or (entry[1] not in found and len(found) >= _MOST):
            continue
        rail, text = found.setdefault(entry[1], {}), entry[3].strip()
        if entry[2] == "name":
            rail.setdefault("name", text)
        elif entry[2] == "status" and text in _STATUS:
            rail.setdefault("status", text)
        elif entry[2] == "microvolts" and (value := integer(text)) is not None and value >= 0:
            rail.setdefault("microvolts", value)
    if rails := [{"name": number, **rail} for number, rail in found.items()]:
        parsed.facts["rails"] = rails
    return parsed
