"""What can be said of one picture without a chart: its size, how much is to be seen on it, and what its EXIF tells.

Stands on Pillow, loaded at the first picture. A picture comes from a phone and is hostile input: only JPEG is taken,
it is decoded at an eighth of its size, and whatever is wrong with it makes it None.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

__all__ = ["Picture", "look_at"]

#: More pixels than any phone's sensor has (200 million in 2025); a header that says more is none of a camera.
_MOST_PIXELS = 250_000_000
_LOOKED_AT = (160, 120)
_THUMBNAIL = (640, 640)

# EXIF 2.32 (CIPA DC-008-2019), tables 4 to 8.
_EXIF_IFD, _MODEL = 0x8769, 0x0110
_EXPOSURE, _F_NUMBER, _ISO, _FLASH, _FOCAL = 0x829A, 0x829D, 0x8827, 0x9209, 0x920A
_FIRED = 0x1


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture.

    Attributes:
        width, height: in pixels, as stored.
        spread: standard deviation of its brightness, 0 to 127; nothing is to be seen near 0.
        mean: mean brightness, 0 to 255.
        focal_mm, f_number, exposure_s: as EXIF says, None where it does not.
        iso: EXIF's sensitivity.
        flash_fired: EXIF's flash bit.
        thumbnail: the picture, small, as JPEG without EXIF.
    """

    width: int
    height: int
    spread: Decimal
    mean: Decimal
    focal_mm: Decimal | None
    f_number: Decimal | None
    exposure_s: Decimal | None
    iso: int | None
    flash_fired: bool | None
    thumbnail: bytes

    @property
    def told(self) -> str:
        """What EXIF and size say, in one line: `4080×3072, 6.9 mm, f/1.85, ISO 120, 0.02 s`."""
        parts = [f"{self.width}×{self.height}"]
        parts += [f"{self.focal_mm} mm"] if self.focal_mm is not None else []
        parts += [f"f/{self.f_number}"] if self.f_number is not None else []
        parts += [f"ISO {self.iso}"] if self.iso is not None else []
        parts += [f"{self.exposure_s} s"] if self.exposure_s is not None else []
        return ", ".join(parts)


def look_at(data: bytes) -> Picture | None:
    """The picture in these bytes, or None when they are no whole JPEG. Takes some 50 ms for 12 million pixels."""
    from PIL import Image, ImageStat

    Image.MAX_IMAGE_PIXELS = None  # the bound is below, so that a sensor of 200 million pixels is no bomb
    warnings.filterwarnings("ignore", module="PIL")  # of broken EXIF, which is no trouble of ours
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            width, height = image.size
            if width * height > _MOST_PIXELS:
                return None
            exif = image.getexif()
            tags = {**exif, **exif.get_ifd(_EXIF_IFD)}
            image.draft("RGB", _THUMBNAIL)
            small = image.convert("RGB")
        small.thumbnail(_THUMBNAIL)
        stat = ImageStat.Stat(small.convert("L").resize(_LOOKED_AT))
        stored = io.BytesIO()
        small.save(stored, "JPEG", quality=70)
    except Exception:  # a decoder met with hostile bytes raises whatever it likes; none of it may end a run
        return None
    flash = tags.get(_FLASH)
    return Picture(
        width=width,
        height=height,
        spread=_rounded(stat.stddev[0]),
        mean=_rounded(stat.mean[0]),
        focal_mm=_number(tags, _FOCAL, "0.01"),
        f_number=_number(tags, _F_NUMBER, "0.01"),
        exposure_s=_number(tags, _EXPOSURE, "0.0001"),
        iso=int(iso) if (iso := _number(tags, _ISO, "1")) is not None else None,
        flash_fired=bool(flash & _FIRED) if isinstance(flash, int) else None,
        thumbnail=stored.getvalue(),
    )


def _rounded(value: float) -> Decimal:
    return Decimal(value).quantize(Decimal("0.1"))


def _number(tags: Mapping[int, Any], tag: int, step: str) -> Decimal | None:
    """A positive number of EXIF, rounded; None for what is missing, zero, infinite or no number."""
    value: Any = tags.get(tag)
    if isinstance(value, tuple) and value:
        value = value[0]
    try:
        number = Decimal(str(float(value))) if value is not None else Decimal(0)
    except (ArithmeticError, TypeError, ValueError):
        return None
    if not number.is_finite() or not 0 < number < 1_000_000:
        return None
    return number.quantize(Decimal(step)).normalize() + 0
