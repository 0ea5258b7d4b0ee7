"""Whether ticket, device, box and tray speak of one phone: what was read where, and which two places differ. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from drivers.text import Words
from station.counter.inputs import plain_text
from station.tickets import check_imei, check_meid

__all__ = ["PLACES", "Known", "Sight", "differing", "read_label"]

Place = Literal["ticket", "device", "box", "tray"]
Kind = Literal["imei", "meid", "serial"]

PLACES: dict[Place, Words] = {
    "ticket": Words("ticket", "工单"),
    "device": Words("device", "手机"),
    "box": Words("box", "包装盒"),
    "tray": Words("tray", "卡托"),
}


@dataclass(frozen=True, slots=True)
class Known:
    """What a place says of the phone: its IMEIs, MEID and serial, as far as they stand there."""

    place: Place
    imeis: tuple[str, ...] = ()
    meid: str = ""
    serial: str = ""

    def values(self, kind: Kind) -> frozenset[str]:
        """What it says of one kind of number."""
        found: tuple[str, ...] = self.imeis if kind == "imei" else (self.meid if kind == "meid" else self.serial,)
        return frozenset(filter(None, found))


@dataclass(frozen=True, slots=True)
class Sight:
    """One number that was read at a place."""

    place: Place
    kind: Kind
    value: str

    @property
    def known(self) -> Known:
        """The same as something to compare."""
        if self.kind == "imei":
            return Known(self.place, imeis=(self.value,))
        return Known(self.place, meid=self.value) if self.kind == "meid" else Known(self.place, serial=self.value)


def read_label(place: Place, scanned: str, ticket: Known) -> Sight:
    """What a scanned or typed label says: the ticket's serial, an IMEI, a MEID (where the ticket has one), or a serial.

    Raises:
        Trouble: a number of 15 digits whose check digit is wrong.
    """
    text = plain_text(scanned)
    digits = re.sub(r"[\s/.-]", "", text).upper()
    if text and text == ticket.serial:
        return Sight(place, "serial", text)
    if re.fullmatch(r"[0-9]{15}", digits):
        return Sight(place, "imei", check_imei(digits))
    if ticket.meid and re.fullmatch(r"[0-9A-F]{14,15}", digits):
        return Sight(place, "meid", check_meid(digits))
    return Sight(place, "serial", text)


def differing(ticket: Known, others: Iterable[Known]) -> tuple[Place, Place] | None:
    """The first two places that name another phone, in their order; a kind that only one of them has says nothing.

    A phone with two IMEIs may show one here and the other there: both are the ticket's.
    """
    kinds: Sequence[Kind] = ("imei", "meid", "serial")
    for one, other in combinations((ticket, *others), 2):
        for kind in kinds:
            mine, theirs = (_with(ticket.values(kind), place.values(kind)) for place in (one, other))
            if mine and theirs and not mine & theirs:
                return one.place, other.place
    return None


def _with(ticket: frozenset[str], seen: frozenset[str]) -> frozenset[str]:
    return seen | ticket if seen & ticket else seen
