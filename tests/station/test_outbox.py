"""The outbox as rows beside the ledger: made with their record, shown as they are, put back in line when asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from drivers.api import Side
from drivers.text import Words
from reports.ledger import append
from station.errors import Trouble
from station.outbox import OUTBOX, enqueue, outbox_view, wait_again
from tests.reports.records_builder import Shop, open_ledger


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = open_ledger(tmp_path / "assay.db")
    OUTBOX.apply(database)
    yield database
    database.close()


def fill(db: Database, shop: Shop) -> None:
    db.execute("BEGIN IMMEDIATE")
    for envelope in (*shop.events, shop.intake()):
        link = append(db, envelope)
        enqueue(db, link.seq, link.digest)
    db.execute("COMMIT")


def test_a_row_is_made_only_in_the_transaction_of_its_record(db: Database) -> None:
    with pytest.raises(ValueError, match="own transaction"):
        enqueue(db, 1, "0" * 64)


def test_record_and_row_go_back_together(db: Database) -> None:
    shop = Shop()
    db.execute("BEGIN IMMEDIATE")
    link = append(db, shop.events[0])
    enqueue(db, link.seq, link.digest)
    db.execute("ROLLBACK")
    assert (db.table("record").count, db.table("outbox").count) == (0, 0)


def test_there_is_no_row_without_a_record_and_no_second_row(db: Database) -> None:
    fill(db, Shop())
    for seq in (3, 99):
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.IntegrityError):
            enqueue(db, seq, "0" * 64)
        db.execute("ROLLBACK")


def test_nothing_is_acknowledged_without_naming_its_receipt(db: Database) -> None:
    fill(db, Shop())
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("UPDATE outbox SET state = 'acknowledged'")
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("UPDATE outbox SET state = 'lost'")


def test_the_view_shows_first_what_needs_a_person(db: Database) -> None:
    shop = Shop()
    fill(db, shop)
    db.execute("UPDATE outbox SET state = 'rejected', reason_en = 'why', reason_zh = '原因' WHERE seq = 6")
    db.execute("UPDATE outbox SET state = 'quarantined' WHERE seq = 2")
    trouble = Trouble("upload.x", Words("away", "离线"), Side.HEAD_OFFICE, Words("wait", "等待"))
    view = outbox_view(db, "https://hq", trouble, next_ms=7, limit=4)
    assert [(row.seq, row.state) for row in view.rows] == [
        (2, "quarantined"),
        (6, "rejected"),
        (1, "waiting"),
        (3, "waiting"),
    ]
    assert (view.waiting, view.rejected, view.acknowledged, view.next_ms) == (4, 2, 0, 7)
    assert (view.trouble, view.next_step) == (Words("away", "离线"), Words("wait", "等待"))
    refused = view.rows[1]
    assert (refused.kind, refused.ticket, refused.reason) == ("intake/v1", shop.ticket, Words("why", "原因"))
    assert refused.bytes > 500
    assert view.rows[0].reason is None


def test_what_was_refused_waits_again_when_a_person_asks(db: Database) -> None:
    fill(db, Shop())
    db.execute("UPDATE outbox SET state = 'rejected', reason_en = 'why', reason_zh = '原因' WHERE seq = 6")
    db.execute("UPDATE outbox SET state = 'quarantined' WHERE seq = 2")
    wait_again(db)
    view = outbox_view(db, "")
    assert (view.waiting, view.rejected) == (5, 1)
