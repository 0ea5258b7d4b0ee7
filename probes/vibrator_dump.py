"""What the vibrator service says of itself: its settings, its motors, and what it played before.

Pure parsers of `dumpsys vibrator` (Android 5 to 11) and `dumpsys vibrator_manager` (12 and later), and of
`cmd vibrator_manager list`.
"""

from __future__ import annotations

import re

from drivers.api import Command
from probes.api import Parsed, parser
from probes.captured import flag, integer, note, raw_lines, stripped_lines

__all__ = ["READ_HAPTICS", "haptic_settings", "vibrator", "vibrator_list"]

_HEADING = re.compile(
    r"(?:Vibrator ?(?:Manager ?)?Service|(?:Previous|Recent|Aggregated) [\w ]{0,40}vibrations|CurrentVibration):"
)
#: A line of its own until Android 11, between others of `VibrationSettings{...}` in 12 and 13, where the intensity is a
#: word that is no number.
_INTENSITY = re.compile(r"\bmHapticFeedbackIntensity=([^,}\s]{1,40})")
_LOW_POWER = re.compile(r"\bmLowPowerMode=([^,}\s]{1,40})")
_STARTED = re.compile(r"\bstartTime[:=]")
#: Android 12; from 13 on each motor has a block of its own, from 16 on with the name of its HAL before it.
_CONTROLLER = re.compile(
    r"VibratorController\{.{0,60}?mId=([0-9]{1,9})|^(?:\w{1,20} HAL )?Vibrator \(id=([0-9]{1,9})\):", re.ASCII
)
_IDS = re.compile(r"mVibratorIds=\[([0-9, ]{0,80})\]", re.ASCII)


@parser("vibrator")
def vibrator(data: bytes) -> Parsed:
    """How often it was played, the haptic intensity, low-power mode, and the ids of its motors where they are told."""
    parsed = Parsed()
    facts = parsed.facts
    known, count = False, 0
    motors: list[int] = []
    for line in stripped_lines(data):
        known = known or bool(_HEADING.match(line))
        count += len(_STARTED.findall(line))
        _settings(line, parsed)
        if found := _IDS.match(line):
            motors += [int(word) for word in re.findall(r"[0-9]{1,9}", found[1])]
        elif found := _CONTROLLER.search(line[:400]):
            motors.append(int(found[1] or found[2]))
    if not known and not count and "haptic_intensity" not in facts:
        facts.clear()  # other services save power as well
    else:
        facts["previous_count"] = count
    if motors:
        facts["motors"] = sorted(set(motors))
    return parsed


def _settings(line: str, parsed: Parsed) -> None:
    """The two settings that every version prints in the same words; the first of each counts."""
    if "haptic_intensity" not in parsed.facts and (found := _INTENSITY.search(line)):
        if (value := integer(found[1])) is not None:
            parsed.facts["haptic_intensity"] = value
        else:
            note(parsed, "haptic_intensity", found[1], "a number")
    if "low_power" not in parsed.facts and (found := _LOW_POWER.search(line)):
        if (state := flag(found[1])) is not None:
            parsed.facts["low_power"] = state
        else:
            note(parsed, "low_power", found[1], "true or false")


@parser("vibrator_list")
def vibrator_list(data: bytes) -> Parsed:
    """`cmd vibrator_manager list`: one id of a motor on each line; nothing at all where the phone has none."""
    parsed = Parsed()
    motors = [number for line in stripped_lines(data) if line.isdigit() and (number := integer(line)) is not None]
    if motors:
        parsed.facts["motors"] = sorted(set(motors))
    return parsed


#: Settings by which a phone leaves a vibration out without a word (android.provider.Settings; AOSP VibrationSettings).
_HAPTICS = {
    "vibrate_on": "system",
    "haptic_feedback_enabled": "system",
    "haptic_feedback_intensity": "system",
    "zen_mode": "global",
    "low_power": "global",
}
READ_HAPTICS = Command(
    "haptics",
    "; ".join(f"echo {name}=$(settings get {space} {name} 2>/dev/null)" for name, space in _HAPTICS.items()),
    timeout_s=15.0,
    limit=4096,
)


@parser("haptic_settings")
def haptic_settings(data: bytes) -> Parsed:
    """`NAME=VALUE` of each of these settings; `null` and what is no number say nothing."""
    parsed = Parsed()
    for line in raw_lines(data):
        name, equals, value = line.strip().partition("=")
        if equals and name in _HAPTICS and len(value) == 1 and value.isascii() and value.isdigit():
            parsed.facts.setdefault(name, int(value))
    return parsed
