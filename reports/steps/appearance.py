"""What an appearance record states: six faces with their marks and pictures, seals, what came with the phone.

Beside `intake/v1`, which it names. Never a passcode: only whether the screen is locked. Stands on `reports.predicates`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reports.predicates import Commitment, Common, EvidenceRef, FreeText, Name, Sha256, Statement

__all__ = ["FACES", "PREDICATES", "AccessoryV1", "AppearanceV1", "Face", "FaceV1", "MarkV1", "SightV1", "UnpackingV1"]

Face = Literal["front", "back", "left", "right", "top", "bottom"]
FACES: tuple[Face, ...] = ("front", "back", "left", "right", "top", "bottom")


class MarkV1(Statement):
    """A mark: its place on the face's outline in per mille of width and height from the upper left corner, as the face
    is looked at with the phone upright.

    `size`: `small` below 3 mm, `medium` to 10 mm, `large` above (the longest extent).
    """

    kind: Literal["scratch", "dent", "crack", "chip", "bend", "stain", "wear", "missing", "other"]
    x: int = Field(ge=0, le=1000)
    y: int = Field(ge=0, le=1000)
    size: Literal["small", "medium", "large"]
    note: str = Field(max_length=400)


class FaceV1(Statement):
    """One face that was looked at; without marks it had none."""

    face: Face
    marks: tuple[MarkV1, ...]
    photos: tuple[EvidenceRef, ...]


class SightV1(Statement):
    """Where the phone's identity was seen; `seen` None: it was not read there. All that were seen agree."""

    place: Literal["ticket", "device", "box", "tray"]
    kind: Literal["imei", "meid", "serial"] | None
    seen: Commitment | None


class AccessoryV1(Statement):
    """Something that was handed over with the phone."""

    what: Name
    count: int = Field(ge=1, le=1000)
    state: str = Field(max_length=400)


class UnpackingV1(Statement):
    """A parcel that was opened before a camera: its waybill, its seal, and the pictures or the film."""

    waybill: Commitment
    seal: Literal["intact", "broken", "none"]
    evidence: tuple[EvidenceRef, ...] = Field(min_length=1)


class AppearanceV1(Common):
    """How the phone came.

    Attributes:
        person: who looked at it.
        intake: the intake record that it belongs to; `registration`, `replaces`: the registration, and the appearance
            record that this one stands in for, with the `reason`.
        faces: all six.
        liquid: the liquid indicator; `screws`: the visible screws and their seals; `opened`: signs of an unofficial
            repair.
        left_in: what stays in or on the phone.
        powers_on: None where it was not tried.
        lock: the screen's lock, never its code.
        identity: the four places where the identity was read.
        unpacking: of a phone that was sent in.
    """

    person: Name
    intake: Sha256
    registration: Sha256 | None
    replaces: Sha256 | None
    reason: str = Field(max_length=2000)
    faces: tuple[FaceV1, ...] = Field(min_length=6, max_length=6)
    liquid: Literal["dry", "triggered", "missing", "not-visible"]
    screws: Literal["untouched", "tool-marks", "missing", "seal-broken", "not-visible"]
    opened: tuple[Literal["glue", "gap", "pry-marks", "foreign-part", "broken-seal", "label-moved"], ...]
    accessories: tuple[AccessoryV1, ...]
    left_in: tuple[Literal["sim", "second-sim", "memory-card", "case", "film"], ...]
    powers_on: bool | None
    lock: Literal["none", "locked", "owner-unlocks", "not-visible"]
    identity: tuple[SightV1, ...] = Field(min_length=4, max_length=4)
    unpacking: UnpackingV1 | None
    note: FreeText


PREDICATES: dict[str, type[Statement]] = {"appearance/v1": AppearanceV1}
