"""Who may sign as what, from when to when: folded from the key events of a station's ledger, in their order.

A key counts only if its event was signed by that very key (possession), by the station, and by whoever may approve it;
one public key belongs to one holder for ever. Stands on envelopes and predicates; pure functions of data, no store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, TypeVar, get_args

from drivers.text import Words, safe_text
from reports.attest import Record, check_public_key, key_id, open_record, verify_signature
from reports.predicates import Common, HeadV1, KeyEventV1, Made, ReceiptV1, Role, RoleV1, Signed
from reports.record import RecordError, digest_of
from reports.steps.qualification import QualificationV1
from reports.vocabulary import ROLES, named

__all__ = ["ROSTER_KINDS", "Key", "KeyEnd", "Person", "Qualification", "Roster", "RosterError", "RosterProblem"]

#: The kinds of records that a roster is folded from.
ROSTER_KINDS = ("key-event/v1", "qualification/v1")

_ENDED = {
    "rotated": Words("was replaced", "已更换"),
    "retired": Words("was retired", "已停用"),
    "revoked": Words("was revoked", "已吊销"),
    "compromised": Words("was reported as compromised", "已报告泄露"),
}


class RosterError(RecordError):
    """A key event that may not be, or a record that was not signed by those who had to sign it."""


@dataclass(frozen=True, slots=True)
class KeyEnd:
    """When and how a key ended. After `rotated` and `retired` what was signed before stays good by its own time."""

    how: Literal["rotated", "retired", "revoked", "compromised"]
    at_ms: int


@dataclass(frozen=True, slots=True)
class Key:
    """A public key and whose it is. `level`: 1 under a PIN, 2 in a token, 3 in a FIDO2 token."""

    id: str
    public: bytes
    level: int
    holder: str
    kind: Literal["station", "person"]
    since_ms: int
    end: KeyEnd | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the shop: `roles` holds every role there ever was, with its time."""

    id: str
    printed_name: str
    roles: tuple[RoleV1, ...]

    def may(self, role: str, at_ms: int) -> bool:
        """Whether the person has the role at that time."""
        return any(
            grant.role == role and grant.from_ms <= at_ms and (grant.to_ms is None or at_ms < grant.to_ms)
            for grant in self.roles
        )


@dataclass(frozen=True, slots=True)
class Qualification:
    """A person is qualified for a checklist: `from_ms` <= time < `to_ms`; `said_ms` is when a lead said so."""

    person: str
    checklist: str
    from_ms: int
    to_ms: int
    said_ms: int


@dataclass(frozen=True, slots=True)
class RosterProblem:
    """A key event that does not count, and why. `index` is its place in what was folded."""

    index: int
    digest: str
    why: Words


K = TypeVar("K")
V = TypeVar("V")


def _frozen(items: Mapping[K, V]) -> Mapping[K, V]:
    return MappingProxyType(dict(items))


@dataclass(frozen=True, slots=True)
class Roster:
    """The people and keys of one station.

    Attributes:
        station, shop, simulated: fixed by the enrolment; empty and False before it.
        genesis: digest of the enrolment's envelope, the start of the chain.
        keys: every key there ever was, by key id; ended ones too.
        persons: by person id.
        problems: events that `fold` left out, and why.
        qualifications: every one that was ever given, in order.
        peers: the rosters of the shop's other stations whose records are here, by station.
    """

    station: str = ""
    shop: str = ""
    simulated: bool = False
    genesis: str = ""
    keys: Mapping[str, Key] = field(default_factory=lambda: _frozen({}))
    persons: Mapping[str, Person] = field(default_factory=lambda: _frozen({}))
    problems: tuple[RosterProblem, ...] = ()
    qualifications: tuple[Qualification, ...] = ()
    peers: Mapping[str, Roster] = field(default_factory=lambda: _frozen({}))

    # --- building ---

    @classmethod
    def fold(cls, envelopes: Iterable[bytes]) -> Roster:
        """The roster after these stored envelopes in ledger order; records that are no key events are passed over.

        Never raises: an event that may not be is left out and named in `problems`.
        """
        roster, problems = cls(), []
        for index, data in enumerate(envelopes):
            try:
                record = open_record(data)
                if record.kind in ROSTER_KINDS:
                    roster = roster.apply(record)
            except RecordError as error:
                problems.append(RosterProblem(index, digest_of(data), error.words))
        return replace(roster, problems=tuple(problems))

    def apply(self, record: Record) -> Roster:
        """The roster after one more key event.

        Raises:
            RosterError: the event may not be: a signature is missing, wrong or one too many, the approver may not
                approve, a key or a person id is used twice, or it belongs to another station.
        """
        event = record.statement.predicate
        if isinstance(event, QualificationV1):
            return self._qualify(record, event)
        if not isinstance(event, KeyEventV1):
            raise RosterError(Words("is not a key event", "不是密钥事件"))
        if not self.station:
            return self._enrol_station(record, event)
        self._check_home(event)
        if event.kind == "station":
            return self._rotate_station(record, event)
        match event.event:
            case "enrol":
                return self._enrol_person(record, event)
            case "rotate":
                return self._rotate_person(record, event)
            case "roles":
                return self._change_roles(record, event)
            case "retire" | "revoke" | "compromise":
                return self._end_key(record, event)

    def with_peers(self, peers: Iterable[Roster]) -> Roster:
        """This roster beside those of the shop's other stations: their records are checked by theirs.

        Raises:
            RosterError: one is of another shop, of this very station, mixes simulated and real, or has an event that
                may not be; or one person id stands for two names.
        """
        known = dict(self.peers)
        for peer in peers:
            self._check_peer(peer)
            known[peer.station] = peer
        return replace(self, peers=_frozen(known))

    def _check_peer(self, peer: Roster) -> None:
        if (peer.shop, peer.simulated) != (self.shop, self.simulated) or peer.station in ("", self.station):
            raise RosterError(
                Words("{other} is no other station of {shop}", "{other} 不是网点 {shop} 的其他工位").fill(
                    other=f"{peer.shop}/{peer.station}", shop=self.shop
                )
            )
        if peer.problems:
            raise RosterError(peer.problems[0].why)
        for person in peer.persons.values():
            mine = self.persons.get(person.id)
            if mine is not None and mine.printed_name != person.printed_name:
                words = Words("{id} is {mine} here and {theirs} there", "{id} 在本工位为{mine}，在对方为{theirs}")
                raise RosterError(words.fill(id=person.id, mine=mine.printed_name, theirs=person.printed_name))

    # --- asking ---

    def current_key(self, holder: str) -> Key | None:
        """The key that the person or station signs with now, None when it has ended."""
        return next((key for key in self.keys.values() if key.holder == holder and key.end is None), None)

    def name_of(self, person: str) -> str:
        """What a person is called; who is not on the roster has only an id."""
        known = self.persons.get(person)
        return known.printed_name if known else person

    def may(self, person: str, role: str, at_ms: int) -> bool:
        """Whether the person has the role at that time."""
        known = self.persons.get(person)
        return known is not None and known.may(role, at_ms)

    def only_reads(self, person: str, at_ms: int) -> bool:
        """Whether the person is an auditor and nothing else at that time."""
        roles = [role for role in get_args(Role) if self.may(person, role, at_ms)]
        return roles == ["auditor"]

    def keys_of(self, holder: str) -> tuple[Key, ...]:
        """Every key that the person ever had, on any station of the shop that is known here."""
        every = (self, *self.peers.values())
        return tuple(key for roster in every for key in roster.keys.values() if key.holder == holder)

    def qualified(self, person: str, checklist: str, at_ms: int) -> bool:
        """Whether the newest word on the person and the checklist, on any station of the shop, holds at that time."""
        said = [
            one
            for roster in (self, *self.peers.values())
            for one in roster.qualifications
            if (one.person, one.checklist) == (person, checklist) and one.said_ms <= at_ms
        ]
        newest = max(said, key=lambda one: one.said_ms, default=None)
        return newest is not None and newest.from_ms <= at_ms < newest.to_ms

    def check(self, record: Record, *, received_ms: int | None = None) -> tuple[Key, ...]:
        """Check the signatures of a record: each verifies, and they are exactly those that its kind demands.

        Records of the station carry its signature; sign-offs, waivers, releases and amendments also that of the person
        they name. Key events are checked by `apply`, receipts by `attest.verify_receipt`. A record of a peer is
        checked by the peer's roster; a key that any station of the shop revoked or reported has ended on all of them.

        Args:
            received_ms: head office's time of the receipt that covers the record, where there is one: after a
                revocation or compromise only it shows that a signature is older.

        Returns:
            the keys that signed, in the order of the envelope.

        Raises:
            RosterError: a signature is wrong, unknown, missing, one too many, or by a key that had ended; what the
                record says of its station, its signer or its key level is not what the roster says.
        """
        made = record.statement.predicate
        peer = self.peers.get(made.station) if isinstance(made, Made) else None
        keys = (peer or self)._check(record, received_ms)
        if isinstance(made, Common):
            for key in keys:
                signed_ms = made.signed_ms if isinstance(made, Signed) and key.kind == "person" else made.clock.wall_ms
                self._check_ended_elsewhere(key, signed_ms, received_ms)
        return keys

    def _check_ended_elsewhere(self, key: Key, signed_ms: int, received_ms: int | None) -> None:
        for roster in (self, *self.peers.values()):
            known = roster.keys.get(key.id)
            if known is not None and known.end is not None and known.end.how in ("revoked", "compromised"):
                _check_alive(known, signed_ms, received_ms)

    def _check(self, record: Record, received_ms: int | None) -> tuple[Key, ...]:
        made = record.statement.predicate
        if isinstance(made, KeyEventV1 | QualificationV1 | ReceiptV1):
            raise RosterError(Words("is not checked here", "此类记录不在此处校验"))
        if made is None:
            return self._verified(record)
        if not isinstance(made, Common | HeadV1):
            raise RosterError(Words("is of a kind without a signing rule", "此类记录没有签名规则"))
        self._check_home(made)
        keys = self._verified(record)
        demanded = [self.station] + ([made.person] if isinstance(made, Signed) else [])
        if sorted(key.holder for key in keys) != sorted(demanded):
            raise RosterError(
                Words("is signed by {got}, it must be {demanded}", "签名方为 {got}，应为 {demanded}").fill(
                    got=", ".join(sorted(key.holder for key in keys)), demanded=", ".join(sorted(demanded))
                )
            )
        for key in keys:
            signed_ms = made.signed_ms if isinstance(made, Signed) and key.kind == "person" else made.clock.wall_ms
            _check_alive(key, signed_ms, received_ms)
        if isinstance(made, Signed):
            self._check_signer(made, next(key for key in keys if key.kind == "person"))
        return keys

    # --- rules ---

    def _check_home(self, made: Made) -> None:
        if (made.station, made.shop) != (self.station, self.shop):
            raise RosterError(
                Words("belongs to station {other}, not to {station}", "属于工位 {other}，不属于 {station}").fill(
                    other=f"{made.shop}/{made.station}", station=f"{self.shop}/{self.station}"
                )
            )
        if made.simulated != self.simulated:
            raise RosterError(
                Words("mixes simulated and real records", "模拟记录与真实记录混用"),
            )

    def _verified(self, record: Record, *, new: Key | None = None) -> tuple[Key, ...]:
        """The known keys (and `new`) that signed; each signature of the envelope is verified."""
        keys = []
        for signature in record.envelope.signatures:
            key = new if new and new.id == signature.key_id else self.keys.get(signature.key_id)
            if key is None:
                raise RosterError(
                    Words("is signed by an unknown key {key}", "由未知密钥 {key} 签署").fill(key=signature.key_id[:16])
                )
            try:
                verify_signature(key.public, record.envelope.payload, signature.signature)
            except RecordError as error:
                raise RosterError(error.words) from error
            keys.append(key)
        return tuple(keys)

    def _check_signer(self, signed: Signed, key: Key) -> None:
        person = self.persons[signed.person]
        if signed.printed_name != person.printed_name:
            raise RosterError(
                Words("prints the name {name}, enrolled is {right}", "印出姓名为 {name}，登记为 {right}").fill(
                    name=signed.printed_name, right=person.printed_name
                )
            )
        if signed.key_level != key.level:
            raise RosterError(
                Words("claims key level {claimed}, it is {level}", "声称密钥等级 {claimed}，实为 {level}").fill(
                    claimed=signed.key_level, level=key.level
                )
            )
        if signed.role == "auditor":
            raise RosterError(Words("an auditor signs nothing", "审核员不签署任何记录"))
        if not person.may(signed.role, signed.signed_ms):
            raise RosterError(
                Words("{name} had not the role {role} at that time", "{name} 当时没有岗位 {role}").fill(
                    name=person.printed_name, role=named(ROLES, signed.role)
                )
            )

    def _new_key(self, event: KeyEventV1) -> Key:
        public = bytes.fromhex(event.key.public)
        try:
            check_public_key(public)
        except RecordError as error:
            raise RosterError(error.words) from error
        if event.key.id != key_id(public):
            raise RosterError(Words("the key id does not belong to the key", "密钥编号与公钥不符"))
        if event.key.id in self.keys:
            raise RosterError(
                Words("the key belongs to {holder} already", "该密钥已属于 {holder}").fill(
                    holder=self.keys[event.key.id].holder
                )
            )
        return Key(event.key.id, public, event.key.level, event.holder, event.kind, event.at_ms)

    def _old_key(self, event: KeyEventV1, name: str | None) -> Key:
        key = self.keys.get(name or "")
        if key is None or key.holder != event.holder or key.kind != event.kind:
            raise RosterError(
                Words("{holder} has no such key", "{holder} 没有该密钥").fill(holder=event.holder),
            )
        return key

    def _demand(self, record: Record, event: Made, ways: Sequence[tuple[str, ...]], new: Key | None) -> None:
        """One of the ways to sign the event (each a set of key ids) must be exactly how it is signed."""
        keys = self._verified(record, new=new)
        if tuple(key.id for key in keys) not in {tuple(sorted(way)) for way in ways}:
            raise RosterError(
                Words(
                    "is not signed by those who must sign it (the key itself, the station, an approver)",
                    "签署方不符合要求（应为密钥本身、工位与批准人）",
                )
            )
        for key in keys:
            if key is not new:
                _check_alive(key, event.clock.wall_ms, None)

    def _station_key(self) -> str:
        key = self.current_key(self.station)
        return key.id if key else ""

    def _approver(self, event: KeyEventV1 | QualificationV1) -> str | None:
        """Key id of the lead who approves; None when `approved_by` is no lead at that time."""
        key = self.current_key(event.approved_by)
        if key and key.kind == "person" and self.may(event.approved_by, "lead", event.clock.wall_ms):
            return key.id
        return None

    def _has_lead(self) -> bool:
        return any(
            self.current_key(person.id) and any(grant.role == "lead" for grant in person.roles)
            for person in self.persons.values()
        )

    # --- events ---

    def _enrol_station(self, record: Record, event: KeyEventV1) -> Roster:
        if event.kind != "station" or event.event != "enrol":
            raise RosterError(Words("the first record must enrol the station", "第一条记录必须是工位注册"))
        if event.holder != event.station or event.approved_by != event.station or event.roles or event.replaces:
            raise RosterError(Words("the enrolment contradicts itself", "注册内容自相矛盾"))
        new = self._new_key(event)
        self._demand(record, event, [(new.id,)], new)
        return replace(
            self,
            station=event.station,
            shop=event.shop,
            simulated=event.simulated,
            genesis=record.digest,
            keys=_frozen({new.id: new}),
        )

    def _rotate_station(self, record: Record, event: KeyEventV1) -> Roster:
        if event.event != "rotate" or event.holder != self.station or event.approved_by != self.station or event.roles:
            raise RosterError(
                Words("a station is enrolled once; its key may only be rotated", "工位只注册一次，仅可更换密钥")
            )
        old, new = self._old_key(event, event.replaces), self._new_key(event)
        self._demand(record, event, [(old.id, new.id)], new)
        return self._with_keys(replace(old, end=KeyEnd("rotated", event.at_ms)), new)

    def _enrol_person(self, record: Record, event: KeyEventV1) -> Roster:
        if event.holder in self.persons or event.holder == self.station:
            raise RosterError(Words("{holder} is enrolled already", "{holder} 已登记").fill(holder=event.holder))
        if event.replaces or not event.roles:
            raise RosterError(Words("an enrolment gives roles and replaces no key", "登记须给出岗位，且不替换密钥"))
        name = event.printed_name
        if name != name.strip() or safe_text(name, 200) != name:
            raise RosterError(Words("the printed name has invisible signs", "姓名含不可见字符"))
        new, approver = self._new_key(event), self._approver(event)
        ways: list[tuple[str, ...]] = [(self._station_key(), new.id, approver)] if approver else []
        is_lead = any(grant.role == "lead" for grant in event.roles)
        if event.approved_by == self.station and is_lead and not self._has_lead():
            ways = [(self._station_key(), new.id)]
        self._demand(record, event, ways, new)
        person = Person(event.holder, name, event.roles)
        return replace(self._with_keys(new), persons=_frozen({**self.persons, person.id: person}))

    def _rotate_person(self, record: Record, event: KeyEventV1) -> Roster:
        self._known_person(event)
        if event.roles:
            raise RosterError(Words("a rotation changes no roles", "更换密钥不改变岗位"))
        old, new = self._old_key(event, event.replaces), self._new_key(event)
        if any(key.holder == event.holder and key.end is None and key is not old for key in self.keys.values()):
            raise RosterError(Words("the person's current key is another one", "该人员当前使用的是另一把密钥"))
        ways: list[tuple[str, ...]] = []
        approver = self._approver(event)
        if old.end is None and event.approved_by == event.holder:
            ways.append((self._station_key(), new.id, old.id))
        elif approver and event.approved_by != event.holder:
            ways.append((self._station_key(), new.id, approver))
        self._demand(record, event, ways, new)
        ended = old if old.end else replace(old, end=KeyEnd("rotated", event.at_ms))
        return self._with_keys(ended, new)

    def _end_key(self, record: Record, event: KeyEventV1) -> Roster:
        self._known_person(event)
        old = self._old_key(event, event.key.id)
        if old.public.hex() != event.key.public or event.replaces or event.roles:
            raise RosterError(Words("the event contradicts the key that it ends", "事件与所停用的密钥不符"))
        rank = {"rotated": 1, "retired": 1, "revoked": 2, "compromised": 3}
        how: Literal["retired", "revoked", "compromised"] = (
            "retired" if event.event == "retire" else "revoked" if event.event == "revoke" else "compromised"
        )
        if old.end and rank[how] <= rank[old.end.how]:
            was = _ENDED[old.end.how]
            raise RosterError(Words("the key {en} before", "该密钥此前{zh}").fill(en=was.en, zh=was.zh))
        ways: list[tuple[str, ...]] = []
        approver = self._approver(event)
        if approver:
            ways.append((self._station_key(), approver))
        if event.approved_by == event.holder and old.end is None:
            ways.append((self._station_key(), old.id))
        self._demand(record, event, ways, None)
        at_ms = min(event.at_ms, old.end.at_ms) if old.end and how == "compromised" else event.at_ms
        return self._with_keys(replace(old, end=KeyEnd(how, at_ms)))

    def _change_roles(self, record: Record, event: KeyEventV1) -> Roster:
        person = self._known_person(event)
        old = self._old_key(event, event.key.id)
        if event.at_ms < event.clock.wall_ms or any(grant.from_ms < event.at_ms for grant in event.roles):
            raise RosterError(Words("roles may not be changed for the past", "岗位不可追溯变更"))
        if old.end or event.replaces:
            raise RosterError(Words("the event contradicts the person's key", "事件与该人员的密钥不符"))
        approver = self._approver(event)
        self._demand(record, event, [(self._station_key(), approver)] if approver else [], None)
        kept = tuple(
            grant.model_copy(update={"to_ms": min(grant.to_ms or event.at_ms, event.at_ms)})
            for grant in person.roles
            if grant.from_ms < event.at_ms
        )
        changed = replace(person, roles=(*kept, *event.roles))
        return replace(self, persons=_frozen({**self.persons, person.id: changed}))

    def _qualify(self, record: Record, said: QualificationV1) -> Roster:
        self._check_home(said)
        person, now_ms = self._known_person(said), said.clock.wall_ms
        if said.from_ms < now_ms or said.to_ms < said.from_ms:
            raise RosterError(Words("a qualification is not given for the past", "检测资格不可追溯授予"))
        approver = self._approver(said)
        self._demand(record, said, [(self._station_key(), approver)] if approver else [], None)
        given = Qualification(person.id, said.checklist, said.from_ms, said.to_ms, now_ms)
        return replace(self, qualifications=(*self.qualifications, given))

    def _known_person(self, event: KeyEventV1 | QualificationV1) -> Person:
        holder = event.person if isinstance(event, QualificationV1) else event.holder
        person = self.persons.get(holder)
        if person is None or person.printed_name != event.printed_name:
            raise RosterError(
                Words("{holder} is not enrolled under that name", "{holder} 未以该姓名登记").fill(holder=holder)
            )
        return person

    def _with_keys(self, *keys: Key) -> Roster:
        return replace(self, keys=_frozen({**self.keys, **{key.id: key for key in keys}}))


def _check_alive(key: Key, signed_ms: int, received_ms: int | None) -> None:
    """A key that has ended signs nothing; after a revocation only head office's time shows what is older."""
    if key.end is None:
        return
    shown_ms = signed_ms if key.end.how in ("rotated", "retired") else received_ms
    if shown_ms is None or shown_ms >= key.end.at_ms:
        raise RosterError(
            Words(
                "the key of {holder} {en}, and nothing shows that the signature is older",
                "{holder} 的密钥{zh}，且无法证明签名早于该时间",
            ).fill(holder=key.holder, en=_ENDED[key.end.how].en, zh=_ENDED[key.end.how].zh)
        )
