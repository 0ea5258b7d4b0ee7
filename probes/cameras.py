"""Which cameras the phone's camera service knows, and whether the part below it (the camera HAL) is alive.

Being listed means that the HAL answered for the camera at boot; whether it gives pictures is another check.
"""

from __future__ import annotations

import re

from probes.api import Parsed, parser
from probes.captured import note, stripped_lines

__all__ = ["media_camera"]

_COUNT = re.compile(r"Number of (normal )?camera devices: ?(.*)")
_TRACES = re.compile(r"Camera error traces \(([0-9]{1,9})\)", re.ASCII)
_PROVIDER = re.compile(r"== Camera Provider HAL (\S{1,80})\b.* static info: ([0-9]{1,4}) devices", re.ASCII)
_FACING = re.compile(r"(?i:facing: )(\w{1,20})")
#: What the camera service prints when nothing below it answers (AOSP CameraService::dump, Android 8+ and before).
_NO_HAL = ("No camera HAL available", "No camera module available")


@parser("media_camera")
def media_camera(data: bytes) -> Parsed:
    """`dumpsys media.camera`: how many cameras, providers, clients that died, errors traced."""
    parsed = Parsed()
    facts = parsed.facts
    died = 0
    providers: list[str] = []
    facings: list[str] = []
    for line in stripped_lines(data):
        died += line.count("DIED client")
        if found := _COUNT.match(line):
            name = "normal_camera_count" if found[1] else "camera_count"
            if found[2].isascii() and found[2].isdigit() and len(found[2]) < 10:
                facts.setdefault(name, int(found[2]))
            else:
                note(parsed, name, found[2], "a number")
        elif found := _TRACES.search(line):
            facts.setdefault("error_traces", int(found[1]))
        elif found := _PROVIDER.match(line):
            providers.append(f"{found[1]} ({found[2]})")
        elif found := _FACING.match(line):
            facings.append(found[1].lower())
        elif line.startswith("Camera module name: "):
            facts.setdefault("module", line.partition(": ")[2])
        elif any(words in line for words in _NO_HAL):
            facts["no_hal"] = True
    if "camera_count" in facts:
        facts["died_client_events"] = died
    if providers:
        facts["providers"] = providers
    if facings:
        facts["facings"] = sorted(set(facings))
    return parsed
