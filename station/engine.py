"""The engine: the one process that owns phones, journal and outbox, and serves screens and commands over a socket.

It takes the data folder by a lock, ends what a crash left open, and runs until it is asked to end or has nothing to do.
It never waits for a client. What it does with phones is in `bench` and `work`, with records in `signing`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError
from sqlite_utils import Database

from checklists.load import load_checklist, shipped_checklists
from checklists.problems import ChecklistErrors
from drivers.api import DriverError, Identity, Side, Transport
from drivers.discovery import Discovery
from drivers.text import Words, safe_text
from probes.api import Loaded, discover
from reports import ledger
from reports.attest import key_id, public_raw
from reports.release import ReleasePolicy
from station import local_socket, tickets, vault, views
from station import messages as m
from station.attached import Mailbox
from station.bench import SLOTS, Bench, Slot
from station.bundles import Handing
from station.cards import card_values
from station.erasing import Erasing
from station.errors import EXIT_NO, EXIT_USE, Trouble
from station.events import DeviceIdentified, DeviceLost, EngineStarted, EvidenceViewed, LedgerOlder
from station.gauging import Gauging
from station.journal import JOURNAL, Journal, event
from station.lan import Lan
from station.outbox import OUTBOX, Uploader
from station.recovery import close_what_is_open
from station.reference import REFERENCE
from station.service import Service
from station.session import Session
from station.settings import Settings, load_station_key, private_folder
from station.setup import settle_rotation
from station.shelf import Shelf
from station.signing import Signing, software
from station.states import State, state_of
from station.stepping import Stepping
from station.stockroom import STOCK
from station.store import Store
from station.study import STUDY
from station.tickets import TICKETS
from station.unreadable import STATE, aside_words
from station.vault import VAULT
from station.witness import Witness
from station.work import Work

if TYPE_CHECKING:
    from station.onlookers import Onlookers

__all__ = ["Engine", "allowed_checklists"]

_log = logging.getLogger(__name__)

#: Seconds between two snapshots at most this often: 20 a second look smooth and cost little (tui.md, table 3).
FRAME_S = 0.05
#: Seconds before a part of the engine that broke begins again.
AGAIN_S = 1.0
#: Seconds without work, clients and outbox after which an engine ends by itself.
LINGER_S = 60.0
#: Runs that one client starts together at most.
MOST_STARTING = 16
#: Seconds that each part of the engine gets to end when the engine does.
END_S = 5.0
#: Bytes of free disk below which a run says that the bench is not well.
LOW_DISK = 200 * 1024 * 1024


Typed = TypeVar("Typed", m.Intake, m.NewTicket)


class Engine:
    """The engine of one data folder.

    Args:
        settings: the station.
        transports: ways to phones; None for a station that only keeps records.
        linger_s: seconds with nothing to do after which `serve` comes back; None: never by itself.
        policy: what a release demands beyond the rules; None: checklists that came with Assay or are the shop's own.
        loaded: the probes; None discovers them.
        uploads: whether the outbox is sent.
        onlookers: makes the processes in which probes look at answers; None: they do it in this one.
    """

    def __init__(
        self,
        settings: Settings,
        transports: Sequence[Transport] = (),
        *,
        linger_s: float | None = LINGER_S,
        policy: ReleasePolicy | None = None,
        loaded: Loaded | None = None,
        uploads: bool = True,
        onlookers: Callable[[Loaded], Onlookers] | None = None,
    ) -> None:
        self.settings, self._transports, self._linger_s = settings, list(transports), linger_s
        self._policy, self._loaded, self._uploads = policy, loaded, uploads
        self._make_onlookers = onlookers
        self.onlookers: Onlookers | None = None
        private_folder(settings.data)
        self._lock = FileLock(settings.data / "engine.lock", mode=0o600)
        self._hardware: FileLock | None = None
        self._clients: set[Mailbox] = set()
        self._cards: dict[int, m.Card] = {}
        self._dirty: set[int] = set()
        self._news, self._ending = asyncio.Event(), asyncio.Event()
        self._version = time.time_ns() // 1_000_000  # grows over restarts too, as far as the clock does
        self._outbox: m.OutboxView | None = None
        self._outbox_news = True
        self._tasks: list[asyncio.Task[None]] = []
        self._serving: set[asyncio.Task[None]] = set()
        self._telling: set[asyncio.Task[None]] = set()

    # --- life

    async def start(self) -> None:
        """Take the data folder, recover, and listen.

        Raises:
            Trouble: another engine has the folder, the station is not enrolled, or the store can't be used.
        """
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise Trouble("engine.running", _RUNNING, Side.BENCH, _ATTACH, EXIT_NO) from None
        try:
            self._take_hardware()
            await self._open()
        except BaseException:
            await self._let_go()
            raise

    def _take_hardware(self) -> None:
        """The adb server and the serial ports are the computer's: one engine on it has them, whatever its folder."""
        if self.settings.simulated or not self._transports:
            return
        import platformdirs

        folder = platformdirs.user_runtime_path("assay", appauthor=False)
        private_folder(folder)
        self._hardware = FileLock(folder / "hardware.lock", mode=0o600)
        try:
            self._hardware.acquire(timeout=0)
        except Timeout:
            raise Trouble("engine.hardware-taken", _HARDWARE_TAKEN, Side.BENCH, _ONE_AT_A_TIME, EXIT_NO) from None

    async def _open(self) -> None:
        self.store = Store(self.settings.database)
        await self.store.migrate([ledger.LEDGER, OUTBOX, VAULT, JOURNAL, TICKETS, SLOTS, STOCK, REFERENCE, STUDY])
        try:
            await self.store.write(ledger.check_schema)
        except ledger.LedgerError as error:
            raise Trouble("ledger.changed", error.words, Side.BENCH, _RESTORE) from error
        self.journal = Journal(self.store)
        await self.store.write(close_what_is_open)
        await self._settle_key()
        key = load_station_key(self.settings.data)
        self._probes = self._loaded or discover()
        self.bench = Bench(self.store, self._transports, self)
        self.work = Work(self.journal, self.bench, lambda: self._probes, self.touch)
        self.work.health = self._health
        if self._make_onlookers is not None:
            self.onlookers = self._make_onlookers(self._probes)
            self.work.ask_apart = self.onlookers.ask
        self.signing = Signing(self.settings, self.journal, key, await self._release_policy())
        self.stepping = Stepping(self.signing, self.settings.data, self._plugged)
        self.shelf = Shelf(self.signing)
        self.erasing = Erasing(self.signing, self.settings.data, self._forget)
        await self.erasing.finish()
        self.service = Service(self.store, self.stepping.policy)
        self.stepping.open_sessions = self.work.open_sessions
        self.work.policy = self.stepping.policy
        self._witness = None if self.settings.simulated else Witness(key_id(public_raw(key)))
        await self._compare_with_witness()
        self.uploader = Uploader(self.store, self.settings, key, changed=self._outbox_changed)
        self.signing.stored = self._record_stored
        self.signing.session_of = self.work.session
        self.signing.shop_policy = self.stepping.policy
        self.work.station = self.settings.station
        self.handing = Handing(self.signing, self.settings, self.work.open_sessions)
        self.lan = Lan(self.settings, self.store, self.handing, self.work.session, self.work.match_all)
        self.gauging = Gauging(self.settings, self.store, self.work.find_run, self.signing.roster)
        self.work.reference = self.gauging.table
        self.work.card = partial(card_values, self.settings.data)
        self._receipt_ms = (await self.uploader.view()).receipt_ms
        self._older = await self._ledger_older()
        await self.bench.load()
        await self.work.load()
        for trouble in self.work.aside.values():
            _log.error("engine: %s", trouble)
        self._server = await local_socket.listen(self.settings.data, self._attach)
        discovery = Discovery(self._transports)
        self._go(lambda: self.bench.follow(discovery.changes()), "bench")
        self._go(self._publish, "snapshots")
        self._go(self.lan.serve, "lan")
        if self.onlookers is not None:
            self._go(self.onlookers.run, "onlookers")
        if self._uploads:
            self._go(self.uploader.run, "outbox")

    async def _settle_key(self) -> None:
        """A rotation of the station's key that was cut off is ended, one way or the other."""
        settle_rotation(self.settings, await self.store.read(ledger.roster_of))

    async def _compare_with_witness(self) -> None:
        """An old copy of the data folder goes on working, and says so in every run until head office has answered."""
        if self._witness is None:
            return
        lost = await self.store.read(self._witness.lost)
        if lost:
            last = await self.store.read(ledger.last_link)
            await self.journal.append([event(LedgerOlder(lost=lost, seq=last.seq if last else 0))])
            _log.error("engine: this data folder is an older copy: at least %d records are missing", lost)
        await self.store.read(self._witness.see)

    async def _ledger_older(self) -> bool:
        """Whether the newest word on this ledger is that records are missing: no receipt came since."""
        query = "SELECT coalesce(max(wall_ms), 0) FROM journal WHERE kind = 'ledger-older'"
        since_ms = int(await self.store.read(lambda db: db.execute(query).fetchone()[0]))
        return since_ms > 0 and self._receipt_ms < since_ms

    async def _release_policy(self) -> ReleasePolicy:
        """A release stands on checklists that came with this or an earlier version, or lie in the data folder.

        Earlier ones stay allowed, so that an update does not shut in the phones that are on the bench.
        """
        known = await asyncio.to_thread(allowed_checklists, self.settings.data / "checklists")
        started = EngineStarted(version=software().version, pid=os.getpid(), checklists=known)
        await self.journal.append([event(started)])
        if self._policy is not None:
            return self._policy
        return ReleasePolicy(checklists=frozenset(await self.store.read(_ever_allowed)))

    def _go(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        async def guarded() -> None:
            while not self._ending.is_set():
                try:
                    await work()
                except Exception:  # one part that breaks must not take the phones' runs with it: it begins again
                    _log.exception("engine: %s", name)
                    await asyncio.sleep(AGAIN_S)
                else:
                    return

        self._tasks.append(asyncio.create_task(guarded(), name=name))

    async def serve(self) -> None:
        """Serve until asked to end, or until there was nothing to do for `linger_s`."""
        idle_s = 0.0
        step = min(1.0, self._linger_s or 1.0)
        while not self._ending.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), step)
            idle_s = 0.0 if self._busy() else idle_s + step
            if self._linger_s is not None and idle_s >= self._linger_s:
                return

    def _busy(self) -> bool:
        waiting = self._outbox is not None and self._outbox.waiting and self.settings.head_office
        listening = self.lan.listening  # others count on it
        return bool(self._clients or self.work.running or self._serving or listening or (waiting and self._uploads))

    def stop(self) -> None:
        """Ask `serve` to come back."""
        self._ending.set()

    async def close(self) -> None:
        """End everything in order: clients, runs (their open attempts stay open), phones, store, lock."""
        self._ending.set()
        self._server.close()
        local_socket.remove(self.settings.data)
        await self.work.stop()
        for task in self._tasks:
            task.cancel()
        await _wait_for_the_end(self._tasks)
        for client in list(self._clients):
            client.leave()
        if self._serving:
            await asyncio.wait(self._serving, timeout=1)
        with contextlib.suppress(Trouble):  # a failing disk has said so before; the next end seals what is left
            await self.signing.seal_head()
        await self.bench.close()
        await asyncio.gather(*self._telling)
        await self._let_go()

    async def _let_go(self) -> None:
        if hasattr(self, "store"):
            await asyncio.get_running_loop().run_in_executor(None, self.store.close)
        if self._hardware is not None:
            self._hardware.release()
        self._lock.release()

    # --- what the bench tells (`bench.Watcher`)

    def changed(self, slot: Slot) -> None:
        """Something about the slot is different."""
        self.touch(slot.number)

    async def identified(self, slot: Slot) -> None:
        """A phone told who it is."""
        if self.onlookers is not None:
            self.onlookers.begin()
        await self.work.identified(slot)
        if slot.link is not None and slot.identity is not None:
            told = DeviceIdentified(
                slot=slot.number,
                transport=slot.link.transport,
                port=safe_text(slot.link.port, 200),
                model=safe_text(slot.identity.model, 200),
                serial_tail=safe_text(slot.identity.serial)[-4:],
            )
            self._tell_bench(told)

    async def lost(self, slot: Slot) -> None:
        """A phone is gone, or can't be used any more."""
        await self.work.lost(slot)
        if slot.link is None:
            self._tell_bench(DeviceLost(slot=slot.number, port=safe_text(slot.port, 200)))

    def _tell_bench(self, told: DeviceIdentified | DeviceLost) -> None:
        """Journal it without waiting: a full disk must not keep phones from being seen; the runs say it."""

        async def tell() -> None:
            with contextlib.suppress(Trouble):
                await self.journal.append([event(told)])

        task = asyncio.create_task(tell())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    # --- snapshots

    def touch(self, slot: int | None) -> None:
        """Something that is shown has changed: of a slot, or of the bench as a whole."""
        if slot is not None:
            self._dirty.add(slot)
        self._news.set()

    def _record_stored(self) -> None:
        self.uploader.wake()
        self._outbox_changed()

    def _outbox_changed(self) -> None:
        self._outbox_news = True
        self.touch(None)

    async def _publish(self) -> None:
        self._dirty |= set(self.bench.slots)  # what was being shown when this broke is shown again
        while True:
            await self._news.wait()
            self._news.clear()
            if self._outbox_news:
                self._outbox_news = False
                with contextlib.suppress(Trouble):
                    self._outbox = await self.uploader.view()
                if self._outbox is not None and self._outbox.receipt_ms > self._receipt_ms:
                    self._receipt_ms = self._outbox.receipt_ms
                    self.signing.clock.anchor(self._receipt_ms)
                    self._older = await self._ledger_older()
                if self._witness is not None:
                    await self.store.read(self._witness.see)
            dirty, self._dirty = self._dirty, set()
            for number in dirty:
                self._cards[number] = self._card(self.bench.slots[number])
            self._version += 1
            if self._clients:
                self._show(dirty)
            await asyncio.sleep(FRAME_S)

    def _show(self, dirty: set[int]) -> None:
        bench = self._bench_snapshot().model_dump_json().encode() + b"\n"
        views_: dict[int, bytes] = {}
        for client in self._clients:
            client.show("bench", bench)
            watched = client.watched
            if watched is not None and watched in dirty and watched in self.bench.slots:
                if watched not in views_:
                    views_[watched] = self._session_view(watched).model_dump_json().encode() + b"\n"
                client.show("session", views_[watched])

    def _card(self, slot: Slot) -> m.Card:
        ticket = self.work.ticket_in.get(slot.number, "")
        run = self.work.run_of(slot.number)
        trouble = self.work.trouble_of(slot.number)
        question, left = self.work.question_of(slot.number), self.work.to_show(slot)
        session = self.work.sessions.get(ticket)
        registered = session is not None and state_of(session) in (State.REGISTERED, State.APPOINTED)
        what = trouble.what if trouble else None
        return views.card(slot, ticket, run, question, what, left, registered=registered)

    def _bench_snapshot(self) -> m.BenchSnapshot:
        for number, slot in self.bench.slots.items():
            if number not in self._cards:
                self._cards[number] = self._card(slot)
        slot_of = {ticket: number for number, ticket in self.work.ticket_in.items()}
        links = {name: _link_words(transport.trouble) for name, transport in self.bench.transports.items()}
        return m.BenchSnapshot(
            version=self._version,
            station=self.settings.name,
            shop=self.settings.shop,
            simulated=self.settings.simulated,
            cards=tuple(self._cards[number] for number in sorted(self._cards)),
            todo=tuple(views.todo(self._cards, self.work.sessions, slot_of)),
            links=links,
            troubles=(*aside_words(self.work.aside), *(trouble.what for trouble in self.bench.troubles)),
            outbox=self._outbox.waiting if self._outbox else 0,
            rejected=self._outbox.rejected if self._outbox else 0,
            now_ms=time.time_ns() // 1_000_000,
        )

    def _session_view(self, number: int) -> m.SessionView:
        slot = self.bench.slots[number]
        run = self.work.run_of(number)
        ticket, _run = self.work.run_in.get(number, ("", ""))
        question = self.work.question_of(number)
        session = self.work.sessions.get(self.work.ticket_in.get(number, ""))
        return m.SessionView(
            version=self._version,
            slot=number,
            card=self._card(slot),
            identity=views.identity_rows(slot),
            ticket=views.ticket_view(session, self.work.changes.values()) if session and session.ticket else None,
            run=views.run_view(run).model_copy(update={"ticket": ticket}) if run else None,
            prompt=views.prompt_view(number, run, question) if run and question else None,
            log=tuple(slot.log),
        )

    def _health(self) -> dict[str, object]:
        """What the bench's own look at itself says, for a run's record."""
        lines = [str(trouble.code) for trouble in self.bench.troubles]
        if self.signing.clock.now(None).state == "suspect":
            lines.append("clock.suspect")
        if self._older:
            lines.append("ledger.older")
        if shutil.disk_usage(self.settings.data).free < LOW_DISK:
            lines.append("disk.low")
        if self.onlookers is not None and self.onlookers.lacking:
            lines.append("probes.not-apart")
        return {"well": not lines, "lines": lines}

    # --- clients

    async def _attach(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Mailbox(writer)
        task = asyncio.current_task()
        if task is not None:
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        delivery = asyncio.create_task(client.deliver())
        self._clients.add(client)
        try:
            await client.reply(self._hello())
            client.show("bench", self._bench_snapshot().model_dump_json().encode() + b"\n")
            await self._obey(client, reader)
        except (ConnectionError, ValueError):  # gone, or a line that no client of ours sends
            pass
        finally:
            self._clients.discard(client)
            client.leave()
            await asyncio.wait({delivery})

    def _hello(self) -> m.Hello:
        about = {"version": software().version, "pid": os.getpid(), "phones": bool(self._transports)}
        return m.Hello(protocol=m.PROTOCOL, **about)

    async def _obey(self, client: Mailbox, reader: asyncio.StreamReader) -> None:
        """Do the client's commands one after the other.

        Runs that it starts in a row are started together, since each start waits for the disk; what comes after them
        waits for all of them.
        """
        starting: set[asyncio.Task[None]] = set()
        while not client.gone:
            line = await reader.readline()
            if not line.endswith(b"\n"):
                return
            call = _call(line)
            if isinstance(call, m.Call) and isinstance(call.command, m.StartRun) and len(starting) < MOST_STARTING:
                task = asyncio.create_task(self._reply(client, call), name="start")
                for kept in (starting, self._serving):
                    kept.add(task)
                    task.add_done_callback(kept.discard)
                continue
            if starting:
                await asyncio.wait(starting)
            await self._reply(client, call)

    async def _reply(self, client: Mailbox, call: m.Call | m.Refusal) -> None:
        await client.reply(call if isinstance(call, m.Refusal) else await self._answer(client, call))

    async def _answer(self, client: Mailbox, call: m.Call) -> BaseModel:
        call_id = call.id
        try:
            return m.Ok(id=call_id, data=await self._do(client, call.command))
        except Trouble as trouble:
            return _refusal(call_id, trouble)
        except DriverError as error:
            return _refusal(call_id, Trouble(error.code, error.what, error.side, error.next_step))
        except Exception as error:
            _log.exception("a command failed")  # its text may name the customer
            what = _BUG.fill(error=f"{type(error).__name__}: {error}")
            return _refusal(call_id, Trouble("engine.bug", what, Side.BENCH, _TELL_US))

    async def _do(self, client: Mailbox, command: m.Command) -> dict[str, Any]:
        match command:
            case m.Watch():
                return self._watch(client, command)
            case m.NewTicket():
                return {"ticket": await self.signing.register(_inert(command))}
            case m.Intake():
                return await self._intake(command)
            case m.StartRun():
                if command.ticket:
                    await self.signing.must_be_enrolled(command.person)
                return {"run": await self.work.start(command)}
            case m.AnswerPrompt():
                await self.work.answer(command)
            case m.SkipPrompt():
                await self.work.skip(command)
            case m.Retest():
                await self.work.retest(command)
            case m.ResumeRun():
                return {"checks": list(await self.work.resume(command))}
            case m.AbortRun():
                await self.work.abort(command)
            case _:
                return await self._do_records(command)
        return {}

    async def _do_records(self, command: m.Command) -> dict[str, Any]:
        match command:
            case m.CloseRun():
                session, run = await self.work.find_run(command.run)
                return {"record": await self.signing.seal_run(session, run.id)}
            case m.ExportBundle():
                return await self.handing.export(command)
            case m.ImportBundle():
                done = await self.handing.take(command, self.work.session)
                self.work.match_all()
                return done
            case m.SendBundle():
                return await self.lan.send(command)
            case m.FetchBundle():
                return await self.lan.fetch(command)
            case m.PeersQuery():
                return await self.lan.peers()
            case m.PrepareSignoff():
                return await self.signing.prepare_signoff(command)
            case m.StepsQuery():
                return await self.stepping.possible(command)
            case m.PreviewStep():
                return await self.stepping.preview(command)
            case m.DoStep():
                done = await self.stepping.do(command)
                with contextlib.suppress(Trouble):  # a ticket that was closed may be open again, and is matched then
                    await self.work.session(done["ticket"])
                self.work.match_all()
                return done
            case m.PrepareRelease():
                await self.work.session(command.ticket)
                return await self.signing.prepare_release(command)
            case m.CommitRecord():
                done = await self.erasing.commit(command)
                self.work.match_all()
                return done
            case m.ReportUnlock():
                await self.signing.report_unlock(command)
                return {}
            case _:
                return await self._do_queries(command)

    async def _do_queries(self, command: m.Command) -> dict[str, Any]:
        if isinstance(command, m.Gauged):
            return await self.gauging.do(command)
        match command:
            case m.TicketQuery():
                session = await self.work.session(command.ticket)
                return views.ticket_view(session, self.work.changes.values()).model_dump(mode="json")
            case m.TicketsQuery():
                return {"tickets": await self._tickets(command)}
            case m.RunQuery():
                session, run = await self.work.find_run(command.run)
                view = views.run_view(run).model_copy(update={"ticket": session.ticket})
                return {"view": view.model_dump(mode="json"), "document": views.run_document(session, run)}
            case m.EvidenceQuery():
                return await self._evidence(command)
            case m.OutboxQuery():
                return (await self.uploader.view()).model_dump(mode="json")
            case m.FlushOutbox():
                self.uploader.flush()
            case m.FindDevice():
                return {"slot": await self._find(command)}
            case m.ChangesQuery():
                return self._changes()
            case m.UndoChanges():
                await self._undo(command)
                return self._changes()
            case m.GiveUpChange():
                await self.work.give_up(command)
            case m.ClocksQuery():
                return await self.service.clocks(command.ticket)
            case m.DueQuery():
                return {"due": await self.service.due(command.what)}
            case m.StockQuery():
                return {"parts": await self.shelf.levels(command)}
            case m.MoveStock():
                return await self.shelf.move(command)
            case m.StatusQuery():
                return self._status()
            case m.StopEngine():
                self._stop(command)
        return {}

    def _watch(self, client: Mailbox, command: m.Watch) -> dict[str, Any]:
        client.watched = command.slot
        client.forget("session")
        if command.slot is None:
            return {}
        if command.slot not in self.bench.slots:
            raise Trouble("slot.unknown", _NO_SLOT.fill(slot=command.slot), Side.PERSON, _PICK_SLOT, EXIT_USE)
        client.show("session", self._session_view(command.slot).model_dump_json().encode() + b"\n")
        return {}

    async def _intake(self, command: m.Intake) -> dict[str, Any]:
        slot = self.bench.slots.get(command.slot) if command.slot is not None else None
        if command.slot is not None and (slot is None or slot.identity is None):
            raise Trouble("slot.unknown", _NO_PHONE.fill(slot=command.slot), Side.CABLE, _PLUG_IN)
        identity = slot.identity if slot else None
        others = self.work.open_sessions()
        number = command.ticket or tickets.registered_for(command, identity, others)
        if number in self.work.aside:
            await self.work.session(number)  # says why not
        known = await self.store.read(lambda db: vault.personal(db, number)) if number else {}
        before = self.work.sessions.get(number, Session())
        model = command.model or (identity.model if identity else "") or before.model
        told = {"ticket": number, "model": model, "complaint": command.complaint or before.complaint}
        command = tickets.as_registered(command.model_copy(update=told), known)
        phone = tickets.taken_in(command, identity, others, known)
        ticket, digest = await self.signing.open_ticket(_inert(command), phone, others)
        self.work.match_all()
        return {"ticket": ticket, "record": digest}

    async def _tickets(self, command: m.TicketsQuery) -> list[dict[str, Any]]:
        found = await self.store.read(lambda db: tickets.rows(db, command.text, command.limit))
        for row in found:
            session = self.work.sessions.get(row["ticket"])
            if session is not None:
                row["state"] = state_of(session).value
            if row["ticket"] in self.work.aside:
                row["state"] = STATE.en
        return found

    async def _evidence(self, command: m.EvidenceQuery) -> dict[str, Any]:
        found = await self.store.read(lambda db: vault.evidence(db, command.sha256))
        if found is None:
            what = _NO_EVIDENCE.fill(digest=command.sha256[:12])
            raise Trouble("evidence.unknown", what, Side.BENCH, _ERASED_OR_ELSEWHERE, EXIT_USE)
        scope, kept = found
        session = self.work.sessions.get(scope)
        ticket = scope if session is None or session.ticket else ""
        viewed = EvidenceViewed(sha256=command.sha256, name=kept.name, person=safe_text(command.person, 200))
        await self.journal.append([event(viewed, ticket, "" if ticket else scope)])
        return {
            "name": kept.name,
            "media_type": kept.media_type,
            "base64": base64.b64encode(kept.data).decode(),
        }

    async def _find(self, command: m.FindDevice) -> int:
        wanted = command.device
        until = time.monotonic() + min(command.wait_s, 120.0)
        while True:
            found = [slot for slot in self.bench.slots.values() if slot.link and views.is_called(slot, wanted)]
            ready = [slot for slot in found if slot.ready]
            if len(ready) == 1:
                return ready[0].number
            if len(ready) > 1:
                names = ", ".join(f"{slot.link.id} ({slot.port})" for slot in ready if slot.link)
                raise Trouble(
                    "device.ambiguous", _SEVERAL.fill(name=wanted, names=names), Side.PERSON, _NAME_ONE, EXIT_USE
                )
            if time.monotonic() >= until:
                raise _not_found(wanted, found)
            await asyncio.sleep(FRAME_S)

    async def _undo(self, command: m.UndoChanges) -> None:
        """Undo what can be undone; while no phone that it concerns is here, wait for one."""
        until = time.monotonic() + min(command.wait_s, 120.0)
        while time.monotonic() < until and not any(map(self.work.owed, self.bench.slots.values())):
            if not self.work.changes:
                return
            await asyncio.sleep(FRAME_S)
        await self.work.restore(command.slot)

    def _changes(self) -> dict[str, Any]:
        rows = []
        for change in self.work.changes.values():
            here = [slot.number for slot in self.bench.slots.values() if slot.identity and change.is_on(slot.identity)]
            rows.append(views.change_row(change, here[0] if here else None).model_dump(mode="json"))
        return {"changes": rows}

    def _plugged(self) -> tuple[Identity, ...]:
        """Who the phones say they are that are here now."""
        return tuple(slot.identity for slot in self.bench.slots.values() if slot.identity is not None)

    async def _forget(self, ticket: str) -> None:
        """Fold an erased ticket anew: what was readable of it is only in memory by now."""
        if self.work.sessions.pop(ticket, None) is not None:
            await self.work.session(ticket)

    def _status(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "version": software().version,
            "running": [running.run for running in self.work.running.values()],
            "clients": len(self._clients),
            "data": str(self.settings.data),
            "outbox": self._outbox.waiting if self._outbox else 0,
            "commits": self.store.commits,
        }

    def _stop(self, command: m.StopEngine) -> None:
        if self.work.running and not command.force:
            names = ", ".join(running.run for running in self.work.running.values())
            raise Trouble("engine.busy", _BUSY.fill(runs=names), Side.PERSON, _FORCE, EXIT_NO)
        self._ending.set()


async def _wait_for_the_end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for cancelled tasks, but not for ever: one that does not let go is named in the log and left behind."""
    _, left = await asyncio.wait(tasks, timeout=END_S)
    for task in left:
        _log.error("engine: %s does not end: %s", task.get_name(), task.get_stack(limit=1))


def allowed_checklists(folder: Path) -> tuple[str, ...]:
    """Digests of the checklists that come with Assay and of the shop's own in `folder`; a broken one does not count."""
    found: list[str] = []
    names: list[str | Path] = [*shipped_checklists(), *sorted(folder.glob("*.toml"))]
    for each in names:
        with contextlib.suppress(ChecklistErrors):
            found.append(load_checklist(each).sha256 or "")
    return tuple(sorted(set(found) - {""}))


def _ever_allowed(db: Database) -> set[str]:
    """Digests of the checklists that came with any version which ran here; a row that is damaged allows nothing."""
    query = (
        "SELECT DISTINCT CASE WHEN json_valid(body) THEN CAST(json_extract(body, '$.checklists') AS BLOB) END"
        " FROM journal WHERE kind = 'engine-started'"
    )
    allowed: set[str] = set()
    for (told,) in db.execute(query).fetchall():
        with contextlib.suppress(ValueError):
            allowed.update(each for each in json.loads(told or b"[]") if isinstance(each, str))
    return allowed


def _call(line: bytes) -> m.Call | m.Refusal:
    """What a client wants, or why it is not understood."""
    try:
        return m.Call.model_validate_json(line)
    except ValidationError as error:
        why = _FORM.fill(why=error.errors()[0]["msg"])
        return _refusal(0, Trouble("call.form", why, Side.BENCH, _UPDATE))


def _refusal(call_id: int, trouble: Trouble) -> m.Refusal:
    return m.Refusal(
        id=call_id,
        code=trouble.code,
        what=trouble.what,
        side=trouble.side.value,
        next_step=trouble.next_step,
        exit_code=trouble.exit_code,
    )


def _link_words(trouble: DriverError | None) -> Words:
    return Words("ok", "正常") if trouble is None else trouble.what


def _inert(typed: Typed) -> Typed:
    """The command with every typed text made safe to show and to sign."""
    texts = {name: safe_text(value, 2000) for name, value in dict(typed).items() if isinstance(value, str)}
    return typed.model_copy(update=texts)


def _not_found(wanted: str, found: Sequence[Slot]) -> Trouble:
    blocked = next((slot.trouble for slot in found if slot.trouble), None)
    if blocked is not None:
        return Trouble("device.blocked", blocked[0], Side.PHONE, blocked[1])
    return Trouble("device.none", _NOT_FOUND.fill(name=wanted), Side.CABLE, _LIST_DEVICES)


_RUNNING = Words("An engine runs on this data folder already", "该数据目录已有引擎在运行")
_RESTORE = Words(
    "Stop work, keep the file as it is, and restore the last backup", "请停止作业，保留现有文件，并恢复最近的备份"
)
_HARDWARE_TAKEN = Words("Another engine on this computer has the phones", "本机另一引擎正在使用手机连接")
_ONE_AT_A_TIME = Words(
    "End it first: assay engine --stop, with the --data folder that it was started with",
    "请先停止它：assay engine --stop（使用其启动时的 --data 目录）",
)
_ATTACH = Words("Attach to it, or end it: assay engine --stop", "请连接到该引擎，或先停止：assay engine --stop")
_FORM = Words("The engine does not understand this: {why}", "引擎无法识别该命令：{why}")
_UPDATE = Words("Use the same version of Assay for screen and engine", "请使用与引擎相同版本的程序")
_BUG = Words("The engine failed: {error}", "引擎出错：{error}")
_TELL_US = Words(
    "Try again; if it happens again, keep the log and tell the maker", "请重试；若再次出现，请保留日志并反馈"
)
_NO_SLOT = Words("There is no slot {slot}", "没有槽位 {slot}")
_PICK_SLOT = Words("Look at the overview", "请查看总览")
_NO_PHONE = Words("Slot {slot} has no phone that told who it is", "槽位 {slot} 没有已识别的手机")
_PLUG_IN = Words("Plug the phone in, unlock it and allow debugging", "请接入手机，解锁并允许调试")
_NO_EVIDENCE = Words("There is no evidence {digest} here", "此处没有原始数据 {digest}")
_ERASED_OR_ELSEWHERE = Words("It was erased, or lies on another station", "已删除，或在其他工位")
_SEVERAL = Words("{name} means several phones: {names}", "“{name}”对应多台手机：{names}")
_NAME_ONE = Words("Name one by more of its serial, or unplug the other", "请输入更多序列号字符，或拔下另一台")
_NOT_FOUND = Words("No phone {name} is connected", "未连接手机 {name}")
_LIST_DEVICES = Words("`assay devices` shows what is seen and what blocks it", "请用 `assay devices` 查看已连接的手机")
_BUSY = Words("Runs are going on: {runs}", "正在检测：{runs}")
_FORCE = Words(
    "Wait, stop them, or use --force: they end as interrupted", "请等待或停止；也可用 --force，未完成的记为中断"
)
