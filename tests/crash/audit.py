"""What is left of a bench after a crash, held against what its people were told and had asked for.

Reads the data file as it lies there. It stands on the public verifier and on plain SQL, not on the code that wrote.
"""

from __future__ import annotations

import collections
import contextlib
import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reports.attest import open_record
from reports.verify import verify_ledger
from station.journal import load
from station.session import fold
from station.store import Store
from tests.crash.clerk import GONE, Book

__all__ = ["Findings", "audit", "dishonest", "unfit_refusals"]

#: Refusals that would not be in words, or would blame the wrong side.
_NEVER = ("engine.bug", "store.busy", "store.closed", "call.form")


@dataclass
class Findings:
    """What was found.

    Attributes:
        kept: records that were told of and are there.
        lost: marks that were told of and are not there, or not as told.
        invented: records that nobody asked for, or that are there twice.
        unwanted: records that are there although they were refused.
        wrong: everything else: a ledger that does not verify, rows without their record.
    """

    kept: int = 0
    records: int = 0
    lost: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is lost, invented or half-written."""
        return not (self.lost or self.invented or self.wrong)


def audit(data: Path, book: Book, root: bytes | None = None) -> Findings:
    """Hold the data file against the book."""
    found, path = Findings(), data / "assay.db"
    report = verify_ledger(path, root)
    found.wrong += [f"{problem.what} {problem.seq}: {problem.why.en}" for problem in report.problems]
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            db.execute("BEGIN")
            _file(db, found)
            _against(db, book, found)
            _together(db, found)
    except sqlite3.Error as error:  # whole tables are gone, or it is no database any more
        found.wrong.append(f"can't be read: {error}")
        found.lost = found.lost or [f"{mark} {digest[:12]}" for mark, digest in book.told.items()]
    return found


def _file(db: sqlite3.Connection, found: Findings) -> None:
    found.wrong += [f"integrity: {row[0]}" for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
    found.wrong += [f"foreign key: {row}" for row in db.execute("PRAGMA foreign_key_check")]


def _together(db: sqlite3.Connection, found: Findings) -> None:
    """A record, its outbox row, its event and its ticket are all there, or none of them."""

    def column(sql: str) -> collections.Counter[Any]:
        return collections.Counter(row[0] for row in db.execute(sql))

    pairs = {
        "outbox": (
            column("SELECT seq || ' ' || digest FROM record"),
            column("SELECT seq || ' ' || digest FROM outbox"),
        ),
        "journal": (
            column("SELECT digest FROM record WHERE ticket IS NOT NULL"),
            column("SELECT json_extract(body, '$.digest') FROM journal WHERE kind = 'sealed' AND ticket != ''"),
        ),
        "ticket": (
            column("SELECT ticket FROM record WHERE kind = 'intake/v1'"),
            column("SELECT ticket FROM ticket"),
        ),
        "receipt": (
            column("SELECT DISTINCT o.receipt FROM outbox o WHERE receipt IS NOT NULL"),
            column("SELECT digest FROM receipt WHERE digest IN (SELECT receipt FROM outbox)"),
        ),
    }
    for name, (here, there) in pairs.items():
        if here != there:
            found.wrong.append(f"{name}: {list((here - there) + (there - here))[:3]} on one side only")


def _against(db: sqlite3.Connection, book: Book, found: Findings) -> None:
    digests: dict[str, list[str]] = collections.defaultdict(list)
    for digest, envelope in db.execute("SELECT digest, envelope FROM record WHERE ticket IS NOT NULL ORDER BY seq"):
        record = open_record(bytes(envelope))
        mark = _mark_of(record.statement.predicate)
        found.records += 1
        digests[mark].append(digest)
        if book.asked.get(mark) != record.kind:
            found.invented.append(f"{record.kind} {mark} {digest[:12]}")
    found.invented += [f"{mark} {len(these)} times" for mark, these in digests.items() if len(these) > 1]
    found.lost += [f"{mark} {digest[:12]}" for mark, digest in book.told.items() if digest not in digests[mark]]
    found.kept = len(book.told) - len(found.lost)
    refused = {mark for mark, _ in book.refused} - set(book.told)
    found.unwanted += [mark for mark in refused if digests[mark]]


def _mark_of(predicate: Any) -> str:
    """The mark that who asked for it put into the record; the run's id for a run."""
    for name in ("complaint", "note", "reason", "run"):
        if text := getattr(predicate, name, ""):
            return str(text)
    return ""


async def dishonest(data: Path) -> list[str]:
    """Attempts of a recovered bench that have no end, or a verdict without all of their measurements."""
    store = Store(data / "assay.db")
    try:
        events = await store.read(load)
    finally:
        store.close()
    found = []
    for scope in {each.ticket or each.run for each in events} - {""}:
        for run in fold(each for each in events if (each.ticket or each.run) == scope).runs.values():
            found += [f"{run.id} is still open"] if run.active else []
            for attempt in run.attempts:
                ended = attempt.ended
                measured = len(attempt.measured)
                if ended is None:
                    found.append(f"{attempt.id} has no end")
                elif ended.ending.value != "completed" and ended.verdict.value != "none":
                    found.append(f"{attempt.id} is {ended.verdict.value} though {ended.ending.value}")
                elif ended.ending.value == "completed" and measured != (12 if attempt.check == "steps" else 1):
                    found.append(f"{attempt.id} is completed with {measured} measurements")
    return found


def unfit_refusals(book: Book) -> list[str]:
    """Refusals that a person could do nothing with."""
    found = []
    for mark, trouble in book.refused:
        words = (trouble.what.en, trouble.what.zh, trouble.next_step.en, trouble.next_step.zh)
        if trouble.code in (*_NEVER, GONE) or not all(text.strip() for text in words):
            found.append(f"{mark}: {trouble.code} {json.dumps(words, ensure_ascii=False)}")
    return found
