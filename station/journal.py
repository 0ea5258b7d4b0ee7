"""The journal: every event as it happened, append-only, on the disk before anybody goes on.

Stands on the store and the vault: identities, people's own words, texts read from a phone and the digests of evidence
are encrypted under the ticket's key on the way in and opened on the way out, so that what is folded is plain and what
is stored can be made unreadable. Parts of attempts that come together share a row (`packed`). It knows no device.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import sqlite3
import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic_core import to_json
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from station import packed, vault
from station.events import BODY, PRIVATE, Body, Event, RunFinished, fields_of
from station.store import Store, append_only, insert_rows
from station.unreadable import DAMAGE, Undeciphered, Unreadable, undecodable, unreadable

__all__ = ["JOURNAL", "WRITES", "Journal", "boot_id", "event", "insert", "load", "not_here"]

JOURNAL = Migrations("assay-journal")
#: Scope of events that belong to no ticket and no run: they hold no identity, so no key is made for it.
_BENCH = ""
#: The kinds of events that changes on phones are folded from.
WRITES = ("phone-writing", "phone-restored", "restore-failed", "change-given-up")
_COLUMNS = ("ticket", "run", "wall_ms", "mono_ns", "boot_id", "kind", "body")
_UNLESS_THERE = "ON CONFLICT (boot_id, mono_ns) DO NOTHING"
#: How many events back a second storing of the same event is noticed.
REMEMBERED = 10_000


@JOURNAL()
def m001_journal(db: Database) -> None:
    """The journal itself."""
    db.table("journal").create(
        {
            "seq": int,
            "ticket": str,
            "run": str,
            "wall_ms": int,
            "mono_ns": int,
            "boot_id": str,
            "kind": str,
            "body": str,
        },
        pk="seq",
        not_null={"ticket", "run", "wall_ms", "mono_ns", "boot_id", "kind", "body"},
        strict=True,
    )
    db.table("journal").create_index(["ticket"])
    db.table("journal").create_index(["run"])
    db.table("journal").create_index(["boot_id", "mono_ns"], unique=True)
    db.execute("CREATE INDEX journal_runs ON journal (seq) WHERE kind IN ('run-opened', 'run-resumed', 'run-finished')")
    append_only(db, "journal")


@JOURNAL()
def m002_writes(db: Database) -> None:
    """What was changed on phones is looked up at every start, among everything that ever happened."""
    kinds = ", ".join(f"'{kind}'" for kind in WRITES)
    db.execute(f"CREATE INDEX journal_writes ON journal (seq) WHERE kind IN ({kinds})")


@JOURNAL()
def m003_sealed_texts(db: Database) -> None:
    """Earlier versions kept people's words and the digests of evidence in clear: they are encrypted where they lie.

    Nothing that was said changes, so the guards of the table are taken off for this and put back. What belongs to a
    ticket that was erased already is erased with it.
    """
    for guard in ("no_update", "no_delete", "no_replace"):
        db.execute(f"DROP TRIGGER journal_{guard}")
    kinds = ", ".join(f"'{kind}'" for kind in PRIVATE)
    scopes: dict[str, vault.Scope | None] = {_BENCH: None}
    for row in list(db.query(f"SELECT seq, ticket, run, kind, body FROM journal WHERE kind IN ({kinds})")):  # noqa: S608
        name = row["ticket"] or row["run"]
        if name not in scopes:
            scopes[name] = vault.open_scope(db, name) or (vault.lost_scope(name) if name else None)
        body = json.dumps(_hidden(row["kind"], json.loads(row["body"]), scopes[name]), ensure_ascii=False)
        db.execute("UPDATE journal SET body = ? WHERE seq = ?", [body, row["seq"]])
    append_only(db, "journal")


@functools.cache
def boot_id() -> str:
    """Which boot of this computer the monotonic clock belongs to; made up per process where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return str(uuid.uuid4())


_last_ns = 0


def event(body: Body, ticket: str = "", run: str = "") -> Event:
    """Something that happens now, not stored yet.

    No two events of a boot carry the same `mono_ns`, so that storing one again changes nothing. Called in the engine's
    loop alone.
    """
    global _last_ns
    now_ns = time.monotonic_ns()
    _last_ns = now_ns if now_ns > _last_ns else _last_ns + 1
    return Event(0, ticket, run, time.time_ns() // 1_000_000, _last_ns, boot_id(), body)


def _open(value: Any, scope: vault.Scope | None) -> Any:
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(value.get("sealed"), str):
            data = scope.unseal(base64.b64decode(value["sealed"]), "identity") if scope else None
            return {"identity": None if data is None else data.decode()}
        return {key: _open(each, scope) for key, each in value.items()}
    return [_open(each, scope) for each in value] if isinstance(value, list) else value


def _hidden(kind: str, body: dict[str, Any], scope: vault.Scope | None) -> dict[str, Any]:
    """The body of an event with its private texts encrypted; without a scope it belongs to no customer."""
    if scope is None:
        return body
    return body | {name: _hide(body[name], f"{kind}.{name}", scope) for name in PRIVATE.get(kind, ()) if name in body}


def _hide(value: Any, purpose: str, scope: vault.Scope) -> Any:
    if isinstance(value, str) and value:
        return {"text": base64.b64encode(scope.seal(value.encode(), purpose)).decode()}
    if isinstance(value, (list, tuple)) and value:
        data = json.dumps(value, ensure_ascii=False).encode()
        return {"texts": base64.b64encode(scope.seal(data, purpose)).decode(), "n": len(value)}
    return value


def _shown(kind: str, body: dict[str, Any], scope: vault.Scope | None) -> dict[str, Any]:
    return body | {name: _show(body[name], f"{kind}.{name}", scope) for name in PRIVATE.get(kind, ()) if name in body}


def _show(value: Any, purpose: str, scope: vault.Scope | None) -> Any:
    """What was hidden; empty texts, as many as there were, where its key was destroyed."""
    match value:
        case {"text": str(sealed), **more} if not more:
            data = scope.unseal(base64.b64decode(sealed), purpose) if scope else None
            return "" if data is None else data.decode()
        case {"texts": str(sealed), "n": int(count), **more} if not more:
            data = scope.unseal(base64.b64decode(sealed), purpose) if scope else None
            return [""] * count if data is None else json.loads(data)
    return value


class _Scopes(dict[str, "vault.Scope | None"]):
    """The scopes of a transaction, each opened (or made) when something has to be encrypted for it, and not before:
    telling something of an erased ticket must not give it a new key."""

    def __init__(self, db: Database) -> None:
        super().__init__({_BENCH: None})
        self._db = db

    def __missing__(self, name: str) -> vault.Scope | None:
        self[name] = vault.open_scope(self._db, name, make=True)
        return self[name]


def insert(db: Database, events: Iterable[Event]) -> list[Event]:
    """Store events in the caller's transaction; back come the same with their `seq`.

    An event that is stored already (its commit was not confirmed, and it is tried again) stays as it is.
    """
    return _insert_one_by_one(db, list(events), _Scopes(db))


def not_here(db: Database, events: Iterable[Event]) -> list[Event]:
    """Those of the events that are not stored."""
    every = list(events)
    places = _places(db, every)
    return [each for each in every if (each.boot_id, each.mono_ns) not in places]


def _insert_one_by_one(db: Database, every: Sequence[Event], scopes: Mapping[str, vault.Scope | None]) -> list[Event]:
    """Store those that are not stored yet, each in a row of its own."""
    packs = _packs_with(db, every)
    rows = [_row(each, scopes) for each in every if (each.boot_id, each.mono_ns) not in packs]
    new, last = insert_rows(db, "journal", _COLUMNS, rows, _UNLESS_THERE)
    if new == len(every):  # nobody else writes in this transaction: places are in a row
        return [each._replace(seq=seq) for seq, each in enumerate(every, last - new + 1)]
    places = _places(db, every)
    return [each._replace(seq=places[each.boot_id, each.mono_ns]) for each in every]


def _insert_new(db: Database, every: Sequence[Event], scopes: Mapping[str, vault.Scope | None]) -> list[Event]:
    """Store events, parts of attempts together; nobody has tried to store these parts before."""
    packs = list(packed.packs(every))
    rows = [_row(pack[0], scopes) if len(pack) == 1 else _packed_row(pack, scopes) for pack in packs]
    new, last = insert_rows(db, "journal", _COLUMNS, rows, _UNLESS_THERE)
    if new != len(rows):  # something else is there already; what was just stored is found in its place
        return _insert_one_by_one(db, every, scopes)
    return [
        Event(seq, each.ticket, each.run, each.wall_ms, each.mono_ns, each.boot_id, each.body)
        for seq, pack in enumerate(packs, last - new + 1)
        for each in pack
    ]


def _packed_row(pack: Sequence[Event], scopes: Mapping[str, vault.Scope | None]) -> tuple[str | int, ...]:
    first = pack[0]
    scope = scopes[first.ticket or first.run]
    assert scope is not None  # noqa: S101 - a pack is of a run, never of the bench
    body = packed.sealed_body(pack, scope)
    return first.ticket, first.run, first.wall_ms, first.mono_ns, first.boot_id, packed.KIND, body


def _packs_with(db: Database, events: Iterable[Event]) -> dict[tuple[str, int], int]:
    """The places of all that stands in packs of the runs of these events, by boot and time."""
    runs = {each.run for each in events if each.body.kind in packed.PACKABLE}
    query = "SELECT seq, boot_id, mono_ns, body FROM journal WHERE run = ? AND kind = ?"
    rows = [row for run in sorted(runs) for row in db.query(query, [run, packed.KIND])]
    return {(row["boot_id"], mono_ns): row["seq"] for row in rows for mono_ns in packed.times(row)}


def _places(db: Database, events: Sequence[Event]) -> dict[tuple[str, int], int]:
    """Where those of the events are that are stored, by boot and time."""
    query = "SELECT seq FROM journal WHERE boot_id = ? AND mono_ns = ?"
    places = _packs_with(db, events)
    for each in events:
        about = (each.boot_id, each.mono_ns)
        if about not in places and (row := db.execute(query, about).fetchone()):
            places[about] = int(row[0])
    return places


def _row(each: Event, scopes: Mapping[str, vault.Scope | None]) -> tuple[str | int, ...]:
    kind, name = each.body.kind, each.ticket or each.run

    def seal(identity: str | None) -> dict[str, str | None]:
        scope = scopes[name] if identity is not None else None
        if scope is None or identity is None:
            return {"identity": None}
        return {"sealed": base64.b64encode(scope.seal(identity.encode(), "identity")).decode()}

    private = _private(each.body)
    if private and (scope := scopes[name]) is not None:
        hidden = {field: _hide(text, f"{kind}.{field}", scope) for field, text in private.items()}
        body = to_json({**fields_of(each.body), **hidden}, context=seal)
    else:  # most of what is no part of an attempt is stored as it is dumped
        body = BODY.dump_json(each.body, context=seal)
    return each.ticket, each.run, each.wall_ms, each.mono_ns, each.boot_id, kind, body.decode()


def _private(body: Body) -> dict[str, Any]:
    """Those of its private texts that say something."""
    texts = {name: getattr(body, name) for name in PRIVATE.get(body.kind, ())}
    return {name: text for name, text in texts.items() if isinstance(text, (str, tuple)) and text}


def load(
    db: Database,
    *,
    ticket: str | None = None,
    run: str | None = None,
    after: int = 0,
    writes: bool = False,
    aside: dict[str, Unreadable] | None = None,
) -> list[Event]:
    """Events in order, with identities opened; of one ticket or run, or all, after a place in the journal.

    Args:
        writes: only what was changed on phones and undone.
        aside: takes what can't be read, by ticket (or run without one), and lets the rest be read.

    Raises:
        Unreadable: a row can't be read, and there is no `aside`.
    """
    where: list[str] = ["seq > ?"]
    args: list[str | int] = [after]
    for column, value in (("ticket", ticket), ("run", run)):
        if value is not None:
            where.append(f"{column} = ?")
            args.append(value)
    if writes:
        where.append("kind IN ({})".format(", ".join(f"'{kind}'" for kind in WRITES)))
    scopes: dict[str, vault.Scope | None] = {_BENCH: None}
    found = []
    for row in _rows(db, f"SELECT * FROM journal WHERE {' AND '.join(where)} ORDER BY seq", args):  # noqa: S608
        try:
            found += _told(db, row, scopes)
        except DAMAGE as error:
            trouble = unreadable(row, error)
            if aside is None:
                raise trouble from None  # the error itself shows what stands in the row
            aside.setdefault(trouble.scope, trouble)
    return found


def _rows(db: Database, query: str, args: Sequence[str | int]) -> list[dict[str, Any]]:
    """The rows; where one holds a text that is none, all the same, so that only that row is unreadable."""
    try:
        return list(db.query(query, args))
    except sqlite3.OperationalError as error:
        if not undecodable(error):
            raise
    as_usual = db.conn.text_factory
    db.conn.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    try:
        return list(db.query(query, args))
    finally:
        db.conn.text_factory = as_usual


def _told(db: Database, row: dict[str, Any], scopes: dict[str, vault.Scope | None]) -> list[Event]:
    """The events of a row. Raises one of `DAMAGE` where it can't be read."""
    name = row["ticket"] or row["run"]
    if name not in scopes:
        scopes[name] = vault.open_scope(db, name)
    try:
        parts = _parts(row, scopes[name])
    except Undeciphered:
        if not _erased(db, row["ticket"]):
            raise
        parts = _parts(row, None)  # from before the erasure; what was told since has a key of its own
    return [
        Event(
            row["seq"],
            row["ticket"],
            row["run"],
            part["wall_ms"],
            part["mono_ns"],
            row["boot_id"],
            BODY.validate_python(part["body"]),
        )
        for part in parts
    ]


def _parts(row: dict[str, Any], scope: vault.Scope | None) -> list[dict[str, Any]]:
    row["body"].encode()  # raises UnicodeEncodeError where it holds what is no text
    if row["kind"] == packed.KIND:
        return packed.unpacked(row, scope)
    return [{**row, "body": _open(_shown(row["kind"], json.loads(row["body"]), scope), scope)}]


def _erased(db: Database, ticket: str) -> bool:
    query = (
        "SELECT 1 FROM journal WHERE ticket = ? AND kind = 'sealed' AND CASE WHEN json_valid(body) THEN"
        " json_extract(body, '$.record') = 'erasure/v1' AND json_extract(body, '$.decision') = 'records-erased' END"
    )
    return db.execute(query, [ticket]).fetchone() is not None


class Journal:
    """Appends events and tells those who follow, in the order of the journal and never before the commit."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._followers: list[Callable[[Sequence[Event]], None]] = []
        self._tasks: set[asyncio.Future[list[Event]]] = set()
        self._told: OrderedDict[int, str] = OrderedDict()  # the boot by the time
        self._tried: dict[str, set[int]] = {}  # by open run the times of its parts; the writer's thread alone adds

    def follow(self, follower: Callable[[Sequence[Event]], None]) -> None:
        """Call `follower` with events once they are on the disk; it must be quick and must not raise."""
        self._followers.append(follower)

    def append(
        self,
        events: Sequence[Event],
        evidence: Sequence[vault.Kept] = (),
        also: Callable[[Database], None] | None = None,
    ) -> asyncio.Future[list[Event]]:
        """Store the events, and evidence under the scope of the first of them, in one commit.

        It is under way when this comes back; what is awaited is that it is on the disk, and then told.

        Args:
            also: more work for the same transaction.

        Raises:
            Trouble: (awaited) nothing was stored; the bench's disk is full or failing.
        """
        task = asyncio.ensure_future(self._confirmed(self._writing(events, evidence, also) if events else None))
        # A caller that is cancelled while it waits must not leave a stored event untold.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return asyncio.shield(task)

    def _writing(
        self, events: Sequence[Event], evidence: Sequence[vault.Kept], also: Callable[[Database], None] | None
    ) -> Awaitable[list[Event]]:
        def work(db: Database) -> list[Event]:
            if also is not None:
                also(db)
            scopes = _Scopes(db)
            if evidence:
                scope = scopes[events[0].ticket or events[0].run]
                assert scope is not None  # noqa: S101 - evidence is of a ticket or a run, never of the bench
                vault.keep(db, scope, evidence)
            return (_insert_one_by_one if self._was_tried(events) else _insert_new)(db, events, scopes)

        return self.store.write(work)

    async def _confirmed(self, writing: Awaitable[list[Event]] | None) -> list[Event]:
        stored = await writing if writing is not None else []
        self.tell(stored)
        if stored and isinstance(stored[-1].body, RunFinished):  # on the disk: nothing of the run is tried again
            self._tried.pop(stored[-1].run, None)
        return stored

    def _was_tried(self, events: Sequence[Event]) -> bool:
        """Whether one of these parts may be stored already: told before, and not confirmed or not waited for."""
        tried = False
        for each in events:
            if each.body.kind in packed.PACKABLE:
                times = self._tried.setdefault(each.run, set())
                tried = tried or each.mono_ns in times
                times.add(each.mono_ns)
        return tried

    def tell(self, stored: Sequence[Event]) -> None:
        """Pass on events that the caller stored in a transaction of its own; each is passed on once."""
        told = self._told
        news = [each for each in stored if told.get(each.mono_ns) != each.boot_id]
        told.update([(each.mono_ns, each.boot_id) for each in news])
        while len(told) > REMEMBERED:
            told.popitem(last=False)
        for follower in self._followers:
            follower(news)
