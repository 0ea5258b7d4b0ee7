"""Verifying a ledger, a ticket bundle or one envelope, offline: what is wrong, in which record, and why.

Reads only. A problem names the first bad record of its kind, because one broken link makes everything after it suspect
and a long list hides where it began. Stands on the standard library's `sqlite3`, the envelopes, the roster and the
release rules; `docs/verify.py` comes to the same answer on a ledger without any of our code.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from drivers.text import Words
from reports.attest import Record, key_id, open_record, verify_receipt
from reports.ledger import Frontier, chain_after, envelopes_of, foreign_of
from reports.predicates import Common, HeadV1, KeyEventV1, Made, ReceiptV1, ReleaseV1
from reports.record import RecordError, canonical, digest_of, parse_strict
from reports.release import ReleaseDecision, ReleasePolicy, verify_release
from reports.roster import ROSTER_KINDS, Roster, RosterError
from reports.steps.fork import BundleV1

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = [
    "BUNDLE_FORMAT",
    "HANDOVER_FORMAT",
    "MAX_BUNDLE",
    "Bundle",
    "Problem",
    "VerifyReport",
    "bundle_of",
    "export_bundle",
    "hold_against",
    "open_bundle",
    "verify_bundle",
    "verify_envelope",
    "verify_file",
    "verify_ledger",
    "write_bundle",
]

BUNDLE_FORMAT: Final = "assay-bundle/v1"
#: The same with what other stations stated, and with what only the shop may read.
HANDOVER_FORMAT: Final = "assay-bundle/v2"
#: The most bytes of a bundle: some tens of records of a ticket, with the shop's key events and receipts.
MAX_BUNDLE: Final = 64 * 1024 * 1024

_HEX = re.compile(r"[0-9a-f]{64}")
_SQLITE = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong.

    Attributes:
        what: its kind: `store`, `link`, `digest`, `chain`, `envelope`, `signature`, `roster`, `index`, `anchor`,
            `head`, `receipt`, `cut`, `release`, `bundle`.
        record: digest of the record (or receipt, or head) as far as it has one.
        seq: its place in the ledger, None for receipts, heads and whole files.
        why: what is wrong with it.
    """

    what: str
    record: str
    seq: int | None
    why: Words


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The answer.

    Attributes:
        records, signatures: how many were seen, and how many of the signatures were verified and good.
        problems: the first of each kind.
        origin: `proven` when a receipt under the given head-office key covers the station's enrolment.
        root: key id of the head-office key that was used, empty without one.
        release: the decision over the ticket, where one was looked at.
    """

    records: int
    signatures: int
    problems: tuple[Problem, ...]
    origin: Literal["proven", "unproven"]
    root: str = ""
    release: ReleaseDecision | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong; says nothing about the origin."""
        return not self.problems


@dataclass(slots=True)
class _Audit:
    """What was found so far."""

    root: bytes | None
    records: int = 0
    signatures: int = 0
    problems: dict[str, Problem] = field(default_factory=dict)
    proven: bool = False

    def problem(self, what: str, record: str, seq: int | None, why: Words) -> None:
        self.problems.setdefault(what, Problem(what, record, seq, why))

    def report(self, release: ReleaseDecision | None = None) -> VerifyReport:
        return VerifyReport(
            records=self.records,
            signatures=self.signatures,
            problems=tuple(self.problems.values()),
            origin="proven" if self.proven else "unproven",
            root=key_id(self.root) if self.root else "",
            release=release,
        )

    def receipt(self, data: bytes, digest: str) -> ReceiptV1 | None:
        """The receipt, its signature verified where there is a root."""
        try:
            if self.root:
                receipt = verify_receipt(data, self.root)
                self.signatures += 1
                return receipt
            return _read_receipt(data)
        except RecordError as error:
            self.problem("receipt", digest, None, error.words)
            return None


def _read_receipt(data: bytes) -> ReceiptV1:
    receipt = open_record(data).statement.predicate
    if not isinstance(receipt, ReceiptV1):
        raise RecordError(Words("is not a receipt", "不是回执"))
    return receipt


def _read_head(record: Record) -> HeadV1:
    head = record.statement.predicate
    if not isinstance(head, HeadV1):
        raise RecordError(Words("is not a head", "不是校验点"))
    return head


# --- the ledger ------------------------------------------------------------------------------------------------------


def verify_ledger(path: str | Path, root: bytes | None = None, *, policy: ReleasePolicy | None = None) -> VerifyReport:
    """Verify a whole ledger, read-only and in one pass, from the station's database file.

    Every envelope's form, statement and signatures against the roster as it was then; every link, the chain and the
    index; every Merkle head; every receipt and what it pins; every release by all its rules.

    Args:
        root: the pinned raw public key of head office; without one the origin stays unproven and receipts are only
            checked against the records.
        policy: what releases must satisfy beyond the rules.
    """
    audit = _Audit(root)
    try:
        with contextlib.closing(_read_only(Path(path))) as db:
            db.execute("BEGIN")  # one snapshot, also while the station goes on writing
            _Ledger(db, audit, policy).verify()
    except sqlite3.Error as error:
        audit.problem("store", "", None, Words("cannot be read: {why}", "无法读取：{why}").fill(why=error))
    return audit.report()


def _read_only(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    # A text that is not UTF-8 must be found and named, not end the reading.
    db.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    return db


class _Ledger:
    """One pass over a ledger."""

    def __init__(self, db: sqlite3.Connection, audit: _Audit, policy: ReleasePolicy | None) -> None:
        self.db, self.audit, self.policy = db, audit, policy
        self.roster, self.frontier = Roster(), Frontier()
        self.anchors: set[str] = set()
        self.pinned: dict[int, tuple[str, str]] = {}
        self.received = array("q", [0])  # by seq; 0: no receipt
        self.stations: dict[tuple[str, str, bool], str] = {}
        self.chain: str | None = None
        self.prev: str | None = None
        self.brought: set[str] = set()

    def verify(self) -> None:
        self._receipts()
        heads = self._rows("SELECT size, root, digest, envelope FROM head ORDER BY size")
        head = next(heads, None)
        rows = self._rows(
            "SELECT seq, digest, prev, chain, kind, ticket, wall_ms, mono_ms, boot_id, clock, envelope"
            " FROM record ORDER BY seq"
        )
        for number, row in enumerate(rows, 1):
            self._record(number, row)
            while head is not None and head[0] <= number:
                self._head(number, head)
                head = next(heads, None)
            self._pinned_head(number)
        if head is not None:
            self._cut(_text(head[2]), head[0])
        for size, (_, receipt) in sorted(self.pinned.items()):
            self._cut(receipt, size)
        self._foreign()
        self._end()

    def _rows(self, sql: str, parameters: tuple[object, ...] = ()) -> Iterator[tuple[Any, ...]]:
        return self.db.execute(sql, parameters)

    def _cut(self, record: str, size: object) -> None:
        why = Words("{size} records were there once, {n} are left", "曾有 {size} 条记录，现存 {n} 条")
        self.audit.problem("cut", record, None, why.fill(size=size, n=self.audit.records))

    def _end(self) -> None:
        if self.audit.records == 0:
            self.audit.problem("store", "", None, Words("holds no records", "没有记录"))
        ((orphans,),) = self.db.execute(
            "SELECT (SELECT count(*) FROM signature WHERE seq NOT IN (SELECT seq FROM record))"
            " + (SELECT count(*) FROM acknowledged WHERE receipt NOT IN (SELECT id FROM receipt))"
        )
        if orphans:
            why = Words("lists signatures or receipts that are not there", "列有不存在的签名或回执")
            self.audit.problem("index", "", None, why)
        home = (self.roster.shop, self.roster.station, self.roster.simulated)
        for other, receipt in self.stations.items():
            if other != home:
                self.audit.problem("receipt", receipt, None, Words("is for another station", "不是本工位的回执"))

    # --- receipts ---

    def _receipts(self) -> None:
        before = 0
        rows = self._rows("SELECT id, digest, received_ms, envelope FROM receipt ORDER BY id")
        for number, (row_id, stored, received_ms, envelope) in enumerate(rows, 1):
            data = _bytes(envelope)
            digest = digest_of(data)
            self.anchors.add(digest)
            receipt = self.audit.receipt(data, digest)
            if receipt is None:
                continue
            if (row_id, stored, received_ms) != (number, digest, receipt.received_ms):
                why = Words("is not stored as it says", "存储内容与其自身不符")
                self.audit.problem("receipt", digest, None, why)
            if receipt.received_ms < before:
                why = Words("is older than the receipt before it", "早于前一份回执")
                self.audit.problem("receipt", digest, None, why)
            before = receipt.received_ms
            indexed = self._rows("SELECT seq FROM acknowledged WHERE receipt = ? ORDER BY seq", (row_id,))
            if [seq for (seq,) in indexed] != sorted({row.seq for row in receipt.acknowledged}):
                why = Words("acknowledges other records than the index lists", "确认的记录与索引不符")
                self.audit.problem("index", digest, None, why)
            self.stations.setdefault((receipt.shop, receipt.station, receipt.simulated), digest)
            self._acknowledged(receipt, digest)

    def _acknowledged(self, receipt: ReceiptV1, digest: str) -> None:
        if receipt.head:
            known = self.pinned.setdefault(receipt.head.size, (receipt.head.root, digest))
            if known[0] != receipt.head.root:
                self.audit.problem("head", digest, None, _other_head(receipt.head.size))
        for row in receipt.acknowledged:
            found = next(
                (digest for (digest,) in self._rows("SELECT digest FROM record WHERE seq = ?", (row.seq,))), None
            )
            if found is None:
                self._cut_record(digest, row.seq)
            elif found != row.digest:
                why = Words("acknowledges another record {seq}", "确认的第 {seq} 条记录与台账不同").fill(seq=row.seq)
                self.audit.problem("receipt", digest, None, why)
            else:
                self._note_received(row.seq, receipt.received_ms)
                self.audit.proven |= self.audit.root is not None and row.seq == 1

    def _cut_record(self, receipt: str, seq: int) -> None:
        why = Words("record {seq} was acknowledged and is missing", "第 {seq} 条记录曾被确认，现已缺失").fill(seq=seq)
        self.audit.problem("cut", receipt, seq, why)

    def _note_received(self, seq: int, received_ms: int) -> None:
        if seq >= len(self.received):
            self.received.extend([0] * (seq + 1 - len(self.received)))
        self.received[seq] = self.received[seq] or received_ms

    # --- records ---

    def _record(self, number: int, row: tuple[Any, ...]) -> None:
        seq, stored, prev, chain, *columns, envelope = row
        data = _bytes(envelope)
        digest = digest_of(data)
        self.audit.records += 1
        if seq != number:
            self._say("link", digest, number, "record {n} is missing", "缺少第 {n} 条记录", n=number)
        if stored != digest:
            self._say("digest", digest, seq, "is not the record that was stored", "与存入时的内容不符")
        if prev != self.prev:
            self._say("link", digest, seq, "does not follow the record before it", "与前一条记录不衔接")
        expected = chain_after(self.chain, digest)
        if chain != expected:
            self._say("chain", digest, seq, "breaks the chain", "签名链在此断开")
        self.frontier.add(digest)
        # Go on from what is stored, so that the fault is named where it is and not on every record after it.
        self.chain = chain if isinstance(chain, str) and _HEX.fullmatch(chain) else expected
        self.prev = stored
        try:
            self._content(digest, seq, open_record(data), columns)
        except RosterError as error:
            self.audit.problem("signature", digest, seq, error.words)
        except RecordError as error:
            self.audit.problem("envelope", digest, seq, error.words)

    def _say(self, what: str, digest: str, seq: int | None, en: str, zh: str, **values: object) -> None:
        self.audit.problem(what, digest, seq, Words(en, zh).fill(**values))

    def _content(self, digest: str, seq: int, record: Record, columns: list[Any]) -> None:
        keys = [signature.key_id for signature in record.envelope.signatures]
        indexed = [key for (key,) in self._rows("SELECT key_id FROM signature WHERE seq = ? ORDER BY key_id", (seq,))]
        if indexed != keys:
            self._say("index", digest, seq, "has other signatures than the index lists", "签名与索引不符")
        made = record.statement.predicate
        wanted: list[object] = [record.kind, record.ticket]
        match record.statement.raw.get("clock"):
            case {"wall_ms": wall_ms, "mono_ms": mono_ms, "boot_id": boot_id, "state": state}:
                wanted += [wall_ms, mono_ms, boot_id, state]
        if columns != wanted:
            self._say("link", digest, seq, "is not linked as it says", "链接内容与记录不符")
        if isinstance(made, Made) and made.anchor is not None and made.anchor not in self.anchors:
            self._say("anchor", digest, seq, "names a receipt that is missing", "所引用的回执缺失")
        if record.kind in ROSTER_KINDS:
            self.roster = self.roster.apply(record)
        elif isinstance(made, ReceiptV1 | HeadV1):
            raise RecordError(Words("does not belong in the ledger", "不应写入台账"))
        else:
            self.roster.check(record, received_ms=self._received_ms(seq))
        self.audit.signatures += len(keys)
        if isinstance(made, BundleV1):
            self.brought |= {*made.records, *made.key_events}
        if isinstance(made, ReleaseV1):
            self._release(digest, seq, made.ticket)

    def _received_ms(self, seq: int) -> int | None:
        return (self.received[seq] or None) if 0 < seq < len(self.received) else None

    def _release(self, digest: str, seq: int, ticket: str) -> None:
        envelopes, times = [], {}
        query = "SELECT seq, 0, envelope FROM record WHERE ticket = :ticket AND seq <= :seq"
        if self._kept():
            query += (
                " UNION ALL SELECT after_seq, id, envelope FROM foreign_record"
                " WHERE ticket = :ticket AND after_seq < :seq AND kind != 'receipt/v1'"
            )
        for place, came, envelope in self.db.execute(f"{query} ORDER BY 1, 2", {"ticket": ticket, "seq": seq}):
            data = _bytes(envelope)
            envelopes.append(data)
            received_ms = None if came else self._received_ms(place)
            if received_ms is not None:
                times[digest_of(data)] = received_ms
        try:
            roster = self.roster.with_peers(self._peers(seq))
        except RosterError as error:
            self.audit.problem("roster", digest, seq, error.words)
            return
        decision = verify_release(envelopes, roster, policy=self.policy, received_ms=times)
        if not decision.released:
            self.audit.problem("release", digest, seq, decision.reasons[0])

    # --- what other stations stated ---

    def _kept(self) -> bool:
        return next(self._rows("SELECT 1 FROM sqlite_master WHERE name = 'foreign_record'"), None) is not None

    def _peers(self, before: int) -> list[Roster]:
        """The rosters of other stations, from the key events that came before that place of the ledger."""
        events: dict[str, list[bytes]] = {}
        if self._kept():
            query = "SELECT station, envelope FROM foreign_record WHERE ticket = '' AND after_seq < ? ORDER BY id"
            for station, envelope in self._rows(query, (before,)):
                events.setdefault(station, []).append(_bytes(envelope))
        return [Roster.fold(each) for each in events.values()]

    def _foreign(self) -> None:
        """Every envelope of another station: whole, signed by who had to, and listed by an own `bundle/v1` record."""
        if not self._kept():
            return
        times: dict[str, int] = {}
        found: set[str] = set()
        columns = "SELECT station, seq, digest, kind, ticket, envelope FROM foreign_record"
        for *_, stored, _kind, _ticket, envelope in self._rows(f"{columns} WHERE kind = 'receipt/v1' ORDER BY id"):
            receipt = self.audit.receipt(_bytes(envelope), stored)
            for row in receipt.acknowledged if receipt else ():
                times.setdefault(row.digest, receipt.received_ms if receipt else 0)
        try:
            roster = self.roster.with_peers(self._peers(self.audit.records + 1))
        except RosterError as error:
            self.audit.problem("roster", "", None, error.words)
            return
        for station, seq, stored, kind, ticket, envelope in self._rows(f"{columns} WHERE kind != 'receipt/v1'"):
            data = _bytes(envelope)
            digest = digest_of(data)
            found.add(digest)
            if digest != stored:
                self._say("digest", digest, seq, "is not the record that was stored", "与存入时的内容不符")
            try:
                self._foreign_record(open_record(data), roster, times, (station, kind, ticket))
            except RosterError as error:
                self.audit.problem("signature", digest, seq, error.words)
            except RecordError as error:
                self.audit.problem("envelope", digest, seq, error.words)
        for digest in sorted(found ^ self.brought):
            self._say("bundle", digest, None, "is not what a bundle brought", "与转入的工单包不符")

    def _foreign_record(
        self, record: Record, roster: Roster, times: Mapping[str, int], stored: tuple[object, ...]
    ) -> None:
        made = record.statement.predicate
        if (record.statement.raw.get("station"), record.kind, record.ticket or "") != stored:
            self._say("link", record.digest, None, "is not stored as it says", "存储内容与其自身不符")
        if record.kind not in ROSTER_KINDS and isinstance(made, Common):
            if made.station not in roster.peers:
                raise RosterError(Words("is of a station whose keys are not here", "缺少其工位的密钥记录"))
            roster.check(record, received_ms=times.get(record.digest))
        self.audit.signatures += len(record.envelope.signatures)

    # --- heads ---

    def _head(self, number: int, row: tuple[Any, ...]) -> None:
        size, root, stored, envelope = row
        data = _bytes(envelope)
        digest = digest_of(data)
        try:
            record = open_record(data)
            head = _read_head(record)
            self.audit.signatures += len(self.roster.check(record))
        except RecordError as error:
            self.audit.problem("head", digest, None, error.words)
            return
        if (size, root, stored) != (head.size, head.root, digest) or size != number:
            self.audit.problem("head", digest, None, Words("is not stored as it says", "存储内容与其自身不符"))
        if (head.root, head.peaks) != (self.frontier.root, self.frontier.peaks):
            self.audit.problem("head", digest, None, _other_head(number))
        if head.anchor is not None and head.anchor not in self.anchors:
            self.audit.problem("anchor", digest, None, Words("names a receipt that is missing", "所引用的回执缺失"))

    def _pinned_head(self, number: int) -> None:
        pinned = self.pinned.pop(number, None)
        if pinned is None:
            return
        root, receipt = pinned
        if root != self.frontier.root:
            self.audit.problem("head", receipt, None, _other_head(number))
        else:
            self.audit.proven |= self.audit.root is not None


def _other_head(size: int) -> Words:
    return Words("the first {n} records are not those that were there once", "前 {n} 条记录已不是当时的记录").fill(
        n=size
    )


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


# --- a ledger and what was taken from it ---------------------------------------------------------------------------


def hold_against(path: str | Path, artefact: bytes) -> tuple[Problem, ...]:
    """What a verified bundle, receipt, head or record speaks of and this ledger does not have: cut off, or otherwise.

    Any later artefact misses newest records that were cut off together with everything in the ledger that knew them.

    Args:
        artefact: the bytes; verify them first (`verify_file`), for anybody can write what a ledger then lacks.

    Raises:
        RecordError: neither a bundle nor an envelope.
        sqlite3.Error: the ledger cannot be read.
    """
    with contextlib.closing(_read_only(Path(path))) as db:
        db.execute("BEGIN")
        if artefact.startswith(b'{"payload":'):
            return tuple(_missing(db, artefact, None))
        bundle = open_bundle(artefact)
        ours = [(seq, data) for seq, data in bundle.records if _station_of(data) == bundle.station]
        found = [problem for seq, data in ours for problem in _missing(db, data, seq)]
        found += [problem for data in (*bundle.roster, *bundle.receipts) for problem in _missing(db, data, None)]
        return tuple(found)


def _missing(db: sqlite3.Connection, data: bytes, seq: int | None) -> Iterator[Problem]:
    record = open_record(data)
    made = record.statement.predicate
    if isinstance(made, ReceiptV1):
        for row in made.acknowledged:
            yield from _absent(db, row.digest, row.seq, record.digest)
        if made.head is not None:
            yield from _other_root(db, made.head.size, made.head.root, record.digest)
    elif isinstance(made, HeadV1):
        yield from _other_root(db, made.size, made.root, record.digest)
    else:
        yield from _absent(db, record.digest, seq, record.digest)


def _absent(db: sqlite3.Connection, digest: str, seq: int | None, named: str) -> Iterator[Problem]:
    found = db.execute("SELECT seq FROM record WHERE digest = ?", (digest,)).fetchone()
    if found is None or (seq is not None and found[0] != seq):
        why = Words("record {digest} is not in this ledger", "本台账没有记录 {digest}").fill(digest=digest[:16])
        yield Problem("cut", named, seq, why)


def _other_root(db: sqlite3.Connection, size: int, root: str, named: str) -> Iterator[Problem]:
    frontier = Frontier()
    for (digest,) in db.execute("SELECT digest FROM record ORDER BY seq LIMIT ?", (size,)):
        frontier.add(digest)
    if frontier.size < size:
        why = Words("{size} records were there once, {n} are left", "曾有 {size} 条记录，现存 {n} 条")
        yield Problem("cut", named, None, why.fill(size=size, n=frontier.size))
    elif frontier.root != root:
        yield Problem("head", named, None, _other_head(size))


# --- ticket bundles --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bundle:
    """One ticket as one file: its records with their places, the key events, and the receipts that cover them.

    Attributes:
        shop, station: who made the file.
        records: in the order in which they count there; each says whose it is.
        roster: the key events of the maker; `peers`: those of the other stations that stated something.
        handover: what only the shop's stations can open (`station.bundles`), None in a file for anybody.
    """

    shop: str
    station: str
    ticket: str
    records: tuple[tuple[int, bytes], ...]
    roster: tuple[bytes, ...]
    receipts: tuple[bytes, ...]
    peers: tuple[tuple[str, tuple[bytes, ...]], ...] = ()
    handover: Mapping[str, str] | None = None

    @property
    def content(self) -> bytes:
        """Everything but the handover, as the bytes that the handover is bound to."""
        return canonical(_content(self))


def _content(bundle: Bundle) -> dict[str, Any]:
    return {
        "format": BUNDLE_FORMAT,
        "shop": bundle.shop,
        "station": bundle.station,
        "ticket": bundle.ticket,
        "records": [{"seq": seq, "envelope": data.decode()} for seq, data in bundle.records],
        "roster": [data.decode() for data in bundle.roster],
        "receipts": [data.decode() for data in bundle.receipts],
    } | (
        {"peers": [{"station": name, "roster": [each.decode() for each in events]} for name, events in bundle.peers]}
        if bundle.peers
        else {}
    )


def write_bundle(bundle: Bundle) -> bytes:
    """The file of a bundle, in its one form; version 1 where nothing is in it that version 1 does not know."""
    content = _content(bundle)
    if bundle.peers or bundle.handover is not None:
        content |= {"format": HANDOVER_FORMAT, "peers": content.get("peers", []), "handover": bundle.handover}
    return canonical(content)


def export_bundle(db: Database, ticket: str) -> bytes:
    """The bundle of a ticket as bytes: envelopes verbatim, all key events, and the receipts that cover any of them.

    Raises:
        RecordError: the ledger has no record of that ticket.
    """
    return write_bundle(bundle_of(db, ticket))


def bundle_of(db: Database, ticket: str) -> Bundle:
    """The bundle of a ticket, without a handover.

    Raises:
        RecordError: the ledger has no record of that ticket.
    """
    envelopes = envelopes_of(db, ticket)
    seqs = {
        str(digest): int(seq)
        for seq, digest in db.execute("SELECT seq, digest FROM record WHERE ticket = ?", (ticket,))
    }
    foreign = foreign_of(db, ticket)
    seqs |= {digest_of(each.envelope): each.seq for each in foreign if each.kind != "receipt/v1"}
    rows = tuple((seqs[digest_of(data)], data) for data in envelopes)
    if not rows:
        raise RecordError(
            Words("there is no record of ticket {ticket}", "没有工单 {ticket} 的记录").fill(ticket=ticket)
        )
    query = "SELECT envelope FROM record WHERE kind IN (?, ?) ORDER BY seq"
    events = [bytes(e) for (e,) in db.execute(query, ROSTER_KINDS)]
    roster = Roster.fold(events)
    receipts = [
        bytes(envelope)
        for _, envelope in db.execute(
            "SELECT DISTINCT receipt.id, receipt.envelope FROM record"
            " JOIN acknowledged ON acknowledged.seq = record.seq JOIN receipt ON receipt.id = acknowledged.receipt"
            " WHERE record.ticket = ? OR record.kind IN (?, ?) ORDER BY receipt.id",
            (ticket, *ROSTER_KINDS),
        )
    ]
    receipts += [each.envelope for each in foreign if each.kind == "receipt/v1"]
    theirs: dict[str, list[bytes]] = {}
    for each in foreign_of(db) if foreign else ():
        theirs.setdefault(each.station, []).append(each.envelope)
    return Bundle(
        shop=roster.shop,
        station=roster.station,
        ticket=ticket,
        records=rows,
        roster=tuple(events),
        receipts=tuple(receipts),
        peers=tuple((name, tuple(each)) for name, each in sorted(theirs.items())),
    )


def open_bundle(data: bytes) -> Bundle:
    """The bundle in a file; nothing in it is verified yet.

    Raises:
        RecordError: not a bundle in the one accepted form.
    """
    parsed = parse_strict(data, MAX_BUNDLE)
    peers: tuple[tuple[str, tuple[bytes, ...]], ...] = ()
    handover: Mapping[str, str] | None = None
    match parsed:
        case {"format": "assay-bundle/v2", "peers": list(others), "handover": sealed, **rest}:
            peers, handover = tuple(_peer_row(row) for row in others), _handover(sealed)
            parsed = rest | {"format": BUNDLE_FORMAT}
    match parsed:
        case {
            "format": "assay-bundle/v1",
            "shop": str(shop),
            "station": str(station),
            "ticket": str(ticket),
            "records": list(records),
            "roster": list(roster),
            "receipts": list(receipts),
            **more,
        } if not more and all(isinstance(item, str) for item in (*roster, *receipts)):
            rows = tuple(_bundle_row(row) for row in records)
            return Bundle(
                shop=shop,
                station=station,
                ticket=ticket,
                records=rows,
                roster=tuple(item.encode() for item in roster),
                receipts=tuple(item.encode() for item in receipts),
                peers=peers,
                handover=handover,
            )
    raise RecordError(Words("is not a ticket bundle", "不是工单包"))


def _bundle_row(row: object) -> tuple[int, bytes]:
    match row:
        case {"seq": int(seq), "envelope": str(envelope), **more} if not more and not isinstance(seq, bool):
            return seq, envelope.encode()
    raise RecordError(Words("is not a ticket bundle", "不是工单包"))


def _peer_row(row: object) -> tuple[str, tuple[bytes, ...]]:
    match row:
        case {"station": str(station), "roster": list(events), **more} if not more:
            if all(isinstance(item, str) for item in events):
                return station, tuple(str(item).encode() for item in events)
    raise RecordError(Words("is not a ticket bundle", "不是工单包"))


def _handover(sealed: object) -> Mapping[str, str] | None:
    match sealed:
        case None:
            return None
        case {"nonce": str(nonce), "sealed": str(text), **more} if not more:
            return {"nonce": nonce, "sealed": text}
    raise RecordError(Words("is not a ticket bundle", "不是工单包"))


def _station_of(data: bytes) -> str:
    return str(open_record(data).statement.raw.get("station", ""))


def verify_bundle(data: bytes, root: bytes | None = None, *, policy: ReleasePolicy | None = None) -> VerifyReport:
    """Verify a ticket bundle: every record and receipt in it, and the release by all its rules if there is one.

    Args:
        root, policy: as for `verify_ledger`.
    """
    audit = _Audit(root)
    try:
        bundle = open_bundle(data)
    except RecordError as error:
        audit.problem("bundle", "", None, error.words)
        return audit.report()
    return _verify_bundle(bundle, audit, policy)


def _verify_bundle(bundle: Bundle, audit: _Audit, policy: ReleasePolicy | None) -> VerifyReport:
    roster = Roster.fold(bundle.roster)
    for problem in roster.problems:
        audit.problem("roster", problem.digest, None, problem.why)
    if (roster.shop, roster.station) != (bundle.shop, bundle.station):
        audit.problem("bundle", "", None, Words("names another station than its records", "所写工位与记录不符"))
    _only_key_events(bundle.roster, audit)
    audit.signatures += sum(_count_signatures(data) for data in bundle.roster) if not roster.problems else 0
    audit.records += len(bundle.roster)
    roster = _with_peers(bundle, roster, audit)
    times: dict[str, int] = {}
    for data in bundle.receipts:
        receipt = audit.receipt(data, digest_of(data))
        if receipt is None:
            continue
        known = receipt.station == roster.station or receipt.station in roster.peers
        if (receipt.shop, receipt.simulated, known) != (roster.shop, roster.simulated, True):
            audit.problem("receipt", digest_of(data), None, Words("is for another station", "不是本工位的回执"))
        for row in receipt.acknowledged:
            times.setdefault(row.digest, receipt.received_ms)
    has_release = _bundle_records(bundle, roster, audit, times)
    geneses = (each.genesis for each in (roster, *roster.peers.values()))
    audit.proven = audit.root is not None and all(genesis in times for genesis in geneses)
    if not has_release:
        return audit.report()
    envelopes = [data for _, data in bundle.records]
    decision = verify_release(envelopes, roster, policy=policy, received_ms=times)
    if not decision.released:
        audit.problem("release", "", None, decision.reasons[0])
    return audit.report(decision)


def _with_peers(bundle: Bundle, roster: Roster, audit: _Audit) -> Roster:
    """The maker's roster with those of the other stations, as far as they are good."""
    for station, events in bundle.peers:
        peer = Roster.fold(events)
        _only_key_events(events, audit)
        audit.records += len(events)
        try:
            if peer.station != station or station in roster.peers:
                raise RosterError(Words("names another station than its records", "所写工位与记录不符"))  # noqa: TRY301
            roster = roster.with_peers([peer])
        except RosterError as error:
            audit.problem("roster", peer.genesis, None, error.words)
        else:
            audit.signatures += sum(_count_signatures(data) for data in events)
    return roster


def _only_key_events(events: Iterable[bytes], audit: _Audit) -> None:
    """A roster passes over other records, and their signatures are verified by nobody there."""
    for data in events:
        with contextlib.suppress(RecordError):  # what does not open is named by the roster
            if open_record(data).kind not in ROSTER_KINDS:
                audit.problem("roster", digest_of(data), None, Words("is not a key event", "不是密钥事件"))


def _bundle_records(bundle: Bundle, roster: Roster, audit: _Audit, times: Mapping[str, int]) -> bool:
    has_release = False
    newest: dict[str, int] = {}
    for seq, data in bundle.records:
        audit.records += 1
        digest = digest_of(data)
        try:
            record = open_record(data)
            station = str(record.statement.raw.get("station", ""))
            if seq <= newest.get(station, 0):
                audit.problem("bundle", digest, seq, Words("is out of order", "顺序错误"))
            newest[station] = seq
            if record.ticket != bundle.ticket:
                raise RecordError(Words("belongs to another ticket", "属于另一工单"))  # noqa: TRY301
            audit.signatures += len(roster.check(record, received_ms=times.get(digest)))
            has_release |= isinstance(record.statement.predicate, ReleaseV1)
        except RosterError as error:
            audit.problem("signature", digest, seq, error.words)
        except RecordError as error:
            audit.problem("envelope", digest, seq, error.words)
    return has_release


def _count_signatures(data: bytes) -> int:
    return len(open_record(data).envelope.signatures)


# --- one file --------------------------------------------------------------------------------------------------------


def verify_envelope(data: bytes, root: bytes | None = None, roster: Roster | None = None) -> VerifyReport:
    """Verify one stored envelope.

    Args:
        root: checks receipts.
        roster: checks everything else; without one only an enrolment of a station can be checked, against itself.
    """
    audit, digest = _Audit(root, records=1), digest_of(data)
    try:
        record = open_record(data)
        made = record.statement.predicate
        if isinstance(made, ReceiptV1):
            if root is None:
                raise RosterError(Words("needs the key of head office (--root)", "需要总部公钥（--root）"))  # noqa: TRY301
            verify_receipt(data, root)
            audit.proven = True
        elif isinstance(made, KeyEventV1) and made.kind == "station" and made.event == "enrol":
            Roster().apply(record)
        elif isinstance(made, KeyEventV1) or roster is None:
            why = Words(
                "cannot be checked alone: verify its ticket bundle or its ledger", "无法单独校验：请校验其工单包或台账"
            )
            raise RosterError(why)  # noqa: TRY301
        else:
            roster.check(record)
        audit.signatures = len(record.envelope.signatures)
    except RosterError as error:
        audit.problem("signature", digest, None, error.words)
    except RecordError as error:
        audit.problem("envelope", digest, None, error.words)
    return audit.report()


def verify_file(
    path: str | Path,
    root: bytes | None = None,
    *,
    roster: Roster | None = None,
    policy: ReleasePolicy | None = None,
) -> VerifyReport:
    """Verify a file by what it is: a station's database, a ticket bundle, or one envelope.

    Raises:
        OSError: it cannot be read.
    """
    with Path(path).open("rb") as file:
        start = file.read(len(_SQLITE))
        if start == _SQLITE:
            return verify_ledger(path, root, policy=policy)
        data = start + file.read(MAX_BUNDLE)
    if data.startswith(b'{"payload":'):
        return verify_envelope(data, root, roster)
    return verify_bundle(data, root, policy=policy)
