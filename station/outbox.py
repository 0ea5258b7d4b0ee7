"""What head office has not acknowledged yet, and how it gets there: in order, in batches, until a receipt proves it.

A row is inserted in the transaction of its own record, so a record is never without one. Rows leave over HTTP and are
acknowledged by nothing but a receipt that head office signed for exactly that seq and digest; until then the same row
may be sent any number of times. Work at the bench never waits for it. It knows the ledger's tables, no phone and no
screen.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from drivers.text import Words
from reports.attest import Ed25519PrivateKey, verify_receipt
from reports.headoffice.batch import MAX_BYTES, MAX_RECORDS, BatchError, Sent, write_line
from reports.ledger import Frontier, add_receipt
from reports.predicates import HeadRef, ReceiptV1
from reports.record import RecordError
from station.errors import Trouble
from station.head_office import (
    NotNow,
    connection,
    forged,
    left_waiting,
    no_head_office,
    older_receipt,
    other_history,
    post_batch,
    rotations,
    tell_new_key,
    too_large,
)
from station.messages import OutboxRow, OutboxView
from station.settings import Settings

if TYPE_CHECKING:
    import httpx

__all__ = ["OUTBOX", "BatchSize", "Pace", "Store", "Uploader", "enqueue", "outbox_view", "wait_again"]

T = TypeVar("T")

#: The longest wait that head office may ask for by Retry-After; more would be a way to silence a bench.
LONGEST_RETRY_AFTER_S = 24 * 3600.0
#: How many records more are sent at once after each batch that got through, far from a size that did not.
STEP = 10
#: How many batches must get through before a size that did not is tried again.
PATIENCE = 10
#: How many rows a view carries; the counts are of all.
VIEW_ROWS = 200


class Store(Protocol):
    """What is needed of `station.store.Store`."""

    def write(self, work: Callable[[Database], T], /) -> Awaitable[T]:
        """Run in one transaction; back when it is on the disk."""

    async def read(self, work: Callable[[Database], T], /) -> T:
        """Run in a read transaction."""


# --- the table -------------------------------------------------------------------------------------------------------

OUTBOX = Migrations("assay.outbox")


@OUTBOX()
def outbox_table(db: Database) -> None:
    """One row a record, made with it.

    `receipt` is the digest of the receipt that acknowledged it; `passed_over` counts receipts that did not mention it.
    """
    db.execute(
        "CREATE TABLE outbox (seq INTEGER PRIMARY KEY REFERENCES record (seq),"
        " digest TEXT NOT NULL CHECK (length(digest) = 64),"
        " state TEXT NOT NULL DEFAULT 'waiting'"
        " CHECK (state IN ('waiting', 'acknowledged', 'rejected', 'quarantined')),"
        " tries INTEGER NOT NULL DEFAULT 0, passed_over INTEGER NOT NULL DEFAULT 0,"
        " reason_en TEXT NOT NULL DEFAULT '', reason_zh TEXT NOT NULL DEFAULT '',"
        " receipt TEXT CHECK ((state = 'acknowledged') = (receipt IS NOT NULL))) STRICT"
    )
    db.execute("CREATE INDEX outbox_open ON outbox (state, seq) WHERE state != 'acknowledged'")


def enqueue(db: Database, seq: int, digest: str) -> None:
    """Put a record that was just appended into the outbox, inside the same transaction.

    Raises:
        ValueError: no transaction is open: the row could outlive its record, or the record its row.
    """
    if not db.conn.in_transaction:
        raise ValueError("a record enters the outbox in its own transaction")
    db.execute("INSERT INTO outbox (seq, digest) VALUES (?, ?)", (seq, digest))


def wait_again(db: Database) -> None:
    """Put what head office refused back in line: somebody there has mended what was in the way."""
    db.execute("UPDATE outbox SET state = 'waiting' WHERE state = 'rejected'")


def outbox_view(
    db: Database, head_office: str, trouble: Trouble | None = None, next_ms: int = 0, limit: int = VIEW_ROWS
) -> OutboxView:
    """The outbox as a screen shows it: what needs a person first, then in order."""
    counts = {str(state): int(count) for state, count in db.execute("SELECT state, count(*) FROM outbox GROUP BY 1")}
    rows = db.query(
        "SELECT seq, o.digest, kind, ticket, state, tries, reason_en, reason_zh, length(envelope) AS bytes"
        " FROM outbox o JOIN record r USING (seq) WHERE state != 'acknowledged'"
        " ORDER BY state = 'waiting', seq LIMIT ?",
        (limit,),
    )
    ((receipt_ms,),) = db.execute("SELECT coalesce(max(received_ms), 0) FROM receipt")
    return OutboxView(
        rows=tuple(_view_row(row, next_ms) for row in rows),
        acknowledged=counts.get("acknowledged", 0),
        head_office=head_office,
        trouble=trouble.what if trouble else None,
        next_step=trouble.next_step if trouble else None,
        waiting=counts.get("waiting", 0),
        rejected=counts.get("rejected", 0) + counts.get("quarantined", 0),
        next_ms=next_ms,
        receipt_ms=receipt_ms,
    )


def _view_row(row: dict[str, Any], next_ms: int) -> OutboxRow:
    reason = Words(row["reason_en"], row["reason_zh"])
    return OutboxRow(
        seq=row["seq"],
        digest=row["digest"],
        kind=row["kind"],
        ticket=row["ticket"] or "",
        state=row["state"],
        tries=row["tries"],
        next_ms=next_ms if row["state"] == "waiting" else 0,
        reason=reason if reason.en else None,
        bytes=row["bytes"],
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """A waiting record, as it lies in the ledger. `digest` is what the outbox was told when it was appended."""

    sent: Sent
    digest: str
    line: bytes
    ticket: str
    passed_over: int


def _waiting(db: Database, most: int) -> tuple[list[_Row], list[tuple[int, Words]]]:
    """The next records in order, as many as one batch takes; and those that can never leave as they lie.

    Those that were passed over come when no others wait, the least often first, and are not put among others: what was
    in the way once would be again.
    """
    rows = db.execute(
        "SELECT seq, o.digest, chain, envelope, coalesce(ticket, ''), passed_over"
        " FROM outbox o JOIN record r USING (seq) WHERE state = 'waiting' ORDER BY passed_over, seq LIMIT ?",
        (most,),
    )
    batch, broken, size = list[_Row](), list[tuple[int, Words]](), 0
    for seq, digest, chain, envelope, ticket, passed_over in rows:
        if batch and passed_over != batch[0].passed_over:
            break
        sent = Sent(seq, chain, bytes(envelope))
        try:
            line = write_line(sent)
        except BatchError as error:
            broken.append((seq, error.words))
            continue
        if sent.digest != digest or len(line) > MAX_BYTES:
            broken.append((seq, _DAMAGED if sent.digest != digest else _TOO_LARGE))
            continue
        if size + len(line) > MAX_BYTES:
            break
        batch.append(_Row(sent, digest, line, ticket, passed_over))
        size += len(line)
    return batch, broken


_DAMAGED = Words(
    "this record was changed on this bench after it was signed: run `assay verify --ledger`",
    "该记录签名后在本工位被改动：请运行 `assay verify --ledger`",
)
_OTHER_WORLD = Words("is for another shop, or mixes simulated and real records", "网点不符，或混用了模拟与真实记录")
_TOO_LARGE = Words(
    "this record alone is too large for head office or something on the way", "该单条记录超过总部或中间网络的上限"
)
_TOO_SLOW = Words("this record alone did not arrive in time", "该单条记录发送超时")
_FORK = Words(
    "head office has another record at this place in the ledger: two benches may share one data folder",
    "总部在台账同一位置已有另一条记录：可能有两台工位共用同一数据目录",
)


def _frontier_at(db: Database, size: int, before: Frontier) -> Frontier:
    """The Merkle frontier over this ledger's first `size` records (or all, where it is shorter), from `before` on."""
    frontier = Frontier(before.size, before.peaks) if before.size <= size else Frontier()
    rows = db.execute("SELECT digest FROM record WHERE seq > ? AND seq <= ? ORDER BY seq", (frontier.size, size))
    for (digest,) in rows:
        frontier.add(digest)
    return frontier


# --- sending ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait after failures: full jitter between `shortest_s` and a ceiling that doubles up to `longest_s`.

    The ceiling and the jitter are those of AWS' "Exponential Backoff And Jitter" (2015), "full jitter".
    """

    shortest_s: float = 1.0
    longest_s: float = 300.0

    def wait_s(self, failures: int, retry_after_s: float | None, chance: random.Random) -> float:
        """Seconds until the next try after `failures` in a row; never sooner than head office asked for."""
        ceiling = min(self.longest_s, self.shortest_s * 2 ** min(failures, 30))
        jittered = chance.uniform(self.shortest_s, ceiling)
        asked = min(retry_after_s or 0.0, LONGEST_RETRY_AFTER_S)
        return max(jittered, asked)


class BatchSize:
    """How many records are sent at once: half after what did not get through, and slowly more after what did.

    Additive increase and multiplicative decrease, as in TCP's congestion avoidance (RFC 5681, 3.1). A size that did not
    get through may have cost a minute and a half of waiting: it is come near to one by one, and tried again when the
    one below it got through `PATIENCE` times.
    """

    def __init__(self) -> None:
        self.most = MAX_RECORDS
        self._failed, self._below = MAX_RECORDS + 1, 0

    def failed(self, count: int) -> None:
        """A batch of `count` records did not get through."""
        self.most, self._failed, self._below = max(1, count // 2), count, 0

    def passed(self, count: int) -> None:
        """A batch of `count` records was answered; one that was not full says nothing of larger ones."""
        if count < self.most:
            return
        if count >= self._failed:
            self._failed = MAX_RECORDS + 1
        if self.most + STEP < self._failed:
            self.most = min(MAX_RECORDS, self.most + STEP)
        elif self.most + 1 < self._failed:
            self.most += 1
        else:
            self._below += 1
            if self._below >= PATIENCE:
                self.most, self._below = min(MAX_RECORDS, self.most + 1), 0


class Uploader:
    """Sends the outbox, for as long as `run` runs.

    Arguments:
        store: the station's store with the ledger's tables and `OUTBOX`.
        settings: the station, its head office and the pinned key.
        key: the station's key, which signs each batch.
        http: an `httpx.AsyncClient`; None makes one that knows no proxy settings and follows no redirect.
        changed: called when something about the outbox changed (a receipt, a trouble, the next try).
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        key: Ed25519PrivateKey,
        http: httpx.AsyncClient | None = None,
        changed: Callable[[], None] = lambda: None,
        pace: Pace | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._store, self._settings, self._key, self._http = store, settings, key, http
        self._changed, self._pace = changed, pace or Pace()
        self._chance = chance or random.SystemRandom()
        self._work, self._now = asyncio.Event(), asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._size = BatchSize()
        self._known, self._told_key = Frontier(), False
        # A station without a head office is in order; one whose head office has no pinned key is not.
        self.trouble: Trouble | None = no_head_office() if settings.head_office and not self._connected else None
        self.next_ms = 0

    @property
    def _connected(self) -> bool:
        """Whether there is a head office, with a key to check its receipts by."""
        return bool(self._settings.head_office and self._settings.head_office_key)

    def wake(self) -> None:
        """A record was enqueued: send it now, or when the wait after a failure is over."""
        self._work.set()

    def flush(self) -> None:
        """A person asks: try now, whatever the wait."""
        self._work.set()
        self._now.set()

    async def view(self) -> OutboxView:
        """The outbox as a screen shows it."""
        return await self._store.read(
            lambda db: outbox_view(db, self._settings.head_office, self.trouble, self.next_ms)
        )

    async def run(self) -> None:
        """Send what waits, now and whenever `wake` or `flush` is called, until cancelled.

        A cancelled send loses nothing: what was not acknowledged by a stored receipt is sent again.
        """
        if not self._connected:
            await asyncio.Event().wait()
        failures = 0
        async with self._client() as http:
            while True:
                self._work.clear()
                self._now.clear()
                problem = await self._try(http)
                failures = failures + 1 if problem else 0
                wait_s = self._pace.wait_s(failures, problem.retry_after_s, self._chance) if problem else None
                self._say(problem.trouble if problem else None, wait_s)
                wakes = self._work if problem is None or problem.alone else self._now
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):  # wait_for of Python 3.11 may swallow a cancellation here
                        await wakes.wait()

    async def once(self) -> OutboxView:
        """Send what waits, once, without waiting after a failure.

        Raises:
            Trouble: head office did not answer with a receipt; the rest waits.
        """
        if not self._connected:
            raise no_head_office()
        async with self._client() as http:
            problem = await self._try(http)
        self._say(problem.trouble if problem else None, None)
        if problem:
            raise problem.trouble from problem
        return await self.view()

    def _client(self) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        return nullcontext(self._http) if self._http else connection()

    async def _try(self, http: httpx.AsyncClient) -> NotNow | None:
        """Send batch after batch until nothing waits, or until something is in the way."""
        try:
            async with self._one_at_a_time:
                while await self._send_next(http):
                    pass
        except NotNow as problem:
            return problem
        except Trouble as trouble:  # the bench's own disk
            return NotNow(trouble)
        return None

    def _say(self, trouble: Trouble | None, wait_s: float | None) -> None:
        self.trouble = trouble
        self.next_ms = 0 if wait_s is None else time.time_ns() // 1_000_000 + round(wait_s * 1000)
        self._changed()

    async def _send_next(self, http: httpx.AsyncClient) -> bool:
        """Send one batch and store its receipt. False when nothing waits."""
        batch, broken = await self._store.read(lambda db: _waiting(db, self._size.most))
        if broken:
            await self._store.write(lambda db: _mark(db, "rejected", broken))
            self._changed()
        if not batch:
            return bool(broken)
        await self._store.write(lambda db: _count_try(db, batch))
        try:
            envelope = await post_batch(http, self._settings, self._key, b"".join(row.line for row in batch))
        except NotNow as problem:
            if problem.trouble.code == "upload.request-signature" and await self._told_new_key():
                return True
            if not problem.smaller:
                raise
            await self._send_less(batch, problem)
            return True
        receipt = self._verified(envelope, batch)
        await self._compare(receipt.head)
        await self._store.write(lambda db: _settle(db, envelope, receipt, batch))
        self._changed()
        if not (receipt.acknowledged or receipt.refused or receipt.quarantined):
            raise NotNow(left_waiting(receipt.next_expected))
        self._size.passed(len(batch))
        self.trouble = None
        return True

    async def _send_less(self, batch: Sequence[_Row], problem: NotNow) -> None:
        """The next batch is half of this one. A record that is in the way all alone lets the others pass first.

        Raises:
            NotNow: it was one record, or head office asks to wait.
        """
        self._size.failed(len(batch))
        by_size = problem.trouble.code == "upload.too-large"
        if len(batch) == 1:
            [row] = batch
            await self._store.write(lambda db: _pass_over(db, batch, _TOO_LARGE if by_size else _TOO_SLOW))
            if by_size:
                named = too_large(row.sent.seq, row.ticket, len(row.line))
                raise NotNow(named, problem.retry_after_s, alone=True) from problem
            raise problem
        if problem.retry_after_s:
            raise problem
        self.trouble = problem.trouble  # with the line as slow as that it is minutes until the smallest was tried
        self._changed()

    async def _told_new_key(self) -> bool:
        """Tell head office, once while this runs, by which records the station replaced its key; False without any."""
        if self._told_key:
            return False
        query = "SELECT envelope FROM record WHERE kind = 'key-event/v1' ORDER BY seq"
        events = await self._store.read(lambda db: [bytes(row[0]) for row in db.execute(query).fetchall()])
        replaced = rotations(events)
        await tell_new_key(self._settings, replaced)
        self._told_key = True  # now, not before: what did not arrive is told again
        return bool(replaced)

    async def _compare(self, head: HeadRef | None) -> None:
        """What head office pins must be this ledger. Raises NotNow where it is another one, or a longer one."""
        if head is None:
            return
        known, size = self._known, head.size
        frontier = await self._store.read(lambda db: _frontier_at(db, size, known))
        if (frontier.size, frontier.root) != (head.size, head.root):
            raise NotNow(other_history(head.size))
        self._known = frontier

    def _verified(self, envelope: bytes, batch: Sequence[_Row]) -> ReceiptV1:
        """The receipt, if head office signed it for this station and these records. Raises NotNow with the alarm."""
        settings, sent = self._settings, [(row.sent.seq, row.digest) for row in batch]
        try:
            receipt = verify_receipt(envelope, bytes.fromhex(settings.head_office_key), sent, station=settings.station)
        except RecordError as error:
            raise NotNow(forged(error.words)) from error
        if (receipt.shop, receipt.simulated) != (settings.shop, settings.simulated):
            raise NotNow(forged(_OTHER_WORLD))
        return receipt


def _count_try(db: Database, batch: Sequence[_Row]) -> None:
    db.conn.executemany("UPDATE outbox SET tries = tries + 1 WHERE seq = ?", [(row.sent.seq,) for row in batch])


def _mark(db: Database, state: Literal["rejected", "quarantined"], rows: Sequence[tuple[int, Words]]) -> None:
    db.conn.executemany(
        "UPDATE outbox SET state = ?, reason_en = ?, reason_zh = ? WHERE seq = ? AND state != 'acknowledged'",
        [(state, why.en, why.zh, seq) for seq, why in rows],
    )


def _settle(db: Database, envelope: bytes, receipt: ReceiptV1, batch: Sequence[_Row]) -> None:
    """Store a verified receipt and what it says of each record, in one transaction.

    Raises:
        NotNow: it is older than one that is here: another uploader's answer overtook it, or head office's clock was put
            back. Receipts are evidence of an order, so its records are sent again for one that keeps it.
    """
    ((newest_ms,),) = db.execute("SELECT coalesce(max(received_ms), 0) FROM receipt")
    if receipt.received_ms < newest_ms:
        raise NotNow(older_receipt())
    number = add_receipt(db, envelope)
    ((digest,),) = db.execute("SELECT digest FROM receipt WHERE id = ?", (number,))
    db.conn.executemany(
        "UPDATE outbox SET state = 'acknowledged', reason_en = '', reason_zh = '', receipt = ?"
        " WHERE seq = ? AND digest = ?",
        [(digest, row.seq, row.digest) for row in receipt.acknowledged],
    )
    _mark(db, "rejected", [(row.seq, Words(row.reason.en, row.reason.zh)) for row in receipt.refused])
    _mark(db, "quarantined", [(row.seq, _FORK) for row in receipt.quarantined])
    mentioned = {row.seq for row in (*receipt.acknowledged, *receipt.refused, *receipt.quarantined)}
    _pass_over(db, [row for row in batch if row.sent.seq not in mentioned], Words("", ""))
    if receipt.next_expected not in mentioned:
        _send_again(db, receipt.next_expected)


def _pass_over(db: Database, rows: Sequence[_Row], why: Words) -> None:
    """Let what follows go first from now on: these wait for something that others need not wait for."""
    db.conn.executemany(
        "UPDATE outbox SET passed_over = passed_over + 1, reason_en = ?, reason_zh = ? WHERE seq = ?",
        [(why.en, why.zh, row.sent.seq) for row in rows],
    )


def _send_again(db: Database, seq: int) -> None:
    """Head office does not have a record that it acknowledged: it was restored from a backup. Send it what it lacks."""
    ((lost,),) = db.execute("SELECT count(*) FROM outbox WHERE seq = ? AND state = 'acknowledged'", (seq,))
    if lost:
        db.execute(
            "UPDATE outbox SET state = 'waiting', receipt = NULL WHERE seq >= ? AND seq < ? AND state = 'acknowledged'",
            (seq, seq + MAX_RECORDS),
        )
