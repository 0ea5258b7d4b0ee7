"""What is said of a picture and of each lens: one that shows something, a blank one, none, and hostile bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import phone_outputs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from ports_bench import FakeFiles, WritingBench, bench
from probe_bench import Readings, ScriptedPerson, run_on

from drivers.text import Words
from probes.api import NotApplicable, NotRun, Skipped
from probes.camera_each import BLANK_BELOW
from probes.cameras import media_camera
from probes.picture import look_at
from probes.shutter import open_script

FOLDER = "/sdcard/DCIM/Camera"
CAMERAS = """\
Number of camera devices: 2
== Camera HAL device device@3.7/internal/0 (v3.7) static information: ==
    Has a flash unit: true
    Facing: Back
    Orientation: 90
      android.lens.info.availableFocalLengths (90002): float[1]
        [6.90000000 ]
== Camera HAL device device@3.7/internal/1 (v3.7) static information: ==
    Has a flash unit: false
    Facing: Front
    Orientation: 270
      android.lens.info.availableFocalLengths (90002): float[1]
        [2.74000000 ]
"""


def jpeg(*, blank: bool = False, focal: float = 6.9, flash: int = 0x10) -> bytes:
    image = Image.new("L", (640, 480)) if blank else Image.linear_gradient("L").resize((640, 480))
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x829D: 1.85, 0x829A: 0.02, 0x8827: 120, 0x9209: flash, 0x920A: focal})
    stored = io.BytesIO()
    image.convert("RGB").save(stored, "JPEG", exif=exif)
    return stored.getvalue()


class Phone:
    """A phone whose camera app saves `pictures`, one for each press of a key that it takes."""

    def __init__(self, pictures: list[bytes], *, key: str = "27", name: str = "jpg", error: str = "") -> None:
        self.pictures, self.key, self.name, self.error = pictures, key, name, error
        self.files = FakeFiles({f"{FOLDER}/mine.jpg": b"private"})
        self.taken = 0

    def says(self, script: str) -> str:
        if script.startswith("for f in"):
            return "\n".join(path for path in self.files.stored if path.startswith("/sdcard/DCIM/"))
        if "STILL_IMAGE_CAMERA" in script:
            return self.error or "Starting: Intent { act=android.media.action.STILL_IMAGE_CAMERA }\n"
        if script == f"input keyevent {self.key}":
            self.shoot()
        return ""

    def shoot(self) -> None:
        if self.taken < len(self.pictures):
            self.files.stored[f"{FOLDER}/IMG_{self.taken}.{self.name}"] = self.pictures[self.taken]
            self.taken += 1


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    import probes.flash
    import probes.shutter

    monkeypatch.setattr(probes.shutter, "_OPEN_S", 0.0)
    monkeypatch.setattr(probes.shutter, "_POLL_S", 0.0)
    monkeypatch.setattr(probes.flash, "_REST_S", 0.0)


def on(phone: Phone, acts: dict[str, Any], cameras: str = CAMERAS) -> WritingBench:
    person = ScriptedPerson({"aim": "ready", **acts})
    return bench(phone.says, {"media-camera": cameras}, files=phone.files, person=person)


async def each(phone: Phone, acts: dict[str, Any] | None = None, *lenses: str, cameras: str = CAMERAS) -> Readings:
    given = on(phone, acts or {}, cameras)
    readings = await run_on("android.camera-each", given, lenses=lenses or ("back",), wait_s=0.0)
    assert not any("mine.jpg" in write.do + write.undo for write in given.writes), "somebody's own picture"
    return readings


async def test_a_lens_that_gives_a_picture_is_told_with_what_exif_says() -> None:
    readings = await each(Phone([jpeg(), jpeg(focal=2.74)]), {}, "back", "front")
    assert (readings.value("back_picture"), readings.value("front_picture")) == (True, True)
    assert readings.value("back_blank") is False
    assert readings.value("back_lens") == "640×480, 6.9 mm, f/1.85, ISO 120, 0.02 s"
    assert readings.evidence["back.jpg"].media_type == "image/jpeg"


async def test_the_pictures_taken_are_removed_and_the_app_is_left() -> None:
    given = on(Phone([jpeg()]), {})
    await run_on("android.camera-each", given, lenses=("back",), wait_s=0.0)
    assert f"rm -f {FOLDER}/IMG_0.jpg" in given.undone
    assert any("category.HOME" in undo for undo in given.undone)


async def test_an_app_that_takes_only_the_volume_key_is_shot_with_it() -> None:
    assert (await each(Phone([jpeg()], key="25"))).value("back_picture") is True


async def test_a_blank_picture_counts_only_when_it_stays_blank_after_the_lens_was_uncovered() -> None:
    assert (await each(Phone([jpeg(blank=True)] * 2), {"uncover-back": "done"})).value("back_blank") is True
    assert (await each(Phone([jpeg(blank=True), jpeg()]), {"uncover-back": "done"})).value("back_blank") is False


async def test_a_camera_that_a_person_sees_dead_fails_and_one_that_takes_no_key_is_shot_by_hand() -> None:
    assert (await each(Phone([]), {"shutter-back": "dead"})).value("back_picture") is False
    phone = Phone([jpeg()], key="none")
    person = ByHand(phone)
    readings = await run_on(
        "android.camera-each",
        bench(phone.says, {"media-camera": CAMERAS}, files=phone.files, person=person),
        lenses=("back",),
        wait_s=0.0,
    )
    assert readings.value("back_picture") is True


class ByHand(ScriptedPerson):
    """Somebody who presses the shutter when asked."""

    def __init__(self, phone: Phone) -> None:
        super().__init__({"aim": "ready", "shutter-back": "taken"})
        self.phone = phone

    async def ask(self, prompt: Any) -> Any:
        if prompt.id == "shutter-back":
            self.phone.shoot()
        return await super().ask(prompt)


@pytest.mark.parametrize(
    ("phone", "acts", "why"),
    [
        (lambda: Phone([]), {"shutter-back": "taken"}, "no new picture"),
        (lambda: Phone([]), {"shutter-back": Skipped(Words("went home", "已离开"))}, "went home"),
        (lambda: Phone([jpeg()], name="heic"), {}, "HEIC"),
        (lambda: Phone([b"\xff\xd8\xff\xe0 broken"]), {}, "decoded"),
    ],
)
async def test_what_the_bench_can_not_see_is_not_the_cameras_fault(
    phone: Callable[[], Phone], acts: dict[str, Any], why: str
) -> None:
    readings = await each(phone(), acts)
    assert why in readings.unread["back_picture"].reason.en
    assert "back_picture" not in readings.measured


async def test_a_picture_of_the_other_side_asks_for_the_right_lens_and_then_leaves_it_open() -> None:
    swapped = await each(Phone([jpeg(), jpeg(focal=2.74)]), {"switch-front": "done"}, "front")
    assert swapped.value("front_picture") is True
    wrong = await each(Phone([jpeg(), jpeg()]), {"switch-front": "done"}, "front")
    assert "another lens (6.9 mm)" in wrong.unread["front_picture"].reason.en


async def test_a_further_lens_must_have_a_focal_length_of_its_own() -> None:
    lenses = ("back", "wide")
    good = await each(Phone([jpeg(), jpeg(focal=2.13)]), {"switch-wide": "done"}, *lenses)
    assert good.value("wide_picture") is True
    helped = await each(Phone([jpeg(), jpeg(), jpeg(focal=2.13)]), {"switch-wide": "done"}, *lenses)
    assert helped.value("wide_picture") is True
    main_again = await each(Phone([jpeg(), jpeg(), jpeg()]), {"switch-wide": "done"}, *lenses)
    assert "another lens" in main_again.unread["wide_picture"].reason.en


async def test_a_phone_without_the_further_lens_says_so_by_its_person_and_is_not_failed() -> None:
    readings = await each(Phone([jpeg()]), {"switch-tele": "none"}, "back", "tele")
    assert readings.value("back_picture") is True
    assert "no telephoto lens" in readings.unread["tele_picture"].reason.en


async def test_a_phone_without_that_camera_or_any_is_not_failed() -> None:
    only_back = CAMERAS[: CAMERAS.index("== Camera HAL device device@3.7/internal/1")]
    readings = await each(Phone([]), {}, "front", cameras=only_back)
    assert "lists no front camera" in readings.unread["front_picture"].reason.en
    with pytest.raises(NotRun, match="lists no camera at all") as why:  # they may all have died
        await each(Phone([]), {}, cameras="Number of camera devices: 0\n")
    assert not isinstance(why.value, NotApplicable)


async def test_a_phone_without_a_camera_app_is_not_run() -> None:
    with pytest.raises(NotRun, match="no camera app"):
        await each(Phone([], error="Starting: Intent { }\nError: Activity not started\n"))


def test_the_intent_names_the_side() -> None:
    assert "CAMERA_FACING 1" in open_script("front")
    assert "CAMERA_FACING 0" in open_script("back")


# flash


async def flash(pictures: list[bytes], counted: str, count: int = 2, cameras: str = CAMERAS) -> Readings:
    given = on(Phone(pictures), {"flash-on": "on", "flash-count": counted}, cameras)
    return await run_on("android.flash", given, count=count, wait_s=0.0)


async def test_a_flash_that_was_counted_right_is_seen_and_a_dark_one_is_not() -> None:
    fired = [jpeg(flash=0x9)] * 2
    assert (await flash(fired, "2")).value("flash_seen") is True
    assert (await flash(fired, "0")).value("flash_seen") is False
    assert (await flash(fired, "2")).value("flashes_fired") == 2


async def test_a_flash_that_the_app_did_not_use_is_not_judged() -> None:
    with pytest.raises(NotRun, match="without the flash"):
        await flash([jpeg()], "0")


async def test_how_often_it_fires_is_in_no_prompt() -> None:
    given = on(Phone([jpeg(flash=0x9)] * 3), {"flash-on": "on", "flash-count": "3"})
    await run_on("android.flash", given, count=3, wait_s=0.0)
    prompts = given.person.asked  # type: ignore[attr-defined]
    shown = [words.en for prompt in prompts for words in (prompt.title, *prompt.steps)]
    assert not any("3" in text for text in shown)
    assert [choice.value for choice in prompts[-1].choices] == ["0", "1", "2", "3", "4"]


async def test_a_phone_whose_cameras_have_no_flash_needs_none() -> None:
    with pytest.raises(NotApplicable):
        await flash([], "0", cameras=CAMERAS.replace("flash unit: true", "flash unit: false"))


async def test_of_a_back_camera_that_is_listed_no_more_the_flash_is_not_known() -> None:
    front = CAMERAS.replace("flash unit: true", "flash unit: false").replace("Facing: BACK", "Facing: FRONT")
    front = front.replace("Facing: Back", "Facing: Front")
    with pytest.raises(NotRun, match="no back camera") as why:
        await flash([], "0", cameras=front)
    assert not isinstance(why.value, NotApplicable)


# pictures


def test_a_picture_is_described_by_its_size_exif_and_spread() -> None:
    picture = look_at(jpeg(flash=0x9))
    assert picture is not None
    assert (picture.width, picture.height) == (640, 480)
    assert (picture.focal_mm, picture.f_number, picture.iso) == (Decimal("6.9"), Decimal("1.85"), 120)
    assert picture.flash_fired is True
    assert picture.spread > BLANK_BELOW
    assert look_at(picture.thumbnail) is not None


def test_a_picture_without_exif_says_nothing_of_its_lens() -> None:
    stored = io.BytesIO()
    Image.new("RGB", (64, 48)).save(stored, "JPEG")
    picture = look_at(stored.getvalue())
    assert picture is not None
    assert (picture.focal_mm, picture.iso, picture.flash_fired) == (None, None, None)
    assert picture.told == "64×48"
    assert picture.spread < BLANK_BELOW


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"GIF89a" + bytes(40), b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_what_is_no_jpeg_is_no_picture(data: bytes) -> None:
    assert look_at(data) is None


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_pictures_never_raise(data: st.DataObject) -> None:
    good = jpeg()
    at = data.draw(st.integers(0, len(good)))
    put = data.draw(st.binary(max_size=12))
    look_at(good[:at] + put + good[at + data.draw(st.integers(0, 200)) :])


def test_a_picture_that_claims_more_pixels_than_any_sensor_is_none() -> None:
    good = bytearray(jpeg())
    frame = good.index(b"\xff\xc0")
    good[frame + 5 : frame + 9] = b"\xff\xff\xff\xff"  # 65535 by 65535
    assert look_at(bytes(good)) is None


def test_the_inventory_names_each_camera_once() -> None:
    found = media_camera(CAMERAS.encode()).facts["inventory"]
    assert [(one["facing"], one["orientation"], one["flash"], one["focal_mm"]) for one in found] == [
        ("back", 90, True, [Decimal("6.9")]),
        ("front", 270, False, [Decimal("2.74")]),
    ]
    doubled = CAMERAS + CAMERAS.replace("device@3.7", "device@1.0")
    assert len(media_camera(doubled.encode()).facts["inventory"]) == 2
    assert media_camera(phone_outputs.OLD_CAMERA.encode()).facts["inventory"]
