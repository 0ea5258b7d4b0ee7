"""Which cameras the phone's camera service knows, and whether the part below it (the camera HAL) is alive.

Being listed means that the HAL answered for the camera at boot; whether it gives pictures is another check.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from drivers.api import Command, Shell
from drivers.text import Words
from probes import getprop
from probes.answers import Heard, as_value, hear, hear_second, reading
from probes.api import Bench, Measurement, NotApplicable, Parsed, Reading, Unread, parser, probe
from probes.captured import flag, integer, note, stripped_lines
from probes.telephony import READ_FEATURES, pm_features
from probes.units import FLAG, LIST

__all__ = ["READ_CAMERA", "cameras", "media_camera"]

_COUNT = re.compile(r"Number of (normal )?camera devices:\s{0,8}(.*)")
_LEADING = re.compile(r"[0-9]{1,9}(?![0-9.])", re.ASCII)
_TRACED = "Camera error traces ("
_TRACES = re.compile(r"Camera error traces \(([0-9]{1,9})\)", re.ASCII)
_PROVIDER = re.compile(r"== Camera Provider HAL (\S{1,80})\b.{0,80} static info: ([0-9]{1,4}) devices", re.ASCII)
_FACING = re.compile(r"(?i:facing: )(\w{1,20})")
#: Heads of one camera's block: `== Camera HAL device device@3.3/legacy/0 (v3.3) static information: ==` (Android 8 and
#: later, a camera may have one for each version of its HAL), `Camera 0 information:` before.
_BLOCK = re.compile(
    r"(?:== Camera HAL device device@[0-9.]{1,9}/(?P<new>\S{1,60}) \(.{1,40}static information|"
    r"Camera (?P<old>[0-9]{1,3}) (?:static )?information):"
)
_FOCAL_HEAD = "android.lens.info.availableFocalLengths"
_FLOATS = re.compile(r"[0-9]{1,4}\.[0-9]{1,9}", re.ASCII)
#: Cameras, and providers, that are told of: phones have some ten.
_MOST = 64
#: What the camera service prints when nothing below it answers (AOSP CameraService::dump, Android 8+ and before).
_NO_HAL = ("No camera HAL available", "No camera module available")


@parser("media_camera")
def media_camera(data: bytes) -> Parsed:
    """`dumpsys media.camera`: how many cameras, providers, clients that died, errors traced."""
    parsed = Parsed()
    facts = parsed.facts
    died = 0
    providers: list[str] = []
    facings: set[str] = set()
    lines = stripped_lines(data)
    for line in lines:
        died += line.count("DIED client")
        if line.startswith("Number of ") and (found := _COUNT.match(line)):
            _count(parsed, found)
        elif _TRACED in line and (found := _TRACES.search(line)):
            facts.setdefault("error_traces", int(found[1]))
        elif line.startswith("== ") and (found := _PROVIDER.match(line)):
            providers.append(f"{found[1]} ({found[2]})")
        elif (facing := _facing(line)) is not None:
            facings.add(facing)
        elif line.startswith("Camera module name: "):
            facts.setdefault("module", line.partition(": ")[2])
        elif "No camera " in line and any(words in line for words in _NO_HAL):
            facts["no_hal"] = True
    if inventory := _inventory(lines):
        facts["inventory"] = inventory
    if "camera_count" in facts:
        facts["died_client_events"] = died
    if providers:
        facts["providers"] = providers[:_MOST]
    if facings:
        facts["facings"] = sorted(facings)
    return parsed


def _count(parsed: Parsed, found: re.Match[str]) -> None:
    name = "normal_camera_count" if found[1] else "camera_count"
    if number := _LEADING.match(found[2]):
        parsed.facts.setdefault(name, int(number[0]))
    else:
        note(parsed, name, found[2], "a number")


def _facing(line: str) -> str | None:
    found = _FACING.match(line) if line[:8].lower() == "facing: " else None
    return found[1].lower() if found else None


def _inventory(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Each camera once, as its block describes it: `id`, `facing`, `orientation`, `flash`, `focal_mm`."""
    found: dict[str, dict[str, Any]] = {}
    camera: dict[str, Any] | None = None
    after_focal = False
    for line in lines:
        if line.startswith(("== ", "Camera ")) and (head := _BLOCK.match(line)):
            name = head["new"] or head["old"]
            if name not in found and len(found) == _MOST:
                break
            camera = found.setdefault(name, {"id": name})
        elif camera is None or line.startswith("== "):
            camera = None
        elif after_focal:
            camera.setdefault("focal_mm", [round(Decimal(text), 2).normalize() for text in _FLOATS.findall(line)[:8]])
        elif (facing := _facing(line)) is not None:
            camera.setdefault("facing", facing)
        elif line.startswith("Orientation: ") and (degrees := integer(line.partition(": ")[2])) is not None:
            camera.setdefault("orientation", degrees)
        elif line.startswith("Has a flash unit: ") and (unit := flag(line.partition(": ")[2])) is not None:
            camera.setdefault("flash", unit)
        after_focal = camera is not None and line.startswith(_FOCAL_HEAD)
    return list(found.values())


def _described(one: Mapping[str, Any]) -> str:
    """One camera in a line: `0: back, 90°, flash, 6.9 mm`."""
    parts = [one.get("facing"), f"{one['orientation']}°" if "orientation" in one else None]
    parts += ["flash" if one.get("flash") else None, *(f"{focal:f} mm" for focal in one.get("focal_mm", ()))]
    return f"{one['id']}: " + ", ".join(part for part in parts if part)


READ_CAMERA = Command("media-camera", "dumpsys media.camera", timeout_s=15.0, limit=4 * 1024 * 1024)
_NO_CAMERA = Words("the phone says that it is built without a camera", "手机声明其出厂不带摄像头")
_NO_HAL_WORDS = Words(
    "the dump does not say whether anything below the camera service answers", "输出未说明相机底层是否响应"
)
_NOT_WHOLE = Words("the camera list is not whole; run this again", "摄像头列表不完整；请重测")


def _restarting(props: dict[str, str]) -> str | None:
    """A camera service of the vendor that init starts again and again."""
    names = (name for name, state in props.items() if name.startswith("init.svc.") and state == "restarting")
    return next((name for name in names if "camera" in name), None)


def _hal_alive(said: Heard, props: dict[str, str]) -> Reading:
    if said.get("no_hal"):
        return Measurement("hal_alive", False, f"{said.source}: no camera HAL available")
    if name := _restarting(props):
        return Measurement("hal_alive", False, f"getprop {as_value(name)}: restarting")
    if said.get("providers") or said.get("module"):
        return Measurement("hal_alive", True, f"{said.source}: camera provider")
    return Unread("hal_alive", said.reason("camera_count") if not said.facts else _NO_HAL_WORDS, said.source)


def _facings(said: Heard) -> Iterator[Reading]:
    """Whether there is a camera on each side; absent only if the dump came to its end."""
    found = said.get("facings") or []
    whole = said.get("error_traces") is not None and bool(found)
    for side in ("back", "front"):
        if side in found or whole:
            yield Measurement(f"{side}_present", side in found, f"{said.source}: Facing")
        else:
            yield Unread(f"{side}_present", _NOT_WHOLE if said.facts else said.reason("camera_count"), said.source)


@probe(
    "android.cameras",
    needs=Shell,
    reads=(READ_CAMERA, getprop.READ, READ_FEATURES),
    measures={
        "cameras": "1",
        "camera_devices": "1",
        "hal_alive": FLAG,
        "died_clients": "1",
        "error_traces": "1",
        "back_present": FLAG,
        "front_present": FLAG,
        "providers": LIST,
        "inventory": LIST,
    },
    names={
        "inventory": Words("camera list", "摄像头清单"),
        "camera_devices": Words("cameras against the model card", "摄像头数（对照机型卡）"),
    },
)
async def cameras(bench: Bench) -> AsyncIterator[Reading]:
    """How many cameras the phone knows, whether their HAL is alive, what died or failed in it."""
    said = hear(bench, READ_CAMERA, media_camera)
    features = hear_second(bench, READ_FEATURES, pm_features)
    built_without = features.get("has_camera") is False and features.get("has_camera_any") is False
    if built_without and not said.get("camera_count"):
        raise NotApplicable(_NO_CAMERA)
    props, _, _ = getprop.properties(bench.answer(getprop.READ.name).stdout)
    yield reading("cameras", said, "camera_count", words="Number of camera devices")
    yield reading("camera_devices", said, "camera_count", words="Number of camera devices")
    yield _hal_alive(said, props)
    yield reading("died_clients", said, "died_client_events", words="DIED client")
    yield reading("error_traces", said, "error_traces", words="Camera error traces")
    for found in _facings(said):
        yield found
    if said.get("providers"):
        yield reading("providers", said, "providers")
    if said.get("inventory"):
        yield reading("inventory", said, "inventory", lambda found: [_described(one) for one in found])
