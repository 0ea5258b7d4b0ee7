"""A person's one key on every station of the shop: carried as it is sealed under the PIN, enrolled anew where it comes.

The file shows by the shop's key that it is the shop's, and by the key events in it whose key it is; whoever brings it
unlocks it. Stands on the rosters and the shop key; what is enrolled here is a key event of this station as any other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from drivers.api import Side
from drivers.text import Words
from reports.predicates import Made, Role
from reports.record import RecordError, canonical, digest_of, parse_strict
from reports.roster import Key, Person, Roster
from station.errors import EXIT_NO, EXIT_USE, Trouble
from station.people import PersonKeys
from station.settings import Settings
from station.shop_key import the_shop_key

__all__ = ["Carried", "carry", "open_carried", "roles_now"]

_BOUND = b"assay-person/1\0"
#: The most bytes of such a file: the key events of a station's life.
MAX_PERSON = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Carried:
    """A person as another station has them: who, with which key in use, and the sealed key file."""

    station: str
    person: Person
    key: Key
    file: bytes


def carry(settings: Settings, key_events: list[bytes], person: str) -> bytes:
    """The file with the person's sealed key and this station's key events.

    Raises:
        Trouble: `person.no-key`, `shop.alone`.
    """
    shop = the_shop_key(settings)
    stored = PersonKeys(settings.data).key_of(person)
    content = {
        "format": "assay-person/1",
        "shop": settings.shop,
        "station": settings.station,
        "person": person,
        "key": stored.path.read_text(encoding="utf-8"),
        "roster": [data.decode() for data in key_events],
    }
    return canonical(content | {"proof": shop.seal(b"", _bound(content))})


def open_carried(settings: Settings, data: bytes) -> Carried:
    """Who is in such a file; their key is the one that the roster in it has in use.

    Raises:
        Trouble: it is no such file, was changed, is of another shop, or the key in it is not in use.
    """
    try:
        match parse_strict(data, MAX_PERSON):
            case {"format": "assay-person/1", "proof": dict(proof), "key": str(file), "roster": list(events), **more}:
                content = {str(name): value for name, value in more.items()}
                content |= {"format": "assay-person/1", "key": file, "roster": events}
            case _:
                raise Trouble("person.file", _NO_FILE, Side.PERSON, _EXPORT, EXIT_USE)
    except RecordError as error:
        raise Trouble("person.file", _NO_FILE, Side.PERSON, _EXPORT, EXIT_USE) from error
    if content.get("shop") != settings.shop:
        words = _OTHER_SHOP.fill(theirs=content.get("shop"), ours=settings.shop)
        raise Trouble("person.other-shop", words, Side.PERSON, _EXPORT, EXIT_NO)
    if the_shop_key(settings).open(proof, _bound(content)) is None:
        raise Trouble("person.unproven", _UNPROVEN, Side.PERSON, _EXPORT, EXIT_NO)
    roster = Roster.fold(str(event).encode() for event in events)
    person = roster.persons.get(str(content.get("person")))
    key = roster.current_key(person.id) if person else None
    if roster.problems or person is None or key is None or roster.simulated != settings.simulated:
        raise Trouble("person.no-key", _NOT_IN_USE, Side.PERSON, _EXPORT, EXIT_NO)
    try:
        held = json.loads(file)["public"] == key.public.hex()
    except (ValueError, KeyError, TypeError):
        held = False
    if not held:
        raise Trouble("person.no-key", _NOT_IN_USE, Side.PERSON, _EXPORT, EXIT_NO)
    return Carried(roster.station, person, key, file.encode())


def roles_now(carried: Carried, made: Made) -> tuple[Role, ...]:
    """The roles that the person has there now."""
    return tuple(
        dict.fromkeys(one.role for one in carried.person.roles if carried.person.may(one.role, made.clock.wall_ms))
    )


def _bound(content: dict[str, Any]) -> bytes:
    return _BOUND + digest_of(canonical(content)).encode()


_NO_FILE = Words("This file holds no person's key", "该文件不含人员密钥")
_EXPORT = Words("Make it on the other station: `assay person export`", "请在另一工位执行 `assay person export`")
_OTHER_SHOP = Words(
    "The person is of shop {theirs}, this station belongs to {ours}", "该人员属于 {theirs}，本工位属于 {ours}"
)
_UNPROVEN = Words(
    "The file was changed on the way, or nothing shows that it comes from this shop",
    "文件在途中被改动，或无法证明来自本网点",
)
_NOT_IN_USE = Words("The key in the file is not in use there", "文件中的密钥在对方工位并非有效密钥")
