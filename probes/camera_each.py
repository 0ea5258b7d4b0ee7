"""Whether each lens gives a picture: one is taken with the phone's own camera app, fetched, and looked at.

A picture proves that the lens opens, that its sensor and the way to storage work, and that something is to be seen.
Sharpness and dust need a chart and are other checks. What a picture must show is judged elsewhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from drivers.api import Files, Shell
from drivers.text import Words
from probes.answers import hear_apart
from probes.api import Bench, Choice, Evidence, Measurement, NotRun, Prompt, PromptKind, Reading, Unread, probe
from probes.cameras import READ_CAMERA, media_camera
from probes.picture import Picture
from probes.shutter import LENSES, LensName, Shutter, Unseen, same_focal
from probes.units import FLAG, TEXT

__all__ = ["BLANK_BELOW", "camera_each"]

#: A picture with less spread than this (of 255) shows nothing to judge a lens by. Own JPEGs, quality 70 and 95: a
#: covered lens gives 0.0 to 0.7, with light through a finger 3.1, a plain wall 0.5 to 4.4, a desk of two greys 14.7.
BLANK_BELOW = Decimal(6)

#: What a person says of a lens that the phone does not have.
_NONE = "none"

_AIM = Words("Unlock the phone and stand it up so that nothing covers its lenses", "请解锁手机并竖立，勿遮挡镜头")
_AIM_STEPS = (
    Words("The bench opens the camera app and presses the shutter", "工位将打开相机应用并自动按快门"),
    Words("If the app asks for a permission or a location, refuse it", "如应用请求权限或位置信息，请拒绝"),
)
_READY = Words("Ready", "就绪")
_SWITCH = Words("Switch the camera app to the {lens} lens", "请在相机应用中切换到{lens}镜头")
_SWITCHED = Words("It shows the {lens} lens", "已切换到{lens}镜头")
_COVERED = Words(
    "The picture of the {lens} lens shows nothing. Uncover it and aim at something with detail",
    "{lens}镜头的照片无内容。请移开遮挡并对准有细节的物体",
)
_OTHER_LENS = Words(
    "the picture was taken by another lens ({focal} mm); run this again with the right one",
    "照片由其他镜头拍摄（{focal} 毫米）；请切换到正确镜头后重测",
)
_NO_SUCH = Words(
    "the camera service lists no {lens} camera; whether one should be there is the check “Cameras”",
    "相机服务未列出{lens}摄像头；是否应有请看“摄像头”检测",
)
_NONE_LISTED = Words(
    "the camera service lists no camera at all; whether one should be there is the check “Cameras”",
    "相机服务未列出任何摄像头；是否应有请看“摄像头”检测",
)
_HAS_NONE = Words("This phone has no {lens} lens", "此手机没有{lens}镜头")
_NONE_SAID = Words("the phone has no {lens} lens, as the person says", "检测人确认手机没有{lens}镜头")


def _measures() -> dict[str, str]:
    kinds = {"picture": FLAG, "blank": FLAG, "contrast": "1", "lens": TEXT}
    return {f"{lens}_{what}": kind for lens in LENSES for what, kind in kinds.items()}


def _names() -> dict[str, Words]:
    what = {
        "picture": Words("{lens}: gives a picture", "{lens}：能成像"),
        "blank": Words("{lens}: nothing to be seen", "{lens}：画面空白"),
        "contrast": Words("{lens}: contrast", "{lens}：对比度"),
        "lens": Words("{lens}: picture", "{lens}：照片信息"),
    }
    return {
        f"{lens}_{name}": words.fill(lens=one.words) for lens, one in LENSES.items() for name, words in what.items()
    }


class _Lens:
    """One lens of this phone: what the camera service says of it, and the shots until one counts."""

    def __init__(self, bench: Bench, shutter: Shutter, name: LensName, cameras: list[Mapping[str, Any]]) -> None:
        self._bench, self._shutter, self.name = bench, shutter, name
        self._words = LENSES[name].words
        facing = LENSES[name].facing
        own = [one for one in cameras if one.get("facing") == facing]
        self.absent = bool(cameras) and not own
        self._own = [focal for one in own for focal in one.get("focal_mm", ())]
        self._others = [focal for one in cameras if one not in own for focal in one.get("focal_mm", ())]
        self._told = LENSES[name].told

    async def picture(self, timeout_s: float, seen: Sequence[Decimal]) -> Picture | Unseen:
        """A picture of this lens; the person helps where the app can't be told or the lens is covered.

        `seen` are the focal lengths of pictures by other lenses of the same side: a lens that the app can't be told to
        take must have one of its own.
        """
        await self._shutter.open(self.name)
        if not self._told and await self._ask("switch", _SWITCH, _SWITCHED, timeout_s) == _NONE:
            return Unseen(False, _NONE_SAID.fill(lens=self._words))
        taken = await self._shutter.shoot(self.name)
        if isinstance(taken, Picture) and self._by_another(taken, seen):
            if await self._ask("switch", _SWITCH, _SWITCHED, timeout_s) == _NONE:
                return Unseen(False, _NONE_SAID.fill(lens=self._words))
            taken = await self._shutter.shoot(self.name)
            if isinstance(taken, Picture) and self._by_another(taken, seen):
                return Unseen(False, _OTHER_LENS.fill(focal=str(taken.focal_mm)))
        if isinstance(taken, Picture) and taken.spread < BLANK_BELOW:
            await self._ask("uncover", _COVERED, _READY, timeout_s)
            again = await self._shutter.shoot(self.name)
            return again if isinstance(again, Picture) else taken
        return taken

    def _by_another(self, taken: Picture, seen: Sequence[Decimal]) -> bool:
        """Whether its focal length belongs to another lens; where one is not known it is believed."""
        focal = taken.focal_mm
        if focal is None:
            return False
        if not self._told:
            return any(same_focal(focal, other) for other in seen)
        if any(same_focal(focal, own) for own in self._own):
            return False
        return any(same_focal(focal, other) for other in self._others)

    async def _ask(self, what: str, title: Words, done: Words, timeout_s: float) -> str:
        choices = [Choice("done", done.fill(lens=self._words), "1")]
        if what == "switch" and not self._told:
            choices.append(Choice(_NONE, _HAS_NONE.fill(lens=self._words), "0"))
        prompt_id = f"{what}-{self.name}"
        answer = await self._bench.person.ask(
            Prompt(prompt_id, PromptKind.CHOICE, title.fill(lens=self._words), (), tuple(choices), timeout_s)
        )
        return answer.value


@probe(
    "android.camera-each",
    needs=(Shell, Files),
    reads=(READ_CAMERA,),
    measures=_measures(),
    names=_names(),
    asks=True,
    writes=Words("opens the camera app, takes pictures and removes them", "打开相机应用拍照，随后删除照片"),
)
async def camera_each(
    bench: Bench,
    *,
    lenses: tuple[LensName, ...] = ("back", "front"),
    wait_s: float = 6.0,
    timeout_s: float = 180.0,
) -> AsyncIterator[Reading]:
    """One picture with each lens, fetched over the cable and looked at.

    Settings: `lenses`, which; `wait_s`, seconds until a picture must be there; `timeout_s`, seconds for a person.
    """
    said = await hear_apart(bench, READ_CAMERA, media_camera)
    if said.get("camera_count") == 0:
        raise NotRun(_NONE_LISTED)
    ready = Prompt("aim", PromptKind.CHOICE, _AIM, _AIM_STEPS, (Choice("ready", _READY, "1"),), timeout_s)
    await bench.person.ask(ready)
    shutter = Shutter(bench, wait_s=wait_s, timeout_s=timeout_s)
    focals: dict[str, list[Decimal]] = {}
    for name in lenses:
        lens = _Lens(bench, shutter, name, said.get("inventory") or [])
        if lens.absent:
            yield Unread(f"{name}_picture", _NO_SUCH.fill(lens=LENSES[name].words), said.source)
            continue
        side = focals.setdefault(LENSES[name].facing, [])
        taken = await lens.picture(timeout_s, side)
        if isinstance(taken, Picture) and taken.focal_mm is not None:
            side.append(taken.focal_mm)
        for found in _readings(name, taken):
            yield found


def _readings(name: LensName, taken: Picture | Unseen) -> list[Reading]:
    if isinstance(taken, Unseen):
        if taken.dead:
            return [Measurement(f"{name}_picture", False, "seen by the person")]
        return [Unread(f"{name}_{what}", taken.reason, "camera app") for what in ("picture", "blank")]
    source = "picture by the camera app"
    return [
        Measurement(f"{name}_picture", True, source),
        Measurement(f"{name}_blank", taken.spread < BLANK_BELOW, f"{source}: spread of brightness"),
        Measurement(f"{name}_contrast", taken.spread, f"{source}: spread of brightness"),
        Measurement(f"{name}_lens", taken.told, "EXIF"),
        Evidence(f"{name}.jpg", taken.thumbnail, "image/jpeg"),
    ]
