"""The ledger's tables, chain, heads and receipts, and each trap of the store by name."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records_builder import SOFTWARE, Case, HeadOffice, Shop, acknowledge, good_case, open_ledger, store
from sqlite_utils import Database

from reports.attest import open_record
from reports.ledger import (
    Frontier,
    LedgerError,
    add_receipt,
    append,
    chain_after,
    check_schema,
    create_ledger,
    envelope_of,
    envelopes_of,
    frontier_of,
    last_link,
    last_receipt,
    receipt_times,
    roster_of,
    seal_head,
)
from reports.record import RecordError, digest_of
from reports.roster import Roster, RosterError

TABLES = ("record", "signature", "head", "receipt", "acknowledged")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    opened = open_ledger(tmp_path / "assay.db")
    yield opened
    opened.close()


@pytest.fixture
def filled(db: Database) -> tuple[Database, Case, HeadOffice]:
    case, office = good_case(), HeadOffice()
    store(db, *case.shop.events, *case.envelopes)
    acknowledge(db, case.shop, office)
    return db, case, office


# --- chain and links ---


def test_records_are_linked_and_chained_as_specified(db: Database) -> None:
    case = good_case()
    stored = [*case.shop.events, *case.envelopes]
    store(db, *stored)
    chain, prev = b"", None
    for seq, envelope in enumerate(stored, 1):
        digest = hashlib.sha256(envelope).digest()
        chain = hashlib.sha256(b"\x01" + chain + digest).digest() if chain else digest
        row = next(db["record"].rows_where("seq = ?", [seq]))
        record = open_record(envelope)
        assert row["envelope"] == envelope
        assert (row["digest"], row["prev"], row["chain"]) == (digest.hex(), prev, chain.hex())
        assert (row["kind"], row["ticket"]) == (record.kind, record.ticket)
        prev = digest.hex()
    link = last_link(db)
    assert link
    assert (link.seq, link.chain) == (len(stored), chain.hex())


def test_the_chain_starts_with_the_digest_of_the_enrolment() -> None:
    assert chain_after(None, "a" * 64) == "a" * 64
    both = b"\x01" + bytes.fromhex("a" * 64 + "b" * 64)
    assert chain_after("a" * 64, "b" * 64) == hashlib.sha256(both).hexdigest()


def test_what_was_stored_is_found_again(filled: tuple[Database, Case, HeadOffice]) -> None:
    db, case, _ = filled
    assert envelopes_of(db, "T-0001") == case.envelopes
    assert envelopes_of(db, "T-0002") == []
    assert envelope_of(db, digest_of(case.envelopes[0])) == case.envelopes[0]
    assert envelope_of(db, "0" * 64) is None
    assert roster_of(db).persons == case.shop.roster.persons
    assert last_receipt(db) == case.shop.anchor
    assert set(receipt_times(db, "T-0001")) == {digest_of(envelope) for envelope in case.envelopes}


# --- what append refuses ---


def refused(db: Database, envelope: bytes, match: str, roster: Roster | None = None) -> None:
    db.execute("BEGIN IMMEDIATE")
    before = last_link(db)
    with pytest.raises(RecordError, match=match):
        append(db, envelope, roster=roster)
    assert last_link(db) == before
    db.execute("ROLLBACK")


def test_a_record_is_only_added_inside_an_open_transaction(db: Database) -> None:
    with pytest.raises(LedgerError, match="inside a transaction"):
        append(db, Shop().events[0])
    assert db["record"].count == 0


def test_the_first_record_must_enrol_the_station(db: Database) -> None:
    shop = Shop()
    refused(db, shop.intake(), "enrol the station")
    refused(db, shop.events[1], "enrol the station")


def test_heads_receipts_unknown_kinds_duplicates_and_garbage_are_not_kept(db: Database) -> None:
    shop, office = Shop(), HeadOffice()
    store(db, *shop.events)
    intake = shop.intake()
    store(db, intake)
    refused(db, intake, "append-only")
    refused(db, office.receipt(shop, [(1, "a" * 64)], None), "not kept")
    refused(db, b"garbage", "JSON")
    from reports.attest import sign_envelope

    payload = open_record(intake).envelope.payload.replace(b"urn:assay:intake/v1", b"urn:assay:intake/v9")
    refused(db, sign_envelope(payload, [shop.keys["bench-1"]]), "not kept")


def test_with_a_roster_a_record_that_verification_would_call_wrong_is_refused(db: Database) -> None:
    shop = Shop()
    store(db, *shop.events)
    roster = roster_of(db)
    stranger = Shop()
    refused(db, stranger.intake(), "unknown key", roster)
    refused(db, shop.enrolment("thief", ("lead",), "wang"), "not signed by those", roster)
    db.execute("BEGIN IMMEDIATE")
    append(db, shop.intake(), roster=roster)
    db.execute("COMMIT")
    with pytest.raises(RosterError):
        roster.check(open_record(stranger.intake()))


def test_nothing_of_a_rolled_back_transaction_stays(db: Database) -> None:
    shop = Shop()
    store(db, *shop.events)
    before = [db[table].count for table in TABLES]
    db.execute("BEGIN IMMEDIATE")
    append(db, shop.intake())
    made = shop.made()
    seal_head(
        db,
        shop.keys["bench-1"],
        shop="shop-1",
        station="bench-1",
        simulated=True,
        clock=made["clock"],
        software=SOFTWARE,
    )
    db.execute("ROLLBACK")
    assert [db[table].count for table in TABLES] == before


# --- the Merkle head (RFC 6962) ---


def rfc_6962(leaves: list[bytes]) -> bytes:
    """The definition of section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + rfc_6962(leaves[:k]) + rfc_6962(leaves[k:])).digest()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70), st.integers(0, 70))
def test_the_frontier_is_the_tree_of_rfc_6962_also_after_it_was_stored(leaves: list[bytes], cut: int) -> None:
    whole, resumed = Frontier(), Frontier()
    for leaf in leaves[:cut]:
        resumed.add(leaf.hex())
    resumed = Frontier(resumed.size, resumed.peaks)
    for leaf in leaves[cut:]:
        resumed.add(leaf.hex())
    for leaf in leaves:
        whole.add(leaf.hex())
    assert whole.root == rfc_6962(leaves).hex()
    assert (resumed.size, resumed.peaks) == (whole.size, whole.peaks)


def test_peaks_that_do_not_fit_the_size_are_refused() -> None:
    with pytest.raises(LedgerError):
        Frontier(3, ["a" * 64])


def test_a_head_covers_everything_is_sealed_once_and_continues_from_the_last(db: Database) -> None:
    shop, office = Shop(), HeadOffice()
    store(db, *shop.events)
    acknowledge(db, shop, office)
    store(db, shop.intake())
    frontier = frontier_of(db)
    digests = [digest for (digest,) in db.execute("SELECT digest FROM record ORDER BY seq")]
    assert frontier.root == rfc_6962([bytes.fromhex(digest) for digest in digests]).hex()
    db.execute("BEGIN IMMEDIATE")
    arguments = {
        "shop": "shop-1",
        "station": "bench-1",
        "simulated": True,
        "clock": shop.clock(),
        "software": SOFTWARE,
    }
    first = seal_head(db, shop.keys["bench-1"], **arguments)  # type: ignore[arg-type]
    again = seal_head(db, shop.keys["bench-1"], **arguments)  # type: ignore[arg-type]
    db.execute("COMMIT")
    assert first == again
    assert db["head"].count == 2


def test_an_empty_ledger_has_no_head(db: Database) -> None:
    shop = Shop()
    db.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError, match="empty"):
        seal_head(
            db,
            shop.keys["bench-1"],
            shop="s",
            station="b",
            simulated=True,
            clock=shop.clock(),
            software=SOFTWARE,
        )


def test_a_receipt_is_stored_once_and_only_in_a_transaction(db: Database) -> None:
    shop, office = Shop(), HeadOffice()
    receipt = office.receipt(shop, [(1, "a" * 64)], None)
    with pytest.raises(LedgerError, match="inside a transaction"):
        add_receipt(db, receipt)
    db.execute("BEGIN IMMEDIATE")
    assert add_receipt(db, receipt) == 1
    assert add_receipt(db, receipt) == 1
    assert add_receipt(db, office.receipt(shop, [(2, "b" * 64)], None)) == 2
    with pytest.raises(LedgerError, match="not a receipt"):
        add_receipt(db, shop.intake())


# --- the traps of the store ---


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("recursive", [0, 1])
def test_no_row_can_be_updated_deleted_or_replaced(
    filled: tuple[Database, Case, HeadOffice], table: str, recursive: int
) -> None:
    """`INSERT OR REPLACE` passes a delete trigger unless recursive_triggers is on; a guard on insert stops it."""
    db, _, _ = filled
    db.execute(f"PRAGMA recursive_triggers = {recursive}")
    columns = list(db[table].columns_dict)
    before = list(db[table].rows)
    for sql in (
        f"UPDATE {table} SET {columns[0]} = {columns[0]}",
        f"DELETE FROM {table}",
        f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1",
        f"INSERT OR IGNORE INTO {table} SELECT * FROM {table} LIMIT 1",
    ):
        with pytest.raises(sqlite3.IntegrityError, match=r"append-only|no gaps"):
            db.execute(sql)
    assert list(db[table].rows) == before


def test_sqlite_utils_upsert_and_replace_are_stopped_too(filled: tuple[Database, Case, HeadOffice]) -> None:
    db, _, _ = filled
    row = next(iter(db["record"].rows))
    for write in (
        lambda: db["record"].insert({**row, "kind": "x"}, replace=True),
        lambda: db["record"].upsert({**row, "kind": "x"}, pk="seq"),
        lambda: db["record"].update(1, {"kind": "x"}),
        lambda: db["record"].delete(1),
        lambda: db["record"].insert({**row, "seq": 999, "prev": "0" * 64, "digest": "0" * 64}),
        lambda: db["record"].insert({**row, "seq": None, "digest": row["digest"]}, replace=True),
    ):
        with pytest.raises((sqlite3.IntegrityError, sqlite3.OperationalError)):
            write()
    assert next(iter(db["record"].rows)) == row


def test_transform_drops_the_triggers_in_silence_and_the_schema_check_notices(
    filled: tuple[Database, Case, HeadOffice],
) -> None:
    db, _, _ = filled
    check_schema(db)
    db.execute("PRAGMA foreign_keys = OFF")
    db["receipt"].transform(rename={"received_ms": "received_ms"}, drop=set())
    with pytest.raises(LedgerError, match="receipt"):
        check_schema(db)


@pytest.mark.parametrize("table", TABLES)
def test_a_missing_trigger_or_a_changed_table_is_noticed(filled: tuple[Database, Case, HeadOffice], table: str) -> None:
    db, _, _ = filled
    db.execute(f"DROP TRIGGER {table}_no_delete")
    with pytest.raises(LedgerError, match=f"{table}_no_delete"):
        check_schema(db)


def test_making_the_ledger_again_changes_nothing(filled: tuple[Database, Case, HeadOffice]) -> None:
    db, _, _ = filled
    before = db.schema
    create_ledger(db)
    assert db.schema == before
    check_schema(db)


def test_receipts_from_before_the_index_are_indexed_when_the_ledger_is_brought_up(
    filled: tuple[Database, Case, HeadOffice],
) -> None:
    db, _, _ = filled
    before = list(db["acknowledged"].rows)
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("DROP TABLE acknowledged")
    db.execute("DELETE FROM _sqlite_migrations WHERE name = 'acknowledged_records'")
    create_ledger(db)
    assert list(db["acknowledged"].rows) == before != []
    check_schema(db)


def test_insert_returning_through_execute_is_not_committed(tmp_path: Path) -> None:
    """Why `append` never uses it: the row is gone with the connection."""
    path = tmp_path / "plain.db"
    db = Database(path)
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT) STRICT")
    db.execute("INSERT INTO t (v) VALUES ('x') RETURNING id").fetchall()
    db.conn.close()
    assert Database(path)["t"].count == 0
    import reports.ledger

    assert "RETURNING" not in Path(reports.ledger.__file__).read_text()


def test_foreign_keys_are_off_by_default_and_hold_when_on(filled: tuple[Database, Case, HeadOffice]) -> None:
    db, _, _ = filled
    assert sqlite3.connect(":memory:").execute("PRAGMA foreign_keys").fetchone() == (0,)
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        db.execute("INSERT INTO signature (seq, key_id) VALUES (9999, ?)", ("a" * 64,))


def test_a_deferred_begin_is_refused_a_second_writer_and_an_immediate_one_waits(tmp_path: Path) -> None:
    """Read then write in a deferred transaction fails at once when another wrote in between; immediate ones do not."""
    path, shop = tmp_path / "assay.db", Shop()
    first, second = open_ledger(path), open_ledger(path)
    first.execute("PRAGMA journal_mode = WAL")
    store(first, *shop.events)
    first.execute("BEGIN")
    assert last_link(first)
    store(second, shop.intake())
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        append(first, shop.intake())
    first.execute("ROLLBACK")
    store(first, shop.intake())
    assert first["record"].count == len(shop.events) + 2
    first.close()
    second.close()


def test_text_in_a_number_and_a_short_digest_are_refused_by_strict_tables(db: Database) -> None:
    columns = "(seq, digest, prev, chain, kind, wall_ms, mono_ms, boot_id, clock, envelope)"
    good = [1, "a" * 64, None, "a" * 64, "k", 1, 1, "b", "anchored", b"x"]
    for place, wrong in ((5, "soon"), (1, "a" * 63), (2, "a" * 64), (0, 2), (9, "text")):
        row = [*good[:place], wrong, *good[place + 1 :]]
        with pytest.raises(sqlite3.IntegrityError):
            db.execute(f"INSERT INTO record {columns} VALUES ({','.join('?' * 10)})", row)
