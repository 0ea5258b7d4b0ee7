"""How a step of a ticket's life is written: a form as data, when it may be done, and what it records.

Pure: a step sees the ticket as its records have it (`Case`), what was filled in, and a few services that end in values
(commitments, redaction). It knows no store, no socket, no screen, no key. What it makes is sealed by the station and
signed by who did it.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from drivers.api import Identity, Side
from drivers.text import Words
from reports.attest import Record
from reports.predicates import Commitment, EvidenceRef, IdentityV1, Meaning, Role, Statement
from reports.release import ReleaseDecision
from reports.roster import Roster
from station.errors import EXIT_NO, EXIT_USE, Trouble
from station.events import Body, Identifying, PhoneChanged
from station.session import Session
from station.stock import Level, Move
from station.vault import Kept

__all__ = [
    "Case",
    "Choice",
    "Counted",
    "Field",
    "FieldKind",
    "Filled",
    "Made",
    "Outgoing",
    "Photo",
    "Step",
    "grouped",
    "not_now",
    "others",
    "people",
    "phone_changed",
    "wrong",
]

#: What a field holds: `text` one line, `long` several, `choice` one of `choices`, `choices` any of them, `tick` yes or
#: no, `money` hundredths of the currency, `count` a whole number from 0, `date` a calendar day, `moment` day and time
#: (ms since 1970), `rows` a table with `columns`, `photos` files by their path, `digest` a record of the ticket.
FieldKind = Literal[
    "text", "long", "choice", "choices", "tick", "money", "count", "date", "moment", "rows", "photos", "digest"
]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a field's choices: `value` is recorded, `label` is shown."""

    value: str
    label: Words


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form.

    Attributes:
        name: the key in `Filled` and the option on the command line; `[a-z][a-z0-9_]*`.
        label, help: what is asked, and how to answer where that is not plain.
        kind: what it holds, see `FieldKind`.
        required: it can't be left out; a required `tick` must be ticked.
        personal: it names a person: its text is erasable and never stands in a record in clear.
        most: the most characters, or rows.
        choices: for `choice` and `choices`.
        offered: what a `text` is chosen from on a screen, for this ticket, the likeliest first; elsewhere, and for
            whoever knows better, it stays a text that `make` judges.
        columns: for `rows`; only `text`, `choice`, `tick`, `count` and `money`.
        given: what is filled in already, for this ticket.
        group: the section of the form that it stands in; fields of one section stand together. A section without a
            needed field is folded at first.
    """

    name: str
    label: Words
    kind: FieldKind = "text"
    required: bool = False
    personal: bool = False
    most: int = 400
    help: Words | None = None
    choices: tuple[Choice, ...] = ()
    columns: tuple[Field, ...] = ()
    given: Callable[[Case], str | bool | Sequence[Mapping[str, str]]] | None = None
    group: Words | None = None
    offered: Callable[[Case], Sequence[Choice]] | None = None


@dataclass(frozen=True, slots=True)
class Photo:
    """A file that was handed in: a picture, a scan, a recorded call."""

    name: str
    media_type: str
    data: bytes = field(repr=False)


#: What was filled in, by field: `str`, `bool`, `int` (money in hundredths, counts, moments in ms), `datetime.date`,
#: tuples of `str` (`choices`), of `dict` (`rows`) or of `Photo`; None where an optional field was left out.
Filled = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """A ticket as its records have it, and what a step may use.

    Attributes:
        ticket, session: the number and the fold of its journal.
        records: its records in ledger order, read and whole; `standing` leaves out what was amended.
        roster: who may sign what.
        personal: the customer's erasable data as far as known (`name`, `phone`, ...).
        policy: the shop's own policy files (`DATA/policy/NAME.toml`) by name; what is not there is as shipped.
        person, role: who does the step, and as what.
        signed: the same as a `reports.predicates.Signed` has it, for `signs="within"`: `**case.common, **case.signed`.
        now_ms: the station's clock.
        common: what every record carries; a predicate takes it as `**case.common`.
        commit: a salted commitment: `commit("name", "王芳")`.
        redact: a text without what identifies the phone or the customer.
        elsewhere: the other open ticket that has a phone of this serial and these IMEIs already, else an empty text.
        stock: what is there of a part number, as it is in the transaction that stores the step.
        phones: who the phones say they are that are plugged in at this moment.
        release: what `verify_release()` says of the ticket as it stands, with the release record in it.
    """

    ticket: str
    session: Session
    records: tuple[Record, ...]
    roster: Roster
    personal: Mapping[str, Any]
    policy: Mapping[str, Mapping[str, Any]]
    person: str
    role: str
    signed: Mapping[str, Any]
    now_ms: int
    common: Mapping[str, Any]
    commit: Callable[[str, str], Commitment]
    redact: Callable[[str], str]
    elsewhere: Callable[[str, Sequence[str]], str]
    stock: Callable[[str], Level] = lambda number: Level(number)
    phones: tuple[Identity, ...] = ()
    release: Callable[[], ReleaseDecision | None] = lambda: None

    def standing(self, kind: str) -> list[Record]:
        """The records of that kind (any version of it) that no amendment has taken out, oldest first."""
        return [one for one in self.records if one.kind.split("/")[0] == kind and one.digest not in self.amended]

    def newest(self, kind: str) -> Record | None:
        """The newest of them, if there is one."""
        found = self.standing(kind)
        return found[-1] if found else None

    @property
    def amended(self) -> frozenset[str]:
        """Digests of the records that an amendment took out."""
        said = (one.statement.predicate for one in self.records if one.kind == "amend/v1")
        return frozenset(getattr(one, "target", "") for one in said)

    @property
    def phone(self) -> Commitment | None:
        """The commitment of the phone, once it was taken in: the subject of every record.

        Where a board or the whole unit was exchanged, it is the new one from then on.
        """
        intake = self.newest("intake")
        found: Commitment | None = getattr(intake.statement.predicate, "phone", None) if intake else None
        for record in self.records:
            changed = getattr(record.statement.predicate, "new_phone", None)
            if isinstance(changed, Commitment) and record.digest not in self.amended:
                found = changed
        return found

    @property
    def today(self) -> datetime.date:
        """The calendar day at the shop."""
        return datetime.datetime.fromtimestamp(self.now_ms / 1000).astimezone().date()

    def evidence(self, photo: Photo) -> EvidenceRef:
        """How a record names a file; the file itself goes along in `Made.keep`."""
        import hashlib

        digest = hashlib.sha256(photo.data).hexdigest()
        content = self.commit("evidence", digest)
        return EvidenceRef(name=photo.name, content=content, bytes=len(photo.data), media_type=photo.media_type)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to the customer, ready to be sent.

    `key` is its idempotency key: the same message has the same, however often it is tried. `to` is a telephone number
    or empty; it and `text` are the customer's data and stand in no record.
    """

    key: str
    ticket: str
    stage: str
    language: str
    to: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Made:
    """What a step came to.

    Attributes:
        predicate: the record; None for a step that only changes erasable data.
        says: what the customer or the person must be shown before it is signed (arithmetic, risks, the plan).
        personal: erasable data to remember; an empty text forgets.
        keep: files to keep as evidence.
        events: what the journal is told beside the record.
        moves: parts that move in the stock, in the same transaction; only for `signs="after"`.
        subject: what the record is about; else the phone's commitment.
        send: a message that must have been taken by the shop's adapter before the record says that it was sent.
        counts: what the journal is told also when this is only previewed: that a secret was compared, and was right.
    """

    predicate: Statement | None
    says: tuple[Words, ...] = ()
    personal: Mapping[str, Any] = field(default_factory=dict)
    keep: tuple[Kept, ...] = ()
    events: tuple[Body, ...] = ()
    moves: tuple[Move, ...] = ()
    subject: str = ""
    send: Outgoing | None = None
    counts: tuple[Body, ...] = ()


class Counted(Trouble):
    """A refusal that counts: the journal is told `events` before anybody is told of it, also of a preview.

    Where the disk can't take them, that is all that is told: nobody guesses uncounted.
    """

    def __init__(self, code: str, what: Words, next_step: Words, events: tuple[Body, ...]) -> None:
        super().__init__(code, what, Side.PERSON, next_step, EXIT_NO)
        self.events = events


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        id: its name on the command line, e.g. `plan`.
        kind: of its record, e.g. `plan/v1`.
        place: where it stands in a ticket's life (hundreds by stage), for lists.
        title, about: what it is called; one line of what it does.
        roles: who may do it, the most usual first.
        fields: the form.
        possible: why it can't be done now, or None.
        make: builds the record; raises `Trouble` (see `wrong`, `not_now`) where what was filled in can't be.
        meaning: what the signature says.
        signs: `after`: the station seals the record, then the person signs it off; `within`: the record is itself a
            person's signed statement (`reports.predicates.Signed`) with `case.signed` in it.
        opens: it may be the first step of a new ticket.
        repeats: it may be done again while a record of it stands.
        sends: what it makes is sent before it is recorded (`Made.send`).
        compares: it compares a secret, and raises `Counted` or gives `Made.counts` whenever it did.
        reads: reads what it needs of the program's own files and code, and keeps it; called in a thread before the
            store is held, once in a process.
    """

    id: str
    kind: str
    place: int
    title: Words
    about: Words
    roles: tuple[Role, ...]
    fields: tuple[Field, ...]
    make: Callable[[Case, Filled], Made]
    possible: Callable[[Case], Words | None] = lambda case: None
    meaning: Meaning = "performed"
    signs: Literal["after", "within"] = "after"
    opens: bool = False
    repeats: bool = True
    sends: bool = False
    compares: bool = False
    reads: Callable[[], object] | None = None


def others(case: Case) -> Sequence[Choice]:
    """The people of the shop but the one who does the step: witnesses, verifiers."""
    return [one for one in people(case) if one.value != case.person]


def people(case: Case) -> Sequence[Choice]:
    """The people of the shop, by name."""
    names = {one.id: one.printed_name for one in case.roster.persons.values() if case.roster.current_key(one.id)}
    return [Choice(id_, Words(name, name)) for id_, name in sorted(names.items(), key=lambda both: both[1])]


def phone_changed(case: Case, imei: str, serial: str) -> tuple[tuple[IdentityV1, ...], tuple[Body, ...]]:
    """Another board or unit: its committed identities, the one that stands for the phone first, and what the journal is
    told. Both are empty where neither IMEI nor serial is given."""
    told = [(kind, text) for kind, text in (("imei", imei), ("serial", serial)) if text]
    if not told:
        return (), ()
    imeis = (Identifying(identity=imei),) if imei else ()
    changed = PhoneChanged(person=case.person, serial=Identifying(identity=serial), imeis=imeis)
    return tuple(IdentityV1(kind=kind, value=case.commit(kind, text)) for kind, text in told), (changed,)


def grouped(group: Words, *fields: Field) -> tuple[Field, ...]:
    """The fields as one section of a form."""
    return tuple(replace(one, group=group) for one in fields)


def wrong(code: str, what: Words, next_step: Words) -> Trouble:
    """What was filled in can't be: wrong use, nothing was stored."""
    return Trouble(code, what, Side.PERSON, next_step, EXIT_USE)


def not_now(code: str, what: Words, next_step: Words) -> Trouble:
    """The answer is "no": the ticket is not that far, or a rule forbids it; nothing was stored."""
    return Trouble(code, what, Side.PERSON, next_step, EXIT_NO)
