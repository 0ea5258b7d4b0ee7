"""The runs on the bench: starting, answering, retesting, resuming and stopping them, and the sessions they make.

Stands on slots, runner and journal. Sessions in memory are the fold of what is on the disk, brought on by each stored
event. It knows no socket and no signature.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from sqlite_utils import Database

from checklists.canonical import dump
from checklists.cross import keyword_arguments
from checklists.judge import Baselines
from checklists.load import files_state, load_checklist
from checklists.problems import ChecklistErrors
from checklists.reference.table import KEY, ReferenceTable, read_table
from checklists.safety.policy import forbidden, shipped_safety
from checklists.schema import Check, Checklist
from checklists.verdict import Stage
from drivers.api import Device, Identity, Side
from drivers.text import Words, safe_text
from drivers.usb_host import hubs_between, port_speed
from probes.api import Loaded, Probe, Value
from reports.attest import open_record
from reports.ledger import envelopes_of, roster_of
from reports.record import digest_of
from reports.vocabulary import STAGES, named
from station import messages as m
from station.agreed import KINDS, record_facts
from station.asking import Open
from station.bench import Bench, Slot
from station.counter.gate import why_untested
from station.counter.policy import counter_policy
from station.errors import EXIT_BENCH, EXIT_NO, EXIT_USE, Trouble
from station.events import (
    AttemptEnded,
    Body,
    ChangeGivenUp,
    DeviceSeen,
    Event,
    Identifying,
    Measured,
    PhoneRestored,
    PhoneWriting,
    RestoreFailed,
    RunOpened,
    RunResumed,
    TicketOpened,
    TicketRegistered,
)
from station.hazards import present
from station.journal import WRITES, Journal, event, load
from station.remedies import data_facts
from station.runner import AskApart, Host, Runner, Subject, nobody
from station.session import Run, Session, fold
from station.states import state_of
from station.tickets import facts, identities, one_phone, open_tickets, same_phone
from station.unreadable import Unreadable
from station.values import as_value
from station.views import remember
from station.writes import AGREED, ALL_UNDO_S, CONSENT, WIRE_S, Change, fold_changes, left_on, undo

__all__ = ["Work"]

T = TypeVar("T")

#: Dry runs whose sessions are kept in memory to be shown.
DRY_RUNS = 32
#: Seconds that undos which are under way get when the engine ends: what one round of them takes at most.
STOP_S = ALL_UNDO_S + 2 * WIRE_S


@dataclass(slots=True)
class _Running:
    """A run that the engine has work open in."""

    slot: Slot
    ticket: str
    run: str
    runner: Runner
    task: asyncio.Task[None]


class Work:
    """All sessions in memory and all runs that are going on."""

    def __init__(
        self, journal: Journal, bench: Bench, loaded: Callable[[], Loaded], changed: Callable[[int | None], None]
    ) -> None:
        self.journal, self.bench, self._loaded, self._changed = journal, bench, loaded, changed
        self.sessions: dict[str, Session] = {}
        self.aside: dict[str, Unreadable] = {}
        self._unheard: set[str] = set()
        self.running: dict[int, _Running] = {}
        self.ticket_in: dict[int, str] = {}
        self.run_in: dict[int, tuple[str, str]] = {}
        self._checklists: dict[str, tuple[object, Checklist]] = {}
        self._dumps: dict[str, dict[str, Any]] = {}
        self.changes: dict[str, Change] = {}
        self._restoring: dict[int, asyncio.Task[None]] = {}
        self._starting: set[str] = set()
        self._judging = asyncio.Lock()
        self.ask_apart: AskApart = nobody
        self._looking: dict[object, asyncio.Future[Any]] = {}
        self.station = ""
        self.health: Callable[[], dict[str, object]] = dict
        self.policy: Callable[[], Mapping[str, Mapping[str, Any]]] = dict
        self.reference: Callable[[DeviceSeen, Checklist], Awaitable[ReferenceTable]] = _no_reference
        self.card: Callable[[DeviceSeen], Mapping[str, Value]] = lambda seen: {}
        journal.follow(self._heard)

    # --- sessions

    async def load(self) -> None:
        """Fold the journal of every open ticket, and what is owed to phones.

        A ticket that can't be read is set aside with its reason, and the others are at work.
        """
        aside: dict[str, Unreadable] = {}
        self.changes = fold_changes(await self.journal.store.read(lambda db: load(db, writes=True, aside=aside)))
        self.aside.update(aside)
        numbers = await self.journal.store.read(open_tickets)
        for number in numbers:
            with suppress(Unreadable):  # kept in `aside`
                await self.session(number)

    async def session(self, ticket: str) -> Session:
        """The session of a ticket.

        Raises:
            Unreadable: a part of it can't be read: nothing may be concluded from the rest.
            Trouble: there is no such ticket here.
        """
        while ticket not in self.sessions:
            self._unheard.discard(ticket)
            events = await self._read(ticket=ticket)
            if not events:
                raise Trouble("ticket.unknown", _NO_TICKET.fill(ticket=ticket), Side.PERSON, _LIST_TICKETS, EXIT_USE)
            if ticket not in self._unheard:  # else more was told of it meanwhile
                self.sessions.setdefault(ticket, fold(events))
        return self.sessions[ticket]

    async def _read(self, *, ticket: str | None = None, run: str | None = None) -> list[Event]:
        """Events as `load` gives them; what can't be read is set aside."""
        try:
            return await self.journal.store.read(lambda db: load(db, ticket=ticket, run=run))
        except Unreadable as trouble:
            self.aside[trouble.scope] = trouble
            self._changed(None)
            raise

    async def find_run(self, run_id: str) -> tuple[Session, Run]:
        """A run and its session.

        Raises:
            Unreadable: a part of it, or of its ticket, can't be read.
            Trouble: there is no such run here.
        """
        for session in self.sessions.values():
            if run_id in session.runs:
                return session, session.runs[run_id]
        events = await self._read(run=run_id)
        if not events:
            raise Trouble("run.unknown", _NO_RUN.fill(run=run_id), Side.PERSON, _LIST_TICKETS, EXIT_USE)
        scope = events[0].ticket or run_id
        session = await self.session(scope) if events[0].ticket else self.sessions.setdefault(scope, fold(events))
        return session, session.runs[run_id]

    def open_sessions(self) -> list[tuple[str, Session]]:
        """Open tickets with their sessions."""
        every = self.sessions.items()
        return [(number, session) for number, session in every if session.ticket and state_of(session).open]

    def _heard(self, events: Sequence[Event]) -> None:
        self._heard_writes([each for each in events if each.body.kind in WRITES])
        for (ticket, run), group in groupby(events, attrgetter("ticket", "run")):
            told = list(group)
            scope = ticket or run
            if scope in self.sessions or isinstance(told[0].body, _BEGIN_TICKETS if ticket else RunOpened):
                self.sessions[scope] = fold(told, self.sessions.get(scope))
            elif scope:  # of a ticket that is not in memory: it is read whole when somebody asks for it
                self._unheard.add(scope)
            slots = [number for number, (_, shown) in self.run_in.items() if shown == run and run]
            logged = [each.body for each in told if each.body.kind in _LOGGED]
            for number in slots:
                for body in logged:
                    self._log(self.bench.slots[number], body)
                self._changed(number)
            if not slots:
                self._changed(None)

    def _heard_writes(self, events: Sequence[Event]) -> None:
        if events:
            before, self.changes = self.changes, fold_changes(events, self.changes)
            for slot in self.bench.slots.values():
                if left_on(slot.identity, before.values()) != left_on(slot.identity, self.changes.values()):
                    self._changed(slot.number)

    def _log(self, slot: Slot, body: Body) -> None:
        if isinstance(body, PhoneWriting):
            slot.note(f"{body.attempt.split('/')[1]} changes the phone: {body.what.en}")
        if isinstance(body, RestoreFailed):
            slot.note(f"{body.change} not undone: {body.reason.en}")
        if isinstance(body, AttemptEnded):
            why = f": {body.reason.en}" if body.reason else ""
            slot.note(f"{body.attempt.split('/')[1]} {body.ending.value} {body.verdict.value}{why}")

    # --- the bench tells

    async def identified(self, slot: Slot) -> None:
        """Find the open ticket of the phone that was just identified, and undo what is owed to it.

        Another phone where a run's was ends that run: a clone that is put there at once looks like a loose cable.
        """
        running = self.running.get(slot.number)
        if running and slot.identity and not one_phone(running.runner.host.phone, slot.identity):
            running.runner.lose()
        self._match(slot)
        self._begin_restore(slot)

    def match_all(self) -> None:
        """Find the tickets of all phones anew (a ticket was opened or closed)."""
        for slot in self.bench.slots.values():
            self._match(slot)
            self._changed(slot.number)

    def _match(self, slot: Slot) -> None:
        if slot.identity is None:
            return
        matching = [number for number, session in self.open_sessions() if _speaks_for(session, slot.identity)]
        self.ticket_in.pop(slot.number, None)
        if len(matching) == 1:
            self.ticket_in[slot.number] = matching[0]
        shown = self.run_in.get(slot.number)
        if shown and shown[0] != self.ticket_in.get(slot.number, "") and slot.number not in self.running:
            self.run_in.pop(slot.number)
        if slot.number not in self.run_in and matching and len(matching) == 1:
            last = list(self.sessions[matching[0]].runs)
            if last:
                self.run_in[slot.number] = (matching[0], last[-1])

    async def lost(self, slot: Slot) -> None:
        """The phone in the slot is gone; its run, if one is going on, ends what is open."""
        if slot.number in self.running:
            self.running[slot.number].runner.lose()
        elif slot.link is None:
            self.ticket_in.pop(slot.number, None)
            shown = self.run_of(slot.number)
            if shown is None or shown.record is not None or shown.stopped is None:
                self.run_in.pop(slot.number, None)

    # --- what is owed to phones

    def owed(self, slot: Slot) -> list[Change]:
        """What is not undone on the slot's phone and no run is at work on; a recording of it can undo nothing."""
        if slot.link is not None and slot.link.recorded:
            return []
        going = {running.run for running in self.running.values()}
        return [change for change in left_on(slot.identity, self.changes.values()) if change.run not in going]

    def to_show(self, slot: Slot) -> list[Change]:
        """What a person shall know is still changed: on the slot's phone, or left by the run that lost it.

        What a run is at work on is left out: it is undone when its check ends.
        """
        _, shown = self.run_in.get(slot.number, ("", ""))
        going = {running.run for running in self.running.values()}
        every = self.changes.values()
        mine = left_on(slot.identity, every) if slot.identity else [one for one in every if one.run == shown and shown]
        return [change for change in mine if change.failed is not None or change.run not in going]

    def _begin_restore(self, slot: Slot) -> asyncio.Task[None] | None:
        known = self._restoring.get(slot.number)
        if known is None and slot.device is not None and (due := self.owed(slot)):
            task = asyncio.create_task(self._restore(slot, slot.device, due), name=f"restore-{slot.number}")
            known = self._restoring[slot.number] = task
            task.add_done_callback(partial(self._restored, slot, slot.device))
        return known

    def _restored(self, slot: Slot, device: Device, task: asyncio.Task[None]) -> None:
        self._restoring.pop(slot.number, None)
        if slot.device is not device and not task.cancelled():  # it was plugged in again, or another one, meanwhile
            self._begin_restore(slot)

    async def _restore(self, slot: Slot, device: Device, due: Sequence[Change]) -> None:
        told = await undo(device, due, later=True)
        by_id = {change.id: change for change in due}
        for each in told:
            slot.note(f"{each.change} {'undone' if isinstance(each, PhoneRestored) else 'not undone'}")
        events = [event(each, by_id[each.change].ticket, by_id[each.change].run) for each in told]
        with suppress(Trouble):  # the disk is full: it is still owed, and undone once more when the phone is seen again
            await self.journal.append(events)

    async def restore(self, slot: int | None) -> None:
        """Try to undo what is owed to the phone in the slot, or to every phone that is here; back when it was tried."""
        slots = [each for each in self.bench.slots.values() if slot in (None, each.number)]
        tasks = [task for each in slots if (task := self._begin_restore(each)) is not None]
        if tasks:
            await asyncio.wait(tasks)

    async def give_up(self, command: m.GiveUpChange) -> None:
        """Strike a change that will never be undone from here.

        Raises:
            Trouble: there is no such change, or its run is at work.
        """
        change = self.changes.get(command.change)
        if change is None or any(running.run == change.run for running in self.running.values()):
            raise Trouble(
                "change.unknown", _NO_CHANGE.fill(change=command.change), Side.PERSON, _LIST_CHANGES, EXIT_USE
            )
        person, reason = safe_text(command.person, 200), safe_text(command.reason, 400)
        told = ChangeGivenUp(attempt=change.attempt, change=change.id, person=person, reason=reason)
        await self.journal.append([event(told, change.ticket, change.run)])

    # --- what is shown

    def run_of(self, slot: int) -> Run | None:
        """The run that the slot shows."""
        ticket, run_id = self.run_in.get(slot, ("", ""))
        session = self.sessions.get(ticket or run_id)
        return session.runs.get(run_id) if session else None

    def question_of(self, slot: int) -> Open | None:
        """The question that is open in the slot."""
        running = self.running.get(slot)
        return running.runner.desk.open if running else None

    def trouble_of(self, slot: int) -> Trouble | None:
        """What keeps the slot's run from being written down."""
        running = self.running.get(slot)
        return running.runner.trouble if running else None

    # --- commands

    async def start(self, command: m.StartRun) -> str:
        """Start a run and give its id.

        Raises:
            Trouble: the slot is not ready or busy, the ticket is of another phone, the checklist can't be used, or an
                auditor would write a record.
        """
        with self._only_start(command.ticket):
            return await self._start(command)

    @contextmanager
    def _only_start(self, ticket: str) -> Iterator[None]:
        """A ticket's runs are numbered in order: while one is being started, no other is."""
        if ticket in self._starting:
            raise Trouble("ticket.busy", _TICKET_BUSY.fill(ticket=ticket), Side.PERSON, _WAIT_OR_STOP, EXIT_NO)
        self._starting |= {ticket} - {""}
        try:
            yield
        finally:
            self._starting.discard(ticket)

    async def _start(self, command: m.StartRun) -> str:
        slot = self._free_slot(command.slot)
        checklist = await self._checklist(command.checklist)
        stage = _stage(command.stage, checklist)
        if slot.link is not None and slot.link.recorded and stage is not Stage.DIAGNOSIS:
            raise Trouble("run.recorded", _RECORDED, Side.PERSON, _ON_PHONE, EXIT_USE)
        checks = _chosen(checklist, command.only)
        session = await self._session_for(command.ticket, slot)
        if command.ticket and (await self.journal.store.read(roster_of)).only_reads(command.person, _now_ms()):
            raise Trouble("person.role", _READS_ONLY, Side.PERSON, _TECHNICIAN, EXIT_NO)
        confirms = await self._confirmed(session, stage, command.person)
        remember(checklist)
        seen = _seen(slot)
        reference = await self.reference(seen, checklist)
        number = len(session.runs) + 1
        run_id = _run_name(session, self.station, number) if command.ticket else f"dry-{secrets.token_hex(6)}"
        opened = RunOpened(
            stage=stage,
            person=safe_text(command.person, 200),
            device=seen,
            checklist=self._dumped(checklist),
            checklist_sha256=checklist.sha256 or "",
            checklist_name=command.checklist,
            probes=self._origins(checklist),
            only=tuple(command.only),
            confirms=confirms,
            bench=self.health() | ({KEY: reference.dump()} if reference.rows else {}),
            consented=command.consented,
        )
        await self._go(slot, command.ticket, run_id, checklist, checks, opened)
        return run_id

    async def retest(self, command: m.Retest) -> None:
        """Try one check of a run again.

        Raises:
            Trouble: the run is sealed or busy, its phone is not here, or somebody must confirm first.
        """
        session, run = await self.find_run(command.run)
        checklist = await self._same_checklist(run)
        check = _chosen(checklist, (command.check,))[0]
        probe = self._loaded().probes.get(check.probe.get(checklist.platform, ""))
        tried = len(run.of_check(check.id))
        if not command.confirmed and (tried >= check.attempts or (tried and probe and not probe.repeatable)):
            raise Trouble("run.confirm", _CONFIRM.fill(check=check.id, n=tried), Side.PERSON, _ASK_FIRST, EXIT_NO)
        await self._resume(session, run, checklist, (check,), command.person)

    async def resume(self, command: m.ResumeRun) -> tuple[str, ...]:
        """Go on with what is left of a run; back come the checks that are run now.

        Raises:
            Trouble: nothing is left, the checklist's file was changed, or the run's phone is not here.
        """
        session, run = await self.find_run(command.run)
        checklist = await self._same_checklist(run)
        left = run.left(run.opened.only or [check.id for check in checklist.checks])
        if not left:
            raise Trouble("run.nothing-left", _NOTHING_LEFT, Side.PERSON, _SEAL_IT, EXIT_NO)
        await self._resume(session, run, checklist, _chosen(checklist, left), command.person)
        return left

    async def _resume(
        self, session: Session, run: Run, checklist: Checklist, checks: Sequence[Check], person: str
    ) -> None:
        _must_be_open(session)
        slot = self._slot_with(session, run)
        ids = tuple(check.id for check in checks)
        resumed = RunResumed(person=safe_text(person, 200), device=_seen(slot), checks=ids)
        await self._go(slot, session.ticket, run.id, checklist, checks, resumed)

    async def abort(self, command: m.AbortRun) -> None:
        """Stop a run; back when its end is written down.

        Raises:
            Trouble: it is not going on.
        """
        running = self._running(command.run)
        running.runner.abort(safe_text(command.person, 200), safe_text(command.reason, 400))
        await asyncio.wait({running.task})

    async def answer(self, command: m.AnswerPrompt) -> None:
        """Answer a slot's open question."""
        desk = self._running_in(command.slot).runner.desk
        await desk.answer(command.attempt, command.prompt, command.value, command.note, safe_text(command.person, 200))

    async def skip(self, command: m.SkipPrompt) -> None:
        """Skip a slot's open question."""
        desk = self._running_in(command.slot).runner.desk
        await desk.skip(command.attempt, command.prompt, command.reason, safe_text(command.person, 200))

    async def stop(self) -> None:
        """End every run's task; open attempts stay open, and the next start says that they were interrupted.

        What can be undone on phones is, in time; what can't stays owed.
        """
        tasks = [running.task for running in self.running.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        restoring = [*self._restoring.values()]  # also what the ends of those runs have just begun
        if restoring:
            await asyncio.wait(restoring, timeout=STOP_S)
            for task in restoring:
                task.cancel()
            await asyncio.wait(restoring)

    # --- parts

    async def _go(
        self,
        slot: Slot,
        ticket: str,
        run_id: str,
        checklist: Checklist,
        checks: Sequence[Check],
        first: RunOpened | RunResumed,
    ) -> None:
        known = await self._known(ticket)
        about = first.device
        card = await self._look(("card", about.manufacturer, about.model), lambda: self.card(about))
        if slot.number in self.running:
            raise Trouble("slot.busy", _BUSY.fill(slot=slot.number), Side.PERSON, _WAIT_OR_STOP, EXIT_NO)
        if _seen(slot) != about:  # the phone was changed for another one while all that was looked up
            raise Trouble("slot.not-ready", _NOT_READY.fill(slot=slot.number), Side.CABLE, _RIGHT_SLOT, EXIT_BENCH)
        consent, reference = self._consent(ticket, run_id, first), self._reference_of(ticket, run_id, first)
        subject = self._subject(checklist, ticket, run_id, consent, reference, known, card)
        runner = Runner(run_id, subject, self._host(slot, ticket, run_id))
        idle = asyncio.get_running_loop().create_future()  # holds the slot while the first event is written
        gate = asyncio.create_task(_after(idle, runner, checks), name=f"run-{run_id}")
        self.running[slot.number] = _Running(slot, ticket, run_id, runner, gate)
        gate.add_done_callback(lambda task: self._ended(slot.number, task))
        shown, self.run_in[slot.number] = self.run_in.get(slot.number), (ticket, run_id)
        try:
            await self.journal.append([event(first, ticket, run_id)])
        except BaseException:
            gate.cancel()
            if shown:
                self.run_in[slot.number] = shown
            else:
                self.run_in.pop(slot.number)
            raise
        self._forget_dry_runs()
        idle.set_result(None)

    def _ended(self, slot: int, task: asyncio.Task[None]) -> None:
        running = self.running.pop(slot, None)
        if not task.cancelled() and task.exception() is not None and running:
            running.slot.note(f"run {running.run}: {task.exception()!r}")
        if running:
            self._begin_restore(running.slot)
        self._changed(slot)

    def _consent(self, ticket: str, run_id: str, first: Body) -> bool | None:
        """Whether the phone may be changed, as far as somebody said: at intake, at the run's start, or in the run."""
        session = self.sessions.get(ticket or run_id, Session())
        run = session.runs.get(run_id)
        opened = first if isinstance(first, RunOpened) else run.opened if run else None
        if (opened and opened.consented) or (session.opened and session.opened.test_consent):
            return True
        tries = run.attempts if run else ()
        asked = [q.answer for a in tries for q in a.questions if q.prompt.prompt == CONSENT and q.answer]
        said = [answer.value == AGREED for answer in asked if answer.outcome == "answered"]
        return True if True in said else None

    def _reference_of(self, ticket: str, run_id: str, first: Body) -> ReferenceTable:
        """What the run began with: a retest is judged by the same."""
        run = self.sessions.get(ticket or run_id, Session()).runs.get(run_id)
        opened = first if isinstance(first, RunOpened) else run.opened if run else None
        return read_table(opened.bench) if opened else ReferenceTable()

    async def _known(self, ticket: str) -> dict[str, str]:
        """What a run's probes may know of the ticket, as it stands when the run goes on."""
        if not ticket:
            return {}
        session = await self.session(ticket)
        wanted = {one.digest for one in session.records if one.record in KINDS}

        def work(db: Database) -> dict[str, str]:
            stored = (one for one in envelopes_of(db, ticket) if digest_of(one) in wanted)
            return record_facts([open_record(one) for one in stored])

        return facts(session) | (await self.journal.store.read(work) if wanted else {})

    def _subject(
        self,
        checklist: Checklist,
        ticket: str,
        run_id: str,
        consented: bool | None,
        reference: ReferenceTable,
        known: Mapping[str, str],
        card: Mapping[str, Value],
    ) -> Subject:
        return Subject(
            checklist=checklist,
            probes=self._loaded().probes,
            settings=lambda check, probe: keyword_arguments(probe, check.settings),
            facts=known,
            baselines=lambda check: self._baselines(ticket, checklist.check(check), reference, card),
            reference=reference,
            consented=consented,
            forbidden=lambda check: self._forbidden(ticket or run_id, run_id, check),
            guarded=shipped_safety().guarded,
        )

    def _forbidden(self, scope: str, run_id: str, check: Check) -> Words | None:
        session = self.sessions.get(scope)
        run = session.runs.get(run_id) if session else None
        if session is None or run is None or check.id not in shipped_safety().guarded:
            return None
        return forbidden(shipped_safety(), check.id, present(session, run.opened.stage))

    def _baselines(self, ticket: str, check: Check, reference: ReferenceTable, card: Mapping[str, Value]) -> Baselines:
        found: dict[str, Mapping[str, Value]] = {"reference": reference.baselines(check), "model": card}
        session = self.sessions.get(ticket) if ticket else None
        if session is None:
            return found
        found["ticket"] = _ticket_values(session)
        intake = session.latest_run(Stage.INTAKE)
        last = intake.latest(check.id) if intake else None
        if last is not None and last.ended is not None:
            found["intake"] = _values(last.measured)
        return found

    def _host(self, slot: Slot, ticket: str, run_id: str) -> Host:
        phone = slot.identity or Identity()

        async def device(failed: Device | None) -> Device | None:
            await self.bench.device(slot, failed)
            if slot.number in self._restoring:  # what an earlier run changed is undone before this one looks
                await asyncio.wait({self._restoring[slot.number]})
            mine = slot.identity is not None and one_phone(phone, slot.identity)
            return slot.device if mine else None

        def number(check: str) -> int:
            session = self.sessions.get(ticket or run_id)
            return len(session.runs[run_id].of_check(check)) if session else 0

        def told() -> dict[str, str]:
            left = left_on(slot.identity, self.changes.values())
            said = data_facts(self.sessions.get(ticket or run_id, Session()))
            return _link_facts(slot) | said | {"changes-left": "\n".join(change.id for change in left)}

        return Host(
            partial(event, ticket=ticket, run=run_id),
            self.journal.append,
            device,
            number,
            lambda: self._changed(slot.number),
            phone,
            told,
            self._judging,
            self.ask_apart,
        )

    def _free_slot(self, number: int) -> Slot:
        slot = self.bench.slots.get(number)
        if slot is None or not slot.ready:
            next_step = slot.trouble[1] if slot and slot.trouble else _PLUG_IN
            raise Trouble("slot.not-ready", _NOT_READY.fill(slot=number), Side.CABLE, next_step, EXIT_BENCH)
        if number in self.running:
            raise Trouble("slot.busy", _BUSY.fill(slot=number), Side.PERSON, _WAIT_OR_STOP, EXIT_NO)
        return slot

    def _slot_with(self, session: Session, run: Run) -> Slot:
        """The slot that has the run's phone now."""
        if any(running.run == run.id for running in self.running.values()):
            raise Trouble("run.active", _ACTIVE.fill(run=run.id), Side.PERSON, _WAIT_OR_STOP, EXIT_NO)
        seen = run.opened.device
        imeis = tuple(imei.identity for imei in seen.imeis if imei.identity)
        told = Identity(serial=seen.serial.identity or "", imeis=imeis, model=seen.model)
        for slot in self.bench.slots.values():
            identity = slot.identity
            same = identity is not None and identity.serial == told.serial and one_phone(told, identity)
            same &= slot.link is None or bool(slot.link.recorded) is (seen.transport == "bugreport")
            if slot.ready and identity is not None and same and same_phone(session, identity):
                return self._free_slot(slot.number)
        raise Trouble("run.no-phone", _PHONE_AWAY, Side.CABLE, _PLUG_IN, EXIT_BENCH)

    async def _session_for(self, ticket: str, slot: Slot) -> Session:
        if not ticket:
            return Session()
        session = await self.session(ticket)
        if session.opened is None:
            raise Trouble("ticket.no-intake", _NO_INTAKE.fill(ticket=ticket), Side.PERSON, _INTAKE_FIRST, EXIT_NO)
        _must_be_open(session)
        if slot.identity is not None and not same_phone(session, slot.identity):
            raise Trouble("ticket.other-phone", _OTHER_PHONE.fill(ticket=ticket), Side.PERSON, _RIGHT_SLOT, EXIT_NO)
        if (why := why_untested(session)) and counter_policy(self.policy()).confirmation == "required":
            raise Trouble("ticket.unconfirmed", why, Side.PERSON, _CONFIRM_FIRST.fill(ticket=ticket), EXIT_NO)
        if any(run.active for run in session.runs.values()):
            raise Trouble("ticket.busy", _TICKET_BUSY.fill(ticket=ticket), Side.PERSON, _WAIT_OR_STOP, EXIT_NO)
        return session

    async def _confirmed(self, session: Session, stage: Stage, person: str) -> str | None:
        """The digest of the self-check run that a cross-check confirms.

        Raises:
            Trouble: there is none yet, or the same person made it: four eyes are two people.
        """
        if stage is not Stage.CROSS_CHECK or not session.ticket:
            return None
        own = session.latest_run(Stage.SELF_CHECK, sealed=True)
        if own is None or own.record is None:
            raise Trouble("run.no-self-check", _NO_SELF_CHECK, Side.PERSON, _SELF_CHECK_FIRST, EXIT_NO)
        if person in (own.opened.person, *(sealed.person for sealed in own.signed)):
            name = (await self.journal.store.read(roster_of)).name_of(person)
            raise Trouble("run.same-person", _SAME_PERSON.fill(person=name), Side.PERSON, _SOMEBODY_ELSE, EXIT_NO)
        return own.record.digest

    async def _checklist(self, name: str) -> Checklist:
        try:
            return await self._look(("checklist", name), lambda: self._read_checklist(name))
        except ChecklistErrors as errors:
            what = _BAD_LIST.fill(name=name, why=errors.problems[0].what)
            raise Trouble("checklist.unusable", what, Side.PERSON, _VALIDATE, EXIT_USE) from errors

    async def _look(self, what: object, look: Callable[[], T]) -> T:
        """What `look` finds on the disk, in a thread; runs that are started together look once."""
        looking = self._looking.get(what)
        if looking is None:
            looking = self._looking[what] = asyncio.ensure_future(asyncio.to_thread(look))
            looking.add_done_callback(lambda _: self._looking.pop(what))
        found: T = await asyncio.shield(looking)
        return found

    def _read_checklist(self, name: str) -> Checklist:
        """The checklist as its files are now. Reading one takes tens of milliseconds: for as long as no file and no
        probe has changed it is read once, not once for each phone."""
        try:
            state = (files_state(name), self._loaded())
        except OSError:
            return load_checklist(name, self._loaded())  # which says what is wrong
        known = self._checklists.get(name)
        if known is None or known[0] != state:
            known = self._checklists[name] = (state, load_checklist(name, self._loaded()))
        return known[1]

    def _dumped(self, checklist: Checklist) -> dict[str, Any]:
        """The checklist as data; made once for each digest."""
        digest = checklist.sha256 or ""
        if digest not in self._dumps:
            self._dumps[digest] = dump(checklist)
        return self._dumps[digest]

    async def _same_checklist(self, run: Run) -> Checklist:
        """The run's checklist as its file is now; it must not have changed, nor the run be sealed."""
        if run.record is not None:
            raise Trouble("run.sealed", _SEALED, Side.PERSON, _START_NEW, EXIT_NO)
        checklist = await self._checklist(run.opened.checklist_name or str(run.opened.checklist["id"]))
        if checklist.sha256 != run.opened.checklist_sha256:
            raise Trouble("run.checklist-changed", _CHANGED.fill(id=checklist.id), Side.BENCH, _SEAL_AND_NEW, EXIT_NO)
        return checklist

    def _origins(self, checklist: Checklist) -> dict[str, str]:
        """SHA-256 of the module of each probe that the checklist names."""
        loaded = self._loaded()
        found: dict[str, str] = {}
        for check in checklist.checks:
            probe: Probe | None = loaded.probes.get(check.probe.get(checklist.platform, ""))
            origin = loaded.origins.get(probe.run.__module__) if probe else None
            if probe is not None and origin is not None and origin.sha256:
                found[probe.id] = origin.sha256
        return found

    def _running(self, run_id: str) -> _Running:
        for running in self.running.values():
            if running.run == run_id:
                return running
        raise Trouble("run.not-active", _NOT_ACTIVE.fill(run=run_id), Side.PERSON, _LOOK_AGAIN, EXIT_NO)

    def _running_in(self, slot: int) -> _Running:
        running = self.running.get(slot)
        if running is None:
            raise Trouble("prompt.gone", _NO_QUESTION.fill(slot=slot), Side.PERSON, _LOOK_AGAIN, EXIT_USE)
        return running

    def _forget_dry_runs(self) -> None:
        shown = {run for _, run in self.run_in.values()}
        dry = [scope for scope, session in self.sessions.items() if not session.ticket and scope not in shown]
        for scope in dry[:-DRY_RUNS]:
            del self.sessions[scope]


async def _no_reference(seen: DeviceSeen, checklist: Checklist) -> ReferenceTable:
    return ReferenceTable()


async def _after(opened: asyncio.Future[None], runner: Runner, checks: Sequence[Check]) -> None:
    await opened
    await runner.run(checks)


#: What the session of a ticket that is not in memory may begin with.
_BEGIN_TICKETS = (TicketRegistered, TicketOpened)
#: The kinds of events that a slot's log tells of.
_LOGGED = frozenset(("phone-writing", "restore-failed", "attempt-ended"))


def _run_name(session: Session, station: str, number: int) -> str:
    """No two stations that go on with a ticket apart give two runs one name."""
    elsewhere = session.records and session.records[0].station
    return f"{session.ticket}-{station}-r{number}" if elsewhere else f"{session.ticket}-r{number}"


def _link_facts(slot: Slot) -> dict[str, str]:
    """What the bench knows of the way to the phone, for probes; what it does not know is left out."""
    if slot.link is None:
        return {}
    speed, hubs = port_speed(slot.link.port), hubs_between(slot.link.port)
    known = {
        "link-transport": slot.link.transport,
        "link-port": slot.link.port,
        "link-flaps": slot.flaps,
        "link-speed": speed,
        "link-hubs": hubs,
        "recorded": slot.link.recorded.partition(",")[0] or None,
    }
    return {name: safe_text(str(value), 200) for name, value in known.items() if value is not None}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _must_be_open(session: Session) -> None:
    """See that the phone is still with the shop; a dry run has no ticket.

    Raises:
        Trouble: it was handed back, or its ticket was closed: a run would change how that ended.
    """
    state = state_of(session)
    if session.ticket and not state.open:
        what = _HANDED_BACK.fill(ticket=session.ticket, state=state.words)
        raise Trouble("ticket.ended", what, Side.PERSON, _COMES_AGAIN, EXIT_NO)


def _stage(name: str, checklist: Checklist) -> Stage:
    stages = [stage.value for stage in checklist.stages]
    if name in stages:
        return Stage(name)
    what = _WRONG_STAGE.fill(id=checklist.id, stage=named(STAGES, name))
    raise Trouble("run.stage", what, Side.PERSON, _ITS_STAGES.fill(stages=", ".join(stages)), EXIT_USE)


def _chosen(checklist: Checklist, only: Sequence[str]) -> tuple[Check, ...]:
    """The checks to run, in the checklist's order."""
    known = [check.id for check in checklist.checks]
    unknown = [name for name in only if name not in known]
    if unknown:
        what = _NO_CHECK.fill(id=checklist.id, check=", ".join(unknown))
        raise Trouble("run.unknown-check", what, Side.PERSON, _CHECKS.fill(checks=", ".join(known)), EXIT_USE)
    return tuple(check for check in checklist.checks if not only or check.id in only)


def _speaks_for(session: Session, identity: Identity) -> bool:
    """Whether something says that the phone is the ticket's, and nothing against it."""
    serial, imeis = identities(session)
    some = bool(set(imeis) & set(identity.imeis)) or bool(serial and serial == identity.serial)
    return some and same_phone(session, identity)


def _seen(slot: Slot) -> DeviceSeen:
    link, identity = slot.link, slot.identity
    if link is None or identity is None:
        raise Trouble("slot.not-ready", _NOT_READY.fill(slot=slot.number), Side.CABLE, _PLUG_IN, EXIT_BENCH)
    return DeviceSeen(
        slot=slot.number,
        transport=link.transport,
        port=safe_text(f"{link.port}: {link.recorded}" if link.recorded else link.port, 200),
        serial=Identifying(identity=safe_text(identity.serial, 200)),
        imeis=tuple(Identifying(identity=safe_text(imei, 32)) for imei in identity.imeis),
        manufacturer=safe_text(identity.manufacturer, 200),
        model=safe_text(identity.model, 200),
        platform=identity.platform,
        os_version=safe_text(identity.os_version, 200),
        build=safe_text(identity.build, 400),
        simulated=link.simulated,
    )


def _ticket_values(session: Session) -> dict[str, Value]:
    serial, imeis = identities(session)
    named: dict[str, Value] = {"serial": serial, "model": session.model}
    found: dict[str, Value] = {name: value for name, value in named.items() if value}
    if imeis:
        found |= {"imei": imeis[0], "imeis": imeis}
    return found


def _values(measured: Sequence[Measured]) -> dict[str, Value]:
    named = {one.name: as_value(one.value) for one in measured}
    return {name: value for name, value in named.items() if value is not None}


_NO_TICKET = Words("There is no ticket {ticket} on this station", "本工位没有工单 {ticket}")
_LIST_TICKETS = Words("`assay ticket list` shows what there is", "请用 `assay ticket list` 查看")
_NO_RUN = Words("There is no run {run} on this station", "本工位没有检测 {run}")
_RECORDED = Words(
    "A bug report can stand for the phone in a diagnosis only", "错误报告只能用于诊断，不能代替手机进行其他检测"
)
_ON_PHONE = Words("Connect the phone itself for this checklist", "请连接手机后使用此检测清单")
_NOT_READY = Words("Slot {slot} has no phone that can be checked", "槽位 {slot} 没有可检测的手机")
_PLUG_IN = Words("Plug the phone in, unlock it and allow debugging", "请接入手机，解锁并允许调试")
_BUSY = Words("Slot {slot} is running a check already", "槽位 {slot} 正在检测")
_WAIT_OR_STOP = Words("Wait until it is done, or stop it", "请等待完成，或先停止")
_ACTIVE = Words("{run} is going on", "{run} 正在进行")
_NOT_ACTIVE = Words("{run} is not going on", "{run} 未在进行")
_LOOK_AGAIN = Words("Look at the phone's card again: it shows what is going on now", "请查看该槽位当前状态")
_NO_QUESTION = Words("Nothing is asked in slot {slot}", "槽位 {slot} 没有待答的提示")
_PHONE_AWAY = Words("The phone of this run is not connected", "该检测的手机未连接")
_OTHER_PHONE = Words("The phone in the slot is not the one of {ticket}", "槽位中的手机不是工单 {ticket} 的手机")
_HANDED_BACK = Words(
    "Ticket {ticket} is at its end ({state}): nothing is measured on it any more",
    "工单 {ticket} 已结束（{state}），不能再作检测",
)
_COMES_AGAIN = Words(
    "If the fault is not gone, write the follow-up, which opens it again; else take the phone in on a new ticket",
    "如故障未排除，请填写“回访”以重新打开工单；否则请另建工单接件",
)
_NO_INTAKE = Words("{ticket} has no intake yet", "工单 {ticket} 尚未接件")
_INTAKE_FIRST = Words("Take the phone in first: assay intake TICKET", "请先接件：assay intake TICKET")
_CONFIRM_FIRST = Words(
    "Show it to the customer and have it confirmed: `assay confirm {ticket}`; what differs is recorded anew with "
    "`assay appearance {ticket}`",
    "请向客户出示并取得确认：`assay confirm {ticket}`；有异议时重新记录外观：`assay appearance {ticket}`",
)
_RIGHT_SLOT = Words("Check which phone this is, and which slot it is in", "请核对手机与槽位")
_TICKET_BUSY = Words("A run of {ticket} is going on already", "工单 {ticket} 已有检测在进行")
_BAD_LIST = Words("The checklist {name} can't be used: {why}", "检测清单 {name} 无法使用：{why}")
_VALIDATE = Words("`assay checklist validate` lists every problem", "请用 `assay checklist validate` 查看全部问题")
_CHANGED = Words("The checklist {id} was changed since this run began", "检测清单 {id} 在本次检测开始后已更改")
_SEAL_AND_NEW = Words("Sign this run as it is, or start a new one", "请按现状签字，或重新开始检测")
_SEALED = Words("This run is sealed: nothing can be added to it", "本次检测已封存，不能再添加")
_START_NEW = Words("Start a new run", "请开始新的检测")
_NO_CHANGE = Words("Nothing called {change} is left to undo", "没有名为 {change} 的待恢复改动")
_LIST_CHANGES = Words("`assay undo --list` shows what is left", "请用 `assay undo --list` 查看")
_NOTHING_LEFT = Words("Every check of this run was made", "本次检测各项均已完成")
_SEAL_IT = Words("Look through it and sign, or retest a check", "请核对并签字，或重测某一项")
_CONFIRM = Words("{check} was tried {n} times already", "{check} 已测 {n} 次")
_ASK_FIRST = Words("Confirm that it shall be tried again", "请确认是否再次检测")
_WRONG_STAGE = Words("{id} is not for the stage {stage}", "{id} 不适用于阶段 {stage}")
_ITS_STAGES = Words("Its stages are: {stages}", "适用阶段：{stages}")
_NO_CHECK = Words("{id} has no check {check}", "{id} 中没有检测项 {check}")
_CHECKS = Words("Its checks are: {checks}", "检测项：{checks}")
_NO_SELF_CHECK = Words("There is no sealed self-check to confirm", "没有已封存的自检可供互检")
_SELF_CHECK_FIRST = Words("Finish and sign the self-check first", "请先完成自检并签字")
_READS_ONLY = Words(
    "An auditor reads everything and makes no run of a ticket", "审核员可查看全部内容，但不对工单作检测"
)
_TECHNICIAN = Words("Let a technician or an inspector run it", "请由维修工程师或互检人执行")
_SAME_PERSON = Words(
    "{person} made the self-check: the cross-check needs another person", "{person} 做了自检，互检须由他人进行"
)
_SOMEBODY_ELSE = Words("Let another qualified person make the cross-check", "请由另一位有资格的人员互检")
