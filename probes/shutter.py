"""Takes one picture with the phone's own camera app over the cable, and fetches that picture alone.

The app is opened by its intent, the shutter is a key; where an app takes no key a person presses it. Only a file that
was not there before is fetched, and it is removed from the phone afterwards: nobody's own pictures are read. Stands on
`Shell` and `Files`; what the picture must look like is judged elsewhere.
"""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Literal

from drivers.api import Files, Refused, Shell
from drivers.text import Words
from probes.answers import why_nothing
from probes.apart import apart
from probes.api import Bench, Choice, NotRun, Prompt, PromptKind, Skipped, Write
from probes.captured import plain_text
from probes.picture import Picture, look_at

__all__ = ["LENSES", "Lens", "LensName", "Shutter", "Unseen", "open_script", "same_focal"]

LensName = Literal["back", "front", "wide", "tele"]


@dataclass(frozen=True, slots=True)
class Lens:
    """One lens: the side it looks to, its name to people, and whether the app can be told to start with it."""

    facing: str
    words: Words
    told: bool


LENSES: Mapping[LensName, Lens] = {
    "back": Lens("back", Words("main back", "后置主摄"), True),
    "front": Lens("front", Words("front", "前置"), True),
    "wide": Lens("back", Words("ultra-wide", "超广角"), False),
    "tele": Lens("back", Words("telephoto", "长焦"), False),
}

#: Largest picture that is fetched; motion pictures carry a film behind the JPEG.
_LIMIT = 96 * 1024 * 1024
#: The camera key, then volume down, which nearly all camera apps take as their shutter (KeyEvent.KEYCODE_*).
_KEYS = (27, 25)
_POLL_S, _OPEN_S = 0.4, 2.0
_JPEG = (".jpg", ".jpeg")
_OTHER = (".heic", ".heif", ".dng", ".avif")

_LIST = 'for f in /sdcard/DCIM/*/* /sdcard/DCIM/*.*; do [ -f "$f" ] && echo "$f"; done'
_HOME = "am start -a android.intent.action.MAIN -c android.intent.category.HOME"

_WHAT_OPEN = Words("the camera app is opened", "打开相机应用")
_WHAT_SHOOT = Words("pictures are taken and removed again", "拍摄照片，随后删除")
_WHAT_PICTURE = Words("the picture taken by the bench", "工位拍摄的照片")
_NO_APP = Words(
    "no camera app opened ({why}); unlock the phone, enable its camera app and run this again",
    "未能打开相机应用（{why}）；请解锁手机并启用相机应用后重测",
)
_HEIC = Words(
    "the camera app saves {kind}; set its format to JPEG (“most compatible”) and run this again",
    "相机应用保存为 {kind}；请将照片格式设为 JPEG（“兼容性最佳”）后重测",
)
_BY_HAND = Words("No picture came. Press the shutter in the camera app", "未得到照片。请按相机应用的快门键")
_TAKEN = Words("The picture is taken", "已拍照")
_DEAD = Words("The camera shows black, an error, or does not open", "相机黑屏、报错或无法打开")
_NOWHERE = Words(
    "no new picture appeared in /sdcard/DCIM; set the camera app to save there",
    "/sdcard/DCIM 中没有新照片；请将相机保存位置设为该目录",
)
_BROKEN_FILE = Words("the picture could not be decoded; run this again", "照片无法解码；请重测")


@dataclass(frozen=True, slots=True)
class Unseen:
    """No picture: `dead` when a person saw that the camera gives none, else why the bench has none."""

    dead: bool
    reason: Words


def open_script(lens: LensName) -> str:
    """Wakes the phone and opens the camera app with that lens; the extras are those that AOSP's, Google's and most
    makers' apps read. An app that reads none starts as it was left."""
    front = LENSES[lens].facing == "front"
    return (
        "input keyevent 224; am start -a android.media.action.STILL_IMAGE_CAMERA"
        f" --ei android.intent.extras.CAMERA_FACING {int(front)}"
        f" --ei android.intent.extras.LENS_FACING_{'FRONT' if front else 'BACK'} 1"
        f" --ez android.intent.extra.USE_FRONT_CAMERA {'true' if front else 'false'}"
    )


def _paths(listed: bytes) -> frozenset[str]:
    return frozenset(line for line in plain_text(listed).splitlines() if line.startswith("/sdcard/DCIM/"))


def _new(before: frozenset[str], listed: bytes) -> list[str]:
    """The pictures of one folder that were not there before, JPEG first."""
    fresh = sorted(_paths(listed) - before)
    pictures = [path for path in fresh if path.lower().endswith((*_JPEG, *_OTHER))]
    if not pictures:
        return []
    first = next((path for path in pictures if path.lower().endswith(_JPEG)), pictures[0])
    folder = first.rpartition("/")[0]
    return [first, *(path for path in pictures if path != first and path.rpartition("/")[0] == folder)]


class Shutter:
    """Takes pictures on one phone, for one attempt of a check.

    Args:
        bench: the attempt's bench; the probe declares `Shell`, `Files`, `asks` and `writes`.
        wait_s: seconds that each way of pressing the shutter gets until a picture is there.
        timeout_s: seconds that a person gets.
    """

    def __init__(self, bench: Bench, *, wait_s: float, timeout_s: float) -> None:
        self._bench, self._wait_s, self._timeout_s = bench, wait_s, timeout_s
        self._shell = bench.capability(Shell)  # type: ignore[type-abstract]  # a protocol names the capability
        self._files = bench.capability(Files)  # type: ignore[type-abstract]

    async def open(self, lens: LensName) -> None:
        """Open the camera app; raises NotRun when the phone has none, Skipped when nobody agrees."""
        opened = await self._bench.write(Write(f"camera-{lens}", _WHAT_OPEN, open_script(lens), _HOME))
        if opened.failure is not None:
            raise opened.failure
        said = await apart(plain_text, opened.stdout) + opened.stderr.decode("utf-8", "replace")
        if "Error" in said or "Starting" not in said:
            raise NotRun(_NO_APP.fill(why=why_nothing(opened)))
        await asyncio.sleep(_OPEN_S)

    async def shoot(self, lens: LensName, *, by_hand: bool = True) -> Picture | Unseen:
        """One picture with the app that is open: by a key, else (`by_hand`) by a person's finger."""
        before = await apart(_paths, await self._listed())
        for key in _KEYS:
            pressed = await self._bench.write(Write("shutter", _WHAT_SHOOT, f"input keyevent {key}", ":"))
            if pressed.failure is not None:
                raise pressed.failure
            if found := await self._new(before):
                return await self._fetch(found)
        if not by_hand:
            return Unseen(False, _NOWHERE)
        choices = (Choice("taken", _TAKEN, "1"), Choice("dead", _DEAD, "-"))
        prompt = Prompt(f"shutter-{lens}", PromptKind.CHOICE, _BY_HAND, (), choices, self._timeout_s)
        try:
            said = await self._bench.person.ask(prompt)
        except Skipped as skipped:
            return Unseen(False, skipped.reason)
        if said.value == "dead":
            return Unseen(True, _DEAD)
        found = await self._new(before)
        return await self._fetch(found) if found else Unseen(False, _NOWHERE)

    async def _listed(self) -> bytes:
        listed = await self._shell.run(_LIST, deadline_s=15.0)
        if listed.failure is not None:
            raise listed.failure
        return listed.stdout

    async def _new(self, before: frozenset[str]) -> list[str]:
        """What a shot has brought, as soon as there is something."""
        until = time.monotonic() + self._wait_s
        while True:
            if found := await apart(partial(_new, before), await self._listed()):
                return found
            if time.monotonic() >= until:
                return []
            await asyncio.sleep(_POLL_S)

    async def _fetch(self, found: list[str]) -> Picture | Unseen:
        """The picture in the first file, once it is whole; all that came of the shot goes when the attempt ends."""
        path = found[0]
        await self._bench.write(Write("picture", _WHAT_PICTURE, ":", f"rm -f {shlex.join(found)}"))
        if not path.lower().endswith(_JPEG):
            return Unseen(False, _HEIC.fill(kind=path.rpartition(".")[2].upper()[:4]))
        until = time.monotonic() + self._wait_s
        while True:
            if picture := await self._read(path):
                return picture
            if time.monotonic() >= until:
                return Unseen(False, _BROKEN_FILE)
            await asyncio.sleep(_POLL_S)

    async def _read(self, path: str) -> Picture | None:
        try:
            data = await self._files.pull(path, deadline_s=60.0, limit=_LIMIT)
        except Refused:  # a camera app may rename its file when it is done with it
            return None
        return await asyncio.to_thread(look_at, data)


def same_focal(first: Decimal, second: Decimal) -> bool:
    """Whether two focal lengths are of one lens; EXIF rounds to a hundredth of a millimetre."""
    return abs(first - second) <= max(Decimal("0.02"), second / 50)
