"""Records from here: what the station signs, what persons sign through it, and when a phone may go.

A record, its ledger link, its outbox row and the event that tells of it are one commit. A person's signature is made in
the process where the PIN was typed; here it is checked against the roster and the station's is added. Stands on
`reports`; it knows no device and no socket.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import functools
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from drivers.api import Side
from drivers.text import Words, safe_text
from reports import ledger
from reports.attest import Ed25519PrivateKey, Record, assemble_envelope, open_record, sign
from reports.predicates import (
    Common,
    KeyEventV1,
    ReleaseV1,
    RunV1,
    SignoffV1,
    Software,
    Statement,
)
from reports.record import RecordError, digest_of, make_statement
from reports.release import ReleaseDecision, ReleasePolicy, verify_release
from reports.roster import ROSTER_KINDS, Roster
from reports.vocabulary import ROLES, named
from station import __version__, tickets, vault
from station import messages as m
from station.clock import StationClock
from station.errors import EXIT_BENCH, EXIT_NO, EXIT_USE, Trouble
from station.events import (
    Body,
    ClockJudged,
    Event,
    Identifying,
    KeyTried,
    ReleaseRefused,
    Sealed,
    TicketOpened,
    TicketRegistered,
)
from station.journal import Journal, event, insert, load
from station.outbox import enqueue
from station.session import Session, fold
from station.settings import Settings
from station.statements import Redactor, identities_of, intake_v1, run_v1
from station.states import State, state_of

__all__ = ["Signing", "sealed_of", "software"]

#: Seconds that a prepared record waits for its signature.
PREPARED_S = 900
#: Records that lie between two signed heads at most: the newest that could be cut off without a trace at the station. A
#: head is one more signature in a commit that is made anyway, and 64 digests are hashed for it.
HEAD_EVERY = 64
#: Kinds after which a head is signed at once: papers and certificates name it.
HEADED = frozenset({"release/v1", "delivery/v1"})
_MEANINGS = {"performed", "verified", "approved", "waived", "amended"}


@functools.cache
def software() -> Software:
    """This program: its version, and SHA-256 over every module of its five folders, by path and content."""
    root = Path(__file__).resolve().parent.parent
    whole = hashlib.sha256()
    for folder in ("checklists", "drivers", "probes", "reports", "station"):
        for path in sorted((root / folder).rglob("*.py")):
            whole.update(f"{path.relative_to(root).as_posix()}\0".encode())
            whole.update(hashlib.sha256(path.read_bytes()).digest())
    return Software(version=__version__, sha256=whole.hexdigest())


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement that waits for a person's signature."""

    payload: bytes
    until: float


class Signing:
    """Writes records of this station."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        key: Ed25519PrivateKey,
        policy: ReleasePolicy | None = None,
    ) -> None:
        self.settings, self.journal, self.clock = settings, journal, StationClock()
        self._key, self._policy = key, policy or ReleasePolicy()
        self._prepared: dict[str, _Prepared] = {}
        self._roster: tuple[tuple[int, ...], Roster] = ((), Roster())
        self.shop_policy: Callable[[], Mapping[str, Mapping[str, Any]]] = dict
        self.stored: Callable[[], None] = lambda: None
        self.within: Callable[[Database, Record], None] = lambda db, record: None
        self.session_of: Callable[[str], Awaitable[Session]] = self._folded

    # --- what every record carries

    def made(self, db: Database) -> dict[str, Any]:
        """The fields of `Made` for a record that is made now, in the caller's transaction."""
        return {
            "shop": self.settings.shop,
            "station": self.settings.station,
            "simulated": self.settings.simulated,
            "anchor": ledger.last_receipt(db),
            "clock": self.clock.now(ledger.believable_clock(db)),
            "software": software(),
        }

    def roster(self, db: Database) -> Roster:
        """The roster as the ledger has it; folded anew when a key event was added."""
        query = (
            "SELECT (SELECT coalesce(max(seq), 0) FROM record WHERE kind IN (?, ?)),"
            " (SELECT coalesce(max(id), 0) FROM foreign_record WHERE ticket = '')"
        )
        newest = tuple(db.execute(query, ROSTER_KINDS).fetchone())
        if newest != self._roster[0]:
            self._roster = (newest, ledger.roster_of(db))
        return self._roster[1]

    async def people(self) -> Roster:
        """The roster, read outside of any write."""
        return await self.journal.store.read(self.roster)

    # --- intake

    async def register(self, command: m.NewTicket) -> str:
        """Register a ticket; back comes its number.

        Raises:
            Trouble: the number is taken or can't be one, the person is not enrolled, the disk is full.
        """
        tickets.must_be_number(command.ticket)
        body = TicketRegistered(person=command.person, model=command.model, complaint=command.complaint)
        stamp = event(body)

        def work(db: Database) -> list[Event]:
            number = self._number(db, command.ticket, Session())
            self._must_be_enrolled(db, command.person)
            scope = vault.open_scope(db, number, make=True)
            assert scope is not None  # noqa: S101 - made just above
            vault.save_personal(db, scope, {"name": command.customer_name, "phone": command.customer_phone})
            stored = insert(db, [stamp._replace(ticket=number)])
            tickets.save(db, fold(stored))
            return stored

        stored = await self.journal.store.write(work)
        self.journal.tell(stored)
        return stored[0].ticket

    def _number(self, db: Database, wanted: str, before: Session) -> str:
        number = wanted or tickets.next_number(db)
        known = db.execute("SELECT 1 FROM ticket WHERE ticket = ?", [number]).fetchone()
        reopened = before.opened is not None and state_of(before) is State.REGISTERED
        if known and not reopened and (before.registered is None or before.opened is not None):
            raise _taken(number)
        return number

    async def open_ticket(
        self, intake: m.Intake, phone: tickets.TakenIn, others: Iterable[tuple[str, Session]] = ()
    ) -> tuple[str, str]:
        """Take a phone in and write the intake record; back come the ticket's number and the record's digest.

        Args:
            others: the open tickets as they were when `phone` was checked; somebody else may have taken the same phone
                in since.

        Raises:
            Trouble: the number is taken, the phone is in another open ticket, the person is not enrolled, the disk is
                full.
        """
        stamp, known = event(_opened(intake, phone)), [*others]

        def work(db: Database) -> tuple[list[Event], str]:
            session = fold(load(db, ticket=intake.ticket)) if intake.ticket else Session()
            number = self._number(db, intake.ticket, session)
            now = tickets.open_now(db, known)
            tickets.refuse_twice(tickets.other_ticket(phone.serial, phone.imeis, now, but=intake.ticket))
            self._must_be_enrolled(db, intake.person)
            scope = vault.open_scope(db, number, make=True)
            assert scope is not None  # noqa: S101 - made just above
            told = {"name": intake.customer_name, "phone": intake.customer_phone}
            vault.save_personal(db, scope, vault.personal(db, number) | {k: v for k, v in told.items() if v})
            common = {**self.made(db), "ticket": number}
            symptoms, customer = _registered_symptoms(db, number), _customer(db, number)
            predicate = intake_v1(common, intake, phone, scope.salt, stamp.wall_ms, symptoms, customer)
            opened = stamp._replace(ticket=number)
            return self.seal(db, "intake/v1", predicate.phone.commitment, predicate, session, [opened])

        stored, digest = await self.journal.store.write(work)
        self.tell(stored)
        return stored[0].ticket, digest

    # --- runs

    async def seal_run(self, session: Session, run_id: str) -> str:
        """Write the record of a finished run, signed by the station; back comes its digest.

        Raises:
            Trouble: the run is going on, a dry run, or the disk is full.
        """
        run = session.runs[run_id]
        if not session.ticket:
            raise Trouble("run.dry", _DRY, Side.PERSON, _WITH_TICKET, EXIT_USE)
        if run.active or run.open_attempts:
            raise Trouble("run.active", _GOING_ON.fill(run=run_id), Side.PERSON, _WAIT, EXIT_NO)
        if run.record is not None:
            return run.record.digest

        def work(db: Database) -> tuple[list[Event], str]:
            known = _sealed_already(db, session.ticket, run_id)
            if known is not None and isinstance(known.body, Sealed):
                return [known], known.body.digest
            scope = vault.open_scope(db, session.ticket)
            if scope is None:
                raise Trouble("ticket.erased", _ERASED, Side.PERSON, _NEW_TICKET, EXIT_NO)
            common = {**self.made(db), "ticket": session.ticket}
            predicate = run_v1(common, session, run, scope.salt, _customer(db, session.ticket))
            return self.seal(db, "run/v1", predicate.device.phone.commitment, predicate, session)

        stored, digest = await self.journal.store.write(work)
        self.tell(stored)
        return digest

    # --- what persons sign

    async def prepare_signoff(self, command: m.PrepareSignoff) -> dict[str, Any]:
        """The bytes that a person would sign over a record.

        Raises:
            Trouble: no such record, or the person may not sign as that now.
        """
        if command.meaning not in _MEANINGS:
            raise Trouble("sign.meaning", _MEANING.fill(meaning=command.meaning), Side.PERSON, _SAY_WHAT, EXIT_USE)

        def work(db: Database) -> bytes:
            target = _target(db, command.target)
            if not isinstance(target.statement.predicate, Common):
                raise Trouble("sign.target", _NOT_OF_TICKET, Side.PERSON, _PICK_RECORD, EXIT_USE)
            signer = self.signer(db, command.person, command.role)
            self._must_be_qualified(db, command.person, target)
            ticket = target.statement.predicate.ticket
            common = {**self.made(db), "ticket": ticket}
            signed = {**signer, "meaning": command.meaning, "signed_ms": common["clock"].wall_ms}
            note = _redacted(db, ticket, safe_text(command.note, 2000)) if command.note else ""
            predicate = SignoffV1(**common, **signed, target=command.target, target_kind=target.kind, note=note)
            return make_statement("signoff/v1", command.target, predicate)

        return self.prepare(await self.journal.store.read(work))

    async def prepare_release(self, command: m.PrepareRelease) -> dict[str, Any]:
        """Decide over a release, and prepare its record when it may be.

        A refusal is an answer, with every reason; it is journalled.
        """

        def work(db: Database) -> tuple[ReleaseDecision, bytes | None]:
            decision = self._decide(db, command.ticket, command.person)
            if decision.decision == "refused" or decision.lists is None or decision.phone is None:
                return decision, None
            return decision, self._release(db, command, decision)

        decision, payload = await self.journal.store.read(work)
        said: dict[str, Any] = {
            "decision": decision.decision,
            "reasons": [list(reason.words) for reason in decision.why],
            "codes": [reason.code for reason in decision.why],
            "waivers": [waiver.reason for waiver in decision.waivers],
            "cross_checked": decision.cross_checked,
            "notes": [list(note) for note in decision.notes],
        }
        if payload is not None:
            return said | self.prepare(payload)
        refused = ReleaseRefused(person=command.person, reasons=tuple(reason.words for reason in decision.why))
        await self.journal.append([event(refused, command.ticket)])
        return said

    async def commit(self, command: m.CommitRecord) -> dict[str, Any]:
        """Store a record with the person's signature, adding the station's; back come its digest and place.

        Raises:
            Trouble: not what was prepared, prepared too long ago, a signature that is wrong or may not be, or a release
                whose reasons have changed since.
        """
        payload, signatures = _decoded(command)
        envelope = assemble_envelope(payload, [*signatures, sign(payload, self._key)])
        record = _opened_record(envelope)
        predicate = record.statement.predicate
        if record.kind not in ROSTER_KINDS:
            self._must_be_prepared(payload)
        ticket = predicate.ticket if isinstance(predicate, Common) else ""
        session = await self.session_of(ticket) if ticket else Session()

        def work(db: Database) -> tuple[list[Event], int]:
            if isinstance(predicate, ReleaseV1):
                self._must_still_be(db, predicate)
            stored, link = self._store(db, envelope, session, sealed_of(record), [])
            self.within(db, record)
            return stored, link.seq

        stored, seq = await self.journal.store.write(work)
        self._prepared.pop(digest_of(payload), None)
        self.tell(stored)
        return {"record": record.digest, "seq": seq, "kind": record.kind, "ticket": ticket}

    async def report_unlock(self, command: m.ReportUnlock) -> None:
        """Journal that a person's key was tried."""
        told = command.model_dump(exclude={"command"})
        await self.journal.append([event(KeyTried(**told))])

    # --- parts

    def prepare(self, payload: bytes) -> dict[str, Any]:
        """Let `payload` wait for a person's signature; back come it and what it says."""
        now = time.monotonic()
        self._prepared = {digest: one for digest, one in self._prepared.items() if one.until > now}
        self._prepared[digest_of(payload)] = _Prepared(payload, now + PREPARED_S)
        statement = open_payload(payload)
        return {"payload": base64.b64encode(payload).decode(), "statement": statement}

    def _must_be_prepared(self, payload: bytes) -> None:
        known = self._prepared.get(digest_of(payload))
        if known is None or known.until < time.monotonic():
            raise Trouble("sign.not-prepared", _NOT_PREPARED, Side.PERSON, _SIGN_AGAIN, EXIT_NO)

    def released(self, db: Database, ticket: str) -> ReleaseDecision:
        """What `verify_release()` says of the ticket as it stands, with its release record."""
        return self._decide(db, ticket, None)

    def _decide(self, db: Database, ticket: str, person: str | None) -> ReleaseDecision:
        return verify_release(
            ledger.envelopes_of(db, ticket),
            self.roster(db),
            policy=self._demanded(),
            at_ms=time.time_ns() // 1_000_000,
            received_ms=ledger.receipt_times(db, ticket),
            approver=person,
        )

    def _demanded(self) -> ReleasePolicy:
        """What releases must satisfy, with what the shop says of its people (`policy/people.toml`)."""
        required = self.shop_policy().get("people", {}).get("qualification") == "required"
        return dataclasses.replace(self._policy, qualification=True) if required else self._policy

    def _must_be_qualified(self, db: Database, person: str, target: Record) -> None:
        run = target.statement.predicate
        if not isinstance(run, RunV1) or not self._demanded().qualification:
            return
        checklist = str(run.checklist.get("id", ""))
        if not self.roster(db).qualified(person, checklist, time.time_ns() // 1_000_000):
            what = _UNQUALIFIED.fill(person=self.roster(db).name_of(person), checklist=checklist)
            raise Trouble("person.unqualified", what, Side.PERSON, _QUALIFY, EXIT_NO)

    def _must_still_be(self, db: Database, release: ReleaseV1) -> None:
        """Something may have been added between the preparing and the signature."""
        now = self._decide(db, release.ticket, release.person)
        listed = None if now.lists is None else {name: getattr(now.lists, name) for name in now.lists.__slots__}
        if now.decision != release.decision or listed != {name: getattr(release, name) for name in listed or ()}:
            raise Trouble("release.changed", _RELEASE_CHANGED, Side.PERSON, _SIGN_AGAIN, EXIT_NO)

    def _release(self, db: Database, command: m.PrepareRelease, decision: ReleaseDecision) -> bytes:
        assert decision.lists is not None  # noqa: S101 - asked by the caller
        assert decision.phone is not None  # noqa: S101 - asked by the caller
        common = {**self.made(db), "ticket": command.ticket}
        now_ms = common["clock"].wall_ms
        may = (one for one in ("inspector", "head-office") if self.roster(db).may(command.person, one, now_ms))
        role = next(may, "lead")
        lists = {name: getattr(decision.lists, name) for name in decision.lists.__slots__}
        predicate = ReleaseV1(
            **common,
            **self.signer(db, command.person, role),
            meaning="approved",
            signed_ms=now_ms,
            decision="released" if decision.decision == "released" else "released-with-waiver",
            phone=decision.phone,
            **lists,
        )
        return make_statement("release/v1", decision.phone, predicate)

    def signer(self, db: Database, person: str, role: str) -> dict[str, Any]:
        """Who signs, as the roster has it.

        Raises:
            Trouble: not enrolled, without a key, or without that role now.
        """
        roster = self.roster(db)
        known, key = roster.persons.get(person), roster.current_key(person)
        if known is None or key is None:
            raise Trouble("person.unknown", _UNKNOWN.fill(person=person), Side.PERSON, _ENROL, EXIT_NO)
        if role == "auditor":
            raise Trouble("person.role", _READS_ONLY, Side.PERSON, _ASK_LEAD, EXIT_NO)
        if not roster.may(person, role, time.time_ns() // 1_000_000):
            what = _NO_ROLE.fill(person=known.printed_name, role=named(ROLES, role))
            raise Trouble("person.role", what, Side.PERSON, _ASK_LEAD, EXIT_NO)
        return {"person": person, "printed_name": known.printed_name, "role": role, "key_level": key.level}

    def _must_be_enrolled(self, db: Database, person: str) -> None:
        if person not in self.roster(db).persons:
            raise Trouble("person.unknown", _UNKNOWN.fill(person=person), Side.PERSON, _ENROL, EXIT_NO)

    async def must_be_enrolled(self, person: str) -> None:
        """Refuse a person whom the roster does not know.

        Raises:
            Trouble: not enrolled.
        """
        if person not in (await self.people()).persons:
            raise Trouble("person.unknown", _UNKNOWN.fill(person=person), Side.PERSON, _ENROL, EXIT_NO)

    async def _folded(self, ticket: str) -> Session:
        """The session from the journal, for who does not have it in memory: a long ticket takes 40 ms."""
        return fold(await self.journal.store.read(lambda db: load(db, ticket=ticket)))

    def seal(
        self,
        db: Database,
        kind: str,
        subject: str,
        predicate: Statement,
        session: Session,
        before: Sequence[Event] = (),
    ) -> tuple[list[Event], str]:
        """Sign a statement by the station alone and store it, in the caller's transaction."""
        try:
            payload = make_statement(kind, subject, predicate)
        except RecordError as error:
            raise _unfit(error) from error
        envelope = assemble_envelope(payload, [sign(payload, self._key)])
        stored, link = self._store(db, envelope, session, sealed_of(_opened_record(envelope)), before)
        return stored, link.digest

    def _store(
        self, db: Database, envelope: bytes, session: Session, sealed: Sealed, before: Sequence[Event]
    ) -> tuple[list[Event], ledger.LedgerLink]:
        last = ledger.last_link(db)
        try:
            link = ledger.append(db, envelope, roster=self.roster(db))
        except RecordError as error:
            raise _unfit(error) from error
        enqueue(db, link.seq, link.digest)
        told = event(sealed.model_copy(update={"seq": link.seq}), link.ticket or "")
        stored = insert(db, [*before, told, *_clock_told(last, link)])
        if link.kind in HEADED or link.seq - ledger.head_size(db) >= HEAD_EVERY:
            self._seal_head(db)
        if link.ticket:
            tickets.save(db, fold(stored, session))
        return stored, link

    async def seal_head(self) -> None:
        """Sign the Merkle head over everything there is: when a shift ends, and before a backup.

        Raises:
            Trouble: the disk is full or failing.
        """

        def work(db: Database) -> None:
            if ledger.last_link(db) is not None:
                self._seal_head(db)

        await self.journal.store.write(work)

    def _seal_head(self, db: Database) -> None:
        made = self.made(db)
        ledger.seal_head(
            db,
            self._key,
            shop=self.settings.shop,
            station=self.settings.station,
            simulated=self.settings.simulated,
            clock=made["clock"],
            software=made["software"],
        )

    def tell(self, stored: Sequence[Event]) -> None:
        """Something was stored: whoever follows the journal and the outbox hears of it."""
        self.journal.tell(stored)
        self.stored()


def _sealed_already(db: Database, ticket: str, run: str) -> Event | None:
    """The event of the run's record, where a commit was not confirmed and yet is there."""
    query = "SELECT seq FROM journal WHERE ticket = ? AND kind = 'sealed' AND json_extract(body, '$.run') = ?"
    for row in db.query(query, [ticket, run]):
        return load(db, ticket=ticket, after=row["seq"] - 1)[0]
    return None


def _clock_told(last: ledger.LedgerLink | None, link: ledger.LedgerLink) -> list[Event]:
    """Said in the journal whenever the clock becomes suspect or believable again: neither happens in silence."""
    if last is None or last.clock.state == link.clock.state or "suspect" not in (last.clock.state, link.clock.state):
        return []
    behind_ms = last.clock.wall_ms - link.clock.wall_ms
    return [event(ClockJudged(before=last.clock.state, now=link.clock.state, behind_ms=behind_ms, seq=link.seq))]


def _registered_symptoms(db: Database, ticket: str) -> tuple[str, ...]:
    """The coded symptoms of the ticket's newest registration."""
    records = [open_record(envelope) for envelope in ledger.envelopes_of(db, ticket)]
    found = [one.statement.predicate for one in records if one.kind == "registration/v1"]
    symptoms: tuple[str, ...] = getattr(found[-1], "symptoms", ()) if found else ()
    return symptoms


def _customer(db: Database, ticket: str) -> list[str]:
    """Name and telephone of the ticket's customer, where they were taken down and not erased."""
    return [str(value) for value in vault.personal(db, ticket).values() if value]


def _redacted(db: Database, ticket: str, text: str) -> str:
    """A person's own words without what identifies the phone or the customer: records leave the station."""
    return Redactor([*identities_of(fold(load(db, ticket=ticket))), *_customer(db, ticket)]).text(text, 2000)


def open_payload(payload: bytes) -> dict[str, Any]:
    """A prepared statement as plain data, for a person to read before signing."""
    import json

    read: dict[str, Any] = json.loads(payload)
    return read


def _opened(intake: m.Intake, phone: tickets.TakenIn) -> Body:
    return TicketOpened(
        person=intake.person,
        model=phone.model,
        serial=Identifying(identity=phone.serial),
        imeis=tuple(Identifying(identity=imei) for imei in phone.imeis),
        complaint=intake.complaint,
        appearance=intake.appearance,
        accessories=intake.accessories,
        test_consent=intake.test_consent,
    )


def sealed_of(record: Record) -> Sealed:
    """What the journal says of a record; its place is filled in when it has one."""
    predicate = record.statement.predicate
    named = ("person", "run", "target", "role", "meaning", "decision")
    told = {name: str(getattr(predicate, name, "") or "") for name in named}
    stage = getattr(predicate, "stage", None)
    if isinstance(predicate, KeyEventV1):
        told["person"] = predicate.holder
    return Sealed(record=record.kind, digest=record.digest, seq=0, stage=stage.value if stage else "", **told)


def _target(db: Database, digest: str) -> Record:
    envelope = ledger.envelope_of(db, digest)
    if envelope is None:
        raise Trouble("sign.target", _NO_RECORD.fill(digest=digest[:12]), Side.PERSON, _PICK_RECORD, EXIT_USE)
    return _opened_record(envelope)


def _opened_record(envelope: bytes) -> Record:
    try:
        return open_record(envelope)
    except RecordError as error:
        raise _unfit(error) from error


def _decoded(command: m.CommitRecord) -> tuple[bytes, list[tuple[str, bytes]]]:
    try:
        payload = base64.b64decode(command.payload, validate=True)
        pairs = [(command.key_id, command.signature), *command.more]
        signatures = [(key, base64.b64decode(signature, validate=True)) for key, signature in pairs]
    except (binascii.Error, ValueError) as error:
        raise Trouble("sign.form", _NOT_BASE64, Side.BENCH, _SIGN_AGAIN, EXIT_BENCH) from error
    return payload, signatures


def _unfit(error: RecordError) -> Trouble:
    what = _UNFIT.fill(why=error.words)
    return Trouble("record.refused", what, Side.PERSON, _SIGN_AGAIN, EXIT_NO)


def _taken(number: str) -> Trouble:
    return Trouble("ticket.taken", _TAKEN.fill(ticket=number), Side.PERSON, _OTHER_NUMBER, EXIT_USE)


_TAKEN = Words("The ticket number {ticket} is taken", "工单号 {ticket} 已被使用")
_OTHER_NUMBER = Words("Leave the number empty: the station gives the next", "请留空，由工位自动编号")
_DRY = Words("A dry run leaves no record", "试检不产生记录")
_WITH_TICKET = Words("Start the run with a ticket", "请在工单下开始检测")
_GOING_ON = Words("{run} is going on", "{run} 正在进行")
_WAIT = Words("Wait until it is done, or stop it", "请等待完成，或先停止")
_ERASED = Words("The data of this ticket was erased", "该工单的数据已被删除")
_NEW_TICKET = Words("Open a new ticket", "请新建工单")
_MEANING = Words("{meaning} is not what a signature can mean", "“{meaning}”不是有效的签字含义")
_SAY_WHAT = Words(
    "Use performed, verified, approved, waived or amended", "可用：performed、verified、approved、waived、amended"
)
_NOT_OF_TICKET = Words("This record is not of a ticket", "该记录不属于任何工单")
_NO_RECORD = Words("There is no record {digest} in this ledger", "台账中没有记录 {digest}")
_PICK_RECORD = Words("`assay ticket show` lists the records of a ticket", "请用 `assay ticket show` 查看工单记录")
_NOT_PREPARED = Words(
    "This is not what was shown to be signed, or it waited too long", "内容与待签内容不符，或等待过久"
)
_SIGN_AGAIN = Words("Look at it again and sign again; nothing was stored", "请重新查看并签字；未保存任何内容")
_RELEASE_CHANGED = Words("Something was added to the ticket since this was shown", "显示之后工单有新的变化")
_UNKNOWN = Words("{person} is not enrolled on this station", "{person} 未在本工位登记")
_ENROL = Words("See who is: `assay person list`", "查看已登记人员：`assay person list`")
_NO_ROLE = Words("{person} may not sign as {role}", "{person} 无权以 {role} 身份签字")
_ASK_LEAD = Words("A lead gives roles: `assay person list` shows them", "岗位由店长授予：请用 `assay person list` 查看")
_READS_ONLY = Words("An auditor reads everything and signs nothing", "审核员可查看全部内容，但不签字")
_UNQUALIFIED = Words(
    "{person} is not qualified for the checklist {checklist} now", "{person} 目前不具备检测清单 {checklist} 的资格"
)
_QUALIFY = Words("A lead gives qualifications: `assay person qualify`", "检测资格由店长授予：`assay person qualify`")
_NOT_BASE64 = Words("The signature did not arrive whole", "签名传输不完整")
_UNFIT = Words("The record is refused: it {why}", "记录被拒绝：{why}")
