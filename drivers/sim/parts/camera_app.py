"""The camera app of a simulated phone: it opens by its intent, takes a shutter key, and saves real JPEGs to DCIM.

A picture is drawn with Pillow, which is loaded at the first one; what is on it and in its EXIF follows the persona's
cameras.
"""

from __future__ import annotations

import asyncio
import io
import itertools
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from pydantic import Field

from drivers.sim.channel import Reply
from drivers.sim.persona import Camera, Data

if TYPE_CHECKING:
    from drivers.sim.phone import SimulatedPhone

__all__ = ["ACTIONS", "HANDS", "SECTION", "Section"]

SECTION = "camera_app"
_STILL = "android.media.action.STILL_IMAGE_CAMERA"
_FACING = "android.intent.extras.CAMERA_FACING"
_STATE = "camera-app"
_SIZE = (1024, 768)
_SAVED_AFTER_S = 0.05


class Section(Data):
    """How the app behaves.

    Attributes:
        installed: whether there is one.
        shutter_keys: key codes that it takes as its shutter.
        reads_facing: whether it starts with the camera that the intent asks for, else with the back one.
        blank: sides whose pictures show nothing.
        dead: sides that show an error instead of a picture.
        extension: `jpg`, or what else it saves.
        flash: what the flash is set to: `on`, `off`; hands that are asked to set it do so.
        flash_lights: whether the flash gives light when it is fired.
        more: focal lengths (mm) of further lenses on the back, by name: `wide`, `tele`.
    """

    installed: bool = True
    shutter_keys: tuple[str, ...] = ("27", "25")
    reads_facing: bool = True
    blank: tuple[str, ...] = ()
    dead: tuple[str, ...] = ()
    extension: str = "jpg"
    flash: str = "off"
    flash_lights: bool = True
    more: dict[str, float] = Field(default_factory=dict)


def _am(phone: SimulatedPhone, arguments: Sequence[str]) -> Reply | None:
    options = dict(itertools.pairwise(arguments))
    if list(arguments[:1]) == ["force-stop"] or options.get("-c") == "android.intent.category.HOME":
        phone.state.scratch.pop(_STATE, None)
        return None
    if list(arguments[:1]) != ["start"] or options.get("-a") != _STILL:
        return None
    section = phone.state.part(Section)
    starting = f"Starting: Intent {{ act={_STILL} }}\n"
    if not section.installed or not phone.persona.cameras:
        error = f"Error: Activity not started, unable to resolve Intent {{ act={_STILL} flg=0x10000000 }}\n"
        return Reply((starting + error).encode())
    front = section.reads_facing and options.get(_FACING) == "1"
    phone.state.scratch[_STATE] = "front" if front else "back"
    return Reply(starting.encode())


def _input(phone: SimulatedPhone, arguments: Sequence[str]) -> Reply | None:
    pressed = list(arguments[1:]) if list(arguments[:1]) == ["keyevent"] else []
    if _STATE in phone.state.scratch and any(key in phone.state.part(Section).shutter_keys for key in pressed):
        asyncio.get_running_loop().call_later(_SAVED_AFTER_S, shoot, phone)
    return None


def shoot(phone: SimulatedPhone) -> None:
    """Take a picture with the camera that is open; a dead one saves none."""
    section, facing = phone.state.part(Section), phone.state.scratch.get(_STATE)
    side = "back" if facing in section.more else facing
    camera = next((one for one in phone.persona.cameras if one.facing.lower() == side), None)
    if camera is not None and facing in section.more:
        camera = camera.model_copy(update={"focal_mm": section.more[facing]})
    if camera is None or facing in section.dead:
        return
    number = phone.state.scratch[f"{_STATE}-count"] = phone.state.scratch.get(f"{_STATE}-count", 0) + 1
    fires = camera.flash and phone.state.scratch.get(f"{_STATE}-flash", section.flash) == "on"
    if fires and section.flash_lights:
        phone.state.scratch[f"{_STATE}-lit"] = phone.state.scratch.get(f"{_STATE}-lit", 0) + 1
    folder = phone.sandbox.path("/sdcard/DCIM/Camera")
    folder.mkdir(parents=True, exist_ok=True)
    name = f"IMG_{phone.state.date():%Y%m%d_%H%M%S}_{number:03d}.{section.extension}"
    picture = _jpeg(_scene(blank=facing in section.blank), camera, phone.persona.model.model, fires=fires)
    (folder / name).write_bytes(picture)


@cache
def _scene(*, blank: bool) -> bytes:
    """What is before the lens, as grey bytes: a bench with a bright window and stripes, or nothing."""
    width, height = _SIZE
    if blank:
        return bytes(width * height)
    rows = (bytes((x // 4 + 40 * (x // 64 + y // 64) + y // 8) % 256 for x in range(width)) for y in range(height))
    return b"".join(rows)


def _jpeg(scene: bytes, camera: Camera, model: str, *, fires: bool) -> bytes:
    from PIL import Image

    image = Image.frombytes("L", _SIZE, scene).convert("RGB")
    exif = Image.Exif()
    exif[0x0110] = model
    exif.get_ifd(0x8769).update(
        {
            0x829A: 0.01,
            0x829D: camera.aperture,
            0x8827: 160,
            0x9209: 0x9 if fires else 0x10,
            0x920A: camera.focal_mm,
        }
    )
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85, exif=exif)
    return out.getvalue()


async def _press_shutter(phone: SimulatedPhone, prompt: str) -> str:
    """A person who is asked to take the picture does, and sees when there is none."""
    facing = phone.state.scratch.get(_STATE)
    shoot(phone)
    return "dead" if facing is None or facing in phone.state.part(Section).dead else "taken"


async def _switch(phone: SimulatedPhone, prompt: str) -> str:
    """A person switches the app to the lens, and says where the phone has none."""
    lens = prompt.removeprefix("switch-")
    if lens not in ("front", "back", *phone.state.part(Section).more):
        return "none"
    phone.state.scratch[_STATE] = lens
    return "done"


async def _set_flash(phone: SimulatedPhone, prompt: str) -> str:
    phone.state.scratch |= {f"{_STATE}-flash": "on", f"{_STATE}-lit": 0}
    return "on"


async def _count_flashes(phone: SimulatedPhone, prompt: str) -> str:
    return str(phone.state.scratch.get(f"{_STATE}-lit", 0))


ACTIONS = {"am": _am, "input": _input}
HANDS = {
    r"shutter-\w+": _press_shutter,
    r"switch-\w+": _switch,
    "flash-on": _set_flash,
    "flash-count": _count_flashes,
}
