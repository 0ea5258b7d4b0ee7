"""Statements about keys, signed by those whom they need: enrolment, rotation, revocation, compromise, roles.

Pure functions over the roster and unlocked keys; what comes out is a payload with the persons' signatures, to which the
station adds its own when it stores the record. Who may approve is the roster's rule (`admit` asks it before anything is
written); keys are kept by `station.people`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from drivers.api import Side
from drivers.text import Words, safe_text
from reports.attest import Ed25519PrivateKey, assemble_envelope, key_id, key_v1, open_record, public_raw, sign
from reports.predicates import KeyEventV1, KeyV1, Made, Role, RoleV1
from reports.record import RecordError, make_statement
from reports.roster import Key, Roster
from reports.steps.qualification import QualificationV1
from station.errors import EXIT_NO, EXIT_USE, Trouble
from station.messages import CommitRecord

__all__ = [
    "ROLES",
    "Ending",
    "KeyEvent",
    "admit",
    "current_key",
    "end_key",
    "enrol_person",
    "enrol_station",
    "fingerprint",
    "qualify",
    "rotate_key",
    "rotate_station",
    "set_roles",
]

#: Every role that a person can be given.
ROLES: tuple[Role, ...] = get_args(Role)

#: How a key ends: retired (its signatures stay good), revoked, or compromised from a date on.
Ending = Literal["retire", "revoke", "compromise"]

#: A person who signs here: id and unlocked key.
Signer = tuple[str, Ed25519PrivateKey]


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """A key event ready for the ledger: the payload and the persons' signatures over it, as (key id, signature)."""

    payload: bytes
    signatures: tuple[tuple[str, bytes], ...]

    def envelope(self, station_key: Ed25519PrivateKey) -> bytes:
        """The whole envelope, for a process that hosts the store itself."""
        return assemble_envelope(self.payload, [*self.signatures, sign(self.payload, station_key)])

    def command(self) -> CommitRecord:
        """The same for the engine, which adds the station's signature."""
        first, *more = [(key, base64.b64encode(signature).decode()) for key, signature in self.signatures]
        return CommitRecord(
            payload=base64.b64encode(self.payload).decode(), key_id=first[0], signature=first[1], more=tuple(more)
        )


def fingerprint(public: bytes) -> str:
    """A public key to compare by eye or voice: the first 128 bits of its id in groups of four."""
    name = key_id(public)[:32]
    return " ".join(name[at : at + 4] for at in range(0, len(name), 4))


def enrol_station(made: Made, station_key: Ed25519PrivateKey, printed_name: str) -> bytes:
    """The envelope of the first record of a ledger: the station, its shop, its key, simulated or not."""
    key = key_v1(public_raw(station_key))
    return _event(
        made, "enrol", key, [], kind="station", holder=made.station, printed_name=printed_name, approved_by=made.station
    ).envelope(station_key)


def enrol_person(
    made: Made,
    person: str,
    printed_name: str,
    roles: Iterable[Role],
    new: Ed25519PrivateKey,
    lead: Signer | None,
) -> KeyEvent:
    """Enrol a person with a new key, which signs to prove that it is there.

    Arguments:
        lead: who approves; None for the station's first lead, whom the station itself enrols: head office compares
            that one when it approves the station.

    Raises:
        Trouble: `person.name` for a name that cannot be printed.
    """
    name = printed_name.strip()
    if not name or safe_text(name, 200) != name:
        raise Trouble(
            "person.name",
            Words("the printed name is empty or has invisible signs", "姓名为空或含不可见字符"),
            Side.PERSON,
            Words("type the name as it stands on papers", "请按单据上的姓名填写"),
            EXIT_USE,
        )
    return _event(
        made,
        "enrol",
        key_v1(public_raw(new)),
        [new, *_keys(lead)],
        holder=person,
        printed_name=name,
        roles=_from_now(made, roles),
        approved_by=lead[0] if lead else made.station,
    )


def rotate_key(
    made: Made, roster: Roster, person: str, new: Ed25519PrivateKey, approval: Signer, replaces: Key | None = None
) -> KeyEvent:
    """Replace a person's key by a new one.

    Arguments:
        approval: the person with the old key, or a lead (where the old key is lost or has ended).
        replaces: the key to replace where the current one has ended already.

    Raises:
        Trouble: `person.unknown`, `person.no-key`.
    """
    old = replaces or current_key(roster, person)
    return _event(
        made,
        "rotate",
        key_v1(public_raw(new)),
        [new, *_keys(approval)],
        holder=person,
        printed_name=_printed_name(roster, person),
        replaces=old.id,
        approved_by=approval[0],
    )


def end_key(made: Made, roster: Roster, how: Ending, key: Key, approval: Signer, at_ms: int, reason: str) -> KeyEvent:
    """End a key from `at_ms` on: approved by a lead, or by its holder with the key itself.

    Raises:
        Trouble: `person.unknown`.
    """
    ended = KeyV1(algorithm="ed25519", public=key.public.hex(), id=key.id, level=key.level)
    return _event(
        made,
        how,
        ended,
        _keys(approval),
        holder=key.holder,
        printed_name=_printed_name(roster, key.holder),
        approved_by=approval[0],
        at_ms=at_ms,
        reason=reason,
    )


def set_roles(made: Made, roster: Roster, person: str, roles: Iterable[Role], lead: Signer) -> KeyEvent:
    """Give a person exactly these roles from now on; a lead approves.

    Raises:
        Trouble: `person.unknown`, `person.no-key`.
    """
    key = current_key(roster, person)
    return _event(
        made,
        "roles",
        KeyV1(algorithm="ed25519", public=key.public.hex(), id=key.id, level=key.level),
        _keys(lead),
        holder=person,
        printed_name=_printed_name(roster, person),
        roles=_from_now(made, roles),
        approved_by=lead[0],
    )


def qualify(
    made: Made, roster: Roster, person: str, checklist: str, from_ms: int, to_ms: int, lead: Signer
) -> KeyEvent:
    """Say that a person is qualified for a checklist from `from_ms` to before `to_ms`; a lead approves.

    Raises:
        Trouble: `person.unknown`, `person.no-key`.
    """
    key = current_key(roster, person)
    predicate = QualificationV1(
        **dict(made),
        person=person,
        printed_name=_printed_name(roster, person),
        checklist=checklist,
        from_ms=from_ms,
        to_ms=to_ms,
        approved_by=lead[0],
    )
    payload = make_statement("qualification/v1", key.id, predicate)
    return KeyEvent(payload, (sign(payload, lead[1]),))


def rotate_station(made: Made, old: Ed25519PrivateKey, new: Ed25519PrivateKey, printed_name: str) -> bytes:
    """The envelope that gives the station a new key: signed by the old one and by the new one."""
    event = _event(
        made,
        "rotate",
        key_v1(public_raw(new)),
        [new],
        kind="station",
        holder=made.station,
        printed_name=printed_name,
        replaces=key_id(public_raw(old)),
        approved_by=made.station,
    )
    return event.envelope(old)


def current_key(roster: Roster, person: str) -> Key:
    """The key that a person signs with now.

    Raises:
        Trouble: `person.unknown`, or `person.no-key` when it has ended.
    """
    _printed_name(roster, person)
    key = roster.current_key(person)
    if key is None:
        raise Trouble(
            "person.no-key",
            Words("{person} has no key in use", "{person} 没有有效密钥").fill(person=person),
            Side.PERSON,
            Words(
                "give the person a new key: assay person rotate {person}",
                "请为其更换密钥：assay person rotate {person}",
            ).fill(person=person),
            EXIT_USE,
        )
    return key


def admit(roster: Roster, envelope: bytes) -> Roster:
    """The roster after a key event that is about to be stored.

    Raises:
        Trouble: `person.not-admitted`, with the roster's reason; nothing was written.
    """
    try:
        return roster.apply(open_record(envelope))
    except RecordError as error:
        raise Trouble(
            "person.not-admitted",
            Words("the roster does not admit this: it {en}", "人员名册不允许此操作：{zh}").fill(
                en=error.words.en, zh=error.words.zh
            ),
            Side.PERSON,
            Words("see who may approve: assay person list", "查看谁可批准：assay person list"),
            EXIT_NO,
        ) from error


def _printed_name(roster: Roster, person: str) -> str:
    known = roster.persons.get(person)
    if known is None:
        raise Trouble(
            "person.unknown",
            Words("{person} is not enrolled here", "{person} 未在本工位登记").fill(person=person),
            Side.PERSON,
            Words("see who is: assay person list", "查看已登记人员：assay person list"),
            EXIT_USE,
        )
    return known.printed_name


def _keys(signer: Signer | None) -> list[Ed25519PrivateKey]:
    return [signer[1]] if signer else []


def _from_now(made: Made, roles: Iterable[Role]) -> tuple[RoleV1, ...]:
    return tuple(RoleV1(role=role, from_ms=made.clock.wall_ms, to_ms=None) for role in dict.fromkeys(roles))


def _event(made: Made, event: str, key: KeyV1, signers: list[Ed25519PrivateKey], **said: Any) -> KeyEvent:
    told = {
        "kind": "person",
        "roles": (),
        "replaces": None,
        "at_ms": made.clock.wall_ms,
        "reason": "",
        **dict(made),
        **said,
    }
    payload = make_statement("key-event/v1", key.id, KeyEventV1(event=event, key=key, **told))  # type: ignore[arg-type]
    return KeyEvent(payload, tuple(sign(payload, signer) for signer in signers))
