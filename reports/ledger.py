"""A station's records in order: chained, headed by a Merkle tree, acknowledged by receipts, never changed.

The tables lie in the station's one SQLite file; everything in a row follows from the stored envelopes, so that a byte
changed anywhere is found. Stands on sqlite-utils for writing; reading and verifying need only `sqlite3`. What a ledger
must satisfy is checked in `reports.verify`.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlite_utils.migrations import Migrations

from drivers.text import Words
from reports.attest import Ed25519PrivateKey, Record, open_record, sign_envelope
from reports.predicates import Clock, HeadV1, KeyEventV1, Made, ReceiptRow, ReceiptV1, Software
from reports.record import RecordError, make_statement
from reports.roster import ROSTER_KINDS, Roster

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = [
    "INDEXES",
    "LEDGER",
    "Foreign",
    "Frontier",
    "LedgerError",
    "LedgerLink",
    "add_foreign",
    "add_receipt",
    "append",
    "believable_clock",
    "chain_after",
    "check_schema",
    "create_ledger",
    "envelope_of",
    "envelopes_of",
    "foreign_of",
    "frontier_of",
    "head_size",
    "last_link",
    "last_receipt",
    "rebuild_indexes",
    "receipt_times",
    "roster_of",
    "seal_head",
]

#: The tables whose rows are only ever added.
TABLES: Final = ("record", "signature", "head", "receipt", "acknowledged", "foreign_record")
#: Those of them that only help to find what the envelopes say.
INDEXES: Final = ("signature", "acknowledged")


class LedgerError(RecordError):
    """The ledger does not take it, or is not as it must be."""


@dataclass(frozen=True, slots=True)
class LedgerLink:
    """A record's place in the ledger. `prev` is the digest of the record before it, None for the enrolment."""

    seq: int
    digest: str
    prev: str | None
    chain: str
    kind: str
    ticket: str | None
    clock: Clock


@dataclass(frozen=True, slots=True)
class Foreign:
    """An envelope of another station that is kept here, beside the ledger and never in its chain.

    Attributes:
        after: the newest own record when it came: where it stands among them.
        station, seq: whose it is, and its place there; 0 for a receipt.
        kind, ticket: as the envelope says; a receipt has the ticket that it came with, a key event none.
    """

    after: int
    station: str
    seq: int
    kind: str
    ticket: str
    envelope: bytes


def chain_after(chain: str | None, digest: str) -> str:
    """chain_i = SHA-256(0x01 || chain_{i-1} || digest_i); the chain starts with the digest of the enrolment."""
    if chain is None:
        return digest
    return hashlib.sha256(b"\x01" + bytes.fromhex(chain) + bytes.fromhex(digest)).hexdigest()


class Frontier:
    """The RFC 6962 Merkle tree over record digests, kept as the roots of its complete subtrees (largest first).

    A leaf is SHA-256(0x00 || digest), an inner node SHA-256(0x01 || left || right).
    """

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[str] = ()) -> None:
        self.size = size
        self._peaks = [bytes.fromhex(peak) for peak in peaks]
        if len(self._peaks) != size.bit_count():
            raise LedgerError(Words("the head's peaks do not fit its size", "校验点的节点数与大小不符"))

    def add(self, digest: str) -> None:
        """Add the digest of the next record."""
        node, full = hashlib.sha256(b"\x00" + bytes.fromhex(digest)).digest(), self.size
        while full & 1:
            node, full = hashlib.sha256(b"\x01" + self._peaks.pop() + node).digest(), full >> 1
        self._peaks.append(node)
        self.size += 1

    @property
    def peaks(self) -> tuple[str, ...]:
        """The roots of the complete subtrees, largest first."""
        return tuple(peak.hex() for peak in self._peaks)

    @property
    def root(self) -> str:
        """The tree's root; of the empty tree SHA-256 of nothing (RFC 6962, 2.1)."""
        if not self._peaks:
            return hashlib.sha256().hexdigest()
        node = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            node = hashlib.sha256(b"\x01" + peak + node).digest()
        return node.hex()


# --- tables ----------------------------------------------------------------------------------------------------------

LEDGER = Migrations("assay.ledger")

_HEX = "TEXT NOT NULL CHECK (length({0}) = 64)"


@LEDGER()
def ledger_tables(db: Database) -> None:
    """The four append-only tables. Later steps may add columns or tables, never transform: that drops the triggers."""
    db.execute(
        f"CREATE TABLE record (seq INTEGER PRIMARY KEY CHECK (seq > 0), digest {_HEX.format('digest')} UNIQUE,"
        f" prev TEXT CHECK ((prev IS NULL) = (seq = 1)), chain {_HEX.format('chain')}, kind TEXT NOT NULL, ticket TEXT,"
        " wall_ms INTEGER NOT NULL, mono_ms INTEGER NOT NULL, boot_id TEXT NOT NULL, clock TEXT NOT NULL,"
        " envelope BLOB NOT NULL) STRICT"
    )
    db.execute("CREATE INDEX record_ticket ON record (ticket) WHERE ticket IS NOT NULL")
    db.execute("CREATE INDEX record_kind ON record (kind)")
    _signature_table(db)
    db.execute(
        f"CREATE TABLE head (size INTEGER PRIMARY KEY REFERENCES record (seq), root {_HEX.format('root')},"
        f" digest {_HEX.format('digest')} UNIQUE, envelope BLOB NOT NULL) STRICT"
    )
    db.execute(
        f"CREATE TABLE receipt (id INTEGER PRIMARY KEY CHECK (id > 0), digest {_HEX.format('digest')} UNIQUE,"
        " received_ms INTEGER NOT NULL, envelope BLOB NOT NULL) STRICT"
    )
    for table, same in {
        "record": "seq = NEW.seq OR digest = NEW.digest",
        "head": "size = NEW.size OR digest = NEW.digest",
        "receipt": "id = NEW.id OR digest = NEW.digest",
    }.items():
        _append_only(db, table, same)
    _in_order(db, "record", "seq")
    _in_order(db, "receipt", "id")


def _signature_table(db: Database) -> None:
    """Who signed which record; follows from the envelopes."""
    db.execute(
        f"CREATE TABLE signature (seq INTEGER NOT NULL REFERENCES record (seq), key_id {_HEX.format('key_id')},"
        " PRIMARY KEY (seq, key_id)) STRICT, WITHOUT ROWID"
    )
    _append_only(db, "signature", "seq = NEW.seq AND key_id = NEW.key_id")


@LEDGER()
def acknowledged_records(db: Database) -> None:
    """Which receipts speak of which record, so that nobody reads years of receipts to find one."""
    _acknowledged_table(db)


def _acknowledged_table(db: Database) -> None:
    db.execute(
        "CREATE TABLE acknowledged (seq INTEGER NOT NULL, receipt INTEGER NOT NULL REFERENCES receipt (id),"
        " PRIMARY KEY (seq, receipt)) STRICT, WITHOUT ROWID"
    )
    for number, envelope in db.execute("SELECT id, envelope FROM receipt ORDER BY id").fetchall():
        with contextlib.suppress(RecordError):
            receipt = open_record(bytes(envelope)).statement.predicate
            if isinstance(receipt, ReceiptV1):
                _index_receipt(db, number, receipt)
    _append_only(db, "acknowledged", "seq = NEW.seq AND receipt = NEW.receipt")


@LEDGER()
def foreign_records(db: Database) -> None:
    """What other stations of the shop stated, verbatim; an own record `bundle/v1` lists each."""
    db.execute(
        "CREATE TABLE foreign_record (id INTEGER PRIMARY KEY CHECK (id > 0), after_seq INTEGER NOT NULL,"
        f" station TEXT NOT NULL, seq INTEGER NOT NULL, digest {_HEX.format('digest')}, kind TEXT NOT NULL,"
        " ticket TEXT NOT NULL, envelope BLOB NOT NULL, UNIQUE (digest, ticket)) STRICT"
    )
    db.execute("CREATE INDEX foreign_record_ticket ON foreign_record (ticket)")
    db.execute("CREATE INDEX foreign_record_kind ON foreign_record (kind)")
    _append_only(db, "foreign_record", "id = NEW.id OR (digest = NEW.digest AND ticket = NEW.ticket)")
    _in_order(db, "foreign_record", "id")


def rebuild_indexes(db: Database) -> None:
    """Drop the tables that follow from envelopes alone (`INDEXES`) and make them anew from those.

    Inside the caller's transaction. An envelope that does not open is passed over: who compares finds its rows gone.
    """
    for table in INDEXES:
        db.execute(f"DROP TABLE {table}")
    _signature_table(db)
    for seq, envelope in db.execute("SELECT seq, envelope FROM record ORDER BY seq").fetchall():
        with contextlib.suppress(RecordError):
            rows = [(seq, signature.key_id) for signature in open_record(bytes(envelope)).envelope.signatures]
            db.conn.executemany("INSERT INTO signature (seq, key_id) VALUES (?, ?)", rows)
    _acknowledged_table(db)


def _index_receipt(db: Database, number: int, receipt: ReceiptV1) -> None:
    for seq in sorted({row.seq for row in receipt.acknowledged}):
        db.execute("INSERT INTO acknowledged (seq, receipt) VALUES (?, ?)", (seq, number))


def _append_only(db: Database, table: str, same: str) -> None:
    """No UPDATE, no DELETE, and no INSERT OR REPLACE, which passes a delete trigger when recursive_triggers is off."""
    say = f"SELECT RAISE(ABORT, '{table} is append-only')"
    replaces = f"EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 - our own names
    db.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN {say}; END")
    db.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN {say}; END")
    db.execute(f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {replaces} BEGIN {say}; END")


def _in_order(db: Database, table: str, key: str) -> None:
    newest = f"(SELECT coalesce(max({key}), 0) FROM {table})"  # noqa: S608 - our own names
    db.execute(
        f"CREATE TRIGGER {table}_in_order BEFORE INSERT ON {table} WHEN NEW.{key} != 1 + {newest}"
        f" BEGIN SELECT RAISE(ABORT, '{table} has no gaps'); END"
    )


def create_ledger(db: Database) -> None:
    """Make the ledger's tables, or bring them up to this version."""
    LEDGER.apply(db)


def check_schema(db: Database) -> None:
    """Refuse to work on tables that have lost their triggers or were changed.

    `table.transform()` of sqlite-utils rebuilds a table and drops its triggers without a word; call this at open.

    Raises:
        LedgerError: the ledger's part of the schema is not what `create_ledger` makes.
    """
    from sqlite_utils import Database as Fresh

    fresh = Fresh(memory=True)
    create_ledger(fresh)
    wanted, found = _schema(fresh), _schema(db)
    fresh.close()
    for name, sql in wanted.items():
        if found.get(name) != sql:
            raise LedgerError(
                Words(
                    "the ledger's {name} is missing or changed: it would not be append-only any more",
                    "台账的 {name} 缺失或被改动，无法保证只增不改",
                ).fill(name=name)
            )


def _schema(db: Database) -> dict[str, str]:
    marks = ",".join("?" * len(TABLES))
    rows = db.execute(
        f"SELECT type || ' ' || name, sql FROM sqlite_master WHERE tbl_name IN ({marks})",  # noqa: S608 - marks only
        TABLES,
    )
    return {name: sql for name, sql in rows if sql}


# --- writing ---------------------------------------------------------------------------------------------------------


def append(db: Database, envelope: bytes, *, roster: Roster | None = None) -> LedgerLink:
    """Add one signed record to the ledger, inside the caller's open transaction.

    The caller has begun it with BEGIN IMMEDIATE and commits it together with the outbox row; nothing is committed here.

    Args:
        envelope: the signed envelope, stored as it is.
        roster: as it is before this record: then signatures and signers are checked too, and a record that this
            ledger's verification would call wrong is refused before it is stored.

    Raises:
        LedgerError: no transaction is open, the first record does not enrol the station, the record is of a kind that
            is not kept here (head, receipt, unknown), or is stored already.
        RecordError: the envelope is not in the accepted form.
        RosterError: the signatures are not those that the record needs.
    """
    if not db.conn.in_transaction:
        raise LedgerError(Words("a record is only added inside a transaction", "记录只能在事务内写入"))
    record = open_record(envelope)
    made = record.statement.predicate
    if not isinstance(made, Made) or isinstance(made, HeadV1):
        raise LedgerError(Words("{kind} is not kept in the ledger", "{kind} 不写入台账").fill(kind=record.kind))
    last = last_link(db)
    if last is None and not (isinstance(made, KeyEventV1) and made.kind == "station" and made.event == "enrol"):
        raise LedgerError(Words("the first record must enrol the station", "第一条记录必须是工位注册"))
    if roster is not None:
        if record.kind in ROSTER_KINDS:
            roster.apply(record)
        else:
            roster.check(record)
    link = LedgerLink(
        seq=last.seq + 1 if last else 1,
        digest=record.digest,
        prev=last.digest if last else None,
        chain=chain_after(last.chain if last else None, record.digest),
        kind=record.kind,
        ticket=record.ticket,
        clock=made.clock,
    )
    try:
        _insert_record(db, link, record, envelope)
    except sqlite3.IntegrityError as error:
        raise LedgerError(Words("the ledger refuses it: {why}", "台账拒绝写入：{why}").fill(why=error)) from error
    return link


def _insert_record(db: Database, link: LedgerLink, record: Record, envelope: bytes) -> None:
    clock = (link.clock.wall_ms, link.clock.mono_ms, link.clock.boot_id, link.clock.state)
    db.execute(
        "INSERT INTO record (seq, digest, prev, chain, kind, ticket, wall_ms, mono_ms, boot_id, clock, envelope)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (link.seq, link.digest, link.prev, link.chain, link.kind, link.ticket, *clock, envelope),
    )
    for signature in record.envelope.signatures:
        db.execute("INSERT INTO signature (seq, key_id) VALUES (?, ?)", (link.seq, signature.key_id))


def seal_head(
    db: Database,
    key: Ed25519PrivateKey,
    *,
    shop: str,
    station: str,
    simulated: bool,
    clock: Clock,
    software: Software,
) -> bytes:
    """The station's signed Merkle head over everything in the ledger, stored in the caller's open transaction.

    Gives back the stored envelope; where the ledger has not grown since the last head, that one.

    Raises:
        LedgerError: the ledger is empty, or no transaction is open.
    """
    if not db.conn.in_transaction:
        raise LedgerError(Words("a head is only added inside a transaction", "校验点只能在事务内写入"))
    now = frontier_of(db)
    if now.size == 0:
        raise LedgerError(Words("an empty ledger has no head", "空台账没有校验点"))
    for (stored,) in db.execute("SELECT envelope FROM head WHERE size = ?", (now.size,)):
        return bytes(stored)
    head = HeadV1(
        shop=shop,
        station=station,
        simulated=simulated,
        anchor=last_receipt(db),
        clock=clock,
        software=software,
        size=now.size,
        root=now.root,
        peaks=now.peaks,
    )
    envelope = sign_envelope(make_statement("head/v1", head.root, head), [key])
    db.execute(
        "INSERT INTO head (size, root, digest, envelope) VALUES (?, ?, ?, ?)",
        (head.size, head.root, hashlib.sha256(envelope).hexdigest(), envelope),
    )
    return envelope


def add_receipt(db: Database, envelope: bytes) -> int:
    """Store a receipt that `verify_receipt` has accepted, in the caller's open transaction; gives its id.

    The same receipt again is stored once.

    Raises:
        LedgerError: not a receipt, or no transaction is open.
        RecordError: the envelope is not in the accepted form.
    """
    if not db.conn.in_transaction:
        raise LedgerError(Words("a receipt is only added inside a transaction", "回执只能在事务内写入"))
    record = open_record(envelope)
    receipt = record.statement.predicate
    if not isinstance(receipt, ReceiptV1):
        raise LedgerError(Words("is not a receipt", "不是回执"))
    for (known,) in db.execute("SELECT id FROM receipt WHERE digest = ?", (record.digest,)):
        return int(known)
    ((number,),) = db.execute("SELECT coalesce(max(id), 0) + 1 FROM receipt")
    db.execute(
        "INSERT INTO receipt (id, digest, received_ms, envelope) VALUES (?, ?, ?, ?)",
        (number, record.digest, receipt.received_ms, envelope),
    )
    _index_receipt(db, number, receipt)
    return int(number)


def add_foreign(db: Database, rows: Iterable[Foreign]) -> None:
    """Keep envelopes of other stations, in the caller's open transaction; what is here already stays as it is.

    Raises:
        LedgerError: no transaction is open.
    """
    if not db.conn.in_transaction:
        raise LedgerError(Words("a record is only added inside a transaction", "记录只能在事务内写入"))
    ((last,),) = db.execute("SELECT coalesce(max(id), 0) FROM foreign_record")
    for row in rows:
        digest = hashlib.sha256(row.envelope).hexdigest()
        query = "SELECT 1 FROM foreign_record WHERE digest = ? AND ticket = ?"
        if db.execute(query, (digest, row.ticket)).fetchone():
            continue
        last += 1
        db.execute(
            "INSERT INTO foreign_record (id, after_seq, station, seq, digest, kind, ticket, envelope)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (last, row.after, row.station, row.seq, digest, row.kind, row.ticket, row.envelope),
        )


# --- reading ---------------------------------------------------------------------------------------------------------


def last_link(db: Database) -> LedgerLink | None:
    """The newest record's link, None in an empty ledger."""
    rows = db.execute(
        "SELECT seq, digest, prev, chain, kind, ticket, wall_ms, mono_ms, boot_id, clock FROM record"
        " ORDER BY seq DESC LIMIT 1"
    )
    for seq, digest, prev, chain, kind, ticket, wall_ms, mono_ms, boot_id, state in rows:
        clock = Clock(wall_ms=wall_ms, mono_ms=mono_ms, boot_id=boot_id, state=state)
        return LedgerLink(seq, digest, prev, chain, kind, ticket, clock)
    return None


def believable_clock(db: Database) -> Clock | None:
    """The clock of the newest record whose clock was not suspect: what the clock now is judged against.

    Never the newest record's as such: after one suspect record a clock that was put back would agree with itself.
    """
    rows = db.execute(
        "SELECT wall_ms, mono_ms, boot_id, clock FROM record WHERE clock != 'suspect' ORDER BY seq DESC LIMIT 1"
    )
    for wall_ms, mono_ms, boot_id, state in rows:
        return Clock(wall_ms=wall_ms, mono_ms=mono_ms, boot_id=boot_id, state=state)
    return None


def head_size(db: Database) -> int:
    """How many records the newest signed head covers, 0 without one."""
    ((size,),) = db.execute("SELECT coalesce(max(size), 0) FROM head")
    return int(size)


def last_receipt(db: Database) -> str | None:
    """Digest of the newest receipt: the `anchor` of the next record."""
    for (digest,) in db.execute("SELECT digest FROM receipt ORDER BY id DESC LIMIT 1"):
        return str(digest)
    return None


def frontier_of(db: Database) -> Frontier:
    """The Merkle frontier over all records, from the last stored head on."""
    frontier = Frontier()
    for (stored,) in db.execute("SELECT envelope FROM head ORDER BY size DESC LIMIT 1"):
        head = open_record(bytes(stored)).statement.predicate
        if isinstance(head, HeadV1):
            frontier = Frontier(head.size, head.peaks)
    for (digest,) in db.execute("SELECT digest FROM record WHERE seq > ? ORDER BY seq", (frontier.size,)):
        frontier.add(digest)
    return frontier


def envelopes_of(db: Database, ticket: str) -> list[bytes]:
    """The stored envelopes of a ticket in the order in which they count here.

    Its own in ledger order, and those of other stations where they came in: after the newest own record of that moment.
    """
    own = "SELECT seq AS place, 0 AS came, envelope FROM record WHERE ticket = :ticket"
    if not _has_foreign(db):
        rows = db.execute(f"{own} ORDER BY 1", {"ticket": ticket})
    else:
        rows = db.execute(
            f"{own} UNION ALL SELECT after_seq, id, envelope FROM foreign_record"  # noqa: S608 - our own text
            " WHERE ticket = :ticket AND kind != 'receipt/v1' ORDER BY 1, 2",
            {"ticket": ticket},
        )
    return [bytes(row[2]) for row in rows]


def _has_foreign(db: Database) -> bool:
    """False in a file of an earlier version that is only read."""
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'foreign_record'").fetchone() is not None


def foreign_of(db: Database, ticket: str = "", station: str = "") -> list[Foreign]:
    """What other stations stated of a ticket; with an empty one the key events (of `station`, or all), as they came."""
    if not _has_foreign(db):
        return []
    rows = db.execute(
        "SELECT after_seq, station, seq, kind, ticket, envelope FROM foreign_record"
        " WHERE ticket = ? AND (? = '' OR station = ?) ORDER BY id",
        (ticket, station, station),
    )
    return [Foreign(after, of, seq, kind, said, bytes(data)) for after, of, seq, kind, said, data in rows]


def envelope_of(db: Database, digest: str) -> bytes | None:
    """The stored envelope of that digest, None when the ledger does not have it."""
    for table in ("record", "foreign_record") if _has_foreign(db) else ("record",):
        for (envelope,) in db.execute(f"SELECT envelope FROM {table} WHERE digest = ?", (digest,)):  # noqa: S608
            return bytes(envelope)
    return None


def roster_of(db: Database) -> Roster:
    """The roster folded from the ledger's key events and qualifications, beside those of the stations it heard from."""
    events: dict[str, list[bytes]] = {}
    for each in foreign_of(db):
        events.setdefault(each.station, []).append(each.envelope)
    own = Roster.fold(_key_events(db))
    return own.with_peers(map(Roster.fold, events.values())) if events else own


def _key_events(db: Database) -> Iterator[bytes]:
    query = "SELECT envelope FROM record WHERE kind IN (?, ?) ORDER BY seq"
    for (envelope,) in db.execute(query, ROSTER_KINDS):
        yield bytes(envelope)


def receipt_times(db: Database, ticket: str) -> dict[str, int]:
    """Head office's time of the first receipt for each acknowledged record of a ticket, by digest.

    Receipts that came with a bundle were verified when they came.
    """
    rows = db.execute(
        "SELECT record.seq, record.digest, receipt.envelope FROM record"
        " JOIN acknowledged ON acknowledged.seq = record.seq JOIN receipt ON receipt.id = acknowledged.receipt"
        " WHERE record.ticket = ? ORDER BY receipt.id",
        (ticket,),
    )
    times: dict[str, int] = {}
    for seq, digest, envelope in rows:
        receipt = open_record(bytes(envelope)).statement.predicate
        if isinstance(receipt, ReceiptV1) and ReceiptRow(seq=seq, digest=digest) in receipt.acknowledged:
            times.setdefault(digest, receipt.received_ms)
    for each in foreign_of(db, ticket):
        if each.kind == "receipt/v1":
            receipt = open_record(each.envelope).statement.predicate
            if isinstance(receipt, ReceiptV1):
                for row in receipt.acknowledged:
                    times.setdefault(row.digest, receipt.received_ms)
    return times
