"""Every table that follows from something else, dropped, made anew from that, and compared with what it was.

The envelopes are the truth of records, heads and receipts; the journal is the truth of tickets. What lies beside an
envelope in its own row (digest, link, chain, times) is evidence and not derived: it is compared and never written
over, for a ledger that mends itself would hide who touched it. Stands on the ledger's tables; it knows no phone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from drivers.text import Words
from reports.attest import open_record
from reports.ledger import chain_after, rebuild_indexes
from reports.predicates import HeadV1, Made, ReceiptV1
from reports.record import RecordError, digest_of
from station import tickets
from station.journal import load
from station.session import fold
from station.unreadable import STATE, Unreadable

__all__ = ["DERIVED", "Difference", "Rebuilt", "rebuild"]

#: The derived tables and the columns that follow; how often a row was sent does not, and starts again at nought.
DERIVED: Mapping[str, tuple[str, str]] = {
    "signature": ("seq, key_id", "the envelopes"),
    "acknowledged": ("seq, receipt", "the receipts"),
    "outbox": ("seq, digest, state, receipt", "records and receipts"),
    "ticket": ("ticket, opened_ms, model, state, open", "the journal"),
}
_NOT_ITSELF = Words("{what} is not as its envelope says", "{what} 与信封内容不符")
_MISSING = Words("was missing", "原先缺失")
_TOO_MUCH = Words("does not follow from anything, and is gone", "无据可依，已去除")
_COLUMNS = "seq, digest, prev, chain, kind, ticket, wall_ms, mono_ms, boot_id, clock, envelope"
_HEX = re.compile(r"[0-9a-f]{64}")
_NAMES = ("digest", "prev", "chain", "kind", "ticket", "wall_ms", "mono_ms", "boot_id", "clock")


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that was otherwise than what it follows from. `mended` is False for rows that are evidence themselves."""

    table: str
    row: str
    why: Words
    mended: bool


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of it: rows by table, and every difference."""

    rows: Mapping[str, int]
    differences: tuple[Difference, ...]


def rebuild(db: Database) -> Rebuilt:
    """Rebuild every derived table and compare, inside the caller's transaction."""
    before = {table: _rows(db, table) for table in DERIVED}
    evidence = [*_links(db), *_heads_and_receipts(db)]
    rebuild_indexes(db)
    _rebuild_outbox(db)
    unread = list(_rebuild_tickets(db))
    differences = [each for table in DERIVED for each in _compared(table, before[table], _rows(db, table))]
    counts = {table: len(_rows(db, table)) for table in DERIVED}
    return Rebuilt(counts, (*evidence, *unread, *differences))


def _rows(db: Database, table: str) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in db.execute(f"SELECT {DERIVED[table][0]} FROM {table}")}  # noqa: S608 - our own names


def _compared(table: str, before: set[tuple[Any, ...]], now: set[tuple[Any, ...]]) -> Iterator[Difference]:
    for row in sorted(now - before, key=str):
        yield Difference(table, _shown(row), _MISSING, mended=True)
    for row in sorted(before - now, key=str):
        yield Difference(table, _shown(row), _TOO_MUCH, mended=True)


def _shown(row: tuple[Any, ...]) -> str:
    return " ".join(str(one)[:16] for one in row)


# --- what is evidence itself ---


def _links(db: Database) -> Iterator[Difference]:
    prev: str | None = None
    chain: str | None = None
    for seq, *stored, envelope in db.execute(f"SELECT {_COLUMNS} FROM record ORDER BY seq"):  # noqa: S608 - our names
        digest = digest_of(bytes(envelope))
        chain = chain_after(chain, digest)
        wanted: list[object] = [digest, prev, chain]
        try:
            record = open_record(bytes(envelope))
        except RecordError as error:
            yield Difference("record", str(seq), error.words, mended=False)
        else:
            made = record.statement.predicate
            wanted += [record.kind, record.ticket]
            if isinstance(made, Made):
                wanted += [made.clock.wall_ms, made.clock.mono_ms, made.clock.boot_id, made.clock.state]
        wrong = [name for name, one, other in zip(_NAMES, wanted, stored, strict=False) if one != other]
        if wrong:
            yield Difference("record", str(seq), _NOT_ITSELF.fill(what=", ".join(wrong)), mended=False)
        prev = stored[0]
        if isinstance(stored[2], str) and _HEX.fullmatch(stored[2]):
            chain = stored[2]  # on from what is stored: the fault is named where it is


def _heads_and_receipts(db: Database) -> Iterator[Difference]:
    said: tuple[tuple[str, str, Callable[[Any], tuple[object, ...]]], ...] = (
        ("head", "size, root", lambda made: (made.size, made.root) if isinstance(made, HeadV1) else ()),
        ("receipt", "received_ms", lambda made: (made.received_ms,) if isinstance(made, ReceiptV1) else ()),
    )
    for table, columns, of in said:
        for digest, envelope, *stored in db.execute(f"SELECT digest, envelope, {columns} FROM {table}"):  # noqa: S608
            try:
                wanted = (digest_of(bytes(envelope)), *of(open_record(bytes(envelope)).statement.predicate))
            except RecordError as error:
                yield Difference(table, str(digest)[:16], error.words, mended=False)
                continue
            if (digest, *stored) != wanted:
                yield Difference(table, str(digest)[:16], _NOT_ITSELF.fill(what=table), mended=False)


# --- what is derived ---


def _rebuild_outbox(db: Database) -> None:
    """Every record waits, until a receipt says otherwise; the first one that acknowledges a record has settled it."""
    db.execute("DELETE FROM outbox")
    db.execute("INSERT INTO outbox (seq, digest) SELECT seq, digest FROM record ORDER BY seq")
    for (envelope,) in db.execute("SELECT envelope FROM receipt ORDER BY id").fetchall():
        try:
            receipt = open_record(bytes(envelope)).statement.predicate
        except RecordError:
            continue
        if isinstance(receipt, ReceiptV1):
            _settle(db, receipt, digest_of(bytes(envelope)))


def _settle(db: Database, receipt: ReceiptV1, digest: str) -> None:
    said = [("rejected", row.seq, row.digest, row.reason.en, row.reason.zh) for row in receipt.refused]
    said += [("quarantined", row.seq, row.digest, "", "") for row in receipt.quarantined]
    for state, seq, of, en, zh in said:
        db.execute(
            "UPDATE outbox SET state = ?, reason_en = ?, reason_zh = ? WHERE seq = ? AND digest = ?"
            " AND state != 'acknowledged'",
            (state, en, zh, seq, of),
        )
    db.conn.executemany(
        "UPDATE outbox SET state = 'acknowledged', reason_en = '', reason_zh = '', receipt = ?"
        " WHERE seq = ? AND digest = ? AND state != 'acknowledged'",
        [(digest, row.seq, row.digest) for row in receipt.acknowledged],
    )


def _rebuild_tickets(db: Database) -> Iterator[Difference]:
    """Each row from its journal; that of a ticket which can't be read stays as it was, or its number would be free."""
    kept = {row[0]: row for row in _rows(db, "ticket")}
    db.execute("DELETE FROM ticket")
    for (number,) in db.execute("SELECT DISTINCT ticket FROM journal WHERE ticket != '' ORDER BY ticket").fetchall():
        try:
            session = fold(load(db, ticket=number))
        except Unreadable as trouble:
            row = kept.get(number, (number, 0, "", STATE.en, 1))
            db.execute("INSERT INTO ticket (ticket, opened_ms, model, state, open) VALUES (?, ?, ?, ?, ?)", row)
            yield Difference("journal", str(number), trouble.what, mended=False)
            continue
        if session.ticket:
            tickets.save(db, session)
