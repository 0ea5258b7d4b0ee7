"""Taking a ticket from step to step: which are possible, what one would say, and doing it.

Stands on the steps (`station.steps`), on `signing` and on the store. A step is built and stored in one transaction,
from the ticket as it is at that moment. It knows no screen and no phone.
"""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from drivers.api import Identity, Side
from drivers.text import Words
from reports import ledger
from reports.attest import Record, open_record
from reports.predicates import Commitment
from reports.record import RecordError, commit, make_statement
from reports.vocabulary import ROLES, named
from station import messages as m
from station import sending, tickets, vault
from station.camera import CAMERA, Shots, shot
from station.errors import EXIT_NO, EXIT_USE, Trouble
from station.events import Body, Event
from station.journal import event, insert, load
from station.session import Session, fold
from station.signing import Signing
from station.statements import Redactor, identities_of
from station.steps import steps
from station.steps.api import Case, Counted, Field, Made, Step
from station.steps.form import fill
from station.stock import Stockroom
from station.stockroom import StockTable

__all__ = ["Stepping"]

#: Open tickets with their sessions.
Others = Sequence[tuple[str, Session]]


class Stepping:
    """The steps of this station's tickets.

    `phones` says who the phones are that are plugged in.
    """

    def __init__(self, signing: Signing, data: Path, phones: Callable[[], tuple[Identity, ...]] = lambda: ()) -> None:
        self._signing, self._data, self._phones = signing, data, phones
        self.open_sessions: Callable[[], Others] = tuple
        self._stockroom: Callable[[Database], Stockroom] = StockTable
        self._read: set[str] = set()

    async def possible(self, query: m.StepsQuery) -> dict[str, Any]:
        """Every step, whether it can be done now by that person and why not, and its form."""

        def work(db: Database) -> list[dict[str, Any]]:
            return [self._told(db, step, query, others) for step in steps().values() if query.ticket or step.opens]

        await self._ready(steps())
        others = self.open_sessions()
        return {"steps": await self._signing.journal.store.read(work)}

    async def preview(self, command: m.PreviewStep) -> dict[str, Any]:
        """What the step would say; nothing is stored but that a secret was compared, where the step does that.

        Raises:
            Trouble: it can't be done now, by this person, or with what was filled in.
        """

        def work(db: Database) -> tuple[list[Event], Made | Counted]:
            step, case = self._begin(db, command, others)
            try:
                made = step.make(case, fill(step.fields, command.fields, shots.get))
            except Counted as refused:
                return _counted(db, case, refused.events), refused
            return _counted(db, case, made.counts), made

        await self._ready([command.step])
        others, shots = self.open_sessions(), await self._shots(command)
        known, store = steps().get(command.step), self._signing.journal.store
        stored, made = await (store.write(work) if known and known.compares else store.read(work))
        self._signing.journal.tell(stored)
        if isinstance(made, Counted):
            raise made
        record = made.predicate.model_dump(mode="json") if made.predicate else {}
        return {"says": [list(one) for one in made.says], "predicate": record}

    async def do(self, command: m.DoStep) -> dict[str, Any]:
        """Do the step: `record` is the digest of what was sealed, or `payload` what the person must sign first.

        Raises:
            Trouble: it can't be done now, by this person, or with what was filled in; nothing was stored.
        """

        await self._ready([command.step])
        known = steps().get(command.step)
        if known is not None and known.sends:
            await self._send(command)

        def work(db: Database) -> tuple[list[Event], dict[str, Any] | Counted]:
            step, case = self._begin(db, command, others, make=True)
            try:
                made = step.make(case, fill(step.fields, command.fields, shots.get))
            except Counted as refused:
                return _counted(db, case, refused.events), refused
            counted = _counted(db, case, made.counts)
            stored, told = self._keep(db, step, case, made)
            return [*counted, *stored], told

        others, shots = self.open_sessions(), await self._shots(command)
        stored, told = await self._signing.journal.store.write(work)
        if isinstance(told, Counted):
            self._signing.journal.tell(stored)
            raise told
        self._signing.tell(stored)
        payload = told.pop("payload", None)
        return told | (self._signing.prepare(payload) if payload else {})

    async def _send(self, command: m.DoStep) -> None:
        """Hand the step's message to the adapter; the record is only made when it was taken."""

        def work(db: Database) -> Made:
            step, case = self._begin(db, command, others)
            return step.make(case, fill(step.fields, command.fields, shots.get))

        others, shots = self.open_sessions(), await self._shots(command)
        made = await self._signing.journal.store.read(work)
        if made.send is not None:
            await sending.adapter(self._data, self.policy().get("notices", {})).send(made.send)

    def _keep(self, db: Database, step: Step, case: Case, made: Made) -> tuple[list[Event], dict[str, Any]]:
        scope = vault.open_scope(db, case.ticket)
        assert scope is not None  # noqa: S101 - opened by `_begin`
        vault.keep(db, scope, made.keep)
        for move in made.moves:
            self._stockroom(db).move(move)
        if made.personal:
            both = {**case.personal, **made.personal}
            vault.save_personal(db, scope, {name: value for name, value in both.items() if value})
        says = [list(one) for one in made.says]
        told: dict[str, Any] = {"ticket": case.ticket, "says": says, "role": case.role, "meaning": step.meaning}
        before = [event(body, case.ticket) for body in made.events]
        if made.predicate is None:
            stored = insert(db, before)
            if stored:
                tickets.save(db, fold(stored, case.session))
            return stored, told
        subject = made.subject or (case.phone.commitment if case.phone else "")
        if not subject:
            raise Trouble("step.no-phone", _NO_PHONE, Side.PERSON, _TAKE_IN, EXIT_NO)
        if step.signs == "within":
            try:
                told["payload"] = make_statement(step.kind, subject, made.predicate)
            except RecordError as error:
                raise Trouble("record.refused", error.words, Side.BENCH, _AGAIN, EXIT_NO) from error
            return insert(db, before), told
        stored, digest = self._signing.seal(db, step.kind, subject, made.predicate, case.session, before)
        return stored, told | {"record": digest}

    # --- the case

    def _begin(
        self, db: Database, command: m.DoStep | m.PreviewStep, others: Others, *, make: bool = False
    ) -> tuple[Step, Case]:
        step = steps().get(command.step)
        if step is None:
            raise Trouble("step.unknown", _NO_STEP.fill(step=command.step), Side.PERSON, _LIST_STEPS, EXIT_USE)
        case = self._case(db, step, command.ticket, command.person, command.role, others, make=make)
        if why := self._why_not(step, case):
            raise Trouble("step.not-now", why, Side.PERSON, _LIST_STEPS, EXIT_NO)
        return step, case

    def _why_not(self, step: Step, case: Case) -> Words | None:
        if not step.opens and not case.session.ticket:
            return _NO_TICKET.fill(ticket=case.ticket)
        if not step.repeats and case.newest(step.kind.split("/")[0]):
            return _DONE.fill(step=step.title)
        return step.possible(case)

    def _case(
        self, db: Database, step: Step, ticket: str, person: str, role: str, others: Others, *, make: bool
    ) -> Case:
        session = fold(load(db, ticket=ticket)) if ticket else Session()
        number = ticket if session.ticket else self._number(db, step, ticket)
        scope = vault.open_scope(db, number, make=make and not session.ticket)  # an erased ticket gets no new key
        if scope is None and session.ticket:
            raise Trouble("ticket.erased", _ERASED, Side.PERSON, _NEW_TICKET, EXIT_NO)
        salt = scope.salt if scope else bytes(32)  # a preview of a ticket that is not there commits to nothing
        personal = vault.personal(db, number) if scope else {}
        redactor = Redactor([*identities_of(session), *(str(one) for one in personal.values() if one)])
        common = {**self._signing.made(db), "ticket": number}
        signed = self._signer(db, step, person, role)
        return Case(
            ticket=number,
            session=session,
            records=_records(db, number),
            roster=self._signing.roster(db),
            personal=personal,
            policy=self.policy(),
            person=person,
            role=str(signed["role"]),
            signed={**signed, "meaning": step.meaning, "signed_ms": common["clock"].wall_ms},
            now_ms=common["clock"].wall_ms,
            common=common,
            commit=lambda kind, text: _committed(salt, kind, text),
            redact=lambda text: redactor.text(text, 2000),
            elsewhere=lambda serial, imeis: tickets.other_ticket(
                serial, imeis, tickets.open_now(db, others), but=number
            ),
            stock=self._stockroom(db).level,
            phones=self._phones(),
            release=lambda: self._signing.released(db, number),
        )

    def _number(self, db: Database, step: Step, wanted: str) -> str:
        tickets.must_be_number(wanted)
        if not step.opens and wanted:
            raise Trouble("ticket.unknown", _NO_TICKET.fill(ticket=wanted), Side.PERSON, _LIST_STEPS, EXIT_USE)
        return wanted or tickets.next_number(db)

    def _signer(self, db: Database, step: Step, person: str, role: str) -> Mapping[str, Any]:
        """Who does it: in the role that was named, else in the first of the step's roles that they have now."""
        wanted = (role,) if role else step.roles
        if role and role not in step.roles:
            what = _NOT_THEIRS.fill(step=step.title, role=named(ROLES, role))
            raise Trouble("person.role", what, Side.PERSON, _ASK_LEAD, EXIT_NO)
        trouble: Trouble | None = None
        for one in wanted:
            try:
                return self._signing.signer(db, person, one)
            except Trouble as found:
                trouble = trouble or found
        assert trouble is not None  # noqa: S101 - a step has roles
        raise trouble

    def policy(self) -> dict[str, Mapping[str, Any]]:
        """The shop's policy files (`DATA/policy/NAME.toml`) by name.

        Raises:
            Trouble: one can't be read.
        """
        found: dict[str, Mapping[str, Any]] = {}
        for path in sorted((self._data / "policy").glob("*.toml")):
            try:
                found[path.stem] = tomllib.loads(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
                what = _BAD_POLICY.fill(path=path.name, why=error)
                raise Trouble("policy.unreadable", what, Side.BENCH, _MEND_POLICY, EXIT_NO) from error
        return found

    async def _ready(self, names: Iterable[str]) -> None:
        """Let these steps read what they need beforehand: who waits for the store must not wait for that."""
        every = steps()
        for step in [every[name] for name in names if name in every and name not in self._read]:
            if step.reads is not None:
                await asyncio.to_thread(step.reads)
            self._read.add(step.id)

    async def _shots(self, command: m.DoStep | m.PreviewStep) -> Shots:
        """Files are read when the form is; pictures of a camera, which takes seconds, before the store is held."""
        step = steps().get(command.step)
        named = [command.fields.get(one.name) for one in step.fields if one.kind == "photos"] if step else []
        paths = chain.from_iterable(one.split("\n") if isinstance(one, str) else one or () for one in named)
        cameras = [path.strip() for path in paths if isinstance(path, str) and path.strip().startswith(CAMERA)]
        return Shots({path: await asyncio.to_thread(shot, path) for path in dict.fromkeys(cameras)})

    # --- what is told of a step

    def _told(self, db: Database, step: Step, query: m.StepsQuery, others: Others) -> dict[str, Any]:
        why: Words | None = None
        given: dict[str, Any] = {}
        offers: Case | None = None
        try:
            case = self._case(db, step, query.ticket, query.person, "", others, make=False)
            why = self._why_not(step, case)
            if why is None:
                given = {one.name: value for one in step.fields if one.given and (value := one.given(case))}
                offers = case
        except Trouble as trouble:
            why = trouble.what
        return {
            "id": step.id,
            "title": list(step.title),
            "about": list(step.about),
            "kind": step.kind,
            "why_not": list(why) if why else None,
            "fields": [_field(one, given.get(one.name), offers) for one in step.fields],
        }


def _counted(db: Database, case: Case, told: Sequence[Body]) -> list[Event]:
    """The journal hears that a secret was compared."""
    return insert(db, [event(body, case.ticket) for body in told]) if told else []


def _committed(salt: bytes, kind: str, text: str) -> Commitment:
    return commit(salt, kind, text)


def _records(db: Database, ticket: str) -> tuple[Record, ...]:
    return tuple(open_record(envelope) for envelope in ledger.envelopes_of(db, ticket))


def _field(one: Field, given: Any, case: Case | None) -> dict[str, Any]:
    choices = one.offered(case) if one.offered and case else one.choices
    return {
        "name": one.name,
        "label": list(one.label),
        "kind": one.kind,
        "required": one.required,
        "most": one.most,
        "help": list(one.help) if one.help else None,
        "choices": [[choice.value, list(choice.label)] for choice in choices],
        "columns": [_field(column, None, case) for column in one.columns],
        "given": given,
        "group": list(one.group) if one.group else None,
    }


_NO_PHONE = Words("The phone of this ticket was not taken in yet", "该工单的手机尚未接件")
_TAKE_IN = Words("Take it in first: `assay intake`", "请先接件：`assay intake`")
_NO_STEP = Words("There is no step {step}", "没有步骤 {step}")
_LIST_STEPS = Words("`assay ticket next TICKET` lists what can be done", "用 `assay ticket next TICKET` 查看可做的步骤")
_NO_TICKET = Words("There is no ticket {ticket} here", "本工位没有工单 {ticket}")
_DONE = Words("{step}: already done", "{step}：已完成")
_ERASED = Words("The data of this ticket was erased", "该工单的数据已被删除")
_NEW_TICKET = Words("Open a new ticket", "请新建工单")
_NOT_THEIRS = Words("{step}: not done as {role}", "{step}：不由{role}办理")
_ASK_LEAD = Words("A lead gives roles: `assay person list` shows them", "岗位由店长授予：请用 `assay person list` 查看")
_BAD_POLICY = Words("The policy file {path} can't be read: {why}", "政策文件 {path} 无法读取：{why}")
_MEND_POLICY = Words("Correct the file in the data folder, or take it away", "请修正数据目录中的该文件，或将其移除")
_AGAIN = Words("Fill it in again; nothing was stored", "请重新填写；未保存任何内容")
