"""Head office's store: which stations there are, what each has sent, and what was wrong with it; rows are only added.

One SQLite file through sqlite-utils, one writer at a time (`BEGIN IMMEDIATE`), durable before an answer leaves. It
keeps raw envelopes as they came and judges nothing: `reports.headoffice.ingest` does.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from drivers.text import Words
from reports.ledger import Frontier, chain_after
from reports.record import RecordError
from reports.roster import ROSTER_KINDS

__all__ = [
    "HEAD_OFFICE",
    "HeadOfficeError",
    "HeadOfficeStore",
    "Link",
    "Station",
    "Stored",
    "Unjudged",
    "create_head_office",
]

#: Seconds to wait for another process (`assay headoffice approve`) that writes the same file.
BUSY_S = 5.0


class HeadOfficeError(RecordError):
    """A request or a decision that head office refuses.

    Attributes:
        code: stable short name, e.g. `station-pending`.
        status: the HTTP status that says it.
    """

    def __init__(self, code: str, status: int, words: Words) -> None:
        super().__init__(words)
        self.code, self.status = code, status


State = Literal["pending", "approved", "refused"]


@dataclass(frozen=True, slots=True)
class Station:
    """A station that asked to be enrolled.

    Attributes:
        public: its raw public key; digest, envelope: its enrolment, the first record of its ledger.
        state: `pending` until somebody at head office has compared the fingerprint.
        size, chain, peaks: how far its ledger is here without a gap, with chain value and Merkle peaks at that place.
    """

    station: str
    shop: str
    name: str
    simulated: bool
    public: bytes
    digest: str
    envelope: bytes
    state: State
    size: int
    chain: str | None
    peaks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """A record that is here: whose it is, its place there, and when it was received."""

    station: str
    seq: int
    digest: str
    received_ms: int
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A release that was not judged yet."""

    station: str
    seq: int
    ticket: str


@dataclass(frozen=True, slots=True)
class Link:
    """What a station says stands at one place of its ledger. `state`: `stored` or `refused`."""

    seq: int
    digest: str
    chain: str
    state: str


HEAD_OFFICE = Migrations("assay.head-office")


@HEAD_OFFICE()
def head_office_tables(db: Database) -> None:
    """`station` and `link` say how things stand; all else is only added to."""
    db.execute(
        "CREATE TABLE office (id INTEGER PRIMARY KEY CHECK (id = 1), head_office TEXT NOT NULL,"
        " simulated INTEGER NOT NULL CHECK (simulated IN (0, 1))) STRICT"
    )
    db.execute(
        "CREATE TABLE station (station TEXT PRIMARY KEY, shop TEXT NOT NULL, name TEXT NOT NULL,"
        " simulated INTEGER NOT NULL CHECK (simulated IN (0, 1)), public BLOB NOT NULL UNIQUE,"
        " digest TEXT NOT NULL UNIQUE, envelope BLOB NOT NULL,"
        " state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'refused')),"
        " size INTEGER NOT NULL DEFAULT 0, chain TEXT, peaks TEXT NOT NULL DEFAULT '[]') STRICT, WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE decision (id INTEGER PRIMARY KEY, station TEXT NOT NULL REFERENCES station (station),"
        " state TEXT NOT NULL, by_whom TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT"
    )
    db.execute(
        "CREATE TABLE link (station TEXT NOT NULL REFERENCES station (station), seq INTEGER NOT NULL CHECK (seq > 0),"
        " digest TEXT NOT NULL CHECK (length(digest) = 64), chain TEXT NOT NULL,"
        " state TEXT NOT NULL CHECK (state IN ('stored', 'refused')),"
        " PRIMARY KEY (station, seq)) STRICT, WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE record (station TEXT NOT NULL, seq INTEGER NOT NULL, digest TEXT NOT NULL, kind TEXT NOT NULL,"
        " shop TEXT NOT NULL, ticket TEXT, received_ms INTEGER NOT NULL, envelope BLOB NOT NULL,"
        " PRIMARY KEY (station, seq), FOREIGN KEY (station, seq) REFERENCES link (station, seq)) STRICT"
    )
    db.execute("CREATE INDEX record_ticket ON record (station, ticket) WHERE ticket IS NOT NULL")
    db.execute("CREATE INDEX record_kind ON record (station, kind, seq)")
    db.execute(
        "CREATE TABLE refusal (station TEXT NOT NULL, seq INTEGER NOT NULL, digest TEXT NOT NULL, why TEXT NOT NULL,"
        " received_ms INTEGER NOT NULL, envelope BLOB NOT NULL, PRIMARY KEY (station, seq, digest)) STRICT"
    )
    db.execute(
        "CREATE TABLE quarantine (station TEXT NOT NULL, seq INTEGER NOT NULL, digest TEXT NOT NULL, why TEXT NOT NULL,"
        " received_ms INTEGER NOT NULL, envelope BLOB NOT NULL, PRIMARY KEY (station, seq, digest)) STRICT"
    )
    db.execute(
        "CREATE TABLE release (station TEXT NOT NULL, seq INTEGER NOT NULL, ticket TEXT NOT NULL,"
        " decision TEXT NOT NULL, reasons TEXT NOT NULL, checked_ms INTEGER NOT NULL, PRIMARY KEY (station, seq),"
        " FOREIGN KEY (station, seq) REFERENCES record (station, seq)) STRICT"
    )
    db.execute(
        "CREATE TABLE receipt (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, station TEXT NOT NULL,"
        " received_ms INTEGER NOT NULL, envelope BLOB NOT NULL) STRICT"
    )
    for table in ("office", "decision", "record", "refusal", "quarantine", "release", "receipt"):
        _only_added_to(db, table)


@HEAD_OFFICE()
def allowed_checklists(db: Database) -> None:
    """The checklists whose runs a release may stand on; older versions stay allowed for what was begun with them."""
    db.execute(
        "CREATE TABLE checklist (sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64), id TEXT NOT NULL,"
        " version INTEGER NOT NULL, since_ms INTEGER NOT NULL, by_whom TEXT NOT NULL) STRICT"
    )
    _only_added_to(db, "checklist")


@HEAD_OFFICE()
def releases_that_wait(db: Database) -> None:
    """Releases that stand on records which are not here yet, and what each waits for; both tables say how things stand.

    `awaited` names the digest of a record, or a station whose ledger has a gap here.
    """
    db.execute("CREATE INDEX record_digest ON record (digest)")
    db.execute(
        "CREATE TABLE unjudged (station TEXT NOT NULL, seq INTEGER NOT NULL, ticket TEXT NOT NULL, why TEXT NOT NULL,"
        " since_ms INTEGER NOT NULL, PRIMARY KEY (station, seq),"
        " FOREIGN KEY (station, seq) REFERENCES record (station, seq)) STRICT"
    )
    db.execute(
        "CREATE TABLE awaited (what TEXT NOT NULL, station TEXT NOT NULL, seq INTEGER NOT NULL,"
        " PRIMARY KEY (what, station, seq), FOREIGN KEY (station, seq) REFERENCES unjudged (station, seq)"
        " ON DELETE CASCADE) STRICT, WITHOUT ROWID"
    )


@HEAD_OFFICE()
def station_keys(db: Database) -> None:
    """Every key that a station was known by and replaced, with the record by which it did; `station` has the newest."""
    db.execute(
        "CREATE TABLE station_key (public BLOB PRIMARY KEY CHECK (length(public) = 32),"
        " station TEXT NOT NULL REFERENCES station (station), number INTEGER NOT NULL, envelope BLOB,"
        " received_ms INTEGER NOT NULL, UNIQUE (station, number)) STRICT"
    )
    _only_added_to(db, "station_key")


def _only_added_to(db: Database, table: str) -> None:
    """Against accidents; recursive_triggers is on here, so INSERT OR REPLACE meets the delete trigger."""
    say = f"SELECT RAISE(ABORT, '{table} is append-only')"
    db.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN {say}; END")
    db.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN {say}; END")


def create_head_office(database: Path, head_office: str, *, simulated: bool) -> None:
    """Make a new head office. Whether it is a simulated one is fixed from here on.

    Raises:
        HeadOfficeError: `exists` when there is one in that file already.
    """
    db = _connect(database)
    try:
        db.conn.execute("BEGIN IMMEDIATE")
        HEAD_OFFICE.apply(db)
        if db.table("office").count:
            raise HeadOfficeError(
                "exists", 409, Words("{path} is a head office already", "{path} 已是总部数据库").fill(path=database)
            )
        db.execute("INSERT INTO office VALUES (1, ?, ?)", (head_office, int(simulated)))
        db.conn.commit()
    finally:
        db.conn.rollback()
        db.close()


def _connect(database: Path) -> Database:
    database.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(database, os.O_CREAT | os.O_RDWR, 0o600))  # SQLite gives the -wal and -shm the same mode
    # One connection, guarded by the store's lock, used from whichever worker thread serves the request.
    connection = sqlite3.connect(database, timeout=BUSY_S, check_same_thread=False, isolation_level=None)
    try:
        return _set_up(Database(connection))
    except BaseException:
        connection.close()
        raise


def _set_up(db: Database) -> Database:
    for pragma, wanted in (("journal_mode=WAL", "wal"), ("synchronous=FULL", 2), ("foreign_keys=ON", 1),
                           ("recursive_triggers=ON", 1)):  # fmt: skip
        db.conn.execute(f"PRAGMA {pragma}")
        (got,) = db.conn.execute(f"PRAGMA {pragma.split('=')[0]}").fetchone()
        if got != wanted:
            raise sqlite3.NotSupportedError(f"PRAGMA {pragma}: the database says {got!r}")
    return db


def _key_in_use() -> HeadOfficeError:
    return HeadOfficeError("key-in-use", 409, Words("this key belongs to another station", "该密钥已属于其他工位"))


class HeadOfficeStore:
    """The open store of one head office.

    Raises (when opened):
        HeadOfficeError: `not-a-head-office` when the file was not made by `create_head_office`.
    """

    def __init__(self, database: Path) -> None:
        not_one = HeadOfficeError(
            "not-a-head-office", 500, Words("{path} is not a head office", "{path} 不是总部数据库").fill(path=database)
        )
        if not database.exists():
            raise not_one
        self._lock = threading.Lock()
        try:
            self.db = _connect(database)
        except sqlite3.DatabaseError as error:
            raise not_one from error
        if not self.db.table("office").exists():
            self.db.close()
            raise not_one
        HEAD_OFFICE.apply(self.db)
        ((self.head_office, simulated),) = list(self.db.execute("SELECT head_office, simulated FROM office"))
        self.simulated = bool(simulated)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, one at a time, on the disk when it ends."""
        with self._lock:
            self.db.conn.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.db.conn.execute("COMMIT")
            except BaseException:
                if self.db.conn.in_transaction:
                    self.db.conn.execute("ROLLBACK")
                raise

    # --- inside a transaction: stations ---

    def station(self, station: str) -> Station | None:
        """The station, None when it never asked."""
        return next(self._stations("WHERE station = ?", (station,)), None)

    def stations(self) -> list[Station]:
        """Every station that ever asked."""
        return list(self._stations("ORDER BY state = 'pending' DESC, station", ()))

    def _stations(self, where: str, values: tuple[Any, ...]) -> Iterator[Station]:
        for row in self.db.query(f"SELECT * FROM station {where}", values):  # noqa: S608 - our own clauses
            peaks = tuple(json.loads(row.pop("peaks")))
            yield Station(**{**row, "simulated": bool(row["simulated"])}, peaks=peaks)

    def pending(self) -> int:
        """How many stations wait for a decision."""
        return self.db.table("station").count_where("state = 'pending'")

    def add_station(self, station: Station) -> None:
        """Write down a station that asks. Raises HeadOfficeError when its key belongs to another one."""
        row = {name: getattr(station, name) for name in ("station", "shop", "name", "public", "digest", "envelope")}
        if self.db.execute("SELECT 1 FROM station_key WHERE public = ?", (station.public,)).fetchone():
            raise _key_in_use()
        try:
            self.db.table("station").insert({**row, "simulated": int(station.simulated), "state": "pending"})
        except sqlite3.IntegrityError as error:
            raise _key_in_use() from error

    def rotations(self, station: str) -> list[bytes]:
        """The records by which a station has replaced its key, in order."""
        query = "SELECT envelope FROM station_key WHERE station = ? AND envelope IS NOT NULL ORDER BY number"
        return [bytes(envelope) for (envelope,) in self.db.execute(query, (station,))]

    def replace_key(self, station: Station, public: bytes, envelope: bytes, at_ms: int) -> None:
        """Know a station by a new key from now on. Raises HeadOfficeError when another station has or had it."""
        add = (
            "INSERT INTO station_key (public, station, number, envelope, received_ms) SELECT ?, ?,"
            " (SELECT count(*) FROM station_key WHERE station = ?), ?, ?"
        )
        first = not self.rotations(station.station)
        try:
            for key, record in [(station.public, None)] * first + [(public, envelope)]:
                self.db.execute(add, (key, station.station, station.station, record, at_ms))
            self.db.execute("UPDATE station SET public = ? WHERE station = ?", (public, station.station))
        except sqlite3.IntegrityError as error:
            raise _key_in_use() from error

    def decide(self, station: str, state: Literal["approved", "refused"], by_whom: str, at_ms: int) -> None:
        """Approve a station, or refuse it. Raises HeadOfficeError when nobody by that id has asked."""
        if self.station(station) is None:
            raise HeadOfficeError(
                "station-unknown", 404, Words("no station {id} has asked", "没有工位 {id} 的申请").fill(id=station)
            )
        self.db.execute("UPDATE station SET state = ? WHERE station = ?", (state, station))
        self.db.execute(
            "INSERT INTO decision (station, state, by_whom, at_ms) VALUES (?, ?, ?, ?)",
            (station, state, by_whom, at_ms),
        )

    # --- inside a transaction: records ---

    def link(self, station: str, seq: int) -> Link | None:
        """What is known of one place in a station's ledger."""
        rows = self.db.query("SELECT seq, digest, chain, state FROM link WHERE station = ? AND seq = ?", (station, seq))
        return next((Link(**row) for row in rows), None)

    def put_link(self, station: str, link: Link) -> None:
        """Write the link, or the new state of a link that was refused."""
        self.db.execute(
            "INSERT INTO link (station, seq, digest, chain, state) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (station, seq) DO UPDATE SET state = excluded.state",
            (station, link.seq, link.digest, link.chain, link.state),
        )

    def advance(self, station: Station) -> tuple[Station, Link | None]:
        """Size, chain and Merkle tree carried over all links that follow without a gap and with the right chain.

        Gives the station as it stands then (`save_progress` writes it), and the link that follows with a wrong chain:
        a record from behind a gap that continues another history. The gap stays open before it.
        """
        frontier, chain = Frontier(station.size, station.peaks), station.chain
        while (link := self.link(station.station, frontier.size + 1)) and link.chain == chain_after(chain, link.digest):
            frontier.add(link.digest)
            chain = link.chain
        return replace(station, size=frontier.size, chain=chain, peaks=frontier.peaks), link

    def save_progress(self, station: Station) -> None:
        """Write how far the station's ledger is here."""
        self.db.execute(
            "UPDATE station SET size = ?, chain = ?, peaks = ? WHERE station = ?",
            (station.size, station.chain, json.dumps(station.peaks), station.station),
        )

    def add_record(
        self, station: Station, seq: int, digest: str, kind: str, ticket: str | None, at_ms: int, envelope: bytes
    ) -> None:
        """Store a good record."""
        self.db.execute(
            "INSERT INTO record (station, seq, digest, kind, shop, ticket, received_ms, envelope)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (station.station, seq, digest, kind, station.shop, ticket, at_ms, envelope),
        )

    def set_aside(
        self, table: Literal["refusal", "quarantine"], station: str, seq: int, digest: str, why: Words, at_ms: int,
        envelope: bytes,
    ) -> None:  # fmt: skip
        """Keep what was not taken, once, with its reason."""
        self.db.execute(
            f"INSERT OR IGNORE INTO {table} (station, seq, digest, why, received_ms, envelope)"  # noqa: S608 - two names
            " VALUES (?, ?, ?, ?, ?, ?)",
            (station, seq, digest, json.dumps(why._asdict(), ensure_ascii=False), at_ms, envelope),
        )

    def envelope(self, station: str, seq: int) -> bytes | None:
        """The stored or refused envelope at one place."""
        rows = self.db.execute(
            "SELECT envelope FROM record WHERE station = ? AND seq = ?"
            " UNION ALL SELECT r.envelope FROM refusal r JOIN link l USING (station, seq, digest)"
            " WHERE station = ? AND seq = ? LIMIT 1",
            (station, seq, station, seq),
        )
        return next((bytes(envelope) for (envelope,) in rows), None)

    def key_events(self, station: str, before: int) -> list[bytes]:
        """The station's key events after its enrolment and before a place, in ledger order."""
        rows = self.db.execute(
            "SELECT envelope FROM record WHERE station = ? AND kind IN (?, ?) AND seq > 1 AND seq < ? ORDER BY seq",
            (station, *ROSTER_KINDS, before),
        )
        return [bytes(envelope) for (envelope,) in rows]

    def ticket(self, station: str, ticket: str, up_to: int) -> list[Stored]:
        """The station's own records of a ticket up to a place, in ledger order."""
        where = "station = ? AND ticket = ? AND seq <= ? ORDER BY seq"
        return self._stored(where, (station, ticket, up_to))

    def bundles(self, station: str, after: int, up_to: int) -> list[Stored]:
        """What the station said of bundles that it took in, after a place and up to another."""
        where = "station = ? AND kind = 'bundle/v1' AND seq > ? AND seq <= ? ORDER BY seq"
        return self._stored(where, (station, after, up_to))

    def of_shop(self, shop: str, digest: str) -> Stored | None:
        """A record of any station of the shop; None when it is not here."""
        return next(iter(self._stored("digest = ? AND shop = ? LIMIT 1", (digest, shop))), None)

    def _stored(self, where: str, values: tuple[Any, ...]) -> list[Stored]:
        query = f"SELECT station, seq, digest, received_ms, envelope FROM record WHERE {where}"  # noqa: S608 - ours
        return [
            Stored(station, seq, digest, at_ms, bytes(envelope))
            for station, seq, digest, at_ms, envelope in self.db.execute(query, values)
        ]

    def add_release(self, station: str, seq: int, ticket: str, decision: str, reasons: list[Words], at_ms: int) -> None:
        """What the release rules said when the record came."""
        said = json.dumps([reason._asdict() for reason in reasons], ensure_ascii=False)
        self.db.execute(
            "INSERT INTO release (station, seq, ticket, decision, reasons, checked_ms) VALUES (?, ?, ?, ?, ?, ?)",
            (station, seq, ticket, decision, said, at_ms),
        )

    def put_off(self, one: Unjudged, why: Words, awaited: Iterable[str], at_ms: int) -> None:
        """Remember that a release is not judged yet, why, and what it waits for (digests, or station names)."""
        said = json.dumps(why._asdict(), ensure_ascii=False)
        self.db.execute(
            "INSERT INTO unjudged (station, seq, ticket, why, since_ms) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (station, seq) DO UPDATE SET why = excluded.why",
            (one.station, one.seq, one.ticket, said, at_ms),
        )
        self.db.execute("DELETE FROM awaited WHERE station = ? AND seq = ?", (one.station, one.seq))
        rows = [(what, one.station, one.seq) for what in sorted(set(awaited))]
        self.db.conn.executemany("INSERT INTO awaited (what, station, seq) VALUES (?, ?, ?)", rows)

    def settle(self, one: Unjudged) -> None:
        """The release was judged: nothing waits any more."""
        self.db.execute("DELETE FROM unjudged WHERE station = ? AND seq = ?", (one.station, one.seq))

    def waiting_for(self, what: Iterable[str]) -> list[Unjudged]:
        """The releases that wait for any of these digests or stations."""
        if self.db.execute("SELECT 1 FROM awaited LIMIT 1").fetchone() is None:
            return []
        found = [
            Unjudged(*row)
            for each in what
            for row in self.db.execute(
                "SELECT station, seq, ticket FROM awaited JOIN unjudged USING (station, seq) WHERE what = ?", (each,)
            )
        ]
        return list(dict.fromkeys(found))

    def unjudged(self, limit: int = 200) -> list[dict[str, Any]]:
        """The releases that are not judged yet, the oldest first: station, seq, ticket, since_ms, why (en, zh)."""
        rows = self.db.query(
            "SELECT station, seq, ticket, since_ms, why FROM unjudged ORDER BY since_ms, station, seq LIMIT ?", (limit,)
        )
        return [{**row, "why": json.loads(row["why"])} for row in rows]

    def allow_checklist(self, sha256: str, name: str, version: int, by_whom: str, at_ms: int) -> None:
        """Let releases stand on runs of this checklist from now on; saying it again changes nothing."""
        row = (sha256, name, version, at_ms, by_whom)
        self.db.execute("INSERT OR IGNORE INTO checklist VALUES (?, ?, ?, ?, ?)", row)

    def allowed_checklists(self) -> frozenset[str]:
        """SHA-256 of every allowed checklist; empty where head office has not said any."""
        return frozenset(row[0] for row in self.db.execute("SELECT sha256 FROM checklist"))

    def add_receipt(self, digest: str, station: str, at_ms: int, envelope: bytes) -> None:
        """Keep a receipt that is about to leave; the same answer in the same millisecond is the same receipt."""
        self.db.execute(
            "INSERT OR IGNORE INTO receipt (digest, station, received_ms, envelope) VALUES (?, ?, ?, ?)",
            (digest, station, at_ms, envelope),
        )

    # --- reading ---

    def rows(self, after: tuple[str, int] = ("", 0), limit: int = 1000) -> list[dict[str, Any]]:
        """Stored records as rows without their content, by station and seq."""
        return list(
            self.db.query(
                "SELECT station, seq, digest, kind, shop, ticket, received_ms,"
                " coalesce(decision, CASE WHEN why IS NOT NULL THEN 'not-judged-yet' END) AS release FROM record"
                " LEFT JOIN release USING (station, seq, ticket) LEFT JOIN unjudged USING (station, seq, ticket)"
                " WHERE (station, seq) > (?, ?)"
                " ORDER BY station, seq LIMIT ?",
                (*after, limit),
            )
        )

    def counts(self) -> dict[str, Any]:
        """How much there is of everything: stations by state, records by kind, releases by decision, set aside."""

        def by(column: str, table: str) -> dict[str, int]:
            rows = self.db.execute(f"SELECT {column}, count(*) FROM {table} GROUP BY 1 ORDER BY 1")  # noqa: S608
            return {str(name): int(count) for name, count in rows}

        return {
            "stations": by("state", "station"),
            "records": by("kind", "record"),
            "releases": by("decision", "release"),
            "unjudged": self.db.table("unjudged").count,
            "refused": self.db.table("link").count_where("state = 'refused'"),
            "quarantined": self.db.table("quarantine").count,
        }
